// The Solidity tests at depth: `npm run test:deep`. Every fuzz test at 10,000 runs, the invariants in long random sequences
// on the real venues; half an hour and more on two cores, said at the end. Then the symbolic checks (auditSymbolic.ts). Exits 1
// when anything fails, ran too few times, or cannot run.
import { spawn, spawnSync } from "node:child_process";
import process from "node:process";

const LEAST_FUZZ_RUNS = 10_000;
const LEAST_INVARIANT_RUNS = 60;

const began = Date.now();
const { code, printed } = await run();
const runs = [...printed.matchAll(/✔ (\w+)\([^)]*\) \(runs: (\d+)/g)].map(([, name, count]) => ({
  name: name!,
  count: Number(count),
}));
const invariants = runs.filter(({ name }) => name.startsWith("invariant"));
const fuzz = runs.filter(({ name }) => !name.startsWith("invariant"));
const shallow = [
  ...fuzz.filter(({ count }) => count < LEAST_FUZZ_RUNS),
  ...invariants.filter(({ count }) => count < LEAST_INVARIANT_RUNS),
];
for (const { name, count } of shallow) print(`too few runs: ${name} ${count}`);
const passed = Number(/(\d+) passing/.exec(printed)?.[1] ?? 0);
const failed = Number(/(\d+) failing/.exec(printed)?.[1] ?? 0);
const minutes = Math.round((Date.now() - began) / 6_000) / 10;
print(
  `test:deep: ${passed} passed, ${failed} failed; ${fuzz.length} fuzz tests at ${LEAST_FUZZ_RUNS} runs and more, ` +
    `${invariants.length} invariant suites; ${minutes} minutes`,
);
const tested = code === 0 && failed === 0 && shallow.length === 0 && fuzz.length > 0 && invariants.length > 0;
const symbolic = spawnSync(process.execPath, ["--import", "tsx", "scripts/auditSymbolic.ts"], { stdio: "inherit" });
print(
  `test:deep: Solidity tests ${tested ? "passed" : "FAILED"}; ` +
    `symbolic checks ${symbolic.status === 0 ? "proved" : "FAILED or NOT RUN: see above"}`,
);
process.exit(tested && symbolic.status === 0 ? 0 : 1);

/** Shows what it prints as it comes, and keeps it. */
async function run(): Promise<{ code: number; printed: string }> {
  const child = spawn("npx", ["hardhat", "test", "solidity", ...process.argv.slice(2)], {
    env: { ...process.env, BALLAST_TESTS: "deep" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    printed += text;
    process.stdout.write(text);
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code: code ?? 1, printed })));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
