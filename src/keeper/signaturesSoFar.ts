import type { Provider } from "ethers";
import { readSafe } from "../safe/account.ts";
import { readApprovals } from "../safe/approvals.ts";
import { parsePacket } from "../safe/packet.ts";
import type { Packet } from "../safe/packet.ts";
import type { SafeService } from "../safe/service.ts";
import type { ProposalRow } from "./rows.ts";
import type { SignaturesSoFar } from "./status.ts";

/** Where signatures are looked for, beside the proposal's own record. */
export interface SignaturePlaces {
  provider: Provider;
  /** Null when the vault goes by none. */
  service: SafeService | null;
  /** A packet's file as it is now, with what members added to it. */
  readPacket: (path: string) => Promise<Packet>;
}

/**
 * How many of the Safe's present owners have agreed to a proposal, wherever their signatures are: on chain, with the service,
 * in the packet's file. A place that cannot be read counts as empty, but for the chain: it alone knows owners and threshold.
 */
export async function signaturesSoFar(proposal: ProposalRow, places: SignaturePlaces): Promise<SignaturesSoFar> {
  const { provider, service, readPacket } = places;
  const packet = parsePacket(proposal.packet);
  const { safe, safeTxHash } = packet;
  const { owners, threshold } = await readSafe(provider, safe);
  const files = proposal.where.filter((place) => place.endsWith(".packet.json"));
  const [approvals, served, ...written] = await Promise.all([
    readApprovals(provider, safe, owners, safeTxHash),
    service?.signatures(safeTxHash).catch(() => []) ?? [],
    ...files.map((path) =>
      readPacket(path).then(
        (found) => (found.safeTxHash === safeTxHash ? found.signatures : []),
        () => [],
      ),
    ),
  ]);
  // An approval that only a file claims is not one: the chain's own are read above.
  const signed = [packet.signatures, served, ...written].flat().filter(({ kind }) => kind !== "approvedHash");
  const agreed = new Set([...approvals, ...signed].map(({ owner }) => owner.toLowerCase()));
  return { have: owners.filter((owner) => agreed.has(owner.toLowerCase())).length, threshold };
}
