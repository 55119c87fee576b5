import type { Provider } from "ethers";
import { readGuards } from "../safe/guards.ts";
import { explainRevert, isContractsAnswer, revertDataOf } from "../safe/revert.ts";
import type { SafeTx } from "../safe/transaction.ts";
import { ReviewGuard__factory } from "../../typechain-types/index.js";
import type { ReviewGuard } from "../../typechain-types/index.js";

/** By the guard's Class. */
export const CLASS_NAMES = ["derisk plan", "plan", "other call"] as const;

/** What the Safe's review guard says of a transaction now. */
export type ReviewState =
  "no guard" | "another guard" | "never waits" | "not announced" | "waiting" | "ready" | "stopped" | "forbidden";

export interface Review {
  state: ReviewState;
  /** For people, in one line. */
  sentence: string;
  /** The Safe's guard, whoever made it. */
  guard: string | null;
  /** Null unless the guard is a review guard that can classify the call; so is all below. */
  call: ReviewedCall | null;
}

/** A call as the guard has it. Times in seconds since 1970-01-01, zero when it is not announced. */
export interface ReviewedCall {
  key: string;
  class: (typeof CLASS_NAMES)[number];
  /** Seconds it has to wait. */
  window: number;
  announcedAt: number;
  readyAt: number;
  expiresAt: number;
  /** Shares of 18 decimals. */
  votesAgainst: bigint;
  /** Votes that stop it; zero when it is not announced. */
  threshold: bigint;
  /** How often it was stopped. */
  vetoes: number;
}

/** The Safe's guard when it is a review guard made for this Safe; null when there is none or another. */
export async function reviewGuardOf(provider: Provider, safe: string): Promise<ReviewGuard | null> {
  const { guard } = await readGuards(provider, safe);
  if (guard === null) return null;
  const contract = ReviewGuard__factory.connect(guard, provider);
  const made = await contract.safe().catch((error: unknown) => {
    if (isContractsAnswer(error)) return null;
    throw error;
  });
  return made?.toLowerCase() === safe.toLowerCase() ? contract : null;
}

/**
 * Asks the Safe's guard whether it would let a transaction through now, and if not, why and until when. The question is
 * put as the Safe would put it, so that the answer is the guard's own and not an imitation.
 */
export async function readReview(provider: Provider, safe: string, safeTx: SafeTx): Promise<Review> {
  const contract = await reviewGuardOf(provider, safe);
  if (contract === null) {
    const { guard } = await readGuards(provider, safe);
    return guard === null
      ? { state: "no guard", sentence: "the Safe has no guard: nothing has to be announced", guard, call: null }
      : { state: "another guard", sentence: `the Safe's guard ${guard} is no review guard`, guard, call: null };
  }
  const guard = await contract.getAddress();
  const refusal = await refusalOf(contract, provider, safe, safeTx);
  const call = await reviewedCall(contract, safeTx).catch((error: unknown) => {
    if (isContractsAnswer(error)) return null;
    throw error;
  });
  const answer = (state: ReviewState, sentence: string): Review => ({ state, sentence, guard, call });
  if (call === null) return answer("forbidden", "it is called a plan and cannot be read as one");
  if (refusal === null) {
    return call.announcedAt === 0
      ? answer("never waits", "it never waits")
      : answer("ready", `${call.class}, reviewed: it may run until ${iso(call.expiresAt)}`);
  }
  switch (refusal.name) {
    case "NotAnnounced":
      return answer(
        "not announced",
        `${call.announcedAt === 0 ? "it is not announced" : `its announcement expired at ${iso(call.expiresAt)}`}: ` +
          `"ballast announce" starts its window of ${duration(call.window)} (${call.class})`,
      );
    case "WindowOpen":
      return answer("waiting", `${call.class}: its window is open until ${iso(call.readyAt)}`);
    case "CallVetoed":
      return answer(
        "stopped",
        "shareholders stopped it" +
          (call.vetoes > 1 ? ", for good" : `; it may be announced once more from ${iso(call.readyAt)} on`),
      );
    default:
      return answer("forbidden", `the guard never lets it run like this: ${refusal.text}`);
  }
}

/** Whether the guard would refuse the transaction now. */
export function isHeld({ state }: Review): boolean {
  return state === "not announced" || state === "waiting" || state === "stopped" || state === "forbidden";
}

/** The guard does not let the transaction run yet, or ever. */
export class HeldByReviewGuard extends Error {
  readonly review: Review;

  constructor(review: Review) {
    super(`the Safe's review guard ${review.guard ?? ""} holds it: ${review.sentence}; nothing was sent`);
    this.name = "HeldByReviewGuard";
    this.review = review;
  }
}

/** The Safe has no review guard to talk to. */
export class NoReviewGuard extends Error {
  constructor({ sentence }: Review) {
    super(`${sentence}; see docs/deployment.md for setting one`);
    this.name = "NoReviewGuard";
  }
}

/** The call cannot be voted on: nobody announced it, or it is too late. */
export class NothingToVeto extends Error {
  constructor({ sentence }: Review) {
    super(`there is nothing to vote on: ${sentence}`);
    this.name = "NothingToVeto";
  }
}

/** Seconds in words, for windows: the two largest units. */
export function duration(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const told = parts.filter(([count]) => count > 0).slice(0, 2);
  return told.length === 0 ? "0 s" : told.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

async function refusalOf(contract: ReviewGuard, provider: Provider, safe: string, tx: SafeTx) {
  const fields = [tx.to, tx.value, tx.data, tx.operation, tx.safeTxGas, tx.baseGas] as const;
  const data = contract.interface.encodeFunctionData("checkTransaction", [
    ...fields,
    ...([tx.gasPrice, tx.gasToken, tx.refundReceiver, "0x", safe] as const),
  ]);
  try {
    await provider.call({ from: safe, to: await contract.getAddress(), data });
    return null;
  } catch (error) {
    const reverted = revertDataOf(error);
    if (reverted === null) throw error;
    return explainRevert(reverted, [contract.interface]);
  }
}

async function reviewedCall(contract: ReviewGuard, { to, value, data }: SafeTx): Promise<ReviewedCall> {
  const [key, kind, rules] = await Promise.all([
    contract.keyOf(to, value, data),
    contract.classOf(to, data),
    contract.rules(),
  ]);
  const entry = await contract.announcement(key);
  const announced = entry.announcedAt !== 0n;
  return {
    key,
    class: CLASS_NAMES[Number(kind)] ?? "other call",
    window: Number([rules.deriskWindow, rules.planWindow, rules.otherWindow][Number(kind)] ?? 0n),
    announcedAt: Number(entry.announcedAt),
    readyAt: Number(entry.readyAt),
    expiresAt: Number(entry.expiresAt),
    votesAgainst: entry.votesAgainst,
    threshold: announced ? await contract.vetoThreshold(key) : 0n,
    vetoes: Number(entry.vetoes),
  };
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
