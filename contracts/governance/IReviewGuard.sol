// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Which calls of a Safe must wait in the open, for how long, and who can stop them
interface IReviewGuard {
    /// @notice What a call is, by its bytes alone. The window and the veto depend on nothing else.
    /// Derisk: a plan flagged `derisk`, which the Rebalancer holds to that. Plan: any other plan. Other: all else.
    enum Class {
        Derisk,
        Plan,
        Other
    }

    /// @notice Seconds and thresholds, fixed at deployment: another set is another guard.
    /// @param deriskWindow Seconds a derisk plan waits.
    /// @param planWindow Seconds any other plan waits.
    /// @param otherWindow Seconds everything else waits.
    /// @param exitDelay Seconds the removal of this guard waits; longer than redemption deadline plus settlement.
    /// @param expiry Seconds an announcement stays good after its window: longer than any AccessManager delay, so that a
    /// scheduled call and its execution can be announced together.
    /// @param planVetoBps Share of votes that stops a plan, in basis points.
    /// @param otherVetoBps Share of votes that stops anything else, in basis points.
    /// @param secondVetoBps Share of votes that stops a call that was stopped once and came back, in basis points.
    struct Rules {
        uint32 deriskWindow;
        uint32 planWindow;
        uint32 otherWindow;
        uint32 exitDelay;
        uint32 expiry;
        uint16 planVetoBps;
        uint16 otherVetoBps;
        uint16 secondVetoBps;
    }

    /// @notice An announced call.
    /// @param announcedAt Seconds since 1970-01-01; zero when there is none.
    /// @param readyAt From when on it may run.
    /// @param expiresAt Until when it may run.
    /// @param snapshot The time whose votes count against it.
    /// @param class What it is.
    /// @param vetoes How often it was stopped: once stopped it may come back once.
    /// @param vetoed Whether it is stopped now.
    /// @param votesAgainst Votes against it so far.
    struct Announcement {
        uint48 announcedAt;
        uint48 readyAt;
        uint48 expiresAt;
        uint48 snapshot;
        Class class;
        uint8 vetoes;
        bool vetoed;
        uint256 votesAgainst;
    }

    /// @notice A call was announced: everything needed to recompute it is in here.
    event Announced(
        bytes32 indexed key,
        address indexed by,
        Class class,
        address to,
        uint256 value,
        bytes data,
        uint48 readyAt,
        uint48 expiresAt
    );
    /// @notice The vault's state at the announcement of a plan, ABI-encoded as the lens answers it: whoever checks the
    /// plan later needs no archive node. Empty when the lens failed.
    event Snapshot(bytes32 indexed key, bytes state);
    /// @notice An announced call ran.
    event Used(bytes32 indexed key);
    /// @notice A shareholder voted against a call.
    event VetoCast(bytes32 indexed key, address indexed voter, uint256 votes, uint256 votesAgainst);
    /// @notice The call is stopped.
    event Vetoed(bytes32 indexed key, uint8 vetoes);
    /// @notice The Safe announced the removal of the guard.
    event ExitAnnounced(uint48 readyAt, uint48 expiresAt);

    /// @notice A rule is outside its range.
    error InvalidRule(bytes32 name, uint256 value);
    /// @notice Only the Safe this guard was made for.
    error NotTheSafe(address caller);
    /// @notice Neither an owner of the Safe nor its proposer.
    error NotAProposer(address caller);
    /// @notice The Safe may only call, never delegatecall.
    error DelegateCallForbidden();
    /// @notice Gas refunds could drain the Safe inside a harmless call: safeTxGas, baseGas, gasPrice, gasToken and
    /// refundReceiver must all be zero.
    error RefundForbidden();
    /// @notice The call was not announced, or its announcement was used or has expired.
    error NotAnnounced(bytes32 key);
    /// @notice The same call is announced already.
    error AlreadyAnnounced(bytes32 key, uint48 expiresAt);
    /// @notice The announcer has announced as much as anyone may in a day (UTC).
    error TooManyAnnouncements(address by, uint256 limit);
    /// @notice Too little gas for the vault's state to be read: it would be missing from the log without having failed.
    error NotEnoughGas(uint256 gasLeft, uint256 needed);
    /// @notice The Safe's votes are with another account: they could not be left out of the count.
    error SafeVotesElsewhere(address delegatee);
    /// @notice A module's call failed: it must not use up an announcement.
    error ModuleCallFailed();
    /// @notice The window is not over: of a call that would run, or of a stopped one that would come back.
    error WindowOpen(bytes32 key, uint48 readyAt);
    /// @notice Shareholders stopped the call.
    error CallVetoed(bytes32 key);
    /// @notice The call was stopped twice: it cannot come back.
    error VetoedForGood(bytes32 key);
    /// @notice There is nothing to vote on: a derisk plan, a call that is not announced, or one whose window is over.
    error NoVeto(bytes32 key);
    /// @notice The account voted already, has no votes at the snapshot, or is the Safe itself.
    error CannotVote(bytes32 key, address voter);
    /// @notice The removal of the guard was not announced, is still waiting, or has expired.
    error ExitNotReady(uint48 readyAt, uint48 expiresAt);

    /// @notice Announces a call of the Safe and starts its window. A call that was stopped may be announced again once its
    /// first window is over, until it is stopped a second time.
    function announce(address to, uint256 value, bytes calldata data) external returns (bytes32 key);

    /// @notice Announces the removal of this guard. Only the Safe, by its threshold and without a window; nobody can stop
    /// it, and it waits longer than any exit from the vault takes.
    function announceExit() external;

    /// @notice Votes against an announced call, with the caller's votes 24 hours before the announcement.
    function veto(bytes32 key) external;

    /// @notice What a call is announced under: not the Safe's transaction hash, so signing again at another nonce keeps
    /// the window.
    function keyOf(address to, uint256 value, bytes calldata data) external view returns (bytes32);

    /// @notice The class of a call.
    function classOf(address to, bytes calldata data) external view returns (Class);

    /// @notice An announcement; all zero when there is none.
    function announcement(bytes32 key) external view returns (Announcement memory);

    /// @notice Votes it takes to stop an announced call, of those that count.
    function vetoThreshold(bytes32 key) external view returns (uint256 votes);
}
