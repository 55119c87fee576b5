import type { Command } from "commander";
import { print } from "../output.ts";
import { examples } from "../program.ts";

interface IndicatorOptions {
  in: string;
  column: string;
}

/** The fast leg of the customary MACD, in bars. */
const EMA_BARS = 12;

/** `ballast indicators`: moving average, MACD and RSI at the last row of a CSV, as TA-Lib gives them. */
export function register(program: Command): void {
  program
    .command("indicators")
    .description("EMA(12), MACD(12,26,9) and RSI(14) at the last row of a CSV, to the bit as TA-Lib gives them")
    .requiredOption("--in <csv>", "file with a header, a date column, and rows in order of date")
    .option("--column <name>", "column to read; rows where it is blank are left out", "close")
    .addHelpText(
      "after",
      "\nFewer than 250 rows are refused: there libraries differ, by how they begin.\n" +
        examples("ballast indicators --in data/vix.csv", "ballast indicators --in data/skew.csv --json"),
    )
    .action(indicatorsAction);
}

async function indicatorsAction(options: IndicatorOptions): Promise<void> {
  const [{ NotEnoughHistoryError, WARM_UP_BARS, ema, macd, rsi }, { readColumn }] = await Promise.all([
    import("../../signals/indicators.ts"),
    import("../data.ts"),
  ]);
  const { dates, values } = await readColumn(options);
  const rows = values.length;
  if (rows < WARM_UP_BARS) throw new NotEnoughHistoryError(`${options.in}, column ${options.column}`, rows);
  const closes = Float64Array.from(values);
  const { macd: line, signal, histogram } = macd(closes);
  const answer = {
    date: dates.at(-1)!,
    ema12: ema(closes, EMA_BARS).at(-1)!,
    macd: line.at(-1)!,
    macdSignal: signal.at(-1)!,
    macdHistogram: histogram.at(-1)!,
    rsi14: rsi(closes).at(-1)!,
    rows,
  };
  const lines = [
    `${answer.date}, after ${rows} rows of ${options.column}:`,
    `  EMA(12)            ${answer.ema12.toFixed(4)}`,
    `  MACD(12,26)        ${answer.macd.toFixed(4)}`,
    `  signal line (9)    ${answer.macdSignal.toFixed(4)}`,
    `  histogram          ${answer.macdHistogram.toFixed(4)}`,
    `  RSI(14, Wilder)    ${answer.rsi14.toFixed(2)}`,
  ];
  print(lines.join("\n"), answer);
}
