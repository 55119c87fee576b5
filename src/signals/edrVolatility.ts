import { SESSIONS_PER_YEAR } from "./edrImplied.ts";

/** The volatility indices of the S&P 500, by the calendar days they look ahead. */
export const VOLATILITY_NODES: readonly VolatilityNode[] = [
  { series: "vix9d", calendarDays: 9 },
  { series: "vix", calendarDays: 30 },
  { series: "vix3m", calendarDays: 93 },
  { series: "vix6m", calendarDays: 184 },
];

/** A volatility index and the calendar days it looks ahead. */
export interface VolatilityNode {
  readonly series: string;
  readonly calendarDays: number;
}

/** What a node says: calendar days ahead, and annualised volatility as a decimal. */
export interface NodeVolatility {
  readonly calendarDays: number;
  readonly volatility: number;
}

const CALENDAR_DAYS_PER_YEAR = 365;

/** Calendar days that so many sessions take on average: 365·h/252. */
export function calendarDaysOf(sessions: number): number {
  return (CALENDAR_DAYS_PER_YEAR * sessions) / SESSIONS_PER_YEAR;
}

/**
 * Volatility (annualised decimal) to a date so many calendar days ahead: total variance σ²τ linear between the nodes on
 * either side, as Cboe interpolates the VIX itself (VIX methodology, 2023), the nearest node's volatility outside them.
 * @param nodes ascending by days; null for none
 */
export function interpolatedVolatility(nodes: readonly NodeVolatility[], calendarDays: number): number | null {
  const after = nodes.find((node) => node.calendarDays >= calendarDays);
  const before = nodes.findLast((node) => node.calendarDays <= calendarDays);
  if (after === undefined || before === undefined) return (after ?? before)?.volatility ?? null;
  if (after.calendarDays === before.calendarDays) return after.volatility;
  const variance = ({ calendarDays: days, volatility }: NodeVolatility): number => days * volatility * volatility;
  const weight = (calendarDays - before.calendarDays) / (after.calendarDays - before.calendarDays);
  return Math.sqrt(((1 - weight) * variance(before) + weight * variance(after)) / calendarDays);
}
