// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IAggregatorV3} from "./IAggregatorV3.sol";
import {IAttestedFeed} from "./IAttestedFeed.sol";

/// @title Signed observations as an AggregatorV3 feed
///
/// ROUNDS
/// An observation is a time and a value. Reports of one time gather until all reporters have reported, or until the
/// threshold has stood for a delay; then anyone closes the round with the median of all of them. Within the delay anyone
/// can add what a relayer left out, so a relayer cannot choose the reporters that count. A round carries the time of its
/// block, as RegimeOracle expects of its feeds, and must close within a span of its observation and on its UTC day: kept
/// back until midnight it would be the next session's close.
///
/// BOUNDS
/// A round eases (moves in the less defensive direction) by a limit at most: fewer reporters than the threshold can, if
/// they outnumber the others in a round, move the median, but only by that much in the direction that pays. Towards
/// more defence nothing is bounded but by the range of answers that can be true, from whose ends the feed comes back in
/// a few sessions. Of an even number of reports the more defensive of the two in the middle counts.
///
/// ROLES
/// The administrator (AccessManager, with a delay) rotates reporters and sets rules. It writes no answer but by naming
/// reporters, in the open, who do. Reporters only sign. Relaying and closing are open to anyone.
///
/// ASSUMPTIONS
/// Fewer than `threshold` reporters collude. An honest one signs one value a session, at one time all agree on, and
/// publishes it: of two the first relayed counts, and anyone can relay.
contract AttestedFeed is IAttestedFeed, IAggregatorV3, EIP712, AccessManaged {
    // The type's name is EIP-712's, whatever its length.
    // solhint-disable-next-line gas-small-strings
    bytes32 private constant OBSERVATION = keccak256("Observation(uint64 observedAt,int192 answer)");
    uint256 private constant BPS = 10_000;
    /// @dev Closing sorts the reports: their number bounds the work.
    uint256 private constant MAX_REPORTERS = 31;
    uint32 private constant MAX_LAG = 1 days;
    uint16 private constant MIN_EASE_BPS = 100;
    /// @dev The least step of easing, 1 %, must not round to nothing.
    int192 private constant MIN_ANSWER = 100;

    struct Round {
        int192 answer;
        uint64 observedAt;
        uint64 closedAt;
    }

    struct Pending {
        uint64 quorumAt;
        int192[] answers;
        mapping(address reporter => bool) reported;
    }

    uint8 public immutable override decimals;
    /// @notice Whether a greater answer is the more defensive one (VIX), or a smaller one (VIX3M, whose fall inverts the
    /// term structure).
    bool public immutable greaterIsDefensive;
    /// @notice The least answer taken.
    int192 public immutable leastAnswer;
    /// @notice The greatest answer taken.
    int192 public immutable greatestAnswer;

    string public override description;
    uint256 public override epoch;
    Rules public rules;

    address[] private _reporters;
    mapping(uint256 epoch => mapping(address => bool)) private _isReporter;
    mapping(uint256 epoch => mapping(uint64 observedAt => Pending)) private _pending;
    /// @dev Round ids begin at 1: the entry before is none.
    Round[] private _rounds;

    constructor(
        address authority_,
        string memory description_,
        uint8 decimals_,
        bool greaterIsDefensive_,
        Range memory range_,
        address[] memory reporters_,
        Rules memory rules_
    ) EIP712("Ballast AttestedFeed", "1") AccessManaged(authority_) {
        if (range_.least < MIN_ANSWER) revert InvalidParameter("least", uint256(int256(range_.least)));
        if (range_.greatest <= range_.least) revert InvalidParameter("greatest", uint256(int256(range_.greatest)));
        description = description_;
        decimals = decimals_;
        greaterIsDefensive = greaterIsDefensive_;
        leastAnswer = range_.least;
        greatestAnswer = range_.greatest;
        _rounds.push();
        _setReporters(reporters_, rules_);
    }

    // ------------------------------------------------------------------------------------------------ administration

    /// @inheritdoc IAttestedFeed
    function setReporters(address[] calldata reporters_, Rules calldata rules_) external restricted {
        _setReporters(reporters_, rules_);
    }

    function _setReporters(address[] memory reporters_, Rules memory rules_) private {
        uint256 count = reporters_.length;
        if (count == 0 || count > MAX_REPORTERS) revert InvalidParameter("reporters", count);
        // More than two thirds: any two quorums share an honest reporter when fewer than a third lie.
        if (rules_.threshold > count || uint256(rules_.threshold) * 3 <= count * 2) {
            revert InvalidParameter("threshold", rules_.threshold);
        }
        if (rules_.maxLag > MAX_LAG || rules_.maxLag <= rules_.closeDelay) {
            revert InvalidParameter("maxLag", rules_.maxLag);
        }
        if (rules_.closeDelay == 0) revert InvalidParameter("closeDelay", 0);
        if (rules_.maxEaseBps < MIN_EASE_BPS || rules_.maxEaseBps >= BPS) {
            revert InvalidParameter("maxEaseBps", rules_.maxEaseBps);
        }

        uint256 next = ++epoch;
        for (uint256 i; i < count; ++i) {
            address reporter = reporters_[i];
            if (reporter == address(0) || _isReporter[next][reporter]) revert InvalidParameter("reporter", i);
            _isReporter[next][reporter] = true;
        }
        _reporters = reporters_;
        rules = rules_;

        emit ReportersSet(next, reporters_, rules_);
    }

    // --------------------------------------------------------------------------------------------------- observations

    /// @inheritdoc IAttestedFeed
    function submit(uint64 observedAt, Report[] calldata reports_) external returns (uint256 reports) {
        _requireInTime(observedAt);
        Pending storage round = _pending[epoch][observedAt];
        for (uint256 i; i < reports_.length; ++i) {
            Report calldata report = reports_[i];
            if (report.answer < leastAnswer || report.answer > greatestAnswer) revert InvalidAnswer(report.answer);
            address signer = ECDSA.recover(digestOf(observedAt, report.answer), report.signature);
            if (!_isReporter[epoch][signer]) revert NotAReporter(signer);
            if (round.reported[signer]) continue;

            round.reported[signer] = true;
            round.answers.push(report.answer);
            emit Reported(observedAt, signer, report.answer);
        }
        reports = round.answers.length;
        if (reports >= rules.threshold && round.quorumAt == 0) round.quorumAt = uint64(block.timestamp);
    }

    /// @inheritdoc IAttestedFeed
    function close(uint64 observedAt) external returns (uint80 round) {
        _requireInTime(observedAt);
        (uint256 reports, uint256 closableAt) = pending(observedAt);
        if (closableAt == 0) revert TooFewReports(observedAt, reports, rules.threshold);
        if (block.timestamp < closableAt) revert StillOpen(observedAt, closableAt);

        int192 median = _median(_pending[epoch][observedAt].answers);
        int192 answer = _bounded(median);
        round = uint80(_rounds.length);
        _rounds.push(Round(answer, observedAt, uint64(block.timestamp)));

        emit RoundClosed(round, observedAt, answer, median, reports);
    }

    /// @inheritdoc IAttestedFeed
    function pending(uint64 observedAt) public view returns (uint256 reports, uint256 closableAt) {
        Pending storage round = _pending[epoch][observedAt];
        reports = round.answers.length;
        if (reports == _reporters.length) closableAt = round.quorumAt;
        else if (round.quorumAt != 0) closableAt = uint256(round.quorumAt) + rules.closeDelay;
    }

    /// @inheritdoc IAttestedFeed
    function digestOf(uint64 observedAt, int192 answer) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OBSERVATION, observedAt, answer)));
    }

    /// @inheritdoc IAttestedFeed
    function reporters() external view returns (address[] memory) {
        return _reporters;
    }

    // ---------------------------------------------------------------------------------------------------------- reading

    /// @inheritdoc IAggregatorV3
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(uint80(_rounds.length - 1));
    }

    /// @inheritdoc IAggregatorV3
    function getRoundData(uint80 round) public view returns (uint80, int256, uint256, uint256, uint80) {
        if (round == 0 || round >= _rounds.length) revert NoSuchRound(round);
        Round memory data = _rounds[round];
        return (round, data.answer, data.observedAt, data.closedAt, round);
    }

    // ----------------------------------------------------------------------------------------------------------- inside

    function _requireInTime(uint64 observedAt) private view {
        uint64 last = _rounds[_rounds.length - 1].observedAt;
        if (observedAt <= last || observedAt > block.timestamp) revert ObservationOutOfOrder(observedAt, last);
        if (block.timestamp - observedAt > rules.maxLag || block.timestamp / 1 days != observedAt / 1 days) {
            revert ObservationTooOld(observedAt, rules.maxLag);
        }
    }

    /// @dev Sorts (insertion: at most 31) and takes the middle; of two in the middle the more defensive one.
    function _median(int192[] memory answers) private view returns (int192) {
        uint256 count = answers.length;
        for (uint256 i = 1; i < count; ++i) {
            int192 answer = answers[i];
            uint256 j = i;
            for (; j > 0 && answers[j - 1] > answer; --j) answers[j] = answers[j - 1];
            answers[j] = answer;
        }
        return answers[greaterIsDefensive ? count / 2 : (count - 1) / 2];
    }

    /// @dev The first round has nothing to be bounded by. The limit rounds towards the last answer.
    function _bounded(int192 median) private view returns (int192) {
        int256 last = _rounds[_rounds.length - 1].answer;
        if (last == 0) return median;
        int256 step = (last * int256(uint256(rules.maxEaseBps))) / int256(BPS);
        if (greaterIsDefensive) return median < last - step ? int192(last - step) : median;
        return median > last + step ? int192(last + step) : median;
    }
}
