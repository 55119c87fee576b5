// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IUniswapV3Pool, IUniswapV3SwapCallback} from "../../../contracts/venues/uniswap-v3/IUniswapV3.sol";
import {LiquidityMath, Pair} from "../../../contracts/venues/uniswap-v3/LiquidityMath.sol";
import {DevToken} from "./DevToken.sol";

/// @title The rest of the market at one pool: arbitrageurs and noise traders, each in one transaction
/// @notice Pays with tokens it mints for itself. For the local chain only.
contract PoolTrader is IUniswapV3SwapCallback {
    uint256 private constant FEE_UNIT = 1e6;
    /// @dev A pool takes limits strictly inside its bounds (v3-core, TickMath.MIN_SQRT_RATIO and MAX_SQRT_RATIO).
    uint160 private constant LOWEST = 4295128739 + 1;
    uint160 private constant HIGHEST = 1461446703485210103287273052203988822378723970342 - 1;

    IUniswapV3Pool public immutable pool;
    DevToken public immutable base;
    DevToken public immutable asset;
    uint24 public immutable fee;
    uint256 private immutable ASSET_UNIT;
    uint256 private immutable BASE_SCALE;
    bool private immutable BASE_IS_TOKEN0;

    /// @notice A price move. Positive is received by the trader, negative paid.
    event Moved(uint160 sqrtPriceX96, int256 base, int256 asset);
    /// @notice Noise trades that ended where they began.
    /// @param volume Asset traded in both directions, in asset units.
    event Flowed(uint256 volume, uint256 trips);

    error NotThePool(address caller);

    constructor(address pool_, address base_, address asset_, uint24 fee_) {
        pool = IUniswapV3Pool(pool_);
        base = DevToken(base_);
        asset = DevToken(asset_);
        fee = fee_;
        ASSET_UNIT = 10 ** IERC20Metadata(asset_).decimals();
        BASE_SCALE = 1e18 * 10 ** IERC20Metadata(base_).decimals();
        BASE_IS_TOKEN0 = base_ < asset_;
    }

    /// @notice Trades as arbitrageurs do who can deal elsewhere at `index` (scaled by 1e18): until the pool's price, its fee
    /// included, is no better than the index. Inside that band nothing happens.
    function arbitrage(uint256 index) external returns (int256 baseOut, int256 assetOut) {
        uint160 atLow = _sqrtPrice((index * (FEE_UNIT - fee)) / FEE_UNIT);
        uint160 atHigh = _sqrtPrice((index * FEE_UNIT) / (FEE_UNIT - fee));
        (uint160 floor, uint160 ceiling) = BASE_IS_TOKEN0 ? (atLow, atHigh) : (atHigh, atLow);
        uint160 sqrtPrice = pool.slot0().sqrtPriceX96;
        if (sqrtPrice < floor) return _moveTo(floor);
        if (sqrtPrice > ceiling) return _moveTo(ceiling);
    }

    /// @notice Pushes the pool's price all the way to `price` (scaled by 1e18), whatever it costs.
    function moveTo(uint256 price) external returns (int256 baseOut, int256 assetOut) {
        return _moveTo(_sqrtPrice(price));
    }

    /// @notice Traders who buy base and sell it again, `trips` times, ending at the price they found.
    /// @param volume Asset units to trade, both directions together.
    function flow(uint256 volume, uint256 trips) external returns (uint256 traded) {
        uint160 start = pool.slot0().sqrtPriceX96;
        for (uint256 i; i < trips; ++i) {
            uint256 spend = volume / (2 * trips);
            if (spend == 0) break;
            (, int256 assetOut) = _swap(!BASE_IS_TOKEN0, int256(spend), BASE_IS_TOKEN0 ? HIGHEST : LOWEST);
            (, int256 assetBack) = _moveTo(start);
            traded += uint256(-assetOut) + uint256(assetBack);
        }
        emit Flowed(traded, trips);
    }

    /// @inheritdoc IUniswapV3SwapCallback
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        if (msg.sender != address(pool)) revert NotThePool(msg.sender);
        (DevToken token0, DevToken token1) = BASE_IS_TOKEN0 ? (base, asset) : (asset, base);
        if (amount0Delta > 0) token0.mint(msg.sender, uint256(amount0Delta));
        if (amount1Delta > 0) token1.mint(msg.sender, uint256(amount1Delta));
    }

    function _moveTo(uint160 target) private returns (int256 baseOut, int256 assetOut) {
        uint160 sqrtPrice = pool.slot0().sqrtPriceX96;
        if (sqrtPrice == target) return (0, 0);
        (baseOut, assetOut) = _swap(target < sqrtPrice, type(int128).max, target);
        emit Moved(target, baseOut, assetOut);
    }

    function _swap(bool zeroForOne, int256 amount, uint160 limit) private returns (int256 baseOut, int256 assetOut) {
        (int256 amount0, int256 amount1) = pool.swap(address(this), zeroForOne, amount, limit, "");
        return BASE_IS_TOKEN0 ? (-amount0, -amount1) : (-amount1, -amount0);
    }

    function _sqrtPrice(uint256 price) private view returns (uint160) {
        return LiquidityMath.toSqrtPriceX96(price, Pair(ASSET_UNIT, BASE_SCALE, BASE_IS_TOKEN0));
    }
}
