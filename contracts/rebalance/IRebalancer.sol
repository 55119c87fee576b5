// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Regime} from "../regime/IRegimeOracle.sol";
import {IHedgePolicy} from "./IHedgePolicy.sol";

/// @title Executes plans of targets for the Safe and has the policy judge the outcome
interface IRebalancer {
    /// @notice A leaky bucket of execution losses, in basis points of net asset value.
    /// @param capacityBps Most it holds.
    /// @param reserveBps The part of it that only the more urgent use may fill.
    /// @param drainBpsPerDay What drains out in a day.
    struct Budget {
        uint32 capacityBps;
        uint32 reserveBps;
        uint32 drainBpsPerDay;
    }

    /// @notice Where a liquidity position should be afterwards.
    /// @param adapter A liquidity adapter of the vault.
    /// @param tickLower Lower tick.
    /// @param tickUpper Upper tick.
    /// @param shareBps Share of net asset value at execution, in basis points; 0 closes.
    /// @param fromLiquidity Liquidity when the plan was made (the fingerprint).
    struct LiquidityTarget {
        address adapter;
        int24 tickLower;
        int24 tickUpper;
        uint32 shareBps;
        uint128 fromLiquidity;
    }

    /// @notice Where a perpetual position should be afterwards.
    /// @param adapter A perpetual adapter of the vault.
    /// @param size Position in base units; negative is short.
    /// @param equity Account value at the venue, in asset units. Where `deleverage` has no price, and so cannot tell what the
    /// account is worth: the margin to add.
    /// @param fromSize Position when the plan was made (the fingerprint).
    struct PerpTarget {
        address adapter;
        int256 size;
        uint256 equity;
        int256 fromSize;
    }

    /// @notice A plan: targets, sized at execution, valid for one nonce, one regime and one span of time.
    /// @param nonce Unordered; each is used once.
    /// @param validAfter Seconds since 1970-01-01.
    /// @param validUntil Seconds since 1970-01-01.
    /// @param regime The regime the plan was made for; judged by the more defensive of it and the chain's.
    /// @param derisk Whether the plan may only reduce risk: gross exposure, leverage and liquidity never rise and one of them
    /// falls by the policy's step; net delta may rise only into the Stress band. The review guard lets it through sooner,
    /// and it may fill the reserved part of the loss bucket.
    /// @param fromPrice Oracle price when the plan was made, scaled by 1e18 (part of the fingerprint).
    /// @param toleranceBps How far positions and price may have moved since.
    /// @param cashReserve Idle cash that must be left in the vault, in asset units.
    /// @param evidence keccak256 of the evidence bundle that led to the plan.
    struct Plan {
        uint256 nonce;
        uint64 validAfter;
        uint64 validUntil;
        Regime regime;
        bool derisk;
        uint256 fromPrice;
        uint32 toleranceBps;
        uint256 cashReserve;
        bytes32 evidence;
        LiquidityTarget[] liquidity;
        PerpTarget[] perps;
    }

    /// @notice A plan was executed: what it was judged by, and what it cost at constant prices (negative is a loss).
    event PlanExecuted(
        uint256 indexed nonce,
        bytes32 indexed evidence,
        Regime regime,
        uint256 navBefore,
        uint256 navAfter,
        IHedgePolicy.Measures before,
        IHedgePolicy.Measures afterwards
    );

    /// @notice The keeper reduced risk at the oracle's price: what it cost at constant prices (negative is a loss).
    event Deleveraged(
        uint256 indexed nonce,
        bytes32 indexed evidence,
        Regime regime,
        bool nearLiquidation,
        uint256 navBefore,
        uint256 navAfter,
        IHedgePolicy.Measures before,
        IHedgePolicy.Measures afterwards
    );

    /// @notice The keeper reduced risk while the feeds were dead. `loss` and `value` are in asset units, the short at the
    /// venue's own index: what reducing it cost, of what it and the idle cash were worth.
    event DeleveragedWithoutPrice(
        uint256 indexed nonce,
        bytes32 indexed evidence,
        Regime regime,
        bool nearLiquidation,
        uint256 loss,
        uint256 value
    );

