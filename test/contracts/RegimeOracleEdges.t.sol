// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRegimeOracle, Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {RegimeOracle} from "../../contracts/regime/RegimeOracle.sol";
import {ReplayFeed} from "../../deploy/devnet/contracts/ReplayFeed.sol";
import {PhasedFeed} from "./support/PhasedFeed.sol";
import {RegimeOracleSetup} from "./support/RegimeOracleSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Closes, lifts and the calendar at the second and the unit where the answer turns
contract RegimeOracleEdgesTest is RegimeOracleSetup {
    uint256 private constant MOST = 1000 * POINT;

    function setUp() public {
        _deploy();
        oracle.seed(_calmSeed());
    }

    // ---- the close ----

    function testACloseIsOfItsDayFromTheFirstSecondToTheLast() public {
        (RegimeOracle phased, PhasedFeed feed, uint32 day) = _phased();
        uint256 start = uint256(day) * 1 days;
        _at(day + 1, 0);

        uint80 round = feed.set(1, 1, int256(13 * POINT), start - 1);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, day, day - 1));
        phased.advance(round, round);
        feed.set(1, 1, int256(13 * POINT), start + 1 days);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, day, day + 1));
        phased.advance(round, round);

        uint256 state = vm.snapshotState();
        feed.set(1, 1, int256(13 * POINT), start);
        phased.advance(round, round);
        require(phased.sessionCount() == 251, "the first second");
        vm.revertToState(state);
        feed.set(1, 1, int256(13 * POINT), start + 1 days - 1);
        phased.advance(round, round);
        require(phased.sessionCount() == 251, "the last second");
    }

    function testARoundAtMidnightProvesTheOneBeforeIt() public {
        (RegimeOracle phased, PhasedFeed feed, uint32 day) = _phased();
        uint256 end = uint256(day + 1) * 1 days;
        uint80 close = feed.set(1, 1, int256(13 * POINT), end - 2);
        feed.set(1, 2, int256(40 * POINT), end - 1);
        _at(day + 1, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NotTheClose.selector, address(feed), close));
        phased.advance(close, close);
        feed.set(1, 2, int256(40 * POINT), end);
        phased.advance(close, close);
        require(phased.level() == Regime.Calm, "the close before midnight");
    }

    /// @dev New York closes at 21:00 UTC in winter and at 20:00 in summer: the day is the same, so is the session.
    function testTheClockOfNewYorkDoesNotMatter() public {
        uint256[2] memory closes = [20 hours + 15 minutes, uint256(21 hours + 15 minutes)];
        for (uint256 i; i < 10; ++i) {
            uint32 day = oracle.nextSessionDay();
            _at(day, closes[i % 2]);
            vixFeed.push(int256(13 * POINT));
            vix3mFeed.push(int256(15 * POINT));
            require(oracle.staleAfter() == uint256(day + 1) * 1 days + GRACE, "due by the UTC day, not by the clock");
            _at(day + 1, 0);
            _advance();
            require(_lastStored().day == day, "its own day");
        }
    }

    function testACloseAboveTheGreatestIsNone() public {
        (RegimeOracle phased, PhasedFeed feed, uint32 day) = _phased();
        uint80 round = feed.set(1, 1, int256(MOST + 1), uint256(day) * 1 days);
        _at(day + 1, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.InvalidRound.selector, address(feed), round, int256(MOST + 1))
        );
        phased.advance(round, round);
    }

    function testTheGreatestCloseCountsAsStress() public {
        _close(MOST, MOST);
        IRegimeOracle.Session memory session = _lastStored();
        require(session.vix == MOST && session.vix3m == MOST && session.level == Regime.Stress, "taken");
    }

    function testBothClosesAreProvenEachByItsOwnFeed() public {
        uint32 day = oracle.nextSessionDay();
        _push(day, 13 * POINT, 15 * POINT);
        _at(day + 1, 0);

        vm.expectRevert(_invalidRound(vixFeed, 9, 0));
        oracle.advance(9, 1);
        vm.expectRevert(_invalidRound(vix3mFeed, 9, 0));
        oracle.advance(1, 9);
        oracle.advance(1, 1);
    }

    function testAdvanceSaysWhatItTookIn() public {
        uint32 day = oracle.nextSessionDay();
        _push(day, 16 * POINT, 17 * POINT);
        _at(day + 1, 0);

        vm.expectEmit(address(oracle));
        emit IRegimeOracle.SessionClosed(250, day, uint64(16 * POINT), uint64(17 * POINT), Regime.Elevated, 0);
        oracle.advance(1, 1);

        day = oracle.nextSessionDay();
        _push(day, 13 * POINT, 14 * POINT);
        _at(day + 1, 0);
        vm.expectEmit(address(oracle));
        emit IRegimeOracle.SessionClosed(251, day, uint64(13 * POINT), uint64(14 * POINT), Regime.Elevated, 1);
        oracle.advance(2, 2);
    }

    function testAPageBeginsWhereItIsAskedTo() public {
        _close(16 * POINT, 17 * POINT);
        _close(26 * POINT, 27 * POINT);

        IRegimeOracle.Session[] memory page = oracle.sessions(250, 2);
        require(page.length == 2, "two");
        require(page[0].vix == 16 * POINT && page[0].level == Regime.Elevated, "the first");
        require(page[1].vix == 26 * POINT && page[1].level == Regime.Stress, "the second");
        require(oracle.sessions(252, 1).length == 0 && oracle.sessions(251, 0).length == 0, "none");
        require(oracle.sessions(type(uint256).max, type(uint256).max).length == 0, "far past the end");
    }

    // ---- lifts ----

    function testALiftBelongsAfterTheLastCloseFromTheEndOfItsDayOn() public {
        uint256 end = uint256(LAST_SEEDED + 1) * 1 days;
        _movesAt(end - 2 hours, end - 1, 84e8);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.LiftOvertaken.selector, end - 1, end));
        oracle.lift(1, 2);
        require(!oracle.liftPending() && oracle.level() == Regime.Calm, "not lifted");

        vm.warp(end);
        baseFeed.push(84e8);
        oracle.lift(1, 3);
        require(oracle.liftPending() && oracle.level() == Regime.Stress, "lifted at midnight");
    }

    function testALiftBelongsBeforeTheNextCloseUntilTheEndOfItsDay() public {
        uint32 day = oracle.nextSessionDay();
        uint256 end = uint256(day + 1) * 1 days;
        _push(day, 13 * POINT, 15 * POINT);

        uint256 state = vm.snapshotState();
        _movesAt(end - 2 hours, end - 1, 84e8);
        oracle.lift(1, 2);
        vm.warp(end);
        oracle.advance(1, 1);
        require(_lastStored().lifted && !oracle.liftPending(), "the last second of the day");
        require(oracle.level() == Regime.Stress, "counted before the close");

        vm.revertToState(state);
        _movesAt(end - 2 hours, end, 84e8);
        oracle.lift(1, 2);
        oracle.advance(1, 1);
        require(!_lastStored().lifted && oracle.liftPending(), "midnight is the next session's");
        require(_lastStored().level == Regime.Calm && oracle.level() == Regime.Stress, "and pending");
    }

    function testALiftByRoundsADayApartAndADayOld() public {
        uint256 start = block.timestamp;
        _movesAt(start, start + 1 days, 84e8);
        vm.warp(start + 2 days);
        oracle.lift(1, 2);
        require(oracle.liftPending(), "both to the second");
    }

    function testALiftByTwoRoundsOfOneSecond() public {
        baseFeed.push(100e8);
        baseFeed.push(84e8);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.LiftWindow.selector, block.timestamp, block.timestamp));
        oracle.lift(1, 2);
    }

    function testMovesAtTheLimitAndJustAboveIt() public {
        _noLift(100e8, 0);
        _noLift(85e8, LIFT_BPS);
        _noLift(115e8, LIFT_BPS);
        // Below a basis point above the limit is not above it.
        _noLift(8_499_000_001, LIFT_BPS);
        _noLift(11_500_999_999, LIFT_BPS);

        uint256 state = vm.snapshotState();
        _lift(8_499_000_000);
        require(oracle.liftPending(), "a fall of 1,501 basis points");
        vm.revertToState(state);
        _lift(11_501_000_000);
        require(oracle.liftPending(), "a rise of 1,501 basis points");
    }

    function testALiftIsOfTheOlderPrice() public {
        baseFeed.push(200e8);
        vm.warp(block.timestamp + 1 hours);
        baseFeed.push(240e8);
        // A fifth of the older price; of the newer one it would be 1,666.
        vm.expectEmit(address(oracle));
        emit IRegimeOracle.Lifted(1, 2, 200e8, 240e8);
        oracle.lift(1, 2);

        vm.warp(block.timestamp + 1 hours);
        baseFeed.push(210e8);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NoLift.selector, 1_250, LIFT_BPS));
        oracle.lift(2, 3);
    }

    function testALiftByAnswersThatAreNoPrice() public {
        int256[3] memory wrong = [int256(0), -1, -100e8];
        baseFeed.push(100e8);
        for (uint256 i; i < wrong.length; ++i) {
            vm.warp(block.timestamp + 1);
            baseFeed.push(wrong[i]);
        }
        vm.warp(block.timestamp + 1);
        baseFeed.push(100e8);
        for (uint80 i; i < wrong.length; ++i) {
            vm.expectRevert(_invalidRound(baseFeed, i + 2, wrong[i]));
            oracle.lift(1, i + 2);
            vm.expectRevert(_invalidRound(baseFeed, i + 2, wrong[i]));
            oracle.lift(i + 2, 5);
        }
    }

    function testALiftByTheLeastPrices() public {
        int256[3] memory prices = [int256(1), 2, 1];
        for (uint256 i; i < prices.length; ++i) {
            vm.warp(block.timestamp + 1);
            baseFeed.push(prices[i]);
        }
        oracle.lift(1, 2);
        oracle.lift(2, 3);
        require(oracle.liftPending(), "one unit is a price");
    }

    function testALiftIsFollowedByANewerOneOnly() public {
        uint256 start = block.timestamp;
        _movesAt(start, start + 1 hours, 84e8);
        vm.warp(start + 1 hours + 1);
        baseFeed.push(70e8);
        oracle.lift(1, 3);

        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.LiftOvertaken.selector, start + 1 hours, start + 1 hours + 2)
        );
        oracle.lift(1, 2);
        vm.warp(start + 1 hours + 2);
        baseFeed.push(70e8);
        oracle.lift(1, 4);
    }

    // ---- the calendar ----

    function testClosuresSayWhatTheyAre() public {
        uint32 monday = oracle.nextSessionDay();
        uint32[] memory days_ = new uint32[](2);
        (days_[0], days_[1]) = (monday + 1, monday);

        vm.expectEmit(address(oracle));
        emit IRegimeOracle.ClosureSet(monday + 1, true);
        vm.expectEmit(address(oracle));
        emit IRegimeOracle.ClosureSet(monday, true);
        oracle.setClosures(days_, true);
        require(oracle.nextSessionDay() == monday + 2, "both");

        vm.expectEmit(address(oracle));
        emit IRegimeOracle.ClosureSet(monday + 1, false);
        _setClosure(monday + 1, false);
        require(oracle.isSession(monday + 1) && !oracle.isSession(monday), "one open, the other still closed");
    }

    /// @dev Closures are bits of words of 256 days; 2001-07-17 is the first day of one.
    function testClosuresAtTheEdgeOfAWord() public {
        uint32 first = 45 * 256;
        require(oracle.isSession(first - 1) && oracle.isSession(first), "Monday and Tuesday");
        _setClosure(first, true);
        require(oracle.isSession(first - 1) && !oracle.isSession(first), "the first bit");
        _setClosure(first - 1, true);
        _setClosure(first, false);
        require(!oracle.isSession(first - 1) && oracle.isSession(first), "the last bit of the word before");
    }

    function testTheLastSeededDayIsSettledTheNextIsNot() public {
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionSettled.selector, LAST_SEEDED, LAST_SEEDED));
            _setClosure(LAST_SEEDED, i == 0);
            _setClosure(LAST_SEEDED + 1, i == 0);
        }
    }

    function testOneFeedAloneMakesNoSession() public {
        uint32 monday = oracle.nextSessionDay();
        _at(monday, 21 hours);
        vix3mFeed.push(int256(30 * POINT));
        _setClosure(monday, true);
        require(!oracle.isSession(monday), "VIX3M alone");

        // Reported or not: a day can always be opened again.
        vixFeed.push(int256(40 * POINT));
        _setClosure(monday, false);
        require(oracle.isSession(monday), "open");
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionReported.selector, monday));
        _setClosure(monday, true);
        _setClosure(monday + 1, true);
        require(oracle.nextSessionDay() == monday, "the day after is another");
    }

    function testTheLongestRunOfClosedDays() public {
        uint32 monday = oracle.nextSessionDay();
        for (uint32 i; i < 5; ++i) _setClosure(monday + i, true);
        uint32 next = LAST_SEEDED + 10;
        require(oracle.nextSessionDay() == next, "the tenth day after the last session is still found");
        require(oracle.staleAfter() == uint256(next + 1) * 1 days + GRACE, "and due");

        _setClosure(next, true);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NoSessionInSight.selector, next));
        oracle.nextSessionDay();
        require(oracle.staleAfter() == uint256(next + 1) * 1 days + GRACE, "due as if it were one");
        _at(next + 5, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NoSessionInSight.selector, next));
        oracle.advance(1, 1);
    }

    function testAHolidayPutsOffWhenTheRegimeIsStale() public {
        uint256 due = oracle.staleAfter();
        _setClosure(oracle.nextSessionDay(), true);
        require(oracle.staleAfter() == due + 1 days, "a day later");

        vm.warp(due + 1);
        require(oracle.regime() == Regime.Calm, "not yet");
        vm.warp(due + 1 days + 1);
        require(oracle.regime() == Regime.Unknown, "then");
        require(!oracle.liftPending() && oracle.level() == Regime.Calm, "the level stays");
    }

    // ---- inside ----

    function _setClosure(uint32 day, bool closed) private {
        uint32[] memory days_ = new uint32[](1);
        days_[0] = day;
        oracle.setClosures(days_, closed);
    }

    /// @dev The base asset at 100 at one time, and at `to` at another, which it is then.
    function _movesAt(uint256 olderAt, uint256 newerAt, int256 to) private {
        vm.warp(olderAt);
        baseFeed.push(100e8);
        vm.warp(newerAt);
        baseFeed.push(to);
    }

    function _noLift(int256 to, uint256 moveBps) private {
        (uint80 older, uint80 newer) = _move(to);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NoLift.selector, moveBps, LIFT_BPS));
        oracle.lift(older, newer);
    }

    function _invalidRound(ReplayFeed feed, uint80 round, int256 answer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRegimeOracle.InvalidRound.selector, address(feed), round, answer);
    }

    function _over(address vix, address vix3m) private returns (RegimeOracle other) {
        other = new RegimeOracle(address(manager), vix, vix3m, address(baseFeed), GRACE, LIFT_BPS);
        other.seed(_calmSeed());
    }

    /// @dev A seeded oracle whose VIX and VIX3M are one feed, whose rounds the test can rewrite.
    function _phased() private returns (RegimeOracle phased, PhasedFeed feed, uint32 day) {
        feed = new PhasedFeed();
        phased = _over(address(feed), address(feed));
        day = phased.nextSessionDay();
    }
}

