// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Taking a request back: whose, which, until a venue was unwound for it, and again past the deadline
contract HedgeVaultCancelTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant STRANGER = address(0x5AFE);

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        venue = _addVenue();
        _enter(ALICE, 1_000e6);
        _enter(BOB, 1_000e6);
        _place(venue, 1_900e6);
        _round(60);
    }

    // ---- whose, and which ----

    function testAStrangerReverts() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAuthorized.selector, STRANGER, ALICE));
        vault.cancelRedeemRequest(id, ALICE);
    }

    function testAnothersRequestReverts() public {
        uint256 id = _request(ALICE, 10 * SHARE);

        _expectNone(id, BOB);
        vault.cancelRedeemRequest(id, BOB);
    }

    function testARequestThatWasNotMadeReverts() public {
        uint256 id = _request(ALICE, 10 * SHARE);

        _expectNone(id + 1, ALICE);
        vault.cancelRedeemRequest(id + 1, ALICE);
    }

    function testTwiceReverts() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        _cancel(id, ALICE);

        _expectNone(id, ALICE);
        vault.cancelRedeemRequest(id, ALICE);
    }

    function testASettledRequestReverts() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        _round(60);
        vault.settle(1);

        _expectNone(id, ALICE);
        vault.cancelRedeemRequest(id, ALICE);
    }

    function testAForcedRequestReverts() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vault.force(id);

        _expectNone(id, ALICE);
        vault.cancelRedeemRequest(id, ALICE);
    }

    // ---- once a venue was unwound ----

    function testAfterCashCameBackItReverts() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        vm.warp(block.timestamp + 1);
        venue.restore(1);
        require(vault.unwoundAt() == block.timestamp, "noted");

        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindingBegun.selector, id, block.timestamp));
        vault.cancelRedeemRequest(id, ALICE);
    }

    function testTheCashOfAnothersUnwindingHoldsAllThatWaitedThen() public {
        uint256 first = _request(ALICE, 10 * SHARE);
        vm.warp(block.timestamp + 1);
        uint256 second = _request(BOB, 10 * SHARE);
        vm.warp(block.timestamp + 1);
        venue.restore(1_000e6);
        uint256 at = block.timestamp;

        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindingBegun.selector, first, at));
        vault.cancelRedeemRequest(first, ALICE);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindingBegun.selector, second, at));
        vault.cancelRedeemRequest(second, BOB);
    }

    function testARequestMadeAfterwardsCanBeTakenBack() public {
        _request(BOB, 10 * SHARE);
        vm.warp(block.timestamp + 1);
        venue.restore(1_000e6);
        uint256 id = _request(ALICE, 10 * SHARE);

        require(_cancel(id, ALICE) == 10 * SHARE, "nothing was unwound for it");
    }

    function testCashThatCameBackWhileNobodyWaitedHoldsNobody() public {
        venue.restore(1_000e6);
        require(vault.unwoundAt() == 0, "not noted");
        uint256 id = _request(ALICE, 10 * SHARE);
        vm.warp(block.timestamp + 1);
        venue.draw(1);

        require(_cancel(id, ALICE) == 10 * SHARE, "and cash that goes holds nobody either");
    }

    function testPastTheDeadlineItCanBeTakenBackAgain() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        uint256 at = block.timestamp;
        vm.warp(at + 1);
        venue.restore(1_000e6);
        vm.warp(at + vault.EXIT_DEADLINE() - 1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.UnwindingBegun.selector, id, at + 1));
        vault.cancelRedeemRequest(id, ALICE);

        vm.warp(at + vault.EXIT_DEADLINE());
        require(_cancel(id, ALICE) == 10 * SHARE, "nobody waits for ever");
    }

    // ---- what it does ----

    function testFuzzItFreesWhatIsPendingAndNothingElse(uint256 asked) public {
        asked = SHARE + (asked % (999 * SHARE));
        uint256 id = _request(ALICE, asked);
        uint256 others = _request(BOB, 50 * SHARE);
        vm.expectEmit();
        emit IHedgeVault.RedemptionCancelled(id, ALICE, asked);

        require(_cancel(id, ALICE) == asked, "all of it");
        require(vault.lockedShares(ALICE) == 0 && vault.balanceOf(ALICE) == 1_000 * SHARE, "free");
        require(vault.pendingRedeemRequest(id, ALICE) == 0 && vault.maxRedeem(ALICE) == 0, "nothing is left of it");
        require(vault.pendingShares() == 50 * SHARE && vault.lockedShares(BOB) == 50 * SHARE, "the other's waits");
        require(vault.pendingRedeemRequest(others, BOB) == 50 * SHARE, "as it did");
        vm.prank(ALICE);
        vault.transfer(BOB, 1_000 * SHARE);
    }

    function testWhatIsSettledOfItStaysSettled() public {
        uint256 id = _request(ALICE, 1_000 * SHARE);
        _round(60);
        (uint256 settled, uint256 assets) = vault.settle(1);
        require(settled != 0 && settled < 1_000 * SHARE, "in part");

        require(_cancel(id, ALICE) == 1_000 * SHARE - settled, "the rest");
        require(vault.claimableRedeemRequest(id, ALICE) == settled && vault.maxWithdraw(ALICE) == assets, "the claim");
        require(vault.balanceOf(ALICE) == 1_000 * SHARE - settled && vault.lockedShares(ALICE) == 0, "free");
    }

    function testAnOperatorTakesItBackAndTheSharesGoToTheirOwner() public {
        vm.prank(ALICE);
        vault.approve(BOB, 10 * SHARE);
        vm.prank(BOB);
        uint256 id = vault.requestRedeem(10 * SHARE, BOB, ALICE);
        vm.prank(BOB);
        vault.setOperator(STRANGER, true);
        vm.prank(STRANGER);
        vault.cancelRedeemRequest(id, BOB);

        require(vault.lockedShares(ALICE) == 0 && vault.balanceOf(BOB) == 1_000 * SHARE, "Alice's, not Bob's");
        require(vault.allowance(ALICE, BOB) == 0, "the allowance is used up all the same");
    }

    function testTheQueueGoesOnPastIt() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        _request(BOB, 10 * SHARE);
        _cancel(id, ALICE);
        _round(60);
        (uint256 shares, ) = vault.settle(2);

        (uint256 head, uint256 tail) = vault.queueBounds();
        require(shares == 10 * SHARE && head == tail, "settled");
    }

    // ---- moves ----

    function _cancel(uint256 id, address controller) private returns (uint256) {
        vm.prank(controller);
        return vault.cancelRedeemRequest(id, controller);
    }

    function _expectNone(uint256 id, address controller) private {
        vm.prank(controller);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoSuchRequest.selector, id, controller));
    }
}
