// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ILiquidityAdapter, IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {UniswapAdapterSetup} from "./support/UniswapAdapterSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Withdrawing everything from UniswapV3Adapter.sol without a price
contract UniswapV3AdapterBurnTest is UniswapAdapterSetup {
    function setUp() public {
        _setUpAdapter(true);
    }

    function testIsRestricted() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.burnLiquidity();
    }

    function testNotWhileASliceIsAside() public {
        _set(1_000, 100_000e6);
        uint256 units = _setAside(1, 10);
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.SlicesAside.selector, units));
        adapter.burnLiquidity();
    }

    function testBurnsNothing() public {
        vm.expectEmit(address(adapter));
        emit ILiquidityAdapter.LiquiditySet(0, 0, 0, 0);
        adapter.burnLiquidity();
        require(box.cash() == CASH, "cash moved");
    }

    function testFuzzKeepsTheBaseAndHandsTheAssetBackWithThePoolAnywhere(uint256 price) public {
        price = bound(price, 200e18, 20_000e18);
        _set(3_000, 500_000e6);
        uint256 idle = adapter.position().idleBase;
        uint256 cashBefore = box.cash();
        _movePool(price);
        uint160 at = pool.slot0().sqrtPriceX96;
        // What the position holds at the pool's own price.
        uint256 poolPrice = _priceAt(at);
        uint256 value = adapter.valueAt(poolPrice);
        uint256 baseHeld = adapter.exposure(poolPrice).gross;

        adapter.burnLiquidity();

        require(pool.slot0().sqrtPriceX96 == at, "traded");
        require(isNear(adapter.position().idleBase, baseHeld, 1e13), "base");
        require(adapter.position().idleBase >= idle, "base lost");
        require(base.balanceOf(address(adapter)) == adapter.position().idleBase, "books");
        require(isNear(adapter.valueAt(poolPrice) + box.cash() - cashBefore, value, value / 1e6 + 10), "value");
        require(asset.balanceOf(address(adapter)) == 0, "asset kept");
        require(adapter.position().tokenId == 0 && adapter.position().liquidity == 0, "position left");
    }
}
