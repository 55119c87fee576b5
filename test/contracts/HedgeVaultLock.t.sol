// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {HedgeVault} from "../../contracts/vault/HedgeVault.sol";
import {CallingToken, Intruder} from "./support/Intruder.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title From within and during plans: every door is shut, and what would answer with a value reverts
/// @dev The intruder is a holder, an operator of Alice, a venue and the Rebalancer: nothing but the lock keeps it out.
contract HedgeVaultLockTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    CallingToken private token;
    CallingToken private base;
    Intruder private intruder;

    function setUp() public {
        _deployVault();
        token = new CallingToken();
        base = new CallingToken();
        manager = new AccessManager(address(this));
        vault = new HedgeVault(
            address(manager),
            token,
            vault.priceOracle(),
            address(sharePrice),
            "Vault",
            "V",
            300,
            SHARE
        );
        intruder = new Intruder(address(vault), address(base), BOB);
        vault.setAdapter(address(intruder), type(uint128).max, 10_000);
        vault.setRebalancer(address(intruder));
        vm.prank(ALICE);
        vault.setOperator(address(intruder), true);

        _buy(ALICE, 1_000e6);
        _buy(BOB, 3_000e6);
        _buy(address(intruder), 500e6);
        intruder.act(address(token), abi.encodeCall(token.approve, (address(vault), type(uint256).max)));
        token.mint(address(intruder), 100e6);
        intruder.draw(2_000e6);
        intruder.set(2_000e6, 2_000e6);
        _round(60);
        vault.poke();
    }

    // ---- from within ----

    function testDuringADepositsPaymentEveryDoorIsShut() public {
        token.mint(BOB, 50e6);
        _arm(token);
        vm.prank(BOB);
        vault.deposit(50e6, BOB);

        _requireShut();
    }

    function testDuringAMintsPaymentEveryDoorIsShut() public {
        token.mint(BOB, 50e6);
        _arm(token);
        vm.prank(BOB);
        vault.mint(50 * SHARE, BOB);

        _requireShut();
    }

    function testDuringAnInstantExitsPaymentEveryDoorIsShut() public {
        _arm(token);
        vm.prank(BOB);
        vault.redeemInstantly(50 * SHARE, 0, BOB, BOB);

        _requireShut();
    }

    function testDuringAWithdrawalEveryDoorIsShut() public {
        _settled();
        _arm(token);
        vm.prank(BOB);
        vault.withdraw(1e6, BOB, BOB);

        _requireShut();
    }

    function testDuringARedemptionEveryDoorIsShut() public {
        _settled();
        _arm(token);
        vm.prank(BOB);
        vault.redeem(SHARE, BOB, BOB);

        _requireShut();
    }

    function testWhileAForcedExitUnwindsEveryDoorIsShut() public {
        uint256 id = _request(BOB, 50 * SHARE);
        _tries();
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        _round(0);
        vault.force(id);

        _requireShut();
    }

    function testWhileASliceUnwindsEveryDoorIsShut() public {
        uint256 id = _request(BOB, 50 * SHARE);
        intruder.pause(true);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vault.force(id);
        intruder.pause(false);
        _tries();
        _round(0);
        vault.unwindSlice(BOB, address(intruder), vault.sliceOf(BOB, address(intruder)));

        _requireShut();
    }

    function testDuringAClaimInKindEveryDoorIsShut() public {
        uint256 id = _request(BOB, 50 * SHARE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        _round(0);
        vault.force(id);
        require(vault.claimableInKind(BOB, address(base)) == 7, "base tokens");
        _arm(base);
        vm.prank(BOB);
        vault.claimInKind(address(base), BOB, BOB);

        _requireShut();
        require(vault.claimableInKind(BOB, address(base)) == 0 && base.balanceOf(BOB) == 7, "paid once");
    }

    function testAVenueMovesNoCashWhileWhatItSendsIsCounted() public {
        uint256 id = _request(BOB, 50 * SHARE);
        bytes[] memory tries = new bytes[](2);
        tries[0] = abi.encodeCall(vault.draw, (1));
        tries[1] = abi.encodeCall(vault.restore, (1));
        intruder.setTries(tries);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vault.force(id);

        require(intruder.answers(0) == IHedgeVault.Busy.selector, "draw");
        require(intruder.answers(1) == IHedgeVault.Busy.selector, "restore");
    }

    /// @dev Without this the others prove nothing: called from outside, none of the tries finds the vault busy.
    function testFromOutsideNoneOfTheTriesIsHeldBackByTheLock() public {
        _tries();
        intruder.enter();

        for (uint256 i; i < _count(); ++i) {
            require(intruder.answers(i) != IHedgeVault.Busy.selector, "busy from outside");
        }
        require(intruder.answers(0) == 0 && intruder.answers(1) == 0 && intruder.answers(2) == 0, "some go through");
    }

    // ---- during a plan ----

    function testDuringAPlanEveryDoorIsShut() public {
        _settled();
        _tries();
        require(intruder.act(abi.encodeCall(vault.beginPlan, ())) == 0, "begun");
        intruder.enter();

        _requireShut();
        require(vault.cash() == 2_400e6, "what plans need is told");
        intruder.draw(1e6);
        intruder.restore(2e6);
        require(vault.cash() == 2_401e6, "and may be moved");
    }

    function testAPlanIsClosedToStrangers() public {
        intruder.act(abi.encodeCall(vault.beginPlan, ()));
        vm.prank(BOB);
        vm.expectRevert(IHedgeVault.Busy.selector);
        vault.requestRedeem(SHARE, BOB, BOB);
        vm.expectRevert(IHedgeVault.Busy.selector);
        vault.poke();
    }

    function testAPlanThatEndedLeavesTheVaultOpen() public {
        intruder.act(abi.encodeCall(vault.beginPlan, ()));
        require(intruder.act(abi.encodeCall(vault.endPlan, (false))) == 0, "ended");

        require(vault.positionsOpen() && vault.maxDeposit(BOB) != 0, "open");
        _buy(BOB, 1e6);
    }

    function testOnlyTheRebalancerBeginsAndEndsPlans() public {
        bytes memory reason = abi.encodeWithSelector(IHedgeVault.NotTheRebalancer.selector, BOB);
        vm.prank(BOB);
        vm.expectRevert(reason);
        vault.beginPlan();
        intruder.act(abi.encodeCall(vault.beginPlan, ()));
        vm.prank(BOB);
        vm.expectRevert(reason);
        vault.endPlan(false);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotTheRebalancer.selector, address(this)));
        vault.endPlan(true);
    }

    function testAPlanWithinAPlanReverts() public {
        intruder.act(abi.encodeCall(vault.beginPlan, ()));

        require(intruder.act(abi.encodeCall(vault.beginPlan, ())) == IHedgeVault.Busy.selector, "busy");
    }

    function testAPlanThatHasNotBegunDoesNotEnd() public {
        require(intruder.act(abi.encodeCall(vault.endPlan, (false))) == IHedgeVault.Busy.selector, "none runs");
    }

    function testAPlanEndsNoOtherFunction() public {
        bytes[] memory tries = new bytes[](1);
        tries[0] = abi.encodeCall(vault.endPlan, (false));
        intruder.setTries(tries);
        uint256 id = _request(BOB, 50 * SHARE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vault.force(id);

        require(intruder.answers(0) == IHedgeVault.Busy.selector, "the lock is the forced exit's");
    }

    // ---- no positions any more ----

    function testPositionsThatAreThereCannotBeNotedAsClosed() public {
        bytes memory reason = abi.encodeWithSelector(IHedgeVault.AdapterNotEmpty.selector, address(intruder));
        vm.expectRevert(reason);
        vault.closePositions();

        intruder.act(abi.encodeCall(vault.beginPlan, ()));
        require(
            intruder.act(abi.encodeCall(vault.endPlan, (true))) == IHedgeVault.AdapterNotEmpty.selector,
            "nor by a plan"
        );
    }

    function testAnyoneNotesThatNothingIsLeft() public {
        intruder.restore(2_000e6);
        intruder.set(0, 0);
        require(vault.positionsOpen(), "open until somebody says so");
        vm.prank(BOB);
        vault.closePositions();

        require(!vault.positionsOpen(), "closed");
    }

    function testAPlanThatClosedAllNotesIt() public {
        intruder.act(abi.encodeCall(vault.beginPlan, ()));
        intruder.restore(2_000e6);
        intruder.set(0, 0);
        require(intruder.act(abi.encodeCall(vault.endPlan, (true))) == 0, "ended");

        require(!vault.positionsOpen() && vault.maxDeposit(BOB) != 0, "closed, and the vault open");
    }

    function testTheFirstUnitDrawnOpensThem() public {
        intruder.restore(2_000e6);
        intruder.set(0, 0);
        vault.closePositions();
        intruder.draw(1);

        require(vault.positionsOpen(), "open");
    }

    // ---- moves ----

    function _buy(address holder, uint256 assets) private {
        token.mint(holder, assets);
        vm.prank(holder);
        token.approve(address(vault), type(uint256).max);
        vm.prank(holder);
        vault.deposit(assets, holder);
    }

    /// @dev Bob has a claim of a hundred.
    function _settled() private {
        _request(BOB, 100 * SHARE);
        _round(60);
        vault.settle(1);
    }

    function _arm(CallingToken on) private {
        _tries();
        on.arm(intruder);
    }

    function _count() private pure returns (uint256) {
        return 16;
    }

    /// @dev Everything that changes the vault's state and is not about one's own allowances, operators, votes and transfers.
    function _tries() private {
        address self = address(intruder);
        bytes[] memory tries = new bytes[](_count());
        tries[0] = abi.encodeCall(vault.deposit, (10e6, self));
        tries[1] = abi.encodeCall(vault.mint, (10 * SHARE, self));
        tries[2] = abi.encodeCall(vault.redeemInstantly, (10 * SHARE, 0, self, self));
        tries[3] = abi.encodeCall(vault.requestRedeem, (10 * SHARE, self, self));
        tries[4] = abi.encodeCall(vault.requestRedeem, (10 * SHARE, ALICE, ALICE));
        tries[5] = abi.encodeCall(vault.cancelRedeemRequest, (0, self));
        tries[6] = abi.encodeCall(vault.settle, (1));
        tries[7] = abi.encodeCall(vault.force, (0));
        tries[8] = abi.encodeCall(vault.unwindSlice, (BOB, self, 1));
        tries[9] = abi.encodeCall(vault.claimInKind, (address(base), self, self));
        tries[10] = abi.encodeCall(vault.withdraw, (0, self, self));
        tries[11] = abi.encodeCall(vault.redeem, (0, self, self));
        tries[12] = abi.encodeCall(vault.poke, ());
        tries[13] = abi.encodeCall(vault.vest, ());
        tries[14] = abi.encodeCall(vault.closePositions, ());
        tries[15] = abi.encodeCall(vault.beginPlan, ());
        intruder.setTries(tries);
    }

    function _requireShut() private view {
        require(intruder.entered() != 0, "it was called");
        for (uint256 i; i < _count(); ++i) require(intruder.answers(i) == IHedgeVault.Busy.selector, "a door is open");
        require(intruder.nav() == IHedgeVault.Busy.selector, "nav");
        require(intruder.navAt() == IHedgeVault.Busy.selector, "navAt");
        require(intruder.previewDeposit() == IHedgeVault.Busy.selector, "previewDeposit");
        require(intruder.previewMint() == IHedgeVault.Busy.selector, "previewMint");
        require(intruder.maxDeposit() == 0 && intruder.maxMint() == 0, "no entry");
        require(intruder.maxWithdraw() == 0 && intruder.maxRedeem() == 0, "no claim");
        // By the share price that was last looked at, whatever half of a change the books show.
        require(intruder.totalAssets() > 4_400e6 && intruder.totalAssets() < 4_550e6, "totalAssets answers");
    }
}
