// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultLens} from "../../contracts/lens/IVaultLens.sol";
import {VaultLens} from "../../contracts/lens/VaultLens.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {IPriceOracle} from "../../contracts/vault/IPriceOracle.sol";
import {IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Exit quotes beside what settlement then pays, to the unit
contract VaultLensQuoteTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    FixedValueAdapter private venue;
    VaultLens private lens;

    function setUp() public {
        _deployVault();
        venue = _addVenue();
        _setRebalancer();
        lens = new VaultLens(REBALANCER);
        _enter(ALICE, 1_000e6);
        _enter(BOB, 1_000e6);
    }

    function testFuzzAFeeThatIsDueIsInTheQuote(uint256 gain, uint256 shares) public {
        venue.draw(1_000e6);
        uint256 value = 1_000e6 + (gain % 90e6);
        venue.set(value, value);
        uint256 id = _request(ALICE, SHARE + (shares % (900 * SHARE)));
        _round(31 days);

        IVaultLens.ExitQuote memory q = lens.exitQuote(id, 1);
        vault.settle(1);

        require(q.waitsFor == IVaultLens.Wait.Nothing || q.waitsFor == IVaultLens.Wait.Cash, "settled");
        require(q.payable_ == vault.maxWithdraw(ALICE) && q.payable_ != 0, "as quoted");
    }

    function testASettlementThatDoesNotReachItPaysNothing() public {
        venue.draw(1_700e6);
        venue.set(1_700e6, 1_700e6);
        for (uint256 i; i < 4; ++i) _request(ALICE, 200 * SHARE);
        uint256 id = _request(BOB, 50 * SHARE);
        _round(60);

        IVaultLens.ExitQuote memory q = lens.exitQuote(id, 1);
        require(!q.complete && q.waitsFor == IVaultLens.Wait.Others && q.payable_ == 0, "others first");
        require(q.assets == 50e6, "its worth is told");
        q = lens.exitQuote(id, 4);
        require(q.complete && q.requestsAhead == 4 && q.sharesAhead == 800 * SHARE, "its place");
        require(q.waitsFor == IVaultLens.Wait.Cash && q.payable_ == 0, "no cash reaches it");
        vault.settle(10);
        require(vault.maxWithdraw(BOB) == 0, "as quoted");
    }

    function testWhileNothingIsAtAVenueItNeedsNoFeed() public {
        uint256 id = _request(ALICE, 500 * SHARE);
        vm.warp(block.timestamp + 5 days);

        IVaultLens.ExitQuote memory q = lens.exitQuote(id, 1);
        vault.settle(1);

        require(q.waitsFor == IVaultLens.Wait.Nothing && q.payable_ == 500e6, "quoted");
        require(vault.maxWithdraw(ALICE) == 500e6, "as quoted");
    }

    // ---- what it waits for ----

    function testWithoutAPriceForPositionsItWaitsForOne() public {
        _place(venue, 1_000e6);
        uint256 id = _request(ALICE, 500 * SHARE);
        vm.warp(block.timestamp + 1 days + 1);
        _requireWaits(id, IVaultLens.Wait.Price, 0);
        vm.expectPartialRevert(IPriceOracle.StaleFeed.selector);
        vault.settle(1);
    }

    function testWithAVenueThatDoesNotAnswerItWaitsForAPrice() public {
        _place(venue, 1_000e6);
        uint256 id = _request(ALICE, 500 * SHARE);
        _round(60);
        vm.mockCallRevert(address(venue), abi.encodePacked(IVenueAdapter.valuation.selector), _paused());
        _requireWaits(id, IVaultLens.Wait.Price, 0);
        vm.expectRevert(FixedValueAdapter.Paused.selector);
        vault.settle(1);
    }

    function testBeyondTheWidestSpreadItWaitsForANarrowerOne() public {
        venue.draw(1_000e6);
        uint256 id = _request(ALICE, 500 * SHARE);
        _round(60);
        // Three per cent of the high value, and a little more.
        venue.set(940e6, 1_000e6);
        require(lens.exitQuote(id, 1).waitsFor == IVaultLens.Wait.Nothing, "at the limit");
        venue.set(940e6 - 1, 1_000e6);
        _requireWaits(id, IVaultLens.Wait.Spread, 485e6 - 1);
        vm.expectPartialRevert(IHedgeVault.SpreadTooWide.selector);
        vault.settle(1);
    }

    function testUntilBothFeedsHaveANewerRoundItWaitsForThem() public {
        _place(venue, 1_000e6);
        uint256 id = _request(ALICE, 500 * SHARE);
        _requireWaits(id, IVaultLens.Wait.NewerRound, 500e6);
        vm.warp(block.timestamp + 60);
        baseFeed.push(2_000e8);
        _requireWaits(id, IVaultLens.Wait.NewerRound, 500e6);
        assetFeed.push(1e8);
        require(lens.exitQuote(id, 1).waitsFor == IVaultLens.Wait.Nothing, "both");
    }

    function testWhatIsCancelledIsNoLongerAhead() public {
        uint256 first = _request(BOB, 100 * SHARE);
        uint256 second = _request(ALICE, 500 * SHARE);
        vm.prank(BOB);
        vault.cancelRedeemRequest(first, BOB);

        IVaultLens.ExitQuote memory q = lens.exitQuote(second, 2);
        require(q.complete && q.requestsAhead == 0 && q.sharesAhead == 0, "nobody ahead");
        q = lens.exitQuote(first, 2);
        require(q.shares == 0 && q.assets == 0 && q.payable_ == 0, "nothing left of it");
        require(q.waitsFor == IVaultLens.Wait.Nothing, "nothing to wait for");
    }

    function testARequestThatWasNeverMadeReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoSuchRequest.selector, 1, address(0)));
        lens.exitQuote(1, 1);
    }

    // ---- a member ----

    function testShowsWhatAnAccountHas() public {
        _place(venue, 1_000e6);
        vm.prank(ALICE);
        vault.delegate(BOB);
        _request(ALICE, 300 * SHARE);
        _round(60);
        vault.settle(1);
        _request(ALICE, 200 * SHARE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE() + 1);
        venue.pause(true);
        vault.force(2);
        _request(ALICE, 100 * SHARE);

        IVaultLens.Member memory m = lens.member(ALICE);
        require(m.shares == 500 * SHARE && m.locked == 100 * SHARE, "shares");
        (uint256 fresh, uint256 freshAt) = vault.freshShares(ALICE);
        require(m.fresh == fresh && m.freshAt == freshAt && freshAt != 0, "fresh");
        require(m.votes == 0 && m.delegatee == BOB, "delegated");
        require(lens.member(BOB).votes == 1_500 * SHARE, "votes, its own among them");
        require(m.claimableAssets == vault.maxWithdraw(ALICE) && m.claimableAssets >= 300e6, "claimable assets");
        require(m.claimableShares == vault.maxRedeem(ALICE) && m.claimableShares == 500 * SHARE, "claimable shares");
        require(m.slices.length == 1 && m.slices[0] == vault.sliceOf(ALICE, address(venue)), "slices");
        require(m.slices[0] != 0, "a slice");
    }

    function _paused() private pure returns (bytes memory) {
        return abi.encodeWithSelector(FixedValueAdapter.Paused.selector);
    }

    function _requireWaits(uint256 id, IVaultLens.Wait what, uint256 assets) private view {
        IVaultLens.ExitQuote memory q = lens.exitQuote(id, 1);
        require(q.waitsFor == what && q.payable_ == 0 && q.assets == assets, "waits for something else");
    }
}
