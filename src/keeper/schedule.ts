import { CronExpressionParser } from "cron-parser";
import type { CronExpression } from "cron-parser";

/*
 * Which slots a cron expression makes due. A slot is a minute in UTC, written `2026-11-27T00:05Z`, so that slots sort as
 * text. The zone of the process, and daylight saving with it, plays no part.
 *
 * A day is looked at as a whole: five fields match the same minutes on every day they match at all, so a clock that
 * jumped by years costs a look at each day, not at each minute.
 */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The longest wait between two slots: 29 February around a century that is no leap year. */
const LONGEST_GAP_DAYS = 8 * 366;

export class ScheduleUnusable extends Error {
  constructor(cron: string, reason: string) {
    super(`the schedule "${cron}" cannot be used (${reason}): give five cron fields, in UTC, such as "5 0 * * *"`);
    this.name = "ScheduleUnusable";
  }
}

/** The minute that a time is in. */
export function slotOf(date: Date): string {
  return `${date.toISOString().slice(0, 16)}Z`;
}

export interface SlotsDue {
  /** Oldest first, at most `limit`: the newest there are. */
  slots: string[];
  /** How many older ones were left out. */
  leftOut: number;
}

/**
 * The slots after `last`, up to and including `now`. With no last one, only the newest at or before `now`. A clock that
 * went back makes nothing due. Throws ScheduleUnusable.
 */
export function slotsDue(request: { cron: string; last: string | null; now: Date; limit: number }): SlotsDue {
  const schedule = read(request.cron);
  const now = request.now.getTime();
  if (request.last === null) {
    const newest = walk(schedule, now, 1, now - LONGEST_GAP_DAYS * DAY_MS);
    return { slots: newest.slots, leftOut: 0 };
  }
  return walk(schedule, now, request.limit, new Date(request.last).getTime());
}

/** The first slot after `now`. Throws ScheduleUnusable. */
export function nextSlot(cron: string, now: Date): string {
  const schedule = read(cron);
  const today = startOfDay(now.getTime());
  for (let day = today; day <= today + LONGEST_GAP_DAYS * DAY_MS; day += DAY_MS) {
    const minute = minutesOn(schedule, day).find((offset) => day + offset > now.getTime());
    if (minute !== undefined) return slotOf(new Date(day + minute));
  }
  throw new ScheduleUnusable(cron, "no day ever matches it");
}

interface Schedule {
  expression: CronExpression;
  /** Milliseconds into a day that matches, ascending. */
  offsets: number[];
}

function read(cron: string): Schedule {
  let expression: CronExpression;
  try {
    expression = CronExpressionParser.parse(cron, { tz: "UTC" });
  } catch (error) {
    throw new ScheduleUnusable(cron, error instanceof Error ? error.message : String(error));
  }
  const { second, minute, hour } = expression.fields;
  if (second.values.some((value) => value !== 0)) throw new ScheduleUnusable(cron, "slots have no seconds");
  const offsets = hour.values.flatMap((h) => minute.values.map((m) => (h * 60 + m) * MINUTE_MS));
  return { expression, offsets: offsets.sort((a, b) => a - b) };
}

/** From `now` back to the day of `after`: the newest `limit` slots in between, and how many more there are. */
function walk(schedule: Schedule, now: number, limit: number, after: number): SlotsDue {
  const newestFirst: string[] = [];
  let leftOut = 0;
  for (let day = startOfDay(now); day + DAY_MS > after; day -= DAY_MS) {
    const inside = minutesOn(schedule, day).filter((offset) => day + offset > after && day + offset <= now);
    const room = Math.max(0, limit - newestFirst.length);
    const kept = inside.slice(Math.max(0, inside.length - room));
    newestFirst.push(...kept.reverse().map((offset) => slotOf(new Date(day + offset))));
    leftOut += inside.length - kept.length;
  }
  return { slots: newestFirst.reverse(), leftOut };
}

function minutesOn({ expression, offsets }: Schedule, day: number): number[] {
  const first = offsets[0];
  return first !== undefined && expression.includesDate(new Date(day + first)) ? offsets : [];
}

function startOfDay(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS;
}
