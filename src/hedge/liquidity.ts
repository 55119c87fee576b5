import { MAX_SQRT_RATIO, MIN_SQRT_RATIO, SqrtPriceOutOfRange, sqrtRatioAtTick } from "./ticks.ts";

/**
 * Exact maths of a concentrated-liquidity position (Uniswap v3 whitepaper, section 6.2; rounding as in
 * contracts/venues/uniswap-v3/LiquidityMath.sol and, where the pool pays or takes, as in v3-core's SqrtPriceMath).
 *
 * Prices are whole asset tokens per whole base token, scaled by 1e18 (ETH at 2,000 USDC is 2000e18). Amounts are in
 * token units. A square-root price is the pool's: sqrt(token1 / token0) × 2^96 in token units.
 */

/** Which tokens a pool holds: their decimals, and whether the base token is token0 (its address sorts first). */
export interface PairShape {
  baseDecimals: number;
  assetDecimals: number;
  baseIsToken0: boolean;
}

/** A position: its range and its liquidity (the pool's L, in sqrt(token0 units × token1 units)). */
export interface LiquidityPosition {
  tickLower: number;
  tickUpper: number;
  liquidity: bigint;
}

/** What a position holds, in base and in asset units. */
export interface PairAmounts {
  base: bigint;
  asset: bigint;
}

export type Rounding = "down" | "up";

const Q96 = 1n << 96n;
const Q192 = 1n << 192n;
const WAD = 10n ** 18n;
/** Liquidity whose value is large in any pair's units, so that dividing by it loses nothing that matters. */
const REFERENCE_LIQUIDITY = 1n << 100n;

/** A range whose lower tick is not below its upper tick. */
export class EmptyRange extends Error {
  constructor(tickLower: number, tickUpper: number) {
    super(`the range ${tickLower}…${tickUpper} is empty: the lower tick must be below the upper tick`);
    this.name = "EmptyRange";
  }
}

/** A price at which no ratio can be formed. */
export class PriceNotPositive extends Error {
  constructor(price: bigint) {
    super(`price ${price} is not positive: prices are asset per base, scaled by 1e18`);
    this.name = "PriceNotPositive";
  }
}

