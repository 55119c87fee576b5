import type { Provider } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { decodePlan } from "../plan/plan.ts";
import { findExecution } from "../safe/execute.ts";
import { parsePacket } from "../safe/packet.ts";
import type { Packet } from "../safe/packet.ts";
import { readSafe } from "../safe/account.ts";
import { plainCall, safeTxHash as hashOf } from "../safe/transaction.ts";
import { Rebalancer__factory } from "../../typechain-types/index.js";
import type { AgreedRead } from "./agreed.ts";
import { rpc } from "./observe.ts";
import type { Outlet } from "./outlets.ts";
import { readReview } from "./review.ts";
import type { Review } from "./review.ts";
import type { ProposalRow, ProposalStatus } from "./store/store.ts";

/** Blocks asked for in one query of logs: what public nodes answer. */
const LOG_RANGE = 9_000;

/** What became of a proposal that was out. */
export interface Closed {
  safeTxHash: string;
  status: ProposalStatus;
  detail: string;
  transactionHash?: string;
}

/** A proposal that can still be executed. */
export interface Standing {
  row: ProposalRow;
  packet: Packet;
  review: Review;
  /** Transactions of the Safe that must run before it. */
  ahead: number;
  /** It was written down and not known to be out, or the service has lost it: it went out again now. */
  handedOut: string[] | null;
}

export interface Reconciled {
  closed: Closed[];
  standing: Standing[];
}

export interface ReconcileRequest {
  /** Asks as many URLs as have to agree. */
  read: <T>(read: AgreedRead<T>) => Promise<T>;
  deployment: Deployment;
  outlet: Outlet;
  /** Proposals that are intended or open, by the store. */
  rows: readonly ProposalRow[];
  /** The block all is read at: what may still be re-organised closes nothing. */
  block: { number: number; timestamp: number };
}

/**
 * Compares what the store believes with the chain, before anything new is decided: which proposals ran, failed, were overtaken,
 * expired or were stopped, and hands out again what was written down and never got out. Closes nothing that it could not look
 * up: a network error is thrown, and the next try begins here.
 */
export async function reconcile(request: ReconcileRequest): Promise<Reconciled> {
  const reconciled: Reconciled = { closed: [], standing: [] };
  if (request.rows.length === 0) return reconciled;
  const { outlet, deployment, rows } = request;
  const fates = await request.read({
    about: "what became of the open proposals",
    ask: (provider) => fatesOf(provider, request),
    // Votes and times are told of, and close nothing.
    show: (all) => all.map(({ closed, review, ahead }) => JSON.stringify([closed ?? review.state, ahead])).join(),
  });
  // Only what is out twice, or not at all, needs the list of what is out.
  const out = new Set((await outlet.found(deployment.safe)).map(({ safeTxHash }) => safeTxHash));
  for (const [index, row] of rows.entries()) {
    const { packet, ahead, closed, review } = fates[index]!;
    if (closed !== null) {
      reconciled.closed.push(closed);
      continue;
    }
    const handedOut = row.status === "open" && out.has(row.safeTxHash) ? null : await outlet.propose(packet);
    reconciled.standing.push({ row, packet, review, ahead, handedOut });
  }
  return reconciled;
}

type Fate = { packet: Packet; ahead: number } & ({ closed: Closed; review: null } | { closed: null; review: Review });

/** What became of each row, by one URL. */
async function fatesOf(provider: Provider, request: ReconcileRequest): Promise<Fate[]> {
  const { deployment, rows, block } = request;
  const account = await rpc(readSafe(provider, deployment.safe, block.number));
  const fates: Fate[] = [];
  for (const row of rows) {
    const packet = parsePacket(row.packet);
    const ahead = Number(BigInt(row.safeNonce) - account.nonce);
    const closed = await fateOf(provider, request, row, packet, ahead);
    if (closed !== null) {
      fates.push({ packet, ahead, closed, review: null });
      continue;
    }
    const review = await rpc(readReview(provider, deployment.safe, packet.safeTx));
    if (review.state !== "stopped") fates.push({ packet, ahead, closed, review });
    else {
      const vetoed: Closed = { safeTxHash: row.safeTxHash, status: "vetoed", detail: review.sentence };
      fates.push({ packet, ahead, closed: vetoed, review: null });
    }
  }
  return fates;
}

/** Why a proposal cannot be executed any more; null while it can. */
async function fateOf(
  provider: Provider,
  { deployment, block }: ReconcileRequest,
  row: ProposalRow,
  packet: Packet,
  ahead: number,
): Promise<Closed | null> {
  const { safeTxHash } = row;
  const plan = decodePlan(packet.safeTx.data);
  const rebalancer = Rebalancer__factory.connect(deployment.rebalancer, provider);
  const used = await rpc(rebalancer.used(plan.nonce, { blockTag: block.number }));
  if (used || ahead < 0) {
    const record = await rpc(executionOf(provider, deployment.safe, safeTxHash, evidenceBlock(packet), block.number));
    if (record !== null) {
      return {
        safeTxHash,
        status: record.success ? "executed" : "failed",
        detail: record.success
          ? `executed in block ${record.blockNumber}`
          : `the Safe took its nonce and the plan inside failed, in block ${record.blockNumber}`,
        transactionHash: record.transactionHash,
      };
    }
    if (used) {
      return {
        safeTxHash,
        status: "executed",
        detail: "the same plan was executed by another transaction of the Safe",
      };
    }
    const rejected = await rpc(
      executionOf(provider, deployment.safe, rejectionHash(packet), evidenceBlock(packet), block.number),
    );
    return rejected === null
      ? { safeTxHash, status: "superseded", detail: `another transaction took the Safe's nonce ${row.safeNonce}` }
      : { safeTxHash, status: "rejected", detail: `the owners rejected it in block ${rejected.blockNumber}` };
  }
  if (block.timestamp > plan.validUntil) {
    return {
      safeTxHash,
      status: "expired",
      detail: `not executed by ${new Date(plan.validUntil * 1_000).toISOString()}`,
    };
  }
  return null;
}

async function executionOf(provider: Provider, safe: string, safeTxHash: string, from: number, to: number) {
  for (let first = from; first <= to; first += LOG_RANGE) {
    const last = Math.min(first + LOG_RANGE - 1, to);
    const record = await findExecution(provider, safe, safeTxHash, first, last);
    if (record !== null) return record;
  }
  return null;
}

/** The transaction by which owners reject a proposal: an empty call of the Safe to itself at the same nonce. */
function rejectionHash({ chainId, safe, safeTx }: Packet): string {
  return hashOf(chainId, safe, plainCall(safe, "0x", BigInt(safeTx.nonce)));
}

/** The block its evidence was read at: it cannot have run before. */
function evidenceBlock({ evidence }: Packet): number {
  const { block } = evidence as { block: { number: number } };
  return block.number;
}
