import { addDays, closures, dateOfDay, dayNumber } from "../src/market/calendar.ts";
import { loadSeedSessions } from "../src/market/history.ts";
import { toFeedUnits } from "../src/market/units.ts";
import type { RegimeSeed } from "./vault.ts";

const SECONDS_PER_DAY = 86_400;
/** How far ahead the exchange's holidays are set. */
const CALENDAR_AHEAD_DAYS = 730;

/**
 * What a regime oracle deployed at a time (seconds since 1970-01-01) starts from: the 250 sessions before that day out of a
 * data folder, and the weekdays without a session from then to two years ahead.
 */
export async function regimeSeed(dataFolder: string, time: number): Promise<RegimeSeed> {
  const today = dateOfDay(Math.floor(time / SECONDS_PER_DAY));
  const sessions = await loadSeedSessions(dataFolder, today);
  const from = sessions[0]?.date ?? today;
  const to = addDays(today, CALENDAR_AHEAD_DAYS);
  return {
    closures: closures(Number(from.slice(0, 4)), Number(to.slice(0, 4)))
      .filter((date) => date >= from && date <= to)
      .map(dayNumber),
    closes: sessions.map(({ date, vix, vix3m }) => ({
      day: dayNumber(date),
      vix: toFeedUnits(vix),
      vix3m: toFeedUnits(vix3m),
    })),
  };
}
