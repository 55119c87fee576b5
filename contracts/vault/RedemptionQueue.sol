// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IVenueAdapter} from "../venues/IVenueAdapter.sol";
import {IERC7540Redeem} from "./IERC7540.sol";
import {IHedgeVault} from "./IHedgeVault.sol";

/// @title RedemptionQueue: requests, what they were settled for, and what was set aside for those forced out
/// @notice The exit's books of a HedgeVault, as a linked library: its code runs in the vault, on the vault's storage, and has
/// a place of its own only because one contract's code may not be longer than 24 KiB. The vault keeps shares and cash.
/// @dev Who may call what, and the lock, are the vault's business.
library RedemptionQueue {
    using SafeERC20 for IERC20;

    /// @notice Seconds after which no reserve holds a request back and anyone may force it. Fixed in code: no vote can
    /// lengthen it.
    uint256 internal constant EXIT_DEADLINE = 14 days;
    /// @notice Gas each venue gets in a forced exit; Curie takes some 1.4 million. No more, so that one venue cannot burn what
    /// the others need; no less, so that nobody, and no estimate of gas, keeps a slice from being unwound by sending too
    /// little. Eight times this is under the cap of a transaction (EIP-7825).
    uint256 internal constant UNWIND_GAS = 1_900_000;

    /// @param shares Shares settled and not claimed.
    /// @param assets Assets those shares were settled for.
    /// @param settled Shares ever settled.
    struct Claim {
        uint256 shares;
        uint256 assets;
        uint256 settled;
    }

    /// @param requests All ever made; the index is the id, and the first place is empty.
    /// @param head The first one not fully settled.
    /// @param pendingShares Shares of pending requests.
    /// @param claimsOutstanding Assets set aside for claims.
    /// @param claims What each controller can claim.
    /// @param slices Units of each adapter's position that are set aside for a controller.
    /// @param inKind Base tokens a controller can claim.
    struct Queue {
        IHedgeVault.Request[] requests;
        uint256 head;
        uint256 pendingShares;
        uint256 claimsOutstanding;
        mapping(address controller => Claim) claims;
        mapping(address controller => mapping(address adapter => uint256)) slices;
        mapping(address controller => mapping(address token => uint256)) inKind;
    }

    /// @notice What a settlement goes by.
    /// @param low Net asset value, low side.
    /// @param supply Shares, virtual ones included.
    /// @param cash Idle cash.
    /// @param reserve The part of it that only overdue requests may take.
    /// @param newestRound The older of the feeds' last rounds, in seconds since 1970-01-01.
    /// @param maxRequests Most requests to look at.
    struct Terms {
        uint256 low;
        uint256 supply;
        uint256 cash;
        uint256 reserve;
        uint256 newestRound;
        uint256 maxRequests;
    }

    /// @notice Shares of an owner that were settled and are to be burned.
    struct Fill {
        address owner;
        uint256 shares;
    }

    // ------------------------------------------------------------------------------------------------------- requests

    /// @param free The owner's shares that no other request has.
    function request(
        Queue storage queue,
        uint256 shares,
        address controller,
        address owner,
        uint256 free,
        uint256 minimum
    ) external returns (uint256 requestId) {
        if (shares > free) revert IHedgeVault.SharesLocked(owner, shares, free);
        if (shares == 0 || (shares < minimum && shares != free)) revert IHedgeVault.RequestTooSmall(shares, minimum);

        requestId = queue.requests.length;
        queue.pendingShares += shares;
        queue.requests.push(IHedgeVault.Request(controller, owner, uint64(block.timestamp), shares, 0, 0));

        emit IERC7540Redeem.RedeemRequest(controller, owner, requestId, msg.sender, shares);
    }

    /// @param unwoundAt When cash last came back from a venue while requests waited.
    function cancel(
        Queue storage queue,
        uint256 requestId,
        address controller,
        uint256 unwoundAt
    ) external returns (address owner, uint256 shares) {
        if (requestId >= queue.requests.length) revert IHedgeVault.NoSuchRequest(requestId, controller);
        IHedgeVault.Request storage entry = queue.requests[requestId];
        owner = entry.owner;
        shares = entry.shares;
        if (entry.controller != controller || shares == 0) revert IHedgeVault.NoSuchRequest(requestId, controller);
        if (entry.createdAt < unwoundAt && !_isOverdue(entry)) revert IHedgeVault.UnwindingBegun(requestId, unwoundAt);

        entry.shares = 0;
        queue.pendingShares -= shares;

        emit IHedgeVault.RedemptionCancelled(requestId, controller, shares);
    }

    function pending(Queue storage queue, uint256 requestId, address controller) external view returns (uint256) {
        if (requestId >= queue.requests.length || queue.requests[requestId].controller != controller) return 0;
        return queue.requests[requestId].shares;
    }

    /// @dev A controller's requests settle in order and are claimed in order, so what is claimed of one follows from
    /// how much the controller has claimed in all.
    function claimable(Queue storage queue, uint256 requestId, address controller) external view returns (uint256) {
        if (requestId >= queue.requests.length || queue.requests[requestId].controller != controller) return 0;
        IHedgeVault.Request memory entry = queue.requests[requestId];
        Claim memory claim = queue.claims[controller];
        uint256 claimed = claim.settled - claim.shares;
        uint256 claimedHere = claimed > entry.claimOffset ? Math.min(claimed - entry.claimOffset, entry.settled) : 0;
        return entry.settled - claimedHere;
    }

    // ----------------------------------------------------------------------------------------------------- settlement

    /// @return fills Shares to be burned, in order; unused places at the end have none.
    /// @return shares Their sum.
    /// @return assets What they were settled for.
    // The terms are brought up to date on the way.
    // solhint-disable-next-line gas-calldata-parameters
    function settle(
        Queue storage queue,
        Terms memory terms
    ) external returns (Fill[] memory fills, uint256 shares, uint256 assets) {
        uint256 head = queue.head;
        uint256 count = Math.min(terms.maxRequests, queue.requests.length - head);
        fills = new Fill[](count);
        // It reverts only when nothing at all was done: what was skipped or settled before must not be undone.
        for (uint256 i; i < count; ++i) {
            IHedgeVault.Request storage entry = queue.requests[head];
            if (entry.shares == 0) {
                ++head;
                continue;
            }
            if (terms.newestRound <= entry.createdAt) {
                if (i == 0) revert IHedgeVault.NoNewerRound(head, entry.createdAt, terms.newestRound);
                break;
            }
            uint256 reserve = _isOverdue(entry) ? 0 : terms.reserve;
            if (terms.cash <= reserve) {
                if (i == 0) revert IHedgeVault.InsufficientCash(reserve + 1, terms.cash);
                break;
            }
            (uint256 filledShares, uint256 filledAssets) = _fill(queue, head, terms, reserve);
            fills[i] = Fill(entry.owner, filledShares);
            shares += filledShares;
            assets += filledAssets;
            terms.supply -= filledShares;
            terms.low -= filledAssets;
            terms.cash -= filledAssets;
            if (entry.shares == 0) ++head;
        }

        queue.head = head;
    }

    /// @dev Fills the head as far as the available cash goes: assets round down for whole requests, shares round up for
    /// parts.
    function _fill(
        Queue storage queue,
        uint256 requestId,
        Terms memory terms,
        uint256 reserve
    ) private returns (uint256 shares, uint256 assets) {
        IHedgeVault.Request storage entry = queue.requests[requestId];
        uint256 available = terms.cash - reserve;
        shares = entry.shares;
        assets = Math.mulDiv(shares, terms.low + 1, terms.supply);
        if (assets > available) {
            assets = available;
            shares = Math.min(Math.mulDiv(assets, terms.supply, terms.low + 1, Math.Rounding.Ceil), shares);
        }
        _book(queue, entry, shares, assets);

        emit IHedgeVault.RedemptionSettled(requestId, entry.controller, shares, assets, terms.low);
    }

    /// @dev Takes shares off a request and sets aside what they are settled for.
    function _book(Queue storage queue, IHedgeVault.Request storage entry, uint256 shares, uint256 assets) private {
        Claim storage claim = queue.claims[entry.controller];
        if (entry.settled == 0) entry.claimOffset = claim.settled;
        entry.shares -= shares;
        entry.settled += shares;
        claim.shares += shares;
        claim.assets += assets;
        claim.settled += shares;
        queue.pendingShares -= shares;
        queue.claimsOutstanding += assets;
    }

    function _isOverdue(IHedgeVault.Request storage entry) private view returns (bool) {
        return block.timestamp >= entry.createdAt + EXIT_DEADLINE;
    }

    // ------------------------------------------------------------------------------------------------------- by force

    /// @return owner Whose shares are to be burned.
    /// @return controller Who has the claim.
    /// @return shares How many.
    /// @return assets Their share of the cash.
    function force(
        Queue storage queue,
        uint256 requestId,
        uint256 cash,
        uint256 supply
    ) external returns (address owner, address controller, uint256 shares, uint256 assets) {
        if (requestId >= queue.requests.length) revert IHedgeVault.NoSuchRequest(requestId, address(0));
        IHedgeVault.Request storage entry = queue.requests[requestId];
        owner = entry.owner;
        controller = entry.controller;
        shares = entry.shares;
        if (shares == 0) revert IHedgeVault.NoSuchRequest(requestId, controller);
        if (!_isOverdue(entry)) revert IHedgeVault.NotOverdue(requestId, entry.createdAt + EXIT_DEADLINE);
        _requireNoneHalfSettled(queue, requestId, controller);

        assets = Math.mulDiv(shares, cash, supply);
        _book(queue, entry, shares, assets);

        emit IHedgeVault.RedemptionForced(requestId, controller, shares, assets);
    }

    /// @dev A controller's claims are told apart by the order they were settled in, so one that is settled in part comes
    /// before the same controller's others. It is older than they are, hence overdue as well.
    function _requireNoneHalfSettled(Queue storage queue, uint256 requestId, address controller) private view {
        IHedgeVault.Request storage head = queue.requests[queue.head];
        if (queue.head != requestId && head.controller == controller && head.settled != 0 && head.shares != 0) {
            revert IHedgeVault.OlderRequestFirst(queue.head);
        }
    }

    /// @notice Sets `shares` / `supply` of every venue aside for the controller, then unwinds what can be unwound.
    function unwindAll(
        Queue storage queue,
        address[] calldata adapters,
        address asset,
        address controller,
        uint256 shares,
        uint256 supply,
        bool anyPrice
    ) external {
        for (uint256 i; i < adapters.length; ++i) {
            queue.slices[controller][adapters[i]] += IVenueAdapter(adapters[i]).setAside(shares, supply);
        }
        for (uint256 i; i < adapters.length; ++i) {
            address adapter = adapters[i];
            uint256 units = queue.slices[controller][adapter];
            if (units == 0) continue;
            uint256 held = IERC20(asset).balanceOf(address(this));
            // A call passes on 63/64 of the gas at most.
            if (gasleft() < UNWIND_GAS + UNWIND_GAS / 32) revert IHedgeVault.InsufficientGas(gasleft());
            try IVenueAdapter(adapter).unwind{gas: UNWIND_GAS}(units, anyPrice) returns (
                address token,
                uint256 amount
            ) {
                _bookSlice(queue, asset, controller, adapter, units, held, token, amount);
            } catch {
                // What it reverted with is left where it is: long enough, copying it would burn the others' gas.
                emit IHedgeVault.SliceKept(controller, adapter, units);
            }
        }
    }

    function unwindSlice(
        Queue storage queue,
        address asset,
        address controller,
        address adapter,
        uint256 units,
        bool anyPrice
    ) external {
        uint256 aside = queue.slices[controller][adapter];
        if (units == 0 || units > aside) revert IHedgeVault.ClaimTooLarge(controller, units, aside);

        uint256 held = IERC20(asset).balanceOf(address(this));
        (address token, uint256 amount) = IVenueAdapter(adapter).unwind(units, anyPrice);
        _bookSlice(queue, asset, controller, adapter, units, held, token, amount);
    }

    /// @dev What a slice brought becomes its controller's claim. The asset is counted: were it taken on trust, one adapter
    /// could make claims that all the others' cash would have to pay. Nothing else moves it meanwhile: the vault is locked.
    function _bookSlice(
        Queue storage queue,
        address asset,
        address controller,
        address adapter,
        uint256 units,
        uint256 held,
        address token,
        uint256 amount
    ) private {
        uint256 assets = IERC20(asset).balanceOf(address(this)) - held;

        queue.slices[controller][adapter] -= units;
        queue.claims[controller].assets += assets;
        queue.claimsOutstanding += assets;
        if (token != asset) queue.inKind[controller][token] += amount;

        emit IHedgeVault.SliceUnwound(controller, adapter, units, assets, token, amount);
    }

    // --------------------------------------------------------------------------------------------------------- claims

    /// @return shares Settled shares that go off for `assets`, rounded up.
    function withdraw(Queue storage queue, uint256 assets, address controller) external returns (uint256 shares) {
        Claim memory claim = queue.claims[controller];
        if (assets > claim.assets) revert IHedgeVault.ClaimTooLarge(controller, assets, claim.assets);
        shares =
            assets == claim.assets ? claim.shares : Math.mulDiv(assets, claim.shares, claim.assets, Math.Rounding.Ceil);
        _take(queue, controller, assets, shares);
    }

    /// @return assets What settled shares bring, rounded down.
    function redeem(Queue storage queue, uint256 shares, address controller) external returns (uint256 assets) {
        Claim memory claim = queue.claims[controller];
        if (shares > claim.shares) revert IHedgeVault.ClaimTooLarge(controller, shares, claim.shares);
        assets = shares == claim.shares ? claim.assets : Math.mulDiv(shares, claim.assets, claim.shares);
        _take(queue, controller, assets, shares);
    }

    function _take(Queue storage queue, address controller, uint256 assets, uint256 shares) private {
        queue.claims[controller].shares -= shares;
        queue.claims[controller].assets -= assets;
        queue.claimsOutstanding -= assets;
    }

    function claimInKind(
        Queue storage queue,
        address token,
        address receiver,
        address controller
    ) external returns (uint256 amount) {
        amount = queue.inKind[controller][token];
        // A token nobody is owed is anyone's contract: it must not be called from within the vault.
        if (amount == 0) revert IHedgeVault.ClaimTooLarge(controller, 1, 0);

        queue.inKind[controller][token] = 0;

        emit IHedgeVault.ClaimedInKind(controller, token, receiver, amount);
        IERC20(token).safeTransfer(receiver, amount);
    }
}
