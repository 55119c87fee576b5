// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IReviewGuard} from "../../contracts/governance/IReviewGuard.sol";
import {GuardSetup} from "./support/GuardSetup.sol";
import {bound} from "./support/Numbers.sol";
import {vm} from "./support/Vm.sol";

/// @title The way out from under the guard
contract ReviewGuardExitTest is GuardSetup {
    function setUp() public {
        _bringUpGuarded();
    }

    function testOnlyTheSafeAnnouncesIt() public {
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.NotTheSafe.selector, _owner(0)));
        vm.prank(_owner(0));
        guard.announceExit();
    }

    function testIsRefusedUnannounced() public {
        _refuseViaSafe(address(safe), _removal(), _notReady(0, 0));
        _refuseViaSafe(address(safe), _moduleRemoval(), _notReady(0, 0));
    }

    function testFuzzRemovesTheGuardsInItsTimeAlone(uint256 wait) public {
        uint48 start = uint48(vm.getBlockTimestamp());
        vm.expectEmit(address(guard));
        emit IReviewGuard.ExitAnnounced(start + 21 days, start + 26 days);
        _announceExit();
        wait = bound(wait, 0, 30 days);
        vm.warp(start + wait);
        if (wait < 21 days || wait > 26 days) {
            _refuseViaSafe(address(safe), _removal(), _notReady(start + 21 days, start + 26 days));
            return;
        }
        _viaSafe(address(safe), _moduleRemoval());
        _viaSafe(address(safe), _removal());
        _viaSafe(address(vault), _gift());
        require(vault.balanceOf(STRANGER) == 1e18, "still guarded");
    }

    function testAtTheEdgesOfItsTime() public {
        uint256 start = vm.getBlockTimestamp();
        _announceExit();
        vm.warp(start + 21 days - 1);
        _refuseViaSafe(address(safe), _removal(), IReviewGuard.ExitNotReady.selector);
        vm.warp(start + 26 days + 1);
        _refuseViaSafe(address(safe), _removal(), IReviewGuard.ExitNotReady.selector);
        vm.warp(start + 21 days);
        _viaSafe(address(safe), _moduleRemoval());
        vm.warp(start + 26 days);
        _viaSafe(address(safe), _removal());
    }

    function testIsNotAnnouncedAgainWhileOneIsRunning() public {
        uint48 start = uint48(vm.getBlockTimestamp());
        _announceExit();
        vm.warp(start + 26 days);
        _refuseViaSafe(
            address(guard),
            abi.encodeCall(guard.announceExit, ()),
            _notReady(start + 21 days, start + 26 days)
        );
        vm.warp(start + 26 days + 1);
        _announceExit();
        require(guard.exitReadyAt() == start + 47 days + 1, "not anew");
    }

    function testAnotherGuardInItsPlaceIsACallLikeAnyOther() public {
        _announceExit();
        vm.warp(vm.getBlockTimestamp() + 21 days);
        _requireWaits(abi.encodeCall(safe.setGuard, (STRANGER)));
        _requireWaits(bytes.concat(_removal(), hex"00"));
        _requireWaits(abi.encodeWithSelector(safe.setGuard.selector));
    }

    function testNothingElseOfTheGuardsOwnIsFree() public {
        bytes memory data = bytes.concat(abi.encodeCall(guard.announceExit, ()), hex"00");
        _refuseViaSafe(address(guard), data, _notAnnounced(address(guard), data));
        data = abi.encodeWithSelector(guard.rules.selector);
        _refuseViaSafe(address(guard), data, _notAnnounced(address(guard), data));
    }

    function _announceExit() private {
        _viaSafe(address(guard), abi.encodeCall(guard.announceExit, ()));
    }

    function _removal() private view returns (bytes memory) {
        return abi.encodeCall(safe.setGuard, (address(0)));
    }

    function _moduleRemoval() private view returns (bytes memory) {
        return abi.encodeCall(safe.setModuleGuard, (address(0)));
    }

    function _requireWaits(bytes memory data) private {
        _refuseViaSafe(address(safe), data, _notAnnounced(address(safe), data));
    }

    function _notReady(uint48 readyAt, uint48 expiresAt) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IReviewGuard.ExitNotReady.selector, readyAt, expiresAt);
    }
}
