import { dateOfDay, dayNumber, isSession, nextSession } from "../market/calendar.ts";
import { budgetLeft, premiumsCounted, purchasesPlanned } from "./premiumBudget.ts";
import type { PremiumPaid } from "./premiumBudget.ts";
import type { VixCurve } from "./vixCurve.ts";
import { markVixCalls, vixCallExposure, vixCallPrice, vixCallStrike, VIX_MULTIPLIER_USD } from "./vixOptions.ts";
import type { VixCall } from "./vixOptions.ts";

/**
 * ALVH, the Adaptive Layered VIX Hedge: long VIX calls in three layers that are never paused, each rolled before its time
 * value goes fastest, as many as a net vega target asks for and a yearly premium budget allows.
 *
 * Decided at one session's curve (layers, strikes, number), filled at the next one's (price, and never above the budget).
 */

export type AlvhLayerId = "short" | "middle" | "long";

interface AlvhLayer {
  readonly id: AlvhLayerId;
  /** Calendar days to expiry aimed at when buying. */
  readonly days: number;
  /** Contracts in one set. */
  readonly contracts: number;
  /** Days left at which it is rolled, for a call bought with so many days of life. */
  readonly rollDaysLeft: (lifeDays: number) => number;
}

const aThird = (lifeDays: number): number => lifeDays / 3;
/** QUANT: 30, 110 and 220 days, 4/4/2 contracts, rolled at 21 days left (30) or a third of life left (110, 220). */
export const ALVH_LAYERS: readonly AlvhLayer[] = [
  { id: "short", days: 30, contracts: 4, rollDaysLeft: () => 21 },
  { id: "middle", days: 110, contracts: 4, rollDaysLeft: aThird },
  { id: "long", days: 220, contracts: 2, rollDaysLeft: aThird },
];
/** Undiscounted N(d1) of the strike when buying (QUANT). */
const DELTA = 0.5;
/** A call is not bought to be rolled within a week. */
const LEAST_HOLD_DAYS = 7;

/** One fill spends at most this much of what the budget has left, so that dear rolls never leave a later one nothing. */
const MOST_OF_BUDGET_LEFT = 0.5;
/** A roll shifted by events one after the other does not come this much earlier: days before are not asked about. */
const FURTHEST_SHIFT_DAYS = 21;

/** How much to hold. Start values, chosen before any result was looked at; none is fitted. */
export interface AlvhPolicy {
  /** Most premium paid in any 365 days, as a share of NAV when paid. Gross: what rolls bring in does not refill it. */
  readonly yearlyBudgetShare: number;
  /** Net vega wanted of the whole book, as a share of NAV per VIX point: 0.0002 is 1 % of NAV for 50 points. */
  readonly vegaTargetShare: number;
  /** Part of the full size held at the lowest EDR percentile; at the highest it is 1, linear between. */
  readonly leastSize: number;
  /** Half the spread as a part of the model price: buys pay it, sales lose it. */
  readonly halfSpread: number;
  /** Whole contracts only, rounded down: so a small NAV may hold none. False scales freely, an assumption. */
  readonly wholeContracts: boolean;
}

export const ALVH_POLICY: AlvhPolicy = {
  yearlyBudgetShare: 0.015,
  vegaTargetShare: 0.0002,
  leastSize: 0.5,
  halfSpread: 0.03,
  wholeContracts: false,
};

export interface AlvhPosition extends VixCall {
  readonly layer: AlvhLayerId;
  readonly openedDay: number;
}

/** Plain data; start with NO_ALVH. */
export interface AlvhState {
  readonly positions: readonly AlvhPosition[];
  /** Premiums of the last 365 days. */
  readonly premiums: readonly PremiumPaid[];
}

export const NO_ALVH: AlvhState = { positions: [], premiums: [] };

export interface AlvhOpening {
  readonly layer: AlvhLayerId;
  readonly expiryDay: number;
  readonly strike: number;
  readonly contracts: number;
}

export interface AlvhOrders {
  readonly close: readonly AlvhPosition[];
  readonly open: readonly AlvhOpening[];
  /** One sentence for each layer that moves, or why none can be bought. */
  readonly reasons: readonly string[];
}

