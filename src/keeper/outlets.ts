import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Signer } from "ethers";
import { canonicalJson } from "../plan/canonicalJson.ts";
import type { Evidence } from "../plan/evidence.ts";
import { decodePlan } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { approveHashCall, readApprovals } from "../safe/approvals.ts";
import { builderText } from "../safe/builder.ts";
import type { Packet } from "../safe/packet.ts";
import { readPacket, writeAlone, writePacket } from "../safe/packetFile.ts";
import type { SafeService } from "../safe/service.ts";
import { readSafe } from "../safe/account.ts";
import { originText } from "./origin.ts";
import type { Pin } from "./pin.ts";
import { nextNonce, sendCall } from "./sendCall.ts";

/** A proposal that is already out. */
export interface FoundProposal {
  plan: Plan;
  /** The Safe's nonce it was made for. */
  safeNonce: bigint;
  safeTxHash: string;
  /** File or service it was found in. */
  where: string;
  /** Whether this keeper put it there: at a service any owner or delegate may put something that looks alike. */
  own: boolean;
}

/** A way a proposal reaches the members. All ways carry the same transaction, hence the same hash. */
export interface Outlet {
  /** Proposals that were made this way and may still be open. */
  found(safe: string): Promise<FoundProposal[]>;
  /** The Safe nonce a new proposal should take, given the chain's. */
  nextNonce(safe: string, chainNonce: bigint): Promise<bigint>;
  /** Hands the packet out; returns where it can be found. */
  propose(packet: Packet): Promise<string[]>;
}

const PACKET_SUFFIX = ".packet.json";
/** After the evidence's own hash, in a folder of proposals. */
export const EVIDENCE_SUFFIX = ".evidence.json";
const BUILDER_SUFFIX = ".transaction-builder.json";

/**
 * A folder with our packet, its evidence under its hash, and the Transaction Builder's file for each slot; the evidence
 * also goes to a store, where there is one.
 */
export function fileOutlet(folder: string, pin: Pin | null = null): Outlet {
  // A year's packets take seconds to check: each is read once, and again when its file changes.
  let known = new Map<string, { stamp: string; entry: Awaited<ReturnType<typeof foundInPacket>> }>();
  return {
    async found(safe) {
      const names = (await namesIn(folder)).filter((name) => name.endsWith(PACKET_SUFFIX)).sort();
      const all = await Promise.all(
        names.map(async (name) => {
          const path = join(folder, name);
          const stamp = await stampOf(path);
          const before = known.get(name);
          const entry = stamp !== null && before?.stamp === stamp ? before.entry : await foundInPacket(path);
          return [name, { stamp: stamp ?? "", entry }] as const;
        }),
      );
      known = new Map(all);
      return all.flatMap(([, { entry }]) => (entry?.safe === safe ? [entry.proposal] : []));
    },
    nextNonce: (_safe, chainNonce) => Promise.resolve(chainNonce),
    async propose(packet) {
      const plan = packet.plan as Plan;
      const slot = new Date(plan.validAfter * 1000).toISOString().slice(0, 16).replace(":", "");
      const stem = join(folder, `${slot}Z-${packet.safeTxHash.slice(2, 10)}`);
      // The evidence first: a proposal nobody can check must not appear.
      const evidence = canonicalJson(packet.evidence);
      await written(folder, async () => {
        await mkdir(folder, { recursive: true });
        await writeAlone(join(folder, packet.evidenceHash + EVIDENCE_SUFFIX), evidence);
      });
      const pinned = pin === null ? [] : [await pin.pin(packet.evidenceHash, evidence)];
      await written(folder, async () => {
        await writePacket(stem + PACKET_SUFFIX, packet);
        await writeAlone(stem + BUILDER_SUFFIX, builderText(packet, plan.validAfter * 1000));
      });
      return [stem + PACKET_SUFFIX, stem + BUILDER_SUFFIX, ...pinned];
    },
  };
}

/** Changes with the file; null where it cannot be looked at, which reading it will say. */
async function stampOf(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found === null ? null : [found.ino, found.size, found.mtimeNs].join(" ");
}

