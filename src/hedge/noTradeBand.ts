import type { PairShape } from "./liquidity.ts";

/**
 * Half-width of the no-trade band around a target hedge, in base units (Whalley and Wilmott 1997, the asymptotic
 * solution for small proportional costs): H = (3/2 · k · S · Γ² / a)^(1/3), with k the proportional cost, S the price,
 * Γ the gamma being hedged and a the absolute risk aversion, here riskAversion / NAV.
 *
 * Γ comes in as a difference quotient ΔΔ/ΔS, so that the whole formula is integer arithmetic:
 * H³ = 3/2 · k · S · (ΔΔ/ΔS)² · NAV / riskAversion, and in whole tokens NAV·S/ΔS² is (NAV/S)·(S/ΔS)².
 */
export interface NoTradeInputs {
  /** Change of delta over `priceChange`, in base units; the sign does not matter. */
  deltaChange: bigint;
  /** Change of price, scaled by 1e18. */
  priceChange: bigint;
  /** Price, scaled by 1e18. */
  price: bigint;
  /** Net asset value, in asset units. */
  nav: bigint;
  /** Proportional cost of a trade, in basis points. */
  costBps: bigint;
  /** Absolute risk aversion × NAV, in basis points (10,000 = 1). */
  riskAversionBps: bigint;
  pair: PairShape;
}

/** See {@link NoTradeInputs}. Zero when there is no gamma or no cost. */
export function noTradeHalfWidth(inputs: NoTradeInputs): bigint {
  const { deltaChange, priceChange, price, nav, costBps, riskAversionBps, pair } = inputs;
  if (price === 0n || priceChange === 0n) return 0n;
  // NAV in base units at this price.
  const navBase = (nav * 10n ** 18n * 10n ** BigInt(pair.baseDecimals)) / (price * 10n ** BigInt(pair.assetDecimals));
  const cube =
    (3n * costBps * deltaChange * deltaChange * price * price * navBase) /
    (2n * riskAversionBps * priceChange * priceChange);
  return integerCbrt(cube);
}

/** The same band in floats and whole tokens, for statistics and simulation. */
export interface NoTradeNumbers {
  /** Γ: change of delta (base) per change of price (asset per base); the sign does not matter. */
  gamma: number;
  /** Asset per base. */
  price: number;
  /** Net asset value, in asset. */
  nav: number;
  /** Proportional cost of a trade, a decimal. */
  cost: number;
  /** Absolute risk aversion × NAV. */
  riskAversion: number;
}

/** Half-width in whole base tokens: (3/2 · k · S · Γ² · NAV / riskAversion)^(1/3). */
export function noTradeHalfWidthNumber({ gamma, price, nav, cost, riskAversion }: NoTradeNumbers): number {
  return Math.cbrt((1.5 * cost * price * gamma * gamma * nav) / riskAversion);
}

/** The hedge to hold: `current` inside the band around `target`, else the nearer edge (Whalley and Wilmott 1997). */
export function tradeToBand(current: number, target: number, halfWidth: number): number {
  return Math.min(Math.max(current, target - halfWidth), target + halfWidth);
}

/** ⌊∛x⌋ for x ≥ 0, by Newton's method on integers: the same on every engine. */
export function integerCbrt(x: bigint): bigint {
  if (x < 8n) return x > 0n ? 1n : 0n;
  let root = 1n << BigInt(Math.ceil(x.toString(2).length / 3) + 1);
  for (;;) {
    const next = (2n * root + x / (root * root)) / 3n;
    if (next >= root) return root;
    root = next;
  }
}