/** What the orders depend on besides curve and positions. */
export interface AlvhInputs {
  /** Dollars. */
  readonly nav: number;
  /** Percentile of the EDR bias in its own history, 0 to 1; null when unknown: the middle is taken. */
  readonly edrPercentile: number | null;
  /** Vega (USD per VIX point) of the rest of the book, negative when it is short volatility: the target is net of it. */
  readonly otherVegaUsd?: number;
  /** Time-shifting: the session that a roll due on one is done on instead, never later (timeShift.ts with a view). */
  readonly shiftRoll?: (dueSession: string) => string;
}

/** The day a position is due to roll, before any shift. */
export function alvhRollDay(position: AlvhPosition): number {
  const { rollDaysLeft } = layerOf(position.layer);
  return Math.ceil(position.expiryDay - rollDaysLeft(position.expiryDay - position.openedDay));
}

/**
 * Orders of a session. A layer without a position is bought, one at or past its roll day is sold and bought anew: so no
 * regime pauses it. The number is the net vega target or what the budget allows for a year of such rolls at today's prices,
 * whichever is less, times the part that the EDR percentile calls for. While VVIX is unknown nothing is bought or sold.
 */
export function alvhOrders(
  state: AlvhState,
  curve: VixCurve,
  inputs: AlvhInputs,
  policy: AlvhPolicy = ALVH_POLICY,
): AlvhOrders {
  const due = state.positions.filter((position) => isDue(alvhRollDay(position), curve.day, inputs.shiftRoll));
  const missing = ALVH_LAYERS.filter(({ id }) => state.positions.every(({ layer }) => layer !== id));
  const rolling = ALVH_LAYERS.filter(({ id }) => due.some(({ layer }) => layer === id));
  if (missing.length + rolling.length === 0) return { close: [], open: [], reasons: [] };
  if (curve.vvix === null) {
    return { close: [], open: [], reasons: ["ALVH waits: without VVIX its calls have no model price."] };
  }
  const set = ALVH_LAYERS.map((layer) => candidate(layer, curve));
  const sets = setsToHold(set, curve, inputs, policy);
  const open: AlvhOpening[] = [];
  const reasons: string[] = [];
  for (const { layer, expiryDay, strike, price } of set) {
    const rolled = rolling.includes(layer);
    if (!rolled && !missing.includes(layer)) continue;
    const wanted = sets * layer.contracts;
    const contracts = policy.wholeContracts ? Math.floor(wanted) : wanted;
    open.push({ layer: layer.id, expiryDay, strike, contracts });
    const why = rolled ? "is due to roll" : "holds nothing";
    reasons.push(
      `ALVH's ${layer.days}-day layer ${why}: buy ${contracts.toFixed(2)} calls at ${strike.toFixed(2)} with ` +
        `${expiryDay - curve.day} days, model price ${price.toFixed(2)}.`,
    );
  }
  return { close: due, open, reasons };
}

/** What was filled, and what it did to cash. */
export interface AlvhFill {
  readonly state: AlvhState;
  /** Paid for calls, spread included, positive. */
  readonly premiumUsd: number;
  /** Received for calls sold or expired, spread taken off, positive. */
  readonly proceedsUsd: number;
  /** What of both was spread, positive. */
  readonly spreadUsd: number;
}

/**
 * Fills orders at a later session's prices and settles what has expired by it. Were the premiums to exceed half of what the
 * budget has left, every opening is cut by the same factor. `nav` in dollars, before the fill.
 */
