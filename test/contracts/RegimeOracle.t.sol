// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IRegimeOracle, Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {RegimeOracle} from "../../contracts/regime/RegimeOracle.sol";
import {RegimeRule} from "../../contracts/regime/RegimeRule.sol";
import {ReplayFeed} from "../../deploy/devnet/contracts/ReplayFeed.sol";
import {PhasedFeed} from "./support/PhasedFeed.sol";
import {RegimeOracleSetup} from "./support/RegimeOracleSetup.sol";
import {vm} from "./support/Vm.sol";

contract RegimeOracleTest is RegimeOracleSetup {
    function setUp() public {
        _deploy();
        oracle.seed(_calmSeed());
    }

    // ---- advance ----

    function testAdvanceTakesTheClose() public {
        uint32 day = oracle.nextSessionDay();
        require(day == LAST_SEEDED + 3, "Monday comes after Friday");

        _close(26 * POINT, 27 * POINT);

        IRegimeOracle.Session memory session = _lastStored();
        require(oracle.sessionCount() == 251, "stored");
        require(session.day == day && session.vix == 26 * POINT && session.vix3m == 27 * POINT, "values");
        require(session.level == Regime.Stress && session.streak == 0 && !session.lifted, "state");
        require(oracle.regime() == Regime.Stress && oracle.level() == Regime.Stress, "regime");
    }

    function testAdvanceSkippingASession() public {
        uint32 monday = oracle.nextSessionDay();
        _push(monday, 13 * POINT, 15 * POINT);
        _push(monday + 1, 13 * POINT, 15 * POINT);
        _at(monday + 2, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, monday, monday + 1));
        oracle.advance(2, 2);
    }

    function testAdvanceASessionTwice() public {
        _close(13 * POINT, 15 * POINT);
        uint32 next = oracle.nextSessionDay();
        _at(next + 1, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, next, next - 1));
        oracle.advance(1, 1);
    }

    function testAdvanceByARoundOfTheWeekend() public {
        uint32 monday = oracle.nextSessionDay();
        _push(monday - 1, 90 * POINT, 50 * POINT);
        _at(monday + 1, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, monday, monday - 1));
        oracle.advance(1, 1);
    }

    function testAdvanceBeforeTheDayIsOver() public {
        uint32 day = oracle.nextSessionDay();
        _push(day, 13 * POINT, 15 * POINT);
        _at(day, 1 days - 1);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionNotOver.selector, day));
        oracle.advance(1, 1);
    }

    function testAdvanceByAnIntradayRound() public {
        uint32 day = oracle.nextSessionDay();
        _at(day, 15 hours);
        vixFeed.push(int256(40 * POINT));
        vix3mFeed.push(int256(30 * POINT));
        _push(day, 13 * POINT, 15 * POINT);
        _at(day + 1, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NotTheClose.selector, address(vixFeed), uint80(1)));
        oracle.advance(1, 2);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NotTheClose.selector, address(vix3mFeed), uint80(1)));
        oracle.advance(2, 1);
        oracle.advance(2, 2);
        require(oracle.level() == Regime.Calm, "the intraday high does not count");
    }

    function testAdvanceLateWithLaterRoundsPresent() public {
        uint32 monday = oracle.nextSessionDay();
        _push(monday, 26 * POINT, 27 * POINT);
        _at(monday + 1, 0);
        vixFeed.push(int256(20 * POINT));
        vix3mFeed.push(int256(21 * POINT));
        _push(monday + 1, 20 * POINT, 21 * POINT);
        _at(monday + 2, 0);

        oracle.advance(1, 1);
        require(oracle.level() == Regime.Stress, "Monday's close");
        oracle.advance(3, 3);
        require(oracle.level() == Regime.Stress && _lastStored().streak == 1, "Tuesday's close");
    }

    function testAdvanceWithClosesOfDifferentSessions() public {
        uint32 monday = oracle.nextSessionDay();
        _push(monday, 13 * POINT, 15 * POINT);
        _push(monday + 1, 13 * POINT, 15 * POINT);
        _at(monday + 2, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, monday, monday + 1));
        oracle.advance(1, 2);
    }

    function testAdvanceByAnAbsentRound() public {
        _at(oracle.nextSessionDay() + 1, 0);

        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.InvalidRound.selector, address(vixFeed), uint80(7), int256(0))
        );
        oracle.advance(7, 7);
    }

    function testAdvanceByAnAnswerOutOfRange() public {
        uint32 day = oracle.nextSessionDay();
        int256[3] memory answers = [int256(0), -1, int256(1000 * POINT + 1)];
        _at(day, 21 hours);
        vix3mFeed.push(int256(15 * POINT));
        for (uint256 i; i < 3; ++i) {
            _at(day, 21 hours + i);
            vixFeed.push(answers[i]);
        }
        _at(day + 1, 0);

        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IRegimeOracle.InvalidRound.selector, address(vixFeed), uint80(i + 1), answers[i])
            );
            oracle.advance(uint80(i + 1), 1);
        }
    }

    function testAdvanceIsOpenToAnyone() public {
        uint32 day = oracle.nextSessionDay();
        _push(day, 13 * POINT, 15 * POINT);
        _at(day + 1, 0);

        vm.prank(address(0xbeef));
        oracle.advance(1, 1);
        require(oracle.sessionCount() == 251, "stored");
    }

    // ---- feeds behind a proxy ----

    function testAdvanceAcrossAnAggregatorReplacement() public {
        (RegimeOracle phased, PhasedFeed feed, uint32 day) = _phased();
        uint256 evening = uint256(day) * 1 days + 21 hours;
        uint80 close = feed.set(1, 900, int256(26 * POINT), evening);
        feed.set(2, 1, int256(27 * POINT), uint256(day + 1) * 1 days + 1 hours);
        _at(day + 2, 0);

        phased.advance(close, close);
        require(phased.sessionCount() == 251, "proven by the first round of the next phase");
    }

    function testAdvanceWhenZerosMeanAbsent() public {
        (RegimeOracle phased, PhasedFeed feed, uint32 day) = _phased();
        feed.setZeroWhenAbsent(true);
        uint80 close = feed.set(1, 900, int256(26 * POINT), uint256(day) * 1 days + 21 hours);
        feed.set(2, 1, int256(27 * POINT), uint256(day + 1) * 1 days + 1 hours);
        _at(day + 2, 0);

        phased.advance(close, close);
        require(phased.sessionCount() == 251, "zeros are read as absent");
    }

    function testAdvanceAcrossAReplacementOnTheSameDay() public {
        (RegimeOracle phased, PhasedFeed feed, uint32 day) = _phased();
        uint80 noon = feed.set(1, 900, int256(13 * POINT), uint256(day) * 1 days + 12 hours);
        uint80 close = feed.set(2, 1, int256(40 * POINT), uint256(day) * 1 days + 21 hours);
        _at(day + 2, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NotTheClose.selector, address(feed), noon));
        phased.advance(noon, noon);
        phased.advance(close, close);
        require(phased.level() == Regime.Stress, "the new aggregator's close");
    }

    function testAdvanceByARoundWithAGapAfterIt() public {
        (RegimeOracle phased, PhasedFeed feed, uint32 day) = _phased();
        uint80 noon = feed.set(1, 900, int256(13 * POINT), uint256(day) * 1 days + 12 hours);
        feed.set(1, 902, int256(40 * POINT), uint256(day) * 1 days + 21 hours);
        _at(day + 2, 0);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NotTheClose.selector, address(feed), noon));
        phased.advance(noon, noon);
    }

    // ---- calendar ----

    function testClosuresAreSkipped() public {
        uint32 monday = oracle.nextSessionDay();
        _setClosure(monday, true);
        require(oracle.nextSessionDay() == monday + 1 && !oracle.isSession(monday), "closed");

        _setClosure(monday, false);
        require(oracle.nextSessionDay() == monday && oracle.isSession(monday), "open again");
    }

    function testClosureFreesAnOracleBlockedByAMissedSession() public {
        uint32 monday = oracle.nextSessionDay();
        _push(monday + 1, 14 * POINT, 16 * POINT);
        _at(monday + 2, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, monday, monday + 1));
        oracle.advance(1, 1);

        _setClosure(monday, true);
        oracle.advance(1, 1);
        require(_lastStored().day == monday + 1, "Tuesday follows Friday");
    }

    function testCalendarWithoutASession() public {
        uint32 monday = oracle.nextSessionDay();
        uint32[] memory days_ = new uint32[](12);
        for (uint32 i; i < 12; ++i) {
            days_[i] = monday + i;
        }
        oracle.setClosures(days_, true);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NoSessionInSight.selector, LAST_SEEDED + 10));
        oracle.nextSessionDay();
        require(oracle.regime() == Regime.Calm, "the regime holds until the last day looked at is over");
        vm.warp(oracle.staleAfter() + 1);
        require(oracle.regime() == Regime.Unknown, "then it is unknown, without a revert");
    }

    function testSetClosuresIsRestricted() public {
        address stranger = address(0xbeef);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        oracle.setClosures(new uint32[](1), true);
    }

    function testFuzzWeekdaysAreSessions(uint32 day) public view {
        // 1970-01-01 was a Thursday, three days after a Monday.
        require(oracle.isSession(day) == ((uint256(day) + 3) % 7 < 5), "weekday");
    }

    function testFuzzClosureOfASettledDay(uint32 seed, bool closed) public {
        uint32 day = seed % (LAST_SEEDED + 1);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionSettled.selector, day, LAST_SEEDED));
        _setClosure(day, closed);
        _setClosure(LAST_SEEDED + 1, closed);
    }

    function testClosureOfADayBothFeedsReport() public {
        uint32 monday = oracle.nextSessionDay();
        _at(monday, 21 hours);
        vixFeed.push(int256(40 * POINT));
        _setClosure(monday, true);
        _setClosure(monday, false);
        vix3mFeed.push(int256(30 * POINT));

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionReported.selector, monday));
        _setClosure(monday, true);

        _at(monday + 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionReported.selector, monday));
        _setClosure(monday, true);
        oracle.advance(1, 1);
        require(oracle.regime() == Regime.Stress, "the unwelcome close counts");
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionSettled.selector, monday, monday));
        _setClosure(monday, true);
    }

    /// @dev What the delay of the role is for: behind later rounds a reported day could be closed, unless it is taken in.
    function testClosureScheduledAgainstACloseComesTooLate() public {
        uint32 monday = oracle.nextSessionDay();
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = RegimeOracle.setClosures.selector;
        manager.setTargetFunctionRole(address(oracle), selectors, 4);
        manager.grantRole(4, address(this), 2 days);
        uint32[] memory days_ = new uint32[](1);
        days_[0] = monday;
        bytes memory data = abi.encodeCall(RegimeOracle.setClosures, (days_, true));
        _push(monday, 40 * POINT, 30 * POINT);
        manager.schedule(address(oracle), data, 0);
        _push(monday + 1, 40 * POINT, 30 * POINT);

        oracle.advance(1, 1);
        _at(monday + 3, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionSettled.selector, monday, monday));
        manager.execute(address(oracle), data);
    }

    function testFuzzClosureTouchesOneDay(uint32 day, uint32 other) public {
        vm.assume(day != other && day > LAST_SEEDED);
        bool before = oracle.isSession(other);
        _setClosure(day, true);
        require(!oracle.isSession(day), "closed");
        require(oracle.isSession(other) == before, "the other day is as before");
    }

    // ---- staleness ----

    function testUnknownWhenASessionIsMissing() public {
        uint256 staleAfter = oracle.staleAfter();
        require(staleAfter == uint256(oracle.nextSessionDay() + 1) * 1 days + GRACE, "grace after the day's end");

        vm.warp(staleAfter);
        require(oracle.regime() == Regime.Calm, "in time");
        vm.warp(staleAfter + 1);
        require(oracle.regime() == Regime.Unknown, "stale");
        require(oracle.level() == Regime.Calm, "the level stays");
    }

    function testKnownAgainAfterCatchingUp() public {
        uint32 day = oracle.nextSessionDay();
        _push(day, 20 * POINT, 22 * POINT);
        vm.warp(oracle.staleAfter() + 1);
        require(oracle.regime() == Regime.Unknown, "stale");

        oracle.advance(1, 1);
        require(oracle.regime() == Regime.Elevated, "known");
    }

    function testHoldsOverAWeekend() public {
        // The setup ends on a Friday: nothing is due before Tuesday noon.
        _at(LAST_SEEDED + 4, 12 hours);
        require(oracle.regime() == Regime.Calm, "Tuesday noon");
    }

    // ---- lift ----

    function testLiftByAFall() public {
        _lift(84e8);
        require(oracle.liftPending() && oracle.level() == Regime.Stress && oracle.regime() == Regime.Stress, "lifted");

        _close(13 * POINT, 15 * POINT);
        IRegimeOracle.Session memory session = _lastStored();
        require(session.lifted && session.level == Regime.Stress && session.streak == 1, "counted before the close");
        require(!oracle.liftPending(), "used up");
    }

    function testLiftByARise() public {
        _lift(116e8);
        require(oracle.level() == Regime.Stress, "lifted");
    }

    function testLiftAtTheLimitIsNone() public {
        (uint80 older, uint80 newer) = _move(85e8);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NoLift.selector, LIFT_BPS, LIFT_BPS));
        oracle.lift(older, newer);
    }

    function testLiftRestartsTheCount() public {
        _close(26 * POINT, 27 * POINT);
        for (uint256 i; i < 4; ++i) {
            _close(20 * POINT, 22 * POINT);
        }
        require(_lastStored().streak == 4, "one close short");

        _lift(84e8);
        _close(20 * POINT, 22 * POINT);
        require(oracle.level() == Regime.Stress && _lastStored().streak == 1, "counts from one again");
    }

    function testLiftAfterTheDayWaitsForTheNextClose() public {
        uint32 monday = oracle.nextSessionDay();
        _push(monday, 13 * POINT, 15 * POINT);
        _at(monday + 1, 0);
        _lift(84e8);

        _advance();
        require(!_lastStored().lifted && _lastStored().level == Regime.Calm, "after Monday's close");
        require(oracle.liftPending() && oracle.level() == Regime.Stress, "still pending");

        _close(13 * POINT, 15 * POINT);
        require(_lastStored().lifted && _lastStored().level == Regime.Stress, "before Tuesday's close");
    }

    function testLiftAgainAfterTheDayDominates() public {
        uint32 monday = oracle.nextSessionDay();
        _at(monday, 10 hours);
        _lift(84e8);
        _push(monday, 13 * POINT, 15 * POINT);
        _at(monday + 1, 0);
        _lift(84e8);

        _advance();
        require(oracle.level() == Regime.Stress, "never lower in between");
        _close(13 * POINT, 15 * POINT);
        require(_lastStored().streak == 1, "as if only the last lift had happened");
    }

    function testLiftTwiceByTheSameRounds() public {
        (uint80 older, uint80 newer) = _move(84e8);
        oracle.lift(older, newer);
        uint256 used = block.timestamp;

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.LiftOvertaken.selector, used, used + 1));
        oracle.lift(older, newer);
    }

    function testLiftOvertakenByAClose() public {
        uint32 monday = oracle.nextSessionDay();
        _at(monday, 20 hours);
        (uint80 older, uint80 newer) = _move(84e8);
        uint256 newerAt = block.timestamp;
        _close(13 * POINT, 15 * POINT);

        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.LiftOvertaken.selector, newerAt, uint256(monday + 1) * 1 days)
        );
        oracle.lift(older, newer);
    }

    function testLiftByRoundsOverADayApart() public {
        uint256 start = block.timestamp;
        baseFeed.push(100e8);
        vm.warp(start + 1 days + 1);
        baseFeed.push(50e8);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.LiftWindow.selector, start, start + 1 days + 1));
        oracle.lift(1, 2);
    }

    function testLiftByAnOldRound() public {
        (uint80 older, uint80 newer) = _move(84e8);
        uint256 newerAt = block.timestamp;
        vm.warp(newerAt + 1 days + 1);

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.LiftWindow.selector, newerAt - 1 hours, newerAt));
        oracle.lift(older, newer);
    }

    function testLiftBackwards() public {
        (uint80 older, uint80 newer) = _move(84e8);
        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.LiftWindow.selector, block.timestamp, block.timestamp - 1 hours)
        );
        oracle.lift(newer, older);
    }

    function testLiftByAbsentRounds() public {
        _move(84e8);
        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.InvalidRound.selector, address(baseFeed), uint80(9), int256(0))
        );
        oracle.lift(1, 9);
        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.InvalidRound.selector, address(baseFeed), uint80(9), int256(0))
        );
        oracle.lift(9, 2);
    }

    function testLiftDoesNotHideStaleness() public {
        vm.warp(oracle.staleAfter() + 1);
        _lift(84e8);
        require(oracle.regime() == Regime.Unknown && oracle.level() == Regime.Stress, "unknown all the same");
    }

    // ---- the rule ----

    function testFuzzLevelFallsOneStepAtMost(uint256 random) public {
        Regime before = oracle.level();
        for (uint256 i; i < 12; ++i) {
            random = uint256(keccak256(abi.encode(random)));
            uint256 vix = (9 + (random % 20)) * POINT;
            uint256 vix3m = vix + ((random >> 8) % 8) * POINT - POINT;
            _close(vix, vix3m);

            IRegimeOracle.Session memory session = _lastStored();
            require(session.streak < 5, "streak");
            require(session.level >= RegimeRule.target(vix, vix3m), "never below the close");
            require(uint8(session.level) + 1 >= uint8(before), "one step");
            require(session.level >= before || session.streak == 0, "a step down starts the count anew");
            before = session.level;
        }
    }

    function testFuzzRuleStep(uint8 level_, uint8 streak, uint64 vix, uint64 vix3m, bool lifted) public pure {
        Regime from = Regime(level_ % 3);
        streak = streak % 5;
        vix = uint64(vix % (40 * POINT));
        vix3m = uint64(vix3m % (40 * POINT));
        (Regime to, uint8 count) = RegimeRule.step(from, streak, vix, vix3m, lifted);

        if (lifted) (from, streak) = (Regime.Stress, 0);
        Regime called = RegimeRule.target(vix, vix3m);
        require(to != Regime.Unknown && count < 5, "a valid state");
        require(to >= called, "at least what the close calls for");
        require(uint8(to) + 1 >= uint8(from), "down one step at most");
        require(to >= from || streak == 4, "down only by the fifth close in a row");
        require(count == 0 || (count == streak + 1 && to == from), "the count grows by one or starts anew");
    }

    // ---- reading ----

    function testSessionsPage() public view {
        require(oracle.sessions(0, 3).length == 3, "a page");
        require(oracle.sessions(248, 10).length == 2, "fewer at the end");
        require(oracle.sessions(250, 10).length == 0, "past the end");
        require(oracle.sessions(249, type(uint256).max)[0].day == LAST_SEEDED, "the last one");
    }

    // ---- inside ----

    function _setClosure(uint32 day, bool closed) private {
        uint32[] memory days_ = new uint32[](1);
        days_[0] = day;
        oracle.setClosures(days_, closed);
    }

    /// @dev A seeded oracle whose VIX and VIX3M are one feed with phases.
    function _phased() private returns (RegimeOracle phased, PhasedFeed feed, uint32 day) {
        feed = new PhasedFeed();
        phased = new RegimeOracle(address(manager), address(feed), address(feed), address(baseFeed), GRACE, LIFT_BPS);
        phased.seed(_calmSeed());
        day = phased.nextSessionDay();
    }
}

