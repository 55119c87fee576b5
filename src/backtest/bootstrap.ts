/**
 * The stationary bootstrap (Politis and Romano 1994, "The stationary bootstrap", JASA 89, 1303–1313): resampled paths made
 * of blocks of days of random, geometrically distributed length, so that clustered volatility and slow drawdowns
 * survive the resampling, and the resampled series is stationary.
 */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Random } from "../market/random.ts";

/** A bootstrap was asked for something it is not defined for. */
export class BootstrapInputError extends Error {
  override readonly name = "BootstrapInputError";
}

/** The middle share of resampled values; null where too few paths had a value. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Share of resampled values an interval holds. */
export const INTERVAL_LEVEL = 0.95;

/**
 * Numbers in [0, 1) of 53 bits from xoroshiro128+ (Blackman and Vigna 2018; period 2¹²⁸ − 1, ample for the millions of
 * draws of a bootstrap). The same seed gives the same numbers on every machine.
 * @param seed a whole number, used modulo 2³²
 */
export function seededRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new BootstrapInputError(`the seed is ${seed}, and must be a whole number such as 1.`);
  }
  const generator = xoroshiro128plus(seed | 0);
  // The first outputs after seeding are poorly mixed (few of the state's bits are set): let some go by.
  for (let i = 0; i < 32; i++) generator.next();
  return () => uniformFloat64(generator);
}

/**
 * Fills `out` with indices into a series of n periods: each index follows the one before it (the last is followed by the
 * first: circular), except that with probability 1/meanBlock a new block begins at an index drawn at random. Rows of
 * several series taken at the same indices stay together.
 * @param meanBlock mean length of a block in periods, at least 1 (1 is the independent bootstrap)
 * @param out one resampled path; its length is the path's length
 * @throws BootstrapInputError
 */
export function stationaryIndices(random: Random, n: number, meanBlock: number, out: Int32Array): Int32Array {
  if (!(Number.isInteger(n) && n > 0)) {
    throw new BootstrapInputError(`there are ${n} periods to resample: give a series that is not empty.`);
  }
  if (!(meanBlock >= 1)) {
    throw new BootstrapInputError(`the mean block is ${meanBlock} periods, and must be at least 1.`);
  }
  const chance = 1 / meanBlock;
  let index = 0;
  for (let i = 0; i < out.length; i++) {
    if (i === 0 || random() < chance) index = Math.floor(random() * n);
    else if (++index === n) index = 0;
    out[i] = index;
  }
  return out;
}

/**
 * Percentile interval (Efron 1982): the quantiles (1 ∓ level)/2 of the resampled values, linear between order statistics
 * (Hyndman and Fan 1996, type 7). It needs no symmetry and never leaves the range of the statistic; it does not
 * correct for bias, which for maximum drawdowns is real: a resampled path is one of many that a few days make.
 * @returns null when fewer than half of the values are numbers: an interval over what happened to be defined misleads
 */
export function percentileInterval(values: Float64Array, level: number = INTERVAL_LEVEL): Interval | null {
  const known = values.filter((value) => Number.isFinite(value)).sort();
  if (known.length === 0 || known.length * 2 < values.length) return null;
  return { low: quantileOfSorted(known, (1 - level) / 2), high: quantileOfSorted(known, (1 + level) / 2) };
}

/** Quantile of ascending values, linear between order statistics (Hyndman and Fan 1996, type 7). */
export function quantileOfSorted(ascending: Float64Array, p: number): number {
  const position = p * (ascending.length - 1);
  const below = Math.floor(position);
  const low = ascending[below];
  if (low === undefined) throw new BootstrapInputError("a quantile of no values: check that the window is not empty.");
  const high = ascending[below + 1] ?? low;
  return low + (position - below) * (high - low);
}
