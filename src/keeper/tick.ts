import type { JsonRpcApiProvider } from "ethers";
import { decide } from "../plan/decide.ts";
import type { Decision, HoldCode } from "../plan/decide.ts";
import type { Deployment } from "../plan/deployment.ts";
import { brokenTolerance } from "../plan/drift.ts";
import type { Evidence } from "../plan/evidence.ts";
import { encodePlan } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { REGIME_NAMES } from "../regime/ruleMachine.ts";
import type { RegimeName } from "../regime/ruleMachine.ts";
import { readSafe } from "../safe/account.ts";
import { createPacket } from "../safe/packet.ts";
import type { Packet } from "../safe/packet.ts";
import { simulateSafeTx } from "../safe/simulate.ts";
import type { Simulation } from "../safe/simulate.ts";
import { plainCall, safeTxHash as hashOf } from "../safe/transaction.ts";
import type { SafeTx } from "../safe/transaction.ts";
import { Rebalancer__factory, VaultLens__factory } from "../../typechain-types/index.js";
import type { IVaultLens } from "../../typechain-types/contracts/lens/VaultLens.js";
import type { AgreedRead } from "./agreed.ts";
import { CONTRACT_ERRORS } from "./contractErrors.ts";
import { FeedsUnusable, VenueUnreadable, observe, rpc } from "./observe.ts";
import type { Observation } from "./observe.ts";
import type { FoundProposal, Outlet } from "./outlets.ts";
import { reviewGuardOf } from "./review.ts";
import { decodeSnapshot } from "./snapshot.ts";

/** What a tick did, or why it did nothing. */
export type TickCode =
  | "PROPOSED"
  | "DRY_RUN"
  | "ALREADY_PROPOSED"
  | "ALREADY_EXECUTED"
  | "PROPOSAL_OPEN"
  | "TURNED_DOWN"
  | "SIMULATION_FAILED"
  | "FEEDS_UNUSABLE"
  | "VENUE_UNREADABLE"
  | HoldCode;

/** Codes that need somebody; everything else, proposals and calm days alike, is well. */
export const FAILURES: readonly TickCode[] = [
  "SIMULATION_FAILED",
  "FEEDS_UNUSABLE",
  "VENUE_UNREADABLE",
  "REGIME_UNKNOWN",
  "REGIME_DISAGREES",
];

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
  /** Reads the chain; default: the newest block by `provider`. */
  observeNow?: () => Promise<Observation>;
  /** Reads what decides whether anything is proposed; default: by `provider`. */
  read?: <T>(read: AgreedRead<T>) => Promise<T>;
  journal?: TickJournal;
}

/** Where a tick that may be killed at any instant writes down what it does. */
export interface TickJournal {
  /** A step is done; `value` is JSON. */
  note(step: "observe" | "assess" | "target" | "plan" | "simulate" | "propose", value: unknown): Promise<void>;
  /**
   * The packet is about to go out, in the place of those `broken`, by hash. Answers the one that must go out instead when
   * another was written down for the same plan before, by whoever was killed or is faster.
   */
  intend(packet: Packet, broken: readonly string[]): Promise<Packet>;
  /** Why the owners or the shareholders do not want this slot's plan; null when nobody turned one down. */
  turnedDown(planNonce: string): Promise<string | null>;
  /** What was written down before and is out, whether the outlet's list has it or not. */
  standing(): FoundProposal[];
  /** Of these, by hash, those that were given up: stopped, or replaced. They stand for nothing, and may be replaced. */
  ended(hashes: readonly string[]): Promise<ReadonlySet<string>>;
}

const lensInterface = VaultLens__factory.createInterface();

/**
 * One tick: observe, decide, simulate as the Safe would run it, propose. Safe to repeat: the slot's plan has one nonce,
 * and what is already out or executed is not proposed again. Throws only when the chain or the outlet cannot be read.
 */
