import { grouped, longDate } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Markup } from "../../report/markup.ts";
import { scrolling } from "../../report/parts.ts";
import type { BacktestResult } from "../result.ts";
import { sentence } from "./labels.ts";

/** Digits of an assumption: as many as it was written with, within reason. */
const DIGITS = 6;

/** Every assumed number with its reason, and the series the run read. */
export function groundsSection({ assumptions, data }: BacktestResult): Markup {
  const latest = data.filter(({ vintage }) => vintage === "latest").length;
  return markup`<section aria-labelledby="grounds">
<h2 id="grounds">What it rests on</h2>
${scrolling(
  "grounds",
  markup`<table class="panel assumptions">
<caption>Assumptions</caption>
<thead><tr><th scope="col">What</th><th scope="col">Value</th><th scope="col" class="words">Why</th></tr></thead>
<tbody>${assumptions.map(
    ({ name, value, unit, reason }) => markup`
<tr><th scope="row">${name}</th><td>${typeof value === "number" ? Number(value.toPrecision(DIGITS)) : sentence(value)} ${unit}</td><td class="words">${sentence(reason)}</td></tr>`,
  )}</tbody>
</table>`,
)}
<details><summary>${data.length} series of data, ${latest} of them as revised since</summary>
${scrolling(
  "grounds",
  markup`<table class="data">
<caption class="unseen">Series read, with their span and vintage</caption>
<thead><tr><th scope="col">Series</th><th scope="col">Rows</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Vintage</th></tr></thead>
<tbody>${data.map(
    ({ series, rows, from, to, vintage }) => markup`
<tr><th scope="row">${series}</th><td>${grouped(rows)}</td><td>${longDate(from)}</td><td>${longDate(to)}</td><td>${vintage === "first" ? "as first published" : "latest: revised since"}</td></tr>`,
  )}</tbody>
</table>`,
  "scroll tall",
)}
</details>
</section>`;
}
