// `npm test` and `npm run test:long`: parts of the tests, each in a process of its own, so that two cores are busy while a
// test waits for a browser or a clock. What each prints is shown whole when it ends; meanwhile a line now and then says how
// far they are.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, HARDHAT, NODE, ROOT } from "./setup.mjs";

/** More parts than run at once: whoever is done takes the next, so that none waits long for the last. */
const PARTS = 6;
const AT_ONCE = 3;
const PROGRESS_MS = 60_000;

/**
 * Searches for a profit, faults at every step of a tick, kills at any moment, whole runs again in other processes: minutes
 * each, and `npm test` is to stay under ten. They are as much of the gate: `.ci/run` runs both.
 */
const LONG = [
  "test/integration/attacks/",
  "test/integration/demo.ts",
  "test/integration/deploy.ts",
  "test/integration/forgedKinds.ts",
  "test/integration/keeperFaults.ts",
  "test/integration/keeperQueue.ts",
  "test/quant/lookAhead.ts",
];

/** Runs the Solidity tests and all mocha files but the long ones, or these alone; answers the first exit code but zero. */
export async function runTests({ long = false } = {}) {
  const began = Date.now();
  const waiting = [
    ...(long ? [] : [{ name: "solidity", args: ["solidity", "--no-compile"] }]),
    ...parts(long).map((files, index) => ({
      name: `${long ? "long" : "mocha"} ${index + 1} of ${PARTS}`,
      args: ["mocha", "--no-compile", ...files],
    })),
  ];
  const runs = [];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const run = start(next);
      runs.push(run);
      await run.ended;
    }
  };
  const progress = setInterval(() => {
    const passed = runs.reduce((sum, { output }) => sum + (output.join("").match(/✔/g) ?? []).length, 0);
    const running = runs.filter(({ code }) => code === null).map(({ name }) => name);
    const seconds = Math.round((Date.now() - began) / 1_000);
    const waits = waiting.length === 0 ? "" : `, ${waiting.length} to come`;
    process.stderr.write(`${seconds} s: ${passed} passed; running ${running.join(", ")}${waits}\n`);
  }, PROGRESS_MS);
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  clearInterval(progress);
  return runs.map(({ code }) => code).find((code) => code !== 0) ?? 0;
}

function start({ name, args }) {
  // All is compiled already: three compilers at once would be slower, and in each other's way.
  const child = spawn(NODE, [HARDHAT, "test", ...args], {
    cwd: ROOT,
    env: { FORCE_COLOR: "0", ...environment() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const run = { name, output: [], code: null };
  child.stdout.on("data", (chunk) => run.output.push(chunk.toString()));
  child.stderr.on("data", (chunk) => run.output.push(chunk.toString()));
  run.ended = new Promise((resolve) => {
    child.on("error", (error) => run.output.push(`${error.message}\n`));
    child.on("close", (code) => {
      run.code = code ?? 1;
      process.stdout.write(`\n== tests: ${name}\n${run.output.join("")}`);
      resolve(run.code);
    });
  });
  return run;
}

/** Test files, large and small ones spread evenly. Throws where a name in LONG is no test's. */
function parts(long) {
  const files = readdirSync(join(ROOT, "test"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }))
    .filter(({ text }) => /^\s*describe\(/m.test(text));
  const isLong = ({ path }) => LONG.some((start) => path.startsWith(join(ROOT, start)));
  const unknown = LONG.find((start) => !files.some(({ path }) => path.startsWith(join(ROOT, start))));
  if (unknown !== undefined) throw new Error(`runTests.mjs: no test file is called ${unknown}`);
  const chosen = files
    .filter((file) => isLong(file) === long)
    .sort((a, b) => b.text.length - a.text.length || (a.path < b.path ? -1 : 1));
  return Array.from({ length: PARTS }, (_, part) =>
    chosen.filter((_file, index) => index % PARTS === part).map(({ path }) => path),
  );
}
