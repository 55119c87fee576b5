import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a server does with one request. */
export type Scripted =
  { status: number; body?: string; headers?: Record<string, string> } | ((response: ServerResponse) => void);

export interface Received {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface ScriptedServer {
  url: string;
  host: string;
  received: Received[];
  /** What it answers next, in this order; the last one goes on for ever. */
  script(...answers: Scripted[]): void;
  /** The bodies received so far, read as JSON. */
  bodies(): Record<string, unknown>[];
  close(): Promise<void>;
}

/** A real HTTP server on this machine that keeps what it is sent and answers as told: 200 and `ok` at first. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const received: Received[] = [];
  let answers: Scripted[] = [{ status: 200, body: "ok" }];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      received.push({ method: request.method!, path: request.url!, headers: request.headers, body });
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      if (typeof answer === "function") answer(response);
      else response.writeHead(answer.status, answer.headers ?? {}).end(answer.body ?? "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    received,
    script: (...next) => (answers = next),
    bodies: () => received.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
