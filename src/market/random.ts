/** A source of numbers in [0, 1). */
export type Random = () => number;

/**
 * mulberry32 (Tommy Ettinger, 2017, public domain). Chosen because it is eight lines of 32-bit integer arithmetic, so it
 * gives the same numbers on every engine and anyone can check it; its period of 2³² is ample for some thousand draws.
 * Not for secrets, and not for bootstraps of millions of draws.
 */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * About standard normal, by the sum of twelve uniforms less six (variance 1 exactly, never beyond ±6): basic arithmetic
 * only, where Box–Muller's logarithm and cosine differ between engines.
 */
export function normal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}
