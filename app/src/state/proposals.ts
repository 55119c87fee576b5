import type { JsonRpcApiProvider } from "ethers";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { parseOrigin } from "../../../src/keeper/origin.ts";
import { readAgain } from "../../../src/keeper/readAgain.ts";
import { decodePlan } from "../../../src/plan/plan.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { checkPacket, createPacket, withSignatures } from "../../../src/safe/packet.ts";
import type { Packet } from "../../../src/safe/packet.ts";
import { serviceReader } from "../../../src/safe/serviceReader.ts";
import type { ShownTransaction } from "../../../src/safe/serviceReader.ts";
import { messageOf, Unusable } from "./errors.ts";
import { fetchText } from "./fetchText.ts";
import type { Settings } from "./settings.ts";

/** More than ever wait at one Safe; each costs hashing and its signatures' recovery. */
const MAX_PACKETS = 100;

/** Packets a keeper serves, and what others say: convenience, never trust, since each is verified before anything is signed. */
export interface Pending {
  packets: { packet: Packet; from: string; origin: string | null }[];
  /** Sources that did not answer as they should, in words. */
  problems: string[];
}

export interface PendingRequest {
  settings: Settings;
  serviceKey: string;
  deployment: Pick<Deployment, "safe" | "chainId">;
  /** The Safe's next nonce: what is below it was executed or replaced. */
  nonce: bigint;
  /** The Safe's owners: nobody else's signature is taken from keeper or service. */
  owners: readonly string[];
}

/** What waits at the Safe, by keeper and service. A source that is down is named, and the other still counts. */
export async function pendingProposals(request: PendingRequest): Promise<Pending> {
  const { settings, deployment, nonce, owners } = request;
  const problems: string[] = [];
  const named = async <T>(what: string, work: Promise<T[]>): Promise<T[]> =>
    work.catch((error: unknown) => {
      problems.push(`${what}: ${messageOf(error)}`);
      return [];
    });
  const [kept, lists] = await Promise.all([
    settings.keeper === "" ? [] : named("Keeper", keeperPackets(settings.keeper)),
    settings.service === "" ? [] : named("Transaction service", pendingAt(request)),
  ]);
  const shown = lists.flatMap((list) => list.shown);
  problems.push(...lists.flatMap(({ odd }) => odd.map((text) => `Transaction service: ${text}`)));
  const fromKeeper = kept.filter(({ safe, safeTx }) => safe === deployment.safe && BigInt(safeTx.nonce) >= nonce);
  const packets = fromKeeper.map((packet) => ({
    packet: withShown(packet, shown, owners),
    from: "the keeper",
    origin: null as string | null,
  }));
  for (const transaction of shown) {
    if (packets.some(({ packet }) => packet.safeTxHash === transaction.safeTxHash)) continue;
    try {
      const packet = ofOwners(packetOf(transaction, deployment.chainId), owners);
      packets.push({ packet, from: "the transaction service", origin: transaction.origin });
    } catch (error) {
      problems.push(`Transaction service: ${messageOf(error)}`);
    }
  }
  return { packets, problems };
}

/** A proposal by its hash, from the service; with the keeper's evidence when the keeper has it. Throws Unusable. */
export async function proposalByHash(
  hash: string,
  request: Omit<PendingRequest, "nonce"> & { provider: JsonRpcApiProvider; deployment: Deployment },
): Promise<Packet> {
  const { settings, deployment, owners } = request;
  if (settings.service === "" && settings.keeper === "") {
    throw new Unusable("Neither a transaction service nor a keeper is set", "Set one, or open the packet's file.");
  }
  const kept = settings.keeper === "" ? [] : await keeperPackets(settings.keeper).catch(() => []);
  const known = kept.find(({ safeTxHash }) => safeTxHash === hash);
  const shown = settings.service === "" ? null : await openService(request).transaction(hash);
  if (known !== undefined) return withShown(known, shown === null ? [] : [shown], owners);
  if (shown === null) {
    throw new Unusable(`Nobody asked knows a proposal ${hash}`, "Check the hash, or open the packet's file.");
  }
  const bare = ofOwners(packetOf(shown, deployment.chainId), owners);
  return withEvidence(request.provider, deployment, bare, shown.origin);
}

/**
 * A packet that came without its evidence, with what its proposer's note lets us read from the chain again; as it was where
 * that gives nothing, which the checks will say.
 */
export async function withEvidence(
  provider: JsonRpcApiProvider,
  deployment: Deployment,
  packet: Packet,
  origin: string | null,
): Promise<Packet> {
  const plan = planIn(packet.safeTx.data);
  if (plan === null || origin === null) return packet;
  const again = await readAgain(provider, deployment, plan.evidence, parseOrigin(origin));
  if ("reason" in again) return packet;
  const { chainId, safe, safeTx, signatures } = packet;
  return withSignatures(createPacket({ chainId, safe, safeTx, plan, evidence: again.evidence }), signatures);
}

