// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {HedgePolicy} from "../../contracts/rebalance/HedgePolicy.sol";
import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {vm} from "./support/Vm.sol";

/// @title The verdict against what its interface promises, written a second time
contract HedgePolicyJudgeTest {
    int256 private constant MIN_STEP = 25;
    uint256 private constant MEASURES = 7;

    HedgePolicy private policy;

    function setUp() public {
        AccessManager manager = new AccessManager(address(this));
        IHedgePolicy.Bands[3] memory bands = [_bands(0), _bands(1), _bands(2)];
        IHedgePolicy.Targets memory t = IHedgePolicy.Targets(1_000, 6_000, 2_500, 6_000, 1_000_000);
        policy = new HedgePolicy(address(manager), uint256(MIN_STEP), bands, [t, t, t]);
    }

    /// @dev Each measure starts within 48 of its own limit, on either side, and stays, improves, or (seldom, so that many
    /// draws pass and many fail) goes anywhere.
    function testFuzzVerdictIsWhatTheInterfacePromises(
        uint256 random,
        uint8 regimeSeed,
        int256[MEASURES] memory was
    ) public view {
        Regime regime = Regime(regimeSeed % 4);
        int256[MEASURES] memory is_;
        for (uint256 i; i < MEASURES; ++i) {
            int256 limit = _limit(_effective(regime), i);
            uint256 story = (random >> (8 * i)) & 7;
            int256 jitter = int256((random >> (8 * i + 64)) % 64);
            int256 beyond = was[i] % 48;
            int256 later =
                story < 4
                    ? beyond
                    : story < 7
                        ? beyond - jitter
                        : beyond + jitter - 32;
            was[i] = _isFloor(i) ? limit - beyond : limit + beyond;
            is_[i] = _isFloor(i) ? limit - later : limit + later;
        }
        IHedgePolicy.Measures memory before = _measures(was);
        IHedgePolicy.Measures memory afterwards = _measures(is_);

        bool accepted;
        bytes4 reason;
        try policy.judge(regime, before, afterwards) {
            accepted = true;
        } catch (bytes memory data) {
            reason = bytes4(data);
        }

        bool riskAdded = regime == Regime.Unknown && (is_[2] > was[2] || is_[3] > was[3] || is_[4] > was[4]);
        require(
            accepted == (!riskAdded && _passes(_effective(regime), was, is_)),
            "the verdict differs from its promise"
        );
        if (riskAdded) require(reason == IHedgePolicy.RiskAddedWhileUnknown.selector, "named as risk in Unknown");
        else if (!accepted) require(reason == IHedgePolicy.OutsideBands.selector, "named by its measure");
    }

    function testAStepOfTheMinimumIsEnoughAndOneLessIsNot() public {
        int256[MEASURES] memory inside = _inside(Regime.Calm);
        for (uint256 i; i < MEASURES; ++i) {
            int256 limit = _limit(Regime.Calm, i);
            int256 outwards = _isFloor(i) ? int256(-1) : int256(1);
            int256[MEASURES] memory was = _inside(Regime.Calm);
            was[i] = limit + outwards * 100;
            int256[MEASURES] memory back = _inside(Regime.Calm);
            back[i] = limit + outwards * (100 - MIN_STEP);
            policy.judge(Regime.Calm, _measures(was), _measures(back));

            back[i] += outwards;
            _expectOutside(Regime.Calm, i, back[i], limit);
            policy.judge(Regime.Calm, _measures(was), _measures(back));

            // On the limit is inside; one beyond it, coming from inside, is not.
            back[i] = limit;
            policy.judge(Regime.Calm, _measures(inside), _measures(back));
            back[i] = limit + outwards;
            _expectOutside(Regime.Calm, i, back[i], limit);
            policy.judge(Regime.Calm, _measures(inside), _measures(back));
        }
    }

    function testOneBreachMayStandStillWhileAnotherShrinks() public {
        int256[MEASURES] memory was = _inside(Regime.Stress);
        was[2] = _limit(Regime.Stress, 2) + 100;
        was[4] = _limit(Regime.Stress, 4) + 100;
        int256[MEASURES] memory is_ = _inside(Regime.Stress);
        is_[2] = was[2];
        is_[4] = was[4] - MIN_STEP;
        policy.judge(Regime.Stress, _measures(was), _measures(is_));

        is_[2] = was[2] + 1;
        _expectOutside(Regime.Stress, 2, is_[2], _limit(Regime.Stress, 2));
        policy.judge(Regime.Stress, _measures(was), _measures(is_));

        // However much the others improve, none may leave its band.
        is_[2] = was[2] - MIN_STEP;
        is_[6] = _limit(Regime.Stress, 6) - 1;
        _expectOutside(Regime.Stress, 6, is_[6], _limit(Regime.Stress, 6));
        policy.judge(Regime.Stress, _measures(was), _measures(is_));
    }

    /// @dev Of several breaches that stand still, the first in the order of Measures is named; one of a unit is a breach.
    function testTheFirstBreachIsNamed() public {
        for (uint256 first; first < MEASURES; ++first) {
            for (int256 beyond = 1; beyond < 8; beyond += 6) {
                int256[MEASURES] memory m = _inside(Regime.Elevated);
                for (uint256 i = first; i < MEASURES; ++i) {
                    m[i] = _limit(Regime.Elevated, i) + (_isFloor(i) ? -beyond : beyond);
                }
                _expectOutside(Regime.Elevated, first, m[first], _limit(Regime.Elevated, first));
                policy.judge(Regime.Elevated, _measures(m), _measures(m));
            }
        }
    }

    /// @dev Inside its bands a measure may move as it likes, away from its limit and up to it.
    function testInsideTheBandsAnyMoveIsAccepted() public view {
        for (uint256 r; r < 3; ++r) {
            int256[MEASURES] memory far = _inside(Regime(r));
            int256[MEASURES] memory edge;
            for (uint256 i; i < MEASURES; ++i) edge[i] = _limit(Regime(r), i);
            policy.judge(Regime(r), _measures(far), _measures(edge));
            policy.judge(Regime(r), _measures(edge), _measures(far));
            policy.judge(Regime(r), _measures(edge), _measures(edge));
        }
    }

    // ---- Unknown ----

    function testInUnknownRiskMayStayAndFallAndNotRiseByAUnit() public {
        for (uint256 i = 2; i < 5; ++i) {
            int256[MEASURES] memory was = _inside(Regime.Stress);
            int256[MEASURES] memory is_ = _inside(Regime.Stress);
            policy.judge(Regime.Unknown, _measures(was), _measures(is_));
            is_[i] = was[i] - 1;
            policy.judge(Regime.Unknown, _measures(was), _measures(is_));
            is_[i] = was[i] + 1;
            vm.expectRevert(
                abi.encodeWithSelector(
                    IHedgePolicy.RiskAddedWhileUnknown.selector,
                    IHedgePolicy.Measure(i),
                    was[i],
                    is_[i]
                )
            );
            policy.judge(Regime.Unknown, _measures(was), _measures(is_));
            policy.judge(Regime.Stress, _measures(was), _measures(is_));
        }
    }

    function testInUnknownTheOtherMeasuresMoveInTheBandsOfStress() public {
        uint256[4] memory others = [uint256(0), 1, 5, 6];
        for (uint256 i; i < others.length; ++i) {
            int256[MEASURES] memory is_ = _inside(Regime.Stress);
            int256 limit = _limit(Regime.Stress, others[i]);
            is_[others[i]] = limit;
            policy.judge(Regime.Unknown, _measures(_inside(Regime.Stress)), _measures(is_));
            is_[others[i]] = limit + (_isFloor(others[i]) ? int256(-1) : int256(1));
            _expectOutside(Regime.Unknown, others[i], is_[others[i]], limit);
            policy.judge(Regime.Unknown, _measures(_inside(Regime.Stress)), _measures(is_));
        }
    }

    /// @dev Not even a way back into the bands may be paid for with more of another risk.
    function testInUnknownAWayBackAddsNoOtherRisk() public {
        int256[MEASURES] memory was = _inside(Regime.Stress);
        was[2] = _limit(Regime.Stress, 2) + 100;
        int256[MEASURES] memory is_ = _inside(Regime.Stress);
        policy.judge(Regime.Unknown, _measures(was), _measures(is_));
        is_[4] = was[4] + 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                IHedgePolicy.RiskAddedWhileUnknown.selector,
                IHedgePolicy.Measure.Liquidity,
                was[4],
                is_[4]
            )
        );
        policy.judge(Regime.Unknown, _measures(was), _measures(is_));
    }

    // ---- inside ----

    /// @dev Inside every band; or no breach grew (from inside, none was there to begin with), and one shrank by the step.
    function _passes(
        Regime regime,
        int256[MEASURES] memory was,
        int256[MEASURES] memory is_
    ) private pure returns (bool) {
        bool allInside = true;
        bool noneWorse = true;
        bool oneBetter = false;
        for (uint256 i; i < MEASURES; ++i) {
            int256 limit = _limit(regime, i);
            bool insideNow = _isFloor(i) ? is_[i] >= limit : is_[i] <= limit;
            bool insideThen = _isFloor(i) ? was[i] >= limit : was[i] <= limit;
            int256 progress = _isFloor(i) ? is_[i] - was[i] : was[i] - is_[i];
            // Only what brings a measure nearer to its band counts as progress, not how far inside it then is.
            if (insideNow && !insideThen) progress = _isFloor(i) ? limit - was[i] : was[i] - limit;
            allInside = allInside && insideNow;
            if (!insideNow && (insideThen || progress < 0)) noneWorse = false;
            if (!insideThen && progress >= MIN_STEP) oneBetter = true;
        }
        return allInside || (noneWorse && oneBetter);
    }

    function _expectOutside(Regime regime, uint256 measure, int256 value, int256 limit) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IHedgePolicy.OutsideBands.selector,
                regime,
                IHedgePolicy.Measure(measure),
                value,
                limit
            )
        );
    }

    function _effective(Regime regime) private pure returns (Regime) {
        return regime == Regime.Unknown ? Regime.Stress : regime;
    }

    function _isFloor(uint256 measure) private pure returns (bool) {
        return measure == 0 || measure == 6;
    }

    function _limit(Regime regime, uint256 measure) private pure returns (int256) {
        IHedgePolicy.Bands memory b = _bands(uint256(regime));
        if (measure == 0) return b.netDeltaMinBps;
        if (measure == 1) return b.netDeltaMaxBps;
        if (measure == 2) return int256(uint256(b.grossMaxBps));
        if (measure == 3) return int256(uint256(b.leverageMaxBps));
        if (measure == 4) return int256(uint256(b.liquidityMaxBps));
        if (measure == 5) return int256(uint256(b.concentrationMaxBps));
        return int256(uint256(b.cashMinBps));
    }

    function _inside(Regime regime) private pure returns (int256[MEASURES] memory m) {
        for (uint256 i; i < MEASURES; ++i) {
            m[i] = _limit(regime, i) + (_isFloor(i) ? int256(200) : int256(-200));
        }
    }

    function _measures(int256[MEASURES] memory m) private pure returns (IHedgePolicy.Measures memory) {
        return IHedgePolicy.Measures(m[0], m[1], m[2], m[3], m[4], m[5], m[6]);
    }

    /// @dev Tighter with each regime, every limit another number.
    function _bands(uint256 regime) private pure returns (IHedgePolicy.Bands memory) {
        uint32 r = uint32(regime);
        return
            IHedgePolicy.Bands({
                netDeltaMinBps: -510 + 10 * int32(r),
                netDeltaMaxBps: 4_000 - 1_000 * int32(r),
                grossMaxBps: 9_000 - 1_000 * r,
                leverageMaxBps: 40_000 - 5_000 * r,
                liquidityMaxBps: 7_500 - 1_000 * r,
                concentrationMaxBps: 7_600 - 1_100 * r,
                cashMinBps: 500 + 250 * r,
                lossMaxBps: 100
            });
    }
}
