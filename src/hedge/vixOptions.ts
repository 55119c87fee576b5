import { addExposures } from "./exposure.ts";
import type { Exposure } from "./exposure.ts";
import { black76, black76Price, intrinsicValue, OptionInputError, strikeForDelta } from "./options.ts";
import { vixBeta, vixFuture } from "./vixCurve.ts";
import type { VixCurve, VixModel } from "./vixCurve.ts";

/**
 * Calls on VIX, by Black-76 on the VIX future of their expiry. Every price here is a *model price*: no history of quotes is
 * in the data. The volatility is the same at all strikes (VVIX, made of options out of the money, lies above the
 * at-the-money volatility that a call near the money is bought at, so such calls are not made cheaper than they were).
 */

/** Dollars per point of one contract. Source: Cboe contract specifications. */
export const VIX_MULTIPLIER_USD = 100;
const DAYS_PER_YEAR = 365;
/** VVIX is the volatility of VIX over 30 days. */
const VVIX_DAYS = 30;

/** Long calls of one strike and expiry. Plain data; contracts may be fractions. */
export interface VixCall {
  readonly strike: number;
  /** Day number of the expiry. */
  readonly expiryDay: number;
  readonly contracts: number;
}

/**
 * Volatility of the future that expires in so many days, as a decimal. For log-Ornstein–Uhlenbeck VIX the variance of its
 * logarithm over τ is σ²·(1 − e^{−2κτ})/2κ, so σ(τ) = VVIX·√(g(τ)/g(30 days)), g(τ) = (1 − e^{−2κτ})/(2κτ).
 * Null when VVIX is unknown.
 */
export function vixOptionVolatility(curve: VixCurve, days: number): number | null {
  if (curve.vvix === null) return null;
  const { volatilityDecayPerYear, volatilityScale } = curve.model;
  return curve.vvix * volatilityScale * volatilityDecay(volatilityDecayPerYear, days);
}

/** σ(τ) over σ(30 days). */
export function volatilityDecay(decayPerYear: number, days: number): number {
  const averaged = (horizon: number): number => {
    const x = (2 * decayPerYear * horizon) / DAYS_PER_YEAR;
    return x === 0 ? 1 : -Math.expm1(-x) / x;
  };
  return Math.sqrt(averaged(Math.max(days, 0)) / averaged(VVIX_DAYS));
}

/**
 * Model price of a call in points, before any spread: its payoff at VIX on and after expiry (the settlement value is not in
 * the data; VIX's close stands for it), its discounted intrinsic value while VVIX is unknown.
 */
export function vixCallPrice(curve: VixCurve, strike: number, expiryDay: number): number {
  return priceAt(curve, strike, expiryDay - curve.day);
}

function priceAt(curve: VixCurve, strike: number, days: number): number {
  if (days <= 0) return intrinsicValue("call", curve.vix, strike);
  const volatility = vixOptionVolatility(curve, days) ?? 0;
  const years = days / DAYS_PER_YEAR;
  return black76Price("call", { forward: vixFuture(curve, days), strike, years, rate: curve.rate, volatility });
}

/** The strike of a call whose undiscounted N(d1) is `delta`. Strikes are continuous: the listed grid is not modelled. */
export function vixCallStrike(curve: VixCurve, delta: number, expiryDay: number): number {
  const days = expiryDay - curve.day;
  const volatility = vixOptionVolatility(curve, days);
  if (volatility === null) throw new OptionInputError("VVIX", NaN, "known: do not choose strikes without it");
  return strikeForDelta("call", delta, vixFuture(curve, days), days / DAYS_PER_YEAR, volatility);
}

/** A model price beside what other assumptions would make of it, in points. */
export interface ModelPrice {
  readonly label: "model price";
  readonly price: number;
  /** With VVIX at every horizon. */
  readonly flatVvix: number;
  /** With every volatility 20 % lower and higher. */
  readonly lowerVolatility: number;
  readonly higherVolatility: number;
}

const SENSITIVITY = 0.2;

/** A call's model price and its sensitivity to the model. */
export function vixCallModelPrice(curve: VixCurve, strike: number, expiryDay: number): ModelPrice {
  const under = (change: Partial<VixModel>): number =>
    vixCallPrice({ ...curve, model: { ...curve.model, ...change } }, strike, expiryDay);
  const scale = curve.model.volatilityScale;
  return {
    label: "model price",
    price: under({}),
    flatVvix: under({ volatilityDecayPerYear: 0 }),
    lowerVolatility: under({ volatilityScale: scale * (1 - SENSITIVITY) }),
    higherVolatility: under({ volatilityScale: scale * (1 + SENSITIVITY) }),
  };
}

/** Value of calls in dollars at model prices, before any spread. */
export function markVixCalls(positions: readonly VixCall[], curve: VixCurve): number {
  return positions.reduce(
    (sum, { strike, expiryDay, contracts }) =>
      sum + contracts * VIX_MULTIPLIER_USD * vixCallPrice(curve, strike, expiryDay),
    0,
  );
}

/** What one long call gains as a day passes and its future stays: Black-76's theta, in dollars; 0 at and after expiry. */
export function vixCallDecayUsd(curve: VixCurve, strike: number, expiryDay: number): number {
  const days = expiryDay - curve.day;
  const volatility = vixOptionVolatility(curve, days);
  if (days <= 0 || volatility === null) return 0;
  const years = days / DAYS_PER_YEAR;
  const input = { forward: vixFuture(curve, days), strike, years, rate: curve.rate, volatility };
  return (VIX_MULTIPLIER_USD * black76(input).greeks.call.theta) / DAYS_PER_YEAR;
}

/** What calls are exposed to. Of the S&P itself, to nothing but through VIX. */
export function vixCallExposure(positions: readonly VixCall[], curve: VixCurve): Exposure {
  return addExposures(
    positions.map(({ strike, expiryDay, contracts }) => {
      const size = contracts * VIX_MULTIPLIER_USD;
      const days = expiryDay - curve.day;
      const price = priceAt(curve, strike, days);
      const base = { valueUsd: size * price, spxDeltaUsd: 0, spxGammaUsd: 0 };
      if (days <= 0) return { ...base, vegaUsd: 0, vegaConvexityUsd: 0, vvixVegaUsd: 0, thetaUsdPerDay: 0 };
      const forward = vixFuture(curve, days);
      const volatility = vixOptionVolatility(curve, days);
      const { greeks } = black76({
        forward,
        strike,
        years: days / DAYS_PER_YEAR,
        rate: curve.rate,
        volatility: volatility ?? 0,
      });
      const perPoint = (forward / curve.vix) * vixBeta(curve, days);
      return {
        ...base,
        vegaUsd: size * greeks.call.delta * perPoint,
        vegaConvexityUsd: size * greeks.call.gamma * perPoint * perPoint,
        vvixVegaUsd: volatility === null ? 0 : (size * greeks.call.vega * volatility) / (curve.vvix! * 100),
        thetaUsdPerDay: size * (priceAt(curve, strike, days - 1) - price),
      };
    }),
  );
}
