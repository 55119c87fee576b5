/**
 * What a signal is worth: how much likelier an onset is after it warns than on any day, how sure that is, and whether it
 * says anything that the VIX level does not. Definitions of onset, eligible day and hit are in onsets.ts.
 */

import erfc from "@stdlib/math-base-special-erfc";
import normalQuantile from "@stdlib/stats-base-dists-normal-quantile";
import type { Random } from "../market/random.ts";
import { YARDSTICK_ID } from "../signals/catalogue.ts";
import { STATE_CODES } from "../signals/run.ts";
import type { SignalColumn, SignalColumns } from "../signals/run.ts";
import { INTERVAL_LEVEL, percentileInterval } from "./bootstrap.ts";
import type { Interval } from "./bootstrap.ts";
import { fitLogistic } from "./logistic.ts";
import { labelOnsets, ONSET_HORIZON } from "./onsets.ts";
import type { OnsetLabels } from "./onsets.ts";
import type { SignalLift } from "./result.ts";

/** Mean length of a block of resampled sessions: a quarter, longer than warnings and quiet spells cluster. */
export const LIFT_MEAN_BLOCK = 63;
export const LIFT_RESAMPLES = 1_000;
/** Where the bootstrap behind published intervals begins: the same numbers for everybody. */
export const LIFT_SEED = 1;
/** Fewer entries or onsets carry no claim and get no interval: a resample of two hits is always two hits. */
export const MIN_EVENTS = 10;
/** Chance of finding an effect that is there, for the smallest lift that could have been found. */
const POWER = 0.8;
/** Shifts of the entries that its spread is taken from: known to 3 %. */
const POWER_SHIFTS = 500;
/** VIX points are scaled so that the logistic's columns are of order one. */
const VIX_SCALE = 10;

/** The logistic regression of "an onset within 10 sessions" on the VIX level, and on the level and the signal's state. */
export interface LogisticTest {
  /** Log odds that the signal being on adds at an equal VIX level. */
  readonly coefficient: number;
  /** Block bootstrap: neighbouring days share their onsets, so the interval of independent rows is too narrow. */
  readonly interval: Interval;
  /** Twice the gain in log-likelihood, and its p-value as χ²(1): optimistic, for the windows of 10 sessions overlap. */
  readonly likelihoodRatio: number;
  readonly optimisticP: number;
}

/** A signal's worth over a window. */
export interface LiftRow extends SignalLift {
  readonly id: string;
  /** Eligible days on which the signal was known and the 10 sessions after lie in the window. */
  readonly days: number;
  /** Null with fewer than 10 entries or onsets, and when the regression has no optimum. */
  readonly logistic: LogisticTest | null;
  /** Above 0 only when the lift's lower bound is above 1 and the signal adds to the VIX level. */
  readonly weight: number;
  readonly whyWeight: string;
}

/** A window's first and last session, both included. */
export interface LiftWindow {
  readonly from: string;
  readonly to: string;
}

/** There is nothing to measure a lift on. */
export class LiftInputError extends Error {
  override readonly name = "LiftInputError";
}

/**
 * Measures every signal over a window, and gives each the weight that this window justifies. Nothing after `to` is read, so
 * a window that ends before the judged years is a training window.
 * @param run the signals over all sessions, the yardstick among them: its values are the VIX closes
 * @param random numbers in [0, 1); the same numbers give the same intervals
 * @throws LiftInputError when the window has no session with a VIX close, or the run no VIX
 */
