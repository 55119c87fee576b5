/**
 * Measures of one NAV path. Every function takes NAVs whose first element is the start value, so n periods are n + 1
 * values; periods are days unless the caller says otherwise. Drawdowns are positive decimals and the start value
 * counts as a high, so a first-day loss counts.
 */

/** NAVs or returns, as a list or a typed array. */
export type Path = ArrayLike<number>;

/** A NAV path or a level that no measure is defined for. */
export class MetricInputError extends Error {
  override readonly name = "MetricInputError";
}

/** The deepest fall of a path and where it happened. */
export interface MaxDrawdown {
  /** Positive decimal; 0 for a path that never falls. */
  readonly value: number;
  /** Index of the last high before the deepest low; both indices are 0 for a path that never falls. */
  readonly from: number;
  readonly to: number;
}

/** Everything measured of one path at once. Decimals; losses and drawdowns positive. */
export interface PathMeasures {
  readonly totalReturn: number;
  readonly annualReturn: number;
  readonly volatility: number;
  /** Null when the path never moves against cash. */
  readonly sharpe: number | null;
  /** Null when the path never falls short of cash. */
  readonly sortino: number | null;
  readonly maxDrawdown: MaxDrawdown;
  readonly cdar90: number;
  readonly cdar95: number;
  readonly cdar99: number;
  readonly ulcer: number;
  readonly valueAtRisk95: number;
  readonly expectedShortfall95: number;
}

/**
 * Refuses paths no measure is defined for.
 * @param minimum least number of values the measure needs
 * @throws MetricInputError for too short a path, or a value that is not finite and positive
 */
export function requireNavs(navs: Path, measure: string, minimum = 2): void {
  if (navs.length < minimum) {
    throw new MetricInputError(
      `${measure} needs at least ${minimum} NAVs, the start value first, and got ${navs.length}: use a longer window.`,
    );
  }
  for (let i = 0; i < navs.length; i++) {
    const nav = navs[i]!;
    if (Number.isFinite(nav) && nav > 0) continue;
    throw new MetricInputError(
      `${measure}: NAV ${i} is ${nav}, and a ratio of NAVs needs finite positive ones: ` +
        `end the path before a total loss, and fill or drop missing values where the path is made.`,
    );
  }
}

/** Simple returns per period, one fewer than there are NAVs. */
export function simpleReturns(navs: Path): number[] {
  requireNavs(navs, "simpleReturns");
  return [...returnsOf(navs)];
}

/** Last over first, minus one. */
export function totalReturn(navs: Path): number {
  requireNavs(navs, "totalReturn");
  return navs[navs.length - 1]! / navs[0]! - 1;
}

/** The constant yearly return that compounds to the total one: (1 + total)^(periodsPerYear / n) − 1. */
export function annualReturn(navs: Path, periodsPerYear: number): number {
  return (1 + totalReturn(navs)) ** (periodsPerYear / (navs.length - 1)) - 1;
}

/**
 * Drawdown from the running high at the end of each period: n values for n periods (the start itself is no period).
 */
export function drawdowns(navs: Path): Float64Array {
  requireNavs(navs, "drawdowns");
  return drawdownsOf(navs);
}

/** Deepest fall from a previous high; of several equally deep ones the first, from the last time its high was touched. */
export function maxDrawdown(navs: Path): MaxDrawdown {
  requireNavs(navs, "maxDrawdown");
  let high = 0;
  let value = 0;
  let from = 0;
  let to = 0;
  for (let i = 0; i < navs.length; i++) {
    const top = navs[high]!;
    const nav = navs[i]!;
    if (nav >= top) high = i;
    else if (1 - nav / top > value) [value, from, to] = [1 - nav / top, high, i];
  }
  return { value, from, to };
}

/**
 * Conditional drawdown at risk: the mean of the worst (1 − α)·n drawdowns, where n is the number of periods and the
 * last one in takes the fraction left over (Chekhlov, Uryasev, Zabarankin 2005). α = 0 is the mean drawdown, and once
 * (1 − α)·n ≤ 1 it is the deepest one.
 * @param alpha confidence level in [0, 1), for example 0.95
 */
