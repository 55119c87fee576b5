import { Contract } from "ethers";
import { decide } from "../plan/decide.ts";
import type { Decision } from "../plan/decide.ts";
import { EvidenceError, evidenceHash, parseEvidence } from "../plan/evidence.ts";
import type { Evidence } from "../plan/evidence.ts";
import { decodePlan, encodePlan, firstDifference, NotAPlan } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { readSafe } from "../safe/account.ts";
import type { SafeAccount } from "../safe/account.ts";
import { readApprovals } from "../safe/approvals.ts";
import { digestsByHand, digestsOf } from "../safe/digests.ts";
import type { Digests } from "../safe/digests.ts";
import { NotASafe } from "../safe/errors.ts";
import type { Packet } from "../safe/packet.ts";
import { SAFE_INTERFACE } from "../safe/abi.ts";
import { recoverSignature } from "../safe/signatures.ts";
import { simulateSafeTx } from "../safe/simulate.ts";
import { isPlainCall } from "../safe/transaction.ts";
import { CONTRACT_ERRORS } from "./contractErrors.ts";
import type { Check } from "./checklist.ts";
import { guardCallOf, guardChecks, isReviewGuardCode } from "./guardChecks.ts";
import type { PolicyVerdict } from "./policyLimits.ts";
import { reviewGuardOf } from "./review.ts";
import type { Review } from "./review.ts";
import { checkEvidence } from "./verifyEvidence.ts";
import { checkContracts, checkSafe } from "./verifyIdentity.ts";
import { checkNow, checkReview } from "./verifyNow.ts";
import { VerifyRun, attempt, isSame } from "./verifyRun.ts";
import type { Announced, Snapshot, VerifyRequest } from "./verifyRun.ts";

export type { VerifyRequest } from "./verifyRun.ts";

export interface Verdict {
  ok: boolean;
  checks: Check[];
  /** The first check that failed. */
  cause: Check | null;
  /** What owners sign, as wallets show it; null when there is no Safe to sign for. */
  digests: Digests | null;
  decision: Decision | null;
  plan: Plan | null;
  before: Snapshot | null;
  after: Snapshot | null;
  /** Gas of the simulated execution. */
  gasUsed: bigint | null;
  /** The simulated outcome against the policy; null when nothing was simulated. */
  policy: PolicyVerdict | null;
  /** What the Safe's review guard says of it; null when it was not asked. */
  review: Review | null;
  /** Inputs of the evidence that this node could not read again at the evidence's block. */
  unread: string[];
}

/**
 * Recomputes a proposal from the chain and its own evidence: who, which bytes, which inputs, which decision, what would
 * happen. Trusts nothing in the packet; every input is read again from the chain. Never throws for a bad packet: what is
 * wrong becomes a failed check. Throws when the chain cannot be read.
 */
export async function verify(request: VerifyRequest): Promise<Verdict> {
  const { packet } = request;
  const run = new VerifyRun(request);
  let digests: Digests | null = null;
  const verdict = (rest: Partial<Verdict> = {}): Verdict => ({
    ok: run.cause === null,
    checks: run.checks,
    cause: run.cause,
    digests,
    decision: null,
    plan: null,
    before: null,
    after: null,
    gasUsed: null,
    policy: null,
    review: null,
    unread: run.unread,
    ...rest,
  });

  if (!checkOwnSafe(run)) return verdict();
  const account = await safeOf(run);
  if (account === null) return verdict();
  const isSafe = await checkSafe(run, account);
  digests = await checkTransaction(run, account);
  // A contract that only looks like a Safe would be asked everything that follows.
  if (!isSafe) return verdict();
  const guardCall = guardCallOf(packet);
  if (guardCall !== null) {
    const { provider, deployment } = request;
    run.checks.push(...(await guardChecks(provider, guardCall, { packet, account, deployment })));
    await checkSignatures(run, account);
    return verdict();
  }
  const plan = checkCall(run, packet);
  const evidence = checkEvidenceShape(run, packet, plan);
  if (plan === null || evidence === null) return verdict({ plan });
  // So would contracts that are not what they should be.
  run.section = "identity";
  if (!(await checkContracts(run, evidence))) return verdict({ plan });
  run.section = "evidence";
  const { announced } = request;
  if (announced !== undefined && !(await checkAnnouncement(run, announced, evidence))) return verdict({ plan });
  await checkEvidence(run, evidence, account.chainId.toString());
  run.section = "decision";
  const decision = checkDecision(run, evidence, plan);
  await checkScope(run, evidence);
  run.section = "now";
  const review = request.now === false ? null : await checkReview(run);
  const outcome = review === null ? null : await checkNow(run, { plan, evidence, account, review });
  await checkSignatures(run, account);
  return verdict({ decision, plan, review, ...outcome });
}

/** Asked before anything else: a call of another Safe may never come to the checks that know the member's contracts. */
function checkOwnSafe(run: VerifyRun): boolean {
  const { packet, deployment } = run.request;
  if (deployment === undefined) return true;
  const problem = isSame(deployment.safe, packet.safe)
    ? null
    : `it is for Safe ${packet.safe}, yours is ${deployment.safe}`;
  return run.note("your safe", problem, packet.safe);
}

async function safeOf(run: VerifyRun): Promise<SafeAccount | null> {
  const { provider, packet } = run.request;
  try {
    return await readSafe(provider, packet.safe);
  } catch (error) {
    if (!(error instanceof NotASafe)) throw error;
    run.note("safe", error.message, "");
    return null;
  }
}