export async function tick(request: TickRequest): Promise<TickOutcome> {
  const { provider, deployment, outlet, journal = NO_JOURNAL } = request;
  let observation: Observation;
  try {
    observation = await (request.observeNow?.() ?? observe(provider, deployment));
  } catch (error) {
    if (error instanceof FeedsUnusable) return nothing("FEEDS_UNUSABLE", error.message, "Unknown", null);
    if (error instanceof VenueUnreadable) return nothing("VENUE_UNREADABLE", error.message, "Unknown", null);
    throw error;
  }
  const { evidence, snapshot } = observation;
  const decision = decide(evidence);
  await noteDecision(journal, observation, decision);
  const base = { regime: decision.regime, slotStart: evidence.slot.start, decision, before: snapshot };
  if (decision.kind === "hold") {
    return { ...nothing(decision.code, decision.sentence, base.regime, base.slotStart), ...base };
  }
  const hold = (code: TickCode, sentence: string, where: string[] = []): TickOutcome => ({
    ...nothing(code, sentence, base.regime, base.slotStart),
    ...base,
    where,
  });

  const read = request.read ?? (({ ask }) => ask(provider));
  const { used, nonce: chainNonce } = await read({
    about: "whether this slot's plan was executed, and the Safe's nonce",
    ask: async (from) => ({
      used: await rpc(Rebalancer__factory.connect(deployment.rebalancer, from).used(decision.plan.nonce)),
      nonce: (await rpc(readSafe(from, deployment.safe))).nonce,
    }),
    show: (one) => `${one.used} ${one.nonce}`,
  });
  if (used) {
    return hold("ALREADY_EXECUTED", "This slot's plan was executed.");
  }
  const no = await journal.turnedDown(decision.plan.nonce);
  if (no !== null) return hold("TURNED_DOWN", `This slot's plan was turned down: ${no}.`);
  const open = await openProposals(request, chainNonce, evidence.block.timestamp);
  const ended = await journal.ended(open.map(({ safeTxHash }) => safeTxHash));
  const unmoved = open.filter(
    ({ plan, safeTxHash }) => !ended.has(safeTxHash) && brokenTolerance(plan, evidence) === null,
  );
  // Of this slot's, one made for a more defensive regime than has come since still runs, and members may have signed it.
  const same = unmoved.find(
    ({ plan }) => plan.nonce === decision.plan.nonce && isAsDefensive(plan.regime, decision.regime),
  );
  if (same !== undefined) return hold("ALREADY_PROPOSED", "This slot's plan is already proposed.", [same.where]);
  const standing = unmoved.find(({ plan }) => plan.regime === decision.regime);
  if (standing !== undefined) {
    return hold("PROPOSAL_OPEN", "An earlier proposal is open and within its tolerance.", [standing.where]);
  }
  // A proposal whose tolerance is broken is replaced at its own nonce: only one of the two can ever be executed.
  const replaced = open.find((proposal) => proposal.safeNonce >= chainNonce);
  const nonce = replaced?.safeNonce ?? (await outlet.nextNonce(deployment.safe, chainNonce));

  const full = await attempt(request, evidence, decision, nonce);
  // A venue that would not take the whole plan must not keep the vault from being hedged.
  const hedgeOnly = full.simulation.ok ? null : await attemptHedge(request, evidence, nonce);
  const chosen = hedgeOnly ?? full;
  const { simulation } = chosen;
  await journal.note("simulate", {
    scope: chosen.evidence.scope,
    ok: simulation.ok,
    gasUsed: simulation.gasUsed.toString(),
    ...(simulation.ok ? {} : { revert: simulation.revert.text }),
  });
  if (!simulation.ok) {
    const reason = full.simulation.ok ? "" : full.simulation.revert.text;
    return hold("SIMULATION_FAILED", `${decision.sentence} But the Safe's execution would fail: ${reason}`);
  }
  const made = createPacket({
    chainId: deployment.chainId,
    safe: deployment.safe,
    safeTx: chosen.safeTx,
    plan: chosen.decision.plan,
    evidence: chosen.evidence,
  });
  const after = simulation.read === null ? null : decodeSnapshot(simulation.read.after);
  const broken = open.map(({ safeTxHash }) => safeTxHash);
  const packet = request.dryRun === true ? made : await journal.intend(made, broken);
  const where = request.dryRun === true ? [] : await outlet.propose(packet);
  if (request.dryRun !== true) await journal.note("propose", { safeTxHash: packet.safeTxHash, where });
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

const NO_JOURNAL: TickJournal = {
  note: () => Promise.resolve(),
  intend: (packet) => Promise.resolve(packet),
  turnedDown: () => Promise.resolve(null),
  standing: () => [],
  ended: () => Promise.resolve(new Set()),
};

async function noteDecision(
  journal: TickJournal,
  { evidence, snapshot }: Observation,
  decision: Decision,
): Promise<void> {
  const { block, regime, policy } = evidence;
  const state = decision.state;
  await journal.note("observe", {
    block: { number: block.number, hash: block.hash, timestamp: block.timestamp },
    regime: regime.regime,
    price: state?.price.toString() ?? null,
    nav: snapshot.navMid.toString(),
  });
  const [day, vix, vix3m] = regime.sessions.at(-1) ?? [null, null, null];
  await journal.note("assess", {
    regime: decision.regime,
    sentence: decision.sentence,
    liftPending: regime.liftPending,
    lastSession: { day, vix, vix3m },
  });
  if (decision.regime !== "Unknown") await journal.note("target", policy[decision.regime].targets);
  await journal.note("plan", {
    kind: decision.kind,
    sentence: decision.sentence,
    ...(decision.kind === "hold" ? { code: decision.code } : { aims: asText(decision.aims) }),
  });
}

function asText(amounts: object): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, String(amount)]));
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
  const safeTx = callOf(deployment, decision.plan, nonce);
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

