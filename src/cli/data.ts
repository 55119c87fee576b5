import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { CalendarDateError, dateOfDay, dayNumber, isSession, previousSession } from "../market/calendar.ts";
import { DataFileError, parseSeries } from "../market/csv.ts";
import type { Columns } from "../market/csv.ts";
import { readDataset } from "../market/files.ts";
import type { Dataset } from "../market/series.ts";
import { log, UsageError } from "./output.ts";

const DEFAULT_DATA = "data";

/** Adds `--data DIR`. */
export function addDataOption(command: Command): Command {
  return command.option("--data <dir>", "folder with market history, as `ballast pull` fills it", DEFAULT_DATA);
}

/** Reads the folder of `--data`, and says on standard error what was dropped. Throws DataFileError. */
export async function readData({ data }: { data: string }, quiet = false): Promise<Dataset> {
  const dataset = await readDataset(data);
  if (!quiet) dataset.notes.forEach(log);
  return dataset;
}

/** A date option: an existing YYYY-MM-DD. Throws UsageError. */
export function dateOption(name: string, date: string): string {
  try {
    return dateOfDay(dayNumber(date));
  } catch (error) {
    if (!(error instanceof CalendarDateError)) throw error;
    throw new UsageError(`--${name}: ${error.message}`);
  }
}

/**
 * The session that a date asks for: its own, or the last one before it; without a date the last one that VIX has. Says
 * on standard error when it is not the date itself. Throws UsageError.
 */
export function sessionOption(dataset: Dataset, date: string | undefined): string {
  if (date === undefined) {
    const last = dataset.series.get("vix")?.days.at(-1);
    if (last === undefined) throw new UsageError("the data have no vix.csv to take the last session from: give --date");
    return dateOfDay(last);
  }
  const asked = dateOption("date", date);
  const session = sessionAtOrBefore(asked);
  if (session !== asked) log(`${asked} has no session in New York: this is the session before it, ${session}.`);
  return session;
}

function sessionAtOrBefore(date: string): string {
  try {
    return isSession(date) ? date : previousSession(date);
  } catch (error) {
    if (!(error instanceof CalendarDateError)) throw error;
    throw new UsageError(`--date ${date}: there is no session by then. ${error.message}`);
  }
}

/** One column of any CSV with a date column, its rows as they are but for blank values, which are named and left out. */
export interface CsvColumn {
  dates: string[];
  values: number[];
}

/** Reads `--in FILE --column NAME`, cut to `--from` and `--to`. Throws DataFileError, UsageError. */
export async function readColumn(options: {
  in: string;
  column: string;
  from?: string;
  to?: string;
}): Promise<CsvColumn> {
  const from = options.from === undefined ? "" : dateOption("from", options.from);
  const to = options.to === undefined ? "9999" : dateOption("to", options.to);
  if (from > to) throw new UsageError(`--from ${from} is after --to ${to}: swap them`);
  const text = await readFile(options.in, "utf8").catch((error: unknown) => {
    const problem = `cannot be read (${error instanceof Error ? error.message : String(error)})`;
    throw new DataFileError(options.in, null, null, problem, "Give --in a CSV file with a header and a date column.");
  });
  const columns = { date: "date", [options.column]: "optionalNumber" } as Columns;
  const rows = parseSeries(text, options.in, columns);
  const inside = rows.filter((row) => String(row["date"]) >= from && String(row["date"]) <= to);
  const blank = inside.filter((row) => row[options.column] === null);
  if (blank.length > 0) {
    log(`${options.in}: ${blank.length} rows without ${options.column} left out, first ${String(blank[0]!["date"])}.`);
  }
  const kept = inside.filter((row) => row[options.column] !== null);
  if (kept.length === 0) {
    const span = `${String(rows[0]!["date"])} to ${String(rows.at(-1)!["date"])}`;
    throw new UsageError(
      `${options.in} has no ${options.column} from ${from || "its start"} to ${options.to ?? "its end"}: it has ${span}`,
    );
  }
  return { dates: kept.map((row) => String(row["date"])), values: kept.map((row) => Number(row[options.column])) };
}