async function checkTransaction(run: VerifyRun, account: SafeAccount): Promise<Digests> {
  const { packet } = run.request;
  const chainId = account.chainId.toString();
  run.note(
    "chain",
    packet.chainId === chainId ? null : `the packet is for chain ${packet.chainId}, the RPC serves ${chainId}`,
    `chain ${chainId}`,
  );
  run.section = "call";
  run.note(
    "plain call",
    isPlainCall(packet.safeTx)
      ? null
      : "the transaction is no plain call: operation, value and all gas and refund fields must be zero (a refund can drain a Safe)",
    "operation CALL, no value, no refund",
  );
  return checkDigests(run);
}

/** What owners sign, by two routes here and by the Safe itself. */
async function checkDigests(run: VerifyRun): Promise<Digests> {
  const { provider, packet } = run.request;
  const { to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce } = packet.safeTx;
  const own = digestsOf(packet.chainId, packet.safe, packet.safeTx);
  const byHand = digestsByHand(packet.chainId, packet.safe, packet.safeTx);
  const contract = new Contract(packet.safe, SAFE_INTERFACE, provider);
  const [domain, hash] = (await Promise.all([
    contract.getFunction("domainSeparator").staticCall(),
    contract
      .getFunction("getTransactionHash")
      .staticCall(to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce),
  ])) as [string, string];
  const difference = firstDifference(own, byHand);
  const problem =
    own.safeTxHash !== packet.safeTxHash
      ? `the transaction hashes to ${own.safeTxHash}, the packet says ${packet.safeTxHash}`
      : difference !== null
        ? `two ways of hashing it differ at ${difference}: this software is broken or was tampered with`
        : hash !== own.safeTxHash
          ? `the Safe itself hashes the transaction to ${hash}, not to ${own.safeTxHash}`
          : domain !== own.domainHash
            ? `the Safe's own domain hash is ${domain}, not ${own.domainHash}`
            : null;
  run.note("safeTxHash", problem, `${own.safeTxHash} (computed here in two ways, and by the Safe)`);
  return own;
}

/** The call's bytes are a plan and nothing else, and the plan shown in the packet is the one in the bytes. */
function checkCall(run: VerifyRun, packet: Packet): Plan | null {
  let plan: Plan;
  try {
    plan = decodePlan(packet.safeTx.data);
  } catch (error) {
    if (!(error instanceof NotAPlan)) throw error;
    run.note("call", error.message, "");
    if (isSame(packet.safeTx.to, packet.safe)) {
      run.note("safe untouched", "the Safe would call itself: its owners, modules, guards or code may change", "");
    }
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

function checkEvidenceShape(run: VerifyRun, packet: Packet, plan: Plan | null): Evidence | null {
  run.section = "evidence";
  if (plan !== null) {
    const hash = evidenceHash(packet.evidence);
    run.note(
      "evidence hash",
      plan.evidence === hash ? null : `the plan commits to evidence ${plan.evidence}, the packet carries ${hash}`,
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

/** Runs the rules on the packet's evidence and compares the plan field by field. */
function checkDecision(run: VerifyRun, evidence: Evidence, plan: Plan): Decision | null {
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
async function checkScope(run: VerifyRun, evidence: Evidence): Promise<void> {
  const { provider, packet } = run.request;
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

/** The log of the Safe's own review guard, of this software's code, with a snapshot by the lens everything is read through. */
async function checkAnnouncement(run: VerifyRun, announced: Announced, { contracts }: Evidence): Promise<boolean> {
  const { provider, packet } = run.request;
  const guard = await reviewGuardOf(provider, packet.safe);
  const address = (await guard?.getAddress()) ?? "none";
  const problem =
    guard === null || !isSame(address, announced.guard)
      ? `it was announced at ${announced.guard}, the Safe's review guard is ${address}`
      : !(await isReviewGuardCode(provider, guard))
        ? `the guard ${address} is not this software's review guard: its log may say anything`
        : isSame(await guard.lens(), contracts.lens)
          ? null
          : `the guard reads lens ${await guard.lens()}, the evidence names ${contracts.lens}`;
  return run.note("announcement", problem, `announced at ${announced.guard} in block ${announced.blockNumber}`);
}

/**
 * Each signature is an owner's and for this hash, and each approval is on chain: a member who counts the others must not
 * count ghosts.
 */
async function checkSignatures(run: VerifyRun, account: SafeAccount): Promise<void> {
  run.section = "signatures";
  const { provider, packet } = run.request;
  const { signatures } = packet;
  const approved = await readApprovals(provider, packet.safe, account.owners, packet.safeTxHash);
  const given = new Set(approved.map(({ owner }) => owner));
  const recovered = signatures.map(({ owner, signature }) => {
    const found = attempt(() => recoverSignature(packet.safeTxHash, signature));
    return { claimed: owner, owner: found instanceof Error ? null : found.owner, found };
  });
  const misattributed = recovered.find(({ claimed, owner }) => owner !== claimed);
  const stranger = signatures.find(({ owner }) => !account.owners.includes(owner));
  const ghost = signatures.find(({ owner, kind }) => kind === "approvedHash" && !given.has(owner));
  const problem =
    misattributed !== undefined
      ? `the signature said to be ${misattributed.claimed}'s ` +
        (misattributed.found instanceof Error
          ? misattributed.found.message
          : `recovers to ${misattributed.owner ?? ""}`)
      : stranger !== undefined
        ? `${stranger.owner} is no owner of the Safe`
        : ghost !== undefined
          ? `${ghost.owner} has not approved this on chain`
          : null;
  const signers = [...new Set([...signatures.map(({ owner }) => owner), ...given])];
  run.note(
    "signatures",
    problem,
    `${signers.length} of ${account.threshold} needed${signers.length === 0 ? "" : `: ${signers.join(", ")}`}`,
  );
}
