// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {ILiquidityAdapter, IPerpAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {Plans} from "./support/Plans.sol";
import {vm} from "./support/Vm.sol";

/// @title Plans the Safe executes on the real venues, from a vault of nothing but cash
contract RebalancerExecuteTest is Plans {
    function setUp() public {
        _bringUp(true);
    }

    // ---- refusals ----

    function testOnlyTheSafe() public {
        IRebalancer.Plan memory plan = _targetPlan();
        address[4] memory others = [STRANGER, KEEPER, _owner(0), address(this)];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]));
            vm.prank(others[i]);
            rebalancer.execute(plan);
        }
    }

    function testANonceUsedBefore() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        _execute(plan);
        _refuse(plan, abi.encodeWithSelector(IRebalancer.PlanAlreadyExecuted.selector, plan.nonce));
    }

    function testFuzzOutsideItsSpanOfTime(uint256 from, uint256 span, uint256 at) public {
        uint256 start = vm.getBlockTimestamp();
        from = start + bound(from, 0, 3 hours);
        span = bound(span, 0, 1 hours);
        at = start + bound(at, 0, 5 hours);
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.validAfter = uint64(from);
        plan.validUntil = uint64(from + span);
        vm.warp(at);
        if (at < from) _refuse(plan, abi.encodeWithSelector(IRebalancer.PlanNotYetValid.selector, from));
        else if (at > from + span) _refuse(plan, abi.encodeWithSelector(IRebalancer.PlanExpired.selector, from + span));
        else _execute(plan);
    }

    function testWithoutEvidence() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.evidence = bytes32(0);
        _refuse(plan, abi.encodeWithSelector(IRebalancer.EvidenceMissing.selector));
    }

    function testMoreTargetsThanAVaultCanHaveAdapters() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.liquidity = new IRebalancer.LiquidityTarget[](5);
        plan.perps = new IRebalancer.PerpTarget[](4);
        _refuse(plan, abi.encodeWithSelector(IRebalancer.TooManyTargets.selector, 9));
        plan.perps = new IRebalancer.PerpTarget[](3);
        _refuse(plan, abi.encodeWithSelector(IRebalancer.UnknownAdapter.selector, address(0)));
    }

    function testAdaptersTheVaultDoesNotKnow() public {
        IRebalancer.Plan memory plan = _targetPlan();
        plan.perps[0].adapter = STRANGER;
        _refuse(plan, abi.encodeWithSelector(IRebalancer.UnknownAdapter.selector, STRANGER));
        plan.liquidity[0].adapter = address(vault);
        _refuse(plan, abi.encodeWithSelector(IRebalancer.UnknownAdapter.selector, address(vault)));
    }

    function testFuzzThePriceMovedBeyondTheTolerance(uint256 from, uint256 tolerance) public {
        from = bound(from, 1_000e18, 4_000e18);
        tolerance = bound(tolerance, 0, 2_000);
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.fromPrice = from;
        plan.toleranceBps = uint32(tolerance);
        uint256 drift = _drift(from, OPENING_PRICE);
        if (drift <= tolerance) _execute(plan);
        else _refuse(plan, abi.encodeWithSelector(IRebalancer.MovedSincePlan.selector, address(0), drift, tolerance));
    }

    function testLessCashLeftThanReserved() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.cashReserve = DEPOSIT + 1;
        _refuse(plan, abi.encodeWithSelector(IRebalancer.CashReserveMissed.selector, DEPOSIT, DEPOSIT + 1));
        plan.cashReserve = DEPOSIT;
        _execute(plan);
    }

    function testMoreAtAVenueThanItsShareOfTheWhole() public {
        IRebalancer.Plan memory plan = _perpPlan(-1e18, 3_100_000e6);
        _refuse(plan, IHedgeVault.AdapterCapExceeded.selector);
    }

    function testMoreAtAVenueThanItsCap() public {
        _administer(
            address(vault),
            abi.encodeCall(vault.setAdapter, (address(liquidityAdapter), 1_000_000e6, uint32(8_000)))
        );
        IRebalancer.Plan memory plan = _emptyPlan();
        _addLiquidityTarget(plan, 2_100, 2_500);
        _refuse(plan, IHedgeVault.AdapterCapExceeded.selector);
        plan.liquidity[0].shareBps = 1_900;
        _execute(plan);
    }

    function testOutsideTheBandOfAMeasure() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        _addLiquidityTarget(plan, 7_700, 2_500);
        _refuse(plan, IHedgePolicy.OutsideBands.selector);
    }

    function testMoreLeverageThanTheBand() public {
        IRebalancer.Plan memory plan = _targetPlan();
        plan.perps[0].equity = _notional(uint256(-plan.perps[0].size), OPENING_PRICE) / 5;
        _refuse(plan, IHedgePolicy.OutsideBands.selector);
    }

    function testIsJudgedByTheMoreDefensiveOfBothRegimes() public {
        IRebalancer.Plan memory plan = _targetPlan();
        plan.regime = Regime.Stress;
        _refuse(plan, IHedgePolicy.OutsideBands.selector);

        plan.regime = Regime.Calm;
        _closeSession(28e8, 27e8);
        require(oracle.regime() == Regime.Stress, "not in Stress");
        plan.validUntil = uint64(vm.getBlockTimestamp());
        _refuse(plan, IHedgePolicy.OutsideBands.selector);
        _execute(_targetPlan());
    }

    function testWithThePoolOutsideTheGate() public {
        IRebalancer.Plan memory plan = _targetPlan();
        _movePool(2_100e18);
        _refuse(plan, ILiquidityAdapter.PoolPriceOutsideGate.selector);
    }

    function testWithTheMarkOutsideTheGate() public {
        IRebalancer.Plan memory plan = _targetPlan();
        _moveMark(2_100e18);
        _refuse(plan, IPerpAdapter.MarkOutsideGate.selector);
    }

    function testALossBeyondItsRegimesLimit() public {
        IHedgePolicy.Bands memory bands = policy.bands(Regime.Stress);
        bands.lossMaxBps = 1;
        IHedgePolicy.Targets memory targets = policy.targets(Regime.Stress);
        _administer(address(policy), abi.encodeCall(policy.setPolicy, (Regime.Stress, bands, targets)));
        IRebalancer.Plan memory plan = _targetPlan(Regime.Stress);
        _refuse(plan, IRebalancer.ExecutionLoss.selector);
        plan.regime = Regime.Calm;
        _execute(plan);
    }

    // ---- outcome ----

    function testOpensWhatTheTargetsCallForAndClosesItAgain() public {
        IRebalancer.Plan memory plan = _targetPlan();
        _execute(plan);

        IHedgePolicy.Measures memory m = _measures();
        require(m.liquidityBps > 5_990 && m.liquidityBps < 6_010, "liquidity is not the target's share");
        require(_perpSize() == plan.perps[0].size, "the short is not the target's size");
        require(m.leverageBps > 8_000 && m.leverageBps < 8_400, "leverage is not one over the margin target");
        require(m.concentrationBps == m.liquidityBps, "concentration");
        require(rebalancer.used(plan.nonce) && !rebalancer.usedByKeeper(plan.nonce), "nonce");

        _execute(_closingPlan());

        m = _measures();
        require(m.grossBps == 0 && m.cashBps == 10_000, "something is left open");
        require(vault.cash() > (DEPOSIT * 995) / 1_000, "closing cost more than half a per cent");
    }

    function testFuzzBooksTheLossOfExecutionAndNothingElse(uint256 share, uint256 hedge) public {
        share = bound(share, 100, 5_000);
        hedge = bound(hedge, 0, 8_000);
        IRebalancer.Plan memory plan = _emptyPlan();
        _addLiquidityTarget(plan, uint32(share), 2_500);
        uint256 short = (((DEPOSIT * share) / 20_000) * hedge) / 10_000;
        _addPerpTarget(plan, -int256((short * 1e30) / OPENING_PRICE), (short * 12_000) / 10_000);
        (uint256 level, ) = rebalancer.lossBudget();
        require(level == 0, "not empty");

        _execute(plan);

        uint256 nav = vault.navAt(OPENING_PRICE);
        (level, ) = rebalancer.lossBudget();
        require(isNear(level, ((DEPOSIT - nav) * 10_000 * 1e18) / DEPOSIT, 1e13), "bucket");
        require(asset.balanceOf(address(vault)) == vault.cash(), "cash");
    }

    function testSaysWhatItDidAndWhatItCost() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        IHedgePolicy.Measures memory m = _measures();
        vm.expectEmit(address(rebalancer));
        emit IRebalancer.PlanExecuted(plan.nonce, EVIDENCE, Regime.Calm, DEPOSIT, DEPOSIT, m, m);
        _execute(plan);
        (uint256 level, uint256 capacity) = rebalancer.lossBudget();
        require(level == 0 && capacity == 300e18, "bucket");
    }

    // ---- measures ----

    function testAVaultOfNothingMeasuresNothing() public {
        vault = _newVault();
        rebalancer = _newRebalancer();
        IHedgePolicy.Measures memory none;
        require(keccak256(abi.encode(_measures())) == keccak256(abi.encode(none)), "measures");
    }

    function testAShortWithoutEquityIsLeverageBeyondAnyLimit() public {
        _openPositions();
        require(rebalancer.measure(6_000e18).leverageBps == type(int256).max, "leverage");
    }

    function testFuzzMeasuresAreSharesOfTheWhole(uint256 price) public {
        price = bound(price, 1_500e18, 2_500e18);
        _openPositions();
        IHedgePolicy.Measures memory m = rebalancer.measure(price);
        uint256 nav = vault.navAt(price);
        uint256 long = liquidityAdapter.exposure(price).gross;
        uint256 short = perpAdapter.exposure(price).gross;
        require(_isBps(m.grossBps, _notional(long + short, price), nav), "gross");
        int256 net = ((int256(_notional(long, price)) - int256(_notional(short, price))) * 10_000) / int256(nav);
        require(
            m.netDeltaMinBps == m.netDeltaMaxBps && m.netDeltaMinBps - net <= 1 && net - m.netDeltaMinBps <= 1,
            "net"
        );
        require(_isBps(m.leverageBps, _notional(short, price), perpAdapter.valueAt(price)), "leverage");
        require(_isBps(m.liquidityBps, liquidityAdapter.valueAt(price), nav), "liquidity");
        require(_isBps(m.cashBps, vault.cash(), nav), "cash");
    }

    function _isBps(int256 measured, uint256 value, uint256 of_) private pure returns (bool) {
        return isNear(uint256(measured), (value * 10_000) / of_, 1);
    }
}
