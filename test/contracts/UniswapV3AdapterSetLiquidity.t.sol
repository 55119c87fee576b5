// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ILiquidityAdapter, IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {LiquidityMath} from "../../contracts/venues/uniswap-v3/LiquidityMath.sol";
import {TickMath} from "../../contracts/venues/uniswap-v3/TickMath.sol";
import {UniswapV3Adapter} from "../../contracts/venues/uniswap-v3/UniswapV3Adapter.sol";
import {CashBox} from "../../deploy/devnet/contracts/CashBox.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {UniswapAdapterSetup} from "./support/UniswapAdapterSetup.sol";
import {IPoolInitializer} from "./support/UniswapVenue.sol";
import {vm} from "./support/Vm.sol";

/// @title Opening, moving and closing a position in a real pool, in either order of its tokens
abstract contract UniswapV3AdapterSetLiquidityTests is UniswapAdapterSetup {
    // ---- refusals ----

    function testIsRestricted() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.setLiquidity(-10, 10, 1e6, _around(PRICE));
    }

    function testOnlyThePoolCallsBack() public {
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Adapter.NotThePool.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.uniswapV3SwapCallback(1, 1, "");
    }

    function testRangesNoPoolHas() public {
        _refuseRange(100, 100);
        _refuseRange(110, 100);
        _refuseRange(-887_280, 100);
        _refuseRange(-100, 887_280);
        _refuseRange(-101, 100);
        _refuseRange(-100, 101);
    }

    function testWidestRangeAPoolHas() public {
        adapter.setLiquidity(-887_270, 887_270, 1_000e6, _around(PRICE));
        require(adapter.position().tickLower == -887_270 && adapter.position().tickUpper == 887_270, "range");
    }

    function testNothingMovesWhileASliceIsAside() public {
        _set(1_000, 100_000e6);
        uint256 units = _setAside(1, 10);
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.SlicesAside.selector, units));
        _set(1_000, 0);
    }

    function testMoreThanTheVaultHas() public {
        (int24 lower, int24 upper) = _rangeBeside(false, 1_000);
        uint256 value = CASH + 100e6;
        try adapter.setLiquidity(lower, upper, value, _around(PRICE)) {
            revert("minted with money nobody has");
        } catch (bytes memory reason) {
            require(bytes4(reason) == CashBox.InsufficientCash.selector, "another reason");
        }
    }

    function testMintsNothingWithThePoolOutsideTheGate() public {
        (int24 lower, int24 upper) = _rangeAround(PRICE, 1_000);
        for (uint256 price = 1_979e18; price <= 2_021e18; price += 42e18) {
            _movePool(price);
            bytes memory reason = _outsideGate(pool.slot0().sqrtPriceX96);
            vm.expectRevert(reason);
            adapter.setLiquidity(lower, upper, 100_000e6, _around(PRICE));
        }
    }

    function testMintsWithThePoolJustInsideTheGate() public {
        _movePool(1_980e18 + 1e16);
        _set(1_000, 100_000e6);
        require(adapter.position().liquidity != 0, "below");
        _set(1_000, 0);
        _movePool(2_020e18 - 1e16);
        (int24 lower, int24 upper) = _rangeBeside(false, 1_000);
        adapter.setLiquidity(lower, upper, 100_000e6, _around(PRICE));
        require(adapter.position().liquidity != 0, "above");
    }

    function testBuysNothingAtTheEdgeOfTheGate() public {
        _movePool(2_020e18);
        (int24 lower, int24 upper) = _rangeAround(PRICE, 1_000);
        bytes memory reason = _outsideGate(pool.slot0().sqrtPriceX96);
        vm.expectRevert(reason);
        adapter.setLiquidity(lower, upper, 100_000e6, _around(PRICE));
    }

    function testAPurchaseMayNotPushThePoolThroughTheGate() public {
        (int24 lower, int24 upper) = _rangeBeside(true, 1_000);
        asset.mint(address(box), 90_000_000e6);
        box.fill();
        bytes memory reason = _outsideGate(LiquidityMath.toSqrtPriceX96(2_020e18, pair));
        vm.expectRevert(reason);
        adapter.setLiquidity(lower, upper, 50_000_000e6, _around(PRICE));
    }

    function testAnEmptyPoolSellsNothing() public {
        (address token0, address token1) = _sorted();
        IPoolInitializer(address(positionManager)).createAndInitializePoolIfNecessary(
            token0,
            token1,
            3_000,
            LiquidityMath.toSqrtPriceX96(PRICE, pair)
        );
        UniswapV3Adapter empty = _newAdapter(3_000, GATE_BPS, UNWIND_COST_BPS);
        int24 centre = (_tickAt(LiquidityMath.toSqrtPriceX96(PRICE, pair)) / 60) * 60;
        bytes memory reason = _outsideGate(LiquidityMath.toSqrtPriceX96(2_020e18, pair));
        vm.expectRevert(reason);
        empty.setLiquidity(centre - 600, centre + 600, 1_000e6, _around(PRICE));
    }

    // ---- opening ----

    function testFuzzMintsWhatTheValueIs(uint256 value, uint256 halfWidth) public {
        value = bound(value, 10e6, 1_000_000e6);
        halfWidth = bound(halfWidth, 2, 4_000);
        (int24 lower, int24 upper) = _rangeAround(PRICE, int24(int256(halfWidth * 10)));
        uint128 wanted = _liquidityFor(lower, upper, value);

        adapter.setLiquidity(lower, upper, value, _around(PRICE));

        ILiquidityAdapter.LiquidityPosition memory p = adapter.position();
        require(isNear(p.liquidity, wanted, wanted / 1e6 + 1e6), "liquidity");
        require(p.liquidity == positionManager.positions(p.tokenId).liquidity, "books and NFT differ");
        require(p.tickLower == lower && p.tickUpper == upper, "range");
        require(LiquidityMath.baseValue(p.idleBase, PRICE, pair) * 10_000 <= value, "base left idle");
        require(asset.balanceOf(address(adapter)) == 0, "asset kept");
        // The fee on the half that is bought, and its price impact.
        uint256 left = box.cash() + adapter.valueAt(PRICE);
        require(left <= CASH && left + (value * 30) / 10_000 + 10 >= CASH, "cost");
        require(box.cash() == asset.balanceOf(address(box)), "cash is not what is there");
    }

    function testARangeBelowThePriceIsAllAsset() public {
        (int24 lower, int24 upper) = _rangeBeside(false, 1_000);
        uint160 before = pool.slot0().sqrtPriceX96;
        adapter.setLiquidity(lower, upper, 100_000e6, _around(PRICE));
        require(pool.slot0().sqrtPriceX96 == before, "traded");
        require(isNear(box.cash(), CASH - 100_000e6, 10), "cash");
        require(adapter.exposure(PRICE).gross == 0, "delta");
    }

    function testARangeAboveThePriceIsAllBase() public {
        (int24 lower, int24 upper) = _rangeBeside(true, 1_000);
        adapter.setLiquidity(lower, upper, 100_000e6, _around(PRICE));
        // Bought without entering the range: 100,000 move the price by less than its distance.
        require(isNear(adapter.exposure(PRICE).gross, 50e18, 1e15), "delta");
    }

    function testBuysOnceMoreWhenDeeperLiquidityKeepsThePriceBack() public {
        // Beyond the next ticks the market is ten times as deep, so the first purchase moves the price less than reckoned
        // and leaves more base to be bought.
        (int24 deepLower, int24 deepUpper) = _rangeBeside(true, 400);
        _provide(POOL_MAKER, deepLower, deepUpper, 400_000_000e6, PRICE);
        (int24 lower, int24 upper) = _rangeAround(PRICE, 20_000);
        uint128 wanted = _liquidityFor(lower, upper, 9_000_000e6);
        adapter.setLiquidity(lower, upper, 9_000_000e6, _around(PRICE));
        require(isNear(adapter.position().liquidity, wanted, wanted / 1e6), "liquidity");
    }

    // ---- changing ----

    function testFuzzGrowsInPlace(uint256 from, uint256 to) public {
        from = bound(from, 10_000e6, 500_000e6);
        to = bound(to, from + 100e6, 1_000_000e6);
        _set(2_000, from);
        uint256 tokenId = adapter.position().tokenId;
        (int24 lower, int24 upper) = _rangeAround(PRICE, 2_000);
        uint128 wanted = _liquidityFor(lower, upper, to);
        _set(2_000, to);
        require(adapter.position().tokenId == tokenId, "another NFT");
        require(isNear(adapter.position().liquidity, wanted, wanted / 1e6), "liquidity");
        require(adapter.position().liquidity == positionManager.positions(tokenId).liquidity, "books");
        require(asset.balanceOf(address(adapter)) == 0, "asset kept");
    }

    function testFuzzShrinksInPlace(uint256 from, uint256 to) public {
        from = bound(from, 10_000e6, 1_000_000e6);
        to = bound(to, 10e6, from - 100e6);
        _set(2_000, from);
        uint256 tokenId = adapter.position().tokenId;
        uint256 cashBefore = box.cash();
        _set(2_000, to);
        (int24 lower, int24 upper) = _rangeAround(PRICE, 2_000);
        require(adapter.position().tokenId == tokenId, "another NFT");
        require(adapter.position().liquidity == _liquidityFor(lower, upper, to), "liquidity");
        // The base part is sold at a fee of 5 bps and a little impact.
        require(box.cash() + (from * 30) / 10_000 >= cashBefore + from - to, "handed back too little");
        require(box.cash() <= cashBefore + from - to + (from * 30) / 10_000, "handed back too much");
    }

    function testTheSameAgainCollectsTheFees() public {
        _set(2_000, 500_000e6);
        trader.flow(50_000_000e6, 4);
        ILiquidityAdapter.LiquidityPosition memory p = adapter.position();
        require(p.feesBase != 0 && p.feesAsset != 0, "no fees");
        uint128 liquidity = p.liquidity;
        uint256 value = LiquidityMath.valueAt(
            PRICE,
            TickMath.sqrtRatioAtTick(p.tickLower),
            TickMath.sqrtRatioAtTick(p.tickUpper),
            liquidity,
            pair
        );
        vm.expectEmit(address(adapter));
        emit ILiquidityAdapter.FeesCollected(p.feesBase, p.feesAsset);
        _set(2_000, value);
        require(isNear(adapter.position().liquidity, liquidity, liquidity / 1e6), "liquidity");
        require(adapter.position().feesBase == 0 && adapter.position().feesAsset == 0, "fees left");
    }

    function testMovesARangeThatRanOutIntoTheOneAboveWithoutCash() public {
        (int24 lower, int24 upper) = _rangeBeside(false, 1_000);
        adapter.setLiquidity(lower, upper, 500_000e6, _around(PRICE));
        uint256 old = adapter.position().tokenId;
        uint256 cashBefore = box.cash();
        (lower, upper) = _rangeBeside(true, 1_000);
        // Less than it is worth, so that its own asset pays for the base.
        adapter.setLiquidity(lower, upper, 490_000e6, _around(PRICE));
        require(box.cash() >= cashBefore, "drew cash");
        require(adapter.position().tokenId != old, "the same NFT");
        vm.expectRevert("Invalid token ID");
        positionManager.positions(old);
    }

    function testMovesBaseIntoTheRangeBelowBySellingIt() public {
        (int24 lower, int24 upper) = _rangeBeside(true, 1_000);
        adapter.setLiquidity(lower, upper, 500_000e6, _around(PRICE));
        (lower, upper) = _rangeBeside(false, 1_000);
        adapter.setLiquidity(lower, upper, 490_000e6, _around(PRICE));
        require(adapter.position().idleBase == 0, "base left");
        require(adapter.exposure(PRICE).gross < 1e15, "delta left");
        require(isNear(adapter.valueAt(PRICE), 490_000e6, 1_000e6), "value");
    }

    // ---- closing ----

    function testClosesNothing() public {
        vm.expectEmit(address(adapter));
        emit ILiquidityAdapter.LiquiditySet(0, 0, 0, 0);
        adapter.setLiquidity(0, 0, 0, _around(PRICE));
    }

    function testFuzzClosesAtTheCostOfSelling(uint256 value) public {
        value = bound(value, 10e6, 1_000_000e6);
        _set(2_000, value);
        uint256 tokenId = adapter.position().tokenId;
        // No range to speak of is needed.
        adapter.setLiquidity(7, -7, 0, _around(PRICE));
        require(adapter.valueAt(PRICE) == 0, "value left");
        require(adapter.position().tokenId == 0 && adapter.position().tickLower == 0, "position left");
        require(adapter.position().tickUpper == 0 && adapter.position().liquidity == 0, "books left");
        require(base.balanceOf(address(adapter)) == 0, "base left");
        require(box.cash() + (value * 60) / 10_000 + 10 >= CASH, "cost");
        vm.expectRevert("Invalid token ID");
        positionManager.positions(tokenId);
    }

    function testFuzzClosesWithThePoolAnywhereAndSellsLater(uint256 price) public {
        price = bound(price, 500e18, 8_000e18);
        vm.assume(price < 1_980e18 || price > 2_020e18);
        _set(1_000, 500_000e6);
        _movePool(price);
        _set(1_000, 0);
        uint256 idle = adapter.position().idleBase;
        require(pool.slot0().sqrtPriceX96 == LiquidityMath.toSqrtPriceX96(price, pair), "traded outside the gate");
        require(base.balanceOf(address(adapter)) == idle, "books");
        if (price < 1_900e18) require(idle != 0, "nothing kept");

        _movePool(PRICE);
        _set(1_000, 0);
        require(adapter.position().idleBase == 0, "not sold");
        require(adapter.valueAt(PRICE) == 0, "value left");
    }

    function testSellsNothingAtTheEdgeOfTheGate() public {
        _set(1_000, 500_000e6);
        _movePool(1_980e18);
        _set(1_000, 0);
        require(adapter.position().idleBase != 0, "sold at the edge");
        require(pool.slot0().sqrtPriceX96 == LiquidityMath.toSqrtPriceX96(1_980e18, pair), "moved");
    }

    function testSellsAsFarAsTheGate() public {
        _set(10_000, 9_000_000e6);
        _movePool(1_981e18);
        _set(10_000, 0);
        require(pool.slot0().sqrtPriceX96 == LiquidityMath.toSqrtPriceX96(1_980e18, pair), "not to the edge");
        require(adapter.position().idleBase != 0, "nothing left");
        require(asset.balanceOf(address(adapter)) == 0, "asset kept");
    }

    function testCountsNoGiftAndLeavesItInTheNft() public {
        _set(2_000, 100_000e6);
        ILiquidityAdapter.LiquidityPosition memory p = adapter.position();
        uint256 value = adapter.valueAt(PRICE);
        base.mint(address(adapter), 10e18);
        asset.mint(address(adapter), 1_000e6);
        _donateLiquidity(STRANGER, p.tokenId, 10e18, 20_000e6);
        require(adapter.position().liquidity == p.liquidity, "liquidity counted");
        require(adapter.valueAt(PRICE) == value, "value counted");

        _set(2_000, 0);
        require(positionManager.positions(p.tokenId).liquidity != 0, "the gift was taken");
        require(base.balanceOf(address(adapter)) == 10e18, "base");
        require(asset.balanceOf(address(adapter)) == 1_000e6, "asset");
    }

    // ---- inside ----

    function _refuseRange(int24 lower, int24 upper) private {
        vm.expectRevert(abi.encodeWithSelector(ILiquidityAdapter.InvalidRange.selector, lower, upper));
        adapter.setLiquidity(lower, upper, 1_000e6, _around(PRICE));
    }

    function _liquidityFor(int24 lower, int24 upper, uint256 value) private view returns (uint128) {
        return
            LiquidityMath.liquidityForValue(
                value,
                PRICE,
                TickMath.sqrtRatioAtTick(lower),
                TickMath.sqrtRatioAtTick(upper),
                pair
            );
    }
}

contract UniswapV3AdapterSetLiquidityBaseFirstTest is UniswapV3AdapterSetLiquidityTests {
    function setUp() public {
        _setUpAdapter(true);
    }
}

contract UniswapV3AdapterSetLiquidityAssetFirstTest is UniswapV3AdapterSetLiquidityTests {
    function setUp() public {
        _setUpAdapter(false);
    }
}
