// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {Plans} from "./support/Plans.sol";
import {vm} from "./support/Vm.sol";

/// @title Plans the Safe executes from open positions, derisk plans among them
contract RebalancerRebalanceTest is Plans {
    function setUp() public {
        _bringUp(false);
        _openPositions();
    }

    // ---- the fingerprint ----

    function testFuzzALiquidityThatMovedBeyondTheTolerance(uint256 from) public {
        IRebalancer.Plan memory plan = _liquidityPlan(5_900);
        uint256 is_ = plan.liquidity[0].fromLiquidity;
        from = bound(from, is_ / 2, is_ * 2);
        plan.liquidity[0].fromLiquidity = uint128(from);
        uint256 drift = _drift(from, is_);
        if (drift <= 100) _execute(plan);
        else _refuse(plan, _moved(address(liquidityAdapter), drift));
    }

    function testAShortThatMovedTurnedOrIsGone() public {
        IRebalancer.Plan memory plan = _sizePlan(_perpSize() / 2);
        int256 is_ = _perpSize();
        plan.perps[0].fromSize = (is_ * 98) / 100;
        _refuse(plan, _moved(address(perpAdapter), _drift(uint256(-plan.perps[0].fromSize), uint256(-is_))));
        plan.perps[0].fromSize = (is_ * 102) / 100;
        _refuse(plan, _moved(address(perpAdapter), _drift(uint256(-plan.perps[0].fromSize), uint256(-is_))));
        plan.perps[0].fromSize = -is_;
        _refuse(plan, _moved(address(perpAdapter), 10_000));
        plan.perps[0].fromSize = 0;
        _refuse(plan, _moved(address(perpAdapter), 10_000));
    }

    function testAShortThatWasNotThere() public {
        _execute(_closingPlan());
        IRebalancer.Plan memory plan = _perpPlan(-1e18, 3_000e6);
        plan.perps[0].fromSize = -1;
        _refuse(plan, _moved(address(perpAdapter), 10_000));
    }

    // ---- moving ----

    function testFuzzFollowsTheMarketInOnePlan(uint256 price) public {
        price = bound(price, 1_850e18, 2_150e18);
        _marketAt(price, 1 hours);
        IRebalancer.Plan memory plan = _targetPlan();
        _execute(plan);
        require(isNear(uint256(-_perpSize()), uint256(-plan.perps[0].size), 10), "short");
        require(_measures().liquidityBps > 5_980 && _measures().liquidityBps < 6_020, "liquidity");
        require(asset.balanceOf(address(vault)) == vault.cash(), "cash");
    }

    function testFreesCashBeforeItIsNeeded() public {
        // With all the rest of the cash at Curie, liquidity can only grow with what the short hands back.
        uint256 equity = perpAdapter.valueAt(OPENING_PRICE);
        uint256 all = vault.cash();
        _execute(_perpPlan(_perpSize(), equity + all - 300_000e6));
        IRebalancer.Plan memory plan = _liquidityPlan(6_900);
        _addPerpTarget(plan, (_perpSize() * 99) / 100, equity);
        _execute(plan);
        require(_measures().liquidityBps > 6_850, "liquidity");
    }

    function testLiquidityThatShrinksPaysForTheShortThatGrows() public {
        uint256 equity = perpAdapter.valueAt(OPENING_PRICE);
        _execute(_perpPlan(_perpSize(), equity + vault.cash() - 300_000e6));
        IRebalancer.Plan memory plan = _liquidityPlan(4_000);
        _addPerpTarget(plan, (_perpSize() * 11) / 10, perpAdapter.valueAt(OPENING_PRICE) + 100_000e6);
        _execute(plan);
        require(_measures().liquidityBps < 4_010, "liquidity");
    }

    function testFromOutsideTheBandsAStepBackIsEnoughAndLessIsNot() public {
        _closeSession(28e8, 27e8);
        _refuse(_emptyPlan(), IHedgePolicy.OutsideBands.selector);
        _refuse(_liquidityPlan(6_300), IHedgePolicy.OutsideBands.selector);
        _refuse(_liquidityPlan(5_990), IHedgePolicy.OutsideBands.selector);
        _execute(_liquidityPlan(5_500));
        require(_measures().liquidityBps > 5_000, "inside already");
        _execute(_targetPlan());
        require(_measures().liquidityBps < 3_600, "not at the target");
    }

    function testInUnknownLessRiskPassesAndMoreDoesNot() public {
        vm.warp(oracle.staleAfter() + 1);
        _freshRounds(0);
        require(oracle.regime() == Regime.Unknown, "known");
        _refuse(_liquidityPlan(6_300), IHedgePolicy.RiskAddedWhileUnknown.selector);
        _execute(_liquidityPlan(4_500));
    }

    function testARetiredVenueTakesNoMoreAndLetsGo() public {
        _retire(address(liquidityAdapter));
        _refuse(_liquidityPlan(6_300), IHedgeVault.AdapterCapExceeded.selector);
        _execute(_liquidityPlan(3_000));
        IRebalancer.Plan memory plan = _closingPlan();
        _execute(plan);
        require(_measures().grossBps == 0, "left");
    }

    function testARetiredVenueTakesNoLargerShortOnTheSameMargin() public {
        _retire(address(perpAdapter));
        _refuse(_sizePlan((_perpSize() * 11) / 10), IHedgeVault.AdapterCapExceeded.selector);
        _execute(_sizePlan((_perpSize() * 9) / 10));
    }

    // ---- derisk plans ----

    function testADeriskPlanMustNotAddGrossExposure() public {
        _refuseDerisk(_liquidityPlan(6_300), IHedgePolicy.Measure.Gross);
    }

    function testADeriskPlanMustNotAddLeverage() public {
        uint256 equity = perpAdapter.valueAt(OPENING_PRICE);
        _refuseDerisk(_perpPlan(_perpSize(), (equity * 9) / 10), IHedgePolicy.Measure.Leverage);
    }

    function testADeriskPlanMustNotAddLiquidity() public {
        IRebalancer.Plan memory plan = _liquidityPlan(6_150);
        _addPerpTarget(plan, (_perpSize() * 3) / 4, perpAdapter.valueAt(OPENING_PRICE));
        _refuseDerisk(plan, IHedgePolicy.Measure.Liquidity);
    }

    function testADeriskPlanMustReduceByAStep() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.derisk = true;
        _refuse(plan, abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
        plan = _sizePlan((_perpSize() * 998) / 1_000);
        plan.derisk = true;
        _refuse(plan, abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
    }

    function testADeriskPlanMayRaiseNetDeltaOnlyIntoTheStressBand() public {
        _refuseDerisk(_sizePlan(_perpSize() / 5), IHedgePolicy.Measure.NetDeltaMax);
        // Calm's own band lets it pass as an ordinary plan, with its longer window.
        _execute(_sizePlan(_perpSize() / 5));
    }

    function testADeriskPlanMayNotLeaveTheShortAlone() public {
        _refuseDerisk(_liquidityPlan(0), IHedgePolicy.Measure.NetDeltaMin);
    }

    function testADeriskPlanMayTakeHedgeOffWhereStressHasRoom() public {
        IRebalancer.Plan memory plan = _liquidityPlan(4_000);
        plan.derisk = true;
        _execute(plan);
        int256 before = _measures().netDeltaMaxBps;
        plan = _sizePlan((_perpSize() * 9) / 10);
        plan.derisk = true;
        _execute(plan);
        require(_measures().netDeltaMaxBps > before && _measures().netDeltaMaxBps <= 1_000, "net delta");
    }

    function testADeriskPlanMayOnlyAddMargin() public {
        IRebalancer.Plan memory plan = _perpPlan(_perpSize(), perpAdapter.valueAt(OPENING_PRICE) + 100_000e6);
        plan.derisk = true;
        int256 before = _measures().leverageBps;
        _execute(plan);
        require(_measures().leverageBps < before, "leverage");
    }

    function testADeriskPlanMayTradeBaseForLessLiquidityAlone() public {
        // All asset below the price: less of it changes neither gross exposure nor leverage.
        _execute(_closingPlan());
        IRebalancer.Plan memory plan = _emptyPlan();
        _addLiquidityTarget(plan, 3_000, 100);
        (plan.liquidity[0].tickLower, plan.liquidity[0].tickUpper) = _rangeBelow(1_000);
        _execute(plan);
        require(_measures().grossBps == 0, "not all asset");
        plan = _liquidityPlan(2_900);
        plan.derisk = true;
        _execute(plan);
        plan = _liquidityPlan(2_890);
        plan.derisk = true;
        _refuse(plan, abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
    }

    // ---- losses ----

    function testPlansFillTheirBucketToTheReserveAndDeriskPlansHaveTheRest() public {
        (uint256 level, ) = rebalancer.lossBudget();
        bool open = true;
        // Until closing is refused; opening is given time to drain.
        for (uint256 i; i < 200; ++i) {
            IRebalancer.Plan memory next = open ? _closingPlan() : _targetPlan();
            bool ran = _tryExecute(next);
            (level, ) = rebalancer.lossBudget();
            require(level <= 200e18, "into the reserve");
            if (ran) open = !open;
            else if (open) break;
            else _freshRounds(3 hours);
        }
        require(open && level > 180e18, "never full");

        IRebalancer.Plan memory plan = _closingPlan();
        _refuse(plan, IRebalancer.LossBudgetExceeded.selector);
        plan.derisk = true;
        _execute(plan);
        (level, ) = rebalancer.lossBudget();
        require(level > 200e18 && level <= 300e18, "the reserve");
        vm.warp(vm.getBlockTimestamp() + 1 days);
        (uint256 later, ) = rebalancer.lossBudget();
        require(isNear(level - later, 25e18, 1), "drain");
        vm.warp(vm.getBlockTimestamp() + 30 days);
        (later, ) = rebalancer.lossBudget();
        require(later == 0, "empty");
    }

    // ---- inside ----

    function _tryExecute(IRebalancer.Plan memory plan) private returns (bool) {
        vm.prank(address(safe));
        try rebalancer.execute(plan) {
            return true;
        } catch (bytes memory reason) {
            require(bytes4(reason) == IRebalancer.LossBudgetExceeded.selector, "another reason");
            return false;
        }
    }

    function _refuseDerisk(IRebalancer.Plan memory plan, IHedgePolicy.Measure measure) private {
        plan.derisk = true;
        vm.prank(address(safe));
        try rebalancer.execute(plan) {
            revert("not refused");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IRebalancer.NotDerisking.selector, "another reason");
            require(uint256(bytes32(_argument(reason))) == uint256(measure), "another measure");
        }
    }

    /// @dev The first argument of an error.
    function _argument(bytes memory reason) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(reason, 36))
        }
    }

    function _retire(address adapter) private {
        _administer(address(vault), abi.encodeCall(vault.setAdapter, (adapter, 0, 0)));
    }

    function _rangeBelow(int24 width) private view returns (int24, int24) {
        int24 centre = _usableTick(pool.slot0().tick);
        return
            pair.baseIsToken0
                ? (centre - TICK_SPACING - width, centre - TICK_SPACING)
                : (centre + 2 * TICK_SPACING, centre + 2 * TICK_SPACING + width);
    }

    function _moved(address what, uint256 drift) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRebalancer.MovedSincePlan.selector, what, drift, 100);
    }
}
