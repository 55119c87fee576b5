// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VaultLens} from "../../../contracts/lens/VaultLens.sol";
import {HedgePolicy} from "../../../contracts/rebalance/HedgePolicy.sol";
import {IHedgePolicy} from "../../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../../contracts/rebalance/IRebalancer.sol";
import {Rebalancer} from "../../../contracts/rebalance/Rebalancer.sol";
import {ReviewGuard} from "../../../contracts/governance/ReviewGuard.sol";
import {IReviewGuard} from "../../../contracts/governance/IReviewGuard.sol";
import {HedgeVault} from "../../../contracts/vault/HedgeVault.sol";
import {PriceOracle} from "../../../contracts/vault/PriceOracle.sol";
import {SharePrice} from "../../../contracts/vault/SharePrice.sol";
import {CurieAdapter} from "../../../contracts/venues/curie/CurieAdapter.sol";
import {UniswapV3Adapter} from "../../../contracts/venues/uniswap-v3/UniswapV3Adapter.sol";
import {ReplayFeed} from "../../../deploy/devnet/contracts/ReplayFeed.sol";
import {CurieVenue} from "./CurieVenue.sol";
import {RegimeOracleSetup} from "./RegimeOracleSetup.sol";
import {SafeWallet} from "./SafeWallet.sol";
import {UniswapVenue} from "./UniswapVenue.sol";
import {vm} from "./Vm.sol";

