// Symbolic checks of the arithmetic of shares, fees, caps and books: `npm run audit:symbolic`. Halmos (from PyPI, at one
// version, on first use) runs the check_ functions of test/symbolic on our contracts for all inputs at once. Exits 1 unless
// every check is proved. `-- --faults` puts one fault a check into a copy of the contracts and wants a counterexample.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import process from "node:process";
import { forgeProject, forgeTool, notRun, pythonTool } from "./auditTools.ts";
import { FAULTS } from "./symbolic/faults.ts";
import type { Fault } from "./symbolic/faults.ts";

const NAME = "audit:symbolic";
const HALMOS_VERSION = "0.3.3";
/** Seconds for one query over the integers, and for the same in bits, which only counterexamples come to. */
const QUERY_SECONDS = 20;
/** Longest loop with a condition that depends on the input; reaching it is no proof. */
const LOOP = 16;
/** OpenZeppelin's 512-bit product, and its way to choose without a branch, keep any solver busy for ever: see plainMath. */
const PLAIN: readonly (readonly [string, string])[] = [
  [
    "(uint256 high, uint256 low) = mul512(x, y);\n\n            // Handle non-overflow cases, 256 by 256 division.",
    "if (x >> 128 != 0 || y >> 128 != 0) revert();\n            return (x * y) / denominator;\n" +
      "            (uint256 high, uint256 low) = mul512(x, y);\n",
  ],
  ["return b ^ ((a ^ b) * SafeCast.toUint(condition));", "return condition ? a : b;"],
];
/** Halmos' exit codes. */
const OUTCOMES = ["proved", "failed", "timed out", "stuck", "vacuous: every path reverts", "error"] as const;

type Outcome = (typeof OUTCOMES)[number] | "incomplete: a loop is longer";

interface Check {
  name: string;
  outcome: Outcome;
  paths: number;
  seconds: number;
}

/** As Halmos writes it. */
interface Report {
  test_results: Record<
    string,
    { name: string; exitcode: number; num_paths?: number[]; time?: number[]; num_bounded_loops?: number }[]
  >;
}

const began = Date.now();
const tool = resolve(pythonTool(NAME, "halmos", HALMOS_VERSION));
const forge = forgeTool(NAME);
const project = layOut();
const ok = process.argv.includes("--faults") ? runFaults() : runChecks();
process.exit(ok ? 0 : 1);

function runChecks(): boolean {
  const checks = halmos();
  for (const { name, outcome, paths, seconds } of checks) {
    print(`${outcome === "proved" ? "proved" : outcome.toUpperCase()}  ${name} (${paths} paths, ${seconds} s)`);
  }
  const count = (outcome: Outcome): number => checks.filter((check) => check.outcome === outcome).length;
  const [proved, failed, timedOut] = [count("proved"), count("failed"), count("timed out")];
  const unfaulted = checks.filter(({ name }) => !FAULTS.some(({ check }) => check === name));
  for (const { name } of unfaulted) print(`no fault shows that it can fail: ${name}`);
  const minutes = Math.round((Date.now() - began) / 6_000) / 10;
  print(
    `${NAME}: Halmos ${HALMOS_VERSION}: ${proved} proved, ${failed} failed, ${timedOut} timed out, ` +
      `${checks.length - proved - failed - timedOut} without an answer; ${minutes} minutes`,
  );
  return checks.length > 0 && proved === checks.length && unfaulted.length === 0;
}

/** Each fault alone: the check that is there for it has to find it. */
function runFaults(): boolean {
  const found = FAULTS.map((fault) => {
    const outcome = withFault(fault);
    print(`${outcome === "failed" ? "found" : `NOT FOUND (${outcome})`}  ${fault.check}`);
    print(`    ${fault.path}: ${fault.from} → ${fault.to}`);
    return outcome === "failed";
  });
  const minutes = Math.round((Date.now() - began) / 6_000) / 10;
  print(`${NAME}: ${found.filter(Boolean).length} of ${FAULTS.length} faults found; ${minutes} minutes`);
  return found.every(Boolean);
}

