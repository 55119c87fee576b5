// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title What one holder can do to the others' redemptions
contract HedgeVaultQueueTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant MALLORY = address(0xBAD);

    function setUp() public {
        _deployVault();
        _enter(ALICE, 1_000e6);
        _enter(MALLORY, 1_000e6);
    }

    // ---- neither does a price that moves fast ----

    function testASettlementNeedsNoPriceWithinTheAnchorsBand() public {
        FixedValueAdapter venue = _addVenue();
        _place(venue, 1_000e6);
        _request(ALICE, 100 * SHARE);
        _round(60);
        // A fifth of all is lost, four times what the band allows.
        venue.set(600e6, 600e6);
        require(vault.maxDeposit(ALICE) == 0, "entry is open");

        (uint256 shares, uint256 assets) = vault.settle(1);
        require(shares == 100 * SHARE && assets == 80e6, "not paid by what is there");
    }

    function testASettlementNeedsANarrowSpread() public {
        FixedValueAdapter venue = _addVenue();
        _place(venue, 1_000e6);
        _request(ALICE, 100 * SHARE);
        _round(60);
        venue.set(900e6, 1_000e6);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SpreadTooWide.selector, 1_900e6, 2_000e6, 300));
        vault.settle(1);
    }

    // ---- votes never stand in the way of an exit ----

    function testDelegatingToNobodyIsDelegatingToOneself() public {
        vm.prank(MALLORY);
        vault.delegate(address(0));

        require(vault.delegates(MALLORY) == MALLORY, "delegate");
        require(vault.getVotes(MALLORY) == vault.balanceOf(MALLORY), "votes");
    }

    function testAHolderWhoDelegatedToNobodyCanStillTransfer() public {
        vm.prank(MALLORY);
        vault.delegate(address(0));
        vm.prank(MALLORY);
        vault.transfer(ALICE, SHARE);

        require(vault.getVotes(MALLORY) == 999 * SHARE && vault.getVotes(ALICE) == 1_001 * SHARE, "votes moved");
    }

    function testAHolderWhoDelegatedToNobodyCannotBlockTheQueue() public {
        _request(MALLORY, SHARE);
        vm.prank(MALLORY);
        vault.delegate(address(0));
        _request(ALICE, 10 * SHARE);
        _round(60);

        (uint256 shares, ) = vault.settle(10);

        require(shares == 11 * SHARE, "both settled");
    }

    function testFuzzVotesFollowSharesHoweverDelegated(uint8 path, uint256 amount) public {
        address[3] memory choices = [address(0), ALICE, MALLORY];
        for (uint256 i; i < 4; ++i) {
            vm.prank(MALLORY);
            vault.delegate(choices[((path >> (2 * i)) & 3) % 3]);
        }
        amount = amount % (vault.balanceOf(MALLORY) + 1);
        vm.prank(MALLORY);
        vault.transfer(ALICE, amount);

        uint256 votes = vault.getVotes(ALICE) + vault.getVotes(MALLORY);
        require(votes == vault.totalSupply(), "no vote lost, none made");
    }

    // ---- what was settled or skipped stays so, whatever stands behind it ----

    function testSettleKeepsSkippedEntriesWhenTheNextIsTooYoung() public {
        _cancelledRequests(5);
        _request(ALICE, SHARE);

        vault.settle(10);

        (uint256 head, uint256 tail) = vault.queueBounds();
        require(head == 6 && tail == 7, "the head went past the cancelled entries");
    }

    function testSettleKeepsWorthlessSharesWhenTheNextIsTooYoung() public {
        vm.prank(MALLORY);
        vault.transfer(address(0xD057), 1);
        _request(address(0xD057), 1);
        _round(60);
        _request(ALICE, SHARE);

        (uint256 shares, uint256 assets) = vault.settle(10);

        (uint256 head, ) = vault.queueBounds();
        require(shares == 1 && assets == 0 && head == 2, "one share unit, worth nothing, is settled");
    }

    function testSettleWithNothingToDoSaysWhy() public {
        _request(ALICE, SHARE);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoNewerRound.selector, 1, block.timestamp, block.timestamp));
        vault.settle(10);
    }

    // ---- moves ----

    function _cancelledRequests(uint256 count) private {
        for (uint256 i; i < count; ++i) {
            uint256 id = _request(MALLORY, SHARE);
            vm.prank(MALLORY);
            vault.cancelRedeemRequest(id, MALLORY);
        }
    }
}
