// Small faults put into the contracts one at a time, and whether a test notices: `npm run audit:mutation`. A seeded sample
// by default; `-- --all` takes every one. Exits 1 below 95 % killed. Survivors are argued in mutation/argued.ts.
//
// The Solidity tests judge; the integration test named after the contract judges what they let through. Verdicts are kept
// in cache/audit/mutation.json by contract and tests, so that a second run only judges what changed; `-- --fresh` forgets.
import { fork, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import hre from "hardhat";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Artifact, ArtifactId } from "@nomicfoundation/edr";
import { CACHE, notRun, put, solidityFiles, sourcesOf } from "./auditTools.ts";
import { ALIKE, ARGUED } from "./mutation/argued.ts";
import { describe, faultsOf, nameOf } from "./mutation/faults.ts";
import type { Fault } from "./mutation/faults.ts";
import { artifactsOf, compile, deployables, isSuite, linkedTests, profileOf, treeOf } from "./mutation/solidity.ts";
import type { Base, Bench, Order, Verdict } from "./mutation/worker.ts";

const LEAST_KILLED = 0.95;
const FOLDERS = ["vault", "rebalance", "regime", "governance"];
const KEPT = join(CACHE, "mutation.json");
/** A fault may never end; one that takes this long is noticed. */
const SOLIDITY_TIMEOUT = 180_000;
const INTEGRATION_TIMEOUT = 600_000;

const options = new Command("audit:mutation")
  .description("put small faults into the contracts and count those a test notices")
  .option("--all", "every fault, not a sample")
  .option("--sample <count>", "how many faults", Number, 120)
  .option("--seed <number>", "which sample", Number, 1)
  .option("--only <name>", "faults in files whose path has this in it")
  .option("--fresh", "judge again what was judged before")
  .option("--solidity", "let no integration test judge")
  .option("--workers <count>", "faults judged at the same time", Number, Math.min(2, availableParallelism()))
  .parse()
  .opts<{
    all?: true;
    sample: number;
    seed: number;
    only?: string;
    fresh?: true;
    solidity?: true;
    workers: number;
  }>();

const began = Date.now();
const everyFile = FOLDERS.flatMap((folder) => solidityFiles(`contracts/${folder}`));
const files = everyFile.filter((file) => file.includes(options.only ?? ""));
const found = files.flatMap((file) => faultsOf(file, readFileSync(file, "utf8"), treeOf(file)));
const stale = [...Object.keys(ALIKE), ...Object.keys(ARGUED)].filter(
  (name) => files.some((file) => name.startsWith(`${file} `)) && !found.some((fault) => nameOf(fault) === name),
);
const every = found.filter((fault) => !(nameOf(fault) in ALIKE));
const faults = options.all ? every : sample(every, options.sample, options.seed);

const judged = new Map<Fault, Verdict>();
const kept = readKept();
const { base, benches, keys, everything } = prepared([...new Set(faults.map(({ file }) => file))]);
const basePath = resolve(CACHE, "mutation-base.json");
put(basePath, JSON.stringify(base));
const checkouts = new Set<string>();
for (const fault of faults) {
  const verdict = kept[keyOf(fault)];
  if (verdict !== undefined) conclude(fault, verdict);
}
if (judged.size < faults.length) await timeSuites();
const passedOn: [Fault, Artifact[]][] = [];
await inParallel(
  faults.filter((fault) => !judged.has(fault)),
  async (fault, worker) => {
    const { code, ...verdict } = await worker.judge({ fault, bench: benches.get(fault.file)! });
    if (verdict.result === "survived" && !options.solidity && integrationTests(fault.file).length > 0) {
      passedOn.push([fault, code!]);
    } else conclude(fault, verdict);
  },
);
await judgedByIntegration(passedOn);

const verdicts = faults.map((fault) => [fault, judged.get(fault)!] as const);
const killed = verdicts.filter(([, { result }]) => result === "killed").length;
const survivors = verdicts.filter(([, { result }]) => result === "survived").map(([fault]) => fault);
for (const file of files) {
  const [dead, all] = [true, false].map(
    (dead) =>
      verdicts.filter(
        ([fault, { result }]) => fault.file === file && (result === "killed" || (!dead && result === "survived")),
      ).length,
  );
  if (all! > 0) say(`${file}: ${percent(dead! / all!)} of ${all} killed`);
}
for (const name of stale) say(`mutation/argued.ts argues a fault that is not there: ${name}`);
for (const fault of survivors) say(`SURVIVED ${describe(fault)}: ${ARGUED[nameOf(fault)] ?? "no reason given"}`);
const count = killed + survivors.length;
const share = count === 0 ? 0 : killed / count;
const uncounted = (result: string): number => verdicts.filter(([, verdict]) => verdict.result === result).length;
say(
  `audit:mutation: ${percent(share)} of ${count} faults killed (at least ${percent(LEAST_KILLED)}), ` +
    `${uncounted("stillborn")} did not compile, ${uncounted("alike")} made the same code; ` +
    `${faults.length} of ${every.length} faults${options.all ? "" : ` (sample ${options.seed})`} ` +
    `in ${Math.round((Date.now() - began) / 1_000)} s`,
);
process.exit(share >= LEAST_KILLED && stale.length === 0 ? 0 : 1);

