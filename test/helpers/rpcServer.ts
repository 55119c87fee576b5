import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { LocalChain } from "../../deploy/devnet/chain.ts";

export interface RpcRequest {
  id: number;
  method: string;
  params: unknown[];
}

/** How a node differs from a good one. */
export interface Manners {
  /** Its own answer to a request; undefined lets the chain answer. What it throws becomes the request's error. */
  answer?: (request: RpcRequest) => unknown;
  /** What it sends as its date, milliseconds since 1970-01-01; null for none. */
  date?: () => number | null;
  /** Refuses several requests in one. */
  batches?: boolean;
}

/** A JSON-RPC server in front of a local chain, with manners that can be changed while it runs. */
export interface RpcServer {
  url: string;
  manners: Manners;
  close(): Promise<void>;
}

export async function serveChain(chain: LocalChain, path = "/"): Promise<RpcServer> {
  const served: RpcServer = { url: "", manners: {}, close: () => Promise.resolve() };
  const one = async (request: RpcRequest): Promise<unknown> => {
    const { id, method, params } = request;
    try {
      const own = served.manners.answer?.(request);
      const result = own === undefined ? await chain.request(method, params) : own;
      return { jsonrpc: "2.0", id, result };
    } catch (error) {
      const { message, code, data } = error as { message?: string; code?: number; data?: unknown };
      return { jsonrpc: "2.0", id, error: { code: code ?? -32_000, message: message ?? String(error), data } };
    }
  };
  const server = createServer((incoming, outgoing) => {
    void bodyOf(incoming).then(async (text) => {
      const body = JSON.parse(text) as RpcRequest | RpcRequest[];
      const refused = Array.isArray(body) && served.manners.batches === false;
      const answer = refused
        ? { error: { message: "no batches" } }
        : Array.isArray(body)
          ? await Promise.all(body.map(one))
          : await one(body);
      const date = served.manners.date === undefined ? Date.now() : served.manners.date();
      outgoing.sendDate = false;
      if (date !== null) outgoing.setHeader("date", new Date(date).toUTCString());
      outgoing.setHeader("content-type", "application/json");
      outgoing.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  served.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return served;
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
