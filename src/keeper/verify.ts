import { Contract } from "ethers";
import type { JsonRpcApiProvider } from "ethers";
import { decide } from "../plan/decide.ts";
import type { Decision } from "../plan/decide.ts";
import type { Deployment } from "../plan/deployment.ts";
import { movedSince } from "../plan/drift.ts";
import { EvidenceError, parseEvidence } from "../plan/evidence.ts";
import type { Evidence, FeedRound } from "../plan/evidence.ts";
import { decodePlan, encodePlan, firstDifference, NotAPlan } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { RULES, RULESET_HASH } from "../plan/ruleset.ts";
import { vaultState } from "../plan/state.ts";
import { REGIME_NAMES } from "../regime/ruleMachine.ts";
import { readSafe } from "../safe/account.ts";
import type { SafeAccount } from "../safe/account.ts";
import { readApprovals } from "../safe/approvals.ts";
import { NotASafe } from "../safe/errors.ts";
import type { Packet } from "../safe/packet.ts";
import { SAFE_INTERFACE } from "../safe/abi.ts";
import { isContractsAnswer } from "../safe/revert.ts";
import { simulateSafeTx } from "../safe/simulate.ts";
import type { Simulation } from "../safe/simulate.ts";
import { isPlainCall, safeTxHash } from "../safe/transaction.ts";
import {
  AccessManager__factory,
  IAggregatorV3__factory,
  Rebalancer__factory,
  RegimeOracle__factory,
  VaultLens__factory,
} from "../../typechain-types/index.js";
import type { IVaultLens } from "../../typechain-types/contracts/lens/VaultLens.js";
import { CONTRACT_ERRORS } from "./contractErrors.ts";
import { Checklist } from "./checklist.ts";
import type { Check } from "./checklist.ts";
import { guardCallOf, guardChecks } from "./guardChecks.ts";
import { observe, RpcUnavailable } from "./observe.ts";
import { isHeld, readReview, reviewGuardOf } from "./review.ts";
import type { Review } from "./review.ts";
import { decodeSnapshot } from "./tick.ts";

export interface Verdict {
  ok: boolean;
  checks: Check[];
  /** The first check that failed. */
  cause: Check | null;
  decision: Decision | null;
  plan: Plan | null;
  before: IVaultLens.SnapshotStructOutput | null;
  after: IVaultLens.SnapshotStructOutput | null;
  /** Gas of the simulated execution. */
  gasUsed: bigint | null;
  /** What the Safe's review guard says of it; null when it was not asked. */
  review: Review | null;
}

export interface VerifyRequest {
  provider: JsonRpcApiProvider;
  packet: Packet;
  /** The contracts the member knows to be theirs; without it the packet's own are checked for consistency only. */
  deployment?: Deployment;
  /** Also require the proposal to be executable now: nonce, validity, simulation. Default true. */
  now?: boolean;
}

/** NAV recomputed here may differ from the chain's by the rounding of a few divisions, in asset units. */
const NAV_ROUNDING = 16n;

/**
 * Recomputes a proposal from the chain and its own evidence: who, which bytes, which inputs, which decision, what would
 * happen. Trusts nothing in the packet; every input is read again from the chain. Never throws for a bad packet: what is
 * wrong becomes a failed check. Throws when the chain cannot be read.
 */
export async function verify(request: VerifyRequest): Promise<Verdict> {
  const { provider, packet } = request;
  const run = new Run();
  const verdict = (rest: Partial<Verdict> = {}): Verdict => ({
    ok: run.cause === null,
    checks: run.checks,
    cause: run.cause,
    decision: null,
    plan: null,
    before: null,
    after: null,
    gasUsed: null,
    review: null,
    ...rest,
  });

  const account = await safeOf(run, request);
  if (account === null) return verdict();
  await checkTransaction(run, request, account);
  const guardCall = guardCallOf(packet);
  if (guardCall !== null) {
    const { deployment } = request;
    run.checks.push(...(await guardChecks(provider, guardCall, { packet, account, deployment })));
    await checkSignatures(run, request, account);
    return verdict();
  }
  const plan = checkCall(run, packet);
  const evidence = checkEvidenceShape(run, packet, plan);
  if (plan === null || evidence === null) return verdict({ plan });
  // Contracts that are not what they should be would be asked everything that follows.
  if (!(await checkIdentity(run, request, evidence))) return verdict({ plan });
  await checkEvidenceAgainstChain(run, provider, evidence, account.chainId.toString());
  const decision = checkDecision(run, evidence, plan);
  await checkScope(run, request, evidence);
  const review = request.now === false ? null : await checkReview(run, request);
  const simulation = request.now === false ? null : await checkNow(run, request, plan, account);
  await checkSignatures(run, request, account);
  const read = simulation?.ok === true ? simulation.read : null;
  return verdict({
    decision,
    plan,
    before: read === null ? null : (run.seenAt(simulation?.blockNumber) ?? decodeSnapshot(await read.before())),
    after: read === null ? null : decodeSnapshot(read.after),
    gasUsed: simulation?.gasUsed ?? null,
    review,
  });
}

