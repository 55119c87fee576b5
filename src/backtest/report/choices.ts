import { counted, grouped, longDate, percent, signedPercent, signedUsd } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Markup } from "../../report/markup.ts";
import { scrolling } from "../../report/parts.ts";
import type { AttributionLine, BacktestResult, SensitivityRow, StrategyId, StrategyResult } from "../result.ts";
import { maybe, points, sentence } from "./labels.ts";

/** Hedge ratios, each chosen on days before the year it was used in. */
export function choicesSection({ choices }: BacktestResult): Markup {
  return markup`<section aria-labelledby="choices">
<h2 id="choices">Chosen hedge ratios</h2>
<p class="intro">Share of the liquidity's delta sold short, by regime. Each was chosen on the days before it was used, and on no others.</p>
${scrolling(
  "choices",
  markup`<table class="panel choices">
<caption class="unseen">Hedge ratios by year of the walk</caption>
<thead><tr><th scope="col">Used</th><th scope="col">Calm</th><th scope="col">Elevated</th><th scope="col">Stress</th><th scope="col">Training days</th><th scope="col">Score</th><th scope="col" class="words">How</th></tr></thead>
<tbody>${choices.map(
    ({ from, to, hedgeRatios, trainingDays, trainingFrom, trainingTo, score, reason }) => markup`
<tr><th scope="row">${longDate(from)} to ${longDate(to)}</th><td>${percent(hedgeRatios.Calm, 0)}</td><td>${percent(hedgeRatios.Elevated, 0)}</td><td>${percent(hedgeRatios.Stress, 0)}</td><td>${grouped(trainingDays)}${trainingFrom !== null && trainingTo !== null && markup`<small>${longDate(trainingFrom)} to ${longDate(trainingTo)}</small>`}</td><td>${maybe(score, (value) => grouped(value, 3))}</td><td class="words">${sentence(reason)}</td></tr>`,
  )}</tbody>
</table>`,
)}
</section>`;
}

/** Headline, then each variant that adds an option layer to the one before. */
const LAYERED = ["ballast", "ballast+alvh", "ballast+alvh+income"] as const;
const LAYER_LINES: readonly (readonly [AttributionLine, string])[] = [
  ["alvh", "ALVH"],
  ["income", "Income"],
  ["optionCosts", "Option costs"],
];

/** What the layers of options brought: model prices, said so. */
export function layersSection({ strategies }: BacktestResult): Markup {
  const shown = LAYERED.flatMap((id) => strategies.find((strategy) => strategy.id === id) ?? []);
  const base = shown[0]?.metrics ?? null;
  const amount = (strategy: StrategyResult, wanted: AttributionLine): string => {
    const found = strategy.attribution.find(({ line }) => line === wanted);
    return found === undefined ? "" : signedUsd(found.total, 0);
  };
  return markup`<section aria-labelledby="layers">
<h2 id="layers">Option layers</h2>
<p class="intro">ALVH (Adaptive Layered VIX Hedge) holds VIX calls and never pauses; the income layers sell S&amp;P 500 options where the VIX is low. Prices are model prices: see the assumptions.</p>
${scrolling(
  "layers",
  markup`<table class="panel">
<caption class="unseen">The headline strategy without and with each layer, over the window, USD</caption>
<thead><tr><th scope="col">Strategy</th>${LAYER_LINES.map(([, label]) => markup`<th scope="col">${label}</th>`)}<th scope="col">Option trades</th><th scope="col">Return a year<small>against no layers</small></th><th scope="col">Deepest fall<small>against no layers</small></th></tr></thead>
<tbody>${shown.map((strategy) => {
    const { name, metrics, activity, undefinedBecause } = strategy;
    if (metrics === null)
      return markup`
<tr><th scope="row">${name}</th><td class="words" colspan="${LAYER_LINES.length + 3}">No path: ${undefinedBecause ?? "not run."}</td></tr>`;
    const against = base !== null && metrics !== base;
    return markup`
<tr><th scope="row">${name}</th>${LAYER_LINES.map(([line]) => markup`<td>${amount(strategy, line)}</td>`)}<td>${maybe(activity?.optionTrades, grouped)}</td><td>${signedPercent(metrics.annualReturn)}${against && markup`<small>${points(metrics.annualReturn - base.annualReturn)}</small>`}</td><td>${percent(metrics.maxDrawdown)}${against && markup`<small>${points(metrics.maxDrawdown - base.maxDrawdown)}</small>`}</td></tr>`;
  })}</tbody>
</table>`,
)}
</section>`;
}

