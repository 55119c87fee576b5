import type { Exposure } from "./exposure.ts";
import { vixBeta, vixFuture } from "./vixCurve.ts";
import type { VixCurve } from "./vixCurve.ts";

/**
 * VIX futures, and the funds made of them, as a layer: the front two, mixed so that they have 30 days to go on average
 * (as the S&P 500 VIX Short-Term Futures index does), rebalanced each session. What it earns or costs when nothing moves
 * is the roll yield.
 */

/** Days to expiry of the mix. */
const CONSTANT_DAYS = 30;
const DAYS_PER_YEAR = 365;

/** The two futures of the mix by expiry day, and each one's share of its value; shares are positive and sum to one. */
export interface FuturesMix {
  readonly expiryDays: readonly [number, number];
  readonly shares: readonly [number, number];
}

/** The mix of a session: the expiries on both sides of 30 days. */
export function vixFuturesMix(curve: VixCurve): FuturesMix {
  const { day, expiries } = curve;
  const after = Math.max(
    expiries.findIndex((expiry) => expiry - day > CONSTANT_DAYS),
    1,
  );
  const expiryDays = [expiries[after - 1]!, expiries[after]!] as const;
  const [near, far] = [expiryDays[0] - day, expiryDays[1] - day];
  const nearShare = Math.min(Math.max((far - CONSTANT_DAYS) / (far - near), 0), 1);
  return { expiryDays, shares: [nearShare, 1 - nearShare] };
}

/** Simple return of a mix chosen at an earlier session, from a session's prices to another's; both after the choice. */
export function vixFuturesReturn(mix: FuturesMix, from: VixCurve, to: VixCurve): number {
  return mix.expiryDays.reduce((sum, expiryDay, i) => {
    const change = vixFuture(to, expiryDay - to.day) / vixFuture(from, expiryDay - from.day) - 1;
    return sum + mix.shares[i]! * change;
  }, 0);
}

/**
 * Roll yield of a long position per year, as a decimal: −∂ln F/∂τ between the two futures of the mix, ln(F₁/F₂)/(τ₂ − τ₁).
 * Negative in contango: what holding it costs while the curve stays.
 */
export function vixRollYield(curve: VixCurve): number {
  const [near, far] = vixFuturesMix(curve).expiryDays.map((expiryDay) => expiryDay - curve.day) as [number, number];
  return (Math.log(vixFuture(curve, near) / vixFuture(curve, far)) * DAYS_PER_YEAR) / (far - near);
}

/** A roll yield of less is rounding: the model's curve is flat where one pair of indices spans both futures. */
const LEAST_ROLL_YIELD = 1e-6;

/** Long only while that pays: 1 with a positive roll yield (the curve inverted), else 0. */
export function vixFuturesWeight(curve: VixCurve): 0 | 1 {
  return vixRollYield(curve) > LEAST_ROLL_YIELD ? 1 : 0;
}

/** Exposure of `usd` dollars of notional in the mix (negative when short). A future's value is zero: it is settled daily. */
export function vixFuturesExposure(mix: FuturesMix, usd: number, curve: VixCurve): Exposure {
  const days = mix.expiryDays.map((expiryDay) => expiryDay - curve.day);
  const beta = days.reduce((sum, left, i) => sum + mix.shares[i]! * vixBeta(curve, left), 0);
  const perDay = days.reduce((sum, left, i) => {
    return sum + mix.shares[i]! * (vixFuture(curve, Math.max(left - 1, 0)) / vixFuture(curve, Math.max(left, 0)) - 1);
  }, 0);
  return {
    valueUsd: 0,
    spxDeltaUsd: 0,
    spxGammaUsd: 0,
    vegaUsd: (usd * beta) / curve.vix,
    vegaConvexityUsd: 0,
    vvixVegaUsd: 0,
    thetaUsdPerDay: usd * perDay,
  };
}
