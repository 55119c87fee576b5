import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { log, print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

const DEFAULT_DATA = "data";
const DEFAULT_FROM = "2020-02-03";
const DEFAULT_TO = "2020-04-30";
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** Without a terminal a line a fortnight is enough. */
const LOG_EVERY_DAYS = 14;

interface DemoOptions {
  data?: string;
  from: string;
  to: string;
  seed: string;
  out: string;
}

/** `ballast demo`: the main job, end to end, on the local chain. */
export function register(program: Command): void {
  program
    .command("demo")
    .description("replay a window of history on real venues: regimes, proposals, signatures, executions, and a report")
    .option(
      "--data <dir>",
      `folder with market history (default: ./${DEFAULT_DATA} if there, else a synthetic scenario)`,
    )
    .option("--from <date>", "first day, YYYY-MM-DD", DEFAULT_FROM)
    .option("--to <date>", "last day, YYYY-MM-DD", DEFAULT_TO)
    .option("--seed <number>", "seed of the synthetic scenario", "1")
    .option("--out <dir>", "folder for the report and the packets", join("out", "demo"))
    .addHelpText(
      "after",
      examples(
        "ballast demo",
        "ballast demo --data ../shared/data --from 2020-02-03 --to 2020-04-30",
        "ballast demo --data data --from 2019-11-01 --to 2020-03-31 --json > demo.json",
      ),
    )
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  for (const name of ["from", "to"] as const) {
    if (!DATE.test(options[name])) throw new UsageError(`--${name} ${options[name]} is no date like 2020-02-03`);
  }
  const seed = Number(options.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new UsageError(`--seed ${options.seed} is no whole number`);

  const [{ loadHistory }, { syntheticHistory }, { runDemo }, { writeReport }, { renderSummary, renderTable }] =
    await Promise.all([
      import("../../market/history.ts"),
      import("../../market/synthetic.ts"),
      import("../../demo/run.ts"),
      import("../../demo/writeReport.ts"),
      import("../../demo/table.ts"),
    ]);
  const folder = options.data ?? (existsSync(DEFAULT_DATA) ? DEFAULT_DATA : null);
  const history = folder === null ? syntheticHistory(seed) : await loadHistory(folder, options.from, options.to);
  log(`${history.label}, ${history.from} to ${history.to}`);

  // Packets of an earlier run belong to a chain that is gone.
  await rm(join(options.out, "packets"), { recursive: true, force: true });
  const result = await runDemo({
    history,
    out: options.out,
    now: () => performance.now(),
    progress: showProgress,
  });
  const finished = { ...result, report: join(options.out, "report.html") };
  await writeReport(finished);
  const width = process.stdout.isTTY ? process.stdout.columns : 120;
  print(`${renderTable(finished, width)}\n${renderSummary(finished, width)}`, finished);
}

/** One line that changes on a terminal; a line a fortnight elsewhere. */
function showProgress(done: number, of: number, line: string): void {
  const text = `day ${done} of ${of}  ${line}`;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}${done === of ? "\n" : ""}`);
  else if (done % LOG_EVERY_DAYS === 0 || done === of) log(text);
}
