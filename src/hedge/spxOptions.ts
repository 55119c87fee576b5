import type { AsOfView } from "../market/asOf.ts";
import { dayNumber } from "../market/calendar.ts";
import { bisect } from "./bisect.ts";
import { addExposures } from "./exposure.ts";
import type { Exposure } from "./exposure.ts";
import { blackScholes, blackScholesPrice, intrinsicValue, OptionInputError } from "./options.ts";
import type { OptionKind, OptionLeg } from "./options.ts";
import { freshValue, termVolatility, varianceTermAsOf } from "./varianceTerm.ts";
import type { VarianceTerm } from "./varianceTerm.ts";
import { sessionOnOrBefore } from "./vixExpiry.ts";

/**
 * Options on the S&P 500, by Black–Scholes with a volatility for each strike. Every price is a *model price*: no history of
 * quotes is in the data, so the level comes from Cboe's volatility indices and the skew is an ASSUMPTION:
 * σ(K, τ) = σ₀(τ) + slope·ln(K/F)/√τ, held within bounds, with σ₀ such that the whole smile has the index's variance.
 * Strikes are continuous: the listed grid of 5 points is not modelled.
 */

/** Dollars per point of one contract. Source: Cboe contract specifications. */
export const SPX_MULTIPLIER_USD = 100;
const DAYS_PER_YEAR = 365;

/** What is assumed of the S&P's smile. Made by spxModel, so that level and slope fit. */
export interface SpxModel {
  /** Volatility (decimal) per unit of ln(K/F)/√years; negative: lower strikes are dearer. */
  readonly skewSlope: number;
  /** At-the-money volatility over the index's, which the dear puts raise above it. */
  readonly atTheMoneyShare: number;
  /** Of the S&P, a year, decimal: about its average since 2008. */
  readonly dividendYield: number;
}

/**
 * Start value: about 3 points of volatility between the 25-delta put and the money at VIX 15. Tried from −0.15 to −0.35; below
 * VIX 11.5 the steepest meets the smile's upper bound at a condor's bought put, whose price is then up to 0.25 points off.
 */
export const SKEW_SLOPE = -0.25;
const DIVIDEND_YIELD = 0.018;
/** Least and greatest volatility of a strike over σ₀: no smile goes on in a straight line. */
const LOWEST_SHARE = 0.6;
const HIGHEST_SHARE = 2;
/** Where the level is fitted to the index; it hardly depends on either. */
const REFERENCE = { years: 30 / DAYS_PER_YEAR, volatility: 0.15 };

/**
 * A model with this slope. The level follows from how VIX is made (Cboe's white paper; Demeterfi, Derman, Kamal and Zou 1999):
 * VIX² is the variance (2/T)·∫ price of the option out of the money / K² dK over all strikes.
 */
export function spxModel(skewSlope: number = SKEW_SLOPE): SpxModel {
  if (!(skewSlope <= 0 && skewSlope >= -1)) throw new OptionInputError("skew slope", skewSlope, "from -1 to 0");
  return { skewSlope, atTheMoneyShare: atTheMoneyShare(skewSlope), dividendYield: DIVIDEND_YIELD };
}

/** σ₀ over the volatility of the whole smile, by the trapezoid rule over ±`WIDEST` standard deviations of the log price. */
function atTheMoneyShare(skewSlope: number): number {
  const WIDEST = 12;
  const STEPS = 1_200;
  const { years, volatility } = REFERENCE;
  const width = volatility * Math.sqrt(years);
  let integral = 0;
  for (let i = 0; i <= STEPS; i++) {
    const logMoneyness = ((2 * i) / STEPS - 1) * WIDEST * width;
    const strike = Math.exp(logMoneyness);
    const atStrike = smile(volatility, skewSlope, logMoneyness / Math.sqrt(years));
    const kind = logMoneyness < 0 ? "put" : "call";
    const price = blackScholesPrice(kind, { spot: 1, strike, years, rate: 0, volatility: atStrike });
    integral += price / strike;
  }
  const wholeVariance = (2 / years) * integral * ((2 * WIDEST * width) / STEPS);
  return volatility / Math.sqrt(wholeVariance);
}

