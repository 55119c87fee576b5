import { getAddress } from "ethers";
import type { JsonRpcApiProvider, Log } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { decodePlan, NotAPlan } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { readSafe } from "../safe/account.ts";
import { createPacket, withSignatures } from "../safe/packet.ts";
import type { Packet } from "../safe/packet.ts";
import type { SafeService } from "../safe/service.ts";
import { plainCall } from "../safe/transaction.ts";
import type { SafeTx } from "../safe/transaction.ts";
import { ReviewGuard__factory } from "../../typechain-types/index.js";
import type { ReviewGuard } from "../../typechain-types/index.js";
import { EvidenceUnavailable, evidenceFrom } from "./evidenceStore.ts";
import type { PlaceOptions } from "./evidenceStore.ts";
import { parseOrigin } from "./origin.ts";
import type { Origin } from "./origin.ts";
import { readAgain } from "./readAgain.ts";
import { reviewGuardOf } from "./review.ts";
import { decodeSnapshot } from "./snapshot.ts";
import type { Announced } from "./verifyRun.ts";

export interface SourceRequest {
  provider: JsonRpcApiProvider;
  /** Where to look for the evidence: a file, a folder or an http(s) address. */
  evidence?: string;
  deployment?: Deployment;
  options?: PlaceOptions;
}

/** The Safe transaction service has no transaction of that hash. */
export class ProposalUnknown extends Error {
  constructor(url: string, hash: string) {
    super(
      `the Safe transaction service at ${url} has no transaction ${hash}: check the hash, the service and the chain`,
    );
    this.name = "ProposalUnknown";
  }
}

/** A proposal by its hash, from a transaction service: its contents hashed again, its evidence by its own hash. */
export async function packetOfHash(request: SourceRequest & { service: SafeService; hash: string }): Promise<Packet> {
  const { service, hash } = request;
  const found = await service.transaction(hash);
  if (found === null) throw new ProposalUnknown(service.url, hash);
  const { safeTx } = found;
  const packet = await packetOf(request, {
    chainId: service.chainId.toString(),
    safe: getAddress(found.safe),
    safeTx: {
      ...safeTx,
      to: getAddress(safeTx.to),
      data: safeTx.data.toLowerCase(),
      gasToken: getAddress(safeTx.gasToken),
      refundReceiver: getAddress(safeTx.refundReceiver),
    },
    origin: parseOrigin(found.origin),
  });
  return withSignatures(packet, found.signatures);
}

/** Nothing was announced under that key or in that transaction. */
export class AnnouncementUnavailable extends Error {
  constructor(reference: string, detail: string) {
    super(`no announcement ${reference}: ${detail}`);
    this.name = "AnnouncementUnavailable";
  }
}

export interface AnnouncementRequest extends SourceRequest {
  safe: string;
  /** The announcement's key, or the hash of the transaction it was made in. */
  reference: string;
}

/**
 * A call announced at the Safe's review guard, as its log has it. The log holds no nonce: the packet is for the Safe's
 * next one.
 */
export async function packetOfAnnouncement(
  request: AnnouncementRequest,
): Promise<{ packet: Packet; announced: Announced }> {
  const { provider, safe, reference } = request;
  const guard = await reviewGuardOf(provider, safe);
  if (guard === null) {
    throw new AnnouncementUnavailable(reference, `Safe ${safe} has no review guard; check --safe and the chain`);
  }
  const log = await announcementLog(request, guard);
  const { args } = guard.interface.parseLog(log) as unknown as {
    args: { key: string; to: string; value: bigint; data: string };
  };
  const account = await readSafe(provider, safe);
  const packet = await packetOf(request, {
    chainId: account.chainId.toString(),
    safe: account.address,
    safeTx: { ...plainCall(args.to, args.data, account.nonce), value: args.value.toString() },
    origin: null,
  });
  const snapshot = await snapshotBeside(provider, log, args.key);
  return { packet, announced: { guard: log.address, key: args.key, blockNumber: log.blockNumber, snapshot } };
}

const events = ReviewGuard__factory.createInterface();
const ANNOUNCED = events.getEvent("Announced").topicHash;
const SNAPSHOT = events.getEvent("Snapshot").topicHash;

