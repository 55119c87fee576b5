// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Rebalancer} from "../../contracts/rebalance/Rebalancer.sol";
import {vm} from "./support/Vm.sol";

/// @title What the Rebalancer refuses to be deployed with; what it does is shown on the real venues
contract RebalancerTest {
    function testLossCapacityOfNothingOrOfMoreThanATenth() public {
        _expectInvalid("lossCapacityBps", 0);
        _deploy(0, 0);
        _expectInvalid("lossCapacityBps", 1_001);
        _deploy(1_001, 25);
        _deploy(1, 1);
        _deploy(1_000, 25);
    }

    function testLossDrainOfNothingOrOfMoreThanTheCapacityADay() public {
        _expectInvalid("lossDrainBpsPerDay", 0);
        _deploy(300, 0);
        _expectInvalid("lossDrainBpsPerDay", 301);
        _deploy(300, 301);
        _deploy(300, 1);
        _deploy(300, 300);
    }

    function _expectInvalid(bytes32 name, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(IRebalancer.InvalidParameter.selector, name, value));
    }

    function _deploy(uint256 capacityBps, uint256 drainBpsPerDay) private {
        new Rebalancer(address(1), address(2), address(3), address(4), capacityBps, drainBpsPerDay, 18, 6);
    }
}
