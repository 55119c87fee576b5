import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Provider } from "ethers";
import { ChainState } from "./chainState.ts";
import { Refusal, TransactionStore } from "./store.ts";

/** A running stand-in for the Safe transaction service. */
export interface TransactionService {
  /** As a client wants it: up to and including `/api`. */
  url: string;
  /** Each request so far: `METHOD path`. */
  requests: string[];
  /** Makes the next requests fail with this status; null ends it. */
  failWith(status: number | null): void;
  close(): Promise<void>;
}

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
 * who may propose, which hash, which signature, which nonce. It serves the paths that api-kit 5 asks for.
 */
export async function startTransactionService(options: TransactionServiceOptions): Promise<TransactionService> {
  const { provider, port = 0, now = Date.now } = options;
  const store = new TransactionStore(new ChainState(provider), now);
  const routes = routesOf(store);
  const requests: string[] = [];
  let failure: number | null = null;

  const answer = async (incoming: IncomingMessage): Promise<Answer> => {
    const url = new URL(incoming.url!, "http://localhost");
    requests.push(`${incoming.method} ${url.pathname}`);
    const body = await readJson(incoming);
    if (failure !== null) return { status: failure, body: { detail: "failing as told" } };
    const path = url.pathname.replace(/\/+$/, "");
    for (const [method, pattern, handle] of routes) {
      const match = method === incoming.method ? pattern.exec(path) : null;
      if (match) return handle({ match, query: url.searchParams, body });
    }
    return { status: 404, body: { detail: "Not found." } };
  };
  const server = createServer((incoming, outgoing) => {
    void answer(incoming)
      .catch((error: unknown): Answer => {
        if (error instanceof Refusal) return { status: error.status, body: error.body };
        return { status: 500, body: { detail: String(error) } };
      })
      .then(({ status, body }) => {
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
    failWith(status) {
      failure = status;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
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
