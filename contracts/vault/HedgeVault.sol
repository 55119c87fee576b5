// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IRebalancer} from "../rebalance/IRebalancer.sol";
import {IVenueAdapter} from "../venues/IVenueAdapter.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575Share} from "./IERC7540.sol";
import {IHedgeVault} from "./IHedgeVault.sol";
import {IPriceOracle, Price} from "./IPriceOracle.sol";
import {ISharePrice} from "./ISharePrice.sol";
import {RedemptionQueue} from "./RedemptionQueue.sol";
import {VenueList} from "./VenueList.sol";

/// @title HedgeVault: shares, net asset value, custody of cash, redemption queue
///
/// NET ASSET VALUE
/// Cash on the books plus what the adapters hold, valued at the oracle's price, on two sides. Entry pays the high side,
/// exit receives the low side, so no one gains by choosing the moment within the oracle's error. While nothing is at a
/// venue the cash is all there is, and no price is asked for.
///
/// DONATIONS
/// Tokens sent here without a call are not on the books. Anyone may put them there (`vest`): they become cash little by
/// little over `VESTING`, so that a donation moves no price at once.
///
/// ENTRY AND EXIT AT ONCE
/// Both need fresh feeds, a narrow spread and a share price near its slow anchor. Leaving at once needs in
/// addition cash above the reserve and above what all requests will get, the policy's bands afterwards, and shares that are
/// older than the last round of a feed: who knows the next round before the feeds do must not enter and leave around it.
///
/// EXIT BY REQUEST
/// Requests are filled first in, first out, by anyone, at a price whose feed rounds are newer than the request: nobody
/// can ask knowing the price. Shares of a request stay with their owner, locked, and keep their votes. It can be taken back
/// until a plan has brought back cash after it, and again past its deadline.
///
/// RESERVE
/// Settlement leaves `reserveBps` of what the venues hold as cash, so that a queue cannot take the cash that margin may
/// need. It is a share of the value at the venues and not of all: with nothing there, nothing needs margin. A request past
/// its deadline is paid from the reserve too.
///
/// FORCED EXIT
/// A request that is pending past its deadline can be forced by anyone, with no price and no role: its share of the cash
/// and of what every venue holds is taken out, and what that really brings is the claim, the asset as any other claim and
/// base tokens as they are. Virtual shares count among the others, so what stays is never less than the others' share. Each
/// venue's slice is set aside in the adapter first, which no venue can stop, and then unwound: where the venue will not, the
/// slice stays aside, the controller's and no longer the vault's, until anyone has it unwound (`unwindSlice`).
///
/// FEE
/// Shares for the steward, by SharePrice, minted when anyone settles or pokes after a period's end. None on exit.
///
/// LOCK
/// What moves cash, the queue or claims cannot be called from within itself, nor while a plan runs: the books and the venues
/// show halves then, and what would answer with a value reverts. Shares' transfers, approvals and delegation, and the
/// administrator's settings, are open meanwhile: none of them moves cash.
///
/// ROLES
/// The administrator (the Safe, with a delay) sets adapters, caps and limits; cash it can reach only through an adapter it
/// adds, after that delay, in which everyone may ask to leave. It cannot change a balance, touch the queue or settled
/// claims, or stop requests, cancels, settlements, claims and forced exits: none of those is restricted.
/// Adapters may move cash to and from themselves, nothing else; they do so only inside a plan of the Rebalancer. They are
/// trusted to say what base tokens they sent for a forced exit; what asset they sent is counted.
///
/// ASSUMPTIONS
/// The asset takes no fee on transfer, does not rebase, and calls no one back.
contract HedgeVault is
    IHedgeVault,
    IERC7540Operator,
    IERC7540Redeem,
    IERC7575Share,
    IERC165,
    ERC4626,
    ERC20Permit,
    ERC20Votes,
    AccessManaged
{
    using RedemptionQueue for RedemptionQueue.Queue;
    using SafeERC20 for IERC20;
    using VenueList for VenueList.List;

    uint256 private constant BPS = 10_000;
    uint8 private constant EXTRA_DECIMALS = 12;
    uint256 private constant VIRTUAL_SHARES = 1e12;
    /// @dev What is left after a call that had enough: sixty-three times this, for reading every venue.
    uint256 private constant ENOUGH_GAS = 200_000;
    /// @dev The lock is free, held by a function of this contract, or by a plan of the Rebalancer.
    uint256 private constant FREE = 0;
    uint256 private constant HELD = 1;
    uint256 private constant IN_PLAN = 2;
    /// @notice Most adapters a vault can have: valuation loops over all of them.
    uint256 public constant MAX_ADAPTERS = VenueList.MAX_ADAPTERS;
    /// @inheritdoc IHedgeVault
    uint256 public constant override EXIT_DEADLINE = RedemptionQueue.EXIT_DEADLINE;
    /// @notice Gas each venue gets in a forced exit.
    uint256 public constant UNWIND_GAS = RedemptionQueue.UNWIND_GAS;
    /// @notice Seconds over which a donation becomes cash.
    uint256 public constant VESTING = 7 days;

    /// @param cash Asset on the books, with all of what is vesting.
    /// @param vesting What of it began to vest, until `vestedAt`, in seconds since 1970-01-01.
    struct Books {
        uint112 cash;
        uint112 vesting;
        uint32 vestedAt;
    }

    /// @param locked Shares of pending requests.
    /// @param fresh Shares that came new at `freshAt`, in seconds since 1970-01-01, or with a transfer of such shares.
    struct Holder {
        uint112 locked;
        uint112 fresh;
        uint32 freshAt;
    }

    address public immutable override priceOracle;
    /// @inheritdoc IHedgeVault
    address public immutable override sharePrice;

    Books private _books;
    /// @inheritdoc IHedgeVault
    address public override rebalancer;
    /// @inheritdoc IHedgeVault
    uint16 public override maxSpreadBps;
    /// @inheritdoc IHedgeVault
    uint16 public override reserveBps;
    /// @inheritdoc IHedgeVault
    uint32 public override unwoundAt;
    /// @inheritdoc IHedgeVault
    bool public override positionsOpen;
    uint256 private transient _lock;

    /// @inheritdoc IHedgeVault
    uint256 public override minRequest;

    VenueList.List private _venues;
    mapping(address owner => Holder) private _holders;
    mapping(address controller => mapping(address operator => bool)) public override isOperator;
    RedemptionQueue.Queue private _queue;

    constructor(
        address authority_,
        IERC20 asset_,
        address priceOracle_,
        address sharePrice_,
        string memory name_,
        string memory symbol_,
        uint256 maxSpreadBps_,
        uint256 minRequest_
    ) ERC20(name_, symbol_) ERC20Permit(name_) ERC4626(asset_) AccessManaged(authority_) {
        // Shares have twelve decimals more, and the books 112 bits.
        if (decimals() > 20) revert InvalidParameter("decimals", decimals());

        priceOracle = priceOracle_;
        sharePrice = sharePrice_;
        _setLimits(maxSpreadBps_, minRequest_);
        // Requests are counted from one: zero is kept for vaults that tell all requests apart by controller alone (ERC-7540).
        _queue.requests.push();
        _queue.head = 1;
        // Anchor and mark begin at the price of the first share.
        _follow(0, 0, false);
    }

    modifier lock() {
        _requireFree();
        _lock = HELD;
        _;
        _lock = FREE;
    }

    /// @inheritdoc IHedgeVault
    function busy() external view returns (bool) {
        return _lock != FREE;
    }

    function _requireFree() private view {
        if (_lock != FREE) revert Busy();
    }

    // ------------------------------------------------------------------------------------------------ administration

    /// @inheritdoc IHedgeVault
    function setAdapter(address adapter, uint128 capAssets, uint32 capBps) external restricted {
        _venues.set(adapter, capAssets, capBps);
    }

    /// @inheritdoc IHedgeVault
    function removeAdapter(address adapter) external restricted {
        _venues.remove(adapter);
    }

    /// @inheritdoc IHedgeVault
    function setLimits(uint256 maxSpreadBps_, uint256 minRequest_) external restricted {
        _setLimits(maxSpreadBps_, minRequest_);
    }

    /// @inheritdoc IHedgeVault
    function setReserve(uint256 reserveBps_) external restricted {
        if (reserveBps_ > 2_000) revert InvalidParameter("reserveBps", reserveBps_);

        reserveBps = uint16(reserveBps_);

        emit ReserveSet(reserveBps_);
    }

    /// @inheritdoc IHedgeVault
    function setRebalancer(address rebalancer_) external restricted {
        if (IRebalancer(rebalancer_).vault() != address(this)) revert NotTheRebalancer(rebalancer_);

        rebalancer = rebalancer_;

        emit RebalancerSet(rebalancer_);
    }

    function _setLimits(uint256 maxSpreadBps_, uint256 minRequest_) private {
        if (maxSpreadBps_ == 0 || maxSpreadBps_ > 2_000) revert InvalidParameter("maxSpreadBps", maxSpreadBps_);
        // A minimum above a thousand whole shares would trap small holders in a queue of whole balances only.
        if (minRequest_ > 1_000 * 10 ** decimals()) revert InvalidParameter("minRequest", minRequest_);

        maxSpreadBps = uint16(maxSpreadBps_);
        minRequest = minRequest_;

        emit LimitsSet(maxSpreadBps_, minRequest_);
    }

    // ---------------------------------------------------------------------------------------------- net asset value

    /// @inheritdoc IHedgeVault
    function cash() public view returns (uint256) {
        Books memory books = _books;
        if (block.timestamp >= books.vestedAt) return books.cash;
        return books.cash - Math.ceilDiv(books.vesting * (books.vestedAt - block.timestamp), VESTING);
    }

    /// @inheritdoc IHedgeVault
    function nav() public view returns (uint256 low, uint256 high) {
        _requireFree();
        (low, high, ) = _sides();
    }

    /// @inheritdoc IHedgeVault
    function navAt(uint256 price) public view returns (uint256 value) {
        _requireFree();
        value = cash();
        for (uint256 i; i < _venues.adapters.length; ++i) {
            value += IVenueAdapter(_venues.adapters[i]).valueAt(price);
        }
    }

    function _nav(Price memory price) private view returns (uint256 low, uint256 high) {
        low = cash();
        high = low;
        for (uint256 i; i < _venues.adapters.length; ++i) {
            (uint256 adapterLow, uint256 adapterHigh) = IVenueAdapter(_venues.adapters[i]).valuation(price);
            low += adapterLow;
            high += adapterHigh;
        }
    }

    function _requireSpread(uint256 low, uint256 high) private view {
        if (!_spreadOk(low, high)) revert SpreadTooWide(low, high, maxSpreadBps);
    }

    function _spreadOk(uint256 low, uint256 high) private view returns (bool) {
        return (high - low) * BPS <= high * maxSpreadBps;
    }

    /// @notice Net asset value at the mid price, before unwinding costs; where there is no price, or in the middle of a
    /// plan, by the last share price that was looked at (`poke`). Entry and exit have prices of their own.
    function totalAssets() public view override returns (uint256) {
        if (!positionsOpen) return cash();
        try IPriceOracle(priceOracle).read() returns (IPriceOracle.Reading memory reading) {
            try this.navAt(reading.price.mid) returns (uint256 value) {
                return value;
            } catch {
                // Who asks with too little gas must not be shown an old value for it.
                if (gasleft() < ENOUGH_GAS) revert InsufficientGas(gasleft());
            }
        } catch {} // solhint-disable-line no-empty-blocks
        return ISharePrice(sharePrice).valueOf(address(this), _virtualSupply());
    }

    /// @inheritdoc IHedgeVault
    function poke() external lock returns (uint256 feeShares) {
        (uint256 low, uint256 high, ) = _sides();
        return _follow(low, high, false);
    }

    /// @dev Moves the anchor, and mints the fee when one is due; for trading the share price must be near the anchor.
    function _follow(uint256 low, uint256 high, bool trading) private returns (uint256 feeShares) {
        feeShares = ISharePrice(sharePrice).follow(low, high, _virtualSupply(), trading);
        if (feeShares != 0) _mint(ISharePrice(sharePrice).recipient(), feeShares);
    }

    /// @inheritdoc IHedgeVault
    function vest() external lock returns (uint256 assets) {
        if (block.timestamp < _books.vestedAt) revert StillVesting(_books.vestedAt);
        assets = IERC20(asset()).balanceOf(address(this)) - _books.cash - _queue.claimsOutstanding;
        if (assets == 0) revert NothingToVest();

        uint32 vestedAt = uint32(block.timestamp + VESTING);
        _books = Books(_books.cash + SafeCast.toUint112(assets), SafeCast.toUint112(assets), vestedAt);

        emit VestingStarted(assets, vestedAt);
    }

    /// @inheritdoc IHedgeVault
    function adapters() external view returns (address[] memory) {
        return _venues.adapters;
    }

    /// @inheritdoc IHedgeVault
    function isAdapter(address adapter) public view returns (bool) {
        return _venues.caps[adapter].known;
    }

    /// @inheritdoc IHedgeVault
    function capOf(address adapter) external view returns (uint256 assets, uint256 bps) {
        VenueList.Cap memory cap = _venues.caps[adapter];
        return (cap.assets, cap.bps);
    }

    // -------------------------------------------------------------------------------------------------------- custody

    /// @inheritdoc IHedgeVault
    function draw(uint256 assets) external {
        _requireAdapter();
        if (!positionsOpen) {
            // Cash is exact: the anchor begins there, wherever rounding and gifts had brought a small supply's price.
            ISharePrice(sharePrice).open(cash(), _virtualSupply());
            positionsOpen = true;
        }
        _takeCash(assets, 0);

        emit Drawn(msg.sender, assets);
        IERC20(asset()).safeTransfer(msg.sender, assets);
    }

    /// @inheritdoc IHedgeVault
    function restore(uint256 assets) external {
        _requireAdapter();

        _books.cash += SafeCast.toUint112(assets);
        // Others pay for what was unwound: those it was for may not walk away from it.
        if (_queue.pendingShares != 0) unwoundAt = uint32(block.timestamp);

        emit Restored(msg.sender, assets);
        IERC20(asset()).safeTransferFrom(msg.sender, address(this), assets);
    }

    function _takeCash(uint256 assets, uint256 reserve) private {
        uint256 available = cash();
        if (assets + reserve > available) revert InsufficientCash(assets + reserve, available);

        _books.cash -= uint112(assets);
    }

    /// @dev While a function of the vault counts what a venue sends, cash stays as it is.
    function _requireAdapter() private view {
        if (!isAdapter(msg.sender)) revert NotAnAdapter(msg.sender);
        if (_lock == HELD) revert Busy();
    }

    /// @inheritdoc IHedgeVault
    function beginPlan() external {
        if (msg.sender != rebalancer) revert NotTheRebalancer(msg.sender);
        _requireFree();
        _lock = IN_PLAN;
    }

    /// @inheritdoc IHedgeVault
    function endPlan(bool allClosed) external {
        if (msg.sender != rebalancer) revert NotTheRebalancer(msg.sender);
        if (_lock != IN_PLAN) revert Busy();
        _lock = FREE;
        if (allClosed) closePositions();
    }

    /// @inheritdoc IHedgeVault
    function closePositions() public lock {
        _venues.requireEmpty();

        positionsOpen = false;
    }

    // ---------------------------------------------------------------------------------------------------------- entry

    /// @notice Zero when the feeds are stale, the spread is too wide, the share price moves too fast or a plan runs; no limit
    /// that anyone could reach otherwise.
    function maxDeposit(address) public view override returns (uint256) {
        try this.nav() returns (uint256 low, uint256 high) {
            bool open =
                !positionsOpen ||
                    (_spreadOk(low, high) &&
                        ISharePrice(sharePrice).isOpen(address(this), low, high, _virtualSupply()));
            return open ? type(uint64).max : 0;
        } catch {
            return 0;
        }
    }

    /// @inheritdoc ERC4626
    function maxMint(address receiver) public view override returns (uint256) {
        // Shares have twelve decimals more than the asset.
        return maxDeposit(receiver) == 0 ? 0 : type(uint96).max;
    }

    /// @notice Shares for assets at the high net asset value, rounded down.
    function previewDeposit(uint256 assets) public view override returns (uint256) {
        (, uint256 high) = nav();
        return _sharesFor(assets, high);
    }

    /// @notice Assets for shares at the high net asset value, rounded up.
    function previewMint(uint256 shares) public view override returns (uint256) {
        (, uint256 high) = nav();
        return _assetsFor(shares, high);
    }

    function _sharesFor(uint256 assets, uint256 high) private view returns (uint256) {
        return Math.mulDiv(assets, _virtualSupply(), high + 1);
    }

    function _assetsFor(uint256 shares, uint256 high) private view returns (uint256) {
        return Math.mulDiv(shares, high + 1, _virtualSupply(), Math.Rounding.Ceil);
    }

    function _convertToShares(uint256 assets, Math.Rounding rounding) internal view override returns (uint256) {
        return Math.mulDiv(assets, _virtualSupply(), totalAssets() + 1, rounding);
    }

    function _convertToAssets(uint256 shares, Math.Rounding rounding) internal view override returns (uint256) {
        return Math.mulDiv(shares, totalAssets() + 1, _virtualSupply(), rounding);
    }

    /// @dev Virtual shares (and one virtual asset unit) make the first depositor's inflation attack unprofitable.
    function _virtualSupply() private view returns (uint256) {
        return totalSupply() + VIRTUAL_SHARES;
    }

    /// @dev Both sides of the net asset value, and the older of the feeds' rounds. While nothing is at a venue that is cash,
    /// which no round could tell better.
    function _sides() private view returns (uint256 low, uint256 high, uint256 newestRound) {
        if (!positionsOpen) return (cash(), cash(), block.timestamp);

        IPriceOracle.Reading memory reading = IPriceOracle(priceOracle).read();
        (low, high) = _nav(reading.price);
        newestRound = Math.min(reading.baseUpdatedAt, reading.assetUpdatedAt);
    }

    /// @dev The same while shares may be sold or taken back, a fee that is due charged to those who were there.
    function _tradingNav() private returns (uint256 low, uint256 high, uint256 newestRound) {
        (low, high, newestRound) = _sides();
        _requireSpread(low, high);
        _follow(low, high, positionsOpen);
    }

    /// @dev ERC4626 asks `maxDeposit` first, which would hide why entry is closed: the checks here name the cause.
    function deposit(uint256 assets, address receiver) public override lock returns (uint256 shares) {
        (, uint256 high, ) = _tradingNav();
        shares = _sharesFor(assets, high);
        _deposit(_msgSender(), receiver, assets, shares);
    }

    /// @inheritdoc ERC4626
    function mint(uint256 shares, address receiver) public override lock returns (uint256 assets) {
        (, uint256 high, ) = _tradingNav();
        assets = _assetsFor(shares, high);
        _deposit(_msgSender(), receiver, assets, shares);
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        // A deposit too small for one share would be a gift to the others, by mistake.
        if (shares == 0) revert InvalidParameter("assets", assets);
        _books.cash += SafeCast.toUint112(assets);
        ISharePrice(sharePrice).enter(assets, shares, _virtualSupply());
        super._deposit(caller, receiver, assets, shares);
    }

    // ------------------------------------------------------------------------------------------------- exit: at once

    /// @inheritdoc IHedgeVault
    function redeemInstantly(
        uint256 shares,
        uint256 minAssets,
        address receiver,
        address owner
    ) external lock returns (uint256 assets) {
        if (msg.sender != owner && !isOperator[owner][msg.sender]) _spendAllowance(owner, msg.sender, shares);
        (uint256 low, , uint256 newestRound) = _tradingNav();
        _requireSeen(owner, shares, newestRound);
        assets = Math.mulDiv(shares, low + 1, _virtualSupply());
        if (assets == 0 || assets < minAssets) revert TooLittle(assets, minAssets);

        // Those who asked before leave before: what they will get is kept back.
        _takeCash(assets, _marginReserve(low) + _assetsFor(_queue.pendingShares, low));
        _burn(owner, shares);

        emit Withdraw(msg.sender, receiver, owner, assets, shares);
        if (positionsOpen) IRebalancer(rebalancer).requireInsideBands();
        IERC20(asset()).safeTransfer(receiver, assets);
    }

    /// @dev Shares that came since the feeds' rounds leave by request.
    function _requireSeen(address owner, uint256 shares, uint256 newestRound) private view {
        Holder memory holder = _holders[owner];
        if (newestRound <= holder.freshAt && shares + holder.fresh > balanceOf(owner)) {
            revert SharesTooFresh(owner, holder.fresh, holder.freshAt, newestRound);
        }
    }

    function _marginReserve(uint256 low) private view returns (uint256) {
        return Math.mulDiv(low - cash(), reserveBps, BPS, Math.Rounding.Ceil);
    }

    // ----------------------------------------------------------------------------------------------- exit: requests

    /// @inheritdoc IERC7540Operator
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    /// @inheritdoc IERC7540Redeem
    function requestRedeem(
        uint256 shares,
        address controller,
        address owner
    ) external lock returns (uint256 requestId) {
        if (msg.sender != owner && !isOperator[owner][msg.sender]) _spendAllowance(owner, msg.sender, shares);
        // Without this anyone could fill a stranger's queue with dust in their name.
        if (controller != owner && controller != msg.sender && !isOperator[controller][msg.sender]) {
            revert NotAuthorized(msg.sender, controller);
        }
        uint256 free = balanceOf(owner) - _holders[owner].locked;
        requestId = _queue.request(shares, controller, owner, free, minRequest);
        _holders[owner].locked += SafeCast.toUint112(shares);
    }

    /// @inheritdoc IHedgeVault
    function cancelRedeemRequest(uint256 requestId, address controller) external lock returns (uint256 shares) {
        _requireController(controller);
        address owner;
        (owner, shares) = _queue.cancel(requestId, controller, unwoundAt);
        _holders[owner].locked -= uint112(shares);
    }

    /// @inheritdoc IERC7540Redeem
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _queue.pending(requestId, controller);
    }

    /// @inheritdoc IERC7540Redeem
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _queue.claimable(requestId, controller);
    }

    /// @inheritdoc IHedgeVault
    function request(uint256 requestId) external view returns (Request memory) {
        return _queue.requests[requestId];
    }

    /// @inheritdoc IHedgeVault
    function queueBounds() external view returns (uint256 head, uint256 tail) {
        return (_queue.head, _queue.requests.length);
    }

    /// @inheritdoc IHedgeVault
    function pendingShares() external view returns (uint256) {
        return _queue.pendingShares;
    }

    // --------------------------------------------------------------------------------------------- exit: settlement

    /// @inheritdoc IHedgeVault
    function settle(uint256 maxRequests) external lock returns (uint256 shares, uint256 assets) {
        (uint256 low, uint256 high, uint256 newestRound) = _sides();
        _requireSpread(low, high);
        _follow(low, high, false);

        RedemptionQueue.Fill[] memory fills;
        (fills, shares, assets) = _queue.settle(
            RedemptionQueue.Terms({
                low: low,
                supply: _virtualSupply(),
                cash: cash(),
                reserve: _marginReserve(low),
                newestRound: newestRound,
                maxRequests: maxRequests
            })
        );
        _books.cash -= uint112(assets);
        for (uint256 i; i < fills.length; ++i) {
            if (fills[i].shares != 0) _burnLocked(fills[i].owner, fills[i].shares);
        }
    }

    function _burnLocked(address owner, uint256 shares) private {
        _holders[owner].locked -= uint112(shares);
        _burn(owner, shares);
    }

    // ------------------------------------------------------------------------------------------------ exit: by force

    /// @inheritdoc IHedgeVault
    function force(uint256 requestId) external lock returns (uint256 shares, uint256 assets) {
        uint256 supply = _virtualSupply();
        address owner;
        address controller;
        (owner, controller, shares, assets) = _queue.force(requestId, cash(), supply);
        _books.cash -= uint112(assets);
        _burnLocked(owner, shares);
        _queue.unwindAll(_venues.adapters, asset(), controller, shares, supply, _isController(controller));
    }

    /// @inheritdoc IHedgeVault
    function unwindSlice(address controller, address adapter, uint256 units) external lock {
        _queue.unwindSlice(asset(), controller, adapter, units, _isController(controller));
    }

    /// @inheritdoc IHedgeVault
    function claimInKind(address token, address receiver, address controller) external lock returns (uint256 amount) {
        _requireController(controller);
        return _queue.claimInKind(token, receiver, controller);
    }

    /// @inheritdoc IHedgeVault
    function claimableInKind(address controller, address token) external view returns (uint256) {
        return _queue.inKind[controller][token];
    }

    /// @inheritdoc IHedgeVault
    function sliceOf(address controller, address adapter) external view returns (uint256) {
        return _queue.slices[controller][adapter];
    }

    /// @inheritdoc IHedgeVault
    function claimsOutstanding() external view returns (uint256) {
        return _queue.claimsOutstanding;
    }

    // -------------------------------------------------------------------------------------------------- exit: claims

    /// @notice Assets the controller can claim now: none while a plan runs.
    function maxWithdraw(address controller) public view override returns (uint256) {
        return _lock == FREE ? _queue.claims[controller].assets : 0;
    }

    /// @notice Settled shares the controller can claim assets for now: none while a plan runs.
    function maxRedeem(address controller) public view override returns (uint256) {
        return _lock == FREE ? _queue.claims[controller].shares : 0;
    }

    /// @notice Always reverts: the price of an asynchronous exit is not known beforehand (ERC-7540).
    function previewWithdraw(uint256) public pure override returns (uint256) {
        revert PreviewNotSupported();
    }

    /// @notice Always reverts: the price of an asynchronous exit is not known beforehand (ERC-7540).
    function previewRedeem(uint256) public pure override returns (uint256) {
        revert PreviewNotSupported();
    }

    /// @notice Claims settled assets; shares are taken off rounded up.
    function withdraw(
        uint256 assets,
        address receiver,
        address controller
    ) public override lock returns (uint256 shares) {
        _requireController(controller);
        shares = _queue.withdraw(assets, controller);
        _pay(controller, receiver, assets, shares);
    }

    /// @notice Claims the assets of settled shares, rounded down.
    function redeem(
        uint256 shares,
        address receiver,
        address controller
    ) public override lock returns (uint256 assets) {
        _requireController(controller);
        assets = _queue.redeem(shares, controller);
        _pay(controller, receiver, assets, shares);
    }

    function _pay(address controller, address receiver, uint256 assets, uint256 shares) private {
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        IERC20(asset()).safeTransfer(receiver, assets);
    }

    function _requireController(address controller) private view {
        if (!_isController(controller)) revert NotAuthorized(msg.sender, controller);
    }

    function _isController(address controller) private view returns (bool) {
        return msg.sender == controller || isOperator[controller][msg.sender];
    }

    // --------------------------------------------------------------------------------------------------------- shares

    /// @inheritdoc IERC7575Share
    function share() external view returns (address) {
        return address(this);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        // ERC-7540 operators and asynchronous redemption, ERC-7575 vault, by the identifiers those standards fix.
        return
            interfaceId == type(IERC165).interfaceId ||
            interfaceId == 0xe3bc4e65 ||
            interfaceId == 0x620ee8e4 ||
            interfaceId == 0x2f0a18c5;
    }

    /// @notice An account's votes are its own until it delegates them elsewhere.
    function delegates(address account) public view override returns (address) {
        address delegatee = super.delegates(account);
        return delegatee == address(0) ? account : delegatee;
    }

    /// @dev Delegating to nobody is delegating to oneself: were the votes taken away and none put back, no transfer and no
    /// burn of these shares could ever be booked again, and a request for them would block the queue for everyone.
    function _delegate(address account, address delegatee) internal override {
        super._delegate(account, delegatee == address(0) ? account : delegatee);
    }

    /// @notice Votes are counted by time, in seconds since 1970-01-01 (ERC-6372).
    function clock() public view override returns (uint48) {
        return SafeCast.toUint48(block.timestamp);
    }

    /// @notice The clock's mode (ERC-6372).
    // The name is ERC-6372's.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function decimals() public view override(ERC20, ERC4626) returns (uint8) {
        return super.decimals();
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        if (from == address(0)) {
            _addFresh(to, value, block.timestamp);
        } else if (value <= balanceOf(from)) {
            Holder memory holder = _holders[from];
            uint256 left = balanceOf(from) - value;
            if (left < holder.locked) revert SharesLocked(from, value, balanceOf(from) - holder.locked);
            if (left < holder.fresh) {
                // The fresh ones go last.
                _holders[from].fresh = uint112(left);
                if (to != address(0)) _addFresh(to, holder.fresh - left, holder.freshAt);
            }
        }
        super._update(from, to, value);
    }

    /// @dev What came before the feeds' last rounds is not fresh, so that nobody's gift of a share makes another's old ones new.
    function _addFresh(address owner, uint256 shares, uint256 at) private {
        // While nothing is at a venue no share is held back beyond its second, and the feeds need not be asked.
        uint256 newestRound = positionsOpen ? _newestRound() : 0;
        if (at < newestRound) return;

        Holder storage holder = _holders[owner];
        uint256 before = holder.freshAt < newestRound ? 0 : holder.fresh;
        holder.fresh = SafeCast.toUint112(before + shares);
        holder.freshAt = uint32(Math.max(holder.freshAt, at));
    }

    /// @dev Zero while there is no price.
    function _newestRound() private view returns (uint256) {
        try IPriceOracle(priceOracle).read() returns (IPriceOracle.Reading memory reading) {
            return Math.min(reading.baseUpdatedAt, reading.assetUpdatedAt);
        } catch {
            return 0;
        }
    }

    /// @inheritdoc IHedgeVault
    function lockedShares(address owner) external view returns (uint256) {
        return _holders[owner].locked;
    }

    /// @inheritdoc IHedgeVault
    function freshShares(address owner) external view returns (uint256 shares, uint256 at) {
        return (_holders[owner].fresh, _holders[owner].freshAt);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return EXTRA_DECIMALS;
    }
}
