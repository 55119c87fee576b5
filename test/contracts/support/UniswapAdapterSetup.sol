// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Price} from "../../../contracts/vault/IPriceOracle.sol";
import {ILiquidityAdapter} from "../../../contracts/venues/IVenueAdapter.sol";
import {UniswapV3Adapter} from "../../../contracts/venues/uniswap-v3/UniswapV3Adapter.sol";
import {CashBox} from "../../../deploy/devnet/contracts/CashBox.sol";
import {UniswapVenue} from "./UniswapVenue.sol";
import {vm} from "./Vm.sol";

/// @title An adapter between a real pool and the cash side of a vault, called by the test as the Rebalancer calls it
abstract contract UniswapAdapterSetup is UniswapVenue {
    uint256 internal constant PRICE = 2_000e18;
    uint256 internal constant CASH = 10_000_000e6;
    uint256 internal constant GATE_BPS = 100;
    uint256 internal constant UNWIND_COST_BPS = 20;
    uint256 internal constant WHOLE = 1e27;
    address internal constant STRANGER = address(uint160(uint256(keccak256("stranger"))));

    AccessManager internal manager;
    CashBox internal box;
    UniswapV3Adapter internal adapter;

    function _setUpAdapter(bool baseFirst) internal {
        vm.warp(1_600_000_000);
        _deployTokens(baseFirst);
        _deployUniswap(PRICE);
        manager = new AccessManager(address(this));
        box = new CashBox(address(asset));
        asset.mint(address(box), CASH);
        box.fill();
        adapter = _newAdapter(POOL_FEE, GATE_BPS, UNWIND_COST_BPS);
    }

    function _newAdapter(uint24 fee, uint256 gateBps, uint256 unwindCostBps) internal returns (UniswapV3Adapter) {
        return
            new UniswapV3Adapter(
                address(manager),
                address(box),
                address(base),
                address(positionManager),
                fee,
                gateBps,
                unwindCostBps
            );
    }

    /// @dev A two-sided price half a per cent either side of `mid`.
    function _around(uint256 mid) internal pure returns (Price memory) {
        return Price((mid * 995) / 1_000, mid, (mid * 1_005) / 1_000);
    }

    /// @dev Liquidity of a value in a range around the price.
    function _set(int24 halfWidth, uint256 value) internal {
        (int24 lower, int24 upper) = _rangeAround(PRICE, halfWidth);
        adapter.setLiquidity(lower, upper, value, _around(PRICE));
    }

    /// @dev A range that lies wholly on one side of the price, away from it by a tick spacing or more: above it, a
    /// position is all base, below it all asset.
    function _rangeBeside(bool above, int24 width) internal view returns (int24 lower, int24 upper) {
        int24 centre = _usableTick(pool.slot0().tick);
        return
            above == pair.baseIsToken0
                ? (centre + 2 * TICK_SPACING, centre + 2 * TICK_SPACING + width)
                : (centre - TICK_SPACING - width, centre - TICK_SPACING);
    }

    /// @dev Sets shares aside for one who leaves, as the vault does.
    function _setAside(uint256 shares, uint256 supply) internal returns (uint256 units) {
        vm.prank(address(box));
        return adapter.setAside(shares, supply);
    }

    function _unwind(uint256 units) internal returns (address token, uint256 amount) {
        vm.prank(address(box));
        return adapter.unwind(units, false);
    }

    function _outsideGate(uint160 sqrtPriceX96) internal view returns (bytes memory) {
        uint256 poolPrice = _priceAt(sqrtPriceX96);
        return abi.encodeWithSelector(ILiquidityAdapter.PoolPriceOutsideGate.selector, poolPrice, PRICE, GATE_BPS);
    }
}
