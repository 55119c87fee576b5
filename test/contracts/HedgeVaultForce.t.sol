// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {IPriceOracle} from "../../contracts/vault/IPriceOracle.sol";
import {IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Forced exit: who may, what the leaver gets, and what those who stay keep
contract HedgeVaultForceTest is HedgeVaultSetup {
    uint256 private constant VIRTUAL = 1e12;
    uint256 private constant VENUES = 3;
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant STRANGER = address(0x5AFE);

    FixedValueAdapter[] private venues;

    function setUp() public {
        _deployVault();
        for (uint256 i; i < VENUES; ++i) {
            venues.push(_addVenue());
        }
        _enter(ALICE, 1_000e6);
        _enter(BOB, 3_000e6);
    }

    // ---- who may, and when ----

    function testForceBeforeTheDeadlineReverts() public {
        _request(ALICE, 1_000 * SHARE);
        uint256 deadline = block.timestamp + vault.EXIT_DEADLINE();
        vm.warp(deadline - 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotOverdue.selector, 1, deadline));
        vault.force(1);
    }

    function testForceOfNothingReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoSuchRequest.selector, 1, address(0)));
        vault.force(1);

        _request(ALICE, 1_000 * SHARE);
        vm.prank(ALICE);
        vault.cancelRedeemRequest(1, ALICE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoSuchRequest.selector, 1, ALICE));
        vault.force(1);
    }

    function testForceTwiceReverts() public {
        _overdue(ALICE, 1_000 * SHARE);
        vault.force(1);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoSuchRequest.selector, 1, ALICE));
        vault.force(1);
    }

    function testAStrangerForcesWithDeadFeedsAClosedTargetAndAReserve() public {
        _toVenue(0, 3_600e6);
        vault.setReserve(2_000);
        _overdue(ALICE, 1_000 * SHARE);
        manager.setTargetClosed(address(vault), true);
        manager.setTargetClosed(address(venues[0]), true);
        try vault.nav() {
            require(false, "a feed is alive");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IPriceOracle.StaleFeed.selector, "dead for age");
        }

        vm.prank(STRANGER);
        vault.force(1);

        uint256 owed = vault.maxWithdraw(ALICE);
        require(owed > 1_000e6 - 5 && owed <= 1_000e6, "a quarter of everything");
        vm.prank(ALICE);
        vault.redeem(1_000 * SHARE, ALICE, ALICE);
        require(asset.balanceOf(ALICE) == owed, "paid");
        _request(BOB, SHARE);
        vm.prank(BOB);
        vault.cancelRedeemRequest(2, BOB);
    }

    function testAPartlySettledRequestGoesBeforeItsControllersOthers() public {
        _toVenue(0, 3_900e6);
        _request(ALICE, 500 * SHARE);
        _request(ALICE, 500 * SHARE);
        _round(60);
        vault.settle(1);
        require(vault.request(1).shares != 0 && vault.request(1).settled != 0, "in part");
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.OlderRequestFirst.selector, 1));
        vault.force(2);
        vault.force(1);
        vault.force(2);

        uint256 sum = vault.claimableRedeemRequest(1, ALICE) + vault.claimableRedeemRequest(2, ALICE);
        require(sum == 1_000 * SHARE && vault.maxRedeem(ALICE) == sum, "claims, by request and in all");
    }

    function testAnyoneElsesPartlySettledRequestDoesNotStandInTheWay() public {
        _toVenue(0, 3_900e6);
        _request(BOB, 500 * SHARE);
        _request(ALICE, 500 * SHARE);
        _round(60);
        vault.settle(1);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());

        vault.force(2);

        require(vault.pendingRedeemRequest(2, ALICE) == 0, "forced");
        _round(60);
        venues[0].restore(asset.balanceOf(address(venues[0])));
        venues[0].set(0, 0);
        vault.settle(2);
        (uint256 head, uint256 tail) = vault.queueBounds();
        require(head == tail, "the queue goes on past it");
    }

    function testAVenueThatRevertsWithAMegabyteCostsNoMoreThanItsGas() public {
        for (uint256 i; i < VENUES; ++i) {
            _toVenue(i, 1_000e6);
            venues[i].setBomb(28_000);
        }
        _overdue(ALICE, 1_000 * SHARE);

        uint256 before = gasleft();
        vault.force(1);

        require(before - gasleft() < VENUES * (vault.UNWIND_GAS() + 200_000) + 500_000, "its gas, and no more");
        require(vault.sliceOf(ALICE, address(venues[VENUES - 1])) != 0, "kept");
    }

    function testEightVenuesThatBurnAllTheyGetFitIntoATransaction() public {
        uint256 most = vault.MAX_ADAPTERS();
        for (uint256 i; i < most; ++i) {
            if (i >= VENUES) venues.push(_addVenue());
            _toVenue(i, 100e6);
            venues[i].setBomb(1e9);
        }
        _overdue(ALICE, 1_000 * SHARE);

        // EIP-7825's cap, less what a call of a transaction with one word of arguments costs before it begins.
        vault.force{gas: 2 ** 24 - 21_000 - 36 * 16}(1);

        for (uint256 i; i < most; ++i) require(vault.sliceOf(ALICE, address(venues[i])) != 0, "kept");
    }

    function testWithTooLittleGasForAVenueItReverts() public {
        _toVenue(0, 1_000e6);
        _overdue(ALICE, 1_000 * SHARE);

        uint256 tooLittle = vault.UNWIND_GAS();
        vm.expectPartialRevert(IHedgeVault.InsufficientGas.selector);
        vault.force{gas: tooLittle}(1);
        // A call passes on 63/64 of what is there: all of it for the venue is not enough.
        vm.expectPartialRevert(IHedgeVault.InsufficientGas.selector);
        vault.force{gas: tooLittle + 200_000}(1);
    }

    function testTheLeastGasThatLetsItThroughIsEnoughForAVenueThatNeedsNearlyAll() public {
        _toVenue(0, 1_000e6);
        venues[0].setNeeds(vault.UNWIND_GAS() - 80_000);
        _overdue(ALICE, 1_000 * SHARE);

        bool done;
        for (uint256 sent = vault.UNWIND_GAS(); !done; sent += 5_000) {
            try vault.force{gas: sent}(1) {
                done = true;
            } catch {
                done = false;
            }
        }

        require(vault.sliceOf(ALICE, address(venues[0])) == 0, "unwound: nobody can starve it and have its slice kept");
    }

    function testItSaysWhatWasForcedAndWhatEachVenueGave() public {
        _toVenue(0, 1_000e6);
        _toVenue(1, 2_000e6);
        venues[1].pause(true);
        _overdue(ALICE, 1_000 * SHARE);
        uint256 supply = vault.totalSupply() + 1e12;
        (, uint256 first) = venues[0].slices();
        (, uint256 second) = venues[1].slices();
        first = (first * 1_000 * SHARE) / supply;
        second = (second * 1_000 * SHARE) / supply;
        uint256 cash = (vault.cash() * 1_000 * SHARE) / supply;

        vm.expectEmit(address(vault));
        emit IHedgeVault.RedemptionForced(1, ALICE, 1_000 * SHARE, cash);
        vm.expectEmit(address(vault));
        emit IHedgeVault.SliceUnwound(ALICE, address(venues[0]), first, 250e6 - 1, address(0), 0);
        vm.expectEmit(address(vault));
        emit IHedgeVault.SliceKept(ALICE, address(venues[1]), second);
        vault.force(1);
    }

    function testTooFewSharesForAUnitOfAVenueLeaveThatVenueAlone() public {
        _enter(BOB, 2_000_000_000e6);
        _toVenue(0, 1_000e6);
        vm.prank(BOB);
        vault.transfer(STRANGER, 1);
        venues[0].pause(true);
        _overdue(STRANGER, 1);

        // Less than a venue that is asked would be given.
        vault.force{gas: 1_500_000}(1);

        (uint256 aside, ) = venues[0].slices();
        require(aside == 0 && vault.sliceOf(STRANGER, address(venues[0])) == 0, "nothing is set aside");
        require(vault.totalSupply() == 2_000_004_000 * SHARE - 1, "and the share is gone");
    }

    function testCashIsNotMovedWhileAVenueUnwinds() public {
        _toVenue(0, 2_000e6);
        venues[0].setRestoring(1_000e6);
        _overdue(ALICE, 1_000 * SHARE);

        vault.force(1);

        require(
            vault.sliceOf(ALICE, address(venues[0])) != 0,
            "what restores meanwhile reverts, and its slice is kept"
        );
        require(asset.balanceOf(address(vault)) == vault.cash() + vault.claimsOutstanding(), "nothing counts twice");
        require(vault.cash() == 1_500e6 || vault.cash() == 1_500e6 + 1, "cash, less her share of it");
    }

    // ---- what each gets ----

    function testFuzzThoseWhoStayLoseNothingAndTheLeaverBearsTheCost(
        uint256 wanted,
        uint256[3] memory held,
        uint256 cost,
        uint8 paused
    ) public {
        for (uint256 i; i < VENUES; ++i) {
            _toVenue(i, held[i] % (vault.cash() / 2));
            venues[i].setCost(cost % 5_001);
            venues[i].pause((paused >> i) & 1 == 1);
        }
        uint256 shares = SHARE + (wanted % (999 * SHARE));
        _overdue(ALICE, shares);
        uint256 supply = vault.totalSupply() + VIRTUAL;
        uint256 before = vault.navAt(0);

        vault.force(1);

        _requireStayersKeep(before, supply);
        uint256 fair = (before * shares) / supply;
        require(vault.maxWithdraw(ALICE) <= fair, "never more than the share");
        // The venue works again: only now does the rest come, and it comes to Alice.
        for (uint256 i; i < VENUES; ++i) {
            uint256 units = vault.sliceOf(ALICE, address(venues[i]));
            if (units == 0) continue;
            venues[i].pause(false);
            vm.prank(STRANGER);
            vault.unwindSlice(ALICE, address(venues[i]), units);
        }
        _requireStayersKeep(before, supply);
        uint256 owed = vault.maxWithdraw(ALICE);
        require(owed <= fair && owed + 8 >= fair - (fair * (cost % 5_001)) / 10_000, "the share, less its own cost");
        require(
            asset.balanceOf(address(vault)) == vault.cash() + vault.claimsOutstanding(),
            "cash and claims are there"
        );
    }

    function testFuzzLeaversOneAfterTheOtherGetTheSame(uint256 first, uint256 second, bool paused) public {
        _toVenue(0, 3_600e6);
        _request(ALICE, SHARE + (first % (999 * SHARE)));
        _request(BOB, SHARE + (second % (2_999 * SHARE)));
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        venues[0].pause(paused);
        uint256 price = (vault.navAt(0) * 1e24) / (vault.totalSupply() + VIRTUAL);
        uint256[2] memory shares = [vault.request(1).shares, vault.request(2).shares];

        vault.force(1);
        vault.force(2);
        venues[0].pause(false);
        if (paused) vault.unwindSlice(BOB, address(venues[0]), vault.sliceOf(BOB, address(venues[0])));
        if (paused) vault.unwindSlice(ALICE, address(venues[0]), vault.sliceOf(ALICE, address(venues[0])));

        address[2] memory leavers = [ALICE, BOB];
        for (uint256 i; i < 2; ++i) {
            uint256 fair = (shares[i] * price) / 1e24;
            uint256 owed = vault.maxWithdraw(leavers[i]);
            require(owed <= fair + 4 && owed + 6 >= fair, "the same price for both, but for rounding");
        }
        (uint256 aside, ) = venues[0].slices();
        require(aside == 0, "nothing is left aside");
    }

    // ---- a slice that was kept ----

    function testAKeptSliceIsNoLongerTheVaultsAndItsGainsAndLossesAreTheLeavers() public {
        _toVenue(0, 2_000e6);
        venues[0].pause(true);
        _overdue(ALICE, 1_000 * SHARE);
        vault.force(1);
        uint256 stays = venues[0].valueAt(0);

        // The venue doubles while it is shut: everyone's part does.
        asset.mint(address(venues[0]), 2_000e6);
        venues[0].set(4_000e6, 4_000e6);
        require(venues[0].valueAt(0) >= 2 * stays && venues[0].valueAt(0) <= 2 * stays + 1, "the vault's part");
        uint256 claimed = vault.maxWithdraw(ALICE);
        venues[0].pause(false);
        vault.unwindSlice(ALICE, address(venues[0]), vault.sliceOf(ALICE, address(venues[0])));

        require(vault.maxWithdraw(ALICE) - claimed > 1_000e6 - 5, "a quarter of four thousand");
        require(venues[0].valueAt(0) >= 2 * stays, "those who stay have theirs");
    }

    function testAKeptSliceIsUnwoundInPartsButNeverBeyond() public {
        _toVenue(0, 2_000e6);
        venues[0].pause(true);
        _overdue(ALICE, 1_000 * SHARE);
        vault.force(1);
        uint256 units = vault.sliceOf(ALICE, address(venues[0]));
        vm.expectRevert(FixedValueAdapter.Paused.selector);
        vault.unwindSlice(ALICE, address(venues[0]), units);

        venues[0].pause(false);
        vault.unwindSlice(ALICE, address(venues[0]), units / 3);
        uint256 rest = units - units / 3;
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ClaimTooLarge.selector, ALICE, rest + 1, rest));
        vault.unwindSlice(ALICE, address(venues[0]), rest + 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ClaimTooLarge.selector, BOB, 1, 0));
        vault.unwindSlice(BOB, address(venues[0]), 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ClaimTooLarge.selector, ALICE, 0, rest));
        vault.unwindSlice(ALICE, address(venues[0]), 0);
        vault.unwindSlice(ALICE, address(venues[0]), rest);

        require(vault.maxWithdraw(ALICE) > 1_000e6 - 8, "all of it");
    }

    function testWhatAKeptSliceBringsIsPaidAfterTheSharesWereClaimed() public {
        _toVenue(0, 2_000e6);
        venues[0].pause(true);
        _overdue(ALICE, 1_000 * SHARE);
        vault.force(1);
        vm.prank(ALICE);
        vault.redeem(1_000 * SHARE, ALICE, ALICE);
        venues[0].pause(false);
        vault.unwindSlice(ALICE, address(venues[0]), vault.sliceOf(ALICE, address(venues[0])));

        uint256 rest = vault.maxWithdraw(ALICE);
        require(rest > 0 && vault.maxRedeem(ALICE) == 0, "assets without shares");
        vm.prank(ALICE);
        vault.withdraw(1, ALICE, ALICE);
        vm.prank(ALICE);
        vault.redeem(0, ALICE, ALICE);
        require(vault.maxWithdraw(ALICE) == 0 && vault.claimsOutstanding() == 0, "all paid");
    }

    function testOnlyTheVaultSetsAsideAndUnwinds() public {
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotTheVault.selector, address(this)));
        venues[0].setAside(1, 2);
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotTheVault.selector, address(this)));
        venues[0].unwind(0, true);
    }

    function testUnwindingMoreThanIsAsideReverts() public {
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(IVenueAdapter.NotSetAside.selector, 1, 0));
        venues[0].unwind(1, true);
    }

    // ---- moves ----

    /// @dev To one asset unit a venue: what its floor may take.
    function _requireStayersKeep(uint256 before, uint256 supply) private view {
        uint256 supplyAfter = vault.totalSupply() + VIRTUAL;
        require((vault.navAt(0) + 1 + VENUES) * supply >= (before + 1) * supplyAfter, "those who stay lost");
    }

    function _overdue(address holder, uint256 shares) private {
        _request(holder, shares);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
    }

    function _toVenue(uint256 i, uint256 assets) private {
        venues[i].draw(assets);
        venues[i].set(assets, assets);
    }
}
