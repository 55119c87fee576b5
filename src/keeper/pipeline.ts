import type { JsonRpcApiProvider, Provider, Signer } from "ethers";
import { formatEther, parseEther } from "ethers";
import { canonicalJson } from "../plan/canonicalJson.ts";
import { perpLeverageBps } from "../plan/deleverage.ts";
import type { Deployment } from "../plan/deployment.ts";
import { brokenTolerance } from "../plan/drift.ts";
import { evidenceHash } from "../plan/evidence.ts";
import type { Evidence } from "../plan/evidence.ts";
import { decodePlan } from "../plan/plan.ts";
import { vaultState } from "../plan/state.ts";
import { readSafe } from "../safe/account.ts";
import { packetText, parsePacket } from "../safe/packet.ts";
import type { Packet } from "../safe/packet.ts";
import type { SafeService } from "../safe/service.ts";
import { doChores } from "./chores.ts";
import type { VaultConfig } from "./config.ts";
import { actInEmergency } from "./emergency.ts";
import type { AgreedRead } from "./agreed.ts";
import type { AgreedBlock } from "./endpoints.ts";
import type { SecondaryReading } from "./feeds.ts";
import { rpc } from "./observe.ts";
import type { Observation } from "./observe.ts";
import type { FoundProposal, Outlet } from "./outlets.ts";
import type { Alert } from "./ops/alert.ts";
import { reconcile } from "./reconcile.ts";
import type { Closed, Reconciled, Standing } from "./reconcile.ts";
import { readReview, reviewGuardOf } from "./review.ts";
import { sendCall } from "./sendCall.ts";
import type { SendOptions } from "./sendCall.ts";
import type { ProposalRow, Step, Store } from "./store/store.ts";
import { FAILURES, tick } from "./tick.ts";
import type { TickCode, TickOutcome } from "./tick.ts";
import type { ErrorCode } from "./tickErrors.ts";

/** The chain as a vault's ticks read it. */
export interface ChainReader {
  /** Fails over. */
  provider: JsonRpcApiProvider;
  agree(): Promise<AgreedBlock>;
  observe(deployment: Deployment, block: AgreedBlock): Promise<Observation>;
  /** Leverage from which on a Rebalancer calls a venue near liquidation: read once, since it cannot change. */
  nearLiquidationBps(rebalancer: string, block: AgreedBlock): Promise<bigint>;
  /** What enough of the URLs that have the block answer alike: one that lies must not close or hold back a proposal. */
  agreeOn<T>(block: AgreedBlock, question: AgreedRead<T>): Promise<T>;
  /** Whether a block is still part of the chain. */
  stillCanonical(block: AgreedBlock): Promise<boolean>;
}

/** Where conditions are told of; telling twice is its business. */
export interface Teller {
  raise(alert: Alert): Promise<void>;
  clear(key: string): Promise<void>;
  /** Something happened that neither stands nor ends. */
  tell(alert: Alert): void;
}

/** One vault with all that its ticks need. */
export interface VaultKeeper {
  config: VaultConfig;
  deployment: Deployment;
  chain: ChainReader;
  outlet: Outlet;
  /** Where members' signatures are looked for besides; null without one. */
  service: SafeService | null;
  /** Null: proposes to files, and leaves what needs gas to others. */
  signer: Signer | null;
  send: SendOptions;
  store: Store;
  alerts: Teller;
  /** Secondary sources against the evidence. */
  compareFeeds: (evidence: Evidence, provider: Provider) => Promise<SecondaryReading[]>;
  minBalance: string;
  proposalWaitingSeconds: number;
  now: () => Date;
  /** Told of what was seen, for metrics. */
  seen?: (seen: Seen) => void;
}

/** What a tick saw, for those who draw it. */
export interface Seen {
  vault: string;
  observation?: Observation;
  readings?: SecondaryReading[];
  balance?: bigint;
  openProposals?: number;
  step?: { name: Step; ms: number };
}

/** How a tick ended. */
export interface TickEnd {
  code: TickCode | ErrorCode;
  sentence: string;
  safeTxHash: string | null;
  evidenceHash: string | null;
  /** Somebody has to look. */
  failed: boolean;
}

/** The chain was re-organised below a block that a tick had begun from: the tick begins again. */
export class Reorganised extends Error {
  constructor(block: AgreedBlock) {
    super(
      `block ${block.number} (${block.hash}) is no longer part of the chain: the tick begins again from another one`,
    );
    this.name = "Reorganised";
  }
}

