import { breakEvenPrices } from "./options.ts";
import type { OptionLeg } from "./options.ts";
import { legsPrice, legsSpread, markSpx, spxExpiry, spxStrike, SPX_MULTIPLIER_USD } from "./spxOptions.ts";
import type { SpxPosition, SpxSurface } from "./spxOptions.ts";

/**
 * Iron condors on the S&P 500 by VIX: the income of calm markets. A call and a put are sold, and bought further out, so
 * that the worst loss is known when selling: one wing less the credit.
 *
 * Opened in the next session after the decision; closed 21 days before expiry, the custom of those who sell them (gamma
 * grows fast after), and not before: neither profit nor loss closes one. VIX above 20 stops new ones only.
 */

/** Tiers by the delta of the options sold (QUANT). */
export const CONDOR_TIERS = [
  { id: "conservative", shortDelta: 0.1 },
  { id: "balanced", shortDelta: 0.16 },
  { id: "aggressive", shortDelta: 0.22 },
] as const;
export type CondorTier = (typeof CONDOR_TIERS)[number]["id"];

/** VIX in points: all tiers below, and the most at which Conservative and Balanced still open. */
const ALL_TIERS_BELOW = 15;
const ANY_TIER_TO = 20;
/** Distance of the bought strike from the sold one, as a share of spot (QUANT). */
const WING = 0.015;
/** The middle of QUANT's 30 to 45 days; the nearest Friday to it is always inside. */
const DAYS_AHEAD = 38;

/** How much to sell. A start value, not fitted. */
export interface CondorPolicy {
  /** Most that one tier's condor can lose, as a share of NAV. */
  readonly maxLossShare: number;
  /** Half the spread of each option as a share of its price. */
  readonly halfSpread: number;
  /** Days to expiry at which it is closed; 0 holds to expiry. */
  readonly closeDaysLeft: number;
}

export const CONDOR_POLICY: CondorPolicy = { maxLossShare: 0.005, halfSpread: 0.02, closeDaysLeft: 21 };

/** A condor's terms, in points of the S&P. */
export interface Condor {
  readonly tier: CondorTier;
  readonly legs: readonly OptionLeg[];
  readonly expiryDay: number;
  /** What selling it brings in, after the spread. */
  readonly credit: number;
  /** The most it can lose at expiry. */
  readonly maxLoss: number;
  /** S&P prices at expiry between which it gains. */
  readonly breakEvens: readonly [number, number];
}

/** A condor held. */
export interface CondorPosition extends SpxPosition, Condor {}

export interface CondorOrders {
  readonly close: readonly CondorPosition[];
  readonly open: readonly (Condor & { readonly contracts: number })[];
}

/** The tiers that may be opened at a VIX, in points. */
export function condorTiersAt(vix: number): readonly CondorTier[] {
  const ids = CONDOR_TIERS.map(({ id }) => id);
  if (vix < ALL_TIERS_BELOW) return ids;
  return vix <= ANY_TIER_TO ? ids.filter((id) => id !== "aggressive") : [];
}

/** A tier's condor at a surface's prices. Null when it would bring in nothing after the spread. */
export function condorOf(surface: SpxSurface, tier: CondorTier, halfSpread: number): Condor | null {
  const { shortDelta } = CONDOR_TIERS.find(({ id }) => id === tier)!;
  const expiryDay = spxExpiry(surface.day, DAYS_AHEAD);
  const put = spxStrike(surface, "put", shortDelta, expiryDay);
  const call = spxStrike(surface, "call", shortDelta, expiryDay);
  const wing = WING * surface.spot;
  const legs: readonly OptionLeg[] = [
    { kind: "put", strike: put - wing, quantity: 1 },
    { kind: "put", strike: put, quantity: -1 },
    { kind: "call", strike: call, quantity: -1 },
    { kind: "call", strike: call + wing, quantity: 1 },
  ];
  return termsOf(tier, legs, wing, expiryDay, surface, halfSpread);
}

function termsOf(
  tier: CondorTier,
  legs: readonly OptionLeg[],
  wing: number,
  expiryDay: number,
  surface: SpxSurface,
  halfSpread: number,
): Condor | null {
  const credit = -legsPrice(legs, surface, expiryDay) - legsSpread(legs, surface, expiryDay, halfSpread);
  const [low, high] = breakEvenPrices(legs, credit);
  if (!(credit > 0 && credit < wing) || low === undefined || high === undefined) return null;
  return { tier, legs, expiryDay, credit, maxLoss: wing - credit, breakEvens: [low, high] };
}

/**
 * Orders of a session: condors at their days left are closed, and each tier that VIX permits and that holds none (or closes its
 * own now) is opened. `nav` in dollars; `sizeFactor` scales new ones (0.5 in the days after an event, 0 to open none).
 */
export function condorOrders(
  positions: readonly CondorPosition[],
  surface: SpxSurface,
  inputs: { readonly vix: number; readonly nav: number; readonly sizeFactor?: number },
  policy: CondorPolicy = CONDOR_POLICY,
): CondorOrders {
  const { vix, nav, sizeFactor = 1 } = inputs;
  const close = positions.filter(({ expiryDay }) => expiryDay - surface.day <= policy.closeDaysLeft);
  const open: (Condor & { contracts: number })[] = [];
  for (const tier of sizeFactor > 0 ? condorTiersAt(vix) : []) {
    if (positions.some((position) => position.tier === tier && !close.includes(position))) continue;
    const condor = condorOf(surface, tier, policy.halfSpread);
    if (condor !== null) open.push({ ...condor, contracts: contractsFor(condor, sizeFactor * nav, policy) });
  }
  return { close, open };
}

/** What was filled, and what it did to cash. */
export interface CondorFill {
  readonly positions: CondorPosition[];
  /** Received for condors sold, less what closing and settling others cost; spreads are off already. */
  readonly cashUsd: number;
  readonly spreadUsd: number;
}

/**
 * Fills orders at a later session's prices, and settles what has expired. Strikes stay as decided; a condor whose credit is
 * gone is not sold, and none is sold beyond the most that may be lost. `nav` in dollars, before the fill.
 */
export function fillCondors(
  positions: readonly CondorPosition[],
  orders: CondorOrders,
  surface: SpxSurface,
  nav: number,
  policy: CondorPolicy = CONDOR_POLICY,
): CondorFill {
  const leaving = positions.filter((held) => orders.close.includes(held) || held.expiryDay <= surface.day);
  const kept = positions.filter((held) => !leaving.includes(held));
  const opened = orders.open.flatMap(({ tier, legs, expiryDay, credit, maxLoss, contracts }): CondorPosition[] => {
    const condor = termsOf(tier, legs, credit + maxLoss, expiryDay, surface, policy.halfSpread);
    if (condor === null || expiryDay <= surface.day) return [];
    return [{ ...condor, contracts: Math.min(contracts, contractsFor(condor, nav, policy)) }];
  });
  const spreadUsd = [...leaving, ...opened].reduce(
    (sum, { legs, expiryDay, contracts }) =>
      sum + contracts * SPX_MULTIPLIER_USD * legsSpread(legs, surface, expiryDay, policy.halfSpread),
    0,
  );
  return {
    positions: [...kept, ...opened],
    cashUsd: markSpx(leaving, surface) - markSpx(opened, surface) - spreadUsd,
    spreadUsd,
  };
}

function contractsFor({ maxLoss }: Condor, nav: number, { maxLossShare }: CondorPolicy): number {
  return (maxLossShare * nav) / (maxLoss * SPX_MULTIPLIER_USD);
}
