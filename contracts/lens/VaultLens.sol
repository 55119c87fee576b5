// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRebalancer} from "../rebalance/IRebalancer.sol";
import {IRegimeOracle} from "../regime/IRegimeOracle.sol";
import {IHedgeVault} from "../vault/IHedgeVault.sol";
import {IPriceOracle, Price} from "../vault/IPriceOracle.sol";
import {Exposure, ILiquidityAdapter, IPerpAdapter, IVenueAdapter} from "../venues/IVenueAdapter.sol";
import {IVaultLens} from "./IVaultLens.sol";

/// @title VaultLens: one call that returns all a keeper or a page needs
/// @dev Reads only, holds nothing. Without a price, positions are still shown and values are zero.
contract VaultLens is IVaultLens {
    /// @dev Any positive price tells margined venues from others when the oracle is silent.
    uint256 private constant ANY_PRICE = 1e18;

    address public immutable rebalancer;
    address public immutable vault;

    constructor(address rebalancer_) {
        rebalancer = rebalancer_;
        vault = IRebalancer(rebalancer_).vault();
    }

    /// @inheritdoc IVaultLens
    function snapshot() external view returns (Snapshot memory s) {
        IHedgeVault v = IHedgeVault(vault);
        s.chainId = block.chainid;
        s.blockNumber = block.number;
        s.timestamp = block.timestamp;
        s.vault = vault;
        s.rebalancer = rebalancer;
        s.policy = IRebalancer(rebalancer).policy();
        s.regimeOracle = IRebalancer(rebalancer).regimeOracle();
        s.priceOracle = v.priceOracle();
        s.cash = v.cash();
        s.claimsOutstanding = v.claimsOutstanding();
        s.totalSupply = IERC20(vault).totalSupply();
        s.pendingShares = v.pendingShares();
        (s.queueHead, s.queueTail) = v.queueBounds();
        (s.lossLevel, s.lossCapacity) = IRebalancer(rebalancer).lossBudget();
        s.regime = _regime(IRegimeOracle(s.regimeOracle));

        try IPriceOracle(s.priceOracle).read() returns (IPriceOracle.Reading memory reading) {
            s.priced = true;
            s.reading = reading;
            s.measures = IRebalancer(rebalancer).measure(reading.price.mid);
        } catch (bytes memory reason) {
            s.priceError = reason;
        }
        (s.liquidity, s.perps) = _accounts(v.adapters(), s.priced, s.reading.price);
        if (s.priced) _addUp(s);
    }

    /// @dev As HedgeVault.nav and navAt add up, without asking each venue a second time.
    function _addUp(Snapshot memory s) private pure {
        (s.navLow, s.navMid, s.navHigh) = (s.cash, s.cash, s.cash);
        for (uint256 i; i < s.liquidity.length; ++i) {
            s.navLow += s.liquidity[i].valueLow;
            s.navMid += s.liquidity[i].valueMid;
            s.navHigh += s.liquidity[i].valueHigh;
        }
        for (uint256 i; i < s.perps.length; ++i) {
            s.navLow += s.perps[i].valueLow;
            s.navMid += s.perps[i].valueMid;
            s.navHigh += s.perps[i].valueHigh;
        }
    }

    function _regime(IRegimeOracle oracle) private view returns (RegimeState memory) {
        return
            RegimeState({
                regime: oracle.regime(),
                level: oracle.level(),
                liftPending: oracle.liftPending(),
                sessionCount: oracle.sessionCount(),
                nextSessionDay: _nextSessionDay(oracle),
                staleAfter: oracle.staleAfter()
            });
    }

    /// @dev Zero when the calendar has no session in sight: the regime is Unknown then, and the rest is still shown.
    function _nextSessionDay(IRegimeOracle oracle) private view returns (uint32) {
        try oracle.nextSessionDay() returns (uint32 day) {
            return day;
        } catch {
            return 0;
        }
    }

    function _accounts(
        address[] memory adapters,
        bool priced,
        Price memory price
    ) private view returns (LiquidityAccount[] memory liquidity, PerpAccount[] memory perps) {
        Exposure[] memory exposures = new Exposure[](adapters.length);
        uint256 perpCount;
        for (uint256 i; i < adapters.length; ++i) {
            exposures[i] = IVenueAdapter(adapters[i]).exposure(priced ? price.mid : ANY_PRICE);
            if (exposures[i].margined) ++perpCount;
        }
        perps = new PerpAccount[](perpCount);
        liquidity = new LiquidityAccount[](adapters.length - perpCount);
        for (uint256 i = adapters.length; i > 0; --i) {
            address adapter = adapters[i - 1];
            uint256 mid = priced ? exposures[i - 1].equity : 0;
            (uint256 low, uint256 high) = _values(adapter, priced, price);
            if (exposures[i - 1].margined) {
                perps[--perpCount] = PerpAccount(adapter, low, mid, high, IPerpAdapter(adapter).position());
            } else {
                liquidity[i - 1 - perpCount] = LiquidityAccount(
                    adapter,
                    low,
                    mid,
                    high,
                    ILiquidityAdapter(adapter).position()
                );
            }
        }
    }

    function _values(
        address adapter,
        bool priced,
        Price memory price
    ) private view returns (uint256 low, uint256 high) {
        if (!priced) return (0, 0);
        return IVenueAdapter(adapter).valuation(price);
    }
}
