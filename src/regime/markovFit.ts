import { filterInto, kimSmootherForReports, stationaryOrNull, stationarySensitivity } from "./hiddenMarkov.ts";
import { expectedDurations, flat, gaussianLogDensities, requireFinite } from "./markov.ts";
import type { MarkovParameters } from "./markov.ts";
import { minimise } from "./quasiNewton.ts";

/** Least variance of a state, in squared units of the series: on log VIX a standard deviation of 1 %. */
export const VARIANCE_FLOOR = 1e-4;
/** A state with a smaller share of the smoothed probability is dead: it describes a handful of days. */
export const LEAST_SHARE = 0.02;
/** A state expected to last fewer sessions has collapsed onto single values: it is no regime. */
export const LEAST_DURATION = 3;
/** Random starts of a fit. Measured on log VIX to each year's end: see docs/methodology.md. */
export const DEFAULT_STARTS = 24;
/** Fewer observations a state than this say nothing about its variance and its way out. */
const LEAST_ROWS_PER_STATE = 30;

/** What every start of a fit is like. */
export interface FitOptions {
  /** Number of states, 2 or more. */
  readonly states: number;
  /** Whether each state has its own variance, or all share one. */
  readonly variance: "switching" | "shared";
  /** A source of numbers in [0, 1), for the starts. */
  readonly random: () => number;
  readonly starts?: number;
  /** Squared units of the series; VARIANCE_FLOOR unless given. */
  readonly varianceFloor?: number;
  /** Start from exactly these instead. */
  readonly from?: readonly MarkovParameters[];
}

/** An optimum that some starts ended in. */
export interface Optimum {
  readonly parameters: MarkovParameters;
  readonly logLikelihood: number;
  /** Mean smoothed probability of each state. */
  readonly shares: readonly number[];
  /** How many starts ended here. */
  readonly starts: number;
}

/** A fit: the best admissible optimum, and those of higher likelihood that were refused. */
export interface MarkovFit extends Optimum {
  readonly refused: readonly { readonly optimum: Optimum; readonly why: DegenerateStateError }[];
}

/** A series that no such model can be fitted to. */
export class MarkovFitError extends Error {
  override readonly name: string = "MarkovFitError";
}

/** An optimum has a state that is no regime. */
export class DegenerateStateError extends MarkovFitError {}

/** A state that (almost) no observation belongs to. */
export class DeadStateError extends DegenerateStateError {
  override readonly name = "DeadStateError";
  constructor(logLikelihood: number, state: number, share: number) {
    super(
      `the optimum of log-likelihood ${logLikelihood.toFixed(3)} is refused: its state ${state} holds ${percent(share)} of ` +
        `the smoothed probability, less than ${percent(LEAST_SHARE)}, so it is dead. Fit fewer states or a longer window.`,
    );
  }
}

/** A state that lasts no time, as one that sits on a few equal values does. */
export class CollapsedStateError extends DegenerateStateError {
  override readonly name = "CollapsedStateError";
  constructor(logLikelihood: number, state: number, duration: number) {
    super(
      `the optimum of log-likelihood ${logLikelihood.toFixed(3)} is refused: its state ${state} lasts ` +
        `${duration.toFixed(2)} sessions, fewer than ${LEAST_DURATION}, so it has collapsed onto single values. Fit fewer ` +
        "states or a longer window.",
    );
  }
}

/**
 * Fits the Gaussian Markov-switching model by maximum likelihood, from many starts: a few rounds of expectation
 * maximisation (Hamilton 1990) bring each near an optimum, and BFGS on the exact likelihood, whose initial distribution
 * is the stationary one and moves with the transition matrix, finishes. The best optimum without a dead or collapsed
 * state is the answer; better ones that were refused come with it.
 * @param values in the units the model is to have (take logarithms before)
 * @throws MarkovFitError for too few, constant or non-finite values, DeadStateError or CollapsedStateError of the best
 *   optimum when every optimum has such a state
 */
export function fitMarkov(values: ArrayLike<number>, options: FitOptions): MarkovFit {
  const series = Float64Array.from(values);
  requireFittable(series, options.states);
  const search = createSearch(series, options);
  const starts = options.from?.map(freeOf) ?? randomStarts(series, options);
  const optima = distinct(starts.map(search));

  const refused: { optimum: Optimum; why: DegenerateStateError }[] = [];
  for (const optimum of optima) {
    const why = degeneracy(optimum);
    if (why === null) return { ...optimum, refused };
    refused.push({ optimum, why });
  }
  throw refused[0]?.why ?? new MarkovFitError("no start has a likelihood: rescale the values to a variance near 1.");
}

