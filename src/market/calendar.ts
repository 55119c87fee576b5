/**
 * The sessions of the New York Stock Exchange since 1990: weekdays less holidays (by the rules of NYSE Rule 7.2) less
 * special closures (a table). Dates are 'YYYY-MM-DD' strings of the exchange's own day; arithmetic is on day numbers,
 * days since 1970-01-01, so that no clock and no time zone comes in.
 */

const MILLISECONDS_PER_DAY = 86_400_000;
const FIRST_YEAR = 1990;

/** Full-day closures outside the rules. Source: the exchange's list of special closings. */
const SPECIAL_CLOSURES: readonly string[] = [
  "1994-04-27", // mourning for President Nixon
  "2001-09-11", // attacks on New York and Washington
  "2001-09-12",
  "2001-09-13",
  "2001-09-14",
  "2004-06-11", // mourning for President Reagan
  "2007-01-02", // mourning for President Ford
  "2012-10-29", // hurricane Sandy
  "2012-10-30",
  "2018-12-05", // mourning for President George H. W. Bush
  "2025-01-09", // mourning for President Carter
];

/** The text is no date of the calendar, or one before the calendar begins. */
export class CalendarDateError extends Error {
  constructor(date: string, why: string) {
    super(`'${date}' ${why}. Give a date as YYYY-MM-DD, from ${FIRST_YEAR}-01-01 on.`);
    this.name = "CalendarDateError";
  }
}

/** Days since 1970-01-01 of a date. Throws CalendarDateError for anything but an existing YYYY-MM-DD. */
export function dayNumber(date: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (match === null) throw new CalendarDateError(date, "is not a date");
  const [year, month, dayOfMonth] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const day = utcDay(year, month, dayOfMonth);
  // Date.UTC rolls a 31 June over into July: what exists comes back as it went in.
  const back = new Date(day * MILLISECONDS_PER_DAY);
  const exists = back.getUTCDate() === dayOfMonth && back.getUTCMonth() + 1 === month && back.getUTCFullYear() === year;
  if (!exists) throw new CalendarDateError(date, "does not exist");
  return day;
}

/** The date of a day number (days since 1970-01-01). */
export function dateOfDay(day: number): string {
  return new Date(day * MILLISECONDS_PER_DAY).toISOString().slice(0, 10);
}

/** The date `days` later (earlier when negative). */
export function addDays(date: string, days: number): string {
  return dateOfDay(dayNumber(date) + days);
}

/** The UTC start of a date, in seconds since 1970-01-01. */
export function startOfDay(date: string): number {
  return dayNumber(date) * 86_400;
}

/** Whether the exchange has a session on that date. */
export function isSession(date: string): boolean {
  const day = dayNumber(date);
  const year = Number(date.slice(0, 4));
  if (year < FIRST_YEAR) throw new CalendarDateError(date, "is before the calendar begins");
  return !isWeekend(day) && !closuresOfYear(year).has(day);
}

/** The first session after that date. */
export function nextSession(date: string): string {
  let next = addDays(date, 1);
  while (!isSession(next)) next = addDays(next, 1);
  return next;
}

/** The last session before that date. */
export function previousSession(date: string): string {
  let previous = addDays(date, -1);
  while (!isSession(previous)) previous = addDays(previous, -1);
  return previous;
}

/** The sessions from one date to another, both included. */
export function sessionsBetween(from: string, to: string): string[] {
  const last = dayNumber(to);
  const dates: string[] = [];
  for (let day = dayNumber(from); day <= last; day++) {
    const date = dateOfDay(day);
    if (isSession(date)) dates.push(date);
  }
  return dates;
}

/** The weekdays without a session in these years, both included, ascending. */
export function closures(fromYear: number, toYear: number): string[] {
  const dates: string[] = [];
  for (let year = fromYear; year <= toYear; year++) {
    if (year < FIRST_YEAR) throw new CalendarDateError(`${year}-01-01`, "is before the calendar begins");
    dates.push(...[...closuresOfYear(year)].sort((a, b) => a - b).map(dateOfDay));
  }
  return dates;
}

const closureCache = new Map<number, ReadonlySet<number>>();

function closuresOfYear(year: number): ReadonlySet<number> {
  let days = closureCache.get(year);
  if (days === undefined) {
    const special = SPECIAL_CLOSURES.filter((date) => date.startsWith(`${year}-`)).map(dayNumber);
    days = new Set([...holidays(year), ...special].filter((day) => !isWeekend(day)));
    closureCache.set(year, days);
  }
  return days;
}

/** Day numbers of the year's holidays as observed. */
function holidays(year: number): number[] {
  const days = [
    newYear(year),
    nthWeekday(year, 2, MONDAY, 3), // Washington's birthday
    easterSunday(year) - 2, // Good Friday
    lastWeekday(year, 5, MONDAY), // Memorial Day
    observed(utcDay(year, 7, 4)),
    nthWeekday(year, 9, MONDAY, 1), // Labor Day
    nthWeekday(year, 11, THURSDAY, 4), // Thanksgiving
    observed(utcDay(year, 12, 25)),
  ];
  if (year >= 1998) days.push(nthWeekday(year, 1, MONDAY, 3)); // Martin Luther King day
  if (year >= 2022) days.push(observed(utcDay(year, 6, 19))); // Juneteenth
  return days;
}

/** New Year on a Saturday is not made up for: the Friday before belongs to the old year's books. */
function newYear(year: number): number {
  const day = utcDay(year, 1, 1);
  return weekday(day) === SUNDAY ? day + 1 : day;
}

/** A holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after. */
function observed(day: number): number {
  if (weekday(day) === SATURDAY) return day - 1;
  return weekday(day) === SUNDAY ? day + 1 : day;
}

const SUNDAY = 0;
const MONDAY = 1;
const THURSDAY = 4;
const SATURDAY = 6;

/** 0 is Sunday; 1970-01-01 was a Thursday. */
function weekday(day: number): number {
  return (((day + THURSDAY) % 7) + 7) % 7;
}

function isWeekend(day: number): boolean {
  return weekday(day) === SATURDAY || weekday(day) === SUNDAY;
}

function utcDay(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / MILLISECONDS_PER_DAY;
}

function nthWeekday(year: number, month: number, wanted: number, n: number): number {
  const first = utcDay(year, month, 1);
  return first + ((wanted - weekday(first) + 7) % 7) + 7 * (n - 1);
}

function lastWeekday(year: number, month: number, wanted: number): number {
  const last = utcDay(year, month + 1, 1) - 1;
  return last - ((weekday(last) - wanted + 7) % 7);
}

/** Gregorian Easter: the anonymous algorithm as printed in Nature, 20 April 1876 (Meeus, Astronomical Algorithms, ch. 8). */
function easterSunday(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const e = b % 4;
  const f = Math.floor((b + 8) / 25);
  const g = Math.floor((b - f + 1) / 3);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const k = c % 4;
  const l = (32 + 2 * e + 2 * i - h - k) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return utcDay(year, Math.floor(n / 31), (n % 31) + 1);
}