/** A folder that is not there yet holds nothing; one that cannot be read may hold a proposal, so that is an error. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new FolderUnreadable(folder, error instanceof Error ? error.message : String(error));
  }
}

/** The folder of proposals cannot be read, so nobody knows what is already out. */
export class FolderUnreadable extends Error {
  constructor(folder: string, detail: string) {
    super(
      `the proposals in ${folder} cannot be read (${detail}): mend the folder or its permissions, nothing is proposed until then`,
    );
    this.name = "FolderUnreadable";
  }
}

/** What the system says of a file names no folder once the file is open, and never a remedy. */
async function written(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Error && "errno" in error && "syscall" in error)) throw error;
    throw new FolderUnwritable(folder, error);
  }
}

/** A proposal cannot be put into its folder, so it did not go out. */
export class FolderUnwritable extends Error {
  constructor(folder: string, cause: Error) {
    super(
      `nothing can be written to ${folder} (${cause.message}): free disk space or mend its permissions, the same proposal ` +
        "goes out at the next try",
      { cause },
    );
    this.name = "FolderUnwritable";
  }
}

/** The proposal in a packet file; null when its transaction is none of ours. */
async function foundInPacket(path: string): Promise<{ safe: string; proposal: FoundProposal } | null> {
  const packet = await readPacket(path);
  const plan = planIn(packet.safeTx.data);
  if (plan === null) return null;
  const proposal = {
    plan,
    safeNonce: BigInt(packet.safeTx.nonce),
    safeTxHash: packet.safeTxHash,
    where: path,
    own: true,
  };
  return { safe: packet.safe, proposal };
}

/** A Safe transaction service, with the keeper as a delegate; the packet goes to the folder too, for its evidence. */
export function serviceOutlet(service: SafeService, signer: Signer, folder: string, pin: Pin | null = null): Outlet {
  const files = fileOutlet(folder, pin);
  return {
    async found(safe) {
      const [pending, own] = await Promise.all([service.pending(safe), signer.getAddress()]);
      return pending.flatMap(({ safeTx, safeTxHash, proposer, proposedByDelegate }): FoundProposal[] => {
        const plan = planIn(safeTx.data);
        if (plan === null) return [];
        const where = `${service.url} ${safeTxHash}`;
        const by = proposedByDelegate ?? proposer;
        return [
          { plan, safeNonce: BigInt(safeTx.nonce), safeTxHash, where, own: by?.toLowerCase() === own.toLowerCase() },
        ];
      });
    },
    nextNonce: (safe) => service.nextNonce(safe),
    async propose(packet) {
      // The evidence first: a proposal nobody can check must not appear.
      const paths = await files.propose(packet);
      await service.propose({
        safe: packet.safe,
        safeTx: packet.safeTx,
        signer,
        origin: originText(packet.evidenceHash, packet.evidence as Evidence),
      });
      return [...paths, `${service.url} ${packet.safeTxHash}`];
    },
  };
}

/** On-chain approvals: the packet goes to the folder, owners approve its hash on chain; a keeper who is one does at once. */
export function approvalsOutlet(signer: Signer | null, folder: string, pin: Pin | null = null): Outlet {
  const files = fileOutlet(folder, pin);
  return {
    ...files,
    async propose(packet) {
      const paths = await files.propose(packet);
      if (signer?.provider == null) return paths;
      const own = await signer.getAddress();
      const { owners } = await readSafe(signer.provider, packet.safe);
      if (!owners.includes(own)) return paths;
      // What a killed keeper sent may be on the way, and be this very approval.
      await nextNonce(signer.provider, own);
      const approved = await readApprovals(signer.provider, packet.safe, owners, packet.safeTxHash);
      if (approved.some(({ owner }) => owner === own)) return [...paths, `approved on chain by ${own}`];
      const call = approveHashCall(packet.safe, packet.safeTxHash);
      const { hash } = await sendCall("approving", signer.provider, signer, call);
      return [...paths, `approved on chain in ${hash}`];
    },
  };
}

/** The plan in a transaction's data; null when the transaction is none of ours. */
function planIn(data: string): Plan | null {
  try {
    return decodePlan(data);
  } catch {
    return null;
  }
}