/** Why an optimum is no set of regimes; null when it is one. */
export function degeneracy({
  parameters,
  logLikelihood,
  shares,
}: Omit<Optimum, "starts">): DegenerateStateError | null {
  const durations = expectedDurations(parameters.transition);
  const brief = durations.findIndex((duration) => !(duration >= LEAST_DURATION));
  if (brief >= 0) return new CollapsedStateError(logLikelihood, brief, durations[brief]!);
  const dead = shares.findIndex((share) => !(share >= LEAST_SHARE));
  return dead >= 0 ? new DeadStateError(logLikelihood, dead, shares[dead]!) : null;
}

/** Parameters as the search moves them: flat, in any order of states. */
interface Free {
  transition: Float64Array;
  means: Float64Array;
  variances: Float64Array;
}

/** What filter and smoother say about a series under some parameters. */
interface Expectation {
  readonly logLikelihood: number;
  /** Expected number of observations of each state, and of moves between states (k·k). */
  readonly counts: Float64Array;
  readonly moves: Float64Array;
  /** Expected sums of a state's deviations from its mean, and of their squares. */
  readonly deviations: Float64Array;
  readonly squares: Float64Array;
  readonly stationary: Float64Array;
  /** How the first observation, drawn from the stationary distribution, pulls on each state: stationarySensitivity. */
  readonly pull: Float64Array;
}

/** Rounds of expectation maximisation before BFGS takes over: enough to leave a bad start, too few to converge. */
const EM_ROUNDS = 12;
/** BFGS ends when a step can no longer gain this much log-likelihood: far below what a published digit shows. */
const TOLERANCE = 1e-9;

/** Makes the function that takes a start to its optimum, or to null from where there is no likelihood. */
function createSearch(series: Float64Array, options: FitOptions): (start: Free) => Optimum | null {
  const expect = createExpectation(series, options.states);
  return (start) => {
    let free = start;
    let expectation = expect(free);
    for (let round = 0; round < EM_ROUNDS && expectation !== null; round++) {
      free = maximisation(free, expectation, options);
      expectation = expect(free);
    }
    if (expectation === null) return null;

    const chart = createChart(free, expectation, options);
    const found = minimise(
      (x, gradient) => {
        const at = chart.parameters(x);
        const here = expect(at);
        if (here === null) return Infinity;
        chart.gradient(at, here, gradient);
        return -here.logLikelihood;
      },
      new Float64Array(chart.size),
      TOLERANCE,
    );
    const best = chart.parameters(found.x);
    const reached = expect(best);
    return reached === null ? null : inOrder(best, reached.logLikelihood, reached.counts);
  };
}

/** Makes the expectation step: one pass of filter and smoother, in memory that every call uses again. */
function createExpectation(series: Float64Array, k: number): (free: Free) => Expectation | null {
  const size = series.length * k;
  const densities = new Float64Array(size);
  const filter = { filtered: new Float64Array(size), predicted: new Float64Array(size) };
  const smoother = { probabilities: new Float64Array(size), moves: new Float64Array(k * k) };

  return ({ transition, means, variances }) => {
    const stationary = stationaryOrNull(k, transition);
    if (stationary === null) return null;
    gaussianLogDensities(series, means, variances, densities);
    const logLikelihood = filterInto(filter, k, transition, stationary, densities);
    if (!Number.isFinite(logLikelihood)) return null;
    kimSmootherForReports(k, transition, filter, smoother);

    const { probabilities, moves } = smoother;
    const odds = stationary.map((p, state) => (p > 0 ? probabilities[state]! / p : 0));
    const pull = stationarySensitivity(k, transition, odds);
    if (pull === null) return null;
    const counts = new Float64Array(k);
    const deviations = new Float64Array(k);
    const squares = new Float64Array(k);
    for (let j = 0; j < k; j++) {
      const mean = means[j]!;
      let [count, sum, square] = [0, 0, 0];
      for (let t = 0, at = j; t < series.length; t++, at += k) {
        const weight = probabilities[at]!;
        const deviation = series[t]! - mean;
        count += weight;
        sum += weight * deviation;
        square += weight * deviation * deviation;
      }
      counts[j] = count;
      deviations[j] = sum;
      squares[j] = square;
    }
    return { logLikelihood, counts, moves, deviations, squares, stationary, pull };
  };
}

