// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Operators of asynchronous vaults (ERC-7540)
interface IERC7540Operator {
    event OperatorSet(address indexed controller, address indexed operator, bool approved);

    /// @notice Lets an operator manage the caller's requests, or no longer.
    function setOperator(address operator, bool approved) external returns (bool);

    /// @notice Whether an operator may manage a controller's requests.
    function isOperator(address controller, address operator) external view returns (bool);
}

/// @title Asynchronous redemption (ERC-7540)
interface IERC7540Redeem {
    event RedeemRequest(
        address indexed controller,
        address indexed owner,
        uint256 indexed requestId,
        address sender,
        uint256 shares
    );

    /// @notice Asks to redeem shares. They stay with their owner, votes included, but can no longer move.
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256 requestId);

    /// @notice Shares of a request that are not settled yet.
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);

    /// @notice Shares of a request that are settled and not claimed yet.
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);
}

/// @title A vault whose share token it is itself (ERC-7575)
interface IERC7575Share {
    /// @notice The share token.
    function share() external view returns (address);
}
