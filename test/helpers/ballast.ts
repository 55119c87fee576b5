import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { JsonRpcProvider, Network } from "ethers";
import { LOCAL_CHAIN_ID } from "../../deploy/devnet/chain.ts";
import { run } from "../../src/cli/main.ts";
import { setJson } from "../../src/cli/output.ts";

const BALLAST = fileURLToPath(new URL("../../scripts/ballast.mjs", import.meta.url));
const BOOTSTRAP = fileURLToPath(new URL("../../scripts/bootstrap.mjs", import.meta.url));

/** What a finished command left. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface BallastOptions {
  cwd?: string;
}

/** Runs the command line in its own process, to its end: half a second of starting up. */
export async function ballastProcess(args: readonly string[], options: BallastOptions = {}): Promise<Finished> {
  const running = startBallast(args, options);
  const [code] = (await once(running.child, "close")) as [number | null];
  return { code, ...running.output };
}

/** As `npm run` starts it: `bootstrapProcess(["ballast", "demo"])` is npm run demo. */
export async function bootstrapProcess(args: readonly string[], options: BallastOptions = {}): Promise<Finished> {
  const running = startScript(BOOTSTRAP, args, options);
  const [code] = (await once(running.child, "close")) as [number | null];
  return { code, ...running.output };
}

/**
 * Runs the command line in this process, one command at a time: everything but the starting up and the exit itself.
 * What it writes to standard output and error, and its exit code, are taken from it and given back.
 */
export async function ballast(args: readonly string[]): Promise<Finished> {
  const written = { stdout: "", stderr: "" };
  const streams = ["stdout", "stderr"] as const;
  // The method is the prototype's: an own property shadows it, and deleting that brings it back.
  for (const name of streams) {
    Object.assign(process[name], { write: (chunk: unknown) => ((written[name] += String(chunk)), true) });
  }
  try {
    await run([...args]);
    return { code: Number(process.exitCode ?? 0), ...written };
  } finally {
    for (const name of streams) Reflect.deleteProperty(process[name], "write");
    process.exitCode = undefined;
    setJson(false);
  }
}

/** A command's answer with --json. Fails when standard output holds anything but one JSON value. */
export async function answered(
  running: (args: readonly string[]) => Promise<Finished>,
  args: readonly string[],
): Promise<Finished & { json: Record<string, unknown> }> {
  const finished = await running([...args, "--json"]);
  return { ...finished, json: JSON.parse(finished.stdout) as Record<string, unknown> };
}

/** As `ballast`, with --json. */
export function ballastJson(args: readonly string[]) {
  return answered(ballast, args);
}

/** A command that goes on until it is stopped, and what it has printed so far. */
export interface Running {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
}

export function startBallast(args: readonly string[], options: BallastOptions = {}): Running {
  return startScript(BALLAST, args, options);
}

function startScript(script: string, args: readonly string[], { cwd }: BallastOptions): Running {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (output[stream] += text));
  }
  return { child, output };
}

/** A devnet in its own process, its folder of keys, and a provider of its own for looking at the chain. */
export interface Devnet extends Running {
  url: string;
  port: number;
  folder: string;
  provider: JsonRpcProvider;
  /** Ends it as a user would, and answers its exit code. */
  stop(signal: "SIGINT" | "SIGTERM"): Promise<number | null>;
}

/** Starts `ballast devnet` on the synthetic scenario and waits until it listens. */
export async function startDevnet(folder: string, more: readonly string[] = []): Promise<Devnet> {
  // After an edit to a contract the first run compiles, and says so.
  await ballastProcess(["--version"]);
  const port = await freePort();
  // The folder has no ./data in it, so that the scenario is the synthetic one wherever the tests run.
  const running = startBallast(["devnet", "--port", String(port), "--out", folder, ...more], { cwd: folder });
  await new Promise<void>((resolve, reject) => {
    running.child.stdout?.on("data", () => {
      if (running.output.stdout.includes("Ctrl-C stops it.")) resolve();
    });
    running.child.once("close", (code) => reject(new DevnetEnded(code, running.output.stderr)));
  });
  const url = `http://127.0.0.1:${port}`;
  const network = Network.from(LOCAL_CHAIN_ID);
  const provider = new JsonRpcProvider(url, network, { staticNetwork: network, cacheTimeout: -1 });
  return {
    ...running,
    url,
    port,
    folder,
    provider,
    async stop(signal) {
      provider.destroy();
      if (running.child.exitCode !== null) return running.child.exitCode;
      running.child.kill(signal);
      const [code] = (await once(running.child, "close")) as [number | null];
      return code;
    },
  };
}

class DevnetEnded extends Error {
  constructor(code: number | null, stderr: string) {
    super(`the devnet ended with ${code} before it listened: ${stderr}`);
    this.name = "DevnetEnded";
  }
}

/** A port nothing listens on now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
