import { dataSlice } from "ethers";
import type { Provider, TransactionReceipt } from "ethers";
import { CLASS_NAMES, reviewGuardOf } from "../../../src/keeper/review.ts";
import { decide } from "../../../src/plan/decide.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { parseEvidence } from "../../../src/plan/evidence.ts";
import { decodePlan } from "../../../src/plan/plan.ts";
import { REGIME_NAMES } from "../../../src/regime/ruleMachine.ts";
import { SAFE_INTERFACE } from "../../../src/safe/abi.ts";
import { readSafe } from "../../../src/safe/account.ts";
import type { Packet } from "../../../src/safe/packet.ts";
import { recoverSignature } from "../../../src/safe/signatures.ts";
import { Rebalancer__factory, ReviewGuard__factory } from "../../../typechain-types/index.js";
import type { IHedgePolicy } from "../../../typechain-types/contracts/rebalance/Rebalancer.js";
import { logsSince, timesOf } from "./logs.ts";

/** A plan that ran. Amounts in asset units, deltas in basis points of net asset value. */
export interface ExecutedPlan {
  time: number;
  block: number;
  transactionHash: string;
  safeTxHash: string | null;
  /** Whose signatures were used; empty for the keeper's own plans. */
  signers: string[];
  kind: "plan" | "deleverage";
  regime: string;
  evidence: string;
  navBefore: bigint;
  navAfter: bigint;
  deltaBefore: bigint;
  deltaAfter: bigint;
  /** What its own evidence aimed at, for those whose packet a keeper serves; null for the others. */
  aimedDeltaBps: number | null;
  packet: Packet | null;
  /** Block of the announcement it ran by; null when it never waited. */
  announcedIn: number | null;
}

/** A call that was announced, and what became of it. */
export interface AnnouncedCall {
  time: number;
  block: number;
  key: string;
  by: string;
  class: string;
  readyAt: number;
  expiresAt: number;
  fate: "ran" | "stopped" | "waits" | "may run" | "expired";
  votes: { voter: string; votes: bigint }[];
  /** The transaction it ran in; null when it did not. */
  usedIn: string | null;
  /** What it calls, as it was announced. */
  call: { to: string; value: string; data: string };
  /** Until when its plan is valid, seconds since 1970-01-01; null for a call that is no plan. */
  validUntil: number | null;
}

export interface History {
  executed: ExecutedPlan[];
  announced: AnnouncedCall[];
  complete: boolean;
}

const rebalancerEvents = Rebalancer__factory.createInterface();
const guardEvents = ReviewGuard__factory.createInterface();

/** Every plan that ran and every call that was announced, newest first, from the contracts' own logs. */
export async function readHistory(
  provider: Provider,
  deployment: Deployment,
  packets: readonly Packet[],
  now: number,
): Promise<History> {
  const from = deployment.atDeployment?.block ?? 0;
  const [plans, calls] = await Promise.all([
    readPlans(provider, deployment, packets, from),
    readCalls(provider, deployment, from, now),
  ]);
  const executed = plans.executed.map((plan) => {
    const call = calls.announced.find(({ usedIn }) => usedIn === plan.transactionHash);
    return { ...plan, announcedIn: call?.block ?? null };
  });
  return { executed, announced: calls.announced, complete: plans.complete && calls.complete };
}

async function readPlans(
  provider: Provider,
  deployment: Deployment,
  packets: readonly Packet[],
  from: number,
): Promise<{ executed: Omit<ExecutedPlan, "announcedIn">[]; complete: boolean }> {
  const topics = [
    ["PlanExecuted", "Deleveraged"].map((name) => rebalancerEvents.getEvent(name as "PlanExecuted").topicHash),
  ];
  const { logs, complete } = await logsSince(provider, { address: deployment.rebalancer, topics }, from);
  const [times, receipts] = await Promise.all([
    timesOf(
      provider,
      logs.map(({ blockNumber }) => blockNumber),
    ),
    Promise.all(logs.map(({ transactionHash }) => provider.getTransactionReceipt(transactionHash))),
  ]);
  const signers = await Promise.all(receipts.map((receipt) => signersOf(provider, deployment.safe, receipt)));
  const executed = logs.flatMap((log, index): Omit<ExecutedPlan, "announcedIn">[] => {
    const event = rebalancerEvents.parseLog(log);
    if (event === null) return [];
    const before = event.args["before"] as IHedgePolicy.MeasuresStructOutput;
    const after = event.args["afterwards"] as IHedgePolicy.MeasuresStructOutput;
    const evidence = event.args["evidence"] as string;
    // By the hash that ran: evidence alone could come with another transaction.
    const ran = signers[index]?.safeTxHash;
    const packet = packets.find((one) => one.safeTxHash === ran && one.evidenceHash === evidence) ?? null;
    return [
      {
        time: times.get(log.blockNumber) ?? 0,
        block: log.blockNumber,
        transactionHash: log.transactionHash,
        safeTxHash: signers[index]?.safeTxHash ?? null,
        signers: signers[index]?.signers ?? [],
        kind: event.name === "PlanExecuted" ? "plan" : "deleverage",
        regime: REGIME_NAMES[Number(event.args["regime"])] ?? "Unknown",
        evidence,
        navBefore: event.args["navBefore"] as bigint,
        navAfter: event.args["navAfter"] as bigint,
        deltaBefore: before.netDeltaMaxBps,
        deltaAfter: after.netDeltaMaxBps,
        aimedDeltaBps: packet === null ? null : aimedDelta(packet),
        packet,
      },
    ];
  });
  return { executed: executed.reverse(), complete };
}

