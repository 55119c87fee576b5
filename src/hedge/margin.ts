import type { AsOfView } from "../market/asOf.ts";

/**
 * Margin of a short perpetual, so that its liquidation lies beyond the worst rise of the past with room to spare
 * (QUANT, "Hedge ratio": 1.5 times the worst historical 3-day move).
 */

/** Days of the move a short must survive without anyone adding margin. */
export const RISE_DAYS = 3;
/** Room beyond the worst rise of the past. */
export const RISE_MARGIN = 1.5;
/** Equity / notional below which a venue liquidates: 6.25 %, Perpetual Protocol v2's, the venue of the contracts. */
export const MAINTENANCE_MARGIN = 0.0625;

/**
 * The rise of the price at which a short is liquidated, decimal: equity falls by what it loses while the margin to keep
 * grows with its notional. Negative when it is due already. Equity and notional in the same unit.
 */
export function liquidatingRise(equity: number, notional: number): number {
  return (equity / notional - MAINTENANCE_MARGIN) / (1 + MAINTENANCE_MARGIN);
}

/** The worst rise known so far. */
export interface WorstRise {
  /** Decimal: 0.65 is a rise of 65 %. Never negative. */
  readonly rise: number;
  /** The day whose close it rose from (days since 1970-01-01). */
  readonly fromDay: number;
  /** Closes that it is the worst of: a short history has seen little. */
  readonly days: number;
}

/** A series of closes, and of highs where there is one: a short is liquidated at a high, not at a close. */
export interface RiseSeries {
  readonly close: string;
  readonly high?: string;
}

/**
 * The worst rise from a close to the highest price of the next three bars, over all bars known: called once per session
 * in ascending order, O(1) a call. Null until four bars are known. A bar without a high counts with its close.
 */
export function createWorstRise(series: RiseSeries): (view: AsOfView) => WorstRise | null {
  let worst: { rise: number; fromDay: number } | null = null;
  let seen = 0;
  return (view) => {
    const known = view.count(series.close);
    if (known > seen) {
      // The bars before the first new one whose three days are not over yet, and the new ones.
      const bars = known - seen + Math.min(RISE_DAYS, seen);
      const first = view.latest(series.close, bars - 1)!.day;
      const last = view.latest(series.close)!.day;
      const { days, values } = view.between(series.close, first, last);
      const highs = highsOf(view, series.high, days, values);
      for (let i = 1; i < bars; i++) {
        for (let back = 1; back <= RISE_DAYS && back <= i; back++) {
          if (days[i]! - days[i - back]! > RISE_DAYS) break;
          const rise = Math.max(0, highs[i]! / values[i - back]! - 1);
          if (worst === null || rise > worst.rise) worst = { rise, fromDay: days[i - back]! };
        }
      }
      seen = known;
    }
    return worst === null || seen <= RISE_DAYS ? null : { ...worst, days: seen };
  };
}

function highsOf(view: AsOfView, name: string | undefined, days: Int32Array, closes: Float64Array): Float64Array {
  const highs = closes.slice();
  if (name === undefined) return highs;
  const known = view.between(name, days[0]!, days.at(-1)!);
  let j = 0;
  known.days.forEach((day, k) => {
    while (j < days.length && days[j]! < day) j++;
    if (days[j] === day) highs[j] = Math.max(highs[j]!, known.values[k]!);
  });
  return highs;
}

/** What a short of a size needs. */
export interface ShortMargin {
  /** Equity to post, in the currency of the notional. */
  readonly margin: number;
  /** Notional / margin. */
  readonly leverage: number;
  /** The rise (decimal) at which the short would be liquidated. */
  readonly liquidationRise: number;
}

/** A notional, rise or maintenance margin that makes no sense. */
export class MarginInputError extends Error {
  constructor(what: string, value: number) {
    super(`${what} is ${value}: give a finite decimal that is not negative (a maintenance margin below 1).`);
    this.name = "MarginInputError";
  }
}

/**
 * Margin for a short of `notional` (positive) so that it is liquidated only by a rise beyond 1.5 × `worstRise`. After a
 * rise u the equity M − N·u must still be m·N·(1 + u), so M = N·(u + m·(1 + u)).
 */
export function marginFor(
  notional: number,
  worstRise: number,
  maintenanceMargin = MAINTENANCE_MARGIN,
  room = RISE_MARGIN,
): ShortMargin {
  for (const [what, value] of Object.entries({ notional, worstRise, maintenanceMargin, room })) {
    if (!(value >= 0 && value < Infinity)) throw new MarginInputError(what, value);
  }
  if (maintenanceMargin >= 1) throw new MarginInputError("maintenanceMargin", maintenanceMargin);
  const liquidationRise = room * worstRise;
  const perNotional = liquidationRise + maintenanceMargin * (1 + liquidationRise);
  return { margin: notional * perNotional, leverage: 1 / perNotional, liquidationRise };
}

/** The rise (decimal) that liquidates a short of a notional with that equity: (M/N − m) / (1 + m), at least 0. */
export function liquidationRise(notional: number, equity: number, maintenanceMargin = MAINTENANCE_MARGIN): number {
  if (!(notional > 0 && notional < Infinity)) throw new MarginInputError("notional", notional);
  if (!Number.isFinite(equity)) throw new MarginInputError("equity", equity);
  return Math.max(0, (equity / notional - maintenanceMargin) / (1 + maintenanceMargin));
}
