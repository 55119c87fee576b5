/**
 * One vault walked through the days of a tape: cash, one ETH/USDC liquidity position, one ETH perpetual short, and layers of
 * options. Marks every UTC day, decides after every session, fills at the close of the next session's bar.
 */

import { feesPerYear, liquidityForLpValue, lpAmounts, lpGamma, lpValue, lvrPerYear } from "../hedge/liquidityValue.ts";
import type { LpPosition } from "../hedge/liquidityValue.ts";
import { MAINTENANCE_MARGIN, marginFor } from "../hedge/margin.ts";
import { noTradeHalfWidthNumber, tradeToBand } from "../hedge/noTradeBand.ts";
import type { ByRegime, Level, Parameters, RegimeTargets } from "./parameters.ts";
import { DAYS_PER_YEAR } from "./parameters.ts";
import type { AttributionLine, StrategyActivity } from "./result.ts";
import type { Inputs, Mark, TapeDay } from "./tape.ts";

/** Lines of the attribution in the order they are shown. */
export const ATTRIBUTION_LINES: readonly AttributionLine[] = [
  "lpPrice",
  "lpConvexity",
  "lpFees",
  "cashInterest",
  "perpPrice",
  "funding",
  "alvh",
  "income",
  "vxth",
  "swapCosts",
  "perpCosts",
  "optionCosts",
  "liquidations",
  "gas",
];

/** What a layer traded at a fill, USD. */
export interface LayerFill {
  /** Paid in cash at mid prices, less what was received and settled; the layer's value rises by as much. */
  readonly paid: number;
  /** Half-spreads and fees, positive. */
  readonly cost: number;
  /** Premium turned over, positive. */
  readonly turnover: number;
}

/** A layer of options held beside the vault's own positions: its book, its decisions, its marks. */
export interface Layer<I extends Inputs> {
  readonly line: "alvh" | "income" | "vxth";
  /** Value of the book, USD, at the day's prices; on days without a session at the last ones. */
  mark(mark: Mark, inputs: I | null): number;
  /** Decides on orders for the next session's fill: layers are never paused, whatever the regime. */
  decide(inputs: I, nav: number): void;
  /** Fills the orders at this session's prices and settles what has expired; null when nothing changed. */
  fill(inputs: I, nav: number): LayerFill | null;
}

/** What makes one vault differ from another. */
export interface Strategy<I extends Inputs> {
  /** The level the session calls for; null when it is Unknown: then nothing is touched. */
  readonly level: (inputs: I) => Level | null;
  /** Targets at a level, on a day (hedge ratios are chosen anew each year). */
  readonly targets: (level: Level, inputs: I) => RegimeTargets;
  /** Made anew for each run. */
  readonly layers: () => readonly Layer<I>[];
}

/** What a vault decided or traded, for tests of what it could know. */
export interface VaultEvent {
  readonly kind: "decision" | "fill" | "liquidation";
  readonly date: string;
  readonly values: readonly number[];
}

/** A run of one strategy. */
export interface VaultPath {
  /** One a row of the tape; the first is the start value. */
  readonly navs: Float64Array;
  /** USD a day, one fewer than NAVs; the lines of a day add up to the NAV's change. */
  readonly lines: Readonly<Record<AttributionLine, Float64Array>>;
  /** Equity at the perpetual venue and value of the layers, one a row: the capital that the hedge ties up. */
  readonly hedgeCapital: Float64Array;
  /** Of the model, USD over the run. Exact marks contain it: a memo, in no sum. */
  readonly lossVersusRebalancing: number;
  /** Traded notional and premiums, USD over the run. */
  readonly turnover: number;
  readonly activity: StrategyActivity;
}

interface LiquidityOrder {
  readonly share: number;
  readonly lower: number;
  readonly upper: number;
  readonly moved: boolean;
}

/** Runs a strategy over rows of a tape; the first row is the start, all in cash. */
export function runVault<I extends Inputs>(
  rows: readonly TapeDay<I>[],
  strategy: Strategy<I>,
  parameters: Parameters,
  onEvent?: (event: VaultEvent) => void,
): VaultPath {
  const vault = new Vault(strategy, parameters, rows.length, onEvent);
  rows.forEach((row, i) => vault.day(row, i));
  return vault.path();
}

const NO_POSITION: LpPosition = { liquidity: 0, lower: 1, upper: 2 };
/** A range is the policy's when its half-width differs by less: widths are computed, not stored. */
const SAME_WIDTH = 1e-9;

