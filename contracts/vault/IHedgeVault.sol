// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Shares, net asset value, custody of cash, and the redemption queue
/// @notice Entry is ERC-4626 at the high net asset value; exit is an ERC-7540 request, settled by anyone, first in first
/// out, at the low net asset value of feed rounds newer than the request.
interface IHedgeVault {
    /// @param controller Who may claim.
    /// @param owner Whose shares are locked until settlement (votes stay with them).
    /// @param createdAt Seconds since 1970-01-01; only newer feed rounds settle it.
    /// @param shares Shares still pending.
    /// @param settled Shares settled so far.
    /// @param claimOffset The controller's settled shares when this request was first filled.
    struct Request {
        address controller;
        address owner;
        uint64 createdAt;
        uint256 shares;
        uint256 settled;
        uint256 claimOffset;
    }

    /// @notice An adapter was added with its caps, or its caps were changed; both caps zero retires it.
    event AdapterSet(address indexed adapter, uint256 capAssets, uint256 capBps);
    /// @notice An empty adapter was taken off the list.
    event AdapterRemoved(address indexed adapter);
    /// @notice The spread and request limits changed.
    event LimitsSet(uint256 maxSpreadBps, uint256 minRequest);
    /// @notice The margin reserve changed.
    event ReserveSet(uint256 reserveBps);
    /// @notice Plans are those of this Rebalancer from now on.
    event RebalancerSet(address indexed rebalancer);
    /// @notice What was sent here without a call becomes cash until `vestedAt`, in seconds since 1970-01-01.
    event VestingStarted(uint256 assets, uint256 vestedAt);
    /// @notice Cash went from the vault to an adapter.
    event Drawn(address indexed adapter, uint256 assets);
    /// @notice Cash came back from an adapter.
    event Restored(address indexed adapter, uint256 assets);
    /// @notice Part or all of a request was settled at the low net asset value.
    event RedemptionSettled(
        uint256 indexed requestId,
        address indexed controller,
        uint256 shares,
        uint256 assets,
        uint256 navLow
    );
    /// @notice A request was withdrawn before any of it was settled away; its pending shares are free again.
    event RedemptionCancelled(uint256 indexed requestId, address indexed controller, uint256 shares);

    /// @notice A request was forced: its shares are burned for `assets` of cash and a slice of every venue.
    event RedemptionForced(uint256 indexed requestId, address indexed controller, uint256 shares, uint256 assets);
    /// @notice A slice was unwound: the asset it brought is the controller's claim, and so are `amount` base tokens.
    event SliceUnwound(
        address indexed controller,
        address indexed adapter,
        uint256 units,
        uint256 assets,
        address token,
        uint256 amount
    );
    /// @notice A venue did not let a slice out: it stays set aside for the controller. Simulate `unwindSlice` for the reason.
    event SliceKept(address indexed controller, address indexed adapter, uint256 units);
    /// @notice Base tokens of a forced exit were claimed.
    event ClaimedInKind(address indexed controller, address indexed token, address receiver, uint256 amount);

