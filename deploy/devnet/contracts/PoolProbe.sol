// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IUniswapV3Pool, IUniswapV3SwapCallback} from "../../../contracts/venues/uniswap-v3/IUniswapV3.sol";
import {DevToken} from "./DevToken.sol";

/// @title The part of a pool that holds positions
interface IPositions {
    function mint(
        address recipient,
        int24 tickLower,
        int24 tickUpper,
        uint128 amount,
        bytes calldata data
    ) external returns (uint256 amount0, uint256 amount1);

    function burn(int24 tickLower, int24 tickUpper, uint128 amount) external returns (uint256 amount0, uint256 amount1);
}

/// @title Asks a pool's own bytecode what positions cost and pay, many cases a call
/// @notice Each case moves the price, mints and burns for real. The pool must have no liquidity of its own, so that any price
/// can be reached and moving there trades nothing. For the local chain only.
contract PoolProbe is IUniswapV3SwapCallback {
    struct Case {
        uint160 sqrtPriceX96;
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
    }

    struct Result {
        int24 tick;
        uint256 minted0;
        uint256 minted1;
        uint256 burned0;
        uint256 burned1;
    }

    DevToken private immutable TOKEN0;
    DevToken private immutable TOKEN1;

    constructor(address token0, address token1) {
        TOKEN0 = DevToken(token0);
        TOKEN1 = DevToken(token1);
    }

    function probe(address pool, Case[] calldata cases) external returns (Result[] memory results) {
        results = new Result[](cases.length);
        for (uint256 i; i < cases.length; ++i) results[i] = _mintAndBurn(pool, cases[i]);
    }

    function _mintAndBurn(address pool, Case calldata c) private returns (Result memory r) {
        uint160 current = IUniswapV3Pool(pool).slot0().sqrtPriceX96;
        if (current != c.sqrtPriceX96) {
            IUniswapV3Pool(pool).swap(address(this), c.sqrtPriceX96 < current, type(int256).max, c.sqrtPriceX96, "");
        }
        r.tick = IUniswapV3Pool(pool).slot0().tick;
        (r.minted0, r.minted1) = IPositions(pool).mint(address(this), c.tickLower, c.tickUpper, c.liquidity, "");
        (r.burned0, r.burned1) = IPositions(pool).burn(c.tickLower, c.tickUpper, c.liquidity);
    }

    /// @inheritdoc IUniswapV3SwapCallback
    /// @dev Without liquidity nothing is traded, so nothing is owed.
    function uniswapV3SwapCallback(int256, int256, bytes calldata) external {}

    function uniswapV3MintCallback(uint256 amount0Owed, uint256 amount1Owed, bytes calldata) external {
        if (amount0Owed > 0) TOKEN0.mint(msg.sender, amount0Owed);
        if (amount1Owed > 0) TOKEN1.mint(msg.sender, amount1Owed);
    }
}
