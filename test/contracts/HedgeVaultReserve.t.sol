// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title The cash that settlement leaves for margin, and its end at the deadline
contract HedgeVaultReserveTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        venue = _addVenue();
        _enter(ALICE, 1_000e6);
        _enter(BOB, 1_000e6);
    }

    // ---- the parameter ----

    function testSetReserveIsRestricted() public {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ALICE));
        vault.setReserve(1);
    }

    function testSetReserveIsBounded() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("reserveBps"), 2_001));
        vault.setReserve(2_001);
    }

    function testSetReserve() public {
        vm.expectEmit();
        emit IHedgeVault.ReserveSet(2_000);
        vault.setReserve(2_000);

        require(vault.reserveBps() == 2_000, "set");
    }

    // ---- settlement ----

    function testSettleStopsAtTheReserveAndSaysSo() public {
        _toVenue(1_900e6);
        vault.setReserve(1_000);
        _request(ALICE, 1_000 * SHARE);
        _round(60);

        // 10 % of 1,900 at the venue is more than the 100 of cash.
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, 190e6 + 1, 100e6));
        vault.settle(1);
    }

    function testFuzzSettleLeavesTheReserve(uint256 reserve, uint256 drawn, uint256 wanted) public {
        vault.setReserve(reserve % 2_001);
        drawn = drawn % 2_000e6;
        _toVenue(drawn);
        _request(ALICE, SHARE + (wanted % (999 * SHARE)));
        _round(60);
        uint256 least = (drawn * vault.reserveBps() + 9_999) / 10_000;
        uint256 cash = vault.cash();
        if (cash <= least) return;

        vault.settle(1);

        require(vault.cash() >= least, "the reserve is left");
        require(vault.request(1).shares == 0 || vault.cash() == least, "and nothing beyond it is held back");
    }

    function testWithNothingAtTheVenuesNothingIsHeldBack() public {
        vault.setReserve(2_000);
        _request(ALICE, 1_000 * SHARE);
        _request(BOB, 1_000 * SHARE);
        _round(60);

        vault.settle(2);

        require(vault.totalSupply() == 0, "the last one is paid whole");
    }

    // ---- the deadline ----

    function testTheReserveHoldsToTheLastSecondBeforeTheDeadlineAndNoLonger() public {
        _toVenue(1_900e6);
        vault.setReserve(1_000);
        _request(ALICE, 1_000 * SHARE);
        _round(vault.EXIT_DEADLINE() - 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, 190e6 + 1, 100e6));
        vault.settle(1);

        vm.warp(block.timestamp + 1);
        (, uint256 assets) = vault.settle(1);

        require(assets == 100e6 && vault.cash() == 0, "overdue: paid from the reserve");
    }

    function testOnlyTheOverdueRequestIsPaidFromTheReserve() public {
        _toVenue(1_900e6);
        vault.setReserve(1_000);
        _request(ALICE, 50 * SHARE);
        _round(vault.EXIT_DEADLINE());
        _request(BOB, 50 * SHARE);
        _round(60);

        (uint256 shares, ) = vault.settle(2);

        require(shares == 50 * SHARE && vault.request(2).shares == 50 * SHARE, "the younger one waits");
    }

    // ---- moves ----

    function _toVenue(uint256 assets) private {
        venue.draw(assets);
        venue.set(assets, assets);
    }
}
