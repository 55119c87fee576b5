import { counted, grouped, longDate, percent, signedPercent, usd } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Markup } from "../../report/markup.ts";
import { factStrip, spark } from "../../report/parts.ts";
import { VAULT_LABELS } from "../labels.ts";
import { VAULTS } from "../result.ts";
import type { DemoResult, VaultName } from "../result.ts";
import { verdict } from "../verdict.ts";

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
  const navs = result.rows.flatMap((row) => VAULTS.map((name) => row.nav[name]));
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
${spark(
  result.rows.map((row) => row.nav[vault]),
  Math.min(...navs),
  Math.max(...navs),
)}
<p class="when">${path.maxDrawdown === 0 ? "Never below its start" : `Deepest fall ${dates}`}</p>
</article>`;
}

/** The run in four numbers. */
export function runFacts({ proposals, executed, executions, gas, seconds }: DemoResult): Markup {
  const verified = executions.filter((execution) => execution.verified).length;
  return factStrip([
    ["Proposals", grouped(proposals), `${grouped(executed)} executed by the Safe`],
    ["Recomputed", `${verified} of ${executions.length}`, "from packet and chain, with the same bytes"],
    ["Gas a rebalance", grouped(gas.rebalance.mean), `${grouped(gas.rebalance.max)} at most`],
    ["Run time", `${grouped(seconds, 1)} s`, "real venue bytecode, one local chain"],
  ]);
}
