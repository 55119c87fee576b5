import { decide } from "../plan/decide.ts";
import { brokenTolerance } from "../plan/drift.ts";
import type { Evidence } from "../plan/evidence.ts";
import { formatFixed } from "../plan/fixedPoint.ts";
import { MEASURE_LABELS } from "../plan/measures.ts";
import { firstDifference } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { REGIME_NAMES } from "../regime/ruleMachine.ts";
import type { SafeAccount } from "../safe/account.ts";
import { SimulationReadFailed, simulateSafeTx } from "../safe/simulate.ts";
import type { Simulation } from "../safe/simulate.ts";
import { Rebalancer__factory, RegimeOracle__factory, VaultLens__factory } from "../../typechain-types/index.js";
import { CONTRACT_ERRORS } from "./contractErrors.ts";
import { RpcUnavailable } from "./observe.ts";
import { judgeOutcome } from "./policyLimits.ts";
import type { PolicyVerdict } from "./policyLimits.ts";
import { isHeld, readReview, reviewGuardOf } from "./review.ts";
import type { Review } from "./review.ts";
import { decodeSnapshot } from "./snapshot.ts";
import { attempt, isSame, unlessNoSuchContract } from "./verifyRun.ts";
import type { Snapshot, VerifyRun } from "./verifyRun.ts";

