// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IReviewGuard} from "../../contracts/governance/IReviewGuard.sol";
import {ReviewGuard} from "../../contracts/governance/ReviewGuard.sol";
import {GuardSetup} from "./support/GuardSetup.sol";
import {bound} from "./support/Numbers.sol";
import {vm} from "./support/Vm.sol";

/// @title Announcing a call of the Safe, and what its class makes of it
contract ReviewGuardAnnounceTest is GuardSetup {
    function setUp() public {
        _bringUpGuarded();
    }

    // ---- refusals ----

    function testOnlyOwnersAndProposers() public {
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.NotAProposer.selector, STRANGER));
        vm.prank(STRANGER);
        guard.announce(address(vault), 0, "");
        for (uint256 i; i < 3; ++i) {
            vm.prank(_owner(i));
            guard.announce(address(vault), i + 1, "");
        }
        vm.prank(KEEPER);
        guard.announce(address(vault), 0, "");
    }

    function testTheSameWhileItIsGood() public {
        bytes32 key = _announce(address(vault), _gift());
        uint48 expiresAt = guard.announcement(key).expiresAt;
        bytes memory reason = abi.encodeWithSelector(IReviewGuard.AlreadyAnnounced.selector, key, expiresAt);
        vm.warp(expiresAt);
        vm.expectRevert(reason);
        vm.prank(KEEPER);
        guard.announce(address(vault), 0, _gift());
        vm.warp(expiresAt + 1);
        require(_announce(address(vault), _gift()) == key, "another key");
        require(guard.announcement(key).announcedAt == expiresAt + 1, "not anew");
    }

    function testSoManyADayAndAnnouncer() public {
        // From midnight, so that the day does not end on the way.
        vm.warp((vm.getBlockTimestamp() / 1 days + 1) * 1 days);
        for (uint256 i; i < 12; ++i) {
            vm.prank(KEEPER);
            guard.announce(address(vault), i, "");
        }
        vm.warp(vm.getBlockTimestamp() + 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.TooManyAnnouncements.selector, KEEPER, 12));
        vm.prank(KEEPER);
        guard.announce(address(vault), 12, "");
        vm.prank(_owner(0));
        guard.announce(address(vault), 12, "");
        vm.warp(vm.getBlockTimestamp() + 1);
        vm.prank(KEEPER);
        guard.announce(address(vault), 13, "");
    }

    function testWhileTheSafesVotesAreElsewhere() public {
        vm.prank(address(safe));
        vault.delegate(BOB);
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.SafeVotesElsewhere.selector, BOB));
        vm.prank(_owner(0));
        guard.announce(address(vault), 0, "");
    }

    function testAPlanWithTooLittleGasForItsSnapshot() public {
        bytes memory data = _planCall(false);
        vm.expectPartialRevert(IReviewGuard.NotEnoughGas.selector);
        vm.prank(KEEPER);
        guard.announce{gas: 5_000_000}(address(rebalancer), 0, data);
        // Other calls take no snapshot.
        vm.prank(KEEPER);
        guard.announce{gas: 1_000_000}(address(vault), 0, data);
    }

    function testTheGasAPlanNeedsIsWhatTheLensIsGivenAndWhatACallKeeps() public {
        bytes memory data = _planCall(false);
        vm.prank(KEEPER);
        try guard.announce{gas: 5_000_000}(address(rebalancer), 0, data) {
            revert("announced");
        } catch (bytes memory reason) {
            (, uint256 needed) = abi.decode(_from(reason, 4), (uint256, uint256));
            require(needed == 5_000_000 + 5_000_000 / uint256(63) + 10_000, "needed");
        }
    }

    function testAPlanWithoutAPlan() public {
        bytes memory data = abi.encodeWithSelector(rebalancer.execute.selector);
        vm.prank(KEEPER);
        try guard.announce(address(rebalancer), 0, data) {
            revert("announced");
        } catch (bytes memory reason) {
            require(reason.length == 0, "the decoder refuses");
        }
    }

    // ---- outcome ----

    function testAnOtherCallWaitsLongest() public {
        bytes memory data = _gift();
        uint48 now_ = uint48(vm.getBlockTimestamp());
        bytes32 key = guard.keyOf(address(vault), 0, data);
        vm.expectEmit(address(guard));
        emit IReviewGuard.Announced(
            key,
            _owner(0),
            IReviewGuard.Class.Other,
            address(vault),
            0,
            data,
            now_ + 3 days,
            now_ + 8 days
        );
        require(_announce(address(vault), data) == key, "key");
        _requireEntry(key, IReviewGuard.Class.Other, 3 days);
    }

    function testAPlanWaitsHoursAndShowsTheState() public {
        bytes memory data = _planCall(false);
        bytes32 key = guard.keyOf(address(rebalancer), 0, data);
        bytes memory state = abi.encode(lens.snapshot());
        vm.expectEmit(address(guard));
        emit IReviewGuard.Snapshot(key, state);
        _announce(address(rebalancer), data);
        _requireEntry(key, IReviewGuard.Class.Plan, 6 hours);
    }

    function testADeriskPlanWaitsMinutes() public {
        bytes32 key = _announce(address(rebalancer), _planCall(true));
        _requireEntry(key, IReviewGuard.Class.Derisk, 15 minutes);
    }

    function testABrokenLensForbidsNoAnnouncement() public {
        IReviewGuard.Rules memory rules = IReviewGuard.Rules(1, 2, 3, 21 days, 1 days, 1, 1, 1);
        // The price oracle knows no snapshot.
        ReviewGuard blind = new ReviewGuard(
            address(manager),
            address(safe),
            address(rebalancer),
            address(prices),
            rules
        );
        bytes memory data = _planCall(false);
        bytes32 key = blind.keyOf(address(rebalancer), 0, data);
        vm.expectEmit(address(blind));
        emit IReviewGuard.Snapshot(key, "");
        vm.prank(_owner(0));
        blind.announce(address(rebalancer), 0, data);
    }

    function testFuzzTheClassIsThatOfTheBytesAlone(address to, bool derisk, uint256 length) public {
        vm.assume(to != address(rebalancer));
        bytes memory data = _planCall(derisk);
        require(
            guard.classOf(address(rebalancer), data) == (derisk ? IReviewGuard.Class.Derisk : IReviewGuard.Class.Plan),
            "a plan"
        );
        require(guard.classOf(to, data) == IReviewGuard.Class.Other, "elsewhere");
        length = bound(length, 0, 3);
        require(guard.classOf(address(rebalancer), _first(data, length)) == IReviewGuard.Class.Other, "no selector");
        data[0] = bytes1(uint8(data[0]) ^ 1);
        require(guard.classOf(address(rebalancer), data) == IReviewGuard.Class.Other, "another function");
    }

    function testFuzzTheKeyIsOfEveryPart(address to, uint256 value, bytes calldata data) public view {
        bytes32 key = guard.keyOf(to, value, data);
        require(key == keccak256(abi.encode(block.chainid, safe, to, value, keccak256(data), uint8(0))), "key");
        require(guard.keyOf(to, value ^ 1, data) != key, "value");
        require(guard.keyOf(address(uint160(to) ^ 1), value, data) != key, "to");
        require(guard.keyOf(to, value, bytes.concat(data, "x")) != key, "data");
    }

    function _requireEntry(bytes32 key, IReviewGuard.Class class, uint256 window) private view {
        IReviewGuard.Announcement memory entry = guard.announcement(key);
        uint256 now_ = vm.getBlockTimestamp();
        require(entry.announcedAt == now_ && entry.readyAt == now_ + window, "window");
        require(entry.expiresAt == now_ + window + 5 days && entry.snapshot == now_ - 1 days, "times");
        require(entry.class == class && entry.vetoes == 0 && !entry.vetoed && entry.votesAgainst == 0, "entry");
    }

    function _first(bytes memory data, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i; i < length; ++i) part[i] = data[i];
    }

    function _from(bytes memory data, uint256 start) private pure returns (bytes memory part) {
        part = new bytes(data.length - start);
        for (uint256 i; i < part.length; ++i) part[i] = data[start + i];
    }
}
