/** A finding that stays, and why. Without a place it is every finding of its kind. */
export interface Suppression {
  readonly check: string;
  /** `Contract.function`, or `Contract` for all of it. */
  readonly at?: string;
  readonly why: string;
}

/** What Slither finds and we keep. One that matches nothing any more is named at the end of the run. */
export const SUPPRESSIONS: readonly Suppression[] = [
  // ---- kinds that say nothing here
  {
    check: "timestamp",
    why: "Windows of minutes to days, ages of rounds and drains by the day: a proposer's seconds move none of them.",
  },
  {
    check: "calls-loop",
    why: "Loops end at MAX_ADAPTERS or a plan's MAX_TARGETS, over adapters the administrator added: a dead one is retired.",
  },
  {
    check: "missing-zero-check",
    why: "Constructors only: deployments are checked whole, by deploy/ and its tests, where zero is one wrong address of many.",
  },
  {
    check: "uninitialized-local",
    why: "Solidity starts values at zero, and a sum that starts there says so by its type.",
  },
  {
    check: "unused-return",
    why: "Rounds have five values and we need three; what a trade returns is read from the position, which cannot lie.",
  },
  { check: "naming-convention", why: "solhint has our naming rules; CLOCK_MODE is ERC-6372's." },
  // ---- single findings
  {
    check: "reentrancy-benign",
    at: "Rebalancer",
    why: "Non-reentrant and role-held; a loss is spent from the bucket when it is known, after the trades.",
  },
  { check: "reentrancy-events", at: "CurieAdapter", why: "The event tells what the venue filled: known afterwards." },
  {
    check: "shadowing-local",
    at: "IHedgeVault.setLimits",
    why: "The arguments become what the views of those names return.",
  },
  {
    check: "divide-before-multiply",
    at: "TickMath.sqrtRatioAtTick",
    why: "Uniswap's own formula, compared with the pool's at every tick bound: rounding must be the pool's.",
  },
  {
    check: "cyclomatic-complexity",
    at: "TickMath.sqrtRatioAtTick",
    why: "Twenty bits of a tick, unrolled as Uniswap does.",
  },
  {
    check: "incorrect-equality",
    at: "UniswapV3Adapter",
    why: "Zero means no position, nothing to trade or nothing to hand back: all from our own books, which gifts do not touch.",
  },
  {
    check: "incorrect-equality",
    at: "UniswapV3Adapter._retire",
    why: "A gift of liquidity keeps the NFT unburned, and then it is left behind: on purpose.",
  },
  { check: "incorrect-equality", at: "ReviewGuard.vetoThreshold", why: "An enumeration's value, not an amount." },
  {
    check: "incorrect-equality",
    at: "AttestedFeed",
    why: "Zero is no round yet; answers are positive by their bounds.",
  },
  {
    check: "reentrancy-no-eth",
    at: "UniswapV3Adapter",
    why: "Entered by the executor alone, the Rebalancer, itself non-reentrant; the pool's callback writes cash in hand only.",
  },
  {
    check: "reentrancy-benign",
    at: "UniswapV3Adapter",
    why: "As above: what was minted, bought or collected is known only after the venue has answered.",
  },
  { check: "reentrancy-events", at: "UniswapV3Adapter", why: "The event tells what the venue paid: known afterwards." },
  {
    check: "reentrancy-no-eth",
    at: "CurieAdapter",
    why: "The book is what Curie's balance is after the withdrawal; Curie is non-reentrant and calls the asset alone.",
  },
  {
    check: "reentrancy-benign",
    at: "CurieAdapter",
    why: "The vault's draw sends the asset and nothing else; the asset calls no one back (the vault's assumption).",
  },
  {
    check: "shadowing-local",
    at: "IAttestedFeed.setReporters",
    why: "The argument becomes what the view of that name returns.",
  },
  {
    check: "return-bomb",
    at: "ReviewGuard._state",
    why: "The lens is ours and immutable; the caller pays for what it returns.",
  },
  {
    check: "low-level-calls",
    at: "ReviewGuard._state",
    why: "A dead feed under the lens must not stop an announcement.",
  },
  {
    check: "low-level-calls",
    at: "SimulateThenRead.run",
    why: "Never deployed: code for eth_call, which calls what it is told.",
  },
  { check: "reentrancy-events", at: "CurieAdapter", why: "The event tells what the venue did: known afterwards." },
  {
    check: "incorrect-equality",
    at: "HedgeVault",
    why: "Zero shares, assets or donations are what is refused: one unit passes, and nobody gains by being refused.",
  },
  {
    check: "incorrect-equality",
    at: "SharePrice",
    why: "Zero is no price seen yet, from our own writes of the time; an anchor's distance decides by bounds.",
  },
  { check: "incorrect-equality", at: "VaultLens.snapshot", why: "A count of adapters that did not answer." },
  ...["reentrancy-no-eth", "reentrancy-events"].map((check) => ({
    check,
    at: "HedgeVault.draw",
    why: "SharePrice is ours, immutable, and calls nobody.",
  })),
  {
    check: "reentrancy-events",
    at: "VenueList.set",
    why: "Asked of the adapter before it is taken in; restricted, and an adapter that calls back is the administrator's.",
  },
  ...["RedemptionQueue.unwindAll", "RedemptionQueue.unwindSlice"].map((at) => ({
    check: "reentrancy-events",
    at,
    why: "The vault is locked, which Slither does not see of a library; what a slice brought is known afterwards.",
  })),
  {
    check: "dead-code",
    at: "HedgeVault._decimalsOffset",
    why: "ERC-4626's decimals are computed from it, in OpenZeppelin's code.",
  },
  {
    check: "var-read-using-this",
    at: "HedgeVault.totalAssets",
    why: "try needs a call: what reverts in a venue must not revert here.",
  },
  {
    check: "var-read-using-this",
    at: "HedgeVault.maxDeposit",
    why: "try needs a call: a stale feed closes entry here and reverts nothing.",
  },
];
