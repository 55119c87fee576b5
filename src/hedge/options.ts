import erfc from "@stdlib/math-base-special-erfc";
import quantile from "@stdlib/stats-base-dists-normal-quantile";

/**
 * European options under lognormal prices: Black (1976), "The pricing of commodity contracts", for options on a future;
 * Black and Scholes (1973) with Merton's (1973) dividend yield for options on a spot price. One formula serves both:
 * call = D·(F·N(d1) − K·N(d2)), d1 = ln(F/K)/s + s/2, d2 = d1 − s, s = σ√T, D = e^{−rT}, and for a spot F = S·e^{(r−q)T}.
 *
 * Units everywhere: prices in the underlying's unit, years as a decimal, rates and volatilities as decimals per year.
 */

/** A forward or future, and an option on it. */
export interface Black76Input {
  readonly forward: number;
  readonly strike: number;
  readonly years: number;
  readonly rate: number;
  readonly volatility: number;
}

/** A spot price that pays `dividendYield` (0 when left out), and an option on it. */
export interface BlackScholesInput {
  readonly spot: number;
  readonly strike: number;
  readonly years: number;
  readonly rate: number;
  readonly volatility: number;
  readonly dividendYield?: number;
}

export type OptionKind = "call" | "put";

/**
 * Derivatives of one option's price. At expiry or without volatility they are the limits: an option exactly at the money
 * then has infinite gamma (and minus infinite theta at expiry).
 */
export interface Greeks {
  /** Per unit of the underlying: the future's price under Black-76, the spot's under Black–Scholes. */
  readonly delta: number;
  /** Of delta, per unit of the underlying. */
  readonly gamma: number;
  /** Per 1.00 of volatility: one percentage point is a hundredth of it. */
  readonly vega: number;
  /** Per year that passes (so negative for most long options): a day is 1/365 of it. */
  readonly theta: number;
  /** Per 1.00 of the rate. */
  readonly rho: number;
}

export interface PricedOption {
  readonly call: number;
  readonly put: number;
  readonly greeks: { readonly call: Greeks; readonly put: Greeks };
}

/** A number no option can be priced with. */
export class OptionInputError extends Error {
  constructor(name: string, value: number, must: string) {
    super(`${name} is ${value}, and an option's ${name} must be ${must}.`);
    this.name = "OptionInputError";
  }
}

/** A price that no volatility explains. */
export class NoImpliedVolatilityError extends Error {
  constructor(kind: OptionKind, price: number, low: number, high: number) {
    super(
      `no volatility gives a ${kind} the price ${price}: without arbitrage it lies from ${low} to below ${high}. ` +
        `Check the quote, and that forward, rate and strike belong to it.`,
    );
    this.name = "NoImpliedVolatilityError";
  }
}

/** N(x), the standard normal distribution function; full relative precision in the lower tail. */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2);
}

const INVERSE_ROOT_TWO_PI = 1 / Math.sqrt(2 * Math.PI);

/** n(x), the standard normal density. */
export function normalDensity(x: number): number {
  return INVERSE_ROOT_TWO_PI * Math.exp(-0.5 * x * x);
}

/** Price of a call or put on a future. Throws OptionInputError. */
export function black76Price(kind: OptionKind, input: Black76Input): number {
  requireBlack76(input);
  const { forward, strike, years, rate, volatility } = input;
  return Math.exp(-rate * years) * undiscounted(kind, forward, strike, volatility * Math.sqrt(years));
}

/** Call, put and their Greeks on a future; rho holds the future's price fixed. Throws OptionInputError. */
export function black76(input: Black76Input): PricedOption {
  requireBlack76(input);
  const { forward, strike, years, rate, volatility } = input;
  const discount = Math.exp(-rate * years);
  const core = moments(forward, strike, years, volatility);
  const gamma = discount * core.gamma;
  const vega = discount * core.vega;
  const decay = discount * core.decay;
  const side = (kind: OptionKind): { price: number; greeks: Greeks } => {
    const price = discount * undiscounted(kind, forward, strike, core.deviation);
    const delta = discount * (kind === "call" ? core.inTheMoney.d1 : -core.outOfTheMoney.d1);
    return { price, greeks: { delta, gamma, vega, theta: rate * price - decay, rho: noMinusZero(-years * price) } };
  };
  return priced(side("call"), side("put"));
}

