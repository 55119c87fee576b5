// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAggregatorV3} from "./IAggregatorV3.sol";
import {IRegimeOracle, Regime} from "./IRegimeOracle.sol";
import {RegimeRule} from "./RegimeRule.sol";

/// @title The volatility regime, stepped by session closes of VIX and VIX3M
///
/// CLOSES
/// The close of session D is the last round whose `updatedAt` lies in the UTC day D. It is known only when that day is
/// over, and proven by the round after it. This assumes of the feeds that rounds are appended in order of time and
/// stamped with the time of their block: a round that could be stamped into a past day would rewrite a close.
///
/// CALENDAR
/// A session is a weekday that is not in the set of closures. A session no feed reported blocks the oracle: it turns
/// Unknown, where only risk reduction is allowed, until the administrator adds that day to the closures. The same goes
/// for an unscheduled closure, and for a feed whose aggregator was replaced in a way that hides the proof (see _close).
/// A day up to the last session, or one that both feeds' latest rounds report, cannot be closed: the calendar is no way to
/// keep an unwelcome close out. The role's delay leaves anyone the time to take in a close before its day can be closed.
///
/// LIFTS
/// A lift is placed in time by its newer round, whoever sends it when: before the end of a session's day it counts
/// before that close, after it it stays pending for the next one. It must be newer than the last lift and not before
/// the end of the last session's day, so no pair of rounds is used twice and a lift that a close has already overtaken
/// stays out. A single crash can lift again only while the rounds before it are less than a day old.
///
/// SEQUENCER
/// On a layer two nothing here looks at the sequencer's uptime feed. PriceOracle does, and everything that can add risk
/// asks it in the same transaction: while the sequencer is down, and for a grace time after, no plan runs whatever the
/// regime says. In that time anyone takes in the closes and proves the lifts that the outage held back. An outage buys no
/// time: staleAfter goes by the clock alone, and a session it swallowed is a missing one. What runs without a price is the
/// keeper's deleveraging in Stress, Unknown and near liquidation, which only reduces: an outage that made the regime Unknown
/// would only open it to the keeper more often.
/// An outage can hide two things until the next close. A crash that no two rounds within a day show cannot be a lift. And
/// of a feed with rounds within the session the last one before the outage becomes the close; of AttestedFeed, whose rounds
/// are closes, none does.
///
/// ROLES
/// The administrator (through AccessManager) sets closures and seeds the past. It cannot set a level, skip a close that
/// the calendar knows, or seed once a session was advanced. Everything else is open to anyone.
contract RegimeOracle is IRegimeOracle, AccessManaged {
    /// @inheritdoc IRegimeOracle
    uint256 public constant MIN_SESSIONS = 250;

    /// @dev Points with 8 decimals. The highest close ever was 82.69; a tenfold is no VIX.
    uint256 private constant MAX_ANSWER = 1000 * RegimeRule.POINT;
    /// @dev The longest run of closed days since 1990 was six (2001-09-11 to 16).
    uint256 private constant MAX_CLOSED_RUN = 10;
    uint256 private constant MAX_GRACE = 7 days;
    uint256 private constant BPS = 10_000;
    uint8 private constant FEED_DECIMALS = 8;

    /// @inheritdoc IRegimeOracle
    address public immutable vixFeed;
    /// @inheritdoc IRegimeOracle
    address public immutable vix3mFeed;
    /// @inheritdoc IRegimeOracle
    address public immutable baseFeed;
    /// @inheritdoc IRegimeOracle
    uint256 public immutable graceSeconds;
    /// @inheritdoc IRegimeOracle
    uint256 public immutable liftBps;

    Session[] private _sessions;
    /// @dev One bit a day: day / 256 is the word, day % 256 the bit.
    mapping(uint256 word => uint256 bits) private _closures;
    /// @dev When the newer round of the last lift was updated. A lift is pending while this is past the last session.
    uint64 private _liftedAt;
    bool private _advanced;

    constructor(
        address authority,
        address vixFeed_,
        address vix3mFeed_,
        address baseFeed_,
        uint256 graceSeconds_,
        uint256 liftBps_
    ) AccessManaged(authority) {
        if (graceSeconds_ == 0 || graceSeconds_ > MAX_GRACE) revert InvalidParameter("graceSeconds", graceSeconds_);
        if (liftBps_ == 0 || liftBps_ >= BPS) revert InvalidParameter("liftBps", liftBps_);
        _requireDecimals("vixFeed", vixFeed_);
        _requireDecimals("vix3mFeed", vix3mFeed_);
        _requireDecimals("baseFeed", baseFeed_);

        vixFeed = vixFeed_;
        vix3mFeed = vix3mFeed_;
        baseFeed = baseFeed_;
        graceSeconds = graceSeconds_;
        liftBps = liftBps_;
    }

    // ---- the calendar and the past: administrator ----

    /// @inheritdoc IRegimeOracle
    function setClosures(uint32[] calldata closedDays, bool closed) external restricted {
        for (uint256 i; i < closedDays.length; ++i) {
            uint32 day = closedDays[i];
            _requireChangeable(day, closed);
            uint256 bit = 1 << (day & 0xff);
            if (closed) _closures[day >> 8] |= bit;
            else _closures[day >> 8] &= ~bit;

            emit ClosureSet(day, closed);
        }
    }

    /// @inheritdoc IRegimeOracle
    function seed(Close[] calldata closes) external restricted {
        if (_advanced) revert AlreadySeeded();

        for (uint256 i; i < closes.length; ++i) {
            Close calldata close = closes[i];
            _requireInOrder(close.day);
            if (block.timestamp < _endOf(close.day)) revert SessionNotOver(close.day);
            if (!_inRange(int256(uint256(close.vix)))) revert InvalidRound(vixFeed, 0, int256(uint256(close.vix)));
            if (!_inRange(int256(uint256(close.vix3m)))) {
                revert InvalidRound(vix3mFeed, 0, int256(uint256(close.vix3m)));
            }
            _append(close.day, close.vix, close.vix3m, false);
        }
    }

    // ---- stepping: anyone ----

    /// @inheritdoc IRegimeOracle
    function advance(uint80 vixRound, uint80 vix3mRound) external {
        _requireSeeded();
        uint32 day = nextSessionDay();
        uint256 end = _endOf(day);
        if (block.timestamp < end) revert SessionNotOver(day);

        uint64 vix = _close(vixFeed, vixRound, day);
        uint64 vix3m = _close(vix3mFeed, vix3mRound, day);

        _advanced = true;
        _append(day, vix, vix3m, liftPending() && _liftedAt < end);
    }

    /// @inheritdoc IRegimeOracle
    function lift(uint80 olderRound, uint80 newerRound) external {
        _requireSeeded();
        (int256 older, uint256 olderAt) = _round(baseFeed, olderRound);
        (int256 newer, uint256 newerAt) = _round(baseFeed, newerRound);
        if (older <= 0) revert InvalidRound(baseFeed, olderRound, older);
        if (newer <= 0) revert InvalidRound(baseFeed, newerRound, newer);
        if (olderAt >= newerAt || newerAt - olderAt > 1 days || newerAt + 1 days < block.timestamp) {
            revert LiftWindow(olderAt, newerAt);
        }
        uint256 lastEnd = _endOf(_last().day);
        if (newerAt <= _liftedAt) revert LiftOvertaken(newerAt, _liftedAt + 1);
        if (newerAt < lastEnd) revert LiftOvertaken(newerAt, lastEnd);

        uint256 move = uint256(newer > older ? newer - older : older - newer);
        uint256 moveBps = (move * BPS) / uint256(older);
        if (moveBps <= liftBps) revert NoLift(moveBps, liftBps);

        _liftedAt = uint64(newerAt);

        emit Lifted(olderRound, newerRound, older, newer);
    }

    // ---- reading ----

    /// @inheritdoc IRegimeOracle
    function regime() external view returns (Regime) {
        if (_sessions.length < MIN_SESSIONS || block.timestamp > staleAfter()) return Regime.Unknown;
        return level();
    }

    /// @inheritdoc IRegimeOracle
    function level() public view returns (Regime) {
        if (_sessions.length == 0) return Regime.Unknown;
        return liftPending() ? Regime.Stress : _last().level;
    }

    /// @inheritdoc IRegimeOracle
    function liftPending() public view returns (bool) {
        return _sessions.length != 0 && _liftedAt >= _endOf(_last().day);
    }

    /// @inheritdoc IRegimeOracle
    function nextSessionDay() public view returns (uint32) {
        if (_sessions.length == 0) return 0;
        (uint32 day, bool found) = _sessionAfter(_last().day);
        if (!found) revert NoSessionInSight(day);
        return day;
    }

    /// @inheritdoc IRegimeOracle
    /// @dev Never reverts, so that regime() does not: with no session in sight the last day looked at is the due one.
    function staleAfter() public view returns (uint256) {
        if (_sessions.length == 0) return 0;
        (uint32 day, ) = _sessionAfter(_last().day);
        return _endOf(day) + graceSeconds;
    }

    /// @inheritdoc IRegimeOracle
    function isSession(uint32 day) public view returns (bool) {
        // 1970-01-01 was a Thursday: (day + 4) % 7 counts from Sunday = 0.
        uint256 weekday = (uint256(day) + 4) % 7;
        return weekday != 0 && weekday != 6 && _closures[day >> 8] & (1 << (day & 0xff)) == 0;
    }

    /// @inheritdoc IRegimeOracle
    function sessionCount() external view returns (uint256) {
        return _sessions.length;
    }

    /// @inheritdoc IRegimeOracle
    function sessions(uint256 from, uint256 count) external view returns (Session[] memory page) {
        uint256 total = _sessions.length;
        uint256 left = from < total ? total - from : 0;
        page = new Session[](count < left ? count : left);
        for (uint256 i; i < page.length; ++i) {
            page[i] = _sessions[from + i];
        }
    }

    // ---- inside ----

    /// @dev The answer of `round`, proven to be the feed's last round of `day`.
    function _close(address feed, uint80 round, uint32 day) private view returns (uint64) {
        (int256 answer, uint256 updatedAt) = _round(feed, round);
        if (!_inRange(answer)) revert InvalidRound(feed, round, answer);
        if (updatedAt / 1 days != day) revert SessionOutOfOrder(day, uint32(updatedAt / 1 days));

        (uint80 latest, , , , ) = IAggregatorV3(feed).latestRoundData();
        if (latest == round) return uint64(uint256(answer));

        // After the last round of a Chainlink aggregator the next round is the first one of the aggregator that
        // replaced it, in the next phase. Where that one started earlier than the switch, the close cannot be proven.
        (, uint256 nextAt) = _round(feed, round + 1);
        if (nextAt == 0) (, nextAt) = _round(feed, (((round >> 64) + 1) << 64) | 1);
        if (nextAt < _endOf(day)) revert NotTheClose(feed, round);
        return uint64(uint256(answer));
    }

    /// @dev A round's answer and time; zero and zero when it does not exist. A caller cannot fake an absent round by
    /// sending little gas: what is left after a call starved of 63/64 would not pay for storing a session.
    function _round(address feed, uint80 round) private view returns (int256, uint256) {
        try IAggregatorV3(feed).getRoundData(round) returns (
            uint80,
            int256 answer,
            uint256,
            uint256 updatedAt,
            uint80
        ) {
            return (answer, updatedAt);
        } catch {
            return (0, 0);
        }
    }

    function _append(uint32 day, uint64 vix, uint64 vix3m, bool lifted) private {
        uint256 index = _sessions.length;
        Regime newLevel;
        uint8 streak;
        if (index == 0) {
            newLevel = RegimeRule.target(vix, vix3m);
        } else {
            Session storage last = _sessions[index - 1];
            (newLevel, streak) = RegimeRule.step(last.level, last.streak, vix, vix3m, lifted);
        }
        _sessions.push(Session(day, vix, vix3m, lifted, newLevel, streak));

        emit SessionClosed(index, day, vix, vix3m, newLevel, streak);
    }

    /// @dev The first session after `day`; when there is none within the bound, the last day looked at and false.
    function _sessionAfter(uint32 day) private view returns (uint32, bool) {
        for (uint256 i; i < MAX_CLOSED_RUN; ++i) {
            if (isSession(++day)) return (day, true);
        }
        return (day, false);
    }

    function _requireInOrder(uint32 day) private view {
        if (_sessions.length == 0) {
            if (!isSession(day)) revert SessionOutOfOrder(0, day);
        } else {
            uint32 expected = nextSessionDay();
            if (day != expected) revert SessionOutOfOrder(expected, day);
        }
    }

    /// @dev The past is settled, and a day both feeds report is a session. Only their latest rounds can be looked at here;
    /// against closing a day behind those stands the delay of the calendar role, in which anyone may take the close in.
    function _requireChangeable(uint32 day, bool closed) private view {
        if (_sessions.length == 0) return;
        if (day <= _last().day) revert SessionSettled(day, _last().day);
        if (closed && _isReported(vixFeed, day) && _isReported(vix3mFeed, day)) revert SessionReported(day);
    }

    function _isReported(address feed, uint32 day) private view returns (bool) {
        try IAggregatorV3(feed).latestRoundData() returns (uint80, int256, uint256, uint256 updatedAt, uint80) {
            return updatedAt / 1 days == day;
        } catch {
            return false;
        }
    }

    function _requireSeeded() private view {
        if (_sessions.length < MIN_SESSIONS) revert NotSeeded(_sessions.length, MIN_SESSIONS);
    }

    function _requireDecimals(bytes32 name, address feed) private view {
        uint8 decimals = IAggregatorV3(feed).decimals();
        if (decimals != FEED_DECIMALS) revert InvalidParameter(name, decimals);
    }

    function _last() private view returns (Session storage) {
        return _sessions[_sessions.length - 1];
    }

    function _inRange(int256 answer) private pure returns (bool) {
        return answer > 0 && uint256(answer) <= MAX_ANSWER;
    }

    function _endOf(uint32 day) private pure returns (uint256) {
        return (uint256(day) + 1) * 1 days;
    }
}
