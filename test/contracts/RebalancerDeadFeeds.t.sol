// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {IPriceOracle} from "../../contracts/vault/IPriceOracle.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {Plans} from "./support/Plans.sol";
import {vm} from "./support/Vm.sol";

/// @title The keeper reduces risk while the price feeds are dead, by the venues' own books
contract RebalancerDeadFeedsTest is Plans {
    function setUp() public {
        _bringUp(true);
        _openPositions();
        _closeSession(28e8, 27e8);
        _kill();
    }

    // ---- refusals ----

    function testThePlansOfTheSafeDoNotRun() public {
        _refuse(_emptyPlan(), IPriceOracle.StaleFeed.selector);
    }

    function testNotOutsideStressUnknownAndLiquidation() public {
        vm.warp(vm.getBlockTimestamp() + 1 days);
        for (uint256 i; i < 6; ++i) _close(13e8, 15e8);
        require(oracle.regime() < Regime.Stress, "still in Stress");
        _refuseDeleverage(_liquidityPlan(0), IRebalancer.DeleverageNotAllowed.selector);
    }

    function testAPartOfTheLiquidityNeedsAPrice() public {
        _refuseDeleverage(
            _liquidityPlan(3_000),
            abi.encodeWithSelector(IRebalancer.PriceNeeded.selector, address(liquidityAdapter))
        );
    }

    function testMarginAwayFromLiquidationNeedsAPrice() public {
        _refuseDeleverage(
            _perpPlan(_perpSize() / 2, 1),
            abi.encodeWithSelector(IRebalancer.PriceNeeded.selector, address(perpAdapter))
        );
    }

    function testRefusesAShortThatGrowsOrTurns() public {
        bytes memory reason = abi.encodeWithSelector(IRebalancer.NotReducing.selector, address(perpAdapter));
        _refuseDeleverage(_perpPlan(_perpSize() - 1, 0), reason);
        _refuseDeleverage(_perpPlan(1, 0), reason);
    }

    function testRefusesToDoNothingOrLessThanTheStep() public {
        bytes memory reason = abi.encodeWithSelector(IRebalancer.NothingReduced.selector);
        _refuseDeleverage(_emptyPlan(), reason);
        _refuseDeleverage(_perpPlan(_perpSize(), 0), reason);
        // The step is a quarter of a per cent of the short itself.
        _refuseDeleverage(_perpPlan((_perpSize() * 9_976) / 10_000, 0), reason);
        _deleverage(_perpPlan((_perpSize() * 9_974) / 10_000, 0));
    }

    function testRefusesAVenueNamedTwice() public {
        IRebalancer.Plan memory plan = _emptyPlan();
        plan.perps = new IRebalancer.PerpTarget[](2);
        plan.perps[0] = plan.perps[1] = IRebalancer.PerpTarget(address(perpAdapter), _perpSize() / 2, 0, _perpSize());
        _refuseDeleverage(plan, abi.encodeWithSelector(IRebalancer.RepeatedTarget.selector, address(perpAdapter)));
    }

    function testRefusesAPlanOfAnotherState() public {
        IRebalancer.Plan memory plan = _perpPlan(0, 0);
        plan.perps[0].fromSize = (_perpSize() * 9) / 10;
        _refuseDeleverage(plan, IRebalancer.MovedSincePlan.selector);
        plan = _perpPlan(0, 0);
        plan.cashReserve = vault.cash() + 1;
        _refuseDeleverage(plan, IRebalancer.CashReserveMissed.selector);
    }

    function testAThiefWhoPushesTheMarkIsHeldToTheLossLimit() public {
        _moveMark(2_160e18);
        _refuseDeleverage(_perpPlan(0, 0), IRebalancer.ExecutionLoss.selector);
        // What costs less than the limit still runs into the keeper's bucket.
        _deleverage(_perpPlan((_perpSize() * 9) / 10, 0));
        for (uint256 i; i < 9; ++i) {
            IRebalancer.Plan memory plan = _perpPlan((_perpSize() * 9) / 10, 0);
            vm.prank(KEEPER);
            try rebalancer.deleverage(plan) {
                (uint256 level, ) = rebalancer.deleverageBudget();
                require(level <= 75e18, "into the reserve");
            } catch (bytes memory reason) {
                require(bytes4(reason) == IRebalancer.LossBudgetExceeded.selector, "another reason");
                return;
            }
        }
        revert("never full");
    }

    // ---- outcome ----

    function testFuzzShrinksAShortAndLetsNoCollateralOut(uint256 part) public {
        part = bound(part, 0, 9_970);
        int256 to = (_perpSize() * int256(part)) / 10_000;
        uint256 cash = vault.cash();
        _deleverage(_perpPlan(to, 0));
        require(isNear(uint256(-_perpSize()), uint256(-to), 10), "size");
        require(vault.cash() == cash, "cash");
    }

    function testBurnsLiquidityKeepsItsBaseAndSellsItWhenTheFeedsAreBack() public {
        uint256 cash = vault.cash();
        _deleverage(_closingPlan());
        require(liquidityAdapter.position().liquidity == 0 && _perpSize() == 0, "left");
        require(liquidityAdapter.position().idleBase != 0, "sold without a price");
        require(vault.cash() > cash, "the asset part did not come back");

        _freshRounds(0);
        _deleverage(_liquidityPlan(0));
        require(liquidityAdapter.position().idleBase == 0, "not sold");
    }

    function testBurningAloneIsAReductionOnce() public {
        _deleverage(_liquidityPlan(0));
        _refuseDeleverage(_liquidityPlan(0), abi.encodeWithSelector(IRebalancer.NothingReduced.selector));
    }

    function testSaysWhatItCostOfWhatIsKnown() public {
        IRebalancer.Plan memory plan = _liquidityPlan(0);
        uint256 cash = vault.cash();
        vm.expectEmit(address(rebalancer));
        emit IRebalancer.DeleveragedWithoutPrice(plan.nonce, EVIDENCE, Regime.Stress, false, 0, cash);
        _deleverage(plan);
        (uint256 level, ) = rebalancer.deleverageBudget();
        require(level == 0, "burning costs nothing");
    }

    function testAddsMarginNearLiquidation() public {
        _freshRounds(0);
        uint256 notional = _notional(uint256(-_perpSize()), OPENING_PRICE);
        _deleverage(_liquidityPlan(4_500));
        // Stress's leverage band is 3 ×.
        _execute(_targetPlan());
        notional = _notional(uint256(-_perpSize()), OPENING_PRICE);
        _execute(_perpPlan(_perpSize(), (notional * 10) / 29));
        _marketAt(2_120e18, 1 hours);
        _marketAt(2_250e18, 1 hours);
        _marketAt(2_420e18, 1 hours);
        _kill();
        uint256 cash = vault.cash();
        int256 size = _perpSize();
        _deleverage(_perpPlan(size, 100_000e6));
        require(cash - vault.cash() == 100_000e6 && _perpSize() == size, "margin");
    }

    // ---- inside ----

    /// @dev Six hours and a minute without a round.
    function _kill() private {
        vm.warp(vm.getBlockTimestamp() + 6 hours + 60);
        vm.expectPartialRevert(IPriceOracle.StaleFeed.selector);
        prices.read();
    }
}
