import { CsvError, parse } from "csv-parse/sync";
import { CalendarDateError, dayNumber } from "./calendar.ts";

/**
 * What a column holds. `date` is YYYY-MM-DD, `time` an ISO instant in UTC (2020-01-01T08:00:00Z), `number` a finite
 * decimal, `optionalNumber` one that may be blank (null), `text` anything.
 */
export type ColumnKind = "date" | "time" | "number" | "optionalNumber" | "text";
export type Columns = Readonly<Record<string, ColumnKind>>;

type Value<K extends ColumnKind> = K extends "number" ? number : K extends "optionalNumber" ? number | null : string;

/** A typed row, with the line it came from (1 is the header). */
export type Row<C extends Columns> = { [N in keyof C]: Value<C[N]> } & { line: number };

export interface ParseOptions {
  /** Whether several rows may share a date (breadth by exchange, events). Default: each date once. */
  repeatedDates?: boolean;
}

/** A data file cannot be used; names the file, the line and the column, and says how to mend it. */
export class DataFileError extends Error {
  readonly file: string;
  readonly line: number | null;
  readonly column: string | null;

  constructor(file: string, line: number | null, column: string | null, problem: string, mend: string) {
    const where = [file, line === null ? "" : `line ${line}`, column === null ? "" : `column '${column}'`];
    super(`${where.filter((part) => part !== "").join(", ")}: ${problem}. ${mend}`);
    this.name = "DataFileError";
    this.file = file;
    this.line = line;
    this.column = column;
  }
}

/**
 * Parses comma-separated text with a header into typed rows, ascending by the first `date` or `time` column.
 * Columns not asked for are ignored. Throws DataFileError.
 */
export function parseSeries<const C extends Columns>(
  text: string,
  fileName: string,
  columns: C,
  options: ParseOptions = {},
): Row<C>[] {
  const [header, ...records] = readRecords(text, fileName);
  if (header === undefined) {
    throw new DataFileError(fileName, null, null, "the file is empty", "Fetch it again, or give a file with a header.");
  }
  const names = Object.keys(columns);
  const positions = names.map((name) => {
    const position = header.fields.indexOf(name);
    if (position >= 0) return position;
    const mend = `The header is '${header.fields.join(",")}'; add the column or rename one.`;
    throw new DataFileError(fileName, header.line, name, "the column is missing", mend);
  });
  if (records.length === 0) {
    throw new DataFileError(fileName, null, null, "there is a header but no row", "Fetch the file again.");
  }

  const key = names.find((name) => columns[name] === "date" || columns[name] === "time");
  let previous = "";
  return records.map(({ fields, line }) => {
    const row: Record<string, string | number | null> = { line };
    names.forEach((name, i) => {
      row[name] = readField(fields[positions[i]!] ?? "", columns[name]!, fileName, line, name);
    });
    if (key !== undefined) {
      const now = String(row[key]);
      if (now < previous || (now === previous && !options.repeatedDates)) {
        const problem = now === previous ? `${now} appears twice` : `${now} comes after ${previous}`;
        throw new DataFileError(fileName, line, key, problem, "Sort the rows by date, each date once.");
      }
      previous = now;
    }
    return row as Row<C>;
  });
}

interface RawRecord {
  fields: string[];
  line: number;
}

function readRecords(text: string, fileName: string): RawRecord[] {
  try {
    const parsed = parse(text, { bom: true, info: true, skip_empty_lines: true, trim: true });
    return (parsed as unknown as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({
      fields: record,
      line: info.lines,
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error["lines"] === "number" ? error["lines"] : null;
    throw new DataFileError(fileName, line, null, error.message, "Give every line as many fields as the header has.");
  }
}

function readField(
  field: string,
  kind: ColumnKind,
  file: string,
  line: number,
  column: string,
): string | number | null {
  switch (kind) {
    case "text":
      return field;
    case "date":
      return readDate(field, file, line, column);
    case "time":
      if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(field) && !Number.isNaN(Date.parse(field))) return field;
      throw new DataFileError(file, line, column, `'${field}' is not a time`, "Write UTC as 2020-01-01T08:00:00Z.");
    case "optionalNumber":
      return field === "" ? null : readNumber(field, file, line, column);
    case "number":
      return readNumber(field, file, line, column);
  }
}

function readDate(field: string, file: string, line: number, column: string): string {
  try {
    dayNumber(field);
    return field;
  } catch (error) {
    if (!(error instanceof CalendarDateError)) throw error;
    throw new DataFileError(file, line, column, `'${field}' is not a date`, "Write dates as YYYY-MM-DD.");
  }
}

function readNumber(field: string, file: string, line: number, column: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(field)) {
    const value = Number(field);
    if (Number.isFinite(value)) return value;
  }
  const problem = field === "" ? "the number is missing" : `'${field}' is not a number`;
  throw new DataFileError(file, line, column, problem, "Write a plain decimal such as 16.05, or delete the row.");
}
