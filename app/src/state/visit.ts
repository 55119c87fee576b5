import { packetText, parsePacket, withSignatures } from "../../../src/safe/packet.ts";
import type { Packet } from "../../../src/safe/packet.ts";

/** A proposal in front of the member, and where it came from. */
export interface Loaded {
  packet: Packet;
  from: string;
  /** What became of the signature that was just made. */
  told?: string;
}

/** One proposal of this visit. */
interface Entry {
  packet: Packet;
  /** Owners who signed it on this page: these signatures may be nowhere else yet. */
  made: string[];
}

/**
 * What was opened and signed in this visit, oldest first, and which of it is in front of the member. Everything is kept by its
 * hash, so that nothing that is opened, rejected or signed late takes the place of something else.
 */
export interface Visit {
  entries: readonly Entry[];
  shown: { hash: string; from: string; told?: string } | null;
}

export const NO_VISIT: Visit = { entries: [], shown: null };
const KEY = "ballast.visit";
/** Opened ones beyond this are forgotten; signed ones are not. */
const MOST_OPENED = 20;

/** Puts a proposal in front of the member; null for none. As it came, and with what was signed of it here. */
export function opened(visit: Visit, next: Loaded | null): Visit {
  if (next === null) return { ...visit, shown: null };
  const { packet, ...about } = next;
  const known = entryOf(visit, packet.safeTxHash);
  const own = known?.packet.signatures.filter(({ owner }) => known.made.includes(owner)) ?? [];
  const entries = put(visit, { packet: withSignatures(packet, own), made: known?.made ?? [] });
  return { entries, shown: { hash: packet.safeTxHash, ...about } };
}

/** Keeps a signature that was made here, whatever is in front of the member by now. */
export function signed(visit: Visit, packet: Packet, owner: string): Visit {
  const known = entryOf(visit, packet.safeTxHash);
  const own = packet.signatures.filter((signature) => signature.owner === owner);
  const made = [...new Set([...(known?.made ?? []), owner])];
  return { ...visit, entries: put(visit, { packet: withSignatures(known?.packet ?? packet, own), made }) };
}

/** Forgets the proposal in front of the member. */
export function dropped(visit: Visit): Visit {
  const { shown } = visit;
  return { entries: visit.entries.filter(({ packet }) => packet.safeTxHash !== shown?.hash), shown: null };
}

/** What is in front of the member. */
export function loadedOf({ entries, shown }: Visit): Loaded | null {
  if (shown === null) return null;
  const { hash, ...about } = shown;
  const entry = entries.find(({ packet }) => packet.safeTxHash === hash);
  return entry === undefined ? null : { packet: entry.packet, ...about };
}

/** The visit before a reload; an empty one where storage is shut or holds something else. */
export function keptVisit(storage: Pick<Storage, "getItem"> | null): Visit {
  try {
    const kept = JSON.parse(storage?.getItem(KEY) ?? "null") as { shown: string | null; entries: [string, string[]][] };
    const entries = kept.entries.map(([text, made]) => ({ packet: parsePacket(text), made }));
    return { entries, shown: kept.shown === null ? null : { hash: kept.shown, from: "this visit" } };
  } catch {
    return NO_VISIT;
  }
}

export function keepVisit(storage: Pick<Storage, "setItem"> | null, { entries, shown }: Visit): void {
  try {
    const texts = entries.map(({ packet, made }) => [packetText(packet), made]);
    storage?.setItem(KEY, JSON.stringify({ shown: shown?.hash ?? null, entries: texts }));
  } catch {
    // Storage is full or shut: the packet is still on the screen, and can be saved as a file.
  }
}

function entryOf({ entries }: Visit, hash: string): Entry | undefined {
  return entries.find(({ packet }) => packet.safeTxHash === hash);
}

function put({ entries }: Visit, entry: Entry): Entry[] {
  const others = entries.filter(({ packet }) => packet.safeTxHash !== entry.packet.safeTxHash);
  const tooMany = Math.max(0, others.length + 1 - MOST_OPENED);
  const old = new Set(others.filter(({ made }) => made.length === 0).slice(0, tooMany));
  return [...others.filter((other) => !old.has(other)), entry];
}
