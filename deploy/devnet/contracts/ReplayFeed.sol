// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A price feed with AggregatorV3's reading side, written by its owner: it replays history on the local chain
contract ReplayFeed {
    struct Round {
        int192 answer;
        uint64 updatedAt;
    }

    string public description;
    uint8 public immutable decimals;
    // solhint-disable-next-line const-name-snakecase
    uint256 public constant version = 1;
    address public immutable owner;
    Round[] private _rounds;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error NotOwner(address caller);
    error NoDataPresent(uint80 roundId);
    error TimeGoesBackwards(uint256 last, uint256 next);

    constructor(string memory description_, uint8 decimals_) {
        description = description_;
        decimals = decimals_;
        owner = msg.sender;
    }

    /// @notice Appends one round, now.
    function push(int256 answer) external {
        _append(answer, uint64(block.timestamp));
    }

    /// @notice Appends past rounds, in order of time, none later than now.
    function seed(int256[] calldata answers, uint64[] calldata times) external {
        for (uint256 i; i < answers.length; ++i) {
            _append(answers[i], times[i]);
        }
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(uint80(_rounds.length));
    }

    function getRoundData(uint80 roundId) public view returns (uint80, int256, uint256, uint256, uint80) {
        if (roundId == 0 || roundId > _rounds.length) revert NoDataPresent(roundId);
        Round memory round = _rounds[roundId - 1];
        return (roundId, round.answer, round.updatedAt, round.updatedAt, roundId);
    }

    function _append(int256 answer, uint64 time) private {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        uint256 count = _rounds.length;
        uint256 last = count == 0 ? 0 : _rounds[count - 1].updatedAt;
        if (time < last || time > block.timestamp) revert TimeGoesBackwards(last, time);
        _rounds.push(Round(int192(answer), time));
        emit AnswerUpdated(answer, count + 1, time);
    }
}
