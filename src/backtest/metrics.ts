/**
 * Measures of one NAV path. Every function takes NAVs whose first element is the start value, so n periods are n + 1
 * values; periods are days unless the caller says otherwise. Drawdowns are positive decimals and the start value
 * counts as a high, so a first-day loss counts.
 */

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

/**
 * Refuses paths no measure is defined for.
 * @param minimum least number of values the measure needs
 * @throws MetricInputError for too short a path, or a value that is not finite and positive
 */
export function requireNavs(navs: readonly number[], measure: string, minimum = 2): void {
  if (navs.length < minimum) {
    throw new MetricInputError(
      `${measure} needs at least ${minimum} NAVs, the start value first, and got ${navs.length}: use a longer window.`,
    );
  }
  const bad = navs.findIndex((nav) => !(Number.isFinite(nav) && nav > 0));
  if (bad >= 0) {
    throw new MetricInputError(
      `${measure}: NAV ${bad} is ${navs[bad]}, and a ratio of NAVs needs finite positive ones: ` +
        `end the path before a total loss, and fill or drop missing values where the path is made.`,
    );
  }
}

/** Simple returns per period, one fewer than there are NAVs. */
export function simpleReturns(navs: readonly number[]): number[] {
  requireNavs(navs, "simpleReturns");
  return navs.slice(1).map((nav, i) => nav / (navs[i] as number) - 1);
}

/** Last over first, minus one. */
export function totalReturn(navs: readonly number[]): number {
  requireNavs(navs, "totalReturn");
  return (navs.at(-1) as number) / (navs[0] as number) - 1;
}

/**
 * Drawdown from the running high at the end of each period: n values for n periods (the start itself is no period).
 */
export function drawdowns(navs: readonly number[]): number[] {
  requireNavs(navs, "drawdowns");
  let high = navs[0] as number;
  return navs.slice(1).map((nav) => {
    high = Math.max(high, nav);
    return 1 - nav / high;
  });
}

/** Deepest fall from a previous high; of several equally deep ones the first, from the last time its high was touched. */
export function maxDrawdown(navs: readonly number[]): MaxDrawdown {
  requireNavs(navs, "maxDrawdown");
  let high = 0;
  let worst: MaxDrawdown = { value: 0, from: 0, to: 0 };
  navs.forEach((nav, i) => {
    const top = navs[high] as number;
    if (nav >= top) high = i;
    else if (1 - nav / top > worst.value) worst = { value: 1 - nav / top, from: high, to: i };
  });
  return worst;
}

/**
 * Conditional drawdown at risk: the mean of the worst (1 − α)·n drawdowns, where n is the number of periods and the
 * last one in takes the fraction left over (Chekhlov, Uryasev, Zabarankin 2005). α = 0 is the mean drawdown, and once
 * (1 − α)·n ≤ 1 it is the deepest one.
 * @param alpha confidence level in [0, 1), for example 0.95
 */
export function cdar(navs: readonly number[], alpha: number): number {
  if (!(alpha >= 0 && alpha < 1)) {
    throw new MetricInputError(`cdar: alpha is ${alpha}, and must be in [0, 1): 0.95 means the worst 5 % of days.`);
  }
  const worst = drawdowns(navs).sort((a, b) => b - a);
  const tail = (1 - alpha) * worst.length;
  let left = tail;
  let sum = 0;
  for (const drawdown of worst) {
    const weight = Math.min(1, left);
    if (weight <= 0) break;
    sum += weight * drawdown;
    left -= weight;
  }
  return sum / tail;
}

/**
 * Annualised volatility: sample standard deviation (n − 1) of simple returns, times √periodsPerYear.
 * @param periodsPerYear 365 for a path with a value every day, 252 for one with a value every session
 * @returns decimal, 0.2 is 20 % a year
 */
export function annualisedVolatility(navs: readonly number[], periodsPerYear: number): number {
  requireNavs(navs, "annualisedVolatility", 3);
  const returns = simpleReturns(navs);
  const mean = average(returns);
  const variance = returns.reduce((sum, r) => sum + (r - mean) ** 2, 0) / (returns.length - 1);
  return Math.sqrt(variance * periodsPerYear);
}

/** Ulcer index: root mean square of the drawdowns (Martin 1987), as a decimal. */
export function ulcer(navs: readonly number[]): number {
  return Math.sqrt(average(drawdowns(navs).map((d) => d * d)));
}

/** Arithmetic mean of a non-empty list. */
export function average(values: readonly number[]): number {
  if (values.length === 0) throw new MetricInputError("average of no values: check that the window is not empty.");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
