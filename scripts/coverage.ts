// Which lines and branches of contracts/ the Solidity tests reach: `npm run coverage`. Measured by forge (from npm), since
// Hardhat 3 reports no branches; some ten minutes on two cores. Exits 1 below 100 % of either.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { STACK_ONLY, forgeProject, forgeTool, notRun } from "./auditTools.ts";

/** What no test can reach, by file and the line's text, each with its reason. */
const EXCLUDED: Readonly<Record<string, string>> = {};

/** A kind of place in an lcov report. */
type Kind = "line" | "branch";
const RECORDS: Readonly<Record<Kind, string>> = { line: "DA:", branch: "BRDA:" };

const began = Date.now();
const report = await measured();
const argued = new Set<string>();
const [lines, branches] = [reached("line"), reached("branch")];
const stale = Object.keys(EXCLUDED).filter((place) => !argued.has(place));
for (const place of stale) print(`excluded, but not there or reached: ${place}`);
for (const line of [...lines.missing, ...branches.missing]) print(line);
print(
  `coverage: ${share(lines)} of lines and ${share(branches)} of branches by the Solidity tests, ` +
    `${Object.keys(EXCLUDED).length} excluded with a reason; ${Math.round((Date.now() - began) / 60_000)} minutes`,
);
process.exit(lines.missing.length + branches.missing.length + stale.length === 0 ? 0 : 1);

interface Reached {
  hit: number;
  all: number;
  missing: string[];
}

/** Runs the Solidity tests under forge; answers its lcov report. */
async function measured(): Promise<string> {
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
  const args = ["coverage", "--report", "lcov", "--no-match-coverage", "test|deploy|node_modules"];
  const running = spawn(forge, args, { cwd: folder, stdio: "inherit" });
  const code = await new Promise((done) => running.once("exit", done));
  const path = join(folder, "lcov.info");
  if (code !== 0 || !existsSync(path)) notRun("coverage", `forge ended with ${String(code)}: see above`);
  return readFileSync(path, "utf8");
}

/** Forge compiles a file once for every set of sources it belongs to: a place is reached when it is in any of them. */
function reached(kind: Kind): Reached {
  const places = new Map<string, { at: string; excluded: string; count: number }>();
  let file = "";
  for (const row of report.split("\n")) {
    if (row.startsWith("SF:")) file = relative(".", row.slice(3));
    if (!row.startsWith(RECORDS[kind]) || !file.startsWith("contracts/")) continue;
    const fields = row.slice(RECORDS[kind].length).split(",");
    const count = Number(fields.at(-1)) || 0;
    const at = [file, ...(kind === "line" ? fields.slice(0, 1) : fields.slice(0, 3))].join(":");
    const before = places.get(at)?.count ?? 0;
    places.set(at, { at, excluded: `${file}: ${textOf(file, Number(fields[0]))}`, count: before + count });
  }
  const missing = [...places.values()].filter(({ count }) => count === 0);
  for (const { excluded } of missing) if (excluded in EXCLUDED) argued.add(excluded);
  const left = missing.filter(({ excluded }) => !(excluded in EXCLUDED));
  return {
    all: places.size,
    hit: places.size - left.length,
    missing: left.map(({ at, excluded }) => `${kind} not reached: ${at} ${excluded}`),
  };
}

function textOf(file: string, line: number): string {
  return readFileSync(file, "utf8").split("\n")[line - 1]?.trim() ?? "";
}

function share({ hit, all }: Reached): string {
  return `${all === 0 ? "0" : ((hit / all) * 100).toFixed(2)} % (${hit} of ${all})`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
