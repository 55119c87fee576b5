// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Regime} from "./IRegimeOracle.sol";

/// @title The rule that steps the regime from one session close to the next
/// @notice Up at once, down one level after five consecutive closes that are a point below the threshold and not
/// inverted. Mirrored line by line in src/regime/ruleMachine.ts; one file of vectors drives the tests of both.
library RegimeRule {
    /// @dev Closes have 8 decimals, as the feeds do.
    uint256 internal constant POINT = 1e8;
    /// @dev From here on a close is at least Elevated.
    uint256 internal constant ELEVATED_FROM = 15 * POINT;
    /// @dev Above this a close is Stress.
    uint256 internal constant STRESS_ABOVE = 25 * POINT;
    /// @dev How far below a threshold a close must be to count towards a step down.
    uint256 internal constant HYSTERESIS = POINT;
    /// @dev Consecutive qualifying closes for a step down.
    uint8 internal constant DWELL = 5;

    /// @notice The regime a single close calls for, without its past.
    function target(uint256 vix, uint256 vix3m) internal pure returns (Regime) {
        if (vix > STRESS_ABOVE || vix > vix3m) return Regime.Stress;
        return vix >= ELEVATED_FROM ? Regime.Elevated : Regime.Calm;
    }

    /// @notice The state after a close.
    /// @param level Calm, Elevated or Stress.
    /// @param streak Qualifying closes so far, below DWELL.
    /// @param lifted Whether the base asset's own crash comes before the close: the level is then Stress to begin with.
    function step(
        Regime level,
        uint8 streak,
        uint256 vix,
        uint256 vix3m,
        bool lifted
    ) internal pure returns (Regime, uint8) {
        if (lifted) (level, streak) = (Regime.Stress, 0);

        Regime called = target(vix, vix3m);
        if (called > level) return (called, 0);
        if (level == Regime.Calm) return (level, 0);

        uint256 threshold = level == Regime.Stress ? STRESS_ABOVE : ELEVATED_FROM;
        if (vix >= threshold - HYSTERESIS || vix > vix3m) return (level, 0);
        if (streak + 1 < DWELL) return (level, streak + 1);
        return (Regime(uint8(level) - 1), 0);
    }
}
