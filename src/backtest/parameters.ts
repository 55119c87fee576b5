import type { Assumption } from "./result.ts";

/** A treasury's choices in one regime, as decimals of net asset value unless said otherwise. */
export interface RegimeTargets {
  /** Liquidity position / NAV. */
  readonly liquidityShare: number;
  /** Short / delta of the liquidity position. */
  readonly hedgeRatio: number;
  /** Half-width of the range as a natural logarithm of price: 0.25 is the centre ÷ 1.284 to × 1.284. */
  readonly halfWidth: number;
}

/** Calm, Elevated, Stress as 0, 1, 2. */
export type Level = 0 | 1 | 2;
/** One for each level. */
export type ByRegime<T> = readonly [T, T, T];

/** Every number of the simulator. Rates and shares are decimals, money is USD; {@link ASSUMPTIONS} gives the reasons. */
export interface Parameters {
  readonly startNav: number;
  readonly targets: ByRegime<RegimeTargets>;
  /** The liquidity share is left alone within this distance of its target, share of NAV. */
  readonly reshareBand: number;
  /** The range is moved when the price is further from its centre than this share of its half-width. */
  readonly recentre: number;
  /** Smallest perpetual trade, share of NAV. */
  readonly minTrade: number;
  /** Absolute risk aversion × NAV of the no-trade band. */
  readonly riskAversion: number;
  /** Fee income / loss-versus-rebalancing at median volatility, by regime. */
  readonly feeToLvr: ByRegime<number>;
  /** Fee plus slippage on what a change of liquidity swaps, share of notional. */
  readonly swapCost: number;
  /** Taker fee plus slippage of perpetual trades, share of notional. */
  readonly perpCost: number;
  /** Half of an option's bid–ask spread, share of premium. */
  readonly optionHalfSpread: number;
  /** USD for each day on which anything is traded on chain. */
  readonly gasPerRebalance: number;
  /** Penalty of a liquidation, share of notional. */
  readonly liquidationPenalty: number;
  /** Least rise (decimal) that margin is kept for before 1.5 ×, until a worse one has been seen. */
  readonly leastWorstRise: number;
  /** Equity at the perpetual venue may run between these multiples of its target. */
  readonly marginBand: readonly [number, number];
  /** Share of treasury bills' return that idle cash earns. Margin earns nothing. */
  readonly cashYield: number;
  /** Whether real funding is paid; before funding was published none is, in any case. */
  readonly funding: boolean;
  /** Factor on Ballast's liquidity share ahead of an event while the EDR percentile is high; 1 switches it off. */
  readonly edrCut: number;
  /** EDR percentile from which that holds. */
  readonly edrCutFrom: number;
}

/** Price ratio of a tick, for widths that the policy gives in ticks. */
const LOG_TICK = Math.log(1.0001);

/** The base case. The targets and bands are those that ship on chain (deploy/parameters.ts, src/plan/ruleset.ts). */
export const PARAMETERS: Parameters = {
  startNav: 10_000_000,
  targets: [
    { liquidityShare: 0.6, hedgeRatio: 0.6, halfWidth: 2_500 * LOG_TICK },
    { liquidityShare: 0.5, hedgeRatio: 0.85, halfWidth: 3_500 * LOG_TICK },
    { liquidityShare: 0.35, hedgeRatio: 1, halfWidth: 5_000 * LOG_TICK },
  ],
  reshareBand: 0.04,
  recentre: 0.65,
  minTrade: 0.0025,
  riskAversion: 25,
  feeToLvr: [1, 1, 1],
  swapCost: 0.001,
  perpCost: 0.0007,
  optionHalfSpread: 0.025,
  gasPerRebalance: 20,
  liquidationPenalty: 0.0125,
  leastWorstRise: 0.4,
  marginBand: [0.85, 1.5],
  cashYield: 1,
  funding: true,
  edrCut: 1,
  edrCutFrom: 0.8,
};

/** Days of the year: crypto trades on all of them. */
export const DAYS_PER_YEAR = 365;
/** Days of ETH closes before the first decision: so many returns give the first volatility and its median. */
export const WARM_UP_DAYS = 60;
/** Weight of yesterday in the moving variance of ETH (RiskMetrics 1996). */
export const EWMA_DECAY = 0.94;
/** Mean block of the bootstrap in calendar days: 63 sessions, a quarter (QUANT). */
export const MEAN_BLOCK_DAYS = 91;
/** Training days below which hedge ratios are the prior and not a choice. */
export const LEAST_TRAINING_DAYS = DAYS_PER_YEAR;
/** Hedge ratios tried in training, Calm ≤ Elevated ≤ Stress. */
export const HEDGE_RATIO_GRID = [0.4, 0.6, 0.8, 1] as const;
/** Scheduled releases that liquidity is cut ahead of, within so many sessions. */
export const EVENT_KINDS = ["fomc_decision", "cpi", "ppi"] as const;
export const EVENT_SESSIONS = 3;
/** Cost of capital a year that the hedge programme's own return is set against. */
export const COST_OF_CAPITAL = 0.1;
/** Share of the unhedged vault that "hold less" holds before there are training days: what Calm leaves unhedged. */
export const PRIOR_HOLD_LESS_WEIGHT = 0.4;

