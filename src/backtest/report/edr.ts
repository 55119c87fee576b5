import { grouped, percent } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Fragment, Markup } from "../../report/markup.ts";
import { scrolling } from "../../report/parts.ts";
import type { EdrSurface } from "../result.ts";
import { bandsFigure } from "./bands.ts";
import type { Bands } from "./bands.ts";
import { maybe, points } from "./labels.ts";

/** The full colour stands for the bias that this share of cells stays within, rounded up to a step. */
const FULL_SHARE = 0.98;
const FULL_STEP = 0.05;
/** Fewer independent events than this give no calibration curve. */
const FEW_EVENTS = 10;

type Cell = EdrSurface["cells"][number];

function label({ horizonSessions, depth }: Pick<Cell, "horizonSessions" | "depth">): string {
  return `${horizonSessions} sessions, ${percent(depth, 0)}`;
}

/** Bias and its percentile, a row for each horizon and depth. */
export function edrBands({ sessions, cells }: EdrSurface): [bias: Bands, percentile: Bands] {
  const sizes = cells.flatMap(({ bias }) => bias.flatMap((value) => (value === null ? [] : [Math.abs(value)])));
  sizes.sort((a, b) => a - b);
  const wide = sizes[Math.floor((sizes.length - 1) * FULL_SHARE)] ?? FULL_STEP;
  return [
    {
      id: "edr-bias",
      title: "EDR bias: probability of a fall, model less implied",
      scale: "bias",
      full: Math.max(FULL_STEP, Math.ceil(wide / FULL_STEP - 1e-9) * FULL_STEP),
      sessions,
      rows: cells.map((cell) => ({ label: label(cell), values: cell.bias })),
    },
    {
      id: "edr-percentile",
      title: "Percentile of the bias in its own past",
      scale: "percentile",
      full: 1,
      sessions,
      rows: cells.map((cell) => ({ label: label(cell), values: cell.percentile })),
    },
  ];
}

/** The bias surface over time, by year in numbers, and how well its probabilities came true. */
export function edrSection(edr: EdrSurface | null): Markup {
  if (edr === null) {
    return markup`<section aria-labelledby="edr">
<h2 id="edr">EDR bias</h2>
<p class="intro">Not computed: the data have no VIX term structure or no S&amp;P 500 to compute it from.</p>
</section>`;
  }
  const [bias, percentile] = edrBands(edr);
  const known = edr.cells.flatMap((cell) => cell.bias.filter((value) => value !== null));
  const below = known.filter((value) => value < 0).length;
  return markup`<section aria-labelledby="edr">
<h2 id="edr">EDR bias</h2>
<p class="intro">Equity Drawdown Risk bias: how much likelier our model holds a fall of the S&amp;P 500 than option prices do. It sizes tail layers and never trades alone.</p>
<div class="charts">${bandsFigure(
    bias,
    markup`<span class="ramp ramp-bias"><span>${points(-bias.full)}: options dearer</span><i></i><span>${points(bias.full)}: model fears more</span></span>`,
    known.length === 0
      ? "Never known in this window."
      : `Below zero on ${percent(below / known.length, 0)} of all cells: there options held a fall likelier than the model.`,
  )}${bandsFigure(
    percentile,
    markup`<span class="ramp ramp-percentile"><span>0%</span><i></i><span>100%</span></span>`,
    "Tail layers grow with this percentile, never with the sign of the bias.",
  )}</div>
${yearly(edr)}
${calibration(edr)}
</section>`;
}

/** The text alternative to the surface: means of each year. */
function yearly({ sessions, cells }: EdrSurface): Markup {
  const years = [...new Set(sessions.map((session) => session.slice(0, 4)))];
  const mean = (values: readonly (number | null)[], year: string): number | null => {
    const found = values.filter((value, i) => value !== null && sessions[i]?.startsWith(year)) as number[];
    return found.length === 0 ? null : found.reduce((a, b) => a + b, 0) / found.length;
  };
  return scrolling(
    "edr",
    markup`<table class="panel">
<caption>Mean bias by year, mean percentile beneath</caption>
<thead><tr><th scope="col">Year</th>${cells.map((cell) => markup`<th scope="col">${label(cell)}</th>`)}</tr></thead>
<tbody>${years.map(
      (year) => markup`
<tr><th scope="row">${year}</th>${cells.map((cell): Fragment => {
        const place = mean(cell.percentile, year);
        return markup`<td>${maybe(mean(cell.bias, year), points)}${place !== null && markup`<small>${percent(place, 0)}</small>`}</td>`;
      })}</tr>`,
    )}</tbody>
</table>`,
  );
}

function calibration({ calibration: rows }: EdrSurface): Markup {
  const score = (value: number | null): string => maybe(value, (found) => grouped(found, 3));
  return markup`${scrolling(
    "edr",
    markup`<table class="panel">
<caption>Calibration out of sample</caption>
<thead><tr><th scope="col">Horizon, depth</th><th scope="col">Independent events</th><th scope="col">Brier score, model</th><th scope="col">Implied</th><th scope="col">Skill against implied</th></tr></thead>
<tbody>${rows.map(
      (row) => markup`
<tr><th scope="row">${label(row)}</th><td>${grouped(row.independentEvents)}${row.independentEvents < FEW_EVENTS && markup`<small>too few for a curve</small>`}</td><td>${score(row.brierModel)}</td><td>${score(row.brierImplied)}</td><td>${score(row.skillAgainstImplied)}</td></tr>`,
    )}</tbody>
</table>`,
  )}
<p class="memo">Brier score: mean squared miss of the probability, lower is better. Skill: share of the implied score saved, below zero it is worse.</p>`;
}