function smile(atTheMoney: number, skewSlope: number, scaledMoneyness: number): number {
  const line = atTheMoney + skewSlope * scaledMoneyness;
  return Math.min(Math.max(line, LOWEST_SHARE * atTheMoney), HIGHEST_SHARE * atTheMoney);
}

/** What prices options on the S&P in one session. Plain data. */
export interface SpxSurface {
  readonly day: number;
  readonly spot: number;
  readonly rate: number;
  readonly term: VarianceTerm;
  readonly model: SpxModel;
}

/** The surface of a session; null when VIX or the S&P is missing or more than five sessions old. */
export function spxSurface(view: AsOfView, session: string, model: SpxModel): SpxSurface | null {
  const day = dayNumber(session);
  const spot = freshValue(view, "spx", day);
  const term = varianceTermAsOf(view, day);
  if (spot === null || term === null) return null;
  const rate = (freshValue(view, "fedFunds", day)?.value ?? 0) / 100;
  return { day, spot: spot.value, rate, term, model };
}

/** The S&P's forward so many days ahead. */
export function spxForward({ spot, rate, model }: SpxSurface, days: number): number {
  return spot * Math.exp(((rate - model.dividendYield) * days) / DAYS_PER_YEAR);
}

/** Volatility of a strike, decimal. */
export function spxVolatility(surface: SpxSurface, strike: number, days: number): number {
  const { model } = surface;
  const atTheMoney = (model.atTheMoneyShare * termVolatility(surface.term, days)) / 100;
  const scaledMoneyness = Math.log(strike / spxForward(surface, days)) / Math.sqrt(days / DAYS_PER_YEAR);
  return smile(atTheMoney, model.skewSlope, scaledMoneyness);
}

function terms(surface: SpxSurface, strike: number, days: number): Parameters<typeof blackScholes>[0] {
  return {
    spot: surface.spot,
    strike,
    years: days / DAYS_PER_YEAR,
    rate: surface.rate,
    dividendYield: surface.model.dividendYield,
    volatility: spxVolatility(surface, strike, days),
  };
}

/** Model price of an option in points, before any spread; at and after expiry what it pays at the surface's spot. */
export function spxOptionPrice(surface: SpxSurface, kind: OptionKind, strike: number, expiryDay: number): number {
  return priceAt(surface, kind, strike, expiryDay - surface.day);
}

function priceAt(surface: SpxSurface, kind: OptionKind, strike: number, days: number): number {
  if (days <= 0) return intrinsicValue(kind, surface.spot, strike);
  return blackScholesPrice(kind, terms(surface, strike, days));
}

/** How far from the money strikes are looked for, as ln(K/F): further than any delta of 0.01 up to a year. */
const FURTHEST_LOG_MONEYNESS = 3;

/** The strike whose undiscounted forward delta (N(d1) of a call, N(−d1) of a put) is `delta` on the smile. */
export function spxStrike(surface: SpxSurface, kind: OptionKind, delta: number, expiryDay: number): number {
  if (!(delta >= 0.01 && delta <= 0.5)) throw new OptionInputError("delta", delta, "from 0.01 to 0.50");
  const days = expiryDay - surface.day;
  const forward = spxForward(surface, days);
  const carry = Math.exp((-surface.model.dividendYield * days) / DAYS_PER_YEAR);
  const excess = (logMoneyness: number): number => {
    const { greeks } = blackScholes(terms(surface, forward * Math.exp(logMoneyness), days));
    return Math.abs(greeks[kind].delta) / carry - delta;
  };
  const far = kind === "call" ? FURTHEST_LOG_MONEYNESS : -FURTHEST_LOG_MONEYNESS;
  // From the money outwards; the at-the-money delta is beside one half, on either side.
  return forward * Math.exp(bisect(excess, -far / 10, far));
}