/** Price of a call or put on a spot. Throws OptionInputError. */
export function blackScholesPrice(kind: OptionKind, input: BlackScholesInput): number {
  requireBlackScholes(input);
  const { spot, strike, years, rate, volatility, dividendYield = 0 } = input;
  const forward = spot * Math.exp((rate - dividendYield) * years);
  return Math.exp(-rate * years) * undiscounted(kind, forward, strike, volatility * Math.sqrt(years));
}

/** Call, put and their Greeks on a spot. Throws OptionInputError. */
export function blackScholes(input: BlackScholesInput): PricedOption {
  requireBlackScholes(input);
  const { spot, strike, years, rate, volatility, dividendYield = 0 } = input;
  const discount = Math.exp(-rate * years);
  const carry = Math.exp(-dividendYield * years);
  const forward = spot * Math.exp((rate - dividendYield) * years);
  const core = moments(forward, strike, years, volatility);
  const growth = forward / spot;
  const gamma = discount * growth * growth * core.gamma;
  const vega = discount * core.vega;
  const decay = discount * core.decay;
  const side = (kind: OptionKind): { price: number; greeks: Greeks } => {
    const price = discount * undiscounted(kind, forward, strike, core.deviation);
    const sign = kind === "call" ? 1 : -1;
    const { d1, d2 } = kind === "call" ? core.inTheMoney : core.outOfTheMoney;
    const strikeLeg = sign * strike * discount * d2;
    const spotLeg = sign * spot * carry * d1;
    const theta = dividendYield * spotLeg - rate * strikeLeg - decay;
    return { price, greeks: { delta: sign * carry * d1, gamma, vega, theta, rho: noMinusZero(years * strikeLeg) } };
  };
  return priced(side("call"), side("put"));
}

/** Forward delta of a call on a future, N(d1), without discounting; a put's is this less one. Throws OptionInputError. */
export function forwardDelta(forward: number, strike: number, years: number, volatility: number): number {
  requireBlack76({ forward, strike, years, rate: 0, volatility });
  return normalCdf(d1Of(forward, strike, volatility * Math.sqrt(years)));
}

/**
 * The strike whose option has this undiscounted forward delta: N(d1) for a call, N(−d1) for a put, in (0, 1).
 * K = F·exp(s²/2 − d1·s). Throws OptionInputError.
 */
export function strikeForDelta(
  kind: OptionKind,
  delta: number,
  forward: number,
  years: number,
  volatility: number,
): number {
  if (!(delta > 0 && delta < 1)) throw new OptionInputError("delta", delta, "between 0 and 1, as N(d1) or N(−d1)");
  requireBlack76({ forward, strike: forward, years, rate: 0, volatility });
  const deviation = volatility * Math.sqrt(years);
  const d1 = kind === "call" ? quantile(delta, 0, 1) : -quantile(delta, 0, 1);
  return forward * Math.exp(0.5 * deviation * deviation - d1 * deviation);
}

/** Call less put by put–call parity: D·(F − K). Whatever quotes differ from it by, before costs, is arbitrage. */
export function parityDifference(forward: number, strike: number, years: number, rate: number): number {
  return Math.exp(-rate * years) * (forward - strike);
}

/** Newton converges in under ten steps; every other step may halve the bracket instead. */
const MOST_STEPS = 200;

/**
 * The volatility at which Black-76 gives this price; 0 for a price that is exactly the intrinsic value. Solved for the
 * option out of the money (by parity), by Newton steps kept inside a shrinking bracket. A price within rounding of its
 * intrinsic value says nothing of volatility: what comes back then reprices to it and means no more.
 * Throws OptionInputError, NoImpliedVolatilityError.
 */