/** Who signed the Safe's transaction in a receipt, recovered from its own call data. */
async function signersOf(
  provider: Provider,
  safe: string,
  receipt: TransactionReceipt | null,
): Promise<{ safeTxHash: string; signers: string[] } | null> {
  const topic = SAFE_INTERFACE.getEvent("ExecutionSuccess")?.topicHash;
  const success = receipt?.logs.find((log) => log.address === safe && log.topics[0] === topic);
  const safeTxHash = success?.topics[1];
  if (receipt === null || safeTxHash === undefined) return null;
  const transaction = await provider.getTransaction(receipt.hash);
  try {
    const call = SAFE_INTERFACE.decodeFunctionData("execTransaction", transaction?.data ?? "0x");
    const bytes = call[9] as string;
    const { threshold, owners } = await readSafe(provider, safe, receipt.blockNumber - 1).catch(() =>
      readSafe(provider, safe),
    );
    // The Safe looks at the first ones only, and whoever executes may append what they like.
    const parts = Array.from({ length: threshold }, (_, index) => dataSlice(bytes, index * 65, index * 65 + 65));
    const made = parts.map((part) => recoverSignature(safeTxHash, part).owner);
    return { safeTxHash, signers: transaction?.to === safe ? made.filter((owner) => owners.includes(owner)) : [] };
  } catch {
    // Executed through another contract, or signed by a contract: who signed is not in the call data in this form.
    return { safeTxHash, signers: [] };
  }
}

/** Net delta that a packet's evidence, by the rules, aimed at. */
function aimedDelta(packet: Packet): number | null {
  try {
    const decision = decide(parseEvidence(packet.evidence));
    if (decision.kind !== "rebalance") return null;
    const { aims, state } = decision;
    const delta = Number(aims.liquidityDelta - aims.short) / 1e18;
    return (delta * (Number(state.price) / 1e18) * 10_000) / (Number(state.nav) / 1e6);
  } catch {
    return null;
  }
}

/** Calls that were announced since a block, newest first; none where the Safe has no review guard. */
export async function readCalls(
  provider: Provider,
  deployment: Deployment,
  from: number,
  now: number,
): Promise<{ announced: AnnouncedCall[]; complete: boolean }> {
  const guard = await reviewGuardOf(provider, deployment.safe);
  if (guard === null) return { announced: [], complete: true };
  const { logs, complete } = await logsSince(provider, { address: await guard.getAddress() }, from);
  const times = await timesOf(
    provider,
    logs.map(({ blockNumber }) => blockNumber),
  );
  const announced: AnnouncedCall[] = [];
  for (const log of logs) {
    const event = guardEvents.parseLog(log);
    if (event === null) continue;
    const key = event.args["key"] as string | undefined;
    const open = announced.findLast((call) => call.key === key);
    if (event.name === "Announced") {
      const [readyAt, expiresAt] = [Number(event.args["readyAt"]), Number(event.args["expiresAt"])];
      announced.push({
        ...{
          time: times.get(log.blockNumber) ?? 0,
          block: log.blockNumber,
          key: key ?? "",
          by: event.args["by"] as string,
          readyAt,
          expiresAt,
        },
        class: CLASS_NAMES[Number(event.args["class"])] ?? "other call",
        fate: now < readyAt ? "waits" : now <= expiresAt ? "may run" : "expired",
        votes: [],
        usedIn: null,
        call: {
          to: event.args["to"] as string,
          value: String(event.args["value"]),
          data: (event.args["data"] as string).toLowerCase(),
        },
        validUntil: validUntilOf(event.args["data"] as string),
      });
    }
    if (open === undefined) continue;
    if (event.name === "Used") {
      open.fate = "ran";
      open.usedIn = log.transactionHash;
    }
    if (event.name === "Vetoed") open.fate = "stopped";
    if (event.name === "VetoCast") {
      open.votes.push({ voter: event.args["voter"] as string, votes: event.args["votes"] as bigint });
    }
  }
  return { announced: announced.reverse(), complete };
}

function validUntilOf(data: string): number | null {
  try {
    return decodePlan(data).validUntil;
  } catch {
    return null;
  }
}
