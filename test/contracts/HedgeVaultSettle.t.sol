// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title What a settlement pays, to the unit: whole requests, parts, several at once, and none
/// @dev A share is worth one asset, exactly: 2,000 of them, and 2,000 assets.
contract HedgeVaultSettleTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        venue = _addVenue();
        _enter(ALICE, 1_000e6);
        _enter(BOB, 1_000e6);
    }

    function testSeveralAtOnceGetTheSamePriceEach() public {
        _request(ALICE, 400 * SHARE);
        _request(BOB, 300 * SHARE);
        _request(ALICE, 200 * SHARE);
        _round(60);

        vm.expectEmit(address(vault));
        emit IHedgeVault.RedemptionSettled(1, ALICE, 400 * SHARE, 400e6, 2_000e6);
        vm.expectEmit(address(vault));
        emit IHedgeVault.RedemptionSettled(2, BOB, 300 * SHARE, 300e6, 1_600e6);
        vm.expectEmit(address(vault));
        emit IHedgeVault.RedemptionSettled(3, ALICE, 200 * SHARE, 200e6, 1_300e6);
        (uint256 shares, uint256 assets) = vault.settle(3);

        require(shares == 900 * SHARE && assets == 900e6, "in all");
        require(vault.maxWithdraw(ALICE) == 600e6 && vault.maxWithdraw(BOB) == 300e6, "each");
    }

    function testAPartTakesTheSharesThatAreWorthTheCash() public {
        _place(venue, 1_900e6);
        uint256 id = _request(ALICE, 500 * SHARE);
        _round(60);

        (uint256 shares, uint256 assets) = vault.settle(1);

        require(shares == 100 * SHARE && assets == 100e6, "not the shares it is worth");
        require(vault.pendingRedeemRequest(id, ALICE) == 400 * SHARE, "the rest waits");
        (uint256 head, ) = vault.queueBounds();
        require(head == id, "the head stays");
    }

    function testCashThatIsJustEnoughSettlesTheWholeRequest() public {
        _place(venue, 1_900e6);
        // A share unit more than 100 assets buy: worth nothing, and settled with the rest.
        uint256 id = _request(ALICE, 100 * SHARE + 1);
        _round(60);

        (uint256 shares, uint256 assets) = vault.settle(1);

        require(shares == 100 * SHARE + 1 && assets == 100e6, "not the whole");
        require(vault.pendingRedeemRequest(id, ALICE) == 0, "dust stands in the queue");
    }

    function testWithoutCashItSaysWhatIsMissing() public {
        _place(venue, 2_000e6);
        _request(ALICE, SHARE);
        _round(60);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, 1, 0));
        vault.settle(1);
    }

    function testCashThatIsAllReserveSettlesNothing() public {
        // A fifth of it, rounded up, is all the cash that is left.
        _place(venue, 1_666_666_666);
        vault.setReserve(2_000);
        _request(ALICE, SHARE);
        _round(60);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, 333_333_335, 333_333_334));
        vault.settle(1);
    }

    function testARequestThatIsNotThereYetIsNobodys() public {
        _request(ALICE, SHARE);
        (, uint256 tail) = vault.queueBounds();
        require(vault.pendingRedeemRequest(tail, ALICE) == 0, "pending");
        require(vault.claimableRedeemRequest(tail, ALICE) == 0, "claimable");
        require(vault.pendingRedeemRequest(tail + 1, ALICE) == 0, "pending beyond");
    }
}