export function impliedVolatility(
  kind: OptionKind,
  price: number,
  input: { readonly forward: number; readonly strike: number; readonly years: number; readonly rate: number },
): number {
  const { forward, strike, years, rate } = input;
  requireBlack76({ ...input, volatility: 0 });
  if (!(years > 0)) throw new OptionInputError("years", years, "above 0 to imply a volatility");
  const discount = Math.exp(-rate * years);
  const intrinsic = kind === "call" ? Math.max(forward - strike, 0) : Math.max(strike - forward, 0);
  const limit = kind === "call" ? forward : strike;
  const value = price / discount;
  if (!(value >= intrinsic && value < limit)) {
    throw new NoImpliedVolatilityError(kind, price, discount * intrinsic, discount * limit);
  }
  const target = value - intrinsic;
  if (target === 0) return 0;
  const outside: OptionKind = strike >= forward ? "call" : "put";
  // In s = σ√T: the price rises from 0 to its limit as s does.
  let low = 0;
  let high = 1;
  while (undiscounted(outside, forward, strike, high) < target) {
    low = high;
    high *= 2;
    if (high > 64) break; // N(±32) is 0 or 1 in double precision: no larger s changes the price
  }
  let deviation = 0.5 * (low + high);
  for (let step = 0; step < MOST_STEPS && high - low > 1e-16 * high; step++) {
    const difference = undiscounted(outside, forward, strike, deviation) - target;
    if (difference === 0) break;
    if (difference > 0) high = deviation;
    else low = deviation;
    const slope = forward * normalDensity(d1Of(forward, strike, deviation));
    const newton = deviation - difference / slope;
    const next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (next === deviation) break;
    deviation = next;
  }
  return deviation / Math.sqrt(years);
}

/** A part of a position in options of one expiry: quantity is negative for what is sold. */
export interface OptionLeg {
  readonly kind: OptionKind;
  readonly strike: number;
  readonly quantity: number;
}

/** What the legs pay at expiry, in the underlying's unit, before what they cost or brought in. */
export function payoffAtExpiry(legs: readonly OptionLeg[], price: number): number {
  return legs.reduce((sum, { kind, strike, quantity }) => sum + quantity * intrinsicValue(kind, price, strike), 0);
}

/**
 * Prices at expiry where payoff + credit is zero, ascending: the payoff is linear between strikes, so each is exact. A
 * stretch that is zero all along counts by its ends. `credit` is what the legs brought in (a debit is negative).
 */
export function breakEvenPrices(legs: readonly OptionLeg[], credit: number): number[] {
  const strikes = [...new Set(legs.map(({ strike }) => strike))].sort((a, b) => a - b);
  const knots = [0, ...strikes.filter((strike) => strike > 0)];
  const profits = knots.map((price) => payoffAtExpiry(legs, price) + credit);
  const found: number[] = [];
  knots.forEach((price, i) => {
    const here = profits[i]!;
    const next = profits[i + 1];
    if (here === 0) found.push(price);
    else if (next !== undefined && here * next < 0) {
      found.push(price + ((knots[i + 1]! - price) * here) / (here - next));
    }
  });
  // Above the highest strike only the calls move.
  const slope = legs.reduce((sum, { kind, quantity }) => sum + (kind === "call" ? quantity : 0), 0);
  const last = profits.at(-1)!;
  if (last * slope < 0) found.push(knots.at(-1)! - last / slope);
  return found;
}

/** max(S − K, 0) for a call, max(K − S, 0) for a put. */
export function intrinsicValue(kind: OptionKind, price: number, strike: number): number {
  return Math.max(kind === "call" ? price - strike : strike - price, 0);
}

/** e^300 and e^−300 are far from any price and still multiply without overflow. */
const LARGEST_EXPONENT = 300;

function d1Of(forward: number, strike: number, deviation: number): number {
  if (deviation === 0) return forward === strike ? 0 : forward > strike ? Infinity : -Infinity;
  return Math.log(forward / strike) / deviation + 0.5 * deviation;
}

