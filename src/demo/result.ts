/**
 * What one run of the demo found, as plain JSON: `--json` prints it, the terminal table and the HTML report render it.
 *
 * Units, everywhere in this file: money in US dollars, returns and drawdowns as decimals (0.034 is 3.4 %), drawdowns
 * as positive numbers, delta and short in ETH (a short of 12 ETH is 12, a net delta of −3 ETH is −3), dates as
 * `YYYY-MM-DD` in UTC. All numbers are finite.
 */

/** The regime the chain sees; `Unknown` when its feeds are stale. */
export type RegimeName = "Calm" | "Elevated" | "Stress" | "Unknown";

/** The three regimes a summary counts, from the least to the most defensive. */
export const COUNTED_REGIMES = ["Calm", "Elevated", "Stress"] as const;

/** A regime the summary counts days and executions for. */
export type CountedRegime = (typeof COUNTED_REGIMES)[number];

/** The three vaults that run side by side on the same chain, prices and venues. */
export const VAULTS = ["hedged", "unhedged", "holdLess"] as const;

/** One of the three vaults. */
export type VaultName = (typeof VAULTS)[number];

/** The outcome of one NAV path over the window. */
export interface PathSummary {
  /** Total return, decimal. */
  readonly return: number;
  /** Deepest fall from a previous high, positive decimal; the start value counts as a high. */
  readonly maxDrawdown: number;
  /** Date of the high the deepest fall started from. */
  readonly maxDrawdownFrom: string;
  /** Date of its low. */
  readonly maxDrawdownTo: string;
  /** Net asset value at the end, USD. */
  readonly finalNav: number;
}

/** A path that was not run on chain: part unhedged vault, part cash, rebalanced daily, from the unhedged chain NAVs. */
export interface BlendSummary {
  /** Share held in the unhedged vault, 0 to 1; null when undefined, then `reason` says why and the rest is null. */
  readonly weight: number | null;
  /** One sentence: how the weight came about, or why there is none. */
  readonly reason: string;
  readonly return: number | null;
  readonly maxDrawdown: number | null;
  readonly finalNav: number | null;
}

/** "Hold less": a third real vault, and two weights that are only known afterwards. */
export interface HoldLessSummary extends PathSummary {
  /** Liquidity of the real vault as a share of the unhedged one's, 0 to 1. */
  readonly weight: number;
  /** How that weight was fixed, in words, for example "ex ante: 1 − hedge ratio". */
  readonly weightKind: string;
  /** Weight with the hedged vault's mean excess return: known only ex post. */
  readonly exPost: BlendSummary;
  /** Weight with the hedged vault's conditional drawdown at risk: known only ex post. */
  readonly cdarMatched: BlendSummary;
}

/** Where a NAV change came from, USD: every part is a signed contribution, so losses and costs are negative. */
export interface Attribution {
  /** Price move of what the liquidity position held at the start of each step. */
  readonly lpPrice: number;
  /** What the position lost to arbitrageurs by trading along the curve. */
  readonly arbitrageLoss: number;
  /** Swap fees earned. */
  readonly lpFees: number;
  /** Funding received (positive) or paid. */
  readonly funding: number;
  /** Price move of the perpetual short. */
  readonly hedgePrice: number;
  /** Fees and slippage of the vault's own swaps. */
  readonly swapCosts: number;
  /** Fees and slippage of the vault's own perpetual trades. */
  readonly perpCosts: number;
  /** Sum of the parts above. */
  readonly total: number;
  /** Final NAV minus start NAV. */
  readonly navChange: number;
  /** (total − navChange) / start NAV, in basis points. */
  readonly differenceBps: number;
}

/** The parts of an attribution that add up to its total, in the order they are shown. */
export const ATTRIBUTION_PARTS = [
  "lpPrice",
  "arbitrageLoss",
  "lpFees",
  "hedgePrice",
  "funding",
  "swapCosts",
  "perpCosts",
] as const satisfies readonly (keyof Attribution)[];

/** Running sums for the hedged vault since the start, USD, signed as in {@link Attribution}. */
export interface CumulativeParts {
  readonly lpFees: number;
  readonly arbitrageLoss: number;
  readonly lpPrice: number;
  readonly funding: number;
  readonly hedgePrice: number;
  /** Swap and perpetual costs together. */
  readonly costs: number;
}

/** One calendar day of the run, after everything that happened on it. */
export interface DayRow {
  readonly date: string;
  /** Close of the VIX, null when the day is no session or the source has none. */
  readonly vix: number | null;
  readonly vix3m: number | null;
  /** Whether the stock exchange was open. */
  readonly session: boolean;
  /** The regime the chain saw. */
  readonly regime: RegimeName;
  /** ETH close, USD. */
  readonly price: number;
  /** Net asset value of each vault, USD. */
  readonly nav: Readonly<Record<VaultName, number>>;
  /** Net delta of the hedged vault before and after the day's rebalance, ETH. */
  readonly deltaBefore: number;
  readonly deltaAfter: number;
  /** Size of its perpetual short, ETH, positive. */
  readonly short: number;
  /** Share of its NAV in the liquidity position, 0 to 1. */
  readonly liquidityShare: number;
  /** What the day's rebalance cost in fees and slippage, USD, positive. */
  readonly costUsd: number;
  /** Reason code of what was done or why nothing was, for example `NONE_IN_BAND`. */
  readonly action: string;
  /** The same as one sentence. */
  readonly text: string;
  readonly cumulative: CumulativeParts;
}

/** One proposal that the Safe executed. */
export interface Execution {
  readonly date: string;
  readonly vault: VaultName;
  readonly regime: RegimeName;
  /** EIP-712 hash of the Safe transaction the members signed. */
  readonly safeTxHash: string;
  /** Hash of the transaction that executed it. */
  readonly txHash: string;
  /** Path of the packet: proposal and evidence bundle, as a member would receive them. */
  readonly packet: string;
  /** Whether an independent recomputation from packet and chain matched. */
  readonly verified: boolean;
  /** How many values that recomputation compared. */
  readonly checks: number;
  readonly gasUsed: number;
  /** Addresses of the members who signed. */
  readonly signers: readonly string[];
  readonly sentence: string;
}

/** Everything one run of the demo found. */
export interface DemoResult {
  /** Where the prices came from, in words. */
  readonly source: string;
  readonly kind: "history" | "synthetic";
  readonly window: { readonly from: string; readonly to: string };
  readonly days: number;
  readonly proposals: number;
  readonly executed: number;
  readonly summary: {
    readonly hedged: PathSummary;
    readonly unhedged: PathSummary;
    readonly holdLess: HoldLessSummary;
  };
  /** `checkBps` is the larger absolute `differenceBps` of the two. */
  readonly attribution: {
    readonly hedged: Attribution;
    readonly unhedged: Attribution;
    readonly checkBps: number;
  };
  readonly gas: {
    readonly rebalance: { readonly mean: number; readonly max: number };
    readonly total: number;
    readonly byAction: Readonly<Record<string, { readonly count: number; readonly mean: number }>>;
  };
  readonly regimes: Readonly<
    Record<CountedRegime, { readonly days: number; readonly executed: number; readonly verified: number }>
  >;
  /** Assumptions and limits, each one sentence. */
  readonly notes: readonly string[];
  readonly rows: readonly DayRow[];
  readonly executions: readonly Execution[];
  /** Path of the HTML report. */
  readonly report: string;
  /** Wall-clock duration of the run. */
  readonly seconds: number;
}
