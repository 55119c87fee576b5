import type { AsOfView } from "../market/asOf.ts";
import { dayNumber } from "../market/calendar.ts";
import { sessionsAfter } from "../signals/age.ts";

/**
 * Beta of an asset to a market: the regression asset = α + β·market + ε of daily log returns, session D paired with the
 * asset's bar D. Sources: Sharpe 1964 (the model), Vasicek 1973 (the shrinkage).
 */

/** Sessions of the rolling regression: a year. */
export const ROLLING_SESSIONS = 252;
/** Decay of the weighted regression per session: half of the weight lies in the last 69 sessions, a quarter. Assumed. */
export const BETA_DECAY = 0.99;
/** A pair of closes older than this many sessions is no estimate of today. */
const FRESH_SESSIONS = 5;
/** Fewest returns of a regression: below, a standard error means nothing. */
const FEWEST_RETURNS = 20;
/** Fewest past years whose betas give a long-run mean and its spread. */
const FEWEST_YEARS = 2;

/** A regression of returns on returns. */
export interface BetaEstimate {
  readonly beta: number;
  /** Per day, a log return. */
  readonly alpha: number;
  readonly standardError: number;
  /** Share of the asset's variance that the market explains. */
  readonly rSquared: number;
  readonly observations: number;
}

/** What betas of the past say before today's data: Vasicek's prior. */
export interface BetaPrior {
  readonly mean: number;
  readonly variance: number;
  /** Past years behind it, not overlapping. */
  readonly years: number;
}

/** Beta as of a session. */
export interface BetaReading {
  readonly rolling: BetaEstimate;
  readonly ewma: BetaEstimate;
  /** Null while fewer than two whole years lie before the rolling window: then nothing is shrunk. */
  readonly prior: BetaPrior | null;
  /** The rolling estimate shrunk to the long-run mean by their variances. */
  readonly shrunk: { readonly beta: number; readonly standardError: number };
  /** Day of the last pair of closes (days since 1970-01-01). */
  readonly day: number;
}

/** Returns that no regression can be made of. */
export class BetaInputError extends Error {
  constructor(problem: string) {
    super(`beta: ${problem}.`);
    this.name = "BetaInputError";
  }
}

/** Weighted sums of pairs of returns, from which a regression follows; pairs come in, decay and go out again. */
class PairSums {
  #n = 0;
  #w = 0;
  #x = 0;
  #y = 0;
  #xx = 0;
  #xy = 0;
  #yy = 0;
  // Sums under squared weights, for the standard error.
  #w2 = 0;
  #x2 = 0;
  #xx2 = 0;

  /** Adds a pair (or takes one out again, with weight −1). */
  add(x: number, y: number, weight: 1 | -1 = 1): void {
    this.#n += weight;
    this.#w += weight;
    this.#x += weight * x;
    this.#y += weight * y;
    this.#xx += weight * x * x;
    this.#xy += weight * x * y;
    this.#yy += weight * y * y;
    this.#w2 += weight;
    this.#x2 += weight * x;
    this.#xx2 += weight * x * x;
  }

  decay(by: number): void {
    this.#w *= by;
    this.#x *= by;
    this.#y *= by;
    this.#xx *= by;
    this.#xy *= by;
    this.#yy *= by;
    this.#w2 *= by * by;
    this.#x2 *= by * by;
    this.#xx2 *= by * by;
  }

