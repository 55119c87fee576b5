import { bps, signedUsd } from "../format.ts";
import { PART_LABELS } from "../labels.ts";
import { ATTRIBUTION_PARTS } from "../result.ts";
import type { Attribution, DemoResult } from "../result.ts";
import { markup } from "./markup.ts";
import type { Markup } from "./markup.ts";

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

/** Where the NAV change of the hedged and the unhedged vault came from: bars that start where the last one ended. */
export function attributionSection({ attribution }: DemoResult): Markup {
  const { hedged, unhedged, checkBps } = attribution;
  const both = [steps(hedged), steps(unhedged)] as const;
  const ends = both.flat().flatMap(({ from, to }) => [from, to]);
  const scale = { low: Math.min(0, ...ends), high: Math.max(0, ...ends) };
  return markup`<section aria-labelledby="attribution">
<h2 id="attribution">Where the money came from</h2>
<p class="intro">Each bar starts where the one above it ended; both tables share one scale.</p>
<div class="pair">${waterfall("Hedged", both[0], scale)}${waterfall("Unhedged", both[1], scale)}</div>
<p class="check">Check: the parts are computed apart from the NAV, and agree with its change on chain to within <b>${bps(checkBps)}</b> of the start NAV (hedged ${bps(hedged.differenceBps)}, unhedged ${bps(unhedged.differenceBps)}).</p>
</section>`;
}

function steps(attribution: Attribution): Step[] {
  let running = 0;
  const parts = ATTRIBUTION_PARTS.map((part): Step => {
    const from = running;
    running += attribution[part];
    return { label: PART_LABELS[part], amount: attribution[part], from, to: running, kind: "part" };
  });
  const sums = (["total", "navChange"] as const).map((part): Step => ({
    label: PART_LABELS[part],
    amount: attribution[part],
    from: 0,
    to: attribution[part],
    kind: "sum",
  }));
  return [...parts, ...sums];
}

function waterfall(name: string, bars: readonly Step[], scale: { low: number; high: number }): Markup {
  const x = (usd: number): number => ((usd - scale.low) / (scale.high - scale.low || 1)) * WIDTH;
  // One precision down the column; cents only where they are the story.
  const digits = Math.max(...bars.map(({ amount }) => Math.abs(amount))) < 1000 ? 2 : 0;
  return markup`
<table class="waterfall">
<caption>${name} vault</caption>
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
