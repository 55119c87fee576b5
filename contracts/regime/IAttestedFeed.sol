// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Signed observations as a price feed: m of n reporters, the median of all that reported
/// @notice For values no live feed carries on chain, such as VIX session closes. Reporters sign off chain; anyone relays.
interface IAttestedFeed {
    /// @notice One reporter's signed observation.
    /// @param answer The value, with the feed's decimals.
    /// @param signature EIP-712 signature over Observation(uint64 observedAt,int192 answer), 65 bytes.
    struct Report {
        int192 answer;
        bytes signature;
    }

    /// @notice How the feed takes rounds.
    /// @param threshold Reports a round needs; more than two thirds of the reporters.
    /// @param closeDelay Seconds between the report that made the threshold and closing without the rest: the time in which
    /// anyone can add the reports a relayer left out.
    /// @param maxLag Seconds after its observation in which a round can close. Never beyond the observation's UTC day: an
    /// observation of one session must not become the next one's.
    /// @param maxEaseBps Most move from one round to the next in the less defensive direction, in basis points of the last
    /// answer. The other direction is not bounded: VIX rose 116 % on 2018-02-05.
    struct Rules {
        uint8 threshold;
        uint32 closeDelay;
        uint32 maxLag;
        uint16 maxEaseBps;
    }

    /// @notice Answers that can be true, with the feed's decimals. An answer outside is refused: no quorum of errors or of
    /// colluders can put the feed so far off that the bound on easing keeps it there for months.
    struct Range {
        int192 least;
        int192 greatest;
    }

    /// @notice A reporter's observation was taken into a round.
    event Reported(uint64 indexed observedAt, address indexed reporter, int192 answer);
    /// @notice A round closed with this answer; `median` differs from it when the move was bounded.
    event RoundClosed(uint80 indexed round, uint64 indexed observedAt, int192 answer, int192 median, uint256 reports);
    /// @notice The reporters and rules changed; observations not in a closed round yet are void.
    event ReportersSet(uint256 indexed epoch, address[] reporters, Rules rules);

    /// @notice A parameter is outside its range.
    error InvalidParameter(bytes32 name, uint256 value);
    /// @notice An observation is not newer than the last round's, or from the future.
    error ObservationOutOfOrder(uint64 observedAt, uint64 newerThan);
    /// @notice Too much time has passed since the observation, or its UTC day is over.
    error ObservationTooOld(uint64 observedAt, uint32 maxLag);
    /// @notice A signature is not that of a reporter, for this feed, on this chain, over these values.
    error NotAReporter(address signer);
    /// @notice An answer outside the feed's range.
    error InvalidAnswer(int192 answer);
    /// @notice Too few reporters have reported.
    error TooFewReports(uint64 observedAt, uint256 reports, uint256 threshold);
    /// @notice Reports may still come in until this time.
    error StillOpen(uint64 observedAt, uint256 until);
    /// @notice There is no such round.
    error NoSuchRound(uint80 round);

    /// @notice Takes reports of one observation. Ones already taken are passed over, so that relayers cannot block each other.
    /// @return reports How many reporters have reported it now.
    function submit(uint64 observedAt, Report[] calldata reports_) external returns (uint256 reports);

    /// @notice Closes a round: at once when all reporters have reported, else once the threshold has stood for the delay.
    function close(uint64 observedAt) external returns (uint80 round);

    /// @notice Replaces reporters and rules.
    function setReporters(address[] calldata reporters, Rules calldata rules) external;

    /// @notice What a reporter signs (EIP-712 digest).
    function digestOf(uint64 observedAt, int192 answer) external view returns (bytes32);

    /// @notice Reports taken for an observation, and from when on it can close; zero while below the threshold.
    function pending(uint64 observedAt) external view returns (uint256 reports, uint256 closableAt);

    /// @notice The reporters, in the order they were set.
    function reporters() external view returns (address[] memory);

    /// @notice Counts changes of reporters; observations belong to one epoch.
    function epoch() external view returns (uint256);

    /// @notice What is fed, for people.
    function description() external view returns (string memory);
}
