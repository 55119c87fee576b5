/**
 * The speed of the numbers: `npm run bench`. Prints what each measured claim came to and exits 1 when one does not hold on
 * this machine. Nothing else should run beside it: the limits are wall time.
 */
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { Command } from "commander";
import { readRegimeModels } from "../src/cli/regimeModels.ts";
import { readDataset } from "../src/market/files.ts";
import { benchBacktest } from "./backtest.ts";
import type { BenchCase } from "./case.ts";
import { benchHistory } from "./history.ts";
import { benchIndicators } from "./indicators.ts";
import { benchMarkov } from "./markov.ts";

/** Thirty years, as the regime models are trained. */
const FIT_TO_DAY = Date.UTC(2020, 0, 1) / 86_400_000;

const command = new Command("bench")
  .description("measure indicators, the Markov fit, the backtest and its bootstrap, next to what is promised of them")
  .option("--data <dir>", "folder with market history", existsSync("data") ? "data" : "../shared/data")
  .option("--json", "print JSON, and nothing else, on standard output")
  .parse();
const options = command.opts<{ data: string; json?: true }>();

const cases: BenchCase[] = [benchIndicators()];
if (existsSync(options.data)) {
  const [dataset, models] = [await readDataset(options.data), await readRegimeModels()];
  const vix = dataset.series.get("vix");
  if (vix !== undefined) {
    const rows = vix.days.findIndex((day) => day >= FIT_TO_DAY);
    cases.push(benchMarkov(vix.values.slice(0, rows < 0 ? vix.values.length : rows).map(Math.log), "VIX"));
  }
  if (vix !== undefined) cases.push(...benchHistory(dataset, models));
  cases.push(...(await benchBacktest(options.data, dataset, models)));
} else {
  // Not measured is not passed.
  const missing = { figure: "NOT RUN", ok: false, detail: `there is no folder ${options.data}: name one with --data` };
  cases.push({ name: "Markov-switching fit, backtest, bootstrap", wanted: "market history", ...missing });
}

if (options.json) {
  process.stdout.write(
    `${JSON.stringify({ cpu: cpus()[0]?.model ?? "unknown", node: process.version, cases }, null, 2)}\n`,
  );
} else {
  for (const { name, figure, wanted, ok, detail } of cases) {
    process.stdout.write(`${ok ? "ok  " : "MISS"} ${name}: ${figure} (${wanted}); ${detail}\n`);
  }
}
if (cases.some(({ ok }) => !ok)) process.exitCode = 1;
