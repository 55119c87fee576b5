// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAggregatorV3} from "../regime/IAggregatorV3.sol";
import {IPriceOracle, Price} from "./IPriceOracle.sol";

/// @title The base token's price in the vault's asset, from two AggregatorV3 feeds
/// @dev Immutable: another feed means another oracle and another vault. The half-width of the price is the sum of both
/// feeds' deviation thresholds, since each answer may be off by that much without an update.
contract PriceOracle is IPriceOracle {
    uint256 private constant BPS = 10_000;
    /// @dev No feed of a price beats less often than weekly; an older answer says nothing of the price now.
    uint256 private constant LONGEST_MAX_AGE = 7 days;
    /// @dev Time for feeds to answer anew, and for anyone to bring the regime up to date (RegimeOracle, SEQUENCER).
    uint256 private constant MIN_SEQUENCER_GRACE = 10 minutes;
    uint256 private constant MAX_SEQUENCER_GRACE = 1 days;

    /// @param feed AggregatorV3 feed against USD.
    /// @param maxAge Oldest answer accepted, in seconds, at most seven days: its heartbeat plus a margin.
    /// @param deviationBps The feed's deviation threshold, in basis points.
    struct Feed {
        address feed;
        uint32 maxAge;
        uint16 deviationBps;
    }

    address public immutable override baseFeed;
    address public immutable override assetFeed;
    uint256 public immutable baseMaxAge;
    uint256 public immutable assetMaxAge;
    uint256 public immutable baseDeviationBps;
    uint256 public immutable assetDeviationBps;
    /// @notice L2 sequencer uptime feed; zero on chains without one.
    address public immutable sequencerFeed;
    /// @notice Seconds the sequencer must have been up before a price counts; ten minutes to a day where there is one.
    uint256 public immutable sequencerGrace;
    uint256 private immutable _baseUnit;
    uint256 private immutable _assetUnit;

    constructor(Feed memory base, Feed memory asset, address sequencer, uint256 grace) {
        // Nothing here can be changed later: a price that is always stale, or a side that is zero or divides by it, would
        // close entry and settlement for ever; one that is never stale would trade at the price of a dead feed for ever.
        _requireAge("baseMaxAge", base.maxAge);
        _requireAge("assetMaxAge", asset.maxAge);
        if (base.deviationBps >= BPS) revert InvalidParameter("baseDeviationBps", base.deviationBps);
        if (asset.deviationBps >= BPS) revert InvalidParameter("assetDeviationBps", asset.deviationBps);
        if (sequencer != address(0) && (grace < MIN_SEQUENCER_GRACE || grace > MAX_SEQUENCER_GRACE)) {
            revert InvalidParameter("sequencerGrace", grace);
        }

        baseFeed = base.feed;
        assetFeed = asset.feed;
        baseMaxAge = base.maxAge;
        assetMaxAge = asset.maxAge;
        baseDeviationBps = base.deviationBps;
        assetDeviationBps = asset.deviationBps;
        sequencerFeed = sequencer;
        sequencerGrace = grace;
        _baseUnit = 10 ** IAggregatorV3(base.feed).decimals();
        _assetUnit = 10 ** IAggregatorV3(asset.feed).decimals();
    }

    /// @inheritdoc IPriceOracle
    function read() external view returns (Reading memory reading) {
        _requireSequencer();

        uint256 baseAnswer;
        uint256 assetAnswer;
        (reading.baseRound, baseAnswer, reading.baseUpdatedAt) = _answer(baseFeed, baseMaxAge);
        (reading.assetRound, assetAnswer, reading.assetUpdatedAt) = _answer(assetFeed, assetMaxAge);

        uint256 mid = Math.mulDiv(baseAnswer * _assetUnit, 1e18, assetAnswer * _baseUnit);
        reading.price = Price({
            low: Math.mulDiv(mid, BPS - baseDeviationBps, BPS + assetDeviationBps),
            mid: mid,
            high: Math.mulDiv(mid, BPS + baseDeviationBps, BPS - assetDeviationBps, Math.Rounding.Ceil)
        });
    }

    function _answer(address feed, uint256 maxAge) private view returns (uint80, uint256, uint64) {
        (uint80 round, int256 answer, , uint256 updatedAt, ) = IAggregatorV3(feed).latestRoundData();
        if (answer <= 0 || updatedAt == 0 || updatedAt > block.timestamp) revert InvalidAnswer(feed, answer);
        if (block.timestamp - updatedAt > maxAge) revert StaleFeed(feed, updatedAt, maxAge);
        return (round, uint256(answer), uint64(updatedAt));
    }

    function _requireAge(bytes32 name, uint256 maxAge) private pure {
        if (maxAge == 0 || maxAge > LONGEST_MAX_AGE) revert InvalidParameter(name, maxAge);
    }

    /// @dev The uptime feed answers 0 while the sequencer is up; `startedAt` is when that began.
    function _requireSequencer() private view {
        if (sequencerFeed == address(0)) return;
        (, int256 down, uint256 since, , ) = IAggregatorV3(sequencerFeed).latestRoundData();
        if (down != 0 || since == 0 || block.timestamp < since + sequencerGrace) revert SequencerDown(since);
    }
}
