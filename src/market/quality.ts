import { dateOfDay, dayNumber, sessionsBetween } from "./calendar.ts";
import { DATA_FILE_NAMES, EVENTS_FILE, SERIES_SOURCES } from "./catalogue.ts";
import type { SeriesSource } from "./catalogue.ts";
import { DataFileError, parseTable } from "./csv.ts";
import { buildDataset } from "./dataset.ts";
import type { DataFiles } from "./dataset.ts";
import { isBankHolidayOnly, isSessionDay } from "./publication.ts";
import type { MarketEvent, Series, SeriesCalendar, SeriesUnit } from "./series.ts";

/**
 * What may be wrong. `missing`, `unreadable`: the whole file. `dropped`: rows that are not used. `gap`: days, sessions,
 * settlements or periods without a value. `outlier`: a change far outside those around it. `spike`: one that is taken
 * back at once, so likely a bad print. `order`: low, open, close and high contradict each other. `flat`: a price that stood still.
 * `stale`: ended before the others. `event`: a date of the calendar that cannot be, or a month without one.
 */
export type FindingKind =
  "missing" | "unreadable" | "dropped" | "gap" | "outlier" | "spike" | "order" | "flat" | "stale" | "event";

/** One thing to know about the data: where, what, from when to when, how many rows or days, in a sentence. */
export interface Finding {
  readonly file: string;
  /** The series' name, null when it is about the file. */
  readonly series: string | null;
  readonly kind: FindingKind;
  /** YYYY-MM-DD; null for a whole file. */
  readonly from: string | null;
  readonly to: string | null;
  readonly count: number;
  readonly sentence: string;
}

/** One line of the report. */
export interface SeriesSummary {
  readonly series: string;
  readonly file: string;
  readonly rows: number;
  /** First and last date, null when there is no row. */
  readonly from: string | null;
  readonly to: string | null;
  /** Sessions from the last value to the date of the report. */
  readonly ageSessions: number | null;
  /** Days, sessions, settlements or periods without a value, between the first and the last. */
  readonly missing: number;
  /** Outliers and spikes. */
  readonly outliers: number;
  readonly vintage: Series["vintage"];
}

export interface QualityReport {
  /** The date that ages are counted to. */
  readonly date: string;
  readonly series: readonly SeriesSummary[];
  readonly findings: readonly Finding[];
}

/** The folder has no series that could say what the newest date is. */
export class NoDateError extends Error {
  constructor() {
    super("no series can be read, so ages have nothing to count to: give a date, or fill the folder first.");
    this.name = "NoDateError";
  }
}

/**
 * Examines every file of a data folder. Ages are counted to `date` (YYYY-MM-DD), by default the newest value of all.
 * Reads backward and forward in time, so it is for people and reports, never for decisions. A bad file does not stop
 * it: that is a finding. Throws NoDateError.
 */
export function checkQuality(files: DataFiles, date?: string): QualityReport {
  const findings: Finding[] = [];
  const read: { source: SeriesSource; series: Series }[] = [];
  let events: readonly MarketEvent[] = [];
  for (const file of DATA_FILE_NAMES) {
    const text = files[file];
    const sources = SERIES_SOURCES.filter((source) => source.file === file);
    const whole = { file, series: null, from: null, to: null, count: 0 };
    if (text === undefined) {
      const names = sources.map(({ name }) => name).join(", ");
      findings.push({ ...whole, kind: "missing", sentence: `${file} is not there${names && `: no ${names}`}.` });
      continue;
    }
    try {
      const dataset = buildDataset({ [file]: text }, ({ series, days, sentence }) => {
        findings.push({ file, series, kind: "dropped", ...span(days), count: days.length, sentence });
      });
      events = file === EVENTS_FILE ? dataset.events : events;
      for (const source of sources) read.push({ source, series: dataset.series.get(source.name)! });
      findings.push(...brokenBars(file, text));
    } catch (error) {
      if (!(error instanceof DataFileError)) throw error;
      findings.push({ ...whole, kind: "unreadable", sentence: error.message });
    }
  }

  const newest = Math.max(...read.map(({ series }) => series.days.at(-1) ?? -Infinity));
  if (date === undefined && !Number.isFinite(newest)) throw new NoDateError();
  const to = date ?? dateOfDay(newest);
  const summaries = read.map(({ source, series }) => {
    const gaps = findGaps(source, series);
    const outliers = isJudged(source) ? findOutliers(source, series) : [];
    const age = ageInSessions(series, to);
    findings.push(...gaps, ...outliers, ...findFlat(source, series), ...findStale(source, series, age, to));
    return {
      series: series.name,
      file: source.file,
      rows: series.days.length,
      ...span(series.days),
      ageSessions: age,
      missing: sum(gaps),
      outliers: sum(outliers),
      vintage: series.vintage,
    };
  });
  findings.push(...oddEvents(events));
  return { date: to, series: summaries, findings };
}