  /**
   * Weighted least squares. With weights w, Var β = s²·Σw²(x − x̄)² / (Σw(x − x̄)²)² and s² = Σwε²/Σw · n/(n − 2), where
   * n = (Σw)²/Σw² is the effective number of pairs; equal weights give the textbook's formula.
   */
  regression(): BetaEstimate | null {
    if (this.#n < FEWEST_RETURNS) return null;
    const [meanX, meanY] = [this.#x / this.#w, this.#y / this.#w];
    const varX = this.#xx / this.#w - meanX * meanX;
    const varY = this.#yy / this.#w - meanY * meanY;
    // Prices that do not move have no beta: what is left then is rounding.
    if (!(varX > 1e-18 && varY > 1e-18)) return null;
    const cov = this.#xy / this.#w - meanX * meanY;
    const beta = cov / varX;
    const rSquared = Math.min(1, (cov * cov) / (varX * varY));
    const effective = (this.#w * this.#w) / this.#w2;
    const residual = ((1 - rSquared) * varY * effective) / (effective - 2);
    const spread2 = this.#xx2 - 2 * meanX * this.#x2 + meanX * meanX * this.#w2;
    const standardError = Math.sqrt((residual * spread2) / (this.#w * varX) ** 2);
    return { beta, alpha: meanY - beta * meanX, standardError, rSquared, observations: this.#n };
  }
}

/**
 * Beta of asset returns on market returns, paired by index, oldest first.
 * @param decay weight of a pair relative to the next one: 1 is ordinary least squares, below 1 exponential weights
 * @throws BetaInputError for unequal lengths, fewer than 20 pairs, numbers that are not finite, or a market at rest
 */
export function betaOf(asset: ArrayLike<number>, market: ArrayLike<number>, decay = 1): BetaEstimate {
  if (asset.length !== market.length) {
    throw new BetaInputError(`${asset.length} returns of the asset and ${market.length} of the market do not pair up`);
  }
  if (!(decay > 0 && decay <= 1)) throw new BetaInputError(`decay is ${decay}: give a number above 0, at most 1`);
  const sums = new PairSums();
  for (let i = 0; i < asset.length; i++) {
    const [x, y] = [market[i]!, asset[i]!];
    if (!Number.isFinite(x) || !Number.isFinite(y))
      throw new BetaInputError(`pair ${i} is ${x} and ${y}: mend the data`);
    if (decay < 1) sums.decay(decay);
    sums.add(x, y);
  }
  const estimate = sums.regression();
  if (estimate === null) {
    throw new BetaInputError(`${asset.length} pairs are too few (${FEWEST_RETURNS} needed), or one side never moves`);
  }
  return estimate;
}

/** Beta within each group of days (a regime, say), null for a group too small. Labels pair with the returns by index. */
export function betaByGroup<L>(
  asset: ArrayLike<number>,
  market: ArrayLike<number>,
  labels: readonly L[],
): Map<L, BetaEstimate | null> {
  const sums = new Map<L, PairSums>();
  labels.forEach((label, i) => {
    const group = sums.get(label) ?? new PairSums();
    group.add(market[i]!, asset[i]!);
    sums.set(label, group);
  });
  return new Map([...sums].map(([label, group]) => [label, group.regression()]));
}

/**
 * Shrinks an estimate towards a long-run mean, each weighed by the inverse of its variance (Vasicek 1973):
 * β = (b/s² + m/v) / (1/s² + 1/v).
 */
export function shrinkBeta(
  estimate: { beta: number; standardError: number },
  prior: { mean: number; variance: number },
): { beta: number; standardError: number } {
  const own = estimate.standardError ** 2;
  if (own + prior.variance === 0) return { beta: estimate.beta, standardError: 0 };
  const weight = prior.variance / (prior.variance + own);
  return {
    beta: weight * estimate.beta + (1 - weight) * prior.mean,
    standardError: Math.sqrt(weight * own),
  };
}

/** Daily log returns of two series over the same sessions, oldest first; `days` are the days they end on. */
export interface PairedReturns {
  readonly days: number[];
  readonly asset: number[];
  readonly market: number[];
}

/** Returns between consecutive sessions for which both closes are known; a session without one is bridged over. */
export function pairedReturns(view: AsOfView, asset: string, market: string, from: number, to: number): PairedReturns {
  const pairs = pairedCloses(view, asset, market, from, to);
  const returns: PairedReturns = { days: [], asset: [], market: [] };
  for (let i = 1; i < pairs.length; i++) {
    returns.days.push(pairs[i]!.day);
    returns.asset.push(Math.log(pairs[i]!.asset / pairs[i - 1]!.asset));
    returns.market.push(Math.log(pairs[i]!.market / pairs[i - 1]!.market));
  }
  return returns;
}

/**
 * Beta as of each session: called in ascending order, O(1) a session. Null while fewer than 252 pairs of returns are
 * known, and when the last pair is older than five sessions.
 */
export function createBeta(asset: string, market: string): (view: AsOfView, session: string) => BetaReading | null {
  const rolling = new PairSums();
  const ewma = new PairSums();
  const window: { x: number; y: number }[] = [];
  const pastYears: number[] = [];
  let returns = 0;
  /** Up to this day every pair has been taken. */
  let seen = -Infinity;
  let last: ClosePair | null = null;

  const take = (pair: ClosePair): void => {
    if (last !== null) {
      const [x, y] = [Math.log(pair.market / last.market), Math.log(pair.asset / last.asset)];
      const slot = returns % ROLLING_SESSIONS;
      const old = window[slot];
      if (old !== undefined) rolling.add(old.x, old.y, -1);
      window[slot] = { x, y };
      rolling.add(x, y);
      ewma.decay(BETA_DECAY);
      ewma.add(x, y);
      returns++;
      const estimate = returns % ROLLING_SESSIONS === 0 ? rolling.regression() : null;
      if (estimate !== null) pastYears.push(estimate.beta);
    }
    last = pair;
  };

  return (view, session) => {
    const day = dayNumber(session);
    const [ofAsset, ofMarket] = [view.latest(asset), view.latest(market)];
    if (ofAsset === null || ofMarket === null) return null;
    const known = Math.min(ofAsset.day, ofMarket.day, day);
    for (const pair of pairedCloses(view, asset, market, seen + 1, known)) take(pair);
    seen = Math.max(seen, known);
    const latest = last;
    if (latest === null || returns < ROLLING_SESSIONS || sessionsAfter(latest.day, day) > FRESH_SESSIONS) return null;
    const [recent, weighted] = [rolling.regression(), ewma.regression()];
    if (recent === null || weighted === null) return null;
    // The last whole year overlaps the rolling window: a prior is what was known apart from it.
    const prior = priorOf(pastYears.slice(0, -1));
    return {
      rolling: recent,
      ewma: weighted,
      prior,
      shrunk: prior === null ? recent : shrinkBeta(recent, prior),
      day: latest.day,
    };
  };
}

interface ClosePair {
  day: number;
  asset: number;
  market: number;
}

function pairedCloses(view: AsOfView, asset: string, market: string, from: number, to: number): ClosePair[] {
  const [a, m] = [view.between(asset, from, to), view.between(market, from, to)];
  const pairs: ClosePair[] = [];
  let j = 0;
  m.days.forEach((day, i) => {
    while (j < a.days.length && a.days[j]! < day) j++;
    if (a.days[j] === day) pairs.push({ day, asset: a.values[j]!, market: m.values[i]! });
  });
  return pairs;
}

function priorOf(betas: readonly number[]): BetaPrior | null {
  const years = betas.length;
  if (years < FEWEST_YEARS) return null;
  const mean = betas.reduce((sum, beta) => sum + beta, 0) / years;
  const variance = betas.reduce((sum, beta) => sum + (beta - mean) ** 2, 0) / (years - 1);
  return { mean, variance, years };
}