async function pendingAt(request: PendingRequest): Promise<{ shown: ShownTransaction[]; odd: string[] }[]> {
  return [await openService(request).pending(request.deployment.safe, request.nonce)];
}

/**
 * Hands an owner's signature to the service, with the transaction where the service does not have it yet, and with others'
 * that it lacks. Answers what became of it: a signature that is made is never lost to a service that is down.
 */
export async function handOver(
  { safe, safeTx, safeTxHash, signatures }: Packet,
  owner: string,
  request: Pick<PendingRequest, "settings" | "serviceKey" | "deployment">,
): Promise<string> {
  if (request.settings.service === "") return "Signed. Save the packet and hand it on.";
  const service = openService(request);
  try {
    const known = await service.transaction(safeTxHash);
    const there = new Set(known?.signatures.map((one) => one.owner));
    const lacking = signatures.filter((one) => !there.has(one.owner) && one.kind !== "approvedHash");
    const own = lacking.find((one) => one.owner === owner)?.signature;
    if (own !== undefined && known === null) {
      await service.propose({ safe, safeTx, safeTxHash }, owner, own);
    } else if (own !== undefined) await service.confirm(safeTxHash, own);
    for (const one of lacking) {
      // Another's that the service does not want is no reason to say that the member's own was not taken.
      if (one.owner !== owner) await service.confirm(safeTxHash, one.signature).catch(() => undefined);
    }
    return "Signed, and handed to the transaction service.";
  } catch (error) {
    return `Signed, and kept here: save the packet and hand it on. The transaction service did not take it (${messageOf(error)}).`;
  }
}

export function openService({
  settings,
  serviceKey,
  deployment,
}: Pick<PendingRequest, "settings" | "serviceKey" | "deployment">) {
  return serviceReader({
    url: settings.service,
    chainId: deployment.chainId,
    ...(serviceKey === "" ? {} : { apiKey: serviceKey }),
  });
}

/** When a keeper looks at a vault next, seconds since 1970-01-01; null when it does not say. */
export async function keeperSchedule(keeper: string, vault: string): Promise<number | null> {
  const list = await askKeeper(keeper, "schedule").catch(() => []);
  const own = list.find((entry) => {
    const named = (entry as { vault?: unknown } | null)?.vault;
    return typeof named === "string" && named.toLowerCase() === vault.toLowerCase();
  });
  const seconds = Date.parse(String((own as { nextSlot?: unknown } | undefined)?.nextSlot)) / 1_000;
  return Number.isFinite(seconds) ? seconds : null;
}

/** `<keeper>/proposals` answers a list of packets; one that is no packet is passed over, since it could not be verified. */
export async function keeperPackets(keeper: string): Promise<Packet[]> {
  const list = await askKeeper(keeper, "proposals");
  return list.slice(0, MAX_PACKETS).flatMap((value): Packet[] => {
    try {
      return [checkPacket(value)];
    } catch {
      return [];
    }
  });
}

async function askKeeper(keeper: string, what: "proposals" | "schedule"): Promise<unknown[]> {
  const list = parsed(await fetchText(`${keeper.replace(/\/+$/, "")}/${what}`));
  if (!Array.isArray(list)) throw new Unusable(`${keeper} answers no list of ${what}`, "Check its URL.");
  return list as unknown[];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A packet with the owners' signatures, its own and those a service has for the same transaction. */
function withShown(packet: Packet, shown: readonly ShownTransaction[], owners: readonly string[]): Packet {
  const same = shown.find(({ safeTxHash }) => safeTxHash === packet.safeTxHash);
  const own = ofOwners(packet, owners);
  return same === undefined ? own : withSignatures(own, ofOwners(same, owners).signatures);
}

/** Without what others say they signed or approved: approvals are read from the chain, and only owners count. */
function ofOwners<T extends Pick<Packet, "signatures">>(packet: T, owners: readonly string[]): T {
  const signatures = packet.signatures.filter(({ owner, kind }) => owners.includes(owner) && kind !== "approvedHash");
  return { ...packet, signatures };
}

/** A service knows no evidence: what it shows can be decoded, not recomputed, and the checks will say so. */
function packetOf({ safe, safeTx, signatures }: ShownTransaction, chainId: string): Packet {
  const bare = createPacket({ chainId, safe, safeTx, plan: planIn(safeTx.data), evidence: {} });
  return withSignatures(bare, signatures);
}

function planIn(data: string): Plan | null {
  try {
    return decodePlan(data);
  } catch {
    return null;
  }
}
