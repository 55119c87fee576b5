import { mkdir } from "node:fs/promises";
import type { Command } from "commander";
import type { BacktestResult, MetricName, StrategyResult } from "../../backtest/result.ts";
import { addDataOption, dateOption, readData } from "../data.ts";
import { columns } from "../numbers.ts";
import { log, print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

interface BacktestOptions {
  data: string;
  from: string;
  to: string;
  out?: string;
  bootstrap: string;
  seed: string;
  ablation: boolean;
}

/** `ballast backtest`: the vault and every baseline over history, walking forward. */
export function register(program: Command): void {
  const command = program
    .command("backtest")
    .description("simulate the vault, its variants and every baseline day by day, and say what the hedge was worth");
  addDataOption(command)
    .requiredOption("--from <date>", "first day, YYYY-MM-DD (later when the data begin later)")
    .requiredOption("--to <date>", "last day, YYYY-MM-DD (earlier when the data end earlier)")
    .option("--out <dir>", "folder to write report.html and backtest.json into")
    .option("--bootstrap <paths>", "resampled paths for the intervals; 0 for none", "1000")
    .option("--seed <n>", "seed of the resampling, a whole number", "1")
    .option("--no-ablation", "leave out the measurements of single signals, parts and assumptions")
    .addHelpText(
      "after",
      examples(
        "ballast backtest --data data --from 2017-01-01 --to 2023-12-31 --out out/backtest",
        "ballast backtest --data data --from 2020-01-01 --to 2023-12-31 --bootstrap 0 --json",
      ),
    )
    .action(backtest);
}

async function backtest(options: BacktestOptions): Promise<void> {
  const from = dateOption("from", options.from);
  const to = dateOption("to", options.to);
  if (from > to) throw new UsageError(`--from ${from} comes after --to ${to}`);
  const bootstrap = wholeNumber("bootstrap", options.bootstrap);
  const seed = wholeNumber("seed", options.seed);
  // A folder that cannot be made is said before the work, not after it.
  if (options.out !== undefined) await mkdir(options.out, { recursive: true });
  const [{ runBacktest }, { readRegimeModels }, dataset] = await Promise.all([
    import("../../backtest/run.ts"),
    import("../regimeModels.ts"),
    readData(options, true),
  ]);
  const result = runBacktest(dataset, await readRegimeModels(), {
    from,
    to,
    bootstrap,
    seed,
    ablation: options.ablation,
    progress: log,
  });
  result.notes.forEach(log);
  let files: { report: string; json: string } | null = null;
  if (options.out !== undefined) {
    const { writeBacktest } = await import("../../backtest/writeReport.ts");
    files = await writeBacktest(result, options.out);
  }
  print(describe(result, files), { ...summaryOf(result), files });
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new UsageError(`--${name} is '${text}': give a whole number, not negative`);
}

/** The result without its daily series, which `--out` writes. */
function summaryOf(result: BacktestResult) {
  const { dates: _dates, market: _market, regimes, edr, strategies, ...rest } = result;
  return {
    ...rest,
    strategies: strategies.map(({ navs, attribution, ...strategy }) => ({
      ...strategy,
      finalNav: navs.at(-1) ?? null,
      attribution: attribution.map(({ line, label, total }) => ({ line, label, total })),
    })),
    regimes: { shifts: regimes.shifts },
    edr: edr === null ? null : { calibration: edr.calibration },
  };
}

const COLUMNS: readonly { title: string; metric: MetricName; format: (value: number) => string }[] = [
  { title: "a year", metric: "annualReturn", format: percent },
  { title: "volatility", metric: "volatility", format: percent },
  { title: "Sharpe", metric: "sharpe", format: (value) => value.toFixed(2) },
  { title: "deepest fall", metric: "maxDrawdown", format: percent },
  { title: "CDaR 95", metric: "cdar95", format: percent },
];

function describe(result: BacktestResult, files: { report: string; json: string } | null): string {
  const { verdict, window, strategies } = result;
  const cell = ({ metrics, intervals }: StrategyResult, { metric, format }: (typeof COLUMNS)[number]): string => {
    if (metrics === null) return "none";
    const value = metrics[metric];
    if (value === null) return "undefined";
    const interval = intervals?.[metric] ?? null;
    return interval === null ? format(value) : `${format(value)} [${format(interval.low)}, ${format(interval.high)}]`;
  };
  const table = [
    ["", ...COLUMNS.map(({ title }) => title)],
    ...strategies.map((strategy) => [nameOf(strategy), ...COLUMNS.map((column) => cell(strategy, column))]),
  ];
  return [
    verdict.headline,
    ...verdict.points.map(({ title, text }) => `\n${title}\n  ${text}`),
    `\n${window.from} to ${window.to}, ${window.days} days, ${window.sessions} sessions`,
    ...columns(table),
    `\n${verdict.caveat}`,
    ...(files === null ? [] : [`\nReport: ${files.report}`, `Numbers: ${files.json}`]),
  ].join("\n");
}

/** With the share of the unhedged vault, for hold less. */
function nameOf({ name, holdLess }: StrategyResult): string {
  if (holdLess === null) return name;
  return `${name}, w = ${holdLess.weight === null ? "undefined" : percent(holdLess.weight)}`;
}

function percent(share: number): string {
  // Adding zero takes the sign off what rounds to none.
  return `${(Number((share * 100).toFixed(1)) + 0).toFixed(1)} %`;
}
