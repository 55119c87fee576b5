// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IReviewGuard} from "../../contracts/governance/IReviewGuard.sol";
import {Operation} from "../../contracts/governance/ISafeGuard.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {GuardSetup} from "./support/GuardSetup.sol";
import {bound} from "./support/Numbers.sol";
import {vm} from "./support/Vm.sol";

/// @title What a guarded Safe may run, now and after its window
contract ReviewGuardCheckTest is GuardSetup {
    function setUp() public {
        _bringUpGuarded();
    }

    // ---- the window ----

    function testNothingThatWasNotAnnounced() public {
        _refuseViaSafe(address(vault), _gift(), _notAnnounced(address(vault), _gift()));
    }

    function testFuzzAnAnnouncedCallRunsOnceInItsTime(uint256 wait) public {
        bytes memory data = _gift();
        bytes32 key = _announce(address(vault), data);
        IReviewGuard.Announcement memory entry = guard.announcement(key);
        wait = bound(wait, 0, 9 days);
        vm.warp(vm.getBlockTimestamp() + wait);
        if (vm.getBlockTimestamp() < entry.readyAt) {
            _refuseViaSafe(
                address(vault),
                data,
                abi.encodeWithSelector(IReviewGuard.WindowOpen.selector, key, entry.readyAt)
            );
            return;
        }
        if (vm.getBlockTimestamp() > entry.expiresAt) {
            _refuseViaSafe(address(vault), data, _notAnnounced(address(vault), data));
            return;
        }
        vm.expectEmit(address(guard));
        emit IReviewGuard.Used(key);
        _viaSafe(address(vault), data);
        require(vault.balanceOf(STRANGER) == 1e18, "did not run");
        require(guard.announcement(key).announcedAt == 0, "not used up");
        _refuseViaSafe(address(vault), data, _notAnnounced(address(vault), data));
    }

    function testAtTheEdgesOfItsTime() public {
        bytes memory data = _gift();
        IReviewGuard.Announcement memory entry = guard.announcement(_announce(address(vault), data));
        vm.warp(entry.expiresAt);
        _viaSafe(address(vault), data);
        entry = guard.announcement(_announce(address(vault), data));
        vm.warp(entry.readyAt);
        _viaSafe(address(vault), data);
        require(vault.balanceOf(STRANGER) == 2e18, "did not run");
    }

    function testAnnouncingAtAnotherValueIsAnotherCall() public {
        vm.prank(_owner(0));
        guard.announce(address(vault), 1, _gift());
        vm.warp(vm.getBlockTimestamp() + 3 days);
        _refuseViaSafe(address(vault), _gift(), _notAnnounced(address(vault), _gift()));
    }

    function testAPlanRunsAfterHoursADeriskPlanAfterMinutes() public {
        IRebalancer.Plan memory plan = _targetPlan();
        bytes memory data = abi.encodeCall(rebalancer.execute, (plan));
        bytes32 key = _announce(address(rebalancer), data);
        _waitUntil(guard.announcement(key).readyAt);
        _viaSafe(address(rebalancer), data);
        require(rebalancer.used(plan.nonce), "did not run");

        plan = _liquidityPlan(5_000);
        plan.derisk = true;
        data = abi.encodeCall(rebalancer.execute, (plan));
        key = _announce(address(rebalancer), data);
        _waitUntil(vm.getBlockTimestamp() + 15 minutes);
        _viaSafe(address(rebalancer), data);
        require(rebalancer.used(plan.nonce), "the derisk plan did not run");
    }

    // ---- never ----

    function testNoDelegateCall() public {
        SafeTx memory t = _call(address(vault), _gift());
        t.operation = Operation.DelegateCall;
        _refuse(t, abi.encodeWithSelector(IReviewGuard.DelegateCallForbidden.selector));
    }

    function testNoRefunds() public {
        bytes memory reason = abi.encodeWithSelector(IReviewGuard.RefundForbidden.selector);
        for (uint256 i; i < 5; ++i) {
            SafeTx memory t = _call(address(safe), "");
            if (i == 0) t.safeTxGas = 1;
            if (i == 1) t.baseGas = 1;
            if (i == 2) t.gasPrice = 1;
            if (i == 3) t.gasToken = address(asset);
            if (i == 4) t.refundReceiver = payable(STRANGER);
            _refuse(t, reason);
        }
    }

    function testNobodyButTheSafeIsChecked() public {
        bytes memory reason = abi.encodeWithSelector(IReviewGuard.NotTheSafe.selector, STRANGER);
        vm.expectRevert(reason);
        vm.prank(STRANGER);
        guard.checkTransaction(address(safe), 0, "", Operation.Call, 0, 0, 0, address(0), payable(0), "", STRANGER);
        vm.expectRevert(reason);
        vm.prank(STRANGER);
        guard.checkModuleTransaction(address(safe), 0, "", Operation.Call, MODULE);
    }

    // ---- what never waits ----

    function testTheSafesOwnCancel() public {
        uint256 nonce = safe.nonce();
        _viaSafe(address(safe), "");
        require(safe.nonce() == nonce + 1, "not cancelled");
        bytes memory other = abi.encodeCall(safe.enableModule, (STRANGER));
        _refuseViaSafe(address(safe), other, _notAnnounced(address(safe), other));
        SafeTx memory t = _call(address(safe), "");
        t.value = 1;
        _refuse(t, abi.encodeWithSelector(IReviewGuard.NotAnnounced.selector, guard.keyOf(address(safe), 1, "")));
    }

    function testTheSafesOwnRedemptionFromRequestToClaim() public {
        address s = address(safe);
        uint256 shares = vault.balanceOf(s) / 4;
        _viaSafe(address(vault), abi.encodeCall(vault.requestRedeem, (shares, s, s)));
        _viaSafe(address(vault), abi.encodeCall(vault.cancelRedeemRequest, (1, s)));
        _viaSafe(address(vault), abi.encodeCall(vault.requestRedeem, (shares, s, s)));
        _freshRounds(60);
        vault.settle(10);
        uint256 assets = vault.maxWithdraw(s);
        _viaSafe(address(vault), abi.encodeCall(vault.withdraw, (assets / 2, s, s)));
        _viaSafe(address(vault), abi.encodeCall(vault.redeem, (vault.maxRedeem(s), s, s)));
        require(asset.balanceOf(s) == assets && assets != 0, "not paid");
        bytes memory data = abi.encodeCall(vault.claimInKind, (address(base), s, s));
        _refuseViaSafe(address(vault), data, IHedgeVault.ClaimTooLarge.selector);
    }

    function testTheSafesOwnRedemptionAtOnce() public {
        address s = address(safe);
        // Its shares came in this second: they wait for newer rounds.
        _freshRounds(60);
        uint256 before = asset.balanceOf(s);
        _viaSafe(address(vault), abi.encodeCall(vault.redeemInstantly, (1e18, 1, s, s)));
        require(asset.balanceOf(s) > before, "not paid");
    }

    function testForcingAndUnwindingReachTheVault() public {
        _refuseViaSafe(address(vault), abi.encodeCall(vault.force, (7)), IHedgeVault.NoSuchRequest.selector);
        bytes memory data = abi.encodeCall(vault.unwindSlice, (address(safe), address(perpAdapter), 1));
        _refuseViaSafe(address(vault), data, IHedgeVault.ClaimTooLarge.selector);
    }

    function testFuzzARedemptionToOthersWaits(address to) public {
        vm.assume(to != address(safe));
        address s = address(safe);
        _requireWaits(abi.encodeCall(vault.requestRedeem, (1e18, to, s)));
        _requireWaits(abi.encodeCall(vault.requestRedeem, (1e18, s, to)));
        _requireWaits(abi.encodeCall(vault.cancelRedeemRequest, (0, to)));
        _requireWaits(abi.encodeCall(vault.withdraw, (1, to, s)));
        _requireWaits(abi.encodeCall(vault.redeem, (1, to, s)));
        _requireWaits(abi.encodeCall(vault.redeemInstantly, (1e18, 1, to, s)));
        _requireWaits(abi.encodeCall(vault.redeemInstantly, (1e18, 1, s, to)));
        _requireWaits(abi.encodeCall(vault.claimInKind, (address(base), to, s)));
        _requireWaits(abi.encodeCall(vault.claimInKind, (address(base), s, to)));
        _requireWaits(abi.encodeCall(vault.unwindSlice, (to, address(perpAdapter), 1)));
    }

    function testARedemptionWithBytesTooManyOrTooFewWaits() public {
        address s = address(safe);
        bytes[5] memory calls = [
            abi.encodeCall(vault.redeemInstantly, (1e18, 1, s, s)),
            abi.encodeCall(vault.requestRedeem, (1e18, s, s)),
            abi.encodeCall(vault.cancelRedeemRequest, (1, s)),
            abi.encodeCall(vault.force, (0)),
            abi.encodeCall(vault.unwindSlice, (s, address(perpAdapter), 1))
        ];
        for (uint256 i; i < 5; ++i) _requireWaits(bytes.concat(calls[i], hex"00"));
        _requireWaits("");
        _requireWaits(abi.encodeWithSelector(vault.force.selector));
        // The right length and addresses, of another function.
        _requireWaits(abi.encodeWithSelector(vault.transferFrom.selector, 1e18, s, s));
        _requireWaits(abi.encodeWithSelector(vault.transferFrom.selector, 1e18, 1, s, s));
    }

    function testARedemptionWithValueOrElsewhereWaits() public {
        bytes memory data = abi.encodeCall(vault.requestRedeem, (1e18, address(safe), address(safe)));
        _refuseViaSafe(address(rebalancer), data, _notAnnounced(address(rebalancer), data));
        SafeTx memory t = _call(address(vault), data);
        t.value = 1;
        _refuse(t, abi.encodeWithSelector(IReviewGuard.NotAnnounced.selector, guard.keyOf(address(vault), 1, data)));
    }

    function testTheSafeTakesItsVotesBackAndNeverGivesThemAway() public {
        vm.prank(address(safe));
        vault.delegate(BOB);
        _viaSafe(address(vault), abi.encodeCall(vault.delegate, (address(safe))));
        require(vault.delegates(address(safe)) == address(safe), "not back");

        bytes memory away = abi.encodeCall(vault.delegate, (ALICE));
        bytes memory reason = abi.encodeWithSelector(IReviewGuard.SafeVotesElsewhere.selector, ALICE);
        _refuseViaSafe(address(vault), away, reason);
        _refuseViaSafe(
            address(vault),
            abi.encodeWithSelector(vault.delegate.selector),
            abi.encodeWithSelector(IReviewGuard.SafeVotesElsewhere.selector, address(0))
        );
        _refuseViaSafe(
            address(vault),
            abi.encodeWithSelector(vault.delegate.selector, safe, safe),
            abi.encodeWithSelector(IReviewGuard.SafeVotesElsewhere.selector, safe)
        );
        // Not even announced.
        bytes32 key = _announce(address(vault), away);
        vm.warp(guard.announcement(key).readyAt);
        _refuseViaSafe(address(vault), away, reason);
    }

    // ---- modules ----

    function testAModuleWaitsAsTheOwnersDo() public {
        bytes memory data = _gift();
        bytes memory reason = _notAnnounced(address(vault), data);
        vm.expectRevert(reason);
        vm.prank(MODULE);
        safe.execTransactionFromModule(address(vault), 0, data, Operation.Call);

        bytes32 key = _announce(address(vault), data);
        vm.warp(guard.announcement(key).readyAt);
        vm.prank(MODULE);
        safe.execTransactionFromModule(address(vault), 0, data, Operation.Call);
        require(vault.balanceOf(STRANGER) == 1e18, "did not run");
        require(guard.announcement(key).announcedAt == 0, "not used up");
    }

    function testAModuleDoesNotDelegateCall() public {
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.DelegateCallForbidden.selector));
        vm.prank(MODULE);
        safe.execTransactionFromModule(address(vault), 0, _gift(), Operation.DelegateCall);
    }

    function testAModulesFailedCallUsesNothingUp() public {
        bytes memory data = abi.encodeCall(vault.transfer, (STRANGER, 1e30));
        bytes32 key = _announce(address(vault), data);
        vm.warp(guard.announcement(key).readyAt);
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.ModuleCallFailed.selector));
        vm.prank(MODULE);
        safe.execTransactionFromModule(address(vault), 0, data, Operation.Call);
        require(guard.announcement(key).announcedAt != 0, "used up");
    }

    function _requireWaits(bytes memory data) private {
        _refuseViaSafe(address(vault), data, _notAnnounced(address(vault), data));
    }
}
