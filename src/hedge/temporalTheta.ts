import { vixFuture } from "./vixCurve.ts";
import type { VixCurve } from "./vixCurve.ts";
import { markVixCalls, vixCallDecayUsd, vixCallExposure, vixCallStrike } from "./vixOptions.ts";
import type { VixCall } from "./vixOptions.ts";

/**
 * Temporal Theta ("Big Top Temporal Theta Cash Press"): the one time this book sells short-dated volatility in Stress. When
 * the front VIX future stands far above the second, calls on it that expire within days are dear and decay by the day;
 * calls are sold only inside calls held, so that the book stays long volatility. An out-of-range liquidity position has
 * the same crossing payoff and earns none of that decay: outOfRange in optionsAmm.ts.
 */

const MOST_DAYS = 10;
/** Front over second future, as a decimal. */
const LEAST_INVERSION = 0.08;
/** Forward delta of what is sold, and the part of the book's vega that it may use up. Start values, not fitted. */
const SOLD_DELTA = 0.2;
const MOST_VEGA_SHARE = 0.5;

/** A sale of options on VIX, as the gate judges it. */
export interface ThetaSale {
  readonly stress: boolean;
  /** Calendar days to expiry. */
  readonly days: number;
  readonly strike: number;
  /** VIX futures, points: of the sale's own expiry, the front one, the second. */
  readonly forward: number;
  readonly front: number;
  readonly second: number;
  /** Vega of the book with the sale in it, USD per VIX point. */
  readonly netVegaAfterUsd: number;
}

export interface ThetaVerdict {
  readonly allowed: boolean;
  /** Every condition that does not hold, in words with its numbers. */
  readonly failed: readonly string[];
}

/** Whether calls may be sold: every condition is named that forbids it. */
export function temporalThetaGate(sale: ThetaSale): ThetaVerdict {
  const failed: string[] = [];
  if (!sale.stress) failed.push("the regime is not Stress");
  if (!(sale.days > 0 && sale.days <= MOST_DAYS))
    failed.push(`it has ${sale.days} days to expiry, not 1 to ${MOST_DAYS}`);
  if (!(sale.strike > sale.forward)) {
    failed.push(`its strike ${sale.strike.toFixed(2)} is not above the future at ${sale.forward.toFixed(2)}`);
  }
  const inversion = sale.front / sale.second - 1;
  if (!(inversion >= LEAST_INVERSION)) {
    failed.push(`the front future is ${percent(inversion)} over the second, not ${percent(LEAST_INVERSION)}`);
  }
  if (!(sale.netVegaAfterUsd >= 0)) {
    failed.push(`the book would be short volatility by ${(-sale.netVegaAfterUsd).toFixed(0)} USD per VIX point`);
  }
  return { allowed: failed.length === 0, failed };
}

/** Calls to sell, and the verdict on them. */
export interface TemporalTheta extends ThetaVerdict {
  /** Short calls (negative contracts) to add at the next session's prices; null when none may be sold. */
  readonly sale: VixCall | null;
  /** What the calls judged would earn as a day passes with the front future where it is: their time value. */
  readonly decayUsdPerDay: number;
  /** And with the curve where it is: with VIX above the front future, that future rises, and this may be a loss. */
  readonly carryUsdPerDay: number;
}

/**
 * What the Cash Press sells after a session: calls of 20 delta on the front future, as many as use up half of the book's
 * vega and never more than the calls held. `held` are the book's long VIX calls, `bookVegaUsd` the vega of the whole book.
 */
export function temporalTheta(
  curve: VixCurve,
  stress: boolean,
  held: readonly VixCall[],
  bookVegaUsd: number,
): TemporalTheta {
  const [expiryDay, secondDay] = curve.expiries as readonly [number, number, ...number[]];
  const days = expiryDay - curve.day;
  if (curve.vvix === null) {
    const failed = ["VVIX is unknown: calls have no model price"];
    return { allowed: false, failed, sale: null, decayUsdPerDay: 0, carryUsdPerDay: 0 };
  }
  const front = vixFuture(curve, days);
  const strike = vixCallStrike(curve, SOLD_DELTA, expiryDay);
  const one = { strike, expiryDay, contracts: 1 };
  const holding = held.reduce((sum, { contracts }) => sum + Math.max(contracts, 0), 0);
  const byVega = (MOST_VEGA_SHARE * bookVegaUsd) / vixCallExposure([one], curve).vegaUsd;
  const contracts = Math.max(Math.min(holding, byVega), 0);
  const sale = { ...one, contracts: -contracts };
  const exposure = vixCallExposure([sale], curve);
  const verdict = temporalThetaGate({
    stress,
    days,
    strike,
    forward: front,
    front,
    second: vixFuture(curve, secondDay - curve.day),
    netVegaAfterUsd: bookVegaUsd + exposure.vegaUsd,
  });
  const failed = contracts > 0 ? verdict.failed : [...verdict.failed, "there is no long volatility to sell inside of"];
  const allowed = failed.length === 0;
  return {
    allowed,
    failed,
    sale: allowed ? sale : null,
    decayUsdPerDay: sale.contracts * vixCallDecayUsd(curve, strike, expiryDay),
    carryUsdPerDay: exposure.thetaUsdPerDay,
  };
}

/** What was filled, and what it did to cash. */
export interface TemporalThetaFill {
  readonly positions: VixCall[];
  /** Received for the sale, spread off, less what expired calls had to pay. */
  readonly cashUsd: number;
  readonly spreadUsd: number;
}

/** Fills a sale at a later session's prices, and settles what has expired: what is sold is held to expiry. */
export function fillTemporalTheta(
  positions: readonly VixCall[],
  sale: VixCall | null,
  curve: VixCurve,
  halfSpread: number,
): TemporalThetaFill {
  const expired = positions.filter(({ expiryDay }) => expiryDay <= curve.day);
  const kept = positions.filter(({ expiryDay }) => expiryDay > curve.day);
  const sold = sale === null || sale.expiryDay <= curve.day ? [] : [sale];
  const premiumUsd = -markVixCalls(sold, curve);
  const spreadUsd = halfSpread * premiumUsd;
  return { positions: [...kept, ...sold], cashUsd: markVixCalls(expired, curve) + premiumUsd - spreadUsd, spreadUsd };
}

function percent(decimal: number): string {
  return `${(100 * decimal).toFixed(1)} %`;
}
