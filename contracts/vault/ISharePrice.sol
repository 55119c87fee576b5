// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What is remembered of a vault's share price: an anchor that follows it slowly, and the mark fees are counted from
/// @notice A vault calls with its net asset value and its shares, virtual ones included; a share price is their ratio, scaled
/// by 1e30. Each vault has an anchor and a mark of its own, as the caller.
interface ISharePrice {
    /// @notice The anchor followed the share price.
    event Followed(address indexed vault, uint256 price, uint256 anchor);
    /// @notice A fee period ended: the mark is `mark` now, and `feeShares` are the fee.
    event Assessed(address indexed vault, uint256 price, uint256 mark, uint256 feeShares);

    /// @notice The share price is further from the anchor than the band: entry and instant exit are closed until the anchor
    /// has come near enough, at `opensAt` (seconds since 1970-01-01) if the price stays and the anchor is moved now, which
    /// this revert undoes: `HedgeVault.poke` does it.
    error TooFast(uint256 price, uint256 anchor, uint256 opensAt);
    /// @notice A constructor argument is outside its bounds.
    error InvalidParameter(bytes32 name, uint256 value);

    /// @notice Moves the caller's anchor towards its share price, half-way between low and high, and counts its fee. The first
    /// call only sets anchor and mark.
    /// @param trading Whether shares are being sold or taken back at that price: reverts with TooFast when it is outside the
    /// band around the anchor.
    /// @return feeShares Shares that the caller has to mint to `recipient` now: zero within a period, and while the share
    /// price is not above mark and hurdle.
    function follow(uint256 low, uint256 high, uint256 shares, bool trading) external returns (uint256 feeShares);

    /// @notice Sets the caller's anchor to its share price at once: its whole value is cash, and nothing could be wrong with it.
    function open(uint256 value, uint256 shares) external;

    /// @notice Counts `newShares` bought for `assets` beside `shares` that were there before: the mark rises to the average of
    /// what all were bought for, so that no one pays a fee on what others' gain made dear. It never falls by it.
    function enter(uint256 assets, uint256 newShares, uint256 shares) external;

    /// @notice Whether trading would be open now for that vault.
    function isOpen(address vault, uint256 low, uint256 high, uint256 shares) external view returns (bool);

    /// @notice The fee in shares that `follow` would count now for that vault.
    function feeDue(address vault, uint256 low, uint256 high, uint256 shares) external view returns (uint256 feeShares);

    /// @notice What shares are worth at a vault's anchor as it was last moved, in asset units.
    function valueOf(address vault, uint256 shares) external view returns (uint256);

    /// @notice A vault's anchor, and when it was last moved (seconds since 1970-01-01); zero before the first.
    function anchorOf(address vault) external view returns (uint256 price, uint256 movedAt);

    /// @notice A vault's mark grown by the hurdle until now, and when its fee period ends (seconds since 1970-01-01).
    function markOf(address vault) external view returns (uint256 price, uint256 periodEndsAt);

    /// @notice Greatest distance of share price and anchor at which shares trade, in basis points of the anchor.
    function bandBps() external view returns (uint256);

    /// @notice How far the anchor moves in an hour at most, in basis points of itself.
    function bpsPerHour() external view returns (uint256);

    /// @notice Who gets the fee.
    function recipient() external view returns (address);

    /// @notice The fee, in basis points of the gain above the mark.
    function feeBps() external view returns (uint256);

    /// @notice How fast the mark grows, in basis points of itself a year: the treasury's cost of capital.
    function hurdleBpsPerYear() external view returns (uint256);
}
