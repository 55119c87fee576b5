import { seededRandom } from "../src/backtest/bootstrap.ts";
import { DEFAULT_STARTS, fitMarkov } from "../src/regime/markovFit.ts";
import { filterSeries } from "../src/regime/markov.ts";
import type { BenchCase } from "./case.ts";
import { fastest } from "./case.ts";

const STATES = 3;
const REPEATS = 3;
/** Seconds a fit with all its starts may take (the figure). */
const MOST_SECONDS = 2;

/** A three-state fit with all its starts, next to one pass of the Hamilton filter over the same series. */
export function benchMarkov(logVix: Float64Array, of: string): BenchCase {
  const fit = fitMarkov(logVix, { states: STATES, variance: "switching", random: seededRandom(1) });
  const seconds = fastest(REPEATS, () => {
    fitMarkov(logVix, { states: STATES, variance: "switching", random: seededRandom(1) });
  });
  const filter = fastest(REPEATS, () => {
    filterSeries(fit.parameters, logVix);
  });
  return {
    name: "Markov-switching fit",
    figure: `${seconds.toFixed(2)} s for k = ${STATES}, ${logVix.length} sessions of ${of}`,
    wanted: `less than ${MOST_SECONDS} s with its starts`,
    ok: seconds < MOST_SECONDS,
    detail: `${DEFAULT_STARTS} starts, log-likelihood ${fit.logLikelihood.toFixed(3)}, ${(seconds / filter).toFixed(0)} × one pass of the filter`,
  };
}
