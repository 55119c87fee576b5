/** Logistic regression by maximum likelihood, small and dense: a handful of columns, thousands of rows. */

/** A fit by iteratively reweighted least squares. */
export interface LogisticFit {
  /** Intercept first, then one per column. */
  readonly coefficients: Float64Array;
  readonly logLikelihood: number;
  /** Inverse of the information matrix at the optimum, row by row: the covariance of independent rows. */
  readonly covariance: Float64Array;
  /** Σ over columns of covariance · (y − p)·x for each row and the last column: what the row adds to its coefficient. */
  readonly influence: Float64Array;
}

const MAX_ITERATIONS = 50;
/** Change of the log-likelihood at which it has converged. */
const TOLERANCE = 1e-9;
/** Least part of a Newton step worth trying. */
const SMALLEST_SHARE = 1e-6;
/** Far above the smallest number, so that one factor more never makes it zero at odds within reach. */
const SMALL_PRODUCT = 1e-200;
/** A column that separates the outcomes drives its coefficient off without end: beyond this (log odds) it has. */
const SEPARATED = 15;

/**
 * P(y = 1) = 1/(1 + exp(−(β₀ + Σ βⱼxⱼ))), fitted by Newton's method, which for this likelihood is iteratively reweighted
 * least squares (McCullagh and Nelder 1989, ch. 4). Scale columns to order one.
 * @param outcomes 0 or 1, one a row
 * @param columns one array a regressor, each as long as the outcomes
 * @returns null when there is no optimum: one outcome only, columns that explain each other, or perfect separation
 */
export function fitLogistic(outcomes: Uint8Array, columns: readonly Float64Array[]): LogisticFit | null {
  const k = columns.length + 1;
  const ones = outcomes.reduce((sum, y) => sum + y, 0);
  if (ones === 0 || ones === outcomes.length) return null;
  let coefficients = new Float64Array(k);
  coefficients[0] = Math.log(ones / (outcomes.length - ones));
  let now = evaluate(outcomes, columns, coefficients);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const covariance = invertSymmetric(now.information, k);
    if (covariance === null) return null;
    const step = coefficients.map((_, a) => now.gradient.reduce((sum, g, b) => sum + covariance[a * k + b]! * g, 0));
    // The likelihood is concave, so a full step that overshoots is mended by taking less of it.
    let share = 1;
    let next = now;
    let moved = coefficients;
    do {
      moved = coefficients.map((one, a) => one + share * step[a]!);
      next = evaluate(outcomes, columns, moved);
      share /= 2;
    } while (!(next.logLikelihood >= now.logLikelihood) && share > SMALLEST_SHARE);
    const gain = next.logLikelihood - now.logLikelihood;
    if (!(gain > TOLERANCE)) {
      const influence = influences(outcomes, columns, coefficients, covariance);
      return { coefficients, logLikelihood: now.logLikelihood, covariance, influence };
    }
    if (moved.some((one) => Math.abs(one) > SEPARATED)) return null;
    coefficients = moved;
    now = next;
  }
  return null;
}

interface Evaluation {
  readonly logLikelihood: number;
  readonly gradient: Float64Array;
  /** Lower triangle of X'WX. */
  readonly information: Float64Array;
}

function evaluate(outcomes: Uint8Array, columns: readonly Float64Array[], coefficients: Float64Array): Evaluation {
  const k = coefficients.length;
  const gradient = new Float64Array(k);
  const information = new Float64Array(k * k);
  const row = new Float64Array(k).fill(1, 0, 1);
  let logLikelihood = 0;
  // Probabilities are multiplied up and their logarithm is taken once in a while: logarithms are the dear part.
  let product = 1;
  for (let i = 0; i < outcomes.length; i++) {
    let odds = coefficients[0]!;
    for (let j = 1; j < k; j++) {
      row[j] = columns[j - 1]![i]!;
      odds += coefficients[j]! * row[j]!;
    }
    const p = 1 / (1 + Math.exp(-odds));
    const y = outcomes[i]!;
    product *= y === 1 ? p : 1 - p;
    if (product < SMALL_PRODUCT) {
      logLikelihood += Math.log(product);
      product = 1;
    }
    const weight = p * (1 - p);
    for (let a = 0; a < k; a++) {
      gradient[a]! += (y - p) * row[a]!;
      const weighted = weight * row[a]!;
      for (let b = 0; b <= a; b++) information[a * k + b]! += weighted * row[b]!;
    }
  }
  return { logLikelihood: logLikelihood + Math.log(product), gradient, information };
}

function influences(
  outcomes: Uint8Array,
  columns: readonly Float64Array[],
  coefficients: Float64Array,
  covariance: Float64Array,
): Float64Array {
  const k = coefficients.length;
  const last = covariance.subarray((k - 1) * k);
  return Float64Array.from(outcomes, (y, i) => {
    let odds = coefficients[0]!;
    let share = last[0]!;
    for (let j = 1; j < k; j++) {
      const x = columns[j - 1]![i]!;
      odds += x * coefficients[j]!;
      share += x * last[j]!;
    }
    return share * (y - 1 / (1 + Math.exp(-odds)));
  });
}

/** Inverse of a positive definite matrix whose lower triangle is given, by Gauss and Jordan; null when it has none. */
function invertSymmetric(lower: Float64Array, k: number): Float64Array | null {
  const a = Float64Array.from({ length: k * k }, (_, i) => {
    const [r, c] = [Math.floor(i / k), i % k];
    return r >= c ? lower[i]! : lower[c * k + r]!;
  });
  const inverse = Float64Array.from({ length: k * k }, (_, i) => (Math.floor(i / k) === i % k ? 1 : 0));
  for (let p = 0; p < k; p++) {
    const pivot = a[p * k + p]!;
    // What is left of a column's variance after the columns before it explained theirs.
    if (!(pivot > 1e-12 * lower[p * k + p]!)) return null;
    for (let c = 0; c < k; c++) {
      a[p * k + c]! /= pivot;
      inverse[p * k + c]! /= pivot;
    }
    for (let r = 0; r < k; r++) {
      const factor = r === p ? 0 : a[r * k + p]!;
      if (factor === 0) continue;
      for (let c = 0; c < k; c++) {
        a[r * k + c]! -= factor * a[p * k + c]!;
        inverse[r * k + c]! -= factor * inverse[p * k + c]!;
      }
    }
  }
  return inverse;
}
