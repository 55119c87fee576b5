// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IPerpAdapter, IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {CashBox} from "../../deploy/devnet/contracts/CashBox.sol";
import {CurieAdapterSetup} from "./support/CurieAdapterSetup.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {vm} from "./support/Vm.sol";

/// @title Opening, changing and closing a short through CurieAdapter.sol in a real market
contract CurieAdapterSetPositionTest is CurieAdapterSetup {
    function setUp() public {
        _setUpAdapter();
    }

    // ---- refusals ----

    function testIsRestricted() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.setPosition(SHORT, EQUITY, _around(PRICE));
    }

    function testFuzzNoLong(int256 size) public {
        vm.assume(size > 0);
        vm.expectRevert(abi.encodeWithSelector(IPerpAdapter.LongNotAllowed.selector, size));
        _set(size, EQUITY);
    }

    function testMoreMarginThanTheVaultHas() public {
        vm.expectRevert(abi.encodeWithSelector(CashBox.InsufficientCash.selector, CASH + 1, CASH));
        _set(SHORT, CASH + 1);
    }

    function testGrowsNothingWithThePoolOutsideTheGate() public {
        _set(SHORT, EQUITY);
        for (uint256 price = 1_979e18; price <= 2_021e18; price += 42e18) {
            _marketAt(PRICE, 60);
            _moveMark(price);
            bytes memory reason = _reasonAgainst(2 * SHORT, 2 * EQUITY);
            require(bytes4(reason) == IPerpAdapter.MarkOutsideGate.selector, "another reason");
        }
    }

    function testNamesTheMarkThatIsOutsideTheGate() public {
        _moveMark(2_021e18);
        (uint256 mark, uint256 mid, uint256 gate) = this.decodeGate(_reasonAgainst(SHORT, EQUITY));
        require(isNear(mark, 2_021e18, 1e12) && mid == PRICE && gate == GATE_BPS, "reason");
    }

    function testATradeMayNotItselfLeaveTheGate() public {
        // 22,000 ETH move this pool by about 1.2 %; their average fill is still inside 1 %.
        bytes memory reason = _reasonAgainst(-22_000e18, 4_900_000e6);
        require(bytes4(reason) == IPerpAdapter.MarkOutsideGate.selector, "another reason");
        _set(-11_000e18, 4_900_000e6);
        require(_size() == -11_000e18, "size");
    }

    function testAFillWorseThanTheGate() public {
        _fill(50_000_000e6);
        vm.expectRevert("CH_TLRS");
        _set(-60_000e18, 40_000_000e6);
    }

    // ---- opening and changing ----

    function testFuzzOpensExactlyTheSizeWorthExactlyTheEquity(uint256 size, uint256 marginBps) public {
        size = bound(size, 1e15, 1_000e18);
        marginBps = bound(marginBps, 2_500, 15_000);
        uint256 notional = (size * PRICE) / 1e30;
        uint256 equity = (notional * marginBps) / 10_000 + 1;

        _set(-int256(size), equity);

        require(_size() == -int256(size), "size");
        require(isNear(adapter.valueAt(PRICE), equity, 1), "equity");
        uint256 cost = CASH - box.cash() - equity;
        require(cost <= (notional * 25) / 10_000 + 2, "cost");
        require(asset.balanceOf(address(adapter)) == 0, "asset kept");
        require(box.cash() == asset.balanceOf(address(box)), "books");
    }

    function testFuzzGoesFromAnyShortToAnyOther(uint256 from, uint256 to) public {
        from = bound(from, 1e18, 500e18);
        to = bound(to, 1e18, 500e18);
        _set(-int256(from), (from * 600) / 1e12);
        uint256 whole = box.cash() + adapter.valueAt(PRICE);
        _set(-int256(to), (to * 600) / 1e12);

        require(isNear(uint256(-_size()), to, DUST), "size");
        require(isNear(adapter.valueAt(PRICE), (to * 600) / 1e12, 1), "equity");
        uint256 traded = ((from > to ? from - to : to - from) * 2_000) / 1e12;
        require(isNear(box.cash() + adapter.valueAt(PRICE), whole, (traded * 25) / 10_000 + 2), "cost");
        require(isNear(uint256(_venueValue()), adapter.valueAt(_mark()), 1), "Curie has another value");
    }

    function testLessThanDustIsNoTrade() public {
        _set(SHORT, EQUITY);
        int256 size = _size();
        _set(size + 9, EQUITY);
        require(_size() == size, "traded dust");
        _set(size - 9, EQUITY);
        require(_size() == size, "traded dust short");
        _set(size + 10, EQUITY);
        require(_size() == size + 10, "ten is a trade");
    }

    function testFuzzMovesMarginAloneWithThePoolAnywhere(uint256 equity, uint256 pool) public {
        equity = bound(equity, 45_000e6, 1_000_000e6);
        _set(SHORT, EQUITY);
        int256 openNotional = adapter.position().openNotional;
        vm.warp(vm.getBlockTimestamp() + 15);
        _moveMark(bound(pool, 1_850e18, 2_150e18));
        _set(SHORT, equity);
        require(isNear(adapter.valueAt(PRICE), equity, 1), "equity");
        require(adapter.position().openNotional == openNotional, "traded");
    }

    function testFuzzReducesAndClosesWithThePoolAnywhere(uint256 pool) public {
        _set(SHORT, EQUITY);
        vm.warp(vm.getBlockTimestamp() + 15);
        _moveMark(bound(pool, 1_850e18, 2_150e18));
        _set(SHORT / 2, EQUITY);
        require(isNear(uint256(-_size()), 50e18, DUST), "half");
        _set(0, 0);
        require(_size() == 0, "closed");
        require(adapter.valueAt(PRICE) == 0, "value left");
        (uint256 low, uint256 high) = adapter.valuation(_around(PRICE));
        require(low == 0 && high == 0, "valuation");
    }

    function testClosesAtTheCostOfTwoTrades() public {
        _set(SHORT, EQUITY);
        vm.expectEmit(address(adapter));
        emit IPerpAdapter.PerpSet(0, 0);
        _set(0, 0);
        // Twice the fee of 0.1 % on 200,000, and the price impact both ways.
        require(isNear(CASH - box.cash(), 400e6, 5e6), "cost");
        require(asset.balanceOf(address(adapter)) == 0, "asset kept");
        require(box.cash() == asset.balanceOf(address(box)), "books");
    }

    function testHandsBackNoMoreThanTheVenueLetsOut() public {
        _set(SHORT, 25_000e6);
        _marketAt(1_880e18, 3_600);
        _settledAt(1_800e18);
        uint256 free = adapter.position().freeCollateral;
        uint256 value = adapter.valueAt(1_800e18);
        // Curie counts the smaller of collateral and account value, less 10 % of the notional.
        require(free != 0 && free < value - 20_000e6, "free collateral");
        uint256 before = box.cash();
        adapter.setPosition(SHORT, 0, _around(1_800e18));
        require(box.cash() - before == free, "handed back");
        require(isNear(adapter.valueAt(1_800e18), value - free, 1), "value");

        adapter.setPosition(SHORT, 0, _around(1_800e18));
        require(isNear(box.cash() - before, free, 2), "again");
    }

    function testReducesBelowMaintenanceMarginOnceMarginIsAdded() public {
        _set(SHORT, 25_000e6);
        _settledAt(2_100e18);
        _settledAt(2_190e18);
        vm.expectRevert("CH_NEFCM");
        adapter.setPosition(SHORT / 2, 0, _around(2_190e18));
        adapter.setPosition(SHORT / 2, EQUITY, _around(2_190e18));
        require(isNear(uint256(-_size()), 50e18, DUST), "size");
        require(isNear(adapter.valueAt(2_190e18), EQUITY, 1), "equity");
    }

    function testLeavesAMarketThatWasShutDownAtItsClosingPrice() public {
        _set(SHORT, EQUITY);
        uint256 openNotional = uint256(adapter.position().openNotional);
        _closeMarket(1_900e18);
        _set(0, 0);
        require(_size() == 0, "size");
        require(isNear(box.cash(), CASH - 190_000e6 + openNotional, 2), "cash");
    }

    function testClosesInPartsWhatOneBlockCannotAbsorb() public {
        _fill(500_000_000e6);
        int256 size;
        // Fifteen slices, the market brought back to the index between them.
        for (uint256 i; i < 15; ++i) {
            size -= 15_000e18;
            _set(size, uint256(-size) / 1e9);
            _marketAt(PRICE, 60);
        }
        _set(0, 0);
        require(_size() < 0 && _size() > size, "not in part");
        _marketAt(PRICE, 60);
        _set(0, 0);
        require(_size() == 0, "not closed");
    }

    // ---- gifts ----

    function testFuzzAGiftMovesNoValue(uint256 gift) public {
        gift = bound(gift, 1, 1_000_000e6);
        _set(SHORT, EQUITY);
        (uint256 low, uint256 high) = adapter.valuation(_around(PRICE));
        bytes32 position = keccak256(abi.encode(adapter.position()));
        _depositAtCurie(STRANGER, address(adapter), gift);
        (uint256 lowAfter, uint256 highAfter) = adapter.valuation(_around(PRICE));
        require(low == lowAfter && high == highAfter, "valuation");
        require(keccak256(abi.encode(adapter.position())) == position, "position");
        require(adapter.valueAt(PRICE) == EQUITY, "value");
        require(adapter.gifts() == gift, "gift");
    }

    function testFuzzGiftsGoToTheVaultOutsideItsBooks(uint256 gift, uint256 stray) public {
        gift = bound(gift, 0, 1_000_000e6);
        stray = bound(stray, 0, 1_000e6);
        _set(SHORT, EQUITY);
        if (gift != 0) _depositAtCurie(STRANGER, address(adapter), gift);
        asset.mint(address(adapter), stray);
        uint256 cash = box.cash();
        _set(SHORT, EQUITY - 1e6);
        require(box.cash() == cash + 1e6, "booked");
        require(asset.balanceOf(address(box)) == cash + 1e6 + gift + stray, "transferred");
        require(adapter.gifts() == 0, "left");
        require(isNear(adapter.valueAt(PRICE), EQUITY - 1e6, 1), "value");
    }

    function testGiftsTheVenueNeedsAsMarginStayWithoutValue() public {
        _set(SHORT, 25_000e6);
        _settledAt(2_100e18);
        uint256 value = adapter.valueAt(2_100e18);
        _depositAtCurie(STRANGER, address(adapter), 10_000e6);
        adapter.setPosition(SHORT, 0, _around(2_100e18));
        require(adapter.valueAt(2_100e18) < value, "the gift was counted");
        require(adapter.gifts() != 0, "gone");
        require(isNear(uint256(_venueValue()), adapter.valueAt(_mark()) + adapter.gifts(), 2), "books");
    }

    // ---- while slices are aside ----

    function testNothingIsOpenedWhileASliceIsAside() public {
        _set(SHORT, EQUITY);
        uint256 units = _setAside(1, 4);
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.SlicesAside.selector, units));
        _set(-75e18 - 1, EQUITY);
    }

    function testAShortShrinksAndGetsMarginWhileASliceIsAside() public {
        _set(SHORT, EQUITY);
        _setAside(1, 4);
        uint256 cash = box.cash();
        // The vault's three quarters, halved and worth as much as before; the leaver's quarter shares both.
        _set(-37.5e18, 45_000e6);
        require(isNear(uint256(-_size()), 50e18, DUST), "whole size");
        require(isNear(adapter.exposure(PRICE).gross, 37.5e18, DUST), "own size");
        require(box.cash() == cash, "took or gave margin");

        _set(-37.5e18, 60_000e6);
        require(isNear(uint256(-_size()), 50e18, DUST), "traded");
        uint256 added = cash - box.cash();
        require(added >= 15_000e6 && added < 15_100e6, "margin");
        // Three quarters of what was added are the vault's.
        require(isNear(adapter.valueAt(PRICE), 60_000e6 - added / 4, 1), "value");
    }

    function testHandsNothingBackWhileASliceIsAside() public {
        _set(SHORT, EQUITY);
        _setAside(1, 4);
        uint256 cash = box.cash();
        _set(0, 0);
        require(_size() == 0, "size");
        require(box.cash() == cash, "handed back");
    }

    // ---- inside ----

    function _reasonAgainst(int256 size, uint256 equity) private returns (bytes memory) {
        try adapter.setPosition(size, equity, _around(PRICE)) {
            revert("not refused");
        } catch (bytes memory reason) {
            return reason;
        }
    }

    function decodeGate(bytes calldata reason) external pure returns (uint256, uint256, uint256) {
        return abi.decode(reason[4:], (uint256, uint256, uint256));
    }
}
