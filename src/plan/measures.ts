import { baseValue, pairAmounts, priceToSqrtPriceX96 } from "../hedge/liquidity.ts";
import type { LiquidityPosition, PairShape } from "../hedge/liquidity.ts";
import type { RegimeName } from "../regime/ruleMachine.ts";
import type { PolicyBands } from "./evidence.ts";
import { abs, BPS, max } from "./fixedPoint.ts";

/*
 * What HedgePolicy judges, worked out from raw positions: a second route to the numbers and to the judgement of
 * contracts/rebalance (Rebalancer._measure, HedgePolicy.judge).
 */

/** A liquidity position with what is loose beside it; `unitsAside` of `unitsTotal` belong to others. */
export interface LiquidityHolding extends LiquidityPosition {
  feesBase: bigint;
  feesAsset: bigint;
  idleBase: bigint;
  unitsAside: bigint;
  unitsTotal: bigint;
}

/** A perpetual account, the vault's part alone. */
export interface PerpHolding {
  size: bigint;
  openNotional: bigint;
  collateral: bigint;
  pendingFunding: bigint;
}

/** All a vault has. Amounts in token units. */
export interface Holdings {
  cash: bigint;
  liquidity: LiquidityHolding[];
  perps: PerpHolding[];
}

/** IHedgePolicy.Measures, in basis points. */
export interface Measures {
  netDeltaMinBps: bigint;
  netDeltaMaxBps: bigint;
  grossBps: bigint;
  leverageBps: bigint;
  liquidityBps: bigint;
  concentrationBps: bigint;
  cashBps: bigint;
}

export type MeasureName = keyof Measures;

/** In the order of the contract's enum, each with the band it is held to. */
const LIMITS: [measure: MeasureName, band: keyof PolicyBands, floor: boolean][] = [
  ["netDeltaMinBps", "netDeltaMinBps", true],
  ["netDeltaMaxBps", "netDeltaMaxBps", false],
  ["grossBps", "grossMaxBps", false],
  ["leverageBps", "leverageMaxBps", false],
  ["liquidityBps", "liquidityMaxBps", false],
  ["concentrationBps", "concentrationMaxBps", false],
  ["cashBps", "cashMinBps", true],
];

export const MEASURE_NAMES: readonly MeasureName[] = LIMITS.map(([measure]) => measure);

/** A position without equity is leverage beyond any limit: the contract's largest number. */
const BEYOND = 2n ** 255n - 1n;

interface Exposure {
  delta: bigint;
  equity: bigint;
  margined: boolean;
}

function exposures(holdings: Holdings, price: bigint, pair: PairShape): Exposure[] {
  const liquidity = holdings.liquidity.map((held): Exposure => {
    const inRange =
      held.liquidity === 0n ? { base: 0n, asset: 0n } : pairAmounts(priceToSqrtPriceX96(price, pair), held, pair);
    const base = inRange.base + held.feesBase + held.idleBase;
    const worth = inRange.asset + held.feesAsset + baseValue(base, price, pair);
    const { unitsAside: aside, unitsTotal: total } = held;
    if (aside === 0n) return { delta: base, equity: worth, margined: false };
    const own = total - aside;
    return { delta: (base * own + total - 1n) / total, equity: (worth * own) / total, margined: false };
  });
  const perps = holdings.perps.map(({ size, openNotional, collateral, pendingFunding }): Exposure => {
    const notional = baseValue(abs(size), price, pair);
    const equity = max(collateral + openNotional - pendingFunding + (size < 0n ? -notional : notional), 0n);
    return { delta: size, equity, margined: true };
  });
  return [...liquidity, ...perps];
}

/** Net asset value at a price, in asset units. */
export function navOf(holdings: Holdings, price: bigint, pair: PairShape): bigint {
  return exposures(holdings, price, pair).reduce((sum, { equity }) => sum + equity, holdings.cash);
}

/**
 * The measures of what is held, as shares of `nav`: its own net asset value for how it stands, the value before a plan for
 * how the Rebalancer judges what the plan left (a trade's cost must not make the rest look larger).
 */
