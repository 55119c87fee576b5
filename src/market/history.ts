import { dateOfDay, dayNumber, isSession, previousSession, startOfDay } from "./calendar.ts";
import { DataFileError, parseSeries } from "./csv.ts";
import { readDataFile } from "./files.ts";
import { EWMA_WARM_UP, ewmaVolatility } from "./volatility.ts";

/** Sessions before the window that the regime oracle is seeded with. */
export const SEED_SESSIONS = 250;
/** Binance settles funding every eight hours. */
const SETTLEMENTS_PER_DAY = 3;

/** The closes of one NYSE session, in points. */
export interface VolatilityClose {
  vix: number;
  vix3m: number;
}

/** One UTC day. */
export interface MarketDay {
  /** YYYY-MM-DD. */
  date: string;
  /** The 00:00 UTC bar, in USD. */
  eth: { open: number; high: number; low: number; close: number };
  /** Closes of the day's session; null when the exchange is shut. */
  session: VolatilityClose | null;
  /** Sum of the funding rates settled in this day, decimal; a short receives a positive rate. 0 where not known. */
  fundingRate: number;
  /** EWMA(0.94) volatility of log returns as of the day before, decimal per day. */
  ethVolatility: number;
}

/** A window of market days for a replay, and the sessions before it. */
export interface History {
  kind: "history" | "synthetic";
  /** What to print above every number that comes from it. */
  label: string;
  from: string;
  to: string;
  /** Every day from `from` to `to`. */
  days: MarketDay[];
  /** The SEED_SESSIONS sessions before `from`. */
  seedSessions: ({ date: string } & VolatilityClose)[];
  /** False when any day's funding is not known (and 0). */
  fundingKnown: boolean;
  /** What a reader should know about the data, in sentences. */
  notes: string[];
}

/** The texts of the files a history is made of. */
export interface HistoryFiles {
  eth: string;
  vix: string;
  vix3m: string;
  fundingEth: string;
}

const FILE_NAMES: HistoryFiles = {
  eth: "eth.csv",
  vix: "vix.csv",
  vix3m: "vix3m.csv",
  fundingEth: "funding_eth_8h.csv",
};

/** The window asked for cannot be replayed from these files. */
export class HistoryWindowError extends Error {
  constructor(from: string, to: string, problem: string, mend: string) {
    super(`window ${from} to ${to}: ${problem}. ${mend}`);
    this.name = "HistoryWindowError";
  }
}

/**
 * Reads the window `from` to `to` (YYYY-MM-DD, both included) from a data folder.
 * Throws DataFileError for an unusable file, HistoryWindowError for a window the files do not cover.
 */
export async function loadHistory(dir: string, from: string, to: string): Promise<History> {
  // One after another: of several missing files the same one is named each time.
  const eth = await readDataFile(dir, FILE_NAMES.eth);
  const vix = await readDataFile(dir, FILE_NAMES.vix);
  const vix3m = await readDataFile(dir, FILE_NAMES.vix3m);
  const fundingEth = await readDataFile(dir, FILE_NAMES.fundingEth);
  return buildHistory({ eth, vix, vix3m, fundingEth }, from, to);
}

/**
 * The days `from` to `to` (YYYY-MM-DD, both included) of a history that is already there; the days before them become its
 * last seed sessions. Throws HistoryWindowError.
 */
export function cutHistory(history: History, from: string, to: string): History {
  if (dayNumber(from) > dayNumber(to)) {
    throw new HistoryWindowError(from, to, "it ends before it begins", "Swap the two dates.");
  }
  if (from < history.from || to > history.to) {
    const problem = `the ${history.kind === "synthetic" ? "synthetic scenario" : "history"} has ${history.from} to ${history.to}`;
    throw new HistoryWindowError(from, to, problem, "Choose dates inside, or name a folder with market history.");
  }
  const before = history.days.flatMap(({ date, session }) =>
    session === null || date >= from ? [] : [{ date, ...session }],
  );
  return {
    ...history,
    from,
    to,
    days: history.days.filter(({ date }) => date >= from && date <= to),
    seedSessions: [...history.seedSessions, ...before].slice(-SEED_SESSIONS),
  };
}

/** As loadHistory, from the files' texts: pure. */
export function buildHistory(files: HistoryFiles, from: string, to: string): History {
  const first = dayNumber(from);
  const last = dayNumber(to);
  if (first > last) throw new HistoryWindowError(from, to, "it ends before it begins", "Swap the two dates.");

  const bars = readBars(files.eth, from, to);
  const closes = readCloses(files, from, to);
  const funding = readFunding(files.fundingEth, from, to);

  const days: MarketDay[] = [];
  for (let day = first; day <= last; day++) {
    const date = dateOfDay(day);
    const { bar, volatility } = bars.on(date);
    days.push({
      date,
      eth: bar,
      session: isSession(date) ? closes.on(date) : null,
      fundingRate: funding.on(date),
      ethVolatility: volatility,
    });
  }

  const seedSessions = sessionsBefore(from, closes);
  return {
    kind: "history",
    label: `History ${from} to ${to}`,
    from,
    to,
    days,
    seedSessions,
    fundingKnown: funding.unknownUntil === null,
    notes: [...closes.notes(seedSessions[0]!.date, to), ...funding.notes],
  };
}

