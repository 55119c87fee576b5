import { EWMA_DECAY, EWMA_WARM_UP } from "../market/volatility.ts";
import { sessionsAfter } from "./age.ts";
import { MIN_DAILY, MIN_MONTHLY, topTenth } from "./ownPast.ts";
import { figure, isOn, seriesSignal, unknown } from "./seriesSignal.ts";
import type { Measure } from "./seriesSignal.ts";
import type { Signal } from "./signal.ts";
import { difference, percentChange } from "./windows.ts";

/** Months over which an exchange rate's change is read. */
const REER_MONTHS = 3;
const QUARTERS_PER_YEAR = 4;
/** Sessions over which a yield's change is read: a quarter. */
const YIELD_SESSIONS = 63;
/** Assumption: two steps of the Federal Reserve, in percentage points. */
const YIELD_RISE = 0.5;
const SESSIONS_PER_YEAR = 252;
/** A beta of one: the layer moves as much as the market. */
const MARKET_BETA = 1;
/** Sessions before an event that count as near: QUANT's window for moving rolls. */
export const EVENT_NEAR_SESSIONS = 3;
/** The events that QUANT moves rolls for. */
export const EVENT_KINDS = ["fomc_decision", "cpi", "ppi"] as const;
/** Days ahead to look for one: consumer prices come out once a month. */
const EVENT_SEARCH_DAYS = 60;

/** Signals from the economy, rates, real estate, and the calendar of releases. */
export const MACRO_SIGNALS: readonly Signal[] = [
  eventProximity(),
  seriesSignal({
    id: "reer",
    name: "Real effective exchange rate of the dollar",
    seedTerm: "REER",
    unit: "index",
    direction: "above",
    ...topTenth(MIN_MONTHLY),
    inputs: ["reerUs"],
    needs: "one month",
    measure: () => (index) => index,
  }),
  seriesSignal({
    id: "reer-change",
    name: "Real effective exchange rate, change over three months",
    seedTerm: "REER",
    unit: "%",
    direction: "above",
    ...topTenth(MIN_MONTHLY),
    inputs: ["reerUs"],
    needs: `${REER_MONTHS + 1} months`,
    measure: () => percentChange(REER_MONTHS),
  }),
  seriesSignal({
    id: "gdp-slowing",
    name: "Real GDP, growth over a year less that of a quarter before",
    seedTerm: "GDP",
    unit: "percentage points",
    direction: "below",
    at: 0,
    thresholdSource: "definition: growth slows",
    inputs: ["gdpReal"],
    needs: "six quarters",
    measure: () => {
      const growth = percentChange(QUARTERS_PER_YEAR);
      const change = difference(1);
      return (gdp) => change(growth(gdp));
    },
  }),
  seriesSignal({
    id: "drip-yield-change",
    name: "10-year treasury yield, change over 63 sessions",
    seedTerm: "DRIP behaviour",
    unit: "percentage points",
    direction: "above",
    at: YIELD_RISE,
    thresholdSource: "assumption: two steps of the Federal Reserve; a rising yield competes with reinvested dividends",
    inputs: ["treasury10y"],
    needs: `${YIELD_SESSIONS + 1} yields`,
    measure: () => difference(YIELD_SESSIONS),
  }),
  seriesSignal({
    id: "reit-volatility",
    name: "Volatility of US real estate (VNQ), EWMA",
    seedTerm: "REIT volatility",
    unit: "% a year",
    direction: "above",
    ...topTenth(MIN_DAILY),
    inputs: ["reit"],
    needs: `${EWMA_WARM_UP} returns`,
    measure: ewmaPercentPerYear,
  }),
  seriesSignal({
    id: "reit-beta",
    name: "Beta of US real estate (VNQ) to the S&P 500 over 252 sessions",
    seedTerm: "REIT volatility",
    unit: "beta",
    direction: "above",
    at: MARKET_BETA,
    thresholdSource: "definition: above 1 it moves more than the market",
    inputs: ["reit", "spx"],
    needs: `${SESSIONS_PER_YEAR} common returns`,
    measure: rollingBeta,
  }),
];

/** Sessions to the next scheduled FOMC decision, CPI or PPI release whose date is known. */
function eventProximity(): Signal {
  const name = "Sessions to the next FOMC decision, CPI or PPI";
  return {
    id: "event-proximity",
    name,
    seedTerm: "event proximity",
    unit: "sessions",
    direction: "at-most",
    threshold: EVENT_NEAR_SESSIONS,
    thresholdSource: "definition: the window in which rolls are moved",
    inputs: ["events"],
    vintage: "first",
    create: () => (view, day) => {
      const [next] = view.events(day + 1, day + EVENT_SEARCH_DAYS, EVENT_KINDS);
      if (next === undefined) {
        return unknown(null, () => `events.csv has no FOMC, CPI or PPI date in the ${EVENT_SEARCH_DAYS} days ahead.`);
      }
      const value = sessionsAfter(day, next.day);
      const near = isOn("at-most", value, EVENT_NEAR_SESSIONS);
      return {
        state: near ? "on" : "off",
        value,
        threshold: EVENT_NEAR_SESSIONS,
        ageSessions: 0,
        reason: () =>
          `${name}: ${figure(value)} (${next.kind.replace("_", " ")}), ${near ? "" : "not "}at or below ${EVENT_NEAR_SESSIONS}.`,
      };
    },
  };
}

/** Annualised EWMA volatility of log returns in percent (λ = 0.94, RiskMetrics 1996; plain mean of squares to begin with). */
function ewmaPercentPerYear(): Measure {
  let before = NaN;
  let variance = 0;
  let returns = 0;
  return (close) => {
    const logReturn = Math.log(close / before);
    before = close;
    if (Number.isNaN(logReturn)) return NaN;
    returns++;
    variance += Math.max(1 - EWMA_DECAY, 1 / returns) * (logReturn ** 2 - variance);
    return returns < EWMA_WARM_UP ? NaN : Math.sqrt(variance * SESSIONS_PER_YEAR) * 100;
  };
}

/** Least-squares slope of the series' simple returns on the S&P's, over the last year's common sessions. */
function rollingBeta(): Measure {
  const own = new Float64Array(SESSIONS_PER_YEAR);
  const market = new Float64Array(SESSIONS_PER_YEAR);
  let before: { close: number; index: number } | null = null;
  let count = 0;
  return (close, view, day) => {
    const index = view.on("spx", day);
    if (index === null) return NaN;
    if (before !== null) {
      own[count % SESSIONS_PER_YEAR] = close / before.close - 1;
      market[count % SESSIONS_PER_YEAR] = index / before.index - 1;
      count++;
    }
    before = { close, index };
    return count < SESSIONS_PER_YEAR ? NaN : slope(own, market);
  };
}

/** Cov(y, x)/Var(x). */
function slope(y: Float64Array, x: Float64Array): number {
  const n = x.length;
  let meanY = 0;
  let meanX = 0;
  for (let i = 0; i < n; i++) {
    meanY += y[i]! / n;
    meanX += x[i]! / n;
  }
  let covariance = 0;
  let variance = 0;
  for (let i = 0; i < n; i++) {
    covariance += (x[i]! - meanX) * (y[i]! - meanY);
    variance += (x[i]! - meanX) ** 2;
  }
  return covariance / variance;
}
