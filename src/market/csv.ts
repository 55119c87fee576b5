import { CsvError, parse } from "csv-parse/sync";
import { CalendarDateError, dateOfDay, dayNumber } from "./calendar.ts";

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

/** A column as parsed: dates as day numbers, times as seconds UTC, blanks of `optionalNumber` as NaN. */
type ColumnValues<K extends ColumnKind> = K extends "text"
  ? string[]
  : K extends "date"
    ? Int32Array
    : K extends ColumnKind
      ? Float64Array
      : never;

/** Typed columns of equal length, in the order of the file. */
export interface Table<C extends Columns> {
  readonly length: number;
  readonly columns: { readonly [N in keyof C]: ColumnValues<C[N]> };
  /** The line a row came from (1 is the header). */
  lineOf(row: number): number;
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
  const table = parseTable(text, fileName, columns, options);
  const names = Object.keys(columns);
  return Array.from({ length: table.length }, (_, i) => {
    const fields = names.map((name) => [name, asField(table.columns[name]![i]!, columns[name]!)]);
    // Read only where something is wrong, and counting lines costs another parse.
    return Object.defineProperty(Object.fromEntries(fields) as Row<C>, "line", {
      enumerable: true,
      get: () => table.lineOf(i),
    });
  });
}

function asField(value: string | number, kind: ColumnKind): string | number | null {
  if (typeof value === "string") return value;
  if (kind === "date") return dateOfDay(value);
  if (kind === "time") return new Date(value * 1_000).toISOString().replace(".000Z", "Z");
  return Number.isNaN(value) ? null : value;
}

/**
 * The same as columns, for whole folders: no object a row, and line numbers only when somebody asks for one.
 * Throws DataFileError.
 */
export function parseTable<const C extends Columns>(
  text: string,
  fileName: string,
  columns: C,
  options: ParseOptions = {},
): Table<C> {
  const [header, ...records] = readRecords(text, fileName);
  let lines: number[] | undefined;
  const lineOf = (row: number): number => (lines ??= linesOf(text))[row + 1]!;
  if (header === undefined) {
    throw new DataFileError(fileName, null, null, "the file is empty", "Fetch it again, or give a file with a header.");
  }
  const readers = Object.entries(columns).map(([name, kind]) => {
    const position = header.indexOf(name);
    if (position < 0) {
      const mend = `The header is '${header.join(",")}'; add the column or rename one.`;
      throw new DataFileError(fileName, lineOf(-1), name, "the column is missing", mend);
    }
    return { name, kind, position, values: emptyColumn(kind, records.length) };
  });
  if (records.length === 0) {
    throw new DataFileError(fileName, null, null, "there is a header but no row", "Fetch the file again.");
  }

  const key = readers.find(({ kind }) => kind === "date" || kind === "time");
  records.forEach((fields, row) => {
    for (const { name, kind, position, values } of readers) {
      const read = readField(fields[position]!, kind);
      if (read instanceof Unreadable) {
        throw new DataFileError(fileName, lineOf(row), name, read.problem, read.mend);
      }
      values[row] = read;
    }
    if (key === undefined || row === 0) return;
    const [previous, now] = [key.values[row - 1]!, key.values[row]!];
    if (now < previous || (now === previous && options.repeatedDates !== true)) {
      const [was, is] = [records[row - 1]![key.position]!, fields[key.position]!];
      const problem = now === previous ? `${is} appears twice` : `${is} comes after ${was}`;
      throw new DataFileError(fileName, lineOf(row), key.name, problem, "Sort the rows by date, each date once.");
    }
  });
  const named = Object.fromEntries(readers.map(({ name, values }) => [name, values]));
  return { length: records.length, columns: named as Table<C>["columns"], lineOf };
}

function emptyColumn(kind: ColumnKind, length: number): (string | number)[] | Float64Array | Int32Array {
  if (kind === "text") return new Array<string>(length);
  return kind === "date" ? new Int32Array(length) : new Float64Array(length);
}

const CSV_OPTIONS = { bom: true, skip_empty_lines: true, trim: true } as const;

function readRecords(text: string, fileName: string): string[][] {
  try {
    return plainRecords(text) ?? parse(text, CSV_OPTIONS);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error["lines"] === "number" ? error["lines"] : null;
    throw new DataFileError(fileName, line, null, error.message, "Give every line as many fields as the header has.");
  }
}

/**
 * The records of a text that has no quote, blank line or lone carriage return and as many fields on each line, trimmed;
 * null for any other, which is for the parser to read or refuse. Such texts mean the same to both (tested), and a whole
 * data folder of them is read in half the time.
 */
function plainRecords(text: string): string[][] | null {
  if (/"|\r(?!\n)/.test(text)) return null;
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const records = lines.map((line) => line.split(",").map((field) => field.trim()));
  const width = records[0]?.length ?? 0;
  return width > 1 && records.every(({ length }) => length === width) ? records : null;
}

/** The line of each record, the header's first. A second pass, since counting lines makes every parse slower. */
function linesOf(text: string): number[] {
  const parsed = parse(text, { ...CSV_OPTIONS, info: true }) as unknown as { info: { lines: number } }[];
  return parsed.map(({ info }) => info.lines);
}

/** What is wrong with a field, for the message that names its line. */
class Unreadable {
  constructor(
    readonly problem: string,
    readonly mend: string,
  ) {}
}

function readField(field: string, kind: ColumnKind): string | number | Unreadable {
  switch (kind) {
    case "text":
      return field;
    case "date":
      return dayOf(field) ?? new Unreadable(`'${field}' is not a date`, "Write dates as YYYY-MM-DD.");
    case "time":
      // Date.parse alone takes the 30th of February for the 1st of March.
      if (/^.{10}T\d{2}:\d{2}:\d{2}Z$/.test(field) && dayOf(field.slice(0, 10)) !== null) {
        const milliseconds = Date.parse(field);
        if (!Number.isNaN(milliseconds)) return milliseconds / 1_000;
      }
      return new Unreadable(`'${field}' is not a time`, "Write UTC as 2020-01-01T08:00:00Z.");
    case "optionalNumber":
      return field === "" ? NaN : readNumber(field);
    case "number":
      return readNumber(field);
  }
}

/** Dates read before: every file of a folder holds the same ones. Only dates that exist come in, so it stays small. */
const seenDays = new Map<string, number>();

function dayOf(field: string): number | null {
  const seen = seenDays.get(field);
  if (seen !== undefined) return seen;
  try {
    const day = dayNumber(field);
    seenDays.set(field, day);
    return day;
  } catch (error) {
    if (!(error instanceof CalendarDateError)) throw error;
    return null;
  }
}

function readNumber(field: string): number | Unreadable {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(field)) {
    const value = Number(field);
    if (Number.isFinite(value)) return value;
  }
  const problem = field === "" ? "the number is missing" : `'${field}' is not a number`;
  return new Unreadable(problem, "Write a plain decimal such as 16.05, or delete the row.");
}
