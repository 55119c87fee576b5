import { counted, grouped, percent } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Fragment, Markup } from "../../report/markup.ts";
import { scrolling } from "../../report/parts.ts";
import type { BacktestResult, SignalLift, SignalWorth } from "../result.ts";
import { maybe, NONE, points, sentence } from "./labels.ts";

/** Ends of the drawn lift scale: ratios, drawn so that halving and doubling are equally far from 1. */
const LIFT_SCALE = { low: 0.25, high: 8, width: 120 } as const;

/** What every signal was worth before and over the window, what weight that gave it, and why. */
export function signalsSection({ signals, stressIndex }: BacktestResult): Markup {
  if (signals.length === 0) {
    return markup`<section aria-labelledby="signals">
<h2 id="signals">Signals and their worth</h2>
<p class="intro">Not measured. ${stressIndex.reason}</p>
</section>`;
  }
  const weighted = signals.filter(({ weight }) => weight > 0).length;
  const onsets = signals.reduce((most, { judged }) => Math.max(most, judged?.onsets ?? 0), 0);
  return markup`<section aria-labelledby="signals">
<h2 id="signals">Signals and their worth</h2>
<p class="intro">${counted(signals.length, "signal")}, ${weighted} with weight. Weights were decided on the training days alone; the judged days (${counted(onsets, "onset")}) show what came of it.</p>
<p class="check">${sentence(stressIndex.reason)}</p>
${scrolling(
  "signals",
  markup`<table class="panel signals">
<caption class="unseen">Lift is precision over base rate: how much oftener an onset (the first VIX close above 25 after at least 20 below) followed within 10 sessions</caption>
<thead><tr><th scope="col">Signal</th><th scope="col">State</th><th scope="col">Weight, and why</th><th scope="col">Lift, training</th><th scope="col">Lift, judged</th><th scope="col">Holm p<small>judged</small></th><th scope="col">Precision<small>base rate</small></th><th scope="col">Recall<small>by chance</small></th><th scope="col">Lead<small>sessions</small></th><th scope="col">Entries<small>hits</small></th><th scope="col">Lifting alone<small>deepest fall</small><small>return a year</small></th></tr></thead>
<tbody>${signals.map(row)}</tbody>
</table>`,
)}
<p class="memo">“Could show” is the least lift that so many entries had a chance of 80 % to show. The bars are intervals of lift on a scale from ${grouped(LIFT_SCALE.low, 2)} to ${LIFT_SCALE.high}, the line in them is 1: no better than chance. Precision, recall, lead and entries are of the judged days. “Lifting alone” is what the headline's deepest fall and return would have changed by, had this signal alone lifted the regime by one level. p-values are adjusted over all signals by Holm's method.</p>
</section>`;
}

const STATES = { on: "on", off: "off", unknown: "unknown" } as const;

function row(signal: SignalWorth): Markup {
  const { name, seedTerm, state, reason, vintage, training, judged, weight, whyWeight, ablation } = signal;
  const share = (value: number | null | undefined): string => maybe(value, (found) => percent(found));
  return markup`
<tr class="state-${state}"><th scope="row">${name}${seedTerm !== null && markup`<small>seed: ${seedTerm}</small>`}${vintage === "latest" && markup`<small>latest vintage</small>`}</th><td><span class="state">${STATES[state]}</span><small>${sentence(reason)}</small></td><td><b>${grouped(weight, weight === 0 ? 0 : 2)}</b><small>${sentence(whyWeight)}</small></td>${liftCell(training)}${liftCell(judged)}<td>${probability(training)}<small>${probability(judged)}</small></td><td>${share(judged?.precision)}<small>${share(judged?.baseRate)}</small></td><td>${share(judged?.recall)}<small>${share(judged?.chanceRecall)}</small></td><td>${maybe(judged?.leadSessions, (value) => grouped(value, 1))}</td><td>${maybe(judged?.entries, grouped)}<small>${maybe(judged?.hits, grouped)}</small></td><td>${
    ablation === null
      ? NONE
      : markup`${points(ablation.maxDrawdownChange)}<small>${points(ablation.annualReturnChange)}</small><small>${counted(ablation.daysLifted, "day")}</small>`
  }</td></tr>`;
}

function probability(lift: SignalLift | null): string {
  return maybe(lift?.holmP, (p) => (p < 0.001 ? "< 0.001" : grouped(p, 3)));
}

function liftCell(worth: SignalLift | null): Markup {
  if (worth === null) return markup`<td>${NONE}<small>no history</small></td>`;
  const { lift, liftInterval, detectableLift } = worth;
  if (lift === null)
    return markup`<td>${NONE}<small>${counted(worth.entries, "entry").replace("entrys", "entries")}</small></td>`;
  return markup`<td>${grouped(lift, 2)}${
    liftInterval === null
      ? markup`<small>no interval</small>`
      : markup`<small>${grouped(liftInterval.low, 2)} to ${grouped(liftInterval.high, 2)}</small>`
  }${liftBar(worth)}${detectableLift !== null && markup`<small>could show ${grouped(detectableLift, 1)}</small>`}</td>`;
}

/** The interval as a bar on a logarithmic scale, a mark at the estimate, a line at 1. */
function liftBar({ lift, liftInterval }: SignalLift): Fragment {
  if (lift === null || liftInterval === null) return null;
  const { low, high, width } = LIFT_SCALE;
  const x = (value: number): number =>
    (Math.log(Math.min(high, Math.max(low, value)) / low) / Math.log(high / low)) * width;
  const [from, to] = [x(liftInterval.low), x(liftInterval.high)];
  return markup`<svg class="lift" viewBox="0 0 ${width} 12" aria-hidden="true"><line class="one" x1="${x(1).toFixed(1)}" x2="${x(1).toFixed(1)}" y1="0" y2="12"/><rect class="${liftInterval.low > 1 ? "above" : "across"}" x="${from.toFixed(1)}" y="4" width="${Math.max(1, to - from).toFixed(1)}" height="4"/><rect class="estimate" x="${(x(lift) - 1.5).toFixed(1)}" y="1" width="3" height="10"/></svg>`;
}
