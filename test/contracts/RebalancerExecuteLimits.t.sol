// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {Exposure} from "../../contracts/venues/IVenueAdapter.sol";
import {LimitsSetup} from "./support/LimitsSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Plans of the Safe that come out exactly on a limit, and just beyond it
contract RebalancerExecuteLimitsTest is LimitsSetup {
    function setUp() public {
        _bringUp();
    }

    // ---- the fingerprint ----

    function testThePriceMovedByTheWholeTolerance() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.toleranceBps = 100;
        plan.fromPrice = 990e18 - 1;
        _refuse(plan, _moved(address(0), 101, 100));
        plan.fromPrice = 990e18;
        rebalancer.execute(plan);
    }

    function testAShortThatIsGoneOrNewIsBeyondAnyTolerance() public {
        perp.hold(_perp(0, 100_000e6));
        IRebalancer.Plan memory plan = _perpPlan(0, 100_000e6);
        plan.toleranceBps = 10_000;
        plan.perps[0].fromSize = -1;
        _refuse(plan, _moved(address(perp), 10_000, 10_000));

        perp.hold(_perp(-1, 100_000e6));
        plan.perps[0].fromSize = 0;
        _refuse(plan, _moved(address(perp), 10_000, 10_000));
    }

    // ---- order ----

    function testLiquidityThatShrinksComesBeforeAShortThatGrows() public {
        IRebalancer.Plan memory plan = _liquidityPlan(5_999);
        _addPerps(plan, -200e18 - 1);
        rebalancer.execute(plan);
        _requireOrder(address(liquidity), address(perp));
    }

    function testAShortThatShrinksComesBeforeLiquidityThatGrows() public {
        IRebalancer.Plan memory plan = _liquidityPlan(6_001);
        _addPerps(plan, -200e18 + 1);
        rebalancer.execute(plan);
        _requireOrder(address(perp), address(liquidity));
    }

    function testOfThoseThatShrinkTheShortComesFirst() public {
        IRebalancer.Plan memory plan = _liquidityPlan(5_999);
        _addPerps(plan, -200e18 + 1);
        rebalancer.execute(plan);
        _requireOrder(address(perp), address(liquidity));
    }

    function testWhatKeepsItsSizeComesWithWhatGrows() public {
        IRebalancer.Plan memory plan = _liquidityPlan(6_000);
        _addPerps(plan, -200e18 - 1);
        rebalancer.execute(plan);
        _requireOrder(address(perp), address(liquidity));

        plan = _liquidityPlan(5_999);
        _addPerps(plan, -200e18);
        rebalancer.execute(plan);
        _requireOrder(address(liquidity), address(perp));
    }

    function testEachOfTwoShortsHasItsOwnTurn() public {
        secondPerp.hold(_perp(-50e18, 100_000e6));
        IRebalancer.Plan memory plan = _liquidityPlan(7_000);
        plan.perps = new IRebalancer.PerpTarget[](2);
        plan.perps[0] = _perpTarget(perp, -201e18, 0);
        plan.perps[1] = _perpTarget(secondPerp, -49e18, 0);
        rebalancer.execute(plan);
        require(vault.stepCount() == 3, "count");
        require(vault.steps(0) == address(secondPerp), "what shrinks");
        require(vault.steps(1) == address(perp) && vault.steps(2) == address(liquidity), "what grows");
    }

    // ---- caps ----

    function testAVenueFilledToItsCap() public {
        vault.setCap(address(liquidity), 610_000e6);
        liquidity.become(_liquidity(200e18, 610_000e6 + 1), -10_000e6 - 1);
        IRebalancer.Plan memory plan = _liquidityPlan(6_100);
        _refuse(
            plan,
            abi.encodeWithSelector(
                IHedgeVault.AdapterCapExceeded.selector,
                address(liquidity),
                610_000e6 + 1,
                610_000e6
            )
        );
        liquidity.become(_liquidity(200e18, 610_000e6), -10_000e6);
        rebalancer.execute(plan);
    }

    function testARetiredVenueMayStayAsItIs() public {
        vault.setCap(address(perp), 0);
        rebalancer.execute(_emptyPlan());

        perp.become(_perp(-200e18 - 1, 100_000e6), 0);
        _refuse(
            _perpPlan(-200e18 - 1, 100_000e6),
            abi.encodeWithSelector(IHedgeVault.AdapterCapExceeded.selector, address(perp), 100_000e6, 0)
        );
    }

    // ---- losses ----

    function testALossOfAllItsRegimeAllows() public {
        _lose(10_100e6);
        _refuse(_liquidityPlan(6_000), abi.encodeWithSelector(IRebalancer.ExecutionLoss.selector, 101, 100));
        _lose(10_000e6 + 1);
        _refuse(_liquidityPlan(6_000), abi.encodeWithSelector(IRebalancer.ExecutionLoss.selector, 100, 100));
        _lose(10_000e6);
        rebalancer.execute(_liquidityPlan(6_000));
        _requireLevel(100e18);
    }

    function testLossesThatFillTheOpenPartOfTheBucket() public {
        _lose(10_000e6);
        rebalancer.execute(_liquidityPlan(6_000));
        _lose(9_900e6);
        rebalancer.execute(_liquidityPlan(6_000));
        _requireLevel(200e18);

        // Net asset value is 980,100 now.
        _lose(98.01e6);
        _refuse(_liquidityPlan(6_000), abi.encodeWithSelector(IRebalancer.LossBudgetExceeded.selector, 201, 200));
    }

    function testALossIsRoundedUp() public {
        vault.setCash(3 * NAV - 700_000e6);
        _lose(1);
        rebalancer.execute(_liquidityPlan(2_000));
        // A third of 1e22 / 1e12.
        _requireLevel(3_333_333_334);
    }

    // ---- derisk plans ----

    function testAStepOfGrossExposureIsEnough() public {
        liquidity.become(_liquidity(197.6e18, 600_000e6), 0);
        _refuseStep(_liquidityPlan(6_000));
        liquidity.become(_liquidity(197.5e18, 600_000e6), 0);
        _derisk(_liquidityPlan(6_000));
    }

    function testAStepOfLeverageIsEnough() public {
        perp.become(_perp(-199.76e18, 100_000e6), 0);
        _refuseStep(_perpPlan(-199.76e18, 100_000e6));
        perp.become(_perp(-199.75e18, 100_000e6), 0);
        _derisk(_perpPlan(-199.75e18, 100_000e6));
    }

    function testAStepOfLiquidityIsEnough() public {
        liquidity.become(_liquidity(200e18, 597_600e6), 2_400e6);
        _refuseStep(_liquidityPlan(5_976));
        liquidity.become(_liquidity(200e18, 597_500e6), 2_500e6);
        _derisk(_liquidityPlan(5_975));
    }

    function testNetDeltaMayRiseToTheTopOfTheStressBand() public {
        perp.become(_perp(-99.9e18, 100_000e6), 0);
        _refuseNetDelta(_perpPlan(-99.9e18, 100_000e6), IHedgePolicy.Measure.NetDeltaMax, 0, 1_001);
        perp.become(_perp(-100e18, 100_000e6), 0);
        _derisk(_perpPlan(-100e18, 100_000e6));
    }

    function testNetDeltaMayFallToTheBottomOfTheStressBand() public {
        liquidity.become(_liquidity(149.9e18, 600_000e6), 0);
        _refuseNetDelta(_liquidityPlan(6_000), IHedgePolicy.Measure.NetDeltaMin, 0, -501);
        liquidity.become(_liquidity(150e18, 600_000e6), 0);
        _derisk(_liquidityPlan(6_000));
    }

    function testOutsideTheStressBandTheFurtherEndMayComeNearer() public {
        // From -2,000 to 500 basis points, to -1,500 to 500.
        liquidity.hold(Exposure(0, 250e18, 250e18, 600_000e6, false));
        liquidity.become(Exposure(50e18, 250e18, 240e18, 600_000e6, false), 0);
        _derisk(_liquidityPlan(6_000));
    }

    function testOutsideTheStressBandTheFurtherEndMayNotGoFurther() public {
        liquidity.hold(Exposure(100e18, 210e18, 250e18, 600_000e6, false));
        liquidity.become(Exposure(50e18, 210e18, 240e18, 600_000e6, false), 0);
        _refuseNetDelta(_liquidityPlan(6_000), IHedgePolicy.Measure.NetDeltaMin, -1_000, -1_500);
    }

    // ---- all closed ----

    function testTellsTheVaultWhenNothingIsLeftOpen() public {
        liquidity.become(_liquidity(0, 0), 600_000e6);
        perp.become(_perp(0, 0), 100_000e6);
        IRebalancer.Plan memory plan = _liquidityPlan(0);
        _addPerps(plan, 0);
        rebalancer.execute(plan);
        require(vault.allClosed() && !vault.inPlan(), "closed");
    }

    function testWhatIsHeldInCollateralOrInPositionsIsNotClosed() public {
        liquidity.hold(_liquidity(0, 0));
        perp.hold(_perp(0, 1));
        rebalancer.execute(_emptyPlan());
        require(!vault.allClosed() && !vault.inPlan(), "collateral is left");

        liquidity.hold(_liquidity(1, 0));
        perp.hold(_perp(0, 0));
        rebalancer.execute(_emptyPlan());
        require(!vault.allClosed(), "a position is left");
    }

    // ---- inside ----

    function _addPerps(IRebalancer.Plan memory plan, int256 size) private view {
        plan.perps = new IRebalancer.PerpTarget[](1);
        plan.perps[0] = _perpTarget(perp, size, 100_000e6);
    }

    /// @dev The next step of liquidity costs so much.
    function _lose(uint256 assets) private {
        liquidity.become(_liquidity(200e18, 600_000e6), -int256(assets));
    }

    function _derisk(IRebalancer.Plan memory plan) private {
        plan.derisk = true;
        rebalancer.execute(plan);
    }

    function _refuseStep(IRebalancer.Plan memory plan) private {
        plan.derisk = true;
        _refuse(plan, abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
    }

    function _refuseNetDelta(
        IRebalancer.Plan memory plan,
        IHedgePolicy.Measure measure,
        int256 before,
        int256 afterwards
    ) private {
        plan.derisk = true;
        _refuse(plan, abi.encodeWithSelector(IRebalancer.NotDerisking.selector, measure, before, afterwards));
    }

    function _refuse(IRebalancer.Plan memory plan, bytes memory reason) private {
        vm.expectRevert(reason);
        rebalancer.execute(plan);
    }

    function _requireOrder(address first, address second) private view {
        require(vault.stepCount() == 2, "count");
        require(vault.steps(0) == first && vault.steps(1) == second, "order");
    }

    function _requireLevel(uint256 expected) private view {
        (uint256 level, ) = rebalancer.lossBudget();
        require(level == expected, "bucket");
    }

    function _moved(address what, uint256 driftBps, uint256 toleranceBps) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRebalancer.MovedSincePlan.selector, what, driftBps, toleranceBps);
    }
}