    /// @notice The caller is no adapter of this vault.
    error NotAnAdapter(address caller);
    /// @notice The adapter still holds something, for the vault or for one who was forced out.
    error AdapterNotEmpty(address adapter);
    /// @notice There is less idle cash than asked for.
    error InsufficientCash(uint256 requested, uint256 available);
    /// @notice The adapter would hold more than its cap.
    error AdapterCapExceeded(address adapter, uint256 value, uint256 cap);
    /// @notice High and low net asset value are too far apart to enter or settle.
    error SpreadTooWide(uint256 low, uint256 high, uint256 maxSpreadBps);
    /// @notice The request is smaller than the minimum.
    error RequestTooSmall(uint256 shares, uint256 minimum);
    /// @notice The owner has fewer unlocked shares than that.
    error SharesLocked(address owner, uint256 requested, uint256 free);
    /// @notice More was claimed than is settled for this controller.
    error ClaimTooLarge(address controller, uint256 requested, uint256 claimable);
    /// @notice The caller may not act for this owner or controller.
    error NotAuthorized(address caller, address account);
    /// @notice No request with that id is pending for that controller.
    error NoSuchRequest(uint256 requestId, address controller);
    /// @notice The head of the queue waits for feed rounds newer than itself.
    error NoNewerRound(uint256 requestId, uint256 createdAt, uint256 updatedAt);
    /// @notice The request can be forced from then on, in seconds since 1970-01-01.
    error NotOverdue(uint256 requestId, uint256 deadline);
    /// @notice Too little gas is left for a venue to be unwound; send more.
    error InsufficientGas(uint256 gasLeft);
    /// @notice This request of the same controller is settled in part already and must be forced before.
    error OlderRequestFirst(uint256 requestId);
    /// @notice A call from within this contract, or while a plan runs.
    error Busy();
    /// @notice The caller is not the Rebalancer of this vault, or the Rebalancer is of another vault.
    error NotTheRebalancer(address rebalancer);
    /// @notice Earlier donations vest until then.
    error StillVesting(uint256 vestedAt);
    /// @notice Nothing was sent here without a call.
    error NothingToVest();
    /// @notice Some of these shares are newer than the feeds' last rounds; ask with `requestRedeem`, or wait for newer rounds.
    error SharesTooFresh(address owner, uint256 fresh, uint256 freshAt, uint256 newestRound);
    /// @notice The shares bring less than the least that was asked for.
    error TooLittle(uint256 assets, uint256 minAssets);
    /// @notice A plan has brought back cash since the request was made; it can be taken back again past its deadline.
    error UnwindingBegun(uint256 requestId, uint256 unwoundAt);
    /// @notice Previews of an asynchronous exit must revert (ERC-7540).
    error PreviewNotSupported();
    /// @notice A parameter is outside its bounds.
    error InvalidParameter(bytes32 name, uint256 value);

    /// @notice Net asset value in asset units, both sides, at the oracle's price now.
    function nav() external view returns (uint256 low, uint256 high);

    /// @notice Net asset value in asset units at one price, before unwinding costs: what execution loss is measured on.
    function navAt(uint256 price) external view returns (uint256);

    /// @notice Idle cash on the books, in asset units, settled claims and what still vests excluded.
    function cash() external view returns (uint256);

    /// @notice Assets set aside for settled, unclaimed requests.
    function claimsOutstanding() external view returns (uint256);

    /// @notice The adapters, in the order they were added; the last takes the place of one that is removed.
    function adapters() external view returns (address[] memory);

    /// @notice Whether an address is an adapter of this vault.
    function isAdapter(address adapter) external view returns (bool);

    /// @notice The price oracle everything is valued with.
    function priceOracle() external view returns (address);

    /// @notice Most an adapter may hold: in asset units, and as a share of net asset value. Judged after every plan.
    function capOf(address adapter) external view returns (uint256 assets, uint256 bps);

    /// @notice Adds an adapter or changes its caps; both zero retires it: no new risk, exits stay.
    function setAdapter(address adapter, uint128 capAssets, uint32 capBps) external;

    /// @notice Takes an adapter that holds nothing off the list of eight. It can be added again.
    function removeAdapter(address adapter) external;

    /// @notice Sets whose plans run here: the Rebalancer's, which must be this vault's.
    function setRebalancer(address rebalancer_) external;

    /// @notice Sets the widest spread for entry and settlement, and the smallest request in shares.
    function setLimits(uint256 maxSpreadBps, uint256 minRequest) external;

    /// @notice Sets the cash that settlement leaves, as a share of the low value at the venues, in basis points; at most 2,000.
    function setReserve(uint256 bps) external;

    /// @notice The cash that settlement leaves, as a share of the low value at the venues, in basis points. A request past
    /// its deadline is paid from it too.
    function reserveBps() external view returns (uint16);

    /// @notice Widest spread between low and high net asset value at which shares are sold or settled, in basis points.
    function maxSpreadBps() external view returns (uint16);

    /// @notice The anchor that the share price must be near for entry and instant exit, and the steward's fee.
    function sharePrice() external view returns (address);

    /// @notice Whose plans run here; the zero address until it is set.
    function rebalancer() external view returns (address);

    /// @notice When cash last came back from a venue while requests waited, in seconds since 1970-01-01.
    function unwoundAt() external view returns (uint32);

    /// @notice Whether anything may be at a venue. While it is not, cash is all there is and no price is asked for.
    function positionsOpen() external view returns (bool);

