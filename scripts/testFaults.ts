// Every fault the keeper must survive, tried many times on the local chain: `npm run test:faults`. Ends with a table: fault, tries,
// duplicates, lost, and in how many ticks it recovered. Exits 1 when anything was doubled or lost. `-- --only kill` for some.
import { Command } from "commander";
import process from "node:process";
import { SCENARIOS } from "../test/support/faults/all.ts";
import { openStage } from "../test/support/faults/rig.ts";
import { survive } from "../test/support/faults/scenario.ts";
import type { Survived } from "../test/support/faults/scenario.ts";
import { vaultScene } from "../test/helpers/vaultScene.ts";

const options = new Command("test:faults")
  .description("put the keeper through every fault it must survive")
  .option("--only <text>", "faults with this in their name")
  .option("--tries <count>", "how often each is tried, in place of its own number", Number)
  .parse()
  .opts<{ only?: string; tries?: number }>();

const began = Date.now();
const chosen = SCENARIOS.filter(({ fault }) => fault.includes(options.only ?? ""));
const stage = await openStage(await vaultScene());
const table: Survived[] = [];
let broken = 0;
for (const scenario of chosen) {
  const tries = options.tries ?? scenario.tries;
  try {
    const survived = await survive(stage, scenario, tries);
    table.push(survived);
    say(`${survived.fault}: ${survived.line}`);
  } catch (error) {
    broken++;
    say(`${scenario.fault}: BROKE: ${error instanceof Error ? error.message : String(error)}`);
  }
}
await stage.close();

const width = Math.max(...table.map(({ fault }) => fault.length), 5);
say("");
say(`${"fault".padEnd(width)}  tries  duplicates  lost  recovered in`);
for (const { fault, tries, duplicates, lost, ticks } of table) {
  const count = (value: number, length: number): string => String(value).padStart(length);
  say(
    `${fault.padEnd(width)}  ${count(tries, 5)}  ${count(duplicates, 10)}  ${count(lost, 4)}  ${ticks} ${ticks === 1 ? "tick" : "ticks"}`,
  );
}
const sum = (of: (row: Survived) => number): number => table.reduce((total, row) => total + of(row), 0);
const [duplicates, lost] = [sum((row) => row.duplicates), sum((row) => row.lost)];
say(
  `test:faults: ${table.length} of ${chosen.length} faults survived in ${sum(({ tries }) => tries)} tries, ` +
    `${duplicates} duplicates, ${lost} lost, ${Math.round((Date.now() - began) / 6_000) / 10} minutes`,
);
process.exit(broken === 0 && duplicates === 0 && lost === 0 && table.length > 0 ? 0 : 1);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
