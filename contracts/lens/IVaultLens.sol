// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Regime} from "../regime/IRegimeOracle.sol";
import {IHedgePolicy} from "../rebalance/IHedgePolicy.sol";
import {ILiquidityAdapter, IPerpAdapter} from "../venues/IVenueAdapter.sol";
import {IPriceOracle} from "../vault/IPriceOracle.sol";

/// @title One call that returns all a keeper, a page or an indexer needs
interface IVaultLens {
    /// @notice Where everything is and what it holds.
    /// @param priced False when the price oracle reverts (`priceError` holds its revert data): values are then zero.
    /// @param navMid Net asset value at the mid price, before unwinding costs.
    struct Snapshot {
        uint256 chainId;
        uint256 blockNumber;
        uint256 timestamp;
        address vault;
        address rebalancer;
        address policy;
        address regimeOracle;
        address priceOracle;
        bool priced;
        bytes priceError;
        IPriceOracle.Reading reading;
        uint256 navLow;
        uint256 navMid;
        uint256 navHigh;
        uint256 cash;
        uint256 claimsOutstanding;
        uint256 totalSupply;
        uint256 pendingShares;
        uint256 queueHead;
        uint256 queueTail;
        RegimeState regime;
        IHedgePolicy.Measures measures;
        uint256 lossLevel;
        uint256 lossCapacity;
        LiquidityAccount[] liquidity;
        PerpAccount[] perps;
    }

    /// @notice The regime oracle's state.
    struct RegimeState {
        Regime regime;
        Regime level;
        bool liftPending;
        uint256 sessionCount;
        uint32 nextSessionDay;
        uint256 staleAfter;
    }

    /// @notice A liquidity adapter, its position and its value.
    struct LiquidityAccount {
        address adapter;
        uint256 valueLow;
        uint256 valueMid;
        uint256 valueHigh;
        ILiquidityAdapter.LiquidityPosition position;
    }

    /// @notice A perpetual adapter, its position and its value.
    struct PerpAccount {
        address adapter;
        uint256 valueLow;
        uint256 valueMid;
        uint256 valueHigh;
        IPerpAdapter.PerpPosition position;
    }

    /// @notice The state now. Never reverts because of a feed.
    function snapshot() external view returns (Snapshot memory);
}