class Vault<I extends Inputs> {
  readonly #strategy: Strategy<I>;
  readonly #parameters: Parameters;
  readonly #layers: readonly Layer<I>[];
  readonly #layerValues: number[];
  readonly #onEvent: ((event: VaultEvent) => void) | undefined;

  #cash: number;
  #position: LpPosition = NO_POSITION;
  /** ETH sold short, not negative. */
  #short = 0;
  /** Equity at the perpetual venue. */
  #equity = 0;
  #price = NaN;
  /** Regime of the market as of the last session, whatever the strategy makes of it: fees depend on it. */
  #market: Level = 0;

  #liquidityOrder: LiquidityOrder | null = null;
  /** Wanted short; null leaves it. */
  #shortOrder: number | null = null;
  /** Margin for each USD of notional, as of the last decision. */
  #marginRate = 0;
  #hasOrders = false;

  readonly #navs: Float64Array;
  readonly #hedgeCapital: Float64Array;
  readonly #lines: Record<AttributionLine, Float64Array>;
  #lvr = 0;
  #turnover = 0;
  #rebalances = 0;
  #reranges = 0;
  #perpTrades = 0;
  #optionTrades = 0;
  #liquidations = 0;
  #cappedDays = 0;
  #liquidityShares = 0;
  #shortShares = 0;