/**
 * One tick of one vault, for one slot. It may be killed at any instant and run again: nothing is handed out that was not
 * written down before, and what was written down goes out first. Throws what passes (a node, a service, a disk); ends with
 * a code for everything else.
 */
export async function runTick(keeper: VaultKeeper, slot: string): Promise<TickEnd> {
  const { config, deployment, chain, store, signer } = keeper;
  const journal = journalOf(keeper, slot);
  // Before all else: no service, queue or chore, however slow, keeps a vault from safety.
  let { block: now, seen } = await lookAndRescue(keeper, slot);

  let reconciled = await settled(() => journal.timed("reconcile", () => reconcileStore(keeper, slot, now)));
  const chores = await journal.timed("chores", async () =>
    signer === null ? { done: [], failed: [] } : doChores(chain.provider, deployment, signer, keeper.send),
  );
  await tellOfChores(keeper, chores.failed);
  // What the chores changed is part of what is decided from: a lifted regime may allow what it did not before.
  if (chores.done.length > 0) {
    ({ block: now, seen } = await lookAndRescue(keeper, slot));
    // At the same block as the second look: what ran meanwhile moved what it tolerates, and is closed, not called broken.
    const closed = reconciled.status === "fulfilled" ? reconciled.value.closed : [];
    reconciled = await settled(() => journal.timed("reconcile", () => reconcileStore(keeper, slot, now, closed)));
  }
  if (reconciled.status === "rejected") throw reconciled.reason;
  const standing = judged(reconciled.value.standing, seen);
  await tellOfProposals(keeper, standing, now);
  await tellOfBalance(keeper);

  let hash: string | null = null;
  const outcome = await tick({
    provider: chain.provider,
    deployment,
    outlet: keeper.outlet,
    read: (question) => chain.agreeOn(now, question),
    observeNow: async () => {
      if (seen.status === "rejected") throw seen.reason;
      const observation = seen.value;
      hash = evidenceHash(observation.evidence);
      keeper.seen?.({ vault: config.name, observation });
      await compare(keeper, observation.evidence);
      return observation;
    },
    journal: {
      note: (step, value) => journal.note(step, value),
      intend: async (packet, broken) => {
        // Nothing goes out that rests on a block the chain has left.
        if (!(await chain.stillCanonical(now))) throw new Reorganised(now);
        return intend(keeper, slot, packet, broken);
      },
      turnedDown: (planNonce) => turnedDown(keeper, planNonce),
      standing: () => standing.map(foundOf),
      ended: async (hashes) => {
        const rows = await Promise.all(hashes.map((one) => store.proposal(one)));
        return new Set(hashes.filter((_, index) => GIVEN_UP.has(rows[index]?.status)));
      },
    },
  });
  await tellOfOutcome(keeper, outcome);
  await settleProposal(keeper, outcome);
  await withdrawBroken(keeper, standing, now);
  await announceStanding(keeper, journal, outcome, standing);
  const open = await store.proposals({ vault: config.name, open: true });
  keeper.seen?.({ vault: config.name, openProposals: open.length });
  return {
    code: outcome.code,
    sentence: outcome.sentence,
    safeTxHash: outcome.packet?.safeTxHash ?? null,
    evidenceHash: hash,
    failed: FAILURES.includes(outcome.code),
  };
}

// ------------------------------------------------------------------------------------------------------------- the steps

interface Look {
  block: AgreedBlock;
  /** What cannot be seen is the decision's business: proposals are reconciled without it. */
  seen: PromiseSettledResult<Observation>;
}

/** Observes the newest block, and again where the keeper had to reduce risk at what it saw. */
async function lookAndRescue(keeper: VaultKeeper, slot: string): Promise<Look> {
  const { chain, deployment, store } = keeper;
  const look = async (): Promise<Look> => {
    const block = await chain.agree();
    const seen = await settled(() => chain.observe(deployment, block));
    if (seen.status === "fulfilled") {
      const { evidence } = seen.value;
      await store.putEvidence(evidenceHash(evidence), canonicalJson(evidence), keeper.now());
    }
    return { block, seen };
  };
  const first = await look();
  if (first.seen.status === "rejected") return first;
  return (await rescued(keeper, slot, first.block, first.seen.value.evidence)) ? look() : first;
}

