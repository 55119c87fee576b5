// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {LimitsSetup} from "./support/LimitsSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Asking whether the vault is inside the bands, which leavers at once rest on
contract RebalancerBandsTest is LimitsSetup {
    function setUp() public {
        _bringUp();
        _regime(Regime.Stress);
    }

    function testInside() public view {
        rebalancer.requireInsideBands();
    }

    function testOutsideAMeasuresBand() public {
        // Half of what was hedged is not any more, and then some: one basis point beyond Stress's band.
        perp.hold(_perp(-99.9e18, 100_000e6));
        vm.expectRevert(
            abi.encodeWithSelector(
                IHedgePolicy.OutsideBands.selector,
                Regime.Stress,
                IHedgePolicy.Measure.NetDeltaMax,
                int256(1_001),
                int256(1_000)
            )
        );
        rebalancer.requireInsideBands();
    }

    function testOutsideTheBandsOfAnotherRegimeOnly() public {
        perp.hold(_perp(-99.9e18, 100_000e6));
        _regime(Regime.Calm);
        rebalancer.requireInsideBands();
    }
}
