import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { speakable } from "./text.ts";

/** The keeper cannot listen where it was told to. */
export class CannotListen extends Error {
  constructor(host: string, port: number, reason: string) {
    super(
      `cannot listen on ${host}:${port} (${reason}): free the port, or change http.host and http.port; null for none`,
    );
    this.name = "CannotListen";
  }
}

export interface HttpOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  metrics: { contentType: string; text(): Promise<string> };
  /** What is not ready yet, or no longer, in words; nothing when all is. */
  unready: () => Promise<string[]>;
  /** How the keeper stands, as JSON; without it there is no /status. */
  status?: () => Promise<unknown>;
  /** Packets that could still be executed, as a list: what a review page may ask for; without it there is no /proposals. */
  proposals?: () => Promise<unknown[]>;
  /** Each vault's next slot, as a list, for a review page too; without it there is no /schedule. */
  schedule?: () => Promise<unknown[]>;
  /** When the schedule loop last went round, milliseconds since 1970-01-01. */
  lastBeat: () => number;
  /** A beat older than this is a loop that stands. */
  maxBeatAgeSeconds: number;
  /** Milliseconds since 1970-01-01. */
  now: () => number;
  /** An answer that takes longer counts as a no. */
  answerTimeoutMs?: number;
  /** How long closing waits for answers under way. */
  closeGraceMs?: number;
}

export interface HttpEndpoint {
  port: number;
  /** Lets answers under way finish, for a moment; takes no new ones. */
  close(): Promise<void>;
}

const ANSWER_TIMEOUT_MS = 5_000;
const CLOSE_GRACE_MS = 2_000;
/** What asks database, chain and service is not piled up by whoever asks again and again: so many time-outs long it is put once. */
const SLOW = 12;
/** Scrapes and probes are a handful of headers, from a handful of clients. */
const MAX_HEADER_BYTES = 8 * 1_024;
const MAX_HEADERS = 50;
const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 15_000;

interface Answer {
  status: number;
  contentType: string;
  text: string;
  /** Whether a page of any origin may read it. */
  isForAnyPage?: boolean;
}

type Page = () => Promise<Answer>;

/**
 * Serves /metrics, /status, /proposals, /schedule, /healthz (the process lives and its loop turns) and /readyz (it can do its
 * work; what is missing in JSON).
 * Reads no bodies. Throws CannotListen.
 */
export async function serveHttp(options: HttpOptions): Promise<HttpEndpoint> {
  const { host, port, now, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  /** What asks chain, service and disk: put anew much later than it is answered as late. */
  const slow = (page: Page): Page => shared(page, answerTimeoutMs, SLOW * answerTimeoutMs);
  const pages: Record<string, Page | undefined> = {
    "/metrics": shared(
      async () => ({
        status: 200,
        contentType: options.metrics.contentType,
        text: await options.metrics.text(),
      }),
      answerTimeoutMs,
    ),
    "/healthz": async () => {
      // A clock set back makes an age negative: that is no loop that stands.
      const ageSeconds = Math.max(0, (now() - options.lastBeat()) / 1_000);
      const isTurning = ageSeconds <= options.maxBeatAgeSeconds;
      return json(isTurning ? 200 : 503, { ok: isTurning, lastBeatAgeSeconds: Math.round(ageSeconds) });
    },
    ...(options.status === undefined ? {} : { "/status": slow(async () => json(200, await options.status!())) }),
    ...(options.proposals === undefined
      ? {}
      : { "/proposals": slow(async () => forAnyPage(json(200, await options.proposals!()))) }),
    ...(options.schedule === undefined
      ? {}
      : { "/schedule": slow(async () => forAnyPage(json(200, await options.schedule!()))) }),
    "/readyz": shared(async () => {
      const reasons = (await options.unready()).map(speakable);
      return json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
    }, answerTimeoutMs),
  };
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
  });
  server.maxHeadersCount = MAX_HEADERS;
  server.maxConnections = MAX_CONNECTIONS;
  server.on("request", (request, response) => {
    void answer(request, pages).then((given) => {
      // What was not read would be taken for the next request; and there is no next one when we close.
      const isLast = hasBody(request) || !server.listening;
      send(request, response, given, isLast);
    });
  });
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => close(server, options.closeGraceMs ?? CLOSE_GRACE_MS),
  };
}

async function answer(request: IncomingMessage, pages: Record<string, Page | undefined>): Promise<Answer> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) return plain(404, "not found");
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "GET or HEAD");
  if (hasBody(request)) return plain(413, "no body is read here");
  try {
    return await page();
  } catch {
    // Why is in the log of whatever failed; here it could be anything, and anybody may read it.
    return plain(503, "no answer");
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}

/**
 * However many ask at once, the question is put once, and nobody waits for it without end. It is put anew when it was answered,
 * or has not been for `hungMs`.
 */
function shared(page: Page, timeoutMs: number, hungMs = timeoutMs): Page {
  let under: { since: number; answer: Promise<Answer> } | null = null;
  const put = (): { since: number; answer: Promise<Answer> } => {
    const asked = {
      since: performance.now(),
      answer: page().finally(() => {
        if (under === asked) under = null;
      }),
    };
    asked.answer.catch(() => undefined);
    return asked;
  };
  return async () => {
    if (under === null || performance.now() - under.since >= hungMs) under = put();
    const answered = new AbortController();
    try {
      const late = wait(timeoutMs, plain(503, "no answer in time"), { signal: answered.signal });
      return await Promise.race([under.answer, late]);
    } finally {
      answered.abort();
    }
  };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, isLast: boolean): void {
  const { status, contentType, text } = answer;
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(status === 405 ? { allow: "GET, HEAD" } : {}),
    ...(answer.isForAnyPage === true ? { "access-control-allow-origin": "*" } : {}),
    ...(isLast ? { connection: "close" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

function plain(status: number, text: string): Answer {
  return { status, contentType: "text/plain; charset=utf-8", text: `${text}\n` };
}

/** Proposals are made to be read by everybody, and checked by whoever reads them; so are the times of the next ones. */
function forAnyPage(answer: Answer): Answer {
  return { ...answer, isForAnyPage: true };
}

function json(status: number, value: unknown): Answer {
  return { status, contentType: "application/json", text: `${JSON.stringify(value)}\n` };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new CannotListen(host, port, error.code ?? error.message));
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      // Out of file descriptors: the connection is lost, the keeper is not.
      server.on("error", () => undefined);
      resolve();
    });
  });
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const grace = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(grace);
}
