import type { AsOfView } from "../market/asOf.ts";
import { dateOfDay, dayNumber, isSession, previousSession } from "../market/calendar.ts";

/**
 * Monthly expiries of VIX futures and options (Cboe rule 6.8(b) and contract specifications): the Wednesday 30 days before
 * the third Friday of the next month; when that Friday is no session, 30 days before the session before it; when the
 * Wednesday itself is none, the session before it. The calendar of events comes first, the rule fills what it lacks.
 */

const DAYS_BEFORE_OPTIONS_EXPIRE = 30;
const FRIDAY = 5;

/** The expiry of a month by the rule, as a day number. `month` is 1 to 12. */
export function vixExpiryByRule(year: number, month: number): number {
  const optionsExpire = sessionOnOrBefore(thirdFriday(month === 12 ? year + 1 : year, (month % 12) + 1));
  return sessionOnOrBefore(optionsExpire - DAYS_BEFORE_OPTIONS_EXPIRE);
}

/** Third Friday of a month, session or not: when monthly S&P options expire. `month` is 1 to 12. */
export function thirdFriday(year: number, month: number): number {
  const first = dayNumber(`${year}-${String(month).padStart(2, "0")}-01`);
  const weekday = (first + 4) % 7; // 1970-01-01 was a Thursday
  return first + ((FRIDAY - weekday + 7) % 7) + 14;
}

/** The day itself when it is a session, else the last session before it. */
export function sessionOnOrBefore(day: number): number {
  const date = dateOfDay(day);
  return isSession(date) ? day : dayNumber(previousSession(date));
}

/**
 * The next expiries after a day, ascending: of its own month and `months` more, from the events known to the view, and by
 * the rule where those say nothing.
 */
export function vixExpiriesAfter(view: AsOfView, day: number, months: number): number[] {
  const first = monthOf(day);
  const listed = new Map<number, number>();
  for (const event of view.events(day, day + 31 * (months + 1), ["vix_expiry"])) {
    // An event on a holiday is a calendar made by the plain rule: the contract expires on the session before.
    const expiry = sessionOnOrBefore(event.day);
    listed.set(monthOf(expiry), expiry);
  }
  const expiries: number[] = [];
  for (let month = first; month <= first + months; month++) {
    const expiry = listed.get(month) ?? vixExpiryByRule(Math.floor(month / 12), (month % 12) + 1);
    if (expiry > day) expiries.push(expiry);
  }
  return expiries;
}

/** As vixExpiriesAfter, for days that ascend: asked of the calendar once a month, since the list is the same between. */
export function createVixExpiries(months: number): (view: AsOfView, day: number) => readonly number[] {
  let expiries: readonly number[] = [];
  return (view, day) => {
    if (expiries.length === 0 || expiries[0]! <= day) expiries = vixExpiriesAfter(view, day, months);
    return expiries;
  };
}

/** Months since year 0. */
function monthOf(day: number): number {
  const date = dateOfDay(day);
  return Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7)) - 1;
}