async function safeOf(run: Run, { provider, packet }: VerifyRequest): Promise<SafeAccount | null> {
  try {
    return await readSafe(provider, packet.safe);
  } catch (error) {
    if (!(error instanceof NotASafe)) throw error;
    run.note("safe", error.message, "");
    return null;
  }
}

class Run extends Checklist {
  /** The lens as this verification read it from the chain, and the block it read at. */
  seen: { blockNumber: number; snapshot: IVaultLens.SnapshotStructOutput } | null = null;

  /** What was seen at a block; null when another one was looked at. */
  seenAt(blockNumber: number | undefined): IVaultLens.SnapshotStructOutput | null {
    return this.seen?.blockNumber === blockNumber ? (this.seen?.snapshot ?? null) : null;
  }
}

async function checkTransaction(run: Run, { provider, packet }: VerifyRequest, account: SafeAccount): Promise<void> {
  const chainId = account.chainId.toString();
  run.note(
    "chain",
    packet.chainId === chainId ? null : `the packet is for chain ${packet.chainId}, the RPC serves ${chainId}`,
    `chain ${chainId}`,
  );
  run.note(
    "plain call",
    isPlainCall(packet.safeTx)
      ? null
      : "the transaction is no plain call: operation, value and all gas and refund fields must be zero (a refund can drain a Safe)",
    "operation CALL, no value, no refund",
  );
  const { to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce } = packet.safeTx;
  const own = safeTxHash(packet.chainId, packet.safe, packet.safeTx);
  const contract = new Contract(packet.safe, SAFE_INTERFACE, provider);
  const onChain = (await contract
    .getFunction("getTransactionHash")
    .staticCall(to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce)) as string;
  const problem =
    own !== packet.safeTxHash
      ? `the transaction hashes to ${own}, the packet says ${packet.safeTxHash}`
      : onChain !== own
        ? `the Safe itself hashes the transaction to ${onChain}, not to ${own}`
        : null;
  run.note("safeTxHash", problem, `${own} (computed here and by the Safe)`);
}

/** The call's bytes are a plan and nothing else, and the plan shown in the packet is the one in the bytes. */
function checkCall(run: Run, packet: Packet): Plan | null {
  let plan: Plan;
  try {
    plan = decodePlan(packet.safeTx.data);
  } catch (error) {
    if (!(error instanceof NotAPlan)) throw error;
    run.note("call", error.message, "");
    return null;
  }
  const difference = firstDifference(packet.plan, plan);
  run.note(
    "call",
    difference === null ? null : `the packet shows another plan than the transaction carries at ${difference}`,
    "Rebalancer.execute with the plan shown",
  );
  return plan;
}

function checkEvidenceShape(run: Run, packet: Packet, plan: Plan | null): Evidence | null {
  if (plan !== null) {
    run.note(
      "evidence hash",
      plan.evidence === packet.evidenceHash
        ? null
        : `the plan commits to evidence ${plan.evidence}, the packet carries ${packet.evidenceHash}`,
      plan.evidence,
    );
  }
  try {
    const evidence = parseEvidence(packet.evidence);
    run.note("evidence inputs", null, "every input the rules need is there");
    return evidence;
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    run.note("evidence inputs", error.message, "");
    return null;
  }
}

