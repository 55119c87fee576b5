// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The reading side of a Chainlink-style price feed, as far as this project uses it
/// @notice Round ids of a Chainlink proxy are (phase << 64 | round within the phase): they are ordered, but not
/// consecutive across phases. An absent round reverts or answers with `updatedAt` zero, depending on the aggregator.
interface IAggregatorV3 {
    /// @notice Decimals of the answers.
    function decimals() external view returns (uint8);

    /// @notice The newest round. `answeredInRound` is deprecated and never read here.
    /// @return roundId The round's id.
    /// @return answer The value, with `decimals()` decimals.
    /// @return startedAt Seconds since 1970-01-01.
    /// @return updatedAt Seconds since 1970-01-01; zero when the round has no answer.
    /// @return answeredInRound Deprecated.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice One round by its id.
    function getRoundData(
        uint80 roundId
    ) external view returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
