// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title The cash side of a vault alone, so that an adapter can be tested by itself
/// @notice It has what an adapter calls: the asset's address, draw and restore. It stands here and not with the tests because
/// only sources are built into artifacts. For the local chain only.
contract CashBox {
    using SafeERC20 for IERC20;

    address public immutable asset;
    uint256 public cash;

    error InsufficientCash(uint256 requested, uint256 available);

    constructor(address asset_) {
        asset = asset_;
    }

    /// @notice Counts in what was sent here.
    function fill() external {
        cash = IERC20(asset).balanceOf(address(this));
    }

    function draw(uint256 assets) external {
        if (assets > cash) revert InsufficientCash(assets, cash);
        cash -= assets;
        IERC20(asset).safeTransfer(msg.sender, assets);
    }

    function restore(uint256 assets) external {
        cash += assets;
        IERC20(asset).safeTransferFrom(msg.sender, address(this), assets);
    }
}
