// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Regime} from "../regime/IRegimeOracle.sol";

/// @title Bands and targets per regime, and the judgement of an outcome
interface IHedgePolicy {
    /// @notice What is measured, in the order of Measures.
    enum Measure {
        NetDeltaMin,
        NetDeltaMax,
        Gross,
        Leverage,
        Liquidity,
        Concentration,
        Cash
    }

    /// @notice The limits of one regime, in basis points of net asset value unless said otherwise.
    /// @param netDeltaMinBps Least net delta × price.
    /// @param netDeltaMaxBps Greatest net delta × price.
    /// @param grossMaxBps Greatest sum of absolute base exposure × price.
    /// @param leverageMaxBps Greatest notional / equity at any margined venue (10,000 = 1×).
    /// @param liquidityMaxBps Greatest share in liquidity positions.
    /// @param concentrationMaxBps Greatest share at one venue.
    /// @param cashMinBps Least idle cash.
    /// @param lossMaxBps Greatest execution loss of one plan.
    struct Bands {
        int32 netDeltaMinBps;
        int32 netDeltaMaxBps;
        uint32 grossMaxBps;
        uint32 leverageMaxBps;
        uint32 liquidityMaxBps;
        uint32 concentrationMaxBps;
        uint32 cashMinBps;
        uint32 lossMaxBps;
    }

    /// @notice What the keeper aims at in one regime: on chain, so that a member recomputes the same target.
    /// @param liquidityBps Share of net asset value in the liquidity position.
    /// @param hedgeRatioBps Short size / liquidity delta.
    /// @param halfWidthTicks Half-width of the range, in ticks, around the oracle price.
    /// @param marginBps Equity at the perpetual venue / short notional.
    /// @param riskAversionBps Absolute risk aversion × net asset value, for the no-trade band (10,000 = 1).
    struct Targets {
        uint32 liquidityBps;
        uint32 hedgeRatioBps;
        uint32 halfWidthTicks;
        uint32 marginBps;
        uint32 riskAversionBps;
    }

    /// @notice The state of the vault that a policy judges, in basis points as in Bands.
    struct Measures {
        int256 netDeltaMinBps;
        int256 netDeltaMaxBps;
        int256 grossBps;
        int256 leverageBps;
        int256 liquidityBps;
        int256 concentrationBps;
        int256 cashBps;
    }

    /// @notice Bands or targets of a regime changed.
    event PolicySet(Regime indexed regime, Bands bands, Targets targets);

    /// @notice The plan leaves a measure outside its band without making things better.
    error OutsideBands(Regime regime, Measure measure, int256 value, int256 limit);
    /// @notice In Unknown nothing may add risk.
    error RiskAddedWhileUnknown(Measure measure, int256 before, int256 afterwards);
    /// @notice A policy whose bands contradict each other or grow looser with a more defensive regime.
    error InvalidPolicy(Regime regime);
    /// @notice A constructor argument is outside its bounds.
    error InvalidParameter(bytes32 name, uint256 value);

    /// @notice Bands of a regime; Unknown has those of Stress.
    function bands(Regime regime) external view returns (Bands memory);

    /// @notice Targets of a regime; Unknown has those of Stress.
    function targets(Regime regime) external view returns (Targets memory);

    /// @notice Replaces the bands and targets of a regime.
    function setPolicy(Regime regime, Bands calldata bands_, Targets calldata targets_) external;

    /// @notice Least improvement of a breach that counts as a step back, in basis points.
    function minStepBps() external view returns (uint256);

    /// @notice Reverts unless the outcome is inside every band, or no breached measure worsens, at least one improves by
    /// the minimum step, and none leaves its band.
    function judge(Regime regime, Measures calldata before, Measures calldata afterwards) external view;
}
