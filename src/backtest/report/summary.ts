import { counted, grouped, longDate, percent, signedPercent, usd } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Fragment, Markup } from "../../report/markup.ts";
import { factStrip, spark } from "../../report/parts.ts";
import type { Interval } from "../bootstrap.ts";
import type { BacktestResult, StrategyId, StrategyResult } from "../result.ts";
import { maybe, points, sentence, slug } from "./labels.ts";

/** The strategies of the first screen: the headline, and what it must beat. */
const CARDS: readonly StrategyId[] = ["ballast", "unhedged", "hold-less-ex-post", "hold-less-ex-ante"];
/** A small chart needs no more points than this. */
const SPARK_POINTS = 160;

/** The first screen: the verdict in plain words, whatever it is, and the paths it compares. */
export function summarySection(result: BacktestResult): Markup {
  const { verdict, window } = result;
  const shown = CARDS.flatMap((id) => result.strategies.find((strategy) => strategy.id === id) ?? []);
  // Logarithms: the same gain has the same height wherever it happens.
  const logs = shown.flatMap(({ navs }) => navs.map(Math.log));
  const [low, high] = [
    logs.reduce((a, b) => Math.min(a, b), Infinity),
    logs.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
  return markup`<section class="verdict" aria-labelledby="verdict">
<p class="eyebrow">Backtest · ${longDate(window.from)} to ${longDate(window.to)} · ${counted(window.days, "day")}, ${counted(window.sessions, "session")} · every vault starts with ${usd(window.startNav)}</p>
<h1 id="verdict">${sentence(verdict.headline)}</h1>
<dl class="points">${verdict.points.map(({ title, text }) => markup`<div><dt>${title}</dt><dd>${sentence(text)}</dd></div>`)}</dl>
<p class="caveat">${sentence(verdict.caveat)}</p>
<div class="cards">${shown.map((strategy) => card(strategy, window.years < 1, low, high))}</div>
</section>`;
}

/** @param short whether the window is too short for its return to be stretched to a year */
function card(strategy: StrategyResult, short: boolean, low: number, high: number): Markup {
  const { id, name, metrics, intervals, navs, undefinedBecause } = strategy;
  const head = markup`<div><h2>${name}</h2>
<p class="blurb">${blurb(strategy)}</p></div>`;
  if (metrics === null) {
    return markup`
<article class="card card-${slug(id)}">
${head}
<p class="none">No path: ${undefinedBecause ?? "not run."}</p>
</article>`;
  }
  const gain = short ? "totalReturn" : "annualReturn";
  const stride = Math.max(1, Math.ceil(navs.length / SPARK_POINTS));
  const { maxDrawdownFrom: from, maxDrawdownTo: to } = metrics;
  return markup`
<article class="card card-${slug(id)}">
${head}
<dl>
<div class="big"><dt>${short ? "Return" : "Return a year"}</dt><dd>${signedPercent(metrics[gain])}${between(intervals?.[gain], signedPercent)}</dd></div>
<div class="big"><dt>Deepest fall</dt><dd>${percent(metrics.maxDrawdown)}${between(intervals?.maxDrawdown, percent)}</dd></div>
</dl>
${spark(navs.filter((_, i) => i % stride === 0 || i === navs.length - 1).map(Math.log), low, high)}
<p class="when">${metrics.maxDrawdown === 0 ? "Never below its start" : `Deepest fall ${longDate(from)} to ${longDate(to)}`}</p>
</article>`;
}

/** A bootstrap interval under its number. */
export function between(interval: Interval | null | undefined, format: (value: number) => string): Fragment {
  if (interval === null || interval === undefined) return null;
  // The unit stands once, so that ten columns fit.
  return markup`<small>${format(interval.low).replace("%", "")} to ${format(interval.high)}</small>`;
}

function blurb({ id, description, holdLess }: StrategyResult): string {
  if (id === "ballast") return "Liquidity, and a short sized by regime";
  if (id === "unhedged") return "The same liquidity, no short";
  if (holdLess?.weight == null) return description;
  return `${percent(holdLess.weight, 0)} of the unhedged vault, the rest in treasury bills`;
}

/** The outcome in five numbers. */
export function outcomeFacts({ strategies, bootstrap, regimes, window }: BacktestResult): Markup {
  const headline = strategies.find(({ id }) => id === "ballast");
  const level = bootstrap === null ? "" : ` Small print: ${percent(bootstrap.level, 0)} intervals.`;
  return factStrip([
    ["Hedge cost a year", maybe(headline?.metrics?.hedgeCost, percent), "of NAV; below zero it earned"],
    ["Deepest fall saved", maybe(headline?.metrics?.drawdownSaved, points), "of the unhedged vault's"],
    bootstrap === null
      ? ["Hold less does as well", "not resampled", "run with --bootstrap 1000 to see how sure"]
      : [
          "Hold less does as well",
          maybe(bootstrap.holdLessAsGood, (share) => percent(share, 0)),
          `of ${counted(bootstrap.holdLessDefined, "resampled path")} on which it has a weight, of ${grouped(bootstrap.paths)}.${level}`,
        ],
    [
      "Regime shifts",
      grouped(regimes.shifts.length),
      window.years > 0 ? `${grouped(regimes.shifts.length / window.years, 1)} a year` : "",
    ],
  ]);
}
