import { chartFigure } from "../../report/charts.ts";
import { usd } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Markup } from "../../report/markup.ts";
import { waterfalls } from "../../report/parts.ts";
import type { BacktestResult, StrategyResult } from "../result.ts";
import { attributionChart } from "./charts.ts";
import { slug } from "./labels.ts";

/** Strategies whose parts are known: all but the blends. */
export function attributed({ strategies }: BacktestResult): StrategyResult[] {
  return strategies.filter(({ attribution }) => attribution.length > 0);
}

/** Where each strategy's money came from: one at a time, chosen by the reader. */
export function attributionSection(result: BacktestResult): Markup {
  const all = attributed(result);
  const table = ({ name, navs, attribution }: StrategyResult): Markup[] => {
    const parts = attribution.filter(({ total }) => total !== 0);
    return waterfalls([
      {
        caption: `${name}, over the window`,
        parts: parts.map(({ label, total }) => [label, total] as const),
        sums: [
          ["Sum of the parts", attribution.reduce((sum, { total }) => sum + total, 0)],
          ["Change of NAV", (navs.at(-1) ?? 0) - (navs[0] ?? 0)],
        ] as const,
      },
    ]);
  };
  return markup`<section aria-labelledby="attribution">
<h2 id="attribution">Where the money came from</h2>
<p class="intro">Each bar starts where the one above it ended.</p>
<p class="choice"><label for="strategy">Strategy</label> <select id="strategy">${all.map(({ id, name }) => markup`<option value="${slug(id)}">${name}</option>`)}</select></p>
${all.map(
  (strategy) => markup`<div class="pair parts" data-strategy="${slug(strategy.id)}">
${chartFigure(result.dates, attributionChart(strategy))}
<div>${table(strategy)}
${memo(strategy)}</div>
</div>
`,
)}<p class="check">Check: on every day the parts of every strategy add up to its change of NAV; the largest difference is <b>${usd(largestDifference(all), 2)}</b>.</p>
</section>`;
}

function memo({ lvrMemo, activity }: StrategyResult): Markup {
  const counts =
    activity === null
      ? []
      : [
          `${activity.rebalances} rebalances`,
          `${activity.reranges} new ranges`,
          `${activity.perpTrades} perp trades`,
          `${activity.optionTrades} option trades`,
          `${activity.liquidations} liquidations`,
          `${activity.marginCappedDays} days short of margin`,
        ];
  return markup`<p class="memo">${counts.length > 0 && `${counts.join(", ")}. `}${lvrMemo !== null && `Memo: loss versus rebalancing (LVR) was ${usd(lvrMemo)}. The marks contain it, so it is no part of the sum.`}</p>`;
}

/** Largest gap, in USD, between a day's parts and its change of NAV. */
export function largestDifference(strategies: readonly StrategyResult[]): number {
  let largest = 0;
  for (const { navs, attribution } of strategies) {
    if (attribution.length === 0) continue; // a blend has no parts
    for (let day = 1; day < navs.length; day++) {
      let parts = 0;
      for (const { daily } of attribution) parts += daily[day - 1] ?? NaN;
      largest = Math.max(largest, Math.abs((navs[day] ?? NaN) - (navs[day - 1] ?? NaN) - parts));
    }
  }
  return largest;
}
