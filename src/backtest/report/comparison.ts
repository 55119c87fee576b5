import { grouped, longDate, percent, usd } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Fragment, Markup } from "../../report/markup.ts";
import { scrolling } from "../../report/parts.ts";
import type { BacktestResult, StrategyResult } from "../result.ts";
import { hasInterval, maybe, METRIC_ROWS, NONE, sentence } from "./labels.ts";
import type { MetricRow } from "./labels.ts";
import { between } from "./summary.ts";

const KINDS = { strategy: "strategy", baseline: "baseline", "ex post": "ex post" } as const;

/** All strategies and baselines beside each other, every measure with its interval. */
export function comparisonSection({ strategies, bootstrap }: BacktestResult): Markup {
  const missing = strategies.filter(({ undefinedBecause }) => undefinedBecause !== null);
  const row = (label: string, hint: string, cell: (strategy: StrategyResult) => Fragment): Markup => markup`
<tr><th scope="row">${label}<small>${hint}</small></th>${strategies.map((strategy) => markup`<td${strategy.id === "ballast" && markup` class="headline"`}>${cell(strategy)}</td>`)}</tr>`;
  return markup`<section aria-labelledby="comparison">
<h2 id="comparison">Against every baseline</h2>
<p class="intro">${
    bootstrap === null
      ? "Without intervals: run with --bootstrap 1000 to see how sure these numbers are."
      : `Small print: ${percent(bootstrap.level, 0)} intervals from ${grouped(bootstrap.paths)} paths resampled jointly for all strategies, in blocks of ${bootstrap.meanBlockDays} days on average (seed ${bootstrap.seed}).`
  } “Ex post” ones know the whole window: yardsticks, not strategies.</p>
${scrolling(
  "comparison",
  markup`<table class="panel comparison">
<caption class="unseen">Strategies and baselines with all measures; losses and drawdowns are positive</caption>
<thead><tr><th scope="col">Measure</th>${strategies.map(({ id, name, kind }) => markup`<th scope="col"${id === "ballast" && markup` class="headline"`}><b>${name}</b><span class="tag">${KINDS[kind]}</span></th>`)}</tr></thead>
<tbody>${[
    row("Weight w", "of the unhedged vault; the rest in treasury bills", ({ holdLess }) =>
      holdLess === null ? "" : holdLess.weight === null ? "none" : percent(holdLess.weight),
    ),
    row("Final NAV", "of the same start", ({ navs }) => maybe(navs.at(-1), (nav) => usd(nav, 0))),
    ...METRIC_ROWS.map((metric) => row(metric.label, metric.hint, (strategy) => measured(strategy, metric))),
    row("Liquidations", "of the perp short", ({ activity }) => maybe(activity?.liquidations, grouped)),
    row("In liquidity", "mean share of NAV", ({ activity }) =>
      maybe(activity?.meanLiquidityShare, (share) => percent(share, 0)),
    ),
    row("In the short", "mean share of NAV", ({ activity }) =>
      maybe(activity?.meanShortShare, (share) => percent(share, 0)),
    ),
  ]}</tbody>
</table>`,
)}
<dl class="descriptions">${strategies.map(
    ({ name, description, holdLess, undefinedBecause }) =>
      markup`<div><dt>${name}</dt><dd>${sentence(description)}${undefinedBecause === null && holdLess !== null && ` ${sentence(holdLess.reason)}`}</dd></div>`,
  )}</dl>
${missing.map(({ name, undefinedBecause }) => markup`<p class="check"><b>${name}</b> has no path: ${undefinedBecause ?? ""}</p>`)}
</section>`;
}

function measured({ metrics, intervals }: StrategyResult, { key, format }: MetricRow): Fragment {
  if (metrics === null) return NONE;
  const value = metrics[key];
  if (value === null) return NONE;
  const dates =
    key === "maxDrawdown" && metrics.maxDrawdown > 0
      ? markup`<small>${longDate(metrics.maxDrawdownFrom)} to ${longDate(metrics.maxDrawdownTo)}</small>`
      : null;
  return [format(value), hasInterval(key) ? between(intervals?.[key], format) : null, dates];
}

/** The last NAV of each month: the text alternative to the charts of paths. */
export function monthlySection({ dates, strategies }: BacktestResult): Markup {
  const paths = strategies.filter(({ navs }) => navs.length > 0);
  const ends = dates.flatMap((date, i) => (dates[i + 1]?.slice(0, 7) === date.slice(0, 7) ? [] : [i]));
  return markup`<section aria-labelledby="monthly">
<h2 id="monthly">Month by month</h2>
<details><summary>Net asset value at each of ${ends.length} month ends</summary>
${scrolling(
  "monthly",
  markup`<table class="daily">
<caption class="unseen">Net asset value at the end of each month, USD</caption>
<thead><tr><th scope="col">Date</th>${paths.map(({ name }) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${ends.map(
    (i) => markup`
<tr><th scope="row">${dates[i] ?? ""}</th>${paths.map(({ navs }) => markup`<td>${grouped(navs[i] ?? NaN)}</td>`)}</tr>`,
  )}</tbody>
</table>`,
  "scroll tall",
)}
</details>
</section>`;
}
