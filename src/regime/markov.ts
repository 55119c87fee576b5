import { filterStep, hamiltonFilter, MarkovInputError, predictStep, stationaryDistribution } from "./hiddenMarkov.ts";
import type { Filtered } from "./hiddenMarkov.ts";

/**
 * The Gaussian Markov-switching model (Hamilton 1989, without autoregression): in state j the value is normal with mean
 * means[j] and variance variances[j], in the units of the series; the state is a Markov chain that starts from its
 * stationary distribution.
 */
export interface MarkovParameters {
  /** transition[i][j] = P(next session's state is j | this one's is i); rows add up to 1. */
  readonly transition: readonly (readonly number[])[];
  /** Ascending: state 0 has the lowest mean. */
  readonly means: readonly number[];
  readonly variances: readonly number[];
}

/** A matrix of rows as the flat array that the chain's functions take. */
export function flat(transition: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from(transition.flat());
}

/** Sessions a state is expected to last once entered: 1 / (1 − P(stay)). Infinity for one that is never left. */
export function expectedDurations(transition: readonly (readonly number[])[]): number[] {
  return transition.map((row, i) => 1 / (1 - row[i]!));
}

/** ln of the normal density of each value in each state, n·k row-major. */
export function gaussianLogDensities(
  values: Float64Array,
  means: ArrayLike<number>,
  variances: ArrayLike<number>,
  out = new Float64Array(values.length * means.length),
): Float64Array {
  const k = means.length;
  for (let j = 0; j < k; j++) {
    const mean = means[j]!;
    const variance = variances[j]!;
    const peak = -0.5 * Math.log(2 * Math.PI * variance);
    const curvature = -0.5 / variance;
    for (let t = 0, at = j; t < values.length; t++, at += k) {
      const distance = values[t]! - mean;
      out[at] = peak + curvature * distance * distance;
    }
  }
  return out;
}

/**
 * Filters a whole series: exact log-likelihood and, for each value, the probabilities of the states given it and what
 * came before it.
 * @throws MarkovInputError for values that are not finite, or a chain without a single stationary distribution
 */
export function filterSeries(parameters: MarkovParameters, values: ArrayLike<number>): Filtered {
  const series = Float64Array.from(values);
  requireFinite(series);
  const transition = flat(parameters.transition);
  const k = parameters.means.length;
  const densities = gaussianLogDensities(series, parameters.means, parameters.variances);
  return hamiltonFilter(k, transition, stationaryDistribution(k, transition), densities);
}

/** The filter one value at a time: O(k²) a call. Answers the probabilities after the value, in an array of their own. */
export function createMarkovFilter(parameters: MarkovParameters): (value: number) => number[] {
  const k = parameters.means.length;
  const transition = flat(parameters.transition);
  const predicted = stationaryDistribution(k, transition);
  const filtered = new Float64Array(k);
  const value = new Float64Array(1);
  const density = new Float64Array(k);
  return (next) => {
    value[0] = next;
    requireFinite(value);
    filterStep(k, predicted, gaussianLogDensities(value, parameters.means, parameters.variances, density), filtered);
    predictStep(k, transition, filtered, predicted);
    return [...filtered];
  };
}

/** @throws MarkovInputError naming the first value that is NaN or infinite */
export function requireFinite(values: ArrayLike<number>): void {
  for (let t = 0; t < values.length; t++) {
    if (!Number.isFinite(values[t])) {
      throw new MarkovInputError(
        `value ${t} of ${values.length} is ${values[t]}, and a Markov model reads finite numbers only: leave the row out, ` +
          "and take logarithms of positive values only.",
      );
    }
  }
}
