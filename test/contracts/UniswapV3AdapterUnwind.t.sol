// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {UniswapAdapterSetup} from "./support/UniswapAdapterSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Setting slices of a position of UniswapV3Adapter.sol aside, and unwinding them
abstract contract UniswapV3AdapterUnwindTests is UniswapAdapterSetup {
    function testOnlyTheVaultSetsAside() public {
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotTheVault.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.setAside(1, 2);
    }

    function testOnlyTheVaultUnwinds() public {
        _set(1_000, 100_000e6);
        uint256 units = _setAside(1, 2);
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotTheVault.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.unwind(units, true);
    }

    function testNoMoreThanIsAside() public {
        _set(1_000, 100_000e6);
        uint256 units = _setAside(1, 2);
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotSetAside.selector, units + 1, units));
        vm.prank(address(box));
        adapter.unwind(units + 1, false);
    }

    function testFuzzSetsAsideAShareOfWhatIsStillTheVaults(uint256 first, uint256 second) public {
        first = bound(first, 0, 1e18);
        second = bound(second, 0, 1e18);
        _set(1_000, 100_000e6);
        uint256 value = adapter.valueAt(PRICE);
        uint256 gross = adapter.exposure(PRICE).gross;

        uint256 a = _setAside(first, 1e18);
        require(a == (WHOLE * first) / 1e18, "first");
        uint256 b = _setAside(second, 1e18);
        require(b == ((WHOLE - a) * second) / 1e18, "second");

        (uint256 aside, uint256 total) = adapter.slices();
        require(aside == a + b && total == WHOLE, "slices");
        uint256 own = WHOLE - aside;
        require(isNear(adapter.valueAt(PRICE), (value * own) / WHOLE, 1), "value");
        require(isNear(adapter.exposure(PRICE).gross, (gross * own) / WHOLE, 1), "exposure");
        require(adapter.exposure(PRICE).equity == adapter.valueAt(PRICE), "equity");
    }

    function testFuzzPaysTheShareAndLeavesTheRest(uint256 shares, uint256 part) public {
        shares = bound(shares, 1e12, 1e18);
        part = bound(part, 1, 1e18);
        _set(2_000, 500_000e6);
        trader.flow(20_000_000e6, 2);
        // So that what is paid, valued at the price, is what the books say.
        _movePool(PRICE);
        uint256 value = adapter.valueAt(PRICE);
        uint256 units = _setAside(shares, 1e18);
        uint256 own = adapter.valueAt(PRICE);
        uint256 unwound = (units * part) / 1e18;
        uint256 boxAsset = asset.balanceOf(address(box));

        (address token, uint256 baseOut) = _unwind(unwound);

        require(token == address(base), "token");
        require(base.balanceOf(address(box)) == baseOut, "base");
        require(isNear(adapter.valueAt(PRICE), own, 2), "the stayers' part changed");
        uint256 paid = asset.balanceOf(address(box)) - boxAsset + (baseOut * 2_000) / 1e12;
        require(isNear(paid, (value * unwound) / WHOLE, 10), "paid");
        (uint256 aside, uint256 total) = adapter.slices();
        require(aside == units - unwound, "aside");
        require(aside == 0 ? total == WHOLE : total == WHOLE - unwound, "total");
        require(box.cash() == boxAsset, "booked as cash");
    }

    function testPaysTheIdleBaseToo() public {
        _set(2_000, 500_000e6);
        adapter.burnLiquidity();
        uint256 idle = adapter.position().idleBase;
        require(idle != 0, "nothing idle");
        uint256 units = _setAside(1, 4);
        vm.expectEmit(address(adapter));
        emit IVenueAdapter.Unwound(units, 0, idle / 4);
        (, uint256 baseOut) = _unwind(units);
        require(baseOut == idle / 4, "base");
        require(adapter.position().idleBase == idle - idle / 4, "idle");
    }

    function testASliceOfLessThanAUnitOfLiquidityPaysNothing() public {
        _set(2_000, 500_000e6);
        uint256 liquidity = adapter.position().liquidity;
        _setAside(1, 2);
        (, uint256 none) = _unwind(1);
        require(none == 0 && adapter.position().liquidity == liquidity, "took liquidity");
        // With the position all asset, one unit of liquidity is worth less than one of the token.
        _movePool(3_000e18);
        (, uint256 still) = _unwind((WHOLE - 1) / liquidity + 1);
        require(still == 0 && adapter.position().liquidity == liquidity - 1, "one unit of liquidity");
        require(base.balanceOf(address(box)) == 0 && asset.balanceOf(address(box)) == box.cash(), "paid");
    }

    function testFuzzASliceIsWorthNoLessWhereverThePoolIsPushed(uint256 price) public {
        price = bound(price, 200e18, 20_000e18);
        _set(2_000, 500_000e6);
        uint256 fair = adapter.valueAt(PRICE) / 4;
        uint256 units = _setAside(1, 4);
        uint256 boxAsset = asset.balanceOf(address(box));
        _movePool(price);
        (, uint256 baseOut) = _unwind(units);
        uint256 paid = asset.balanceOf(address(box)) - boxAsset + (baseOut * 2_000) / 1e12;
        require(paid + 10 >= fair, "a push of the pool took from the one who leaves");
    }

    function testPlansMoveAgainWhenNothingIsAside() public {
        _set(2_000, 500_000e6);
        _unwind(_setAside(1, 2));
        _set(2_000, 500_000e6);
        require(isNear(adapter.valueAt(PRICE), 500_000e6, 1_000e6), "value");
    }
}

contract UniswapV3AdapterUnwindBaseFirstTest is UniswapV3AdapterUnwindTests {
    function setUp() public {
        _setUpAdapter(true);
    }
}

contract UniswapV3AdapterUnwindAssetFirstTest is UniswapV3AdapterUnwindTests {
    function setUp() public {
        _setUpAdapter(false);
    }
}