/** `before` was closed earlier in the tick: the tick's record names all. */
async function reconcileStore(
  keeper: VaultKeeper,
  slot: string,
  block: AgreedBlock,
  before: readonly Closed[] = [],
): Promise<Reconciled> {
  const { config, deployment, chain, outlet, store } = keeper;
  const rows = await store.proposals({ vault: config.name, open: true });
  const { closed, standing } = await reconcile({
    deployment,
    outlet,
    rows,
    block,
    read: (question) => chain.agreeOn(block, question),
  });
  for (const one of closed) await closeProposal(keeper, one);
  for (const { row, handedOut } of standing) {
    if (handedOut !== null) await store.handedOut(config.name, row.safeTxHash, handedOut, keeper.now());
  }
  const all = [...before, ...closed];
  await store.note(config.name, slot, "reconcile", keeper.now(), 0, { closed: all, open: standing.length });
  return { closed: all, standing };
}

/** Closes a proposal in the store, and tells of it where nobody had. */
async function closeProposal(keeper: VaultKeeper, closed: Closed): Promise<void> {
  const { config, store } = keeper;
  const { safeTxHash, status, detail, transactionHash } = closed;
  if (!(await store.close(config.name, safeTxHash, status, detail, keeper.now(), transactionHash))) return;
  await clearAlertsOf(keeper, safeTxHash);
  tellOfClosing(keeper, closed);
}

function tellOfClosing({ alerts, config }: VaultKeeper, { safeTxHash, status, detail }: Closed): void {
  alerts.tell({
    key: `closed:${safeTxHash}`,
    vault: config.name,
    code: "PROPOSAL_CLOSED",
    severity: status === "executed" ? "info" : "warning",
    text: `proposal ${short(safeTxHash)} is ${status}: ${detail}`,
  });
}

/** Whether what a proposal tolerates is kept, by what the tick saw; where it saw nothing, nobody can tell. */
type Judged = Standing & ({ tolerance: "kept" } | { tolerance: "unknown" } | { tolerance: "broken"; moved: string });

function judged(standing: readonly Standing[], seen: PromiseSettledResult<Observation>): Judged[] {
  return standing.map((one) => {
    if (seen.status === "rejected") return { ...one, tolerance: "unknown" };
    const moved = brokenTolerance(decodePlan(one.packet.safeTx.data), seen.value.evidence);
    return moved === null ? { ...one, tolerance: "kept" } : { ...one, tolerance: "broken", moved };
  });
}

/**
 * Writes the packet down, or answers the one that was written down before for the same plan, unless it is one of those it
 * takes the place of.
 */
async function intend(keeper: VaultKeeper, slot: string, packet: Packet, broken: readonly string[]): Promise<Packet> {
  const { config, store } = keeper;
  const plan = packet.plan as { nonce: string };
  const detail = replacedBy(packet);
  const open = new Set((await store.proposals({ vault: config.name, open: true })).map(({ safeTxHash }) => safeTxHash));
  const row = await store.intend(
    {
      vault: config.name,
      planNonce: plan.nonce,
      safeTxHash: packet.safeTxHash,
      safeNonce: packet.safeTx.nonce,
      slot,
      packet: packetText(packet),
      evidenceHash: packet.evidenceHash,
    },
    keeper.now(),
    { hashes: broken, detail },
  );
  for (const safeTxHash of broken) {
    // Also of those that whoever was killed before had closed: nobody else would end what was told of them.
    await clearAlertsOf(keeper, safeTxHash);
    if (open.has(safeTxHash)) tellOfClosing(keeper, { safeTxHash, status: "superseded", detail });
  }
  return row.safeTxHash === packet.safeTxHash ? packet : parsePacket(row.packet);
}

/** Not what was executed or expired: if it can run all the same, the chain was re-organised, and it stands again. */
const GIVEN_UP: ReadonlySet<ProposalRow["status"] | undefined> = new Set([
  "vetoed",
  "rejected",
  "superseded",
  "abandoned",
]);

/** As the outlet would list it. */
function foundOf({ row, packet, handedOut }: Standing): FoundProposal {
  const where = (handedOut ?? row.where).at(-1) ?? "";
  const plan = decodePlan(packet.safeTx.data);
  return { plan, safeNonce: BigInt(row.safeNonce), safeTxHash: row.safeTxHash, where, own: true };
}