/** The Safe, the Rebalancer and the vault belong together, and are the member's own when a deployment is given. */
async function checkIdentity(run: Run, request: VerifyRequest, evidence: Evidence): Promise<boolean> {
  const { provider, packet, deployment } = request;
  const { contracts } = evidence;
  const rebalancer = Rebalancer__factory.connect(contracts.rebalancer, provider);
  const selector = rebalancer.interface.getFunction("execute").selector;
  const problems: string[] = [];
  if (packet.safe !== contracts.safe) problems.push(`the evidence is for Safe ${contracts.safe}, not ${packet.safe}`);
  if (packet.safeTx.to !== contracts.rebalancer) {
    problems.push(`the call goes to ${packet.safeTx.to}, the evidence's Rebalancer is ${contracts.rebalancer}`);
  }
  const callable = await Promise.all([
    rebalancer.vault(),
    rebalancer.policy(),
    rebalancer.regimeOracle(),
    rebalancer.authority(),
  ]).catch((error: unknown) => unlessNoSuchContract(error));
  if (callable === null) {
    problems.push(`there is no Rebalancer at ${contracts.rebalancer}`);
  } else {
    const [vault, policy, oracle, authority] = callable;
    const permission = await AccessManager__factory.connect(authority, provider)
      .canCall(packet.safe, contracts.rebalancer, selector)
      .catch((error: unknown) => unlessNoSuchContract(error));
    if (vault !== contracts.vault) problems.push(`the Rebalancer serves vault ${vault}, not ${contracts.vault}`);
    if (policy !== contracts.policy) problems.push(`the Rebalancer's policy is ${policy}, not ${contracts.policy}`);
    if (oracle !== contracts.regimeOracle)
      problems.push(`its regime oracle is ${oracle}, not ${contracts.regimeOracle}`);
    if (permission?.immediate !== true) problems.push(`the Safe ${packet.safe} may not call execute there`);
  }
  const together = run.note(
    "contracts",
    problems[0] ?? null,
    "Safe, Rebalancer, vault, policy and oracle belong together",
  );
  if (deployment === undefined) {
    run.skip("your vault", "no --deployment given: check that the Safe and vault above are yours");
    return (await checkLens(run, provider, evidence)) && together;
  }
  const adapters = { liquidityAdapter: evidence.liquidity.adapter, perpAdapter: evidence.perp.adapter };
  const named = { ...contracts, ...adapters };
  const difference = (Object.keys(named) as (keyof typeof named)[]).find((name) => deployment[name] !== named[name]);
  const own = run.note(
    "your vault",
    difference === undefined ? null : `${difference} is ${named[difference]}, yours is ${deployment[difference]}`,
    `vault ${contracts.vault}`,
  );
  return own && together;
}

/**
 * Everything is read through the lens: one that nobody vouches for must be, byte for byte, what this software would put
 * there for that Rebalancer, or it could say anything.
 */
async function checkLens(run: Run, provider: JsonRpcApiProvider, { contracts }: Evidence): Promise<boolean> {
  const { data } = await new VaultLens__factory().getDeployTransaction(contracts.rebalancer);
  const [code, expected] = await Promise.all([
    provider.getCode(contracts.lens),
    provider.call({ data }).catch((error: unknown) => unlessNoSuchContract(error)),
  ]);
  return run.note(
    "lens",
    code === expected ? null : `the contract at ${contracts.lens} is not this software's lens: name your --deployment`,
    "this software's own code",
  );
}

/** Null for a contract that is not there or is another; other errors are the node's and go on. */
function unlessNoSuchContract(error: unknown): null {
  if (isContractsAnswer(error)) return null;
  throw error;
}

/**
 * Reads every input again at the evidence's block. A node without that block's state gives only what can still be read:
 * rounds by their id, sessions, policy; positions are then compared with those of now.
 */
