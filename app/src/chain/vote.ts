import type { JsonRpcApiProvider } from "ethers";
import { rpc } from "../../../src/keeper/observe.ts";
import { readReview, reviewGuardOf } from "../../../src/keeper/review.ts";
import type { Review } from "../../../src/keeper/review.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { readSafe } from "../../../src/safe/account.ts";
import type { SafeAccount } from "../../../src/safe/account.ts";
import { readApprovals } from "../../../src/safe/approvals.ts";
import { isContractsAnswer } from "../../../src/safe/revert.ts";
import { findExecution } from "../../../src/safe/execute.ts";
import type { ExecutionRecord } from "../../../src/safe/execute.ts";
import type { Packet } from "../../../src/safe/packet.ts";
import { HedgeVault__factory } from "../../../typechain-types/index.js";

/** How a proposal stands: who agreed and how, what the review guard says, what a shareholder's votes weigh. */
export interface Vote {
  safe: SafeAccount;
  /** Each owner of the Safe, in its order. */
  owners: { address: string; agreed: "signed" | "approved on chain" | null }[];
  review: Review;
  /** The shareholder's votes a day before the announcement; null when nobody asks or nothing is announced. */
  ownVotes: bigint | null;
  /** Whether the guard would take the shareholder's vote now: there is one, and it was not cast. */
  mayVeto: boolean;
  executed: ExecutionRecord | null;
  /** Time of the newest block, seconds since 1970-01-01: the clock that windows run by. */
  now: number;
}

const NO_VOTES = { ownVotes: null, mayVeto: false };

export async function readVote(
  provider: JsonRpcApiProvider,
  deployment: Deployment,
  packet: Packet,
  shareholder: string | null,
): Promise<Vote> {
  const [safe, review, block] = await rpc(
    Promise.all([
      readSafe(provider, packet.safe),
      readReview(provider, packet.safe, packet.safeTx),
      provider.getBlock("latest"),
    ]),
  );
  const used = BigInt(packet.safeTx.nonce) < safe.nonce;
  const [approvals, own, executed] = await Promise.all([
    rpc(readApprovals(provider, packet.safe, safe.owners, packet.safeTxHash)),
    shareholder === null ? NO_VOTES : votesOf(provider, deployment, packet, review, shareholder),
    used
      ? findExecution(provider, packet.safe, packet.safeTxHash, deployment.atDeployment?.block ?? 0).catch(() => null)
      : null,
  ]);
  const owners = safe.owners.map((address) => ({
    address,
    agreed: packet.signatures.some(({ owner, kind }) => owner === address && kind !== "approvedHash")
      ? ("signed" as const)
      : approvals.some(({ owner }) => owner === address)
        ? ("approved on chain" as const)
        : null,
  }));
  return { safe, owners, review, ...own, executed, now: block?.timestamp ?? 0 };
}

async function votesOf(
  provider: JsonRpcApiProvider,
  deployment: Deployment,
  packet: Packet,
  review: Review,
  shareholder: string,
): Promise<Pick<Vote, "ownVotes" | "mayVeto">> {
  const guard = await reviewGuardOf(provider, packet.safe);
  if (guard === null || review.call === null || review.call.announcedAt === 0) return NO_VOTES;
  const { key } = review.call;
  const { snapshot } = await guard.announcement(key);
  const [ownVotes, mayVeto] = await Promise.all([
    HedgeVault__factory.connect(deployment.vault, provider).getPastVotes(shareholder, snapshot),
    guard.veto.staticCall(key, { from: shareholder }).then(
      () => true,
      (error: unknown) => {
        if (isContractsAnswer(error)) return false;
        throw error;
      },
    ),
  ]);
  return { ownVotes, mayVeto };
}
