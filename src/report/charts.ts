import { eth, grouped, longDate, percent, signedUsd, usd } from "./format.ts";
import { markup } from "./markup.ts";
import type { Markup } from "./markup.ts";

/** How a chart's numbers read; the page's script knows the same names. */
export type Unit = "usd" | "signedUsd" | "percent" | "points" | "eth";

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** Colour by role: a custom property of the style sheet without its dashes; `line-…` is its class. */
  readonly colour: string;
  /** Dash pattern in pixels: lines differ by more than colour. */
  readonly dash: readonly number[];
  /** Level until the next day instead of a slope to it. */
  readonly step?: boolean;
  /** Not drawn until the reader asks for it; only in a chart whose lines can be chosen. */
  readonly hidden?: boolean;
  /** One value for each of the chart's days, null where there is none. */
  readonly values: readonly (number | null)[];
}

/** A chart of lines over days. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** Horizontal lines to read against. */
  readonly levels: readonly number[];
  /** Whether the names of the regimes stand in the plot. */
  readonly names: boolean;
  /** Whether the legend's entries are buttons that show and hide their line. */
  readonly choose?: boolean;
  /** Whether equal ratios are equal heights; only for positive values. */
  readonly logarithmic?: boolean;
  /** Whether it takes the page's whole width. */
  readonly wide?: boolean;
  /** Which of the page's days the values are for, ascending; without it all of them. */
  readonly at?: readonly number[];
  readonly lines: readonly Line[];
}

/** Dash patterns that tell lines apart without colour. */
export const DASH = { solid: [], dashed: [7, 4], dotted: [2, 3], dashDot: [8, 3, 2, 3] } as const;

const FORMATS: Readonly<Record<Unit, (value: number) => string>> = {
  usd,
  signedUsd,
  eth,
  percent,
  points: (value) => grouped(value, 1),
};

/**
 * Charts as figures: title, a legend that reads values, an empty plot for the script, and the chart in words.
 * @param dates the page's days, YYYY-MM-DD
 */
export function chartFigures(dates: readonly string[], charts: readonly Chart[]): Markup {
  return markup`<div class="charts">${charts.map((chart) => chartFigure(dates, chart))}</div>`;
}

/** One chart as a figure: see {@link chartFigures}. */
export function chartFigure(dates: readonly string[], chart: Chart): Markup {
  const { id, title, lines, unit, choose, wide } = chart;
  const own = chart.at === undefined ? dates : chart.at.map((day) => dates[day] ?? "");
  const entry = (line: Line, i: number): Markup =>
    markup`<svg class="key" viewBox="0 0 26 8" aria-hidden="true"><line class="line-${line.colour}" x1="0" y1="4" x2="26" y2="4" stroke-dasharray="${line.dash.join(" ")}"/></svg>${line.label} <b data-value="${i}">${lastValue(line, unit)}</b>`;
  return markup`
<figure id="chart-${id}" data-chart="${id}"${wide === true && markup` class="wide"`}>
<h3 id="title-${id}">${title}</h3>
<ul class="legend">${lines.map((line, i) =>
    choose === true
      ? markup`
<li><button type="button" data-line="${i}" aria-pressed="${line.hidden === true ? "false" : "true"}">${entry(line, i)}</button></li>`
      : markup`
<li>${entry(line, i)}</li>`,
  )}</ul>
<div class="plot" role="img" aria-labelledby="title-${id}" aria-describedby="words-${id}"></div>
<figcaption><details><summary>In words</summary><p id="words-${id}">${lines.map((line) => inWords(own, line, unit)).join(" ")}</p></details></figcaption>
</figure>`;
}

/**
 * The charts' data for the page's script, as JSON that cannot end the element it stands in.
 * @param regimes the regime of each day
 * @param more what a report's own script reads besides
 */
export function chartData(
  dates: readonly string[],
  regimes: readonly string[],
  charts: readonly Chart[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  const data = {
    dates,
    regimes: runs(regimes),
    charts: charts.map(({ id, unit, levels, names, logarithmic, at, lines }) => ({
      id,
      unit,
      levels,
      names,
      logarithmic,
      at,
      series: lines.map(({ colour, dash, step, hidden, values }) => ({
        colour,
        dash,
        step: step ?? false,
        hidden,
        values: values.map((value) => (value === null ? null : rounded(value, unit))),
      })),
    })),
    ...more,
  };
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}

/** Stretches of days in one regime, as [name, index of the first day, index of the last]. */
function runs(regimes: readonly string[]): [string, number, number][] {
  const found: [string, number, number][] = [];
  regimes.forEach((regime, i) => {
    const run = found.at(-1);
    if (run?.[0] === regime) run[2] = i;
    else found.push([regime, i, i]);
  });
  return found;
}

/** A chart needs no more digits than these, and the page stays small. */
function rounded(value: number, unit: Unit): number {
  return unit === "percent" ? Number(value.toFixed(4)) : Number(value.toPrecision(7));
}

interface Point {
  readonly date: string;
  readonly value: number;
}

function lastValue({ values }: Line, unit: Unit): string {
  const last = values.findLast((value) => value !== null) ?? null;
  return last === null ? "none" : FORMATS[unit](last);
}

/** A line as a sentence: where it starts and ends, and its extremes with their dates. */
function inWords(dates: readonly string[], { label, values }: Line, unit: Unit): string {
  const all = values.flatMap((value, i): Point[] => (value === null ? [] : [{ date: dates[i] ?? "", value }]));
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined) return `${label}: no data.`;
  const low = all.reduce((a, b) => (b.value < a.value ? b : a));
  const high = all.reduce((a, b) => (b.value > a.value ? b : a));
  const format = FORMATS[unit];
  return (
    `${label}: ${format(first.value)} to ${format(last.value)}, lowest ${format(low.value)} ` +
    `(${longDate(low.date)}), highest ${format(high.value)} (${longDate(high.date)}).`
  );
}
