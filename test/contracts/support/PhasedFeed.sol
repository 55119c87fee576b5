// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAggregatorV3} from "../../../contracts/regime/IAggregatorV3.sol";

/// @title A feed behind a Chainlink-style proxy: ids are (phase << 64 | round), and an aggregator can be replaced
contract PhasedFeed is IAggregatorV3 {
    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    uint8 public constant decimals = 8;
    uint80 public latest;
    bool public zeroWhenAbsent;
    mapping(uint80 id => Round) private _rounds;

    error NoDataPresent();

    function set(uint16 phase, uint64 round, int256 answer, uint256 updatedAt) external returns (uint80 id) {
        id = (uint80(phase) << 64) | round;
        _rounds[id] = Round(answer, updatedAt);
        latest = id;
    }

    /// @notice Some aggregators answer zeros for an absent round instead of reverting.
    function setZeroWhenAbsent(bool zero) external {
        zeroWhenAbsent = zero;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(latest);
    }

    function getRoundData(uint80 id) public view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory round = _rounds[id];
        if (round.updatedAt == 0 && !zeroWhenAbsent) revert NoDataPresent();
        return (id, round.answer, round.updatedAt, round.updatedAt, id);
    }
}
