import { counted, grouped, longDate, percent, signedPercent, usd } from "../format.ts";
import { VAULT_LABELS } from "../labels.ts";
import { VAULTS } from "../result.ts";
import type { DemoResult, VaultName } from "../result.ts";
import { verdict } from "../verdict.ts";
import { markup } from "./markup.ts";
import type { Fragment, Markup } from "./markup.ts";

/** Size of a card's small chart, in its own units. */
const SPARK = { width: 240, height: 56, margin: 3 } as const;

/** The first screen: what happened in plain words, and the three vaults beside each other. */
export function summarySection(result: DemoResult): Markup {
  const { headline, points, caveat } = verdict(result);
  return markup`<section class="verdict" aria-labelledby="verdict">
<p class="eyebrow">${longDate(result.window.from)} to ${longDate(result.window.to)} · ${counted(result.days, "day")} · ${result.source}</p>
<h1 id="verdict">${headline}</h1>
<div class="cards">${VAULTS.map((vault) => card(result, vault))}</div>
<dl class="points">${points.map(({ title, text }) => markup`<div><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>
<p class="caveat">${caveat}</p>
</section>`;
}

const BLURBS: Readonly<Record<VaultName, (result: DemoResult) => string>> = {
  hedged: () => "LP position, and a short sized by regime",
  unhedged: () => "The same LP position, no short",
  holdLess: ({ summary }) => `${percent(summary.holdLess.weight, 0)} of the LP position, the rest in cash`,
};

function card(result: DemoResult, vault: VaultName): Markup {
  const path = result.summary[vault];
  const dates = `${longDate(path.maxDrawdownFrom)} to ${longDate(path.maxDrawdownTo)}`;
  return markup`
<article class="card card-${vault}">
<div><h2>${VAULT_LABELS[vault]}</h2>
<p class="blurb">${BLURBS[vault](result)}</p></div>
<dl>
<div class="big"><dt>Final NAV</dt><dd>${usd(path.finalNav)}</dd></div>
<div><dt>Return</dt><dd>${signedPercent(path.return)}</dd></div>
<div><dt>Deepest fall</dt><dd>${percent(path.maxDrawdown)}</dd></div>
</dl>
${spark(result, vault)}
<p class="when">${path.maxDrawdown === 0 ? "Never below its start" : `Deepest fall ${dates}`}</p>
</article>`;
}

/** A vault's NAV as one line, on the scale of all three, so that the cards compare. */
function spark({ rows }: DemoResult, vault: VaultName): Fragment {
  const all = rows.flatMap((row) => VAULTS.map((name) => row.nav[name]));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const { width, height, margin } = SPARK;
  const x = (i: number): number => (i / Math.max(1, rows.length - 1)) * width;
  const y = (nav: number): number => margin + (1 - (nav - low) / (high - low || 1)) * (height - 2 * margin);
  const path = rows.map((row, i) => `${x(i).toFixed(1)},${y(row.nav[vault]).toFixed(1)}`).join(" ");
  const start = y(rows[0]?.nav[vault] ?? low).toFixed(1);
  return markup`<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true"><line class="start" x1="0" x2="${width}" y1="${start}" y2="${start}"/><polyline points="${path}"/></svg>`;
}

/** The run in four numbers. */
export function factStrip({ proposals, executed, executions, gas, seconds }: DemoResult): Markup {
  const verified = executions.filter((execution) => execution.verified).length;
  const facts: [string, string, string][] = [
    ["Proposals", grouped(proposals), `${grouped(executed)} executed by the Safe`],
    ["Recomputed", `${verified} of ${executions.length}`, "from packet and chain, with the same bytes"],
    ["Gas a rebalance", grouped(gas.rebalance.mean), `${grouped(gas.rebalance.max)} at most`],
    ["Run time", `${grouped(seconds, 1)} s`, "real venue bytecode, one local chain"],
  ];
  return markup`<dl class="facts">${facts.map(
    ([name, value, detail]) => markup`<div><dt>${name}</dt><dd><b>${value}</b> ${detail}</dd></div>`,
  )}</dl>`;
}
