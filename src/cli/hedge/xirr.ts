import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { againstHurdle } from "../../hedge/xirr.ts";
import { dayNumber } from "../../market/calendar.ts";
import { DataFileError, parseSeries } from "../../market/csv.ts";
import { numberOption } from "../numbers.ts";
import { print } from "../output.ts";
import { examples } from "../program.ts";

/** `ballast hedge xirr`: a programme's rate of return against the cost of capital. */
export function registerXirr(hedge: Command): void {
  hedge
    .command("xirr")
    .description("internal rate of return of dated cash flows, against the cost of capital")
    .requiredOption("--in <csv>", "CSV file with columns date, amount: received is positive, paid negative")
    .option("--wacc <decimal>", "cost of capital a year: the hurdle", "0.1")
    .addHelpText("after", examples("ballast hedge xirr --in flows.csv --wacc 0.08"))
    .action(xirrAction);
}

async function xirrAction(options: { in: string; wacc: string }): Promise<void> {
  const wacc = numberOption("wacc", options.wacc);
  const text = await readFile(options.in, "utf8").catch((error: unknown) => {
    const problem = `cannot be read (${error instanceof Error ? error.message : String(error)})`;
    throw new DataFileError(options.in, null, null, problem, "Give --in a CSV file with columns date and amount.");
  });
  const rows = parseSeries(text, options.in, { date: "date", amount: "number" }, { repeatedDates: true });
  const result = againstHurdle(
    rows.map(({ date, amount }) => ({ day: dayNumber(date), amount })),
    wacc,
  );
  print(result.sentence, { flows: rows.length, ...result });
}
