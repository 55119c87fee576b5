import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { keccak256, toUtf8Bytes } from "ethers";
import { textUpTo } from "../safe/textUpTo.ts";
import { EVIDENCE_SUFFIX } from "./outlets.ts";
import { evidenceName } from "./pin.ts";

/** Evidence is some tens of kilobytes: a server that sends more than this sends something else. */
const MOST_BYTES = 4_000_000;
const DEFAULT_TIMEOUT_MS = 15_000;

/** The evidence a plan commits to could not be had anywhere it was looked for. */
export class EvidenceUnavailable extends Error {
  constructor(hash: string, reasons: readonly string[]) {
    super(
      `the evidence ${hash} could not be had (${reasons.join("; ")}): without it nothing is verified, so do not sign; ` +
        "ask the keeper for the packet or the evidence file, and give it with --evidence",
    );
    this.name = "EvidenceUnavailable";
  }
}

/** The evidence, or why it is not to be had there. */
export type FoundEvidence = { evidence: unknown } | { reason: string };

export interface PlaceOptions {
  fetch?: typeof fetch;
  timeoutMs?: number;
}

/**
 * Evidence by its hash: from a file, a folder (`<hash>.json`, or the keeper's `<hash>.evidence.json`), or below an
 * http(s) address, an IPFS gateway's folder too. Whatever the place says, the bytes must hash to the name.
 */
export async function evidenceFrom(place: string, hash: string, options: PlaceOptions = {}): Promise<FoundEvidence> {
  const candidates = /^https?:\/\//.test(place) ? addressesOf(place, hash) : await filesOf(place, hash);
  const reasons: string[] = [];
  for (const candidate of candidates) {
    try {
      const text = /^https?:/.test(candidate) ? await download(candidate, options) : await readFile(candidate, "utf8");
      const actual = keccak256(toUtf8Bytes(text));
      if (actual === hash) return { evidence: JSON.parse(text) as unknown };
      reasons.push(`${candidate} holds bytes that hash to ${actual}`);
    } catch (error) {
      reasons.push(`${candidate}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  // The first name is the usual one: what is wrong with the others is of use only when something was there.
  return { reason: reasons.find((reason) => reason.includes("hash to")) ?? reasons[0] ?? `nothing at ${place}` };
}

function addressesOf(base: string, hash: string): string[] {
  const folder = base.replace(/\/+$/, "");
  return [evidenceName(hash), hash + EVIDENCE_SUFFIX].map((name) => `${folder}/${name}`);
}

async function filesOf(place: string, hash: string): Promise<string[]> {
  const isFolder = await stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? [evidenceName(hash), hash + EVIDENCE_SUFFIX].map((name) => join(place, name)) : [place];
}

class NotServed extends Error {
  constructor(detail: string) {
    super(`${detail}: give another --evidence`);
    this.name = "NotServed";
  }
}

async function download(address: string, options: PlaceOptions): Promise<string> {
  const { fetch: get = fetch, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const response = await get(address, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) {
    await response.body?.cancel();
    throw new NotServed(`status ${response.status}`);
  }
  const text = await textUpTo(response, MOST_BYTES);
  if (text === null) throw new NotServed(`more than ${MOST_BYTES} bytes`);
  return text;
}
