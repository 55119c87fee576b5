import { dateOfDay, dayNumber } from "./calendar.ts";
import { DATA_FILE_NAMES, EVENTS_FILE, SERIES_SOURCES } from "./catalogue.ts";
import type { SeriesSource } from "./catalogue.ts";
import { parseTable } from "./csv.ts";
import type { ColumnKind, Columns, Table } from "./csv.ts";
import { eventKnownFrom, isSessionDay, publishedAt } from "./publication.ts";
import type { Dataset, MarketEvent, Series, SeriesUnit } from "./series.ts";

export { decisionTime } from "./publication.ts";

/** The texts of a data folder by file name. What is not there is left out. */
export type DataFiles = Readonly<Record<string, string>>;

/** Units that have no negative values and no zero: such a row is a bad print. */
const POSITIVE_UNITS: ReadonlySet<SeriesUnit> = new Set(["points", "usd", "index", "ratio", "usd-billion"]);

/** Rows of a file that its series leaves out. */
export interface DroppedRows {
  readonly file: string;
  readonly series: string;
  readonly days: readonly number[];
  readonly sentence: string;
}

/**
 * Reads every series and event out of the texts of a folder; what is left out goes into the notes, and to `onDrop`.
 * Throws DataFileError for a file that cannot be used.
 */
export function buildDataset(files: DataFiles, onDrop: (rows: DroppedRows) => void = () => undefined): Dataset {
  const notes: string[] = [];
  const drop = (rows: DroppedRows): void => {
    notes.push(rows.sentence);
    onDrop(rows);
  };
  const events = EVENTS_FILE in files ? readEvents(files[EVENTS_FILE]) : [];
  const series = new Map<string, Series>();
  for (const file of DATA_FILE_NAMES) {
    const text = files[file];
    const sources = SERIES_SOURCES.filter((source) => source.file === file);
    if (text === undefined || sources.length === 0) continue;
    const table = parseTable(text, file, columnsOf(sources), {
      repeatedDates: sources.some(({ where }) => where !== undefined),
    });
    for (const source of sources) series.set(source.name, readSeries(source, table, events, drop));
  }
  return { series, events, notes };
}

const keyOf = ({ calendar }: SeriesSource): "time" | "date" => (calendar === "funding" ? "time" : "date");

function columnsOf(sources: readonly SeriesSource[]): Columns {
  const columns: Record<string, ColumnKind> = {};
  for (const source of sources) {
    columns[keyOf(source)] = keyOf(source);
    columns[source.column] = "optionalNumber";
    if (source.where !== undefined) columns[source.where.column] = "text";
  }
  return columns;
}

const SECONDS_PER_DAY = 86_400;

function readSeries(
  source: SeriesSource,
  { columns, length }: Table<Columns>,
  events: readonly MarketEvent[],
  onDrop: (rows: DroppedRows) => void,
): Series {
  const { file, column, where, trustedFrom, publication, calendar, name, unit, vintage } = source;
  const key = keyOf(source);
  const keys = columns[key] as Int32Array | Float64Array;
  const cells = columns[column] as Float64Array;
  const names = where === undefined ? null : (columns[where.column] as string[]);
  const trustedDay = trustedFrom === undefined ? -Infinity : dayNumber(trustedFrom.date);
  const releases =
    typeof publication === "object" && "release" in publication
      ? events.flatMap(({ kind, day }) => (kind === publication.release ? [day] : []))
      : [];

  const days: number[] = [];
  const availableAt: number[] = [];
  const values: number[] = [];
  const dropped = { untrusted: [] as number[], shut: [] as number[], impossible: [] as number[] };
  let known = -Infinity;
  for (let i = 0; i < length; i++) {
    const value = cells[i]!;
    if (Number.isNaN(value)) continue; // a blank is a day without a value: holidays in the treasury files
    if (names !== null && names[i] !== where!.equals) continue;
    const instant = key === "time" ? keys[i]! : NaN;
    const day = key === "time" ? Math.floor(instant / SECONDS_PER_DAY) : keys[i]!;
    if (day < trustedDay) dropped.untrusted.push(day);
    else if (calendar === "nyse" && !isSessionDay(day)) dropped.shut.push(day);
    else if (value <= 0 && POSITIVE_UNITS.has(unit) && source.signed !== true) dropped.impossible.push(day);
    else {
      // Never descending: a release moved behind the following one would otherwise reorder the past.
      known = Math.max(known, publishedAt(publication, day, instant, releases));
      days.push(day);
      availableAt.push(known);
      values.push(value);
    }
  }
  const note = (rows: readonly number[], why: string): void => {
    const sentence = `${file} (${column}): ${rows.length} rows ${why}: ${someDates(rows)}.`;
    if (rows.length > 0) onDrop({ file, series: name, days: rows, sentence });
  };
  note(dropped.untrusted, `dropped, not trusted (${trustedFrom?.why ?? ""})`);
  note(dropped.shut, "on days without a session dropped");
  note(dropped.impossible, `of 0 or less dropped, which is no value in ${unit}`);
  return {
    name,
    unit,
    calendar,
    vintage,
    days: Int32Array.from(days),
    availableAt: Float64Array.from(availableAt),
    values: Float64Array.from(values),
  };
}

/** Dates in a sentence: all of them, or the first six and the last. */
function someDates(days: readonly number[]): string {
  const dates = days.map(dateOfDay);
  return dates.length > 7 ? `${dates.slice(0, 6).join(", ")} … ${dates.at(-1)!}` : dates.join(", ");
}

function readEvents(text: string): MarketEvent[] {
  const { columns, length } = parseTable(text, EVENTS_FILE, { date: "date", event: "text" }, { repeatedDates: true });
  return Array.from({ length }, (_, i) => {
    const [day, kind] = [columns.date[i]!, columns.event[i]!];
    return Object.freeze({ day, kind, knownFrom: eventKnownFrom(kind, day) });
  });
}
