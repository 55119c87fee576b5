// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IReviewGuard} from "../../../contracts/governance/IReviewGuard.sol";
import {IRebalancer} from "../../../contracts/rebalance/IRebalancer.sol";
import {Plans} from "./Plans.sol";
import {vm} from "./Vm.sol";

/// @title A Safe whose calls and modules the review guard looks at, and shareholders who can stop them
abstract contract GuardSetup is Plans {
    /// @dev Of the votes that count, which are all but the Safe's: 15, 35 and 50 per cent.
    address internal constant ALICE = address(uint160(uint256(keccak256("alice"))));
    address internal constant BOB = address(uint160(uint256(keccak256("bob"))));
    address internal constant MODULE = address(uint160(uint256(keccak256("module"))));

    function _bringUpGuarded() internal {
        _bringUp(true);
        _enter(ALICE, 1_500_000e6);
        _enter(BOB, 3_500_000e6);
        _enter(address(safe), 2_000_000e6);
        _viaSafe(address(safe), abi.encodeCall(safe.enableModule, (MODULE)));
        _viaSafe(address(safe), abi.encodeCall(safe.setModuleGuard, (address(guard))));
        _viaSafe(address(safe), abi.encodeCall(safe.setGuard, (address(guard))));
        // Votes count as they stood a day before.
        _freshRounds(25 hours);
    }

    function _announce(address to, bytes memory data) internal returns (bytes32 key) {
        vm.prank(_owner(0));
        return guard.announce(to, 0, data);
    }

    /// @dev A call of class Other that changes something to be seen: the Safe moves one of its shares.
    function _gift() internal view returns (bytes memory) {
        return abi.encodeCall(vault.transfer, (STRANGER, 1e18));
    }

    function _planCall(bool derisk) internal returns (bytes memory) {
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.derisk = derisk;
        return abi.encodeCall(rebalancer.execute, (plan));
    }

    function _notAnnounced(address to, bytes memory data) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IReviewGuard.NotAnnounced.selector, guard.keyOf(to, 0, data));
    }

    function _veto(address voter, bytes32 key) internal {
        vm.prank(voter);
        guard.veto(key);
    }

    function _refuseVeto(address voter, bytes32 key, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(voter);
        guard.veto(key);
    }

    function _waitUntil(uint256 time) internal {
        vm.warp(time);
        _freshRounds(0);
    }
}
