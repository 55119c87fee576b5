// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Volatility regimes, from the least to the most defensive. Unknown (a stale feed) is the most defensive of
/// all: only a reduction of risk is allowed in it. The order matters: `a > b` reads "a is more defensive than b".
enum Regime {
    Calm,
    Elevated,
    Stress,
    Unknown
}

/// @title The volatility regime, stepped by session closes of VIX and VIX3M
/// @notice The regime is a path, not a level: it has hysteresis and a dwell, so every close counts, in order, none
/// skipped. Anyone may advance it.
interface IRegimeOracle {
    /// @notice One session close and the state after it.
    /// @param day The session's date, in days since 1970-01-01.
    /// @param vix Close of VIX, in points with 8 decimals.
    /// @param vix3m Close of VIX3M of the same session, in points with 8 decimals.
    /// @param lifted Whether a fall of the base asset lifted the level to Stress after the session before and up to this one.
    /// @param level The level after this close.
    /// @param streak Consecutive closes, up to this one, that qualify for a step down; 0 to 4.
    struct Session {
        uint32 day;
        uint64 vix;
        uint64 vix3m;
        bool lifted;
        Regime level;
        uint8 streak;
    }

    /// @notice A session was taken in.
    event SessionClosed(
        uint256 indexed index,
        uint32 indexed day,
        uint64 vix,
        uint64 vix3m,
        Regime level,
        uint8 streak
    );
    /// @notice The base asset moved beyond the limit within a day: the level is Stress until sessions bring it down.
    event Lifted(uint80 indexed olderRound, uint80 indexed newerRound, int256 olderAnswer, int256 newerAnswer);
    /// @notice A date on which the exchange is shut was added to or removed from the calendar.
    event ClosureSet(uint32 indexed day, bool closed);

    /// @notice The round's day is not the session that comes next.
    error SessionOutOfOrder(uint32 expectedDay, uint32 day);
    /// @notice The session's day is not over yet (UTC), so its last round may still change.
    error SessionNotOver(uint32 day);
    /// @notice A later round of the same day exists: this one is not the close.
    error NotTheClose(address feed, uint80 round);
    /// @notice A feed's answer is zero, negative or out of range, or the round does not exist.
    error InvalidRound(address feed, uint80 round, int256 answer);
    /// @notice The two rounds do not show a move beyond the limit within a day.
    error NoLift(uint256 moveBps, uint256 limitBps);
    /// @notice The older round is not before the newer one, or the newer is not fresh, or they are over a day apart.
    error LiftWindow(uint256 olderUpdatedAt, uint256 newerUpdatedAt);
    /// @notice Seeding is only possible before the first session was advanced.
    error AlreadySeeded();

    /// @notice Takes in the next session. Both rounds must be the last of that session's day (UTC).
    /// @dev Open to anyone. Reverts with SessionOutOfOrder, SessionNotOver, NotTheClose or InvalidRound.
    function advance(uint80 vixRound, uint80 vix3mRound) external;

    /// @notice Lifts the level to Stress when the base asset's feed moved beyond the limit between two rounds at most a
    /// day apart, the newer one at most a day old. VIX sleeps at weekends, crypto does not.
    /// @dev Open to anyone.
    function lift(uint80 olderRound, uint80 newerRound) external;

    /// @notice The regime that policy is judged by: the level, or Unknown when an expected session is missing.
    function regime() external view returns (Regime);

    /// @notice The level after the last session (and a lift since), whatever its age.
    function level() external view returns (Regime);

    /// @notice Whether a lift happened since the last session.
    function liftPending() external view returns (bool);

    /// @notice The day of the session that comes next by the calendar, in days since 1970-01-01.
    function nextSessionDay() external view returns (uint32);

    /// @notice The time, in seconds since 1970-01-01, after which the regime is Unknown unless the next session came.
    function staleAfter() external view returns (uint256);

    /// @notice How many sessions are stored.
    function sessionCount() external view returns (uint256);

    /// @notice Sessions `from` to `from + count - 1` by index; fewer at the end.
    function sessions(uint256 from, uint256 count) external view returns (Session[] memory);
}