/** The tests compiled, and for each file which of them judge it. */
function prepared(faulty: string[]): {
  base: Base;
  benches: Map<string, Bench>;
  keys: Map<string, string>;
  everything: Bench;
} {
  const profile = profileOf(hre.config.test.solidity.profiles["default"]!);
  const everyTest = solidityFiles("test/contracts").filter((test) => test.endsWith(".t.sol"));
  const everyContract = new Set(deployables().values());
  const closures = new Map(everyTest.map((test) => [test, sourcesOf([test])]));
  const tests = everyTest.filter((test) => faulty.some((file) => closures.get(test)!.has(file)));
  const { sources, deployed } = linkedTests(tests);
  const own = compiledTests(sources);
  const contracts = [...new Set(deployed.values())];
  const sound = artifactsOf(compile(sourcesOf(contracts), contracts, "judged"));

  // What no Solidity test deploys, an integration test may.
  const deployable = [...new Set([...contracts, ...faulty.filter((file) => everyContract.has(file))])];
  const isDeployable = (name: string): boolean => contracts.includes(name);
  const suitesOf = (of: string[]): ArtifactId[] =>
    own.filter((one) => of.includes(one.id.source) && isSuite(one)).map(({ id }) => id);
  const judge = readFileSync("scripts/mutation/solidity.ts", "utf8");
  const benches = new Map<string, Bench>();
  const keys = new Map<string, string>();
  for (const file of faulty) {
    const judges = tests.filter((test) => closures.get(test)!.has(file));
    const bench = {
      contracts: deployable.filter((contract) => sourcesOf([contract]).has(file)),
      // Their own code holds the file's: they import it otherwise than through a contract they deploy.
      embedding: judges.filter((test) => !isDeployable(file) && sourcesOf([test], isDeployable).has(file)),
      suites: suitesOf(judges),
    };
    benches.set(file, bench);
    keys.set(file, digest([[...sourcesOf([...judges, ...bench.contracts])], profile, judge]));
  }
  const everything = { contracts: [], embedding: [], suites: suitesOf(tests) };
  return { base: { tests: [...own, ...sound], sources: [...sources], profile }, benches, keys, everything };
}

/** All must pass without a fault; those named after a contract judge it first, then the quick ones. */
async function timeSuites(): Promise<void> {
  const took = new Map<string, number>();
  await inParallel(everything.suites, async (suite, worker) => {
    const start = Date.now();
    const { by } = await worker.judge({ fault: undefined, bench: { ...everything, suites: [suite] } });
    if (by !== undefined) notRun("audit:mutation", `a test fails without a fault: ${by}`);
    took.set(suite.source + suite.name, Date.now() - start);
  });
  for (const [file, { suites }] of benches) {
    const rank = ({ source, name }: ArtifactId): number =>
      basename(source).startsWith(basename(file, ".sol")) ? 0 : took.get(source + name)!;
    suites.sort((a, b) => rank(a) - rank(b));
  }
}

/** Compiling every test takes a minute: kept while neither they nor what they import changes. */
function compiledTests(sources: Map<string, string>): Artifact[] {
  const path = join(CACHE, "mutation-tests.json");
  const hash = digest([...sources]);
  if (existsSync(path)) {
    const kept = JSON.parse(readFileSync(path, "utf8")) as { hash: string; tests: Artifact[] };
    if (kept.hash === hash) return kept.tests;
  }
  const files = [...sources.keys()].filter((file) => file.startsWith("test/"));
  const made = artifactsOf(compile(sources, files, "judged"));
  put(path, JSON.stringify({ hash, tests: made }));
  return made;
}

interface Judge {
  judge: (order: Order) => Promise<Verdict>;
}

