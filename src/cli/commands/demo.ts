import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { addHistoryOptions, readHistory } from "../history.ts";
import type { HistoryOptions } from "../history.ts";
import { log, print } from "../output.ts";
import { examples } from "../program.ts";

/** Without a terminal a line a fortnight is enough. */
const LOG_EVERY_DAYS = 14;

interface DemoOptions extends HistoryOptions {
  out: string;
}

/** `ballast demo`: the main job, end to end, on the local chain. */
export function register(program: Command): void {
  const command = program
    .command("demo")
    .description("replay a window of history on real venues: regimes, proposals, signatures, executions, and a report");
  addHistoryOptions(command)
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
  const history = await readHistory(options);
  log(`${history.label}, ${history.from} to ${history.to}`);
  const [{ runDemo }, { writeReport }, { renderSummary, renderTable }] = await Promise.all([
    import("../../demo/run.ts"),
    import("../../demo/writeReport.ts"),
    import("../../demo/table.ts"),
  ]);

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
