import { signedUsd } from "./format.ts";
import { markup } from "./markup.ts";
import type { Fragment, Markup } from "./markup.ts";

/** A regime by name and by shading, as in the charts. */
export function badge(regime: string): Markup {
  return markup`<span class="badge badge-${regime.toLowerCase()}">${regime}</span>`;
}

/** A strip of numbers under the first screen: name, value, what to add to it. */
export function factStrip(facts: readonly (readonly [name: string, value: string, detail: string])[]): Markup {
  return markup`<dl class="facts">${facts.map(
    ([name, value, detail]) => markup`<div><dt>${name}</dt><dd><b>${value}</b> ${detail}</dd></div>`,
  )}</dl>`;
}

/** What the numbers rest on. */
export function notesSection(title: string, notes: readonly string[]): Markup {
  return markup`<section aria-labelledby="notes">
<h2 id="notes">${title}</h2>
<ul class="notes">${notes.map((note) => markup`<li>${note}</li>`)}</ul>
</section>`;
}

/** Size of a small chart, in its own units. */
const SPARK = { width: 240, height: 56, margin: 3 } as const;

/** Values as one small line on a given scale, so that neighbours compare. */
export function spark(values: readonly number[], low: number, high: number): Markup {
  const { width, height, margin } = SPARK;
  const x = (i: number): number => (i / Math.max(1, values.length - 1)) * width;
  const y = (value: number): number => margin + (1 - (value - low) / (high - low || 1)) * (height - 2 * margin);
  const path = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const start = y(values[0] ?? low).toFixed(1);
  return markup`<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true"><line class="start" x1="0" x2="${width}" y1="${start}" y2="${start}"/><polyline points="${path}"/></svg>`;
}

/** Amounts that add up: parts, each starting where the last one ended, and the sums under them. USD. */
export interface Waterfall {
  readonly caption: string;
  readonly parts: readonly (readonly [label: string, amount: number])[];
  readonly sums: readonly (readonly [label: string, amount: number])[];
}

/** Width of a bar's drawing, in its own units. */
const WIDTH = 400;

interface Step {
  readonly label: string;
  readonly amount: number;
  /** Ends of the bar, USD. */
  readonly from: number;
  readonly to: number;
  readonly kind: "part" | "sum";
}

/** Several waterfalls on one scale, a table each. */
export function waterfalls(all: readonly Waterfall[]): Markup[] {
  const bars = all.map(steps);
  const ends = bars.flat().flatMap(({ from, to }) => [from, to]);
  const scale = { low: Math.min(0, ...ends), high: Math.max(0, ...ends) };
  return all.map(({ caption }, i) => waterfall(caption, bars[i] ?? [], scale));
}

function steps({ parts, sums }: Waterfall): Step[] {
  let running = 0;
  return [
    ...parts.map(([label, amount]): Step => {
      const from = running;
      running += amount;
      return { label, amount, from, to: running, kind: "part" };
    }),
    ...sums.map(([label, amount]): Step => ({ label, amount, from: 0, to: amount, kind: "sum" })),
  ];
}

function waterfall(caption: string, bars: readonly Step[], scale: { low: number; high: number }): Markup {
  const x = (usd: number): number => ((usd - scale.low) / (scale.high - scale.low || 1)) * WIDTH;
  // One precision down the column; cents only where they are the story.
  const digits = Math.max(...bars.map(({ amount }) => Math.abs(amount))) < 1000 ? 2 : 0;
  return markup`
<table class="waterfall">
<caption>${caption}</caption>
<thead><tr><th scope="col">Part</th><th scope="col">USD</th><td></td></tr></thead>
<tbody>${bars.map(({ label, amount, from, to, kind }) => {
    const left = Math.min(x(from), x(to));
    // A part too small to see still leaves a hairline, so that the eye can follow the steps.
    const width = amount === 0 ? 0 : Math.max(1.5, Math.abs(x(to) - x(from)));
    const sign = amount < 0 ? "loss" : "gain";
    return markup`
<tr class="${kind}"><th scope="row">${label}</th><td>${signedUsd(amount, digits)}</td><td aria-hidden="true"><svg viewBox="0 0 ${WIDTH} 16" preserveAspectRatio="none"><line class="zero" x1="${x(0).toFixed(1)}" x2="${x(0).toFixed(1)}" y1="0" y2="16"/><rect class="${sign}" x="${left.toFixed(1)}" y="2" width="${width.toFixed(1)}" height="12"/></svg></td></tr>`;
  })}</tbody>
</table>`;
}

/** A wide table that scrolls by itself, reachable by keyboard. */
export function scrolling(labelledBy: string, table: Fragment, kind = "scroll"): Markup {
  return markup`<div class="${kind}" tabindex="0" role="region" aria-labelledby="${labelledBy}">
${table}
</div>`;
}