const sum = (findings: readonly Finding[]): number => findings.reduce((total, { count }) => total + count, 0);

function span(days: ArrayLike<number>): { from: string | null; to: string | null } {
  if (days.length === 0) return { from: null, to: null };
  return { from: dateOfDay(days[0]!), to: dateOfDay(days[days.length - 1]!) };
}

function about(
  { file, column, name }: SeriesSource,
  kind: FindingKind,
  days: ArrayLike<number>,
  what: string,
): Finding {
  const { from, to } = span(days);
  const when = from === to ? `on ${from ?? ""}` : `from ${from ?? ""} to ${to ?? ""}`;
  const sentence = `${file} (${column}): ${what} ${when}.`;
  return { file, series: name, kind, from, to, count: days.length, sentence };
}

// Gaps

const SECONDS_PER_DAY = 86_400;
/** Binance settles funding every eight hours; it has gone to four for a while, which is no gap. */
const SETTLEMENT_SECONDS = 8 * 3_600;
const WHAT_IS_MISSING: Readonly<Record<SeriesCalendar, string>> = {
  nyse: "session",
  utc: "day",
  funding: "day of missed settlements",
  monthly: "month",
  quarterly: "quarter",
};

/** Stretches without a value between the first and the last, by the series' calendar: one finding each. */
function findGaps(source: SeriesSource, series: Series): Finding[] {
  const what = WHAT_IS_MISSING[series.calendar];
  return missingRuns(source, series).map((days) => {
    return about(
      source,
      "gap",
      days,
      days.length === 1 ? `no value, one ${what},` : `no value, ${days.length} × ${what},`,
    );
  });
}

function missingRuns({ publication }: SeriesSource, { calendar, days, availableAt }: Series): number[][] {
  const runs: number[][] = [];
  const ofTheFed = publication === "next-business-day" || publication === "next-week";
  const hasValue = (day: number): boolean =>
    calendar === "utc" || (isSessionDay(day) && !(ofTheFed && isBankHolidayOnly(day)));
  for (let i = 1; i < days.length; i++) {
    const [before, now] = [days[i - 1]!, days[i]!];
    if (calendar === "funding") {
      // The instant of a settlement is when it was published. Clocks wander by milliseconds, not by minutes.
      const late = availableAt[i]! - availableAt[i - 1]! > SETTLEMENT_SECONDS + 60;
      if (late) runs.push(daysFrom(Math.floor((availableAt[i - 1]! + SETTLEMENT_SECONDS) / SECONDS_PER_DAY), now + 1));
    } else if (calendar === "monthly" || calendar === "quarterly") {
      const step = calendar === "monthly" ? 1 : 3;
      const run: number[] = [];
      for (let day = monthsAfter(before, step); day < now; day = monthsAfter(day, step)) run.push(day);
      runs.push(run);
    } else if (now > before + 1) {
      runs.push(daysFrom(before + 1, now).filter(hasValue));
    }
  }
  return runs.filter((run) => run.length > 0);
}

const daysFrom = (from: number, before: number): number[] =>
  Array.from({ length: Math.max(0, before - from) }, (_, i) => from + i);

