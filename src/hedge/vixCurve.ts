import type { AsOfView } from "../market/asOf.ts";
import { dayNumber } from "../market/calendar.ts";
import { forwardVolatility, freshValue, isFresh, varianceTermAsOf, varianceTermOn } from "./varianceTerm.ts";
import type { VarianceTerm } from "./varianceTerm.ts";
import { createVixExpiries } from "./vixExpiry.ts";

/**
 * The curve of VIX futures as of a session. No free history of the whole curve is known, so it is a model:
 * F(τ) = √(implied variance of the S&P from τ to τ + 30 days) × basis(τ), where the basis is what the front two futures
 * were, on average and up to then, over that square root. Jensen's inequality puts it below 1 (Carr and Wu 2006, "A tale
 * of two indices": E[VIX]² ≤ E[VIX²]). Where the front two futures are known themselves, the curve goes through them.
 */

/** The horizon of VIX itself, in calendar days. */
const VIX_DAYS = 30;
/** Futures listed ahead: as far as 220 days and a roll need. */
const MONTHS_AHEAD = 13;
/** Fewer pairs of a future and its model price than this (a month) make no average. */
const LEAST_OBSERVATIONS = 21;
const DAYS_PER_YEAR = 365;

/** What the model assumes of VIX; one set for futures and options. */
export interface VixModel {
  /**
   * κ of VIX, per year: VIX is an Ornstein–Uhlenbeck process in logs (Grünbichler and Longstaff 1996 for futures;
   * Mencía and Sentana 2013 for logs), so a move of x % in VIX moves the future by e^{−κτ}·x %.
   */
  readonly meanReversionPerYear: number;
  /** κ for the decay of σ(τ): the same number, apart so that flat VVIX (0) can be tried without touching the futures. */
  readonly volatilityDecayPerYear: number;
  /** Multiplies every σ(τ): 0.8 and 1.2 are the sensitivity shown beside each price. */
  readonly volatilityScale: number;
}

/**
 * κ = 3.49 (half-life 73 days) is what takes QUANT's 220-day at-the-money call from 5.47 at flat VVIX (F = K = 19, VVIX
 * 95) to 3.08. For comparison: log VIX 1990–2016, daily autoregression 4.4; second over first future's daily moves
 * 2016–2022, 3.9.
 */
export const VIX_MODEL: VixModel = {
  meanReversionPerYear: 3.49,
  volatilityDecayPerYear: 3.49,
  volatilityScale: 1,
};

/** ln(future / model) at some days to expiry. */
interface BasisPoint {
  readonly days: number;
  readonly logRatio: number;
}

/** The curve of one session. Plain data. */
export interface VixCurve {
  readonly day: number;
  /** VIX, in points. */
  readonly vix: number;
  /** VVIX as a decimal: the 30-day volatility of VIX. Null when unknown: then options have no model price. */
  readonly vvix: number | null;
  /** Interest per year, decimal: the federal funds rate, 0 when unknown. */
  readonly rate: number;
  readonly term: VarianceTerm;
  /** Listed expiries after the day, ascending, as day numbers. */
  readonly expiries: readonly number[];
  /** Average basis at the average days of the front two futures; none until a month of them is known. */
  readonly fittedBasis: readonly BasisPoint[];
  /** Today's front two futures over the model, where both are known and fresh. */
  readonly quotedBasis: readonly BasisPoint[];
  /** Pairs the fitted basis rests on. */
  readonly basisObservations: number;
  readonly model: VixModel;
}

/** A session whose curve cannot be known, and why. */
export interface UnknownVixCurve {
  readonly day: number;
  readonly unknown: string;
}

/** Called once a session, ascending: the curve as of the view. */
export type VixCurveStepper = (view: AsOfView, session: string) => VixCurve | UnknownVixCurve;

