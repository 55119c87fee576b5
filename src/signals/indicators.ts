/**
 * EMA, MACD and RSI with the arithmetic of TA-Lib 0.6, operation for operation, so that the answers agree to the last
 * bit. Each comes as a kernel over a whole column and as a stepper that takes one value at a time; both share the same
 * few lines. Columns are Float64Arrays, oldest first; elements before an indicator's first value are NaN.
 */

/** MACD's customary periods (Appel 1979), in bars. */
export const MACD_PERIODS = { fast: 12, slow: 26, signal: 9 } as const;
/** RSI's period (Wilder 1978), in bars. */
export const RSI_PERIOD = 14;
/**
 * Bars before an indicator is believed. Libraries agree on long series and give four answers at bar 60, because they
 * seed differently; by bar 250 a seed weighs (1 − 2/27)²⁰⁰ < 10⁻⁶.
 */
export const WARM_UP_BARS = 250;
/** TA-Lib calls a sum of gains and losses within this of zero none at all, and the RSI 0. */
const ZERO_MOVE = 1e-14;

/** A column that no indicator is defined for: too short, or with a value that is not finite. */
export class IndicatorInputError extends Error {
  constructor(problem: string, mend: string) {
    super(`${problem}. ${mend}`);
    this.name = "IndicatorInputError";
  }
}

/** Fewer bars than an indicator needs before five libraries agree on it. */
export class NotEnoughHistoryError extends Error {
  constructor(what: string, bars: number) {
    super(`not enough history: ${what} needs ${WARM_UP_BARS} bars, and there are ${bars}. Give a longer series.`);
    this.name = "NotEnoughHistoryError";
  }
}

/** MACD line, its signal line, and their difference, in the input's unit. */
export interface MacdColumns {
  readonly macd: Float64Array;
  readonly signal: Float64Array;
  readonly histogram: Float64Array;
}

/** One bar of MACD; NaN until the signal line has its first value. */
export interface MacdPoint {
  readonly macd: number;
  readonly signal: number;
  readonly histogram: number;
}

/**
 * Exponential moving average: x̄(t) = (x(t) − x̄(t−1))·2/(period + 1) + x̄(t−1), from the simple mean of the first
 * `period` values (TA-Lib's EMA). First value at bar period − 1. Throws IndicatorInputError.
 */
export function ema(values: Float64Array, period: number): Float64Array {
  requirePeriod("ema", period);
  const n = values.length;
  const out = new Float64Array(n);
  const first = Math.min(period - 1, n);
  out.fill(NaN, 0, first);
  if (n < period) return requireFinite("ema", values, out);
  const weight = emaWeight(period);
  let average = mean(values, 0, period);
  out[first] = average;
  for (let i = period; i < n; i++) {
    average = emaNext(average, values[i]!, weight);
    out[i] = average;
  }
  return Number.isFinite(average) ? out : requireFinite("ema", values, out);
}

/**
 * Moving average convergence/divergence: EMA(fast) − EMA(slow), its EMA(signal), and the difference. As in TA-Lib's
 * MACD, the fast average is seeded late, over the `fast` bars that end on bar slow − 1, so that both start on one bar;
 * all three columns start at bar slow + signal − 2 (33 for 12, 26, 9). Throws IndicatorInputError.
 */
export function macd(
  values: Float64Array,
  fast: number = MACD_PERIODS.fast,
  slow: number = MACD_PERIODS.slow,
  signal: number = MACD_PERIODS.signal,
): MacdColumns {
  requireMacdPeriods(fast, slow, signal);
  const n = values.length;
  const columns = { macd: new Float64Array(n), signal: new Float64Array(n), histogram: new Float64Array(n) };
  const { macd: line, signal: smooth, histogram } = columns;
  const first = slow + signal - 2;
  for (const column of [line, smooth, histogram]) column.fill(NaN, 0, Math.min(first, n));
  if (n <= first) {
    requireFinite("macd", values, line);
    return columns;
  }
  const fastWeight = emaWeight(fast);
  const slowWeight = emaWeight(slow);
  const signalWeight = emaWeight(signal);
  let fastAverage = mean(values, slow - fast, slow);
  let slowAverage = mean(values, 0, slow);
  let sum = fastAverage - slowAverage;
  for (let i = slow; i <= first; i++) {
    fastAverage = emaNext(fastAverage, values[i]!, fastWeight);
    slowAverage = emaNext(slowAverage, values[i]!, slowWeight);
    sum += fastAverage - slowAverage;
  }
  let signalAverage = sum / signal;
  line[first] = fastAverage - slowAverage;
  smooth[first] = signalAverage;
  histogram[first] = line[first] - signalAverage;
  for (let i = first + 1; i < n; i++) {
    const value = values[i]!;
    fastAverage = emaNext(fastAverage, value, fastWeight);
    slowAverage = emaNext(slowAverage, value, slowWeight);
    const difference = fastAverage - slowAverage;
    signalAverage = emaNext(signalAverage, difference, signalWeight);
    line[i] = difference;
    smooth[i] = signalAverage;
    histogram[i] = difference - signalAverage;
  }
  if (!Number.isFinite(signalAverage)) requireFinite("macd", values, line);
  return columns;
}

/**
 * Relative strength index: 100·gain/(gain + loss), in [0, 100], with Wilder's averages of gains and losses (Wilder 1978,
 * New Concepts in Technical Trading Systems, ch. 6; seeds as in TA-Lib: simple means of the first `period` changes).
 * First value at bar `period`; 0 for a series that has not moved, as in TA-Lib. Throws IndicatorInputError.
 */
