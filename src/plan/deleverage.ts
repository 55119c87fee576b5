import { AbiCoder, keccak256 } from "ethers";
import { baseValue, valueAt } from "../hedge/liquidity.ts";
import { evidenceHash } from "./evidence.ts";
import type { Evidence } from "./evidence.ts";
import { BPS, formatFixed, max, min } from "./fixedPoint.ts";
import type { LiquidityTarget, PerpTarget, Plan } from "./plan.ts";
import { RULES } from "./ruleset.ts";
import { pairOf, positionOf, vaultState } from "./state.ts";
import type { VaultState } from "./state.ts";

/** How long the keeper's own plan stays valid: it is sent at once, or not at all. */
const VALID_SECONDS = 1_800;
/** Parts of the whole reduction that are tried, largest first: what a venue or a loss limit refuses whole may pass in part. */
const PARTS_BPS = [10_000n, 5_000n, 2_500n] as const;
/** What unwinding may cost, in basis points of what is closed: set aside, so that no plan asks for more than there is. */
const COST_BPS = 100n;

/** What the Rebalancer allows its keeper, read from the chain. */
export interface DeleverageTerms {
  /** Leverage at the venue from which on it is near liquidation (10,000 = 1×). */
  nearLiquidationBps: bigint;
  /** How far below that the keeper begins to act, in basis points of it. */
  bufferBps: number;
}

/** One way to reduce risk, and what it does in words. */
export interface Deleverage {
  plan: Plan;
  sentence: string;
}

/** Leverage of the perpetual account at the oracle's price (10,000 = 1×); null without a short. */
export function perpLeverageBps(state: VaultState, evidence: Evidence): bigint | null {
  if (state.short === 0n) return null;
  const notional = baseValue(state.short, state.price, pairOf(evidence));
  return state.perpEquity === 0n ? 2n ** 127n : (notional * BPS) / state.perpEquity;
}

/** Whether the keeper has to act by itself: Stress or Unknown, and the perpetual account close to liquidation. */
export function mustDeleverage(evidence: Evidence, terms: DeleverageTerms): boolean {
  const { regime } = evidence.regime;
  if (regime !== "Stress" && regime !== "Unknown") return false;
  const leverage = perpLeverageBps(vaultState(evidence), evidence);
  const from = (terms.nearLiquidationBps * (BPS - BigInt(terms.bufferBps))) / BPS;
  return leverage !== null && leverage >= from;
}

/**
 * Ways to bring the account's margin back to Stress's target, the best first: margin from idle cash where that is enough;
 * else liquidity and short shrink together by the share that frees the rest, so that the hedge ratio stays, then by parts of
 * it, then what cash alone can do, then the short alone, where the pool does not trade. Near liquidation those that use the cash of Stress's band come first, and then those that
 * leave it, since the contracts ask mark and index whether it is near. Pure; whether the chain takes a plan, a simulation says.
 */
export function deleveragePlans(evidence: Evidence, terms: DeleverageTerms): Deleverage[] {
  const state = vaultState(evidence);
  if (state.short === 0n) return [];
  const ways = spareCash(evidence, state, terms).flatMap((spare) => waysWith(accountOf(evidence, state, spare)));
  const hash = evidenceHash(evidence);
  return ways.map((way, index) => numbered(evidence, hash, state, way, index));
}

/** What the reduction is worked out from, in asset units. */
interface Account {
  evidence: Evidence;
  state: VaultState;
  /** Of the short, at the oracle's price. */
  notional: bigint;
  /** Of the perpetual account; negative when it owes more than it has. */
  equity: bigint;
  marginBps: bigint;
  /** Cash that may become margin. */
  spare: bigint;
  /** What closing all liquidity hands back, its cost taken off. */
  freed: bigint;
  /** Whether there is liquidity to shrink. */
  liquidity: boolean;
}

function accountOf(evidence: Evidence, state: VaultState, spare: bigint): Account {
  const { collateral, openNotional, pendingFunding } = evidence.perp;
  const notional = baseValue(state.short, state.price, pairOf(evidence));
  return {
    evidence,
    state,
    notional,
    equity: BigInt(collateral) + BigInt(openNotional) - BigInt(pendingFunding) - notional,
    marginBps: BigInt(evidence.policy.Stress.targets.marginBps),
    spare,
    freed: (state.liquidityValue * (BPS - COST_BPS)) / BPS,
    liquidity: state.liquidityValue > 0n,
  };
}

