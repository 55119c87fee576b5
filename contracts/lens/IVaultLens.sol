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
    /// @param unread Adapters that did not answer, or for which others that burn their gas left none. Net asset value is then
    /// that of the others, and there are no measures.
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
        address[] unread;
        ShareState shares;
        uint256 keeperLossLevel;
        uint256 keeperLossCapacity;
    }

    /// @notice How shares are sold and taken back now.
    /// @param open Whether shares can be bought now: feeds fresh, spread and speed within their limits.
    /// @param positionsOpen Whether anything may be at a venue.
    /// @param uncounted Asset the vault has beside cash and claims: what still vests, and donations that nobody let vest.
    /// @param anchor Share price that the speed limit follows, scaled by 1e30, as it was moved at `anchorMovedAt`.
    /// @param mark Share price above which the steward earns a fee, next at `feePeriodEndsAt`.
    /// @param unwoundAt When cash last came back from a venue while requests waited. Times in seconds since 1970-01-01.
    struct ShareState {
        bool open;
        bool positionsOpen;
        uint256 uncounted;
        uint256 anchor;
        uint256 anchorMovedAt;
        uint256 mark;
        uint256 feePeriodEndsAt;
        uint256 maxSpreadBps;
        uint256 reserveBps;
        uint256 minRequest;
        uint256 unwoundAt;
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

    /// @notice What the vault allows an adapter, and what of its position is no longer the vault's.
    /// @param capAssets Most value, in asset units.
    /// @param capBps Most share of net asset value, in basis points.
    /// @param unitsAside Units set aside for those forced out, of `unitsTotal`.
    struct Terms {
        uint256 capAssets;
        uint256 capBps;
        uint256 unitsAside;
        uint256 unitsTotal;
    }

    /// @notice A liquidity adapter, its position and its value.
    struct LiquidityAccount {
        address adapter;
        uint256 valueLow;
        uint256 valueMid;
        uint256 valueHigh;
        ILiquidityAdapter.LiquidityPosition position;
        Terms terms;
    }

    /// @notice A perpetual adapter, its position and its value.
    struct PerpAccount {
        address adapter;
        uint256 valueLow;
        uint256 valueMid;
        uint256 valueHigh;
        IPerpAdapter.PerpPosition position;
        Terms terms;
    }

    /// @notice What a request waits for; the first of these that holds. Others: more requests are ahead of it than were to be
    /// looked at, and a settlement of as many would not reach it.
    enum Wait {
        Nothing,
        Price,
        Spread,
        NewerRound,
        Cash,
        Others
    }

    /// @notice What a pending request would bring, and when.
    /// @param requestsAhead Pending requests before it.
    /// @param sharesAhead Their shares.
    /// @param complete False when there were more requests before it than were to be looked at: the place is then at least that,
    /// and nothing is called payable.
    /// @param assets What its shares are worth now at the low net asset value, rounded down; zero without a price.
    /// @param payable_ What of that `settle` would pay now, all ahead of it settled first and a fee that is due charged.
    /// @param waitsFor Why it is not paid in full now.
    /// @param forcedFrom When anyone can force it, in seconds since 1970-01-01.
    struct ExitQuote {
        address controller;
        address owner;
        uint256 shares;
        uint256 createdAt;
        uint256 requestsAhead;
        uint256 sharesAhead;
        bool complete;
        uint256 assets;
        uint256 payable_;
        Wait waitsFor;
        uint256 forcedFrom;
    }

    /// @notice An account's shares, requests settled for it, and votes.
    /// @param fresh Shares that came last, at `freshAt`, and leave at once only after newer rounds of both feeds.
    /// @param claimableAssets What it can claim now as a controller, for `claimableShares` settled shares.
    /// @param slices Units set aside for it, per adapter in the vault's order.
    struct Member {
        uint256 shares;
        uint256 locked;
        uint256 fresh;
        uint256 freshAt;
        uint256 votes;
        address delegatee;
        uint256 claimableAssets;
        uint256 claimableShares;
        uint256[] slices;
    }

    /// @notice A plan runs: what could be shown now are halves.
    error VaultBusy(address vault);

    /// @notice The state now. Never reverts because of a price feed or a venue; reverts with VaultBusy in the middle of a plan.
    function snapshot() external view returns (Snapshot memory);

    /// @notice A request's place in the queue, what it would bring now, and when it can be forced.
    /// @param maxRequests Most requests before it to look at.
    function exitQuote(uint256 requestId, uint256 maxRequests) external view returns (ExitQuote memory);

    /// @notice What an account has here.
    function member(address account) external view returns (Member memory);
}
