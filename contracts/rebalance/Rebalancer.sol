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
/// LOSSES
/// Two leaky buckets. Plans of the Safe fill the one, up to a reserve that only derisk plans may fill, so that ordinary
/// plans cannot use up what a way out costs. The keeper fills the other, up to a reserve kept for times near
/// liquidation, so that neither its zeal nor its stolen key can take the Safe's room, or all of its own. What costs
/// nothing (burns, collects, margin) passes with any bucket full.
///
/// DEAD FEEDS
/// Without a price the Safe's plans do not run. The keeper's still do, by the venues' own books: shorts shrink, liquidity
/// is burned, nothing is sold and no margin is let out. The loss is taken at the venue's index, as a share of what is
/// known without a price (cash and the short), which is less than the net asset value: an error on the strict side.
/// The read of the price cannot be made to fail by sending little gas: what is left after a call starved of 63/64 would
/// not pay for a single step.
///
/// LOCK
/// While a plan runs the vault answers nobody but its adapters: what calls back from a venue finds no door open.
///
/// ROLES
/// Only the Safe executes (REBALANCE role, no delay: the review window is the guard's business). It cannot use a nonce
/// twice, act outside the plan's span of time, or leave the bands of the regime the chain sees.
/// The keeper deleverages (KEEPER role, no delay). It cannot add to any position, move a range, take margin from a venue
/// that would be more leveraged for it, act in Calm or Elevated away from liquidation, or use up a nonce of the Safe's.
///
/// ASSUMPTIONS
/// Adapters are those of the vault, added by its administrator, and do what their interface says.
contract Rebalancer is IRebalancer, AccessManaged, ReentrancyGuardTransient {
    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_TARGETS = 8;
    /// @dev Losing more than a tenth of net asset value by trading alone is no rebalancing.
    uint256 private constant MAX_LOSS_CAPACITY_BPS = 1_000;
    /// @dev Between these lie 6.25 % maintenance (16×, where Curie liquidates) and what no band should allow.
    uint256 private constant MIN_NEAR_LIQUIDATION_BPS = 50_000;
    uint256 private constant MAX_NEAR_LIQUIDATION_BPS = 160_000;
    /// @dev Sizes, ranges and liquidity do not depend on the price they are asked for at.
    uint256 private constant ANY_PRICE = 1e18;

    /// @param level Losses not yet drained, in basis points of net asset value × 1e18.
    /// @param updatedAt Seconds since 1970-01-01.
    struct Bucket {
        uint96 level;
        uint64 updatedAt;
        Budget budget;
    }

    /// @dev Base units (1e18) × price (1e18) to asset units: 10^(18 + base decimals − asset decimals).
    uint256 private immutable _valueScale;

    address public immutable override vault;
    address public immutable override policy;
    address public immutable override regimeOracle;
    uint256 public immutable override nearLiquidationBps;

    mapping(uint256 nonce => bool) public override used;
    mapping(uint256 nonce => bool) public override usedByKeeper;
    Bucket private _plansBucket;
    Bucket private _keeperBucket;

    constructor(
        address authority_,
        address vault_,
        address policy_,
        address regimeOracle_,
        Budget memory plans,
        Budget memory keeper,
        uint256 nearLiquidationBps_,
        uint8 baseDecimals,
        uint8 assetDecimals
    ) AccessManaged(authority_) {
        _requireBudget(plans);
        _requireBudget(keeper);
        if (nearLiquidationBps_ < MIN_NEAR_LIQUIDATION_BPS || nearLiquidationBps_ > MAX_NEAR_LIQUIDATION_BPS) {
            revert InvalidParameter("nearLiquidationBps", nearLiquidationBps_);
        }

        vault = vault_;
        policy = policy_;
        regimeOracle = regimeOracle_;
        _plansBucket.budget = plans;
        _keeperBucket.budget = keeper;
        nearLiquidationBps = nearLiquidationBps_;
        _valueScale = 10 ** (18 + uint256(baseDecimals) - assetDecimals);
    }

    /// @inheritdoc IRebalancer
    function execute(Plan calldata plan) external restricted nonReentrant {
        _requireValid(plan, used);
        used[plan.nonce] = true;
        IHedgeVault(vault).beginPlan();

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
        _spend(_plansBucket, plan.derisk, regime, _lossOf(navBefore, navAfter), navBefore);
        if (plan.derisk) _requireDerisked(before, afterwards);
        IHedgePolicy(policy).judge(regime, before, afterwards);

        emit PlanExecuted(plan.nonce, plan.evidence, regime, navBefore, navAfter, before, afterwards);
        IHedgeVault(vault).endPlan(_isAllClosed(heldAfter));
    }

    /// @inheritdoc IRebalancer
    function deleverage(Plan calldata plan) external restricted nonReentrant {
        _requireValid(plan, usedByKeeper);
        usedByKeeper[plan.nonce] = true;

        Regime regime = IRegimeOracle(regimeOracle).regime();
        bool near = _nearLiquidation(plan);
        if (regime < Regime.Stress && !near) revert DeleverageNotAllowed(regime);

        IHedgeVault(vault).beginPlan();
        try IPriceOracle(IHedgeVault(vault).priceOracle()).read() returns (IPriceOracle.Reading memory reading) {
            _deleverage(plan, reading.price, regime, near);
        } catch {
            _deleverageWithoutPrice(plan, regime, near);
        }

        uint256 cash = IHedgeVault(vault).cash();
        if (cash < plan.cashReserve) revert CashReserveMissed(cash, plan.cashReserve);
        IHedgeVault(vault).endPlan(false);
    }

    /// @inheritdoc IRebalancer
    function requireInsideBands() external view {
        uint256 price = IPriceOracle(IHedgeVault(vault).priceOracle()).read().price.mid;
        IHedgePolicy.Measures memory now_ = measure(price);
        // Unchanged, so that what is outside a band counts as it is.
        IHedgePolicy(policy).judge(IRegimeOracle(regimeOracle).regime(), now_, now_);
    }

    /// @inheritdoc IRebalancer
    function measure(uint256 price) public view returns (IHedgePolicy.Measures memory) {
        (uint256 nav, Exposure[] memory held) = _holdings(IHedgeVault(vault).adapters(), price);
        return _measure(held, price, nav);
    }

    /// @inheritdoc IRebalancer
    function lossBudget() external view returns (uint256 level, uint256 capacity) {
        return (_levelOf(_plansBucket), uint256(_plansBucket.budget.capacityBps) * 1e18);
    }

    /// @inheritdoc IRebalancer
    function deleverageBudget() external view returns (uint256 level, uint256 capacity) {
        return (_levelOf(_keeperBucket), uint256(_keeperBucket.budget.capacityBps) * 1e18);
    }

    /// @inheritdoc IRebalancer
    function budgets() external view returns (Budget memory plans, Budget memory keeper) {
        return (_plansBucket.budget, _keeperBucket.budget);
    }

    // ----------------------------------------------------------------------------------------------------- conditions

    function _requireBudget(Budget memory budget) private pure {
        if (budget.capacityBps == 0 || budget.capacityBps > MAX_LOSS_CAPACITY_BPS) {
            revert InvalidParameter("capacityBps", budget.capacityBps);
        }
        // A reserve of all would leave the ordinary use nothing; one of nothing would reserve nothing.
        if (budget.reserveBps == 0 || budget.reserveBps >= budget.capacityBps) {
            revert InvalidParameter("reserveBps", budget.reserveBps);
        }
        // Without a drain a full bucket stays full; one that empties within a day holds nothing back.
        if (budget.drainBpsPerDay == 0 || budget.drainBpsPerDay > budget.capacityBps) {
            revert InvalidParameter("drainBpsPerDay", budget.drainBpsPerDay);
        }
    }

    function _requireValid(Plan calldata plan, mapping(uint256 => bool) storage nonces) private view {
        if (nonces[plan.nonce]) revert PlanAlreadyExecuted(plan.nonce);
        if (block.timestamp < plan.validAfter) revert PlanNotYetValid(plan.validAfter);
        if (block.timestamp > plan.validUntil) revert PlanExpired(plan.validUntil);
        if (plan.evidence == bytes32(0)) revert EvidenceMissing();
        uint256 count = plan.liquidity.length + plan.perps.length;
        if (count > MAX_TARGETS) revert TooManyTargets(count);
    }

    /// @dev Targets were worked out for a state; after a fill, a liquidation or a jump they would misfire.
    function _requireUnmoved(Plan calldata plan, uint256 price) private view {
        _requireWithin(address(0), plan.fromPrice, price, plan.toleranceBps);
        _requirePositionsUnmoved(plan);
    }

    function _requirePositionsUnmoved(Plan calldata plan) private view {
        for (uint256 i; i < plan.liquidity.length; ++i) {
            LiquidityTarget calldata target = plan.liquidity[i];
            _requireKnown(target.adapter);
            uint128 liquidity = ILiquidityAdapter(target.adapter).position().liquidity;
            _requireWithin(target.adapter, target.fromLiquidity, liquidity, plan.toleranceBps);
        }
        for (uint256 i; i < plan.perps.length; ++i) {
            PerpTarget calldata target = plan.perps[i];
            _requireKnown(target.adapter);
            int256 size = _sizeOf(target.adapter);
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
    function _sizeOf(address adapter) private view returns (int256) {
        return IVenueAdapter(adapter).exposure(ANY_PRICE).deltaMin;
    }

    /// @dev By mark and by index: whoever moves the one has not moved the other. Only venues the plan names count.
    function _nearLiquidation(Plan calldata plan) private view returns (bool) {
        for (uint256 i; i < plan.perps.length; ++i) {
            address adapter = plan.perps[i].adapter;
            _requireKnown(adapter);
            IPerpAdapter.PerpPosition memory p = IPerpAdapter(adapter).position();
            int256 limit = int256(nearLiquidationBps);
            if (_leverageAt(adapter, p.markPrice) >= limit && _leverageAt(adapter, p.indexPrice) >= limit) return true;
        }
        return false;
    }

    function _leverageAt(address adapter, uint256 price) private view returns (int256) {
        Exposure memory e = IVenueAdapter(adapter).exposure(price);
        if (!e.margined) return 0;
        return _leverage(_value(e.gross, price), e.equity);
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
            int256 size = _sizeOf(target.adapter);
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

    // ----------------------------------------------------------------------------------------------- the keeper's steps

    function _deleverage(Plan calldata plan, Price memory price, Regime regime, bool near) private {
        _requireUnmoved(plan, price.mid);
        address[] memory adapters = IHedgeVault(vault).adapters();
        (uint256 navBefore, Exposure[] memory heldBefore) = _holdings(adapters, price.mid);
        IHedgePolicy.Measures memory before = _measure(heldBefore, price.mid, navBefore);

        _reduce(plan, price, navBefore);

        (uint256 navAfter, Exposure[] memory heldAfter) = _holdings(adapters, price.mid);
        IHedgePolicy.Measures memory afterwards = _measure(heldAfter, price.mid, navBefore);
        _requireCaps(adapters, navAfter, heldBefore, heldAfter);
        _spend(_keeperBucket, near, Regime.Stress, _lossOf(navBefore, navAfter), navBefore);
        _requireNoVenueRiskier(adapters, heldBefore, heldAfter);
        _requireReduced(before, afterwards, near);

        emit Deleveraged(plan.nonce, plan.evidence, regime, near, navBefore, navAfter, before, afterwards);
    }

    /// @dev Liquidity first: what it hands back may be the margin.
    function _reduce(Plan calldata plan, Price memory price, uint256 nav) private {
        for (uint256 i; i < plan.liquidity.length; ++i) {
            LiquidityTarget calldata target = plan.liquidity[i];
            ILiquidityAdapter.LiquidityPosition memory p = ILiquidityAdapter(target.adapter).position();
            bool sameRange = p.tickLower == target.tickLower && p.tickUpper == target.tickUpper;
            if (target.shareBps != 0 && !sameRange) revert NotReducing(target.adapter);
            uint256 value = (nav * target.shareBps) / BPS;
            ILiquidityAdapter(target.adapter).setLiquidity(target.tickLower, target.tickUpper, value, price);
            if (ILiquidityAdapter(target.adapter).position().liquidity > p.liquidity)
                revert NotReducing(target.adapter);
        }
        for (uint256 i; i < plan.perps.length; ++i) {
            PerpTarget calldata target = plan.perps[i];
            _requireNearerZero(target);
            IPerpAdapter(target.adapter).setPosition(target.size, target.equity, price);
        }
    }

    function _deleverageWithoutPrice(Plan calldata plan, Regime regime, bool near) private {
        _requirePositionsUnmoved(plan);
        uint256 value = IHedgeVault(vault).cash();

        bool reduced = _burn(plan);
        uint256 loss;
        for (uint256 i; i < plan.perps.length; ++i) {
            PerpTarget calldata target = plan.perps[i];
            // Counted twice, an account would make its loss look half as large.
            for (uint256 j; j < i; ++j) {
                if (plan.perps[j].adapter == target.adapter) revert RepeatedTarget(target.adapter);
            }
            (uint256 was, uint256 lost, bool shrank) = _reduceWithoutPrice(target, near);
            value += was;
            loss += lost;
            reduced = reduced || shrank;
        }
        if (!reduced) revert NothingReduced();
        _spend(_keeperBucket, near, Regime.Stress, loss, value);

        emit DeleveragedWithoutPrice(plan.nonce, plan.evidence, regime, near, loss, value);
    }

    function _burn(Plan calldata plan) private returns (bool burned) {
        for (uint256 i; i < plan.liquidity.length; ++i) {
            LiquidityTarget calldata target = plan.liquidity[i];
            if (target.shareBps != 0) revert PriceNeeded(target.adapter);
            burned = burned || ILiquidityAdapter(target.adapter).position().liquidity != 0;
            ILiquidityAdapter(target.adapter).burnLiquidity();
        }
    }

    /// @return value What the account was worth at the venue's index, in asset units.
    /// @return loss What it is worth less for the trade, at the same index.
    /// @return reduced Whether the position shrank by the policy's step, of itself, or got margin.
    function _reduceWithoutPrice(
        PerpTarget calldata target,
        bool near
    ) private returns (uint256 value, uint256 loss, bool reduced) {
        _requireNearerZero(target);
        if (target.equity != 0 && !near) revert PriceNeeded(target.adapter);
        uint256 index = IPerpAdapter(target.adapter).position().indexPrice;
        uint256 was = SignedMath.abs(_sizeOf(target.adapter));
        value = IVenueAdapter(target.adapter).valueAt(index);

        IPerpAdapter(target.adapter).reducePosition(target.size, target.equity);

        loss = Math.saturatingSub(value + target.equity, IVenueAdapter(target.adapter).valueAt(index));
        uint256 closed = was - SignedMath.abs(_sizeOf(target.adapter));
        bool aStep = closed != 0 && closed * BPS >= was * IHedgePolicy(policy).minStepBps();
        reduced = aStep || target.equity != 0;
    }

    function _requireNearerZero(PerpTarget calldata target) private view {
        int256 size = _sizeOf(target.adapter);
        bool nearer = size < 0 ? target.size >= size && target.size <= 0 : target.size <= size && target.size >= 0;
        if (!nearer) revert NotReducing(target.adapter);
    }

    /// @dev Exactly, where the measures are rounded; and for each venue, where they show the worst one.
    function _requireNoVenueRiskier(
        address[] memory adapters,
        Exposure[] memory was,
        Exposure[] memory is_
    ) private pure {
        for (uint256 i; i < adapters.length; ++i) {
            bool riskier = is_[i].gross > was[i].gross;
            if (is_[i].margined) riskier = riskier || is_[i].gross * was[i].equity > was[i].gross * is_[i].equity;
            if (riskier) revert NotReducing(adapters[i]);
        }
    }

    function _requireReduced(IHedgePolicy.Measures memory a, IHedgePolicy.Measures memory b, bool near) private view {
        IHedgePolicy.Bands memory stress = IHedgePolicy(policy).bands(Regime.Stress);
        int256 step = _minStep();
        if (a.grossBps - b.grossBps < step && a.leverageBps - b.leverageBps < step) revert NothingReduced();
        _requireNetDelta(a, b, stress);
        // Cash is what leavers are paid from: only a liquidation is dearer than keeping them waiting.
        if (!near && b.cashBps < a.cashBps && b.cashBps < int256(uint256(stress.cashMinBps))) {
            revert NotDerisking(IHedgePolicy.Measure.Cash, a.cashBps, b.cashBps);
        }
    }

    function _minStep() private view returns (int256) {
        return int256(IHedgePolicy(policy).minStepBps());
    }

    /// @dev Closing one leg of a hedged position raises the net delta: allowed as far as Stress allows it.
    function _requireNetDelta(
        IHedgePolicy.Measures memory a,
        IHedgePolicy.Measures memory b,
        IHedgePolicy.Bands memory stress
    ) private pure {
        uint256 was = Math.max(SignedMath.abs(a.netDeltaMinBps), SignedMath.abs(a.netDeltaMaxBps));
        uint256 is_ = Math.max(SignedMath.abs(b.netDeltaMinBps), SignedMath.abs(b.netDeltaMaxBps));
        if (is_ <= was) return;
        if (b.netDeltaMinBps < stress.netDeltaMinBps) {
            revert NotDerisking(IHedgePolicy.Measure.NetDeltaMin, a.netDeltaMinBps, b.netDeltaMinBps);
        }
        if (b.netDeltaMaxBps > stress.netDeltaMaxBps) {
            revert NotDerisking(IHedgePolicy.Measure.NetDeltaMax, a.netDeltaMaxBps, b.netDeltaMaxBps);
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

    function _isAllClosed(Exposure[] memory held) private pure returns (bool) {
        for (uint256 i; i < held.length; ++i) {
            if (held[i].gross != 0 || held[i].equity != 0) return false;
        }
        return true;
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
            // At a retired venue the same equity may not carry more risk either.
            bool grew = value > heldBefore[i].equity || (cap == 0 && heldAfter[i].gross > heldBefore[i].gross);
            if (value > cap && grew) revert IHedgeVault.AdapterCapExceeded(adapters[i], value, cap);
        }
    }

    function _lossOf(uint256 navBefore, uint256 navAfter) private pure returns (uint256) {
        return Math.saturatingSub(navBefore, navAfter);
    }

    function _levelOf(Bucket storage bucket) private view returns (uint256) {
        uint256 elapsed = block.timestamp - bucket.updatedAt;
        return Math.saturatingSub(bucket.level, (elapsed * bucket.budget.drainBpsPerDay * 1e18) / 1 days);
    }

    /// @dev One plan may lose little; many small losses must not add up either. The reserve is for what is urgent.
    function _spend(Bucket storage bucket, bool urgent, Regime regime, uint256 lost, uint256 of_) private {
        if (lost == 0) return;
        uint256 loss = Math.mulDiv(lost, BPS * 1e18, of_, Math.Rounding.Ceil);
        uint256 limit = uint256(IHedgePolicy(policy).bands(regime).lossMaxBps) * 1e18;
        if (loss > limit) revert ExecutionLoss(loss / 1e18, limit / 1e18);
        Budget memory budget = bucket.budget;
        uint256 capacity = urgent ? budget.capacityBps : budget.capacityBps - budget.reserveBps;
        uint256 level = _levelOf(bucket) + loss;
        if (level > capacity * 1e18) revert LossBudgetExceeded(level / 1e18, capacity);

        bucket.level = uint96(level);
        bucket.updatedAt = uint64(block.timestamp);
    }

    /// @dev The flag buys a shorter window, no veto, and the reserve of the bucket: it must be earned.
    function _requireDerisked(IHedgePolicy.Measures memory a, IHedgePolicy.Measures memory b) private view {
        if (b.grossBps > a.grossBps) revert NotDerisking(IHedgePolicy.Measure.Gross, a.grossBps, b.grossBps);
        if (b.leverageBps > a.leverageBps) {
            revert NotDerisking(IHedgePolicy.Measure.Leverage, a.leverageBps, b.leverageBps);
        }
        if (b.liquidityBps > a.liquidityBps) {
            revert NotDerisking(IHedgePolicy.Measure.Liquidity, a.liquidityBps, b.liquidityBps);
        }
        int256 step = _minStep();
        bool less = a.grossBps - b.grossBps >= step || a.leverageBps - b.leverageBps >= step;
        if (!less && a.liquidityBps - b.liquidityBps < step) revert NothingReduced();
        _requireNetDelta(a, b, IHedgePolicy(policy).bands(Regime.Stress));
    }
}
