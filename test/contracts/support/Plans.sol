// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IHedgePolicy} from "../../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../../contracts/rebalance/IRebalancer.sol";
import {Regime} from "../../../contracts/regime/IRegimeOracle.sol";
import {ILiquidityAdapter} from "../../../contracts/venues/IVenueAdapter.sol";
import {LiquidityMath} from "../../../contracts/venues/uniswap-v3/LiquidityMath.sol";
import {TickMath} from "../../../contracts/venues/uniswap-v3/TickMath.sol";
import {World} from "./World.sol";
import {vm} from "./Vm.sol";

/// @title Plans from the policy's targets at the oracle's price, and who sends them
/// @dev Simple where src/plan/decide.ts is not: no band of inaction, no costs.
abstract contract Plans is World {
    bytes32 internal constant EVIDENCE = keccak256("evidence");

    uint256 private _lastNonce;

    /// @dev A plan of no targets, good from now for a day.
    function _emptyPlan() internal returns (IRebalancer.Plan memory plan) {
        plan.nonce = ++_lastNonce;
        plan.validAfter = uint64(vm.getBlockTimestamp());
        plan.validUntil = uint64(vm.getBlockTimestamp() + 1 days);
        plan.regime = oracle.regime();
        plan.fromPrice = _feedPrice();
        plan.toleranceBps = 100;
        plan.evidence = EVIDENCE;
    }

    function _targetPlan() internal returns (IRebalancer.Plan memory) {
        return _targetPlan(oracle.regime());
    }

    /// @dev What a regime's targets call for: liquidity around the price, and a short of a share of its base.
    function _targetPlan(Regime regime) internal returns (IRebalancer.Plan memory plan) {
        plan = _emptyPlan();
        plan.regime = regime;
        IHedgePolicy.Targets memory t = policy.targets(plan.regime);
        _addLiquidityTarget(plan, t.liquidityBps, int24(uint24(t.halfWidthTicks)));
        uint256 short = (_baseIn(plan.liquidity[0], plan.fromPrice) * t.hedgeRatioBps) / 10_000;
        _addPerpTarget(plan, -int256(short), (_notional(short, plan.fromPrice) * t.marginBps) / 10_000);
    }

    /// @dev Everything closed, all margin back.
    function _closingPlan() internal returns (IRebalancer.Plan memory plan) {
        plan = _liquidityPlan(0);
        _addPerpTarget(plan, 0, 0);
    }

    function _addLiquidityTarget(IRebalancer.Plan memory plan, uint32 shareBps, int24 halfWidth) internal view {
        (int24 lower, int24 upper) = _rangeAround(plan.fromPrice, halfWidth);
        plan.liquidity = new IRebalancer.LiquidityTarget[](1);
        plan.liquidity[0] = _liquidityNow();
        plan.liquidity[0].tickLower = lower;
        plan.liquidity[0].tickUpper = upper;
        plan.liquidity[0].shareBps = shareBps;
    }

    function _addPerpTarget(IRebalancer.Plan memory plan, int256 size, uint256 equity) internal view {
        plan.perps = new IRebalancer.PerpTarget[](1);
        plan.perps[0] = IRebalancer.PerpTarget(address(perpAdapter), size, equity, _perpSize());
    }

    /// @dev A target that leaves the range where it is.
    function _liquidityNow() internal view returns (IRebalancer.LiquidityTarget memory) {
        ILiquidityAdapter.LiquidityPosition memory p = liquidityAdapter.position();
        uint256 share = Math.mulDiv(liquidityAdapter.valueAt(_feedPrice()), 10_000, vault.navAt(_feedPrice()));
        return
            IRebalancer.LiquidityTarget(
                address(liquidityAdapter),
                p.tickLower,
                p.tickUpper,
                uint32(share),
                p.liquidity
            );
    }

    function _perpSize() internal view returns (int256) {
        return perpAdapter.position().size;
    }

    /// @dev How far two sizes are apart, in basis points of the larger, rounded up.
    function _drift(uint256 a, uint256 b) internal pure returns (uint256) {
        (uint256 less, uint256 more) = a < b ? (a, b) : (b, a);
        return Math.mulDiv(more - less, 10_000, more, Math.Rounding.Ceil);
    }

    /// @dev Base units worth of a size at a price, in asset units.
    function _notional(uint256 size, uint256 price) internal pure returns (uint256) {
        return Math.mulDiv(size, price, 1e30);
    }

    function _baseIn(IRebalancer.LiquidityTarget memory target, uint256 price) private view returns (uint256) {
        (uint160 lower, uint160 upper) = (
            TickMath.sqrtRatioAtTick(target.tickLower),
            TickMath.sqrtRatioAtTick(target.tickUpper)
        );
        uint256 value = (vault.navAt(price) * target.shareBps) / 10_000;
        (uint256 amount0, uint256 amount1) = LiquidityMath.amounts(
            LiquidityMath.toSqrtPriceX96(price, pair),
            lower,
            upper,
            LiquidityMath.liquidityForValue(value, price, lower, upper, pair),
            Math.Rounding.Floor
        );
        return pair.baseIsToken0 ? amount0 : amount1;
    }

    /// @dev Opens what the targets call for.
    function _openPositions() internal {
        _execute(_targetPlan());
    }

    function _execute(IRebalancer.Plan memory plan) internal {
        _viaSafe(address(rebalancer), abi.encodeCall(rebalancer.execute, (plan)));
    }

    function _refuse(IRebalancer.Plan memory plan, bytes memory reason) internal {
        _refuseViaSafe(address(rebalancer), abi.encodeCall(rebalancer.execute, (plan)), reason);
    }

    function _refuse(IRebalancer.Plan memory plan, bytes4 selector) internal {
        _refuseViaSafe(address(rebalancer), abi.encodeCall(rebalancer.execute, (plan)), selector);
    }

    function _deleverage(IRebalancer.Plan memory plan) internal {
        vm.prank(KEEPER);
        rebalancer.deleverage(plan);
    }

    function _refuseDeleverage(IRebalancer.Plan memory plan, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(KEEPER);
        rebalancer.deleverage(plan);
    }

    function _refuseDeleverage(IRebalancer.Plan memory plan, bytes4 selector) internal {
        vm.expectPartialRevert(selector);
        vm.prank(KEEPER);
        rebalancer.deleverage(plan);
    }

    function _measures() internal view returns (IHedgePolicy.Measures memory) {
        return rebalancer.measure(_feedPrice());
    }

    /// @dev A plan that moves liquidity to a share of net asset value where it is, and nothing else.
    function _liquidityPlan(uint32 shareBps) internal returns (IRebalancer.Plan memory plan) {
        plan = _emptyPlan();
        plan.liquidity = new IRebalancer.LiquidityTarget[](1);
        plan.liquidity[0] = _liquidityNow();
        plan.liquidity[0].shareBps = shareBps;
    }

    /// @dev A plan that moves the short to a size and its account to an equity, and nothing else.
    function _perpPlan(int256 size, uint256 equity) internal returns (IRebalancer.Plan memory plan) {
        plan = _emptyPlan();
        _addPerpTarget(plan, size, equity);
    }

    /// @dev The short's size changes, its margin does not.
    function _sizePlan(int256 size) internal returns (IRebalancer.Plan memory) {
        return _perpPlan(size, perpAdapter.valueAt(_feedPrice()));
    }
}
