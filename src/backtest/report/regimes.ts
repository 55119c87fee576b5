import type { RegimeName } from "../../regime/ruleMachine.ts";
import { counted, grouped, longDate, percent } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Markup } from "../../report/markup.ts";
import { badge, scrolling } from "../../report/parts.ts";
import type { BacktestResult } from "../result.ts";
import type { Bands } from "./bands.ts";
import { bandsFigure } from "./bands.ts";
import { maybe } from "./labels.ts";

/** A regime as the height of its band; unknown leaves a gap. */
const LEVELS: Readonly<Record<RegimeName, number | null>> = { Unknown: null, Calm: 0, Elevated: 1, Stress: 2 };
const NAMED = ["Calm", "Elevated", "Stress"] as const;

/** Decision, rule and model over the sessions. */
export function regimeBands({ regimes }: BacktestResult): Bands {
  const levels = (names: readonly (RegimeName | null)[]): (number | null)[] =>
    names.map((name) => (name === null ? null : LEVELS[name]));
  return {
    id: "regime-bands",
    title: "What the rule said, what the model said, what was decided",
    scale: "regime",
    full: 2,
    sessions: regimes.sessions,
    rows: [
      { label: "Decision", values: levels(regimes.decision) },
      { label: "Rule", values: levels(regimes.rule) },
      { label: "Model", values: levels(regimes.model) },
    ],
  };
}

/** The regime of each day of the result: the decision of the last session by then, "" before the first one. */
export function dailyRegimes({ dates, regimes }: BacktestResult): (RegimeName | "")[] {
  let next = 0;
  let current: RegimeName | "" = "";
  return dates.map((date) => {
    while (next < regimes.sessions.length && (regimes.sessions[next] ?? "") <= date) {
      current = regimes.decision[next] ?? "Unknown";
      next++;
    }
    return current;
  });
}

/** Regimes over time, how often they changed, and every shift with its cause. */
export function regimesSection(result: BacktestResult): Markup {
  const { regimes, window } = result;
  const { shifts, sessions, vix } = regimes;
  const level = new Map(sessions.map((session, i) => [session, vix[i] ?? null]));
  const disagree = regimes.model.filter((name, i) => name !== null && name !== regimes.rule[i]).length;
  const judged = regimes.model.filter((name) => name !== null).length;
  return markup`<section aria-labelledby="regimes">
<h2 id="regimes">Regimes</h2>
<p class="intro">The decision is the more defensive of the rule machine and the model.</p>
<div class="charts">${bandsFigure(
    regimeBands(result),
    markup`<span class="shades">${NAMED.map(badge)}</span>`,
    judged === 0
      ? "No model was known in this window."
      : `Rule and model differ on ${grouped(disagree)} of ${counted(judged, "session")} (${percent(disagree / judged)}). The taller the band, the more defensive.`,
  )}</div>
${scrolling(
  "regimes",
  markup`<table class="panel">
<caption>Sessions in each regime</caption>
<thead><tr><th scope="col">By</th>${NAMED.map((name) => markup`<th scope="col">${name}</th>`)}<th scope="col">Unknown</th><th scope="col">Shifts a year</th><th scope="col">Entries into Stress a year</th></tr></thead>
<tbody>${(
    [
      ["Decision", regimes.decision],
      ["Rule", regimes.rule],
      ["Model", regimes.model],
    ] as const
  ).map(([name, path]) => summaryRow(name, path, window.years))}</tbody>
</table>`,
)}
<details><summary>All ${counted(shifts.length, "shift")} and what caused them</summary>
${scrolling(
  "regimes",
  markup`<table class="shifts">
<caption class="unseen">Shifts of the decided regime, oldest first</caption>
<thead><tr><th scope="col">Session</th><th scope="col">VIX</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Cause</th></tr></thead>
<tbody>${shifts.map(
    ({ session, from, to, cause }) => markup`
<tr><th scope="row">${longDate(session)}</th><td>${maybe(level.get(session), (value) => grouped(value, 2))}</td><td>${badge(from)}</td><td>${badge(to)}</td><td>${cause}</td></tr>`,
  )}</tbody>
</table>`,
  "scroll tall",
)}
</details>
</section>`;
}

function summaryRow(name: string, path: readonly (RegimeName | null)[], years: number): Markup {
  const share = (count: number): string => `${grouped(count)} (${percent(count / Math.max(1, path.length), 0)})`;
  const count = (regime: RegimeName): number => path.filter((found) => (found ?? "Unknown") === regime).length;
  const changes = path.filter((found, i) => i > 0 && found !== path[i - 1]).length;
  const entries = path.filter((found, i) => i > 0 && found === "Stress" && path[i - 1] !== "Stress").length;
  const yearly = (events: number): string => maybe(years > 0 ? events / years : null, (rate) => grouped(rate, 1));
  return markup`
<tr><th scope="row">${name}</th>${NAMED.map((regime) => markup`<td>${share(count(regime))}</td>`)}<td>${grouped(count("Unknown"))}</td><td>${yearly(changes)}</td><td>${yearly(entries)}</td></tr>`;
}
