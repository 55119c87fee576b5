export const WAD = 10n ** 18n;
export const BPS = 10_000n;

export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

export function abs(a: bigint): bigint {
  return a < 0n ? -a : a;
}

/** A fixed-point amount as text with a fixed number of digits after the point, cut off, never rounded up. */
export function formatFixed(value: bigint, decimals: number, digits: number): string {
  const negative = value < 0n;
  const text = abs(value)
    .toString()
    .padStart(decimals + 1, "0");
  // Not by slice(0, -decimals): of no decimals that would be nothing.
  const point = text.length - decimals;
  const whole = text.slice(0, point).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const fraction = text.slice(point).padEnd(digits, "0").slice(0, digits);
  const shown = digits === 0 ? whole : `${whole}.${fraction}`;
  return negative && /[1-9]/.test(shown) ? `−${shown}` : shown;
}