/** Every number with its unit and reason, for the report and the methodology. */
export function assumptionsOf(p: Parameters): Assumption[] {
  const percent = (share: number): string => `${Number((share * 100).toFixed(4))}`;
  const list = (values: readonly number[]): string => values.map(percent).join(" / ");
  const [calm, elevated, stress] = p.targets;
  const regimes = [calm, elevated, stress];
  return [
    {
      name: "Liquidity share, Calm / Elevated / Stress",
      value: list(regimes.map(({ liquidityShare }) => liquidityShare)),
      unit: "% of NAV",
      reason: "The targets that ship on chain. People who knew these years set them: they are not out of sample.",
    },
    {
      name: "Half-width of the range, Calm / Elevated / Stress",
      value: list(regimes.map(({ halfWidth }) => Math.expm1(halfWidth))),
      unit: "% above the centre",
      reason: "The targets that ship on chain; set with these years in view.",
    },
    {
      name: "Hedge ratio before there is a year of training days",
      value: list(regimes.map(({ hedgeRatio }) => hedgeRatio)),
      unit: "% of liquidity delta",
      reason: "Prior of the method; afterwards chosen each year on the days before it.",
    },
    {
      name: "Range and share are left alone",
      value: `${percent(p.recentre)} / ${percent(p.reshareBand)}`,
      unit: "% of half-width / % of NAV",
      reason: "The keeper's rules: price further from the centre, or share further from its target, moves them.",
    },
    {
      name: "Risk aversion of the no-trade band",
      value: p.riskAversion,
      unit: "× 1/NAV",
      reason: "The policy that ships; Whalley and Wilmott's a. Fixed beforehand; sensitivity shown.",
    },
    {
      name: "Fee income over loss-versus-rebalancing at median volatility",
      value: p.feeToLvr.join(" / "),
      unit: "ratio, Calm / Elevated / Stress",
      reason: "No fee history of seven years exists in the data: an assumption, from 0.25 to 1.75 in the sensitivity.",
    },
    {
      name: "Cost of swapping",
      value: percent(p.swapCost),
      unit: "% of notional",
      reason: "Pool fee of 0.05 % and as much again for slippage.",
    },
    {
      name: "Cost of perpetual trades",
      value: percent(p.perpCost),
      unit: "% of notional",
      reason: "Taker fee of 0.05 % and 0.02 % slippage.",
    },
    {
      name: "Half of the bid–ask spread of options",
      value: percent(p.optionHalfSpread),
      unit: "% of premium",
      reason: "About a nickel on a VIX call of two dollars.",
    },
    {
      name: "Gas",
      value: p.gasPerRebalance,
      unit: "USD a rebalance",
      reason: "One Safe transaction on a rollup, generously.",
    },
    {
      name: "Margin is kept for",
      value: `1.5 × the worst three-day rise known, at least ${percent(p.leastWorstRise)}`,
      unit: "% of notional",
      reason: "The floor stands in for history while there is little of it. Margin earns nothing.",
    },
    {
      name: "Penalty of a liquidation",
      value: percent(p.liquidationPenalty),
      unit: "% of notional",
      reason: "What perpetual venues charge; at the price where margin runs out, on the high of the day.",
    },
    {
      name: "Idle cash earns",
      value: percent(p.cashYield),
      unit: "% of the return of treasury bills",
      reason: "In every strategy and in hold less alike: kept in tokenised bills.",
    },
    {
      name: "Hold less",
      value: `rebalanced daily; ${percent(PRIOR_HOLD_LESS_WEIGHT)} before there is a year of training days`,
      unit: "% of NAV unhedged",
      reason:
        "Its own rebalancing is free, which flatters it by about 0.1 % a year at most; the share is what Calm leaves unhedged.",
    },
    {
      name: "Prices of VIX calls",
      value: "Black-76 on the future, one volatility at all strikes, settled at VIX's close",
      unit: "",
      reason:
        "No quotes are in the data. Calls far from the money cost more than that and settle in the morning: it flatters VXTH most.",
    },
    {
      name: "Cost of capital",
      value: percent(COST_OF_CAPITAL),
      unit: "% a year",
      reason: "What the hedge programme's internal rate of return is set against; a treasury has its own.",
    },
    {
      name: "Fills",
      value: "close of the next session's 24-hour bar",
      unit: "",
      reason: "Decisions are taken five minutes after the session's own bar has closed.",
    },
    {
      name: "Funding",
      value: p.funding ? "as settled" : "none",
      unit: "",
      reason:
        "On notional at mark, which is spot: no basis. Before 2020 there are no settlements in the data: a scenario of zero funding.",
    },
  ];
}
