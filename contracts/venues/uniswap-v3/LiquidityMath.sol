// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice How two tokens stand in a pool.
/// @param assetUnit 10^decimals of the asset.
/// @param baseScale 1e18 × 10^decimals of the base token: asset units = base units × price × assetUnit / baseScale.
/// @param baseIsToken0 Whether the base token's address sorts first.
struct Pair {
    uint256 assetUnit;
    uint256 baseScale;
    bool baseIsToken0;
}

/// @title Amounts, value and size of a concentrated-liquidity position
/// @notice Formulas of the Uniswap v3 whitepaper, section 6.2; prices are whole asset per whole base, scaled by 1e18.
/// src/hedge/liquidity.ts computes the same, bit for bit.
library LiquidityMath {
    using Math for uint256;

    /// @dev Liquidity whose value is large in any pair's units, so that dividing by it loses nothing that matters.
    uint128 internal constant REFERENCE_LIQUIDITY = 1 << 100;

    /// @notice The pool's square-root price at a price, rounded down.
    function toSqrtPriceX96(uint256 price, Pair memory pair) internal pure returns (uint160) {
        uint256 assetSide = price * pair.assetUnit;
        uint256 ratioX192 =
            pair.baseIsToken0 ? assetSide.mulDiv(1 << 192, pair.baseScale) : pair.baseScale.mulDiv(1 << 192, assetSide);
        return SafeCast.toUint160(ratioX192.sqrt());
    }

    /// @notice The price at a pool's square-root price, rounded down. Never reverts for a price a pool can have.
    function toPrice(uint160 sqrtPriceX96, Pair memory pair) internal pure returns (uint256) {
        uint256 ratioX128 = uint256(sqrtPriceX96).mulDiv(sqrtPriceX96, 1 << 64);
        uint256 scale = pair.baseScale / pair.assetUnit;
        return pair.baseIsToken0 ? ratioX128.mulDiv(scale, 1 << 128) : scale.mulDiv(1 << 128, ratioX128);
    }

    /// @notice token0 and token1 in a position at a square-root price: rounded down what burning pays, rounded up what
    /// minting takes.
    function amounts(
        uint160 sqrtPrice,
        uint160 sqrtLower,
        uint160 sqrtUpper,
        uint128 liquidity,
        Math.Rounding rounding
    ) internal pure returns (uint256 amount0, uint256 amount1) {
        uint256 price = Math.max(sqrtLower, Math.min(sqrtUpper, sqrtPrice));
        uint256 scaled = (uint256(liquidity) << 96).mulDiv(sqrtUpper - price, sqrtUpper, rounding);
        amount0 = rounding == Math.Rounding.Ceil ? scaled.ceilDiv(price) : scaled / price;
        amount1 = uint256(liquidity).mulDiv(price - sqrtLower, 1 << 96, rounding);
    }

    /// @notice Base units valued at a price, in asset units, rounded down.
    function baseValue(uint256 base, uint256 price, Pair memory pair) internal pure returns (uint256) {
        return base.mulDiv(price * pair.assetUnit, pair.baseScale);
    }

    /// @notice Value of a position at a price, in asset units, without fees and costs.
    function valueAt(
        uint256 price,
        uint160 sqrtLower,
        uint160 sqrtUpper,
        uint128 liquidity,
        Pair memory pair
    ) internal pure returns (uint256) {
        (uint256 amount0, uint256 amount1) = amounts(
            toSqrtPriceX96(price, pair),
            sqrtLower,
            sqrtUpper,
            liquidity,
            Math.Rounding.Floor
        );
        return
            pair.baseIsToken0 ? amount1 + baseValue(amount0, price, pair) : amount0 + baseValue(amount1, price, pair);
    }

    /// @notice Greatest liquidity whose value at a price is `value` asset units, within rounding.
    function liquidityForValue(
        uint256 value,
        uint256 price,
        uint160 sqrtLower,
        uint160 sqrtUpper,
        Pair memory pair
    ) internal pure returns (uint128) {
        uint256 referenceValue = valueAt(price, sqrtLower, sqrtUpper, REFERENCE_LIQUIDITY, pair);
        return SafeCast.toUint128(value.mulDiv(REFERENCE_LIQUIDITY, referenceValue));
    }
}