async function checkEvidenceAgainstChain(
  run: Run,
  provider: JsonRpcApiProvider,
  evidence: Evidence,
  chainId: string,
): Promise<void> {
  const rules = { name: RULES.name, version: RULES.version, hash: RULESET_HASH };
  const rulesMatch = firstDifference(evidence.ruleset, rules) === null;
  run.note(
    "ruleset",
    rulesMatch
      ? null
      : `the decision followed rules ${evidence.ruleset.name}/${evidence.ruleset.version} ` +
          `(${evidence.ruleset.hash}), this verifier has ${RULES.name}/${RULES.version} (${RULESET_HASH})`,
    `${RULES.name}/${RULES.version}`,
  );
  if (evidence.chainId !== chainId) {
    run.note("evidence: block", `the evidence is from chain ${evidence.chainId}`, "");
    return;
  }
  const block = await provider.getBlock(evidence.block.number);
  const blockProblem =
    block === null
      ? `block ${evidence.block.number} does not exist`
      : block.hash !== evidence.block.hash || block.timestamp !== evidence.block.timestamp
        ? `block ${evidence.block.number} has hash ${block.hash} and time ${block.timestamp} on chain, ` +
          `${evidence.block.hash} and ${evidence.block.timestamp} in the packet`
        : null;
  if (!run.note("evidence: block", blockProblem, `block ${evidence.block.number}`)) return;
  const { timestamp } = evidence.block;
  const slotFits =
    evidence.slot.seconds === RULES.slotSeconds && evidence.slot.start === timestamp - (timestamp % RULES.slotSeconds);
  run.note(
    "evidence: slot",
    slotFits ? null : `slot ${evidence.slot.start} is not one the block at ${evidence.block.timestamp} can decide`,
    new Date(evidence.slot.start * 1000).toISOString(),
  );

  let observed: Evidence;
  let snapshot: IVaultLens.SnapshotStructOutput;
  try {
    ({ evidence: observed, snapshot } = await observe(provider, deploymentOf(evidence), {
      blockNumber: evidence.block.number,
    }));
  } catch (error) {
    if (error instanceof RpcUnavailable) return checkWithoutHistory(run, provider, evidence);
    run.note("evidence: chain", error instanceof Error ? error.message : String(error), "");
    return;
  }
  run.seen = { blockNumber: evidence.block.number, snapshot };
  for (const part of ["contracts", "feeds", "regime", "policy", "vault", "liquidity", "perp"] as const) {
    const difference = firstDifference(evidence[part], observed[part], part);
    run.note(
      `evidence: ${part}`,
      difference === null ? null : `${difference} (in the packet against on chain at block ${evidence.block.number})`,
      "as on chain",
    );
  }
  const state = attempt(() => vaultState(evidence));
  if (state instanceof Error) {
    run.note("net asset value", `it cannot be worked out from this evidence (${state.message})`, "");
    return;
  }
  const drift = state.nav > snapshot.navMid ? state.nav - snapshot.navMid : snapshot.navMid - state.nav;
  run.note(
    "net asset value",
    drift <= NAV_ROUNDING ? null : `recomputed ${state.nav}, the chain says ${snapshot.navMid}`,
    `${state.nav} asset units, recomputed from positions and by the chain`,
  );
}

/** The evidence names every contract that has to be read. */
function deploymentOf(evidence: Evidence): Deployment {
  return {
    format: "ballast-deployment/1",
    network: "evidence",
    chainId: evidence.chainId,
    accessManager: "0x0000000000000000000000000000000000000000",
    ...evidence.contracts,
    liquidityAdapter: evidence.liquidity.adapter,
    perpAdapter: evidence.perp.adapter,
  };
}

/** What the work returns or throws: evidence may hold numbers that the rules' arithmetic cannot take. */
function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new RangeError(String(error));
  }
}

/**
 * What a node that keeps no old state can still answer: feed rounds by id, that no newer one came before the block, and
 * that the vault of now is the one the decision was made for.
 */
async function checkWithoutHistory(run: Run, provider: JsonRpcApiProvider, evidence: Evidence): Promise<void> {
  let now: Evidence;
  try {
    ({ evidence: now } = await observe(provider, deploymentOf(evidence)));
  } catch (error) {
    if (error instanceof RpcUnavailable && !error.answered) throw error;
    run.note("evidence: chain", error instanceof Error ? error.message : String(error), "");
    return;
  }
  const day = evidence.regime.sessions.at(-1)?.[0] ?? 0;
  const limits = { base: evidence.block.timestamp, asset: evidence.block.timestamp };
  const close = (day + 1) * RULES.slotSeconds - 1;
  for (const [name, before] of Object.entries({ ...limits, vix: close, vix3m: close })) {
    const [claimed, real] = [
      evidence.feeds[name as keyof Evidence["feeds"]],
      now.feeds[name as keyof Evidence["feeds"]],
    ];
    const problem =
      claimed.address !== real.address || claimed.decimals !== real.decimals
        ? `the feed is ${claimed.address} with ${claimed.decimals} decimals, the vault reads ${real.address} with ${real.decimals}`
        : await roundProblem(provider, claimed, before);
    run.note(`evidence: feeds.${name}`, problem, "the round is as on chain, and was the newest");
  }
  for (const [name, difference] of [
    ["contracts", firstDifference(evidence.contracts, now.contracts, "contracts")],
    ["sessions", sessionsProblem(evidence, now)],
    ["policy", firstDifference(evidence.policy, now.policy, "policy")],
  ] as const) {
    run.note(
      `evidence: ${name}`,
      difference === null ? null : `${difference} (packet against chain now)`,
      "as on chain",
    );
  }
  const moved = attempt(() => movedSince(evidence, now));
  run.note(
    "evidence: positions",
    moved === null
      ? null
      : `${moved instanceof Error ? moved.message : moved} (packet against chain now); this node keeps no state of ` +
          `block ${evidence.block.number}: verify on one that does, or ask for a new proposal`,
    "as on chain now, amounts within one per cent of NAV; this node keeps no state of the evidence's block",
  );
}

