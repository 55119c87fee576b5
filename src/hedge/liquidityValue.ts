import type { LiquidityPosition, PairShape } from "./liquidity.ts";
import { wholeLiquidity } from "./liquidity.ts";
import { sqrtRatioAtTick } from "./ticks.ts";

/**
 * A concentrated-liquidity position in floats and whole tokens, for statistics and simulation; what goes on chain is in
 * liquidity.ts. Prices are whole asset per whole base (ETH at 2,000 USDC is 2000), values are in asset, volatility and
 * rates are decimals a year. Source of amounts: Uniswap v3 whitepaper (2021), section 6.2.
 */

/** A range of prices; 0 and Infinity are the full range's ends. */
export interface PriceRange {
  lower: number;
  upper: number;
}

/** A range and its liquidity L in whole tokens, √(base · asset): wholeLiquidity of liquidity.ts. */
export interface LpPosition extends PriceRange {
  liquidity: number;
}

/** What a position holds, in whole tokens. */
export interface LpAmounts {
  base: number;
  asset: number;
}

/** An ASSUMPTION about fee income: it is `feeToLvr` times the loss-versus-rebalancing at `referenceVolatility`. */
export interface FeeAssumption {
  /** ρ, fee income / LVR at the reference volatility. */
  feeToLvr: number;
  /** Volatility a year (decimal) at which the ratio is ρ; QUANT: the median of what was known. */
  referenceVolatility: number;
}

/** A price, range, liquidity or volatility that no position can have. */
export class LpInputError extends Error {
  constructor(what: string, value: number, mend: string) {
    super(`${what} is ${value}: ${mend}`);
    this.name = "LpInputError";
  }
}

/** Fee income grows as σ^1.3: volume grows more slowly than variance (QUANT, an assumption). */
export const FEE_VOLATILITY_EXPONENT = 1.3;

/** Whole tokens in a position at a price: base L(1/√p − 1/√upper), asset L(√p − √lower), p held inside the range. */
export function lpAmounts(price: number, position: LpPosition): LpAmounts {
  requirePosition(price, position);
  const { lower, upper, liquidity } = position;
  const root = Math.sqrt(Math.min(Math.max(price, lower), upper));
  return { base: liquidity * (1 / root - 1 / Math.sqrt(upper)), asset: liquidity * (root - Math.sqrt(lower)) };
}

/** Value in asset, without fees and costs. An exact mark: loss-versus-rebalancing is in it already. */
export function lpValue(price: number, position: LpPosition): number {
  const { base, asset } = lpAmounts(price, position);
  return asset + base * price;
}

/** d(value)/d(price) in base: the base held, since the position trades along its own curve (envelope theorem). */
export function lpDelta(price: number, position: LpPosition): number {
  return lpAmounts(price, position).base;
}

/** d(delta)/d(price): −L / (2·p^1.5) in range, 0 outside it. */
export function lpGamma(price: number, position: LpPosition): number {
  return inRange(price, position) ? -position.liquidity / (2 * price * Math.sqrt(price)) : 0;
}

/** Liquidity of a position that is worth `value` asset at a price: value is linear in it. Throws LpInputError. */
export function liquidityForLpValue(value: number, price: number, range: PriceRange): number {
  if (!(value >= 0 && value < Infinity)) throw new LpInputError("value", value, "give a finite number, not negative.");
  return value / lpValue(price, { ...range, liquidity: 1 });
}

/** Impermanent loss in asset: value at `to` less the value there of what the position held at `from`. Never above 0. */
export function lpImpermanentLoss(from: number, to: number, position: LpPosition): number {
  const held = lpAmounts(from, position);
  return lpValue(to, position) - (held.asset + held.base * to);
}

/**
 * Loss-versus-rebalancing in asset a year: L·√p·σ²/4 in range, 0 outside it; for the full range that is σ²/8 of value.
 * Source: Milionis, Moallemi, Roughgarden and Zhang 2022, "Automated Market Making and Loss-Versus-Rebalancing",
 * theorem 1 (½σ²p²·|x*′(p)|) and its examples.
 */
export function lvrPerYear(price: number, position: LpPosition, volatility: number): number {
  requireVolatility(volatility);
  return inRange(price, position) ? (position.liquidity * Math.sqrt(price) * volatility * volatility) / 4 : 0;
}

/**
 * ASSUMED fee income in asset a year: c·L·√p·σ^1.3 in range with c = ρ·σ_ref^0.7 / 4, so that at the reference
 * volatility it is ρ × LVR.
 */
export function feesPerYear(price: number, position: LpPosition, volatility: number, fees: FeeAssumption): number {
  requireVolatility(volatility);
  const { feeToLvr, referenceVolatility } = fees;
  if (!(feeToLvr >= 0 && feeToLvr < Infinity)) {
    throw new LpInputError("fee-to-LVR ratio", feeToLvr, "give a finite number, not negative, such as 1.");
  }
  requireVolatility(referenceVolatility);
  if (!inRange(price, position)) return 0;
  const c = (feeToLvr * referenceVolatility ** (2 - FEE_VOLATILITY_EXPONENT)) / 4;
  return c * position.liquidity * Math.sqrt(price) * volatility ** FEE_VOLATILITY_EXPONENT;
}

/** Whether a position earns fees at a price. A pool counts the lower bound in and the upper bound out. */
export function inRange(price: number, position: LpPosition): boolean {
  requirePosition(price, position);
  return price >= position.lower && price < position.upper;
}

/** An on-chain position in floats and whole tokens. */
export function lpPositionOf(position: LiquidityPosition, pair: PairShape): LpPosition {
  const scale = 10 ** (pair.baseDecimals - pair.assetDecimals);
  const priceAt = (tick: number): number => {
    const root = Number(sqrtRatioAtTick(tick)) / 2 ** 96;
    return pair.baseIsToken0 ? root * root * scale : scale / (root * root);
  };
  const [lowerTick, upperTick] = pair.baseIsToken0
    ? [position.tickLower, position.tickUpper]
    : [position.tickUpper, position.tickLower];
  return {
    lower: priceAt(lowerTick),
    upper: priceAt(upperTick),
    liquidity: wholeLiquidity(position.liquidity, pair),
  };
}

function requirePosition(price: number, { lower, upper, liquidity }: LpPosition): void {
  if (!(price > 0 && price < Infinity)) throw new LpInputError("price", price, "give asset per base, above 0.");
  if (!(lower >= 0 && lower < Infinity)) throw new LpInputError("lower bound", lower, "give a price, or 0.");
  if (!(upper > lower)) throw new LpInputError("upper bound", upper, `it must be above the lower bound ${lower}.`);
  if (!(liquidity >= 0 && liquidity < Infinity)) {
    throw new LpInputError("liquidity", liquidity, "give √(base · asset) in whole tokens, not negative.");
  }
}

function requireVolatility(volatility: number): void {
  if (!(volatility >= 0 && volatility < Infinity)) {
    throw new LpInputError("volatility", volatility, "give a decimal a year, such as 0.8, not negative.");
  }
}
