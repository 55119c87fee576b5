// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpAdapter, IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {CurieAdapterSetup} from "./support/CurieAdapterSetup.sol";
import {ICurieTraders} from "./support/CurieVenue.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {vm} from "./support/Vm.sol";

/// @title Setting slices of a short of CurieAdapter.sol aside, and unwinding them
contract CurieAdapterUnwindTest is CurieAdapterSetup {
    function setUp() public {
        _setUpAdapter();
        _set(SHORT, EQUITY);
    }

    function testOnlyTheVaultSetsAsideAndUnwinds() public {
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotTheVault.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.setAside(1, 2);
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotTheVault.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.unwind(0, true);
    }

    function testNoMoreThanIsAside() public {
        uint256 units = _setAside(1, 2);
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotSetAside.selector, units + 1, units));
        vm.prank(address(box));
        adapter.unwind(units + 1, true);
    }

    function testFuzzSetsAsideAShareOfValueAndExposure(uint256 shares) public {
        shares = bound(shares, 0, 1e18);
        uint256 units = _setAside(shares, 1e18);
        uint256 own = WHOLE - units;
        require(isNear(adapter.valueAt(PRICE), (EQUITY * own) / WHOLE, 1), "value");
        require(isNear(adapter.exposure(PRICE).gross, (100e18 * own) / WHOLE, 1), "size");
        require(isNear(uint256(-adapter.position().size), (100e18 * own) / WHOLE, 1), "position");
        (uint256 low, uint256 high) = adapter.valuation(_around(PRICE));
        require(low <= adapter.valueAt(PRICE) && high >= adapter.valueAt(PRICE), "valuation");
        require(_size() == SHORT, "traded");
    }

    function testFuzzPaysTheShareLessWhatItCostsAndLeavesTheRest(uint256 shares, uint256 part, bool anyPrice) public {
        shares = bound(shares, 1e12, 1e18 - 1);
        part = bound(part, 1, 1e18);
        uint256 units = _setAside(shares, 1e18);
        uint256 unwound = (units * part) / 1e18;
        uint256 own = adapter.valueAt(PRICE);
        uint256 ownSize = adapter.exposure(PRICE).gross;
        uint256 fair = (EQUITY * unwound) / WHOLE;
        uint256 cash = box.cash();

        uint256 paid = _unwind(unwound, anyPrice);

        uint256 notional = (200_000e6 * unwound) / WHOLE;
        require(paid <= fair && paid + (notional * 25) / 10_000 + 2 >= fair, "paid");
        require(isNear(adapter.valueAt(PRICE), own, 2), "the stayers' value changed");
        require(isNear(adapter.exposure(PRICE).gross, ownSize, DUST), "the stayers' size changed");
        require(box.cash() == cash, "booked as cash");
        (uint256 aside, ) = adapter.slices();
        require(aside == units - unwound, "units");
    }

    function testAStrangersUnwindTakesNoPriceWorseThanTheMark() public {
        uint256 units = _setAside(1, 4);
        vm.warp(vm.getBlockTimestamp() + 15);
        _moveMark(2_100e18);
        vm.expectRevert("CH_TMRL");
        vm.prank(address(box));
        adapter.unwind(units, false);
        // Who the slice is of may take any price.
        uint256 paid = _unwind(units, true);
        // A quarter of 60,000, less 100 on each of 25 ETH and the fee.
        require(paid > 12_300e6 && paid < 12_500e6, "paid");
    }

    function testLeavesGiftsWhereTheyAre() public {
        _depositAtCurie(STRANGER, address(adapter), 1_000e6);
        uint256 own = (EQUITY * 3) / 4;
        _unwind(_setAside(1, 4), true);
        require(isNear(adapter.valueAt(PRICE), own, 2), "value");
        require(adapter.gifts() == 1_000e6, "gift");
    }

    function testASliceOfDustIsPaidWithoutATrade() public {
        uint256 units = _setAside(1, 4);
        // Less than ten wei of the short.
        _unwind(((WHOLE / 1e20) * 9) / 10, true);
        require(_size() == SHORT, "traded");
        (uint256 aside, ) = adapter.slices();
        require(aside == units - ((WHOLE / 1e20) * 9) / 10, "units");
    }

    function testASliceOfAClosedMarketIsPaidAtItsClosingPrice() public {
        uint256 units = _setAside(1, 4);
        _closeMarket(1_900e18);
        uint256 paid = _unwind(units, false);
        require(_size() == 0, "not left");
        // 10,000 gained on 100 ETH.
        require(isNear(paid, (EQUITY + 10_000e6) / 4, 2), "paid");
        require(isNear(adapter.valueAt(PRICE), ((EQUITY + 10_000e6) * 3) / 4, 2), "rest");
        require(isNear(_unwind(_setAside(1, 3), false), (EQUITY + 10_000e6) / 4, 3), "the next");
    }

    function testASliceUnderWaterStaysAside() public {
        _depositAtCurie(STRANGER, address(adapter), 1_000_000e6);
        _settledAt(2_400e18);
        _settledAt(2_700e18);
        uint256 units = _setAside(1, 4);
        // Only the gift keeps Curie from liquidating: without it the account owes some 10,000.
        require(adapter.valueAt(2_700e18) == 0, "above water");
        vm.prank(address(box));
        try adapter.unwind(units, true) {
            revert("paid under water");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IPerpAdapter.SliceUnderWater.selector, "another reason");
        }
        (uint256 aside, ) = adapter.slices();
        require(aside == units, "units taken");
    }

    function testASliceOfAnEmptyAccountIsPaidNothing() public {
        _set(0, 0);
        require(_unwind(_setAside(1, 2), false) == 0, "paid");
    }

    function testTheSliceSharesALiquidation() public {
        _set(SHORT, 25_000e6);
        uint256 units = _setAside(1, 4);
        _settledAt(2_120e18);
        vm.prank(PERP_MAKER);
        ICurieTraders(clearingHouse).liquidate(address(adapter), baseToken);
        require(_size() > SHORT, "not liquidated");
        // Curie holds the slice back while the account has no margin to spare.
        vm.expectRevert("V_NEFC");
        vm.prank(address(box));
        adapter.unwind(units, true);
        _settledAt(2_050e18);
        uint256 own = adapter.valueAt(2_050e18);
        uint256 paid = _unwind(units, true);
        require(isNear(paid, own / 3, own / 20), "the leaver's share");
        require(isNear(adapter.valueAt(2_050e18), own, 3), "the stayers' share");
    }
}
