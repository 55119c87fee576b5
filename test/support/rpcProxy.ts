import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { keccak256 } from "ethers";

type Request = (request: { method: string; params?: unknown[] }) => Promise<unknown>;

interface Call {
  id: number;
  method: string;
  params: unknown[];
}

type Answer = { result: unknown } | { error: { code: number; message: string; data?: unknown } };

/** What goes wrong. Those above the line spoil the whole HTTP exchange, those below one call of it. */
export type FaultMode =
  /** The connection is cut before anything is done. */
  | { mode: "refuse" }
  /** The connection is cut after everything was done. */
  | { mode: "loseAnswer" }
  /** Nothing comes back. */
  | { mode: "timeout" }
  | { mode: "status"; status: number; retryAfter?: string; body?: string }
  /** Something that is not JSON. */
  | { mode: "garbage" }
  // ----
  /** An error object. */
  | { mode: "error"; code: number; message: string; data?: unknown }
  /** Knows nothing of the last blocks. */
  | { mode: "lag"; blocks: number }
  /** Other hashes, from a block on (default: all). */
  | { mode: "fork"; from?: number }
  /** Another answer to calls of a contract, or of one function of it. */
  | { mode: "lie"; to: string; selector?: string; alter: (answer: string) => string }
  /** Any other answer. */
  | { mode: "alter"; alter: (answer: unknown, call: { method: string; params: unknown[] }) => unknown }
  | { mode: "wrongChain"; chainId: number };

export type Fault = FaultMode & {
  /** Only for HTTP requests, or calls in them, with one of these methods. */
  methods?: string[];
  /** Ends after this often. */
  times?: number;
};

export interface RpcProxy {
  url: string;
  /** The methods of each HTTP request so far, a batch's in their order. */
  requests: string[][];
  /** The headers of each of them. */
  headers: IncomingHttpHeaders[];
  /** From now on this goes wrong, in place of what did before; null: nothing more. Several go wrong together. */
  fail(...faults: (Fault | null)[]): void;
  close(): Promise<void>;
}

/** A JSON-RPC server over HTTP in front of a chain, that fails as told. `path` stands for what holds an API key. */
export async function startRpcProxy(options: { request: Request; port?: number; path?: string }): Promise<RpcProxy> {
  const { request, port = 0, path = "/" } = options;
  const requests: string[][] = [];
  const headers: IncomingHttpHeaders[] = [];
  let faults: Fault[] = [];

  /** The fault that applies, used up by one. */
  const strike = <M extends Fault["mode"]>(
    methods: string[],
    modes: M[],
    fits: (fault: Fault & { mode: M }) => boolean = () => true,
  ): (Fault & { mode: M }) | null => {
    const found = faults.find(
      (fault): fault is Fault & { mode: M } =>
        (modes as string[]).includes(fault.mode) &&
        (fault.methods === undefined || fault.methods.some((method) => methods.includes(method))) &&
        fits(fault as Fault & { mode: M }),
    );
    if (found === undefined) return null;
    if (found.times !== undefined && --found.times <= 0) faults = faults.filter((fault) => fault !== found);
    return found;
  };

  const forward = async (method: string, params: unknown[]): Promise<Answer> => {
    try {
      return { result: await request({ method, params }) };
    } catch (error) {
      const { code, message, data } = error as { code?: number; message: string; data?: unknown };
      return { error: { code: code ?? -32_603, message, ...(data === undefined ? {} : { data }) } };
    }
  };

  const answerCall = async ({ method, params }: Call): Promise<Answer> => {
    const error = strike([method], ["error"]);
    if (error !== null) return { error: { code: error.code, message: error.message, data: error.data } };
    const lag = strike([method], ["lag"]);
    const answer = lag === null ? await forward(method, params) : await answerLate(forward, method, params, lag.blocks);
    if (!("result" in answer)) return answer;
    return { result: altered(method, params, answer.result) };
  };

  const altered = (method: string, params: unknown[], result: unknown): unknown => {
    if (method === "eth_chainId") {
      const wrong = strike([method], ["wrongChain"]);
      return wrong === null ? result : quantity(wrong.chainId);
    }
    if (method === "eth_getBlockByNumber" && result !== null) {
      const block = result as { number: string; hash: string };
      const fork = strike([method], ["fork"]);
      const forked = fork !== null && Number(block.number) >= (fork.from ?? 0);
      if (forked) return { ...block, hash: keccak256(block.hash) };
    }
    if (method === "eth_call") {
      const { to, data } = params[0] as { to?: string; data?: string };
      const aimed = (fault: Fault & { mode: "lie" }): boolean =>
        fault.to.toLowerCase() === to?.toLowerCase() && data?.startsWith(fault.selector ?? "") === true;
      const lie = strike([method], ["lie"], aimed);
      if (lie !== null) return lie.alter(result as string);
    }
    const other = strike([method], ["alter"]);
    return other === null ? result : other.alter(result, { method, params });
  };

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = JSON.parse(await textOf(incoming)) as Call | Call[];
    const calls = Array.isArray(body) ? body : [body];
    const methods = calls.map(({ method }) => method);
    requests.push(methods);
    headers.push(incoming.headers);
    const fault = strike(methods, ["refuse", "loseAnswer", "timeout", "status", "garbage"]);
    if (fault?.mode === "timeout") return;
    if (fault?.mode === "refuse") return void incoming.socket.destroy();
    if (fault?.mode === "status") {
      outgoing.writeHead(fault.status, fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter });
      return void outgoing.end(fault.body ?? "failing as told");
    }
    if (fault?.mode === "garbage") return void outgoing.end("<html>not what you asked for</html>");
    const answers = await Promise.all(
      calls.map(async (call) => ({ jsonrpc: "2.0", id: call.id, ...(await answerCall(call)) })),
    );
    if (fault?.mode === "loseAnswer") return void incoming.socket.destroy();
    outgoing.writeHead(200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify(Array.isArray(body) ? answers : answers[0]));
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => {
      outgoing.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    requests,
    headers,
    fail(...next) {
      faults = next.filter((fault) => fault !== null).map((fault) => ({ ...fault }));
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** As a node answers that has not seen the last blocks: an older "latest", and no block after it. */
async function answerLate(
  forward: (method: string, params: unknown[]) => Promise<Answer>,
  method: string,
  params: unknown[],
  blocks: number,
): Promise<Answer> {
  const newest = await forward("eth_blockNumber", []);
  if (!("result" in newest)) return newest;
  const head = Number(newest.result) - blocks;
  if (method === "eth_blockNumber") return { result: quantity(head) };
  const unknown = params.some((param) => /^0x[0-9a-f]{1,10}$/.test(String(param)) && Number(param) > head);
  if (unknown && method === "eth_getBlockByNumber") return { result: null };
  if (unknown) return { error: { code: -32_000, message: "header not found" } };
  const seen = params.map((param) => (param === "latest" || param === "pending" ? quantity(head) : param));
  return forward(method, seen);
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`;
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
