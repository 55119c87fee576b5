// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title The share as a token: permits, and votes by time
contract HedgeVaultTokenTest is HedgeVaultSetup {
    uint256 private constant KEY = 0xA11CE;
    address private constant BOB = address(0xB0B);

    address private alice;

    function setUp() public {
        _deployVault();
        alice = vm.addr(KEY);
        _enter(alice, 1_000e6);
    }

    // ---- permits (ERC-2612) ----

    function testAPermitAfterItsDeadlineReverts() public {
        uint256 deadline = block.timestamp;
        (uint8 v, bytes32 r, bytes32 s) = _signed(SHARE, 0, deadline);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, deadline));
        vault.permit(alice, BOB, SHARE, deadline, v, r, s);
    }

    function testAPermitForMoreThanWasSignedReverts() public {
        (uint8 v, bytes32 r, bytes32 s) = _signed(SHARE, 0, block.timestamp);
        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        vault.permit(alice, BOB, 2 * SHARE, block.timestamp, v, r, s);
    }

    function testAPermitWorksOnceAndLetsTheSpenderAskForAnExit() public {
        (uint8 v, bytes32 r, bytes32 s) = _signed(10 * SHARE, 0, block.timestamp);
        vault.permit(alice, BOB, 10 * SHARE, block.timestamp, v, r, s);
        require(vault.nonces(alice) == 1 && vault.allowance(alice, BOB) == 10 * SHARE, "allowed");
        vm.prank(BOB);
        vault.requestRedeem(10 * SHARE, BOB, alice);
        require(vault.allowance(alice, BOB) == 0, "used up");

        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        vault.permit(alice, BOB, 10 * SHARE, block.timestamp, v, r, s);
    }

    // ---- votes (ERC-5805, ERC-6372) ----

    function testVotesAreCountedByTime() public view {
        require(vault.clock() == block.timestamp, "seconds");
        require(keccak256(bytes(vault.CLOCK_MODE())) == keccak256("mode=timestamp"), "says so");
    }

    function testPastVotesAreThoseOfThatSecond() public {
        uint256 before = block.timestamp;
        vm.warp(before + 10);
        vm.prank(alice);
        vault.transfer(BOB, 400 * SHARE);
        vm.warp(before + 20);

        require(vault.getPastVotes(alice, before) == 1_000 * SHARE && vault.getPastVotes(BOB, before) == 0, "before");
        require(vault.getPastVotes(alice, before + 10) == 600 * SHARE, "after");
        require(vault.getPastVotes(BOB, before + 10) == 400 * SHARE, "where they went");
        require(vault.getPastTotalSupply(before + 10) == 1_000 * SHARE, "of all");
    }

    function testSharesOfARequestKeepTheirVotesUntilTheyAreSettled() public {
        _request(alice, 400 * SHARE);
        require(vault.getVotes(alice) == 1_000 * SHARE, "waiting");
        _round(60);
        vault.settle(1);
        require(vault.getVotes(alice) == 600 * SHARE, "settled");
    }

    function testDelegatedVotesAreAnothersAndComeBack() public {
        vm.expectEmit();
        emit IVotes.DelegateChanged(alice, alice, BOB);
        vm.prank(alice);
        vault.delegate(BOB);
        require(vault.delegates(alice) == BOB && vault.getVotes(BOB) == 1_000 * SHARE, "Bob's");
        vm.prank(alice);
        vault.delegate(alice);
        require(vault.getVotes(alice) == 1_000 * SHARE && vault.getVotes(BOB) == 0, "her own");
    }

    // ---- moves ----

    function _signed(uint256 shares, uint256 nonce, uint256 deadline) private view returns (uint8, bytes32, bytes32) {
        bytes32 what = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                alice,
                BOB,
                shares,
                nonce,
                deadline
            )
        );
        return vm.sign(KEY, keccak256(abi.encodePacked("\x19\x01", vault.DOMAIN_SEPARATOR(), what)));
    }
}