contract RegimeOracleSeedTest is RegimeOracleSetup {
    function setUp() public {
        _deploy();
    }

    function testUnknownBeforeTheSeed() public view {
        require(oracle.regime() == Regime.Unknown && oracle.level() == Regime.Unknown, "unknown");
        require(oracle.nextSessionDay() == 0 && oracle.staleAfter() == 0 && !oracle.liftPending(), "nothing due");
    }

    function testSeedInBatches() public {
        IRegimeOracle.Close[] memory closes = _calmSeed();
        IRegimeOracle.Close[] memory most = new IRegimeOracle.Close[](249);
        IRegimeOracle.Close[] memory rest = new IRegimeOracle.Close[](1);
        for (uint256 i; i < 249; ++i) {
            most[i] = closes[i];
        }
        rest[0] = closes[249];

        oracle.seed(most);
        require(oracle.regime() == Regime.Unknown && oracle.level() == Regime.Calm, "one session short");
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NotSeeded.selector, uint256(249), uint256(250)));
        oracle.advance(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.NotSeeded.selector, uint256(249), uint256(250)));
        oracle.lift(1, 2);

        oracle.seed(rest);
        require(oracle.regime() == Regime.Calm && oracle.sessionCount() == 250, "seeded");
    }

    function testSeedComputesLevels() public {
        IRegimeOracle.Close[] memory closes = _calmSeed();
        closes[0].vix = uint64(16 * POINT);
        closes[0].vix3m = uint64(17 * POINT);
        oracle.seed(closes);

        require(_stored(0).level == Regime.Elevated, "what the first close alone calls for");
        require(_stored(4).level == Regime.Elevated && _stored(4).streak == 4, "counting");
        require(_stored(5).level == Regime.Calm && _stored(5).streak == 0, "down after five");
    }

    function testSeedIsRestricted() public {
        address stranger = address(0xbeef);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        oracle.seed(new IRegimeOracle.Close[](0));
    }

    function testSeedAfterAnAdvance() public {
        oracle.seed(_calmSeed());
        _close(13 * POINT, 15 * POINT);

        vm.expectRevert(IRegimeOracle.AlreadySeeded.selector);
        oracle.seed(new IRegimeOracle.Close[](0));
    }

    function testSeedWithAGap() public {
        IRegimeOracle.Close[] memory closes = _calmSeed();
        closes[100].day += 1;

        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, closes[100].day - 1, closes[100].day)
        );
        oracle.seed(closes);
    }

    function testSeedFromAWeekend() public {
        IRegimeOracle.Close[] memory closes = new IRegimeOracle.Close[](1);
        closes[0] = IRegimeOracle.Close(FIRST_DAY - 1, uint64(13 * POINT), uint64(15 * POINT));

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionOutOfOrder.selector, uint32(0), FIRST_DAY - 1));
        oracle.seed(closes);
    }

    function testSeedADayThatIsNotOver() public {
        vm.warp(uint256(LAST_SEEDED + 1) * 1 days - 1);
        IRegimeOracle.Close[] memory closes = _calmSeed();

        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.SessionNotOver.selector, LAST_SEEDED));
        oracle.seed(closes);
    }

    function testSeedWithoutAClose() public {
        IRegimeOracle.Close[] memory closes = _calmSeed();
        closes[7].vix3m = 0;

        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.InvalidRound.selector, address(vix3mFeed), uint80(0), int256(0))
        );
        oracle.seed(closes);
    }

    function testParameters() public {
        _expectInvalid("graceSeconds", 0, 0, LIFT_BPS);
        _expectInvalid("graceSeconds", 7 days + 1, 7 days + 1, LIFT_BPS);
        _expectInvalid("liftBps", 0, GRACE, 0);
        _expectInvalid("liftBps", 10_000, GRACE, 10_000);
    }

    function testFeedsWithOtherDecimals() public {
        address feed = address(new ReplayFeed("VIX", 18));
        vm.expectRevert(
            abi.encodeWithSelector(IRegimeOracle.InvalidParameter.selector, bytes32("vix3mFeed"), uint256(18))
        );
        new RegimeOracle(address(manager), address(vixFeed), feed, address(baseFeed), GRACE, LIFT_BPS);
    }

    function _expectInvalid(bytes32 name, uint256 value, uint256 grace, uint256 liftBps) private {
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.InvalidParameter.selector, name, value));
        new RegimeOracle(address(manager), address(vixFeed), address(vix3mFeed), address(baseFeed), grace, liftBps);
    }
}
