// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IRegimeOracle, Regime} from "../regime/IRegimeOracle.sol";
import {IHedgeVault} from "../vault/IHedgeVault.sol";
import {IPriceOracle, Price} from "../vault/IPriceOracle.sol";
import {Exposure, ILiquidityAdapter, IPerpAdapter, IVenueAdapter} from "../venues/IVenueAdapter.sol";
import {IHedgePolicy} from "./IHedgePolicy.sol";
import {IRebalancer} from "./IRebalancer.sol";

/// @title Rebalancer: executes a plan of targets and has the policy judge the outcome
///
/// ORDER
/// Everything that frees cash comes first (buying back shorts, shrinking or moving liquidity), everything that needs it
/// second. All steps use one price reading, so that the loss measured is the loss of execution and nothing else.
///
/// OUTCOME
/// Afterwards: each venue within its cap, the loss within the regime's limit and the leaky bucket, the reserve still
/// there, and the policy's verdict. Any failure undoes the whole plan.
///
/// ROLES
/// Only the Safe executes (REBALANCE role, no delay: the review window is the guard's business). It cannot use a nonce
/// twice, act outside the plan's span of time, or leave the bands of the regime the chain sees.
///
/// ASSUMPTIONS
/// Adapters are those of the vault, added by its administrator, and do what their interface says.
contract Rebalancer is IRebalancer, AccessManaged, ReentrancyGuardTransient {
    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_TARGETS = 8;
    /// @dev Losing more than a tenth of net asset value by trading alone is no rebalancing.
    uint256 private constant MAX_LOSS_CAPACITY_BPS = 1_000;
    /// @dev Base units (1e18) × price (1e18) to asset units: 10^(18 + base decimals − asset decimals).
    uint256 private immutable _valueScale;

    address public immutable override vault;
    address public immutable override policy;
    address public immutable override regimeOracle;
    /// @notice Most loss the bucket holds, in basis points of net asset value.
    uint256 public immutable lossCapacityBps;
    /// @notice What drains out of the bucket in a day, in basis points of net asset value.
    uint256 public immutable lossDrainBpsPerDay;

    mapping(uint256 nonce => bool) public override used;
    uint256 private _lossLevel;
    uint256 private _lossUpdatedAt;

    constructor(
        address authority_,
        address vault_,
        address policy_,
        address regimeOracle_,
        uint256 lossCapacityBps_,
        uint256 lossDrainBpsPerDay_,
        uint8 baseDecimals,
        uint8 assetDecimals
    ) AccessManaged(authority_) {
        if (lossCapacityBps_ == 0 || lossCapacityBps_ > MAX_LOSS_CAPACITY_BPS) {
            revert InvalidParameter("lossCapacityBps", lossCapacityBps_);
        }
        // Without a drain a full bucket stays full; one that empties within a day holds nothing back.
        if (lossDrainBpsPerDay_ == 0 || lossDrainBpsPerDay_ > lossCapacityBps_) {
            revert InvalidParameter("lossDrainBpsPerDay", lossDrainBpsPerDay_);
        }

        vault = vault_;
        policy = policy_;
        regimeOracle = regimeOracle_;
        lossCapacityBps = lossCapacityBps_;
        lossDrainBpsPerDay = lossDrainBpsPerDay_;
        _valueScale = 10 ** (18 + uint256(baseDecimals) - assetDecimals);
    }

    /// @inheritdoc IRebalancer
    function execute(Plan calldata plan) external restricted nonReentrant {
        _requireValid(plan);
        used[plan.nonce] = true;

        Price memory price = IPriceOracle(IHedgeVault(vault).priceOracle()).read().price;
        _requireUnmoved(plan, price.mid);
        address[] memory adapters = IHedgeVault(vault).adapters();
        (uint256 navBefore, Exposure[] memory heldBefore) = _holdings(adapters, price.mid);
        IHedgePolicy.Measures memory before = _measure(heldBefore, price.mid, navBefore);

        _apply(plan, price, navBefore);

        (uint256 navAfter, Exposure[] memory heldAfter) = _holdings(adapters, price.mid);
        // Measured against the net asset value before: what trading cost is judged as a loss, and must not make what the
        // plan left alone look larger, or the smallest fee would forbid reducing one position without the others.
        IHedgePolicy.Measures memory afterwards = _measure(heldAfter, price.mid, navBefore);
        // The regime is a path: a plan made for a calmer one is judged by the one that came, never the other way round.
        Regime regime = _moreDefensive(plan.regime, IRegimeOracle(regimeOracle).regime());
        uint256 cash = IHedgeVault(vault).cash();
        if (cash < plan.cashReserve) revert CashReserveMissed(cash, plan.cashReserve);
        _requireCaps(adapters, navAfter, heldBefore, heldAfter);
        _spendLossBudget(regime, navBefore, navAfter);
        if (plan.derisk) _requireDerisked(before, afterwards);
        IHedgePolicy(policy).judge(regime, before, afterwards);

        emit PlanExecuted(plan.nonce, plan.evidence, regime, navBefore, navAfter, before, afterwards);
    }

    /// @inheritdoc IRebalancer
    function measure(uint256 price) external view returns (IHedgePolicy.Measures memory) {
        (uint256 nav, Exposure[] memory held) = _holdings(IHedgeVault(vault).adapters(), price);
        return _measure(held, price, nav);
    }

    /// @inheritdoc IRebalancer
    function lossBudget() public view returns (uint256 level, uint256 capacity) {
        uint256 drained = ((block.timestamp - _lossUpdatedAt) * lossDrainBpsPerDay * 1e18) / 1 days;
        level = _lossLevel > drained ? _lossLevel - drained : 0;
        capacity = lossCapacityBps * 1e18;
    }

    // ----------------------------------------------------------------------------------------------------- conditions

    function _requireValid(Plan calldata plan) private view {
        if (used[plan.nonce]) revert PlanAlreadyExecuted(plan.nonce);
        if (block.timestamp < plan.validAfter) revert PlanNotYetValid(plan.validAfter);
        if (block.timestamp > plan.validUntil) revert PlanExpired(plan.validUntil);
        if (plan.evidence == bytes32(0)) revert EvidenceMissing();
        uint256 count = plan.liquidity.length + plan.perps.length;
        if (count > MAX_TARGETS) revert TooManyTargets(count);
    }

    /// @dev Targets were worked out for a state; after a fill, a liquidation or a jump they would misfire.
    function _requireUnmoved(Plan calldata plan, uint256 price) private view {
        _requireWithin(address(0), plan.fromPrice, price, plan.toleranceBps);
        for (uint256 i; i < plan.liquidity.length; ++i) {
            LiquidityTarget calldata target = plan.liquidity[i];
            _requireKnown(target.adapter);
            uint128 liquidity = ILiquidityAdapter(target.adapter).position().liquidity;
            _requireWithin(target.adapter, target.fromLiquidity, liquidity, plan.toleranceBps);
        }
        for (uint256 i; i < plan.perps.length; ++i) {
            PerpTarget calldata target = plan.perps[i];
            _requireKnown(target.adapter);
            int256 size = _sizeOf(target.adapter, price);
            if ((size < 0) != (target.fromSize < 0) && size != target.fromSize) {
                revert MovedSincePlan(target.adapter, BPS, plan.toleranceBps);
            }
            _requireWithin(target.adapter, SignedMath.abs(target.fromSize), SignedMath.abs(size), plan.toleranceBps);
        }
    }

    function _requireWithin(address what, uint256 from, uint256 to, uint256 toleranceBps) private pure {
        uint256 larger = Math.max(from, to);
        if (larger == 0) return;
        uint256 drift = Math.mulDiv(larger - Math.min(from, to), BPS, larger, Math.Rounding.Ceil);
        if (drift > toleranceBps) revert MovedSincePlan(what, drift, toleranceBps);
    }

    /// @dev The position as exposure has it, pending orders unfilled: reading the whole position costs three times as much.
    function _sizeOf(address adapter, uint256 price) private view returns (int256) {
        return IVenueAdapter(adapter).exposure(price).deltaMin;
    }

    function _requireKnown(address adapter) private view {
        if (!IHedgeVault(vault).isAdapter(adapter)) revert UnknownAdapter(adapter);
    }

    // ---------------------------------------------------------------------------------------------------------- steps

    /// @dev Everything that hands cash back (shorts and liquidity that shrink) before everything that needs it. What
    /// shrinks is decided once, before the first step changes it.
    function _apply(Plan calldata plan, Price memory price, uint256 nav) private {
        uint256 count = plan.liquidity.length;
        bool[] memory shrinks = new bool[](count + plan.perps.length);
        for (uint256 i; i < count; ++i) {
            LiquidityTarget calldata target = plan.liquidity[i];
            shrinks[i] = (nav * target.shareBps) / BPS < IVenueAdapter(target.adapter).valueAt(price.mid);
        }
        for (uint256 i; i < plan.perps.length; ++i) {
            PerpTarget calldata target = plan.perps[i];
            int256 size = _sizeOf(target.adapter, price.mid);
            shrinks[count + i] = SignedMath.abs(target.size) < SignedMath.abs(size);
        }
        _step(plan, price, nav, shrinks, true);
        _step(plan, price, nav, shrinks, false);
    }

    function _step(Plan calldata plan, Price memory price, uint256 nav, bool[] memory shrinks, bool which) private {
        // Hedges before the liquidity they hedge.
        for (uint256 i; i < plan.perps.length; ++i) {
            PerpTarget calldata target = plan.perps[i];
            if (shrinks[plan.liquidity.length + i] != which) continue;
            IPerpAdapter(target.adapter).setPosition(target.size, target.equity, price);
        }
        for (uint256 i; i < plan.liquidity.length; ++i) {
            LiquidityTarget calldata target = plan.liquidity[i];
            if (shrinks[i] != which) continue;
            uint256 value = (nav * target.shareBps) / BPS;
            ILiquidityAdapter(target.adapter).setLiquidity(target.tickLower, target.tickUpper, value, price);
        }
    }

    // -------------------------------------------------------------------------------------------------------- outcome

    /// @dev Net asset value and what each adapter holds of it. Asking an adapter is the dear part, hence each is asked once;
    /// what its exposure calls equity is its value at that price.
    function _holdings(
        address[] memory adapters,
        uint256 price
    ) private view returns (uint256 nav, Exposure[] memory held) {
        held = new Exposure[](adapters.length);
        nav = IHedgeVault(vault).cash();
        for (uint256 i; i < adapters.length; ++i) {
            held[i] = IVenueAdapter(adapters[i]).exposure(price);
            nav += held[i].equity;
        }
    }

    /// @dev The measures of what is held and of the cash, as shares of `nav`.
    function _measure(
        Exposure[] memory held,
        uint256 price,
        uint256 nav
    ) private view returns (IHedgePolicy.Measures memory m) {
        if (nav == 0) return m;

        int256 deltaMin;
        int256 deltaMax;
        uint256 gross;
        for (uint256 i; i < held.length; ++i) {
            Exposure memory e = held[i];
            deltaMin += e.deltaMin;
            deltaMax += e.deltaMax;
            gross += e.gross;
            int256 share = _bps(e.equity, nav);
            if (share > m.concentrationBps) m.concentrationBps = share;
            if (e.margined) {
                int256 leverage = _leverage(_value(e.gross, price), e.equity);
                if (leverage > m.leverageBps) m.leverageBps = leverage;
            } else {
                m.liquidityBps += share;
            }
        }
        m.netDeltaMinBps = _signedBps(deltaMin, price, nav);
        m.netDeltaMaxBps = _signedBps(deltaMax, price, nav);
        m.grossBps = _bps(_value(gross, price), nav);
        m.cashBps = _bps(IHedgeVault(vault).cash(), nav);
    }

    function _value(uint256 base, uint256 price) private view returns (uint256) {
        return Math.mulDiv(base, price, _valueScale);
    }

    function _bps(uint256 value, uint256 nav) private pure returns (int256) {
        return int256(Math.mulDiv(value, BPS, nav));
    }

    function _signedBps(int256 delta, uint256 price, uint256 nav) private view returns (int256) {
        int256 magnitude = _bps(_value(SignedMath.abs(delta), price), nav);
        return delta < 0 ? -magnitude : magnitude;
    }

    /// @dev A position without equity is leverage beyond any limit.
    function _leverage(uint256 notional, uint256 equity) private pure returns (int256) {
        if (notional == 0) return 0;
        return equity == 0 ? type(int256).max : _bps(notional, equity);
    }

    function _moreDefensive(Regime a, Regime b) private pure returns (Regime) {
        return a > b ? a : b;
    }

    /// @dev A venue may be above its cap because prices moved; a plan may not add to it there.
    function _requireCaps(
        address[] memory adapters,
        uint256 nav,
        Exposure[] memory heldBefore,
        Exposure[] memory heldAfter
    ) private view {
        for (uint256 i; i < adapters.length; ++i) {
            (uint256 capAssets, uint256 capBps) = IHedgeVault(vault).capOf(adapters[i]);
            uint256 cap = Math.min(capAssets, (nav * capBps) / BPS);
            uint256 value = heldAfter[i].equity;
            if (value > cap && value > heldBefore[i].equity) {
                revert IHedgeVault.AdapterCapExceeded(adapters[i], value, cap);
            }
        }
    }

    /// @dev One plan may lose little; many small losses must not add up either.
    function _spendLossBudget(Regime regime, uint256 navBefore, uint256 navAfter) private {
        if (navAfter >= navBefore) return;
        uint256 loss = Math.mulDiv(navBefore - navAfter, BPS * 1e18, navBefore, Math.Rounding.Ceil);
        uint256 limit = uint256(IHedgePolicy(policy).bands(regime).lossMaxBps) * 1e18;
        if (loss > limit) revert ExecutionLoss(loss / 1e18, limit / 1e18);
        (uint256 level, uint256 capacity) = lossBudget();
        if (level + loss > capacity) revert LossBudgetExceeded((level + loss) / 1e18, lossCapacityBps);

        _lossLevel = level + loss;
        _lossUpdatedAt = block.timestamp;
    }

    function _requireDerisked(IHedgePolicy.Measures memory a, IHedgePolicy.Measures memory b) private pure {
        if (b.grossBps > a.grossBps) revert NotDerisking(IHedgePolicy.Measure.Gross, a.grossBps, b.grossBps);
        if (b.leverageBps > a.leverageBps) {
            revert NotDerisking(IHedgePolicy.Measure.Leverage, a.leverageBps, b.leverageBps);
        }
        if (b.liquidityBps > a.liquidityBps) {
            revert NotDerisking(IHedgePolicy.Measure.Liquidity, a.liquidityBps, b.liquidityBps);
        }
    }
}