/** A session may be missing in the evidence only when it was not over yet at its block. */
function sessionsProblem(evidence: Evidence, now: Evidence): string | null {
  const { sessions } = evidence.regime;
  const difference = firstDifference(sessions, now.regime.sessions.slice(0, sessions.length), "regime.sessions");
  if (difference !== null) return difference;
  const next = now.regime.sessions[sessions.length];
  return next !== undefined && (next[0] + 1) * RULES.slotSeconds <= evidence.block.timestamp
    ? `regime.sessions: the close of day ${next[0]} was left out`
    : null;
}

async function roundProblem(provider: JsonRpcApiProvider, round: FeedRound, before: number): Promise<string | null> {
  const feed = IAggregatorV3__factory.connect(round.address, provider);
  const data = await feed.getRoundData(round.round).catch(() => null);
  if (data === null) return `round ${round.round} does not exist`;
  if (data.answer !== BigInt(round.answer) || Number(data.updatedAt) !== round.updatedAt) {
    return `round ${round.round} is ${data.answer} at ${data.updatedAt} on chain, ${round.answer} at ${round.updatedAt} in the packet`;
  }
  const next = await feed.getRoundData(BigInt(round.round) + 1n).catch(() => null);
  return next !== null && next.updatedAt > 0n && Number(next.updatedAt) <= before
    ? `round ${round.round} was not the newest: round ${BigInt(round.round) + 1n} is from ${next.updatedAt}`
    : null;
}

/** Runs the rules on the packet's evidence and compares the plan field by field. */
function checkDecision(run: Run, evidence: Evidence, plan: Plan): Decision | null {
  const decision = attempt(() => decide(evidence));
  if (decision instanceof Error) {
    run.note("decision", `the rules cannot run on this evidence (${decision.message})`, "");
    return null;
  }
  run.note(
    "regime",
    plan.regime === decision.regime ? null : `the plan is for ${plan.regime}, the evidence gives ${decision.regime}`,
    decision.regime,
  );
  if (decision.kind === "hold") {
    run.note("decision", `the rules propose nothing here: ${decision.code}, ${decision.sentence}`, "");
    return decision;
  }
  const difference = firstDifference(plan, decision.plan);
  run.note(
    "decision",
    difference === null ? null : `the rules give another plan at ${difference} (in the packet against recomputed)`,
    decision.sentence,
  );
  return decision;
}

/**
 * Leaving liquidity out is the keeper's choice only when the whole plan would not have run: otherwise a keeper could keep
 * liquidity from ever being unwound. Asked at the decision's own block where the node still has it, else now.
 */
async function checkScope(run: Run, { provider, packet }: VerifyRequest, evidence: Evidence): Promise<void> {
  if (evidence.scope === "full") {
    run.note("scope", null, "liquidity and hedge");
    return;
  }
  const full = attempt(() => decide({ ...evidence, scope: "full" }));
  if (full instanceof Error || full.kind === "hold") {
    run.note("scope", "the rules call for nothing beyond the hedge, yet the evidence leaves liquidity out", "");
    return;
  }
  const request = {
    provider,
    safe: packet.safe,
    safeTx: { ...packet.safeTx, data: encodePlan(full.plan) },
    interfaces: CONTRACT_ERRORS,
    // Nobody announces what nobody proposed: the question is whether it would run once the guard lets it.
    ignoreGuard: (await reviewGuardOf(provider, packet.safe)) !== null,
  };
  const simulation = await simulateSafeTx({ ...request, blockNumber: evidence.block.number }).catch(() =>
    simulateSafeTx(request),
  );
  run.note(
    "scope",
    simulation.ok ? "the whole plan would run, yet the evidence leaves liquidity out: ask for a new proposal" : null,
    simulation.ok ? "" : `hedge only, since the whole plan fails: ${simulation.revert.text}`,
  );
}