    /// @notice Whether a function of the vault or a plan runs right now: what callers from within would read are halves.
    function busy() external view returns (bool);

    /// @notice Smallest request, in shares; an owner's whole free balance is always accepted.
    function minRequest() external view returns (uint256);

    /// @notice A plan begins: until it ends nothing here can be called but what plans need. Only the Rebalancer.
    function beginPlan() external;

    /// @notice The plan has ended; `allClosed` also calls `closePositions`. Only the Rebalancer.
    function endPlan(bool allClosed) external;

    /// @notice Notes that nothing is at a venue any more. Reverts when something is. Open to anyone.
    function closePositions() external;

    /// @notice Looks at the share price: moves its anchor, and mints the fee when one is due. Open to anyone.
    function poke() external returns (uint256 feeShares);

    /// @notice Lets what was sent here without a call become cash, evenly over the next seven days. Open to anyone.
    function vest() external returns (uint256 assets);

    /// @notice Redeems at once at the low net asset value: from cash above the margin reserve and above what requests will
    /// get, with fresh feeds, a narrow spread, a share price near its anchor, the policy's bands held afterwards, and shares
    /// older than the feeds' last rounds. Reverts when it would bring less than `minAssets`.
    function redeemInstantly(
        uint256 shares,
        uint256 minAssets,
        address receiver,
        address owner
    ) external returns (uint256 assets);

    /// @notice Shares of an owner's pending requests.
    function lockedShares(address owner) external view returns (uint256);

    /// @notice Shares that came to an owner last at `at` (seconds since 1970-01-01) and leave at once only after newer rounds
    /// of both feeds.
    function freshShares(address owner) external view returns (uint256 shares, uint256 at);

    /// @notice Moves cash to the calling adapter. Caps are judged at the end of the plan.
    function draw(uint256 assets) external;

    /// @notice Takes cash back from the calling adapter.
    function restore(uint256 assets) external;

    /// @notice Takes back the pending part of a request; its shares are free again at once, so nothing is left to be claimed
    /// (ERC-7887, a draft, has two steps). Until a plan has brought cash back after the request, and past its deadline.
    function cancelRedeemRequest(uint256 requestId, address controller) external returns (uint256 shares);

    /// @notice Settles up to `maxRequests` requests from the head, the last one in part when cash runs out.
    /// @dev Open to anyone; waits for feed rounds newer than each request, and leaves the margin reserve to all but requests
    /// past their deadline.
    /// @return shares Shares burned.
    /// @return assets Assets set aside for claims.
    function settle(uint256 maxRequests) external returns (uint256 shares, uint256 assets);

    /// @notice Seconds after which a request can be forced.
    // The name is that of a constant.
    // solhint-disable-next-line func-name-mixedcase
    function EXIT_DEADLINE() external view returns (uint256);

    /// @notice Takes an overdue request's share of everything out and makes what that brings its claim: cash and other asset
    /// for `redeem` and `withdraw`, base tokens for `claimInKind`.
    /// @dev Open to anyone, needs no price, never restricted. A venue that fails is passed over: its slice stays aside for
    /// `unwindSlice`. By anyone but the controller, perpetuals are bought back only near the venue's own time-weighted price.
    /// @return shares Shares burned.
    /// @return assets Its share of the cash; what slices brought comes on top.
    function force(uint256 requestId) external returns (uint256 shares, uint256 assets);

    /// @notice Unwinds units that a forced exit left aside, for their controller. Reverts with the venue's reason.
    /// @dev Open to anyone. In parts where the venue takes no more at once.
    function unwindSlice(address controller, address adapter, uint256 units) external;

    /// @notice Pays the controller's base tokens out.
    function claimInKind(address token, address receiver, address controller) external returns (uint256 amount);

    /// @notice Base tokens a controller can claim.
    function claimableInKind(address controller, address token) external view returns (uint256);

    /// @notice Units of an adapter's position that are set aside for a controller.
    function sliceOf(address controller, address adapter) external view returns (uint256);

    /// @notice Shares of pending requests.
    function pendingShares() external view returns (uint256);

    /// @notice Id of the first request not fully settled, and of the next one to be made; the first has 1.
    function queueBounds() external view returns (uint256 head, uint256 tail);

    /// @notice One request.
    function request(uint256 requestId) external view returns (Request memory);
}