/** A plan that owners rejected or shareholders stopped does not come back in the same slot with other bytes. */
async function turnedDown({ store, config }: VaultKeeper, planNonce: string): Promise<string | null> {
  const rows = await store.proposals({ vault: config.name, planNonce });
  return rows.find(({ status }) => status === "rejected" || status === "vetoed")?.detail ?? null;
}

async function settleProposal(keeper: VaultKeeper, outcome: TickOutcome): Promise<void> {
  if (outcome.code !== "PROPOSED" || outcome.packet === null) return;
  const { store, config } = keeper;
  const { safeTxHash, safeTx } = outcome.packet;
  await store.handedOut(config.name, safeTxHash, outcome.where, keeper.now());
  // What it replaces stands at the same nonce of the Safe, so that only one of the two can ever run.
  for (const older of await store.proposals({ vault: config.name, open: true })) {
    if (older.safeTxHash === safeTxHash || older.safeNonce !== safeTx.nonce) continue;
    const detail = replacedBy(outcome.packet);
    await closeProposal(keeper, { safeTxHash: older.safeTxHash, status: "superseded", detail });
  }
}

function replacedBy({ safeTxHash, safeTx }: Packet): string {
  return `it no longer held: ${short(safeTxHash)} takes its place at nonce ${safeTx.nonce}`;
}

/**
 * Takes what the Rebalancer would refuse by now, and what another has taken the place of, off the service, so that nobody is
 * asked to sign it. Last of all, so that what takes its place is out before; and before its row is closed, so that whoever is
 * killed in between does it again.
 */
async function withdrawBroken(keeper: VaultKeeper, standing: readonly Judged[], block: AgreedBlock): Promise<void> {
  const { config, deployment, chain, service, signer, alerts } = keeper;
  if (service === null || signer === null) return;
  const broken = standing.filter((one) => one.tolerance === "broken");
  const why = new Map(broken.map(({ row, moved }) => [row.safeTxHash, moved]));
  // A list that cannot be read is left to the next tick: what this one decided is out, and must not count as failed.
  const replaced = await settled(() => replacedAndOut(keeper, block));
  for (const { safeTxHash, detail } of replaced.status === "fulfilled" ? replaced.value : []) {
    if (!why.has(safeTxHash)) why.set(safeTxHash, detail ?? "");
  }
  const failed = new Set<string>();
  // Nothing is taken back for what the chain has left behind: the next tick looks again.
  if (why.size > 0 && !(await chain.stillCanonical(block))) return;
  for (const [safeTxHash, moved] of why) {
    try {
      await service.withdraw({ safe: deployment.safe, hash: safeTxHash, signer });
    } catch (error) {
      failed.add(safeTxHash);
      await alerts.raise({
        key: `withdraw:${safeTxHash}`,
        vault: config.name,
        code: "PROPOSAL_WAITING",
        severity: "warning",
        text: `proposal ${short(safeTxHash)} no longer holds and could not be withdrawn: ${messageOf(error)}`,
      });
      continue;
    }
    // Changes nothing where another has taken its place.
    const detail = `it no longer held (${moved}), and was withdrawn from the service`;
    await closeProposal(keeper, { safeTxHash, status: "abandoned", detail });
  }
  if (replaced.status === "fulfilled") await endWithdrawals(keeper, failed);
}

/**
 * What another has taken the place of and is still at the service, where it can be signed and run: whoever closed it failed,
 * or was killed, before it was withdrawn.
 */
async function replacedAndOut(keeper: VaultKeeper, block: AgreedBlock): Promise<ProposalRow[]> {
  const { config, deployment, chain, outlet, store } = keeper;
  const rows = await store.proposals({ vault: config.name, status: "superseded" });
  if (rows.length === 0) return [];
  const chainNonce = await chain.agreeOn(block, {
    about: "the Safe's nonce",
    ask: async (from) => (await rpc(readSafe(from, deployment.safe, block.number))).nonce,
    show: String,
  });
  const runnable = rows.filter(({ safeNonce }) => BigInt(safeNonce) >= chainNonce);
  if (runnable.length === 0) return [];
  const found = await outlet.found(deployment.safe);
  const out = new Set(found.filter(({ own }) => own).map(({ safeTxHash }) => safeTxHash));
  return runnable.filter(({ safeTxHash }) => out.has(safeTxHash));
}

