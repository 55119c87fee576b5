// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {Plans} from "./support/Plans.sol";
import {vm} from "./support/Vm.sol";

/// @title The keeper reduces risk at the oracle's price, and nothing else
contract RebalancerDeleverageTest is Plans {
    function setUp() public {
        _bringUp(true);
        _openPositions();
    }

    // ---- when ----

    function testNotInCalmNorInElevated() public {
        _refuseDeleverage(_liquidityPlan(3_000), _notAllowed(Regime.Calm));
        _closeSession(18e8, 20e8);
        _refuseDeleverage(_liquidityPlan(3_000), _notAllowed(Regime.Elevated));
    }

    function testInStressAndInUnknownWhateverThePlanClaims() public {
        _stress();
        IRebalancer.Plan memory plan = _liquidityPlan(4_000);
        plan.regime = Regime.Calm;
        _deleverage(plan);
        require(_measures().liquidityBps < 4_010, "in Stress");
        require(rebalancer.usedByKeeper(plan.nonce) && !rebalancer.used(plan.nonce), "nonce");

        vm.warp(oracle.staleAfter() + 1);
        _freshRounds(0);
        require(oracle.regime() == Regime.Unknown, "known");
        _deleverage(_liquidityPlan(3_000));
        require(_measures().liquidityBps < 3_010, "in Unknown");
    }

    function testInCalmNearLiquidationByMarkAndByIndex() public {
        _leverUp();
        _marketAt(2_120e18, 1 hours);
        _refuseDeleverage(_marginPlan(200_000e6), _notAllowed(Regime.Calm));
        _nearLiquidation();
        require(oracle.regime() == Regime.Calm, "not in Calm");
        _deleverage(_marginPlan(200_000e6));
        require(rebalancer.measure(_feedPrice()).leverageBps < 50_000, "no margin");
    }

    function testNotNearLiquidationByTheMarkAlone() public {
        _leverUp();
        _marketAt(2_120e18, 1 hours);
        // Someone holds the mark where it looks near liquidation; the index does not say so.
        vm.warp(vm.getBlockTimestamp() + 60);
        _moveMark(2_270e18);
        vm.warp(vm.getBlockTimestamp() + 40 minutes);
        require(perpAdapter.position().markPrice > 2_250e18, "mark");
        _refuseDeleverage(_marginPlan(200_000e6), _notAllowed(Regime.Calm));
    }

    function testALiquidityVenueIsNeverNearLiquidation() public {
        trader.flow(10_000_000e6, 1);
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.perps = new IRebalancer.PerpTarget[](1);
        plan.perps[0].adapter = address(liquidityAdapter);
        _refuseDeleverage(plan, _notAllowed(Regime.Calm));
    }

    // ---- refusals ----

    function testOnlyTheKeeper() public {
        _stress();
        IRebalancer.Plan memory plan = _liquidityPlan(3_000);
        address[3] memory others = [STRANGER, address(safe), _owner(0)];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]));
            vm.prank(others[i]);
            rebalancer.deleverage(plan);
        }
    }

    function testTheKeeperCannotUseUpTheSafesNonces() public {
        _stress();
        IRebalancer.Plan memory plan = _liquidityPlan(4_000);
        _deleverage(plan);
        _refuseDeleverage(plan, abi.encodeWithSelector(IRebalancer.PlanAlreadyExecuted.selector, plan.nonce));
        uint256 used = plan.nonce;
        plan = _targetPlan();
        plan.nonce = used;
        _execute(plan);
    }

    function testAPlanOfAnotherState() public {
        _stress();
        IRebalancer.Plan memory plan = _liquidityPlan(3_000);
        plan.liquidity[0].fromLiquidity /= 2;
        _refuseDeleverage(plan, IRebalancer.MovedSincePlan.selector);
        plan = _liquidityPlan(3_000);
        plan.fromPrice = 2_100e18;
        _refuseDeleverage(plan, IRebalancer.MovedSincePlan.selector);
        plan = _liquidityPlan(3_000);
        plan.cashReserve = DEPOSIT;
        _refuseDeleverage(plan, IRebalancer.CashReserveMissed.selector);
        plan.perps = new IRebalancer.PerpTarget[](1);
        _refuseDeleverage(plan, abi.encodeWithSelector(IRebalancer.UnknownAdapter.selector, address(0)));
    }

    function testFuzzRefusesToAddLiquidity(uint256 share) public {
        _stress();
        share = bound(share, 6_020, 6_500);
        _refuseDeleverage(_liquidityPlan(uint32(share)), _notReducing(address(liquidityAdapter)));
    }

    function testRefusesToMoveARange() public {
        _stress();
        IRebalancer.Plan memory plan = _liquidityPlan(3_000);
        plan.liquidity[0].tickLower -= 10;
        _refuseDeleverage(plan, _notReducing(address(liquidityAdapter)));
        plan = _liquidityPlan(3_000);
        plan.liquidity[0].tickUpper += 10;
        _refuseDeleverage(plan, _notReducing(address(liquidityAdapter)));
        // To close, no range is needed.
        plan = _closingPlan();
        plan.liquidity[0].tickLower = plan.liquidity[0].tickUpper = 0;
        _deleverage(plan);
    }

    function testFuzzRefusesAShortThatGrowsOrTurns(uint256 more, bool turn) public {
        _stress();
        int256 size = turn ? int256(bound(more, 1, 1e21)) : _perpSize() - int256(bound(more, 1, 1e21));
        _refuseDeleverage(_perpPlan(size, 0), _notReducing(address(perpAdapter)));
        // Liquidity that shrinks by more does not help.
        IRebalancer.Plan memory plan = _liquidityPlan(1_000);
        _addPerpTarget(plan, size, 0);
        _refuseDeleverage(plan, _notReducing(address(perpAdapter)));
    }

    function testRefusesMarginOutOfAVenueThatIsMoreLeveragedForIt() public {
        _stress();
        IRebalancer.Plan memory plan = _liquidityPlan(2_000);
        _addPerpTarget(plan, _perpSize() / 2, perpAdapter.valueAt(OPENING_PRICE) / 4);
        _refuseDeleverage(plan, _notReducing(address(perpAdapter)));
    }

    function testRefusesAPlanThatReducesNothingOrLessThanTheStep() public {
        _stress();
        _refuseDeleverage(_emptyPlan(), abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
        IRebalancer.Plan memory plan = _sizePlan((_perpSize() * 998) / 1_000);
        _refuseDeleverage(plan, abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
    }

    function testRefusesToTakeTheHedgeOffAlone() public {
        _stress();
        _refuseDeleverage(_perpPlan(0, 0), IRebalancer.NotDerisking.selector);
        _deleverage(_closingPlan());
        require(_measures().grossBps == 0, "left");
    }

    function testRefusesToLeaveTheShortAlone() public {
        _stress();
        _refuseDeleverage(_liquidityPlan(0), IRebalancer.NotDerisking.selector);
    }

    function testTakesHedgeOffAsFarAsStressAllows() public {
        _stress();
        _deleverage(_liquidityPlan(3_700));
        int256 before = _measures().netDeltaMaxBps;
        _deleverage(_sizePlan((_perpSize() * 8) / 10));
        require(_measures().netDeltaMaxBps > before && _measures().netDeltaMaxBps <= 1_000, "net delta");
    }

    function testRefusesMarginThatTakesCashBelowItsStressBand() public {
        _stress();
        uint256 cash = vault.cash();
        _refuseDeleverage(_marginPlan(cash - 100_000e6), IRebalancer.NotDerisking.selector);
        _deleverage(_marginPlan(50_000e6));
        require(vault.cash() == cash - 50_000e6, "cash");
    }

    function testNearLiquidationCashMayLeaveItsBand() public {
        _leverUp();
        // Cash goes below Stress's band by a plan in Calm; what is left is still to save the short.
        IRebalancer.Plan memory plan = _liquidityPlan(7_400);
        _execute(plan);
        _marketAt(2_120e18, 1 hours);
        _nearLiquidation();
        uint256 margin = (vault.cash() * 4) / 5;
        _deleverage(_marginPlan(margin));
        require(_measures().cashBps < 1_000, "the band was not left");
    }

    // ---- losses ----

    function testFuzzHoldsTheKeeperToItsOwnBucket(uint256 share) public {
        _stress();
        share = bound(share, 0, 5_000);
        IRebalancer.Plan memory plan = _liquidityPlan(uint32(share));
        _addPerpTarget(plan, (_perpSize() * int256(share)) / 6_000, perpAdapter.valueAt(OPENING_PRICE));
        uint256 before = vault.navAt(OPENING_PRICE);
        (uint256 plans, ) = rebalancer.lossBudget();
        _deleverage(plan);
        uint256 lost = (Math.saturatingSub(before, vault.navAt(OPENING_PRICE)) * 10_000 * 1e18) / before;
        (uint256 level, uint256 capacity) = rebalancer.deleverageBudget();
        require(isNear(level, lost, 1e13) && capacity == 150e18, "the keeper's bucket");
        (uint256 plansAfter, ) = rebalancer.lossBudget();
        require(plans == plansAfter, "the plans' bucket");
    }

    function testFillsItsBucketToTheReserveAndNoFurther() public {
        _stress();
        uint256 lost;
        (uint256 level, ) = rebalancer.deleverageBudget();
        for (uint256 i; i < 40; ++i) {
            // Sold and bought back where a thief pushed the pools to, as far as the gates let it.
            _movePool(1_981e18);
            uint256 nav = vault.navAt(OPENING_PRICE);
            uint32 share = uint32(uint256(_measures().liquidityBps)) / 2;
            IRebalancer.Plan memory plan = _liquidityPlan(share);
            _addPerpTarget(plan, _perpSize() / 2, perpAdapter.valueAt(OPENING_PRICE));
            plan.toleranceBps = 10_000;
            vm.prank(KEEPER);
            try rebalancer.deleverage(plan) {
                lost += Math.saturatingSub(nav, vault.navAt(OPENING_PRICE));
            } catch {
                break;
            }
            (level, ) = rebalancer.deleverageBudget();
            require(level <= 75e18, "into the reserve");
        }
        require(lost != 0 && lost * 10_000 <= DEPOSIT * 76, "more than the open part");
    }

    function testBudgetsAreWhatItWasDeployedWith() public view {
        (IRebalancer.Budget memory plans, IRebalancer.Budget memory keeper) = rebalancer.budgets();
        require(plans.capacityBps == 300 && plans.reserveBps == 100 && plans.drainBpsPerDay == 25, "plans");
        require(keeper.capacityBps == 150 && keeper.reserveBps == 75 && keeper.drainBpsPerDay == 10, "keeper");
    }

    // ---- inside ----

    function _stress() private {
        _closeSession(28e8, 27e8);
        require(oracle.regime() == Regime.Stress, "not in Stress");
    }

    /// @dev A short at 3.9 ×, just inside Calm's band.
    function _leverUp() private {
        uint256 notional = _notional(uint256(-_perpSize()), OPENING_PRICE);
        _execute(_perpPlan(_perpSize(), (notional * 10) / 39));
    }

    function _nearLiquidation() private {
        _marketAt(2_250e18, 1 hours);
        _freshRounds(40 minutes);
        require(rebalancer.measure(_feedPrice()).leverageBps > 80_000, "not near");
    }

    function _marginPlan(uint256 margin) private returns (IRebalancer.Plan memory) {
        return _perpPlan(_perpSize(), perpAdapter.valueAt(_feedPrice()) + margin);
    }

    function _notAllowed(Regime regime) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRebalancer.DeleverageNotAllowed.selector, regime);
    }

    function _notReducing(address adapter) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRebalancer.NotReducing.selector, adapter);
    }
}