/** Cash that may leave, dearest need first: near liquidation all that no redemption waits for, then what Stress's band leaves. */
function spareCash(evidence: Evidence, state: VaultState, { nearLiquidationBps }: DeleverageTerms): bigint[] {
  const isNear = (perpLeverageBps(state, evidence) ?? 0n) >= nearLiquidationBps;
  // A basis point more: funding until the plan runs is drawn from cash as well.
  const band = (state.nav * (BigInt(evidence.policy.Stress.bands.cashMinBps) + 1n)) / BPS;
  const idle = max(state.cash - state.pendingValue, 0n);
  const beyondBand = max(idle - band, 0n);
  return isNear && idle > beyondBand ? [idle, beyondBand] : [beyondBand];
}

/** Targets, and what they do in words. */
interface Way {
  targets: Pick<Plan, "liquidity" | "perps">;
  sentence: string;
}

function waysWith(account: Account): Way[] {
  const { notional, marginBps, equity, spare } = account;
  const lacking = max((notional * marginBps) / BPS - equity, 0n);
  const added = min(lacking, spare);
  // A venue may be nearer to its cap than the margin is to its target.
  const margin = parts(added).map((part) => addMargin(account, part));
  if (added === lacking) return margin;
  const both = parts(shareToClose(account)).map((closeBps) => shrink(account, closeBps));
  if (!account.liquidity) return [...both, ...margin];
  const alone = { ...account, freed: 0n, liquidity: false };
  return [...both, ...margin, ...parts(shareToClose(alone)).map((closeBps) => shrink(alone, closeBps))];
}

function parts(whole: bigint): bigint[] {
  return PARTS_BPS.map((part) => (whole * part) / BPS).filter((part) => part > 0n);
}

/** Basis points of short and liquidity to close so that what stays has its margin: f·N·m = E + C + (1 − f)·L, f what stays. */
function shareToClose({ notional, marginBps, equity, spare, freed }: Account): bigint {
  const needed = (notional * marginBps) / BPS;
  const stays = (max(equity + spare + freed, 0n) * BPS) / (needed + freed);
  return BPS - min(stays, BPS);
}

function shrink(account: Account, closeBps: bigint): Way {
  const { evidence, state, notional, marginBps } = account;
  const stays = BPS - closeBps;
  const short = (state.short * stays) / BPS;
  const freed = (account.freed * closeBps) / BPS;
  const cost = (((notional * closeBps) / BPS) * COST_BPS) / BPS;
  const wanted = (baseValue(short, state.price, pairOf(evidence)) * marginBps) / BPS;
  const possible = max(account.equity + account.spare + freed - cost, 0n);
  return {
    targets: {
      liquidity: account.liquidity ? [liquidityTarget(evidence, state, stays)] : [],
      perps: [perpTarget(evidence, short, min(max(wanted, account.equity), possible))],
    },
    sentence: account.liquidity
      ? `liquidity and short shrink by ${Number(closeBps) / 100} %, the margin takes what that frees`
      : `the short shrinks by ${Number(closeBps) / 100} %`,
  };
}

function addMargin({ evidence, state, equity }: Account, added: bigint): Way {
  const { assetDecimals } = evidence.vault;
  return {
    targets: { liquidity: [], perps: [perpTarget(evidence, state.short, max(equity + added, 0n))] },
    sentence: `${formatFixed(added, assetDecimals, 2)} of idle cash become margin`,
  };
}

/** Of the position alone: fees and loose base that counted as well would have it grow by them. */
function liquidityTarget(evidence: Evidence, state: VaultState, stays: bigint): LiquidityTarget {
  const { adapter, tickLower, tickUpper, liquidity } = evidence.liquidity;
  const position = positionOf(evidence);
  const value = position.liquidity === 0n ? 0n : valueAt(state.price, position, pairOf(evidence));
  const shareBps = Number((value * stays) / state.nav);
  return { adapter, tickLower, tickUpper, shareBps, fromLiquidity: liquidity };
}

function perpTarget(evidence: Evidence, short: bigint, equity: bigint): PerpTarget {
  const { adapter, size } = evidence.perp;
  return { adapter, size: (-short).toString(), equity: equity.toString(), fromSize: size };
}

/** The keeper's nonces are its own: one for each evidence and way, so that what was sent is never sent twice. */
function numbered(
  evidence: Evidence,
  hash: string,
  state: VaultState,
  { targets, sentence }: Way,
  index: number,
): Deleverage {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["string", "bytes32", "uint256"],
    ["ballast.deleverage", hash, index],
  );
  const plan: Plan = {
    nonce: BigInt(keccak256(encoded)).toString(),
    validAfter: 0,
    validUntil: evidence.block.timestamp + VALID_SECONDS,
    regime: "Stress",
    derisk: true,
    fromPrice: state.price.toString(),
    toleranceBps: RULES.toleranceBps,
    cashReserve: "0",
    evidence: hash,
    ...targets,
  };
  return { plan, sentence };
}
