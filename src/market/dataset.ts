import { DateTime } from "luxon";
import { addDays, dateOfDay, dayNumber, isSession, nextSession } from "./calendar.ts";
import { DataFileError, parseSeries } from "./csv.ts";
import type { ColumnKind, Columns } from "./csv.ts";
import type { Dataset, MarketEvent, Series, SeriesInfo } from "./series.ts";

/** The texts of a data folder by file name. What is not there is left out. */
export type DataFiles = Readonly<Record<string, string>>;

/**
 * When an observation for a day becomes known. Conservative where a time of day is not known: a value that arrives too
 * late costs a day, one that arrives too early is a look into the future.
 */
type Publication =
  /** At 22:00 UTC of its own day: after New York's close, winter and summer. */
  | "close"
  /** When its 24-hour bar closes, 00:00 UTC of the next day. */
  | "bar"
  /** At the instant it carries (funding settlements). */
  | "instant"
  /** At 22:00 UTC of the next session (H.15 rates: the afternoon of the following business day). */
  | "next-session"
  /** So many days after its period began, at 22:00 UTC. */
  | { afterDays: number }
  /** At the release of that name in events.csv in the month after; before the calendar begins so many days later. */
  | { release: "cpi" | "ppi"; afterDays: number };

interface SeriesSource extends SeriesInfo {
  readonly file: string;
  readonly column: string;
  readonly publication: Publication;
  /** Rows that count: a file with several exchanges holds one series for each. */
  readonly where?: { readonly column: string; readonly equals: string };
  /** Bad values at the start of a file: rows before this date are dropped and the notes say so. */
  readonly trustedFrom?: { readonly date: string; readonly why: string };
}

const close = (name: string, file: string, more: Partial<SeriesSource> = {}): SeriesSource => ({
  name,
  file,
  column: "close",
  unit: "points",
  calendar: "nyse",
  vintage: "first",
  publication: "close",
  ...more,
});
const bar = (name: string, file: string, column: string): SeriesSource =>
  close(name, file, { column, unit: "usd", calendar: "utc", publication: "bar" });
const fred = (name: string, file: string, more: Partial<SeriesSource>): SeriesSource =>
  close(name, file, { column: "value", unit: "percent", publication: "next-session", ...more });

/** H.10 comes out on Mondays for the week before: a Monday's value is eight days old by the Tuesday after. */
const DOLLAR_LAG_DAYS = 8;
/** QUANT: GDP at quarter start + 120 days, REER at month start + 50 days, CPI and PPI so before the calendar begins. */
const GDP_LAG_DAYS = 120;
const MONTHLY_LAG_DAYS = 50;
/** Defaults for series a user brings along: known when their day is over. */
const BROUGHT = { column: "value", calendar: "utc", publication: "bar" } as const;

