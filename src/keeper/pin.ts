import { brokenBy, withoutCredentials } from "./jsonRpc.ts";

/** Keeps an evidence bundle where others can get it by its hash. */
export interface Pin {
  /** Stores the text under its hash; returns where it can be read. Storing it again changes nothing. */
  pin(hash: string, text: string): Promise<string>;
}

/** The store did not take the evidence. */
export class PinFailed extends Error {
  constructor(address: string, detail: string) {
    super(
      `the evidence could not be stored at ${address} (${detail}): it is in the folder of proposals; mend the store, or ` +
        "run without it",
    );
    this.name = "PinFailed";
  }
}

/** The file name evidence has in a folder or store: its own hash. */
export function evidenceName(hash: string): string {
  return `${hash}.json`;
}

export interface HttpPinOptions {
  /** Folder of the store: evidence goes to `<base>/<hash>.json`. Its user, password and query are sent and never shown. */
  base: string;
  /** Sent as `Authorization`, for a store that wants one. */
  authorization?: string;
  timeoutMs?: number;
  fetch?: typeof fetch;
}

const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * A store that takes PUT and answers GET: an object store, a WebDAV folder, a small server. The address follows from the
 * hash alone, so whoever has the plan finds the evidence, and a store cannot pass off another.
 */
export function httpPin(options: HttpPinOptions): Pin {
  const { base, authorization, timeoutMs = DEFAULT_TIMEOUT_MS, fetch: send = fetch } = options;
  return {
    async pin(hash, text) {
      const { target, headers } = withoutCredentials(new URL(base));
      target.pathname = `${target.pathname.replace(/\/+$/, "")}/${evidenceName(hash)}`;
      const address = `${target.origin}${target.pathname}`;
      const ask = async (method: string, body?: string): Promise<Response> => {
        const request: RequestInit = {
          method,
          headers: {
            ...headers,
            ...(authorization === undefined ? {} : { authorization }),
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
          ...(body === undefined ? {} : { body }),
          // What is stored elsewhere is not found here.
          redirect: "manual",
          signal: AbortSignal.timeout(timeoutMs),
        };
        return send(target.href, request).catch((error: unknown) => {
          throw new PinFailed(address, brokenBy(error, timeoutMs));
        });
      };
      const response = await ask("PUT", text);
      await response.body?.cancel();
      if (response.ok) return address;
      // A store that keeps what it has says so with 409 or 412, and WebDAV says 409 of a folder that is not there: only a look
      // tells which.
      const isThere = (response.status === 409 || response.status === 412) && (await holds(await ask("GET"), text));
      if (!isThere) throw new PinFailed(address, `status ${response.status}`);
      return address;
    },
  };
}

async function holds(response: Response, text: string): Promise<boolean> {
  const length = Number(response.headers.get("content-length") ?? 0);
  if (!response.ok || length > MOST_BYTES) {
    await response.body?.cancel();
    return false;
  }
  return (await response.text().catch(() => "")) === text;
}

/** Evidence is some tens of kilobytes. */
const MOST_BYTES = 4_000_000;
