// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HedgePolicy} from "../../contracts/rebalance/HedgePolicy.sol";
import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {vm} from "../contracts/support/Vm.sol";
import {svm} from "./support/Svm.sol";

/// @title The judgement, for any bands the constructor takes and any measures
contract HedgePolicySymbolic {
    HedgePolicy private policy;

    function _deploy(uint256 minStep, IHedgePolicy.Bands[3] memory bands) private {
        IHedgePolicy.Targets memory t = IHedgePolicy.Targets(0, 0, 1, 0, 1);
        policy = new HedgePolicy(address(this), minStep, bands, [t, t, t]);
    }

    /// @dev Any bands at all, and any step the constructor takes.
    function _deployAny(uint256 minStep) private returns (IHedgePolicy.Bands memory b) {
        IHedgePolicy.Bands memory open = IHedgePolicy.Bands(0, 0, 0, 0, 0, 0, 0, 0);
        _deploy(minStep, [open, open, open]);
        svm.enableSymbolicStorage(address(policy));
        return policy.bands(Regime.Stress);
    }

    /// @dev Two measures that lie side by side are any, the others inside every band: seven free ones are too many paths.
    function _measures(
        IHedgePolicy.Bands memory b,
        uint256 first,
        int128 one,
        int128 other
    ) private pure returns (IHedgePolicy.Measures memory m) {
        int256[7] memory v = [
            int256(b.netDeltaMinBps),
            int256(b.netDeltaMaxBps),
            int256(uint256(b.grossMaxBps)),
            int256(uint256(b.leverageMaxBps)),
            int256(uint256(b.liquidityMaxBps)),
            int256(uint256(b.concentrationMaxBps)),
            int256(uint256(b.cashMinBps))
        ];
        (v[first], v[(first + 1) % 7]) = (one, other);
        return IHedgePolicy.Measures(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
    }

    /// @dev By how much a measure is outside its band; zero or less inside.
    function _beyond(
        IHedgePolicy.Bands memory b,
        IHedgePolicy.Measures memory m,
        uint256 measure
    ) private pure returns (int256) {
        if (measure == 0) return b.netDeltaMinBps - m.netDeltaMinBps;
        if (measure == 1) return m.netDeltaMaxBps - b.netDeltaMaxBps;
        if (measure == 2) return m.grossBps - int256(uint256(b.grossMaxBps));
        if (measure == 3) return m.leverageBps - int256(uint256(b.leverageMaxBps));
        if (measure == 4) return m.liquidityBps - int256(uint256(b.liquidityMaxBps));
        if (measure == 5) return m.concentrationBps - int256(uint256(b.concentrationMaxBps));
        return int256(uint256(b.cashMinBps)) - m.cashBps;
    }

    function check_constructor_bandsTightenTowardsStress(uint256 minStep, IHedgePolicy.Bands[3] memory bands) public {
        _deploy(minStep, bands);

        IHedgePolicy.Bands memory calm = policy.bands(Regime.Calm);
        IHedgePolicy.Bands memory stress = policy.bands(Regime.Unknown);
        assert(stress.netDeltaMinBps >= calm.netDeltaMinBps && stress.netDeltaMaxBps <= calm.netDeltaMaxBps);
        assert(stress.grossMaxBps <= calm.grossMaxBps && stress.leverageMaxBps <= calm.leverageMaxBps);
        assert(stress.liquidityMaxBps <= calm.liquidityMaxBps && stress.cashMinBps >= calm.cashMinBps);
        assert(stress.concentrationMaxBps <= calm.concentrationMaxBps && stress.lossMaxBps <= calm.lossMaxBps);
    }

    /// @dev One pair is free at a time; in a loop the paths of all pairs would multiply.
    function _pair(uint256 first) private pure returns (uint256) {
        for (uint256 i; i < 6; ++i) {
            if (first == i) return i;
        }
        return 6;
    }

    function check_judge_noBreachGrows(uint256 first, int128[2] memory before, int128[2] memory afterwards) public {
        IHedgePolicy.Bands memory b = _deployAny(100);
        uint256 i = _pair(first);
        IHedgePolicy.Measures memory was = _measures(b, i, before[0], before[1]);
        IHedgePolicy.Measures memory is_ = _measures(b, i, afterwards[0], afterwards[1]);

        policy.judge(Regime.Stress, was, is_);

        assert(_beyond(b, is_, i) <= 0 || _beyond(b, is_, i) <= _beyond(b, was, i));
    }

    function check_judge_outsideABreachShrinksByTheStep(
        uint256 first,
        int128[2] memory before,
        int128[2] memory afterwards
    ) public {
        IHedgePolicy.Bands memory b = _deployAny(100);
        uint256 i = _pair(first);
        uint256 j = (i + 1) % 7;
        IHedgePolicy.Measures memory was = _measures(b, i, before[0], before[1]);
        IHedgePolicy.Measures memory is_ = _measures(b, i, afterwards[0], afterwards[1]);

        policy.judge(Regime.Stress, was, is_);

        bool inside = _beyond(b, is_, i) <= 0 && _beyond(b, is_, j) <= 0;
        assert(inside || _shrinks(b, was, is_, i) || _shrinks(b, was, is_, j));
    }

    function _shrinks(
        IHedgePolicy.Bands memory b,
        IHedgePolicy.Measures memory was,
        IHedgePolicy.Measures memory is_,
        uint256 measure
    ) private view returns (bool) {
        int256 left = _beyond(b, is_, measure);
        return _beyond(b, was, measure) - (left > 0 ? left : int256(0)) >= int256(policy.minStepBps());
    }

    function check_judge_insideAllBandsPasses(
        uint256 first,
        int128[2] memory before,
        int128[2] memory afterwards
    ) public {
        IHedgePolicy.Bands memory b = _deployAny(100);
        uint256 i = _pair(first);
        IHedgePolicy.Measures memory was = _measures(b, i, before[0], before[1]);
        IHedgePolicy.Measures memory is_ = _measures(b, i, afterwards[0], afterwards[1]);
        vm.assume(_beyond(b, is_, i) <= 0);
        vm.assume(_beyond(b, is_, (i + 1) % 7) <= 0);

        try policy.judge(Regime.Stress, was, is_) {
            return;
        } catch {
            assert(false);
        }
    }

    function check_judge_unknownAddsNoRisk(int128[3] memory before, int128[3] memory afterwards) public {
        IHedgePolicy.Bands memory b = _deployAny(100);
        IHedgePolicy.Measures memory was = _measures(b, 2, before[0], before[1]);
        IHedgePolicy.Measures memory is_ = _measures(b, 2, afterwards[0], afterwards[1]);
        (was.liquidityBps, is_.liquidityBps) = (before[2], afterwards[2]);

        policy.judge(Regime.Unknown, was, is_);

        assert(is_.grossBps <= was.grossBps);
        assert(is_.leverageBps <= was.leverageBps);
        assert(is_.liquidityBps <= was.liquidityBps);
    }
}