/** Price before discounting, each kind by its own formula so that the tails keep their digits. */
function undiscounted(kind: OptionKind, forward: number, strike: number, deviation: number): number {
  if (deviation === 0) return intrinsicValue(kind, forward, strike);
  const d1 = Math.log(forward / strike) / deviation + 0.5 * deviation;
  const d2 = d1 - deviation;
  const price =
    kind === "call"
      ? forward * normalCdf(d1) - strike * normalCdf(d2)
      : strike * normalCdf(-d2) - forward * normalCdf(-d1);
  // Rounding may leave −1e−17 far out of the money, or a hair below intrinsic far in it.
  return Math.max(price, intrinsicValue(kind, forward, strike));
}

interface Moments {
  /** s = σ√T. */
  readonly deviation: number;
  readonly inTheMoney: { readonly d1: number; readonly d2: number };
  readonly outOfTheMoney: { readonly d1: number; readonly d2: number };
  /** Undiscounted, by the forward. */
  readonly gamma: number;
  readonly vega: number;
  /** F·n(d1)·σ/(2√T), the time value lost per year. */
  readonly decay: number;
}

function moments(forward: number, strike: number, years: number, volatility: number): Moments {
  const rootYears = Math.sqrt(years);
  const deviation = volatility * rootYears;
  const d1 = d1Of(forward, strike, deviation);
  const d2 = deviation === 0 ? d1 : d1 - deviation;
  const density = normalDensity(d1);
  return {
    deviation,
    inTheMoney: { d1: normalCdf(d1), d2: normalCdf(d2) },
    outOfTheMoney: { d1: normalCdf(-d1), d2: normalCdf(-d2) },
    gamma: density === 0 ? 0 : density / (forward * deviation),
    vega: forward * density * rootYears,
    decay: density === 0 || volatility === 0 ? 0 : (forward * density * volatility) / (2 * rootYears),
  };
}

function priced(call: { price: number; greeks: Greeks }, put: { price: number; greeks: Greeks }): PricedOption {
  return { call: call.price, put: put.price, greeks: { call: call.greeks, put: put.greeks } };
}

/** −0 prints as "-0". */
function noMinusZero(x: number): number {
  return x === 0 ? 0 : x;
}

function requireBlack76({ forward, strike, years, rate, volatility }: Black76Input): void {
  requirePositive("forward", forward);
  requireTerms(strike, years, rate, volatility);
}

function requireBlackScholes({ spot, strike, years, rate, volatility, dividendYield }: BlackScholesInput): void {
  requirePositive("spot", spot);
  requireTerms(strike, years, rate, volatility);
  if (dividendYield !== undefined && !(Math.abs(dividendYield * years) < LARGEST_EXPONENT)) {
    throw new OptionInputError("dividend yield", dividendYield, `such that × years stays within ±${LARGEST_EXPONENT}`);
  }
}

function requirePositive(name: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new OptionInputError(name, value, "a finite number above 0");
}

function requireTerms(strike: number, years: number, rate: number, volatility: number): void {
  const orMore = "a finite number, 0 or more";
  if (!(strike >= 0 && strike < Infinity)) throw new OptionInputError("strike", strike, orMore);
  if (!(years >= 0 && years < Infinity)) throw new OptionInputError("years", years, orMore);
  if (!(volatility >= 0 && volatility < Infinity)) throw new OptionInputError("volatility", volatility, orMore);
  if (!Number.isFinite(rate)) throw new OptionInputError("rate", rate, "a finite decimal");
  // Beyond these a price would be Infinity times zero.
  if (!(Math.abs(rate * years) < LARGEST_EXPONENT)) {
    throw new OptionInputError("rate", rate, `such that rate × years stays within ±${LARGEST_EXPONENT}`);
  }
  if (!(volatility * Math.sqrt(years) < Infinity)) {
    throw new OptionInputError("volatility", volatility, "such that volatility × √years is finite");
  }
}
