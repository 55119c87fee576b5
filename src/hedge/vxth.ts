import { markVixCalls, vixCallPrice, vixCallStrike, VIX_MULTIPLIER_USD } from "./vixOptions.ts";
import type { VixCall } from "./vixOptions.ts";
import { vixFuture } from "./vixCurve.ts";
import type { VixCurve } from "./vixCurve.ts";

/**
 * The rule of the Cboe VIX Tail Hedge index (VXTH, methodology paper of Cboe): each month, when VIX options expire, a part
 * of the portfolio buys one-month VIX calls of 30 delta, and the part depends on the forward value of VIX. Held to
 * expiry. A baseline: what a published rule would have done.
 */

const VXTH_DELTA = 0.3;

/** Part of the portfolio by the forward value of VIX (points): 0 to 15, 1 % to 30, 0.5 % to 50, 0 above. */
export function vxthWeight(forwardVix: number): number {
  if (forwardVix <= 15) return 0;
  if (forwardVix <= 30) return 0.01;
  return forwardVix <= 50 ? 0.005 : 0;
}

/** Calls to buy at the next session's prices for a part of the portfolio. */
export interface VxthOrder {
  readonly expiryDay: number;
  readonly strike: number;
  /** Part of the portfolio to spend, decimal. */
  readonly weight: number;
}

/**
 * What to buy, decided at a session and filled at the next one, whose day is `fillDay`: on the days that VIX options
 * expire, unless the weight is zero; null otherwise, and while VVIX is unknown. The forward value of VIX is the future
 * of the following expiry; strikes are chosen when deciding.
 */
export function vxthOrder(curve: VixCurve, fillDay: number): VxthOrder | null {
  const [expiring, next] = curve.expiries;
  if (curve.vvix === null || expiring === undefined || next === undefined || fillDay < expiring) return null;
  const weight = vxthWeight(vixFuture(curve, next - curve.day));
  return weight === 0 ? null : { expiryDay: next, strike: vixCallStrike(curve, VXTH_DELTA, next), weight };
}

/** What holdings have become and what was paid or received. */
export interface VxthRoll {
  readonly positions: VixCall[];
  /** Received from expired calls, positive. */
  readonly settledUsd: number;
  /** Paid for new calls, spread included, positive. */
  readonly premiumUsd: number;
  /** The part of it that is spread. */
  readonly spreadUsd: number;
}

/**
 * Settles what has expired by the curve's day and fills an order at its prices. `nav` in dollars; `halfSpread` is a part of
 * the model price (0.03: buys 3 % above it).
 */
export function vxthFill(
  positions: readonly VixCall[],
  order: VxthOrder | null,
  curve: VixCurve,
  nav: number,
  halfSpread: number,
): VxthRoll {
  const expired = positions.filter(({ expiryDay }) => expiryDay <= curve.day);
  const kept = positions.filter(({ expiryDay }) => expiryDay > curve.day);
  const settledUsd = markVixCalls(expired, curve);
  if (order === null) return { positions: kept, settledUsd, premiumUsd: 0, spreadUsd: 0 };
  const { expiryDay, strike, weight } = order;
  const premiumUsd = weight * nav;
  const contracts = premiumUsd / (vixCallPrice(curve, strike, expiryDay) * (1 + halfSpread) * VIX_MULTIPLIER_USD);
  const spreadUsd = premiumUsd - premiumUsd / (1 + halfSpread);
  return { positions: [...kept, { strike, expiryDay, contracts }], settledUsd, premiumUsd, spreadUsd };
}
