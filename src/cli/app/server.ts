import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** A folder being served. */
export interface AppServer {
  url: string;
  close(): Promise<void>;
}

export interface AppServerOptions {
  folder: string;
  /** 0 takes any free port. */
  port: number;
  /** What stands at a path besides the folder's files, as JSON; undefined for nothing. */
  answers?: (path: string) => unknown;
}

/** The port cannot be listened on. */
export class PageNotServed extends Error {
  constructor(port: number, detail: string) {
    super(`no page on 127.0.0.1:${port}: ${detail}; choose another --port, or stop what listens there`);
    this.name = "PageNotServed";
  }
}

/** Serves a folder on 127.0.0.1, as any static host would. Throws PageNotServed. */
export async function serveFolder({ folder, port, answers }: AppServerOptions): Promise<AppServer> {
  const server = createServer((request, response) => void answer(request, response));
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request.url ?? "/");
    const found = path === null ? undefined : await answers?.(path);
    if (found !== undefined) {
      send(response, 200, ".json", JSON.stringify(found));
      return;
    }
    const file = path === null ? null : fileAt(folder, path);
    const content = file === null ? null : await readFile(file).catch(() => null);
    if (file === null || content === null) send(response, 404, ".json", '"not found"');
    else send(response, 200, extname(file), content);
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new PageNotServed(port, error.message)));
    server.listen(port, "127.0.0.1", () => resolve());
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The path asked for; null when it cannot be read. */
function pathOf(url: string): string | null {
  try {
    return decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return null;
  }
}

/** The file at a path inside the folder; null for one outside it. */
function fileAt(folder: string, path: string): string | null {
  const file = normalize(join(folder, path.endsWith("/") ? `${path}index.html` : path));
  return file.startsWith(normalize(folder) + sep) && !path.includes("\0") ? file : null;
}

function send(response: ServerResponse, status: number, type: string, content: string | Buffer): void {
  response.writeHead(status, {
    "content-type": TYPES[type] ?? "application/octet-stream",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    // Safe{Wallet} shows Safe Apps in a frame, and reads their manifest from its own origin.
    "access-control-allow-origin": "*",
  });
  response.end(content);
}
