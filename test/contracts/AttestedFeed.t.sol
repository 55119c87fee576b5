// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {AttestedFeed} from "../../contracts/regime/AttestedFeed.sol";
import {IAttestedFeed} from "../../contracts/regime/IAttestedFeed.sol";
import {vm} from "./support/Vm.sol";

contract AttestedFeedTest {
    uint256 private constant START = 1_700_000_000;
    uint32 private constant DELAY = 10 minutes;
    uint32 private constant LAG = 2 hours;
    uint16 private constant EASE = 3_500;
    uint8 private constant THRESHOLD = 4;
    /// @dev VIX closes have 8 decimals.
    int192 private constant POINT = 1e8;

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
        int192 truth = int192(uint192(honest % 80) + 1);
        int192[5] memory answers;
        for (uint256 i; i < 3; ++i) answers[i] = int192(uint192(lies[i] % 200) + 1);
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

    // ---- time and order ----

    function testAnObservationOfYesterdayIsNoneOfToday() public {
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(16), 16, 16, 16, 16], 5));
        vm.warp(START + LAG + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.ObservationTooOld.selector, at, LAG));
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

    function testAnswersArePositive() public {
        uint64 at = _now();
        IAttestedFeed.Report[] memory reports = new IAttestedFeed.Report[](1);
        reports[0] = _report(feed, 0, at, 0);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.InvalidAnswer.selector, int192(0)));
        feed.submit(at, reports);
    }

    function testRotationVoidsWhatIsNotClosed() public {
        uint64 at = _now();
        feed.submit(at, _reports(at, [int192(16), 16, 16, 16, 16], 5));
        feed.setReporters(_reporters(5), IAttestedFeed.Rules(THRESHOLD, DELAY, LAG, EASE));
        require(feed.epoch() == 2, "epoch");
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.TooFewReports.selector, at, 0, THRESHOLD));
        feed.close(at);
    }

    // ---- reading ----

    function testRoundsThatAreNotThereRevert() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.NoSuchRound.selector, uint80(0)));
        feed.latestRoundData();
        _closeAll(feed, 16);
        vm.expectRevert(abi.encodeWithSelector(IAttestedFeed.NoSuchRound.selector, uint80(2)));
        feed.getRoundData(2);
        require(feed.reporters().length == 5 && feed.decimals() == 8, "view");
    }

    // ---- inside ----

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }

    function _feed(bool greaterIsDefensive) private returns (AttestedFeed) {
        return
            new AttestedFeed(
                address(manager),
                "VIX close",
                8,
                greaterIsDefensive,
                _reporters(5),
                IAttestedFeed.Rules(THRESHOLD, DELAY, LAG, EASE)
            );
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