/**
 * The textbook's maximisation step (Hamilton 1990), which leaves out that the first state's distribution depends on the
 * transition matrix as well: near enough for a start, and what BFGS puts right.
 */
function maximisation({ means }: Free, expectation: Expectation, { variance, varianceFloor }: FitOptions): Free {
  const { counts, deviations, squares, moves } = expectation;
  const k = means.length;
  const shift = deviations.map((sum, j) => sum / counts[j]!);
  const own = squares.map((sum, j) => sum - shift[j]! * deviations[j]!);
  const pooled = total(own) / total(counts);
  return {
    transition: moves.map((move, at) => move / total(moves.subarray(at - (at % k), at - (at % k) + k))),
    means: means.map((mean, j) => mean + shift[j]!),
    variances: own.map((sum, j) =>
      Math.max(variance === "shared" ? pooled : sum / counts[j]!, varianceFloor ?? VARIANCE_FLOOR),
    ),
  };
}

/**
 * Coordinates without bounds around a point: means; logarithms of what variances have above the floor; logarithms of
 * the odds of each move against staying. Each is in units of its standard error as the complete data would give it, so
 * that the curvature at the origin is about 1.
 */
interface Chart {
  readonly size: number;
  parameters(x: Float64Array): Free;
  /** Writes the gradient of minus the log-likelihood. */
  gradient(at: Free, here: Expectation, out: Float64Array): void;
}

/** A variance at the floor starts this share of the floor above it, where its logarithm is finite. */
const ABOVE_FLOOR = 0.01;
/** A transition probability of zero starts here, for the same reason. */
const LEAST_PROBABILITY = 1e-12;

function createChart(origin: Free, { counts, moves }: Expectation, options: FitOptions): Chart {
  const k = origin.means.length;
  const floor = options.varianceFloor ?? VARIANCE_FLOOR;
  const shared = options.variance === "shared";
  const variances = shared ? 1 : k;
  const excess = origin.variances.map((variance) => Math.log(Math.max(variance - floor, ABOVE_FLOOR * floor)));
  const transition = origin.transition.map((p) => Math.max(p, LEAST_PROBABILITY));
  const logOdds = transition.map((p, at) => Math.log(p / transition[Math.floor(at / k) * (k + 1)]!));

  const meanUnit = origin.means.map((_, j) => Math.sqrt(origin.variances[j]! / counts[j]!));
  const excessUnit = Float64Array.from({ length: variances }, (_, j) =>
    Math.sqrt(2 / (shared ? total(counts) : counts[j]!)),
  );
  const oddsUnit = moves.map((move, at) => 1 / Math.sqrt(move * (1 - transition[at]!) + 1));

  return {
    size: k + variances + k * (k - 1),
    parameters(x) {
      const transition = new Float64Array(k * k);
      let next = k + variances;
      for (let i = 0; i < k; i++) {
        let sum = 1;
        for (let j = 0; j < k; j++) {
          const at = i * k + j;
          if (i !== j) sum += transition[at] = Math.exp(logOdds[at]! + oddsUnit[at]! * x[next++]!);
        }
        transition[i * k + i] = 1;
        for (let j = 0; j < k; j++) transition[i * k + j]! /= sum;
      }
      return {
        transition,
        means: origin.means.map((mean, j) => mean + meanUnit[j]! * x[j]!),
        variances: excess.map((_, j) => {
          const own = shared ? 0 : j;
          return floor + Math.exp(excess[own]! + excessUnit[own]! * x[k + own]!);
        }),
      };
    },
    gradient({ transition, variances: now }, { counts, moves, deviations, squares, stationary, pull }, out) {
      out.fill(0);
      for (let j = 0; j < k; j++) {
        const own = shared ? 0 : j;
        const variance = now[j]!;
        out[j] = (-meanUnit[j]! * deviations[j]!) / variance;
        const slope = (squares[j]! / variance - counts[j]!) / (2 * variance);
        out[k + own]! -= excessUnit[own]! * (variance - floor) * slope;
      }
      let next = k + variances;
      for (let i = 0; i < k; i++) {
        const row = transition.subarray(i * k, (i + 1) * k);
        const left = total(moves.subarray(i * k, (i + 1) * k));
        const mean = pull.reduce((sum, h, j) => sum + row[j]! * h, 0);
        for (let j = 0; j < k; j++) {
          if (i === j) continue;
          // The last part is the first observation's, whose distribution depends on the transition matrix too.
          const slope = moves[i * k + j]! - row[j]! * left + row[j]! * stationary[i]! * (pull[j]! - mean);
          out[next++] = -oddsUnit[i * k + j]! * slope;
        }
      }
    },
  };
}

