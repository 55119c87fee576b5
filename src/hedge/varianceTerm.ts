import type { AsOfView } from "../market/asOf.ts";
import type { Observation } from "../market/series.ts";
import { sessionsAfter } from "../signals/age.ts";
import { VOLATILITY_NODES } from "../signals/edrVolatility.ts";
import { MAX_AGE_SESSIONS } from "../signals/seriesSignal.ts";

/**
 * The term structure of S&P implied variance, from Cboe's volatility indices of one session: each index squared, times
 * its days, is the total variance to its horizon, and total variance is linear in time between horizons (from zero at
 * zero days), so that the variance between two dates is a plain difference.
 */

/** Horizons ascending in calendar days, and each one's volatility in points (16.05). */
export interface VarianceTerm {
  readonly days: readonly number[];
  readonly volatilities: readonly number[];
}

/** Beyond the last horizon its last segment goes on, if that began at 30 days or later: a short one says nothing of it. */
const SHORTEST_SEGMENT_TO_EXTEND_DAYS = 30;
/**
 * Least forward volatility as a share of the term's lowest: closes taken at different times can make total variance
 * fall, which no market does. Never reached on closes from 2008 to 2023.
 */
const FORWARD_FLOOR = 0.5;

/** Whether a value observed for a day is at most five sessions old on another. */
export function isFresh(observedDay: number, day: number): boolean {
  return sessionsAfter(observedDay, day) <= MAX_AGE_SESSIONS;
}

/** The last known value of a series; null when it is not fresh on `day`. */
export function freshValue(view: AsOfView, series: string, day: number): Observation | null {
  const observation = view.latest(series);
  return observation !== null && isFresh(observation.day, day) ? observation : null;
}

/** The term of a session's day from what the view knows; null without a fresh VIX. */
export function varianceTermAsOf(view: AsOfView, day: number): VarianceTerm | null {
  return termOf((series) => freshValue(view, series, day)?.value ?? null);
}

/** The term observed on exactly that day; null when VIX was not. */
export function varianceTermOn(view: AsOfView, day: number): VarianceTerm | null {
  return termOf((series) => view.on(series, day));
}

function termOf(valueOf: (series: string) => number | null): VarianceTerm | null {
  const days: number[] = [];
  const volatilities: number[] = [];
  for (const { series, calendarDays } of VOLATILITY_NODES) {
    const value = valueOf(series);
    if (value === null && series === "vix") return null;
    if (value === null) continue;
    days.push(calendarDays);
    volatilities.push(value);
  }
  return { days, volatilities };
}

/** Average volatility from now to `days` from now, in points. */
export function termVolatility(term: VarianceTerm, days: number): number {
  if (days <= term.days[0]!) return term.volatilities[0]!;
  return Math.sqrt(totalVariance(term, days) / days);
}

/** Volatility of the `length` days that begin `days` from now, in points: √(forward variance). */
export function forwardVolatility(term: VarianceTerm, days: number, length: number): number {
  const variance = (totalVariance(term, days + length) - totalVariance(term, days)) / length;
  const floor = FORWARD_FLOOR * Math.min(...term.volatilities);
  return Math.sqrt(Math.max(variance, floor * floor));
}

/** Points² × days from now to `days` from now. */
function totalVariance({ days: horizons, volatilities }: VarianceTerm, days: number): number {
  let fromDays = 0;
  let fromVariance = 0;
  let slope = 0;
  for (let i = 0; i < horizons.length; i++) {
    const variance = volatilities[i]! * volatilities[i]! * horizons[i]!;
    const segment = (variance - fromVariance) / (horizons[i]! - fromDays);
    if (days <= horizons[i]!) return fromVariance + segment * (days - fromDays);
    slope = fromDays >= SHORTEST_SEGMENT_TO_EXTEND_DAYS ? segment : volatilities[i]! * volatilities[i]!;
    fromDays = horizons[i]!;
    fromVariance = variance;
  }
  return fromVariance + slope * (days - fromDays);
}
