import { baseValue, liquidityDelta, liquidityForValue, priceToSqrtPriceX96, valueAt } from "../hedge/liquidity.ts";
import type { LiquidityPosition, PairShape } from "../hedge/liquidity.ts";
import { tickAtSqrtRatio } from "../hedge/ticks.ts";
import type { Evidence, PolicyTargets } from "./evidence.ts";
import { noTradeHalfWidth } from "../hedge/noTradeBand.ts";
import { REGIME_NAMES, run, startState } from "../regime/ruleMachine.ts";
import type { RegimeName, RuleClose } from "../regime/ruleMachine.ts";
import { max } from "./fixedPoint.ts";
import { RULES } from "./ruleset.ts";

/** The vault as the evidence shows it, valued at the oracle's mid price. Amounts in token units, price × 1e18. */
export interface VaultState {
  price: bigint;
  nav: bigint;
  cash: bigint;
  /** Value of pending redemptions. */
  pendingValue: bigint;
  liquidityValue: bigint;
  /** Base held through the liquidity position, fees and idle base included. */
  liquidityDelta: bigint;
  perpEquity: bigint;
  /** Short size, positive. */
  short: bigint;
}

/** Shape of the pool's pair, from the evidence. */
export function pairOf(evidence: Evidence): PairShape {
  return {
    baseDecimals: evidence.vault.baseDecimals,
    assetDecimals: evidence.vault.assetDecimals,
    baseIsToken0: evidence.liquidity.baseIsToken0,
  };
}

/** The oracle's mid price (× 1e18): base/USD over asset/USD, as PriceOracle computes it. */
export function midPrice(evidence: Evidence): bigint {
  const { base, asset } = evidence.feeds;
  return (
    (BigInt(base.answer) * 10n ** BigInt(asset.decimals) * 10n ** 18n) /
    (BigInt(asset.answer) * 10n ** BigInt(base.decimals))
  );
}

/** The level after every session of the evidence, and a lift since, by the rule machine. */
export function regimeLevel(evidence: Evidence): RegimeName {
  const closes = evidence.regime.sessions.map(([, vix, vix3m, lifted]): RuleClose => ({
    vix: BigInt(vix),
    vix3m: BigInt(vix3m),
    lifted,
  }));
  const first = closes[0];
  if (first === undefined) return "Unknown";
  const last = run(startState(first), closes.slice(1)).at(-1) ?? startState(first);
  return evidence.regime.liftPending ? "Stress" : REGIME_NAMES[last.level];
}

/** The position in the evidence, as the liquidity maths takes it. */
export function positionOf(evidence: Evidence): LiquidityPosition {
  const { tickLower, tickUpper, liquidity } = evidence.liquidity;
  return { tickLower, tickUpper, liquidity: BigInt(liquidity) };
}

/** Net asset value and exposures at the oracle's mid price, from raw positions, as the adapters value them. */
export function vaultState(evidence: Evidence): VaultState {
  const price = midPrice(evidence);
  const pair = pairOf(evidence);
  const position = positionOf(evidence);
  const looseBase = BigInt(evidence.liquidity.feesBase) + BigInt(evidence.liquidity.idleBase);
  const open = position.liquidity > 0n;
  const liquidityValue =
    (open ? valueAt(price, position, pair) : 0n) +
    baseValue(looseBase, price, pair) +
    BigInt(evidence.liquidity.feesAsset);
  const size = BigInt(evidence.perp.size);
  const perpEquity = max(
    BigInt(evidence.perp.collateral) +
      BigInt(evidence.perp.openNotional) -
      BigInt(evidence.perp.pendingFunding) -
      baseValue(-size, price, pair),
    0n,
  );
  const cash = BigInt(evidence.vault.cash);
  const nav = cash + liquidityValue + perpEquity;
  const supply = BigInt(evidence.vault.totalSupply);
  return {
    price,
    nav,
    cash,
    pendingValue: supply === 0n ? 0n : (BigInt(evidence.vault.pendingShares) * nav) / supply,
    liquidityValue,
    liquidityDelta: (open ? liquidityDelta(price, position, pair) : 0n) + looseBase,
    perpEquity,
    short: -size,
  };
}

/** A range around the oracle's price, on the pool's tick spacing. */
export function rangeAround(price: bigint, pair: PairShape, halfWidth: number, spacing: number): [number, number] {
  const centre = tickAtSqrtRatio(priceToSqrtPriceX96(price, pair));
  const lower = Math.floor((centre - halfWidth) / spacing) * spacing;
  const upper = Math.ceil((centre + halfWidth) / spacing) * spacing;
  return [lower, upper];
}

/** Whether the present range still has the regime's width and the price near enough to its centre. */
export function rangeFits(evidence: Evidence, price: bigint, targets: PolicyTargets): boolean {
  const { tickLower, tickUpper, tickSpacing } = evidence.liquidity;
  const width = tickUpper - tickLower;
  if (Math.abs(width - 2 * targets.halfWidthTicks) > 4 * tickSpacing) return false;
  const tick = tickAtSqrtRatio(priceToSqrtPriceX96(price, pairOf(evidence)));
  const fromCentre = Math.abs(2 * tick - tickLower - tickUpper);
  return fromCentre * 10_000 <= width * RULES.recentreBps;
}

/** What the liquidity will be after the plan, and what follows from it. */
export interface LiquidityAim {
  position: LiquidityPosition;
  delta: bigint;
  /** Half-width of the no-trade band around the target short, in base units. */
  halfWidth: bigint;
}

/** Delta of a liquidity value in a range, and the no-trade band its gamma calls for. */
export function aimAt(
  evidence: Evidence,
  state: VaultState,
  range: { tickLower: number; tickUpper: number },
  liquidity: bigint,
  looseBase: bigint,
  targets: PolicyTargets,
): LiquidityAim {
  const pair = pairOf(evidence);
  const position = { ...range, liquidity };
  const step = (state.price * BigInt(RULES.gammaStepBps)) / 10_000n;
  const below = liquidityDelta(state.price - step, position, pair);
  const above = liquidityDelta(state.price + step, position, pair);
  return {
    position,
    delta: liquidityDelta(state.price, position, pair) + looseBase,
    halfWidth: noTradeHalfWidth({
      deltaChange: below - above,
      priceChange: 2n * step,
      price: state.price,
      nav: state.nav,
      costBps: BigInt(evidence.perp.costBps),
      riskAversionBps: BigInt(targets.riskAversionBps),
      pair,
    }),
  };
}

/** Liquidity that has a value at the oracle's price. */
export function liquidityFor(evidence: Evidence, price: bigint, value: bigint, range: [number, number]): bigint {
  return liquidityForValue(value, price, { tickLower: range[0], tickUpper: range[1] }, pairOf(evidence));
}
