// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
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
        require(new HedgePolicy(address(manager), 1, bands, targets).minStepBps() == 1, "the least");
        require(new HedgePolicy(address(manager), 1_000, bands, targets).minStepBps() == 1_000, "the most");
    }

    // ---- what it holds ----

    function testKeepsWhatItIsGivenAndSaysSo() public {
        (IHedgePolicy.Bands[3] memory bands, IHedgePolicy.Targets[3] memory targets) = _different();
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit();
            emit IHedgePolicy.PolicySet(Regime(i), bands[i], targets[i]);
        }
        HedgePolicy other = new HedgePolicy(address(manager), 26, bands, targets);
        require(other.authority() == address(manager) && other.minStepBps() == 26, "authority, step");
        for (uint256 i; i < 3; ++i) _requirePolicy(other, Regime(i), bands[i], targets[i]);
        _requirePolicy(other, Regime.Unknown, bands[2], targets[2]);
    }

    function testSetPolicyReplacesOneRegimeAndSaysSo() public {
        (IHedgePolicy.Bands[3] memory bands, IHedgePolicy.Targets[3] memory targets) = _different();
        // From the most defensive on: no step in between is looser than the one before it.
        for (uint256 left = 3; left > 0; --left) {
            uint256 i = left - 1;
            vm.expectEmit(address(policy));
            emit IHedgePolicy.PolicySet(Regime(i), bands[i], targets[i]);
            policy.setPolicy(Regime(i), bands[i], targets[i]);
            _requirePolicy(policy, Regime(i), bands[i], targets[i]);
            if (i > 0) _requirePolicy(policy, Regime(i - 1), _bands(), _targets());
        }
        _requirePolicy(policy, Regime.Unknown, bands[2], targets[2]);
    }

    function testUnknownHasNoPolicyOfItsOwn() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgePolicy.InvalidPolicy.selector, Regime.Unknown));
        policy.setPolicy(Regime.Unknown, _bands(), _targets());
    }

    function testOnlyTheAdministratorSetsAPolicy() public {
        vm.prank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(0xBAD)));
        policy.setPolicy(Regime.Stress, _bands(), _targets());
    }

    // ---- a policy that is possible ----

    function testTheConstructorRefusesAPolicyThatIsNot() public {
        for (uint256 i; i < 3; ++i) {
            IHedgePolicy.Bands[3] memory bands = [_bands(), _bands(), _bands()];
            IHedgePolicy.Targets[3] memory targets = [_targets(), _targets(), _targets()];
            targets[i].halfWidthTicks = 0;
            vm.expectRevert(abi.encodeWithSelector(IHedgePolicy.InvalidPolicy.selector, Regime(i)));
            new HedgePolicy(address(manager), MIN_STEP, bands, targets);
        }
    }

    function testNetDeltaBandsThatCross() public {
        IHedgePolicy.Bands memory bands = _bands();
        (bands.netDeltaMinBps, bands.netDeltaMaxBps) = (101, 100);
        _expectImpossible(bands, _targets());
        bands.netDeltaMinBps = 100;
        _setEverywhere(bands, _targets());
    }

    function testMoreCashThanThereIs() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.cashMinBps = 10_001;
        _expectImpossible(bands, _targets());
        bands.cashMinBps = 10_000;
        _setEverywhere(bands, _targets());
    }

    function testATargetOutsideItsOwnBand() public {
        IHedgePolicy.Targets memory targets = _targets();
        targets.liquidityBps = _bands().liquidityMaxBps + 1;
        _expectImpossible(_bands(), targets);
        targets.liquidityBps = _bands().liquidityMaxBps;
        _setEverywhere(_bands(), targets);
    }

    function testARangeOfNoWidth() public {
        IHedgePolicy.Targets memory targets = _targets();
        targets.halfWidthTicks = 0;
        _expectImpossible(_bands(), targets);
        targets.halfWidthTicks = 1;
        _setEverywhere(_bands(), targets);
    }

    function testNoRiskAversion() public {
        IHedgePolicy.Targets memory targets = _targets();
        targets.riskAversionBps = 0;
        _expectImpossible(_bands(), targets);
        targets.riskAversionBps = 1;
        _setEverywhere(_bands(), targets);
    }

    /// @dev A margin of 25 % is leverage of four, the band's edge. What hedges nothing needs none.
    function testLessMarginThanItsLeverageBandAllows() public {
        IHedgePolicy.Targets memory targets = _targets();
        targets.marginBps = 2_499;
        _expectImpossible(_bands(), targets);
        targets.hedgeRatioBps = 1;
        _expectImpossible(_bands(), targets);
        targets.hedgeRatioBps = 0;
        _setEverywhere(_bands(), targets);
        targets.marginBps = 0;
        _setEverywhere(_bands(), targets);
        (targets.hedgeRatioBps, targets.marginBps) = (6_000, 2_500);
        _setEverywhere(_bands(), targets);

        IHedgePolicy.Bands memory bands = _bands();
        bands.leverageMaxBps = 39_999;
        _expectImpossible(bands, targets);
    }

    /// @dev Neither margin nor leverage can be so large that the product overflows.
    function testTheMostMarginAndLeverage() public {
        IHedgePolicy.Bands memory bands = _bands();
        bands.leverageMaxBps = type(uint32).max;
        IHedgePolicy.Targets memory targets = _targets();
        targets.marginBps = type(uint32).max;
        policy.setPolicy(Regime.Calm, bands, targets);
    }

    // ---- a more defensive regime is never looser ----

    /// @dev Which of two neighbours moved does not matter: the more defensive one is named.
    function testTheRegimeThatIsLooserIsNamed() public {
        IHedgePolicy.Bands memory tight = _bands();
        tight.grossMaxBps -= 1;
        vm.expectRevert(abi.encodeWithSelector(IHedgePolicy.InvalidPolicy.selector, Regime.Elevated));
        policy.setPolicy(Regime.Calm, tight, _targets());
        vm.expectRevert(abi.encodeWithSelector(IHedgePolicy.InvalidPolicy.selector, Regime.Stress));
        policy.setPolicy(Regime.Elevated, tight, _targets());
        IHedgePolicy.Bands memory loose = _bands();
        loose.grossMaxBps += 1;
        vm.expectRevert(abi.encodeWithSelector(IHedgePolicy.InvalidPolicy.selector, Regime.Elevated));
        policy.setPolicy(Regime.Elevated, loose, _targets());
        policy.setPolicy(Regime.Calm, loose, _targets());
        policy.setPolicy(Regime.Elevated, loose, _targets());
        policy.setPolicy(Regime.Stress, tight, _targets());
        require(policy.bands(Regime.Unknown).grossMaxBps == tight.grossMaxBps, "in order it goes");
    }

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

    /// @dev Three regimes without a number in common but where the order allows none.
    function _different()
        private
        pure
        returns (IHedgePolicy.Bands[3] memory bands, IHedgePolicy.Targets[3] memory targets)
    {
        bands = [
            IHedgePolicy.Bands(-500, 4_000, 9_000, 40_000, 7_500, 7_400, 500, 100),
            IHedgePolicy.Bands(-400, 3_000, 8_000, 35_000, 6_500, 6_400, 600, 90),
            IHedgePolicy.Bands(-300, 2_000, 7_000, 30_000, 5_500, 5_400, 700, 80)
        ];
        targets = [
            IHedgePolicy.Targets(6_000, 6_100, 2_500, 12_000, 250_000),
            IHedgePolicy.Targets(5_000, 8_500, 3_500, 12_100, 240_000),
            IHedgePolicy.Targets(3_500, 9_900, 5_000, 12_200, 230_000)
        ];
    }

    function _requirePolicy(
        HedgePolicy target,
        Regime regime,
        IHedgePolicy.Bands memory bands,
        IHedgePolicy.Targets memory targets
    ) private view {
        require(keccak256(abi.encode(target.bands(regime))) == keccak256(abi.encode(bands)), "bands");
        require(keccak256(abi.encode(target.targets(regime))) == keccak256(abi.encode(targets)), "targets");
    }

    /// @dev Refused in each regime, under its name, whatever the others are.
    function _expectImpossible(IHedgePolicy.Bands memory bands, IHedgePolicy.Targets memory targets) private {
        for (uint256 i; i < 3; ++i) {
            IHedgePolicy.Bands[3] memory all = [_bands(), _bands(), _bands()];
            IHedgePolicy.Targets[3] memory aims = [_targets(), _targets(), _targets()];
            for (uint256 j = i; j < 3; ++j) (all[j], aims[j]) = (bands, targets);
            vm.expectRevert(abi.encodeWithSelector(IHedgePolicy.InvalidPolicy.selector, Regime(i)));
            new HedgePolicy(address(manager), MIN_STEP, all, aims);
        }
    }

    function _setEverywhere(IHedgePolicy.Bands memory bands, IHedgePolicy.Targets memory targets) private {
        HedgePolicy other = new HedgePolicy(
            address(manager),
            MIN_STEP,
            [bands, bands, bands],
            [targets, targets, targets]
        );
        _requirePolicy(other, Regime.Stress, bands, targets);
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