/** Width of a drawn range, in its own units. */
const WIDTH = 160;

/** The headline under other assumptions. */
export function sensitivitySection({ sensitivity, strategies }: BacktestResult): Markup {
  const groups = [...new Set(sensitivity.map(({ group }) => group))].map((group) => {
    const rows = sensitivity.filter((row) => row.group === group);
    const base = rows.find((row) => row.base)?.strategy ?? "ballast";
    return { group, rows, base };
  });
  const named = (id: StrategyId): string => strategies.find((strategy) => strategy.id === id)?.name ?? id;
  const returns = sensitivity.flatMap((row) => [row.annualReturn, row.unhedgedAnnualReturn]);
  const scale = { low: Math.min(0, ...returns), high: Math.max(0, ...returns) };
  return markup`<section aria-labelledby="sensitivity">
<h2 id="sensitivity">If the assumptions are wrong</h2>
<p class="intro">${counted(sensitivity.length, "run")}. The drawing shows the return a year: <span class="mark-headline">● the strategy</span>, <span class="mark-unhedged">◆ unhedged</span> under the same assumption, the line is zero.</p>
${scrolling(
  "sensitivity",
  markup`<table class="panel sensitivity">
<caption class="unseen">The headline strategy and the unhedged vault under each assumption</caption>
<thead><tr><th scope="col">Assumption</th><th scope="col">Return a year</th><th scope="col">Unhedged</th><td></td><th scope="col">Deepest fall</th><th scope="col">Unhedged</th><th scope="col">CDaR 95</th><th scope="col">Sharpe</th></tr></thead>
${groups.map(
  ({
    group,
    rows,
    base,
  }) => markup`<tbody><tr class="group"><th scope="rowgroup" colspan="8">${group}${base !== "ballast" && markup` <span class="tag">${named(base)}</span>`}</th></tr>${rows.map((row) => sensitivityRow(row, scale, row.strategy === base ? null : named(row.strategy)))}
</tbody>`,
)}
</table>`,
)}
</section>`;
}

function sensitivityRow(row: SensitivityRow, scale: { low: number; high: number }, name: string | null): Markup {
  const { label, base, annualReturn, maxDrawdown, cdar95, sharpe } = row;
  const { unhedgedAnnualReturn, unhedgedMaxDrawdown } = row;
  const x = (value: number): number => 6 + ((value - scale.low) / (scale.high - scale.low || 1)) * (WIDTH - 12);
  const [ours, theirs] = [x(annualReturn), x(unhedgedAnnualReturn)];
  return markup`
<tr${base && markup` class="base"`}><th scope="row">${label}${base && markup` <span class="tag">base</span>`}${name !== null && markup`<small>${name}</small>`}</th><td>${signedPercent(annualReturn)}</td><td>${signedPercent(unhedgedAnnualReturn)}</td><td aria-hidden="true"><svg class="range" viewBox="0 0 ${WIDTH} 14"><line class="zero" x1="${x(0).toFixed(1)}" x2="${x(0).toFixed(1)}" y1="0" y2="14"/><line class="gap" x1="${ours.toFixed(1)}" x2="${theirs.toFixed(1)}" y1="7" y2="7"/><path class="mark-unhedged" d="M${theirs.toFixed(1)} 2l5 5-5 5-5-5z"/><circle class="mark-headline" cx="${ours.toFixed(1)}" cy="7" r="4.5"></circle></svg></td><td>${percent(maxDrawdown)}</td><td>${percent(unhedgedMaxDrawdown)}</td><td>${percent(cdar95)}</td><td>${maybe(sharpe, (value) => grouped(value, 2))}</td></tr>`;
}
