/**
 * Walking forward: what is chosen for a year is chosen on the days before it. The criterion was fixed before any result was
 * looked at: greatest annual return above treasury bills less the 95 % conditional drawdown at risk.
 */

import { dayNumber } from "../market/calendar.ts";
import { cdar, annualReturn } from "./metrics.ts";
import { exPostWeight } from "./holdLess.ts";
import type { ByRegime, Level, Parameters } from "./parameters.ts";
import { DAYS_PER_YEAR, HEDGE_RATIO_GRID, LEAST_TRAINING_DAYS, PRIOR_HOLD_LESS_WEIGHT } from "./parameters.ts";
import type { TapeDay } from "./tape.ts";
import type { Reading } from "./readings.ts";
import { runVault, withHedgeRatios } from "./vault.ts";

/** Hedge ratios of one calendar year and where they come from. */
export interface RatioChoice {
  readonly year: number;
  readonly ratios: ByRegime<number>;
  /** Days with a return before the year. */
  readonly trainingDays: number;
  readonly trainingFrom: string;
  readonly trainingTo: string;
  /** The criterion on the training days; null for the prior. */
  readonly score: number | null;
}

/**
 * Every Calm ≤ Elevated ≤ Stress of the grid and the prior, nearest to the prior first: of equal scores the first stays, so
 * that a regime which training days never met keeps about what the prior says.
 */
export function candidates(prior: ByRegime<number>): ByRegime<number>[] {
  const all: ByRegime<number>[] = [prior];
  for (const calm of HEDGE_RATIO_GRID)
    for (const elevated of HEDGE_RATIO_GRID)
      for (const stress of HEDGE_RATIO_GRID) {
        if (calm <= elevated && elevated <= stress) all.push([calm, elevated, stress]);
      }
  const distance = (ratios: ByRegime<number>): number =>
    ratios.reduce((sum, ratio, i) => sum + Math.abs(ratio - prior[i]!), 0);
  return all.sort((a, b) => distance(a) - distance(b));
}

/**
 * Hedge ratios for each calendar year that the tape meets, each on all days of the tape before it. Every candidate runs once
 * over the whole tape; a year's choice reads its path only up to the previous 31 December.
 * @param level the regime each candidate follows
 */
export function chooseHedgeRatios(
  rows: readonly TapeDay<Reading>[],
  level: (inputs: Reading) => Level | null,
  parameters: Parameters,
): RatioChoice[] {
  const prior = parameters.targets.map(({ hedgeRatio }) => hedgeRatio) as unknown as ByRegime<number>;
  const cash = cashIndex(rows);
  const tried = candidates(prior).map((ratios) => {
    const targets = withHedgeRatios(parameters.targets, ratios);
    const strategy = { level, targets: (at: Level) => targets[at], layers: () => [] };
    return { ratios, navs: runVault(rows, strategy, parameters).navs };
  });
  return yearsOf(rows).map(({ year, before }) => {
    const training = {
      year,
      trainingDays: Math.max(0, before - 1),
      trainingFrom: rows[0]!.mark.date,
      trainingTo: rows[Math.max(0, before - 1)]!.mark.date,
    };
    if (training.trainingDays < LEAST_TRAINING_DAYS) return { ...training, ratios: prior, score: null };
    const cashReturn = annualReturn(cash.subarray(0, before), DAYS_PER_YEAR);
    let best = { ratios: prior, score: -Infinity };
    for (const { ratios, navs } of tried) {
      const known = navs.subarray(0, before);
      const score = annualReturn(known, DAYS_PER_YEAR) - cashReturn - cdar(known, 0.95);
      if (score > best.score) best = { ratios, score };
    }
    return { ...training, ...best };
  });
}

/** The weight of hold less in a calendar year, from the days before it. */
export interface WeightChoice {
  readonly year: number;
  readonly weight: number;
  readonly reason: string;
}

/**
 * The ex-ante weight of hold less: on the days before each year, the one with the hedged vault's mean return above cash; the
 * prior while there is less than a year of them, or none is defined.
 */
export function chooseHoldLess(
  rows: readonly TapeDay<Reading>[],
  hedged: Float64Array,
  unhedged: Float64Array,
): WeightChoice[] {
  const cash = cashIndex(rows);
  return yearsOf(rows).map(({ year, before }) => {
    const prior = { year, weight: PRIOR_HOLD_LESS_WEIGHT };
    if (before - 1 < LEAST_TRAINING_DAYS) return { ...prior, reason: "less than a year of training days: the prior" };
    const [own, whole, bills] = [hedged, unhedged, cash].map((navs) => returnsOf(navs.subarray(0, before)));
    const { weight } = exPostWeight(own!, whole!, bills!);
    if (weight === null) return { ...prior, reason: "the unhedged vault had earned nothing above cash: the prior" };
    return { year, weight, reason: `${before - 1} training days` };
  });
}

/** What one USD in treasury bills has become at each mark. */
export function cashIndex(rows: readonly TapeDay[]): Float64Array {
  const index = new Float64Array(rows.length);
  let value = 1;
  rows.forEach(({ mark }, i) => {
    if (i > 0) value *= 1 + mark.cashReturn;
    index[i] = value;
  });
  return index;
}

/** Simple returns of a path. */
export function returnsOf(navs: Float64Array): Float64Array {
  const returns = new Float64Array(navs.length - 1);
  for (let i = 0; i < returns.length; i++) returns[i] = navs[i + 1]! / navs[i]! - 1;
  return returns;
}

/** The calendar years of a tape, and how many of its rows lie before each. */
function yearsOf(rows: readonly TapeDay[]): { year: number; before: number }[] {
  const years: { year: number; before: number }[] = [];
  const first = rows[0]!.mark.day;
  const last = rows.at(-1)!.mark.date;
  for (let year = Number(rows[0]!.mark.date.slice(0, 4)); year <= Number(last.slice(0, 4)); year++) {
    // One row a day, without gaps.
    years.push({ year, before: Math.max(0, dayNumber(`${year}-01-01`) - first) });
  }
  return years;
}