/** Every series a data folder may hold, by file and column. docs/data.md lists the same for people. */
export const SERIES_SOURCES: readonly SeriesSource[] = [
  close("vix", "vix.csv"),
  close("vix9d", "vix9d.csv"),
  close("vix3m", "vix3m.csv"),
  close("vix6m", "vix6m.csv"),
  close("vvix", "vvix.csv", {
    trustedFrom: { date: "2006-05-01", why: "bad prints in March and April 2006" },
  }),
  close("skew", "skew.csv"),
  close("vxFront", "vix_futures.csv", { column: "m1" }),
  close("vxSecond", "vix_futures.csv", { column: "m2" }),
  close("spx", "spx.csv", { unit: "index" }),
  close("spxTotalReturn", "spx_total_return.csv", { unit: "index" }),
  bar("ethOpen", "eth.csv", "open"),
  bar("ethHigh", "eth.csv", "high"),
  bar("ethLow", "eth.csv", "low"),
  bar("eth", "eth.csv", "close"),
  bar("btcOpen", "btc.csv", "open"),
  bar("btcHigh", "btc.csv", "high"),
  bar("btcLow", "btc.csv", "low"),
  bar("btc", "btc.csv", "close"),
  bar("btcSince2014", "btc_close_2014.csv", "close"),
  close("fundingEth", "funding_eth_8h.csv", {
    column: "rate",
    unit: "decimal",
    calendar: "funding",
    publication: "instant",
  }),
  close("fundingBtc", "funding_btc_8h.csv", {
    column: "rate",
    unit: "decimal",
    calendar: "funding",
    publication: "instant",
  }),
  fred("reerUs", "reer_us.csv", {
    unit: "index",
    calendar: "monthly",
    vintage: "latest",
    publication: { afterDays: MONTHLY_LAG_DAYS },
  }),
  fred("dollarBroad", "dollar_broad.csv", {
    unit: "index",
    vintage: "latest",
    publication: { afterDays: DOLLAR_LAG_DAYS },
  }),
  fred("fedFunds", "fed_funds.csv", { calendar: "utc" }),
  fred("treasury2y", "treasury_2y.csv", {}),
  fred("treasury10y", "treasury_10y.csv", {}),
  fred("gdp", "gdp.csv", {
    unit: "usd-billion",
    calendar: "quarterly",
    vintage: "latest",
    publication: { afterDays: GDP_LAG_DAYS },
  }),
  fred("gdpReal", "gdp_real.csv", {
    unit: "usd-billion",
    calendar: "quarterly",
    vintage: "latest",
    publication: { afterDays: GDP_LAG_DAYS },
  }),
  fred("cpi", "cpi.csv", {
    unit: "index",
    calendar: "monthly",
    vintage: "latest",
    publication: { release: "cpi", afterDays: MONTHLY_LAG_DAYS },
  }),
  fred("ppi", "ppi.csv", {
    unit: "index",
    calendar: "monthly",
    vintage: "latest",
    publication: { release: "ppi", afterDays: MONTHLY_LAG_DAYS },
  }),
  // Adjusted closes: every later dividend rescales the past, so levels are today's; returns are what they were.
  close("reit", "reit_vnq.csv", { unit: "usd", vintage: "latest" }),
  close("tbill", "tbill_bil.csv", { unit: "usd", vintage: "latest" }),
  close("netNewHighs", "breadth.csv", {
    column: "net_new_highs",
    unit: "count",
    where: { column: "exchange", equals: "NYSE" },
  }),
  close("percentAdvancers", "breadth.csv", {
    column: "percent_advancers",
    unit: "percent",
    where: { column: "exchange", equals: "NYSE" },
  }),
  close("percentAbove200Day", "breadth_above_200dma.csv", { column: "percent", unit: "percent", vintage: "latest" }),
  close("sectorAdvances", "sector_advance_decline.csv", { column: "advances", unit: "count" }),
  close("sectorDeclines", "sector_advance_decline.csv", { column: "declines", unit: "count" }),
  // Published in the evening: known when the day is over, which is before we decide.
  close("putCallTotal", "put_call.csv", { column: "total", unit: "ratio", publication: "bar" }),
  close("putCallIndex", "put_call.csv", { column: "index", unit: "ratio", publication: "bar" }),
  close("putCallEquity", "put_call.csv", { column: "equity", unit: "ratio", publication: "bar" }),
  // Brought by the user: no public series with history and a licence to redistribute is known.
  close("protocolPriceToCashFlow", "protocol_pcf.csv", { ...BROUGHT, unit: "ratio" }),
  close("protocolMarketCap", "protocol_market_cap.csv", { ...BROUGHT, unit: "usd" }),
  close("defiBorrowRate", "defi_borrow_rate.csv", { ...BROUGHT, unit: "percent" }),
  close("cryptoImpliedVolatility", "crypto_implied_volatility.csv", { ...BROUGHT, unit: "points" }),
  close("cryptoSkew", "crypto_skew.csv", { ...BROUGHT, unit: "points" }),
];

/** The calendar of releases and expiries. */
export const EVENTS_FILE = "events.csv";
/** Every file name a data folder may hold. */
export const DATA_FILE_NAMES: readonly string[] = [
  ...new Set([...SERIES_SOURCES.map(({ file }) => file), EVENTS_FILE]),
];

const SECONDS_PER_DAY = 86_400;
/** 22:00 UTC: New York's regular session is over by 21:00 UTC, VIX closes by 21:15. */
const AFTER_CLOSE_SECONDS = 22 * 3_600;

/** Reads every series and event out of the texts of a folder. Throws DataFileError for a file that cannot be used. */
export function buildDataset(files: DataFiles): Dataset {
  const notes: string[] = [];
  const events = EVENTS_FILE in files ? readEvents(files[EVENTS_FILE]) : [];
  const series = new Map<string, Series>();
  for (const source of SERIES_SOURCES) {
    const text = files[source.file];
    if (text !== undefined) series.set(source.name, readSeries(source, text, events, notes));
  }
  return { series, events, notes };
}

