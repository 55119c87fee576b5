import type { Publication } from "./catalogue.ts";
import { closures, dateOfDay, dayNumber } from "./calendar.ts";
import type { MarketEvent } from "./series.ts";

const SECONDS_PER_DAY = 86_400;
const DAYS_PER_WEEK = 7;
/** 22:00 UTC: New York's session is over by 21:00 UTC, VIX closes by 21:15, H.10 and H.15 are out by 21:15. */
const EVENING_SECONDS = 22 * 3_600;
/** Seconds after the end of a day at which decisions about it are taken: five minutes past midnight UTC. */
const DECISION_DELAY_SECONDS = 300;

/** The instant at which the decision that follows a session is taken: 00:05 UTC of the next day, seconds UTC. */
export function decisionTime(sessionDate: string): number {
  return (dayNumber(sessionDate) + 1) * SECONDS_PER_DAY + DECISION_DELAY_SECONDS;
}

/**
 * From when on a value for `day` could be known, seconds UTC. `instant` is the value's own stamp where it has one;
 * `releases` are the days of the release it waits for, ascending.
 */
export function publishedAt(
  publication: Publication,
  day: number,
  instant: number,
  releases: readonly number[],
): number {
  switch (publication) {
    case "close":
      return evening(day);
    case "bar":
      return (day + 1) * SECONDS_PER_DAY;
    case "instant":
      return instant;
    case "next-business-day":
      return evening(businessDayAfter(day));
    case "next-week":
      return evening(businessDayAfter(sundayOf(day)));
    default: {
      const lagged = day + publication.afterDays;
      if (!("release" in publication)) return evening(lagged);
      return evening(releaseDay(publication.release, day, releases) ?? lagged);
    }
  }
}

function evening(day: number): number {
  return day * SECONDS_PER_DAY + EVENING_SECONDS;
}

/** The Sunday that ends the day's week. 1970-01-04 was one. */
function sundayOf(day: number): number {
  return day + ((((3 - day) % DAYS_PER_WEEK) + DAYS_PER_WEEK) % DAYS_PER_WEEK);
}

const closureDays = new Map<number, ReadonlySet<number>>();

/** As isSession, for a day number: a folder asks a hundred thousand times, and dates as text are slow. */
export function isSessionDay(day: number): boolean {
  if (isWeekend(day)) return false;
  const year = new Date(day * SECONDS_PER_DAY * 1_000).getUTCFullYear();
  let shut = closureDays.get(year);
  if (shut === undefined) {
    shut = new Set(closures(year, year).map(dayNumber));
    closureDays.set(year, shut);
  }
  return !shut.has(day);
}

/** 1970-01-03 was a Saturday. */
function isWeekend(day: number): boolean {
  return (((day - 2) % DAYS_PER_WEEK) + DAYS_PER_WEEK) % DAYS_PER_WEEK < 2;
}

const businessDays = new Map<number, number>();

/** The first day after that is a session of New York and no holiday that only the Federal Reserve keeps. */
function businessDayAfter(day: number): number {
  let next = businessDays.get(day);
  if (next === undefined) {
    next = day + 1;
    while (!isSessionDay(next) || isBankHolidayOnly(next)) next++;
    businessDays.set(day, next);
  }
  return next;
}

/**
 * Holidays that the Federal Reserve and bond markets keep and New York's exchange does not: Columbus Day (the second
 * Monday of October), Veterans Day (11 November, or the Monday after a Sunday), and before 1998 Martin Luther King Day
 * (the third Monday of January).
 */
export function isBankHolidayOnly(day: number): boolean {
  const date = new Date(day * SECONDS_PER_DAY * 1_000);
  const [month, dayOfMonth, monday] = [date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay() === 1];
  if (month === 1) return monday && dayOfMonth >= 15 && dayOfMonth <= 21 && date.getUTCFullYear() < 1998;
  if (month === 10) return monday && dayOfMonth >= 8 && dayOfMonth <= 14;
  return month === 11 && (dayOfMonth === 11 || (dayOfMonth === 12 && monday));
}

/**
 * Periods whose release was not the one of the month after. Source: the Bureau of Labor Statistics' revised schedule
 * after the lapse of funds of October and November 2025: October's producer prices came out with November's.
 */
const RELEASED_LATE: ReadonlyMap<string, string> = new Map([["ppi 2025-10-01", "2026-01-14"]]);

/** The day a month's index came out: the last release of the month after it, or else the first one after that. */
function releaseDay(kind: string, firstDay: number, releases: readonly number[]): number | null {
  const late = RELEASED_LATE.get(`${kind} ${dateOfDay(firstDay)}`);
  if (late !== undefined) return dayNumber(late);
  const from = monthAfter(firstDay);
  const to = monthAfter(from);
  if (releases.length === 0 || releases[0]! >= to) return null; // before the calendar begins
  return releases.findLast((day) => day >= from && day < to) ?? releases.find((day) => day >= to) ?? null;
}

function monthAfter(firstDay: number): number {
  const date = new Date(firstDay * SECONDS_PER_DAY * 1_000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / (SECONDS_PER_DAY * 1_000);
}

/** Kinds of events.csv whose date nobody knew before. */
const UNSCHEDULED = new Set(["fomc_intermeeting"]);

/**
 * Releases that lapses of government funding moved, in 2013 and 2025–26: the new dates were announced some days before,
 * on days we do not have, so decisions do not know them. Source: the Bureau of Labor Statistics' revised schedules.
 */
const MOVED_RELEASES: ReadonlySet<string> = new Set([
  ...["nfp 2013-10-22", "ppi 2013-10-29", "cpi 2013-10-30", "nfp 2013-11-08", "cpi 2013-11-20", "ppi 2013-11-21"],
  ...["cpi 2025-10-24", "nfp 2025-11-20", "ppi 2025-11-25", "nfp 2025-12-16", "cpi 2025-12-18"],
  ...["ppi 2026-01-30", "nfp 2026-02-11", "cpi 2026-02-13", "ppi 2026-02-27", "ppi 2026-03-18"],
]);

/**
 * From when on an event's date could be known: always for what is announced a year ahead, its own day for a meeting
 * between meetings or a moved release.
 */
export function eventKnownFrom(kind: string, day: number): MarketEvent["knownFrom"] {
  const unknowable = UNSCHEDULED.has(kind) || MOVED_RELEASES.has(`${kind} ${dateOfDay(day)}`);
  return unknowable ? day * SECONDS_PER_DAY : -Infinity;
}