function monthsAfter(day: number, months: number): number {
  const date = new Date(day * SECONDS_PER_DAY * 1_000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1) / (SECONDS_PER_DAY * 1_000);
}

// Outliers

/**
 * Changes of a block are judged by that block, about a year of sessions, since volatility itself changes. Blocks of less
 * than a quarter of that are judged with the one before.
 */
const BLOCK = 250;
/** Fewer changes than a quarter's have no scale of their own. */
const LEAST_CHANGES = 60;
/** Robust standard deviations beyond which a change is named. Reasoned: at 10, markets' own worst days are a handful. */
const OUTLIER_SCORE = 10;
/** A change is a spike if the next one takes back this much of it, at least and (inversely) at most. */
const TAKEN_BACK = 0.7;
/** A normal variable's median absolute deviation is its standard deviation times Φ⁻¹(3/4). */
const MAD_TO_DEVIATION = 1 / 0.6744897501960817;

const ABOVE_ZERO: ReadonlySet<SeriesUnit> = new Set(["points", "usd", "index", "ratio", "usd-billion"]);

/** Levels and prices, by their closes: rates that are set by committees, funding and counts jump by nature. */
function isJudged({ unit, signed, column }: SeriesSource): boolean {
  return ABOVE_ZERO.has(unit) && signed !== true && !["open", "high", "low"].includes(column);
}

/**
 * Changes of the logarithm more than OUTLIER_SCORE robust deviations from their median: median absolute deviation ×
 * 1.4826 (Hampel 1974, "The influence curve and its role in robust estimation", Journal of the ASA 69).
 */
function findOutliers(source: SeriesSource, { values, days }: Series): Finding[] {
  const changes = Array.from({ length: Math.max(0, values.length - 1) }, (_, i) =>
    Math.log(values[i + 1]! / values[i]!),
  );
  const scores = robustScores(changes);
  const found: Finding[] = [];
  for (let i = 0; i < changes.length; i++) {
    if (Math.abs(scores[i]!) <= OUTLIER_SCORE) continue;
    const day = [days[i + 1]!];
    const levels = `${round(values[i]!)} to ${round(values[i + 1]!)}`;
    const size = `${Math.abs(scores[i]!).toFixed(0)} robust deviations`;
    const takenBack = -(changes[i + 1] ?? 0) / changes[i]!;
    if (takenBack < TAKEN_BACK || takenBack > 1 / TAKEN_BACK) {
      found.push(about(source, "outlier", day, `${levels}, a change of ${size},`));
    } else {
      found.push(about(source, "spike", day, `${levels} and back to ${round(values[i + 2]!)}, ${size},`));
      i++; // the way back is the same finding
    }
  }
  return found;
}

const round = (value: number): string => String(Number(value.toPrecision(6)));

