import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";

/** How patient to be with a source. */
export interface Patience {
  /** Attempts after the first. */
  readonly retries: number;
  /** Wait before the second attempt, milliseconds; each further wait is twice as long. */
  readonly firstWaitMs: number;
  /** Give up an attempt that has not answered by then, milliseconds. */
  readonly timeoutMs: number;
}

/** Reasoned: half a minute of waiting in all rides out a restart of a server; who is limited is told how long. */
export const PATIENCE: Patience = { retries: 5, firstWaitMs: 1_000, timeoutMs: 60_000 };

/** A server that asks for a longer pause than this is taken at its word: come back later. */
const LONGEST_PAUSE_MS = 120_000;

/** A source did not give what it was asked for. */
export class DownloadError extends Error {
  readonly status: number | null;
  /** Whether to ask again may help. */
  readonly passing: boolean;
  /** The pause the server asked for, milliseconds. */
  readonly pauseMs: number;

  constructor(url: string, problem: string, about: { status?: number; passing: boolean; pauseMs?: number }) {
    const mend = about.passing ? "Run the command again later." : "The address may have moved: see docs/data.md.";
    super(`${url}: ${problem}. ${mend}`);
    this.name = "DownloadError";
    this.status = about.status ?? null;
    this.passing = about.passing;
    this.pauseMs = about.pauseMs ?? 0;
  }
}

/** What was downloaded is not what the source says it published. */
export class ChecksumError extends DownloadError {
  constructor(url: string, published: string, computed: string) {
    super(url, `its SHA-256 is ${computed}, published is ${published}`, { passing: true });
    this.name = "ChecksumError";
  }
}

/**
 * The bytes at an address. Asks again after timeouts, broken connections, 408, 425, 429 and 5xx, and waits as long as
 * the server says in Retry-After. Throws DownloadError.
 */
export async function download(url: string, patience: Patience = PATIENCE): Promise<Uint8Array> {
  return patiently(patience, () => fetchOnce(url, patience.timeoutMs));
}

/** As download, and the bytes' SHA-256 must be the one published at `checksumUrl`. Throws DownloadError, ChecksumError. */
export async function downloadChecked(url: string, checksumUrl: string, patience = PATIENCE): Promise<Uint8Array> {
  return patiently(patience, async () => {
    const body = await fetchOnce(url, patience.timeoutMs);
    const published = /^[0-9a-f]{64}(?=\s|$)/i.exec(
      Buffer.from(await fetchOnce(checksumUrl, patience.timeoutMs)).toString(),
    );
    if (published === null) throw new DownloadError(checksumUrl, "there is no SHA-256 in it", { passing: false });
    const computed = sha256(body);
    if (published[0].toLowerCase() !== computed) throw new ChecksumError(url, published[0], computed);
    return body;
  });
}

/** The SHA-256 of bytes or text, in hexadecimal. */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

function patiently<T>({ retries, firstWaitMs }: Patience, attempt: () => Promise<T>): Promise<T> {
  return pRetry(attempt, {
    retries,
    minTimeout: firstWaitMs,
    factor: 2,
    randomize: true,
    shouldRetry: ({ error }) => error instanceof DownloadError && error.passing,
    onFailedAttempt: async ({ error, retriesLeft, retryDelay }) => {
      if (!(error instanceof DownloadError) || !error.passing || retriesLeft === 0) return;
      await sleep(Math.max(0, error.pauseMs - retryDelay));
    },
  });
}

async function fetchOnce(url: string, timeoutMs: number): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), headers: { "user-agent": "ballast-pull" } });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
  } catch (error) {
    throw new DownloadError(url, reasonOf(error, timeoutMs), { passing: true });
  }
  const { status, statusText } = response;
  const pauseMs = pauseOf(response.headers.get("retry-after"));
  const passing = (status === 408 || status === 425 || status === 429 || status >= 500) && pauseMs <= LONGEST_PAUSE_MS;
  const pause = pauseMs > LONGEST_PAUSE_MS ? `, come back in ${Math.ceil(pauseMs / 60_000)} minutes` : "";
  throw new DownloadError(url, `it answered ${status} ${statusText}${pause}`, { status, passing, pauseMs });
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer in ${timeoutMs / 1_000} s`;
  // fetch says "fetch failed" and keeps the reason in the cause.
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

/** Retry-After is seconds or a date (RFC 9110, 10.2.3). 0 when there is none. */
function pauseOf(header: string | null): number {
  if (header === null) return 0;
  const milliseconds = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0;
}