/** Odds of staying, as sessions, between which random starts choose: a week and half a year. */
const START_DURATIONS = [5, 126] as const;

/**
 * Starts that differ in all that matters: means at random quantiles of the series, one persistence and one variance for
 * all states, drawn too. The first is not random: means at the middles of k equal parts.
 */
function randomStarts(series: Float64Array, { states: k, random, starts = DEFAULT_STARTS }: FitOptions): Free[] {
  const ascending = series.slice().sort();
  const quantile = (share: number): number => ascending[Math.floor(share * ascending.length)]!;
  const mean = total(series) / series.length;
  const variance = series.reduce((sum, value) => sum + (value - mean) ** 2, 0) / series.length;
  return Array.from({ length: starts }, (_, start) => {
    const means = Float64Array.from({ length: k }, (_, j) => quantile(start === 0 ? (j + 0.5) / k : random())).sort();
    const [briefest, longest] = START_DURATIONS;
    const duration = briefest * (longest / briefest) ** (start === 0 ? 0.5 : random());
    // Between the whole variance and what is left of it within one of k² parts.
    const spread = variance * k ** (-2 * (start === 0 ? 0.5 : random()));
    return {
      means,
      variances: new Float64Array(k).fill(spread),
      transition: new Float64Array(k * k).map((_, at) =>
        at % (k + 1) === 0 ? 1 - 1 / duration : 1 / duration / (k - 1),
      ),
    };
  });
}

function freeOf({ transition, means, variances }: MarkovParameters): Free {
  return { transition: flat(transition), means: Float64Array.from(means), variances: Float64Array.from(variances) };
}

/** An optimum with its states sorted by mean. */
function inOrder({ transition, means, variances }: Free, logLikelihood: number, counts: Float64Array): Optimum {
  const k = means.length;
  const order = [...means.keys()].sort((a, b) => means[a]! - means[b]!);
  return {
    logLikelihood,
    parameters: {
      transition: order.map((i) => order.map((j) => transition[i * k + j]!)),
      means: order.map((j) => means[j]!),
      variances: order.map((j) => variances[j]!),
    },
    shares: order.map((j) => counts[j]! / total(counts)),
    starts: 1,
  };
}

/** Optima closer in log-likelihood than this are one. */
const SAME_OPTIMUM = 1e-3;

/** The optima, each once, best first. */
function distinct(found: readonly (Optimum | null)[]): Optimum[] {
  const sorted = found.filter((optimum) => optimum !== null).sort((a, b) => b.logLikelihood - a.logLikelihood);
  const optima: Optimum[] = [];
  for (const optimum of sorted) {
    const last = optima.at(-1);
    if (last !== undefined && last.logLikelihood - optimum.logLikelihood < SAME_OPTIMUM) {
      optima[optima.length - 1] = { ...last, starts: last.starts + 1 };
    } else optima.push(optimum);
  }
  return optima;
}

function requireFittable(series: Float64Array, states: number): void {
  requireFinite(series);
  if (!(Number.isInteger(states) && states >= 2)) {
    throw new MarkovFitError(
      `${states} states: a Markov-switching model switches between a whole number of 2 or more.`,
    );
  }
  if (series.length < LEAST_ROWS_PER_STATE * states) {
    throw new MarkovFitError(
      `${series.length} rows are too few for ${states} states: give at least ${LEAST_ROWS_PER_STATE * states}.`,
    );
  }
  if (series.every((value) => value === series[0])) {
    throw new MarkovFitError(
      `every one of the ${series.length} values is ${series[0]}: there is nothing to switch between.`,
    );
  }
}

function total(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
