import type { JsonRpcApiProvider } from "ethers";
import { decide } from "../plan/decide.ts";
import type { Decision, HoldCode } from "../plan/decide.ts";
import type { Deployment } from "../plan/deployment.ts";
import type { Evidence } from "../plan/evidence.ts";
import { encodePlan } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { readSafe } from "../safe/account.ts";
import { createPacket } from "../safe/packet.ts";
import type { Packet } from "../safe/packet.ts";
import { simulateSafeTx } from "../safe/simulate.ts";
import type { Simulation } from "../safe/simulate.ts";
import { plainCall } from "../safe/transaction.ts";
import type { SafeTx } from "../safe/transaction.ts";
import { Rebalancer__factory, VaultLens__factory } from "../../typechain-types/index.js";
import type { IVaultLens } from "../../typechain-types/contracts/lens/VaultLens.js";
import { CONTRACT_ERRORS } from "./contractErrors.ts";
import { FeedsUnusable, VenueUnreadable, observe, rpc } from "./observe.ts";
import type { Observation } from "./observe.ts";
import type { FoundProposal, Outlet } from "./outlets.ts";
import { reviewGuardOf } from "./review.ts";

/** What a tick did, or why it did nothing. */
export type TickCode =
  | "PROPOSED"
  | "DRY_RUN"
  | "ALREADY_PROPOSED"
  | "ALREADY_EXECUTED"
  | "PROPOSAL_OPEN"
  | "SIMULATION_FAILED"
  | "FEEDS_UNUSABLE"
  | "VENUE_UNREADABLE"
  | HoldCode;

export interface TickOutcome {
  code: TickCode;
  /** One line for a log: what, and why. */
  sentence: string;
  regime: string;
  /** Start of the slot, seconds since 1970-01-01; null when the chain could not be observed. */
  slotStart: number | null;
  decision: Decision | null;
  packet: Packet | null;
  /** Where the proposal can be found. */
  where: string[];
  /** The lens before, and after a simulated execution. */
  before: IVaultLens.SnapshotStructOutput | null;
  after: IVaultLens.SnapshotStructOutput | null;
  gasUsed: bigint | null;
}

export interface TickRequest {
  provider: JsonRpcApiProvider;
  deployment: Deployment;
  outlet: Outlet;
  /** Work out and simulate, hand nothing out. */
  dryRun?: boolean;
}

const lensInterface = VaultLens__factory.createInterface();

/**
 * One tick: observe, decide, simulate as the Safe would run it, propose. Safe to repeat: the slot's plan has one nonce,
 * and what is already out or executed is not proposed again. Throws only when the chain or the outlet cannot be read.
 */
export async function tick(request: TickRequest): Promise<TickOutcome> {
  const { provider, deployment, outlet } = request;
  let observation: Observation;
  try {
    observation = await observe(provider, deployment);
  } catch (error) {
    if (error instanceof FeedsUnusable) return nothing("FEEDS_UNUSABLE", error.message, "Unknown", null);
    if (error instanceof VenueUnreadable) return nothing("VENUE_UNREADABLE", error.message, "Unknown", null);
    throw error;
  }
  const { evidence, snapshot } = observation;
  const decision = decide(evidence);
  const base = { regime: decision.regime, slotStart: evidence.slot.start, decision, before: snapshot };
  if (decision.kind === "hold") {
    return { ...nothing(decision.code, decision.sentence, base.regime, base.slotStart), ...base };
  }
  const hold = (code: TickCode, sentence: string, where: string[] = []): TickOutcome => ({
    ...nothing(code, sentence, base.regime, base.slotStart),
    ...base,
    where,
  });

  const rebalancer = Rebalancer__factory.connect(deployment.rebalancer, provider);
  if (await rpc(rebalancer.used(decision.plan.nonce))) {
    return hold("ALREADY_EXECUTED", "This slot's plan was executed.");
  }
  const account = await rpc(readSafe(provider, deployment.safe));
  const open = await openProposals(request, account.nonce, evidence.block.timestamp);
  const same = open.find((proposal) => proposal.plan.nonce === decision.plan.nonce);
  if (same !== undefined) return hold("ALREADY_PROPOSED", "This slot's plan is already proposed.", [same.where]);
  const standing = open.find((proposal) => stillHolds(proposal.plan, decision));
  if (standing !== undefined) {
    return hold("PROPOSAL_OPEN", "An earlier proposal is open and within its tolerance.", [standing.where]);
  }
  // A proposal whose tolerance is broken is replaced at its own nonce: only one of the two can ever be executed.
  const replaced = open.find((proposal) => proposal.safeNonce >= account.nonce);
  const nonce = replaced?.safeNonce ?? (await outlet.nextNonce(deployment.safe, account.nonce));

  const full = await attempt(request, evidence, decision, nonce);
  // A venue that would not take the whole plan must not keep the vault from being hedged.
  const hedgeOnly = full.simulation.ok ? null : await attemptHedge(request, evidence, nonce);
  const chosen = hedgeOnly ?? full;
  const { simulation } = chosen;
  if (!simulation.ok) {
    const reason = full.simulation.ok ? "" : full.simulation.revert.text;
    return hold("SIMULATION_FAILED", `${decision.sentence} But the Safe's execution would fail: ${reason}`);
  }
  const packet = createPacket({
    chainId: deployment.chainId,
    safe: deployment.safe,
    safeTx: chosen.safeTx,
    plan: chosen.decision.plan,
    evidence: chosen.evidence,
  });
  const after = simulation.read === null ? null : decodeSnapshot(simulation.read.after);
  const where = request.dryRun === true ? [] : await outlet.propose(packet);
  return {
    ...base,
    decision: chosen.decision,
    code: request.dryRun === true ? "DRY_RUN" : "PROPOSED",
    sentence: chosen.decision.sentence,
    packet,
    where,
    after,
    gasUsed: simulation.gasUsed,
  };
}

