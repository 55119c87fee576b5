import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Provider } from "ethers";
import { ChainState } from "./chainState.ts";
import { Refusal, TransactionStore } from "./store.ts";

/** A running stand-in for the Safe transaction service. */
export interface TransactionService {
  /** As a client wants it: up to and including `/api`. */
  url: string;
  /** Each request so far: `METHOD path`. */
  requests: string[];
  /** What goes wrong from now on, or for so many requests, or for one HTTP method alone; null ends it. */
  fail(fault: ServiceFault | null, when?: { times?: number; method?: string }): void;
  /** Takes a delegate's right away, as an owner would. */
  revoke(delegate: string): void;
  /** All transactions of a Safe the service was ever given, as hashes. */
  proposed(safe: string): string[];
  close(): Promise<void>;
}

export type ServiceFault =
  | { kind: "status"; status: number }
  /** Connections break before anything is read. */
  | { kind: "down" }
  | { kind: "slow"; milliseconds: number }
  /** The request is carried out, and the connection breaks before the answer. */
  | { kind: "lost answer" }
  /** Each request arrives twice, as through a proxy that sends again; lists name everything twice. */
  | { kind: "twice" };

export interface TransactionServiceOptions {
  provider: Provider;
  /** 0 takes any free port. */
  port?: number;
  /** Milliseconds since 1970-01-01 UTC. */
  now?: () => number;
}

interface Request {
  match: RegExpExecArray;
  query: URLSearchParams;
  body: unknown;
}

interface Answer {
  status: number;
  body?: unknown;
}

type Route = [method: string, path: RegExp, handle: (request: Request) => Promise<Answer>];

/**
 * A Safe transaction service for a local chain, in memory and as strict as the real one where our client can notice:
 * who may propose and take back, which hash, which signature, which nonce. It serves the paths that api-kit 5 asks for, and the
 * one for taking a proposal back, which it does not know.
 */
export async function startTransactionService(options: TransactionServiceOptions): Promise<TransactionService> {
  const { provider, port = 0, now = Date.now } = options;
  const store = new TransactionStore(new ChainState(provider), now);
  const routes = routesOf(store);
  const requests: string[] = [];
  let failing: { fault: ServiceFault; left: number; method: string | undefined } | null = null;
  const nextFault = (method: string | undefined): ServiceFault | null => {
    if (failing === null || failing.left === 0 || (failing.method ?? method) !== method) return null;
    failing.left--;
    return failing.fault;
  };

  const answer = async (incoming: IncomingMessage, fault: ServiceFault | null): Promise<Answer> => {
    const url = new URL(incoming.url!, "http://localhost");
    requests.push(`${incoming.method} ${url.pathname}`);
    const body = await readJson(incoming);
    if (fault?.kind === "status") return { status: fault.status, body: { detail: "failing as told" } };
    if (fault?.kind === "slow") await sleep(fault.milliseconds);
    const first = await handle(incoming, url, body);
    return fault?.kind === "twice" ? doubled(await handle(incoming, url, body)) : first;
  };
  const handle = async (incoming: IncomingMessage, url: URL, body: unknown): Promise<Answer> => {
    const path = url.pathname.replace(/\/+$/, "");
    for (const [method, pattern, handle] of routes) {
      const match = method === incoming.method ? pattern.exec(path) : null;
      if (match) return handle({ match, query: url.searchParams, body });
    }
    return { status: 404, body: { detail: "Not found." } };
  };
  const server = createServer((incoming, outgoing) => {
    const fault = nextFault(incoming.method);
    if (fault?.kind === "down") return void incoming.socket.destroy();
    void answer(incoming, fault)
      .catch((error: unknown): Answer => {
        if (error instanceof Refusal) return { status: error.status, body: error.body };
        return { status: 500, body: { detail: String(error) } };
      })
      .then(({ status, body }) => {
        if (fault?.kind === "lost answer") return void incoming.socket.destroy();
        outgoing.writeHead(status, { "content-type": "application/json" });
        outgoing.end(body === undefined ? undefined : JSON.stringify(body));
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    requests,
    fail(fault, { times = Infinity, method } = {}) {
      failing = fault === null ? null : { fault, left: times, method };
    },
    revoke: (delegate) => store.revoke(delegate),
    proposed: (safe) => store.hashesOf(safe),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A list that names everything twice; any other answer as it is. */
function doubled({ status, body }: Answer): Answer {
  const page = body as { results?: unknown[]; count?: number } | undefined;
  if (page?.results === undefined) return { status, body };
  return { status, body: { ...page, count: page.results.length * 2, results: [...page.results, ...page.results] } };
}

function routesOf(store: TransactionStore): Route[] {
  return [
    [
      "GET",
      /^\/api\/v1\/about$/,
      async () => ({ status: 200, body: { name: "Ballast stand-in for the Safe Transaction Service", version: "5" } }),
    ],
    [
      "GET",
      /^\/api\/v1\/safes\/(0x\w{40})$/,
      async ({ match }) => ({ status: 200, body: await store.safeInfo(match[1]!) }),
    ],
    [
      "GET",
      /^\/api\/v2\/delegates$/,
      async ({ query }) => {
        const results = store.delegations(query.get("safe"));
        return { status: 200, body: { count: results.length, next: null, previous: null, results } };
      },
    ],
    ["POST", /^\/api\/v2\/delegates$/, async ({ body }) => ({ status: 201, body: await store.addDelegation(body) })],
    [
      "POST",
      /^\/api\/v2\/safes\/(0x\w{40})\/multisig-transactions$/,
      async ({ match, body }) => {
        await store.propose(match[1]!, body);
        return { status: 201 };
      },
    ],
    [
      "GET",
      /^\/api\/v2\/safes\/(0x\w{40})\/multisig-transactions$/,
      async ({ match, query }) => {
        const limit = Number(query.get("limit") ?? 100);
        const offset = Number(query.get("offset") ?? 0);
        const executed = query.get("executed");
        const page = await store.list(match[1]!, {
          executed: executed === null ? null : executed === "true",
          minimumNonce: Number(query.get("nonce__gte") ?? 0),
          byNonce: query.get("ordering") === "nonce",
          limit,
          offset,
        });
        const more = offset + limit < page.count;
        const next = more ? `?limit=${limit}&offset=${offset + limit}` : null;
        return { status: 200, body: { ...page, next, previous: null } };
      },
    ],
    [
      "GET",
      /^\/api\/v2\/multisig-transactions\/(0x\w{64})$/,
      async ({ match }) => ({ status: 200, body: await store.transaction(match[1]!) }),
    ],
    [
      "DELETE",
      /^\/api\/v2\/multisig-transactions\/(0x\w{64})$/,
      async ({ match, body }) => {
        await store.delete(match[1]!, body);
        return { status: 204 };
      },
    ],
    [
      "POST",
      /^\/api\/v1\/multisig-transactions\/(0x\w{64})\/confirmations$/,
      async ({ match, body }) => ({ status: 201, body: await store.confirm(match[1]!, body) }),
    ],
  ];
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}