export function cdar(navs: Path, alpha: number): number {
  requireLevel(alpha, "cdar");
  return worstMean(drawdowns(navs), alpha);
}

/**
 * Value at risk of one period, historical: the smallest of the worst (1 − α)·n losses, rounded up to whole periods, so that
 * at least a share 1 − α of all periods lost that much or more. A loss is a return's negative: positive when money was lost.
 * @param alpha confidence level in [0, 1), for example 0.95
 */
export function valueAtRisk(navs: Path, alpha: number): number {
  requireLevel(alpha, "valueAtRisk");
  requireNavs(navs, "valueAtRisk");
  return worstQuantile(lossesOf(navs), alpha);
}

/**
 * Expected shortfall of one period, historical: the mean of the worst (1 − α)·n losses, the last one in with the fraction
 * left over (Acerbi and Tasche 2002). Never below the value at risk.
 * @param alpha confidence level in [0, 1), for example 0.95
 */
export function expectedShortfall(navs: Path, alpha: number): number {
  requireLevel(alpha, "expectedShortfall");
  requireNavs(navs, "expectedShortfall");
  return worstMean(lossesOf(navs), alpha);
}

/**
 * Annualised volatility: sample standard deviation (n − 1) of simple returns, times √periodsPerYear.
 * @param periodsPerYear 365 for a path with a value every day, 252 for one with a value every session
 * @returns decimal, 0.2 is 20 % a year
 */
export function annualisedVolatility(navs: Path, periodsPerYear: number): number {
  requireNavs(navs, "annualisedVolatility", 3);
  return deviation(returnsOf(navs)) * Math.sqrt(periodsPerYear);
}

/**
 * Sharpe ratio (1994): mean over sample standard deviation of the returns in excess of cash, times √periodsPerYear.
 * @param cashReturns simple returns of cash per period, one fewer than NAVs; without it cash earns nothing
 * @returns null for a path that never moves against cash
 */
export function sharpe(navs: Path, periodsPerYear: number, cashReturns?: Path): number | null {
  requireNavs(navs, "sharpe", 3);
  return sharpeOf(excessOf(navs, cashReturns), periodsPerYear);
}

/**
 * Sortino ratio (Sortino and van der Meer 1991): mean excess return over the root mean square of the periods that fell
 * short of cash (the others count as 0, in n), times √periodsPerYear.
 * @param cashReturns as for sharpe
 * @returns null for a path that never falls short of cash
 */
export function sortino(navs: Path, periodsPerYear: number, cashReturns?: Path): number | null {
  requireNavs(navs, "sortino", 3);
  return sortinoOf(excessOf(navs, cashReturns), periodsPerYear);
}

/** Ulcer index: root mean square of the drawdowns (Martin 1987), as a decimal. */
export function ulcer(navs: Path): number {
  return rootMeanSquare(drawdowns(navs));
}

/**
 * All measures of a path at once: what the bootstrap runs thousands of times.
 * @param periodsPerYear 365 for a path with a value every day, 252 for one with a value every session
 * @param cashReturns as for sharpe
 * @throws MetricInputError for a path it cannot measure, or a measure that overflows
 */
export function measure(navs: Path, periodsPerYear: number, cashReturns?: Path): PathMeasures {
  requireNavs(navs, "measure", 3);
  const returns = returnsOf(navs);
  const excess = excessOf(navs, cashReturns);
  const falls = drawdownsOf(navs);
  const losses = lossesOf(navs);
  const ulcerIndex = rootMeanSquare(falls);
  const measures: PathMeasures = {
    totalReturn: totalReturn(navs),
    annualReturn: annualReturn(navs, periodsPerYear),
    volatility: deviation(returns) * Math.sqrt(periodsPerYear),
    sharpe: sharpeOf(excess, periodsPerYear),
    sortino: sortinoOf(excess, periodsPerYear),
    maxDrawdown: maxDrawdown(navs),
    cdar90: worstMean(falls, 0.9),
    cdar95: worstMean(falls, 0.95),
    cdar99: worstMean(falls, 0.99),
    ulcer: ulcerIndex,
    valueAtRisk95: worstQuantile(losses, 0.95),
    expectedShortfall95: worstMean(losses, 0.95),
  };
  for (const [name, value] of Object.entries(measures)) {
    if (typeof value !== "number" || Number.isFinite(value)) continue;
    throw new MetricInputError(
      `${name} is ${value} for ${navs.length} NAVs, ${periodsPerYear} periods a year: correct a NAV that is out of all ` +
        "proportion, or use a longer window.",
    );
  }
  return measures;
}

