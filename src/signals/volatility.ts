import type { AsOfView } from "../market/asOf.ts";
import { WARM_UP_BARS, createMacd, createRsi } from "./indicators.ts";
import { MIN_DAILY, topTenth } from "./ownPast.ts";
import { seriesSignal } from "./seriesSignal.ts";
import type { Measure } from "./seriesSignal.ts";
import type { Signal } from "./signal.ts";
import { runningMean } from "./windows.ts";

/** Above this (points) VIX is no longer calm: the yardstick every other signal must beat. */
export const VIX_YARDSTICK = 20;
/** Wilder (1978): above 70 a series is overbought. */
const RSI_OVERBOUGHT = 70;
/** Sessions in the mean of a put/call ratio: two weeks. */
const PUT_CALL_MEAN = 10;

/** Signals from VIX, its relatives, and what options traders do. */
export const VOLATILITY_SIGNALS: readonly Signal[] = [
  seriesSignal({
    id: "vix-above-20",
    name: "VIX",
    seedTerm: null,
    unit: "points",
    direction: "above",
    at: VIX_YARDSTICK,
    thresholdSource: "custom: the long-run mean is 19 to 20. The yardstick, nothing more",
    inputs: ["vix"],
    needs: "one VIX close",
    measure: () => (vix) => vix,
  }),
  seriesSignal({
    id: "vix-macd",
    name: "MACD histogram of VIX",
    seedTerm: "MACD on VIX",
    unit: "points",
    direction: "above",
    at: 0,
    thresholdSource: "custom (Appel 1979): the line above its signal line; with VIX below 20 at the cross",
    inputs: ["vix"],
    needs: `${WARM_UP_BARS} VIX closes`,
    measure: crossFromCalm,
    also: { holds: "it crossed with VIX below 20", fails: "no cross with VIX below 20 is behind it" },
  }),
  seriesSignal({
    id: "vix-rsi",
    name: "RSI(14) of VIX",
    seedTerm: "RSI on VIX",
    unit: "of 100",
    direction: "above",
    at: RSI_OVERBOUGHT,
    thresholdSource: "custom (Wilder 1978): above 70 is overbought",
    inputs: ["vix"],
    needs: `${WARM_UP_BARS} VIX closes`,
    measure: rsiAfterWarmUp,
  }),
  seriesSignal({
    id: "vix-term-structure",
    name: "VIX/VIX3M",
    seedTerm: "VIX/VIX3M",
    unit: "ratio",
    direction: "above",
    at: 1,
    thresholdSource: "custom: above 1 the term structure is inverted",
    inputs: ["vix3m", "vix"],
    needs: "VIX and VIX3M of one day",
    measure: () => (vix3m, view, day) => ratio(view.on("vix", day), vix3m),
  }),
  seriesSignal({
    id: "vix9d-term-structure",
    name: "VIX9D/VIX",
    seedTerm: "VIX9D/VIX",
    unit: "ratio",
    direction: "above",
    at: 1,
    thresholdSource: "custom: above 1 the next nine days are dearer than the next thirty",
    inputs: ["vix9d", "vix"],
    needs: "VIX9D and VIX of one day",
    measure: () => (vix9d, view, day) => ratio(vix9d, view.on("vix", day)),
  }),
  seriesSignal({
    id: "vvix",
    name: "VVIX",
    seedTerm: "VVIX",
    unit: "points",
    direction: "above",
    ...topTenth(MIN_DAILY),
    inputs: ["vvix"],
    needs: "one VVIX close",
    measure: () => (vvix) => vvix,
  }),
  seriesSignal({
    id: "skew",
    name: "SKEW",
    seedTerm: "SKEW",
    unit: "points",
    direction: "above",
    ...topTenth(MIN_DAILY),
    inputs: ["skew"],
    needs: "one SKEW close",
    measure: () => (skew) => skew,
  }),
  seriesSignal({
    id: "put-call",
    name: "Equity put/call ratio, mean of ten sessions",
    seedTerm: "put/call",
    unit: "ratio",
    direction: "above",
    ...topTenth(MIN_DAILY),
    inputs: ["putCallEquity"],
    needs: `${PUT_CALL_MEAN} sessions of the ratio`,
    measure: () => runningMean(PUT_CALL_MEAN),
  }),
];

/** Histogram of VIX, and whether the crossing that made it positive came with VIX below 20. */
function crossFromCalm(): Measure {
  const next = createMacd();
  let bars = 0;
  let before = NaN;
  let calm = false;
  return (vix) => {
    const { histogram } = next(vix);
    if (!(histogram > 0)) calm = false;
    else if (before <= 0) calm = vix < VIX_YARDSTICK;
    before = histogram;
    return ++bars < WARM_UP_BARS ? NaN : { value: histogram, also: calm };
  };
}

function rsiAfterWarmUp(): Measure {
  const next = createRsi();
  let bars = 0;
  return (value) => {
    const rsi = next(value);
    return ++bars < WARM_UP_BARS ? NaN : rsi;
  };
}

/** RSI(14) of VIX as of the view, NaN before its warm-up: for signals that VIX confirms. Call it once per session. */
export function createVixRsi(): (view: AsOfView) => number {
  const next = rsiAfterWarmUp();
  let seen = 0;
  let rsi = NaN;
  return (view) => {
    const known = view.count("vix");
    for (; seen < known; seen++) {
      const { value, day } = view.latest("vix", known - 1 - seen)!;
      rsi = next(value, view, day) as number;
    }
    return rsi;
  };
}

function ratio(upper: number | null, lower: number | null): number {
  return upper === null || lower === null ? NaN : upper / lower;
}
