// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {RegimeRule} from "../../contracts/regime/RegimeRule.sol";

/// @title The rule at its thresholds: on each one, a unit above it and a unit below it
contract RegimeRuleTest {
    uint256 private constant POINT = 1e8;
    /// @dev Far above every close here: nothing is inverted by it.
    uint256 private constant FAR = 100 * POINT;

    // ---- what one close calls for ----

    function testTargetAtItsThresholds() public pure {
        require(RegimeRule.target(0, 0) == Regime.Calm, "nothing");
        require(RegimeRule.target(15 * POINT - 1, FAR) == Regime.Calm, "below 15");
        require(RegimeRule.target(15 * POINT, FAR) == Regime.Elevated, "from 15 on");
        require(RegimeRule.target(25 * POINT, FAR) == Regime.Elevated, "up to 25");
        require(RegimeRule.target(25 * POINT + 1, FAR) == Regime.Stress, "above 25");
    }

    function testTargetOfAnInvertedTermStructure() public pure {
        uint256[3] memory closes = [10 * POINT, 15 * POINT, 25 * POINT];
        Regime[3] memory upright = [Regime.Calm, Regime.Elevated, Regime.Elevated];
        for (uint256 i; i < closes.length; ++i) {
            require(RegimeRule.target(closes[i], closes[i]) == upright[i], "flat is not inverted");
            require(RegimeRule.target(closes[i], closes[i] - 1) == Regime.Stress, "inverted by a unit");
        }
    }

    // ---- up ----

    function testUpAtOnceAndTheCountStartsAnew() public pure {
        _step(Regime.Calm, 0, 15 * POINT, FAR, Regime.Elevated, 0);
        _step(Regime.Calm, 0, 25 * POINT + 1, FAR, Regime.Stress, 0);
        _step(Regime.Elevated, 4, 25 * POINT + 1, FAR, Regime.Stress, 0);
        _step(Regime.Elevated, 4, 10 * POINT, 10 * POINT - 1, Regime.Stress, 0);
    }

    function testCalmNeverCounts() public pure {
        _step(Regime.Calm, 0, 15 * POINT - 1, FAR, Regime.Calm, 0);
        _step(Regime.Calm, 0, 9 * POINT, 9 * POINT, Regime.Calm, 0);
    }

    // ---- down ----

    function testWhatCountsTowardsAStepDown() public pure {
        _step(Regime.Stress, 2, 24 * POINT - 1, FAR, Regime.Stress, 3);
        _step(Regime.Stress, 2, 24 * POINT, FAR, Regime.Stress, 0);
        _step(Regime.Stress, 2, 25 * POINT + 1, FAR, Regime.Stress, 0);
        _step(Regime.Elevated, 2, 14 * POINT - 1, FAR, Regime.Elevated, 3);
        _step(Regime.Elevated, 2, 14 * POINT, FAR, Regime.Elevated, 0);
        _step(Regime.Elevated, 2, 20 * POINT, FAR, Regime.Elevated, 0);
    }

    function testAFlatTermStructureCountsAndAnInvertedOneDoesNot() public pure {
        _step(Regime.Stress, 2, 20 * POINT, 20 * POINT, Regime.Stress, 3);
        _step(Regime.Stress, 2, 20 * POINT, 20 * POINT - 1, Regime.Stress, 0);
        _step(Regime.Elevated, 2, 13 * POINT, 13 * POINT, Regime.Elevated, 3);
    }

    function testTheFifthInARowStepsDownByOne() public pure {
        _step(Regime.Stress, 3, 10 * POINT, FAR, Regime.Stress, 4);
        _step(Regime.Stress, 4, 10 * POINT, FAR, Regime.Elevated, 0);
        _step(Regime.Elevated, 3, 10 * POINT, FAR, Regime.Elevated, 4);
        _step(Regime.Elevated, 4, 10 * POINT, FAR, Regime.Calm, 0);
    }

    // ---- a lift before the close ----

    function testALiftIsStressFromTheStart() public pure {
        Regime[3] memory from = [Regime.Calm, Regime.Elevated, Regime.Stress];
        for (uint256 i; i < from.length; ++i) {
            _lifted(from[i], 24 * POINT - 1, FAR, 1);
            _lifted(from[i], 24 * POINT, FAR, 0);
            _lifted(from[i], 10 * POINT, 10 * POINT - 1, 0);
        }
    }

    // ---- inside ----

    function _step(Regime from, uint8 streak, uint256 vix, uint256 vix3m, Regime to, uint8 count) private pure {
        (Regime level, uint8 counted) = RegimeRule.step(from, streak, vix, vix3m, false);
        require(level == to, "level");
        require(counted == count, "streak");
    }

    function _lifted(Regime from, uint256 vix, uint256 vix3m, uint8 count) private pure {
        (Regime level, uint8 counted) = RegimeRule.step(from, 4, vix, vix3m, true);
        require(level == Regime.Stress, "level");
        require(counted == count, "the count starts anew");
    }
}