/** What the guard says: a call that waits is no reason not to sign it, one that shareholders stopped is. */
async function checkReview(run: Run, { provider, packet, deployment }: VerifyRequest): Promise<Review> {
  const review = await readReview(provider, packet.safe, packet.safeTx);
  const yours = deployment?.guard;
  if (yours !== undefined && review.guard !== null && review.guard.toLowerCase() !== yours.toLowerCase()) {
    run.note("review", `the Safe's guard is ${review.guard}, yours is ${yours}`, "");
  } else if (yours !== undefined && review.guard === null) {
    run.skip("review", `the Safe has not set your review guard ${yours}: nothing waits, nobody can veto`);
  } else if (review.state === "stopped" || review.state === "forbidden") {
    run.note("review", review.sentence, "");
  } else if (isHeld(review)) {
    run.skip("review", review.sentence);
  } else if (review.guard !== null) {
    run.note("review", null, review.sentence);
  }
  return review;
}

/** Would it run now? Nonce, validity, and the whole execution as the Safe would run it. */
async function checkNow(
  run: Run,
  { provider, packet }: VerifyRequest,
  plan: Plan,
  account: SafeAccount,
): Promise<Simulation | null> {
  const rebalancer = Rebalancer__factory.connect(packet.safeTx.to, provider);
  const block = await provider.getBlock("latest");
  const now = block?.timestamp ?? 0;
  const used = await rebalancer.used(plan.nonce).catch(() => false);
  const problem = used
    ? "the plan's nonce was already executed"
    : BigInt(packet.safeTx.nonce) < account.nonce
      ? `the Safe is at nonce ${account.nonce}, the transaction is for ${packet.safeTx.nonce}`
      : now > plan.validUntil
        ? `the plan expired at ${new Date(plan.validUntil * 1000).toISOString()}`
        : null;
  if (!run.note("freshness", problem, `valid until ${new Date(plan.validUntil * 1000).toISOString()}`)) return null;
  const { contracts } = packet.evidence as Evidence;
  const regime = await RegimeOracle__factory.connect(contracts.regimeOracle, provider)
    .regime()
    .catch((error: unknown) => unlessNoSuchContract(error));
  const name = regime === null ? "no regime" : (REGIME_NAMES[Number(regime)] ?? "Unknown");
  run.note(
    "regime now",
    name === plan.regime ? null : `the plan is for ${plan.regime}, the chain says ${name} now: ask for a new proposal`,
    name,
  );
  const ignoreGuard = (await reviewGuardOf(provider, packet.safe)) !== null;
  const simulation = await simulateSafeTx({
    provider,
    safe: packet.safe,
    safeTx: packet.safeTx,
    read: {
      to: contracts.lens,
      data: VaultLens__factory.createInterface().encodeFunctionData("snapshot"),
    },
    interfaces: CONTRACT_ERRORS,
    ignoreGuard,
  });
  run.note(
    "simulation",
    simulation.ok ? null : simulation.revert.text,
    simulation.ok
      ? `runs through the Safe, ${simulation.gasUsed} gas${ignoreGuard ? "; what its review guard says is above" : ""}`
      : "",
  );
  return simulation;
}

/** Each signature is an owner's, and each approval is on chain: a member who counts the others must not count ghosts. */
async function checkSignatures(run: Run, { provider, packet }: VerifyRequest, account: SafeAccount): Promise<void> {
  const { signatures } = packet;
  const approved = await readApprovals(provider, packet.safe, account.owners, packet.safeTxHash);
  const given = new Set(approved.map(({ owner }) => owner));
  const stranger = signatures.find(({ owner }) => !account.owners.includes(owner));
  const ghost = signatures.find(({ owner, kind }) => kind === "approvedHash" && !given.has(owner));
  const problem =
    stranger !== undefined
      ? `${stranger.owner} is no owner of the Safe`
      : ghost !== undefined
        ? `${ghost.owner} has not approved this on chain`
        : null;
  run.note("signatures", problem, `${signatures.length} of ${account.threshold} needed`);
}
