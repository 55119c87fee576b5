/** Functions that take a series one observation at a time and remember the last n. NaN until there are enough. */

/** Mean of the last n observations, NaN until there are n. */
export function runningMean(n: number): (value: number) => number {
  const last = new Float64Array(n);
  let count = 0;
  return (value) => {
    last[count++ % n] = value;
    if (count < n) return NaN;
    // Added up anew: a running sum would carry its rounding on for years.
    let sum = 0;
    for (const one of last) sum += one;
    return sum / n;
  };
}

/** The highest of the last n observations, today's included; NaN until there are n. */
export function runningHigh(n: number): (value: number) => number {
  const last = new Float64Array(n);
  let count = 0;
  return (value) => {
    last[count++ % n] = value;
    if (count < n) return NaN;
    let high = -Infinity;
    for (const one of last) if (one > high) high = one;
    return high;
  };
}

/** Change over n observations, in the values' unit; NaN until there are n + 1. */
export function difference(n: number): (value: number) => number {
  const before = lag(n);
  return (value) => value - before(value);
}

/** Change over n observations in percent; NaN until there are n + 1. */
export function percentChange(n: number): (value: number) => number {
  const before = lag(n);
  return (value) => (value / before(value) - 1) * 100;
}

/** The observation n before this one, NaN until there is one. */
function lag(n: number): (value: number) => number {
  const last = new Float64Array(n).fill(NaN);
  let i = 0;
  return (value) => {
    const before = last[i % n]!;
    last[i++ % n] = value;
    return before;
  };
}