export function measureLift(
  run: SignalColumns,
  { from, to }: LiftWindow,
  random: Random,
  resamples: number = LIFT_RESAMPLES,
): LiftRow[] {
  const vix = run.columns.find(({ signal }) => signal.id === YARDSTICK_ID)?.values;
  if (vix === undefined)
    throw new LiftInputError(`lift needs the signal '${YARDSTICK_ID}', whose values are VIX: run it.`);
  const first = run.sessions.findIndex((session) => session >= from);
  // After the last known close nobody knows what came, which is not the same as no onset.
  const end = run.sessions.findLastIndex((session, i) => session <= to && !Number.isNaN(vix[i])) + 1;
  if (first < 0 || end <= first) {
    throw new LiftInputError(`no session from ${from} to ${to} in the run has a VIX close: give a window inside it.`);
  }
  // Labels see closes up to the window's end and from before its start: quiet spells began there.
  const labels = labelOnsets(vix.subarray(0, end));
  const tallies = run.columns.map((column) => tally(column, labels, vix, first, end));
  const blocks = drawBlocks(random, end - first, resamples);
  const samples = tallies.map((one) => resample(one, blocks));

  const rows = tallies.map((t, i): Omit<LiftRow, "holmP" | "weight" | "whyWeight"> => {
    const { days, hitDays, entries, hits } = t;
    const baseRate = days === 0 ? null : hitDays / days;
    const precision = entries === 0 ? null : hits / entries;
    const lift = precision === null || baseRate === null || baseRate === 0 ? null : precision / baseRate;
    const recalled = recallOf(run.columns[i]!, labels, first, end);
    const enough = entries >= MIN_EVENTS && recalled.onsets >= MIN_EVENTS;
    return {
      id: run.columns[i]!.signal.id,
      from: run.sessions[first]!,
      to: run.sessions[end - 1]!,
      ...{ days, entries, hits, precision, baseRate, lift },
      liftInterval: lift === null || !enough ? null : percentileInterval(samples[i]!.lifts),
      ...recalled,
      detectableLift: lift === null ? null : detectableLift(t, random),
      logistic: enough ? logisticTest(t, samples[i]!.coefficients) : null,
    };
  });
  const holm = holmAdjusted(
    rows.map(({ liftInterval }, i) => (liftInterval === null ? null : shareAtMostOne(samples[i]!.lifts))),
  );
  return rows.map((row, i) => ({ ...row, holmP: holm[i]!, ...weigh(row) }));
}

/** One signal's counted days, as sums that any block of the window can be read from. */
interface Tally {
  readonly days: number;
  readonly hitDays: number;
  readonly entries: number;
  readonly hits: number;
  /** Prefix sums over the window's sessions, run through twice so that a block may wrap: days, hit days, entries, hits. */
  readonly prefix: readonly Int32Array[];
  /** Of counted days: 1 where an onset follows, and where the signal enters. */
  readonly hit: Uint8Array;
  readonly enters: Uint8Array;
  readonly regression: Regression | null;
}

interface Regression {
  readonly coefficient: number;
  readonly likelihoodRatio: number;
  /** What each session of the window adds to the coefficient, summed, run through twice. */
  readonly prefix: Float64Array;
}

/** Counted: the day is eligible, the signal known, and the outcome inside the window. */
function tally({ states }: SignalColumn, labels: OnsetLabels, vix: Float64Array, first: number, end: number): Tally {
  const n = end - first;
  const counted: number[] = [];
  const marks = [0, 1, 2, 3].map(() => new Uint8Array(n));
  for (let i = first; i < end - ONSET_HORIZON; i++) {
    if (labels.eligible[i] === 0 || states[i] === STATE_CODES.unknown) continue;
    const hit = labels.hit[i]!;
    const enters = isEntry(states, i) ? 1 : 0;
    counted.push(i);
    const marked = [1, hit, enters, hit & enters];
    marks.forEach((mark, m) => (mark[i - first] = marked[m]!));
  }
  const prefix = marks.map((mark) => twiceSummed(new Int32Array(2 * n + 1), mark));
  const [days, hitDays, entries, hits] = prefix.map((sums) => sums[n]!) as [number, number, number, number];
  const hit = Uint8Array.from(counted, (i) => labels.hit[i]!);
  return {
    ...{ days, hitDays, entries, hits, prefix, hit },
    enters: Uint8Array.from(counted, (i) => (isEntry(states, i) ? 1 : 0)),
    regression: regress(counted, hit, vix, states, first, n),
  };
}

/** On now and off a session before: not a first value that happens to be on. */
function isEntry(states: Int8Array, i: number): boolean {
  return i > 0 && states[i] === STATE_CODES.on && states[i - 1] === STATE_CODES.off;
}

function twiceSummed<T extends Int32Array | Float64Array>(out: T, marks: Uint8Array | Float64Array): T {
  const n = marks.length;
  for (let i = 0; i < 2 * n; i++) out[i + 1] = out[i]! + marks[i < n ? i : i - n]!;
  return out;
}

