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
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Exposure, IVenueAdapter} from "../venues/IVenueAdapter.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575Share} from "./IERC7540.sol";
import {IHedgeVault} from "./IHedgeVault.sol";
import {IPriceOracle, Price} from "./IPriceOracle.sol";

/// @title HedgeVault: shares, net asset value, custody of cash, redemption queue
///
/// NET ASSET VALUE
/// Cash on the books plus what the adapters hold, valued at the oracle's price, on two sides. Entry pays the high side,
/// exit receives the low side, so no one gains by choosing the moment within the oracle's error. Tokens sent here
/// without a call are not on the books: a donation moves no price.
///
/// EXIT
/// Requests are filled first in, first out, by anyone, at a price whose feed rounds are newer than the request: nobody
/// can ask knowing the price. Shares of a request stay with their owner, locked, and keep their votes.
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
    AccessManaged,
    ReentrancyGuardTransient
{
    using SafeERC20 for IERC20;

    uint256 private constant BPS = 10_000;
    /// @dev Where nothing is held, every price gives the same.
    uint256 private constant ANY_PRICE = 1e18;
    /// @notice Most adapters a vault can have: valuation loops over all of them.
    uint256 public constant MAX_ADAPTERS = 8;
    /// @notice Seconds after which no reserve holds a request back and anyone may force it. Fixed in code: no vote can
    /// lengthen it.
    uint256 public constant EXIT_DEADLINE = 14 days;
    /// @notice Gas each venue gets in a forced exit; Curie takes some 1.4 million. No more, so that one venue cannot burn what
    /// the others need; no less, so that nobody, and no estimate of gas, keeps a slice from being unwound by sending too
    /// little. Eight times this is under the cap of a transaction (EIP-7825).
    uint256 public constant UNWIND_GAS = 2_000_000;

    /// @param assets Most value, in asset units.
    /// @param bps Most share of net asset value, in basis points.
    struct Cap {
        uint128 assets;
        uint32 bps;
        bool known;
    }

    /// @param shares Shares settled and not claimed.
    /// @param assets Assets those shares were settled for.
    /// @param settled Shares ever settled.
    struct Claim {
        uint256 shares;
        uint256 assets;
        uint256 settled;
    }

    address public immutable override priceOracle;

    uint256 public override cash;
    uint256 public override claimsOutstanding;
    uint256 public override pendingShares;
    /// @notice Widest spread between low and high net asset value at which shares are sold or settled.
    uint256 public maxSpreadBps;
    /// @notice Smallest request, in shares; an owner's whole free balance is always accepted.
    uint256 public minRequest;
    /// @inheritdoc IHedgeVault
    uint256 public override reserveBps;

    address[] private _adapters;
    mapping(address adapter => Cap) private _caps;
    mapping(address owner => uint256) public lockedShares;
    mapping(address controller => Claim) private _claims;
    mapping(address controller => mapping(address operator => bool)) public override isOperator;
    /// @inheritdoc IHedgeVault
    mapping(address controller => mapping(address token => uint256)) public override claimableInKind;
    /// @inheritdoc IHedgeVault
    mapping(address controller => mapping(address adapter => uint256)) public override sliceOf;
    Request[] private _requests;
    uint256 private _head;

    constructor(
        address authority_,
        IERC20 asset_,
        address priceOracle_,
        string memory name_,
        string memory symbol_,
        uint256 maxSpreadBps_,
        uint256 minRequest_
    ) ERC20(name_, symbol_) ERC20Permit(name_) ERC4626(asset_) AccessManaged(authority_) {
        priceOracle = priceOracle_;
        _setLimits(maxSpreadBps_, minRequest_);
    }

    // ------------------------------------------------------------------------------------------------ administration

    /// @inheritdoc IHedgeVault
    function setAdapter(address adapter, uint128 capAssets, uint32 capBps) external restricted {
        if (capBps > BPS) revert InvalidParameter("capBps", capBps);
        if (IVenueAdapter(adapter).vault() != address(this)) revert NotAnAdapter(adapter);
        // An adapter that could not set a slice aside would trap everyone.
        IVenueAdapter(adapter).setAside(0, 1);
        if (!_caps[adapter].known) {
            if (_adapters.length == MAX_ADAPTERS) revert InvalidParameter("adapters", MAX_ADAPTERS + 1);
            _adapters.push(adapter);
        }

        _caps[adapter] = Cap(capAssets, capBps, true);

        emit AdapterSet(adapter, capAssets, capBps);
    }

    /// @inheritdoc IHedgeVault
    function removeAdapter(address adapter) external restricted {
        if (!isAdapter(adapter)) revert NotAnAdapter(adapter);
        Exposure memory held = IVenueAdapter(adapter).exposure(ANY_PRICE);
        (uint256 aside, ) = IVenueAdapter(adapter).slices();
        if (held.gross != 0 || held.equity != 0 || aside != 0) revert AdapterNotEmpty(adapter);

        delete _caps[adapter];
        uint256 last = _adapters.length - 1;
        for (uint256 i; i < last; ++i) {
            if (_adapters[i] == adapter) _adapters[i] = _adapters[last];
        }
        _adapters.pop();

        emit AdapterRemoved(adapter);
    }

    /// @inheritdoc IHedgeVault
    function setLimits(uint256 maxSpreadBps_, uint256 minRequest_) external restricted {
        _setLimits(maxSpreadBps_, minRequest_);
    }

    /// @inheritdoc IHedgeVault
    function setReserve(uint256 reserveBps_) external restricted {
        if (reserveBps_ > 2_000) revert InvalidParameter("reserveBps", reserveBps_);

        reserveBps = reserveBps_;

        emit ReserveSet(reserveBps_);
    }

    function _setLimits(uint256 maxSpreadBps_, uint256 minRequest_) private {
        if (maxSpreadBps_ == 0 || maxSpreadBps_ > 2_000) revert InvalidParameter("maxSpreadBps", maxSpreadBps_);
        // A minimum above a thousand whole shares would trap small holders in a queue of whole balances only.
        if (minRequest_ > 1_000 * 10 ** decimals()) revert InvalidParameter("minRequest", minRequest_);

        maxSpreadBps = maxSpreadBps_;
        minRequest = minRequest_;

        emit LimitsSet(maxSpreadBps_, minRequest_);
    }

    // ---------------------------------------------------------------------------------------------- net asset value

    /// @inheritdoc IHedgeVault
    function nav() public view returns (uint256 low, uint256 high) {
        return _nav(IPriceOracle(priceOracle).read().price);
    }

    /// @inheritdoc IHedgeVault
    function navAt(uint256 price) public view returns (uint256 value) {
        value = cash;
        for (uint256 i; i < _adapters.length; ++i) {
            value += IVenueAdapter(_adapters[i]).valueAt(price);
        }
    }

    function _nav(Price memory price) private view returns (uint256 low, uint256 high) {
        low = cash;
        high = cash;
        for (uint256 i; i < _adapters.length; ++i) {
            (uint256 adapterLow, uint256 adapterHigh) = IVenueAdapter(_adapters[i]).valuation(price);
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

    /// @notice Net asset value at the mid price, before unwinding costs. Entry and exit have prices of their own.
    function totalAssets() public view override returns (uint256) {
        return navAt(IPriceOracle(priceOracle).read().price.mid);
    }

    /// @inheritdoc IHedgeVault
    function adapters() external view returns (address[] memory) {
        return _adapters;
    }

    /// @inheritdoc IHedgeVault
    function isAdapter(address adapter) public view returns (bool) {
        return _caps[adapter].known;
    }

    /// @inheritdoc IHedgeVault
    function capOf(address adapter) external view returns (uint256 assets, uint256 bps) {
        Cap memory cap = _caps[adapter];
        return (cap.assets, cap.bps);
    }

    // -------------------------------------------------------------------------------------------------------- custody

    /// @inheritdoc IHedgeVault
    function draw(uint256 assets) external {
        if (!isAdapter(msg.sender)) revert NotAnAdapter(msg.sender);
        if (assets > cash) revert InsufficientCash(assets, cash);

        cash -= assets;

        emit Drawn(msg.sender, assets);
        IERC20(asset()).safeTransfer(msg.sender, assets);
    }

    /// @inheritdoc IHedgeVault
    function restore(uint256 assets) external {
        if (!isAdapter(msg.sender)) revert NotAnAdapter(msg.sender);

        cash += assets;

        emit Restored(msg.sender, assets);
        IERC20(asset()).safeTransferFrom(msg.sender, address(this), assets);
    }

    // ---------------------------------------------------------------------------------------------------------- entry

    /// @notice Zero when the feeds are stale or the spread is too wide; no limit otherwise.
    function maxDeposit(address) public view override returns (uint256) {
        try this.nav() returns (uint256 low, uint256 high) {
            return _spreadOk(low, high) ? type(uint128).max : 0;
        } catch {
            return 0;
        }
    }

    /// @inheritdoc ERC4626
    function maxMint(address receiver) public view override returns (uint256) {
        uint256 assets = maxDeposit(receiver);
        return assets == 0 ? 0 : type(uint128).max;
    }

    /// @notice Shares for assets at the high net asset value, rounded down.
    function previewDeposit(uint256 assets) public view override returns (uint256) {
        return Math.mulDiv(assets, _virtualSupply(), _entryNav() + 1);
    }

    /// @notice Assets for shares at the high net asset value, rounded up.
    function previewMint(uint256 shares) public view override returns (uint256) {
        return Math.mulDiv(shares, _entryNav() + 1, _virtualSupply(), Math.Rounding.Ceil);
    }

    function _entryNav() private view returns (uint256) {
        (uint256 low, uint256 high) = nav();
        _requireSpread(low, high);
        return high;
    }

    /// @dev Virtual shares (and one virtual asset unit) make the first depositor's inflation attack unprofitable.
    function _virtualSupply() private view returns (uint256) {
        return totalSupply() + 10 ** _decimalsOffset();
    }

    /// @dev ERC4626 asks `maxDeposit` first, which would hide why entry is closed: the previews name the cause.
    function deposit(uint256 assets, address receiver) public override nonReentrant returns (uint256 shares) {
        shares = previewDeposit(assets);
        _deposit(_msgSender(), receiver, assets, shares);
    }

    /// @inheritdoc ERC4626
    function mint(uint256 shares, address receiver) public override nonReentrant returns (uint256 assets) {
        assets = previewMint(shares);
        _deposit(_msgSender(), receiver, assets, shares);
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        // A deposit too small for one share would be a gift to the others, by mistake.
        if (shares == 0) revert InvalidParameter("assets", assets);
        cash += assets;
        super._deposit(caller, receiver, assets, shares);
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
    ) external nonReentrant returns (uint256 requestId) {
        if (msg.sender != owner && !isOperator[owner][msg.sender]) _spendAllowance(owner, msg.sender, shares);
        // Without this anyone could fill a stranger's queue with dust in their name.
        if (controller != owner && controller != msg.sender && !isOperator[controller][msg.sender]) {
            revert NotAuthorized(msg.sender, controller);
        }
        uint256 free = balanceOf(owner) - lockedShares[owner];
        if (shares > free) revert SharesLocked(owner, shares, free);
        if (shares == 0 || (shares < minRequest && shares != free)) revert RequestTooSmall(shares, minRequest);

        requestId = _requests.length;
        lockedShares[owner] += shares;
        pendingShares += shares;
        _requests.push(Request(controller, owner, uint64(block.timestamp), shares, 0, 0));

        emit RedeemRequest(controller, owner, requestId, msg.sender, shares);
    }

    /// @inheritdoc IHedgeVault
    function cancelRedeemRequest(uint256 requestId, address controller) external nonReentrant returns (uint256 shares) {
        _requireController(controller);
        if (requestId >= _requests.length) revert NoSuchRequest(requestId, controller);
        Request storage entry = _requests[requestId];
        shares = entry.shares;
        if (entry.controller != controller || shares == 0) revert NoSuchRequest(requestId, controller);

        entry.shares = 0;
        pendingShares -= shares;
        lockedShares[entry.owner] -= shares;

        emit RedemptionCancelled(requestId, controller, shares);
    }

    /// @inheritdoc IERC7540Redeem
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        if (requestId >= _requests.length || _requests[requestId].controller != controller) return 0;
        return _requests[requestId].shares;
    }

    /// @inheritdoc IERC7540Redeem
    /// @dev A controller's requests settle in order and are claimed in order, so what is claimed of one follows from
    /// how much the controller has claimed in all.
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        if (requestId >= _requests.length || _requests[requestId].controller != controller) return 0;
        Request memory entry = _requests[requestId];
        Claim memory claim = _claims[controller];
        uint256 claimed = claim.settled - claim.shares;
        uint256 claimedHere = claimed > entry.claimOffset ? Math.min(claimed - entry.claimOffset, entry.settled) : 0;
        return entry.settled - claimedHere;
    }

    /// @inheritdoc IHedgeVault
    function request(uint256 requestId) external view returns (Request memory) {
        return _requests[requestId];
    }

    /// @inheritdoc IHedgeVault
    function queueBounds() external view returns (uint256 head, uint256 tail) {
        return (_head, _requests.length);
    }

    // --------------------------------------------------------------------------------------------- exit: settlement

    /// @inheritdoc IHedgeVault
    function settle(uint256 maxRequests) external nonReentrant returns (uint256 shares, uint256 assets) {
        IPriceOracle.Reading memory reading = IPriceOracle(priceOracle).read();
        (uint256 low, uint256 high) = _nav(reading.price);
        _requireSpread(low, high);
        uint256 newestRound = Math.min(reading.baseUpdatedAt, reading.assetUpdatedAt);
        uint256 marginReserve = Math.mulDiv(low - cash, reserveBps, BPS, Math.Rounding.Ceil);

        // It reverts only when nothing at all was done: what was skipped or settled before must not be undone.
        uint256 firstHead = _head;
        for (uint256 i; i < maxRequests && _head < _requests.length; ++i) {
            Request storage entry = _requests[_head];
            if (entry.shares == 0) {
                ++_head;
                continue;
            }
            if (newestRound <= entry.createdAt) {
                if (shares == 0 && _head == firstHead) revert NoNewerRound(_head, entry.createdAt, newestRound);
                break;
            }
            uint256 reserve = _isOverdue(entry) ? 0 : marginReserve;
            if (cash <= reserve) {
                if (shares == 0 && _head == firstHead) revert InsufficientCash(reserve + 1, cash);
                break;
            }
            (uint256 filledShares, uint256 filledAssets) = _fill(entry, low, cash - reserve);
            shares += filledShares;
            assets += filledAssets;
            low -= filledAssets;
            if (entry.shares == 0) ++_head;
        }
    }

    function _isOverdue(Request storage entry) private view returns (bool) {
        return block.timestamp >= entry.createdAt + EXIT_DEADLINE;
    }

    /// @dev Fills the head as far as the available cash goes: assets round down for whole requests, shares round up for
    /// parts.
    function _fill(
        Request storage entry,
        uint256 low,
        uint256 available
    ) private returns (uint256 shares, uint256 assets) {
        uint256 supply = _virtualSupply();
        shares = entry.shares;
        assets = Math.mulDiv(shares, low + 1, supply);
        if (assets > available) {
            assets = available;
            shares = Math.min(Math.mulDiv(assets, supply, low + 1, Math.Rounding.Ceil), shares);
        }

        _book(entry, shares, assets);

        emit RedemptionSettled(_head, entry.controller, shares, assets, low);
    }

    /// @dev Burns shares of a request and sets the cash aside that they are settled for.
    function _book(Request storage entry, uint256 shares, uint256 assets) private {
        Claim storage claim = _claims[entry.controller];
        if (entry.settled == 0) entry.claimOffset = claim.settled;
        entry.shares -= shares;
        entry.settled += shares;
        claim.shares += shares;
        claim.assets += assets;
        claim.settled += shares;
        pendingShares -= shares;
        lockedShares[entry.owner] -= shares;
        cash -= assets;
        claimsOutstanding += assets;
        _burn(entry.owner, shares);
    }

    // ------------------------------------------------------------------------------------------------ exit: by force

    /// @inheritdoc IHedgeVault
    function force(uint256 requestId) external nonReentrant returns (uint256 shares, uint256 assets) {
        if (requestId >= _requests.length) revert NoSuchRequest(requestId, address(0));
        Request storage entry = _requests[requestId];
        address controller = entry.controller;
        shares = entry.shares;
        if (shares == 0) revert NoSuchRequest(requestId, controller);
        if (!_isOverdue(entry)) revert NotOverdue(requestId, entry.createdAt + EXIT_DEADLINE);
        _requireNoneHalfSettled(requestId, controller);

        uint256 supply = _virtualSupply();
        assets = Math.mulDiv(shares, cash, supply);
        _book(entry, shares, assets);

        emit RedemptionForced(requestId, controller, shares, assets);
        for (uint256 i; i < _adapters.length; ++i) {
            sliceOf[controller][_adapters[i]] += IVenueAdapter(_adapters[i]).setAside(shares, supply);
        }
        bool anyPrice = _isController(controller);
        for (uint256 i; i < _adapters.length; ++i) {
            address adapter = _adapters[i];
            uint256 units = sliceOf[controller][adapter];
            if (units == 0) continue;
            uint256 held = _besidesCash();
            // A call passes on 63/64 of the gas at most.
            if (gasleft() < UNWIND_GAS + UNWIND_GAS / 32) revert InsufficientGas(gasleft());
            try IVenueAdapter(adapter).unwind{gas: UNWIND_GAS}(units, anyPrice) returns (
                address token,
                uint256 amount
            ) {
                _bookSlice(controller, adapter, units, held, token, amount);
            } catch {
                // What it reverted with is left where it is: long enough, copying it would burn the others' gas.
                emit SliceKept(controller, adapter, units);
            }
        }
    }

    /// @inheritdoc IHedgeVault
    function unwindSlice(address controller, address adapter, uint256 units) external nonReentrant {
        uint256 aside = sliceOf[controller][adapter];
        if (units == 0 || units > aside) revert ClaimTooLarge(controller, units, aside);

        uint256 held = _besidesCash();
        (address token, uint256 amount) = IVenueAdapter(adapter).unwind(units, _isController(controller));
        _bookSlice(controller, adapter, units, held, token, amount);
    }

    /// @inheritdoc IHedgeVault
    function claimInKind(
        address token,
        address receiver,
        address controller
    ) external nonReentrant returns (uint256 amount) {
        _requireController(controller);
        amount = claimableInKind[controller][token];

        claimableInKind[controller][token] = 0;

        emit ClaimedInKind(controller, token, receiver, amount);
        IERC20(token).safeTransfer(receiver, amount);
    }

    /// @dev What a slice brought becomes its controller's claim. The asset is counted: were it taken on trust, one adapter
    /// could make claims that all the others' cash would have to pay.
    function _bookSlice(
        address controller,
        address adapter,
        uint256 units,
        uint256 held,
        address token,
        uint256 amount
    ) private {
        uint256 assets = _besidesCash() - held;

        sliceOf[controller][adapter] -= units;
        _claims[controller].assets += assets;
        claimsOutstanding += assets;
        if (token != asset()) claimableInKind[controller][token] += amount;

        emit SliceUnwound(controller, adapter, units, assets, token, amount);
    }

    /// @dev What the vault has of the asset beside its cash: what an adapter draws or restores does not change it.
    function _besidesCash() private view returns (uint256) {
        return IERC20(asset()).balanceOf(address(this)) - cash;
    }

    /// @dev A controller's claims are told apart by the order they were settled in, so one that is settled in part comes
    /// before the same controller's others. It is older than they are, hence overdue as well.
    function _requireNoneHalfSettled(uint256 requestId, address controller) private view {
        Request storage head = _requests[_head];
        if (_head != requestId && head.controller == controller && head.settled != 0 && head.shares != 0) {
            revert OlderRequestFirst(_head);
        }
    }

    // -------------------------------------------------------------------------------------------------- exit: claims

    /// @notice Assets the controller can claim now.
    function maxWithdraw(address controller) public view override returns (uint256) {
        return _claims[controller].assets;
    }

    /// @notice Settled shares the controller can claim assets for now.
    function maxRedeem(address controller) public view override returns (uint256) {
        return _claims[controller].shares;
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
    ) public override nonReentrant returns (uint256 shares) {
        Claim memory claim = _claims[controller];
        if (assets > claim.assets) revert ClaimTooLarge(controller, assets, claim.assets);
        shares =
            assets == claim.assets ? claim.shares : Math.mulDiv(assets, claim.shares, claim.assets, Math.Rounding.Ceil);
        _claim(controller, receiver, assets, shares);
    }

    /// @notice Claims the assets of settled shares, rounded down.
    function redeem(
        uint256 shares,
        address receiver,
        address controller
    ) public override nonReentrant returns (uint256 assets) {
        Claim memory claim = _claims[controller];
        if (shares > claim.shares) revert ClaimTooLarge(controller, shares, claim.shares);
        assets = shares == claim.shares ? claim.assets : Math.mulDiv(shares, claim.assets, claim.shares);
        _claim(controller, receiver, assets, shares);
    }

    function _claim(address controller, address receiver, uint256 assets, uint256 shares) private {
        _requireController(controller);

        _claims[controller].shares -= shares;
        _claims[controller].assets -= assets;
        claimsOutstanding -= assets;

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
        if (from != address(0)) {
            uint256 balance = balanceOf(from);
            uint256 locked = lockedShares[from];
            if (value <= balance && balance - value < locked) revert SharesLocked(from, value, balance - locked);
        }
        super._update(from, to, value);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return 12;
    }
}
