import { seriesSignal } from "./seriesSignal.ts";
import type { Measure } from "./seriesSignal.ts";
import type { Signal } from "./signal.ts";
import { runningHigh, runningMean } from "./windows.ts";

/** Sessions of the average that a line's trend is read against. */
const TREND_SESSIONS = 50;
/** Sessions of a high: a quarter. QUANT's choice for the divergence. */
const HIGH_SESSIONS = 63;
/** Sessions in the mean of net new highs: two weeks. */
const NEW_HIGHS_MEAN = 10;
/** Below half, most stocks are below their own 200-day average. */
const HALF_PERCENT = 50;

/** Signals from how many stocks or sectors go along with the index. */
export const BREADTH_SIGNALS: readonly Signal[] = [
  seriesSignal({
    id: "advance-decline-line",
    name: "Advance–decline line less its 50-session mean",
    seedTerm: "advance–decline line",
    unit: "net sector advances",
    direction: "below",
    at: 0,
    thresholdSource: "custom: below its 50-session mean the line falls",
    inputs: ["sectorAdvances", "sectorDeclines"],
    needs: `${TREND_SESSIONS} sessions of advances and declines`,
    measure: lineLessMean,
  }),
  seriesSignal({
    id: "advance-decline-divergence",
    name: "Advance–decline line below its own 63-session high",
    seedTerm: "advance–decline divergence",
    unit: "net sector advances",
    direction: "above",
    at: 0,
    thresholdSource: "definition: the S&P at a 63-session high, the line not",
    inputs: ["sectorAdvances", "sectorDeclines", "spx"],
    needs: `${HIGH_SESSIONS} sessions of sectors and S&P`,
    measure: divergence,
    also: { holds: "the S&P 500 is at a 63-session high", fails: "the S&P 500 is at no 63-session high" },
  }),
  seriesSignal({
    id: "net-new-highs",
    name: "NYSE new highs less new lows, mean of ten sessions",
    seedTerm: "advance–decline line",
    unit: "stocks",
    direction: "below",
    at: 0,
    thresholdSource: "custom: more new lows than new highs",
    inputs: ["netNewHighs"],
    needs: `${NEW_HIGHS_MEAN} sessions of net new highs`,
    measure: () => runningMean(NEW_HIGHS_MEAN),
  }),
  seriesSignal({
    id: "percent-above-200-day",
    name: "Large caps above their 200-day average",
    seedTerm: "percent above 200-day",
    unit: "%",
    direction: "below",
    at: HALF_PERCENT,
    thresholdSource: "custom: below 50 % most stocks fall; the series has survivors only, so it reads high",
    inputs: ["percentAbove200Day"],
    needs: "one value",
    measure: () => (percent) => percent,
  }),
];

/** Cumulated sector advances less declines, on from where it was; NaN for a day without declines. */
function createLine(): Measure {
  let line = 0;
  return (advances, view, day) => {
    const declines = view.on("sectorDeclines", day);
    if (declines === null) return NaN;
    line += advances - declines;
    return line;
  };
}

function lineLessMean(): Measure {
  const nextLine = createLine();
  const nextMean = runningMean(TREND_SESSIONS);
  return (advances, view, day) => {
    const line = nextLine(advances, view, day) as number;
    return Number.isNaN(line) ? NaN : line - nextMean(line);
  };
}

function divergence(): Measure {
  const nextLine = createLine();
  const lineHigh = runningHigh(HIGH_SESSIONS);
  const indexHigh = runningHigh(HIGH_SESSIONS);
  return (advances, view, day) => {
    const line = nextLine(advances, view, day) as number;
    const index = view.on("spx", day);
    if (Number.isNaN(line) || index === null) return NaN;
    const high = indexHigh(index);
    return { value: lineHigh(line) - line, also: index >= high };
  };
}