function regress(
  counted: readonly number[],
  hit: Uint8Array,
  vix: Float64Array,
  states: Int8Array,
  first: number,
  n: number,
): Regression | null {
  const level = Float64Array.from(counted, (i) => vix[i]! / VIX_SCALE);
  const on = Float64Array.from(counted, (i) => states[i]!);
  const alone = fitLogistic(hit, [level]);
  const both = alone === null ? null : fitLogistic(hit, [level, on]);
  if (alone === null || both === null) return null;
  const influence = new Float64Array(n);
  counted.forEach((i, row) => (influence[i - first] = both.influence[row]!));
  return {
    coefficient: both.coefficients[2]!,
    likelihoodRatio: Math.max(0, 2 * (both.logLikelihood - alone.logLikelihood)),
    prefix: twiceSummed(new Float64Array(2 * n + 1), influence),
  };
}

interface Samples {
  readonly lifts: Float64Array;
  readonly coefficients: Float64Array;
}

/** Resamples of a window, block by block; resample r has the blocks from first[r] to before first[r + 1]. */
interface Blocks {
  readonly first: Int32Array;
  /** Index of each block's first session, below n, and of the one after its last, below 2n. */
  readonly starts: number[];
  readonly ends: number[];
}

/**
 * Resamples of n sessions: block starts drawn at random, lengths geometric. The same distribution as stationaryIndices
 * (Politis and Romano 1994), by blocks and not by days: sums over a block come from prefix sums.
 */
function drawBlocks(random: Random, n: number, resamples: number): Blocks {
  const blocks = { first: new Int32Array(resamples + 1), starts: [] as number[], ends: [] as number[] };
  const logStay = Math.log(1 - 1 / LIFT_MEAN_BLOCK);
  for (let r = 0; r < resamples; r++) {
    for (let drawn = 0; drawn < n;) {
      const length = Math.min(n - drawn, 1 + Math.floor(Math.log(1 - random()) / logStay));
      const start = Math.floor(random() * n);
      blocks.starts.push(start);
      blocks.ends.push(start + length);
      drawn += length;
    }
    blocks.first[r + 1] = blocks.starts.length;
  }
  return blocks;
}

/**
 * A signal's lift and regression coefficient in each resample. The coefficient's is one Newton step from the fit, by the
 * resampled scores (Kline and Santos 2012, "A score based approach to wild bootstrap inference").
 */
function resample({ prefix, regression, entries }: Tally, blocks: Blocks): Samples {
  const resamples = blocks.first.length - 1;
  const samples = { lifts: new Float64Array(resamples).fill(NaN), coefficients: new Float64Array(resamples) };
  const overBlocks = (sums: Int32Array | Float64Array, r: number): number => {
    let sum = 0;
    for (let b = blocks.first[r]!; b < blocks.first[r + 1]!; b++)
      sum += sums[blocks.ends[b]!]! - sums[blocks.starts[b]!]!;
    return sum;
  };
  for (let r = 0; r < resamples; r++) {
    if (entries > 0) {
      const [days, hitDays, entered, hits] = prefix.map((sums) => overBlocks(sums, r)) as [
        number,
        number,
        number,
        number,
      ];
      samples.lifts[r] = hits / entered / (hitDays / days);
    }
    if (regression !== null) samples.coefficients[r] = regression.coefficient + overBlocks(regression.prefix, r);
  }
  return samples;
}

/** Bootstrap p-value of "the lift is at most 1" (Davison and Hinkley 1997, ch. 4: one is added to both counts). */
function shareAtMostOne(lifts: Float64Array): number {
  let known = 0;
  let atMostOne = 0;
  for (const lift of lifts) {
    if (Number.isNaN(lift)) continue;
    known++;
    if (lift <= 1) atMostOne++;
  }
  return (atMostOne + 1) / (known + 1);
}

/** Holm (1979): p-values, ascending, times the number of those left, never descending and at most 1; null stays null. */
export function holmAdjusted(pValues: readonly (number | null)[]): (number | null)[] {
  const adjusted: (number | null)[] = pValues.map(() => null);
  const ascending = pValues.flatMap((p, i) => (p === null ? [] : [{ p, i }])).sort((a, b) => a.p - b.p);
  let least = 0;
  ascending.forEach(({ p, i }, rank) => {
    least = Math.min(1, Math.max(least, p * (ascending.length - rank)));
    adjusted[i] = least;
  });
  return adjusted;
}