/** (change − median) / robust deviation, block by block; 0 where most changes are equal and there is no scale. */
function robustScores(changes: readonly number[]): Float64Array {
  const scores = new Float64Array(changes.length);
  if (changes.length < LEAST_CHANGES) return scores;
  for (let from = 0; from < changes.length;) {
    const rest = changes.length - from;
    const to = rest < BLOCK * 1.25 ? changes.length : from + BLOCK;
    const block = changes.slice(from, to);
    const middle = median(block);
    const deviation = MAD_TO_DEVIATION * median(block.map((value) => Math.abs(value - middle)));
    if (deviation > 0) block.forEach((value, i) => (scores[from + i] = (value - middle) / deviation));
    from = to;
  }
  return scores;
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

// Bars, flat stretches, age

const BAR_FILES: ReadonlySet<string> = new Set(["vix.csv", "btc.csv", "eth.csv"]);

function brokenBars(file: string, text: string): Finding[] {
  if (!BAR_FILES.has(file)) return [];
  const kinds = { date: "date", open: "optionalNumber", high: "optionalNumber", low: "optionalNumber" } as const;
  const { columns, length } = parseTable(text, file, { ...kinds, close: "optionalNumber" });
  const { date, open, high, low, close } = columns;
  const broken: number[] = [];
  for (let i = 0; i < length; i++) {
    const inside = (value: number): boolean => !(value < low[i]!) && !(value > high[i]!);
    if (!inside(open[i]!) || !inside(close[i]!)) broken.push(date[i]!);
  }
  if (broken.length === 0) return [];
  const { from, to } = span(broken);
  const sentence = `${file}: ${broken.length} bars from ${from!} to ${to!} break low ≤ open, close ≤ high.`;
  return [{ file, series: null, kind: "order", from, to, count: broken.length, sentence }];
}

/** Equal values in a row at which a price or index is said to stand still. Reasoned: VIX has 5 by chance, not 8. */
const FLAT_ROWS = 8;

function findFlat(source: SeriesSource, { values, days, unit, calendar, vintage }: Series): Finding[] {
  // Adjusted closes of a fund of Treasury bills stand still for weeks; so do monthly figures, never prices.
  const moves = ["points", "index", "usd"].includes(unit) && (calendar === "nyse" || calendar === "utc");
  if (!moves || vintage === "latest") return [];
  const found: Finding[] = [];
  for (let from = 0, i = 1; i <= values.length; i++) {
    if (i < values.length && values[i] === values[from]) continue;
    const run = days.subarray(from, i);
    if (run.length >= FLAT_ROWS) {
      found.push(about(source, "flat", run, `${round(values[from]!)} on ${run.length} rows in a row`));
    }
    from = i;
  }
  return found;
}

/** QUANT: a value older than 5 sessions is Unknown; for what comes by the month or quarter, than two release periods. */
const STALE_AFTER_SESSIONS: Readonly<Record<SeriesCalendar, number>> = {
  nyse: 5,
  utc: 5,
  funding: 5,
  monthly: 42 + 35, // two months of 21 sessions after the month's start, and the 50 days it takes to come out
  quarterly: 126 + 83, // two quarters of 63, and 120 days
};

function ageInSessions({ days }: Series, to: string): number | null {
  const last = days.at(-1);
  if (last === undefined) return null;
  return last >= dayNumber(to) ? 0 : sessionsBetween(dateOfDay(last + 1), to).length;
}

function findStale(source: SeriesSource, { days, calendar }: Series, age: number | null, to: string): Finding[] {
  if (age !== null && age <= STALE_AFTER_SESSIONS[calendar]) return [];
  if (age === null) return [{ ...about(source, "stale", days, ""), sentence: `${source.file}: no ${source.column}.` }];
  return [about(source, "stale", days.subarray(-1), `${age} sessions old by ${to}, so Unknown: the last value is`)];
}

// Events

/** Releases that come out each month. */
const MONTHLY_RELEASES = ["cpi", "ppi", "nfp"] as const;

/** Releases on days when nothing is released, and months that lack one: the calendar is a list that people typed. */
function oddEvents(events: readonly MarketEvent[]): Finding[] {
  return MONTHLY_RELEASES.flatMap((kind) => {
    const days = events.filter((event) => event.kind === kind).map(({ day }) => day);
    const source = { file: EVENTS_FILE, column: kind, name: kind } as SeriesSource;
    const found: Finding[] = [];
    for (const [i, day] of days.entries()) {
      if (!isSessionDay(day) && !isGoodFriday(day))
        found.push(about(source, "event", [day], "a release on a holiday,"));
      const skipped = i === 0 ? [] : daysOfMonthsBetween(days[i - 1]!, day);
      if (skipped.length > 0) found.push(about(source, "event", skipped, "no release in the month (first days),"));
    }
    return found;
  });
}

/** Among closures, Fridays of March and April: the exchange is shut, but the government works and publishes. */
function isGoodFriday(day: number): boolean {
  const date = new Date(day * SECONDS_PER_DAY * 1_000);
  return date.getUTCDay() === 5 && (date.getUTCMonth() === 2 || date.getUTCMonth() === 3);
}

function daysOfMonthsBetween(before: number, now: number): number[] {
  const months: number[] = [];
  for (let day = monthsAfter(before, 1); monthsAfter(day, 1) <= now; day = monthsAfter(day, 1)) months.push(day);
  return months;
}
