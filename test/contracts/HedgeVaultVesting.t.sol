// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {ISharePrice} from "../../contracts/vault/ISharePrice.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Donations: cash little by little, and nothing else that lies in the vault is one
contract HedgeVaultVestingTest is HedgeVaultSetup {
    uint256 private constant VIRTUAL = 1e12;
    uint256 private constant PERIOD = 7 days;
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant MALLORY = address(0xBAD);

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        _setRebalancer();
        venue = _addVenue();
        _enter(ALICE, 1_000e6);
        _enter(BOB, 3_000e6);
    }

    // ---- what is none, and when it is not yet ----

    function testWithNothingSentThereIsNothingToVest() public {
        vm.expectRevert(IHedgeVault.NothingToVest.selector);
        vault.vest();
    }

    function testWhileAnEarlierOneVestsItReverts() public {
        _donate(100e6);
        vault.vest();
        uint256 until = block.timestamp + PERIOD;
        _donate(50e6);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.StillVesting.selector, until));
        vault.vest();
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.StillVesting.selector, until));
        vault.vest();

        vm.warp(until);
        require(vault.vest() == 50e6, "the next one");
    }

    function testWhereAllWasCashTheAnchorBeginsAtWhatHasVested() public {
        _donate(1_200e6);
        vault.vest();
        vm.warp(block.timestamp + PERIOD);
        require(vault.cash() == 5_200e6, "vested");
        (uint256 before, ) = sharePrice.anchorOf(address(vault));

        _place(venue, 2_000e6);

        (uint256 anchor, ) = sharePrice.anchorOf(address(vault));
        require(anchor > (before * 129) / 100 && anchor < (before * 131) / 100, "three tenths more than it was");
        _round(60);
        _enter(BOB, 100e6);
    }

    function testClaimsAreNoDonation() public {
        _request(ALICE, 1_000 * SHARE);
        _round(60);
        vault.settle(1);
        require(vault.claimsOutstanding() == 1_000e6, "set aside");

        vm.expectRevert(IHedgeVault.NothingToVest.selector);
        vault.vest();
        vm.prank(ALICE);
        vault.withdraw(400e6, ALICE, ALICE);
        vm.expectRevert(IHedgeVault.NothingToVest.selector);
        vault.vest();
    }

    function testWhatAForcedSliceBringsIsNoDonation() public {
        _place(venue, 2_000e6);
        venue.pause(true);
        uint256 id = _request(ALICE, 1_000 * SHARE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vault.force(id);
        vm.expectRevert(IHedgeVault.NothingToVest.selector);
        vault.vest();

        venue.pause(false);
        vault.unwindSlice(ALICE, address(venue), vault.sliceOf(ALICE, address(venue)));
        vm.expectRevert(IHedgeVault.NothingToVest.selector);
        vault.vest();
    }

    function testCashThatWentToAVenueAndCameBackIsNoDonation() public {
        _place(venue, 2_000e6);
        vm.expectRevert(IHedgeVault.NothingToVest.selector);
        vault.vest();
        venue.restore(2_000e6);
        vm.expectRevert(IHedgeVault.NothingToVest.selector);
        vault.vest();
    }

    // ---- how it becomes cash ----

    function testUntilItIsVestedADonationIsNotOnTheBooks() public {
        _donate(700e6);
        vm.warp(block.timestamp + 1 days);

        require(vault.cash() == 4_000e6 && vault.totalAssets() == 4_000e6, "not before somebody asks");
    }

    function testFuzzItMovesNoPriceWhenItBegins(uint96 gift) public {
        uint256 assets = 1 + (gift % 1e15);
        _donate(assets);
        (uint256 low, uint256 high) = vault.nav();
        vm.expectEmit();
        emit IHedgeVault.VestingStarted(assets, block.timestamp + PERIOD);
        vm.prank(MALLORY);
        uint256 vesting = vault.vest();

        (uint256 lowAfter, uint256 highAfter) = vault.nav();
        require(vesting == assets && lowAfter == low && highAfter == high, "continuous");
        require(vault.totalAssets() == 4_000e6 && vault.cash() == 4_000e6, "nothing of it yet");
    }

    function testFuzzItGrowsEvenlyRoundedDownAndIsWholeAtTheEnd(uint96 gift, uint32 early, uint32 later) public {
        uint256 assets = 1 + (gift % 1e15);
        _donate(assets);
        vault.vest();
        uint256 start = block.timestamp;
        uint256 first = early % PERIOD;
        uint256 second = first + (later % (PERIOD - first + 1));

        vm.warp(start + first);
        uint256 one = vault.cash() - 4_000e6;
        require(one == (assets * first) / PERIOD, "its part of the time");
        vm.warp(start + second);
        uint256 two = vault.cash() - 4_000e6;
        require(two == (assets * second) / PERIOD && two >= one, "never backwards");
        vm.warp(start + PERIOD);
        require(vault.cash() == 4_000e6 + assets, "whole");
        vm.warp(start + 10 * PERIOD);
        require(vault.cash() == 4_000e6 + assets, "and no more");
    }

    function testFuzzWhatHasNotVestedIsNotDrawable(uint96 gift, uint32 wait) public {
        uint256 assets = 1 + (gift % 1e15);
        _donate(assets);
        vault.vest();
        vm.warp(block.timestamp + (wait % PERIOD));
        uint256 free = vault.cash();

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, free + 1, free));
        venue.draw(free + 1);
        venue.draw(free);
        require(vault.cash() == 0, "all that was there");
        vm.warp(block.timestamp + PERIOD);
        require(vault.cash() == 4_000e6 + assets - free, "the rest comes as if nothing had been drawn");
    }

    function testWhatHasNotVestedPaysNoSettlementAndNoForcedExit() public {
        _donate(4_000e6);
        vault.vest();
        _place(venue, 4_000e6);
        uint256 id = _request(ALICE, 1_000 * SHARE);
        _round(60);
        uint256 vested = (4_000e6 * uint256(60)) / PERIOD;
        (, uint256 assets) = vault.settle(1);
        require(assets == vested && vault.cash() == 0, "what has, and no more");

        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        require(vault.cash() == 4_000e6 - vested, "vested meanwhile");
        vault.force(id);
        require(asset.balanceOf(address(vault)) == vault.cash() + vault.claimsOutstanding(), "and the books balance");
    }

    function testFuzzDepositsDrawsAndExitsDoNotDisturbIt(uint96 gift, uint256 seed) public {
        uint256 assets = 1 + (gift % 4_000e6);
        // What is tested is the cash, at a share price that no market moves to.
        vm.mockCall(address(sharePrice), abi.encodeWithSelector(ISharePrice.follow.selector), abi.encode(0));
        _donate(assets);
        vault.vest();
        uint256 start = block.timestamp;
        int256 moved;
        for (uint256 i; i < 8; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _round(seed % 1 days);
            uint256 before = vault.cash();
            uint256 kind = (seed >> 32) % 3;
            uint256 amount = 1e6 + ((seed >> 64) % 50e6);
            if (kind == 0) _enter(MALLORY, amount);
            if (kind == 1) _place(venue, amount);
            if (kind == 2) {
                venue.restore(asset.balanceOf(address(venue)));
                venue.set(0, 0);
            }
            moved += int256(vault.cash()) - int256(before);
            uint256 time = block.timestamp - start;
            uint256 vested = time >= PERIOD ? assets : (assets * time) / PERIOD;
            require(int256(vault.cash()) == int256(4_000e6 + vested) + moved, "evenly, whatever else moves");
        }
    }

    // ---- the next one ----

    function testDustCannotKeepADonationOutLongerThanOnePeriod() public {
        _donate(1);
        vm.prank(MALLORY);
        vault.vest();
        uint256 start = block.timestamp;
        _donate(700e6);
        vm.warp(start + PERIOD);
        vault.vest();
        vm.warp(start + 2 * PERIOD);

        require(vault.cash() == 4_700e6 + 1, "all of it, two periods after it came at the latest");
    }

    // ---- who profits ----

    /// @dev The attacker sees the donation, buys, has it vest, and leaves after any time.
    function testFuzzBuyingBeforeItVestsGainsNoMoreThanThePartOfTheTimeItStayed(
        uint96 gift,
        uint96 stake,
        uint32 stay
    ) public {
        uint256 assets = 1 + (gift % 1e12);
        uint256 paid = 1e6 + (stake % 1e12);
        uint256 time = 1 + (stay % (2 * PERIOD));
        _donate(assets);
        _enter(MALLORY, paid);
        uint256 shares = vault.balanceOf(MALLORY);
        uint256 supply = vault.totalSupply() + VIRTUAL;
        vm.prank(MALLORY);
        vault.vest();
        vm.warp(block.timestamp + time);

        vm.prank(MALLORY);
        uint256 got = vault.redeemInstantly(shares, 0, MALLORY, MALLORY);

        uint256 vested = time >= PERIOD ? assets : (assets * time) / PERIOD;
        require(got <= paid + (vested * shares) / supply, "its part of what vested while it stayed");
    }

    function testTheDonorGetsNothingBackFromTheOthers() public {
        _enter(MALLORY, 1_000e6);
        _donate(500e6);
        vault.vest();
        vm.warp(block.timestamp + PERIOD);
        uint256 shares = vault.balanceOf(MALLORY);
        vm.prank(MALLORY);
        uint256 got = vault.redeemInstantly(shares, 0, MALLORY, MALLORY);

        require(got <= 1_100e6, "a fifth of its own gift, who has a fifth of the shares");
    }

    function testADonationOpensNoPriceAndClosesNone() public {
        _place(venue, 2_000e6);
        vault.poke();
        _round(60);
        _donate(4_000e6);
        vault.vest();
        for (uint256 i; i < 17; ++i) {
            _round(5 hours);
            vault.poke();
        }
        require(vault.maxDeposit(ALICE) != 0, "slower than the anchor: entry stays open");
    }

    // ---- moves ----

    function _donate(uint256 assets) private {
        asset.mint(address(vault), assets);
    }
}