/** Arithmetic mean of a non-empty list. */
export function average(values: Path): number {
  if (values.length === 0) throw new MetricInputError("average of no values: check that the window is not empty.");
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function returnsOf(navs: Path): Float64Array {
  const returns = new Float64Array(navs.length - 1);
  for (let i = 0; i < returns.length; i++) returns[i] = navs[i + 1]! / navs[i]! - 1;
  return returns;
}

function lossesOf(navs: Path): Float64Array {
  const losses = returnsOf(navs);
  for (let i = 0; i < losses.length; i++) losses[i] = -losses[i]!;
  return losses;
}

function excessOf(navs: Path, cashReturns?: Path): Float64Array {
  const excess = returnsOf(navs);
  if (cashReturns === undefined) return excess;
  if (cashReturns.length !== excess.length) {
    throw new MetricInputError(
      `${excess.length} returns and ${cashReturns.length} of cash do not pair by index: cut them to the same dates first.`,
    );
  }
  for (let i = 0; i < excess.length; i++) excess[i] = excess[i]! - cashReturns[i]!;
  return excess;
}

function drawdownsOf(navs: Path): Float64Array {
  const falls = new Float64Array(navs.length - 1);
  let high = navs[0]!;
  for (let i = 0; i < falls.length; i++) {
    const nav = navs[i + 1]!;
    if (nav > high) high = nav;
    falls[i] = 1 - nav / high;
  }
  return falls;
}

/** Sample standard deviation. */
function deviation(values: Float64Array): number {
  const mean = average(values);
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

function sharpeOf(excess: Float64Array, periodsPerYear: number): number | null {
  const spread = deviation(excess);
  return spread > 0 ? (average(excess) / spread) * Math.sqrt(periodsPerYear) : null;
}

function sortinoOf(excess: Float64Array, periodsPerYear: number): number | null {
  let sum = 0;
  for (const value of excess) if (value < 0) sum += value * value;
  return sum > 0 ? (average(excess) / Math.sqrt(sum / excess.length)) * Math.sqrt(periodsPerYear) : null;
}

function rootMeanSquare(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum / values.length);
}

/** Mean of the greatest (1 − α)·n values, the last one in with the fraction left over. Reorders them. */
function worstMean(values: Float64Array, alpha: number): number {
  const tail = (1 - alpha) * values.length;
  const greatest = greatestOf(values, Math.ceil(tail));
  let left = tail;
  let sum = 0;
  for (let i = greatest.length - 1; i >= 0 && left > 0; i--) {
    const weight = Math.min(1, left);
    sum += weight * greatest[i]!;
    left -= weight;
  }
  return sum / tail;
}

/** Smallest of the greatest ⌈(1 − α)·n⌉ values. Reorders them. */
function worstQuantile(values: Float64Array, alpha: number): number {
  // (1 − 0.95)·20 is 1.0000000000000009: the slack keeps rounding from adding a period.
  return greatestOf(values, Math.max(1, Math.ceil((1 - alpha) * values.length - 1e-9)))[0]!;
}

/**
 * The greatest `count` values, ascending. Quickselect (Hoare 1961) brings them to the end, and only they are sorted:
 * five times faster than sorting paths of years, of which tail measures need a twentieth. Reorders the values.
 */
function greatestOf(values: Float64Array, count: number): Float64Array {
  const first = Math.max(0, values.length - count);
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >>> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    if (first <= j) high = j;
    else if (first >= i) low = i;
    else break;
  }
  return values.subarray(first).sort();
}

function requireLevel(alpha: number, measure: string): void {
  if (alpha >= 0 && alpha < 1) return;
  throw new MetricInputError(`${measure}: alpha is ${alpha}, and must be in [0, 1): 0.95 means the worst 5 % of days.`);
}