type Rebalance = Decision & { kind: "rebalance" };

/** A plan as the Safe would run it. */
interface Attempt {
  evidence: Evidence;
  decision: Rebalance;
  safeTx: SafeTx;
  simulation: Simulation;
}

async function attempt(
  { provider, deployment }: TickRequest,
  evidence: Evidence,
  decision: Rebalance,
  nonce: bigint,
): Promise<Attempt> {
  const safeTx = plainCall(deployment.rebalancer, encodePlan(decision.plan), nonce);
  const simulation = await rpc(
    simulateSafeTx({
      provider,
      safe: deployment.safe,
      safeTx,
      read: { to: deployment.lens, data: lensInterface.encodeFunctionData("snapshot") },
      interfaces: CONTRACT_ERRORS,
      // The review guard lets through what was announced, and announcing comes after proposing.
      ignoreGuard: (await rpc(reviewGuardOf(provider, deployment.safe))) !== null,
    }),
  );
  return { evidence, decision, safeTx, simulation };
}

/** The same with liquidity left as it is; null when there is nothing to hedge, or when that would not run either. */
async function attemptHedge(request: TickRequest, evidence: Evidence, nonce: bigint): Promise<Attempt | null> {
  const hedge: Evidence = { ...evidence, scope: "hedge" };
  const decision = decide(hedge);
  if (decision.kind === "hold") return null;
  const tried = await attempt(request, hedge, decision, nonce);
  return tried.simulation.ok ? tried : null;
}

/** A lens snapshot from its ABI encoding. */
export function decodeSnapshot(data: string): IVaultLens.SnapshotStructOutput {
  return lensInterface.decodeFunctionResult("snapshot", data)[0] as IVaultLens.SnapshotStructOutput;
}

/** Proposals for this vault that could still be executed: not expired, not used, nonce not passed. */
async function openProposals(request: TickRequest, chainNonce: bigint, now: number): Promise<FoundProposal[]> {
  const { outlet, deployment, provider } = request;
  const rebalancer = Rebalancer__factory.connect(deployment.rebalancer, provider);
  const found = await outlet.found(deployment.safe);
  const adapters = [deployment.liquidityAdapter, deployment.perpAdapter];
  const candidates = found.filter(
    ({ plan, safeNonce }) =>
      safeNonce >= chainNonce &&
      plan.validUntil >= now &&
      [...plan.liquidity, ...plan.perps].every((target) => adapters.includes(target.adapter)),
  );
  const used = await rpc(Promise.all(candidates.map(({ plan }) => rebalancer.used(plan.nonce))));
  return candidates.filter((_, index) => used[index] !== true);
}

/** Whether an open plan would still pass its own fingerprint and is for the regime of now. */
function stillHolds(plan: Plan, decision: Rebalance): boolean {
  if (plan.regime !== decision.regime) return false;
  const within = (from: bigint, to: bigint): boolean => {
    const larger = from > to ? from : to;
    const smaller = from > to ? to : from;
    return (larger - smaller) * 10_000n <= larger * BigInt(plan.toleranceBps);
  };
  if (!within(BigInt(plan.fromPrice), decision.state.price)) return false;
  const from = decision.plan;
  const sameLiquidity = plan.liquidity.every((target) =>
    from.liquidity.every((now) => within(BigInt(target.fromLiquidity), BigInt(now.fromLiquidity))),
  );
  const samePerps = plan.perps.every((target) =>
    from.perps.every((now) => within(-BigInt(target.fromSize), -BigInt(now.fromSize))),
  );
  return sameLiquidity && samePerps;
}

function nothing(code: TickCode, sentence: string, regime: string, slotStart: number | null): TickOutcome {
  return {
    code,
    sentence,
    regime,
    slotStart,
    decision: null,
    packet: null,
    where: [],
    before: null,
    after: null,
    gasUsed: null,
  };
}
