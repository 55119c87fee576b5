import { baseValue } from "../hedge/liquidity.ts";
import type { Evidence } from "./evidence.ts";
import { abs, BPS, formatFixed, max } from "./fixedPoint.ts";
import { firstDifference } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { midPrice, pairOf, vaultState } from "./state.ts";

/** Fees, funding and small deposits move amounts a little in a day; beyond this an older decision no longer fits. */
const DRIFT_BPS = 100n;
/** Of the oracle's prices. */
const PRICE_DECIMALS = 18;

/**
 * What in the vault is no longer as the evidence has it, by evidence of now: null when the positions are the same, and
 * every amount is within one per cent of net asset value, both at the older evidence's prices.
 */
export function movedSince(then: Evidence, now: Evidence): string | null {
  const difference = firstDifference(fixedPart(then), fixedPart(now));
  if (difference !== null) return difference;

  const [before, after] = [vaultState(then), vaultState({ ...now, feeds: then.feeds })];
  const limit = (max(before.nav, after.nav) * DRIFT_BPS) / BPS;
  for (const key of ["nav", "cash", "pendingValue", "liquidityValue", "perpEquity"] as const) {
    if (abs(before[key] - after[key]) > limit) {
      const amount = (value: bigint): string => formatFixed(value, now.vault.assetDecimals, 2);
      return `${key}: ${amount(before[key])} against ${amount(after[key])}`;
    }
  }
  const delta = baseValue(abs(before.liquidityDelta - after.liquidityDelta), before.price, pairOf(then));
  return delta > limit ? `liquidityDelta: ${before.liquidityDelta} against ${after.liquidityDelta}` : null;
}

/** What only a plan or a liquidation changes. */
function fixedPart({ vault, liquidity, perp }: Evidence): object {
  return {
    vault: { baseDecimals: vault.baseDecimals, assetDecimals: vault.assetDecimals },
    liquidity: {
      adapter: liquidity.adapter,
      baseIsToken0: liquidity.baseIsToken0,
      tickSpacing: liquidity.tickSpacing,
      tickLower: liquidity.tickLower,
      tickUpper: liquidity.tickUpper,
      liquidity: liquidity.liquidity,
    },
    perp: { adapter: perp.adapter, costBps: perp.costBps, size: perp.size },
  };
}

/**
 * What has moved further than a plan tolerates since it was made, by evidence of now; null when the Rebalancer would still
 * take it. As Rebalancer._requireUnmoved: the difference against the larger of the two, in basis points.
 */
export function brokenTolerance(plan: Plan, now: Evidence): string | null {
  const { liquidity, perp } = now;
  const { baseDecimals } = now.vault;
  const moves: [what: string, from: bigint, to: bigint, decimals: number][] = [
    ["price", BigInt(plan.fromPrice), midPrice(now), PRICE_DECIMALS],
    ...plan.liquidity.map(({ fromLiquidity }): [string, bigint, bigint, number] => [
      "liquidity",
      BigInt(fromLiquidity),
      BigInt(liquidity.liquidity),
      0,
    ]),
    ...plan.perps.map(({ fromSize }): [string, bigint, bigint, number] => [
      "short",
      -BigInt(fromSize),
      -BigInt(perp.size),
      baseDecimals,
    ]),
  ];
  for (const [what, from, to, decimals] of moves) {
    const amount = (value: bigint): string => formatFixed(value, decimals, Math.min(decimals, 2));
    if (abs(from - to) * BPS > max(from, to) * BigInt(plan.toleranceBps)) {
      return `${what} was ${amount(from)}, is ${amount(to)}`;
    }
  }
  return null;
}
