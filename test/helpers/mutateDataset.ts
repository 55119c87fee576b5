import { isSession, dateOfDay } from "../../src/market/calendar.ts";
import type { Dataset, MarketEvent, Series } from "../../src/market/series.ts";

const SECONDS_PER_DAY = 86_400;
/** Values are multiplied by something between these: 1 exactly has no chance worth naming. */
const FACTOR = { least: 0.5, most: 1.5 };
const DELETED_SHARE = 0.05;
const ADDED_SHARE = 0.05;
const ADDED_AT_END = 3;

/**
 * The dataset with everything that was not known by `t` (seconds UTC) changed: in every series each value with
 * availableAt > t is another one, some rows are gone and some are new; so are the events with knownFrom > t. What was
 * known by `t` is the same, to the bit: whatever was decided, filled or marked up to `t` must come out the same.
 */
export function mutateAfter(dataset: Dataset, t: number, random: () => number): Dataset {
  const mutated = new Map<string, Series>();
  for (const [name, series] of dataset.series) mutated.set(name, mutateFuture(series, t, random));
  return { ...dataset, series: mutated, events: mutateEvents(dataset.events, t, random) };
}

/**
 * The dataset with every value that was known by `t` changed, and nothing else: if this changes nothing either, then
 * whoever found no change under mutateAfter was not looking at the data.
 */
export function mutateBefore(dataset: Dataset, t: number, random: () => number): Dataset {
  const mutated = new Map<string, Series>();
  for (const [name, series] of dataset.series) {
    const known = countKnown(series, t);
    mutated.set(name, {
      ...series,
      values: series.values.map((value, i) => (i < known ? change(value, random) : value)),
    });
  }
  return { ...dataset, series: mutated };
}

function countKnown({ availableAt }: Series, t: number): number {
  return availableAt.findLastIndex((at) => at <= t) + 1;
}

function change(value: number, random: () => number): number {
  return value * (FACTOR.least + (FACTOR.most - FACTOR.least) * random());
}

function mutateFuture(series: Series, t: number, random: () => number): Series {
  const known = countKnown(series, t);
  const days = [...series.days.subarray(0, known)];
  const availableAt = [...series.availableAt.subarray(0, known)];
  const values = [...series.values.subarray(0, known)];
  const add = (day: number, at: number, value: number): void => {
    days.push(day);
    availableAt.push(Math.max(at, t + 1, availableAt.at(-1) ?? -Infinity));
    values.push(change(value, random));
  };
  for (let i = known; i < series.days.length; i++) {
    const [day, at, value] = [series.days[i]!, series.availableAt[i]!, series.values[i]!];
    if (random() >= DELETED_SHARE) add(day, at, value);
    const next = series.days[i + 1];
    if (next !== undefined && random() < ADDED_SHARE) {
      const between = dayBetween(series, day, next);
      if (between !== null) add(between, at, value);
    }
  }
  for (let i = 0; i < ADDED_AT_END; i++) {
    const last = { day: days.at(-1), at: availableAt.at(-1), value: values.at(-1) };
    if (last.day === undefined) break;
    const day = dayAfter(series, last.day);
    add(day, last.at! + (day - last.day) * SECONDS_PER_DAY, last.value!);
  }
  return {
    ...series,
    days: Int32Array.from(days),
    availableAt: Float64Array.from(availableAt),
    values: Float64Array.from(values),
  };
}

/** A day between two rows that the series' calendar allows a row on; a funding day may have one settlement more. */
function dayBetween(series: Series, day: number, next: number): number | null {
  if (series.calendar === "funding") return day;
  const between = dayAfter(series, day);
  return between < next ? between : null;
}

const PERIOD_DAYS = { utc: 1, funding: 1, monthly: 31, quarterly: 92 } as const;

function dayAfter({ calendar }: Series, day: number): number {
  if (calendar !== "nyse") return day + PERIOD_DAYS[calendar];
  let next = day + 1;
  while (!isSession(dateOfDay(next))) next++;
  return next;
}

function mutateEvents(events: readonly MarketEvent[], t: number, random: () => number): MarketEvent[] {
  const mutated = events.flatMap((event) => {
    if (event.knownFrom <= t) return [event];
    const moved = event.day + 1 + Math.floor(random() * 20);
    const later = { ...event, day: moved, knownFrom: Math.max(t + 1, moved * SECONDS_PER_DAY) };
    return random() < 0.5 ? [] : [later];
  });
  // A meeting that nobody expects, on the first day after t.
  const day = Math.floor(t / SECONDS_PER_DAY) + 1;
  mutated.push({ day, kind: "fomc_intermeeting", knownFrom: Math.max(t + 1, day * SECONDS_PER_DAY) });
  return mutated.sort((a, b) => a.day - b.day);
}
