// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {LiquidityMath, Pair} from "../../../contracts/venues/uniswap-v3/LiquidityMath.sol";
import {TickMath} from "../../../contracts/venues/uniswap-v3/TickMath.sol";

/// @title Opens the maths libraries to tests, many cases a call
contract LiquidityMathHarness {
    struct Case {
        uint256 price;
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
    }

    struct Result {
        uint160 sqrtPriceX96;
        uint256 priceBack;
        uint256 amount0Down;
        uint256 amount1Down;
        uint256 amount0Up;
        uint256 amount1Up;
        uint256 value;
        uint128 liquidityForValue;
    }

    function sqrtRatios(int24[] calldata ticks) external pure returns (uint160[] memory ratios) {
        ratios = new uint160[](ticks.length);
        for (uint256 i; i < ticks.length; ++i) ratios[i] = TickMath.sqrtRatioAtTick(ticks[i]);
    }

    function compute(Case[] calldata cases, Pair calldata pair) external pure returns (Result[] memory results) {
        results = new Result[](cases.length);
        for (uint256 i; i < cases.length; ++i) results[i] = _compute(cases[i], pair);
    }

    function _compute(Case calldata c, Pair memory pair) private pure returns (Result memory r) {
        uint160 lower = TickMath.sqrtRatioAtTick(c.tickLower);
        uint160 upper = TickMath.sqrtRatioAtTick(c.tickUpper);
        r.sqrtPriceX96 = LiquidityMath.toSqrtPriceX96(c.price, pair);
        r.priceBack = LiquidityMath.toPrice(r.sqrtPriceX96, pair);
        (r.amount0Down, r.amount1Down) = LiquidityMath.amounts(
            r.sqrtPriceX96,
            lower,
            upper,
            c.liquidity,
            Math.Rounding.Floor
        );
        (r.amount0Up, r.amount1Up) = LiquidityMath.amounts(
            r.sqrtPriceX96,
            lower,
            upper,
            c.liquidity,
            Math.Rounding.Ceil
        );
        r.value = LiquidityMath.valueAt(c.price, lower, upper, c.liquidity, pair);
        r.liquidityForValue = LiquidityMath.liquidityForValue(r.value, c.price, lower, upper, pair);
    }
}
