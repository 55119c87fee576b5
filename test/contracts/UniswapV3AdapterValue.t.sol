// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Exposure, ILiquidityAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {LiquidityMath} from "../../contracts/venues/uniswap-v3/LiquidityMath.sol";
import {TickMath} from "../../contracts/venues/uniswap-v3/TickMath.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {UniswapAdapterSetup} from "./support/UniswapAdapterSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title What a position of UniswapV3Adapter.sol is worth: at the oracle's price, and at no other
abstract contract UniswapV3AdapterValueTests is UniswapAdapterSetup {
    function testNothingIsWorthNothing() public view {
        (uint256 low, uint256 high) = adapter.valuation(_around(PRICE));
        require(low == 0 && high == 0 && adapter.valueAt(PRICE) == 0, "value");
        require(adapter.exposure(PRICE).gross == 0 && !adapter.exposure(PRICE).margined, "exposure");
    }

    function testFuzzValueIsThatOfTheLiquidityAtTheGivenPrice(uint256 price) public {
        price = bound(price, 100e18, 40_000e18);
        _set(2_000, 500_000e6);
        (int24 lower, int24 upper) = _rangeAround(PRICE, 2_000);
        uint256 value =
            LiquidityMath.valueAt(
                price,
                TickMath.sqrtRatioAtTick(lower),
                TickMath.sqrtRatioAtTick(upper),
                adapter.position().liquidity,
                pair
            ) + LiquidityMath.baseValue(adapter.position().idleBase, price, pair);
        require(isNear(adapter.valueAt(price), value, 2), "value");
        Exposure memory e = adapter.exposure(price);
        require(e.equity == adapter.valueAt(price), "equity");
        require(e.deltaMin == int256(e.gross) && e.deltaMax == e.deltaMin, "delta");
    }

    function testFuzzThePoolsPriceMovesNoValue(uint256 price) public {
        price = bound(price, 200e18, 20_000e18);
        _set(2_000, 500_000e6);
        uint256 value = adapter.valueAt(PRICE);
        _movePool(price);
        // The push pays fees, which only add.
        require(adapter.valueAt(PRICE) >= value, "lost value");
        require(adapter.valueAt(PRICE) - value <= 2_000e6, "gained more than fees");
    }

    function testFuzzTheLowSideCarriesTheCostOfUnwinding(uint256 price) public {
        price = bound(price, 1_000e18, 4_000e18);
        _set(2_000, 500_000e6);
        (uint256 low, uint256 high) = adapter.valuation(_around(price));
        uint256 lowPrice = (price * 995) / 1_000;
        uint256 cost =
            (LiquidityMath.baseValue(adapter.exposure(lowPrice).gross, lowPrice, pair) * UNWIND_COST_BPS) / 10_000;
        require(isNear(low, adapter.valueAt(lowPrice) - cost, 2), "low");
        require(high == adapter.valueAt((price * 1_005) / 1_000), "high");
        require(low <= high, "order");
    }

    function testFuzzFeesAreSeenBeforeTheyAreCollectedWhereverThePriceIs(uint256 price) public {
        price = bound(price, 500e18, 8_000e18);
        _set(2_000, 500_000e6);
        trader.flow(20_000_000e6, 2);
        // Below, inside and above the range fee growth is reckoned from other sides.
        _movePool(price);
        (uint256 feesBase, uint256 feesAsset) = (adapter.position().feesBase, adapter.position().feesAsset);
        uint256 idle = adapter.position().idleBase;
        uint256 poolPrice = _priceAt(pool.slot0().sqrtPriceX96);
        uint256 held = adapter.exposure(poolPrice).gross;
        uint256 value = adapter.valueAt(poolPrice);
        uint256 cashBefore = box.cash();

        vm.expectEmit(address(adapter));
        emit ILiquidityAdapter.FeesCollected(feesBase, feesAsset);
        adapter.burnLiquidity();

        require(adapter.position().idleBase - idle >= feesBase, "base fees");
        require(isNear(adapter.position().idleBase, held, 1e13), "base");
        uint256 brought = box.cash() - cashBefore;
        require(brought >= feesAsset, "asset fees");
        require(isNear(adapter.valueAt(poolPrice) + brought, value, value / 1e6 + 10), "value");
    }

    function testTicksNoPoolHas() public {
        vm.expectRevert(abi.encodeWithSelector(TickMath.TickOutOfRange.selector, int24(887_273)));
        this.sqrtRatioAtTick(887_273);
        vm.expectRevert(abi.encodeWithSelector(TickMath.TickOutOfRange.selector, int24(-887_273)));
        this.sqrtRatioAtTick(-887_273);
        // v3-core's own MIN_SQRT_RATIO and MAX_SQRT_RATIO.
        require(this.sqrtRatioAtTick(-887_272) == 4295128739, "least");
        require(this.sqrtRatioAtTick(887_272) == 1461446703485210103287273052203988822378723970342, "greatest");
    }

    function sqrtRatioAtTick(int24 tick) external pure returns (uint160) {
        return TickMath.sqrtRatioAtTick(tick);
    }
}

contract UniswapV3AdapterValueBaseFirstTest is UniswapV3AdapterValueTests {
    function setUp() public {
        _setUpAdapter(true);
    }
}

contract UniswapV3AdapterValueAssetFirstTest is UniswapV3AdapterValueTests {
    function setUp() public {
        _setUpAdapter(false);
    }
}