export function measuresOf(holdings: Holdings, price: bigint, pair: PairShape, nav: bigint): Measures {
  if (nav === 0n) return Object.fromEntries(MEASURE_NAMES.map((name) => [name, 0n])) as Record<MeasureName, bigint>;
  const all = exposures(holdings, price, pair);
  const share = (value: bigint): bigint => (value * BPS) / nav;
  const valueOf = (base: bigint): bigint => baseValue(base, price, pair);
  const delta = all.reduce((sum, exposure) => sum + exposure.delta, 0n);
  const netDelta = delta < 0n ? -share(valueOf(-delta)) : share(valueOf(delta));
  const leverages = all
    .filter(({ margined }) => margined)
    .map((exposure) => {
      const notional = valueOf(abs(exposure.delta));
      return notional === 0n ? 0n : exposure.equity === 0n ? BEYOND : (notional * BPS) / exposure.equity;
    });
  const greatest = (values: bigint[]): bigint => values.reduce((most, value) => max(most, value), 0n);
  return {
    netDeltaMinBps: netDelta,
    netDeltaMaxBps: netDelta,
    grossBps: share(valueOf(all.reduce((sum, exposure) => sum + abs(exposure.delta), 0n))),
    leverageBps: greatest(leverages),
    liquidityBps: all.filter(({ margined }) => !margined).reduce((sum, { equity }) => sum + share(equity), 0n),
    concentrationBps: greatest(all.map(({ equity }) => share(equity))),
    cashBps: share(holdings.cash),
  };
}

/** What people call the measures. */
export const MEASURE_LABELS = {
  netDeltaMinBps: "net delta, least",
  netDeltaMaxBps: "net delta, greatest",
  grossBps: "gross exposure",
  leverageBps: "leverage",
  liquidityBps: "liquidity",
  concentrationBps: "at one venue",
  cashBps: "cash",
  lossBps: "cost of execution",
} as const satisfies Record<MeasureName | "lossBps", string>;

/** One measure against its limit, in basis points. `margin` is what is left; below zero it is outside. */
export interface LimitRow {
  measure: MeasureName | "lossBps";
  before: bigint | null;
  value: bigint;
  limit: bigint;
  /** Whether the limit is the least and not the most. */
  floor: boolean;
  margin: bigint;
}

/** Each measure against its limit, in the contract's order. */
export function limitRows(before: Measures, after: Measures, bands: PolicyBands): LimitRow[] {
  return LIMITS.map(([measure, band, floor]) => {
    const [value, limit] = [after[measure], BigInt(bands[band])];
    const margin = floor ? value - limit : limit - value;
    return { measure, before: before[measure], value, limit, floor, margin };
  });
}

/** Why the policy refuses an outcome; null when it takes it. As HedgePolicy.judge, which says the same by reverting. */
export function refusalOf(
  regime: RegimeName,
  before: Measures,
  after: Measures,
  bands: PolicyBands,
  minStepBps: bigint,
): string | null {
  if (regime === "Unknown") {
    const added = (["grossBps", "leverageBps", "liquidityBps"] as const).find((name) => after[name] > before[name]);
    if (added !== undefined)
      return `${added} rises from ${before[added]} to ${after[added]} while the regime is Unknown`;
  }
  const breaches = LIMITS.map(([measure, band, floor]) => {
    const limit = BigInt(bands[band]);
    const beyond = (value: bigint): bigint => max(floor ? limit - value : value - limit, 0n);
    return { measure, limit, was: beyond(before[measure]), is: beyond(after[measure]) };
  });
  const said = ({ measure, limit }: (typeof breaches)[number]): string =>
    `${measure} is ${after[measure]} after ${before[measure]}, the limit of ${regime} is ${limit}`;
  const worse = breaches.find(({ is, was }) => is > was);
  if (worse !== undefined) return said(worse);
  const worst = breaches.find(({ is }) => is > 0n);
  const improved = breaches.some(({ is, was }) => was - is >= minStepBps);
  return worst === undefined || improved ? null : said(worst);
}
