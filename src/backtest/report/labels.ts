import { DASH } from "../../report/charts.ts";
import { grouped, longDate, percent, signedPercent } from "../../report/format.ts";
import type { AttributionLine, MetricName, StrategyId, StrategyMetrics } from "../result.ts";

/** How a line is drawn: a colour of the style sheet and a dash pattern. */
export interface Style {
  readonly colour: string;
  readonly dash: readonly number[];
}

/** Each strategy's line, the same in every chart; the ones a first look needs are shown, the others on request. */
export const STRATEGY_STYLES: Readonly<Record<StrategyId, Style & { readonly hidden: boolean }>> = {
  ballast: { colour: "hedged", dash: DASH.solid, hidden: false },
  "ballast+alvh": { colour: "alvh", dash: DASH.solid, hidden: true },
  "ballast+alvh+income": { colour: "income", dash: DASH.solid, hidden: true },
  "ballast-rule": { colour: "hedged", dash: DASH.dotted, hidden: true },
  unhedged: { colour: "unhedged", dash: DASH.dashed, hidden: false },
  "static-full-hedge": { colour: "muted", dash: DASH.dashed, hidden: true },
  vxth: { colour: "vxth", dash: DASH.dashDot, hidden: true },
  "hold-less-ex-post": { colour: "hold-less", dash: DASH.dotted, hidden: false },
  "hold-less-ex-ante": { colour: "hold-less", dash: DASH.dashed, hidden: false },
  "hold-less-cdar": { colour: "hold-less", dash: DASH.dashDot, hidden: true },
};

/** Each attribution line's drawing. */
export const LINE_STYLES: Readonly<Record<AttributionLine, Style>> = {
  lpPrice: { colour: "unhedged", dash: DASH.solid },
  lpConvexity: { colour: "unhedged", dash: DASH.dotted },
  lpFees: { colour: "hold-less", dash: DASH.solid },
  cashInterest: { colour: "hold-less", dash: DASH.dotted },
  perpPrice: { colour: "hedged", dash: DASH.solid },
  funding: { colour: "hedged", dash: DASH.dotted },
  alvh: { colour: "alvh", dash: DASH.solid },
  income: { colour: "income", dash: DASH.solid },
  vxth: { colour: "vxth", dash: DASH.solid },
  swapCosts: { colour: "muted", dash: DASH.dotted },
  perpCosts: { colour: "muted", dash: DASH.dashed },
  optionCosts: { colour: "muted", dash: DASH.dashDot },
  liquidations: { colour: "ink", dash: DASH.dotted },
  gas: { colour: "muted", dash: DASH.solid },
};

/** A measure as a row of a table. */
export interface MetricRow {
  readonly key: Exclude<keyof StrategyMetrics, "maxDrawdownFrom" | "maxDrawdownTo">;
  readonly label: string;
  /** Unit, and what it means where the name does not say it. */
  readonly hint: string;
  readonly format: (value: number) => string;
}

const ratio = (value: number): string => grouped(value, 2);

/** All measures, in the order they are read. */
export const METRIC_ROWS: readonly MetricRow[] = [
  { key: "totalReturn", label: "Total return", hint: "over the window", format: signedPercent },
  { key: "annualReturn", label: "Annual return", hint: "compounded", format: signedPercent },
  { key: "annualExcessReturn", label: "Above treasury bills", hint: "a year", format: signedPercent },
  { key: "volatility", label: "Volatility", hint: "a year of 365 days", format: percent },
  { key: "sharpe", label: "Sharpe ratio", hint: "above treasury bills", format: ratio },
  { key: "sortino", label: "Sortino ratio", hint: "above treasury bills", format: ratio },
  { key: "maxDrawdown", label: "Deepest fall", hint: "maximum drawdown", format: percent },
  { key: "drawdownSaved", label: "Deepest fall saved", hint: "points, against unhedged", format: signedPercent },
  { key: "cdar90", label: "CDaR 90", hint: "mean of the worst 10% of daily drawdowns", format: percent },
  { key: "cdar95", label: "CDaR 95", hint: "of the worst 5%", format: percent },
  { key: "cdar99", label: "CDaR 99", hint: "of the worst 1%", format: percent },
  { key: "ulcer", label: "Ulcer index", hint: "root mean square drawdown", format: percent },
  { key: "valueAtRisk95", label: "VaR 95", hint: "one day, historical, loss", format: percent },
  { key: "expectedShortfall95", label: "ES 95", hint: "one day, historical, loss", format: percent },
  {
    key: "turnover",
    label: "Turnover",
    hint: "traded a year, times mean NAV",
    format: (value) => `${grouped(value, 1)}×`,
  },
  { key: "hedgeCost", label: "Hedge cost", hint: "of NAV a year; below zero it earned", format: percent },
  { key: "hedgeXirr", label: "Hedge XIRR", hint: "of its own cash flows, against the WACC", format: signedPercent },
];

/** Whether a measure has bootstrap intervals. */
export function hasInterval(key: MetricRow["key"]): key is MetricName {
  return key !== "turnover" && key !== "hedgeCost" && key !== "hedgeXirr";
}

/** An id as part of an element's id. */
export function slug(id: string): string {
  return id.replaceAll(/[^a-z0-9]+/g, "-");
}

/** What a cell shows where there is no number. */
export const NONE = "—";

/** A number that may be missing. */
export function maybe(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? NONE : format(value);
}

/** Percentage points of a probability or drawdown, with a sign: "+3.1 pts". */
export function points(value: number): string {
  return signedPercent(value).replace("%", " pts");
}

/** A sentence of the result in the page's own style: "31 Jan 2018", "5%", "−5". */
export function sentence(text: string): string {
  return text
    .replaceAll(/\b\d{4}-\d{2}-\d{2}\b/g, longDate)
    .replaceAll(/(\d) %/g, "$1%")
    .replaceAll(/(?<=^|[\s([])-(?=\d)/g, "−");
}