  constructor(
    strategy: Strategy<I>,
    parameters: Parameters,
    rows: number,
    onEvent: ((event: VaultEvent) => void) | undefined,
  ) {
    this.#strategy = strategy;
    this.#parameters = parameters;
    this.#layers = strategy.layers();
    this.#layerValues = this.#layers.map(() => 0);
    this.#onEvent = onEvent;
    this.#cash = parameters.startNav;
    this.#navs = new Float64Array(rows);
    this.#hedgeCapital = new Float64Array(rows);
    this.#lines = Object.fromEntries(
      ATTRIBUTION_LINES.map((line) => [line, new Float64Array(Math.max(0, rows - 1))]),
    ) as Record<AttributionLine, Float64Array>;
  }

  /** Marks a day, fills what the last session decided when this is a session with a bar, and decides. */
  day({ mark, inputs }: TapeDay<I>, row: number): void {
    const i = row - 1;
    if (row === 0) this.#price = mark.price;
    else {
      this.#mark(mark, inputs, i);
      if (inputs !== null && mark.hasBar && this.#hasOrders) this.#fill(mark, inputs, i);
    }
    const nav = this.#nav();
    this.#navs[row] = nav;
    this.#hedgeCapital[row] = this.#layerValues.reduce((sum, value) => sum + value, this.#equity);
    if (row > 0) {
      this.#liquidityShares += lpValue(mark.price, this.#position) / nav;
      this.#shortShares += (this.#short * mark.price) / nav;
    }
    if (inputs !== null) this.#decide(inputs, nav);
  }

  path(): VaultPath {
    const days = Math.max(1, this.#navs.length - 1);
    return {
      navs: this.#navs,
      lines: this.#lines,
      hedgeCapital: this.#hedgeCapital,
      lossVersusRebalancing: this.#lvr,
      turnover: this.#turnover,
      activity: {
        rebalances: this.#rebalances,
        reranges: this.#reranges,
        perpTrades: this.#perpTrades,
        optionTrades: this.#optionTrades,
        liquidations: this.#liquidations,
        marginCappedDays: this.#cappedDays,
        meanLiquidityShare: this.#liquidityShares / days,
        meanShortShare: this.#shortShares / days,
      },
    };
  }

  /** From balances alone: the attribution is checked against it, not made from it. */
  #nav(): number {
    let nav = this.#cash + lpValue(this.#price, this.#position) + this.#equity;
    for (const value of this.#layerValues) nav += value;
    return nav;
  }

  #mark(mark: Mark, inputs: I | null, i: number): void {
    this.#markCash(mark, i);
    this.#markLiquidity(mark, i);
    this.#markShort(mark, i);
    this.#layers.forEach((layer, k) => {
      const value = layer.mark(mark, inputs);
      this.#lines[layer.line][i]! += value - this.#layerValues[k]!;
      this.#layerValues[k] = value;
    });
    this.#price = mark.price;
  }

  #markCash(mark: Mark, i: number): void {
    const interest = this.#cash * mark.cashReturn * this.#parameters.cashYield;
    this.#cash += interest;
    this.#lines.cashInterest[i] = interest;
  }

  #markLiquidity(mark: Mark, i: number): void {
    const position = this.#position;
    if (position.liquidity === 0) return;
    const before = lpAmounts(this.#price, position);
    const priced = before.base * (mark.price - this.#price);
    const change = lpValue(mark.price, position) - (before.asset + before.base * this.#price);
    this.#lines.lpPrice[i] = priced;
    this.#lines.lpConvexity[i] = change - priced;

    const { share, price } = partInRange(this.#price, mark.price, position);
    if (share === 0) return;
    const feeToLvr = this.#parameters.feeToLvr[this.#market];
    const assumption = { feeToLvr, referenceVolatility: mark.medianVolatility };
    const fees = (share * feesPerYear(price, position, mark.volatility, assumption)) / DAYS_PER_YEAR;
    this.#cash += fees;
    this.#lines.lpFees[i] = fees;
    this.#lvr += (share * lvrPerYear(price, position, mark.volatility)) / DAYS_PER_YEAR;
  }

  #markShort(mark: Mark, i: number): void {
    if (this.#short === 0) return;
    const { funding, liquidationPenalty } = this.#parameters;
    const short = this.#short;
    const before = this.#price;
    // The price at which equity, E − q(p − p₀), is down to maintenance margin, m·q·p.
    const limit = (this.#equity + short * before) / (short * (1 + MAINTENANCE_MARGIN));
    if (mark.high >= limit) {
      // At which hour is not known: the day's funding is left out. Equity below zero is the venue's loss, not ours.
      const at = Math.max(limit, before);
      const loss = Math.min(short * (at - before), this.#equity);
      const penalty = Math.min(liquidationPenalty * short * at, this.#equity - loss);
      this.#lines.perpPrice[i] = -loss;
      this.#lines.liquidations[i] = -penalty;
      this.#cash += this.#equity - loss - penalty;
      this.#equity = 0;
      this.#short = 0;
      this.#liquidations++;
      this.#onEvent?.({ kind: "liquidation", date: mark.date, values: [at, short, loss, penalty] });
      return;
    }
    const gain = -short * (mark.price - before);
    let received = 0;
    if (funding) {
      for (const { at, rate } of mark.settlements) {
        received += rate * short * (before + at * (mark.price - before));
      }
    }
    this.#equity += gain + received;
    this.#lines.perpPrice[i] = gain;
    this.#lines.funding[i] = received;
  }

  #decide(inputs: I, nav: number): void {
    const { mark } = inputs;
    const { reshareBand, recentre, minTrade, riskAversion, perpCost, leastWorstRise, marginBand } = this.#parameters;
    this.#market = inputs.decision ?? this.#market;
    const level = this.#strategy.level(inputs);
    this.#liquidityOrder = null;
    this.#shortOrder = null;
    for (const layer of this.#layers) layer.decide(inputs, nav);
    this.#hasOrders = this.#layers.length > 0;
    if (level === null) return;
    const targets = this.#strategy.targets(level, inputs);
    const share = targets.liquidityShare;
    const price = mark.price;

    const position = this.#position;
    const fits = position.liquidity > 0 && this.#fits(price, position, targets.halfWidth, recentre);
    const near = Math.abs(lpValue(price, position) / nav - share) <= reshareBand;
    let planned = position;
    if (!(fits && near)) {
      const { lower, upper } = fits
        ? position
        : { lower: price * Math.exp(-targets.halfWidth), upper: price * Math.exp(targets.halfWidth) };
      this.#liquidityOrder = { share, lower, upper, moved: !fits };
      planned = { lower, upper, liquidity: liquidityForLpValue(share * nav, price, { lower, upper }) };
    }

    const target = targets.hedgeRatio * (planned.liquidity === 0 ? 0 : lpAmounts(price, planned).base);
    const halfBand = noTradeHalfWidthNumber({
      gamma: lpGamma(price, planned),
      price,
      nav,
      cost: perpCost,
      riskAversion,
    });
    let wanted = target === 0 ? 0 : Math.max(0, tradeToBand(this.#short, target, halfBand));
    if (wanted > 0 && Math.abs(wanted - this.#short) * price < minTrade * nav) wanted = this.#short;

    this.#marginRate = marginFor(1, Math.max(inputs.worstRise, leastWorstRise)).margin;
    const equityTarget = this.#marginRate * wanted * price;
    const marginFits =
      this.#equity >= marginBand[0] * equityTarget && (wanted === 0 || this.#equity <= marginBand[1] * equityTarget);
    if (wanted !== this.#short || !marginFits) this.#shortOrder = wanted;

    this.#hasOrders ||= this.#liquidityOrder !== null || this.#shortOrder !== null;
    this.#onEvent?.({
      kind: "decision",
      date: inputs.session,
      values: [level, nav, price, share, planned.lower, planned.upper, planned.liquidity, wanted, this.#marginRate],
    });
  }

  #fits(price: number, { lower, upper }: LpPosition, halfWidth: number, recentre: number): boolean {
    const half = Math.log(upper / lower) / 2;
    if (Math.abs(half - halfWidth) > SAME_WIDTH) return false;
    return Math.abs(Math.log(price / lower) - half) <= recentre * half;
  }

  #fill(mark: Mark, inputs: I, i: number): void {
    const traded = [this.#fillLiquidity(mark, i), this.#fillShort(mark, i), this.#fillLayers(inputs, i)];
    this.#liquidityOrder = null;
    this.#shortOrder = null;
    this.#hasOrders = false;
    if (!traded.some((yes) => yes)) return;
    this.#rebalances++;
    const gas = this.#parameters.gasPerRebalance;
    this.#cash -= gas;
    this.#lines.gas[i] = -gas;
    const { lower, upper, liquidity } = this.#position;
    this.#onEvent?.({
      kind: "fill",
      date: mark.date,
      values: [mark.price, lower, upper, liquidity, this.#short, this.#equity, this.#cash],
    });
  }

  #fillLiquidity({ price }: Mark, i: number): boolean {
    const order = this.#liquidityOrder;
    if (order === null) return false;
    const before = lpAmounts(price, this.#position);
    const valueBefore = before.asset + before.base * price;
    const gas = this.#parameters.gasPerRebalance;
    const most = Math.max(0, this.#cash + valueBefore - gas) / (1 + this.#parameters.swapCost);
    const value = Math.min(order.share * this.#nav(), most);
    const { lower, upper } = order;
    const position = value > 0 ? { lower, upper, liquidity: liquidityForLpValue(value, price, order) } : NO_POSITION;
    const swapped = Math.abs(lpAmounts(price, position).base - before.base) * price;
    const cost = swapped * this.#parameters.swapCost;
    this.#cash += valueBefore - lpValue(price, position) - cost;
    this.#position = position;
    this.#lines.swapCosts[i] = -cost;
    this.#turnover += swapped;
    if (order.moved) this.#reranges++;
    return true;
  }

  #fillShort({ price }: Mark, i: number): boolean {
    const wanted = this.#shortOrder;
    if (wanted === null) return false;
    const { perpCost, gasPerRebalance } = this.#parameters;
    const free = Math.max(0, this.#cash + this.#equity - gasPerRebalance);
    // Trading towards `wanted` costs at most perpCost of what is held or wanted.
    const most = Math.max(0, free - perpCost * this.#short * price) / ((this.#marginRate + perpCost) * price);
    const short = Math.min(wanted, most);
    if (short < wanted) this.#cappedDays++;
    const traded = Math.abs(short - this.#short) * price;
    const cost = traded * perpCost;
    const equity = this.#marginRate * short * price;
    this.#cash += this.#equity - equity - cost;
    this.#equity = equity;
    this.#short = short;
    this.#lines.perpCosts[i] = -cost;
    this.#turnover += traded;
    if (traded > 0) this.#perpTrades++;
    return true;
  }

  #fillLayers(inputs: I, i: number): boolean {
    let traded = false;
    this.#layers.forEach((layer, k) => {
      const fill = layer.fill(inputs, this.#nav());
      if (fill === null) return;
      traded = true;
      this.#cash -= fill.paid + fill.cost;
      this.#layerValues[k]! += fill.paid;
      this.#lines.optionCosts[i]! -= fill.cost;
      this.#turnover += fill.turnover;
      this.#optionTrades++;
    });
    return traded;
  }
}

/**
 * How much of the way between two closes, in log price, lies inside a range, and the geometric middle of that part: where
 * the day's fees were earned. A path is taken to be straight; what it did within the day is not in daily bars.
 */
export function partInRange(from: number, to: number, { lower, upper }: LpPosition): { share: number; price: number } {
  const low = Math.min(from, to);
  const high = Math.max(from, to);
  if (high === low) return { share: low >= lower && low < upper ? 1 : 0, price: low };
  const inLow = Math.max(low, lower);
  const inHigh = Math.min(high, upper);
  if (inHigh <= inLow) return { share: 0, price: low };
  return { share: Math.log(inHigh / inLow) / Math.log(high / low), price: Math.sqrt(inLow * inHigh) };
}

/** The parameters with other hedge ratios. */
export function withHedgeRatios(targets: ByRegime<RegimeTargets>, ratios: ByRegime<number>): ByRegime<RegimeTargets> {
  const at = (level: Level): RegimeTargets => ({ ...targets[level], hedgeRatio: ratios[level] });
  return [at(0), at(1), at(2)];
}
