// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Exposure, IPerpAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {CurieAdapterSetup} from "./support/CurieAdapterSetup.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {vm} from "./support/Vm.sol";

/// @title What a short of CurieAdapter.sol is worth: at the worse and the better of mark and oracle
contract CurieAdapterValueTest is CurieAdapterSetup {
    function setUp() public {
        _setUpAdapter();
        _set(SHORT, EQUITY);
    }

    function testWhatItWasBuiltWith() public view {
        require(adapter.vault() == address(box), "vault");
        require(address(adapter.clearingHouse()) == clearingHouse, "clearing house");
        require(address(adapter.collateralVault()) == curieVault, "collateral vault");
        require(adapter.baseToken() == baseToken, "base token");
        require(address(adapter.asset()) == address(asset), "asset");
        require(adapter.gateBps() == GATE_BPS && adapter.unwindCostBps() == UNWIND_COST_BPS, "bounds");
    }

    function testFuzzAShortGainsWhatThePriceLoses(uint256 price) public view {
        price = bound(price, 1e18, 10_000e18);
        int256 value = int256(EQUITY) + ((int256(PRICE) - int256(price)) * 100) / 1e12;
        require(isNear(adapter.valueAt(price), value > 0 ? uint256(value) : 0, 1), "value");
        Exposure memory e = adapter.exposure(price);
        require(e.margined && e.gross == 100e18, "gross");
        require(e.deltaMin == SHORT && e.deltaMax == SHORT, "delta");
        require(e.equity == adapter.valueAt(price), "equity");
    }

    function testFuzzLowTakesTheDearerOfMarkAndOracleHighTheCheaper(uint256 pool, uint256 mid) public {
        pool = bound(pool, 1_850e18, 2_150e18);
        mid = bound(mid, 1_800e18, 2_200e18);
        vm.warp(vm.getBlockTimestamp() + 15);
        _moveMark(pool);
        vm.warp(vm.getBlockTimestamp() + 1_860);
        uint256 mark = _mark();
        uint256 dearest = mid + mid / 200 > mark ? mid + mid / 200 : mark;
        uint256 cheapest = mid - mid / 200 < mark ? mid - mid / 200 : mark;

        (uint256 low, uint256 high) = adapter.valuation(_around(mid));

        uint256 cost = (_notional(SHORT, dearest) * UNWIND_COST_BPS) / 10_000;
        uint256 value = adapter.valueAt(dearest);
        require(isNear(low, value > cost ? value - cost : 0, 2), "low");
        require(high == adapter.valueAt(cheapest), "high");
    }

    function testFuzzAPriceMovedInThisBlockMovesNothing(uint256 pool) public {
        vm.warp(vm.getBlockTimestamp() + 15);
        (uint256 low, uint256 high) = adapter.valuation(_around(PRICE));
        _moveMark(bound(pool, 1_850e18, 2_150e18));
        (uint256 lowAfter, uint256 highAfter) = adapter.valuation(_around(PRICE));
        require(low == lowAfter && high == highAfter, "moved");
    }

    function testAnAccountUnderWaterIsWorthNothing() public view {
        require(adapter.valueAt(3_000e18) == 0, "value");
        (uint256 low, ) = adapter.valuation(_around(3_000e18));
        require(low == 0, "low");
        require(adapter.exposure(3_000e18).equity == 0, "equity");
    }

    function testFundingIsReceivedAboveTheIndexAndOwedBelow() public {
        _marketAt(PRICE, 60);
        vm.warp(vm.getBlockTimestamp() + 15);
        int256 settled = adapter.position().pendingFunding;
        uint256 value = adapter.valueAt(PRICE);
        _moveMark(2_002e18);
        vm.warp(vm.getBlockTimestamp() + 1 days);
        int256 received = settled - adapter.position().pendingFunding;
        // 0.1 % a day of 200,000.
        require(isNear(uint256(received), 200e6, 25e6), "received");
        require(isNear(adapter.valueAt(PRICE), value + uint256(received), 2), "value");
        _moveMark(1_990e18);
        vm.warp(vm.getBlockTimestamp() + 1 days);
        require(settled - adapter.position().pendingFunding < received - 500e6, "owed");
    }

    function testFuzzThePositionIsTheVaultsPart(uint256 shares) public {
        shares = bound(shares, 1, 1e18 - 1);
        _marketAt(2_010e18, 3_600);
        vm.warp(vm.getBlockTimestamp() + 600);
        IPerpAdapter.PerpPosition memory whole = adapter.position();
        uint256 units = _setAside(shares, 1e18);
        IPerpAdapter.PerpPosition memory own = adapter.position();
        require(_isShare(whole.size, own.size, units), "size");
        require(_isShare(whole.openNotional, own.openNotional, units), "open notional");
        require(_isShare(whole.collateral, own.collateral, units), "collateral");
        require(_isShare(whole.pendingFunding, own.pendingFunding, units), "funding");
        require(_isShare(int256(whole.freeCollateral), int256(own.freeCollateral), units), "free collateral");
        require(whole.markPrice == own.markPrice && whole.indexPrice == own.indexPrice, "prices");
    }

    function _isShare(int256 whole, int256 own, uint256 units) private pure returns (bool) {
        int256 expected = (whole * int256(WHOLE - units)) / int256(WHOLE);
        int256 difference = own - expected;
        return difference >= -1 && difference <= 1;
    }
}
