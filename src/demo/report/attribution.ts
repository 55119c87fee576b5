import { bps } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Markup } from "../../report/markup.ts";
import { waterfalls } from "../../report/parts.ts";
import type { Waterfall } from "../../report/parts.ts";
import { PART_LABELS } from "../labels.ts";
import { ATTRIBUTION_PARTS } from "../result.ts";
import type { Attribution, DemoResult } from "../result.ts";

/** Where the NAV change of the hedged and the unhedged vault came from: bars that start where the last one ended. */
export function attributionSection({ attribution }: DemoResult): Markup {
  const { hedged, unhedged, checkBps } = attribution;
  return markup`<section aria-labelledby="attribution">
<h2 id="attribution">Where the money came from</h2>
<p class="intro">Each bar starts where the one above it ended; both tables share one scale.</p>
<div class="pair">${waterfalls([amounts("Hedged vault", hedged), amounts("Unhedged vault", unhedged)])}</div>
<p class="check">Check: the parts are computed apart from the NAV, and agree with its change on chain to within <b>${bps(checkBps)}</b> of the start NAV (hedged ${bps(hedged.differenceBps)}, unhedged ${bps(unhedged.differenceBps)}).</p>
</section>`;
}

function amounts(caption: string, attribution: Attribution): Waterfall {
  const named = (part: keyof typeof PART_LABELS): [string, number] => [PART_LABELS[part], attribution[part]];
  return { caption, parts: ATTRIBUTION_PARTS.map(named), sums: (["total", "navChange"] as const).map(named) };
}