/** Some contracts of the same legs. Plain data; contracts may be fractions, an assumption where NAV is small. */
export interface SpxPosition {
  readonly legs: readonly OptionLeg[];
  readonly expiryDay: number;
  readonly contracts: number;
}

/** The Friday nearest to so many days ahead (the session before it on a holiday): the S&P has options for each week. */
export function spxExpiry(day: number, daysAhead: number): number {
  const target = day + daysAhead;
  const weekday = (target + 4) % 7; // 1970-01-01 was a Thursday
  const toFriday = ((5 - weekday + 3 + 7) % 7) - 3;
  return sessionOnOrBefore(target + toFriday);
}

/** Price of legs in points at model prices: what they cost (positive) or bring in (negative), before any spread. */
export function legsPrice(legs: readonly OptionLeg[], surface: SpxSurface, expiryDay: number): number {
  return legs.reduce(
    (sum, { kind, strike, quantity }) => sum + quantity * spxOptionPrice(surface, kind, strike, expiryDay),
    0,
  );
}

/** Least half spread of an option, in points: half of the tick of 0.10. */
const LEAST_HALF_SPREAD = 0.05;

/** What trading legs costs in points: half a spread each, a share of the leg's price and at least half a tick. */
export function legsSpread(
  legs: readonly OptionLeg[],
  surface: SpxSurface,
  expiryDay: number,
  halfSpread: number,
): number {
  if (expiryDay <= surface.day) return 0; // settled, not traded
  return legs.reduce((sum, { kind, strike, quantity }) => {
    const price = spxOptionPrice(surface, kind, strike, expiryDay);
    return sum + Math.abs(quantity) * Math.max(halfSpread * price, LEAST_HALF_SPREAD);
  }, 0);
}

/** Value in dollars at model prices, before any spread. */
export function markSpx(positions: readonly SpxPosition[], surface: SpxSurface): number {
  return positions.reduce(
    (sum, { legs, expiryDay, contracts }) => sum + contracts * SPX_MULTIPLIER_USD * legsPrice(legs, surface, expiryDay),
    0,
  );
}

/** Value and Greeks; each strike keeps its volatility as the S&P moves, and the whole term moves with VIX. */
export function spxExposure(positions: readonly SpxPosition[], surface: SpxSurface): Exposure {
  const { spot, model } = surface;
  return addExposures(
    positions.flatMap(({ legs, expiryDay, contracts }) =>
      legs.map(({ kind, strike, quantity }) => {
        const size = contracts * quantity * SPX_MULTIPLIER_USD;
        const days = expiryDay - surface.day;
        const price = priceAt(surface, kind, strike, days);
        const none = { vegaConvexityUsd: 0, vvixVegaUsd: 0 };
        if (days <= 0) {
          return { ...none, valueUsd: size * price, spxDeltaUsd: 0, spxGammaUsd: 0, vegaUsd: 0, thetaUsdPerDay: 0 };
        }
        const input = terms(surface, strike, days);
        const greeks = blackScholes(input).greeks[kind];
        const atTheMoney = (model.atTheMoneyShare * termVolatility(surface.term, days)) / 100;
        const held = input.volatility / atTheMoney;
        // Inside its bounds a strike moves as σ₀ does, at a bound in proportion.
        const perPoint = held > LOWEST_SHARE && held < HIGHEST_SHARE ? 1 : held;
        return {
          ...none,
          valueUsd: size * price,
          spxDeltaUsd: size * greeks.delta * spot,
          spxGammaUsd: size * greeks.gamma * spot * spot * 0.01,
          vegaUsd: (size * greeks.vega * model.atTheMoneyShare * perPoint) / 100,
          thetaUsdPerDay: size * (priceAt(surface, kind, strike, days - 1) - price),
        };
      }),
    ),
  );
}