/** ⌊√x⌋. */
export function integerSqrt(x: bigint): bigint {
  if (x < 2n) return x;
  let root = 1n << BigInt(Math.ceil(x.toString(2).length / 2));
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** The pool's square-root price at a price (1e18 = one whole asset per whole base), rounded down. */
export function priceToSqrtPriceX96(price: bigint, pair: PairShape): bigint {
  if (price <= 0n) throw new PriceNotPositive(price);
  const assetSide = price * 10n ** BigInt(pair.assetDecimals);
  const baseSide = WAD * 10n ** BigInt(pair.baseDecimals);
  const ratioX192 = pair.baseIsToken0 ? (assetSide * Q192) / baseSide : (baseSide * Q192) / assetSide;
  const sqrtPriceX96 = integerSqrt(ratioX192);
  if (sqrtPriceX96 < MIN_SQRT_RATIO || sqrtPriceX96 >= MAX_SQRT_RATIO) throw new SqrtPriceOutOfRange(sqrtPriceX96);
  return sqrtPriceX96;
}

/** The price (1e18 = one whole asset per whole base) at a pool's square-root price, rounded as the contracts do. */
export function sqrtPriceX96ToPrice(sqrtPriceX96: bigint, pair: PairShape): bigint {
  const ratioX128 = (sqrtPriceX96 * sqrtPriceX96) >> 64n;
  const scale = 10n ** BigInt(pair.baseDecimals + 18 - pair.assetDecimals);
  return pair.baseIsToken0 ? (ratioX128 * scale) >> 128n : (scale << 128n) / ratioX128;
}

/** token0 between two square-root prices: L·2^96·(b − a)/b/a. */
function amount0Between(sqrtA: bigint, sqrtB: bigint, liquidity: bigint, rounding: Rounding): bigint {
  const numerator = liquidity * Q96 * (sqrtB - sqrtA);
  return rounding === "up" ? divideUp(divideUp(numerator, sqrtB), sqrtA) : numerator / sqrtB / sqrtA;
}

/** token1 between two square-root prices: L·(b − a)/2^96. */
function amount1Between(sqrtA: bigint, sqrtB: bigint, liquidity: bigint, rounding: Rounding): bigint {
  const product = liquidity * (sqrtB - sqrtA);
  return rounding === "up" ? divideUp(product, Q96) : product / Q96;
}

/**
 * token0 and token1 in a position at a square-root price. Rounding "down" is what the pool pays on burning, "up" what it
 * takes on minting.
 */
export function amountsForLiquidity(
  sqrtPriceX96: bigint,
  position: LiquidityPosition,
  rounding: Rounding = "down",
): { amount0: bigint; amount1: bigint } {
  if (position.tickLower >= position.tickUpper) throw new EmptyRange(position.tickLower, position.tickUpper);
  const lower = sqrtRatioAtTick(position.tickLower);
  const upper = sqrtRatioAtTick(position.tickUpper);
  const price = sqrtPriceX96 < lower ? lower : sqrtPriceX96 > upper ? upper : sqrtPriceX96;
  return {
    amount0: amount0Between(price, upper, position.liquidity, rounding),
    amount1: amount1Between(lower, price, position.liquidity, rounding),
  };
}

/** Base and asset in a position at a square-root price. */
export function pairAmounts(
  sqrtPriceX96: bigint,
  position: LiquidityPosition,
  pair: PairShape,
  rounding: Rounding = "down",
): PairAmounts {
  const { amount0, amount1 } = amountsForLiquidity(sqrtPriceX96, position, rounding);
  return pair.baseIsToken0 ? { base: amount0, asset: amount1 } : { base: amount1, asset: amount0 };
}

/** Base units valued at a price, in asset units, rounded down. */
export function baseValue(base: bigint, price: bigint, pair: PairShape): bigint {
  return (base * price * 10n ** BigInt(pair.assetDecimals)) / (WAD * 10n ** BigInt(pair.baseDecimals));
}

/** Value of a position at a price, in asset units, without fees and costs. */
export function valueAt(price: bigint, position: LiquidityPosition, pair: PairShape): bigint {
  const { base, asset } = pairAmounts(priceToSqrtPriceX96(price, pair), position, pair);
  return asset + baseValue(base, price, pair);
}

/** Greatest liquidity whose value at a price is `value` asset units, within rounding: value is linear in liquidity. */
export function liquidityForValue(
  value: bigint,
  price: bigint,
  range: { tickLower: number; tickUpper: number },
  pair: PairShape,
): bigint {
  return (value * REFERENCE_LIQUIDITY) / valueAt(price, { ...range, liquidity: REFERENCE_LIQUIDITY }, pair);
}

/**
 * Delta of a position at a price, in base units: d(value)/d(price) is exactly the base amount it holds, because the
 * position always trades along its own curve (envelope theorem).
 */
export function liquidityDelta(price: bigint, position: LiquidityPosition, pair: PairShape): bigint {
  return pairAmounts(priceToSqrtPriceX96(price, pair), position, pair).base;
}

/**
 * Gamma of a position: d(delta)/d(price) in whole base tokens per (whole asset per whole base). Inside the range delta is
 * L·(1/√P − 1/√P_upper), so gamma is −L / (2·P^1.5) with L and P in whole tokens; outside it is zero. Never positive.
 * A statistic (for the no-trade band), hence a number.
 */
export function liquidityGamma(price: bigint, position: LiquidityPosition, pair: PairShape): number {
  const sqrtPriceX96 = priceToSqrtPriceX96(price, pair);
  const inside =
    sqrtPriceX96 >= sqrtRatioAtTick(position.tickLower) && sqrtPriceX96 < sqrtRatioAtTick(position.tickUpper);
  if (!inside) return 0;
  const wholePrice = Number(price) / 1e18;
  return -wholeLiquidity(position.liquidity, pair) / (2 * wholePrice * Math.sqrt(wholePrice));
}

/** Liquidity in whole tokens, sqrt(whole base × whole asset): the L of QUANT-style formulas such as L·√P·σ²/4. */
export function wholeLiquidity(liquidity: bigint, pair: PairShape): number {
  // 10^(sum / 2) through an exact square root: `**` with a fraction may differ between engines.
  return Number(liquidity) / Math.sqrt(Number(10n ** BigInt(pair.baseDecimals + pair.assetDecimals)));
}

/**
 * Impermanent loss from one price to another, in asset units: the position's value at `to` less the value there of the
 * amounts it held at `from`. Zero or negative (but for a unit of rounding).
 */
export function impermanentLoss(from: bigint, to: bigint, position: LiquidityPosition, pair: PairShape): bigint {
  const held = pairAmounts(priceToSqrtPriceX96(from, pair), position, pair);
  return valueAt(to, position, pair) - (held.asset + baseValue(held.base, to, pair));
}

function divideUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}