/** What the guard says: a call that waits is no reason not to sign it, one that shareholders stopped is. */
export async function checkReview(run: VerifyRun): Promise<Review> {
  const { provider, packet, deployment } = run.request;
  const review = await readReview(provider, packet.safe, packet.safeTx);
  const yours = deployment?.guard;
  if (yours !== undefined && review.guard !== null && !isSame(review.guard, yours)) {
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

/** What a simulated execution leaves, and how the policy judges it. */
export interface Outcome {
  before: Snapshot;
  after: Snapshot;
  gasUsed: bigint;
  policy: PolicyVerdict;
}

/** Would it run now, and would it be proposed now? Null when it would not run: the failed check says why. */
export async function checkNow(
  run: VerifyRun,
  { plan, evidence, account, review }: { plan: Plan; evidence: Evidence; account: SafeAccount; review: Review },
): Promise<Outcome | null> {
  run.section = "now";
  if (!(await checkFreshness(run, plan, account))) return null;
  await checkRegimeNow(run, plan, evidence);
  const simulation = await simulate(run, evidence, review);
  const outcome = simulation === null ? null : await judge(run, { plan, evidence, simulation });
  run.section = "now";
  await checkProposedNow(run, plan, evidence);
  return outcome;
}

async function checkFreshness(run: VerifyRun, plan: Plan, account: SafeAccount): Promise<boolean> {
  const { provider, packet } = run.request;
  const rebalancer = Rebalancer__factory.connect(packet.safeTx.to, provider);
  const block = await provider.getBlock("latest");
  const now = block?.timestamp ?? 0;
  const used = await rebalancer.used(plan.nonce).catch((error: unknown) => unlessNoSuchContract(error));
  const problem = used
    ? "the plan's nonce was already executed"
    : BigInt(packet.safeTx.nonce) < account.nonce
      ? `the Safe is at nonce ${account.nonce}, the transaction is for ${packet.safeTx.nonce}`
      : now > plan.validUntil
        ? `the plan expired at ${new Date(plan.validUntil * 1000).toISOString()}`
        : null;
  return run.note("freshness", problem, `valid until ${new Date(plan.validUntil * 1000).toISOString()}`);
}

async function checkRegimeNow(run: VerifyRun, plan: Plan, { contracts }: Evidence): Promise<void> {
  const regime = await RegimeOracle__factory.connect(contracts.regimeOracle, run.request.provider)
    .regime()
    .catch((error: unknown) => unlessNoSuchContract(error));
  const name = regime === null ? "no regime" : (REGIME_NAMES[Number(regime)] ?? "Unknown");
  run.note(
    "regime now",
    name === plan.regime ? null : `the plan is for ${plan.regime}, the chain says ${name} now: ask for a new proposal`,
    name,
  );
}

type Succeeded = Simulation & { ok: true };

/** Runs it as the executor would; the review guard is on once it lets the call through, and left out until then. */
async function simulate(run: VerifyRun, { contracts }: Evidence, review: Review): Promise<Succeeded | null> {
  const { provider, packet, executor } = run.request;
  const isReviewed = (await reviewGuardOf(provider, packet.safe)) !== null;
  const ignoreGuard = isReviewed && isHeld(review);
  let simulation: Simulation;
  try {
    simulation = await simulateSafeTx({
      provider,
      safe: packet.safe,
      safeTx: packet.safeTx,
      ...(executor === undefined ? {} : { executor }),
      read: {
        to: contracts.lens,
        data: VaultLens__factory.createInterface().encodeFunctionData("snapshot"),
      },
      interfaces: CONTRACT_ERRORS,
      ignoreGuard,
      watchSafe: true,
    });
  } catch (error) {
    if (!(error instanceof SimulationReadFailed)) throw error;
    run.note("simulation", error.message, "");
    return null;
  }
  const guarded = isReviewed
    ? ignoreGuard
      ? "; its review guard, which still holds it, left out"
      : ", its guard on"
    : "";
  const by = executor === undefined ? "" : ` sent by ${executor}`;
  const { gasUsed } = simulation;
  const said = `runs through the Safe${by}, ${gasUsed} gas${guarded}`;
  if (!run.note("simulation", simulation.ok ? null : simulation.revert.text, said) || !simulation.ok) return null;
  const writes = simulation.ownWrites ?? [];
  run.note(
    "safe untouched",
    writes.length === 0 ? null : `ALARM: executing it changes the Safe itself: ${writes.join(", ")}`,
    "singleton, owners, threshold, modules, guards and handler stay; the nonce goes up by one",
  );
  return simulation;
}

/** The outcome against the policy's limits: worked out here, and asked of the contracts, which must agree. */
async function judge(
  run: VerifyRun,
  { plan, evidence, simulation }: { plan: Plan; evidence: Evidence; simulation: Succeeded },
): Promise<Outcome | null> {
  const { read, blockNumber, gasUsed } = simulation;
  if (read === null) return null;
  const before = run.seenAt(blockNumber) ?? decodeSnapshot(await read.before());
  const after = decodeSnapshot(read.after);
  run.section = "policy";
  const policy = await judgeOutcome(run.request.provider, evidence, plan.regime, {
    before,
    after,
    blockTag: blockNumber,
  });
  const { regime, rows, ours, theirs, disagreement } = policy;
  const tightest = rows.reduce((least, row) => (row.margin < least.margin ? row : least));
  run.note(
    "policy limits",
    ours,
    `inside ${regime}'s, or nearer to them than before; nearest to its limit is ` +
      `${MEASURE_LABELS[tightest.measure]}, with ${formatFixed(tightest.margin, 2, 2)} % to spare`,
  );
  run.note(
    "policy by contract",
    disagreement ??
      theirs ??
      (ours === null ? null : `the contract takes what this software refuses (${ours}): report it`),
    "HedgePolicy.judge takes it, and the Rebalancer measures the same",
  );
  return { before, after, gasUsed, policy };
}

/**
 * What the rules say now. A plan that nothing calls for any more is no error, since it does no harm within its tolerance,
 * but whoever signs should know. One whose regime or tolerance is broken is.
 */
async function checkProposedNow(run: VerifyRun, plan: Plan, evidence: Evidence): Promise<void> {
  let now: Evidence;
  try {
    now = await run.observedNow(evidence);
  } catch (error) {
    if (error instanceof RpcUnavailable && !error.answered) throw error;
    run.skip("proposed now", `what the rules say now cannot be told: ${error instanceof Error ? error.message : ""}`);
    return;
  }
  const decision = attempt(() => decide(now));
  if (decision instanceof Error) {
    run.skip("proposed now", `the rules cannot run now: ${decision.message}`);
    return;
  }
  const broken =
    decision.regime === plan.regime
      ? brokenTolerance(plan, now)
      : `the plan is for ${plan.regime}, the regime is ${decision.regime} now`;
  if (broken !== null) {
    run.note("proposed now", `no: ${broken}; ask for a new proposal`, "");
  } else if (decision.kind === "hold") {
    run.skip(
      "proposed now",
      `no longer: ${decision.code}. ${decision.sentence} It may still be executed: ask whether it is wanted`,
    );
  } else {
    const targets = ({ liquidity, perps }: Plan): object => ({ liquidity, perps });
    const same = firstDifference(targets(plan), targets(decision.plan)) === null;
    run.note(
      "proposed now",
      null,
      same ? "the same plan" : "a plan of now's numbers; this one is within its tolerance",
    );
  }
}
