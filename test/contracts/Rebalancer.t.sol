// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Rebalancer} from "../../contracts/rebalance/Rebalancer.sol";
import {vm} from "./support/Vm.sol";

/// @title What the Rebalancer refuses to be deployed with; what it does is shown on the real venues
contract RebalancerTest {
    address private constant A = address(1);

    function testBucketOfNothingOrOfMoreThanATenth() public {
        _expectInvalid("capacityBps", 0);
        _deploy(0, 0, 0);
        _expectInvalid("capacityBps", 1_001);
        _deploy(1_001, 100, 25);
        _deploy(1_000, 100, 25);
    }

    function testReserveOfNothingOrOfAll() public {
        _expectInvalid("reserveBps", 0);
        _deploy(300, 0, 25);
        _expectInvalid("reserveBps", 300);
        _deploy(300, 300, 25);
        _deploy(300, 1, 25);
        _deploy(300, 299, 25);
    }

    function testDrainOfNothingOrOfMoreThanTheCapacityADay() public {
        _expectInvalid("drainBpsPerDay", 0);
        _deploy(300, 100, 0);
        _expectInvalid("drainBpsPerDay", 301);
        _deploy(300, 100, 301);
        _deploy(300, 100, 1);
        _deploy(300, 100, 300);
    }

    function testTheKeepersBucketHasTheSameBounds() public {
        IRebalancer.Budget memory good = IRebalancer.Budget(300, 100, 25);
        _expectInvalid("reserveBps", 0);
        new Rebalancer(A, A, A, A, good, IRebalancer.Budget(150, 0, 10), 80_000, 18, 6);
    }

    function testNearLiquidationWhereABandMayBeOrWhereAllIsLost() public {
        IRebalancer.Budget memory good = IRebalancer.Budget(300, 100, 25);
        _expectInvalid("nearLiquidationBps", 49_999);
        new Rebalancer(A, A, A, A, good, good, 49_999, 18, 6);
        _expectInvalid("nearLiquidationBps", 160_001);
        new Rebalancer(A, A, A, A, good, good, 160_001, 18, 6);
        new Rebalancer(A, A, A, A, good, good, 50_000, 18, 6);
        new Rebalancer(A, A, A, A, good, good, 160_000, 18, 6);
    }

    function _expectInvalid(bytes32 name, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(IRebalancer.InvalidParameter.selector, name, value));
    }

    function _deploy(uint32 capacityBps, uint32 reserveBps, uint32 drainBpsPerDay) private {
        IRebalancer.Budget memory plans = IRebalancer.Budget(capacityBps, reserveBps, drainBpsPerDay);
        new Rebalancer(A, A, A, A, plans, IRebalancer.Budget(150, 75, 10), 80_000, 18, 6);
    }
}
