import { DASH } from "../../report/charts.ts";
import type { Chart, Line } from "../../report/charts.ts";
import type { BacktestResult, StrategyResult } from "../result.ts";
import { LINE_STYLES, slug, STRATEGY_STYLES } from "./labels.ts";

/** Thresholds of the rule machine on the VIX, drawn for reading only. */
const VIX_LEVELS = [15, 25];
/** Paths that spread further than this are drawn so that equal ratios are equal heights. */
const LOGARITHMIC_FROM = 4;
/** Attribution is drawn once a week: the page stays small and the eye sees no difference over years. */
const ATTRIBUTION_DAYS = 7;

/** The charts of the first part: a value a day. */
export function pathCharts({ strategies, market }: BacktestResult): Chart[] {
  const paths = strategies.filter(({ navs }) => navs.length > 0);
  const drawn = (values: (strategy: StrategyResult) => readonly number[]): Line[] =>
    paths.map((strategy) => ({ label: strategy.name, ...STRATEGY_STYLES[strategy.id], values: values(strategy) }));
  return [
    {
      id: "equity",
      title: "Net asset value",
      unit: "usd",
      levels: [],
      names: false,
      choose: true,
      logarithmic: spread(paths.flatMap(({ navs }) => navs)) > LOGARITHMIC_FROM,
      wide: true,
      lines: drawn(({ navs }) => navs),
    },
    {
      id: "drawdown",
      title: "Drawdown from the last high",
      unit: "percent",
      levels: [],
      names: false,
      choose: true,
      wide: true,
      lines: drawn(({ navs }) => drawdownPath(navs)),
    },
    {
      id: "vix",
      title: "VIX",
      unit: "points",
      levels: VIX_LEVELS,
      names: false,
      lines: [{ label: "VIX", colour: "ink", dash: DASH.solid, values: market.vix }],
    },
    {
      id: "eth",
      title: "Price of ETH",
      unit: "usd",
      levels: [],
      names: false,
      logarithmic: spread(market.eth) > LOGARITHMIC_FROM,
      lines: [{ label: "ETH", colour: "ink", dash: DASH.solid, values: market.eth }],
    },
  ];
}

/** What each part of a strategy has added since the start, USD. */
export function attributionChart({ id, name, attribution, navs }: StrategyResult): Chart {
  const at = navs.flatMap((_, i) => (i % ATTRIBUTION_DAYS === 0 || i === navs.length - 1 ? [i] : []));
  const start = navs[0] ?? 0;
  const drawn = attribution.filter(({ daily }) => daily.some((part) => part !== 0));
  return {
    id: `parts-${slug(id)}`,
    title: `${name}: what each part has added`,
    unit: "signedUsd",
    levels: [0],
    names: false,
    choose: true,
    at,
    lines: [
      { label: "Change of NAV", colour: "ink", dash: DASH.solid, values: at.map((i) => (navs[i] ?? start) - start) },
      ...drawn.map(({ line, label, daily }): Line => {
        const sums = [0];
        for (const part of daily) sums.push((sums.at(-1) ?? 0) + part);
        return { label, ...LINE_STYLES[line], values: at.map((i) => sums[i] ?? null) };
      }),
    ],
  };
}

/** Fall from the last high at each day, as a number below zero. */
function drawdownPath(navs: readonly number[]): number[] {
  let high = 0;
  return navs.map((nav) => {
    high = Math.max(high, nav);
    return nav / high - 1;
  });
}

function spread(values: readonly number[]): number {
  let [low, high] = [Infinity, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high / low;
}
