import { eth, grouped, longDate, signedUsd, usd } from "../format.ts";
import type { DayRow, DemoResult } from "../result.ts";
import { markup } from "./markup.ts";
import type { Markup } from "./markup.ts";

/** How a chart's numbers read; the page's script knows the same names. */
type Unit = "usd" | "signedUsd" | "points" | "eth";

interface Series {
  readonly label: string;
  /** Colour by role: a custom property of the style sheet without its dashes. */
  readonly colour: "ink" | "muted" | "hedged" | "unhedged" | "hold-less";
  /** Dash pattern in pixels: lines differ by more than colour. */
  readonly dash: readonly number[];
  /** Level until the next day instead of a slope to it. */
  readonly step?: boolean;
  readonly value: (row: DayRow) => number | null;
}

interface Chart {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** Horizontal lines to read against. */
  readonly levels: readonly number[];
  /** Whether the names of the regimes stand in the plot. */
  readonly names: boolean;
  readonly series: readonly Series[];
}

const SOLID: readonly number[] = [];
const DASHED: readonly number[] = [7, 4];
const DOTTED: readonly number[] = [2, 3];
const DASH_DOT: readonly number[] = [8, 3, 2, 3];

/** Thresholds of the regimes on the VIX, drawn for reading only. */
const VIX_LEVELS = [15, 25];

const CHARTS: readonly Chart[] = [
  {
    id: "nav",
    title: "Net asset value of the three vaults",
    unit: "usd",
    levels: [],
    names: false,
    series: [
      { label: "Hedged", colour: "hedged", dash: SOLID, value: (row) => row.nav.hedged },
      { label: "Unhedged", colour: "unhedged", dash: DASHED, value: (row) => row.nav.unhedged },
      { label: "Hold less", colour: "hold-less", dash: DOTTED, value: (row) => row.nav.holdLess },
    ],
  },
  {
    id: "vix",
    title: "VIX and the regime the chain saw",
    unit: "points",
    levels: VIX_LEVELS,
    names: true,
    series: [
      { label: "VIX", colour: "ink", dash: SOLID, value: (row) => row.vix },
      { label: "VIX3M", colour: "muted", dash: DASHED, value: (row) => row.vix3m },
    ],
  },
  {
    id: "price",
    title: "Price of ETH",
    unit: "usd",
    levels: [],
    names: false,
    series: [{ label: "ETH", colour: "ink", dash: SOLID, value: (row) => row.price }],
  },
  {
    id: "delta",
    title: "Net delta of the hedged vault, in ETH",
    unit: "eth",
    levels: [0],
    names: false,
    series: [
      { label: "After the day", colour: "hedged", dash: SOLID, step: true, value: (row) => row.deltaAfter },
      { label: "Before", colour: "muted", dash: DOTTED, value: (row) => row.deltaBefore },
      { label: "Without the short", colour: "unhedged", dash: DASHED, value: (row) => row.deltaAfter + row.short },
    ],
  },
  {
    id: "prices",
    title: "Hedged vault, since the start: what prices did",
    unit: "signedUsd",
    levels: [0],
    names: false,
    series: [
      { label: "Price of the short", colour: "hedged", dash: SOLID, value: (row) => row.cumulative.hedgePrice },
      { label: "Price of what the LP holds", colour: "unhedged", dash: DASHED, value: (row) => row.cumulative.lpPrice },
    ],
  },
  {
    id: "carry",
    title: "Hedged vault, since the start: fees, losses and costs",
    unit: "signedUsd",
    levels: [0],
    names: false,
    series: [
      { label: "LP fees", colour: "hold-less", dash: SOLID, value: (row) => row.cumulative.lpFees },
      { label: "Loss to arbitrage", colour: "unhedged", dash: DASHED, value: (row) => row.cumulative.arbitrageLoss },
      { label: "Funding", colour: "hedged", dash: DOTTED, value: (row) => row.cumulative.funding },
      { label: "Swap and perp costs", colour: "muted", dash: DASH_DOT, value: (row) => row.cumulative.costs },
    ],
  },
];

const FORMATS: Readonly<Record<Unit, (value: number) => string>> = {
  usd,
  signedUsd,
  eth,
  points: (value) => grouped(value, 1),
};

/** The charts as figures: title, a legend that reads values, an empty plot for the script, and the chart in words. */
export function chartFigures({ rows }: DemoResult): Markup {
  return markup`<div class="charts">${CHARTS.map(
    (chart) => markup`
<figure id="chart-${chart.id}" data-chart="${chart.id}">
<h3 id="title-${chart.id}">${chart.title}</h3>
<ul class="legend">${chart.series.map(
      (series, i) => markup`
<li><svg class="key" viewBox="0 0 26 8" aria-hidden="true"><line class="line-${series.colour}" x1="0" y1="4" x2="26" y2="4" stroke-dasharray="${series.dash.join(" ")}"/></svg>${series.label} <b data-value="${i}">${lastValue(rows, series, chart.unit)}</b></li>`,
    )}</ul>
<div class="plot" role="img" aria-labelledby="title-${chart.id}" aria-describedby="words-${chart.id}"></div>
<figcaption><details><summary>In words</summary><p id="words-${chart.id}">${chart.series.map((series) => inWords(rows, series, chart.unit)).join(" ")}</p></details></figcaption>
</figure>`,
  )}</div>`;
}

/** The charts' data for the page's script, as JSON that cannot end the element it stands in. */
export function chartData({ rows }: DemoResult): string {
  const data = {
    dates: rows.map((row) => row.date),
    regimes: regimeRuns(rows),
    charts: CHARTS.map(({ id, unit, levels, names, series }) => ({
      id,
      unit,
      levels,
      names,
      series: series.map(({ colour, dash, step, value }) => ({
        colour,
        dash,
        step: step ?? false,
        values: rows.map((row) => rounded(value(row))),
      })),
    })),
  };
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}

/** Stretches of days in one regime, as [name, index of the first day, index of the last]. */
function regimeRuns(rows: readonly DayRow[]): [string, number, number][] {
  const runs: [string, number, number][] = [];
  rows.forEach(({ regime }, i) => {
    const run = runs.at(-1);
    if (run?.[0] === regime) run[2] = i;
    else runs.push([regime, i, i]);
  });
  return runs;
}

/** A chart needs no more digits than these, and the page stays small. */
function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(7));
}

interface Point {
  readonly date: string;
  readonly value: number;
}

function points(rows: readonly DayRow[], { value }: Series): Point[] {
  return rows.flatMap((row) => {
    const found = value(row);
    return found === null ? [] : [{ date: row.date, value: found }];
  });
}

function lastValue(rows: readonly DayRow[], series: Series, unit: Unit): string {
  const last = points(rows, series).at(-1);
  return last === undefined ? "none" : FORMATS[unit](last.value);
}

/** A line as a sentence: where it starts and ends, and its extremes with their dates. */
function inWords(rows: readonly DayRow[], series: Series, unit: Unit): string {
  const all = points(rows, series);
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined) return `${series.label}: no data.`;
  const low = all.reduce((a, b) => (b.value < a.value ? b : a));
  const high = all.reduce((a, b) => (b.value > a.value ? b : a));
  const format = FORMATS[unit];
  return (
    `${series.label}: ${format(first.value)} to ${format(last.value)}, lowest ${format(low.value)} ` +
    `(${longDate(low.date)}), highest ${format(high.value)} (${longDate(high.date)}).`
  );
}
