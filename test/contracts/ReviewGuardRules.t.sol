// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IReviewGuard} from "../../contracts/governance/IReviewGuard.sol";
import {IModuleGuard, ITransactionGuard} from "../../contracts/governance/ISafeGuard.sol";
import {ReviewGuard} from "../../contracts/governance/ReviewGuard.sol";
import {World} from "./support/World.sol";
import {vm} from "./support/Vm.sol";

/// @title What the guard refuses to be deployed with
contract ReviewGuardRulesTest is World {
    function setUp() public {
        _bringUp(true);
    }

    function testDeriskWindowOfNothing() public {
        IReviewGuard.Rules memory rules = _rules();
        rules.deriskWindow = 0;
        _refuse("deriskWindow", 0, rules);
        rules.deriskWindow = 1;
        _deploy(rules);
    }

    function testPlanWindowShorterThanDerisk() public {
        IReviewGuard.Rules memory rules = _rules();
        rules.planWindow = rules.deriskWindow - 1;
        _refuse("planWindow", rules.planWindow, rules);
        rules.planWindow = rules.deriskWindow;
        _deploy(rules);
    }

    function testOtherWindowShorterThanPlansOrLongerThanSixDays() public {
        IReviewGuard.Rules memory rules = _rules();
        rules.otherWindow = rules.planWindow - 1;
        _refuse("otherWindow", rules.otherWindow, rules);
        rules.otherWindow = 6 days + 1;
        _refuse("otherWindow", rules.otherWindow, rules);
        rules.otherWindow = rules.planWindow;
        _deploy(rules);
        rules.otherWindow = 6 days;
        _deploy(rules);
    }

    function testExitDelayShorterThanAnExitOrTooLong() public {
        IReviewGuard.Rules memory rules = _rules();
        uint256 least = vault.EXIT_DEADLINE() + 2 days;
        rules.exitDelay = uint32(least - 1);
        _refuse("exitDelay", rules.exitDelay, rules);
        rules.exitDelay = 90 days + 1;
        _refuse("exitDelay", rules.exitDelay, rules);
        rules.exitDelay = uint32(least);
        _deploy(rules);
        rules.exitDelay = 90 days;
        _deploy(rules);
    }

    function testExitDelayNoLongerThanTheLongestWindow() public {
        // As if leavers of the vault needed less time than the Safe's own calls.
        vm.mockCall(address(vault), abi.encodeCall(vault.EXIT_DEADLINE, ()), abi.encode(1 days));
        IReviewGuard.Rules memory rules = _rules();
        rules.exitDelay = rules.otherWindow;
        _refuse("exitDelay", rules.exitDelay, rules);
        ++rules.exitDelay;
        _deploy(rules);
    }

    function testExpiryOfLessThanADayOrMoreThanTwoWeeks() public {
        IReviewGuard.Rules memory rules = _rules();
        rules.expiry = 1 days - 1;
        _refuse("expiry", rules.expiry, rules);
        rules.expiry = 14 days + 1;
        _refuse("expiry", rules.expiry, rules);
        rules.expiry = 1 days;
        _deploy(rules);
        rules.expiry = 14 days;
        _deploy(rules);
    }

    function testVetoThresholdsOfNothingOrMoreThanAll() public {
        IReviewGuard.Rules memory rules = _rules();
        rules.planVetoBps = 0;
        _refuse("planVetoBps", 0, rules);
        rules.planVetoBps = 10_001;
        _refuse("planVetoBps", 10_001, rules);
        rules.planVetoBps = 1;
        _deploy(rules);
        rules = _rules();
        rules.otherVetoBps = 0;
        _refuse("otherVetoBps", 0, rules);
        rules.otherVetoBps = 10_001;
        _refuse("otherVetoBps", 10_001, rules);
        rules.otherVetoBps = 1;
        _deploy(rules);
    }

    function testSecondThresholdBelowTheFirstOrMoreThanAll() public {
        IReviewGuard.Rules memory rules = _rules();
        rules.secondVetoBps = 1_999;
        _refuse("secondVetoBps", 1_999, rules);
        rules.secondVetoBps = 2_000;
        _deploy(rules);
        rules.otherVetoBps = 2_001;
        _refuse("secondVetoBps", 2_000, rules);
        rules.secondVetoBps = 10_001;
        _refuse("secondVetoBps", 10_001, rules);
        rules.secondVetoBps = 10_000;
        _deploy(rules);
        rules.planVetoBps = rules.otherVetoBps = 10_000;
        _deploy(rules);
    }

    function testASafeWhoseVotesAreElsewhere() public {
        vm.prank(address(safe));
        vault.delegate(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.SafeVotesElsewhere.selector, STRANGER));
        _newGuard();
    }

    function testWhatItWasDeployedWith() public view {
        require(guard.safe() == address(safe) && guard.vault() == address(vault), "Safe and vault");
        require(guard.rebalancer() == address(rebalancer) && guard.lens() == address(lens), "rebalancer and lens");
        (uint32 derisk, uint32 plan, uint32 other, uint32 exit, uint32 expiry, uint16 p, uint16 o, uint16 s) = guard
            .rules();
        IReviewGuard.Rules memory rules = IReviewGuard.Rules(derisk, plan, other, exit, expiry, p, o, s);
        require(keccak256(abi.encode(rules)) == keccak256(abi.encode(_rules())), "rules");
    }

    function testInterfacesASafeAsksFor() public view {
        require(guard.supportsInterface(type(ITransactionGuard).interfaceId), "transaction guard");
        require(guard.supportsInterface(type(IModuleGuard).interfaceId), "module guard");
        require(guard.supportsInterface(0x01ffc9a7), "ERC-165");
        // What Safe 1.5.0 itself has compiled in.
        require(guard.supportsInterface(0xe6d7a83a) && guard.supportsInterface(0x58401ed8), "the Safe's identifiers");
        require(!guard.supportsInterface(0xffffffff), "anything");
    }

    function _rules() private pure returns (IReviewGuard.Rules memory) {
        return IReviewGuard.Rules(15 minutes, 6 hours, 3 days, 21 days, 5 days, 2_000, 1_000, 4_000);
    }

    function _deploy(IReviewGuard.Rules memory rules) private {
        new ReviewGuard(address(manager), address(safe), address(rebalancer), address(lens), rules);
    }

    function _refuse(bytes32 name, uint256 value, IReviewGuard.Rules memory rules) private {
        vm.expectRevert(abi.encodeWithSelector(IReviewGuard.InvalidRule.selector, name, value));
        _deploy(rules);
    }
}
