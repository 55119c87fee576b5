/** Correlation of two series of daily numbers, over the days that both have. */
export interface Correlation {
  readonly value: number;
  /** 95 % interval by Fisher's z (1921), as if days were independent: too narrow where they are not. */
  readonly low: number;
  readonly high: number;
  readonly days: number;
}

/** Standard errors on either side of a 95 % interval. */
const Z_95 = 1.959964;
/** Fisher's z has the variance 1/(n − 3). */
const LEAST_DAYS = 4;

/**
 * Pearson correlation, such as of a layer's returns with the funding a short received. Parallel arrays; null where a day
 * has no value. Null when fewer than four days have both, or one of them never changes.
 */
export function correlation(a: readonly (number | null)[], b: readonly (number | null)[]): Correlation | null {
  const pairs: [number, number][] = [];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    if (x != null && y != null) pairs.push([x, y]);
  }
  const days = pairs.length;
  if (days < LEAST_DAYS) return null;
  const mean = (side: 0 | 1): number => pairs.reduce((sum, pair) => sum + pair[side], 0) / days;
  const [meanA, meanB] = [mean(0), mean(1)];
  let [aa, bb, ab] = [0, 0, 0];
  for (const [x, y] of pairs) {
    aa += (x - meanA) ** 2;
    bb += (y - meanB) ** 2;
    ab += (x - meanA) * (y - meanB);
  }
  if (aa === 0 || bb === 0) return null;
  const value = Math.min(Math.max(ab / Math.sqrt(aa * bb), -1), 1);
  const z = Math.atanh(value);
  const error = Z_95 / Math.sqrt(days - 3);
  return { value, low: Math.tanh(z - error), high: Math.tanh(z + error), days };
}
