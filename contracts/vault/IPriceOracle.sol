// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The price of one whole base token in whole asset tokens, scaled by 1e18 (ETH at 2,000 USDC is 2000e18).
/// @param low The mid price less both feeds' deviation thresholds.
/// @param mid The ratio of the two feeds' answers.
/// @param high The mid price plus both feeds' deviation thresholds.
struct Price {
    uint256 low;
    uint256 mid;
    uint256 high;
}

/// @title The oracle price of the base token in the vault's asset, with its uncertainty
interface IPriceOracle {
    /// @param price The two-sided price.
    /// @param baseRound Round of the base/USD feed that was read.
    /// @param assetRound Round of the asset/USD feed that was read.
    /// @param baseUpdatedAt Seconds since 1970-01-01.
    /// @param assetUpdatedAt Seconds since 1970-01-01.
    struct Reading {
        Price price;
        uint80 baseRound;
        uint80 assetRound;
        uint64 baseUpdatedAt;
        uint64 assetUpdatedAt;
    }

    /// @notice The feed's last answer is older than its heartbeat allows.
    error StaleFeed(address feed, uint256 updatedAt, uint256 maxAge);
    /// @notice The feed answered zero, a negative number, or a round that has not been updated.
    error InvalidAnswer(address feed, int256 answer);
    /// @notice The L2 sequencer is down, or came back less than the grace time ago.
    error SequencerDown(uint256 since);
    /// @notice A constructor argument is outside its bounds.
    error InvalidParameter(bytes32 name, uint256 value);

    /// @notice The price now. Reverts with StaleFeed, InvalidAnswer or SequencerDown.
    function read() external view returns (Reading memory);

    /// @notice The base/USD feed (AggregatorV3).
    function baseFeed() external view returns (address);

    /// @notice The asset/USD feed (AggregatorV3).
    function assetFeed() external view returns (address);
}
