import { spawn, spawnSync } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { KeeperConfig } from "../../../src/keeper/config.ts";
import type { TickEnd } from "../../../src/keeper/pipeline.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";

/** A keeper to open. Times are milliseconds since 1970-01-01. */
export interface Opened {
  config: KeeperConfig;
  environment: Record<string, string | undefined>;
  worker: string;
  deployment: Deployment;
  now: number;
}

export interface SlotAsked {
  vault: string;
  slot: string;
  leaseSeconds: number;
  now: number;
  /** In the middle of it, this file takes all the room there is. */
  filler?: { file: string; afterMs: number };
}

export interface PlanAsked {
  environment: Record<string, string | undefined>;
  vault: string;
  schedule: string;
  from: number;
  to: number;
  stepMs: number;
}

export type Asked =
  | ({ do: "open" } & Opened)
  | ({ do: "slot" } & SlotAsked)
  | { do: "close" }
  | ({ do: "plan" } & PlanAsked)
  | { do: "fill"; file: string; leaveBytes: number }
  | { do: "remove"; file: string }
  | { do: "look"; folder: string };

/** Something was thrown. */
export interface Broke {
  error: string;
  code: string;
}

/** How a slot went, and what the store says of it after. */
export interface Told {
  end: TickEnd | null;
  failure: Broke | null;
  proposals: { safeTxHash: string; status: string }[];
  status: string | null;
  lines: string[];
}

export interface Planned {
  sent: string[];
  missed: string[];
  errors: string[];
  /** Offsets of the process's own zone that it passed through. */
  offsetMinutes: number[];
}

export interface FileSeen {
  name: string;
  /** The hash of the proposal in it, where it counts as a packet. */
  packet: string | null;
  whole: boolean;
}

export class ChildEnded extends Error {
  constructor(detail: string) {
    super(`the keeper's process ended: ${detail}`);
    this.name = "ChildEnded";
  }
}

/** What esbuild is asked for here. */
interface Bundler {
  buildSync: (options: Record<string, unknown>) => unknown;
}

let script: string | null = null;

/**
 * The child's script and all it imports as one file of JavaScript: a process with it starts in a fraction of the time. tsx,
 * which runs everything else here, brings the bundler along.
 */
function scriptOfChildren(): string {
  if (script !== null) return script;
  const require = createRequire(import.meta.url);
  const { buildSync } = createRequire(require.resolve("tsx/package.json"))("esbuild") as Bundler;
  // Inside the repository, so that what stays outside of it is found.
  const folder = fileURLToPath(new URL("../../../node_modules/.cache/", import.meta.url));
  const file = join(folder, `keeper-child-${process.pid}.mjs`);
  buildSync({
    entryPoints: [fileURLToPath(new URL("child.ts", import.meta.url))],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    // Its engine is a file beside it; the other one is an addon that nobody has installed.
    external: ["@electric-sql/pglite", "pg-native"],
    // For what is CommonJS inside.
    banner: { js: 'import { createRequire as bundled } from "node:module"; const require = bundled(import.meta.url);' },
    logLevel: "error",
  });
  process.once("exit", () => rmSync(file, { force: true }));
  script = file;
  return file;
}

/** A process that is told what to do, one thing after another. */
export class Child {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: { began: () => void; resolve: (answer: unknown) => void; reject: (error: Error) => void }[] = [];
  readonly exited: Promise<void>;
  #errors = "";

  /** `prefix` is what runs the command that is put after it. */
  constructor(options: { prefix?: readonly string[]; environment?: Record<string, string> } = {}) {
    const [command, ...rest] = [...(options.prefix ?? []), process.execPath, scriptOfChildren()];
    this.#process = spawn(command, rest, { env: { ...process.env, ...options.environment } });
    this.#process.stderr.on("data", (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.#process.stdin.on("error", () => undefined); // Also said by its exit.
    // One that waits for something to do does not keep the tests from ending, and ends with them.
    this.#process.unref();
    for (const pipe of [this.#process.stdin, this.#process.stdout, this.#process.stderr]) (pipe as Socket).unref();
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      const said = JSON.parse(line) as { began?: true; answer?: unknown };
      if (said.began === true) return this.#waiting[0]?.began();
      this.#waiting.shift()?.resolve(said.answer);
    });
    this.exited = new Promise((resolve) => {
      this.#process.once("close", (code, signal) => {
        const detail = `${signal ?? code ?? "?"} ${this.#errors.trim().slice(-600)}`;
        for (const { reject } of this.#waiting.splice(0)) reject(new ChildEnded(detail));
        resolve();
      });
      this.#process.once("error", (error) => (this.#errors += error.message));
    });
  }

  /** Answers what the child does; throws ChildEnded when it ends instead. `began` runs when it has begun. */
  ask<T>(asked: Asked, began: () => void = () => undefined): Promise<T> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
      return Promise.reject(new ChildEnded(this.#errors));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ began, resolve: resolve as (answer: unknown) => void, reject });
      this.#process.stdin.write(`${JSON.stringify(asked)}\n`);
    });
  }

  /** As a power cut, or the kernel short of memory, ends it. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.exited;
  }

  /** Lets it end by itself. */
  async end(): Promise<void> {
    this.#process.stdin.end();
    await this.exited;
  }
}

/** There is no way here to put a small disk under a folder. */
export class NoSmallDisk extends Error {
  constructor(reasons: string[]) {
    super(
      `no way to mount a small disk for this test (${reasons.join("; ")}): run it as root, allow unprivileged user ` +
        "namespaces, or allow sudo without a password",
    );
    this.name = "NoSmallDisk";
  }
}

/** The ways to a mount namespace of one's own, the plainest first. */
const WAYS: readonly (readonly string[])[] = [
  ["unshare", "--mount"],
  ["unshare", "--user", "--map-root-user", "--mount"],
  ["sudo", "-n", "unshare", "--mount"],
];

/** What runs a command that alone sees a disk of so many bytes in a folder. Throws NoSmallDisk. */
export function withSmallDisk(folder: string, bytes: number): string[] {
  const mount = ["sh", "-c", `mount -t tmpfs -o size=${bytes} tmpfs "$0" && exec "$@"`, folder];
  const reasons: string[] = [];
  for (const way of WAYS) {
    const { status, stderr, error } = spawnSync(way[0]!, [...way.slice(1), ...mount, "true"], { encoding: "utf8" });
    if (status === 0) return [...way, ...mount];
    reasons.push(`${way.join(" ")}: ${(error?.message ?? stderr).trim().split("\n")[0]}`);
  }
  throw new NoSmallDisk(reasons);
}
