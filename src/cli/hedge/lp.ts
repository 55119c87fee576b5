import type { Command } from "commander";
import {
  feesPerYear,
  lpAmounts,
  lpDelta,
  lpGamma,
  lpImpermanentLoss,
  LpInputError,
  lpValue,
  lvrPerYear,
} from "../../hedge/liquidityValue.ts";
import type { LpPosition } from "../../hedge/liquidityValue.ts";
import { lpBreakEven, lpCarry } from "../../hedge/lpBreakEven.ts";
import { amount, facts, numberOption, percent } from "../numbers.ts";
import { print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

/** Median EWMA(0.94) volatility of ETH in 2018 and 2019, a year: a round memory of it, not today's. */
const ETH_VOLATILITY = "0.93";
/** ASSUMED: share of fee income that just-in-time liquidity and the order of transactions take. */
const MEV_HAIRCUT = "0.05";
/** ASSUMED cost of capital a year. */
const WACC = "0.1";

interface LpOptions {
  price: string;
  lower: string;
  upper: string;
  liquidity: string;
  volatility: string;
  feeRatio: string;
  referenceVolatility?: string;
  gas: string;
  mevHaircut: string;
  wacc: string;
  hedgeRatio: string;
  entryExitCost: string;
  horizon: string;
  entry?: string;
}

/** `ballast hedge lp`: what a concentrated-liquidity position is, loses and must earn. */
export function registerLp(hedge: Command): void {
  hedge
    .command("lp")
    .description("a liquidity position: amounts, delta, gamma, loss-versus-rebalancing, break-evens")
    .requiredOption("--price <price>", "whole asset tokens per whole base token: ETH at 2,000 USDC is 2000")
    .requiredOption("--lower <price>", "lower bound of the range; 0 for the full range")
    .requiredOption("--upper <price>", "upper bound of the range; Infinity for the full range")
    .requiredOption(
      "--liquidity <L>",
      "liquidity in whole tokens, √(base · asset): on chain L / 10^((decimals + decimals)/2)",
    )
    .option(
      "--volatility <decimal>",
      "volatility of the price a year (ETH 2018–2019 had a median of 0.93)",
      ETH_VOLATILITY,
    )
    .option("--fee-ratio <rho>", "assumed fee income / loss-versus-rebalancing at the reference volatility", "1")
    .option("--reference-volatility <decimal>", "volatility at which that ratio holds (default: --volatility)")
    .option("--gas <asset>", "gas and keeper cost a year, in asset", "0")
    .option("--mev-haircut <share>", "share of fee income lost to MEV", MEV_HAIRCUT)
    .option("--wacc <decimal>", "cost of capital a year: the hurdle", WACC)
    .option("--hedge-ratio <share>", "share of delta that is hedged: volatility drag falls on the rest", "0")
    .option("--entry-exit-cost <asset>", "cost of getting in and out, once, in asset", "0")
    .option("--horizon <days>", "days of fees to set against impermanent loss", "30")
    .option("--entry <price>", "price at which it was opened: gives the impermanent loss since")
    .addHelpText(
      "after",
      "\nValues and costs are in asset, rates decimals a year. Fee income is an assumption, everything else is exact.\n" +
        "Break-evens in JSON: feeToLvr, feeYield (share of value a year), volatility and price (from, to; null: no bound),\n" +
        "days to pay for entry and exit; null where there is none.\n" +
        examples(
          "ballast hedge lp --price 2000 --lower 1600 --upper 2500 --liquidity 1000",
          "ballast hedge lp --price 2000 --lower 0 --upper Infinity --liquidity 1000 --volatility 0.6 --json",
        ),
    )
    .action(lp);
}

function lp(options: LpOptions): void {
  try {
    answer(options);
  } catch (error) {
    if (error instanceof LpInputError) throw new UsageError(error.message);
    throw error;
  }
}

function answer(options: LpOptions): void {
  const price = numberOption("price", options.price);
  const position: LpPosition = {
    lower: numberOption("lower", options.lower),
    upper: numberOption("upper", options.upper, { infinite: true }),
    liquidity: numberOption("liquidity", options.liquidity),
  };
  const volatility = numberOption("volatility", options.volatility);
  const assumed = {
    feeToLvr: numberOption("fee-ratio", options.feeRatio),
    referenceVolatility: numberOption("reference-volatility", options.referenceVolatility ?? options.volatility),
  };
  const costs = {
    gasPerYear: numberOption("gas", options.gas),
    mevHaircut: numberOption("mev-haircut", options.mevHaircut),
    waccPerYear: numberOption("wacc", options.wacc),
    hedgeRatio: numberOption("hedge-ratio", options.hedgeRatio),
    entryExitCost: numberOption("entry-exit-cost", options.entryExitCost),
  };
  const horizonDays = numberOption("horizon", options.horizon);
  const carry = lpCarry(price, position, volatility, assumed, costs);
  const breakEven = lpBreakEven(price, position, volatility, assumed, costs, horizonDays);
  const lvr = lvrPerYear(price, position, volatility);
  const loss =
    options.entry === undefined ? null : lpImpermanentLoss(numberOption("entry", options.entry), price, position);
  const result = {
    price,
    ...position,
    volatility,
    amounts: lpAmounts(price, position),
    value: lpValue(price, position),
    delta: lpDelta(price, position),
    gamma: lpGamma(price, position),
    lvrPerYear: lvr,
    lvrPerDay: lvr / 365,
    lvrShareOfValue: lvr / carry.value,
    impermanentLoss: loss,
    feesPerYear: feesPerYear(price, position, volatility, assumed),
    carryPerYear: carry,
    breakEven,
    assumptions: { ...assumed, ...costs, horizonDays },
  };
  print(describe(result), result);
}

type Result = {
  amounts: { base: number; asset: number };
  value: number;
  delta: number;
  gamma: number;
  volatility: number;
  lvrPerYear: number;
  lvrShareOfValue: number;
  impermanentLoss: number | null;
  feesPerYear: number;
  carryPerYear: ReturnType<typeof lpCarry>;
  breakEven: ReturnType<typeof lpBreakEven>;
  assumptions: { feeToLvr: number; mevHaircut: number; waccPerYear: number; horizonDays: number };
};

function describe(result: Result): string {
  const { amounts, carryPerYear: carry, breakEven, assumptions } = result;
  const between = (band: { from: number; to: number } | null, show: (value: number) => string, none: string): string =>
    band === null ? none : `${show(band.from)} to ${show(band.to)}`;
  return facts([
    ["holds", `${amount(amounts.base)} base and ${amount(amounts.asset)} asset`],
    ["value", `${amount(result.value)} asset`],
    ["delta", `${amount(result.delta)} base: what a full hedge is short`],
    ["gamma", `${amount(result.gamma)} base per unit of price`],
    [
      "loss-versus-rebalancing",
      `${amount(result.lvrPerYear)} asset a year at ${percent(result.volatility)} volatility (${percent(result.lvrShareOfValue)} of value)`,
    ],
    ...(result.impermanentLoss === null
      ? []
      : [["impermanent loss", `${amount(result.impermanentLoss)} asset against holding since entry`] as const]),
    ["fees (assumed)", `${amount(result.feesPerYear)} asset a year, ${assumptions.feeToLvr} × that at the reference`],
    [
      "net of all costs",
      `${amount(carry.net)} asset a year: fees after MEV ${amount(carry.fees)}, rebalancing ${amount(0 - carry.lvr)}, gas ${amount(0 - carry.gas)}, drag ${amount(0 - carry.volatilityDrag)}, hurdle ${amount(0 - carry.hurdle)}`,
    ],
    [
      "breaks even at",
      `fees of ${percent(breakEven.feeYield)} of value a year` +
        (breakEven.feeToLvr === null ? "" : `, a fee ratio of ${breakEven.feeToLvr.toFixed(3)}`),
    ],
    ["  at volatilities of", between(breakEven.volatility, percent, "none: fees cover the costs nowhere")],
    [
      "  after",
      breakEven.days === null ? "no time: it does not earn" : `${amount(breakEven.days)} days, for entry and exit`,
    ],
    [
      "  against holding",
      `${between(breakEven.price, amount, "at no price")} within ${assumptions.horizonDays} days of fees`,
    ],
  ]);
}
