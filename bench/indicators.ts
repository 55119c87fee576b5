import { macd, rsi } from "../src/signals/indicators.ts";
import type { BenchCase } from "./case.ts";
import { fastest } from "./case.ts";

const BARS = 4_000_000;
const REPEATS = 7;
/** Bars a second of MACD and RSI together (the figure for a two-core machine). */
const LEAST_BARS_PER_SECOND = 25e6;

/** MACD(12,26,9) and RSI(14) over one long series, and next to it one plain pass that only sums it. */
export function benchIndicators(): BenchCase {
  const closes = new Float64Array(BARS);
  let state = 1;
  let close = 20;
  for (let i = 0; i < BARS; i++) {
    state = (state * 48_271) % 2_147_483_647;
    close = Math.max(9, close + (state / 2_147_483_647 - 0.5) * 0.5 + (20 - close) * 0.01);
    closes[i] = close;
  }
  let kept = 0;
  const both = fastest(REPEATS, () => {
    kept += macd(closes).histogram.at(-1)! + rsi(closes).at(-1)!;
  });
  const pass = fastest(REPEATS, () => {
    let sum = 0;
    for (const value of closes) sum += value;
    kept += sum;
  });
  const barsPerSecond = BARS / both;
  return {
    name: "MACD and RSI",
    figure: `${(barsPerSecond / 1e6).toFixed(1)} million bars/s`,
    wanted: `at least ${LEAST_BARS_PER_SECOND / 1e6} million bars/s`,
    ok: Number.isFinite(kept) && barsPerSecond >= LEAST_BARS_PER_SECOND,
    detail: `${(both / pass).toFixed(1)} × the time of one pass that only sums ${BARS / 1e6} million bars`,
  };
}
