import type { OptionLeg } from "./options.ts";
import { budgetLeft, premiumsCounted, purchasesPlanned } from "./premiumBudget.ts";
import type { PremiumPaid } from "./premiumBudget.ts";
import { legsPrice, legsSpread, markSpx, spxExpiry, spxStrike, SPX_MULTIPLIER_USD } from "./spxOptions.ts";
import type { SpxPosition, SpxSurface } from "./spxOptions.ts";

/**
 * S&P put spreads as a layer of the hedge: a put bought at 25 delta, one sold at 10 delta to pay for part of it, held
 * always. Bought with about 45 days, rolled at 21. Decided at one session's prices, filled at the next one's.
 */

const LONG_DELTA = 0.25;
const SHORT_DELTA = 0.1;
const DAYS_AHEAD = 45;
const ROLL_DAYS_LEFT = 21;

/** How much to hold. Start values, not fitted. */
export interface PutSpreadPolicy {
  /** Most premium paid in any 365 days, as a share of NAV when paid. */
  readonly yearlyBudgetShare: number;
  /** Half the spread of each option as a share of its price. */
  readonly halfSpread: number;
}

export const PUT_SPREAD_POLICY: PutSpreadPolicy = { yearlyBudgetShare: 0.01, halfSpread: 0.02 };

/** Plain data; start with NO_PUT_SPREAD. */
export interface PutSpreadState {
  readonly position: SpxPosition | null;
  readonly premiums: readonly PremiumPaid[];
}

export const NO_PUT_SPREAD: PutSpreadState = { position: null, premiums: [] };

/** The spread to hold next, bought in place of the one held. */
export interface PutSpreadOrder {
  readonly legs: readonly OptionLeg[];
  readonly expiryDay: number;
  /** Share of NAV to spend. */
  readonly shareOfNav: number;
}

/** What to buy after a session: something when nothing is held or 21 days are left, else null. */
export function putSpreadOrder(
  { position }: PutSpreadState,
  surface: SpxSurface,
  { yearlyBudgetShare }: PutSpreadPolicy = PUT_SPREAD_POLICY,
): PutSpreadOrder | null {
  if (position !== null && position.expiryDay - surface.day > ROLL_DAYS_LEFT) return null;
  const expiryDay = spxExpiry(surface.day, DAYS_AHEAD);
  const legs: readonly OptionLeg[] = [
    { kind: "put", strike: spxStrike(surface, "put", LONG_DELTA, expiryDay), quantity: 1 },
    { kind: "put", strike: spxStrike(surface, "put", SHORT_DELTA, expiryDay), quantity: -1 },
  ];
  const holdDays = expiryDay - surface.day - ROLL_DAYS_LEFT;
  return { legs, expiryDay, shareOfNav: yearlyBudgetShare / purchasesPlanned(holdDays) };
}

/** What was filled, and what it did to cash. */
export interface PutSpreadFill {
  readonly state: PutSpreadState;
  /** Paid for the new spread, half spreads included, positive. */
  readonly premiumUsd: number;
  /** Received for the old one, half spreads taken off. */
  readonly proceedsUsd: number;
  readonly spreadUsd: number;
}

/** Fills an order at a later session's prices, never above the budget; settles what has expired. `nav` in dollars. */
export function fillPutSpread(
  state: PutSpreadState,
  order: PutSpreadOrder | null,
  surface: SpxSurface,
  nav: number,
  policy: PutSpreadPolicy = PUT_SPREAD_POLICY,
): PutSpreadFill {
  const premiums = premiumsCounted(state.premiums, surface.day);
  const leaving = state.position !== null && (order !== null || state.position.expiryDay <= surface.day);
  const old = leaving ? [state.position] : [];
  const cost = (legs: readonly OptionLeg[], expiryDay: number): number =>
    SPX_MULTIPLIER_USD * legsSpread(legs, surface, expiryDay, policy.halfSpread);
  const oldSpreadUsd = old.reduce((sum, held) => sum + held.contracts * cost(held.legs, held.expiryDay), 0);
  const proceedsUsd = Math.max(markSpx(old, surface) - oldSpreadUsd, 0);
  const kept = leaving ? null : state.position;
  if (order === null) {
    return { state: { position: kept, premiums }, premiumUsd: 0, proceedsUsd, spreadUsd: oldSpreadUsd };
  }
  const { legs, expiryDay } = order;
  const share = Math.min(order.shareOfNav, budgetLeft(premiums, surface.day, policy.yearlyBudgetShare));
  const eachSpread = cost(legs, expiryDay);
  const each = SPX_MULTIPLIER_USD * legsPrice(legs, surface, expiryDay) + eachSpread;
  const contracts = (share * nav) / each;
  return {
    state: {
      position: { legs, expiryDay, contracts },
      premiums: [...premiums, { day: surface.day, shareOfNav: share }],
    },
    premiumUsd: share * nav,
    proceedsUsd,
    spreadUsd: oldSpreadUsd + contracts * eachSpread,
  };
}
