/**
 * What a backtest found: plain JSON, the same bytes for the same inputs. The command prints it, `--out` writes it, the
 * report draws it. Decimals (0.05 is 5 %), losses and drawdowns positive, money in USD, volatility indices in points.
 */

import type { RegimeName } from "../regime/ruleMachine.ts";
import type { Interval } from "./bootstrap.ts";

export interface BacktestResult {
  readonly format: "ballast-backtest-1";
  readonly window: BacktestWindow;
  readonly verdict: BacktestVerdict;
  /** UTC days of the marks (each at the close of its 24-hour bar); the first is the start, before any return. */
  readonly dates: readonly string[];
  readonly market: {
    /** ETH closes in USD, one a date. */
    readonly eth: readonly number[];
    /** The last VIX close known at each mark, points; null before there is one. */
    readonly vix: readonly (number | null)[];
    /** What one USD in treasury bills has become. */
    readonly cash: readonly number[];
  };
  /** Always in this order: the headline first, then its variants and the baselines. */
  readonly strategies: readonly StrategyResult[];
  readonly regimes: RegimeTimeline;
  /** Null when the data have no VIX term structure or S&P to compute it from. */
  readonly edr: EdrSurface | null;
  readonly signals: readonly SignalWorth[];
  readonly stressIndex: {
    /** Signals with weight, and what the index did; or why it is unused. */
    readonly used: boolean;
    readonly reason: string;
  };
  /** What was chosen on training days, one entry per year of the walk. */
  readonly choices: readonly YearlyChoice[];
  /** Parts of the strategy switched on and off, and assumptions moved: the headline strategy under each. */
  readonly sensitivity: readonly SensitivityRow[];
  readonly assumptions: readonly Assumption[];
  readonly data: readonly DataUsed[];
  /** Clamped dates, missing files, left-out layers and whatever else a reader must know, in sentences. */
  readonly notes: readonly string[];
  /** Null without --bootstrap. */
  readonly bootstrap: BootstrapSummary | null;
}

export interface BacktestWindow {
  /** As asked. */
  readonly askedFrom: string;
  readonly askedTo: string;
  /** First and last day with a return. */
  readonly from: string;
  readonly to: string;
  readonly days: number;
  readonly sessions: number;
  readonly years: number;
  /** Start value of every strategy, USD. */
  readonly startNav: number;
}

export interface BacktestVerdict {
  /** One sentence. */
  readonly headline: string;
  /** The questions a treasury asks, each with its answer: what it cost, what it saved, hold less, how sure. */
  readonly points: readonly { readonly title: string; readonly text: string }[];
  /** What the sample cannot show. */
  readonly caveat: string;
}

export type StrategyId =
  | "ballast"
  | "ballast+alvh"
  | "ballast+alvh+income"
  | "ballast-rule"
  | "unhedged"
  | "static-full-hedge"
  | "vxth"
  | "hold-less-ex-post"
  | "hold-less-ex-ante"
  | "hold-less-cdar";

export interface StrategyResult {
  readonly id: StrategyId;
  readonly name: string;
  /** One sentence: what it does. */
  readonly description: string;
  /** `ex post` ones know the whole window and are yardsticks, not strategies. */
  readonly kind: "strategy" | "baseline" | "ex post";
  /** Why there is no path (a weight that is undefined, a layer without its data); then navs and lines are empty. */
  readonly undefinedBecause: string | null;
  /** USD, one a date. */
  readonly navs: readonly number[];
  /** Metrics of the path; null when there is none. */
  readonly metrics: StrategyMetrics | null;
  /** Bootstrap intervals by metric; null without bootstrap or path, a metric's entry null when it has none. */
  readonly intervals: Readonly<Partial<Record<MetricName, Interval | null>>> | null;
  /** Where the change of each day's NAV came from; the lines of a day add up to it. Empty for blends. */
  readonly attribution: readonly AttributionSeries[];
  /** Not part of the sum: exact marks contain it. USD over the window, null for blends. */
  readonly lvrMemo: number | null;
  /** For blends of unhedged and cash. */
  readonly holdLess: { readonly weight: number | null; readonly reason: string } | null;
  /** What happened, counted; null for blends. */
  readonly activity: StrategyActivity | null;
}

export type AttributionLine =
  | "lpPrice"
  | "lpConvexity"
  | "lpFees"
  | "cashInterest"
  | "perpPrice"
  | "funding"
  | "alvh"
  | "income"
  | "vxth"
  | "swapCosts"
  | "perpCosts"
  | "optionCosts"
  | "liquidations"
  | "gas";

export interface AttributionSeries {
  readonly line: AttributionLine;
  readonly label: string;
  /** USD of each return day (one fewer than dates), signed. */
  readonly daily: readonly number[];
  /** USD over the window. */
  readonly total: number;
}

export interface StrategyActivity {
  readonly rebalances: number;
  readonly reranges: number;
  readonly perpTrades: number;
  readonly optionTrades: number;
  readonly liquidations: number;
  /** Decision days on which margin allowed less short than the target. */
  readonly marginCappedDays: number;
  /** Means over the window, as shares of NAV. */
  readonly meanLiquidityShare: number;
  readonly meanShortShare: number;
}

