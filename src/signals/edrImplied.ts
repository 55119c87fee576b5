import erfc from "@stdlib/math-base-special-erfc";

/** Sessions in a year, which volatility indices and these formulas are annualised by. */
export const SESSIONS_PER_YEAR = 252;
/**
 * Two barriers' worth of 0.5826 = −ζ(½)/√(2π), the mean overshoot of a walk over a barrier in its own steps (Broadie,
 * Glasserman, Kou 1997, theorem 1.1). A drawdown is a high less a low, and daily closes miss a bit of both.
 */
const DISCRETE_CLOSE_SHIFT = 2 * 0.5826;
/** Terms smaller than this change no digit of a double near 1. */
const NEGLIGIBLE = 1e-17;
/** Beyond this σ√T, a move of e³⁰, exponentials overflow; no price ever moved like it. */
const MAX_SCALE = 30;
/** Below this ratio of drawdown to σ√T the tail is 1 to within 4e-9: 1 − (4/π)·exp(−π²/(8·0.25²)). */
const SURE_BELOW = 0.25;

/** A drawdown question without an answer: a depth, volatility or horizon no formula is defined for. */
export class EdrInputError extends Error {
  override readonly name = "EdrInputError";
}

/** How likely a drawdown of some depth is, and how deep it is on average if it comes. Decimals. */
export interface DrawdownOutlook {
  readonly probability: number;
  /** E[MDD | MDD ≥ depth], never below the depth; null where too little is known to say. */
  readonly severity: number | null;
}

/** The drawdown in log terms that is `depth` (decimal, 0.1 is a tenth) in simple ones: −ln(1 − depth). */
export function logDrawdown(depth: number): number {
  return -Math.log1p(-depth);
}

/**
 * P(MDD ≥ ratio·σ√T) of driftless Brownian motion watched continuously. By Lévy's theorem its drawdown is a reflected
 * Brownian motion, so this is the chance that |W| reaches `ratio` within unit time (Feller 1971, volume II, X.5). Two
 * series of the same function: the first converges at once for small ratios, the second for large ones, where the
 * first, cut short, goes negative.
 * @param ratio drawdown in log terms over σ√T, 0 or more
 */
export function brownianDrawdownTail(ratio: number): number {
  return ratio > 1 ? tailByReflections(ratio) : tailByEigenvalues(ratio);
}

/** 1 − (4/π) Σ (−1)ⁿ/(2n+1)·exp(−(2n+1)²π²/(8·ratio²)). For ratios up to about 1. */
export function tailByEigenvalues(ratio: number): number {
  const rate = Math.PI ** 2 / (8 * ratio * ratio);
  let sum = 0;
  let sign = 1;
  for (let odd = 1; ; odd += 2, sign = -sign) {
    const term = Math.exp(-odd * odd * rate) / odd;
    sum += sign * term;
    if (term < NEGLIGIBLE) return 1 - (4 / Math.PI) * sum;
  }
}

/** 4 Σ (−1)ᵏ Φ̄((2k+1)·ratio). For ratios from about 1. */
export function tailByReflections(ratio: number): number {
  let sum = 0;
  let sign = 1;
  for (let odd = 1; ; odd += 2, sign = -sign) {
    const term = upperTail(odd * ratio);
    sum += sign * term;
    if (term <= NEGLIGIBLE * sum) return 4 * sum;
  }
}

/**
 * Probability and severity of a maximum drawdown over daily closes, the first one included, as an implied volatility
 * has them: driftless Brownian motion in logs, with the drawdown x = −ln(1 − depth) moved out to
 * x′ = x + 1.1652·σ·√(1/252) because closes are daily. The severity is that of the same shifted law:
 * E[1 − e^{−M} | M ≥ x] with P(M ≥ u) taken at u′ for every u, which is depth + ∫ₓ^∞ e^{−u}P(u)du / P(x).
 * @param depth decimal in (0, 1)
 * @param volatility annualised decimal, 0 or more
 * @param years horizon, 0 or more
 * @throws EdrInputError
 */
export function impliedDrawdown(depth: number, volatility: number, years: number): DrawdownOutlook {
  if (!(depth > 0 && depth < 1))
    throw new EdrInputError(`depth ${depth} is no drawdown: give a decimal between 0 and 1.`);
  if (!(volatility >= 0 && volatility < Infinity)) {
    throw new EdrInputError(`volatility ${volatility} is none: give an annualised decimal, 0.2 for 20 %.`);
  }
  if (!(years >= 0 && years < Infinity)) throw new EdrInputError(`horizon ${years} is none: give years, 0 or more.`);
  const x = logDrawdown(depth);
  const scale = volatility * Math.sqrt(years);
  if (scale > MAX_SCALE) {
    throw new EdrInputError(`volatility ${volatility} over ${years} years moves ${scale}: give a decimal, not points.`);
  }
  // Without movement no drawdown comes, and as movement vanishes one that comes is just deep enough.
  if (scale === 0) return { probability: 0, severity: depth };
  const shift = DISCRETE_CLOSE_SHIFT * volatility * Math.sqrt(1 / SESSIONS_PER_YEAR);
  const ratio = (x + shift) / scale;
  const probability = brownianDrawdownTail(ratio);
  if (probability === 0) return { probability, severity: depth };
  return { probability, severity: depth + discountedTail(x, shift, scale) / probability };
}

/**
 * ∫ₓ^∞ e^{−u} P((u + shift)/scale) du in closed form: each term of the series of reflections, integrated by parts, is
 * e^{−x}Φ̄(m·r) − e^{shift + scale²/(2m²)}·Φ̄(m·r + scale/m), with m = 2k+1 and r = (x + shift)/scale.
 */
function discountedTail(x: number, shift: number, scale: number): number {
  const from = Math.max(x, SURE_BELOW * scale - shift);
  const ratio = (from + shift) / scale;
  const discount = Math.exp(-from);
  let sum = 0;
  let sign = 4;
  for (let odd = 1; ; odd += 2, sign = -sign) {
    const tail = upperTail(odd * ratio);
    const discounted = Math.exp(shift + (scale * scale) / (2 * odd * odd)) * upperTail(odd * ratio + scale / odd);
    sum += sign * (discount * tail - discounted);
    if (tail <= NEGLIGIBLE * sum || tail === 0) break;
  }
  return Math.exp(-x) - discount + sum;
}

/** Φ̄, the upper tail of the standard normal distribution. */
function upperTail(z: number): number {
  return 0.5 * erfc(z / Math.SQRT2);
}
