import { EWMA_DECAY, EWMA_WARM_UP } from "../market/volatility.ts";
import { logDrawdown } from "./edrImplied.ts";
import type { DrawdownOutlook } from "./edrImplied.ts";

/** Drawdowns are looked for over so many sessions: a month and a quarter. */
export const EDR_HORIZONS = [21, 63] as const;
/** Residuals are drawn in blocks of so many sessions in a row, which keeps what clustering EWMA leaves in them. */
export const BLOCK_SESSIONS = 10;
/** Paths of a simulation: a probability of one half then has a standard error of 0.008. */
export const PATHS = 4_000;
/** Residuals there must be before a simulation says anything: about four years. */
export const MIN_RESIDUALS = 1_000;
/** A severity from fewer paths than this (a probability below 0.5 %) is the luck of the draw: not given. */
const MIN_SEVERITY_PATHS = 20;
/** Bins for counting: narrow enough that within one the exponential is a straight line to five digits. */
const BINS = 256;

/** A source of numbers in [0, 1) of 53 bits, made anew from a seed. */
export type RandomFactory = (seed: number) => () => number;

/**
 * What happens in a block of residuals that starts at unit volatility, in one row of numbers: volatility at its end,
 * return, end below the highest point, lowest point (0 or less, against the start), deepest fall; then for each horizon
 * lowest point and deepest fall of the beginning of the block that the horizon has room for after its whole blocks.
 */
const ROW = 5 + 2 * EDR_HORIZONS.length;
const GROWTH = 0;
const RETURN = 1;
const GAP = 2;
const LOW = 3;
const FALL = 4;
const BEGINNINGS = 5;
/** Whole blocks of each horizon, and the sessions left over. */
const WHOLE_BLOCKS = EDR_HORIZONS.map((sessions) => Math.floor(sessions / BLOCK_SESSIONS));
const LEFT_OVER = EDR_HORIZONS.map((sessions) => sessions % BLOCK_SESSIONS);

/**
 * EWMA volatility (RiskMetrics 1996, λ = 0.94) of the log returns pushed so far and the standardised residuals they
 * left: each return over the volatility known the session before, its mean kept. EWMA is scale-free, so paths are
 * simulated from volatility 1 and drawdowns in logs simply scale with the volatility of the day.
 */
export class ResidualPool {
  #variance = 0;
  #returns = 0;
  #count = 0;
  #residuals = new Float64Array(1_024);
  #days = new Int32Array(1_024);
  #rows = new Float64Array(1_024 * ROW);
  // Room to work in, kept from one simulation to the next.
  readonly #falls = EDR_HORIZONS.map(() => new Float64Array(PATHS));
  readonly #drawn = new Int32Array(PATHS * (WHOLE_BLOCKS.at(-1)! + 1));

  /** Residuals in the pool. */
  get count(): number {
    return this.#count;
  }

  /** Volatility per session (decimal) for the session to come; null before the warm-up is over. */
  get volatility(): number | null {
    return this.#returns < EWMA_WARM_UP ? null : Math.sqrt(this.#variance);
  }

