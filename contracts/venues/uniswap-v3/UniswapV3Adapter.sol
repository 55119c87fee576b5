// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Price} from "../../vault/IPriceOracle.sol";
import {IHedgeVault} from "../../vault/IHedgeVault.sol";
import {Exposure, ILiquidityAdapter, IVenueAdapter} from "../IVenueAdapter.sol";
import {SliceBook} from "../SliceBook.sol";
import {INonfungiblePositionManager, IUniswapV3Factory, IUniswapV3Pool, IUniswapV3SwapCallback} from "./IUniswapV3.sol";
import {LiquidityMath, Pair} from "./LiquidityMath.sol";
import {TickMath} from "./TickMath.sol";

/// @title One concentrated-liquidity position on Uniswap v3
/// @dev VALUE: everything is valued at the oracle's price. The pool's own price serves the gate, the amounts a mint takes,
/// and nothing else.
///
/// BOOKS: only what the adapter itself collected, swapped or minted counts. Tokens sent to it, and liquidity that others
/// add to its NFT, are never counted and never paid out; what is left in an NFT after its own part is withdrawn stays
/// there.
///
/// GATE: buying, selling and minting happen only while the pool's price is within `gateBps` of the oracle's, and a trade
/// stops at the gate's edge. Withdrawing liquidity and collecting never look at the pool's price, so the exit is always
/// open: base tokens that cannot be sold are kept as `idleBase` until they can. This is why no minimum amounts are given
/// to the position manager.
///
/// CASH: between calls the adapter holds no asset: what is missing is drawn from the vault when it is due, and what is
/// left over goes back in the same call.
///
/// SWAPS go to the pool itself and not through a router: the cost of a trade is known, and drawn, only in the pool's
/// callback, so the vault never has to part with more than is due.
///
/// FORCED EXIT burns a share of the liquidity and pays it out as it is, with that share of the fees and of the idle base:
/// no trade, so no price to be gated. At whatever price the pool was pushed to, a burned slice is worth at least what it
/// would be at the true one (its value is concave), and what stays is untouched.
contract UniswapV3Adapter is SliceBook, ILiquidityAdapter, IUniswapV3SwapCallback, AccessManaged {
    using SafeERC20 for IERC20;

    /// @notice The caller is not the pool.
    error NotThePool(address caller);
    /// @notice No pool of the two tokens has that fee.
    error NoSuchPool(address base, address asset, uint24 fee);
    /// @notice A constructor argument is outside its bounds.
    error InvalidParameter(bytes32 name, uint256 value);

    /// @dev What is here whatever the price.
    /// @param base Idle base and uncollected fees in base.
    /// @param asset Uncollected fees in asset.
    struct Holding {
        uint256 base;
        uint256 asset;
        uint128 liquidity;
        uint160 sqrtLower;
        uint160 sqrtUpper;
    }

    uint256 private constant BPS = 10_000;
    /// @dev Idle base worth less than this share of the position is not worth the gas of selling it.
    uint256 private constant DUST_BPS = 1;

    /// @notice The vault's asset.
    IERC20 public immutable asset;
    /// @notice The token traded against it.
    IERC20 public immutable base;
    /// @notice The pool.
    IUniswapV3Pool public immutable pool;
    /// @notice The manager of the position's NFT.
    INonfungiblePositionManager public immutable positionManager;
    /// @notice The pool's fee, in hundredths of a basis point.
    uint24 public immutable fee;
    /// @notice How far the pool's price may be from the oracle's, in basis points of it.
    uint256 public immutable gateBps;
    /// @notice Assumed cost of selling the base part, in basis points of it.
    uint256 public immutable unwindCostBps;

    uint256 private immutable ASSET_UNIT;
    uint256 private immutable BASE_SCALE;
    bool private immutable BASE_IS_TOKEN0;

    /// @dev Token id, range and liquidity share one slot: every valuation reads them.
    uint80 private _tokenId;
    int24 private _tickLower;
    int24 private _tickUpper;
    uint128 private _liquidity;
    uint256 private _idleBase;
    /// @dev Asset received or drawn in this call and not yet spent or handed back.
    uint256 private transient _assetInHand;

    /// @param authority_ AccessManager; whoever may call setLiquidity is set there.
    /// @param vault_ The vault (ERC-4626: its asset is read here).
    /// @param base_ The base token.
    /// @param positionManager_ Uniswap's NonfungiblePositionManager; the pool is found through its factory.
    /// @param fee_ The pool's fee, in hundredths of a basis point.
    /// @param gateBps_ Greatest distance of pool and oracle price, in basis points.
    /// @param unwindCostBps_ Assumed cost of selling the base part, in basis points.
    constructor(
        address authority_,
        address vault_,
        address base_,
        address positionManager_,
        uint24 fee_,
        uint256 gateBps_,
        uint256 unwindCostBps_
    ) SliceBook(vault_) AccessManaged(authority_) {
        address asset_ = IERC4626(vault_).asset();
        address pool_ = IUniswapV3Factory(INonfungiblePositionManager(positionManager_).factory()).getPool(
            base_,
            asset_,
            fee_
        );
        if (pool_ == address(0)) revert NoSuchPool(base_, asset_, fee_);
        if (gateBps_ == 0 || gateBps_ >= BPS) revert InvalidParameter("gateBps", gateBps_);
        if (unwindCostBps_ >= BPS) revert InvalidParameter("unwindCostBps", unwindCostBps_);

        asset = IERC20(asset_);
        base = IERC20(base_);
        pool = IUniswapV3Pool(pool_);
        positionManager = INonfungiblePositionManager(positionManager_);
        fee = fee_;
        gateBps = gateBps_;
        unwindCostBps = unwindCostBps_;
        ASSET_UNIT = 10 ** IERC20Metadata(asset_).decimals();
        BASE_SCALE = 1e18 * 10 ** IERC20Metadata(base_).decimals();
        BASE_IS_TOKEN0 = base_ < asset_;

        // Unlimited, once: the position manager has no owner, cannot change, and takes tokens only from its own caller
        // during that caller's mint or increase; the vault takes only what `restore` is called with. Between calls the
        // adapter holds nothing but idle base.
        IERC20(asset_).forceApprove(positionManager_, type(uint256).max);
        IERC20(base_).forceApprove(positionManager_, type(uint256).max);
        IERC20(asset_).forceApprove(vault_, type(uint256).max);
    }

    /// @inheritdoc ILiquidityAdapter
    function setLiquidity(int24 tickLower, int24 tickUpper, uint256 value, Price calldata price) external restricted {
        _requireNothingAside();
        uint128 target = value == 0 ? 0 : _targetLiquidity(tickLower, tickUpper, value, price.mid);

        bool sameRange = _tokenId != 0 && target != 0 && tickLower == _tickLower && tickUpper == _tickUpper;
        if (_tokenId != 0) {
            _withdraw(
                sameRange && target < _liquidity
                    ? _liquidity - target
                    : sameRange
                        ? 0
                        : _liquidity
            );
            if (!sameRange) _retire();
        }
        if (target > _liquidity) _deposit(tickLower, tickUpper, target - _liquidity, price.mid);
        _sellIdleBase(value, price.mid);
        _handBack();

        emit LiquiditySet(_tokenId, _tickLower, _tickUpper, _liquidity);
    }

    /// @inheritdoc ILiquidityAdapter
    function burnLiquidity() external restricted {
        _requireNothingAside();
        if (_tokenId != 0) {
            _withdraw(_liquidity);
            _retire();
        }
        _handBack();

        emit LiquiditySet(0, 0, 0, 0);
    }

    /// @inheritdoc IVenueAdapter
    /// @dev Nothing is traded here, so every price is as good.
    function unwind(uint256 units, bool) external onlyVault returns (address, uint256 baseOut) {
        uint256 total = _takeUnits(units);
        baseOut = Math.mulDiv(_idleBase, units, total);
        _idleBase -= baseOut;
        (uint256 baseIn, uint256 assetOut) = _withdrawShare(units, total);
        baseOut += baseIn;

        emit Unwound(units, assetOut, baseOut);
        base.safeTransfer(vault, baseOut);
        asset.safeTransfer(vault, assetOut);
        return (address(base), baseOut);
    }

    /// @inheritdoc IUniswapV3SwapCallback
    /// @dev The pool calls the one who trades, and nobody else, so its address is proof enough.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        if (msg.sender != address(pool)) revert NotThePool(msg.sender);

        (int256 baseDue, int256 assetDue) = BASE_IS_TOKEN0
            ? (amount0Delta, amount1Delta)
            : (amount1Delta, amount0Delta);
        if (baseDue > 0) base.safeTransfer(msg.sender, uint256(baseDue));
        if (assetDue > 0) {
            _drawUpTo(uint256(assetDue));
            asset.safeTransfer(msg.sender, uint256(assetDue));
        }
    }

    /// @inheritdoc IVenueAdapter
    function valuation(Price calldata price) external view returns (uint256 low, uint256 high) {
        Holding memory held = _holding();
        low = _own(_value(held, price.low, unwindCostBps), Math.Rounding.Floor);
        high = _own(_value(held, price.high, 0), Math.Rounding.Ceil);
    }

    /// @inheritdoc IVenueAdapter
    function valueAt(uint256 price) external view returns (uint256) {
        return _own(_value(_holding(), price, 0), Math.Rounding.Floor);
    }

    /// @inheritdoc IVenueAdapter
    function exposure(uint256 price) external view returns (Exposure memory) {
        (uint256 baseHeld, uint256 assetHeld) = _amountsAt(_holding(), price);
        uint256 ownBase = _own(baseHeld, Math.Rounding.Ceil);
        int256 delta = SafeCast.toInt256(ownBase);
        uint256 worth = assetHeld + LiquidityMath.baseValue(baseHeld, price, _pair());
        return
            Exposure({
                deltaMin: delta,
                deltaMax: delta,
                gross: ownBase,
                equity: _own(worth, Math.Rounding.Floor),
                margined: false
            });
    }

    /// @inheritdoc ILiquidityAdapter
    function position() external view returns (LiquidityPosition memory) {
        IUniswapV3Pool.Slot0 memory slot0 = pool.slot0();
        (uint256 feesBase, uint256 feesAsset) = _pendingFees(slot0.tick);
        return
            LiquidityPosition({
                tokenId: _tokenId,
                tickLower: _tickLower,
                tickUpper: _tickUpper,
                liquidity: _liquidity,
                feesBase: feesBase,
                feesAsset: feesAsset,
                idleBase: _idleBase,
                sqrtPriceX96: slot0.sqrtPriceX96,
                tick: slot0.tick
            });
    }

    /// @dev Takes liquidity away and collects everything; fees are what comes beyond the liquidity's own tokens.
    function _withdraw(uint128 liquidity) private {
        uint256 principal0;
        uint256 principal1;
        if (liquidity != 0) {
            _liquidity -= liquidity;
            (principal0, principal1) = positionManager.decreaseLiquidity(
                INonfungiblePositionManager.DecreaseLiquidityParams(_tokenId, liquidity, 0, 0, block.timestamp)
            );
        }
        (uint256 amount0, uint256 amount1) = positionManager.collect(
            INonfungiblePositionManager.CollectParams(_tokenId, address(this), type(uint128).max, type(uint128).max)
        );
        // Several positions of the manager share one in the pool, so a payment may fall short by a unit of rounding.
        (uint256 feesBase, uint256 feesAsset) = _baseFirst(
            Math.saturatingSub(amount0, principal0),
            Math.saturatingSub(amount1, principal1)
        );
        (uint256 baseIn, uint256 assetIn) = _baseFirst(amount0, amount1);
        _idleBase += baseIn;
        _assetInHand += assetIn;

        if (feesBase != 0 || feesAsset != 0) emit FeesCollected(feesBase, feesAsset);
    }

    /// @dev Takes `units` / `total` of the liquidity and of the fees out; the other fees wait in the NFT as before.
    function _withdrawShare(uint256 units, uint256 total) private returns (uint256 baseOut, uint256 assetOut) {
        uint128 part = uint128(Math.mulDiv(_liquidity, units, total));
        if (part == 0) return (0, 0);

        _liquidity -= part;
        (uint256 amount0, uint256 amount1) = positionManager.decreaseLiquidity(
            INonfungiblePositionManager.DecreaseLiquidityParams(_tokenId, part, 0, 0, block.timestamp)
        );
        // What waits now is that and all fees so far.
        INonfungiblePositionManager.PositionData memory data = positionManager.positions(_tokenId);
        amount0 += Math.mulDiv(Math.saturatingSub(data.tokensOwed0, amount0), units, total);
        amount1 += Math.mulDiv(Math.saturatingSub(data.tokensOwed1, amount1), units, total);
        if (amount0 == 0 && amount1 == 0) return (0, 0);
        (amount0, amount1) = positionManager.collect(
            INonfungiblePositionManager.CollectParams(
                _tokenId,
                address(this),
                SafeCast.toUint128(amount0),
                SafeCast.toUint128(amount1)
            )
        );
        return _baseFirst(amount0, amount1);
    }

    /// @dev Ends the NFT after its booked liquidity was withdrawn. With liquidity of others inside it cannot be burned.
    function _retire() private {
        uint256 tokenId = _tokenId;
        _tokenId = 0;
        _tickLower = 0;
        _tickUpper = 0;
        if (positionManager.positions(tokenId).liquidity == 0) positionManager.burn(tokenId);
    }

    /// @dev Adds liquidity, in the present range or a new one.
    function _deposit(int24 tickLower, int24 tickUpper, uint128 liquidity, uint256 mid) private {
        (uint160 sqrtPrice, uint160 floor, uint160 ceiling) = _gate(mid);
        if (sqrtPrice < floor || sqrtPrice > ceiling) _revertOutsideGate(sqrtPrice, mid);

        (uint256 baseNeed, uint256 assetNeed) = _provideBase(tickLower, tickUpper, liquidity, mid);
        _drawUpTo(assetNeed);

        (uint256 desired0, uint256 desired1) = BASE_IS_TOKEN0 ? (baseNeed, assetNeed) : (assetNeed, baseNeed);
        (uint256 amount0, uint256 amount1) = _tokenId == 0
            ? _mint(tickLower, tickUpper, desired0, desired1)
            : _increase(desired0, desired1);
        (uint256 baseSpent, uint256 assetSpent) = _baseFirst(amount0, amount1);
        _idleBase -= baseSpent;
        _assetInHand -= assetSpent;
    }

    function _mint(
        int24 tickLower,
        int24 tickUpper,
        uint256 desired0,
        uint256 desired1
    ) private returns (uint256 amount0, uint256 amount1) {
        _tickLower = tickLower;
        _tickUpper = tickUpper;
        uint256 tokenId;
        (tokenId, _liquidity, amount0, amount1) = positionManager.mint(
            INonfungiblePositionManager.MintParams({
                token0: BASE_IS_TOKEN0 ? address(base) : address(asset),
                token1: BASE_IS_TOKEN0 ? address(asset) : address(base),
                fee: fee,
                tickLower: tickLower,
                tickUpper: tickUpper,
                amount0Desired: desired0,
                amount1Desired: desired1,
                amount0Min: 0,
                amount1Min: 0,
                recipient: address(this),
                deadline: block.timestamp
            })
        );
        _tokenId = SafeCast.toUint80(tokenId);
    }

    function _increase(uint256 desired0, uint256 desired1) private returns (uint256 amount0, uint256 amount1) {
        uint128 added;
        (added, amount0, amount1) = positionManager.increaseLiquidity(
            INonfungiblePositionManager.IncreaseLiquidityParams(_tokenId, desired0, desired1, 0, 0, block.timestamp)
        );
        _liquidity += added;
    }

    /// @dev Trades until the base for the liquidity is at hand; returns what the mint then takes at the pool's price.
    /// While the price is in the range, each unit of base bought from pool liquidity Lp also lowers the need by L / Lp
    /// units, so Lp / (Lp + L) of the gap closes it. Where that is not exact (ticks crossed on the way, a price that
    /// enters the range) a second trade buys what is still missing: buying can only lower the need further.
    function _provideBase(
        int24 tickLower,
        int24 tickUpper,
        uint128 liquidity,
        uint256 mid
    ) private returns (uint256 baseNeed, uint256 assetNeed) {
        bool inRange;
        (baseNeed, assetNeed, inRange) = _need(tickLower, tickUpper, liquidity);
        uint256 poolLiquidity = pool.liquidity();
        uint256 gap = baseNeed > _idleBase ? baseNeed - _idleBase : _idleBase - baseNeed;
        if (inRange) gap = Math.mulDiv(gap, poolLiquidity, poolLiquidity + liquidity);
        if (baseNeed > _idleBase) _buyBase(gap, mid);
        else _sellBase(gap, mid);

        (baseNeed, assetNeed, ) = _need(tickLower, tickUpper, liquidity);
        if (baseNeed > _idleBase) {
            _buyBase(baseNeed - _idleBase, mid);
            (baseNeed, assetNeed, ) = _need(tickLower, tickUpper, liquidity);
        }
    }

    /// @dev Buys exactly `amount` base, or reverts when that would push the pool through the gate.
    function _buyBase(uint256 amount, uint256 mid) private {
        if (amount == 0) return;
        (uint160 sqrtPrice, uint160 floor, uint160 ceiling) = _gate(mid);
        uint160 limit = BASE_IS_TOKEN0 ? ceiling : floor;
        if (sqrtPrice == limit) _revertOutsideGate(sqrtPrice, mid);
        uint256 bought = _swap(!BASE_IS_TOKEN0, -SafeCast.toInt256(amount), limit);
        if (bought < amount) _revertOutsideGate(limit, mid);
    }

    /// @dev Sells up to `amount` base, as far as the gate allows, perhaps nothing: an exit must not revert here.
    function _sellBase(uint256 amount, uint256 mid) private {
        if (amount == 0) return;
        (uint160 sqrtPrice, uint160 floor, uint160 ceiling) = _gate(mid);
        uint160 limit = BASE_IS_TOKEN0 ? floor : ceiling;
        if (sqrtPrice < floor || sqrtPrice > ceiling || sqrtPrice == limit) return;
        _swap(BASE_IS_TOKEN0, SafeCast.toInt256(amount), limit);
    }

    function _sellIdleBase(uint256 value, uint256 mid) private {
        uint256 worth = LiquidityMath.baseValue(_idleBase, mid, _pair());
        if (worth * BPS > value * DUST_BPS || value == 0) _sellBase(_idleBase, mid);
    }

    /// @return baseAmount Absolute base amount traded.
    function _swap(bool zeroForOne, int256 amountSpecified, uint160 limit) private returns (uint256 baseAmount) {
        (int256 amount0, int256 amount1) = pool.swap(address(this), zeroForOne, amountSpecified, limit, "");
        (int256 baseOut, int256 assetOut) = BASE_IS_TOKEN0 ? (amount0, amount1) : (amount1, amount0);
        _idleBase = SafeCast.toUint256(SafeCast.toInt256(_idleBase) - baseOut);
        _assetInHand = SafeCast.toUint256(SafeCast.toInt256(_assetInHand) - assetOut);
        emit Swapped(-baseOut, -assetOut);
        return SafeCast.toUint256(baseOut < 0 ? -baseOut : baseOut);
    }

    /// @dev Draws what is missing for a payment.
    function _drawUpTo(uint256 amount) private {
        if (amount <= _assetInHand) return;
        uint256 missing = amount - _assetInHand;
        _assetInHand = amount;
        IHedgeVault(vault).draw(missing);
    }

    function _handBack() private {
        uint256 amount = _assetInHand;
        if (amount == 0) return;
        _assetInHand = 0;
        IHedgeVault(vault).restore(amount);
    }

    function _targetLiquidity(
        int24 tickLower,
        int24 tickUpper,
        uint256 value,
        uint256 mid
    ) private view returns (uint128) {
        int24 spacing = pool.tickSpacing();
        bool ordered = tickLower < tickUpper && tickLower >= TickMath.MIN_TICK && tickUpper <= TickMath.MAX_TICK;
        if (!ordered || tickLower % spacing != 0 || tickUpper % spacing != 0) revert InvalidRange(tickLower, tickUpper);
        return
            LiquidityMath.liquidityForValue(
                value,
                mid,
                TickMath.sqrtRatioAtTick(tickLower),
                TickMath.sqrtRatioAtTick(tickUpper),
                _pair()
            );
    }

    /// @dev What minting takes at the pool's own price, rounded up, and whether that price is in the range.
    function _need(
        int24 tickLower,
        int24 tickUpper,
        uint128 liquidity
    ) private view returns (uint256 baseNeed, uint256 assetNeed, bool inRange) {
        uint160 sqrtPrice = pool.slot0().sqrtPriceX96;
        uint160 sqrtLower = TickMath.sqrtRatioAtTick(tickLower);
        uint160 sqrtUpper = TickMath.sqrtRatioAtTick(tickUpper);
        (uint256 amount0, uint256 amount1) = LiquidityMath.amounts(
            sqrtPrice,
            sqrtLower,
            sqrtUpper,
            liquidity,
            Math.Rounding.Ceil
        );
        (baseNeed, assetNeed) = _baseFirst(amount0, amount1);
        inRange = sqrtPrice > sqrtLower && sqrtPrice < sqrtUpper;
    }

    /// @dev Bounds are compared as square-root prices: exact, and no pool price can make the comparison revert.
    function _gate(uint256 mid) private view returns (uint160 sqrtPrice, uint160 floor, uint160 ceiling) {
        sqrtPrice = pool.slot0().sqrtPriceX96;
        floor = LiquidityMath.toSqrtPriceX96((mid * (BPS - gateBps)) / BPS, _pair());
        ceiling = LiquidityMath.toSqrtPriceX96((mid * (BPS + gateBps)) / BPS, _pair());
        if (floor > ceiling) (floor, ceiling) = (ceiling, floor);
    }

    function _revertOutsideGate(uint160 sqrtPrice, uint256 mid) private view {
        revert PoolPriceOutsideGate(LiquidityMath.toPrice(sqrtPrice, _pair()), mid, gateBps);
    }

    /// @dev Value at a price, less a cost on the base part.
    function _value(Holding memory held, uint256 price, uint256 costBps) private view returns (uint256) {
        (uint256 baseHeld, uint256 assetHeld) = _amountsAt(held, price);
        return assetHeld + (LiquidityMath.baseValue(baseHeld, price, _pair()) * (BPS - costBps)) / BPS;
    }

    /// @dev Base and asset at a price: in the position, in its fees, and idle.
    function _amountsAt(Holding memory held, uint256 price) private view returns (uint256 baseHeld, uint256 assetHeld) {
        if (held.liquidity == 0) return (held.base, held.asset);

        (uint256 amount0, uint256 amount1) = LiquidityMath.amounts(
            LiquidityMath.toSqrtPriceX96(price, _pair()),
            held.sqrtLower,
            held.sqrtUpper,
            held.liquidity,
            Math.Rounding.Floor
        );
        (baseHeld, assetHeld) = _baseFirst(amount0, amount1);
        baseHeld += held.base;
        assetHeld += held.asset;
    }

    function _holding() private view returns (Holding memory held) {
        held.base = _idleBase;
        if (_tokenId == 0) return held;

        (uint256 feesBase, uint256 feesAsset) = _pendingFees(pool.slot0().tick);
        held.base += feesBase;
        held.asset = feesAsset;
        held.liquidity = _liquidity;
        held.sqrtLower = TickMath.sqrtRatioAtTick(_tickLower);
        held.sqrtUpper = TickMath.sqrtRatioAtTick(_tickUpper);
    }

    /// @dev What `collect` would pay now without taking liquidity away. Fee growth only ever adds up fees that were paid, so
    /// moving the pool's price does not change it.
    function _pendingFees(int24 tick) private view returns (uint256 feesBase, uint256 feesAsset) {
        if (_tokenId == 0) return (0, 0);
        INonfungiblePositionManager.PositionData memory data = positionManager.positions(_tokenId);
        IUniswapV3Pool.TickInfo memory lower = pool.ticks(_tickLower);
        IUniswapV3Pool.TickInfo memory upper = pool.ticks(_tickUpper);
        uint256 inside0 = _growthInside(
            tick,
            pool.feeGrowthGlobal0X128(),
            lower.feeGrowthOutside0X128,
            upper.feeGrowthOutside0X128
        );
        uint256 inside1 = _growthInside(
            tick,
            pool.feeGrowthGlobal1X128(),
            lower.feeGrowthOutside1X128,
            upper.feeGrowthOutside1X128
        );
        unchecked {
            // Growth is counted modulo 2^256 (v3-core, Position.update).
            inside0 -= data.feeGrowthInside0LastX128;
            inside1 -= data.feeGrowthInside1LastX128;
        }
        return
            _baseFirst(
                data.tokensOwed0 + Math.mulDiv(inside0, data.liquidity, 1 << 128),
                data.tokensOwed1 + Math.mulDiv(inside1, data.liquidity, 1 << 128)
            );
    }

    /// @dev v3-core, Tick.getFeeGrowthInside.
    function _growthInside(
        int24 tick,
        uint256 global,
        uint256 outsideLower,
        uint256 outsideUpper
    ) private view returns (uint256) {
        unchecked {
            uint256 below = tick >= _tickLower ? outsideLower : global - outsideLower;
            uint256 above = tick < _tickUpper ? outsideUpper : global - outsideUpper;
            return global - below - above;
        }
    }

    function _baseFirst(uint256 amount0, uint256 amount1) private view returns (uint256, uint256) {
        return BASE_IS_TOKEN0 ? (amount0, amount1) : (amount1, amount0);
    }

    function _pair() private view returns (Pair memory) {
        return Pair(ASSET_UNIT, BASE_SCALE, BASE_IS_TOKEN0);
    }
}
