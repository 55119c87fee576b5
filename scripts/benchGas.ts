// What each action costs, next to what bench/gas.json says and to what is promised: `npm run bench:gas`. Exits 1 when a
// figure moved by more than the file's tolerance or a promise is not kept; `npm run bench:gas -- --write` renews the file.
import { readFile, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { format } from "prettier";
import { measure } from "../bench/gas/measure.ts";
import type { Measured } from "../bench/gas/measure.ts";

const FILE = "bench/gas.json";
/** The chain is deterministic; this is how much a change may cost without a word in bench/gas.json. */
const TOLERANCE_PERCENT = 2;
/** What is promised: a deposit over OpenZeppelin's ERC-4626 with votes, and a whole rebalance over its bare parts. */
const MOST_DEPOSIT_RATIO = 1.4;
const MOST_OVERHEAD_PERCENT = 15;

type Saved = Measured & { tolerancePercent: number };

const { write, drift: driftOnly } = new Command("bench:gas")
  .description("measure gas, compare it with bench/gas.json and with what is promised")
  .option("--write", "renew bench/gas.json")
  .option("--drift", "fail on figures that moved only, not on promises: what CI asks")
  .parse()
  .opts<{ write?: true; drift?: true }>();

const measured = await measure();
if (write) await save({ tolerancePercent: TOLERANCE_PERCENT, ...measured });
const saved = await read();
const moved = saved === null ? [`${FILE} is not there: npm run bench:gas -- --write`] : movedFigures(saved, measured);
const promises = [...depositLines(measured), ...planLines(measured)];

for (const [name, gas] of Object.entries(measured.actions)) print(`     ${name}: ${gas}`);
for (const line of moved) print(`MOVED ${line}`);
for (const { ok, text } of promises) print(`${ok === null ? "    " : ok ? "ok  " : "MISS"} ${text}`);
const missed = promises.filter(({ ok }) => ok === false).length;
print(
  `bench:gas: ${moved.length} figures moved by more than ${saved?.tolerancePercent ?? TOLERANCE_PERCENT} %, ` +
    `${missed} of ${promises.filter(({ ok }) => ok !== null).length} promises not kept`,
);
process.exit(moved.length + (driftOnly ? 0 : missed) === 0 ? 0 : 1);

interface Line {
  /** Null: told, not promised. */
  ok: boolean | null;
  text: string;
}

function depositLines({ deposit }: Measured): Line[] {
  const { empty, open } = deposit;
  const ratio = empty.ours / empty.plain;
  const most = Math.round(MOST_DEPOSIT_RATIO * open.plain + open.reads);
  return [
    {
      ok: ratio <= MOST_DEPOSIT_RATIO,
      text:
        `deposit, nothing open: ${empty.ours}, ${ratio.toFixed(2)} × OpenZeppelin's ${empty.plain} (at most ` +
        `${MOST_DEPOSIT_RATIO}); reading feeds and venues takes ${empty.reads} of it`,
    },
    {
      ok: open.ours <= most,
      text:
        `deposit, positions open: ${open.ours} (at most ${most}: ${MOST_DEPOSIT_RATIO} × ${open.plain} and ` +
        `${open.reads} of reads)`,
    },
  ];
}

function planLines({ plans }: Measured): Line[] {
  return Object.entries(plans).map(([name, plan]) => ({
    // Opening a position writes our books for the first time; what is promised is of a vault at work.
    ok: name.startsWith("full") ? plan.overheadPercent <= MOST_OVERHEAD_PERCENT : null,
    text:
      `${name}: ${plan.throughSafe} through a 2-of-3 Safe, ${plan.overheadPercent} % over (full: at most ` +
      `${MOST_OVERHEAD_PERCENT} %) the Safe's ${plan.safeAlone}, the venue calls' ${plan.venueCalls} and the ` +
      `reads' ${plan.valuationReads}`,
  }));
}

/** The figures that left their tolerance, came, or went. */
function movedFigures(saved: Saved, now: Measured): string[] {
  const [was, is] = [flatten({ ...saved, tolerancePercent: null }), flatten(now)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((name) => {
    const [before, after] = [was.get(name), is.get(name)];
    if (before === undefined || after === undefined) return [`${name}: ${before ?? "not there"} -> ${after ?? "gone"}`];
    const percent = (Math.abs(after - before) / before) * 100;
    if (percent <= saved.tolerancePercent) return [];
    return [`${name}: ${before} -> ${after} (${after > before ? "+" : "-"}${percent.toFixed(1)} %)`];
  });
}

/** Gas figures by their place in the file; shares of others are told by their parts. */
function flatten(value: unknown, path = ""): Map<string, number> {
  if (typeof value === "number") return new Map(path.endsWith("Percent") ? [] : [[path, value]]);
  if (typeof value !== "object" || value === null) return new Map();
  const inner = Object.entries(value).map(([key, part]) => flatten(part, path === "" ? key : `${path} / ${key}`));
  return new Map(inner.flatMap((map) => [...map]));
}

async function read(): Promise<Saved | null> {
  try {
    return JSON.parse(await readFile(FILE, "utf8")) as Saved;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function save(value: Saved): Promise<void> {
  await writeFile(FILE, await format(JSON.stringify(value), { parser: "json" }));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