/** What is closed and no longer at the service, or cannot run any more, needs no withdrawal, whoever saw to it. */
async function endWithdrawals({ config, store, now }: VaultKeeper, failed: ReadonlySet<string>): Promise<void> {
  for (const { key, vault } of await store.alerts()) {
    const hash = key.replace(/^withdraw:/, "");
    if (vault !== config.name || hash === key || failed.has(hash)) continue;
    if ((await store.proposal(hash))?.closedAt != null) await store.clear(key, now());
  }
}

/** Nobody has to see to a proposal that is closed. */
async function clearAlertsOf({ alerts, store, now }: VaultKeeper, hash: string): Promise<void> {
  // Without a word, for PROPOSAL_CLOSED says it: "do not sign it" that is resolved would read as if it held again.
  for (const about of ["broken", "withdraw"]) await store.clear(`${about}:${hash}`, now());
  for (const about of ["waiting", "veto", "announce"]) await alerts.clear(`${about}:${hash}`);
}

async function announceStanding(
  keeper: VaultKeeper,
  journal: Journal,
  outcome: TickOutcome,
  standing: readonly Judged[],
): Promise<void> {
  const { config, chain, deployment, signer, store } = keeper;
  if (!config.announce || signer === null) return;
  const whole = standing.filter(({ tolerance }) => tolerance !== "broken");
  const packets = new Map(whole.map(({ packet }) => [packet.safeTxHash, packet]));
  if (outcome.code === "PROPOSED" && outcome.packet !== null) packets.set(outcome.packet.safeTxHash, outcome.packet);
  const open = new Set((await store.proposals({ vault: config.name, open: true })).map((row) => row.safeTxHash));
  for (const packet of packets.values()) {
    if (!open.has(packet.safeTxHash)) continue;
    const guard = await rpc(reviewGuardOf(chain.provider, deployment.safe));
    const review = await rpc(readReview(chain.provider, deployment.safe, packet.safeTx));
    if (guard === null || review.call === null || review.state !== "not announced") continue;
    const { to, value, data } = packet.safeTx;
    const call = await guard.announce.populateTransaction(to, value, data);
    try {
      await sendCall("announcing", chain.provider, signer, call, keeper.send);
    } catch (error) {
      await keeper.alerts.raise({
        key: `announce:${packet.safeTxHash}`,
        vault: config.name,
        code: "TICK_FAILED",
        severity: "warning",
        text: `${short(packet.safeTxHash)} is proposed and could not be announced: ${messageOf(error)}`,
      });
      continue;
    }
    await keeper.alerts.clear(`announce:${packet.safeTxHash}`);
    await store.announced(config.name, packet.safeTxHash, review.call.key);
    await journal.note("announce", { key: review.call.key, safeTxHash: packet.safeTxHash });
  }
}

/** Acts near liquidation, and tells of it. Answers whether the chain is now another. */
async function rescued(keeper: VaultKeeper, slot: string, block: AgreedBlock, evidence: Evidence): Promise<boolean> {
  const { config, chain, deployment } = keeper;
  const nearLiquidationBps = await chain.nearLiquidationBps(deployment.rebalancer, block);
  if (!config.emergency.enabled) {
    // Who does not want the keeper to act has to act, and must hear of it all the more.
    await tellOfLeverage(keeper, perpLeverageBps(vaultState(evidence), evidence), nearLiquidationBps);
    return false;
  }
  const about = { vault: config.name, code: "EMERGENCY", severity: "critical" } as const;
  const alert = { ...about, key: `emergency:${config.name}` };
  // Of its own, so that it is told at once although the other was told a moment ago.
  const helpless = { ...about, key: `helpless:${config.name}` };
  const emergency = await actInEmergency({
    provider: chain.provider,
    deployment,
    evidence,
    signer: keeper.signer,
    bufferBps: config.emergency.bufferBps,
    nearLiquidationBps,
    // Told before it is done: whoever is killed in between has done nothing that nobody knows of.
    beforeSending: async ({ sentence, plan }) => {
      await keeper.store.note(config.name, slot, "deleverage", keeper.now(), 0, { sentence, plan });
      const text = `near liquidation in Stress: the keeper reduces risk by itself (${sentence}), then proposes the rest`;
      await keeper.alerts.raise({ ...alert, text });
    },
  });
  if (emergency.kind === "calm") {
    await keeper.alerts.clear(alert.key);
    await keeper.alerts.clear(helpless.key);
    await tellOfLeverage(keeper, emergency.leverageBps, emergency.limitBps);
    return false;
  }
  if (emergency.kind === "helpless") {
    const text = `near liquidation in Stress, and the keeper cannot help: ${emergency.sentence}`;
    await keeper.alerts.raise({ ...helpless, text });
    return false;
  }
  await keeper.alerts.clear(helpless.key);
  const text = `the keeper reduced risk by itself (${emergency.sentence}) in transaction ${emergency.transactionHash}`;
  keeper.alerts.tell({ ...alert, key: `${alert.key}:${emergency.transactionHash}`, text });
  return true;
}

