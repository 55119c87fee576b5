// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {IPriceOracle} from "../../contracts/vault/IPriceOracle.sol";
import {ISharePrice} from "../../contracts/vault/ISharePrice.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Leaving at once: every condition by itself, what is paid, and which shares must wait for a newer round
contract HedgeVaultInstantExitTest is HedgeVaultSetup {
    uint256 private constant VIRTUAL = 1e12;
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant MALLORY = address(0xBAD);
    address private constant STRANGER = address(0x5AFE);

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        _setRebalancer();
        venue = _addVenue();
        _enter(ALICE, 1_000e6);
        _enter(BOB, 3_000e6);
        _place(venue, 2_000e6);
        _round(60);
    }

    // ---- the conditions ----

    function testWhatRequestsWillGetIsKeptBack() public {
        (uint256 low, ) = vault.nav();
        _request(BOB, 1_500 * SHARE);
        uint256 kept = (1_500 * SHARE * (low + 1)) / (vault.totalSupply() + VIRTUAL) + 1;
        uint256 free = vault.cash() - kept;
        uint256 most = (free * (vault.totalSupply() + VIRTUAL)) / (low + 1);

        vm.expectPartialRevert(IHedgeVault.InsufficientCash.selector);
        _leave(ALICE, most + SHARE / 1_000, 0);
        require(_leave(ALICE, most, 0) <= free, "all but that");
        _round(60);
        (uint256 settled, ) = vault.settle(1);
        require(settled == 1_500 * SHARE, "and the request gets all of its own");
    }

    function testOldSharesThatLeaveBeforeFreshOnesMakeNobodysFresher() public {
        _enter(BOB, 10e6);
        (uint256 fresh, uint256 at) = vault.freshShares(BOB);
        (, uint256 before) = vault.freshShares(ALICE);
        require(fresh != 0 && at > before, "nothing is fresh");
        uint256 old = vault.balanceOf(BOB) - fresh;

        vm.prank(BOB);
        vault.transfer(ALICE, old);

        (, uint256 afterwards) = vault.freshShares(ALICE);
        require(afterwards == before, "fresher than they were");
        require(_leave(ALICE, SHARE, 0) != 0, "kept from leaving");
    }

    function testARoundOfOneFeedMakesNoSharesOlder() public {
        _enter(BOB, 10e6);
        (uint256 fresh, ) = vault.freshShares(BOB);
        vm.warp(block.timestamp + 60);
        baseFeed.push(2_000e8);
        uint256 all = vault.balanceOf(BOB);

        vm.prank(BOB);
        vault.transfer(STRANGER, all);

        (uint256 moved, ) = vault.freshShares(STRANGER);
        require(moved == fresh && moved != 0, "laundered by a transfer");
    }

    function testARequestOfDustDoesNotShutIt() public {
        vm.prank(BOB);
        vault.transfer(MALLORY, 1);
        _request(MALLORY, 1);

        require(_leave(ALICE, SHARE, 0) != 0, "open");
    }

    function testWithAStaleFeedItReverts() public {
        uint256 updatedAt = block.timestamp;
        vm.warp(updatedAt + 1 days);
        require(_leave(ALICE, SHARE, 0) != 0, "the last second");
        vm.warp(updatedAt + 1 days + 1);

        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StaleFeed.selector, address(baseFeed), updatedAt, 1 days));
        _leave(ALICE, SHARE, 0);
    }

    function testAtASpreadAboveTheLimitItReverts() public {
        // Three per cent of 4,000.
        venue.set(1_880e6, 2_000e6);
        require(_leave(ALICE, SHARE, 0) != 0, "at the limit");
        (uint256 low, uint256 high) = vault.nav();
        venue.set(1_879e6, 2_000e6);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SpreadTooWide.selector, low - 1e6, high, 300));
        _leave(ALICE, SHARE, 0);
    }

    function testAPriceFarFromItsAnchorReverts() public {
        vault.poke();
        (uint256 anchor, ) = sharePrice.anchorOf(address(vault));
        // 6 % up at once, where 5 % is the band: the anchor needs 1 % an hour for what is beyond it.
        venue.set(2_240e6, 2_240e6);
        uint256 price = ((4_240e6 + 1) * 1e30) / (vault.totalSupply() + VIRTUAL);
        uint256 beyond = Math.mulDiv(price, 10_000, 10_500, Math.Rounding.Ceil) - anchor;
        uint256 opensAt = block.timestamp + Math.mulDiv(beyond, 100 * 3_600, anchor, Math.Rounding.Ceil);

        vm.expectRevert(abi.encodeWithSelector(ISharePrice.TooFast.selector, price, anchor, opensAt));
        _leave(ALICE, SHARE, 0);
        vm.warp(opensAt - 1);
        vm.expectRevert(
            abi.encodeWithSelector(ISharePrice.TooFast.selector, price, _anchorAfter(anchor, opensAt - 1), opensAt)
        );
        _leave(ALICE, SHARE, 0);
        vm.warp(opensAt);
        require(_leave(ALICE, SHARE, 0) != 0, "by itself");
    }

    function testTheMarginReserveIsLeft() public {
        vault.setReserve(2_000);
        // A fifth of the 2,000 at the venue; 1,600 of the 2,000 in cash may go.
        _enter(MALLORY, 1);
        uint256 low = 4_000e6 + 1;
        uint256 shares = 1_600 * SHARE;
        uint256 assets = Math.mulDiv(shares + SHARE, low + 1, vault.totalSupply() + VIRTUAL);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, assets + 400e6, 2_000e6 + 1));
        _leave(BOB, shares + SHARE, 0);
        _leave(BOB, shares, 0);
        require(vault.cash() >= 400e6 && vault.cash() <= 400e6 + 2, "to the last unit");
    }

    function testOutsideTheBandsAfterwardsItReverts() public {
        bytes memory reason = abi.encodeWithSelector(
            IHedgePolicy.OutsideBands.selector,
            Regime.Calm,
            IHedgePolicy.Measure.Cash,
            int256(1),
            int256(2)
        );
        vm.mockCallRevert(REBALANCER, abi.encodeCall(IRebalancer.requireInsideBands, ()), reason);

        vm.expectRevert(reason);
        _leave(ALICE, SHARE, 0);
    }

    function testForLessThanTheLeastAskedForItReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.TooLittle.selector, 100e6, 100e6 + 1));
        _leave(ALICE, 100 * SHARE, 100e6 + 1);

        require(_leave(ALICE, 100 * SHARE, 100e6) == 100e6, "exactly the least");
    }

    function testForNothingItReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.TooLittle.selector, 0, 0));
        _leave(ALICE, 1e12 - 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.TooLittle.selector, 0, 0));
        _leave(ALICE, 0, 0);

        require(_leave(ALICE, 1e12, 0) == 1, "the least there is");
    }

    function testMoreThanTheBalanceReverts() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector,
                ALICE,
                1_000 * SHARE,
                1_000 * SHARE + 1
            )
        );
        _leave(ALICE, 1_000 * SHARE + 1, 0);
    }

    function testAStrangerReverts() public {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, STRANGER, 0, SHARE));
        vault.redeemInstantly(SHARE, 0, STRANGER, ALICE);
    }

    function testAnOperatorOfAnotherIsAStranger() public {
        vm.prank(BOB);
        vault.setOperator(STRANGER, true);

        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, STRANGER, 0, SHARE));
        vault.redeemInstantly(SHARE, 0, STRANGER, ALICE);
    }

    function testASpenderUsesItsAllowanceUpAndNoMore() public {
        vm.prank(ALICE);
        vault.approve(STRANGER, 3 * SHARE);
        vm.prank(STRANGER);
        vault.redeemInstantly(2 * SHARE, 0, STRANGER, ALICE);
        require(vault.allowance(ALICE, STRANGER) == SHARE && asset.balanceOf(STRANGER) == 2e6, "paid, and used up");

        vm.prank(STRANGER);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, STRANGER, SHARE, SHARE + 1)
        );
        vault.redeemInstantly(SHARE + 1, 0, STRANGER, ALICE);
    }

    function testAnOperatorNeedsNoAllowanceAndUsesNone() public {
        vm.prank(ALICE);
        vault.setOperator(STRANGER, true);
        vm.prank(ALICE);
        vault.approve(STRANGER, 5 * SHARE);
        vm.prank(STRANGER);
        vault.redeemInstantly(2 * SHARE, 0, STRANGER, ALICE);

        require(vault.allowance(ALICE, STRANGER) == 5 * SHARE && asset.balanceOf(STRANGER) == 2e6, "paid");
    }

    function testSharesOfARequestNeitherLeaveAtOnceNorMove() public {
        uint256 id = _request(ALICE, 1_000 * SHARE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesLocked.selector, ALICE, SHARE, 0));
        _leave(ALICE, SHARE, 0);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.SharesLocked.selector, ALICE, 1, 0));
        vault.transfer(BOB, 1);

        vm.prank(ALICE);
        vault.cancelRedeemRequest(id, ALICE);
        require(_leave(ALICE, 1_000 * SHARE, 0) == 1_000e6, "free again");
    }

    function testWhileNothingIsAtAVenueNeitherFeedsNorAnchorNorBandsAreAsked() public {
        venue.restore(2_000e6);
        venue.set(0, 0);
        // The cash alone is half as much again at once, and the feeds are dead.
        _donateAtOnce(2_000e6);
        vault.closePositions();
        vm.warp(block.timestamp + 20 days);
        vm.mockCallRevert(REBALANCER, abi.encodeCall(IRebalancer.requireInsideBands, ()), "outside");

        require(_leave(ALICE, 1_000 * SHARE, 1_500e6 - 1) >= 1_500e6 - 1, "at the price of the cash");
    }

    // ---- what is paid ----

    function testItPaysTheReceiverTakesItFromTheCashAndSaysSo() public {
        vm.expectEmit();
        emit IERC4626.Withdraw(ALICE, STRANGER, ALICE, 250e6, 250 * SHARE);
        vm.prank(ALICE);
        uint256 assets = vault.redeemInstantly(250 * SHARE, 250e6, STRANGER, ALICE);

        require(assets == 250e6 && asset.balanceOf(STRANGER) == assets, "paid");
        require(vault.cash() == 1_750e6 && asset.balanceOf(address(vault)) == 1_750e6, "from the cash");
        require(vault.balanceOf(ALICE) == 750 * SHARE && vault.totalSupply() == 3_750 * SHARE, "burned");
        require(vault.claimsOutstanding() == 0 && vault.maxWithdraw(ALICE) == 0, "no claim is left");
    }

    function testFuzzTheLeaverGetsNoMoreThanTheLowPriceAndThoseWhoStayLoseNothing(
        uint256 shares,
        uint256 value,
        uint256 spread,
        uint256 reserve
    ) public {
        uint256 high = 1_900e6 + (value % 200e6);
        venue.set(high - (high * (spread % 301)) / 10_000, high);
        vault.setReserve(reserve % 2_001);
        shares = 2e12 + (shares % (1_000 * SHARE - 2e12));
        (uint256 low, uint256 highBefore) = vault.nav();
        uint256 supply = vault.totalSupply() + VIRTUAL;

        uint256 assets = _leave(ALICE, shares, 0);

        require(assets * supply <= shares * (low + 1), "no more than the share at the low price");
        require((assets + 1) * supply > shares * (low + 1), "and no less than a unit below");
        (uint256 lowAfter, uint256 highAfter) = vault.nav();
        uint256 supplyAfter = supply - shares;
        require((lowAfter + 1) * supply >= (low + 1) * supplyAfter, "the low price of those who stay");
        require((highAfter + 1) * supply >= (highBefore + 1) * supplyAfter, "and the high one");
        require(asset.balanceOf(address(vault)) == vault.cash(), "books");
    }

    function testFuzzEnteringAndLeavingAtOnceNeverPays(
        uint256 paid,
        uint256 value,
        uint256 spread,
        uint256 wait
    ) public {
        uint256 high = 1_900e6 + (value % 200e6);
        venue.set(high - (high * (spread % 301)) / 10_000, high);
        paid = 1 + (paid % 1_000_000e6);
        _enter(MALLORY, paid);
        _round(1 + (wait % 1 days));
        uint256 shares = vault.balanceOf(MALLORY);
        // Worth less than a unit: they cannot leave at all.
        if (vault.convertToAssets(shares) == 0) return;

        vm.prank(MALLORY);
        try vault.redeemInstantly(shares, 0, MALLORY, MALLORY) returns (uint256 got) {
            require(got <= paid, "profit out of nothing");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IHedgeVault.TooLittle.selector, "the only thing in the way");
        }
    }

    // ---- shares that must wait ----

    function testSharesLeaveOnlyOnceEveryFeedHasANewerRound() public {
        _enter(MALLORY, 100e6);
        uint256 at = block.timestamp;
        _requireTooFresh(at);

        vm.warp(at + 60);
        baseFeed.push(2_000e8);
        _requireTooFresh(at);

        assetFeed.push(1e8);
        require(_leave(MALLORY, 100 * SHARE, 0) != 0, "both are newer");
    }

    function testTheOtherFeedAloneIsNotEnoughEither() public {
        _enter(MALLORY, 100e6);
        uint256 at = block.timestamp;
        vm.warp(at + 60);
        assetFeed.push(1e8);

        _requireTooFresh(at);
    }

    function testARoundOfTheSameSecondIsNotNewer() public {
        _enter(MALLORY, 100e6);
        _round(0);

        _requireTooFresh(block.timestamp);
    }

    function testOldSharesLeaveBesideFreshOnes() public {
        _enter(ALICE, 500e6);

        vm.expectRevert(
            abi.encodeWithSelector(
                IHedgeVault.SharesTooFresh.selector,
                ALICE,
                500 * SHARE,
                block.timestamp,
                block.timestamp
            )
        );
        _leave(ALICE, 1_000 * SHARE + 1, 0);
        _leave(ALICE, 1_000 * SHARE, 0);

        (uint256 fresh, uint256 at) = vault.freshShares(ALICE);
        require(fresh == 500 * SHARE && at == block.timestamp, "the fresh ones are left");
    }

    function testSharesBoughtBeforeAPlanOpenedPositionsWaitForARoundAfterIt() public {
        _closeAll();
        _enter(MALLORY, 1_000e6);
        // The plan buys at the market, which is 1 % above the feeds' last rounds or below: the books show it at once.
        _place(venue, 2_000e6);
        venue.set(2_020e6, 2_020e6);
        (uint256 fresh, ) = vault.freshShares(MALLORY);
        require(fresh == 1_000 * SHARE, "bought this block");

        vm.expectRevert(
            abi.encodeWithSelector(
                IHedgeVault.SharesTooFresh.selector,
                MALLORY,
                1_000 * SHARE,
                block.timestamp,
                block.timestamp
            )
        );
        _leave(MALLORY, 1_000 * SHARE, 0);
    }

    function testWhileNothingIsAtAVenueSharesLeaveInTheBlockAfter() public {
        _closeAll();
        _enter(MALLORY, 1_000e6);
        vm.expectPartialRevert(IHedgeVault.SharesTooFresh.selector);
        _leave(MALLORY, 1_000 * SHARE, 0);

        vm.warp(block.timestamp + 1);
        require(_leave(MALLORY, 1_000 * SHARE, 0) == 1_000e6, "there is nothing to see");
    }

    function testTheStewardsFeeIsFreshToo() public {
        venue.set(2_200e6, 2_200e6);
        _round(31 days);
        uint256 feeShares = vault.poke();

        (uint256 fresh, uint256 at) = vault.freshShares(STEWARD);
        require(feeShares != 0 && fresh == feeShares && at == block.timestamp, "fresh");
    }

    // ---- fresh shares that move ----

    function testFuzzTheOldOnesGoFirst(uint256 bought, uint256 moved) public {
        bought = 1 + (bought % 1_000e6);
        _enter(ALICE, bought);
        (uint256 fresh, uint256 at) = vault.freshShares(ALICE);
        moved = moved % (vault.balanceOf(ALICE) + 1);
        uint256 left = vault.balanceOf(ALICE) - moved;

        vm.prank(ALICE);
        vault.transfer(STRANGER, moved);

        (uint256 stays, uint256 staysAt) = vault.freshShares(ALICE);
        (uint256 went, uint256 wentAt) = vault.freshShares(STRANGER);
        require(stays == Math.min(fresh, left) && staysAt == at, "what stays is the fresh");
        require(went == fresh - stays && (went == 0 || wentAt == at), "the rest of the fresh goes with its time");
    }

    function testATransferToOneselfChangesNothing() public {
        _enter(ALICE, 500e6);
        (uint256 fresh, uint256 at) = vault.freshShares(ALICE);
        uint256 balance = vault.balanceOf(ALICE);

        vm.prank(ALICE);
        vault.transfer(ALICE, balance);
        vm.prank(ALICE);
        vault.transfer(ALICE, balance - 1);

        (uint256 after_, uint256 afterAt) = vault.freshShares(ALICE);
        require(after_ == fresh && afterAt == at && vault.balanceOf(ALICE) == balance, "nothing");
    }

    /// @dev Whoever moves shares about, between how many accounts so ever: what came since the round stays in.
    function testFuzzFreshSharesAreNeitherLostNorMadeByMovingThem(uint256 seed) public {
        address[3] memory holders = [ALICE, BOB, MALLORY];
        _enter(MALLORY, 700e6);
        _enter(ALICE, 300e6);
        uint256 fresh = 1_000 * SHARE;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            address from = holders[seed % 3];
            uint256 amount = vault.balanceOf(from);
            if (seed & 1024 == 0) amount = (seed >> 128) % (amount + 1);
            vm.prank(from);
            vault.transfer(holders[(seed >> 16) % 3], amount);

            uint256 sum;
            for (uint256 h; h < 3; ++h) {
                uint256 part = _unseen(holders[h]);
                require(part <= vault.balanceOf(holders[h]), "no more than there is");
                sum += part;
            }
            require(sum == fresh, "all of them, and no more");
        }
        venue.restore(1_900e6);
        venue.set(100e6, 100e6);
        for (uint256 h; h < 3; ++h) {
            uint256 old = vault.balanceOf(holders[h]) - _unseen(holders[h]);
            if (old < vault.balanceOf(holders[h])) _requireTooFresh(holders[h], old + 1);
            if (old > 1e12) _leave(holders[h], old, 0);
        }
        require(vault.totalSupply() <= fresh + 3e12, "the old ones leave, whoever has them, and no fresh one does");
    }

    function testASettlementBurnsTheOldOnesFirst() public {
        _enter(ALICE, 500e6);
        _request(ALICE, 1_200 * SHARE);
        _round(60);
        vault.settle(1);

        (uint256 fresh, ) = vault.freshShares(ALICE);
        require(fresh == 300 * SHARE && vault.balanceOf(ALICE) == fresh, "then the fresh ones");
    }

    // ---- gifts ----

    function testAGiftOfFreshSharesHoldsBackOnlyItself() public {
        _enter(MALLORY, 100e6);
        vm.prank(MALLORY);
        vault.transfer(ALICE, SHARE);

        (uint256 fresh, ) = vault.freshShares(ALICE);
        require(fresh == SHARE, "the gift");
        require(_leave(ALICE, 1_000 * SHARE, 0) != 0, "what was there before");
    }

    function testAGiftDoesNotMakeSharesFreshAgainThatANewerRoundHasSeen() public {
        _enter(ALICE, 500e6);
        _round(60);
        _enter(MALLORY, 100e6);
        vm.prank(MALLORY);
        vault.transfer(ALICE, 1);

        (uint256 fresh, ) = vault.freshShares(ALICE);
        require(fresh == 1, "the gift alone");
        require(_leave(ALICE, 1_500 * SHARE, 0) != 0, "all but the gift");
    }

    function testADepositInAnothersNameDoesNotMakeItsSharesFreshAgain() public {
        _enter(ALICE, 500e6);
        _round(60);
        asset.mint(MALLORY, 1);
        vm.prank(MALLORY);
        asset.approve(address(vault), 1);
        vm.prank(MALLORY);
        vault.deposit(1, ALICE);

        require(_leave(ALICE, 1_500 * SHARE, 0) != 0, "all but the gift");
    }

    function testGiftsADayForAMonthHoldNobodyBack() public {
        _enter(ALICE, 500e6);
        _leave(ALICE, 1_000 * SHARE, 0);
        for (uint256 day; day < 30; ++day) {
            _round(1 days);
            _enter(MALLORY, 1e6);
            vm.prank(MALLORY);
            vault.transfer(ALICE, 1);
            require(_leave(ALICE, 10 * SHARE, 0) != 0, "every day");
        }
    }

    function testAGiftWhileTheFeedsAreDeadHoldsBackOnlyUntilTheyLive() public {
        _enter(ALICE, 500e6);
        _enter(MALLORY, 100e6);
        _round(60);
        vm.warp(block.timestamp + 3 days);
        vm.prank(MALLORY);
        vault.transfer(ALICE, 100 * SHARE);
        (uint256 fresh, ) = vault.freshShares(ALICE);
        require(fresh == 600 * SHARE, "no price says that they are old");

        _round(1);
        require(_leave(ALICE, 1_600 * SHARE, 0) != 0, "now one does");
    }

    // ---- moves ----

    function _leave(address holder, uint256 shares, uint256 least) private returns (uint256) {
        vm.prank(holder);
        return vault.redeemInstantly(shares, least, holder, holder);
    }

    function _requireTooFresh(address holder, uint256 shares) private {
        vm.prank(holder);
        vm.expectPartialRevert(IHedgeVault.SharesTooFresh.selector);
        vault.redeemInstantly(shares, 0, holder, holder);
    }

    /// @dev Fresh shares that no newer round has seen yet.
    function _unseen(address holder) private view returns (uint256) {
        (uint256 fresh, uint256 at) = vault.freshShares(holder);
        return at < block.timestamp ? 0 : fresh;
    }

    function _requireTooFresh(uint256 at) private {
        (, , , uint256 base, ) = baseFeed.latestRoundData();
        (, , , uint256 quote, ) = assetFeed.latestRoundData();
        vm.expectRevert(
            abi.encodeWithSelector(IHedgeVault.SharesTooFresh.selector, MALLORY, 100 * SHARE, at, Math.min(base, quote))
        );
        _leave(MALLORY, 1, 0);
    }

    function _closeAll() private {
        venue.restore(2_000e6);
        venue.set(0, 0);
        vault.closePositions();
    }

    /// @dev As a venue's profit that came back.
    function _donateAtOnce(uint256 assets) private {
        asset.mint(address(venue), assets);
        venue.restore(assets);
    }

    /// @dev It last moved at the poke, a band's excess before `at`.
    function _anchorAfter(uint256 anchor, uint256 at) private view returns (uint256) {
        (, uint256 movedAt) = sharePrice.anchorOf(address(vault));
        return anchor + Math.mulDiv(anchor, 100 * (at - movedAt), 10_000 * 3_600);
    }
}
