/** Lowest tick a Uniswap v3 pool can reach. */
export const MIN_TICK = -887272;
/** Highest tick a Uniswap v3 pool can reach. */
export const MAX_TICK = 887272;
/** sqrtRatioAtTick(MIN_TICK). */
export const MIN_SQRT_RATIO = 4295128739n;
/** sqrtRatioAtTick(MAX_TICK); a pool's price stays below it. */
export const MAX_SQRT_RATIO = 1461446703485210103287273052203988822378723970342n;

/** 1 / sqrt(1.0001)^(2^i) as a 128-bit fraction: the constants of Uniswap v3's TickMath. */
const INVERSE_POWERS = [
  0xfffcb933bd6fad37aa2d162d1a594001n,
  0xfff97272373d413259a46990580e213an,
  0xfff2e50f5f656932ef12357cf3c7fdccn,
  0xffe5caca7e10e4e61c3624eaa0941cd0n,
  0xffcb9843d60f6159c9db58835c926644n,
  0xff973b41fa98c081472e6896dfb254c0n,
  0xff2ea16466c96a3843ec78b326b52861n,
  0xfe5dee046a99a2a811c461f1969c3053n,
  0xfcbe86c7900a88aedcffc83b479aa3a4n,
  0xf987a7253ac413176f2b074cf7815e54n,
  0xf3392b0822b70005940c7a398e4b70f3n,
  0xe7159475a2c29b7443b29c7fa6e889d9n,
  0xd097f3bdfd2022b8845ad8f792aa5825n,
  0xa9f746462d870fdf8a65dc1f90e061e5n,
  0x70d869a156d2a1b890bb3df62baf32f7n,
  0x31be135f97d08fd981231505542fcfa6n,
  0x9aa508b5b7a84e1c677de54f3e99bc9n,
  0x5d6af8dedb81196699c329225ee604n,
  0x2216e584f5fa1ea926041bedfe98n,
  0x48a170391f7dc42444e8fa2n,
] as const;

const MAX_UINT256 = (1n << 256n) - 1n;

/** A tick outside MIN_TICK…MAX_TICK, or not a whole number. */
export class TickOutOfRange extends Error {
  constructor(tick: number) {
    super(`tick ${tick} is no whole number in ${MIN_TICK}…${MAX_TICK}: clamp or round it before use`);
    this.name = "TickOutOfRange";
  }
}

/** A square-root price outside the range of any pool. */
export class SqrtPriceOutOfRange extends Error {
  constructor(sqrtPriceX96: bigint) {
    super(
      `sqrtPriceX96 ${sqrtPriceX96} is outside ${MIN_SQRT_RATIO}…${MAX_SQRT_RATIO}: check decimals and token order`,
    );
    this.name = "SqrtPriceOutOfRange";
  }
}

/**
 * sqrt(1.0001^tick) × 2^96, bit for bit as a Uniswap v3 pool computes it.
 * Source of the method: Uniswap v3-core, TickMath.getSqrtRatioAtTick.
 */
export function sqrtRatioAtTick(tick: number): bigint {
  if (!Number.isInteger(tick) || tick < MIN_TICK || tick > MAX_TICK) throw new TickOutOfRange(tick);
  const magnitude = Math.abs(tick);
  let ratioX128 = 1n << 128n;
  INVERSE_POWERS.forEach((factor, bit) => {
    if ((magnitude >> bit) & 1) ratioX128 = (ratioX128 * factor) >> 128n;
  });
  if (tick > 0) ratioX128 = MAX_UINT256 / ratioX128;
  // Rounded up, so that tickAtSqrtRatio(sqrtRatioAtTick(t)) is t.
  return (ratioX128 + 0xffffffffn) >> 32n;
}

/** The greatest tick whose square-root price is at or below `sqrtPriceX96`, as the pool's slot0 has it. */
export function tickAtSqrtRatio(sqrtPriceX96: bigint): number {
  if (sqrtPriceX96 < MIN_SQRT_RATIO || sqrtPriceX96 >= MAX_SQRT_RATIO) throw new SqrtPriceOutOfRange(sqrtPriceX96);
  let low = MIN_TICK;
  let high = MAX_TICK - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sqrtRatioAtTick(middle) <= sqrtPriceX96) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The usable tick nearest to `tick` for a pool's tick spacing, inside the bounds. */
export function nearestUsableTick(tick: number, spacing: number): number {
  const rounded = Math.round(tick / spacing) * spacing;
  const bound = Math.floor(MAX_TICK / spacing) * spacing;
  return Math.max(-bound, Math.min(bound, rounded)) + 0; // + 0: never minus zero
}
