/** A year of sessions: fewer values of a daily series have no percentile worth the name. */
export const MIN_DAILY = 252;
/** Five years of months. */
export const MIN_MONTHLY = 60;
/** A year of funding settlements, three a day. */
export const MIN_SETTLEMENTS = 1_095;

/** A percentile of what a series has been so far. */
export interface OwnPercentile {
  /** In (0, 1). */
  readonly percentile: number;
  /** How many values it needs before it says anything. */
  readonly minimum: number;
}

/** As part of a series signal: the top tenth of its own past, which is extreme where no level is customary. */
export function topTenth(minimum: number): { at: OwnPercentile; thresholdSource: string } {
  return {
    at: { percentile: 0.9, minimum },
    thresholdSource: "top tenth of its own past: no level of it is customary",
  };
}

/**
 * The percentile of all values added so far, linear between order statistics (Hyndman and Fan 1996, type 7), NaN until
 * there are enough. Values are kept in order: adding one moves those above it, reading is constant.
 */
export class ExpandingPercentile {
  readonly #of: OwnPercentile;
  #ascending = new Float64Array(1_024);
  #count = 0;

  constructor(of: OwnPercentile) {
    this.#of = of;
  }

  /** In the values' unit. */
  get level(): number {
    if (this.#count < this.#of.minimum) return NaN;
    const position = this.#of.percentile * (this.#count - 1);
    const below = Math.floor(position);
    const low = this.#ascending[below]!;
    const high = below + 1 < this.#count ? this.#ascending[below + 1]! : low;
    return low + (position - below) * (high - low);
  }

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (this.#count === this.#ascending.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#ascending);
      this.#ascending = grown;
    }
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ascending[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    this.#ascending.copyWithin(low + 1, low, this.#count);
    this.#ascending[low] = value;
    this.#count++;
  }
}
