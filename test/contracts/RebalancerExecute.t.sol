// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Plans} from "./support/Plans.sol";

/// @title Plans the Safe executes on the real venues
contract RebalancerExecuteTest is Plans {
    function setUp() public {
        _bringUp(true);
    }

    function testOpensWhatTheTargetsCallForAndClosesItAgain() public {
        IRebalancer.Plan memory plan = _targetPlan();
        _execute(plan);

        uint256 price = prices.read().price.mid;
        IHedgePolicy.Measures memory m = rebalancer.measure(price);
        require(m.liquidityBps > 5_990 && m.liquidityBps < 6_010, "liquidity is not the target's share");
        require(_perpSize() == plan.perps[0].size, "the short is not the target's size");
        require(m.leverageBps > 8_000 && m.leverageBps < 8_400, "leverage is not one over the margin target");
        require(rebalancer.used(plan.nonce), "nonce not used up");

        _execute(_closingPlan());

        m = rebalancer.measure(price);
        require(m.grossBps == 0 && m.cashBps == 10_000, "something is left open");
        require(vault.cash() > (DEPOSIT * 995) / 1_000, "closing cost more than half a per cent");
    }
}
