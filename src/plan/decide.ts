import { baseValue } from "../hedge/liquidity.ts";
import type { RegimeName } from "../regime/ruleMachine.ts";
import { evidenceHash } from "./evidence.ts";
import type { Evidence, PolicyTargets } from "./evidence.ts";
import { abs, BPS, formatFixed, max, min } from "./fixedPoint.ts";
import { planNonce } from "./plan.ts";
import type { LiquidityTarget, PerpTarget, Plan } from "./plan.ts";
import { RULES } from "./ruleset.ts";
import { aimAt, liquidityFor, pairOf, positionOf, rangeAround, rangeFits, regimeLevel, vaultState } from "./state.ts";
import type { VaultState } from "./state.ts";

/** Why a tick proposes nothing. */
export type HoldCode = "NO_ASSETS" | "REGIME_UNKNOWN" | "REGIME_DISAGREES" | "INSIDE_BAND";

/** What the evidence calls for: a plan, or nothing with a reason. */
export type Decision =
  | { kind: "hold"; code: HoldCode; regime: RegimeName; sentence: string; state: VaultState | null }
  | { kind: "rebalance"; regime: RegimeName; sentence: string; state: VaultState; aims: Aims; plan: Plan };

/** What the plan aims at, and from where. Base and asset units. */
export interface Aims {
  /** Liquidity value after the plan. */
  liquidityValue: bigint;
  liquidityDelta: bigint;
  targetShort: bigint;
  short: bigint;
  /** Half-width of the no-trade band around the target short. */
  halfWidth: bigint;
  equity: bigint;
}

/**
 * Decides from the evidence alone: regime by the rule machine, liquidity share and range by the regime's targets, short
 * by hedge ratio × exact liquidity delta inside the no-trade band, margin by its target. Pure integer arithmetic: the
 * same evidence gives the same plan, byte for byte, anywhere.
 */
export function decide(evidence: Evidence): Decision {
  const level = regimeLevel(evidence);
  const said = evidence.regime.regime;
  const hold = (code: HoldCode, sentence: string, state: VaultState | null = null): Decision => ({
    kind: "hold",
    code,
    regime: said,
    sentence,
    state,
  });
  if (said === "Unknown") {
    return hold("REGIME_UNKNOWN", "The regime is Unknown: a session close is missing or its feed is stale.");
  }
  if (level !== said) {
    return hold("REGIME_DISAGREES", `The chain says ${said}, its own session closes say ${level}.`);
  }
  const state = vaultState(evidence);
  if (state.nav === 0n) return hold("NO_ASSETS", "The vault holds nothing.", state);

  const targets = evidence.policy[said].targets;
  const { aims, liquidity, perp } = weigh(evidence, state, targets);
  if (liquidity === null && perp === null) {
    return hold("INSIDE_BAND", insideBand(said, state, aims), state);
  }
  const plan: Plan = {
    nonce: planNonce(evidence.chainId, evidence.contracts.vault, evidence.slot.start),
    validAfter: evidence.slot.start,
    validUntil: evidence.slot.start + RULES.planValiditySeconds,
    regime: said,
    derisk: false,
    fromPrice: state.price.toString(),
    toleranceBps: RULES.toleranceBps,
    cashReserve: min(state.pendingValue, cashAfter(state, aims)).toString(),
    evidence: evidenceHash(evidence),
    liquidity: liquidity === null ? [] : [liquidity],
    perps: perp === null ? [] : [perp],
  };
  return { kind: "rebalance", regime: said, sentence: sentenceOf(said, state, aims), state, aims, plan };
}

/** What a state calls for under a regime's targets: where to, and which positions have to move for it; null may stay. */
export interface Weighing {
  aims: Aims;
  liquidity: LiquidityTarget | null;
  perp: PerpTarget | null;
}

/** The numbers behind a decision, of one that holds too: for explaining it. */
export function weigh(evidence: Evidence, state: VaultState, targets: PolicyTargets): Weighing {
  const liquidity = evidence.scope === "full" ? liquidityTarget(evidence, state, targets) : null;
  const kept = positionOf(evidence);
  const loose = BigInt(evidence.liquidity.feesBase) + BigInt(evidence.liquidity.idleBase);
  const value = liquidity === null ? state.liquidityValue : (state.nav * BigInt(liquidity.shareBps)) / BPS;
  const range: [number, number] =
    liquidity === null ? [kept.tickLower, kept.tickUpper] : [liquidity.tickLower, liquidity.tickUpper];
  // A position that is set anew swallows its fees and loose base; one that is kept has them besides.
  const amount = liquidity === null ? kept.liquidity : liquidityFor(evidence, state.price, value, range);
  const aim =
    amount === 0n
      ? { delta: liquidity === null ? loose : 0n, halfWidth: 0n }
      : aimAt(
          evidence,
          state,
          { tickLower: range[0], tickUpper: range[1] },
          amount,
          liquidity === null ? loose : 0n,
          targets,
        );
  const targetShort = (aim.delta * BigInt(targets.hedgeRatioBps)) / BPS;
  const perp = perpTarget(evidence, state, targets, targetShort, aim.halfWidth);
  return {
    aims: {
      liquidityValue: value,
      liquidityDelta: aim.delta,
      targetShort,
      short: perp === null ? state.short : -BigInt(perp.size),
      halfWidth: aim.halfWidth,
      equity: perp === null ? state.perpEquity : BigInt(perp.equity),
    },
    liquidity,
    perp,
  };
}