function readSeries(source: SeriesSource, text: string, events: readonly MarketEvent[], notes: string[]): Series {
  const { file, column, where, trustedFrom, calendar, name, unit, vintage } = source;
  const key = calendar === "funding" ? "time" : "date";
  const columns: Record<string, ColumnKind> = { [key]: key, [column]: "optionalNumber" };
  if (where !== undefined) columns[where.column] = "text";
  const rows = parseSeries(text, file, columns as Columns, { repeatedDates: where !== undefined });

  const days: number[] = [];
  const availableAt: number[] = [];
  const values: number[] = [];
  const dropped: string[] = [];
  let known = -Infinity;
  for (const row of rows) {
    const value = row[column] as number | null;
    if (value === null) continue; // a blank is a day without a value: holidays in the treasury files
    if (where !== undefined && row[where.column] !== where.equals) continue;
    const stamp = String(row[key]);
    const date = stamp.slice(0, 10);
    if (trustedFrom !== undefined && date < trustedFrom.date) continue;
    if (calendar === "nyse" && !isSession(date)) {
      dropped.push(date);
      continue;
    }
    if (unit !== "percent" && unit !== "count" && unit !== "decimal" && name !== "cryptoSkew" && value <= 0) {
      throw new DataFileError(file, row.line, column, `${value} is no ${unit} value`, "Correct or delete the row.");
    }
    const day = dayNumber(date);
    // Never descending: a release moved behind the following one would otherwise reorder the past.
    known = Math.max(known, publishedAt(source.publication, day, stamp, events));
    days.push(day);
    availableAt.push(known);
    values.push(value);
  }
  if (trustedFrom !== undefined) notes.push(`${file}: rows before ${trustedFrom.date} dropped (${trustedFrom.why}).`);
  if (dropped.length > 0) {
    const some =
      dropped.length > 6 ? `${dropped.slice(0, 6).join(", ")} … ${dropped.at(-1) ?? ""}` : dropped.join(", ");
    notes.push(`${file} (${column}): ${dropped.length} rows on days without a session dropped: ${some}.`);
  }
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

function publishedAt(publication: Publication, day: number, stamp: string, events: readonly MarketEvent[]): number {
  if (publication === "close") return day * SECONDS_PER_DAY + AFTER_CLOSE_SECONDS;
  if (publication === "bar") return (day + 1) * SECONDS_PER_DAY;
  if (publication === "instant") return Date.parse(stamp) / 1_000;
  if (publication === "next-session") {
    return dayNumber(nextSession(dateOfDay(day))) * SECONDS_PER_DAY + AFTER_CLOSE_SECONDS;
  }
  const lagged = (day + publication.afterDays) * SECONDS_PER_DAY + AFTER_CLOSE_SECONDS;
  if (!("release" in publication)) return lagged;
  const release = releaseOf(publication.release, day, events);
  return release === null ? lagged : release * SECONDS_PER_DAY + AFTER_CLOSE_SECONDS;
}

/** The day a month's index came out: the last release of the month after it, or else the first one after that. */
function releaseOf(kind: string, firstDay: number, events: readonly MarketEvent[]): number | null {
  const month = DateTime.fromISO(dateOfDay(firstDay), { zone: "utc" });
  const from = dayNumber(month.plus({ months: 1 }).toISODate()!);
  const to = dayNumber(month.plus({ months: 2 }).toISODate()!);
  const releases = events.filter((event) => event.kind === kind);
  if (releases.length === 0 || releases[0]!.day >= to) return null;
  const within = releases.filter(({ day }) => day >= from && day < to).at(-1);
  return (within ?? releases.find(({ day }) => day >= to))?.day ?? null;
}

/** Kinds of events.csv whose date nobody knew before. */
const UNSCHEDULED = new Set(["fomc_intermeeting"]);
/** Releases that shutdowns moved: their new dates were announced days before, so decisions do not know them. */
const MOVED_RELEASES: ReadonlySet<string> = new Set([
  "cpi 2013-10-30",
  "cpi 2013-11-20",
  "ppi 2013-10-29",
  "ppi 2013-11-21",
  "cpi 2025-10-24",
  "ppi 2025-11-25",
  "ppi 2026-01-30",
]);

function readEvents(text: string): MarketEvent[] {
  const rows = parseSeries(text, EVENTS_FILE, { date: "date", event: "text" }, { repeatedDates: true });
  return rows.map(({ date, event }) => {
    const day = dayNumber(date);
    const unknowable = UNSCHEDULED.has(event) || MOVED_RELEASES.has(`${event} ${date}`);
    return { day, kind: event, knownFrom: unknowable ? day * SECONDS_PER_DAY : -Infinity };
  });
}

/** Seconds after the end of a day at which decisions about it are taken: five minutes past midnight UTC. */
const DECISION_DELAY_SECONDS = 300;

/** The instant at which the decision that follows a session is taken: 00:05 UTC of the next day. */
export function decisionTime(sessionDate: string): number {
  return dayNumber(addDays(sessionDate, 1)) * SECONDS_PER_DAY + DECISION_DELAY_SECONDS;
}
