import { counted, eth, grouped, longDate, percent, shortHash, signedPercent, usd } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Fragment, Markup } from "../../report/markup.ts";
import { badge, scrolling } from "../../report/parts.ts";
import { VAULT_LABELS } from "../labels.ts";
import { COUNTED_REGIMES } from "../result.ts";
import type { BlendSummary, DemoResult, Execution } from "../result.ts";

/** "Hold less" three ways: the real vault, and two blends that are known only afterwards. */
export function holdLessSection({ summary: { hedged, holdLess } }: DemoResult): Markup {
  const row = (name: string, kind: string, cells: Fragment): Markup =>
    markup`<tr><th scope="row">${name}<small>${kind}</small></th>${cells}</tr>`;
  const cells = (weight: string, gain: number, fall: number, nav: number): Markup =>
    markup`<td>${weight}</td><td>${signedPercent(gain)}</td><td>${percent(fall)}</td><td>${usd(nav)}</td>`;
  const blend = (name: string, { weight, reason, return: gain, maxDrawdown, finalNav }: BlendSummary): Markup =>
    weight === null || gain === null || maxDrawdown === null || finalNav === null
      ? row(name, "Computed, known only afterwards", markup`<td colspan="4" class="reason">None. ${reason}</td>`)
      : row(name, `Computed, known only afterwards. ${reason}`, cells(percent(weight), gain, maxDrawdown, finalNav));
  return markup`<section aria-labelledby="hold-less">
<h2 id="hold-less">Against holding less</h2>
<p class="intro">A hedge is worth its trouble only if it beats the simplest protection there is: a smaller position.</p>
${scrolling(
  "hold-less",
  markup`<table class="panel compare">
<caption class="unseen">The hedged vault against three ways of holding less</caption>
<thead><tr><th scope="col">Path</th><th scope="col">Weight</th><th scope="col">Return</th><th scope="col">Deepest fall</th><th scope="col">Final NAV</th></tr></thead>
<tbody>${[
    row("Hedged", "Real vault on chain", cells("—", hedged.return, hedged.maxDrawdown, hedged.finalNav)),
    row(
      "Hold less",
      `Real vault on chain, ${holdLess.weightKind}`,
      cells(percent(holdLess.weight), holdLess.return, holdLess.maxDrawdown, holdLess.finalNav),
    ),
    blend("Equal return", holdLess.exPost),
    blend("Equal drawdowns", holdLess.cdarMatched),
  ]}</tbody>
</table>`,
)}
</section>`;
}

/** Every executed proposal: what it did, and how anyone can look it up. */
export function executionsSection({ executions }: DemoResult): Markup {
  return markup`<section aria-labelledby="executions">
<h2 id="executions">Executed proposals</h2>
<p class="intro">Each was proposed to the Safe, signed by its members, executed, and recomputed from its packet and the chain.</p>
<table class="panel executions">
<caption class="unseen">${counted(executions.length, "executed proposal")}, oldest first</caption>
<thead><tr><th scope="col">Date</th><th scope="col">Regime</th><th scope="col">What was done and why</th><th scope="col">Gas</th><th scope="col">Recomputed</th><th scope="col">Safe transaction</th></tr></thead>
<tbody>${executions.map(execution)}</tbody>
</table>
<p class="unseen" role="status" id="copied"></p>
</section>`;
}

function execution({
  date,
  vault,
  regime,
  sentence,
  gasUsed,
  verified,
  checks,
  safeTxHash,
  signers,
  packet,
}: Execution): Markup {
  return markup`
<tr><td class="date">${longDate(date)}<small>${VAULT_LABELS[vault]}</small></td><td>${badge(regime)}</td><td class="what">${sentence}<small class="path">${packet}</small></td><td class="gas">${grouped(gasUsed)}</td><td>${
    verified
      ? markup`<span class="good">✓ same</span><small>${counted(checks, "check")}</small>`
      : markup`<span class="bad">✗ differs</span><small>${counted(checks, "check")}</small>`
  }</td><td><button class="hash" type="button" data-copy="${safeTxHash}" title="${safeTxHash}">${shortHash(safeTxHash)}</button><small title="${signers.join(" ")}">${counted(signers.length, "signature")}</small></td></tr>`;
}

/** Days, executions and recomputations per regime, and gas per kind of action. */
export function countsSection({ regimes, gas }: DemoResult): Markup {
  const actions = Object.entries(gas.byAction).sort(([a], [b]) => (a < b ? -1 : 1));
  return markup`<section aria-labelledby="counts">
<h2 id="counts">Regimes and gas</h2>
<div class="pair">
<table>
<caption>By regime</caption>
<thead><tr><th scope="col">Regime</th><th scope="col">Days</th><th scope="col">Executed</th><th scope="col">Recomputed</th></tr></thead>
<tbody>${COUNTED_REGIMES.map((name) => {
    const { days, executed, verified } = regimes[name];
    return markup`<tr><th scope="row">${badge(name)}</th><td>${grouped(days)}</td><td>${grouped(executed)}</td><td>${grouped(verified)}</td></tr>`;
  })}</tbody>
</table>
<table>
<caption>Gas by action</caption>
<thead><tr><th scope="col">Action</th><th scope="col">Count</th><th scope="col">Mean gas</th></tr></thead>
<tbody>${actions.map(
    ([action, { count, mean }]) =>
      markup`<tr><th scope="row">${action}</th><td>${grouped(count)}</td><td>${grouped(mean)}</td></tr>`,
  )}<tr class="sum"><th scope="row">Whole run</th><td></td><td>${grouped(gas.total)}</td></tr></tbody>
</table>
</div>
</section>`;
}

/** Every day in numbers: what the charts draw, and the text alternative to them. */
export function dailySection({ rows }: DemoResult): Markup {
  const number = (value: number | null, digits: number): string => (value === null ? "" : grouped(value, digits));
  const heads = [
    "VIX",
    "VIX3M",
    "ETH",
    "NAV hedged",
    "Unhedged",
    "Hold less",
    "Δ before",
    "Δ after",
    "Short",
    "LP share",
    "Cost",
  ];
  return markup`<section aria-labelledby="daily">
<h2 id="daily">Day by day</h2>
<details><summary>All ${counted(rows.length, "day")} in numbers</summary>
${scrolling(
  "daily",
  markup`<table class="daily">
<caption class="unseen">The hedged vault day by day: Δ is net delta and Short the perp position, both in ETH; LP share is of NAV; NAV and cost in USD</caption>
<thead><tr><th scope="col">Date</th><th scope="col">Regime</th>${heads.map((head) => markup`<th scope="col">${head}</th>`)}<th scope="col">What was done and why</th></tr></thead>
<tbody>${rows.map(
    (row) => markup`
<tr><th scope="row">${row.date}</th><td>${row.regime}</td><td>${number(row.vix, 1)}</td><td>${number(row.vix3m, 1)}</td><td>${grouped(row.price, 2)}</td><td>${grouped(row.nav.hedged)}</td><td>${grouped(row.nav.unhedged)}</td><td>${grouped(row.nav.holdLess)}</td><td>${eth(row.deltaBefore)}</td><td>${eth(row.deltaAfter)}</td><td>${eth(row.short)}</td><td>${percent(row.liquidityShare, 0)}</td><td>${row.costUsd === 0 ? "" : grouped(row.costUsd, 2)}</td><td>${row.text}</td></tr>`,
  )}</tbody>
</table>`,
  "scroll tall",
)}
</details>
</section>`;
}
