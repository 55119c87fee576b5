// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {LimitsSetup} from "./support/LimitsSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title What the keeper does that comes out exactly on a limit, and just beyond it
contract RebalancerDeleverageLimitsTest is LimitsSetup {
    function setUp() public {
        _bringUp();
        _regime(Regime.Stress);
    }

    // ---- when ----

    function testNearLiquidationBeginsAtItsLeverageByMarkAndByIndex() public {
        _regime(Regime.Calm);
        // 8 × at a price of 1,000.
        perp.hold(_perp(-200e18, 25_000e6));
        perp.become(_perp(-200e18, 50_000e6), -25_000e6);
        IRebalancer.Plan memory plan = _perpPlan(-200e18, 50_000e6);
        perp.setPrices(PRICE - 1e15, PRICE);
        _refuse(plan, abi.encodeWithSelector(IRebalancer.DeleverageNotAllowed.selector, Regime.Calm));
        perp.setPrices(PRICE, PRICE - 1e15);
        _refuse(plan, abi.encodeWithSelector(IRebalancer.DeleverageNotAllowed.selector, Regime.Calm));

        uint256 state = vm.snapshotState();
        perp.setPrices(PRICE, 2 * PRICE);
        rebalancer.deleverage(plan);
        vm.revertToState(state);
        perp.setPrices(2 * PRICE, PRICE);
        rebalancer.deleverage(plan);
    }

    // ---- what is reserved ----

    function testAllCashButWhatIsReserved() public {
        perp.become(_perp(-200e18, 200_000e6), -100_000e6);
        IRebalancer.Plan memory plan = _perpPlan(-200e18, 200_000e6);
        plan.cashReserve = 200_000e6 + 1;
        _refuse(plan, abi.encodeWithSelector(IRebalancer.CashReserveMissed.selector, 200_000e6, plan.cashReserve));
        plan.cashReserve = 200_000e6;
        rebalancer.deleverage(plan);
        require(!vault.inPlan() && !vault.allClosed(), "the vault's lock");
    }

    function testCashMayFallToItsStressBand() public {
        IRebalancer.Plan memory plan = _perpPlan(-200e18, 300_000e6);
        perp.become(_perp(-200e18, 300_000e6 + 1), -200_000e6 - 1);
        _refuse(
            plan,
            abi.encodeWithSelector(
                IRebalancer.NotDerisking.selector,
                IHedgePolicy.Measure.Cash,
                int256(3_000),
                int256(999)
            )
        );
        perp.become(_perp(-200e18, 300_000e6), -200_000e6);
        rebalancer.deleverage(plan);
    }

    function testBelowItsBandCashMayStay() public {
        vault.setCash(10_000e6);
        liquidity.become(_liquidity(190e18, 600_000e6), 0);
        rebalancer.deleverage(_liquidityPlan(6_000));
    }

    function testMarginBeyondAVenuesCap() public {
        vault.setCap(address(perp), 150_000e6);
        IRebalancer.Plan memory plan = _perpPlan(-200e18, 150_000e6);
        perp.become(_perp(-200e18, 150_000e6 + 1), -50_000e6 - 1);
        _refuse(
            plan,
            abi.encodeWithSelector(IHedgeVault.AdapterCapExceeded.selector, address(perp), 150_000e6 + 1, 150_000e6)
        );
        perp.become(_perp(-200e18, 150_000e6), -50_000e6);
        rebalancer.deleverage(plan);
    }

    // ---- reductions ----

    function testAStepOfGrossExposureIsEnough() public {
        liquidity.become(_liquidity(197.6e18, 600_000e6), 0);
        _refuse(_liquidityPlan(6_000), abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
        liquidity.become(_liquidity(197.5e18, 600_000e6), 0);
        rebalancer.deleverage(_liquidityPlan(6_000));
    }

    function testAStepOfLeverageIsEnough() public {
        perp.become(_perp(-199.76e18, 100_000e6), 0);
        _refuse(_perpPlan(-199.76e18, 0), abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
        perp.become(_perp(-199.75e18, 100_000e6), 0);
        rebalancer.deleverage(_perpPlan(-199.75e18, 0));
    }

    function testLiquidityThatGrowsIsRefusedWhateverItIsExposedTo() public {
        liquidity.become(_liquidity(190e18, 600_000e6), 0);
        liquidity.becomeLiquidity(1e18 + 1);
        _refuse(_liquidityPlan(6_000), abi.encodeWithSelector(IRebalancer.NotReducing.selector, address(liquidity)));
        liquidity.becomeLiquidity(1e18);
        rebalancer.deleverage(_liquidityPlan(6_000));
    }

    function testALongMayStayShrinkOrCloseButNeitherGrowNorTurn() public {
        perp.hold(_perp(20e18, 100_000e6));
        liquidity.hold(_liquidity(0, 600_000e6));
        // What the venue makes of it is a reduction each time: only the target is at fault.
        perp.become(_perp(10e18, 100_000e6), 0);
        bytes memory reason = abi.encodeWithSelector(IRebalancer.NotReducing.selector, address(perp));
        _refuse(_perpPlan(20e18 + 1, 100_000e6), reason);
        _refuse(_perpPlan(-1, 100_000e6), reason);

        int256[3] memory targets = [int256(20e18), 10e18, 0];
        for (uint256 i; i < 3; ++i) {
            uint256 state = vm.snapshotState();
            rebalancer.deleverage(_perpPlan(targets[i], 100_000e6));
            vm.revertToState(state);
        }
    }

    // ---- outcome ----

    function testSaysWhatItDidAndWhatItCost() public {
        // A sixth of the liquidity is closed at a cost of 10 basis points, and as much of the short as hedged it.
        liquidity.become(_liquidity(150e18, 500_000e6), 99_000e6);
        perp.become(_perp(-150e18, 100_000e6), 0);
        IRebalancer.Plan memory plan = _liquidityPlan(5_000);
        plan.perps = new IRebalancer.PerpTarget[](1);
        plan.perps[0] = _perpTarget(perp, -150e18, 100_000e6);

        vm.expectEmit(address(rebalancer));
        emit IRebalancer.Deleveraged(
            plan.nonce,
            EVIDENCE,
            Regime.Stress,
            false,
            NAV,
            NAV - 1_000e6,
            IHedgePolicy.Measures(0, 0, 4_000, 20_000, 6_000, 6_000, 3_000),
            IHedgePolicy.Measures(0, 0, 3_000, 15_000, 5_000, 5_000, 3_990)
        );
        rebalancer.deleverage(plan);
        (uint256 level, ) = rebalancer.deleverageBudget();
        require(level == 10e18, "bucket");
    }

    // ---- dead feeds ----

    function testAStepOfTheShortItselfIsEnough() public {
        _killFeeds();
        perp.become(_perp(-199.5e18 - 1, 100_000e6), 0);
        _refuse(_perpPlan(-199.5e18 - 1, 0), abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
        perp.become(_perp(-199.5e18, 100_000e6), 0);
        rebalancer.deleverage(_perpPlan(-199.5e18, 0));
    }

    function testMarginIsNoLossButWhatIsMissingOfItIs() public {
        _killFeeds();
        perp.setPrices(PRICE, PRICE);
        perp.hold(_perp(-200e18, 25_000e6));
        perp.become(_perp(-200e18, 34_000e6), -10_000e6);
        IRebalancer.Plan memory plan = _perpPlan(-200e18, 10_000e6);
        vm.expectEmit(address(rebalancer));
        emit IRebalancer.DeleveragedWithoutPrice(plan.nonce, EVIDENCE, Regime.Stress, true, 1_000e6, 325_000e6);
        rebalancer.deleverage(plan);
    }

    // ---- inside ----

    function _refuse(IRebalancer.Plan memory plan, bytes memory reason) private {
        vm.expectRevert(reason);
        rebalancer.deleverage(plan);
    }
}
