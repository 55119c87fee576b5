// Slither and solhint over contracts/: `npm run audit:static`. Exits 1 on any finding that auditSuppressions.ts does not
// argue away, and when Slither cannot be had (it is installed from PyPI, at one version, on first use).
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { SUPPRESSIONS } from "./auditSuppressions.ts";
import type { Suppression } from "./auditSuppressions.ts";
import { CACHE, notRun, pythonTool, put, solcProgram, solidityFiles, sourcesOf } from "./auditTools.ts";

const SLITHER_VERSION = "0.11.6";
/** As hardhat.config.ts has it. */
const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "cancun",
  outputSelection: {
    "*": { "*": ["abi", "evm.bytecode", "evm.deployedBytecode", "devdoc", "userdoc"], "": ["ast"] },
  },
};

interface Element {
  type: string;
  name: string;
  type_specific_fields?: { parent?: Element };
}

interface Finding {
  check: string;
  impact: string;
  description: string;
  elements: Element[];
}

const solhint = spawnSync("npm", ["run", "-s", "lint:contracts"], { encoding: "utf8" });
if (solhint.status !== 0) process.stdout.write(solhint.stdout + solhint.stderr);
process.stdout.write(`solhint: ${solhint.status === 0 ? "clean" : "NOT clean"}\n`);

const { findings, unread } = slither();
const used = new Set<Suppression>();
const open = findings.filter((finding) => {
  const argued = SUPPRESSIONS.filter((suppression) => matches(suppression, finding));
  for (const suppression of argued) used.add(suppression);
  return argued.length === 0;
});
for (const { check, impact, description } of open) {
  process.stdout.write(`\n${impact}: ${check}\n${description.trim()}\n`);
}
for (const suppression of SUPPRESSIONS.filter((entry) => !used.has(entry))) {
  process.stdout.write(`no longer found: ${suppression.check} at ${suppression.at ?? "any place"}\n`);
}
for (const line of unread) process.stdout.write(`Slither could not read: ${line}\n`);
process.stdout.write(
  `audit:static: solhint ${solhint.status === 0 ? "clean" : "NOT clean"}; Slither ${SLITHER_VERSION}: ` +
    `${open.length} findings open, ${findings.length - open.length} argued in scripts/auditSuppressions.ts\n`,
);
process.exit(open.length === 0 && solhint.status === 0 ? 0 : 1);

function slither(): { findings: Finding[]; unread: string[] } {
  const tool = pythonTool("audit:static", "slither-analyzer", SLITHER_VERSION);
  const folder = resolve(CACHE, "slither");
  rmSync(folder, { recursive: true, force: true });
  const sources = sourcesOf(solidityFiles("contracts"));
  // Slither reads the files again where it found their names, so they lie there.
  for (const [name, text] of sources) put(join(folder, name), text);
  const content = Object.fromEntries([...sources].map(([name, text]) => [name, { content: text }]));
  put(join(folder, "input.json"), JSON.stringify({ language: "Solidity", sources: content, settings: SETTINGS }));
  const args = ["input.json", "--compile-force-framework", "solc-json", "--solc", solcProgram(folder)];
  const ran = spawnSync(resolve(tool), [...args, "--filter-paths", "@openzeppelin", "--json", "out.json"], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  const out = join(folder, "out.json");
  if (!existsSync(out)) notRun("audit:static", `Slither left no result: ${ran.stderr.slice(-2_000)}`);
  const result = JSON.parse(readFileSync(out, "utf8")) as { success: boolean; error: string | null; results: object };
  if (!result.success) notRun("audit:static", `Slither failed: ${result.error ?? ""}`);
  const { detectors = [] } = result.results as { detectors?: Finding[] };
  const unread = [...ran.stderr.matchAll(/Impossible to generate IR for (\S+)/g)].map(([, place]) => place!);
  return { findings: detectors, unread };
}

function matches({ check, at }: Suppression, finding: Finding): boolean {
  if (check !== finding.check) return false;
  const place = placeOf(finding);
  return at === undefined || place === at || place.startsWith(`${at}.`);
}

/** `Contract.function` of a finding's first element, however deep that is. */
function placeOf({ elements }: Finding): string {
  const names: string[] = [];
  for (let element = elements[0]; element !== undefined; element = element.type_specific_fields?.parent) {
    if (element.type === "contract" || element.type === "function") names.unshift(element.name);
  }
  return names.join(".");
}
