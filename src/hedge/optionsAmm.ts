import { lpDelta, lpGamma, lpValue } from "./liquidityValue.ts";
import type { LpPosition } from "./liquidityValue.ts";
import { blackScholes, normalCdf, OptionInputError } from "./options.ts";

/**
 * A liquidity position read as options. Outside its range it is worth exactly what a covered call is: n·min(P, K) with
 * n = L(1/√a − 1/√b) base tokens and K = √(ab) (Lambert 2021, "Uniswap v3 LP tokens as perpetual put and call options");
 * inside it is worth less, a strip of short options with strikes all over the range (Clark 2020, "The replicating
 * portfolio of a constant product market"; Carr and Madan 1998 for the strip). What sellers of options are paid ahead,
 * the position must earn in fees: that is its break-even. Values in asset, prices asset per base, a driftless price.
 */

const DAYS_PER_YEAR = 365;

/** The covered call that a position is outside its range. */
export interface CoveredCall {
  /** Base tokens below the range. */
  readonly tokens: number;
  /** The price all of them have been sold at, on average, above it. */
  readonly strike: number;
}

export function coveredCallOf({ lower, upper, liquidity }: LpPosition): CoveredCall {
  requireRange(lower, upper);
  return { tokens: liquidity * (1 / Math.sqrt(lower) - 1 / Math.sqrt(upper)), strike: Math.sqrt(lower * upper) };
}

/** What half a short straddle beside half the tokens is worth at expiry: n·min(P, K) = n·(P + K − |P − K|)/2. */
export function coveredCallPayoff({ tokens, strike }: CoveredCall, price: number): number {
  return tokens * Math.min(price, strike);
}

/** Greeks of a position left alone for a while, as of the claim that pays its value at the end. No fees in any of them. */
export interface AmmGreeks {
  /** Value now. */
  readonly value: number;
  /** Expected value at the end, today's price being the mean. */
  readonly expected: number;
  /** Now: d(value)/d(price), base tokens, and its derivative. */
  readonly delta: number;
  readonly gamma: number;
  /** Of the expected value: per unit of price, and its derivative. */
  readonly horizonDelta: number;
  readonly horizonGamma: number;
  /** Of the expected value per 1.00 of volatility: never positive. */
  readonly vega: number;
  /** What the position must earn a day to be worth holding: (value − expected) / days. Its sold options' fair premium. */
  readonly breakEvenFeesPerDay: number;
  /** Fees a day less that: what is left of theta. */
  readonly thetaPerDay: number;
}

/**
 * Reads a position as options over `years` at a volatility (decimals), given the fees it earns a day (asset).
 * For P lognormal with mean F and s = σ√T: E[P^m; P < y] = F^m·exp(m(m − 1)s²/2)·N(ln(y/F)/s + s/2 − m·s).
 * Vega is exact: d(expected)/dT = −¼σ²·L·E[√P; in range], loss-versus-rebalancing expected at the end, and σ enters by σ²T.
 * Throws OptionInputError, LpInputError.
 */
export function ammGreeks(
  price: number,
  position: LpPosition,
  volatility: number,
  years: number,
  feesPerDay: number,
): AmmGreeks {
  const { lower, upper, liquidity } = position;
  requireRange(lower, upper);
  if (!(volatility > 0 && volatility < Infinity)) {
    throw new OptionInputError("volatility", volatility, "a finite number above 0");
  }
  if (!(years > 0 && years < Infinity)) throw new OptionInputError("years", years, "a finite number above 0");
  const deviation = volatility * Math.sqrt(years);
  const below = (power: number, level: number): number =>
    price ** power *
    Math.exp((power * (power - 1) * deviation * deviation) / 2) *
    normalCdf(Math.log(level / price) / deviation + deviation / 2 - power * deviation);
  const within = (power: number): number => below(power, upper) - below(power, lower);

  const { tokens } = coveredCallOf(position);
  const [rootLower, rootUpper] = [Math.sqrt(lower), Math.sqrt(upper)];
  const roots = liquidity * within(0.5);
  const expected =
    tokens * below(1, lower) +
    (2 * roots - (liquidity * within(1)) / rootUpper - liquidity * rootLower * within(0)) +
    liquidity * (rootUpper - rootLower) * normalCdf(-(Math.log(upper / price) / deviation + deviation / 2));
  const value = lpValue(price, position);
  const breakEvenFeesPerDay = (value - expected) / (years * DAYS_PER_YEAR);
  return {
    value,
    expected,
    delta: lpDelta(price, position),
    gamma: lpGamma(price, position),
    horizonDelta: (tokens * below(1, lower) + roots - (liquidity * within(1)) / rootUpper) / price,
    horizonGamma: -roots / (2 * price * price),
    vega: (-volatility * years * roots) / 2,
    breakEvenFeesPerDay,
    thetaPerDay: feesPerDay - breakEvenFeesPerDay,
  };
}

/** A position waiting above or below its range, beside the options that would pay the same if the price crossed it. */
export interface OutOfRange {
  /** What the position earns a day as time passes: nothing, since no trade goes through it. */
  readonly positionThetaPerDay: 0;
  /** What `tokens` short options (puts below the price, calls above it) at the range's K earn a day in decay. */
  readonly optionsThetaPerDay: number;
  /** What those options brought in when sold now; the position brings in nothing. */
  readonly optionsPremium: number;
  readonly kind: "put" | "call";
}

/**
 * Compares an out-of-range position with the options of the same crossing payoff. Above its range it holds asset only and
 * buys base on the way down, as sold puts do; below it holds base only, and sells on the way up, as covered calls do.
 * Null when the price is inside the range.
 */
export function outOfRange(price: number, position: LpPosition, volatility: number, years: number): OutOfRange | null {
  if (price > position.lower && price < position.upper) return null;
  const { tokens, strike } = coveredCallOf(position);
  const kind = price >= position.upper ? "put" : "call";
  const { greeks, ...prices } = blackScholes({ spot: price, strike, years, rate: 0, volatility });
  return {
    positionThetaPerDay: 0,
    optionsThetaPerDay: (-tokens * greeks[kind].theta) / DAYS_PER_YEAR,
    optionsPremium: tokens * prices[kind],
    kind,
  };
}

function requireRange(lower: number, upper: number): void {
  if (!(lower > 0)) throw new OptionInputError("lower price", lower, "above 0");
  if (!(upper > lower && upper < Infinity))
    throw new OptionInputError("upper price", upper, "finite, above the lower one");
}