/** Works off items, each lane with a worker process of its own; one that never ends is replaced. */
async function inParallel<T>(items: T[], work: (item: T, worker: Judge, lane: number) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async (_: unknown, index: number): Promise<void> => {
    let child: ChildProcess | undefined;
    const judge = (order: Order): Promise<Verdict> =>
      new Promise((done) => {
        const running = (child ??= fork(new URL("mutation/worker.ts", import.meta.url), [basePath]));
        const timer = setTimeout(() => running.kill("SIGKILL"), SOLIDITY_TIMEOUT);
        const end = (verdict: Verdict): void => {
          clearTimeout(timer);
          running.removeAllListeners();
          done(verdict);
        };
        running.once("message", end);
        running.once("exit", (code) => {
          if (code !== null) notRun("audit:mutation", `a worker ended with ${code}: see above`);
          child = undefined;
          end({ result: "killed", by: "it never ends" });
        });
        running.send(order);
      });
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item, { judge }, index);
    child?.kill();
  };
  await Promise.all(Array.from({ length: Math.min(options.workers, items.length) }, lane));
}

/** The integration tests named after a contract judge what the Solidity tests let through, each lane in a checkout. */
async function judgedByIntegration(left: [Fault, Artifact[]][]): Promise<void> {
  const tried = new Map<string, Promise<boolean>>();
  await inParallel(left, async ([fault, code], _, lane) => {
    const [tests, work] = [integrationTests(fault.file), checkout(lane)];
    const sound = tried.get(fault.file) ?? mocha(work, tests);
    tried.set(fault.file, sound);
    if (!(await sound)) notRun("audit:mutation", `${tests.join(", ")} fail without a fault`);
    const undo = code.flatMap((artifact) => deployInstead(work, artifact));
    const passed = await mocha(work, tests);
    for (const [path, text] of undo) writeFileSync(path, text);
    conclude(fault, passed ? { result: "survived" } : { result: "killed", by: tests.join(" ") });
  });
}

function integrationTests(file: string): string[] {
  const name = basename(file, ".sol").toLowerCase();
  return readdirSync("test/integration")
    .filter((test) => basename(test, ".ts").toLowerCase().startsWith(name))
    .map((test) => `test/integration/${test}`);
}

/** A copy of the checkout to put faults into; the real one is never touched. */
function checkout(lane: number): string {
  const work = resolve(CACHE, `mutation-${lane}`);
  if (checkouts.has(work)) return work;
  checkouts.add(work);
  rmSync(work, { recursive: true, force: true });
  const left = new Set(["node_modules", "cache", "coverage", ".git"]);
  for (const name of readdirSync(".")) {
    if (!left.has(name)) cpSync(name, join(work, name), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(work, "node_modules"));
  return work;
}

/** Puts a contract's code where Hardhat and the deployment scripts read it; answers what was there. */
function deployInstead(work: string, { id, contract }: Artifact): [path: string, text: string][] {
  const artifact = join(work, "artifacts", id.source, `${id.name}.json`);
  const factory = join(work, "typechain-types/factories", id.source.replace(/[^/]+$/, `${id.name}__factory.ts`));
  const before = JSON.parse(readFileSync(artifact, "utf8")) as { bytecode: string; deployedBytecode: string };
  return [artifact, factory].map((path) => {
    const text = readFileSync(path, "utf8");
    if (!text.includes(before.bytecode)) notRun("audit:mutation", `${path} does not hold the code: run npm run build`);
    const changed = text.replace(before.bytecode, contract.bytecode!);
    writeFileSync(path, changed.replace(before.deployedBytecode, contract.deployedBytecode!));
    return [path, text];
  });
}

function mocha(work: string, tests: string[]): Promise<boolean> {
  const args = ["node_modules/hardhat/dist/src/cli.js", "test", "mocha", "--no-compile", ...tests];
  const running = spawn(process.execPath, args, { cwd: work, stdio: "ignore", timeout: INTEGRATION_TIMEOUT });
  return new Promise((done) => running.once("exit", (code) => done(code === 0)));
}

function conclude(fault: Fault, { result, by }: Verdict): void {
  judged.set(fault, { result, by });
  kept[keyOf(fault)] = { result, by };
  if (judged.size % 20 === 0 || judged.size === faults.length) put(KEPT, JSON.stringify(kept));
  const at = `${judged.size}/${faults.length}`.padStart(9);
  say(`${at} ${result.padEnd(9)} ${describe(fault)}${by === undefined ? "" : ` [${by}]`}`);
}

function readKept(): Record<string, Verdict> {
  if (options.fresh || !existsSync(KEPT)) return {};
  return JSON.parse(readFileSync(KEPT, "utf8")) as Record<string, Verdict>;
}

function keyOf(fault: Fault): string {
  return digest([keys.get(fault.file), fault.start, fault.end, fault.text, !options.solidity]);
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

function sample(from: Fault[], count: number, seed: number): Fault[] {
  const random = xoroshiro128plus(seed);
  const left = [...from];
  const chosen: Fault[] = [];
  while (chosen.length < count && left.length > 0)
    chosen.push(...left.splice(uniformInt(random, 0, left.length - 1), 1));
  return chosen.sort((a, b) => a.file.localeCompare(b.file) || a.start - b.start);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