/** One path's measures over the window. */
export interface StrategyMetrics {
  readonly totalReturn: number;
  readonly annualReturn: number;
  /** Annual return less that of treasury bills. */
  readonly annualExcessReturn: number;
  readonly volatility: number;
  /** Null when the path never moves against cash. */
  readonly sharpe: number | null;
  readonly sortino: number | null;
  readonly maxDrawdown: number;
  readonly maxDrawdownFrom: string;
  readonly maxDrawdownTo: string;
  readonly cdar90: number;
  readonly cdar95: number;
  readonly cdar99: number;
  readonly ulcer: number;
  /** One-day, historical. */
  readonly valueAtRisk95: number;
  readonly expectedShortfall95: number;
  /** Traded notional (swaps, perps, option premiums) per year, as a multiple of mean NAV. Null for blends. */
  readonly turnover: number | null;
  /** What the hedge (perps, funding, option layers and their costs) cost a year, as a share of mean NAV; negative when it earned. */
  readonly hedgeCost: number | null;
  /** Depth of the unhedged maximum drawdown less this one's. */
  readonly drawdownSaved: number;
  /** Internal rate of return of the hedge programme's own cash flows, to compare with the WACC; null when undefined. */
  readonly hedgeXirr: number | null;
}

/** Metrics that are numbers and get an interval. */
export type MetricName = Exclude<
  keyof StrategyMetrics,
  "maxDrawdownFrom" | "maxDrawdownTo" | "turnover" | "hedgeCost" | "hedgeXirr"
>;

export interface RegimeTimeline {
  /** NYSE sessions of the window. The arrays below are parallel to it. */
  readonly sessions: readonly string[];
  readonly vix: readonly (number | null)[];
  readonly rule: readonly RegimeName[];
  /** Null where no model is known. */
  readonly model: readonly (RegimeName | null)[];
  /** The more defensive of both. */
  readonly decision: readonly RegimeName[];
  readonly shifts: readonly {
    readonly session: string;
    readonly from: RegimeName;
    readonly to: RegimeName;
    readonly cause: string;
  }[];
}

export interface EdrSurface {
  /** Sessions, parallel to each cell's arrays. */
  readonly sessions: readonly string[];
  readonly cells: readonly {
    readonly horizonSessions: number;
    readonly depth: number;
    /** Model probability less implied; null where unknown. */
    readonly bias: readonly (number | null)[];
    /** Share of its own past below it, in [0, 1]. */
    readonly percentile: readonly (number | null)[];
  }[];
  readonly calibration: readonly {
    readonly horizonSessions: number;
    readonly depth: number;
    /** Horizons that do not overlap and hold an event: fewer than 10 give no calibration curve. */
    readonly independentEvents: number;
    readonly brierModel: number | null;
    readonly brierImplied: number | null;
    readonly skillAgainstImplied: number | null;
  }[];
}

/** A row of the signal table: what the signal was worth, and what weight that gave it. */
export interface SignalWorth {
  readonly id: string;
  readonly name: string;
  readonly seedTerm: string | null;
  /** State at the window's end. */
  readonly state: "on" | "off" | "unknown";
  readonly reason: string;
  readonly vintage: "first" | "latest";
  /** Before the window: what the weight was decided on. Null when the signal has no history there. */
  readonly training: SignalLift | null;
  /** Over the window: what came of it. */
  readonly judged: SignalLift | null;
  readonly weight: number;
  readonly whyWeight: string;
  /** Marginal effect on the headline strategy when the signal alone lifts the regime one level; null when never known. */
  readonly ablation: {
    readonly maxDrawdownChange: number;
    readonly annualReturnChange: number;
    readonly daysLifted: number;
  } | null;
}

export interface SignalLift {
  readonly from: string;
  readonly to: string;
  readonly entries: number;
  readonly hits: number;
  readonly onsets: number;
  readonly precision: number | null;
  readonly baseRate: number | null;
  readonly lift: number | null;
  readonly liftInterval: Interval | null;
  /** The least lift that so many entries had a chance of 80 % to show; null without entries. */
  readonly detectableLift: number | null;
  readonly recall: number | null;
  readonly chanceRecall: number | null;
  readonly leadSessions: number | null;
  /** Adjusted over all signals by Holm's step-down; null when there is no test. */
  readonly holmP: number | null;
}

export interface YearlyChoice {
  /** First day the choice applied to, and last. */
  readonly from: string;
  readonly to: string;
  readonly hedgeRatios: { readonly Calm: number; readonly Elevated: number; readonly Stress: number };
  /** Training days; 0 for the prior. */
  readonly trainingDays: number;
  readonly trainingFrom: string | null;
  readonly trainingTo: string | null;
  /** Criterion's value on the training days, null for the prior. */
  readonly score: number | null;
  readonly reason: string;
}

export interface SensitivityRow {
  readonly group: string;
  readonly label: string;
  /** Whether this is the base case. */
  readonly base: boolean;
  readonly strategy: StrategyId;
  readonly annualReturn: number;
  readonly maxDrawdown: number;
  readonly cdar95: number;
  readonly sharpe: number | null;
  /** The same of the unhedged vault under the same assumption. */
  readonly unhedgedAnnualReturn: number;
  readonly unhedgedMaxDrawdown: number;
}

export interface Assumption {
  readonly name: string;
  readonly value: number | string;
  readonly unit: string;
  readonly reason: string;
}

export interface DataUsed {
  readonly series: string;
  readonly rows: number;
  readonly from: string;
  readonly to: string;
  readonly vintage: "first" | "latest";
}

export interface BootstrapSummary {
  readonly paths: number;
  readonly meanBlockDays: number;
  readonly seed: number;
  /** Share of paths an interval holds. */
  readonly level: number;
  /** Share of paths on which the headline's drawdown and return are both no better than hold less with that path's w. */
  readonly holdLessAsGood: number | null;
  /** Paths on which hold less had a weight at all. */
  readonly holdLessDefined: number;
  /** Share of paths on which the headline fell less deep than unhedged, and on which it earned more. */
  readonly shallowerThanUnhedged: number;
  readonly earnedMoreThanUnhedged: number;
}