/**
 * This keeper's proposals for this vault that could still be executed: not expired, not used, nonce not passed. What another
 * put beside them, or what is no plain call of the Rebalancer, must not keep the vault from being hedged.
 */
async function openProposals(request: TickRequest, chainNonce: bigint, now: number): Promise<FoundProposal[]> {
  const { outlet, deployment, provider, journal = NO_JOURNAL } = request;
  const read = request.read ?? (({ ask }) => ask(provider));
  const standing = journal.standing();
  const known = new Set(standing.map(({ safeTxHash }) => safeTxHash));
  const found = (await outlet.found(deployment.safe)).filter(({ own, safeTxHash }) => own && !known.has(safeTxHash));
  const adapters = [deployment.liquidityAdapter, deployment.perpAdapter];
  const candidates = [...standing, ...found].filter(
    ({ plan, safeNonce, safeTxHash }) =>
      safeNonce >= chainNonce &&
      plan.validUntil >= now &&
      safeTxHash === hashOf(deployment.chainId, deployment.safe, callOf(deployment, plan, safeNonce)) &&
      [...plan.liquidity, ...plan.perps].every((target) => adapters.includes(target.adapter)),
  );
  const used = await read({
    about: "which open plans were executed",
    ask: (from) => {
      const rebalancer = Rebalancer__factory.connect(deployment.rebalancer, from);
      return rpc(Promise.all(candidates.map(({ plan }) => rebalancer.used(plan.nonce))));
    },
    show: String,
  });
  return candidates.filter((_, index) => used[index] !== true);
}

function callOf({ rebalancer }: Deployment, plan: Plan, nonce: bigint): SafeTx {
  return plainCall(rebalancer, encodePlan(plan), nonce);
}

function isAsDefensive(regime: RegimeName, as: RegimeName): boolean {
  return REGIME_NAMES.indexOf(regime) >= REGIME_NAMES.indexOf(as);
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