  /** Takes the log return of the session of that day number, later than all before. */
  push(day: number, logReturn: number): void {
    const volatility = this.volatility;
    if (volatility !== null && volatility > 0) this.#add(day, logReturn / volatility);
    this.#returns += 1;
    // Until 1 / (1 − λ) returns are in, the plain mean of squares is the better estimate.
    const weight = Math.max(1 - EWMA_DECAY, 1 / this.#returns);
    this.#variance += weight * (logReturn * logReturn - this.#variance);
  }

  /** How many residuals are of days before this one. */
  countBefore(day: number): number {
    let count = this.#count;
    while (count > 0 && this.#days[count - 1]! >= day) count--;
    return count;
  }

  /**
   * Deepest falls, in logs at unit starting volatility, of PATHS paths made of blocks of the first `count` residuals
   * (moving block bootstrap, Künsch 1989), for each horizon. Paths of both horizons share their beginning.
   */
  simulate(count: number, random: () => number): UnitDrawdowns[] {
    const falls = this.#falls;
    const rows = this.#rows;
    const drawn = this.#drawn;
    const starts = count - BLOCK_SESSIONS + 1;
    for (let i = 0; i < drawn.length; i += 2) {
      // A number of 53 bits is enough for two starts: what is left of the first one's choice makes the second.
      const choice = random() * starts;
      const start = Math.floor(choice);
      drawn[i] = ROW * start;
      drawn[i + 1] = ROW * Math.floor((choice - start) * starts);
    }
    for (let path = 0, next = 0; path < PATHS; path++) {
      let volatility = 1;
      let gap = 0;
      let fall = 0;
      let block = 0;
      for (let horizon = 0; horizon < EDR_HORIZONS.length; horizon++) {
        for (const end = WHOLE_BLOCKS[horizon]!; block < end; block++) {
          const row = drawn[next++]!;
          const across = gap - volatility * rows[row + LOW]!;
          const within = volatility * rows[row + FALL]!;
          if (across > fall) fall = across;
          if (within > fall) fall = within;
          const carried = gap - volatility * rows[row + RETURN]!;
          const fresh = volatility * rows[row + GAP]!;
          gap = carried > fresh ? carried : fresh;
          volatility *= rows[row + GROWTH]!;
        }
        const part = drawn[next]! + BEGINNINGS + 2 * horizon;
        falls[horizon]![path] = Math.max(fall, gap - volatility * rows[part]!, volatility * rows[part + 1]!);
      }
      next++;
    }
    return falls.map((each) => new UnitDrawdowns(each));
  }

  #add(day: number, residual: number): void {
    if (this.#count === this.#residuals.length) this.#grow();
    this.#residuals[this.#count] = residual;
    this.#days[this.#count] = day;
    this.#count += 1;
    if (this.#count >= BLOCK_SESSIONS) this.#describeBlock(this.#count - BLOCK_SESSIONS);
  }

  #describeBlock(start: number): void {
    const row = ROW * start;
    let volatility = 1;
    let sum = 0;
    let high = 0;
    let low = 0;
    let fall = 0;
    for (let i = 0; i < BLOCK_SESSIONS; i++) {
      LEFT_OVER.forEach((sessions, horizon) => {
        if (i === sessions) this.#rows.set([low, fall], row + BEGINNINGS + 2 * horizon);
      });
      const residual = this.#residuals[start + i]!;
      sum += volatility * residual;
      high = Math.max(high, sum);
      low = Math.min(low, sum);
      fall = Math.max(fall, high - sum);
      volatility *= Math.sqrt(EWMA_DECAY + (1 - EWMA_DECAY) * residual * residual);
    }
    this.#rows.set([volatility, sum, high - sum, low, fall], row);
  }

  #grow(): void {
    const twice = <T extends Float64Array | Int32Array>(old: T, larger: T): T => {
      larger.set(old);
      return larger;
    };
    this.#residuals = twice(this.#residuals, new Float64Array(2 * this.#residuals.length));
    this.#days = twice(this.#days, new Int32Array(2 * this.#days.length));
    this.#rows = twice(this.#rows, new Float64Array(2 * this.#rows.length));
  }
}

/**
 * The deepest falls of simulated paths at unit volatility, to be asked at any volatility. Falls are counted into bins
 * instead of sorted: a threshold's own bin is looked through, so counts are exact at a tenth of the time.
 */
export class UnitDrawdowns {
  readonly #falls: Float64Array;
  readonly #width: number;
  /** Where each bin begins in #falls, and the end of the last one. */
  readonly #starts = new Int32Array(BINS + 1);
  /** Sum over each bin of fall less the bin's middle. */
  readonly #moments = new Float64Array(BINS);

  constructor(falls: Float64Array) {
    let deepest = 0;
    for (const fall of falls) deepest = Math.max(deepest, fall);
    this.#width = deepest > 0 ? deepest / BINS : 1;
    for (const fall of falls) this.#starts[this.#binOf(fall) + 1]! += 1;
    for (let bin = 0; bin < BINS; bin++) this.#starts[bin + 1]! += this.#starts[bin]!;
    this.#falls = new Float64Array(falls.length);
    const next = this.#starts.slice();
    for (const fall of falls) {
      const bin = this.#binOf(fall);
      this.#falls[next[bin]!++] = fall;
      this.#moments[bin]! += fall - (bin + 0.5) * this.#width;
    }
  }

  /**
   * Share of paths at least as deep as each depth, and the mean depth (simple, not log) of those.
   * @param depths decimals, ascending
   * @param volatility per session, decimal, above 0
   */
  outlooks(depths: readonly number[], volatility: number): DrawdownOutlook[] {
    const step = Math.exp(volatility * this.#width);
    let kept = Math.exp(-volatility * this.#width * (BINS - 0.5)); // what a fall to a bin's middle leaves of 1
    let bin = BINS - 1;
    let sum = 0; // of what the falls of all bins above leave
    const outlooks: DrawdownOutlook[] = [];
    for (let deepestFirst = depths.length - 1; deepestFirst >= 0; deepestFirst--) {
      const threshold = logDrawdown(depths[deepestFirst]!) / volatility;
      const last = this.#binOf(threshold);
      for (; bin > last; bin--) {
        sum += kept * (this.#starts[bin + 1]! - this.#starts[bin]! - volatility * this.#moments[bin]!);
        kept *= step;
      }
      let count = this.#falls.length - this.#starts[last + 1]!;
      let left = sum;
      for (let i = this.#starts[last]!; i < this.#starts[last + 1]!; i++) {
        const fall = this.#falls[i]!;
        if (fall < threshold) continue;
        count += 1;
        left += Math.exp(-volatility * fall);
      }
      const severity = count < MIN_SEVERITY_PATHS ? null : 1 - left / count;
      outlooks.push({ probability: count / this.#falls.length, severity });
    }
    return outlooks.reverse();
  }

  #binOf(fall: number): number {
    return Math.min(BINS - 1, Math.floor(fall / this.#width));
  }
}