/// @title Everything on one chain: the venues and the Safe from their published bytecode, all of Ballast, its market
/// @dev Wired as deploy/vault.ts wires a vault, with the numbers of deploy/networks/example.json. Each contract is
/// constructed in one function here and nowhere else. Ends with the Safe as the only administrator.
abstract contract World is RegimeOracleSetup, UniswapVenue, CurieVenue, SafeWallet {
    uint256 internal constant OPENING_PRICE = 2_000e18;
    uint256 internal constant DEPOSIT = 5_000_000e6;
    address internal constant DEPOSITOR = address(uint160(uint256(keccak256("depositor"))));
    address internal constant KEEPER = address(uint160(uint256(keccak256("keeper"))));
    address internal constant STRANGER = address(uint160(uint256(keccak256("stranger"))));
    uint32 internal constant PARAMETER_DELAY = 2 days;
    uint32 internal constant ADMIN_DELAY = 3 days;
    uint64 private constant ADMIN = 0;
    uint64 private constant REBALANCE_ROLE = 1;
    uint64 private constant EXECUTOR_ROLE = 2;
    uint64 private constant PARAMETERS_ROLE = 3;
    uint64 private constant CALENDAR_ROLE = 4;
    uint64 private constant KEEPER_ROLE = 5;
    uint64 private constant PROPOSER_ROLE = 7;

    ReplayFeed internal assetFeed;
    PriceOracle internal prices;
    HedgeVault internal vault;
    HedgePolicy internal policy;
    Rebalancer internal rebalancer;
    UniswapV3Adapter internal liquidityAdapter;
    CurieAdapter internal perpAdapter;
    VaultLens internal lens;
    ReviewGuard internal guard;

    function _bringUp(bool baseFirst) internal {
        _deploy();
        oracle.seed(_calmSeed());
        assetFeed = new ReplayFeed("USDC / USD", 8);
        _pushPrice(OPENING_PRICE);
        _deployTokens(baseFirst);
        _deployUniswap(OPENING_PRICE);
        _deployCurie(asset, baseFeed, OPENING_PRICE);
        _deploySafe();

        prices = _newPriceOracle();
        vault = _newVault();
        policy = _newPolicy();
        rebalancer = _newRebalancer();
        liquidityAdapter = _newLiquidityAdapter();
        perpAdapter = _newPerpAdapter();
        lens = new VaultLens(address(rebalancer));
        guard = _newGuard();
        _wire();
        _handOver();

        _marketAt(OPENING_PRICE, 60);
        _enter(DEPOSITOR, DEPOSIT);
    }

    // ---------------------------------------------------------------------------------------------------- construction

    function _newPriceOracle() internal virtual returns (PriceOracle) {
        return
            new PriceOracle(
                PriceOracle.Feed(address(baseFeed), 6 hours, 50),
                PriceOracle.Feed(address(assetFeed), 26 hours, 25),
                address(0),
                0
            );
    }

    function _newVault() internal returns (HedgeVault) {
        SharePrice sharePrice = new SharePrice(500, 100, address(0), 0, 1_000);
        return
            new HedgeVault(
                address(manager),
                asset,
                address(prices),
                address(sharePrice),
                "Ballast USDC/ETH",
                "bUSDC",
                300,
                1e18
            );
    }

    function _newPolicy() internal returns (HedgePolicy) {
        IHedgePolicy.Bands[3] memory bands = [
            IHedgePolicy.Bands(-500, 4_000, 9_000, 40_000, 7_500, 7_500, 500, 100),
            IHedgePolicy.Bands(-500, 2_000, 8_000, 35_000, 6_500, 6_500, 750, 100),
            IHedgePolicy.Bands(-500, 1_000, 6_500, 30_000, 5_000, 5_000, 1_000, 100)
        ];
        IHedgePolicy.Targets[3] memory targets = [
            IHedgePolicy.Targets(6_000, 6_000, 2_500, 12_000, 250_000),
            IHedgePolicy.Targets(5_000, 8_500, 3_500, 12_000, 250_000),
            IHedgePolicy.Targets(3_500, 10_000, 5_000, 12_000, 250_000)
        ];
        return new HedgePolicy(address(manager), 25, bands, targets);
    }

    function _newRebalancer() internal returns (Rebalancer) {
        return
            new Rebalancer(
                address(manager),
                address(vault),
                address(policy),
                address(oracle),
                IRebalancer.Budget(300, 100, 25),
                IRebalancer.Budget(150, 75, 10),
                80_000,
                base.decimals(),
                asset.decimals()
            );
    }

    function _newLiquidityAdapter() internal returns (UniswapV3Adapter) {
        return
            new UniswapV3Adapter(
                address(manager),
                address(vault),
                address(base),
                address(positionManager),
                POOL_FEE,
                100,
                10
            );
    }

    function _newPerpAdapter() internal returns (CurieAdapter) {
        return new CurieAdapter(address(manager), address(vault), clearingHouse, baseToken, 200, 15);
    }

    function _newGuard() internal returns (ReviewGuard) {
        return
            new ReviewGuard(
                address(manager),
                address(safe),
                address(rebalancer),
                address(lens),
                IReviewGuard.Rules({
                    deriskWindow: 15 minutes,
                    planWindow: 6 hours,
                    otherWindow: 3 days,
                    exitDelay: 21 days,
                    expiry: 5 days,
                    planVetoBps: 2_000,
                    otherVetoBps: 1_000,
                    secondVetoBps: 4_000
                })
            );
    }

    // ----------------------------------------------------------------------------------------------------------- roles

    function _wire() private {
        vault.setAdapter(address(liquidityAdapter), 1_000_000_000e6, 8_000);
        vault.setAdapter(address(perpAdapter), 1_000_000_000e6, 6_000);
        vault.setRebalancer(address(rebalancer));
        _role(address(rebalancer), REBALANCE_ROLE, rebalancer.execute.selector);
        _role(address(rebalancer), KEEPER_ROLE, rebalancer.deleverage.selector);
        _role(address(liquidityAdapter), EXECUTOR_ROLE, liquidityAdapter.setLiquidity.selector);
        _role(address(liquidityAdapter), EXECUTOR_ROLE, liquidityAdapter.burnLiquidity.selector);
        _role(address(perpAdapter), EXECUTOR_ROLE, perpAdapter.setPosition.selector);
        _role(address(perpAdapter), EXECUTOR_ROLE, perpAdapter.reducePosition.selector);
        _role(address(vault), PARAMETERS_ROLE, vault.setAdapter.selector);
        _role(address(vault), PARAMETERS_ROLE, vault.removeAdapter.selector);
        _role(address(vault), PARAMETERS_ROLE, vault.setLimits.selector);
        _role(address(vault), PARAMETERS_ROLE, vault.setReserve.selector);
        _role(address(vault), PARAMETERS_ROLE, vault.setRebalancer.selector);
        _role(address(policy), PARAMETERS_ROLE, policy.setPolicy.selector);
        _role(address(oracle), CALENDAR_ROLE, oracle.setClosures.selector);
        _role(address(guard), PROPOSER_ROLE, guard.announce.selector);
        manager.grantRole(REBALANCE_ROLE, address(safe), 0);
        manager.grantRole(EXECUTOR_ROLE, address(rebalancer), 0);
        manager.grantRole(PARAMETERS_ROLE, address(safe), PARAMETER_DELAY);
        manager.grantRole(CALENDAR_ROLE, address(safe), PARAMETER_DELAY);
        manager.grantRole(KEEPER_ROLE, KEEPER, 0);
        manager.grantRole(PROPOSER_ROLE, KEEPER, 0);
    }

    function _role(address target, uint64 role, bytes4 selector) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        manager.setTargetFunctionRole(target, selectors, role);
    }

    function _handOver() private {
        manager.grantRole(ADMIN, address(safe), ADMIN_DELAY);
        manager.renounceRole(ADMIN, address(this));
    }

    /// @dev A parameter changes the long way: scheduled through the Safe, executed through it after the delay, at the
    /// prices of then. Two days end before the next session is missing.
    function _administer(address target, bytes memory data) internal {
        _viaSafe(address(manager), abi.encodeCall(manager.schedule, (target, data, 0)));
        _freshRounds(PARAMETER_DELAY);
        _viaSafe(address(manager), abi.encodeCall(manager.execute, (target, data)));
    }

    // ---------------------------------------------------------------------------------------------------------- market

    /// @dev Seconds later feeds, pool and mark are at a price. At least a minute, which Curie's price limit forgets by.
    function _marketAt(uint256 price, uint256 elapsed) internal {
        vm.warp(vm.getBlockTimestamp() + elapsed);
        _pushPrice(price);
        _moveMark(price);
        trader.moveTo(price);
    }

    /// @dev Seconds later both price feeds have a newer round of the same answer.
    function _freshRounds(uint256 elapsed) internal {
        vm.warp(vm.getBlockTimestamp() + elapsed);
        _pushPrice(_feedPrice());
        _pokeIndex();
    }

    function _pushPrice(uint256 price) internal {
        baseFeed.push(int256(price / 1e10));
        assetFeed.push(1e8);
    }

    function _feedPrice() internal view returns (uint256) {
        (, int256 answer, , , ) = baseFeed.latestRoundData();
        return uint256(answer) * 1e10;
    }

    /// @dev The next session closes at these values, its day ends, the regime takes it in, and the price feeds beat.
    function _closeSession(uint256 vix, uint256 vix3m) internal {
        _close(vix, vix3m);
        _freshRounds(0);
    }

    function _enter(address holder, uint256 assets) internal returns (uint256 shares) {
        asset.mint(holder, assets);
        vm.prank(holder);
        asset.approve(address(vault), assets);
        vm.prank(holder);
        return vault.deposit(assets, holder);
    }
}
