import { baseValue, liquidityDelta, valueAt } from "./liquidity.ts";
import type { LiquidityPosition, PairShape } from "./liquidity.ts";
import { feesPerYear, lpPositionOf, lvrPerYear } from "./liquidityValue.ts";

/*
 * What a vault's book would be worth after a move nobody has seen yet, positions left as they are: the question a member asks
 * of a proposal, of the book before and the book after. Price scenarios are exact and in integers; what volatility and
 * funding cost over a week are statistics, in numbers, under the assumptions below.
 */

/** A vault's positions at one moment. Amounts in token units, price × 1e18. */
export interface Book {
  price: bigint;
  pair: PairShape;
  cash: bigint;
  liquidity: readonly LiquidityHolding[];
  perps: readonly PerpHolding[];
}

/** A liquidity position, and what lies beside it: fees and idle tokens. */
export interface LiquidityHolding {
  position: LiquidityPosition;
  looseBase: bigint;
  looseAsset: bigint;
}

/** An account at a perpetual venue, as the adapter reports it. */
export interface PerpHolding {
  /** Base units, negative when short. */
  size: bigint;
  openNotional: bigint;
  collateral: bigint;
  pendingFunding: bigint;
  /** What a short receives a day, as a share of its notional: the venue's mark over its index. */
  fundingPerDay: number;
}

export interface ScenarioAssumptions {
  /** Days that volatility and funding scenarios last. */
  days: number;
  /** Volatility a year today, decimal; it is then doubled. */
  volatility: number;
  /** Fee income over loss-versus-rebalancing at that volatility. */
  feeToLvr: number;
  /** What shorts pay a day, at least, once funding flips. */
  leastFundingPerDay: number;
}

/**
 * ETH's median volatility of 2017 to 2023 (4.4 % a day), at which fees are taken to pay for arbitrage; and the funding of a
 * crash, 0.15 % a day from shorts (Binance, March 2020).
 */
export const SCENARIO_ASSUMPTIONS: ScenarioAssumptions = {
  days: 7,
  volatility: 0.84,
  feeToLvr: 1,
  leastFundingPerDay: 0.0015,
};

/** Moves of the price that are looked at, in basis points. */
export const PRICE_MOVES_BPS = [-4_000, -2_000, -1_000, 1_000, 2_000, 4_000] as const;

export type ScenarioName = `price ${number}` | "volatility doubled" | "funding flips";

/** What a scenario does to a book. */
export interface ScenarioOutcome {
  name: ScenarioName;
  /** Asset units. */
  nav: bigint;
  /** Change of net asset value over the book's own, decimal. */
  change: number;
  /** Net delta × price over net asset value, decimal; null when nothing is left. */
  netDelta: number | null;
  /** Notional over equity at the perpetual venues together; null without a position, Infinity without equity. */
  leverage: number | null;
}

const BPS = 10_000n;

/** Every scenario of a book, price moves first, in a fixed order. */
export function scenariosOf(
  book: Book,
  assumptions: ScenarioAssumptions = SCENARIO_ASSUMPTIONS,
): readonly ScenarioOutcome[] {
  const moves = PRICE_MOVES_BPS.map((bps) => {
    const moved = { ...book, price: (book.price * (BPS + BigInt(bps))) / BPS };
    return outcome(`price ${bps}`, book, moved, 0);
  });
  return [
    ...moves,
    outcome("volatility doubled", book, book, volatilityCost(book, assumptions)),
    outcome("funding flips", book, book, fundingCost(book, assumptions)),
  ];
}

/** Net asset value of a book at its price, before unwinding costs: as VaultLens.navMid counts it. */
export function bookNav({ price, pair, cash, liquidity, perps }: Book): bigint {
  const held = liquidity.map(({ position, looseBase, looseAsset }) => {
    const open = position.liquidity > 0n ? valueAt(price, position, pair) : 0n;
    return open + baseValue(looseBase, price, pair) + looseAsset;
  });
  return [cash, ...held, ...perps.map((perp) => equityOf(perp, price, pair))].reduce((sum, value) => sum + value, 0n);
}

/** Base held through liquidity, less what is short, in base units. */
export function bookDelta({ price, pair, liquidity, perps }: Book): bigint {
  const long = liquidity.map(
    ({ position, looseBase }) => (position.liquidity > 0n ? liquidityDelta(price, position, pair) : 0n) + looseBase,
  );
  return [...long, ...perps.map(({ size }) => size)].reduce((sum, delta) => sum + delta, 0n);
}

/** An account cannot be worth less than nothing to the vault: the venue liquidates it. */
function equityOf({ size, openNotional, collateral, pendingFunding }: PerpHolding, price: bigint, pair: PairShape) {
  const equity = collateral + openNotional - pendingFunding + signedValue(size, price, pair);
  return equity > 0n ? equity : 0n;
}

function outcome(name: ScenarioName, from: Book, to: Book, cost: number): ScenarioOutcome {
  const start = Number(bookNav(from));
  const nav = bookNav(to) - BigInt(Math.round(cost));
  const { price, pair } = to;
  const notional = to.perps.reduce((sum, { size }) => sum + Math.abs(Number(signedValue(size, price, pair))), 0);
  const equity = to.perps.reduce((sum, perp) => sum + Number(equityOf(perp, price, pair)), 0);
  return {
    name,
    nav,
    change: start === 0 ? 0 : (Number(nav) - start) / start,
    netDelta: nav <= 0n ? null : Number(signedValue(bookDelta(to), price, pair)) / Number(nav),
    leverage: notional === 0 ? null : equity === 0 ? Infinity : notional / equity,
  };
}

/** What arbitrage takes beyond what fees bring, in asset units, at twice the volatility. */
function volatilityCost({ price, pair, liquidity }: Book, assumptions: ScenarioAssumptions): number {
  const { days, volatility, feeToLvr } = assumptions;
  const wholePrice = Number(price) / 1e18;
  const perYear = liquidity.reduce((sum, { position }) => {
    if (position.liquidity === 0n) return sum;
    const whole = lpPositionOf(position, pair);
    const fees = feesPerYear(wholePrice, whole, 2 * volatility, { feeToLvr, referenceVolatility: volatility });
    return sum + lvrPerYear(wholePrice, whole, 2 * volatility) - fees;
  }, 0);
  return ((perYear * days) / 365) * 10 ** pair.assetDecimals;
}

/** What shorts pay, in asset units, when funding turns against them by as much as it pays now, or as in a crash. */
function fundingCost({ price, pair, perps }: Book, { days, leastFundingPerDay }: ScenarioAssumptions): number {
  return perps.reduce((sum, { size, fundingPerDay }) => {
    const notional = -Number(signedValue(size, price, pair));
    return sum + notional * Math.max(Math.abs(fundingPerDay), leastFundingPerDay) * days;
  }, 0);
}

function signedValue(base: bigint, price: bigint, pair: PairShape): bigint {
  return base < 0n ? -baseValue(-base, price, pair) : baseValue(base, price, pair);
}
