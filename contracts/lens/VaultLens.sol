// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IRebalancer} from "../rebalance/IRebalancer.sol";
import {IRegimeOracle} from "../regime/IRegimeOracle.sol";
import {IHedgeVault} from "../vault/IHedgeVault.sol";
import {IPriceOracle, Price} from "../vault/IPriceOracle.sol";
import {ISharePrice} from "../vault/ISharePrice.sol";
import {Exposure, ILiquidityAdapter, IPerpAdapter, IVenueAdapter} from "../venues/IVenueAdapter.sol";
import {IVaultLens} from "./IVaultLens.sol";

/// @title VaultLens: one call that returns all a keeper, a page or an indexer needs
/// @dev Reads only, holds nothing. Without a price, positions are still shown and values are zero. Each venue is read in a
/// call of its own with bounded gas: one that reverts, answers nonsense or burns what it gets is listed as unread, and hides
/// nothing else.
contract VaultLens is IVaultLens {
    /// @dev Any positive price tells margined venues from others when the oracle is silent.
    uint256 private constant ANY_PRICE = 1e18;
    /// @dev Curie's account takes some 0.8 million to read, with its margin.
    uint256 private constant VENUE_GAS = 2_000_000;
    /// @dev Two feeds behind proxies take some 0.1 million.
    uint256 private constant PRICE_GAS = 500_000;
    /// @dev What is left to answer with when venues burn all they are given.
    uint256 private constant KEPT_GAS = 1_000_000;
    uint256 private constant VIRTUAL_SHARES = 1e12;
    uint256 private constant BPS = 10_000;

    /// @notice What an adapter answered; `known` tells an answer from none.
    struct Account {
        bool known;
        bool margined;
        uint256 low;
        uint256 mid;
        uint256 high;
        Terms terms;
        ILiquidityAdapter.LiquidityPosition liquidity;
        IPerpAdapter.PerpPosition perp;
    }

    address public immutable rebalancer;
    address public immutable vault;

    constructor(address rebalancer_) {
        rebalancer = rebalancer_;
        vault = IRebalancer(rebalancer_).vault();
    }

    /// @inheritdoc IVaultLens
    function snapshot() external view returns (Snapshot memory s) {
        IHedgeVault v = IHedgeVault(vault);
        if (v.busy()) revert VaultBusy(vault);
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
        (s.keeperLossLevel, s.keeperLossCapacity) = IRebalancer(rebalancer).deleverageBudget();
        s.regime = _regime(IRegimeOracle(s.regimeOracle));

        try IPriceOracle(s.priceOracle).read{gas: PRICE_GAS}() returns (IPriceOracle.Reading memory reading) {
            s.priced = true;
            s.reading = reading;
        } catch (bytes memory reason) {
            s.priceError = reason;
        }
        (s.liquidity, s.perps, s.unread) = _accounts(v.adapters(), s.priced, s.reading.price);
        s.shares = _shareState(v, s.priced && s.unread.length == 0);
        // While nothing is at a venue the cash is all there is, priced or not.
        if (s.priced || !s.shares.positionsOpen) _addUp(s);
        if (!s.priced || s.unread.length != 0) return s;
        s.measures = IRebalancer(rebalancer).measure(s.reading.price.mid);
    }

    /// @inheritdoc IVaultLens
    function exitQuote(uint256 requestId, uint256 maxRequests) external view returns (ExitQuote memory q) {
        IHedgeVault v = IHedgeVault(vault);
        (uint256 head, uint256 tail) = v.queueBounds();
        if (requestId >= tail) revert IHedgeVault.NoSuchRequest(requestId, address(0));
        IHedgeVault.Request memory entry = v.request(requestId);
        q.controller = entry.controller;
        q.owner = entry.owner;
        q.shares = entry.shares;
        q.createdAt = entry.createdAt;
        q.forcedFrom = entry.createdAt + v.EXIT_DEADLINE();
        q.complete = requestId <= head || requestId - head <= maxRequests;
        uint256 from = q.complete ? head : requestId - maxRequests;
        for (uint256 id = from; id < requestId; ++id) {
            uint256 shares = v.request(id).shares;
            if (shares == 0) continue;
            ++q.requestsAhead;
            q.sharesAhead += shares;
        }
        if (q.shares == 0) return q;
        _price(v, q);
        if (!q.complete) (q.payable_, q.waitsFor) = (0, Wait.Others);
    }

    /// @inheritdoc IVaultLens
    function member(address account) external view returns (Member memory m) {
        IHedgeVault v = IHedgeVault(vault);
        m.shares = IERC20(vault).balanceOf(account);
        m.locked = v.lockedShares(account);
        (m.fresh, m.freshAt) = v.freshShares(account);
        m.votes = IVotes(vault).getVotes(account);
        m.delegatee = IVotes(vault).delegates(account);
        m.claimableAssets = IERC4626(vault).maxWithdraw(account);
        m.claimableShares = IERC4626(vault).maxRedeem(account);
        address[] memory adapters = v.adapters();
        m.slices = new uint256[](adapters.length);
        for (uint256 i; i < adapters.length; ++i) {
            m.slices[i] = v.sliceOf(account, adapters[i]);
        }
    }

    /// @dev As RedemptionQueue settles, with every request ahead paid at the price of now.
    function _price(IHedgeVault v, ExitQuote memory q) private view {
        uint256 newestRound = block.timestamp;
        if (v.positionsOpen()) {
            try IPriceOracle(v.priceOracle()).read() returns (IPriceOracle.Reading memory reading) {
                newestRound = Math.min(reading.baseUpdatedAt, reading.assetUpdatedAt);
            } catch {
                q.waitsFor = Wait.Price;
                return;
            }
        }
        uint256 low;
        uint256 high;
        try v.nav() returns (uint256 low_, uint256 high_) {
            (low, high) = (low_, high_);
        } catch {
            q.waitsFor = Wait.Price;
            return;
        }
        uint256 supply = IERC20(vault).totalSupply() + VIRTUAL_SHARES;
        supply += ISharePrice(v.sharePrice()).feeDue(vault, low, high, supply);
        q.assets = Math.mulDiv(q.shares, low + 1, supply);
        if ((high - low) * BPS > high * v.maxSpreadBps()) {
            q.waitsFor = Wait.Spread;
            return;
        }
        if (newestRound <= q.createdAt) {
            q.waitsFor = Wait.NewerRound;
            return;
        }
        uint256 cash = v.cash();
        uint256 kept = Math.mulDiv(q.sharesAhead, low + 1, supply);
        if (block.timestamp < q.forcedFrom) {
            kept += Math.mulDiv(low - cash, v.reserveBps(), BPS, Math.Rounding.Ceil);
        }
        q.payable_ = Math.min(q.assets, Math.saturatingSub(cash, kept));
        if (q.payable_ < q.assets) q.waitsFor = Wait.Cash;
    }

    /// @dev Where a feed or a venue does not answer nobody can enter while anything is at one, and asking would cost all the gas
    /// it takes.
    function _shareState(IHedgeVault v, bool answered) private view returns (ShareState memory state) {
        ISharePrice price = ISharePrice(v.sharePrice());
        state.positionsOpen = v.positionsOpen();
        state.open = (answered || !state.positionsOpen) && IERC4626(vault).maxDeposit(address(0)) != 0;
        state.uncounted = IERC20(IERC4626(vault).asset()).balanceOf(vault) - v.cash() - v.claimsOutstanding();
        (state.anchor, state.anchorMovedAt) = price.anchorOf(vault);
        (state.mark, state.feePeriodEndsAt) = price.markOf(vault);
        state.maxSpreadBps = v.maxSpreadBps();
        state.reserveBps = v.reserveBps();
        state.minRequest = v.minRequest();
        state.unwoundAt = v.unwoundAt();
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
    ) private view returns (LiquidityAccount[] memory liquidity, PerpAccount[] memory perps, address[] memory unread) {
        Account[] memory read = new Account[](adapters.length);
        uint256 perpCount;
        uint256 unreadCount;
        for (uint256 i; i < adapters.length; ++i) {
            uint256 given = Math.min(VENUE_GAS, Math.saturatingSub(gasleft(), KEPT_GAS));
            try this.readAccount{gas: given}(adapters[i], priced, price) returns (Account memory account_) {
                read[i] = account_;
                if (account_.margined) ++perpCount;
            } catch {
                ++unreadCount;
            }
        }
        perps = new PerpAccount[](perpCount);
        liquidity = new LiquidityAccount[](adapters.length - perpCount - unreadCount);
        unread = new address[](unreadCount);
        for (uint256 i = adapters.length; i > 0; --i) {
            Account memory a = read[i - 1];
            if (!a.known) unread[--unreadCount] = adapters[i - 1];
            else if (a.margined)
                perps[--perpCount] = PerpAccount(adapters[i - 1], a.low, a.mid, a.high, a.perp, a.terms);
            else {
                liquidity[i - 1 - perpCount - unreadCount] = LiquidityAccount(
                    adapters[i - 1],
                    a.low,
                    a.mid,
                    a.high,
                    a.liquidity,
                    a.terms
                );
            }
        }
    }

    /// @notice One adapter's account; a call of its own for `snapshot`, so that a venue that fails fails alone.
    function readAccount(address adapter, bool priced, Price calldata price) external view returns (Account memory a) {
        Exposure memory exposure = IVenueAdapter(adapter).exposure(priced ? price.mid : ANY_PRICE);
        a.known = true;
        a.margined = exposure.margined;
        if (priced) {
            a.mid = exposure.equity;
            (a.low, a.high) = IVenueAdapter(adapter).valuation(price);
        }
        if (a.margined) a.perp = IPerpAdapter(adapter).position();
        else a.liquidity = ILiquidityAdapter(adapter).position();
        (a.terms.capAssets, a.terms.capBps) = IHedgeVault(vault).capOf(adapter);
        (a.terms.unitsAside, a.terms.unitsTotal) = IVenueAdapter(adapter).slices();
    }
}
