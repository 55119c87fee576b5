import { setTimeout as wait } from "node:timers/promises";
import pRetry from "p-retry";
import { textUpTo } from "../../safe/textUpTo.ts";
import { withoutCredentials } from "../jsonRpc.ts";
import { endpointHost } from "./text.ts";

/** How patient to be with an endpoint. */
export interface Patience {
  /** Attempts after the first. */
  readonly retries: number;
  /** Wait before the second attempt, milliseconds; each further wait is twice as long. */
  readonly firstWaitMs: number;
  /** Give up an attempt that has not been answered in full by then, milliseconds. */
  readonly timeoutMs: number;
  /** An endpoint that asks for a longer pause than this is left alone, milliseconds. */
  readonly longestPauseMs: number;
}

/** What reaches outside: given in, so that tests decide. */
export interface Outside {
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970-01-01. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

export const OUTSIDE: Outside = { fetch: (...args) => fetch(...args), now: () => Date.now(), sleep: (ms) => wait(ms) };

export interface Request {
  readonly url: string;
  readonly method?: "GET" | "POST";
  /** Sent as JSON. */
  readonly body?: unknown;
  /** No more of an answer is read, bytes. */
  readonly maxBytes: number;
  /** A pause the endpoint asks for in its answer's body, milliseconds, beside the Retry-After header. */
  readonly pauseIn?: (body: string) => number;
}

/** An endpoint did not do what it was asked. The message names its host and nothing else of its URL. */
export class EndpointFailed extends Error {
  readonly host: string;
  /** Null when there was no answer. */
  readonly status: number | null;
  /** Whether to ask again may help. */
  readonly passing: boolean;
  /** The pause the endpoint asked for, milliseconds. */
  readonly pauseMs: number;

  constructor(host: string, problem: string, about: { status?: number; passing: boolean; pauseMs?: number }) {
    const mend = about.passing ? "it may pass by itself" : "check the URL, and what the endpoint wants";
    super(`${host}: ${problem}; ${mend}`);
    this.name = "EndpointFailed";
    this.host = host;
    this.status = about.status ?? null;
    this.passing = about.passing;
    this.pauseMs = about.pauseMs ?? 0;
  }
}

/** The body of a 2xx answer, asked for again after faults that pass. Throws EndpointFailed. */
export function requestPatiently(request: Request, patience: Patience, outside: Outside): Promise<string> {
  return pRetry(() => requestOnce(request, patience, outside), {
    retries: patience.retries,
    minTimeout: patience.firstWaitMs,
    factor: 2,
    shouldRetry: ({ error }) => error instanceof EndpointFailed && error.passing,
    onFailedAttempt: async ({ error, retriesLeft, retryDelay }) => {
      if (!(error instanceof EndpointFailed) || !error.passing || retriesLeft === 0) return;
      if (error.pauseMs > retryDelay) await outside.sleep(error.pauseMs - retryDelay);
    },
  });
}

/** As requestPatiently, once. */
export async function requestOnce(request: Request, patience: Patience, outside: Outside): Promise<string> {
  const host = endpointHost(request.url);
  let response: Response;
  let body: string;
  try {
    response = await outside.fetch(...fetchArguments(request, patience.timeoutMs));
    const text = await textUpTo(response, request.maxBytes);
    if (text === null) {
      throw new EndpointFailed(host, `its answer is longer than ${request.maxBytes} bytes`, { passing: false });
    }
    body = text;
  } catch (error) {
    if (error instanceof EndpointFailed) throw error;
    throw new EndpointFailed(host, reasonOf(error, patience.timeoutMs), { passing: true });
  }
  if (response.ok) return body;
  const { status } = response;
  const asked = Math.max(pauseOf(response.headers.get("retry-after"), outside.now()), request.pauseIn?.(body) ?? 0);
  const tooLong = asked > patience.longestPauseMs;
  const passing = !tooLong && (status === 408 || status === 425 || status === 429 || status >= 500);
  const pause = tooLong ? ` and asks for a pause of ${Math.ceil(asked / 1_000)} s` : "";
  throw new EndpointFailed(host, `it answered ${status}${pause}`, { status, passing, pauseMs: asked });
}

function fetchArguments({ url, method = "GET", body }: Request, timeoutMs: number): Parameters<typeof fetch> {
  const { target, headers: credentials } = withoutCredentials(new URL(url));
  const headers: Record<string, string> = {
    "user-agent": "ballast-keeper",
    accept: "application/json",
    ...credentials,
  };
  if (body !== undefined) headers["content-type"] = "application/json";
  return [
    target,
    {
      method,
      headers,
      // A redirect would carry what we send, and the secret in the path, to wherever the answer says.
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
  ];
}

/** Never an error's message: fetch repeats the URL in some. */
function reasonOf(error: unknown, timeoutMs: number): string {
  const { name, cause } = error instanceof Error ? error : { name: typeof error, cause: undefined };
  if (name === "TimeoutError") return `no answer in ${timeoutMs / 1_000} s`;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return `no connection (${typeof code === "string" ? code : name})`;
}

/** Retry-After is seconds or a date (RFC 9110, 10.2.3), in milliseconds. 0 when there is none. */
function pauseOf(header: string | null, now: number): number {
  if (header === null) return 0;
  const milliseconds = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0;
}