async function announcementLog(
  { provider, reference, deployment }: AnnouncementRequest,
  guard: ReviewGuard,
): Promise<Log> {
  const address = await guard.getAddress();
  const receipt = await provider.getTransactionReceipt(reference);
  if (receipt !== null) {
    const logs = receipt.logs.filter((log) => log.address === address && log.topics[0] === ANNOUNCED);
    if (logs.length === 1) return logs[0]!;
    const keys = logs.map(({ topics }) => topics[1]).join(", ");
    throw new AnnouncementUnavailable(
      reference,
      logs.length === 0
        ? `that transaction announced nothing at the review guard ${address}; check the hash and --safe`
        : `that transaction announced several calls: give one of the keys ${keys}`,
    );
  }
  const { announcedAt } = await guard.announcement(reference);
  const latest = await provider.getBlockNumber();
  // A standing announcement says when it was made, which spares nodes that refuse long ranges a search.
  const [fromBlock, toBlock] =
    announcedAt === 0n
      ? [deployment?.atDeployment?.block ?? 0, latest]
      : [
          await firstBlockFrom(provider, announcedAt, latest),
          (await firstBlockFrom(provider, announcedAt + 1n, latest + 1)) - 1,
        ];
  const logs = await provider
    .getLogs({ address, topics: [ANNOUNCED, reference], fromBlock, toBlock })
    .catch((error: unknown) => {
      throw new AnnouncementUnavailable(
        reference,
        `the node does not search blocks ${fromBlock} to ${toBlock} ` +
          `(${error instanceof Error ? error.message.slice(0, 120) : ""}); give the hash of the announcement's transaction`,
      );
    });
  const last = logs.at(-1);
  if (last === undefined) {
    throw new AnnouncementUnavailable(
      reference,
      `nothing of that key at the review guard ${address}; check it and --safe`,
    );
  }
  return last;
}

/** The first block with this time or a later one, looking below `end`; `end` when there is none. */
async function firstBlockFrom(provider: JsonRpcApiProvider, time: bigint, end: number): Promise<number> {
  let [low, high] = [0, end];
  while (low < high) {
    const middle = (low + high) >> 1;
    const block = await provider.getBlock(middle);
    if (block !== null && BigInt(block.timestamp) >= time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What the guard recorded of the vault with an announcement; null where the lens failed, or where it recorded nothing. */
async function snapshotBeside(provider: JsonRpcApiProvider, log: Log, key: string): Promise<Announced["snapshot"]> {
  const receipt = await provider.getTransactionReceipt(log.transactionHash);
  const found = receipt?.logs.find(
    ({ address, topics, index }) =>
      address === log.address && topics[0] === SNAPSHOT && topics[1] === key && index > log.index,
  );
  if (found === undefined) return null;
  const [state] = events.decodeEventLog("Snapshot", found.data, found.topics).slice(1) as unknown as [string];
  return state === "0x" ? null : decodeSnapshot(state);
}

interface Call {
  chainId: string;
  safe: string;
  safeTx: SafeTx;
  origin: Origin | null;
}

/** The packet of a call: with the evidence its plan commits to, or with none when it is no plan. */
async function packetOf(request: SourceRequest, { chainId, safe, safeTx, origin }: Call): Promise<Packet> {
  const plan = planIn(safeTx.data);
  const evidence = plan === null ? {} : await evidenceOf(request, plan.evidence, origin);
  return createPacket({ chainId, safe, safeTx, plan: plan ?? {}, evidence });
}

function planIn(data: string): Plan | null {
  try {
    return decodePlan(data);
  } catch (error) {
    if (error instanceof NotAPlan) return null;
    throw error;
  }
}

/** The evidence of a hash: from where the member says, or read from the chain again as the origin says it was. */
async function evidenceOf(request: SourceRequest, hash: string, origin: Origin | null): Promise<unknown> {
  const reasons: string[] = [];
  if (request.evidence !== undefined) {
    const found = await evidenceFrom(request.evidence, hash, request.options);
    if ("evidence" in found) return found.evidence;
    reasons.push(found.reason);
  } else {
    reasons.push("no --evidence given");
  }
  const again = await readAgain(request.provider, request.deployment, hash, origin);
  if ("evidence" in again) return again.evidence;
  throw new EvidenceUnavailable(hash, [...reasons, again.reason]);
}
