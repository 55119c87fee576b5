import type { AsOfView } from "../market/asOf.ts";
import { dateOfDay } from "../market/calendar.ts";
import { SERIES_SOURCES } from "../market/catalogue.ts";
import type { SeriesSource } from "../market/catalogue.ts";
import type { Observation } from "../market/series.ts";
import { sessionsAfter } from "./age.ts";
import { ExpandingPercentile } from "./ownPast.ts";
import type { OwnPercentile } from "./ownPast.ts";
import type { Signal, SignalDirection, SignalStep } from "./signal.ts";

/** Daily values older than this many sessions are not believed. */
export const MAX_AGE_SESSIONS = 5;
/** Values of a period are believed until two further ones should have been published, in days. */
const MAX_AGE_DAYS: Readonly<Partial<Record<SeriesSource["calendar"], number>>> = { monthly: 62, quarterly: 184 };

/** A signal's number, and for a signal of two conditions whether the second one holds. */
export interface Measured {
  readonly value: number;
  readonly also: boolean;
}

/**
 * The signal's number after an observation of its first input; NaN while there are too few, or while another input has
 * no value to go with it. Called once per observation, in order.
 */
export type Measure = (value: number, view: AsOfView, day: number) => number | Measured;

/** A signal that compares a number made from series with a threshold. */
export interface SeriesSignal extends Omit<Signal, "create" | "threshold" | "vintage"> {
  /** The first one sets the pace: the number is made anew with each of its observations. */
  readonly inputs: readonly [string, ...string[]];
  /** A level in the signal's unit, or a percentile of the signal's own past. */
  readonly at: number | OwnPercentile;
  /** What the number is made from, and how much of it: completes "not enough history: it needs …". */
  readonly needs: string;
  readonly measure: () => Measure;
  /** The second condition in words when it holds and when it does not; null for signals of one condition. */
  readonly also?: { readonly holds: string; readonly fails: string };
}

const SOURCES: ReadonlyMap<string, SeriesSource> = new Map(SERIES_SOURCES.map((source) => [source.name, source]));

/** Makes a signal of a series signal: takes in new observations, compares, and says Unknown, and why, where it must. */
export function seriesSignal(spec: SeriesSignal): Signal {
  const { at, measure, needs, also: _also, ...said } = spec;
  const sources = spec.inputs.map((name) => SOURCES.get(name)!);
  return {
    ...said,
    threshold: typeof at === "number" ? at : null,
    vintage: sources.some(({ vintage }) => vintage === "latest") ? "latest" : "first",
    create: () => {
      const next = measure();
      const inputs = sources.map((source) => ({ source, count: 0, latest: null as Observation | null }));
      const past = typeof at === "number" ? null : new ExpandingPercentile(at);
      let seen = 0;
      let measured: { value: number; also: boolean; threshold: number; knownDay: number } | null = null;

      const take = (view: AsOfView, { value: observed, day, availableAt }: Observation): void => {
        const answer = next(observed, view, day);
        const { value, also: second } = typeof answer === "number" ? { value: answer, also: true } : answer;
        if (Number.isNaN(value)) return;
        const threshold = past?.level ?? (at as number);
        past?.add(value);
        measured = { value, also: second, threshold, knownDay: Math.floor(availableAt / SECONDS_PER_DAY) };
      };

      return (view, day) => {
        const first = spec.inputs[0];
        const known = view.count(first);
        for (; seen < known; seen++) take(view, view.latest(first, known - 1 - seen)!);

        let age = 0;
        for (const input of inputs) {
          const { source } = input;
          const count = view.count(source.name);
          if (count !== input.count) Object.assign(input, { count, latest: view.latest(source.name) });
          const { latest } = input;
          if (latest === null) return unknown(null, () => missing(view, source, day));
          const knownDay = Math.floor(latest.availableAt / SECONDS_PER_DAY);
          const sourceAge = sessionsAfter(knownDay, day);
          if (isStale(source, knownDay, sourceAge, day))
            return unknown(sourceAge, () => stale(source, latest, sourceAge));
          age = Math.max(age, sourceAge);
        }
        if (measured === null) return unknown(age, () => `Not enough history: it needs ${needs}.`);
        const { value, also: second, threshold, knownDay } = measured;
        if (Number.isNaN(threshold)) {
          const { minimum } = at as OwnPercentile;
          return unknown(age, () => `Not enough history: ${past!.count} values of ${minimum} for a percentile.`);
        }
        const measuredAge = sessionsAfter(knownDay, day);
        if (isStale(sources[0]!, knownDay, measuredAge, day)) {
          const names = spec.inputs.join(" and ");
          return unknown(measuredAge, () => `${names} have had no common day for ${measuredAge} sessions.`);
        }
        const crossed = isOn(spec.direction, value, threshold);
        return {
          state: crossed && second ? "on" : "off",
          value,
          threshold,
          ageSessions: Math.max(age, measuredAge),
          reason: () => sentence(spec, value, threshold, crossed, second),
        };
      };
    },
  };
}

const SECONDS_PER_DAY = 86_400;

/** A step that says nothing, and why. */
export function unknown(ageSessions: number | null, reason: () => string): SignalStep {
  return { state: "unknown", value: null, threshold: null, ageSessions, reason };
}

export function isOn(direction: SignalDirection, value: number, threshold: number): boolean {
  if (direction === "above") return value > threshold;
  return direction === "below" ? value < threshold : value <= threshold;
}

/** A number for people: two decimals at most, and no zeros that say nothing. */
export function figure(value: number): string {
  return String(Number(value.toFixed(2)));
}

function isStale({ calendar }: SeriesSource, knownDay: number, ageSessions: number, day: number): boolean {
  const maxDays = MAX_AGE_DAYS[calendar];
  return maxDays === undefined ? ageSessions > MAX_AGE_SESSIONS : day - knownDay > maxDays;
}

/** Units that a sentence does without. */
const BARE_UNITS = new Set(["ratio", "index", "beta", "of 100"]);
const SIDES = { above: "above", below: "below", "at-most": "at or below" } as const;

function sentence(spec: SeriesSignal, value: number, threshold: number, crossed: boolean, second: boolean): string {
  const level =
    typeof spec.at === "number"
      ? figure(threshold)
      : `${figure(threshold)}, the ${spec.at.percentile * 100}th percentile of its own past`;
  const unit = BARE_UNITS.has(spec.unit) ? "" : ` ${spec.unit}`;
  const compared = `${spec.name}: ${figure(value)}${unit}, ${crossed ? "" : "not "}${SIDES[spec.direction]} ${level}`;
  if (spec.also === undefined) return `${compared}.`;
  return `${compared}; ${second ? spec.also.holds : spec.also.fails}.`;
}

function missing(view: AsOfView, { name, file, column, calendar }: SeriesSource, day: number): string {
  if (view.has(name)) return `${file} has no ${column} that was published by ${dateOfDay(day)}.`;
  const key = calendar === "funding" ? "time" : "date";
  return `No data: bring ${file} with the columns ${key},${column}.`;
}

function stale({ file }: SeriesSource, { day, availableAt }: Observation, ageSessions: number): string {
  const published = dateOfDay(Math.floor(availableAt / SECONDS_PER_DAY));
  return `The last value of ${file} is for ${dateOfDay(day)}, published ${published}, ${ageSessions} sessions ago: too old.`;
}
