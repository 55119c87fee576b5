// Judges the JSON of `ballast demo --json` (a file, the argument): exits 1 and says why when the run did not do the main
// job. Says nothing about the market: losing money is no failure, not adding up is.
import { existsSync, readFileSync } from "node:fs";

const MAX_DIFFERENCE_BPS = 1; // 0.01 % between the attribution's parts and the chain's NAV

const demo = JSON.parse(readFileSync(process.argv[2], "utf8"));
const regimes = Object.entries(demo.regimes);
const numbers = ["hedged", "unhedged", "holdLess"].flatMap((vault) => {
  const { return: total, maxDrawdown, finalNav } = demo.summary[vault];
  return [total, maxDrawdown, finalNav];
});

const checks = [
  ["some days were replayed", demo.days > 0 && demo.days === demo.rows.length],
  ["every summary is a number", numbers.every(Number.isFinite)],
  ["some proposals were executed", demo.executed > 0 && demo.executed <= demo.proposals],
  ["every execution was verified", demo.executions.length > 0 && demo.executions.every(({ verified }) => verified)],
  ["each regime seen saw an execution", regimes.every(([, { days, executed }]) => days === 0 || executed > 0)],
  ["the parts add up to the NAV", Math.abs(demo.attribution.checkBps) <= MAX_DIFFERENCE_BPS],
  ["the report is there", existsSync(demo.report)],
];

const failed = checks.filter(([, passed]) => !passed);
for (const [name] of failed) console.error(`demo: not true that ${name}`);
process.exitCode = failed.length === 0 ? 0 : 1;
