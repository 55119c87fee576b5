/** Decimals of every feed here. */
export const FEED_DECIMALS = 8;

/** A number has no exact place in a feed's unit. */
export class UnitRangeError extends Error {
  constructor(value: number) {
    super(`${value} does not fit a feed of ${FEED_DECIMALS} decimals. Give a finite number below 90 million.`);
    this.name = "UnitRangeError";
  }
}

/** A price or index level as a feed answers it: 8 decimals, rounded to the nearest. Same on every engine. */
export function toFeedUnits(value: number): bigint {
  const scaled = Math.round(value * 10 ** FEED_DECIMALS);
  if (!Number.isSafeInteger(scaled)) throw new UnitRangeError(value);
  return BigInt(scaled);
}

/** A feed's answer as a number, for reports and statistics. */
export function fromFeedUnits(answer: bigint): number {
  return Number(answer) / 10 ** FEED_DECIMALS;
}
