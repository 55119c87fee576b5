/** What a pool's liquidity earned against what it lost to rebalancing, measured from its trades. */

/** A pool over one interval (a minute, say). */
export interface PoolInterval {
  /** token1 per token0 at the interval's end, in token units. */
  readonly price: number;
  /** What traders paid in, fee included, in token units. */
  readonly in0: number;
  readonly in1: number;
  /** Liquidity in range, in √(token0 units · token1 units). */
  readonly liquidity: number;
}

/** Nothing can be measured from these intervals. */
export class PoolHistoryError extends Error {
  constructor(problem: string) {
    super(`the pool's history ${problem}.`);
    this.name = "PoolHistoryError";
  }
}

/**
 * Fee income / loss-versus-rebalancing of one unit of liquidity that was always in range. Fees are what was paid in ×
 * the fee rate / liquidity. LVR is the sum of √P·r²/4 (Milionis et al. 2022, realised) over log returns r of `step`
 * intervals, averaged over all starting points (Zhang, Mykland and Aït-Sahalia 2005), since one crash minute weighs by
 * where it falls. The ratio still depends on the step: minutes count bounces inside the fee band as losses, hours leave
 * out moves that arbitrageurs traded on.
 * @param history consecutive intervals of one length
 * @param fee the pool's fee, a decimal (0.0005)
 * @throws PoolHistoryError for too short a history, bad numbers, or a price that never moved
 */
export function feeToLvr(history: readonly PoolInterval[], fee: number, step: number): number {
  if (!(Number.isInteger(step) && step >= 1 && history.length > step)) {
    throw new PoolHistoryError(`has ${history.length} intervals: give more than the step, ${step}, a whole number`);
  }
  let fees = 0;
  let lvr = 0;
  history.forEach(({ price, in0, in1, liquidity }, i) => {
    if (!(price > 0 && liquidity > 0 && in0 >= 0 && in1 >= 0)) {
      throw new PoolHistoryError(`has price ${price}, liquidity ${liquidity}, paid in ${in0} and ${in1} in row ${i}`);
    }
    fees += (fee * (in0 * price + in1)) / liquidity;
    if (i < step) return;
    const logReturn = Math.log(price / history[i - step]!.price);
    lvr += (Math.sqrt(price) * logReturn * logReturn) / 4 / step;
  });
  if (lvr === 0) throw new PoolHistoryError(`has no move of price over ${step} intervals`);
  return fees / lvr;
}
