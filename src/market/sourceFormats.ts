import { parse } from "csv-parse/sync";
import { strFromU8, unzipSync } from "fflate";
import { z } from "zod";
import { CalendarDateError, dateOfDay, dayNumber } from "./calendar.ts";

/** How a source writes its rows. */
export type SourceFormat =
  "cboe" | "fred" | "stooq" | "bis" | "coinmetrics" | "klines" | "klinesZip" | "funding" | "fundingZip";

/** A row as the data folder keeps it: the key (YYYY-MM-DD, or an instant) and a number for each column. */
export interface SourceRow {
  readonly key: string;
  /** NaN where the file has a blank. */
  readonly cells: readonly number[];
}

/** What a source answered is not what it is known to answer: an error page, a cut file, another layout. */
export class SourceFormatError extends Error {
  constructor(url: string, problem: string) {
    super(`${url}: ${problem}. Look at the page yourself: the source may refuse programs, or have a new layout.`);
    this.name = "SourceFormatError";
  }
}

/**
 * The rows of one answer, ascending, each key once, `columns` as asked. Blank values ('.' at FRED) are no rows. Throws
 * SourceFormatError for anything that is not the format, and for an answer that contradicts itself.
 */
export function readSource(
  format: SourceFormat,
  body: Uint8Array,
  columns: readonly string[],
  url: string,
): SourceRow[] {
  let rows: SourceRow[];
  try {
    rows = READERS[format](body, columns);
  } catch (error) {
    throw new SourceFormatError(url, `this is not what it used to answer (${messageOf(error)})`);
  }
  rows.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return rows.filter(({ key, cells }, i) => {
    const bad = cells.find((cell) => !Number.isFinite(cell));
    if (bad !== undefined) throw new SourceFormatError(url, `${key} has ${bad}, which is no number`);
    const before = rows[i - 1];
    if (before?.key !== key) return true;
    if (cells.every((cell, j) => cell === before.cells[j])) return false;
    throw new SourceFormatError(url, `${key} is there twice, with different values`);
  });
}

type Reader = (body: Uint8Array, columns: readonly string[]) => SourceRow[];

const READERS: Readonly<Record<SourceFormat, Reader>> = {
  cboe: (body, columns) => fromCsv(body, "DATE", columns.map(cboeColumn), monthFirst),
  fred: (body) => fromCsv(body, /^(observation_date|DATE)$/, [1], isoDate),
  stooq: (body, columns) => fromCsv(body, "Date", columns.map(capital), isoDate),
  bis: (body) => fromCsv(body, "TIME_PERIOD", ["OBS_VALUE"], (month) => isoDate(`${month}-01`)),
  coinmetrics: (body) => {
    const { data, next_page_url: next } = COINMETRICS.parse(jsonOf(body));
    if (next !== undefined) throw new UnexpectedAnswer("more than one page");
    return data.map(({ time, PriceUSD }) => ({ key: isoDate(time.slice(0, 10)), cells: [decimal(PriceUSD)] }));
  },
  klines: (body) => KLINES.parse(jsonOf(body)).map(kline),
  klinesZip: (body) => csvOf(unzipOne(body)).filter(isNoHeader).map(kline),
  funding: (body) => FUNDING.parse(jsonOf(body)).map((row) => settlement(row.fundingTime, row.fundingRate)),
  fundingZip: (body) => {
    const rows = csvOf(unzipOne(body)).filter(isNoHeader);
    return rows.map((row) => settlement(decimal(row[0]), row.at(-1)!));
  },
};

/** Kept inside: readSource says which address it was. */
class UnexpectedAnswer extends Error {}

const DECIMAL = z.union([z.string(), z.number()]);
const KLINES = z.array(z.array(DECIMAL).min(6));
const FUNDING = z.array(z.object({ fundingTime: z.number(), fundingRate: DECIMAL }));
const COINMETRICS = z.object({
  data: z.array(z.object({ time: z.string(), PriceUSD: DECIMAL })),
  next_page_url: z.string().optional(),
});

const jsonOf = (body: Uint8Array): unknown => JSON.parse(strFromU8(body));
const csvOf = (text: string): string[][] => parse(text, { bom: true, skip_empty_lines: true, trim: true });
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 200);

/** Archives of months since 2022 begin with a line of names, those before with the first row. */
const isNoHeader = (row: readonly string[]): boolean => /^\d/.test(row[0] ?? "");

function unzipOne(body: Uint8Array): string {
  const [file, ...others] = Object.values(unzipSync(body));
  if (file === undefined || others.length > 0) throw new UnexpectedAnswer("the archive should hold one file");
  return strFromU8(file);
}

/** Rows by the names (or places) of their columns; rows whose value is blank or '.' are left out. */
function fromCsv(
  body: Uint8Array,
  key: string | RegExp,
  columns: readonly (string | RegExp | number)[],
  keyOf: (text: string) => string,
): SourceRow[] {
  const [header = [], ...rows] = csvOf(strFromU8(body));
  const place = (wanted: string | RegExp | number): number => {
    if (typeof wanted === "number") return wanted;
    const found = header.findIndex((name) => (typeof wanted === "string" ? name === wanted : wanted.test(name)));
    if (found < 0)
      throw new UnexpectedAnswer(
        `no column ${typeof wanted === "string" ? wanted : wanted.source} in '${header.join(",").slice(0, 80)}'`,
      );
    return found;
  };
  const [keyAt, places] = [place(key), columns.map(place)];
  return rows
    .filter((row) => places.every((at) => row[at] !== "" && row[at] !== "."))
    .map((row) => ({ key: keyOf(row[keyAt]!), cells: places.map((at) => decimal(row[at])) }));
}

/** VIX_History.csv has OPEN, HIGH, LOW, CLOSE; VVIX and SKEW have one column, named as the index. */
function cboeColumn(column: string): string | RegExp {
  return column === "close" ? /^(CLOSE|VVIX|SKEW)$/ : column.toUpperCase();
}

const capital = (column: string): string => column.charAt(0).toUpperCase() + column.slice(1);

function isoDate(text: string): string {
  try {
    return dateOfDay(dayNumber(text));
  } catch (error) {
    if (error instanceof CalendarDateError) throw new UnexpectedAnswer(`'${text.slice(0, 20)}' is not a date`);
    throw error;
  }
}

function monthFirst(text: string): string {
  const match = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
  if (match === null) throw new UnexpectedAnswer(`'${text.slice(0, 20)}' is not a date`);
  return isoDate(`${match[3]!}-${match[1]!.padStart(2, "0")}-${match[2]!.padStart(2, "0")}`);
}

function decimal(text: string | number | undefined): number {
  const value = text === undefined || text === "" ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new UnexpectedAnswer(`'${String(text).slice(0, 20)}' is not a number`);
  return value;
}

/** Binance's spot archive counts microseconds from 2025 on, milliseconds before: beyond this, it is microseconds. */
const MICROSECONDS_FROM = 1e14;

function kline(row: readonly (string | number)[]): SourceRow {
  const stamp = decimal(row[0]);
  const milliseconds = stamp > MICROSECONDS_FROM ? stamp / 1_000 : stamp;
  return { key: new Date(milliseconds).toISOString().slice(0, 10), cells: row.slice(1, 6).map(decimal) };
}

/** Settlements are stamped some milliseconds after the minute they are due. */
function settlement(milliseconds: number, rate: string | number): SourceRow {
  const minute = Math.round(milliseconds / 60_000) * 60_000;
  return { key: new Date(minute).toISOString().replace(".000Z", "Z"), cells: [decimal(rate)] };
}