export function rsi(values: Float64Array, period: number = RSI_PERIOD): Float64Array {
  requirePeriod("rsi", period);
  const n = values.length;
  const out = new Float64Array(n);
  out.fill(NaN, 0, Math.min(period, n));
  if (n <= period) return requireFinite("rsi", values, out);
  let gain = 0;
  let loss = 0;
  let previous = values[0]!;
  for (let i = 1; i <= period; i++) {
    const value = values[i]!;
    const change = value - previous;
    if (change < 0) loss -= change;
    else gain += change;
    previous = value;
  }
  const share = 1 / period;
  gain *= share;
  loss *= share;
  out[period] = rsiOf(gain, loss);
  for (let i = period + 1; i < n; i++) {
    const value = values[i]!;
    const change = value - previous;
    gain = wilderNext(gain, change < 0 ? 0 : change, period, share);
    loss = wilderNext(loss, change < 0 ? -change : 0, period, share);
    out[i] = rsiOf(gain, loss);
    previous = value;
  }
  return Number.isFinite(gain + loss + previous) ? out : requireFinite("rsi", values, out);
}

/** EMA one value at a time: returns the average, NaN before bar period − 1. Same bits as `ema`. */
export function createEma(period: number): (value: number) => number {
  requirePeriod("ema", period);
  const weight = emaWeight(period);
  let sum = 0;
  let bars = 0;
  let average = NaN;
  return (value) => {
    requireFiniteValue("ema", value);
    bars++;
    if (bars > period) return (average = emaNext(average, value, weight));
    sum += value;
    return bars < period ? NaN : (average = sum / period);
  };
}

/** MACD one value at a time, NaN before bar slow + signal − 2. Same bits as `macd`. */
export function createMacd(
  fast: number = MACD_PERIODS.fast,
  slow: number = MACD_PERIODS.slow,
  signal: number = MACD_PERIODS.signal,
): (value: number) => MacdPoint {
  requireMacdPeriods(fast, slow, signal);
  const fastNext = createEma(fast);
  const slowNext = createEma(slow);
  const signalNext = createEma(signal);
  let bar = 0;
  return (value) => {
    const slowAverage = slowNext(value);
    const fastAverage = bar >= slow - fast ? fastNext(value) : NaN;
    bar++;
    if (bar < slow) return NO_MACD;
    const line = fastAverage - slowAverage;
    const smooth = signalNext(line);
    return bar < slow + signal - 1 ? NO_MACD : { macd: line, signal: smooth, histogram: line - smooth };
  };
}

const NO_MACD: MacdPoint = { macd: NaN, signal: NaN, histogram: NaN };

/** RSI one value at a time, NaN before bar `period`. Same bits as `rsi`. */
export function createRsi(period: number = RSI_PERIOD): (value: number) => number {
  requirePeriod("rsi", period);
  const share = 1 / period;
  let gain = 0;
  let loss = 0;
  let previous = NaN;
  let bars = 0;
  return (value) => {
    requireFiniteValue("rsi", value);
    const change = value - previous;
    previous = value;
    if (++bars === 1) return NaN;
    const rise = change < 0 ? 0 : change;
    const fall = change < 0 ? -change : 0;
    if (bars <= period + 1) {
      gain += rise;
      loss += fall;
      if (bars <= period) return NaN;
      gain *= share;
      loss *= share;
    } else {
      gain = wilderNext(gain, rise, period, share);
      loss = wilderNext(loss, fall, period, share);
    }
    return rsiOf(gain, loss);
  };
}

function emaWeight(period: number): number {
  return 2 / (period + 1);
}

function emaNext(average: number, value: number, weight: number): number {
  return (value - average) * weight + average;
}

/** Wilder's average. Times the reciprocal, not over the period: so TA-Lib's builds compute it, and it is faster. */
function wilderNext(average: number, value: number, period: number, share: number): number {
  return (average * (period - 1) + value) * share;
}

function rsiOf(gain: number, loss: number): number {
  const total = gain + loss;
  return total > -ZERO_MOVE && total < ZERO_MOVE ? 0 : 100 * (gain / total);
}

function mean(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i]!;
  return sum / (to - from);
}

function requirePeriod(indicator: string, period: number): void {
  if (Number.isInteger(period) && period >= 2) return;
  throw new IndicatorInputError(`${indicator}: a period of ${period} bars`, "Give a whole number of 2 or more.");
}

function requireMacdPeriods(fast: number, slow: number, signal: number): void {
  for (const period of [fast, slow, signal]) requirePeriod("macd", period);
  if (fast < slow) return;
  throw new IndicatorInputError(`macd: fast period ${fast}, slow period ${slow}`, "The fast one must be the shorter.");
}

function requireFiniteValue(indicator: string, value: number): void {
  if (!Number.isFinite(value)) throw notFinite(indicator, value);
}

/** Answers `out`, or names the value that spoilt it: one that is not finite stays in every average after it. */
function requireFinite(indicator: string, values: Float64Array, out: Float64Array): Float64Array {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw notFinite(`${indicator}: bar ${bad}`, values[bad]!);
  return out;
}

function notFinite(where: string, value: number): IndicatorInputError {
  return new IndicatorInputError(`${where} is ${value}`, "Fill or drop values that are not finite first.");
}