/** The liquidity target, or null when range and share may stay. Pending redemptions come out of liquidity first. */
function liquidityTarget(evidence: Evidence, state: VaultState, targets: PolicyTargets): LiquidityTarget | null {
  const spare = max(state.nav - state.pendingValue, 0n);
  const shareBps = Number((spare * BigInt(targets.liquidityBps)) / state.nav);
  const nowBps = Number((state.liquidityValue * BPS) / state.nav);
  const open = BigInt(evidence.liquidity.liquidity) > 0n;
  const fits = open && rangeFits(evidence, state.price, targets);
  const near = Math.abs(nowBps - shareBps) <= RULES.reshareBandBps;
  const short = state.pendingValue > state.cash;
  if ((shareBps === 0 && !open) || (fits && near && !short)) return null;
  const [tickLower, tickUpper] = fits
    ? [evidence.liquidity.tickLower, evidence.liquidity.tickUpper]
    : rangeAround(state.price, pairOf(evidence), targets.halfWidthTicks, evidence.liquidity.tickSpacing);
  return {
    adapter: evidence.liquidity.adapter,
    tickLower,
    tickUpper,
    shareBps,
    fromLiquidity: evidence.liquidity.liquidity,
  };
}

/** The short moves to the nearest edge of the no-trade band, its margin to target; null when both may stay. */
function perpTarget(
  evidence: Evidence,
  state: VaultState,
  targets: PolicyTargets,
  targetShort: bigint,
  halfWidth: bigint,
): PerpTarget | null {
  const gap = state.short - targetShort;
  const edge = targetShort + (gap > 0n ? halfWidth : -halfWidth);
  const wanted = targetShort === 0n ? 0n : abs(gap) <= halfWidth ? state.short : max(edge, 0n);
  const traded = baseValue(abs(wanted - state.short), state.price, pairOf(evidence));
  // Closing is never too small to be worth it.
  const trade = traded * BPS >= state.nav * BigInt(RULES.minTradeBps) || (wanted === 0n && state.short > 0n);
  const short = trade ? wanted : state.short;

  const notional = baseValue(short, state.price, pairOf(evidence));
  const equity = (notional * BigInt(targets.marginBps)) / BPS;
  const low = (equity * BigInt(RULES.marginLowBps)) / BPS;
  const high = (equity * BigInt(RULES.marginHighBps)) / BPS;
  // Without a short a remainder the venue keeps is left where it is.
  const spare = short === 0n ? (state.nav * BigInt(RULES.minTradeBps)) / BPS : high;
  const marginFits = state.perpEquity >= low && state.perpEquity <= spare;
  if (!trade && marginFits) return null;
  return {
    adapter: evidence.perp.adapter,
    size: (-short).toString(),
    equity: equity.toString(),
    fromSize: evidence.perp.size,
  };
}

/**
 * What surely is left as cash: by as much as the plan tolerates, prices may move until it runs, and trading costs. Asking
 * for all of it would make a plan that sells everything, for the last holder to leave, fail by its own fees.
 */
function cashAfter(state: VaultState, aims: Aims): bigint {
  const left = max(state.nav - aims.liquidityValue - aims.equity, 0n);
  return (left * (BPS - BigInt(RULES.toleranceBps))) / BPS;
}

function sentenceOf(regime: RegimeName, state: VaultState, aims: Aims): string {
  const share = (value: bigint): string => formatFixed((value * 1000n) / state.nav, 1, 1);
  const eth = (amount: bigint): string => formatFixed(amount, 18, 2);
  const parts: string[] = [];
  if (aims.liquidityValue !== state.liquidityValue) {
    parts.push(`liquidity from ${share(state.liquidityValue)} % to ${share(aims.liquidityValue)} % of NAV`);
  }
  if (aims.short !== state.short) parts.push(`ETH short from ${eth(state.short)} to ${eth(aims.short)}`);
  else if (aims.equity !== state.perpEquity)
    parts.push(`margin from ${share(state.perpEquity)} % to ${share(aims.equity)} %`);
  return `The regime is ${regime}: ${parts.join(", ")} (liquidity is worth ${eth(aims.liquidityDelta)} ETH of exposure).`;
}

function insideBand(regime: RegimeName, state: VaultState, aims: Aims): string {
  const eth = (amount: bigint): string => formatFixed(amount, 18, 2);
  return (
    `The regime is ${regime}: short ${eth(state.short)} ETH is within ${eth(aims.halfWidth)} of its target ` +
    `${eth(aims.targetShort)}, liquidity and margin are near theirs.`
  );
}
