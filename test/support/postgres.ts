import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

export interface PostgresServer {
  /** Of an empty database, with its password. */
  url: string;
  /** Ends it as a crash would, waits, and starts it again on the same port. */
  restart(downMs?: number): Promise<void>;
  stop(): Promise<void>;
}

const PASSWORD = "open sesame";
const START_MS = 30_000;
const RETRY_MS = 50;

/** A real Postgres server of its own on a free port, in a folder of its own; it ends with this process. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = binaries() ?? install();
  const folder = mkdtempSync(join(tmpdir(), "ballast-postgres-"));
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, PASSWORD);
  mkdirSync(data);
  const owner = unprivileged();
  if (owner !== null) for (const path of [folder, data, passwordFile]) chownSync(path, owner.uid, owner.gid);
  const setup = [
    "-D",
    data,
    "-U",
    "ballast",
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--no-sync",
    "-E",
    "UTF8",
  ];
  execFileSync(join(bin, "initdb"), setup, { ...owner, stdio: "pipe", cwd: folder });
  const port = await freePort();
  const url = `postgres://ballast:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`;

  const launch = async (): Promise<ChildProcess> => {
    // The shell waits for its input to end, which it does with this process, however that ends.
    const script = '"$@" >"$LOG" 2>&1 & server=$!; cat >/dev/null; kill -QUIT $server; wait $server';
    // Quick, and yet nothing committed is lost when the server crashes: only when the machine does.
    const settings = ["fsync=off", "full_page_writes=off", "max_connections=100"];
    const server = spawn(
      "sh",
      [
        "-c",
        script,
        "sh",
        join(bin, "postgres"),
        "-D",
        data,
        "-p",
        String(port),
        "-h",
        "127.0.0.1",
        "-k",
        folder,
      ].concat(settings.flatMap((setting) => ["-c", setting])),
      { ...owner, cwd: folder, stdio: ["pipe", "ignore", "ignore"], env: { ...process.env, LOG: join(folder, "log") } },
    );
    await ready(url, server);
    return server;
  };
  const end = async (server: ChildProcess): Promise<void> => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.stdin!.end();
    await ended;
  };

  let server = await launch();
  return {
    url,
    restart: async (downMs = 0) => {
      await end(server);
      await delay(downMs);
      server = await launch();
    },
    stop: async () => {
      await end(server);
      rmSync(folder, { recursive: true });
    },
  };
}

/** The folder with the newest `initdb` and `postgres`; null when there is none. */
function binaries(): string | null {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(root, version, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return folders.find((path) => existsSync(join(path, "initdb")) && existsSync(join(path, "postgres"))) ?? null;
}

function install(): string {
  const apt = process.getuid?.() === 0 ? ["apt-get"] : ["sudo", "-n", "apt-get"];
  const run = (...args: string[]): void => {
    const [command, ...rest] = [...apt, ...args];
    execFileSync(command!, rest, { stdio: "pipe", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  };
  run("update");
  run("install", "-y", "--no-install-recommends", "postgresql");
  const bin = binaries();
  if (bin === null) throw new Error("apt-get installed postgresql, but its initdb is in none of the known places");
  return bin;
}

/** Postgres refuses to run as root: as whom, then. */
function unprivileged(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const id = (flag: string, name: string): number =>
    Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  for (const name of ["postgres", "nobody"]) {
    try {
      return { uid: id("-u", name), gid: id("-g", name) };
    } catch {
      continue; // No such user here.
    }
  }
  throw new Error("Postgres does not run as root, and there is no user postgres or nobody to run it as");
}

async function ready(url: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (server.exitCode !== null || Date.now() > deadline) throw error;
      await delay(RETRY_MS);
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
