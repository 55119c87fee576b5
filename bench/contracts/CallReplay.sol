// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title An ordinary contract that makes a given list of calls: what a rebalance costs with no vault around it
/// @notice Holds its own positions and pays pools from its own balance. Anyone may drive it: for the local chain only.
contract CallReplay {
    using SafeERC20 for IERC20;

    struct Call {
        address to;
        bytes data;
    }

    IERC20 public immutable token0;
    IERC20 public immutable token1;

    error CallFailed(uint256 index, bytes reason);

    constructor(IERC20 token0_, IERC20 token1_) {
        token0 = token0_;
        token1 = token1_;
    }

    function approve(IERC20 token, address spender) external {
        token.forceApprove(spender, type(uint256).max);
    }

    /// @notice Makes the calls in order; with `dry` only reads them, so that the list's own cost can be taken off.
    /// @return spent Gas spent on reading the list and on the calls.
    function run(Call[] calldata calls, bool dry) external returns (uint256 spent) {
        spent = gasleft();
        for (uint256 i; i < calls.length; ++i) {
            address to = calls[i].to;
            bytes memory data = calls[i].data;
            if (dry) continue;
            // Whatever the list says is called: that is this contract's whole purpose.
            // solhint-disable-next-line avoid-low-level-calls
            (bool ok, bytes memory reason) = to.call(data);
            if (!ok) revert CallFailed(i, reason);
        }
        spent -= gasleft();
    }

    /// @notice Pays a Uniswap v3 pool what a swap asks for.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        if (amount0Delta > 0) token0.safeTransfer(msg.sender, uint256(amount0Delta));
        if (amount1Delta > 0) token1.safeTransfer(msg.sender, uint256(amount1Delta));
    }
}