    /// @notice The nonce was used before.
    error PlanAlreadyExecuted(uint256 nonce);
    /// @notice Too early.
    error PlanNotYetValid(uint64 validAfter);
    /// @notice Too late.
    error PlanExpired(uint64 validUntil);
    /// @notice The evidence hash is missing.
    error EvidenceMissing();
    /// @notice An adapter the vault does not know.
    error UnknownAdapter(address adapter);
    /// @notice A position or the price moved further than the plan's tolerance since it was made.
    error MovedSincePlan(address what, uint256 driftBps, uint256 toleranceBps);
    /// @notice The plan lost more at constant prices than its regime allows.
    error ExecutionLoss(uint256 lossBps, uint256 maxLossBps);
    /// @notice Plans together lost more than the bucket allows.
    error LossBudgetExceeded(uint256 levelBps, uint256 capacityBps);
    /// @notice Less idle cash is left than the plan reserved.
    error CashReserveMissed(uint256 cash, uint256 reserve);
    /// @notice More targets than a vault can have adapters.
    error TooManyTargets(uint256 count);
    /// @notice The keeper may reduce risk in Stress, in Unknown, or near liquidation, and it is none of these.
    error DeleverageNotAllowed(Regime regime);
    /// @notice The target would add to a position, move a range, or make a venue's risk larger.
    error NotReducing(address adapter);
    /// @notice Nothing that had to fall fell by the policy's minimum step.
    error NothingReduced();
    /// @notice With dead feeds liquidity can only be closed whole, and margin added only near liquidation.
    error PriceNeeded(address adapter);
    /// @notice Without a price each venue is counted by what it holds: a plan must name it once only.
    error RepeatedTarget(address adapter);
    /// @notice A derisk plan added risk.
    error NotDerisking(IHedgePolicy.Measure measure, int256 before, int256 afterwards);
    /// @notice A constructor argument is outside its bounds.
    error InvalidParameter(bytes32 name, uint256 value);

    /// @notice Executes a plan. Only the Safe (REBALANCE role).
    function execute(Plan calldata plan) external;

    /// @notice Reduces risk, for the keeper (KEEPER role, no delay), in Stress, in Unknown, or when a venue the plan names is
    /// near liquidation by its mark and by its index. No position grows; gross exposure and leverage never rise and one of
    /// them falls by the policy's step; net delta may rise only into the Stress band; idle cash may leave its Stress band only
    /// near liquidation. Losses are held to Stress's limit a plan and to the keeper's own bucket.
    /// @dev With dead feeds: shorts shrink, liquidity is burned whole and its base kept, margin is added near liquidation,
    /// and net delta, which nothing can measure then, is not judged. Nonces are the keeper's own.
    function deleverage(Plan calldata plan) external;

    /// @notice Reverts unless the vault is inside the bands of the regime now, at the oracle's price.
    function requireInsideBands() external view;

    /// @notice The vault plans act on.
    function vault() external view returns (address);

    /// @notice The policy outcomes are judged by.
    function policy() external view returns (address);

    /// @notice The oracle that says which regime it is.
    function regimeOracle() external view returns (address);

    /// @notice Whether a nonce was used by a plan of the Safe.
    function used(uint256 nonce) external view returns (bool);

    /// @notice Whether a nonce was used by the keeper: it cannot use up those of announced plans.
    function usedByKeeper(uint256 nonce) external view returns (bool);

    /// @notice Leverage from which on, by mark and by index, a venue is near liquidation (10,000 = 1×).
    function nearLiquidationBps() external view returns (uint256);

    /// @notice The measures of the vault at a price: what the policy would see now.
    function measure(uint256 price) external view returns (IHedgePolicy.Measures memory);

    /// @notice Execution losses of plans in the leaky bucket now, and its capacity, in basis points of net asset value
    /// × 1e18. Only derisk plans may fill the reserved part.
    function lossBudget() external view returns (uint256 level, uint256 capacity);

    /// @notice The same of the keeper's own bucket. Its reserved part is for times near liquidation.
    function deleverageBudget() external view returns (uint256 level, uint256 capacity);

    /// @notice What the buckets were deployed with.
    function budgets() external view returns (Budget memory plans, Budget memory keeper);
}