// --------------------------------------------------------------------------------------------------- what is told of

async function tellOfChores({ alerts, config }: VaultKeeper, failed: readonly string[]): Promise<void> {
  const key = `chores:${config.name}`;
  if (failed.length === 0) return alerts.clear(key);
  await alerts.raise({ key, vault: config.name, code: "TICK_FAILED", severity: "warning", text: failed.join("; ") });
}

async function tellOfProposals(keeper: VaultKeeper, standing: readonly Judged[], block: AgreedBlock): Promise<void> {
  const { alerts, config, proposalWaitingSeconds } = keeper;
  for (const one of standing) {
    const { row, review, ahead, tolerance } = one;
    await tellOfTolerance(keeper, one);
    const waited = Math.floor((keeper.now().getTime() - row.intendedAt.getTime()) / 1_000);
    if (waited >= proposalWaitingSeconds && tolerance === "kept") {
      await alerts.raise({
        key: `waiting:${row.safeTxHash}`,
        vault: config.name,
        code: "PROPOSAL_WAITING",
        severity: "warning",
        text:
          `proposal ${short(row.safeTxHash)} of slot ${row.slot} waits for ${Math.floor(waited / 3_600)} h` +
          `${ahead > 0 ? `, behind ${ahead} other transactions of the Safe` : ""}: ${review.sentence}`,
      });
    }
    const { call } = review;
    if (call !== null && call.votesAgainst > 0n && call.readyAt > block.timestamp) {
      await alerts.raise({
        key: `veto:${row.safeTxHash}`,
        vault: config.name,
        code: "VETO_UNDER_WAY",
        severity: "warning",
        text: `votes against ${short(row.safeTxHash)}: ${call.votesAgainst} of ${call.threshold} that stop it`,
      });
    }
  }
}

/** Members who are told that a proposal waits sign it: where it no longer holds they must hear the opposite. */
async function tellOfTolerance({ alerts, config }: VaultKeeper, one: Judged): Promise<void> {
  const { safeTxHash, slot } = one.row;
  const key = `broken:${safeTxHash}`;
  if (one.tolerance === "kept") {
    await alerts.clear(key);
    return alerts.clear(`withdraw:${safeTxHash}`);
  }
  if (one.tolerance === "unknown") return;
  await alerts.raise({
    key,
    vault: config.name,
    code: "PROPOSAL_WAITING",
    severity: "warning",
    text:
      `proposal ${short(safeTxHash)} of slot ${slot} no longer holds (${one.moved}): do not sign it, ` +
      "the Rebalancer refuses it while that is so",
  });
  await alerts.clear(`waiting:${safeTxHash}`);
}

async function tellOfBalance(keeper: VaultKeeper): Promise<void> {
  const { alerts, config, signer, chain, minBalance } = keeper;
  if (signer === null) return;
  const address = await signer.getAddress();
  const balance = await rpc(chain.provider.getBalance(address));
  keeper.seen?.({ vault: config.name, balance });
  const key = `gas:${config.chain}:${address}`;
  if (balance >= parseEther(minBalance)) return alerts.clear(key);
  await alerts.raise({
    key,
    vault: config.name,
    code: "LOW_GAS",
    severity: "warning",
    text: `${address} has ${formatEther(balance)} of ${config.chain}'s coin left, less than ${minBalance}: top it up`,
  });
}

