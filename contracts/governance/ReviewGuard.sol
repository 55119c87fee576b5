// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IERC7540Redeem} from "../vault/IERC7540.sol";
import {IHedgeVault} from "../vault/IHedgeVault.sol";
import {IRebalancer} from "../rebalance/IRebalancer.sol";
import {IVaultLens} from "../lens/IVaultLens.sol";
import {IReviewGuard} from "./IReviewGuard.sol";
import {IModuleGuard, ISafe, ITransactionGuard, Operation} from "./ISafeGuard.sol";

/// @title ReviewGuard: a Safe's calls wait in the open, and shareholders can stop them
///
///                announce                     window over                 the Safe calls
///   (nothing) ─────────────▶ WAITING ─────────────────────▶ READY ─────────────────────▶ (nothing)
///       ▲                      │ votes ≥ threshold            │ expiry
///       │                      ▼                              ▼
///       │   announce once   STOPPED ──── stopped again ──▶ STOPPED FOR GOOD
///       └──────────────────────┘
///
/// WHAT NEVER WAITS
/// The Safe's own cancel (a call to itself, no value, no data), its own redemption (request, cancel, force and claim, to
/// itself only), announcing the way out, and taking its votes back. Nobody is trapped by a guard.
///
/// THE WAY OUT
/// The Safe announces it, by its threshold: one owner can neither cry wolf with it nor choose its day. Removing this guard
/// is matched before anything else, reads only this contract's storage, cannot be voted against, and waits longer than a
/// redemption takes: whoever dislikes a Safe without a guard has left by then. Another guard in its place is a call like
/// any other, and can be stopped.
///
/// VETO
/// A threshold of the votes a day before the announcement, the Safe's own left out: hence the Safe may not give its votes
/// away. Each round of a call that comes back is a whole window long, so stopping one's own call, to have it come back
/// under the higher threshold, costs as much time as it was meant to save. A call with one byte changed is another call,
/// under the first, lower threshold.
///
/// ROLES
/// An owner of the Safe, or a holder of the role AccessManager gives `announce` to, may announce, so often a day; nobody
/// else. One phished owner can therefore start some windows, and nothing more: the Safe's threshold still signs.
/// AccessManager decides who else may announce, and nothing else here; it cannot keep an owner from it.
///
/// ASSUMPTIONS
/// The Safe is version 1.5 (module guard) or has no modules. Allowances it gave before, and what its owners sign as
/// messages (ERC-1271), never pass a guard. The vault's votes are those of ERC-5805 with a clock in seconds; the Safe's
/// are its own when this guard is set, and were a day before.
contract ReviewGuard is IReviewGuard, ITransactionGuard, IModuleGuard, AccessManaged {
    uint256 private constant BPS = 10_000;
    /// @dev Votes count as they stood this long before the announcement: none can be bought for the occasion.
    uint48 private constant SNAPSHOT_AGE = 24 hours;
    /// @dev The window of Other plus a delay of AccessManager must stay below its expiry of a week.
    uint32 private constant MAX_WINDOW = 6 days;
    uint32 private constant MIN_EXPIRY = 1 days;
    /// @dev An announcement nobody remembers must not be good.
    uint32 private constant MAX_EXPIRY = 14 days;
    /// @dev A way out that takes longer is none.
    uint32 private constant MAX_EXIT_DELAY = 90 days;
    /// @dev What a request that was forced on its deadline may still need, until its claim is out.
    uint256 private constant SETTLEMENT = 2 days;
    /// @dev What shareholders must look at in a day grows with the owners, not with what one of them can pay for.
    uint256 private constant DAILY_ANNOUNCEMENTS = 12;
    /// @dev Gas an announcement gives the lens at most, so that a venue cannot make announcing impossible.
    uint256 private constant LENS_GAS = 5_000_000;
    /// @dev What must be left for the lens to be given all of that: a call gets 63/64 of what there is.
    uint256 private constant LENS_GAS_NEEDED = LENS_GAS + LENS_GAS / 63 + 10_000;
    bytes4 private constant SET_GUARD = bytes4(keccak256("setGuard(address)"));
    bytes4 private constant SET_MODULE_GUARD = bytes4(keccak256("setModuleGuard(address)"));

    address public immutable safe;
    address public immutable vault;
    address public immutable rebalancer;
    address public immutable lens;
    Rules public rules;

    mapping(bytes32 key => Announcement) private _announcements;
    mapping(bytes32 key => mapping(uint48 announcedAt => mapping(address voter => bool))) private _voted;
    mapping(address announcer => mapping(uint256 day => uint256)) private _announced;
    uint48 public exitReadyAt;
    uint48 public exitExpiresAt;

    constructor(
        address authority_,
        address safe_,
        address rebalancer_,
        address lens_,
        Rules memory rules_
    ) AccessManaged(authority_) {
        safe = safe_;
        rebalancer = rebalancer_;
        vault = IRebalancer(rebalancer_).vault();
        lens = lens_;
        if (rules_.deriskWindow == 0) revert InvalidRule("deriskWindow", 0);
        if (rules_.planWindow < rules_.deriskWindow) revert InvalidRule("planWindow", rules_.planWindow);
        if (rules_.otherWindow < rules_.planWindow || rules_.otherWindow > MAX_WINDOW) {
            revert InvalidRule("otherWindow", rules_.otherWindow);
        }
        uint256 longestExit = IHedgeVault(vault).EXIT_DEADLINE() + SETTLEMENT;
        if (
            rules_.exitDelay <= rules_.otherWindow ||
            rules_.exitDelay < longestExit ||
            rules_.exitDelay > MAX_EXIT_DELAY
        ) {
            revert InvalidRule("exitDelay", rules_.exitDelay);
        }
        if (rules_.expiry < MIN_EXPIRY || rules_.expiry > MAX_EXPIRY) revert InvalidRule("expiry", rules_.expiry);
        if (rules_.planVetoBps == 0 || rules_.planVetoBps > BPS) revert InvalidRule("planVetoBps", rules_.planVetoBps);
        if (rules_.otherVetoBps == 0 || rules_.otherVetoBps > BPS) {
            revert InvalidRule("otherVetoBps", rules_.otherVetoBps);
        }
        if (
            rules_.secondVetoBps < rules_.planVetoBps ||
            rules_.secondVetoBps < rules_.otherVetoBps ||
            rules_.secondVetoBps > BPS
        ) revert InvalidRule("secondVetoBps", rules_.secondVetoBps);
        rules = rules_;
        _requireOwnVotes();
    }

    // ------------------------------------------------------------------------------------------------- announcements

    /// @inheritdoc IReviewGuard
    function announce(address to, uint256 value, bytes calldata data) external returns (bytes32 key) {
        _requireProposer();
        _requireOwnVotes();
        key = keyOf(to, value, data);
        Announcement storage entry = _announcements[key];
        if (entry.vetoes > 1) revert VetoedForGood(key);
        if (entry.vetoed) {
            if (block.timestamp < entry.readyAt) revert WindowOpen(key, entry.readyAt);
        } else if (block.timestamp <= entry.expiresAt) {
            revert AlreadyAnnounced(key, entry.expiresAt);
        }
        uint256 today = block.timestamp / 1 days;
        if (_announced[msg.sender][today] == DAILY_ANNOUNCEMENTS) {
            revert TooManyAnnouncements(msg.sender, DAILY_ANNOUNCEMENTS);
        }

        ++_announced[msg.sender][today];
        Class class = classOf(to, data);
        uint48 time = uint48(block.timestamp);
        entry.announcedAt = time;
        entry.readyAt = time + _window(class);
        entry.expiresAt = entry.readyAt + rules.expiry;
        entry.snapshot = time - SNAPSHOT_AGE;
        entry.class = class;
        entry.vetoed = false;
        entry.votesAgainst = 0;

        emit Announced(key, msg.sender, class, to, value, data, entry.readyAt, entry.expiresAt);
        if (class != Class.Other) emit Snapshot(key, _state());
    }

    /// @inheritdoc IReviewGuard
    function announceExit() external {
        if (msg.sender != safe) revert NotTheSafe(msg.sender);
        // Announcing again while one is running would push it back.
        if (block.timestamp <= exitExpiresAt) revert ExitNotReady(exitReadyAt, exitExpiresAt);

        exitReadyAt = uint48(block.timestamp) + rules.exitDelay;
        exitExpiresAt = exitReadyAt + rules.expiry;

        emit ExitAnnounced(exitReadyAt, exitExpiresAt);
    }

    /// @inheritdoc IReviewGuard
    function veto(bytes32 key) external {
        Announcement storage entry = _announcements[key];
        if (entry.announcedAt == 0 || entry.class == Class.Derisk || entry.vetoed || block.timestamp >= entry.readyAt) {
            revert NoVeto(key);
        }
        uint256 votes = msg.sender == safe ? 0 : IVotes(vault).getPastVotes(msg.sender, entry.snapshot);
        if (votes == 0 || _voted[key][entry.announcedAt][msg.sender]) revert CannotVote(key, msg.sender);

        _voted[key][entry.announcedAt][msg.sender] = true;
        entry.votesAgainst += votes;
        emit VetoCast(key, msg.sender, votes, entry.votesAgainst);
        if (entry.votesAgainst >= vetoThreshold(key)) {
            entry.vetoed = true;
            ++entry.vetoes;
            emit Vetoed(key, entry.vetoes);
        }
    }

    // --------------------------------------------------------------------------------------------------------- guard

    /// @inheritdoc ITransactionGuard
    // The signatures come in memory, unread: as calldata they take one place more on the stack than there is.
    // solhint-disable-next-line gas-calldata-parameters
    function checkTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        Operation operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes memory,
        address
    ) external {
        if (msg.sender != safe) revert NotTheSafe(msg.sender);
        if (safeTxGas != 0 || baseGas != 0 || gasPrice != 0 || gasToken != address(0) || refundReceiver != address(0))
            revert RefundForbidden();
        _check(to, value, data, operation);
    }

    /// @inheritdoc IModuleGuard
    function checkModuleTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        Operation operation,
        address
    ) external returns (bytes32) {
        if (msg.sender != safe) revert NotTheSafe(msg.sender);
        _check(to, value, data, operation);
        return bytes32(0);
    }

    /// @inheritdoc ITransactionGuard
    function checkAfterExecution(bytes32, bool) external pure {}

    /// @inheritdoc IModuleGuard
    /// @dev A module's failed call does not revert by itself, as the Safe's own does: whoever relays for a module could use
    /// up an announcement with a call that runs out of gas.
    function checkAfterModuleExecution(bytes32, bool success) external pure {
        if (!success) revert ModuleCallFailed();
    }

    /// @dev The way out is matched first and reads this contract's storage alone.
    function _check(address to, uint256 value, bytes calldata data, Operation operation) private {
        if (operation != Operation.Call) revert DelegateCallForbidden();
        if (to == safe && value == 0) {
            if (_isRemoval(data)) {
                if (exitReadyAt == 0 || block.timestamp < exitReadyAt || block.timestamp > exitExpiresAt) {
                    revert ExitNotReady(exitReadyAt, exitExpiresAt);
                }
                return;
            }
            if (data.length == 0) return;
        }
        if (value == 0 && to == vault) {
            if (_isOwnRedemption(data)) return;
            if (data.length >= 4 && bytes4(data) == IVotes.delegate.selector) {
                if (data.length == 36 && _isSafe(data, 0)) return;
                revert SafeVotesElsewhere(data.length < 36 ? address(0) : address(uint160(_word(data, 0))));
            }
        }
        if (value == 0 && to == address(this) && data.length == 4 && bytes4(data) == this.announceExit.selector) return;

        bytes32 key = _key(to, value, keccak256(data));
        Announcement storage entry = _announcements[key];
        if (entry.announcedAt == 0 || block.timestamp > entry.expiresAt) revert NotAnnounced(key);
        if (entry.vetoed) revert CallVetoed(key);
        if (block.timestamp < entry.readyAt) revert WindowOpen(key, entry.readyAt);

        delete _announcements[key];
        emit Used(key);
    }

    /// @dev Exactly setGuard(0) or setModuleGuard(0).
    function _isRemoval(bytes calldata data) private pure returns (bool) {
        if (data.length != 36) return false;
        bytes4 selector = bytes4(data);
        return (selector == SET_GUARD || selector == SET_MODULE_GUARD) && _word(data, 0) == 0;
    }

    /// @dev Request, cancel, claim (in kind too), redemption at once and unwinding of the Safe's own shares, with every address in them the
    /// Safe itself but a token's or an adapter's. Forcing an overdue request is open to anyone as it is.
    function _isOwnRedemption(bytes calldata data) private view returns (bool) {
        if (data.length < 36) return false;
        bytes4 selector = bytes4(data);
        if (selector == IHedgeVault.force.selector) return data.length == 36;
        if (selector == IHedgeVault.cancelRedeemRequest.selector) return data.length == 68 && _isSafe(data, 1);
        if (selector == IHedgeVault.redeemInstantly.selector) {
            return data.length == 132 && _isSafe(data, 2) && _isSafe(data, 3);
        }
        if (data.length != 100) return false;
        if (selector == IHedgeVault.unwindSlice.selector) return _isSafe(data, 0);
        if (
            selector == IHedgeVault.claimInKind.selector ||
            selector == IERC7540Redeem.requestRedeem.selector ||
            selector == IERC4626.redeem.selector ||
            selector == IERC4626.withdraw.selector
        ) {
            return _isSafe(data, 1) && _isSafe(data, 2);
        }
        return false;
    }

    function _isSafe(bytes calldata data, uint256 argument) private view returns (bool) {
        return _word(data, argument) == uint256(uint160(safe));
    }

    function _word(bytes calldata data, uint256 argument) private pure returns (uint256) {
        return uint256(bytes32(data[4 + 32 * argument:36 + 32 * argument]));
    }

    // -------------------------------------------------------------------------------------------------------- reading

    /// @inheritdoc IReviewGuard
    function keyOf(address to, uint256 value, bytes calldata data) public view returns (bytes32) {
        return _key(to, value, keccak256(data));
    }

    function _key(address to, uint256 value, bytes32 dataHash) private view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, safe, to, value, dataHash, Operation.Call));
    }

    /// @inheritdoc IReviewGuard
    function classOf(address to, bytes calldata data) public view returns (Class) {
        if (to != rebalancer || data.length < 4 || bytes4(data) != IRebalancer.execute.selector) return Class.Other;
        return abi.decode(data[4:], (IRebalancer.Plan)).derisk ? Class.Derisk : Class.Plan;
    }

    /// @inheritdoc IReviewGuard
    function announcement(bytes32 key) external view returns (Announcement memory) {
        return _announcements[key];
    }

    /// @inheritdoc IReviewGuard
    function vetoThreshold(bytes32 key) public view returns (uint256 votes) {
        Announcement memory entry = _announcements[key];
        uint256 counted =
            IVotes(vault).getPastTotalSupply(entry.snapshot) - IVotes(vault).getPastVotes(safe, entry.snapshot);
        uint256 bps = rules.otherVetoBps;
        if (entry.vetoes != 0) bps = rules.secondVetoBps;
        else if (entry.class == Class.Plan) bps = rules.planVetoBps;
        return (counted * bps + BPS - 1) / BPS;
    }

    /// @notice The interfaces a Safe asks for before it takes a guard (ERC-165).
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return
            interfaceId == type(ITransactionGuard).interfaceId ||
            interfaceId == type(IModuleGuard).interfaceId ||
            interfaceId == 0x01ffc9a7;
    }

    // --------------------------------------------------------------------------------------------------------- inside

    function _requireProposer() private view {
        if (ISafe(safe).isOwner(msg.sender)) return;
        (bool immediate, ) = IAccessManager(authority()).canCall(msg.sender, address(this), this.announce.selector);
        if (!immediate) revert NotAProposer(msg.sender);
    }

    /// @dev Votes elsewhere would count among those a veto needs, and could vote.
    function _requireOwnVotes() private view {
        address delegatee = IVotes(vault).delegates(safe);
        if (delegatee != safe) revert SafeVotesElsewhere(delegatee);
    }

    function _window(Class class) private view returns (uint32) {
        if (class == Class.Derisk) return rules.deriskWindow;
        return class == Class.Plan ? rules.planWindow : rules.otherWindow;
    }

    /// @dev What the lens answers, as bytes; empty when it fails, because a broken venue must not forbid announcing.
    function _state() private view returns (bytes memory) {
        if (gasleft() < LENS_GAS_NEEDED) revert NotEnoughGas(gasleft(), LENS_GAS_NEEDED);
        (bool ok, bytes memory state) = lens.staticcall{gas: LENS_GAS}(abi.encodeCall(IVaultLens.snapshot, ()));
        return ok ? state : bytes("");
    }
}
