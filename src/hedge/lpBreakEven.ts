import { bisect } from "./bisect.ts";
import type { FeeAssumption, LpPosition } from "./liquidityValue.ts";
import {
  FEE_VOLATILITY_EXPONENT,
  feesPerYear,
  inRange,
  lpAmounts,
  lpDelta,
  lpImpermanentLoss,
  LpInputError,
  lpValue,
  lvrPerYear,
} from "./liquidityValue.ts";

/** What a position costs besides loss-versus-rebalancing. Amounts in asset, rates decimals a year. */
export interface LpCosts {
  /** Gas and keeper fees a year. */
  gasPerYear: number;
  /** Share of fee income lost to just-in-time liquidity and order of transactions (MEV), 0 to 1. */
  mevHaircut: number;
  /** Cost of capital on the position's value: the hurdle. */
  waccPerYear: number;
  /** Share of delta that is hedged, 0 to 1: volatility drag falls on the rest. */
  hedgeRatio: number;
  /** Swap fees, slippage and gas of getting in and out, once. */
  entryExitCost: number;
}

/** What a position is expected to earn and cost at one price and volatility, in asset a year. */
export interface LpCarry {
  value: number;
  /** Fee income (assumed) after the MEV haircut. */
  fees: number;
  lvr: number;
  gas: number;
  /** ½·(exposure / value)²·σ²·value: what growth falls short of the mean return. */
  volatilityDrag: number;
  /** Cost of capital × value. */
  hurdle: number;
  /** fees − lvr − gas − volatilityDrag − hurdle. */
  net: number;
}

/** Where a position stops to pay, by each of the things that may change. Null: nowhere. */
export interface LpBreakEven {
  /** ρ at the reference volatility from which fees cover all costs. Null out of range. */
  feeToLvr: number | null;
  /** Fee income before the haircut that covers all costs, as a share of value a year. */
  feeYield: number;
  /** Volatilities a year between which fees cover all costs. Null when they do at none. */
  volatility: { from: number; to: number } | null;
  /** Days until net carry has paid the cost of entry and exit. Null when it never does. */
  days: number | null;
  /** Prices between which fee income of the horizon less gas and entry and exit covers impermanent loss. */
  price: { from: number; to: number } | null;
}

const DAYS_PER_YEAR = 365;

/** Expected income and costs a year. Under a price without drift they add up to the growth above the hurdle. */
export function lpCarry(
  price: number,
  position: LpPosition,
  volatility: number,
  assumed: FeeAssumption,
  costs: LpCosts,
): LpCarry {
  requireCosts(costs);
  const value = lpValue(price, position);
  if (!(value > 0)) throw new LpInputError("value of the position", value, "give it liquidity to break even with.");
  const fees = feesPerYear(price, position, volatility, assumed) * (1 - costs.mevHaircut);
  const lvr = lvrPerYear(price, position, volatility);
  const drag = value * dragPerVariance(price, position, costs.hedgeRatio) * volatility * volatility;
  const hurdle = costs.waccPerYear * value;
  const net = fees - lvr - costs.gasPerYear - drag - hurdle;
  return { value, fees, lvr, gas: costs.gasPerYear, volatilityDrag: drag, hurdle, net };
}

/**
 * All break-evens at one price and volatility. The price bounds compare with holding the same tokens for `horizonDays`
 * while the price stays in range; there the hurdle and the drag fall on both sides alike, and impermanent loss is what
 * loss-versus-rebalancing has become, so none of the three is counted.
 */
export function lpBreakEven(
  price: number,
  position: LpPosition,
  volatility: number,
  assumed: FeeAssumption,
  costs: LpCosts,
  horizonDays: number,
): LpBreakEven {
  if (!(horizonDays > 0 && horizonDays < Infinity)) {
    throw new LpInputError("horizon", horizonDays, "give days, above 0.");
  }
  const carry = lpCarry(price, position, volatility, assumed, costs);
  const needed = (carry.fees - carry.net) / (1 - costs.mevHaircut);
  const perRho = feesPerYear(price, position, volatility, { ...assumed, feeToLvr: 1 });
  const kept = ((carry.fees - carry.gas) * horizonDays) / DAYS_PER_YEAR - costs.entryExitCost;
  return {
    feeToLvr: perRho > 0 ? needed / perRho : null,
    feeYield: needed / carry.value,
    volatility: volatilityBand(price, position, assumed, costs),
    days: carry.net > 0 ? (costs.entryExitCost / carry.net) * DAYS_PER_YEAR : null,
    price: priceBounds(price, position, kept),
  };
}

/**
 * Net carry is A·σ^1.3 − B·σ² − C: it rises to one peak and falls, so it is above zero between at most two
 * volatilities, one on each side of the peak.
 */
function volatilityBand(
  price: number,
  position: LpPosition,
  assumed: FeeAssumption,
  costs: LpCosts,
): LpBreakEven["volatility"] {
  if (!inRange(price, position)) return null;
  const value = lpValue(price, position);
  const a = feesPerYear(price, position, 1, assumed) * (1 - costs.mevHaircut);
  const b = lvrPerYear(price, position, 1) + value * dragPerVariance(price, position, costs.hedgeRatio);
  const c = costs.gasPerYear + costs.waccPerYear * value;
  const net = (sigma: number): number => a * sigma ** FEE_VOLATILITY_EXPONENT - b * sigma * sigma - c;
  const power = 1 / (2 - FEE_VOLATILITY_EXPONENT);
  const peak = ((FEE_VOLATILITY_EXPONENT * a) / (2 * b)) ** power;
  if (!(net(peak) > 0)) return null;
  // At (A/B)^(1/0.7) fees equal the costs that grow with variance, so net is −C; twice that for rounding's sake.
  return { from: bisect(net, 0, peak), to: bisect(net, peak, 2 * (a / b) ** power) };
}

/** Where impermanent loss from `price` is `kept`: it is 0 there and falls on both sides, since value is concave. */
function priceBounds(price: number, position: LpPosition, kept: number): LpBreakEven["price"] {
  if (!(kept >= 0)) return null;
  const held = lpAmounts(price, position);
  const left = (to: number): number => kept + lpImpermanentLoss(price, to, position);
  // Towards 0 the loss tends to all of the asset held; upwards it grows without bound while there is base to miss.
  const from = held.asset <= kept ? 0 : bisect(left, Number.MIN_VALUE, price);
  if (held.base === 0) return { from, to: Infinity };
  let high = 2 * price;
  while (left(high) > 0) high *= 2;
  return { from, to: kept === 0 ? price : bisect(left, price, high) };
}

/** ½·(unhedged exposure / value)². */
function dragPerVariance(price: number, position: LpPosition, hedgeRatio: number): number {
  const exposure = ((1 - hedgeRatio) * lpDelta(price, position) * price) / lpValue(price, position);
  return (exposure * exposure) / 2;
}

function requireCosts(costs: LpCosts): void {
  for (const [what, value] of Object.entries(costs) as [string, number][]) {
    if (!(value >= 0 && value < Infinity)) throw new LpInputError(what, value, "give a finite number, not negative.");
  }
  if (costs.mevHaircut >= 1) throw new LpInputError("mevHaircut", costs.mevHaircut, "give a share below 1.");
  if (costs.hedgeRatio > 1) throw new LpInputError("hedgeRatio", costs.hedgeRatio, "give a share, at most 1.");
}