/** Recall, what chance would recall, and the median lead in sessions from the last entry before an onset. */
function recallOf(
  { states }: SignalColumn,
  labels: OnsetLabels,
  first: number,
  end: number,
): Pick<LiftRow, "onsets" | "recall" | "chanceRecall" | "leadSessions"> {
  const leads: number[] = [];
  let onsets = 0;
  let days = 0;
  let warned = 0;
  for (let i = first; i < end; i++) {
    const isOnset = labels.onset[i] === 1;
    if ((!isOnset && labels.eligible[i] === 0) || i === 0 || states[i - 1] === STATE_CODES.unknown) continue;
    let lead = 1;
    while (lead <= ONSET_HORIZON && !isEntry(states, i - lead)) lead++;
    const entered = lead <= ONSET_HORIZON;
    if (isOnset) {
      onsets++;
      if (entered) leads.push(lead);
    }
    days++;
    if (entered) warned++;
  }
  leads.sort((a, b) => a - b);
  const [low, high] = [leads[(leads.length - 1) >> 1], leads[leads.length >> 1]];
  return {
    onsets,
    recall: onsets === 0 ? null : leads.length / onsets,
    chanceRecall: days === 0 ? null : warned / days,
    leadSessions: low === undefined || high === undefined ? null : (low + high) / 2,
  };
}

/**
 * The lift L that would have had a chance of 80 % to be found: L = 1 + (z₀.₉₇₅ + z₀.₈)·s·√L. Here s is the spread of the lift
 * when the same entries, clustered as they are, fall on the days at random (shifted all together, around the end), and
 * √L is how the spread of a count grows with it. A normal approximation: small samples are worse off than it says.
 */
function detectableLift({ hit, enters, hitDays, entries }: Tally, random: Random): number {
  const n = hit.length;
  const at = [...enters.keys()].filter((i) => enters[i] === 1);
  let squares = 0;
  for (let s = 0; s < POWER_SHIFTS; s++) {
    const shift = Math.floor(random() * n);
    let hits = 0;
    for (const i of at) hits += hit[(i + shift) % n]!;
    squares += (hits / entries / (hitDays / n) - 1) ** 2;
  }
  const deviations = normalQuantile((1 + INTERVAL_LEVEL) / 2, 0, 1) + normalQuantile(POWER, 0, 1);
  const spread = deviations * Math.sqrt(squares / POWER_SHIFTS);
  return ((spread + Math.sqrt(spread ** 2 + 4)) / 2) ** 2;
}

function logisticTest({ regression }: Tally, coefficients: Float64Array): LogisticTest | null {
  if (regression === null) return null;
  const { coefficient, likelihoodRatio } = regression;
  const interval = percentileInterval(coefficients)!;
  // χ² with one degree of freedom is a squared standard normal.
  return { coefficient, interval, likelihoodRatio, optimisticP: erfc(Math.sqrt(likelihoodRatio / 2)) };
}

/** The weight is the logarithm of the lift's lower bound: what the signal is good for if it is as poor as it may well be. */
function weigh(row: Omit<LiftRow, "holmP" | "weight" | "whyWeight">): { weight: number; whyWeight: string } {
  const { entries, onsets, lift, liftInterval, logistic } = row;
  const none = (whyWeight: string): { weight: number; whyWeight: string } => ({ weight: 0, whyWeight });
  if (row.days === 0) return none("No weight: not known on any eligible day of the window.");
  if (onsets < MIN_EVENTS)
    return none(`No weight: ${onsets} onsets while it was known, and ${MIN_EVENTS} are the least.`);
  if (entries < MIN_EVENTS) return none(`No weight: ${entries} entries, and ${MIN_EVENTS} are the least.`);
  if (lift === null || liftInterval === null) return none("No weight: its lift has no interval.");
  const found = `lift ${lift.toFixed(2)} [${liftInterval.low.toFixed(2)}, ${liftInterval.high.toFixed(2)}]`;
  if (liftInterval.low <= 1) return none(`No weight: ${found} does not lie above 1.`);
  if (logistic === null) return none(`No weight: ${found}, and no regression on the VIX level to add to.`);
  const { low, high } = logistic.interval;
  const adds = `at an equal VIX level it adds ${logistic.coefficient.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}] to the log odds`;
  if (low <= 0) return none(`No weight: ${found}, but ${adds}.`);
  return { weight: Math.log(liftInterval.low), whyWeight: `${found}, and ${adds}.` };
}
