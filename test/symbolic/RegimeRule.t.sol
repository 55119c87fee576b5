// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {RegimeRule} from "../../contracts/regime/RegimeRule.sol";
import {vm} from "../contracts/support/Vm.sol";

/// @title Every step of the regime, from every state, for every close
contract RegimeRuleSymbolic {
    struct State {
        uint8 level;
        uint8 streak;
    }

    function _step(
        State memory state,
        uint256 vix,
        uint256 vix3m,
        bool lifted
    ) private pure returns (uint8 level, uint8 streak) {
        vm.assume(state.level <= uint8(Regime.Stress) && state.streak < RegimeRule.DWELL);
        (Regime next, uint8 qualifying) = RegimeRule.step(Regime(state.level), state.streak, vix, vix3m, lifted);
        return (uint8(next), qualifying);
    }

    function check_step_neverBelowWhatTheCloseCallsFor(
        State memory state,
        uint256 vix,
        uint256 vix3m,
        bool lifted
    ) public pure {
        (uint8 level, uint8 streak) = _step(state, vix, vix3m, lifted);

        assert(level >= uint8(RegimeRule.target(vix, vix3m)) && level <= uint8(Regime.Stress));
        assert(streak < RegimeRule.DWELL);
    }

    function check_step_downByOneAfterTheDwellAlone(State memory state, uint256 vix, uint256 vix3m) public pure {
        (uint8 level, uint8 streak) = _step(state, vix, vix3m, false);

        if (level >= state.level) return;
        uint256 threshold = state.level == uint8(Regime.Stress) ? 25e8 : 15e8;
        assert(level + 1 == state.level && state.streak == 4 && streak == 0);
        assert(vix < threshold - 1e8 && vix <= vix3m);
    }

    function check_step_liftedStaysInStress(State memory state, uint256 vix, uint256 vix3m) public pure {
        (uint8 level, uint8 streak) = _step(state, vix, vix3m, true);

        assert(level == uint8(Regime.Stress) && streak <= 1);
    }
}
