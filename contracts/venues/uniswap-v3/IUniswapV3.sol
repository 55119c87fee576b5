// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// The part of Uniswap v3 that the adapter calls, in our own words. Functions that return many values are declared with a
// struct of the same static fields: the encoding is the same, and the stack stays short.

/// @title Finds the one pool of two tokens and a fee
interface IUniswapV3Factory {
    /// @notice The pool, or zero when there is none.
    function getPool(address tokenA, address tokenB, uint24 fee) external view returns (address);
}

/// @title A pool of two tokens
interface IUniswapV3Pool {
    /// @param sqrtPriceX96 sqrt(token1 / token0) × 2^96.
    /// @param tick Greatest tick at or below that price.
    struct Slot0 {
        uint160 sqrtPriceX96;
        int24 tick;
        uint16 observationIndex;
        uint16 observationCardinality;
        uint16 observationCardinalityNext;
        uint8 feeProtocol;
        bool unlocked;
    }

    /// @param feeGrowthOutside0X128 Fees per unit of liquidity on the other side of the tick, token0.
    /// @param feeGrowthOutside1X128 The same, token1.
    struct TickInfo {
        uint128 liquidityGross;
        int128 liquidityNet;
        uint256 feeGrowthOutside0X128;
        uint256 feeGrowthOutside1X128;
        int56 tickCumulativeOutside;
        uint160 secondsPerLiquidityOutsideX128;
        uint32 secondsOutside;
        bool initialized;
    }

    /// @notice Price and tick now.
    function slot0() external view returns (Slot0 memory);

    /// @notice Liquidity in range now.
    function liquidity() external view returns (uint128);

    /// @notice Fees per unit of liquidity since the pool began, token0.
    function feeGrowthGlobal0X128() external view returns (uint256);

    /// @notice Fees per unit of liquidity since the pool began, token1.
    function feeGrowthGlobal1X128() external view returns (uint256);

    /// @notice One tick.
    function ticks(int24 tick) external view returns (TickInfo memory);

    /// @notice Ticks of a range are multiples of it.
    function tickSpacing() external view returns (int24);

    /// @notice Trades; the caller pays in uniswapV3SwapCallback.
    /// @param amountSpecified Positive: exactly this goes in. Negative: exactly this comes out.
    /// @param sqrtPriceLimitX96 The trade stops, filled in part, when the price gets there.
    /// @return amount0 What the pool received (positive) or paid (negative), token0.
    /// @return amount1 The same, token1.
    function swap(
        address recipient,
        bool zeroForOne,
        int256 amountSpecified,
        uint160 sqrtPriceLimitX96,
        bytes calldata data
    ) external returns (int256 amount0, int256 amount1);
}

/// @title What a pool calls on the one who trades
interface IUniswapV3SwapCallback {
    /// @notice Pay the positive amount to the pool.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external;
}

/// @title Positions as NFTs
interface INonfungiblePositionManager {
    /// @param feeGrowthInside0LastX128 Fee growth in the range when tokensOwed was last brought up to date.
    /// @param tokensOwed0 Tokens to collect as of then.
    struct PositionData {
        uint96 nonce;
        address operator;
        address token0;
        address token1;
        uint24 fee;
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
        uint256 feeGrowthInside0LastX128;
        uint256 feeGrowthInside1LastX128;
        uint128 tokensOwed0;
        uint128 tokensOwed1;
    }

    struct MintParams {
        address token0;
        address token1;
        uint24 fee;
        int24 tickLower;
        int24 tickUpper;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        address recipient;
        uint256 deadline;
    }

    struct IncreaseLiquidityParams {
        uint256 tokenId;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    struct DecreaseLiquidityParams {
        uint256 tokenId;
        uint128 liquidity;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    struct CollectParams {
        uint256 tokenId;
        address recipient;
        uint128 amount0Max;
        uint128 amount1Max;
    }

    /// @notice The factory whose pools it manages.
    function factory() external view returns (address);

    /// @notice One position.
    function positions(uint256 tokenId) external view returns (PositionData memory);

    /// @notice Opens a position with as much liquidity as the desired amounts allow.
    function mint(
        MintParams calldata params
    ) external returns (uint256 tokenId, uint128 liquidity, uint256 amount0, uint256 amount1);

    /// @notice Adds as much liquidity as the desired amounts allow. Open to anyone.
    function increaseLiquidity(
        IncreaseLiquidityParams calldata params
    ) external returns (uint128 liquidity, uint256 amount0, uint256 amount1);

    /// @notice Takes liquidity away; the tokens wait to be collected.
    function decreaseLiquidity(
        DecreaseLiquidityParams calldata params
    ) external returns (uint256 amount0, uint256 amount1);

    /// @notice Pays out what waits: fees, and tokens of liquidity taken away.
    function collect(CollectParams calldata params) external returns (uint256 amount0, uint256 amount1);

    /// @notice Ends an empty position.
    function burn(uint256 tokenId) external;
}
