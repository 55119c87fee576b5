import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { LocalChain } from "../../deploy/devnet/chain.ts";

interface Call {
  id: number;
  method: string;
  params: unknown[];
}

/** A chain of this process behind a port, for the command line; what it does not know is an error of the node. */
export async function serveChain(chain: Pick<LocalChain, "request">): Promise<{ url: string; close: () => void }> {
  const one = async ({ id, method, params }: Call): Promise<unknown> =>
    chain.request(method, params).then(
      (result) => ({ jsonrpc: "2.0", id, result }),
      (error: unknown) => {
        const { code, message, data } = error as { code?: number; message: string; data?: unknown };
        return { jsonrpc: "2.0", id, error: { code: code ?? -32_000, message, data } };
      },
    );
  const answer = async (body: string): Promise<string> => {
    const calls = JSON.parse(body) as Call | Call[];
    return JSON.stringify(Array.isArray(calls) ? await Promise.all(calls.map(one)) : await one(calls));
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => void answer(body).then((text) => response.end(text)));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
