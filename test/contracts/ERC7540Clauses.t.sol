// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC7540Operator, IERC7540Redeem} from "../../contracts/vault/IERC7540.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title ERC-7540's asynchronous redemption clause by clause, with what it leaves of ERC-4626's exit side, and what is
/// taken from ERC-7887: each test is named after the sentence it holds the vault to
contract ERC7540ClausesTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant STRANGER = address(0x5AFE);

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        _setRebalancer();
        venue = _addVenue();
        _enter(ALICE, 1_000e6);
        _enter(BOB, 1_000e6);
        _place(venue, 1_000e6);
        _round(60);
    }

    // ---- request flows: ERC-4626 overridden ----

    function testRedeemAndWithdrawDoNotTransferSharesToTheVault() public {
        _settled(ALICE, 400 * SHARE);
        uint256 balance = vault.balanceOf(ALICE);
        _redeem(ALICE, 200 * SHARE);
        _withdraw(ALICE, 100e6);

        require(vault.balanceOf(ALICE) == balance && vault.balanceOf(address(vault)) == 0, "taken at the settlement");
    }

    function testTheControllerMustBeTheSenderOfRedeem() public {
        _settled(ALICE, 400 * SHARE);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAuthorized.selector, STRANGER, ALICE));
        vault.redeem(SHARE, STRANGER, ALICE);
    }

    function testTheControllerMustBeTheSenderOfWithdraw() public {
        _settled(ALICE, 400 * SHARE);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAuthorized.selector, STRANGER, ALICE));
        vault.withdraw(1e6, STRANGER, ALICE);
    }

    function testAnAllowanceOfSharesIsNoRightToAClaim() public {
        _settled(ALICE, 400 * SHARE);
        vm.prank(ALICE);
        vault.approve(STRANGER, type(uint256).max);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAuthorized.selector, STRANGER, ALICE));
        vault.redeem(SHARE, STRANGER, ALICE);
    }

    function testUnlessTheControllerApprovedTheSenderAsAnOperator() public {
        _settled(ALICE, 400 * SHARE);
        vm.prank(ALICE);
        vault.setOperator(STRANGER, true);
        vm.prank(STRANGER);
        vault.redeem(100 * SHARE, STRANGER, ALICE);
        vm.prank(STRANGER);
        vault.withdraw(50e6, BOB, ALICE);

        require(asset.balanceOf(STRANGER) == 100e6 && asset.balanceOf(BOB) == 50e6, "to any receiver");
        vm.prank(ALICE);
        vault.setOperator(STRANGER, false);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAuthorized.selector, STRANGER, ALICE));
        vault.redeem(SHARE, STRANGER, ALICE);
    }

    function testFuzzPreviewRedeemAndPreviewWithdrawMustRevertForAllCallersAndInputs(address caller, uint256 n) public {
        vm.prank(caller);
        vm.expectRevert(IHedgeVault.PreviewNotSupported.selector);
        vault.previewRedeem(n);
        vm.prank(caller);
        vm.expectRevert(IHedgeVault.PreviewNotSupported.selector);
        vault.previewWithdraw(n);
    }

    // ---- the lifecycle ----

    function testARequestMustNotSkipTheClaim() public {
        _request(ALICE, 400 * SHARE);
        _round(60);
        vault.settle(1);
        require(asset.balanceOf(ALICE) == 0, "nothing is pushed");

        _redeem(ALICE, 400 * SHARE);
        require(asset.balanceOf(ALICE) == 400e6, "pulled");
    }

    function testAForcedRequestMustNotSkipTheClaimEither() public {
        uint256 id = _request(ALICE, 400 * SHARE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vault.force(id);
        require(asset.balanceOf(ALICE) == 0 && vault.claimableRedeemRequest(id, ALICE) == 400 * SHARE, "a claim");
    }

    function testWhatIsPendingCannotBeClaimed() public {
        _request(ALICE, 400 * SHARE);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ClaimTooLarge.selector, ALICE, 1, 0));
        vault.redeem(1, ALICE, ALICE);
    }

    // ---- request ids ----

    function testNoRequestHasTheIdZeroSinceNotAllHaveIt() public {
        uint256 first = _request(ALICE, 10 * SHARE);
        uint256 second = _request(ALICE, 10 * SHARE);

        require(first != 0 && second != 0 && first != second, "told apart by id");
        require(vault.pendingRedeemRequest(0, ALICE) == 0 && vault.claimableRedeemRequest(0, ALICE) == 0, "zero: none");
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoSuchRequest.selector, 0, address(0)));
        vault.force(0);
        vm.prank(address(0));
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoSuchRequest.selector, 0, address(0)));
        vault.cancelRedeemRequest(0, address(0));
    }

    function testNoTwoRequestsShareAnId() public {
        uint256 first = _request(ALICE, 10 * SHARE);
        uint256 second = _request(BOB, 20 * SHARE);

        require(first + 1 == second, "counted");
        require(vault.pendingRedeemRequest(first, BOB) == 0 && vault.pendingRedeemRequest(second, ALICE) == 0, "apart");
        require(vault.pendingRedeemRequest(first, ALICE) == 10 * SHARE, "first");
        require(vault.pendingRedeemRequest(second, BOB) == 20 * SHARE, "second");
    }

    // ---- requestRedeem ----

    function testRequestRedeemMustEmitRedeemRequest() public {
        vm.prank(ALICE);
        vault.setOperator(STRANGER, true);
        (, uint256 tail) = vault.queueBounds();
        vm.expectEmit();
        emit IERC7540Redeem.RedeemRequest(STRANGER, ALICE, tail, STRANGER, 10 * SHARE);
        vm.prank(STRANGER);
        require(vault.requestRedeem(10 * SHARE, STRANGER, ALICE) == tail, "returns the id");
    }

    function testRequestRedeemPutsTheRequestInPendingState() public {
        uint256 id = _request(ALICE, 10 * SHARE);

        require(vault.pendingRedeemRequest(id, ALICE) == 10 * SHARE, "pending");
        require(vault.claimableRedeemRequest(id, ALICE) == 0 && vault.maxRedeem(ALICE) == 0, "not claimable");
        require(vault.totalSupply() == 2_000 * SHARE, "not burned yet");
    }

    /// @dev They stay in the owner's balance, where their votes are, and out of the owner's hands.
    function testSharesMustLeaveTheOwnersCustodyAndBeBurnedByTheClaim() public {
        uint256 id = _request(ALICE, 1_000 * SHARE);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesLocked.selector, ALICE, 1, 0));
        vault.transfer(BOB, 1);
        vm.prank(ALICE);
        vault.approve(STRANGER, 1);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesLocked.selector, ALICE, 1, 0));
        vault.transferFrom(ALICE, BOB, 1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesLocked.selector, ALICE, SHARE, 0));
        vault.requestRedeem(SHARE, ALICE, ALICE);

        _round(60);
        vault.settle(1);
        require(vault.balanceOf(ALICE) == 0 && vault.claimableRedeemRequest(id, ALICE) != 0, "burned when claimable");
    }

    function testARequestOfAStrangerNeedsAnAllowanceOfShares() public {
        vm.prank(STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, STRANGER, 0, 10 * SHARE)
        );
        vault.requestRedeem(10 * SHARE, STRANGER, ALICE);
    }

    function testAnAllowanceMustBeDeductedAndAnInfiniteOneShouldNot() public {
        vm.prank(ALICE);
        vault.approve(STRANGER, 15 * SHARE);
        vm.prank(STRANGER);
        vault.requestRedeem(10 * SHARE, STRANGER, ALICE);
        require(vault.allowance(ALICE, STRANGER) == 5 * SHARE, "deducted");
        vm.prank(STRANGER);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
        vault.requestRedeem(10 * SHARE, STRANGER, ALICE);

        vm.prank(ALICE);
        vault.approve(STRANGER, type(uint256).max);
        vm.prank(STRANGER);
        vault.requestRedeem(10 * SHARE, STRANGER, ALICE);
        require(vault.allowance(ALICE, STRANGER) == type(uint256).max, "infinite");
    }

    function testAnOperatorIsNotSubjectToAllowances() public {
        vm.prank(ALICE);
        vault.setOperator(STRANGER, true);
        vm.prank(ALICE);
        vault.approve(STRANGER, 15 * SHARE);
        vm.prank(STRANGER);
        vault.requestRedeem(100 * SHARE, ALICE, ALICE);

        require(vault.allowance(ALICE, STRANGER) == 15 * SHARE, "untouched");
    }

    function testNobodyMakesAnotherTheControllerUnasked() public {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAuthorized.selector, ALICE, BOB));
        vault.requestRedeem(10 * SHARE, BOB, ALICE);

        vm.prank(BOB);
        vault.setOperator(ALICE, true);
        vm.prank(ALICE);
        uint256 id = vault.requestRedeem(10 * SHARE, BOB, ALICE);
        require(vault.pendingRedeemRequest(id, BOB) == 10 * SHARE, "its operator may");
        require(vault.pendingRedeemRequest(id, ALICE) == 0, "and then it is the controller's alone");
    }

    function testRequestRedeemMustRevertIfNotAllOfTheSharesCanBeRequested() public {
        uint256 all = 1_000 * SHARE;
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesLocked.selector, ALICE, all + 1, all));
        vault.requestRedeem(all + 1, ALICE, ALICE);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.RequestTooSmall.selector, 0, SHARE));
        vault.requestRedeem(0, ALICE, ALICE);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.RequestTooSmall.selector, SHARE - 1, SHARE));
        vault.requestRedeem(SHARE - 1, ALICE, ALICE);
        _request(ALICE, SHARE);
    }

    function testAWholeFreeBalanceHoweverSmallCanBeRequested() public {
        vm.prank(ALICE);
        vault.transfer(STRANGER, 5);
        _request(STRANGER, 5);
        require(vault.lockedShares(STRANGER) == 5, "all there is");
        _request(ALICE, 1_000 * SHARE - 5 - 7);
        _request(ALICE, 7);
        require(vault.lockedShares(ALICE) == 1_000 * SHARE - 5, "all that is free");
    }

    // ---- pendingRedeemRequest, claimableRedeemRequest ----

    function testFuzzPendingAndClaimableMustNotIncludeEachOther(uint256 asked, uint256 cash) public {
        asked = SHARE + (asked % (999 * SHARE));
        venue.draw(cash % 999e6);
        uint256 held = asset.balanceOf(address(venue));
        venue.set(held, held);
        uint256 id = _request(ALICE, asked);
        _round(60);
        (uint256 settled, ) = vault.settle(1);

        require(vault.claimableRedeemRequest(id, ALICE) == settled, "what was settled");
        require(vault.pendingRedeemRequest(id, ALICE) == asked - settled, "what was not");
        _redeem(ALICE, settled / 2);
        require(vault.claimableRedeemRequest(id, ALICE) == settled - settled / 2, "what was claimed is neither");
        require(vault.pendingRedeemRequest(id, ALICE) == asked - settled, "and the rest still waits");
    }

    function testFuzzPendingAndClaimableMustNotVaryWithTheCallerNorRevert(
        address caller,
        address controller,
        uint256 requestId
    ) public {
        uint256 id = _request(ALICE, 10 * SHARE);
        vm.prank(caller);
        uint256 pending = vault.pendingRedeemRequest(requestId, controller);
        vm.prank(caller);
        uint256 claimable = vault.claimableRedeemRequest(requestId, controller);

        require(claimable == 0 && pending == (requestId == id && controller == ALICE ? 10 * SHARE : 0), "none");
        vm.prank(caller);
        require(vault.pendingRedeemRequest(id, ALICE) == 10 * SHARE, "whoever asks");
        _round(60);
        vault.settle(1);
        vm.prank(caller);
        require(vault.claimableRedeemRequest(id, ALICE) == 10 * SHARE, "whoever asks");
    }

    function testPendingAndClaimableMustNotRevertWhilePlansRunOrFeedsAreDead() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        vm.warp(block.timestamp + 30 days);
        vm.prank(REBALANCER);
        vault.beginPlan();

        require(vault.pendingRedeemRequest(id, ALICE) == 10 * SHARE, "pending");
        require(vault.claimableRedeemRequest(id, ALICE) == 0, "claimable");
        require(vault.maxRedeem(ALICE) == 0 && vault.maxWithdraw(ALICE) == 0, "max");
    }

    // ---- redeem and withdraw: what ERC-4626 still asks ----

    function testFuzzMaxRedeemAndMaxWithdrawAreWhatRedeemAndWithdrawTake(uint256 asked, bool inAssets) public {
        asked = SHARE + (asked % (999 * SHARE));
        _settled(ALICE, asked);
        uint256 shares = vault.maxRedeem(ALICE);
        uint256 assets = vault.maxWithdraw(ALICE);
        require(shares == asked, "all that is settled");

        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ClaimTooLarge.selector, ALICE, shares + 1, shares));
        vault.redeem(shares + 1, ALICE, ALICE);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ClaimTooLarge.selector, ALICE, assets + 1, assets));
        vault.withdraw(assets + 1, ALICE, ALICE);
        if (inAssets) require(_withdraw(ALICE, assets) == shares, "all");
        else require(_redeem(ALICE, shares) == assets, "all");
        require(asset.balanceOf(ALICE) == assets && vault.claimsOutstanding() == 0, "paid");
        require(vault.maxRedeem(ALICE) == 0 && vault.maxWithdraw(ALICE) == 0, "nothing left");
    }

    function testMaxRedeemAndMaxWithdrawMustBeZeroWhileAPlanRuns() public {
        _settled(ALICE, 100 * SHARE);
        vm.prank(REBALANCER);
        vault.beginPlan();
        require(vault.maxRedeem(ALICE) == 0 && vault.maxWithdraw(ALICE) == 0, "closed meanwhile");
        vm.prank(REBALANCER);
        vault.endPlan(false);

        require(vault.maxRedeem(ALICE) == 100 * SHARE && vault.maxWithdraw(ALICE) == 100e6, "open again");
    }

    function testRedeemMustEmitWithdrawWithTheController() public {
        _settled(ALICE, 400 * SHARE);
        vm.prank(ALICE);
        vault.setOperator(STRANGER, true);
        vm.expectEmit();
        emit IERC4626.Withdraw(STRANGER, BOB, ALICE, 100e6, 100 * SHARE);
        vm.prank(STRANGER);
        vault.redeem(100 * SHARE, BOB, ALICE);
    }

    function testWithdrawMustEmitWithdrawAndSendExactlyTheAssets() public {
        _settled(ALICE, 400 * SHARE);
        vm.expectEmit();
        emit IERC4626.Withdraw(ALICE, BOB, ALICE, 123_456_789, 123_456_789e12);
        vm.prank(ALICE);
        vault.withdraw(123_456_789, BOB, ALICE);

        require(asset.balanceOf(BOB) == 123_456_789, "exactly");
    }

    // ---- several requests of one controller ----

    /// @dev Claims are of the controller's and not of a request: they are taken off the oldest first.
    function testFuzzPendingAndClaimableOfAllRequestsAreTheControllersInAnyOrderOfClaims(uint256 seed) public {
        uint256[3] memory ids;
        uint256[3] memory asked;
        for (uint256 i; i < 3; ++i) {
            asked[i] = SHARE + ((seed >> (64 * i)) % (200 * SHARE));
            ids[i] = _request(ALICE, asked[i]);
            if (i == 1) _request(BOB, 30 * SHARE);
        }
        uint256 claimed;
        uint256 got;
        for (uint256 step; step < 8; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (seed % 3 == 0) {
                _round(60);
                (uint256 head, uint256 tail) = vault.queueBounds();
                if (head < tail) vault.settle(1);
            } else if (seed % 3 == 1) {
                uint256 part = (seed >> 8) % (vault.maxRedeem(ALICE) + 1);
                got += _redeem(ALICE, part);
                claimed += part;
            } else {
                uint256 part = (seed >> 8) % (vault.maxWithdraw(ALICE) + 1);
                claimed += _withdraw(ALICE, part);
                got += part;
            }
            uint256 pending;
            uint256 claimable;
            for (uint256 i; i < 3; ++i) {
                uint256 here = vault.claimableRedeemRequest(ids[i], ALICE);
                pending += vault.pendingRedeemRequest(ids[i], ALICE);
                claimable += here;
                require(here + vault.pendingRedeemRequest(ids[i], ALICE) <= asked[i], "no more than was asked for");
                uint256 next = i == 2 ? 0 : vault.claimableRedeemRequest(ids[i + 1], ALICE);
                require(here == 0 || next == 0 || next == vault.request(ids[i + 1]).settled, "the oldest first");
            }
            require(claimable == vault.maxRedeem(ALICE), "claimable, by request and in all");
            require(pending + claimable + claimed == asked[0] + asked[1] + asked[2], "every share is somewhere");
        }
        require(asset.balanceOf(ALICE) == got, "paid");
    }

    // ---- operators ----

    function testSetOperatorMustSetLogAndReturnTrue() public {
        vm.expectEmit();
        emit IERC7540Operator.OperatorSet(ALICE, STRANGER, true);
        vm.prank(ALICE);
        require(vault.setOperator(STRANGER, true), "true");
        require(vault.isOperator(ALICE, STRANGER) && !vault.isOperator(STRANGER, ALICE), "set, one way");

        vm.expectEmit();
        emit IERC7540Operator.OperatorSet(ALICE, STRANGER, false);
        vm.prank(ALICE);
        require(vault.setOperator(STRANGER, false), "true for a revocation as well");
        require(!vault.isOperator(ALICE, STRANGER), "revoked");
    }

    // ---- ERC-165, ERC-7575 ----

    function testFuzzSupportsInterfaceMustNameWhatIsThereAndNothingElse(bytes4 other) public view {
        require(vault.supportsInterface(0x01ffc9a7), "ERC-165");
        require(vault.supportsInterface(0xe3bc4e65), "operators");
        require(vault.supportsInterface(0x2f0a18c5), "ERC-7575");
        require(vault.supportsInterface(0x620ee8e4), "asynchronous redemption");
        require(!vault.supportsInterface(0xce3bbe50), "entry is at once");
        require(!vault.supportsInterface(0xe76cffc7), "cancelling is not ERC-7887's: it has one step");
        require(!vault.supportsInterface(0xffffffff), "never");
        bool known = other == 0x01ffc9a7 || other == 0xe3bc4e65 || other == 0x2f0a18c5 || other == 0x620ee8e4;
        require(vault.supportsInterface(other) == known, "nothing else");
    }

    function testTheIdentifiersAreThoseOfTheFunctions() public pure {
        require(
            IERC7540Operator.setOperator.selector ^ IERC7540Operator.isOperator.selector == 0xe3bc4e65,
            "operators"
        );
        require(
            IERC7540Redeem.requestRedeem.selector ^
                IERC7540Redeem.pendingRedeemRequest.selector ^
                IERC7540Redeem.claimableRedeemRequest.selector ==
                0x620ee8e4,
            "redemption"
        );
    }

    function testShareMustBeTheShareToken() public view {
        require(vault.share() == address(vault), "the vault itself");
    }

    // ---- what is taken from ERC-7887 (a draft) ----

    function testCancelRedeemRequestHasItsSignature() public pure {
        require(
            IHedgeVault.cancelRedeemRequest.selector == bytes4(keccak256("cancelRedeemRequest(uint256,address)")),
            "the draft's"
        );
    }

    function testTheControllerMustBeTheSenderOfACancelOrItsOperator() public {
        uint256 id = _request(ALICE, 10 * SHARE);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAuthorized.selector, STRANGER, ALICE));
        vault.cancelRedeemRequest(id, ALICE);

        vm.prank(ALICE);
        vault.setOperator(STRANGER, true);
        vm.prank(STRANGER);
        require(vault.cancelRedeemRequest(id, ALICE) == 10 * SHARE, "an operator may");
        require(vault.lockedShares(ALICE) == 0 && vault.pendingRedeemRequest(id, ALICE) == 0, "in one step");
    }

    // ---- moves ----

    function _settled(address holder, uint256 shares) private {
        _request(holder, shares);
        _round(60);
        vault.settle(1);
    }

    function _redeem(address holder, uint256 shares) private returns (uint256) {
        vm.prank(holder);
        return vault.redeem(shares, holder, holder);
    }

    function _withdraw(address holder, uint256 assets) private returns (uint256) {
        vm.prank(holder);
        return vault.withdraw(assets, holder, holder);
    }
}
