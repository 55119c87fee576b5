/** The function has one sign at both ends, so that bisection cannot say where it crosses zero. */
export class NoSignChangeError extends Error {
  constructor(low: number, high: number, atLow: number, atHigh: number) {
    super(`no change of sign between ${low} (${atLow}) and ${high} (${atHigh}): give ends on both sides of the root.`);
    this.name = "NoSignChangeError";
  }
}

/** Enough to find a root of 1e-40 in an interval of 1 to all its digits; it stops when the digits are used up. */
const HALVINGS = 200;

/**
 * Where a function crosses zero between two ends, to the last digits of a double. Bisection: slow and sure, for functions
 * that take microseconds. Throws NoSignChangeError.
 */
export function bisect(f: (x: number) => number, low: number, high: number): number {
  const [atLow, atHigh] = [f(low), f(high)];
  if (atLow === 0) return low;
  if (atHigh === 0) return high;
  if (!(atLow > 0 !== atHigh > 0) || Number.isNaN(atLow + atHigh))
    throw new NoSignChangeError(low, high, atLow, atHigh);
  let [a, b] = [low, high];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = a + (b - a) / 2;
    if (middle === a || middle === b) break;
    if (f(middle) > 0 === atHigh > 0) b = middle;
    else a = middle;
  }
  return a + (b - a) / 2;
}