export function fillAlvh(
  state: AlvhState,
  orders: AlvhOrders,
  curve: VixCurve,
  nav: number,
  policy: AlvhPolicy = ALVH_POLICY,
): AlvhFill {
  const expired = state.positions.filter(({ expiryDay }) => expiryDay <= curve.day);
  const sold = orders.close.filter(({ expiryDay }) => expiryDay > curve.day);
  const kept = state.positions.filter((position) => !expired.includes(position) && !orders.close.includes(position));
  const soldUsd = markVixCalls(sold, curve);
  const proceedsUsd = soldUsd * (1 - policy.halfSpread) + markVixCalls(expired, curve);

  const recent = premiumsCounted(state.premiums, curve.day);
  const midUsd = markVixCalls(orders.open, curve);
  const askUsd = midUsd * (1 + policy.halfSpread);
  const mostUsd = MOST_OF_BUDGET_LEFT * budgetLeft(recent, curve.day, policy.yearlyBudgetShare) * nav;
  const factor = askUsd > mostUsd ? mostUsd / askUsd : 1;
  const bought = orders.open
    .map(({ contracts, ...rest }) => ({ ...rest, contracts: scaled(contracts, factor, policy), openedDay: curve.day }))
    .filter(({ contracts }) => contracts > 0);
  const boughtUsd = markVixCalls(bought, curve);
  const premiumUsd = boughtUsd * (1 + policy.halfSpread);
  return {
    state: {
      positions: [...kept, ...bought],
      premiums: premiumUsd === 0 ? recent : [...recent, { day: curve.day, shareOfNav: premiumUsd / nav }],
    },
    premiumUsd,
    proceedsUsd,
    spreadUsd: (soldUsd + boughtUsd) * policy.halfSpread,
  };
}

/** What the budget has left on a day, as a share of NAV: the yearly share less the premiums of the last 365 days. */
export function alvhBudgetLeft(state: AlvhState, day: number, policy: AlvhPolicy = ALVH_POLICY): number {
  return budgetLeft(state.premiums, day, policy.yearlyBudgetShare);
}

/** Value in dollars at model prices, before any spread. */
export const markAlvh = markVixCalls;
/** Value and Greeks. */
export const alvhExposure = vixCallExposure;

interface Candidate {
  readonly layer: AlvhLayer;
  readonly expiryDay: number;
  readonly strike: number;
  /** Model price, points. */
  readonly price: number;
}

/** What a layer would buy: the listed expiry nearest to its days among those with at least a week before they roll. */
function candidate(layer: AlvhLayer, curve: VixCurve): Candidate {
  const lives = curve.expiries.map((expiry) => expiry - curve.day);
  const worthHolding = lives.filter((life) => life - layer.rollDaysLeft(life) >= LEAST_HOLD_DAYS);
  const life = worthHolding.reduce((best, other) =>
    Math.abs(other - layer.days) < Math.abs(best - layer.days) ? other : best,
  );
  const expiryDay = curve.day + life;
  const strike = vixCallStrike(curve, DELTA, expiryDay);
  return { layer, expiryDay, strike, price: vixCallPrice(curve, strike, expiryDay) };
}

/** Sets of 4/4/2 to hold. */
function setsToHold(
  set: readonly Candidate[],
  curve: VixCurve,
  { nav, edrPercentile, otherVegaUsd = 0 }: AlvhInputs,
  { yearlyBudgetShare, vegaTargetShare, leastSize, halfSpread }: AlvhPolicy,
): number {
  const one = set.map(({ layer, ...call }) => ({ ...call, contracts: layer.contracts }));
  const byVega = Math.max(vegaTargetShare * nav - otherVegaUsd, 0) / vixCallExposure(one, curve).vegaUsd;
  const yearlyUsd = set.reduce((sum, { layer, expiryDay, price }) => {
    const life = expiryDay - curve.day;
    const holdDays = life - layer.rollDaysLeft(life);
    return sum + purchasesPlanned(holdDays) * layer.contracts * VIX_MULTIPLIER_USD * price * (1 + halfSpread);
  }, 0);
  const byBudget = (yearlyBudgetShare * nav) / yearlyUsd;
  const size = leastSize + (1 - leastSize) * (edrPercentile ?? 0.5);
  return size * Math.min(byVega, byBudget);
}

function scaled(contracts: number, factor: number, { wholeContracts }: AlvhPolicy): number {
  return wholeContracts ? Math.floor(contracts * factor) : contracts * factor;
}

/** Whether a roll due on a day is for a session of this day. Nothing moves further than a shift looks. */
function isDue(dueDay: number, day: number, shiftRoll?: (dueSession: string) => string): boolean {
  if (day >= dueDay) return true;
  if (shiftRoll === undefined || day < dueDay - FURTHEST_SHIFT_DAYS) return false;
  const due = dateOfDay(dueDay);
  return day >= dayNumber(shiftRoll(isSession(due) ? due : nextSession(due)));
}

function layerOf(id: AlvhLayerId): AlvhLayer {
  return ALVH_LAYERS.find((layer) => layer.id === id)!;
}
