import { returnsOf } from "../src/backtest/choose.ts";
import { resample } from "../src/backtest/resample.ts";
import type { StrategyId } from "../src/backtest/result.ts";
import { runBacktest } from "../src/backtest/run.ts";
import { readDataset } from "../src/market/files.ts";
import type { Dataset } from "../src/market/series.ts";
import type { MarkovModel } from "../src/regime/modelFile.ts";
import type { BenchCase } from "./case.ts";
import { fastest } from "./case.ts";

const WINDOW = { from: "2017-01-01", to: "2023-12-31" } as const;
const REPEATS = 3;
const PATHS = 1_000;
/** Seconds a backtest of seven years may take without the bootstrap, and so many joint paths (the figures). */
const MOST_SECONDS = 2;
const MOST_BOOTSTRAP_SECONDS = 10;

/** Seven years with every strategy and baseline, and the bootstrap of their joint returns. */
export async function benchBacktest(
  data: string,
  dataset: Dataset,
  models: readonly MarkovModel[],
): Promise<BenchCase[]> {
  const from = performance.now();
  await readDataset(data);
  const reading = (performance.now() - from) / 1_000;

  let result = runBacktest(dataset, models, { ...WINDOW, ablation: false });
  const seconds = fastest(REPEATS, () => {
    result = runBacktest(dataset, models, { ...WINDOW, ablation: false });
  });

  const paths = result.strategies.filter(({ kind, navs }) => kind !== "ex post" && navs.length > 0);
  const strategies = new Map<StrategyId, Float64Array>(
    paths.map(({ id, navs }) => [id, returnsOf(Float64Array.from(navs))]),
  );
  const cash = returnsOf(Float64Array.from(result.market.cash));
  const bootstrap = fastest(1, () => {
    resample({ strategies, cash, headline: "ballast", unhedged: "unhedged" }, { paths: PATHS, seed: 1 });
  });
  return [
    {
      name: "Backtest 2017–2023",
      figure: `${seconds.toFixed(2)} s for ${result.strategies.length} strategies and baselines over ${result.window.days} days`,
      wanted: `less than ${MOST_SECONDS} s without the bootstrap`,
      ok: seconds < MOST_SECONDS,
      detail: `and ${reading.toFixed(2)} s to read the data folder`,
    },
    {
      name: "Joint bootstrap",
      figure: `${bootstrap.toFixed(2)} s for ${PATHS} paths of ${strategies.size} strategies`,
      wanted: `less than ${MOST_BOOTSTRAP_SECONDS} s`,
      ok: bootstrap < MOST_BOOTSTRAP_SECONDS,
      detail: `${((1_000 * bootstrap) / PATHS).toFixed(1)} ms a path, hold less matched anew on each`,
    },
  ];
}
