// What a fresh clone lacks, brought in on first use: dependencies under Node 24, compiled contracts. Plain JavaScript
// for Node 20 and up, because nothing is installed yet when it runs. Its own lines go to standard error.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { constants, hostname } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const BIN = join(ROOT, "node_modules", ".bin");
export const HARDHAT = join(ROOT, "node_modules", "hardhat", "dist", "src", "cli.js");
const BUILD_STAMP = join(ROOT, "cache", "ballast-build.sha256");
const BUILD_OUTPUTS = [join(ROOT, "artifacts", "contracts"), join(ROOT, "typechain-types", "index.ts")];
const LOCK = join(ROOT, ".bootstrap.lock");
const LOCK_BEAT_MS = 5_000;
const LOCK_DEAD_MS = 60_000;
const IS_WINDOWS = process.platform === "win32";

/** The Node that everything of ours runs under, once installed: the one pinned in package.json. */
export const NODE = IS_WINDOWS
  ? join(ROOT, "node_modules", "node", "bin", "node.exe")
  : join(ROOT, "node_modules", "node", "bin", "node");

/** A step of the set-up failed; `exitCode` is that of the process that failed. */
export class SetupError extends Error {
  constructor(message, exitCode) {
    super(message);
    this.name = "SetupError";
    this.exitCode = exitCode;
  }
}

/** The environment our processes run in: Node 24 first in the path, no telemetry. */
export function environment() {
  return {
    HARDHAT_DISABLE_TELEMETRY: "true",
    ...process.env,
    PATH: [BIN, ...pathWithoutOwnBins()].join(delimiter),
  };
}

/** Installs and compiles what is missing or out of date; a no-op of a few milliseconds otherwise. */
export async function prepare({ build = true } = {}) {
  if (isInstalled() && (!build || isBuilt())) return;
  await withLock(async () => {
    if (!isInstalled()) await install();
    if (build && !isBuilt()) await compile();
  });
}

/** Runs a script under Node 24 on our own input and output, and answers its exit code. */
export async function runNode(args) {
  const child = spawn(NODE, args, { stdio: "inherit", env: environment() });
  return exitCodeOf(child);
}

/** Hardhat's command line under Node 24. */
export function runHardhat(args) {
  return runNode([HARDHAT, ...args]);
}

/**
 * npm leaves a copy of the lock file in node_modules as the last act of an install: when that agrees with ours, the
 * install is whole and current, whoever ran it. Node 20's npm leaves the EVM's native part out, so it is looked for too.
 */
function isInstalled() {
  const installed = readJson(join(ROOT, "node_modules", ".package-lock.json"))?.packages;
  if (!installed || !existsSync(NODE)) return false;
  const scope = join(ROOT, "node_modules", "@nomicfoundation");
  const native = `edr-${process.platform}-${process.arch}`;
  if (!existsSync(scope) || !readdirSync(scope).some((name) => name.startsWith(native))) return false;
  const wanted = Object.entries(readJson(join(ROOT, "package-lock.json")).packages);
  return wanted.every(([path, { optional, version, integrity }]) => {
    if (path === "" || optional) return true;
    return installed[path]?.version === version && installed[path]?.integrity === integrity;
  });
}

function isBuilt() {
  return BUILD_OUTPUTS.every((path) => existsSync(path)) && readText(BUILD_STAMP) === hashOfSources();
}

function hashOfSources() {
  const hash = createHash("sha256");
  const files = ["contracts", "deploy/devnet/contracts", "bench/contracts", "test/contracts"].flatMap(solidityFiles);
  for (const file of ["hardhat.config.ts", "package-lock.json", ...files]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

function solidityFiles(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  const names = readdirSync(join(ROOT, folder), { recursive: true }).filter((name) => name.endsWith(".sol"));
  return names.sort().map((name) => join(folder, name));
}

async function install() {
  log("Installing dependencies (once, about a minute)…");
  // The install replaces node_modules, so it must not run on the Node inside it.
  const env = { ...process.env, PATH: pathWithoutOwnBins().join(delimiter) };
  const found = spawnSync("node", ["-p", "process.versions.node.split('.')[0]"], { env, shell: IS_WINDOWS });
  // --include=dev: NODE_ENV=production must not leave Hardhat out.
  const ci = "npm ci --include=dev --no-audit --no-fund";
  const node = readJson(join(ROOT, "package.json")).devDependencies.node;
  const withNode24 = ["npx", "-y", "-p", `node@${node}`, "-c", ci];
  const command = Number(String(found.stdout)) >= 22 ? ci.split(" ") : withNode24;
  await quietly(command, env, "npm ci failed. Mend what npm says above, then run the same command again.");
  if (!isInstalled()) {
    throw new SetupError("npm ci ended well but the install is not whole: remove node_modules and try again.", 1);
  }
}

async function compile() {
  log("Compiling the contracts…");
  // Taken before the build: a file edited meanwhile makes the next run compile again.
  const stamp = hashOfSources();
  const command = [NODE, HARDHAT, "build", "--quiet"];
  await quietly(command, environment(), "The contracts do not compile: see above.");
  mkdirSync(dirname(BUILD_STAMP), { recursive: true });
  writeFileSync(BUILD_STAMP, stamp);
}

/** Runs a command silently; on failure shows all it printed, on standard error. */
async function quietly([file, ...args], env, onFailure) {
  const options = { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] };
  // On Windows npm is a .cmd file, which only a shell can start; there the -c argument needs its own quotes.
  const quoted = args.map((arg) => (arg.includes(" ") ? `"${arg}"` : arg));
  const child = IS_WINDOWS ? spawn(file, quoted, { ...options, shell: true }) : spawn(file, args, options);
  const printed = [];
  child.stdout.on("data", (chunk) => printed.push(chunk));
  child.stderr.on("data", (chunk) => printed.push(chunk));
  const code = await exitCodeOf(child);
  if (code === 0) return;
  process.stderr.write(Buffer.concat(printed));
  throw new SetupError(onFailure, code);
}

/** A signal to us is the child's to act on: we pass it on, wait, and end as it ended. */
function exitCodeOf(child) {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const forward = (signal) => {
    // The terminal sends Ctrl-C to the whole group already.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new SetupError(`cannot start ${child.spawnfile}: ${error.message}`, 1)));
    child.on("close", (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** One set-up at a time in a checkout: a second one waits for the first and finds the work done. */
async function withLock(work) {
  for (let waited = false; !takeLock(); waited = true) {
    if (!waited) log("Waiting for another run that is setting this checkout up…");
    await sleep(500);
  }
  const beat = setInterval(() => utimesSync(LOCK, new Date(), new Date()), LOCK_BEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beat);
    rmSync(LOCK, { force: true });
  }
}

function takeLock() {
  try {
    writeFileSync(LOCK, `${hostname()} ${process.pid}`, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (isLockDead()) rmSync(LOCK, { force: true });
    return false;
  }
}

function isLockDead() {
  const stat = statSync(LOCK, { throwIfNoEntry: false });
  if (!stat) return false;
  const [host, pid] = (readText(LOCK) ?? "").split(" ");
  // A process id means something on its own machine only; elsewhere the heartbeat tells.
  if (host === hostname() && pid && !isAlive(Number(pid))) return true;
  return Date.now() - stat.mtimeMs > LOCK_DEAD_MS;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function pathWithoutOwnBins() {
  return (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== BIN);
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function readJson(path) {
  const text = readText(path);
  return text === undefined ? undefined : JSON.parse(text);
}

function log(line) {
  process.stderr.write(`${line}\n`);
}
