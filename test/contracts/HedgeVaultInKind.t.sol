// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {CallingToken, Intruder} from "./support/Intruder.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Base tokens of a forced exit: whose they are, and that they are paid once
/// @dev The venue sends seven units of its base token with every slice.
contract HedgeVaultInKindTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant STRANGER = address(0x5AFE);

    CallingToken private base;

    function setUp() public {
        _deployVault();
        base = new CallingToken();
        _enter(ALICE, 1_000e6);
        _enter(BOB, 3_000e6);
    }

    function testAStrangerReverts() public {
        _forced(address(base));
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAuthorized.selector, STRANGER, ALICE));
        vault.claimInKind(address(base), STRANGER, ALICE);
    }

    function testTheControllerIsPaidOnceToAnyReceiver() public {
        Intruder venue = _forced(address(base));
        require(vault.claimableInKind(ALICE, address(base)) == 7, "hers");
        require(vault.claimableInKind(BOB, address(base)) == 0, "and nobody else's");
        require(vault.sliceOf(ALICE, address(venue)) == 0, "unwound");
        vm.expectEmit();
        emit IHedgeVault.ClaimedInKind(ALICE, address(base), STRANGER, 7);
        vm.prank(ALICE);
        require(vault.claimInKind(address(base), STRANGER, ALICE) == 7, "all of it");

        require(base.balanceOf(STRANGER) == 7 && vault.claimableInKind(ALICE, address(base)) == 0, "paid");
        // A token nobody is owed is anyone's contract, and is not called.
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.ClaimTooLarge.selector, ALICE, 1, 0));
        vault.claimInKind(address(base), STRANGER, ALICE);
    }

    function testAnOperatorClaimsForTheController() public {
        _forced(address(base));
        vm.prank(ALICE);
        vault.setOperator(STRANGER, true);
        vm.prank(STRANGER);
        vault.claimInKind(address(base), BOB, ALICE);

        require(base.balanceOf(BOB) == 7, "paid");
    }

    /// @dev What a slice brought of the asset is counted; told about as a base token as well, it would be paid twice.
    function testAVenueWhoseBaseIsTheAssetIsNotPaidTwice() public {
        uint256 cash = vault.cash() + vault.claimsOutstanding();
        _forced(address(asset));

        require(vault.claimableInKind(ALICE, address(asset)) == 0, "nothing in kind");
        require(vault.cash() + vault.claimsOutstanding() == cash + 7, "the seven are in the claim");
        require(vault.maxWithdraw(ALICE) <= 1_000e6 + 7, "once");
        require(asset.balanceOf(address(vault)) == vault.cash() + vault.claimsOutstanding(), "and are there");
    }

    // ---- moves ----

    function _forced(address base_) private returns (Intruder venue) {
        venue = new Intruder(address(vault), base_, ALICE);
        vault.setAdapter(address(venue), type(uint128).max, 10_000);
        uint256 id = _request(ALICE, 1_000 * SHARE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        _round(0);
        vault.force(id);
    }
}
