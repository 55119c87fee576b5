/**
 * Intervals by resampling the *joint* daily returns of all strategies: each resampled path takes the same days for every one of
 * them and for cash, so that what they have in common stays in common.
 */

import { INTERVAL_LEVEL, percentileInterval, seededRandom, stationaryIndices } from "./bootstrap.ts";
import type { Interval } from "./bootstrap.ts";
import { average, cdar, measure } from "./metrics.ts";
import { DAYS_PER_YEAR, MEAN_BLOCK_DAYS } from "./parameters.ts";
import type { BootstrapSummary, MetricName, StrategyId } from "./result.ts";

/** Simple daily returns of everything, paired by index. */
export interface JointReturns {
  readonly strategies: ReadonlyMap<StrategyId, Float64Array>;
  readonly cash: Float64Array;
  readonly headline: StrategyId;
  readonly unhedged: StrategyId;
}

export interface ResampleOptions {
  readonly paths: number;
  readonly seed: number;
  readonly progress?: (done: number, of: number) => void;
}

export interface Resampled {
  readonly intervals: ReadonlyMap<StrategyId, Readonly<Record<MetricName, Interval | null>>>;
  readonly summary: BootstrapSummary;
}

const METRICS: readonly MetricName[] = [
  "totalReturn",
  "annualReturn",
  "annualExcessReturn",
  "volatility",
  "sharpe",
  "sortino",
  "maxDrawdown",
  "cdar90",
  "cdar95",
  "cdar99",
  "ulcer",
  "valueAtRisk95",
  "expectedShortfall95",
  "drawdownSaved",
];
/** Halvings for the CDaR-matched weight on each path: to 1/4,096 of NAV, far inside the interval. */
const MATCH_STEPS = 12;
/** Confidence level of the CDaR that hold less is matched at. */
const MATCH_LEVEL = 0.95;
const PROGRESS_EVERY = 50;

/**
 * Resamples all strategies together. "Hold less" gets its weight anew on every path, from that path alone: undefined where the
 * unhedged vault earned nothing above cash.
 */
export function resample(joint: JointReturns, { paths, seed, progress }: ResampleOptions): Resampled {
  const ids = [...joint.strategies.keys(), "hold-less-ex-post", "hold-less-cdar"] as const;
  const samples = new Map(
    ids.map((id) => [id, METRICS.map(() => new Float64Array(paths).fill(NaN)) as readonly Float64Array[]]),
  );
  const n = joint.cash.length;
  const random = seededRandom(seed);
  const indices = new Int32Array(n);
  const drawn = new Map([...joint.strategies.keys()].map((id) => [id, new Float64Array(n)]));
  const cash = new Float64Array(n);
  const navs = new Float64Array(n + 1);
  const tally = { asGood: 0, defined: 0, shallower: 0, earnedMore: 0 };

  for (let path = 0; path < paths; path++) {
    stationaryIndices(random, n, MEAN_BLOCK_DAYS, indices);
    take(joint.cash, indices, cash);
    const cashGrowth = growth(cash);
    let unhedgedFall = NaN;
    const record = (id: StrategyId, path: number): { fall: number; earned: number } => {
      const m = measure(navs, DAYS_PER_YEAR, cash);
      const fall = m.maxDrawdown.value;
      if (id === joint.unhedged) unhedgedFall = fall;
      const values: Record<MetricName, number> = {
        ...m,
        sharpe: m.sharpe ?? NaN,
        sortino: m.sortino ?? NaN,
        maxDrawdown: fall,
        annualExcessReturn: m.annualReturn - (cashGrowth ** (DAYS_PER_YEAR / n) - 1),
        drawdownSaved: unhedgedFall - fall,
      };
      METRICS.forEach((name, k) => (samples.get(id)![k]![path] = values[name]));
      return { fall, earned: m.annualReturn };
    };

    // The unhedged vault first: the others' drawdowns are compared with its.
    const order = [joint.unhedged, ...[...joint.strategies.keys()].filter((id) => id !== joint.unhedged)];
    let headline = { fall: NaN, earned: NaN };
    let unhedged = headline;
    for (const id of order) {
      const returns = drawn.get(id)!;
      take(joint.strategies.get(id)!, indices, returns);
      compound(navs, returns);
      const found = record(id, path);
      if (id === joint.headline) headline = found;
      if (id === joint.unhedged) unhedged = found;
    }
    if (headline.fall < unhedged.fall) tally.shallower++;
    if (headline.earned > unhedged.earned) tally.earnedMore++;

    const own = drawn.get(joint.headline)!;
    const whole = drawn.get(joint.unhedged)!;
    const excess = average(whole) - average(cash);
    if (excess > 0) {
      const weight = Math.min(1, Math.max(0, (average(own) - average(cash)) / excess));
      compound(navs, whole, weight, cash);
      const less = record("hold-less-ex-post", path);
      tally.defined++;
      if (headline.fall >= less.fall && headline.earned <= less.earned) tally.asGood++;
    }
    compound(navs, own);
    const target = cdar(navs, MATCH_LEVEL);
    compound(navs, whole, matchedWeight(target, navs, whole, cash), cash);
    record("hold-less-cdar", path);
    if (progress !== undefined && ((path + 1) % PROGRESS_EVERY === 0 || path + 1 === paths)) progress(path + 1, paths);
  }

  return {
    intervals: new Map(
      ids.map((id) => [
        id,
        Object.fromEntries(METRICS.map((name, k) => [name, percentileInterval(samples.get(id)![k]!)])) as Record<
          MetricName,
          Interval | null
        >,
      ]),
    ),
    summary: {
      paths,
      meanBlockDays: MEAN_BLOCK_DAYS,
      seed,
      level: INTERVAL_LEVEL,
      holdLessAsGood: tally.defined === 0 ? null : tally.asGood / tally.defined,
      holdLessDefined: tally.defined,
      shallowerThanUnhedged: tally.shallower / paths,
      earnedMoreThanUnhedged: tally.earnedMore / paths,
    },
  };
}

function take(from: Float64Array, indices: Int32Array, to: Float64Array): void {
  for (let i = 0; i < indices.length; i++) to[i] = from[indices[i]!]!;
}

/** NAVs from 1 on of a share in something and the rest in cash, rebalanced daily. */
function compound(navs: Float64Array, returns: Float64Array, weight = 1, cash?: Float64Array): void {
  let nav = 1;
  navs[0] = nav;
  for (let i = 0; i < returns.length; i++) {
    const rest = cash === undefined ? 0 : (1 - weight) * cash[i]!;
    nav *= 1 + weight * returns[i]! + rest;
    navs[i + 1] = nav;
  }
}

/** As cdarMatchedWeight, in fewer steps and without allocating a path each. Uses `navs` for scratch. */
function matchedWeight(target: number, navs: Float64Array, whole: Float64Array, cash: Float64Array): number {
  compound(navs, whole);
  if (cdar(navs, MATCH_LEVEL) <= target) return 1;
  let low = 0;
  let high = 1;
  for (let step = 0; step < MATCH_STEPS; step++) {
    const middle = (low + high) / 2;
    compound(navs, whole, middle, cash);
    if (cdar(navs, MATCH_LEVEL) > target) high = middle;
    else low = middle;
  }
  return low;
}

function growth(returns: Float64Array): number {
  let product = 1;
  for (const r of returns) product *= 1 + r;
  return product;
}
