import { dayNumber } from "../market/calendar.ts";
import { isSessionDay } from "../market/publication.ts";

const FIRST_DAY = dayNumber("1990-01-01");

/** Sessions from the calendar's first day to each day, that day included; grows as days are asked for. */
const counts: number[] = [0];

/** How many sessions there were after one day, up to and including the other; 0 when it is not later. */
export function sessionsAfter(fromDay: number, toDay: number): number {
  return toDay <= fromDay ? 0 : sessionsUpTo(toDay) - sessionsUpTo(fromDay);
}

function sessionsUpTo(day: number): number {
  const i = day - FIRST_DAY;
  if (i <= 0) return 0;
  while (counts.length <= i) counts.push(counts.at(-1)! + (isSessionDay(FIRST_DAY + counts.length) ? 1 : 0));
  return counts[i]!;
}
