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
    /// @param lifted Whether a move of the base asset lifted the level to Stress after the session before and before this one.
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

    /// @notice A past session to seed with.
    /// @param day The session's date, in days since 1970-01-01.
    /// @param vix Close of VIX, in points with 8 decimals.
    /// @param vix3m Close of VIX3M of the same session, in points with 8 decimals.
    struct Close {
        uint32 day;
        uint64 vix;
        uint64 vix3m;
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
    /// @notice The calendar up to the last session cannot be changed.
    error SessionSettled(uint32 day, uint32 lastDay);
    /// @notice Both feeds report that day: it is a session.
    error SessionReported(uint32 day);
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
    /// @notice The newer round is not after the last lift, or a session has closed since: it must be at `notBefore` or later.
    error LiftOvertaken(uint256 newerUpdatedAt, uint256 notBefore);
    /// @notice Seeding is only possible before the first session was advanced.
    error AlreadySeeded();
    /// @notice Nothing can be advanced or lifted before the past sessions are seeded.
    error NotSeeded(uint256 count, uint256 minimum);
    /// @notice The calendar has no session up to that day: the closures must be wrong.
    error NoSessionInSight(uint32 day);
    /// @notice A constructor parameter is outside its bounds (for a feed: its decimals are not 8).
    error InvalidParameter(bytes32 name, uint256 value);

    /// @notice Takes in the next session. Both rounds must be the last of that session's day (UTC).
    /// @dev Open to anyone. Reverts with SessionOutOfOrder, SessionNotOver, NotTheClose or InvalidRound.
    function advance(uint80 vixRound, uint80 vix3mRound) external;

    /// @notice Lifts the level to Stress when the base asset's feed moved beyond the limit between two rounds at most a
    /// day apart, the newer one at most a day old. VIX sleeps at weekends, crypto does not.
    /// @dev Open to anyone.
    function lift(uint80 olderRound, uint80 newerRound) external;

    /// @notice Adds dates to, or removes them from, the exchange's closures. Weekends need no entry.
    /// @dev Restricted. Reverts with SessionSettled or SessionReported; before the seed nothing is settled.
    function setClosures(uint32[] calldata closedDays, bool closed) external;

    /// @notice Takes in past sessions, in order, none skipped by the calendar; may be called in batches. The level of the
    /// first one is what its close alone calls for; all later ones follow from it.
    /// @dev Restricted. Reverts with AlreadySeeded, SessionOutOfOrder, SessionNotOver or InvalidRound.
    function seed(Close[] calldata closes) external;

    /// @notice The regime that policy is judged by: the level, or Unknown when an expected session is missing
    /// or fewer than MIN_SESSIONS are stored. Never reverts.
    function regime() external view returns (Regime);

    /// @notice The level after the last session (and a lift since), whatever its age; Unknown when there is none.
    function level() external view returns (Regime);

    /// @notice Whether a lift happened since the end of the last session's day.
    function liftPending() external view returns (bool);

    /// @notice The day of the session that comes next by the calendar, in days since 1970-01-01; 0 before the seed.
    /// @dev Reverts with NoSessionInSight when the closures leave none.
    function nextSessionDay() external view returns (uint32);

    /// @notice The time, in seconds since 1970-01-01, after which the regime is Unknown unless the next session came.
    function staleAfter() external view returns (uint256);

    /// @notice Whether the exchange has a session on that day: a weekday that is not among the closures.
    function isSession(uint32 day) external view returns (bool);

    /// @notice How many sessions are stored.
    function sessionCount() external view returns (uint256);

    /// @notice Sessions `from` to `from + count - 1` by index; fewer at the end.
    function sessions(uint256 from, uint256 count) external view returns (Session[] memory);

    /// @notice Sessions that must be stored before the regime is anything but Unknown: the level is a path, and its
    /// start must be forgotten.
    function MIN_SESSIONS() external view returns (uint256);

    /// @notice The feed of VIX (AggregatorV3, 8 decimals).
    function vixFeed() external view returns (address);

    /// @notice The feed of VIX3M (AggregatorV3, 8 decimals).
    function vix3mFeed() external view returns (address);

    /// @notice The base asset's USD feed that lifts are proven with (AggregatorV3, 8 decimals).
    function baseFeed() external view returns (address);

    /// @notice How long after the end of the next session's day (UTC) the regime still holds, in seconds.
    function graceSeconds() external view returns (uint256);

    /// @notice A move above this within a day, up or down, lifts to Stress; in basis points of the older price.
    function liftBps() external view returns (uint256);
}
