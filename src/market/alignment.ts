import { dateOfDay } from "./calendar.ts";

/** Values by day, ascending: a Series, or what an AsOfView's `between` answers (which is how decisions stay honest). */
export interface Dated {
  readonly days: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** How the values of one series come to the days of the target calendar. All of it is repeated in the result. */
export interface AlignRule {
  /** The day paired with target day D is D + shiftDays. 0: session D with the 24-hour bar D, which ends after it. */
  readonly shiftDays?: number;
  /**
   * How many target days a value may be carried forward where the day has none of its own. 0: never, which is right for
   * prices that returns are made of; QUANT allows 5 sessions for an input that is read as it stands.
   */
  readonly carryAtMost?: number;
  /** What a day with several values (funding) counts with. Without it such a day is refused. */
  readonly perDay?: "sum" | "last";
}

/** One series on the target calendar, and how it came there. */
export interface AlignedColumn {
  /** Parallel to the target days; NaN exactly where `ages` is -1. */
  readonly values: Float64Array;
  /**
   * Target days since the value's own: 0 exact, more when carried, -1 where there is none. What is older than the first
   * target day counts 1 there: begin the calendar before the days you need.
   */
  readonly ages: Int32Array;
  /** The day each value is of; without a value the day that was asked. */
  readonly sourceDays: Int32Array;
  /** Target days with a value of their own paired day. */
  readonly exact: number;
  /** Target days with an older value, and the age of the oldest of those in target days. */
  readonly carried: number;
  readonly oldestCarried: number;
  /** Target days without a value. */
  readonly missing: number;
  /** Days of the series, between the first and last target day, that no target day is paired with: weekends. */
  readonly dropped: number;
  /** All of it in a sentence. */
  readonly sentence: string;
}

/** Series on one calendar. */
export interface Aligned<N extends string> {
  readonly days: Int32Array;
  readonly columns: Readonly<Record<N, AlignedColumn>>;
}

/** Days that must ascend do not. */
export class NotAscendingError extends Error {
  constructor(what: string, day: number, mend: string) {
    super(`${what}: ${dateOfDay(day)} is not after the day before it in the list. ${mend}`);
    this.name = "NotAscendingError";
  }
}

/**
 * Brings series to one calendar: to each of `targetDays` (ascending day numbers) the value of its paired day, or one
 * carried forward as far as the rule allows, or none. Nothing is interpolated, and no value comes from after its paired
 * day. Throws NotAscendingError.
 */
export function align<const N extends string>(
  targetDays: ArrayLike<number>,
  series: Readonly<Record<N, Dated>>,
  rules: Partial<Readonly<Record<N, AlignRule>>> = {},
): Aligned<N> {
  const days = Int32Array.from(targetDays);
  const unsorted = days.findIndex((day, i) => i > 0 && day <= days[i - 1]!);
  if (unsorted >= 0) throw new NotAscendingError("the target calendar", days[unsorted]!, "Sort it, each day once.");
  const names = Object.keys(series) as N[];
  const columns = names.map((name) => [name, alignOne(name, days, series[name], rules[name] ?? {})]);
  return { days, columns: Object.fromEntries(columns) as Record<N, AlignedColumn> };
}

/**
 * The rows where every column has a value of its own paired day: what regressions are made of. `left` counts the rows
 * left out, so that nobody need guess.
 */
export function exactRows<N extends string>({
  days,
  columns,
}: Aligned<N>): {
  days: Int32Array;
  values: Record<N, Float64Array>;
  left: number;
} {
  const all = Object.entries<AlignedColumn>(columns);
  const keep = Array.from(days.keys()).filter((row) => all.every(([, { ages }]) => ages[row] === 0));
  const values = all.map(([name, column]) => [name, Float64Array.from(keep, (row) => column.values[row]!)]);
  return {
    days: Int32Array.from(keep, (row) => days[row]!),
    values: Object.fromEntries(values) as Record<N, Float64Array>,
    left: days.length - keep.length,
  };
}

function alignOne(name: string, targets: Int32Array, series: Dated, rule: AlignRule): AlignedColumn {
  const { shiftDays = 0, carryAtMost = 0 } = rule;
  const source = oneADay(name, series, rule);
  const values = new Float64Array(targets.length).fill(NaN);
  const ages = new Int32Array(targets.length).fill(-1);
  const sourceDays = targets.map((day) => day + shiftDays);
  let next = 0; // the first source row after the target's paired day
  let pairedRow = -1; // the target row that the last source row came in with
  let seen = -1;
  let used = 0;
  for (let row = 0; row < targets.length; row++) {
    const paired = targets[row]! + shiftDays;
    while (next < source.days.length && source.days[next]! <= paired) next++;
    if (next === 0) continue;
    const last = next - 1;
    const exact = source.days[last] === paired;
    if (exact) used++;
    // A value that fell between two target days is one target day old at the second of them.
    if (last !== seen) pairedRow = exact ? row : row - 1;
    seen = last;
    const age = row - pairedRow;
    if (age > carryAtMost) continue;
    values[row] = source.values[last]!;
    ages[row] = age;
    sourceDays[row] = source.days[last]!;
  }
  const count = (holds: (age: number) => boolean): number => ages.reduce((n, age) => n + (holds(age) ? 1 : 0), 0);
  const exact = count((age) => age === 0);
  const carried = count((age) => age > 0);
  const missing = count((age) => age < 0);
  const oldestCarried = Math.max(0, ...ages);
  const inside = source.days.filter(
    (day) => targets.length > 0 && day >= targets[0]! + shiftDays && day <= targets.at(-1)! + shiftDays,
  ).length;
  const dropped = inside - used;
  const paired = shiftDays === 0 ? "its own day" : `day ${shiftDays > 0 ? "+" : "−"}${Math.abs(shiftDays)}`;
  const sentence =
    `${name}: each day with the value of ${paired}: ${exact} exact, ${carried} carried forward` +
    `${carried > 0 ? ` (at most ${oldestCarried} days)` : ""}, ${missing} missing; ${dropped} of its days not used.`;
  return { values, ages, sourceDays, exact, carried, oldestCarried, missing, dropped, sentence };
}

/** The series with one value a day, checked to ascend. */
function oneADay(name: string, { days, values }: Dated, { perDay }: AlignRule): { days: number[]; values: number[] } {
  const one = { days: [] as number[], values: [] as number[] };
  for (let i = 0; i < days.length; i++) {
    const [day, value, last] = [days[i]!, values[i]!, one.days.at(-1) ?? -Infinity];
    if (day < last || (day === last && perDay === undefined)) {
      throw new NotAscendingError(
        name,
        day,
        "Sort the values by day, or say what several of a day count with (perDay).",
      );
    }
    if (day === last) one.values.push(perDay === "sum" ? one.values.pop()! + value : (one.values.pop(), value));
    else {
      one.days.push(day);
      one.values.push(value);
    }
  }
  return one;
}
