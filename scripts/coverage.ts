// Which lines and branches of contracts/ the tests reach: `npm run coverage`. Lines by Hardhat over every test that runs a
// contract; branches by forge (from npm) over the Solidity tests, since Hardhat 3 reports none. Exits 1 below 100 %.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { forgeProject, forgeTool, notRun } from "./auditTools.ts";

/**
 * Forge measures with the optimizer off, and some structs' ABI coding then runs out of stack. Its own way out, the IR
 * pipeline, takes ten minutes and more; these two steps are enough, and move no source.
 */
const STACK_ONLY = {
  enabled: false,
  details: { orderLiterals: true, yul: true, yulDetails: { stackAllocation: true, optimizerSteps: "u" } },
};
/** Tests that deploy our contracts; the others would only take time. */
const MOCHA = readdirSync("test/integration")
  .filter((name) => /factory|vaultScene|attackScene|bringUp|Adapter|Scene/.test(readText(`test/integration/${name}`)))
  .map((name) => `test/integration/${name}`);

/** Lines that no test can reach, each with its reason: `path:line text`. */
const EXCLUDED: Readonly<Record<string, string>> = {};

const lines = hardhatLines();
const branches = forgeBranches();
for (const line of [...lines.missing, ...branches.missing]) process.stdout.write(`${line}\n`);
process.stdout.write(
  `coverage: lines ${share(lines)} by all contract tests; branches ${share(branches)} by the Solidity tests alone\n`,
);
process.exit(lines.missing.length + branches.missing.length === 0 ? 0 : 1);

interface Reached {
  hit: number;
  all: number;
  missing: string[];
}

function hardhatLines(): Reached {
  rmSync("coverage", { recursive: true, force: true });
  const solidity = spawnSync("npx", ["hardhat", "--coverage", "test", "solidity"], { stdio: "inherit" });
  const first = readLcov("coverage/lcov.info", "DA");
  const mocha = spawnSync("npx", ["hardhat", "--coverage", "test", "mocha", ...MOCHA], { stdio: "inherit" });
  if (solidity.status !== 0 || mocha.status !== 0) notRun("coverage", "a test failed: see above");
  return merge("line", [first, readLcov("coverage/lcov.info", "DA")]);
}

/** Forge compiles without the optimizer to place its marks, so its lines are its own; we take branches. */
function forgeBranches(): Reached {
  const forge = forgeTool("coverage");
  const folder = forgeProject(
    "forge-coverage",
    ["contracts", "deploy/devnet/contracts", "test/contracts"],
    [
      'test = "test/contracts"',
      'remappings = ["@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/"]',
      'fs_permissions = [{ access = "read", path = "./node_modules" }]',
      "[fuzz]",
      "runs = 32",
      'seed = "0x1"',
      "[invariant]",
      "runs = 2",
      "depth = 100",
    ],
    STACK_ONLY,
  );
  const ran = spawnSync(forge, ["coverage", "--report", "lcov", "--no-match-coverage", "test|deploy|node_modules"], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  const report = join(folder, "lcov.info");
  if (ran.status !== 0 || !existsSync(report))
    notRun("coverage", `forge failed: ${(ran.stderr + ran.stdout).slice(-2_000)}`);
  return merge("branch", [readLcov(report, "BRDA")]);
}

/** `path:line` (and branch) with how often it was reached. */
function readLcov(path: string, kind: "DA" | "BRDA"): Map<string, number> {
  const reached = new Map<string, number>();
  let file = "";
  for (const row of readText(path).split("\n")) {
    if (row.startsWith("SF:")) file = relative(".", row.slice(3));
    if (!row.startsWith(`${kind}:`) || !file.startsWith("contracts/")) continue;
    const fields = row.slice(kind.length + 1).split(",");
    const count = fields.at(-1) === "-" ? 0 : Number(fields.at(-1));
    reached.set(kind === "DA" ? `${file}:${fields[0]!}` : `${file}:${fields.slice(0, 3).join("/")}`, count);
  }
  return reached;
}

function merge(what: string, runs: Map<string, number>[]): Reached {
  const places = [...new Set(runs.flatMap((run) => [...run.keys()]))].sort();
  const missing = places.filter((place) => runs.every((run) => (run.get(place) ?? 0) === 0) && !(place in EXCLUDED));
  return {
    all: places.length,
    hit: places.length - missing.length,
    missing: missing.map((at) => `${what} not reached: ${at}`),
  };
}

function share({ hit, all }: Reached): string {
  return `${all === 0 ? "0" : ((hit / all) * 100).toFixed(2)} % (${hit} of ${all})`;
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}
