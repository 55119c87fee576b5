// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Regime} from "../regime/IRegimeOracle.sol";
import {IHedgePolicy} from "./IHedgePolicy.sol";

/// @title HedgePolicy: what each regime allows, and whether an outcome is acceptable
///
/// BANDS
/// One set of limits per regime. A more defensive regime never has a looser limit: a shift can only tighten, and a plan
/// gains no room by claiming a regime more defensive than the chain's.
///
/// JUDGEMENT
/// Only the outcome counts. Inside every band passes. Outside, it passes when no breached measure got worse, none that
/// was inside left its band, and at least one breach shrank by `minStepBps`: a vault that a market move has pushed out
/// may come back in several steps.
///
/// ROLES
/// The administrator sets bands and targets, with a delay. Nobody else can change anything here.
contract HedgePolicy is IHedgePolicy, AccessManaged {
    uint256 private constant MEASURES = 7;
    /// @dev Steps larger than a tenth of net asset value would leave no way back in parts.
    uint256 private constant MAX_MIN_STEP_BPS = 1_000;

    /// @notice Least improvement of a breach that counts as a step back, in basis points.
    uint256 public immutable minStepBps;

    Bands[3] private _bands;
    Targets[3] private _targets;

    constructor(
        address authority_,
        uint256 minStepBps_,
        Bands[3] memory bands_,
        Targets[3] memory targets_
    ) AccessManaged(authority_) {
        // With a step of zero a plan that mends nothing would pass outside the bands.
        if (minStepBps_ == 0 || minStepBps_ > MAX_MIN_STEP_BPS) revert InvalidParameter("minStepBps", minStepBps_);

        minStepBps = minStepBps_;
        for (uint256 i; i < 3; ++i) {
            _bands[i] = bands_[i];
            _targets[i] = targets_[i];
            emit PolicySet(Regime(i), bands_[i], targets_[i]);
        }
        _requireConsistent();
    }

    /// @inheritdoc IHedgePolicy
    function setPolicy(Regime regime, Bands calldata bands_, Targets calldata targets_) external restricted {
        if (regime == Regime.Unknown) revert InvalidPolicy(regime);

        _bands[uint256(regime)] = bands_;
        _targets[uint256(regime)] = targets_;
        _requireConsistent();

        emit PolicySet(regime, bands_, targets_);
    }

    /// @inheritdoc IHedgePolicy
    function bands(Regime regime) public view returns (Bands memory) {
        return _bands[_index(regime)];
    }

    /// @inheritdoc IHedgePolicy
    function targets(Regime regime) external view returns (Targets memory) {
        return _targets[_index(regime)];
    }

    /// @inheritdoc IHedgePolicy
    function judge(Regime regime, Measures calldata before, Measures calldata afterwards) external view {
        if (regime == Regime.Unknown) _requireNoNewRisk(before, afterwards);

        int256[MEASURES] memory limits = _limits(bands(regime));
        int256[MEASURES] memory was = _values(before);
        int256[MEASURES] memory now_ = _values(afterwards);
        bool improved;
        uint256 worst = MEASURES;
        for (uint256 i; i < MEASURES; ++i) {
            int256 breach = _breach(i, now_[i], limits[i]);
            int256 breachBefore = _breach(i, was[i], limits[i]);
            // Also covers leaving a band: the breach before was zero then.
            if (breach > breachBefore) revert OutsideBands(regime, Measure(i), now_[i], limits[i]);
            if (breach > 0 && worst == MEASURES) worst = i;
            if (breachBefore - breach >= int256(minStepBps)) improved = true;
        }
        if (worst != MEASURES && !improved) revert OutsideBands(regime, Measure(worst), now_[worst], limits[worst]);
    }

    function _index(Regime regime) private pure returns (uint256) {
        return regime == Regime.Unknown ? uint256(Regime.Stress) : uint256(regime);
    }

    function _requireNoNewRisk(Measures calldata before, Measures calldata afterwards) private pure {
        if (afterwards.grossBps > before.grossBps) {
            revert RiskAddedWhileUnknown(Measure.Gross, before.grossBps, afterwards.grossBps);
        }
        if (afterwards.leverageBps > before.leverageBps) {
            revert RiskAddedWhileUnknown(Measure.Leverage, before.leverageBps, afterwards.leverageBps);
        }
        if (afterwards.liquidityBps > before.liquidityBps) {
            revert RiskAddedWhileUnknown(Measure.Liquidity, before.liquidityBps, afterwards.liquidityBps);
        }
    }

    /// @dev How far a value is beyond its limit; zero inside.
    function _breach(uint256 measure, int256 value, int256 limit) private pure returns (int256) {
        bool isFloor = measure == uint256(Measure.NetDeltaMin) || measure == uint256(Measure.Cash);
        int256 beyond = isFloor ? limit - value : value - limit;
        return beyond > 0 ? beyond : int256(0);
    }

    function _limits(Bands memory b) private pure returns (int256[MEASURES] memory) {
        return
            [
                int256(b.netDeltaMinBps),
                int256(b.netDeltaMaxBps),
                int256(uint256(b.grossMaxBps)),
                int256(uint256(b.leverageMaxBps)),
                int256(uint256(b.liquidityMaxBps)),
                int256(uint256(b.concentrationMaxBps)),
                int256(uint256(b.cashMinBps))
            ];
    }

    function _values(Measures calldata m) private pure returns (int256[MEASURES] memory) {
        return
            [
                m.netDeltaMinBps,
                m.netDeltaMaxBps,
                m.grossBps,
                m.leverageBps,
                m.liquidityBps,
                m.concentrationBps,
                m.cashBps
            ];
    }

    /// @dev Each regime's bands must be possible, hold its own targets, and be no looser than the calmer regime's.
    function _requireConsistent() private view {
        for (uint256 i; i < 3; ++i) {
            Bands memory b = _bands[i];
            Targets memory t = _targets[i];
            bool ok =
                b.netDeltaMinBps <= b.netDeltaMaxBps &&
                    b.cashMinBps <= 10_000 &&
                    t.liquidityBps <= b.liquidityMaxBps &&
                    t.halfWidthTicks > 0 &&
                    t.riskAversionBps > 0 &&
                    (t.hedgeRatioBps == 0 || uint256(t.marginBps) * b.leverageMaxBps >= 1e8);
            if (i > 0) {
                Bands memory calmer = _bands[i - 1];
                ok =
                    ok &&
                    b.netDeltaMinBps >= calmer.netDeltaMinBps &&
                    b.netDeltaMaxBps <= calmer.netDeltaMaxBps &&
                    b.grossMaxBps <= calmer.grossMaxBps &&
                    b.leverageMaxBps <= calmer.leverageMaxBps &&
                    b.liquidityMaxBps <= calmer.liquidityMaxBps &&
                    b.concentrationMaxBps <= calmer.concentrationMaxBps &&
                    b.cashMinBps >= calmer.cashMinBps &&
                    b.lossMaxBps <= calmer.lossMaxBps;
            }
            if (!ok) revert InvalidPolicy(Regime(i));
        }
    }
}
