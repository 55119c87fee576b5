// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {HedgePolicy} from "../../../contracts/rebalance/HedgePolicy.sol";
import {IHedgePolicy} from "../../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../../contracts/rebalance/IRebalancer.sol";
import {Rebalancer} from "../../../contracts/rebalance/Rebalancer.sol";
import {IRegimeOracle, Regime} from "../../../contracts/regime/IRegimeOracle.sol";
import {IPriceOracle, Price} from "../../../contracts/vault/IPriceOracle.sol";
import {Exposure} from "../../../contracts/venues/IVenueAdapter.sol";
import {StandInLiquidity, StandInPerp, StandInVault} from "./StandIns.sol";
import {vm} from "./Vm.sol";

/// @title The Rebalancer and its policy among stand-ins, so that an outcome can be put exactly on a limit
/// @dev The real venues trade: what they do to a vault never comes out round. Here net asset value is 1,000,000 and the
/// price 1,000, so that a basis point is 100 of the asset or a tenth of the base. Everyone may do everything.
abstract contract LimitsSetup {
    uint256 internal constant PRICE = 1_000e18;
    uint256 internal constant NAV = 1_000_000e6;
    uint256 internal constant STEP_BPS = 25;
    bytes32 internal constant EVIDENCE = keccak256("evidence");
    address private constant AUTHORITY = address(uint160(uint256(keccak256("authority"))));
    address private constant PRICE_ORACLE = address(uint160(uint256(keccak256("price oracle"))));
    address private constant REGIME_ORACLE = address(uint160(uint256(keccak256("regime oracle"))));

    StandInVault internal vault;
    StandInLiquidity internal liquidity;
    StandInPerp internal perp;
    StandInPerp internal secondPerp;
    HedgePolicy internal policy;
    Rebalancer internal rebalancer;
    uint256 private _lastNonce;

    /// @dev Hedged in full: gross exposure is 4,000 basis points, leverage 2 ×, liquidity 6,000 and cash 3,000.
    function _bringUp() internal {
        vault = new StandInVault(PRICE_ORACLE);
        liquidity = new StandInLiquidity(vault);
        perp = new StandInPerp(vault);
        secondPerp = new StandInPerp(vault);
        vault.add(address(liquidity));
        vault.add(address(perp));
        vault.add(address(secondPerp));
        vault.setCash(300_000e6);
        liquidity.hold(_liquidity(200e18, 600_000e6));
        perp.hold(_perp(-200e18, 100_000e6));

        policy = _newPolicy();
        rebalancer = new Rebalancer(
            AUTHORITY,
            address(vault),
            address(policy),
            REGIME_ORACLE,
            IRebalancer.Budget(300, 100, 25),
            IRebalancer.Budget(150, 75, 10),
            80_000,
            18,
            6
        );
        vm.mockCall(AUTHORITY, abi.encodeWithSelector(IAccessManager.canCall.selector), abi.encode(true, uint32(0)));
        IPriceOracle.Reading memory reading;
        reading.price = Price(PRICE, PRICE, PRICE);
        vm.mockCall(PRICE_ORACLE, abi.encodeCall(IPriceOracle.read, ()), abi.encode(reading));
        _regime(Regime.Calm);
    }

    /// @dev Calm allows nearly everything, so that what else limits a plan is seen; Stress has narrow bands.
    function _newPolicy() private returns (HedgePolicy) {
        IHedgePolicy.Bands memory wide = IHedgePolicy.Bands(-10_000, 10_000, 20_000, 200_000, 10_000, 10_000, 100, 100);
        IHedgePolicy.Bands memory narrow = IHedgePolicy.Bands(-500, 1_000, 6_500, 30_000, 7_000, 7_000, 1_000, 100);
        IHedgePolicy.Targets memory t = IHedgePolicy.Targets(5_000, 0, 2_500, 12_000, 250_000);
        return new HedgePolicy(AUTHORITY, STEP_BPS, [wide, wide, narrow], [t, t, t]);
    }

    function _regime(Regime regime) internal {
        vm.mockCall(REGIME_ORACLE, abi.encodeCall(IRegimeOracle.regime, ()), abi.encode(regime));
    }

    function _killFeeds() internal {
        vm.mockCallRevert(PRICE_ORACLE, abi.encodeCall(IPriceOracle.read, ()), "dead");
    }

    // ------------------------------------------------------------------------------------------------------- positions

    function _liquidity(int256 delta, uint256 equity) internal pure returns (Exposure memory) {
        return Exposure(delta, delta, uint256(delta), equity, false);
    }

    /// @dev Short or long.
    function _perp(int256 size, uint256 equity) internal pure returns (Exposure memory) {
        return Exposure(size, size, uint256(size < 0 ? -size : size), equity, true);
    }

    // ----------------------------------------------------------------------------------------------------------- plans

    function _emptyPlan() internal returns (IRebalancer.Plan memory plan) {
        plan.nonce = ++_lastNonce;
        plan.validUntil = type(uint64).max;
        plan.fromPrice = PRICE;
        plan.evidence = EVIDENCE;
    }

    /// @dev A plan that asks for a share of liquidity, 6,000 basis points being there.
    function _liquidityPlan(uint32 shareBps) internal returns (IRebalancer.Plan memory plan) {
        plan = _emptyPlan();
        plan.liquidity = new IRebalancer.LiquidityTarget[](1);
        plan.liquidity[0].adapter = address(liquidity);
        plan.liquidity[0].shareBps = shareBps;
        plan.liquidity[0].fromLiquidity = liquidity.liquidity();
    }

    function _perpPlan(int256 size, uint256 equity) internal returns (IRebalancer.Plan memory plan) {
        plan = _emptyPlan();
        plan.perps = new IRebalancer.PerpTarget[](1);
        plan.perps[0] = _perpTarget(perp, size, equity);
    }

    function _perpTarget(
        StandInPerp at,
        int256 size,
        uint256 equity
    ) internal view returns (IRebalancer.PerpTarget memory) {
        return IRebalancer.PerpTarget(address(at), size, equity, at.position().size);
    }
}
