import type { Command } from "commander";
import { measure } from "../../backtest/metrics.ts";
import { DataFileError } from "../../market/csv.ts";
import { readColumn } from "../data.ts";
import { print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

/** NYSE sessions in a year. */
const SESSIONS_PER_YEAR = "252";

interface MetricsOptions {
  in: string;
  column: string;
  from?: string;
  to?: string;
  periodsPerYear: string;
  cashRate: string;
}

/** `ballast metrics`: drawdown, tail and return measures of one column of a CSV. */
export function register(program: Command): void {
  program
    .command("metrics")
    .description("measure a price or NAV path: return, volatility, drawdowns, CDaR, value at risk, Sharpe")
    .requiredOption("--in <csv>", "CSV file with a header and a date column")
    .option("--column <name>", "column of prices or NAVs", "close")
    .option("--from <date>", "first date, YYYY-MM-DD")
    .option("--to <date>", "last date, YYYY-MM-DD")
    .option(
      "--periods-per-year <n>",
      "rows in a year: 252 for NYSE sessions, 365 for daily crypto bars",
      SESSIONS_PER_YEAR,
    )
    .option("--cash-rate <decimal>", "yearly return of cash for Sharpe and Sortino, 0.02 is 2 %", "0")
    .addHelpText(
      "after",
      examples(
        "ballast metrics --in data/spx.csv --from 1990-01-02 --to 2023-12-29",
        "ballast metrics --in data/eth.csv --periods-per-year 365 --cash-rate 0.02 --json",
      ),
    )
    .action(metrics);
}

async function metrics(options: MetricsOptions): Promise<void> {
  const periodsPerYear = Number(options.periodsPerYear);
  if (!(Number.isFinite(periodsPerYear) && periodsPerYear > 0)) {
    throw new UsageError(`--periods-per-year is '${options.periodsPerYear}': give a positive number such as 252`);
  }
  const cashRate = Number(options.cashRate);
  if (options.cashRate.trim() === "" || !(Number.isFinite(cashRate) && cashRate > -1)) {
    throw new UsageError(`--cash-rate is '${options.cashRate}': give a decimal above -1, such as 0.02 for 2 %`);
  }
  const { dates, values } = await readColumn(options);
  if (values.length < 3) {
    throw new UsageError(
      `${options.in} has ${values.length} rows of ${options.column} there: measures need at least 3`,
    );
  }
  const worthless = values.findIndex((value) => value <= 0);
  if (worthless >= 0) {
    const problem = `it is ${values[worthless]} on ${dates[worthless]}, and no return can be measured from there`;
    throw new DataFileError(options.in, null, options.column, problem, "Cut the window before it, or correct the row.");
  }
  const cash = new Float64Array(values.length - 1).fill((1 + cashRate) ** (1 / periodsPerYear) - 1);
  const { maxDrawdown, ...measures } = measure(values, periodsPerYear, cash);
  const answer = {
    column: options.column,
    from: dates[0]!,
    to: dates.at(-1)!,
    rows: values.length,
    periodsPerYear,
    cashRate,
    maxDrawdown: maxDrawdown.value,
    maxDrawdownFrom: dates[maxDrawdown.from]!,
    maxDrawdownTo: dates[maxDrawdown.to]!,
    ...measures,
  };
  print(describe(answer), answer);
}

type Answer = Omit<ReturnType<typeof measure>, "maxDrawdown"> & {
  column: string;
  from: string;
  to: string;
  rows: number;
  periodsPerYear: number;
  maxDrawdown: number;
  maxDrawdownFrom: string;
  maxDrawdownTo: string;
};

function describe(answer: Answer): string {
  const percent = (value: number): string => `${(value * 100).toFixed(2)} %`;
  const ratio = (value: number | null): string => (value === null ? "undefined" : value.toFixed(2));
  const rows: [string, string][] = [
    ["Total return", percent(answer.totalReturn)],
    ["Return a year", percent(answer.annualReturn)],
    ["Volatility a year", percent(answer.volatility)],
    ["Sharpe", ratio(answer.sharpe)],
    ["Sortino", ratio(answer.sortino)],
    ["Maximum drawdown", `${percent(answer.maxDrawdown)}, ${answer.maxDrawdownFrom} to ${answer.maxDrawdownTo}`],
    ["CDaR 90 / 95 / 99", [answer.cdar90, answer.cdar95, answer.cdar99].map(percent).join(" / ")],
    ["Ulcer index", percent(answer.ulcer)],
    ["Value at risk 95, one period", percent(answer.valueAtRisk95)],
    ["Expected shortfall 95, one period", percent(answer.expectedShortfall95)],
  ];
  const head = `${answer.column}, ${answer.from} to ${answer.to}: ${answer.rows} rows, ${answer.periodsPerYear} a year. Losses are positive.`;
  return [head, ...rows.map(([name, value]) => `${name.padEnd(36)}${value}`)].join("\n");
}
