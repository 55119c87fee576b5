// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {AttestedFeed} from "../../contracts/regime/AttestedFeed.sol";
import {IAttestedFeed} from "../../contracts/regime/IAttestedFeed.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {RegimeRule} from "../../contracts/regime/RegimeRule.sol";
import {vm} from "./support/Vm.sol";

contract AttestedFeedTest {
    /// @dev Tuesday 2023-11-14, 20:00 UTC: the day has four hours left.
    uint256 private constant START = 1_699_992_000;
    uint32 private constant DELAY = 10 minutes;
    uint32 private constant LAG = 2 hours;
    uint16 private constant EASE = 3_500;
    uint8 private constant THRESHOLD = 4;
    /// @dev VIX closes have 8 decimals.
    int192 private constant POINT = 1e8;
    int192 private constant LEAST = 4 * POINT;
    int192 private constant GREATEST = 200 * POINT;

    AccessManager private manager;
    AttestedFeed private feed;
    uint256[5] private keys = [uint256(11), 12, 13, 14, 15];

    function setUp() public {
        vm.warp(START);
        manager = new AccessManager(address(this));
        feed = _feed(true);
    }

    // ---- rules ----

    function testThresholdIsMoreThanTwoThirds() public {
        for (uint8 threshold; threshold <= 6; ++threshold) {
            IAttestedFeed.Rules memory rules = IAttestedFeed.Rules(threshold, DELAY, LAG, EASE);
            address[] memory reporters = _reporters(5);
            if (threshold == 4 || threshold == 5) {
                feed.setReporters(reporters, rules);
            } else {
                vm.expectRevert(
                    abi.encodeWithSelector(IAttestedFeed.InvalidParameter.selector, bytes32("threshold"), threshold)
                );
                feed.setReporters(reporters, rules);
            }
        }
    }

    function testRulesOutsideTheirRangeAreRefused() public {
        _refused("reporters", 0, _reporters(0), IAttestedFeed.Rules(1, DELAY, LAG, EASE));
        _refused("reporters", 32, _reporters(32), IAttestedFeed.Rules(22, DELAY, LAG, EASE));
        _refused("closeDelay", 0, _reporters(5), IAttestedFeed.Rules(4, 0, LAG, EASE));
        _refused("maxLag", DELAY, _reporters(5), IAttestedFeed.Rules(4, DELAY, DELAY, EASE));
        _refused("maxLag", 1 days + 1, _reporters(5), IAttestedFeed.Rules(4, DELAY, 1 days + 1, EASE));
        _refused("maxEaseBps", 99, _reporters(5), IAttestedFeed.Rules(4, DELAY, LAG, 99));
        _refused("maxEaseBps", 10_000, _reporters(5), IAttestedFeed.Rules(4, DELAY, LAG, 10_000));
        address[] memory twice = _reporters(5);
        twice[4] = twice[0];
        _refused("reporter", 4, twice, IAttestedFeed.Rules(4, DELAY, LAG, EASE));
        twice[4] = address(0);
        _refused("reporter", 4, twice, IAttestedFeed.Rules(4, DELAY, LAG, EASE));
    }

    function testRulesAtTheEndsOfTheirRangeAreTaken() public {
        _taken(_reporters(31), IAttestedFeed.Rules(21, DELAY, LAG, EASE));
        _taken(_reporters(1), IAttestedFeed.Rules(1, 1, 2, 100));
        _taken(_reporters(5), IAttestedFeed.Rules(4, 1 days - 1, 1 days, 9_999));
    }

    /// @dev Exactly two thirds are not more: of three reporters all have to report.
    function testTwoThirdsAreNotEnough() public {
        _refused("threshold", 2, _reporters(3), IAttestedFeed.Rules(2, DELAY, LAG, EASE));
        _taken(_reporters(3), IAttestedFeed.Rules(3, DELAY, LAG, EASE));
        _refused("threshold", 20, _reporters(30), IAttestedFeed.Rules(20, DELAY, LAG, EASE));
        _taken(_reporters(30), IAttestedFeed.Rules(21, DELAY, LAG, EASE));
    }

    function testTheConstructorChecksTheRulesToo() public {
        address[] memory reporters = _reporters(5);
        vm.expectRevert(
            abi.encodeWithSelector(IAttestedFeed.InvalidParameter.selector, bytes32("threshold"), uint256(3))
        );
        new AttestedFeed(
            address(manager),
            "VIX close",
            8,
            true,
            IAttestedFeed.Range(LEAST, GREATEST),
            reporters,
            IAttestedFeed.Rules(3, DELAY, LAG, EASE)
        );
    }

    function testKeepsWhatItIsGivenAndSaysSo() public {
        address[] memory reporters = _reporters(3);
        IAttestedFeed.Rules memory rules = IAttestedFeed.Rules(3, 5, 7, 200);
        vm.expectEmit();
        emit IAttestedFeed.ReportersSet(1, reporters, rules);
        AttestedFeed other = new AttestedFeed(
            address(manager),
            "VIX3M close",
            6,
            false,
            IAttestedFeed.Range(100, 101),
            reporters,
            rules
        );
        require(other.authority() == address(manager) && other.epoch() == 1, "authority, epoch");
        require(keccak256(bytes(other.description())) == keccak256("VIX3M close"), "description");
        require(other.decimals() == 6 && !other.greaterIsDefensive() && feed.greaterIsDefensive(), "shape");
        require(other.leastAnswer() == 100 && other.greatestAnswer() == 101, "range");
        _requireRules(other, reporters, rules);

        reporters = _reporters(4);
        rules = IAttestedFeed.Rules(4, 6, 8, 300);
        vm.expectEmit(address(other));
        emit IAttestedFeed.ReportersSet(2, reporters, rules);
        other.setReporters(reporters, rules);
        require(other.epoch() == 2, "the next epoch");
        _requireRules(other, reporters, rules);
    }

    function testRangesThatHoldNothingAreRefused() public {
        _refusedRange("least", 99, IAttestedFeed.Range(99, GREATEST));
        _refusedRange("least", type(uint256).max, IAttestedFeed.Range(-1, GREATEST));
        _refusedRange("greatest", 100, IAttestedFeed.Range(101, 100));
        _refusedRange("greatest", uint256(int256(LEAST)), IAttestedFeed.Range(LEAST, LEAST));
    }

    function testOnlyTheAdministratorRotates() public {
        vm.prank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(0xBAD)));
        feed.setReporters(_reporters(5), IAttestedFeed.Rules(4, DELAY, LAG, EASE));
    }

    // ---- closing ----

    function testAllReportersCloseAtOnceWithTheMedian() public {
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(16), 18, 15, 17, 30], 5));
        require(feed.close(at) == 1, "round ids begin at 1");
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        require(round == 1 && answeredIn == 1 && answer == 17 * POINT, "median");
        require(startedAt == at && updatedAt == block.timestamp, "times");
    }

    function testTheThresholdWaitsSoThatNobodyIsLeftOut() public {
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(16), 18, 15, 17, 30], 4));
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.StillOpen.selector, at, uint256(at) + DELAY));
        feed.close(at);
        // What the relayer left out, someone else brings.
        vm.warp(START + DELAY - 1);
        IAttestedFeed.Report[] memory left = new IAttestedFeed.Report[](1);
        left[0] = _report(feed, 4, at, 30);
        feed.submit(at, left);
        feed.close(at);
        (, int256 answer, , , ) = feed.latestRoundData();
        require(answer == 17 * POINT, "median of all five");
    }

    function testPendingSaysHowManyAndFromWhenOn() public {
        uint64 at = _now();
        _requirePending(at, 0, 0);
        require(feed.submit(at, _reports(at, [int192(16), 18, 15, 17, 30], 3)) == 3, "three");
        _requirePending(at, 3, 0);

        vm.warp(START + 60);
        require(feed.submit(at, _reports(at, [int192(16), 18, 15, 17, 30], 4)) == 4, "four");
        _requirePending(at, 4, START + 60 + DELAY);
        vm.warp(START + 90);
        require(feed.submit(at, _reports(at, [int192(16), 18, 15, 17, 30], 4)) == 4, "the same again");
        _requirePending(at, 4, START + 60 + DELAY);

        vm.warp(START + 120);
        require(feed.submit(at, _reports(at, [int192(16), 18, 15, 17, 30], 5)) == 5, "all");
        _requirePending(at, 5, START + 60);
        feed.close(at);
        require(feed.submit(at + 1, new IAttestedFeed.Report[](0)) == 0, "another observation has its own");
    }

    function testTheThresholdClosesWhenTheDelayIsOver() public {
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(16), 18, 15, 17, 30], 4));
        vm.warp(START + DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.StillOpen.selector, at, START + DELAY));
        feed.close(at);
        vm.warp(START + DELAY);
        feed.close(at);
        (, int256 answer, , , ) = feed.latestRoundData();
        require(answer == 17 * POINT, "the higher middle of four");
    }

    function testSaysWhatWasReportedAndClosed() public {
        uint64 at = _now();
        for (uint256 i; i < 5; ++i) {
            vm.expectEmit(address(feed));
            emit IAttestedFeed.Reported(at, vm.addr(keys[i]), 20 * POINT);
        }
        feed.submit(at, _reports(at, [int192(20), 20, 20, 20, 20], 5));
        vm.expectEmit(address(feed));
        emit IAttestedFeed.RoundClosed(1, at, 20 * POINT, 20 * POINT, 5);
        feed.close(at);

        vm.warp(START + 1 days);
        at = _now();
        feed.submit(at, _reports(at, [int192(10), 11, 12, 13, 0], 4));
        vm.warp(START + 1 days + DELAY);
        vm.expectEmit(address(feed));
        emit IAttestedFeed.RoundClosed(2, at, 13 * POINT, 12 * POINT, 4);
        feed.close(at);
    }

    /// @dev The middle by its definition: as many below as above it, of an even number the more defensive of two.
    function testFuzzTheMedianOfAnyOrder(uint64[5] memory random, bool four, bool greaterIsDefensive) public {
        AttestedFeed target = _feed(greaterIsDefensive);
        uint256 count = four ? 4 : 5;
        uint64 at = _now();
        int192[5] memory points;
        // A few values only, so that some are equal.
        for (uint256 i; i < 5; ++i) points[i] = int192(uint192(random[i] % 7)) + 10;
        target.submit(at, _reportsTo(target, at, points, count));
        vm.warp(START + DELAY);
        target.close(at);
        (, int256 answer, , , ) = target.latestRoundData();

        uint256 below;
        uint256 upTo;
        for (uint256 i; i < count; ++i) {
            if (points[i] * POINT < answer) ++below;
            if (points[i] * POINT <= answer) ++upTo;
        }
        uint256 place = four && !greaterIsDefensive ? 1 : 2;
        require(below <= place && place < upTo, "not the middle one");
    }

    function testFewerThanTheThresholdNeverClose() public {
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(10), 10, 10, 0, 0], 3));
        vm.warp(START + LAG);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.TooFewReports.selector, at, 3, THRESHOLD));
        feed.close(at);
    }

    function testOfTwoInTheMiddleTheMoreDefensiveCounts() public {
        uint64 at = _now();
        AttestedFeed vix3m = _feed(false);
        feed.submit(at, _reports(at, [int192(10), 12, 14, 16, 0], 4));
        vix3m.submit(at, _reportsTo(vix3m, at, [int192(10), 12, 14, 16, 0], 4));
        vm.warp(START + DELAY);
        feed.close(at);
        vix3m.close(at);
        (, int256 high, , , ) = feed.latestRoundData();
        (, int256 low, , , ) = vix3m.latestRoundData();
        require(high == 14 * POINT && low == 12 * POINT, "high for VIX, low for VIX3M");
    }

    /// @dev Whatever m − 1 reporters sign, the answer is no lower than the lowest honest report, or than the last answer
    /// eased by the limit, whichever is lower.
    function testFuzzColludersEaseNoFurtherThanTheLimit(uint64 honest, uint64[3] memory lies) public {
        _closeAll(feed, 20);
        vm.warp(START + 1 days);
        uint64 at = _now();
        int192 truth = int192(uint192(honest % 80) + 4);
        int192[5] memory answers;
        for (uint256 i; i < 3; ++i) answers[i] = int192(uint192(lies[i] % 197) + 4);
        answers[3] = truth;
        answers[4] = truth;
        feed.submit(at, _reports(at, answers, 5));
        feed.close(at);
        (, int256 answer, , , ) = feed.latestRoundData();
        int256 eased = (20 * int256(POINT) * int256(uint256(10_000 - EASE))) / 10_000;
        int256 least = truth * POINT < eased ? truth * POINT : eased;
        require(answer >= least, "eased further than the limit");
    }

    function testDefenceIsNotBounded() public {
        _closeAll(feed, 15);
        vm.warp(START + 1 days);
        _closeAll(feed, 80);
        (, int256 answer, , , ) = feed.latestRoundData();
        require(answer == 80 * POINT, "VIX may rise as it likes");
        vm.warp(START + 2 days);
        _closeAll(feed, 15);
        (, answer, , , ) = feed.latestRoundData();
        require(answer == 52 * POINT, "and falls by 35 % at most");
    }

    function testEasesToTheLimitAndByNoUnitMore() public {
        int192 last = 20 * POINT;
        AttestedFeed vix = _feed(true);
        _requireMove(vix, last, 13 * POINT, 13 * POINT);
        _requireMove(vix, last, 13 * POINT + 1, 13 * POINT + 1);
        _requireMove(vix, last, 13 * POINT - 1, 13 * POINT);
        _requireMove(vix, last, LEAST, 13 * POINT);
        _requireMove(vix, last, last, last);
        _requireMove(vix, last, 27 * POINT + 1, 27 * POINT + 1);
        _requireMove(vix, last, GREATEST, GREATEST);
    }

    /// @dev VIX3M the other way round: a rise eases, a fall may be of any size.
    function testEasesUpwardsWhereLessIsDefensive() public {
        int192 last = 20 * POINT;
        AttestedFeed vix3m = _feed(false);
        _requireMove(vix3m, last, 27 * POINT, 27 * POINT);
        _requireMove(vix3m, last, 27 * POINT - 1, 27 * POINT - 1);
        _requireMove(vix3m, last, 27 * POINT + 1, 27 * POINT);
        _requireMove(vix3m, last, GREATEST, 27 * POINT);
        _requireMove(vix3m, last, last, last);
        _requireMove(vix3m, last, 13 * POINT - 1, 13 * POINT - 1);
        _requireMove(vix3m, last, LEAST, LEAST);
    }

    /// @dev 35 % of 1,003 are 351.05.
    function testTheLimitRoundsTowardsTheLastAnswer() public {
        IAttestedFeed.Range memory range = IAttestedFeed.Range(100, GREATEST);
        _requireMove(_feedWith(true, DELAY, range), 1_003, 100, 652);
        _requireMove(_feedWith(false, DELAY, range), 1_003, 2_000, 1_354);
    }

    // ---- time and order ----

    function testAnObservationIsTakenUntilItsLagIsOver() public {
        uint64 at = _now();
        vm.warp(START + LAG);
        feed.submit(at, _reports(at, [int192(16), 16, 16, 16, 16], 5));
        feed.close(at);
        vm.warp(START + LAG + 2);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationTooOld.selector, at + 1, LAG));
        feed.submit(at + 1, new IAttestedFeed.Report[](0));
    }

    function testTheFirstSecondOfADayIsOfThatDay() public {
        uint64 midnight = uint64(START + 4 hours);
        vm.warp(midnight);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationTooOld.selector, midnight - 1, LAG));
        feed.submit(midnight - 1, new IAttestedFeed.Report[](0));
        _closeAll(feed, 16);
        (, , uint256 startedAt, uint256 updatedAt, ) = feed.latestRoundData();
        require(startedAt == midnight && updatedAt == midnight, "at midnight");
    }

    function testAnObservationClosesOnce() public {
        _closeAll(feed, 16);
        uint64 at = _now();
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationOutOfOrder.selector, at, at));
        feed.close(at);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationOutOfOrder.selector, at + 2, at));
        feed.close(at + 2);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationOutOfOrder.selector, 0, at));
        feed.close(0);
    }

    function testAnObservationOfYesterdayIsNoneOfToday() public {
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(16), 16, 16, 16, 16], 5));
        vm.warp(START + LAG + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationTooOld.selector, at, LAG));
        feed.close(at);
    }

    function testAnObservationDoesNotOutliveItsDay() public {
        // At 22:30 UTC: the lag of two hours would reach into the next day.
        vm.warp(START + 2 hours + 30 minutes);
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(16), 16, 16, 16, 16], 5));
        vm.warp(START + 4 hours);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationTooOld.selector, at, LAG));
        feed.close(at);
        vm.warp(START + 4 hours - 1);
        feed.close(at);
    }

    function testObservationsComeInOrder() public {
        _closeAll(feed, 16);
        IAttestedFeed.Report[] memory none = new IAttestedFeed.Report[](0);
        uint64 last = uint64(START);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationOutOfOrder.selector, last, last));
        feed.submit(last, none);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationOutOfOrder.selector, last + 1, last));
        feed.submit(last + 1, none);
    }

    // ---- signatures ----

    function testASecondReportOfTheSameReporterIsPassedOver() public {
        uint64 at = _now();
        IAttestedFeed.Report[] memory reports = new IAttestedFeed.Report[](2);
        reports[0] = _report(feed, 0, at, 16);
        reports[1] = _report(feed, 0, at, 99);
        require(feed.submit(at, reports) == 1, "one reporter, one report");
    }

    function testAStrangerOrAnotherFeedsSignatureIsRefused() public {
        uint64 at = _now();
        IAttestedFeed.Report[] memory reports = new IAttestedFeed.Report[](1);
        reports[0] = _sign(feed, 99, at, 16 * POINT);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.NotAReporter.selector, vm.addr(99)));
        feed.submit(at, reports);

        // What another feed's signature recovers to is nobody known.
        reports[0] = _report(_feed(false), 0, at, 16);
        try feed.submit(at, reports) {
            revert("another feed's signature was taken");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IAttestedFeed.NotAReporter.selector, "named");
        }
    }

    function testWhatAReporterSignsIsTypedDataOfThisFeedOnThisChain() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Ballast AttestedFeed"),
                keccak256("1"),
                block.chainid,
                address(feed)
            )
        );
        bytes32 observation = keccak256(
            abi.encode(keccak256("Observation(uint64 observedAt,int192 answer)"), uint64(7), int192(16 * POINT))
        );
        require(feed.digestOf(7, 16 * POINT) == keccak256(abi.encodePacked(hex"1901", domain, observation)), "EIP-712");
    }

    function testASignatureOfAnotherLengthIsRefused() public {
        uint64 at = _now();
        IAttestedFeed.Report[] memory reports = new IAttestedFeed.Report[](1);
        reports[0] = IAttestedFeed.Report(16 * POINT, new bytes(64));
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 64));
        feed.submit(at, reports);
    }

    function testAReporterOfTheLastEpochIsAStranger() public {
        uint64 at = _now();
        address[] memory reporters = _reporters(5);
        reporters[0] = vm.addr(99);
        feed.setReporters(reporters, IAttestedFeed.Rules(THRESHOLD, DELAY, LAG, EASE));
        IAttestedFeed.Report[] memory reports = new IAttestedFeed.Report[](2);
        reports[0] = _sign(feed, 99, at, 16 * POINT);
        reports[1] = _report(feed, 0, at, 16);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.NotAReporter.selector, vm.addr(keys[0])));
        feed.submit(at, reports);
        _requirePending(at, 0, 0);
    }

    function testAnswersOutsideTheRangeAreRefused() public {
        uint64 at = _now();
        IAttestedFeed.Report[] memory reports = new IAttestedFeed.Report[](1);
        int192[4] memory outside = [int192(0), -POINT, LEAST - 1, GREATEST + 1];
        for (uint256 i; i < outside.length; ++i) {
            reports[0] = _sign(feed, keys[0], at, outside[i]);
            vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.InvalidAnswer.selector, outside[i]));
            feed.submit(at, reports);
        }
        reports[0] = _sign(feed, keys[0], at, LEAST);
        feed.submit(at, reports);
        reports[0] = _sign(feed, keys[1], at, GREATEST);
        require(feed.submit(at, reports) == 2, "the ends are inside");
    }

    function testRotationVoidsWhatIsNotClosed() public {
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(16), 16, 16, 16, 16], 5));
        feed.setReporters(_reporters(5), IAttestedFeed.Rules(THRESHOLD, DELAY, LAG, EASE));
        require(feed.epoch() == 2, "epoch");
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.TooFewReports.selector, at, 0, THRESHOLD));
        feed.close(at);
    }

    // ---- attacks ----

    /// @dev Without the delay a relayer who has all five reports closes with the four lowest; with it anyone adds the fifth.
    function testAttackARelayerCannotChooseTheSignaturesThatCount() public {
        int192[5] memory points = [int192(14), 14, 16, 16, 30];
        AttestedFeed hasty = _feedWith(true, 1, IAttestedFeed.Range(LEAST, GREATEST));
        require(_afterRelayersChoice(hasty, points) == 16 * POINT, "with the higher middle of two");
        AttestedFeed low = _feedWith(false, 1, IAttestedFeed.Range(LEAST, GREATEST));
        require(_afterRelayersChoice(low, points) == 14 * POINT, "without the delay the choice moves the answer");
        low = _feed(false);
        require(_afterRelayersChoice(low, points) == 16 * POINT, "with it the median of all stands");
    }

    /// @dev One reporter less than the quorum, in each round with one honest report: a regime in stress (VIX at 40) is
    /// talked down in six sessions of nothing but lies, and one honest session begins the count again.
    function testAttackColludersNeedSixSessionsInARowToTalkStressDown() public {
        require(_sessionsToTalkDown(EASE, 100) == 6, "six with the bound");
        require(_sessionsToTalkDown(9_900, 100) == 5, "five without it: the rest is the oracle's dwell");
        require(_sessionsToTalkDown(EASE, 4) == 0, "an honest session every fourth: never");
    }

    /// @dev Colluders put the answer as high as it goes. Back at the truth after six sessions; were any number taken, the
    /// bound on easing would keep the feed useless for months.
    function testAttackAnAbsurdAnswerIsGoneInDays() public {
        require(_sessionsBackFrom(_feed(true), 200) == 6, "in the range");
        AttestedFeed boundless = _feedWith(true, DELAY, IAttestedFeed.Range(LEAST, type(int192).max));
        require(_sessionsBackFrom(boundless, 1e15) > 60, "without it");
    }

    // ---- reading ----

    function testRoundsThatAreNotThereRevert() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.NoSuchRound.selector, uint80(0)));
        feed.latestRoundData();
        _closeAll(feed, 16);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.NoSuchRound.selector, uint80(2)));
        feed.getRoundData(2);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.NoSuchRound.selector, type(uint80).max));
        feed.getRoundData(type(uint80).max);
        require(feed.reporters().length == 5 && feed.decimals() == 8, "view");
    }

    function testEachRoundKeepsItsAnswerAndTimes() public {
        uint64 first = _now();
        feed.submit(first, _reports(first, [int192(16), 16, 16, 16, 0], 4));
        vm.warp(START + DELAY);
        feed.close(first);
        vm.warp(START + 1 days);
        _closeAll(feed, 18);
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.getRoundData(1);
        require(round == 1 && answer == 16 * POINT && answeredIn == 1, "the first");
        require(startedAt == START && updatedAt == START + DELAY, "observed, then closed");
        (round, answer, startedAt, updatedAt, answeredIn) = feed.getRoundData(2);
        require(round == 2 && answer == 18 * POINT && answeredIn == 2, "the second");
        require(startedAt == START + 1 days && updatedAt == START + 1 days, "at once");
    }

    // ---- inside ----

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }

    function _feed(bool greaterIsDefensive) private returns (AttestedFeed) {
        return _feedWith(greaterIsDefensive, DELAY, IAttestedFeed.Range(LEAST, GREATEST));
    }

    function _feedWith(
        bool greaterIsDefensive,
        uint32 delay,
        IAttestedFeed.Range memory range
    ) private returns (AttestedFeed) {
        return
            new AttestedFeed(
                address(manager),
                "VIX close",
                8,
                greaterIsDefensive,
                range,
                _reporters(5),
                IAttestedFeed.Rules(THRESHOLD, delay, LAG, EASE)
            );
    }

    /// @dev The relayer brings the four lowest and closes as soon as it may; an honest one brings the fifth a minute later.
    function _afterRelayersChoice(AttestedFeed target, int192[5] memory points) private returns (int256 answer) {
        vm.warp(START);
        uint64 at = _now();
        target.submit(at, _reportsTo(target, at, points, 4));
        vm.warp(START + 1);
        bool closed = _closes(target, at);
        if (!closed) {
            vm.warp(START + 1 minutes);
            IAttestedFeed.Report[] memory last = new IAttestedFeed.Report[](1);
            last[0] = _report(target, 4, at, points[4]);
            target.submit(at, last);
            target.close(at);
        }
        (, answer, , , ) = target.latestRoundData();
    }

    function _closes(AttestedFeed target, uint64 at) private returns (bool) {
        try target.close(at) {
            return true;
        } catch {
            return false;
        }
    }

    /// @dev Sessions of lies until the rule leaves Stress, honest ones every so often; 0 when it does not in thirty.
    function _sessionsToTalkDown(uint16 ease, uint256 honestEvery) private returns (uint256) {
        vm.warp(START);
        AttestedFeed target = _feed(true);
        target.setReporters(_reporters(5), IAttestedFeed.Rules(THRESHOLD, DELAY, LAG, ease));
        _closeAll(target, 40);
        Regime level = Regime.Stress;
        uint8 streak;
        for (uint256 session = 1; session <= 30; ++session) {
            vm.warp(START + session * 1 days);
            uint64 at = _now();
            bool honest = session % honestEvery == 0;
            int192[5] memory points = honest ? [int192(40), 40, 40, 40, 40] : [int192(10), 10, 10, 40, 40];
            target.submit(at, _reportsTo(target, at, points, 5));
            target.close(at);
            (, int256 answer, , , ) = target.latestRoundData();
            (level, streak) = RegimeRule.step(level, streak, uint256(answer), 45e8, false);
            if (level != Regime.Stress) return session;
        }
        return 0;
    }

    function _sessionsBackFrom(AttestedFeed target, int192 lie) private returns (uint256 sessions) {
        vm.warp(START);
        _closeAll(target, 16);
        vm.warp(START + 1 days);
        uint64 at = _now();
        target.submit(at, _reportsTo(target, at, [lie, lie, lie, 16, 16], 5));
        target.close(at);
        for (;;) {
            (, int256 answer, , , ) = target.latestRoundData();
            if (answer == 16 * POINT) return sessions;
            vm.warp(START + (2 + sessions++) * 1 days);
            _closeAll(target, 16);
        }
    }

    /// @dev A feed as it is, whose last answer is one and whose next median is another: what it answers then.
    function _requireMove(AttestedFeed target, int192 last, int192 median, int192 expected) private {
        uint256 state = vm.snapshotState();
        vm.warp(START);
        _closeUnits(target, last);
        vm.warp(START + 1 days);
        _closeUnits(target, median);
        (, int256 answer, , , ) = target.latestRoundData();
        require(answer == expected, "answer");
        vm.revertToState(state);
    }

    function _closeUnits(AttestedFeed target, int192 answer) private {
        uint64 at = _now();
        IAttestedFeed.Report[] memory reports = new IAttestedFeed.Report[](5);
        for (uint256 i; i < 5; ++i) reports[i] = _sign(target, keys[i], at, answer);
        target.submit(at, reports);
        target.close(at);
    }

    function _requirePending(uint64 at, uint256 reports, uint256 closableAt) private view {
        (uint256 count, uint256 from) = feed.pending(at);
        require(count == reports, "reports");
        require(from == closableAt, "closable at");
    }

    function _taken(address[] memory reporters, IAttestedFeed.Rules memory rules) private {
        feed.setReporters(reporters, rules);
        _requireRules(feed, reporters, rules);
    }

    function _requireRules(
        AttestedFeed target,
        address[] memory reporters,
        IAttestedFeed.Rules memory rules
    ) private view {
        require(keccak256(abi.encode(target.reporters())) == keccak256(abi.encode(reporters)), "reporters");
        (uint8 threshold, uint32 closeDelay, uint32 maxLag, uint16 maxEaseBps) = target.rules();
        require(threshold == rules.threshold && closeDelay == rules.closeDelay, "threshold, delay");
        require(maxLag == rules.maxLag && maxEaseBps == rules.maxEaseBps, "lag, easing");
    }

    function _refusedRange(bytes32 name, uint256 value, IAttestedFeed.Range memory range) private {
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.InvalidParameter.selector, name, value));
        _feedWith(true, DELAY, range);
    }

    function _reporters(uint256 count) private view returns (address[] memory reporters) {
        reporters = new address[](count);
        for (uint256 i; i < count; ++i) reporters[i] = vm.addr(i < 5 ? keys[i] : 100 + i);
    }

    function _closeAll(AttestedFeed target, int192 points) private {
        uint64 at = _now();
        target.submit(at, _reportsTo(target, at, [points, points, points, points, points], 5));
        target.close(at);
    }

    function _reports(
        uint64 at,
        int192[5] memory points,
        uint256 count
    ) private view returns (IAttestedFeed.Report[] memory) {
        return _reportsTo(feed, at, points, count);
    }

    function _reportsTo(
        AttestedFeed target,
        uint64 at,
        int192[5] memory points,
        uint256 count
    ) private view returns (IAttestedFeed.Report[] memory reports) {
        reports = new IAttestedFeed.Report[](count);
        for (uint256 i; i < count; ++i) reports[i] = _report(target, i, at, points[i]);
    }

    function _report(
        AttestedFeed target,
        uint256 reporter,
        uint64 at,
        int192 points
    ) private view returns (IAttestedFeed.Report memory) {
        return _sign(target, keys[reporter], at, points * POINT);
    }

    function _sign(
        AttestedFeed target,
        uint256 key,
        uint64 at,
        int192 answer
    ) private view returns (IAttestedFeed.Report memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, target.digestOf(at, answer));
        return IAttestedFeed.Report(answer, abi.encodePacked(r, s, v));
    }

    function _refused(
        bytes32 name,
        uint256 value,
        address[] memory reporters,
        IAttestedFeed.Rules memory rules
    ) private {
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.InvalidParameter.selector, name, value));
        feed.setReporters(reporters, rules);
    }
}
