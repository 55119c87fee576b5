/**
 * A hidden Markov chain with any emissions: filter, smoother, most likely path. States are 0 … k − 1; matrices are flat
 * and row-major, so `transition[i * k + j]` is P(next is j | now is i) and `logEmissions[t * k + j]` is the logarithm of
 * the probability, or density, of observation t in state j.
 */

/** A matrix or a set of observations that no chain can be made of. */
export class MarkovInputError extends Error {
  override readonly name = "MarkovInputError";
}

/** What the filter answers. Rows of `filtered` and `predicted` add up to 1. */
export interface Filtered {
  /** Exact log-likelihood of all observations, natural logarithm. */
  readonly logLikelihood: number;
  /** P(state at t | observations to t): what was known at the time. */
  readonly filtered: Float64Array;
  /** P(state at t | observations to t − 1). */
  readonly predicted: Float64Array;
}

/**
 * One step of the Hamilton filter (Hamilton 1994, eq. 22.4.5; scaled so that nothing underflows): turns the probabilities
 * predicted for an observation into those after it, and answers the observation's log-likelihood given its past, which
 * is -Infinity when no state can have made it.
 */
export function filterStep(
  k: number,
  predicted: Float64Array,
  logEmissions: Float64Array,
  filtered: Float64Array,
  offset = 0,
): number {
  let highest = -Infinity;
  for (let j = 0; j < k; j++) {
    const log = logEmissions[offset + j]!;
    if (log > highest) highest = log;
  }
  if (highest === -Infinity) return -Infinity;
  let sum = 0;
  for (let j = 0; j < k; j++) {
    const log = logEmissions[offset + j]! - highest;
    const joint = predicted[offset + j]! * (log === 0 ? 1 : Math.exp(log));
    filtered[offset + j] = joint;
    sum += joint;
  }
  const scale = 1 / sum;
  for (let j = 0; j < k; j++) filtered[offset + j]! *= scale;
  return highest + Math.log(sum);
}

/** The probabilities of the next state: `next[at + j] = Σ_i now[from + i]·P(i → j)`. */
export function predictStep(
  k: number,
  transition: Float64Array,
  now: Float64Array,
  next: Float64Array,
  from = 0,
  at = 0,
): void {
  for (let j = 0; j < k; j++) {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += now[from + i]! * transition[i * k + j]!;
    next[at + j] = sum;
  }
}

/**
 * The Hamilton filter over a whole series.
 * @param initial probabilities of the first observation's state
 * @throws MarkovInputError where no state can have made an observation
 */
export function hamiltonFilter(
  k: number,
  transition: Float64Array,
  initial: Float64Array,
  logEmissions: Float64Array,
): Filtered {
  const into = {
    filtered: new Float64Array(logEmissions.length),
    predicted: new Float64Array(logEmissions.length),
  };
  const logLikelihood = filterInto(into, k, transition, initial, logEmissions);
  if (!Number.isFinite(logLikelihood)) {
    throw new MarkovInputError(
      `the chain gives its observations the log-likelihood ${logLikelihood}: a value is missing, or no state that can ` +
        "be reached can have made it. Check the observations and the emission probabilities.",
    );
  }
  return { logLikelihood, ...into };
}

/** As hamiltonFilter, for who filters many times: writes to given memory, and answers -Infinity or NaN for no likelihood. */
export function filterInto(
  { filtered, predicted }: { filtered: Float64Array; predicted: Float64Array },
  k: number,
  transition: Float64Array,
  initial: Float64Array,
  logEmissions: Float64Array,
): number {
  for (let j = 0; j < k; j++) predicted[j] = initial[j]!;
  let logLikelihood = 0;
  for (let at = 0; at < logEmissions.length; at += k) {
    if (at > 0) predictStep(k, transition, filtered, predicted, at - k, at);
    logLikelihood += filterStep(k, predicted, logEmissions, filtered, at);
  }
  return logLikelihood;
}

/** What the smoother answers. */
export interface Smoothed {
  /** P(state at t | all observations, those after t too), n·k. */
  readonly probabilities: Float64Array;
  /** Expected number of moves i → j over the series, given all observations, k·k. */
  readonly moves: Float64Array;
}

/**
 * The Kim smoother (Kim 1994; Hamilton 1994, eq. 22.4.14): probabilities of the past's states in the light of what came after. For
 * fitting and for reports only: whoever decides with it looks into the future.
 */