/// @title What an oracle begins with: its constructor's bounds, its calendar and its past before the seed
contract RegimeOracleBeginningTest is RegimeOracleSetup {
    uint256 private constant MOST = 1000 * POINT;

    function setUp() public {
        _deploy();
    }

    function testKeepsWhatItIsGiven() public view {
        require(oracle.authority() == address(manager), "authority");
        require(oracle.vixFeed() == address(vixFeed) && oracle.vix3mFeed() == address(vix3mFeed), "VIX, VIX3M");
        require(oracle.baseFeed() == address(baseFeed), "base");
        require(oracle.graceSeconds() == GRACE && oracle.liftBps() == LIFT_BPS, "rules");
        require(oracle.MIN_SESSIONS() == 250 && oracle.sessionCount() == 0, "nothing seeded");
        require(oracle.sessions(0, 10).length == 0, "no page");
    }

    function testTheLeastAndTheMostOfItsRules() public {
        uint256[2] memory graces = [uint256(1), 7 days];
        uint256[2] memory lifts = [uint256(1), 9_999];
        for (uint256 i; i < 2; ++i) {
            RegimeOracle other = new RegimeOracle(
                address(manager),
                address(vixFeed),
                address(vix3mFeed),
                address(baseFeed),
                graces[i],
                lifts[i]
            );
            require(other.graceSeconds() == graces[i] && other.liftBps() == lifts[i], "taken");
        }
    }

    function testEachFeedHasEightDecimals() public {
        bytes32[3] memory names = [bytes32("vixFeed"), "vix3mFeed", "baseFeed"];
        uint8[3] memory wrong = [7, 9, 18];
        for (uint256 i; i < 3; ++i) {
            for (uint256 j; j < 3; ++j) {
                address[3] memory feeds = [address(vixFeed), address(vix3mFeed), address(baseFeed)];
                feeds[i] = address(new ReplayFeed("other", wrong[j]));
                vm.expectRevert(
                    abi.encodeWithSelector(IRegimeOracle.InvalidParameter.selector, names[i], uint256(wrong[j]))
                );
                new RegimeOracle(address(manager), feeds[0], feeds[1], feeds[2], GRACE, LIFT_BPS);
            }
        }
    }

    function testBeforeTheSeedNoDayIsSettled() public {
        uint32[] memory days_ = new uint32[](1);
        days_[0] = FIRST_DAY;
        oracle.setClosures(days_, true);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, uint32(0), FIRST_DAY));
        oracle.seed(_calmSeed());

        oracle.setClosures(days_, false);
        oracle.seed(_calmSeed());
        require(oracle.sessionCount() == 250, "from that day on");
    }

    function testSeedSaysWhatItTookIn() public {
        IRegimeOracle.Close[] memory closes = _first(2);
        (closes[1].vix, closes[1].vix3m) = (uint64(16 * POINT), uint64(18 * POINT));
        vm.expectEmit(address(oracle));
        emit IRegimeOracle.SessionClosed(0, FIRST_DAY, uint64(13 * POINT), uint64(15 * POINT), Regime.Calm, 0);
        vm.expectEmit(address(oracle));
        emit IRegimeOracle.SessionClosed(1, FIRST_DAY + 1, uint64(16 * POINT), uint64(18 * POINT), Regime.Elevated, 0);
        oracle.seed(closes);

        IRegimeOracle.Session memory session = _lastStored();
        require(session.day == FIRST_DAY + 1 && session.vix == 16 * POINT && session.vix3m == 18 * POINT, "stored");
        require(!session.lifted && session.level == Regime.Elevated && session.streak == 0, "state");
        require(!_stored(0).lifted, "nothing in the seed is lifted");
    }

    function testSeedADayAtTheSecondItIsOver() public {
        vm.warp(uint256(FIRST_DAY + 1) * 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionNotOver.selector, FIRST_DAY));
        oracle.seed(_first(1));
        vm.warp(uint256(FIRST_DAY + 1) * 1 days);
        oracle.seed(_first(1));
    }

    function testSeedClosesInTheirRange() public {
        uint64[3] memory wrong = [0, uint64(MOST + 1), type(uint64).max];
        for (uint256 i; i < wrong.length; ++i) {
            IRegimeOracle.Close[] memory closes = _first(3);
            closes[2].vix = wrong[i];
            vm.expectRevert(_invalid(address(vixFeed), wrong[i]));
            oracle.seed(closes);
            closes = _first(3);
            closes[2].vix3m = wrong[i];
            vm.expectRevert(_invalid(address(vix3mFeed), wrong[i]));
            oracle.seed(closes);
        }
        require(oracle.sessionCount() == 0, "all or nothing");

        IRegimeOracle.Close[] memory ends = _first(2);
        (ends[0].vix, ends[0].vix3m) = (1, uint64(MOST));
        (ends[1].vix, ends[1].vix3m) = (uint64(MOST), 1);
        oracle.seed(ends);
        require(oracle.sessionCount() == 2 && oracle.level() == Regime.Stress, "the ends are inside");
    }

    function _first(uint256 count) private pure returns (IRegimeOracle.Close[] memory closes) {
        IRegimeOracle.Close[] memory all = _calmSeed();
        closes = new IRegimeOracle.Close[](count);
        for (uint256 i; i < count; ++i) closes[i] = all[i];
    }

    function _invalid(address feed, uint64 answer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRegimeOracle.InvalidRound.selector, feed, uint80(0), int256(uint256(answer)));
    }
}
