// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IReviewGuard} from "../../contracts/governance/IReviewGuard.sol";
import {GuardSetup} from "./support/GuardSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Shareholders stop a call
contract ReviewGuardVetoTest is GuardSetup {
    function setUp() public {
        _bringUpGuarded();
    }

    // ---- refusals ----

    function testNothingToVoteOn() public {
        bytes32 none = guard.keyOf(STRANGER, 0, "");
        _refuseVeto(BOB, none, abi.encodeWithSelector(IReviewGuard.NoVeto.selector, none));
        bytes32 derisk = _announce(address(rebalancer), _planCall(true));
        _refuseVeto(BOB, derisk, abi.encodeWithSelector(IReviewGuard.NoVeto.selector, derisk));
        bytes32 stopped = _announce(address(vault), _gift());
        _veto(BOB, stopped);
        _refuseVeto(ALICE, stopped, abi.encodeWithSelector(IReviewGuard.NoVeto.selector, stopped));
    }

    function testOnlyWhileTheWindowIsOpen() public {
        bytes32 key = _announce(address(vault), _gift());
        uint256 readyAt = guard.announcement(key).readyAt;
        vm.warp(readyAt);
        _refuseVeto(BOB, key, abi.encodeWithSelector(IReviewGuard.NoVeto.selector, key));
        vm.warp(readyAt - 1);
        _veto(BOB, key);
        require(guard.announcement(key).vetoed, "not stopped in the last second");
    }

    function testNobodyVotesTwiceOrWithoutVotesAndTheSafeNever() public {
        bytes32 key = _announce(address(rebalancer), _planCall(false));
        _veto(ALICE, key);
        _refuseVeto(ALICE, key, abi.encodeWithSelector(IReviewGuard.CannotVote.selector, key, ALICE));
        _refuseVeto(STRANGER, key, abi.encodeWithSelector(IReviewGuard.CannotVote.selector, key, STRANGER));
        _refuseVeto(address(safe), key, abi.encodeWithSelector(IReviewGuard.CannotVote.selector, key, safe));
    }

    function testVotesBoughtForTheOccasionDoNotCount() public {
        _enter(STRANGER, 5_000_000e6);
        _freshRounds(23 hours);
        bytes32 key = _announce(address(vault), _gift());
        _refuseVeto(STRANGER, key, abi.encodeWithSelector(IReviewGuard.CannotVote.selector, key, STRANGER));
        // Nor do they make the threshold higher.
        require(guard.vetoThreshold(key) == _share(1_000), "threshold");
    }

    // ---- thresholds ----

    function testThresholdsLeaveTheSafesOwnVotesOut() public {
        require(guard.vetoThreshold(_announce(address(vault), _gift())) == _share(1_000), "other");
        require(guard.vetoThreshold(_announce(address(rebalancer), _planCall(false))) == _share(2_000), "plan");
    }

    function testAPlanIsStoppedByVotesThatAddUp() public {
        bytes memory data = _planCall(false);
        bytes32 key = _announce(address(rebalancer), data);
        uint256 votes = vault.balanceOf(ALICE);
        vm.expectEmit(address(guard));
        emit IReviewGuard.VetoCast(key, ALICE, votes, votes);
        _veto(ALICE, key);
        require(!guard.announcement(key).vetoed, "stopped by 15 %");
        require(guard.announcement(key).votesAgainst == votes, "votes");

        vm.expectEmit(address(guard));
        emit IReviewGuard.Vetoed(key, 1);
        _veto(BOB, key);
        IReviewGuard.Announcement memory entry = guard.announcement(key);
        require(entry.vetoed && entry.vetoes == 1, "not stopped");
        require(entry.votesAgainst == votes + vault.balanceOf(BOB), "votes of both");
        _waitUntil(entry.readyAt);
        _refuseViaSafe(address(rebalancer), data, abi.encodeWithSelector(IReviewGuard.CallVetoed.selector, key));
    }

    function testExactlyTheThresholdStops() public {
        // BOB keeps exactly a tenth of what counts: the rest goes to ALICE, a day before.
        uint256 keep = _share(1_000);
        uint256 rest = vault.balanceOf(BOB) - keep;
        vm.prank(BOB);
        vault.transfer(ALICE, rest);
        _freshRounds(25 hours);
        bytes32 key = _announce(address(vault), _gift());
        _veto(BOB, key);
        require(guard.announcement(key).vetoed, "not stopped");
    }

    function testOneVoteBelowTheThresholdDoesNot() public {
        uint256 rest = vault.balanceOf(BOB) - _share(1_000) + 1;
        vm.prank(BOB);
        vault.transfer(ALICE, rest);
        _freshRounds(25 hours);
        bytes32 key = _announce(address(vault), _gift());
        _veto(BOB, key);
        require(!guard.announcement(key).vetoed, "stopped");
    }

    // ---- coming back ----

    function testAStoppedCallComesBackOnceUnderAHigherThreshold() public {
        bytes memory data = _gift();
        bytes32 key = _announce(address(vault), data);
        _veto(ALICE, key);
        uint48 readyAt = guard.announcement(key).readyAt;

        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.WindowOpen.selector, key, readyAt));
        vm.prank(KEEPER);
        guard.announce(address(vault), 0, data);

        vm.warp(readyAt);
        _announce(address(vault), data);
        require(guard.vetoThreshold(key) == _share(4_000), "threshold");
        require(!guard.announcement(key).vetoed && guard.announcement(key).votesAgainst == 0, "not anew");
        // Who voted in the first round may vote in the second.
        _veto(ALICE, key);
        require(!guard.announcement(key).vetoed, "stopped by 15 %");
        _veto(BOB, key);
        require(guard.announcement(key).vetoes == 2, "not stopped");

        vm.warp(vm.getBlockTimestamp() + 30 days);
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.VetoedForGood.selector, key));
        vm.prank(KEEPER);
        guard.announce(address(vault), 0, data);
    }

    function testAStoppedCallThatCameBackRunsWhenNobodyStopsIt() public {
        bytes memory data = _gift();
        bytes32 key = _announce(address(vault), data);
        _veto(BOB, key);
        vm.warp(guard.announcement(key).readyAt);
        _announce(address(vault), data);
        vm.warp(guard.announcement(key).readyAt);
        _viaSafe(address(vault), data);
        require(vault.balanceOf(STRANGER) == 1e18, "did not run");
    }

    /// @dev A share of the votes that count, rounded up.
    function _share(uint256 bps) private view returns (uint256) {
        uint256 counted = vault.balanceOf(ALICE) + vault.balanceOf(BOB) + vault.balanceOf(DEPOSITOR);
        return (counted * bps + 9_999) / 10_000;
    }
}
