// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {
    INonfungiblePositionManager,
    IUniswapV3Factory,
    IUniswapV3Pool
} from "../../../contracts/venues/uniswap-v3/IUniswapV3.sol";
import {LiquidityMath, Pair} from "../../../contracts/venues/uniswap-v3/LiquidityMath.sol";
import {TickMath} from "../../../contracts/venues/uniswap-v3/TickMath.sol";
import {DevToken} from "../../../deploy/devnet/contracts/DevToken.sol";
import {PoolTrader} from "../../../deploy/devnet/contracts/PoolTrader.sol";
import {deployNpm} from "./Npm.sol";
import {vm} from "./Vm.sol";

/// @notice The part of the position manager that opens pools.
interface IPoolInitializer {
    function createAndInitializePoolIfNecessary(
        address token0,
        address token1,
        uint24 fee,
        uint160 sqrtPriceX96
    ) external payable returns (address pool);
}

/// @title Uniswap v3 from its published bytecode: one 0.05 % pool of two tokens, with the liquidity of others in it
/// @dev As deploy/devnet/uniswap.ts brings it up.
abstract contract UniswapVenue {
    address internal constant POOL_MAKER = address(uint160(uint256(keccak256("pool maker"))));
    uint24 internal constant POOL_FEE = 500;
    int24 internal constant TICK_SPACING = 10;
    /// @dev Asset units, as on the local chain: a million moves the price by 0.1 to 0.3 %.
    uint256 internal constant OUTSIDE_VALUE = 1_600_000_000e6;

    DevToken internal asset;
    DevToken internal base;
    INonfungiblePositionManager internal positionManager;
    IUniswapV3Pool internal pool;
    PoolTrader internal trader;
    Pair internal pair;

    /// @dev Which token's address sorts first decides half of a pool's formulas.
    function _deployTokens(bool baseFirst) internal {
        asset = new DevToken("USD Coin", "USDC", 6);
        do {
            base = _newBase();
        } while ((address(base) < address(asset)) != baseFirst);
        pair = Pair(1e6, 1e36, baseFirst);
    }

    function _newBase() internal virtual returns (DevToken) {
        return new DevToken("Wrapped Ether", "WETH", 18);
    }

    /// @param price Whole asset per whole base, scaled by 1e18.
    function _deployUniswap(uint256 price) internal {
        address factory = deployNpm("@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory", "");
        // The wrapped-native and descriptor slots stay unused: the pair is two ERC-20 tokens and no page draws the NFT.
        positionManager = INonfungiblePositionManager(
            deployNpm(
                "@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager",
                abi.encode(factory, base, base)
            )
        );
        (address token0, address token1) = _sorted();
        IPoolInitializer(address(positionManager)).createAndInitializePoolIfNecessary(
            token0,
            token1,
            POOL_FEE,
            LiquidityMath.toSqrtPriceX96(price, pair)
        );
        pool = IUniswapV3Pool(IUniswapV3Factory(factory).getPool(token0, token1, POOL_FEE));
        trader = new PoolTrader(address(pool), address(base), address(asset), POOL_FEE);

        _provide(POOL_MAKER, -887_270, 887_270, (OUTSIDE_VALUE * 40) / 100, price);
        _provideAround(20_800, (OUTSIDE_VALUE * 35) / 100, price);
        _provideAround(4_700, (OUTSIDE_VALUE * 20) / 100, price);
        _provideAround(1_400, (OUTSIDE_VALUE * 5) / 100, price);
    }

    function _provideAround(int24 halfWidth, uint256 value, uint256 price) private {
        int24 centre = _usableTick(pool.slot0().tick);
        _provide(POOL_MAKER, centre - halfWidth, centre + halfWidth, value, price);
    }

    /// @dev Someone else mints a position worth `value` at `price` from fresh tokens.
    function _provide(
        address maker,
        int24 tickLower,
        int24 tickUpper,
        uint256 value,
        uint256 price
    ) internal returns (uint256 tokenId) {
        (uint160 lower, uint160 upper) = (TickMath.sqrtRatioAtTick(tickLower), TickMath.sqrtRatioAtTick(tickUpper));
        (uint256 amount0, uint256 amount1) = LiquidityMath.amounts(
            LiquidityMath.toSqrtPriceX96(price, pair),
            lower,
            upper,
            LiquidityMath.liquidityForValue(value, price, lower, upper, pair),
            Math.Rounding.Ceil
        );
        (address token0, address token1) = _sorted();
        _fundForManager(maker, DevToken(token0), amount0);
        _fundForManager(maker, DevToken(token1), amount1);
        vm.prank(maker);
        (tokenId, , , ) = positionManager.mint(
            INonfungiblePositionManager.MintParams({
                token0: token0,
                token1: token1,
                fee: POOL_FEE,
                tickLower: tickLower,
                tickUpper: tickUpper,
                amount0Desired: amount0,
                amount1Desired: amount1,
                amount0Min: 0,
                amount1Min: 0,
                recipient: maker,
                deadline: type(uint256).max
            })
        );
    }

    /// @dev Anyone may add to anyone's position.
    function _donateLiquidity(address donor, uint256 tokenId, uint256 baseAmount, uint256 assetAmount) internal {
        _fundForManager(donor, base, baseAmount);
        _fundForManager(donor, asset, assetAmount);
        (uint256 amount0, uint256 amount1) = pair.baseIsToken0 ? (baseAmount, assetAmount) : (assetAmount, baseAmount);
        vm.prank(donor);
        positionManager.increaseLiquidity(
            INonfungiblePositionManager.IncreaseLiquidityParams(tokenId, amount0, amount1, 0, 0, type(uint256).max)
        );
    }

    function _fundForManager(address holder, DevToken token, uint256 amount) private {
        token.mint(holder, amount);
        vm.prank(holder);
        token.approve(address(positionManager), type(uint256).max);
    }

    /// @dev Pushes the pool's price all the way, as a manipulator would.
    function _movePool(uint256 price) internal {
        trader.moveTo(price);
    }

    function _priceAt(uint160 sqrtPriceX96) internal view returns (uint256) {
        return LiquidityMath.toPrice(sqrtPriceX96, pair);
    }

    function _sorted() internal view returns (address token0, address token1) {
        return pair.baseIsToken0 ? (address(base), address(asset)) : (address(asset), address(base));
    }

    /// @dev The range of `halfWidth` ticks around a price, its ends on the pool's spacing.
    function _rangeAround(uint256 price, int24 halfWidth) internal view returns (int24 tickLower, int24 tickUpper) {
        int24 centre = _usableTick(_tickAt(LiquidityMath.toSqrtPriceX96(price, pair)));
        return (centre - _usableTick(halfWidth), centre + _usableTick(halfWidth));
    }

    function _usableTick(int24 tick) internal pure returns (int24) {
        int24 rest = ((tick % TICK_SPACING) + TICK_SPACING) % TICK_SPACING;
        return tick - rest;
    }

    /// @dev The greatest tick at or below a square-root price.
    function _tickAt(uint160 sqrtPriceX96) internal pure returns (int24) {
        (int24 low, int24 high) = (TickMath.MIN_TICK, TickMath.MAX_TICK);
        while (low < high) {
            int24 middle = low + (high - low + 1) / 2;
            if (TickMath.sqrtRatioAtTick(middle) <= sqrtPriceX96) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
