// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {IRegimeOracle, Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {IPriceOracle} from "../../contracts/vault/IPriceOracle.sol";
import {PriceOracle} from "../../contracts/vault/PriceOracle.sol";
import {ReplayFeed} from "../../deploy/devnet/contracts/ReplayFeed.sol";
import {Plans} from "./support/Plans.sol";
import {vm} from "./support/Vm.sol";

/// @title Why RegimeOracle needs no look at the sequencer: nothing acts on a regime that an outage made old
/// @dev The price oracle looks, and every plan of the Safe asks it first. What is sent while the sequencer is down stands
/// for what L1 forces into the chain.
contract RebalancerSequencerTest is Plans {
    uint256 private constant UP = 0;
    uint256 private constant DOWN = 1;
    uint256 private constant SEQUENCER_GRACE = 1 hours;

    ReplayFeed private uptime;

    function setUp() public {
        _bringUp(true);
    }

    // ---- the Safe's plans ----

    function testNoPlanRunsWhileItIsDownNorInTheGraceWhateverTheRegime() public {
        for (uint256 i; i < 4; ++i) {
            uint256 state = vm.snapshotState();
            Regime regime = Regime(i);
            _bringTo(regime);
            uint256 downAt = _turn(DOWN);
            _refuse(_emptyPlan(), _sequencerDown(downAt));

            vm.warp(downAt + 2 hours);
            uint256 upAt = _turn(UP);
            _refuse(_emptyPlan(), _sequencerDown(upAt));
            _freshRounds(SEQUENCER_GRACE - 1);
            _refuse(_emptyPlan(), _sequencerDown(upAt));

            vm.warp(upAt + SEQUENCER_GRACE);
            require(oracle.regime() == regime, "the regime is what it was");
            _execute(_emptyPlan());
            vm.revertToState(state);
        }
    }

    // ---- what the grace is for ----

    /// @dev Down from the close of New York until the next morning: Calm is still the regime when the chain is back.
    function testACloseTheOutageHeldBackIsTakenInBeforeAnyPlanRuns() public {
        uint32 day = oracle.nextSessionDay();
        _push(day, 28e8, 27e8);
        _turn(DOWN);
        _at(day + 1, 9 hours);
        uint256 upAt = _turn(UP);
        _freshRounds(0);
        require(oracle.regime() == Regime.Calm, "not old yet, and no longer true");
        _refuse(_targetPlan(), _sequencerDown(upAt));

        vm.prank(STRANGER);
        oracle.advance(1, 1);
        vm.warp(upAt + SEQUENCER_GRACE);
        _refuse(_targetPlan(Regime.Calm), IHedgePolicy.OutsideBands.selector);
        _execute(_targetPlan());
    }

    function testACrashWithinTheOutageLiftsBeforeAnyPlanRuns() public {
        _freshRounds(0);
        (uint80 before, uint256 downAt) = (_latest(baseFeed), _turn(DOWN));
        vm.warp(downAt + 8 hours);
        uint256 upAt = _turn(UP);
        _marketAt(1_650e18, 60);
        require(oracle.regime() == Regime.Calm, "VIX sleeps");
        _refuse(_targetPlan(), _sequencerDown(upAt));

        vm.prank(STRANGER);
        oracle.lift(before, _latest(baseFeed));
        vm.warp(upAt + SEQUENCER_GRACE);
        _refuse(_targetPlan(Regime.Calm), IHedgePolicy.OutsideBands.selector);
    }

    /// @dev What the check cannot mend, nor could one in RegimeOracle: no two rounds a day apart show the crash any more.
    function testACrashWithinAnOutageOfMoreThanADayIsLeftToTheNextClose() public {
        _freshRounds(0);
        (uint80 before, uint256 downAt) = (_latest(baseFeed), _turn(DOWN));
        vm.warp(downAt + 1 days);
        _turn(UP);
        _marketAt(1_650e18, 60);
        uint80 latest = _latest(baseFeed);
        vm.expectRevert(abi.encodeWithSelector(IRegimeOracle.LiftWindow.selector, downAt, downAt + 1 days + 60));
        oracle.lift(before, latest);
        require(oracle.regime() == Regime.Calm, "until the close");
        _closeSession(28e8, 27e8);
        require(oracle.regime() == Regime.Stress, "of the next session");
    }

    // ---- an outage buys no time ----

    /// @dev Down over the whole evening: no feed reports the session, and it is due all the same.
    function testACloseTheOutageSwallowedTurnsTheRegimeUnknownInTime() public {
        uint32 day = oracle.nextSessionDay();
        uint256 staleAfter = oracle.staleAfter();
        _at(day, 15 hours);
        _turn(DOWN);
        vm.warp(staleAfter);
        require(oracle.regime() == Regime.Calm, "the last second");
        vm.warp(staleAfter + 1);
        require(oracle.staleAfter() == staleAfter && oracle.regime() == Regime.Unknown, "then, up or down");

        uint256 upAt = _turn(UP);
        _freshRounds(0);
        vm.warp(upAt + SEQUENCER_GRACE);
        _refuse(_targetPlan(Regime.Calm), IHedgePolicy.RiskAddedWhileUnknown.selector);
        _refuse(_targetPlan(), IHedgePolicy.RiskAddedWhileUnknown.selector);
    }

    // ---- the keeper ----

    /// @dev It may act by an old Stress, and then only as with dead feeds: reduce. An outage is no licence in Calm.
    function testTheKeeperReducesInStressAndNothingElse() public {
        _freshRounds(0);
        _openPositions();
        uint256 state = vm.snapshotState();
        _turn(DOWN);
        _refuseDeleverage(
            _liquidityPlan(0),
            abi.encodeWithSelector(IRebalancer.DeleverageNotAllowed.selector, Regime.Calm)
        );
        vm.revertToState(state);

        _closeSession(28e8, 27e8);
        _turn(DOWN);
        bytes memory reason = abi.encodeWithSelector(IRebalancer.NotReducing.selector, address(perpAdapter));
        _refuseDeleverage(_perpPlan(_perpSize() - 1, 0), reason);
        uint256 cash = vault.cash();
        _deleverage(_closingPlan());
        require(_perpSize() == 0 && liquidityAdapter.position().liquidity == 0, "reduced");
        require(liquidityAdapter.position().idleBase != 0 && vault.cash() > cash, "and sold nothing");
    }

    // ---- inside ----

    function _newPriceOracle() internal override returns (PriceOracle) {
        uptime = new ReplayFeed("L2 sequencer uptime", 0);
        (int256[] memory up, uint64[] memory since) = (new int256[](1), new uint64[](1));
        since[0] = uint64(vm.getBlockTimestamp() - 1 days);
        uptime.seed(up, since);
        return
            new PriceOracle(
                PriceOracle.Feed(address(baseFeed), 6 hours, 50),
                PriceOracle.Feed(address(assetFeed), 26 hours, 25),
                address(uptime),
                SEQUENCER_GRACE
            );
    }

    function _turn(uint256 status) private returns (uint256 at) {
        uptime.push(int256(status));
        return vm.getBlockTimestamp();
    }

    function _bringTo(Regime regime) private {
        if (regime == Regime.Calm) _freshRounds(0);
        else if (regime == Regime.Elevated) _closeSession(16e8, 17e8);
        else if (regime == Regime.Stress) _closeSession(28e8, 27e8);
        else _freshRounds(oracle.staleAfter() + 1 - vm.getBlockTimestamp());
        require(oracle.regime() == regime, "not there");
    }

    function _sequencerDown(uint256 since) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPriceOracle.SequencerDown.selector, since);
    }
}