function withFault({ check, path, from, to }: Fault): Outcome {
  const file = join(project, path);
  const text = readFileSync(file, "utf8");
  if (text.split(from).length !== 2) notRun(NAME, `${path} has not exactly one "${from}"`);
  writeFileSync(file, text.replace(from, to));
  const [result] = halmos(check);
  writeFileSync(file, text);
  return result?.outcome ?? "error";
}

function layOut(): string {
  const folder = forgeProject(
    "symbolic",
    ["contracts", "deploy/devnet/contracts", "test/contracts/support", "test/symbolic"],
    [
      'test = "test/symbolic"',
      // As hardhat.config.ts has it.
      "optimizer = true",
      "optimizer_runs = 200",
      'remappings = ["@openzeppelin/contracts/=openzeppelin/", "openzeppelin-as-published/=openzeppelin-as-published/"]',
      "[lint]",
      "lint_on_build = false",
    ],
  );
  for (const name of ["openzeppelin", "openzeppelin-as-published"]) {
    cpSync("node_modules/@openzeppelin/contracts", join(folder, name), { recursive: true });
  }
  plainMath(join(folder, "openzeppelin/utils/math/Math.sol"));
  return folder;
}

/**
 * In the copy `mulDiv` is the plain x * y / z and reverts where a factor has more than 128 bits, and `ternary` branches.
 * Math.t.sol proves of the published ones that they are the same there.
 */
function plainMath(path: string): void {
  let text = readFileSync(path, "utf8");
  for (const [from, to] of PLAIN) {
    if (text.split(from).length !== 2) notRun(NAME, `OpenZeppelin's Math.sol has not exactly one "${from}"`);
    text = text.replace(from, to);
  }
  writeFileSync(path, text);
}

/** Runs all checks, or the one of that name. */
function halmos(check = ""): Check[] {
  const out = join(project, "result.json");
  rmSync(out, { force: true });
  const solver = [join(dirname(tool), "python"), resolve("scripts/symbolic/solver.py"), QUERY_SECONDS];
  const args = ["--loop", LOOP, "--no-status", "--json-output", out, "--solver-command", solver.join(" ")];
  const limits = ["--solver-timeout-assertion", `${3 * QUERY_SECONDS}s`, "--solver-threads", 2];
  const ran = spawnSync(
    tool,
    [...args, ...limits, ...(check === "" ? [] : ["--match-test", `^${check}\\(`])].map(String),
    {
      cwd: project,
      encoding: "utf8",
      env: { ...process.env, PATH: [dirname(forge), process.env["PATH"]].join(delimiter) },
      maxBuffer: 1e9,
    },
  );
  if (!existsSync(out)) notRun(NAME, `Halmos left no result: ${(ran.stdout + ran.stderr).slice(-2_000)}`);
  const report = JSON.parse(readFileSync(out, "utf8")) as Report;
  const checks = Object.values(report.test_results).flat().map(checkOf);
  for (const { name, outcome } of checks) {
    if (check === "" && outcome !== "proved") print(excerpt(ran.stdout, name));
  }
  return checks;
}

function checkOf({
  name,
  exitcode,
  num_paths,
  time,
  num_bounded_loops,
}: Report["test_results"][string][number]): Check {
  const outcome = OUTCOMES[exitcode] ?? "error";
  return {
    name: name.replace(/\(.*/, ""),
    outcome: outcome === "proved" && num_bounded_loops !== 0 ? "incomplete: a loop is longer" : outcome,
    paths: num_paths?.[0] ?? 0,
    seconds: Math.round((time?.[0] ?? 0) * 10) / 10,
  };
}

/** What Halmos said before it closed a check: the counterexample. */
function excerpt(printed: string, name: string): string {
  const lines = printed.split("\n");
  const end = lines.findIndex((line) => line.includes(`] ${name}(`) || line.includes(`${name}(`));
  return lines.slice(Math.max(0, end - 15), end + 1).join("\n");
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
