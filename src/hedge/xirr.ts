import { bisect } from "./bisect.ts";

/** Rates of return of dated cash flows. Amounts in one currency: positive is received, negative is paid. */

/** A cash flow on a day (days since 1970-01-01). */
export interface CashFlow {
  readonly day: number;
  readonly amount: number;
}

/** No single rate of return describes these cash flows; the message says why. */
export class NoRateOfReturnError extends Error {
  constructor(why: string) {
    super(`no internal rate of return: ${why}`);
    this.name = "NoRateOfReturnError";
  }
}

const DAYS_PER_YEAR = 365;
/**
 * Bounds of the search, as continuously compounded rates a year: from losing all but e⁻³⁰ in a year to growing by e³⁰.
 * Beyond them a rate says nothing.
 */
const GREATEST_LOG_RATE = 30;
/** Points at which the sign of the present value is looked at, when several rates are possible: 0.05 apart. */
const SCAN_POINTS = 1_201;
/** Present value of cash flows at the day of the first, at an annual rate r: Σ amount / (1 + r)^(days / 365). */
export function presentValue(flows: readonly CashFlow[], rate: number): number {
  const first = Math.min(...flows.map(({ day }) => day));
  return flows.reduce((sum, { day, amount }) => sum + amount * (1 + rate) ** ((first - day) / DAYS_PER_YEAR), 0);
}

/**
 * XIRR: the annual rate at which the present value of dated cash flows is zero (actual/365, as in spreadsheets).
 *
 * When the amounts, in order of days, change sign once there is exactly one such rate (Descartes' rule for exponential
 * sums, Laguerre 1883), and bisection finds it. When they change sign more often there may be several: then the sign of
 * the present value is scanned, and more than one crossing is refused, because which one is the rate has no answer.
 * @returns decimal a year, above −1
 * @throws NoRateOfReturnError without flows of both signs, for bad numbers, for no rate or for several
 */
export function xirr(flows: readonly CashFlow[]): number {
  const ordered = netted(flows);
  const signs = signChanges(ordered);
  if (signs === 0) {
    throw new NoRateOfReturnError("all cash flows have one sign: give what was paid and what was received.");
  }
  const crossings = scan(ordered, signs === 1 ? 2 : SCAN_POINTS);
  const [first, second] = crossings;
  if (first === undefined && signs === 1) {
    throw new NoRateOfReturnError(
      "the rate is beyond e^±30 a year: the days are too close together for their amounts.",
    );
  }
  if (first === undefined) {
    throw new NoRateOfReturnError("the present value keeps its sign at every rate: the flows pay, or cost, at any.");
  }
  const rateIn = ([from, to]: readonly [number, number]): number =>
    Math.expm1(bisect((logRate) => signedValue(ordered, logRate), from, to));
  if (second !== undefined) {
    const rates = crossings.map((crossing) => percent(rateIn(crossing))).join(" and ");
    throw new NoRateOfReturnError(
      `${rates} fit equally: the flows change sign ${signs} times. Compare at a given rate.`,
    );
  }
  return rateIn(first);
}

/** What a programme's rate of return is measured against. */
export interface HurdleResult {
  /** Decimal a year, or null with a reason in `sentence`. */
  readonly rate: number | null;
  readonly wacc: number;
  readonly clears: boolean | null;
  readonly sentence: string;
}

/** XIRR of a programme's cash flows against the cost of capital. A programme without a rate gets the reason instead. */
export function againstHurdle(flows: readonly CashFlow[], wacc: number): HurdleResult {
  try {
    const rate = xirr(flows);
    const clears = rate >= wacc;
    const sentence = `The programme returns ${percent(rate)} a year, ${clears ? "not less" : "less"} than the cost of capital of ${percent(wacc)}.`;
    return { rate, wacc, clears, sentence };
  } catch (error) {
    if (!(error instanceof NoRateOfReturnError)) throw error;
    return { rate: null, wacc, clears: null, sentence: `The programme has ${error.message}` };
  }
}

/** The flows of each day added up, in order of days, without the zeros. */
function netted(flows: readonly CashFlow[]): CashFlow[] {
  const byDay = new Map<number, number>();
  for (const { day, amount } of flows) {
    if (!Number.isFinite(day) || !Number.isFinite(amount)) {
      throw new NoRateOfReturnError(`day ${day}, amount ${amount} is no cash flow: give finite numbers.`);
    }
    byDay.set(day, (byDay.get(day) ?? 0) + amount);
  }
  return [...byDay]
    .map(([day, amount]) => ({ day, amount }))
    .filter(({ amount }) => amount !== 0)
    .sort((a, b) => a.day - b.day);
}

function signChanges(flows: readonly CashFlow[]): number {
  return flows.filter(({ amount }, i) => i > 0 && amount > 0 !== flows[i - 1]!.amount > 0).length;
}

/** A number with the sign of the present value at a continuously compounded rate, scaled so that nothing overflows. */
function signedValue(flows: readonly CashFlow[], logRate: number): number {
  const pivot = logRate >= 0 ? flows[0]!.day : flows.at(-1)!.day;
  return flows.reduce((sum, { day, amount }) => sum + amount * Math.exp((logRate * (pivot - day)) / DAYS_PER_YEAR), 0);
}

/** The intervals between evenly spaced points in which the present value changes sign. */
function scan(flows: readonly CashFlow[], points: number): (readonly [number, number])[] {
  const at = (i: number): number => -GREATEST_LOG_RATE + (2 * GREATEST_LOG_RATE * i) / (points - 1);
  const found: (readonly [number, number])[] = [];
  let last = 0;
  let previous = signedValue(flows, at(0));
  for (let i = 1; i < points; i++) {
    const value = signedValue(flows, at(i));
    if (value === 0) continue; // the crossing is found by the next point that is not zero
    if (previous !== 0 && value > 0 !== previous > 0) found.push([at(last), at(i)]);
    last = i;
    previous = value;
  }
  return found;
}

function percent(rate: number): string {
  return `${(rate * 100).toFixed(2)} %`;
}
