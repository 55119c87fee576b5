/** Decay of the exponentially weighted variance per day. Source: RiskMetrics Technical Document (1996), daily data. */
export const EWMA_DECAY = 0.94;
/** Earlier returns that must be known: the start then weighs less than 0.94^100 = 0.2 %. */
export const EWMA_WARM_UP = 100;

/**
 * Volatility per day (decimal) of log returns, for each close as of the day before: element i uses closes up to i − 1.
 * σ²(i) = λ σ²(i−1) + (1 − λ) r²(i−1), λ = 0.94; the first EWMA_WARM_UP + 1 elements are null: not enough history.
 * For reports and models only: Math.log may differ in its last digit between engines.
 */
export function ewmaVolatility(closes: readonly number[]): (number | null)[] {
  let variance = 0;
  let returns = 0;
  return closes.map((_, i) => {
    if (i >= 2) {
      const logReturn = Math.log(closes[i - 1]! / closes[i - 2]!);
      returns += 1;
      // Until 1 / (1 − λ) returns are in, the plain mean of squares is the better estimate.
      const weight = Math.max(1 - EWMA_DECAY, 1 / returns);
      variance += weight * (logReturn * logReturn - variance);
    }
    return returns < EWMA_WARM_UP ? null : Math.sqrt(variance);
  });
}
