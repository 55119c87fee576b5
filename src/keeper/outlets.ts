import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Signer } from "ethers";
import { decodePlan } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { approveHashCall } from "../safe/approvals.ts";
import { builderText } from "../safe/builder.ts";
import type { Packet } from "../safe/packet.ts";
import { readPacket, writePacket } from "../safe/packetFile.ts";
import type { SafeService } from "../safe/service.ts";
import { readSafe } from "../safe/account.ts";

/** A proposal that is already out. */
export interface FoundProposal {
  plan: Plan;
  /** The Safe's nonce it was made for. */
  safeNonce: bigint;
  safeTxHash: string;
  /** File or service it was found in. */
  where: string;
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
const BUILDER_SUFFIX = ".transaction-builder.json";

/** A folder with our packet and the Transaction Builder's file for each slot. */
export function fileOutlet(folder: string): Outlet {
  return {
    async found(safe) {
      const names = (await namesIn(folder)).filter((name) => name.endsWith(PACKET_SUFFIX)).sort();
      const all = await Promise.all(names.map(async (name) => foundInPacket(join(folder, name))));
      return all.flatMap((entry) => (entry?.safe === safe ? [entry.proposal] : []));
    },
    nextNonce: (_safe, chainNonce) => Promise.resolve(chainNonce),
    async propose(packet) {
      await mkdir(folder, { recursive: true });
      const plan = packet.plan as Plan;
      const slot = new Date(plan.validAfter * 1000).toISOString().slice(0, 16).replace(":", "");
      const stem = join(folder, `${slot}Z-${packet.safeTxHash.slice(2, 10)}`);
      await writePacket(stem + PACKET_SUFFIX, packet);
      await writeFile(stem + BUILDER_SUFFIX, builderText(packet, plan.validAfter * 1000));
      return [stem + PACKET_SUFFIX, stem + BUILDER_SUFFIX];
    },
  };
}

/** The proposal in a packet file; null when its transaction is none of ours. */
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

async function foundInPacket(path: string): Promise<{ safe: string; proposal: FoundProposal } | null> {
  const packet = await readPacket(path);
  const plan = planIn(packet.safeTx.data);
  if (plan === null) return null;
  const proposal = {
    plan,
    safeNonce: BigInt(packet.safeTx.nonce),
    safeTxHash: packet.safeTxHash,
    where: path,
  };
  return { safe: packet.safe, proposal };
}

/** A Safe transaction service, with the keeper as a delegate; the packet goes to the folder too, for its evidence. */
export function serviceOutlet(service: SafeService, signer: Signer, folder: string): Outlet {
  const files = fileOutlet(folder);
  return {
    async found(safe) {
      const pending = await service.pending(safe);
      const inService = pending.flatMap(({ safeTx, safeTxHash }): FoundProposal[] => {
        const plan = planIn(safeTx.data);
        return plan === null
          ? []
          : [{ plan, safeNonce: BigInt(safeTx.nonce), safeTxHash, where: `${service.url} ${safeTxHash}` }];
      });
      return inService;
    },
    nextNonce: (safe) => service.nextNonce(safe),
    async propose(packet) {
      // The evidence first: a proposal nobody can check must not appear.
      const paths = await files.propose(packet);
      await service.propose({
        safe: packet.safe,
        safeTx: packet.safeTx,
        signer,
        origin: JSON.stringify({ name: "Ballast", evidence: packet.evidenceHash }),
      });
      return [...paths, `${service.url} ${packet.safeTxHash}`];
    },
  };
}

/** On-chain approvals: the packet goes to the folder, owners approve its hash on chain; a keeper who is one does at once. */
export function approvalsOutlet(signer: Signer | null, folder: string): Outlet {
  const files = fileOutlet(folder);
  return {
    ...files,
    async propose(packet) {
      const paths = await files.propose(packet);
      if (signer?.provider == null) return paths;
      const { owners } = await readSafe(signer.provider, packet.safe);
      if (!owners.includes(await signer.getAddress())) return paths;
      const sent = await signer.sendTransaction(approveHashCall(packet.safe, packet.safeTxHash));
      await sent.wait();
      return [...paths, `approved on chain in ${sent.hash}`];
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
