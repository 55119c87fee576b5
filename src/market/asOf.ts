import { dateOfDay } from "./calendar.ts";
import type { Dataset, MarketEvent, Observation, Series } from "./series.ts";
import { SeriesMissingError } from "./series.ts";

/** An as-of view was asked to go back in time, where what it has seen could not be known yet. */
export class TimeRunsForwardError extends Error {
  constructor(now: number, asked: number) {
    const text = (seconds: number): string =>
      Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString() : String(seconds);
    super(`the view stands at ${text(now)} and cannot go back to ${text(asked)}: make a new one for the earlier time.`);
    this.name = "TimeRunsForwardError";
  }
}

/** An as-of view was asked to stand at something that is no instant. */
export class NotAnInstantError extends Error {
  constructor() {
    super("a view cannot stand at NaN: give seconds since 1970-01-01 UTC, as decisionTime does.");
    this.name = "NotAnInstantError";
  }
}

interface Cursor {
  readonly series: Series;
  /** How many observations are known. */
  known: number;
}

/**
 * What could be known at one instant, and nothing else: it only moves forward, it copies what it hands out, and the
 * data behind it are private, so a reader cannot reach a later value whatever it asks for. Every decision of the
 * backtest, every signal and every command that takes a date reads through one of these.
 */
export class AsOfView {
  readonly #dataset: Dataset;
  readonly #cursors = new Map<string, Cursor>();
  #now: number;

  /** A view at `now`, seconds since 1970-01-01 UTC. */
  constructor(dataset: Dataset, now = -Infinity) {
    this.#dataset = dataset;
    for (const [name, series] of dataset.series) this.#cursors.set(name, { series, known: 0 });
    this.#now = -Infinity;
    this.advanceTo(now);
  }

  /** The instant the view stands at, seconds UTC. */
  get now(): number {
    return this.#now;
  }

  /** Moves to a later instant (or stays). Throws TimeRunsForwardError, NotAnInstantError. */
  advanceTo(now: number): this {
    if (Number.isNaN(now)) throw new NotAnInstantError();
    if (now < this.#now) throw new TimeRunsForwardError(this.#now, now);
    this.#now = now;
    for (const cursor of this.#cursors.values()) {
      const { availableAt } = cursor.series;
      while (cursor.known < availableAt.length && availableAt[cursor.known]! <= now) cursor.known++;
    }
    return this;
  }

  /** Whether the data have the series at all, be anything of it known yet or not. */
  has(name: string): boolean {
    return this.#cursors.has(name);
  }

  /** How many observations of a series are known. 0 for a series that is not there. */
  count(name: string): number {
    return this.#cursors.get(name)?.known ?? 0;
  }

  /** The last known observation, or the one `back` before it; null when there are not that many. */
  latest(name: string, back = 0): Observation | null {
    const cursor = this.#cursors.get(name);
    if (cursor === undefined) return null;
    const i = cursor.known - 1 - back;
    // A negative or fractional `back` must not reach past what is known.
    if (!(Number.isInteger(i) && i >= 0 && i < cursor.known)) return null;
    const { days, values, availableAt } = cursor.series;
    return { day: days[i]!, value: values[i]!, availableAt: availableAt[i]! };
  }

  /**
   * The value observed for exactly this day, if it is known; null otherwise. Of several a day (funding) the first: for
   * all of them ask between(name, day, day), or publishedIn for those of a span of time.
   */
  on(name: string, day: number): number | null {
    const cursor = this.#cursors.get(name);
    if (cursor === undefined) return null;
    const { days, values } = cursor.series;
    const i = firstWhere(cursor.known, (j) => days[j]! >= day);
    return i < cursor.known && days[i] === day ? values[i]! : null;
  }

  /** A copy of the last `n` known values, oldest first; fewer when fewer are known. */
  last(name: string, n: number): Float64Array {
    const cursor = this.#cursors.get(name);
    if (cursor === undefined) return new Float64Array(0);
    return cursor.series.values.slice(Math.max(0, cursor.known - Math.max(0, n)), cursor.known);
  }

  /** Copies of the known days and values from one day to another, both included. */
  between(name: string, fromDay: number, toDay: number): { days: Int32Array; values: Float64Array } {
    const cursor = this.#cursors.get(name);
    if (cursor === undefined) return { days: new Int32Array(0), values: new Float64Array(0) };
    const { days, values } = cursor.series;
    const from = firstWhere(cursor.known, (i) => days[i]! >= fromDay);
    const to = firstWhere(cursor.known, (i) => days[i]! > toDay);
    return { days: days.slice(from, to), values: values.slice(from, to) };
  }

  /**
   * Copies of the known values published in (after, upTo], seconds UTC, with the instants: funding settlements between
   * two fills, or what is new since the last decision.
   */
  publishedIn(
    name: string,
    after: number,
    upTo: number,
  ): { days: Int32Array; values: Float64Array; availableAt: Float64Array } {
    const cursor = this.#cursors.get(name);
    if (cursor === undefined) {
      return { days: new Int32Array(0), values: new Float64Array(0), availableAt: new Float64Array(0) };
    }
    const { days, values, availableAt } = cursor.series;
    const from = firstWhere(cursor.known, (i) => availableAt[i]! > after);
    const to = firstWhere(cursor.known, (i) => availableAt[i]! > upTo);
    return { days: days.slice(from, to), values: values.slice(from, to), availableAt: availableAt.slice(from, to) };
  }

  /** Events of these kinds from one day to another (both included, the future too) whose date is known by now. */
  events(fromDay: number, toDay: number, kinds?: readonly string[]): MarketEvent[] {
    const { events } = this.#dataset;
    const found: MarketEvent[] = [];
    for (
      let i = firstWhere(events.length, (j) => events[j]!.day >= fromDay);
      i < events.length && events[i]!.day <= toDay;
      i++
    ) {
      const event = events[i]!;
      if (event.knownFrom <= this.#now && (kinds?.includes(event.kind) ?? true)) found.push({ ...event });
    }
    return found;
  }

  /** As latest, for a series that `use` cannot do without. Throws SeriesMissingError. */
  require(name: string, use: string): Observation {
    const observation = this.latest(name);
    if (observation !== null) return observation;
    const by = Number.isFinite(this.#now) ? ` by ${dateOfDay(Math.floor(this.#now / 86_400))}` : "";
    throw new SeriesMissingError(name, `${use}${by}`);
  }
}

/** The first of `length` ascending things that holds, `length` when none does. */
function firstWhere(length: number, holds: (i: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
