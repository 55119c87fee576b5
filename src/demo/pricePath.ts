import type { MarketDay } from "../market/history.ts";

/** One move of the market inside a day. */
export interface PriceStep {
  /** Seconds after 00:00 UTC. */
  secondOfDay: number;
  /** USD. */
  price: number;
}

/** The first move comes an hour after midnight: what was decided at 00:05 is filled at a price not known then. */
const FIRST_SECOND = 3_600;
/** The last move, the day's close, comes five minutes before midnight. */
const LAST_SECOND = 86_100;
/** No single move is larger than this (natural logarithm): venues limit what a price may do in one block. */
const MAX_STEP = 0.05;

/**
 * A path through a day's bar: open, then low, high, close on a day that rose, open, high, low, close on one that fell (the
 * order that is likelier), in equal logarithmic moves of at most 5 %. Ends exactly at the close.
 */
export function pricePath(bar: MarketDay["eth"]): PriceStep[] {
  const rose = bar.close >= bar.open;
  const corners = rose ? [bar.low, bar.high, bar.close] : [bar.high, bar.low, bar.close];
  const prices: number[] = [];
  let from = bar.open;
  for (const to of corners) {
    const distance = Math.log(to / from);
    const moves = Math.max(1, Math.ceil(Math.abs(distance) / MAX_STEP));
    for (let move = 1; move <= moves; move++)
      prices.push(move === moves ? to : from * Math.exp((distance * move) / moves));
    from = to;
  }
  const gap = (LAST_SECOND - FIRST_SECOND) / Math.max(1, prices.length - 1);
  return prices.map((price, index) => ({ secondOfDay: Math.round(FIRST_SECOND + index * gap), price }));
}
