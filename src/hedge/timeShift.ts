import type { AsOfView } from "../market/asOf.ts";
import { addDays, dateOfDay, dayNumber, isSession, nextSession, previousSession } from "../market/calendar.ts";
import type { MarketEvent } from "../market/series.ts";
import { EVENT_KINDS } from "../signals/macro.ts";

/**
 * Event-driven time-shifting (QUANT, "Hedge"): a roll due within three sessions after an FOMC, CPI or PPI date moves to
 * one session before it, and new short-volatility positions are half their size in that window. Dates only; which
 * events were known is the view's business.
 */

/** Scheduled events that positions are shifted around, as events.csv names them. */
export const SHIFTING_EVENTS: readonly string[] = EVENT_KINDS;
/** Sessions after an event's own that its window lasts. The event's session is in the window: a roll would meet it. */
export const WINDOW_SESSIONS = 3;
/** Size of new short-volatility positions inside a window. */
export const SHORT_VOLATILITY_IN_WINDOW = 0.5;

/** Days of events before a session that matter: windows can chain (CPI, PPI and FOMC in one fortnight). */
const LOOK_BACK_DAYS = 60;

/** The event whose window a session is in, the latest for several; null outside every window. */
export function eventWindow(session: string, events: readonly MarketEvent[]): MarketEvent | null {
  const day = dayNumber(session);
  let first = session;
  for (let i = 0; i < WINDOW_SESSIONS; i++) first = previousSession(first);
  const from = dayNumber(first);
  let latest: MarketEvent | null = null;
  for (const event of events) {
    if (!SHIFTING_EVENTS.includes(event.kind)) continue;
    const met = dayNumber(sessionOf(event.day));
    if (met >= from && met <= day && (latest === null || event.day > latest.day)) latest = event;
  }
  return latest;
}

/**
 * The session a roll due on `due` (a session) takes place on, given the events known: `due` itself outside every window,
 * else the session before the event, and on from there while that lies in another event's window. Never later than
 * `due`; never inside a window. It may lie before today: then the roll is late, and today is the session for it.
 */
export function shiftedSession(due: string, events: readonly MarketEvent[]): string {
  let session = due;
  for (;;) {
    const event = eventWindow(session, events);
    if (event === null) return session;
    session = previousSession(sessionOf(event.day));
  }
}

/** shiftedSession with the events that a view knows of. */
export function shiftRoll(view: AsOfView, due: string): string {
  return shiftedSession(due, eventsBefore(view, due));
}

/** Factor on the size of new short-volatility positions in a session: 0.5 in a window, else 1. */
export function shortVolatilityScale(view: AsOfView, session: string): number {
  return eventWindow(session, eventsBefore(view, session)) === null ? 1 : SHORT_VOLATILITY_IN_WINDOW;
}

function eventsBefore(view: AsOfView, session: string): MarketEvent[] {
  return view.events(dayNumber(addDays(session, -LOOK_BACK_DAYS)), dayNumber(session), SHIFTING_EVENTS);
}

/** The session that meets an event: its own day's, or the next one when there is none that day. */
function sessionOf(day: number): string {
  const date = dateOfDay(day);
  return isSession(date) ? date : nextSession(date);
}