/** A stepper of curves. The average basis is of every future known by then, however late the stepping starts. */
export function createVixCurve(model: VixModel = VIX_MODEL): VixCurveStepper {
  const front = new RunningMean();
  const second = new RunningMean();
  const expiriesNow = createVixExpiries(MONTHS_AHEAD);
  const expiriesThen = createVixExpiries(2);
  let fittedTo = -1;
  let quoted: { day: number; points: readonly BasisPoint[] } = { day: -1, points: [] };

  return (view, session) => {
    const day = dayNumber(session);
    const term = varianceTermAsOf(view, day);
    const vix = freshValue(view, "vix", day);
    if (term === null || vix === null) {
      return { day, unknown: "there is no VIX of the last 5 sessions" };
    }
    for (const past of view.between("vxFront", fittedTo + 1, day).days) {
      const points = quotedBasisOn(view, past, expiriesThen(view, past));
      points.forEach((point, i) => (i === 0 ? front : second).add(point));
      if (points.length > 0) quoted = { day: past, points };
    }
    fittedTo = day;
    return {
      day,
      vix: vix.value,
      vvix: percent(freshValue(view, "vvix", day)?.value),
      rate: percent(freshValue(view, "fedFunds", day)?.value) ?? 0,
      term,
      expiries: expiriesNow(view, day),
      fittedBasis: second.count < LEAST_OBSERVATIONS ? [] : [front.mean(), second.mean()],
      quotedBasis: isFresh(quoted.day, day) ? quoted.points : [],
      basisObservations: second.count,
      model,
    };
  };
}

/** Whether a session's curve is known. */
export function isVixCurve(curve: VixCurve | UnknownVixCurve): curve is VixCurve {
  return "term" in curve;
}

/** Price of the future that expires `days` from now, in points; VIX itself for 0 and less. */
export function vixFuture(curve: VixCurve, days: number): number {
  if (days <= 0) return curve.vix;
  return forwardVolatility(curve.term, days, VIX_DAYS) * Math.exp(logBasis(curve, days));
}

/** Relative move of that future for a relative move of VIX: e^{−κτ}. */
export function vixBeta(curve: VixCurve, days: number): number {
  return Math.exp((-curve.model.meanReversionPerYear * Math.max(days, 0)) / DAYS_PER_YEAR);
}

/**
 * Basis in logs. It runs from 0 at expiry, where the future is VIX, through the front two futures. Today's own hold
 * between them; beyond the second, what sets today apart from the average dies out at VIX's own rate of reversion.
 */
function logBasis(curve: VixCurve, days: number): number {
  const fitted = interpolate(curve.fittedBasis, days);
  const last = curve.quotedBasis.at(-1);
  if (last === undefined) return fitted;
  if (days <= last.days) return interpolate(curve.quotedBasis, days);
  const apart = last.logRatio - interpolate(curve.fittedBasis, last.days);
  return fitted + apart * vixBeta(curve, days - last.days);
}

/** Linear from 0 at 0 days through the points, flat after the last. */
function interpolate(points: readonly BasisPoint[], days: number): number {
  let from: BasisPoint = { days: 0, logRatio: 0 };
  for (const to of points) {
    if (days <= to.days) {
      return from.logRatio + ((to.logRatio - from.logRatio) * (days - from.days)) / (to.days - from.days);
    }
    from = to;
  }
  return from.logRatio;
}

/**
 * What the front two futures of a day were over the model of that day; none unless VIX and both are known. The front one
 * expires after the day, never on it.
 */
function quotedBasisOn(view: AsOfView, day: number, expiries: readonly number[]): BasisPoint[] {
  const term = varianceTermOn(view, day);
  const prices = [view.on("vxFront", day), view.on("vxSecond", day)];
  if (term === null) return [];
  const points: BasisPoint[] = [];
  for (const [i, price] of prices.entries()) {
    if (price === null) return [];
    const days = expiries[i]! - day;
    points.push({ days, logRatio: Math.log(price / forwardVolatility(term, days, VIX_DAYS)) });
  }
  return points;
}

class RunningMean {
  count = 0;
  #days = 0;
  #logRatio = 0;

  add({ days, logRatio }: BasisPoint): void {
    this.count++;
    this.#days += days;
    this.#logRatio += logRatio;
  }

  mean(): BasisPoint {
    return { days: this.#days / this.count, logRatio: this.#logRatio / this.count };
  }
}

function percent(value: number | undefined): number | null {
  return value === undefined ? null : value / 100;
}