export function kimSmootherForReports(
  k: number,
  transition: Float64Array,
  { filtered, predicted }: Pick<Filtered, "filtered" | "predicted">,
  into: { probabilities: Float64Array; moves: Float64Array } = {
    probabilities: new Float64Array(filtered.length),
    moves: new Float64Array(k * k),
  },
): Smoothed {
  const { probabilities, moves } = into;
  const last = filtered.length - k;
  const ratio = new Float64Array(k);
  moves.fill(0);
  for (let j = 0; j < k; j++) probabilities[last + j] = filtered[last + j]!;
  for (let at = last - k; at >= 0; at -= k) {
    for (let j = 0; j < k; j++) {
      const ahead = predicted[at + k + j]!;
      ratio[j] = ahead > 0 ? probabilities[at + k + j]! / ahead : 0;
    }
    for (let i = 0; i < k; i++) {
      const now = filtered[at + i]!;
      let sum = 0;
      for (let j = 0; j < k; j++) {
        const joint = now * transition[i * k + j]! * ratio[j]!;
        moves[i * k + j]! += joint;
        sum += joint;
      }
      probabilities[at + i] = sum;
    }
  }
  return { probabilities, moves };
}

/** The single most likely path of states given all observations (Viterbi 1967). For reports only, like the smoother. */
export function viterbiPath(
  k: number,
  transition: Float64Array,
  initial: Float64Array,
  logEmissions: Float64Array,
): number[] {
  const n = logEmissions.length / k;
  const from = new Int32Array(logEmissions.length);
  let best = Array.from({ length: k }, (_, j) => Math.log(initial[j]!) + logEmissions[j]!);
  for (let t = 1; t < n; t++) {
    best = best.map((_, j) => {
      let previous = 0;
      let highest = -Infinity;
      for (let i = 0; i < k; i++) {
        const log = best[i]! + Math.log(transition[i * k + j]!);
        if (log > highest) [previous, highest] = [i, log];
      }
      from[t * k + j] = previous;
      return highest + logEmissions[t * k + j]!;
    });
  }
  const path = [best.indexOf(Math.max(...best))];
  for (let t = n - 1; t > 0; t--) path.push(from[t * k + path.at(-1)!]!);
  return path.reverse();
}

/**
 * The distribution that a transition matrix leaves as it is: π = πP, Σπ = 1 (Hamilton 1994, eq. 22.2.26).
 * @throws MarkovInputError when there is more than one (a chain of several parts that never meet)
 */
export function stationaryDistribution(k: number, transition: Float64Array): Float64Array {
  const stationary = stationaryOrNull(k, transition);
  if (stationary !== null) return stationary;
  throw new MarkovInputError(
    "the transition matrix has no single stationary distribution: some states can never be reached from others. " +
      "Give every state a way in and out.",
  );
}

/** As stationaryDistribution, and null when there is more than one. Solves (I − P + 11ᵀ)ᵀπ = 1. */
export function stationaryOrNull(k: number, transition: Float64Array): Float64Array | null {
  const transposed = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) transposed[j * k + i] = (i === j ? 2 : 1) - transition[i * k + j]!;
  }
  const stationary = solve(transposed, new Float64Array(k).fill(1));
  // A state that is never reached comes out as a rounding error of either sign.
  return stationary?.map((p) => Math.max(0, p)) ?? null;
}

/**
 * How the expectation of a function over the stationary distribution answers to the transition probabilities:
 * Σ_s g_s·dπ_s = Σ_ij π_i·dP_ij·h_j, where (I − P + 11ᵀ)h = g (Schweitzer 1968, for rows that keep adding up to 1).
 * Null where there is no single stationary distribution.
 */
export function stationarySensitivity(k: number, transition: Float64Array, g: Float64Array): Float64Array | null {
  return solve(
    transition.map((p, at) => (at % (k + 1) === 0 ? 2 : 1) - p),
    g,
  );
}

/** Pivots below this count as zero: entries here are of the order of 1, with rounding errors of 1e-16. */
const SINGULAR = 1e-14;

/** Solves a small square system by Gaussian elimination with partial pivoting; null when it is singular. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array | null {
  const k = right.length;
  const rows = Array.from({ length: k }, (_, i) => [...matrix.subarray(i * k, (i + 1) * k), right[i]!]);
  for (let column = 0; column < k; column++) {
    let pivot = column;
    for (let row = column + 1; row < k; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const lead = rows[column]!;
    if (!(Math.abs(lead[column]!) > SINGULAR)) return null;
    for (const row of rows) {
      if (row === lead) continue;
      const factor = row[column]! / lead[column]!;
      for (let at = column; at <= k; at++) row[at]! -= factor * lead[at]!;
    }
  }
  return Float64Array.from(rows, (row, i) => row[k]! / row[i]!);
}