function readBars(text: string, from: string, to: string) {
  const rows = parseSeries(text, FILE_NAMES.eth, {
    date: "date",
    open: "number",
    high: "number",
    low: "number",
    close: "number",
  });
  const volatilities = ewmaVolatility(rows.map((row) => row.close));
  const byDate = new Map(rows.map((row, i) => [row.date, i]));
  const start = rows[0]!.date;
  const end = rows.at(-1)!.date;
  if (from < start || to > end) {
    throw new HistoryWindowError(from, to, `${FILE_NAMES.eth} has ${start} to ${end}`, "Choose dates inside.");
  }
  let expected = dayNumber(start);
  for (const row of rows) {
    if (row.date !== dateOfDay(expected)) {
      const mend = "Crypto has a bar every day: fetch the file again.";
      throw new DataFileError(FILE_NAMES.eth, row.line, "date", `${dateOfDay(expected)} is missing`, mend);
    }
    if (!(row.low > 0 && row.low <= Math.min(row.open, row.close) && row.high >= Math.max(row.open, row.close))) {
      const problem = "the bar breaks 0 < low ≤ open, close ≤ high";
      throw new DataFileError(FILE_NAMES.eth, row.line, "low", problem, "Correct the row from another source.");
    }
    expected += 1;
  }
  return {
    on(date: string) {
      const i = byDate.get(date)!;
      const { open, high, low, close } = rows[i]!;
      const volatility = volatilities[i] ?? null;
      if (volatility === null) {
        const problem = `volatility needs ${EWMA_WARM_UP + 1} days before ${date}, ${FILE_NAMES.eth} begins on ${start}`;
        throw new HistoryWindowError(from, to, problem, "Choose a later window.");
      }
      return { bar: { open, high, low, close }, volatility };
    },
  };
}

/** The SEED_SESSIONS sessions before a date, from a data folder: what a regime oracle deployed on that date starts from. */
export async function loadSeedSessions(dir: string, before: string): Promise<History["seedSessions"]> {
  const [vix, vix3m] = await Promise.all([readDataFile(dir, FILE_NAMES.vix), readDataFile(dir, FILE_NAMES.vix3m)]);
  return sessionsBefore(before, readCloses({ vix, vix3m }, before, before));
}

function sessionsBefore(before: string, closes: ReturnType<typeof readCloses>): History["seedSessions"] {
  const sessions: History["seedSessions"] = [];
  for (let date = previousSession(before); sessions.length < SEED_SESSIONS; date = previousSession(date)) {
    sessions.unshift({ date, ...closes.on(date) });
  }
  return sessions;
}

function readCloses(files: Pick<HistoryFiles, "vix" | "vix3m">, from: string, to: string) {
  const columns = { date: "date", close: "number" } as const;
  const vix = new Map(parseSeries(files.vix, FILE_NAMES.vix, columns).map((row) => [row.date, row]));
  const vix3m = new Map(parseSeries(files.vix3m, FILE_NAMES.vix3m, columns).map((row) => [row.date, row]));

  // A session without a close is an error, not a value carried over: the rule machine counts consecutive closes, and an
  // invented one could end a stress five sessions later.
  const closeOf = (rows: typeof vix, name: string, date: string): number => {
    const row = rows.get(date);
    if (row === undefined) {
      const problem = `the session ${date} has no close, and the window ${from} to ${to} needs it`;
      const following = [...rows.values()].find((other) => other.date > date);
      const mend =
        "Add the row from the public source, or choose a window (and 250 sessions before it) inside the file.";
      throw new DataFileError(name, following?.line ?? null, "date", problem, mend);
    }
    if (row.close > 0) return row.close;
    throw new DataFileError(name, row.line, "close", `${row.close} is no index level`, "Correct the row.");
  };

  return {
    on(date: string): VolatilityClose {
      return { vix: closeOf(vix, FILE_NAMES.vix, date), vix3m: closeOf(vix3m, FILE_NAMES.vix3m, date) };
    },
    notes(start: string, end: string): string[] {
      const dates = [...new Set([...vix.keys(), ...vix3m.keys()])]
        .filter((date) => date >= start && date <= end && !isSession(date))
        .sort();
      return dates.length === 0 ? [] : [`VIX rows on days without a session were dropped: ${dates.join(", ")}.`];
    },
  };
}

function readFunding(text: string, from: string, to: string) {
  const rows = parseSeries(text, FILE_NAMES.fundingEth, { time: "time", rate: "number" });
  const sums = new Map<string, { sum: number; settlements: number; line: number }>();
  for (const { time, rate, line } of rows) {
    const date = time.slice(0, 10);
    const { sum, settlements } = sums.get(date) ?? { sum: 0, settlements: 0 };
    sums.set(date, { sum: sum + rate, settlements: settlements + 1, line });
  }
  // The file may begin in the middle of a day: its first whole day is the first one that is known.
  const begin = rows[0]!.time;
  const known = dateOfDay(Math.ceil(Date.parse(begin) / 86_400_000));
  const end = rows.at(-1)!.time.slice(0, 10);
  if (to > end) {
    throw new HistoryWindowError(from, to, `${FILE_NAMES.fundingEth} ends on ${end}`, "Choose an earlier end.");
  }

  const unknownUntil = from < known ? (to < known ? to : dateOfDay(dayNumber(known) - 1)) : null;
  const note = `No funding rates are known from ${from} to ${unknownUntil}: those days run with funding 0.`;
  return {
    unknownUntil,
    notes: unknownUntil === null ? [] : [note],
    on(date: string): number {
      if (date < known) return 0;
      const day = sums.get(date);
      if (day?.settlements === SETTLEMENTS_PER_DAY) return day.sum;
      const problem = `${date} has ${day?.settlements ?? 0} settlements, not ${SETTLEMENTS_PER_DAY}`;
      const line = day?.line ?? rows.find((row) => Date.parse(row.time) / 1000 > startOfDay(date))?.line ?? null;
      throw new DataFileError(FILE_NAMES.fundingEth, line, "time", problem, "Fetch the missing settlements.");
    },
  };
}
