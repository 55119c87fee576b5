// Small faults put into the contracts one at a time, and whether a test notices: `npm run audit:mutation`. A seeded sample
// by default, because each fault compiles and runs its tests (half a minute and more); `-- --all` takes every one. Exits 1
// below 95 % killed. A fault that is no fault (same behaviour) belongs into ALIKE, with the reason.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { CACHE, notRun, solidityFiles } from "./auditTools.ts";

const LEAST_KILLED = 0.95;
const FOLDERS = ["vault", "rebalance", "regime", "governance"];

/** What is put in the place of what; the first match of each on a line is one fault. */
const OPERATORS: readonly [name: string, from: RegExp, to: string][] = [
  ["boundary", / < /, " <= "],
  ["boundary", / > /, " >= "],
  ["boundary", / <= /, " < "],
  ["boundary", / >= /, " > "],
  ["equality", / == /, " != "],
  ["equality", / != /, " == "],
  ["logic", / && /, " || "],
  ["logic", / \|\| /, " && "],
  ["sum", / \+ (?!=)/, " - "],
  ["sum", / - (?!=)/, " + "],
  ["sum", / \+= /, " -= "],
  ["sum", / -= /, " += "],
  ["product", / \* /, " / "],
  ["product", / \/ /, " * "],
  ["rounding", /Rounding\.Ceil/, "Rounding.Floor"],
  ["extreme", /Math\.min\(/, "Math.max("],
  ["extreme", /Math\.max\(/, "Math.min("],
  ["no refusal", /^(\s*)if \(.*\) revert .*;$/, "$1"],
  ["no guard", / (restricted|nonReentrant)(?= )/, ""],
  ["no write", /^(\s+)(_?[a-z]\w*(\[[^\]]+\])?(\.\w+)?) [-+]?= [^;]*;$/, "$1"],
];

/** `file: line text -> mutated` that behaves as before, and why. */
const ALIKE: Readonly<Record<string, string>> = {};

interface Mutant {
  file: string;
  line: number;
  operator: string;
  before: string;
  after: string;
}

const options = new Command("audit:mutation")
  .description("put small faults into the contracts and count those a test notices")
  .option("--all", "every fault, not a sample")
  .option("--sample <count>", "how many faults", Number, 40)
  .option("--seed <number>", "which sample", Number, 1)
  .option("--only <name>", "faults in files whose path has this in it")
  .parse()
  .opts<{ all?: true; sample: number; seed: number; only?: string }>();

const everyFile = FOLDERS.flatMap((folder) => solidityFiles(`contracts/${folder}`));
const files = everyFile.filter((file) => !basename(file).startsWith("I") && file.includes(options.only ?? ""));
const every = files.flatMap(mutantsOf).filter((mutant) => !(describe(mutant) in ALIKE));
const mutants = options.all ? every : sample(every, options.sample, options.seed);
const work = checkout();
const from = Date.now();
const tally = { killed: 0, stillborn: 0, survived: [] as Mutant[] };
for (const file of new Set(mutants.map((mutant) => mutant.file))) {
  if (verdict(file) !== "survived") notRun("audit:mutation", `the tests of ${file} fail without a fault`);
}
for (const mutant of mutants) {
  const path = join(work, mutant.file);
  const whole = readFileSync(path, "utf8");
  const rows = whole.split("\n");
  rows[mutant.line - 1] = mutant.after;
  writeFileSync(path, rows.join("\n"));
  const result = verdict(mutant.file);
  writeFileSync(path, whole);
  if (result === "killed") tally.killed++;
  else if (result === "stillborn") tally.stillborn++;
  else tally.survived.push(mutant);
  process.stdout.write(`${result.padEnd(9)} ${describe(mutant)}\n`);
}
const judged = tally.killed + tally.survived.length;
const share = judged === 0 ? 0 : tally.killed / judged;
for (const mutant of tally.survived) process.stdout.write(`SURVIVED ${describe(mutant)}\n`);
process.stdout.write(
  `audit:mutation: ${(share * 100).toFixed(1)} % of ${judged} faults killed (at least ${LEAST_KILLED * 100} %), ` +
    `${tally.stillborn} did not compile; ${mutants.length} of ${every.length} faults` +
    `${options.all ? "" : ` (sample ${options.seed})`} in ${Math.round((Date.now() - from) / 1_000)} s\n`,
);
process.exit(share >= LEAST_KILLED ? 0 : 1);

function mutantsOf(file: string): Mutant[] {
  const found: Mutant[] = [];
  for (const [index, before] of readFileSync(file, "utf8").split("\n").entries()) {
    if (/^\s*(\/\/|\*|import|pragma|error |event )/.test(before)) continue;
    for (const [operator, pattern, to] of OPERATORS) {
      const after = before.replace(pattern, to);
      if (after !== before) found.push({ file, line: index + 1, operator, before, after });
    }
  }
  return found;
}

function sample(from: Mutant[], count: number, seed: number): Mutant[] {
  const random = xoroshiro128plus(seed);
  const left = [...from];
  const chosen: Mutant[] = [];
  while (chosen.length < count && left.length > 0)
    chosen.push(...left.splice(uniformInt(random, 0, left.length - 1), 1));
  return chosen.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

/** A copy of the checkout to put faults into; the real one is never touched. */
function checkout(): string {
  const work = resolve(CACHE, "mutation");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const kept = new Set(["node_modules", "cache", "coverage", ".git"]);
  for (const name of readdirSync(".")) {
    if (!kept.has(name)) cpSync(name, join(work, name), { recursive: true });
  }
  if (existsSync("cache/compile-cache.json"))
    cpSync("cache/compile-cache.json", join(work, "cache/compile-cache.json"));
  symlinkSync(resolve("node_modules"), join(work, "node_modules"));
  return work;
}

/** Solidity tests first, being faster; the integration tests only judge what those let through. */
function verdict(file: string): "killed" | "stillborn" | "survived" {
  const name = basename(file, ".sol");
  const solidity = naming(solidityFiles("test/contracts"), name).filter((test) => test.endsWith(".t.sol"));
  const integration = readdirSync("test/integration").map((test) => `test/integration/${test}`);
  const own = integration.filter((test) => basename(test, ".ts").toLowerCase().startsWith(name.toLowerCase()));
  if (hardhat(["build", "--quiet"]).status !== 0) return "stillborn";
  for (const [kind, tests] of [
    ["solidity", solidity],
    ["mocha", own],
  ] as const) {
    if (tests.length > 0 && hardhat(["test", kind, ...tests]).status !== 0) return "killed";
  }
  return "survived";
}

function naming(paths: string[], name: string): string[] {
  return paths.filter((path) => readFileSync(path, "utf8").includes(`${name}.sol"`));
}

function hardhat(args: string[]): { status: number | null } {
  // A fault may never end; one that takes ten minutes is noticed.
  return spawnSync(join(work, "node_modules/.bin/hardhat"), args, { cwd: work, stdio: "ignore", timeout: 600_000 });
}

function describe({ file, line, operator, before, after }: Mutant): string {
  return `${file}:${line} ${operator}: ${before.trim()} -> ${after.trim() === "" ? "(gone)" : after.trim()}`;
}
