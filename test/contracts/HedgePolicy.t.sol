// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {HedgePolicy} from "../../contracts/rebalance/HedgePolicy.sol";
import {IHedgePolicy} from "../../contracts/rebalance/IHedgePolicy.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {vm} from "./support/Vm.sol";

contract HedgePolicyTest {
    uint256 private constant MIN_STEP = 25;

    AccessManager private manager;
    HedgePolicy private policy;

    function setUp() public {
        manager = new AccessManager(address(this));
        IHedgePolicy.Bands[3] memory bands = [_bands(), _bands(), _bands()];
        policy = new HedgePolicy(address(manager), MIN_STEP, bands, [_targets(), _targets(), _targets()]);
    }

    // ---- the step ----

    function testMinStepOfNothingOrOfMoreThanATenth() public {
        IHedgePolicy.Bands[3] memory bands = [_bands(), _bands(), _bands()];
        IHedgePolicy.Targets[3] memory targets = [_targets(), _targets(), _targets()];
        uint256[2] memory wrong = [uint256(0), 1_001];
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IHedgePolicy.InvalidParameter.selector, bytes32("minStepBps"), wrong[i])
            );
            new HedgePolicy(address(manager), wrong[i], bands, targets);
        }
        new HedgePolicy(address(manager), 1, bands, targets);
        new HedgePolicy(address(manager), 1_000, bands, targets);
    }

    // ---- a more defensive regime is never looser ----

    function testSetPolicyWithALowerNetDeltaInStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.netDeltaMinBps -= 1;
        _expectRefused(bands);
    }

    function testSetPolicyWithAHigherNetDeltaInStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.netDeltaMaxBps += 1;
        _expectRefused(bands);
    }

    function testSetPolicyWithMoreGrossInStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.grossMaxBps += 1;
        _expectRefused(bands);
    }

    function testSetPolicyWithMoreLeverageInStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.leverageMaxBps += 1;
        _expectRefused(bands);
    }

    function testSetPolicyWithMoreLiquidityInStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.liquidityMaxBps += 1;
        _expectRefused(bands);
    }

    function testSetPolicyWithMoreConcentrationInStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.concentrationMaxBps += 1;
        _expectRefused(bands);
    }

    function testSetPolicyWithLessCashInStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.cashMinBps -= 1;
        _expectRefused(bands);
    }

    function testSetPolicyWithMoreLossInStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.lossMaxBps += 1;
        _expectRefused(bands);
    }

    function testSetPolicyTightensStress() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.netDeltaMaxBps -= 1;
        bands.lossMaxBps -= 1;

        policy.setPolicy(Regime.Stress, bands, _targets());

        require(policy.bands(Regime.Stress).lossMaxBps == 99, "Stress");
        require(policy.bands(Regime.Unknown).lossMaxBps == 99, "Unknown has the bands of Stress");
    }

    // ---- the verdict, at its edges ----

    function testJudgeAPositionWithoutEquity() public {
        IHedgePolicy.Measures memory before = _inside();
        before.leverageBps = type(int256).max;

        policy.judge(Regime.Stress, before, _inside());

        vm.expectRevert(
            abi.encodeWithSelector(
                IHedgePolicy.OutsideBands.selector,
                Regime.Stress,
                IHedgePolicy.Measure.Leverage,
                type(int256).max,
                int256(40_000)
            )
        );
        policy.judge(Regime.Stress, _inside(), before);
    }

    /// @dev No measures at all may make the verdict overflow, and nothing outside a band may pass without an improvement.
    function testFuzzJudge(int128[7] calldata was, int128[7] calldata is_, uint8 seed) public view {
        Regime regime = Regime(seed % 3);
        IHedgePolicy.Measures memory before = _measures(was);
        IHedgePolicy.Measures memory afterwards = _measures(is_);

        try policy.judge(regime, before, afterwards) {
            require(_allNoWorse(before, afterwards), "a breach grew");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IHedgePolicy.OutsideBands.selector, "only a verdict, never a panic");
        }
    }

    function _allNoWorse(IHedgePolicy.Measures memory a, IHedgePolicy.Measures memory b) private pure returns (bool) {
        IHedgePolicy.Bands memory limits = _bands();
        return
            (b.netDeltaMinBps >= limits.netDeltaMinBps || b.netDeltaMinBps >= a.netDeltaMinBps) &&
            (b.netDeltaMaxBps <= limits.netDeltaMaxBps || b.netDeltaMaxBps <= a.netDeltaMaxBps) &&
            (b.grossBps <= int256(uint256(limits.grossMaxBps)) || b.grossBps <= a.grossBps) &&
            (b.leverageBps <= int256(uint256(limits.leverageMaxBps)) || b.leverageBps <= a.leverageBps) &&
            (b.liquidityBps <= int256(uint256(limits.liquidityMaxBps)) || b.liquidityBps <= a.liquidityBps) &&
            (b.concentrationBps <= int256(uint256(limits.concentrationMaxBps)) ||
                b.concentrationBps <= a.concentrationBps) &&
            (b.cashBps >= int256(uint256(limits.cashMinBps)) || b.cashBps >= a.cashBps);
    }

    function _expectRefused(IHedgePolicy.Bands memory bands) private {
        vm.expectRevert(abi.encodeWithSelector(IHedgePolicy.InvalidPolicy.selector, Regime.Stress));
        policy.setPolicy(Regime.Stress, bands, _targets());
    }

    function _measures(int128[7] calldata m) private pure returns (IHedgePolicy.Measures memory) {
        return IHedgePolicy.Measures(m[0], m[1], m[2], m[3], m[4], m[5], m[6]);
    }

    function _inside() private pure returns (IHedgePolicy.Measures memory) {
        return IHedgePolicy.Measures(0, 0, 1_000, 10_000, 1_000, 1_000, 5_000);
    }

    function _bands() private pure returns (IHedgePolicy.Bands memory) {
        return IHedgePolicy.Bands(-500, 4_000, 9_000, 40_000, 7_500, 7_500, 500, 100);
    }

    function _targets() private pure returns (IHedgePolicy.Targets memory) {
        return IHedgePolicy.Targets(6_000, 6_000, 2_500, 6_000, 1_000_000);
    }
}