async function tellOfLeverage(keeper: VaultKeeper, leverageBps: bigint | null, limitBps: bigint): Promise<void> {
  const { alerts, config } = keeper;
  const key = `leverage:${config.name}`;
  const from = (limitBps * BigInt(10_000 - config.emergency.bufferBps)) / 10_000n;
  if (leverageBps === null || leverageBps < from) return alerts.clear(key);
  await alerts.raise({
    key,
    vault: config.name,
    code: "NEAR_LIQUIDATION",
    severity: "critical",
    text: `the perpetual account is leveraged ${Number(leverageBps) / 10_000}×, the limit is ${Number(limitBps) / 10_000}×`,
  });
}

async function compare(keeper: VaultKeeper, evidence: Evidence): Promise<void> {
  const { alerts, config, chain } = keeper;
  if (config.secondary.length === 0) return;
  const readings = await keeper.compareFeeds(evidence, chain.provider);
  keeper.seen?.({ vault: config.name, readings });
  for (const reading of readings) {
    const { name, state, sentence } = reading;
    const key = `secondary:${config.name}:${name}`;
    if (state === "disagrees") {
      await alerts.raise({ key, vault: config.name, code: "FEEDS_DISAGREE", severity: "critical", text: sentence });
    }
    // A source that falls silent has not taken back what it said.
    if (state === "agrees") await alerts.clear(key);
    await tellOfSilence(keeper, reading);
  }
}

/** A source that gives no value compares nothing: one that has been dead for long must not look like one that agrees. */
async function tellOfSilence(keeper: VaultKeeper, reading: SecondaryReading): Promise<void> {
  const { alerts, config, store } = keeper;
  const { name, state, ageSeconds, sentence } = reading;
  const key = `silent:${config.name}:${name}`;
  const maxAgeSeconds = config.secondary.find((source) => source.name === name)?.maxAgeSeconds ?? 0;
  // A close of another session is not compared either, and its source is alive.
  const isTooOld = state === "stale" && ageSeconds !== null && ageSeconds > maxAgeSeconds;
  if (state !== "unreadable" && !isTooOld) return alerts.clear(key);
  const before = (await store.alerts()).find((alert) => alert.key === key);
  const silentMs = before === undefined ? 0 : keeper.now().getTime() - before.since.getTime();
  // Servers fail for moments: it is said out loud once its last value would be too old.
  const isLong = isTooOld || before?.severity === "warning" || silentMs > maxAgeSeconds * 1_000;
  const severity = isLong ? "warning" : "info";
  await alerts.raise({ key, vault: config.name, code: "STALE_FEED", severity, text: sentence });
}

async function tellOfOutcome(keeper: VaultKeeper, { code, sentence }: TickOutcome): Promise<void> {
  const { alerts, config } = keeper;
  const about = (key: string): string => `${key}:${config.name}`;
  const feeds = code === "FEEDS_UNUSABLE" || code === "REGIME_UNKNOWN" || code === "REGIME_DISAGREES";
  const failed = code === "SIMULATION_FAILED" || code === "VENUE_UNREADABLE";
  const raise = (key: string, alert: Pick<Alert, "code" | "severity">): Promise<void> =>
    alerts.raise({ key: about(key), vault: config.name, text: `${code}: ${sentence}`, ...alert });
  await (feeds ? raise("feeds", { code: "STALE_FEED", severity: "critical" }) : alerts.clear(about("feeds")));
  await (failed ? raise("outcome", { code: "TICK_FAILED", severity: "critical" }) : alerts.clear(about("outcome")));
}

// -------------------------------------------------------------------------------------------------------- the journal

interface Journal {
  note(step: Step, value: unknown): Promise<void>;
  /** Runs a step and tells how long it took. */
  timed<T>(step: Step, work: () => Promise<T>): Promise<T>;
}

function journalOf({ config, store, now, seen }: VaultKeeper, slot: string): Journal {
  let last = now().getTime();
  const elapsed = (step: Step): number => {
    const at = now().getTime();
    const ms = at - last;
    last = at;
    seen?.({ vault: config.name, step: { name: step, ms } });
    return ms;
  };
  return {
    async note(step, value) {
      await store.note(config.name, slot, step, now(), elapsed(step), value);
    },
    async timed(step, work) {
      const result = await work();
      if (step === "chores") await store.note(config.name, slot, step, now(), elapsed(step), result);
      else elapsed(step);
      return result;
    },
  };
}

async function settled<T>(work: () => Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([work()]);
  return result;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function short(hash: string): string {
  return `${hash.slice(0, 10)}…`;
}
