import { readFile, rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { renderBacktestReport } from "../../src/backtest/report.ts";
import { largestDifference } from "../../src/backtest/report/attribution.ts";
import { METRIC_ROWS, sentence } from "../../src/backtest/report/labels.ts";
import { dailyRegimes } from "../../src/backtest/report/regimes.ts";
import type { BacktestResult, StrategyResult } from "../../src/backtest/result.ts";
import { loadBacktestAssets, writeBacktest } from "../../src/backtest/writeReport.ts";
import type { PageAssets } from "../../src/report/page.ts";
import { backtestResult } from "../helpers/backtestResult.ts";
import { parseHtml } from "../helpers/html.ts";
import type { Element } from "../helpers/html.ts";
import { soundPage } from "../helpers/soundPage.ts";

/** What the page's scripts read. */
interface ChartData {
  dates: string[];
  regimes: [string, number, number][];
  charts: { id: string; at?: number[]; series: { hidden?: boolean; values: (number | null)[] }[] }[];
  bands: { sessions: string[][]; maps: { id: string; on: number; rows: (number | null)[][] }[] };
}

const result = backtestResult();
const EVIL = `</script><img src=x onerror="alert('1')">&`;

/** Every text of a result replaced, but the ids and dates the page computes with. */
function hostile(value: unknown, key = ""): unknown {
  const kept = [
    "id",
    "line",
    "kind",
    "dates",
    "session",
    "sessions",
    "state",
    "strategy",
    "vintage",
    "format",
    "from",
    "to",
  ];
  if (typeof value === "string")
    return kept.includes(key) || ["rule", "model", "decision"].includes(key) ? value : EVIL + value;
  if (Array.isArray(value)) return value.map((item) => hostile(item, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, hostile(inside, name)]));
}

describe("the backtest's report", function () {
  let assets: PageAssets;
  let page: string;
  let elements: Element[];

  const render = (changed: Partial<BacktestResult>): string => renderBacktestReport({ ...result, ...changed }, assets);
  const data = (text: string): ChartData =>
    JSON.parse(parseHtml(text).find(({ tag }) => tag === "script")?.text ?? "") as ChartData;
  const main = (text: string): string => text.slice(text.indexOf("<main>"), text.indexOf("</main>"));
  const changed = (id: string, change: Partial<StrategyResult>): BacktestResult["strategies"] =>
    result.strategies.map((strategy) => (strategy.id === id ? { ...strategy, ...change } : strategy));

  before(async function () {
    assets = await loadBacktestAssets();
    page = renderBacktestReport(result, assets);
    elements = parseHtml(page);
  });

  soundPage(() => page);

  it("has every section, named by its heading", function () {
    const labels = elements
      .filter(({ tag }) => tag === "section")
      .map(({ attributes }) => attributes.get("aria-labelledby"));
    expect(labels).to.deep.equal([
      "verdict",
      "charts",
      "comparison",
      "attribution",
      "layers",
      "regimes",
      "signals",
      "edr",
      "choices",
      "sensitivity",
      "grounds",
      "notes",
      "monthly",
    ]);
  });

  it("opens with the verdict, whatever it is", function () {
    const texts = elements.map(({ text }) => text);
    const { headline, points, caveat } = result.verdict;
    const first = texts.indexOf(headline);
    expect(first).to.be.below(40);
    for (const { title, text } of points) {
      expect(texts.indexOf(title)).to.be.greaterThan(first);
      expect(texts.indexOf(text)).to.be.below(first + 15);
    }
    expect(texts).to.include(caveat);
    const bad = render({ verdict: { headline: "The hedge lost on every count.", points: [], caveat: "One window." } });
    expect(bad).to.contain(`<h1 id="verdict">The hedge lost on every count.</h1>`);
  });

  it("stretches no return to a year over a window shorter than that", function () {
    const short = renderBacktestReport(backtestResult(90), assets);
    expect(short).to.contain("<dt>Return</dt>").and.not.contain("<dt>Return a year</dt>");
    expect(page).to.contain("<dt>Return a year</dt>").and.not.contain("<dt>Return</dt>");
  });

  it("says how sure the comparison with holding less is, or how to find out", function () {
    expect(page).to.contain("<b>71%</b> of 812 resampled paths on which it has a weight, of 1,000.");
    const without = render({ bootstrap: null });
    expect(without).to.contain("<b>not resampled</b>").and.contain("--bootstrap 1000");
  });

  it("shows every measure of every strategy, and its interval under it", function () {
    const table = page.slice(
      page.indexOf(`<table class="panel comparison">`),
      page.indexOf(`<dl class="descriptions">`),
    );
    for (const { label } of METRIC_ROWS) expect(table).to.contain(`<th scope="row">${label}<small>`);
    for (const { name } of result.strategies) expect(table).to.contain(`<b>${name}</b>`);
    const { metrics, intervals } = result.strategies[0]!;
    const percent = (value: number): string => `${(value * 100).toFixed(1)}%`;
    const interval = intervals!.maxDrawdown!;
    expect(table).to.contain(
      `${percent(metrics!.maxDrawdown)}<small>${percent(interval.low).slice(0, -1)} to ${percent(interval.high)}</small>`,
    );
  });

  it("prints hold less's weight, marks it ex post, and says why when there is none", function () {
    const weight = result.strategies.find(({ id }) => id === "hold-less-ex-post")!.holdLess!.weight!;
    expect(page).to.contain(`<td>${(weight * 100).toFixed(1)}%</td>`);
    expect(page).to.contain(`<b>Hold less (ex post)</b><span class="tag">ex post</span>`);
    const because = "The unhedged vault earned nothing above cash.";
    const strategies = changed("hold-less-ex-post", {
      navs: [],
      metrics: null,
      intervals: null,
      undefinedBecause: because,
      holdLess: { weight: null, reason: because },
    });
    const none = render({ strategies });
    parseHtml(none);
    expect(none).to.contain(`has no path: ${because}`).and.contain("<td>none</td>");
    expect(none).to.contain(`<p class="none">No path: ${because}</p>`);
  });

  it("draws every path on every day, and the regime decided by then", function () {
    const { dates, regimes, charts } = data(page);
    expect(dates).to.deep.equal(result.dates);
    const equity = charts.find(({ id }) => id === "equity")!;
    expect(equity.series).to.have.length(result.strategies.length);
    equity.series.forEach(({ values }, i) => {
      const { navs } = result.strategies[i]!;
      expect(values).to.have.length(navs.length);
      values.forEach((value, day) => expect(value).to.be.closeTo(navs[day]!, navs[day]! * 1e-6));
    });
    const falls = charts.find(({ id }) => id === "drawdown")!.series;
    falls.forEach(({ values }, i) => {
      const deepest = values.reduce<number>((low, value) => Math.min(low, value ?? 0), 0);
      expect(-deepest).to.be.closeTo(result.strategies[i]!.metrics!.maxDrawdown, 5.1e-5);
    });
    const names = regimes.flatMap(([name, first, last]) => Array<string>(last - first + 1).fill(name));
    expect(names).to.deep.equal(dailyRegimes(result));
    result.regimes.sessions.forEach((session, i) => {
      expect(names[dates.indexOf(session)]).to.equal(result.regimes.decision[i]);
    });
  });

  it("sums every strategy's parts to its change of NAV, in the chart and in the table", function () {
    const { charts } = data(page);
    for (const { id, navs, attribution } of result.strategies) {
      if (attribution.length === 0) continue;
      const chart = charts.find((found) => found.id === `parts-${id.replaceAll("+", "-")}`)!;
      expect(chart.at!.at(-1)).to.equal(navs.length - 1);
      const [change, ...parts] = chart.series.map(({ values }) => values.at(-1)!);
      expect(parts.reduce((a, b) => a + b, 0)).to.be.closeTo(change!, Math.max(5, Math.abs(change!) * 1e-5));
    }
    expect(largestDifference(result.strategies)).to.be.below(1e-6);
    expect(page).to.contain("the largest difference is <b>$0.00</b>");
    const { attribution } = result.strategies[0]!;
    const lost = attribution.map((series, i) =>
      i === 0 ? { ...series, daily: series.daily.map((part) => part + 1) } : series,
    );
    expect(largestDifference(changed("ballast", { attribution: lost }))).to.be.closeTo(1, 1e-6);
    expect(render({ strategies: changed("ballast", { attribution: lost }) })).to.contain("is <b>$1.00</b>");
  });

  it("paints each session's regimes and EDR cells once", function () {
    const { bands } = data(page);
    expect(bands.sessions).to.deep.equal([result.regimes.sessions]);
    expect(bands.maps.map(({ id }) => id)).to.deep.equal(["regime-bands", "edr-bias", "edr-percentile"]);
    bands.maps[1]!.rows.forEach((row, cell) => {
      row.forEach((value, i) => {
        const expected = result.edr!.cells[cell]!.bias[i] ?? null;
        if (expected === null) expect(value).to.be.null;
        else expect(value).to.be.closeTo(expected, 5.1e-4);
      });
    });
    const without = render({ edr: null });
    expect(data(without).bands.maps).to.have.length(1);
    expect(without).to.contain("Not computed: the data have no VIX term structure");
  });

  it("keeps signals without weight in the table, with the reason", function () {
    for (const { name, reason, whyWeight } of result.signals) {
      for (const text of [name, reason, whyWeight]) expect(page).to.contain(text);
    }
    expect(page).to.contain("3 signals, 1 with weight");
  });

  it("writes dates and percents of every sentence in one way", function () {
    expect(sentence("Fell 22.5 % from 2018-01-31, 5% since.")).to.equal("Fell 22.5% from 31 Jan 2018, 5% since.");
    expect(sentence("Earned -1.1 % a year [-3, 2].")).to.equal("Earned −1.1% a year [−3, 2].");
    expect(sentence("Part 2018-13-01 of 4 things")).to.equal("Part 2018-13-01 of 4 things");
  });

  it("gives no calibration where events are few, and says so", function () {
    expect(page).to.contain("3<small>too few for a curve</small>");
  });

  it("lists every shift with its cause, every choice, run, assumption, series and note", function () {
    const bodies = page.split("<caption").slice(1);
    const rows = (caption: string): number =>
      bodies
        .find((body) => body.slice(0, 200).includes(caption))!
        .split("<tbody>")[1]!
        .split("</tbody>")[0]!
        .split("<tr>").length - 1;
    expect(rows("Shifts of the decided regime")).to.equal(result.regimes.shifts.length);
    expect(rows("Hedge ratios by year")).to.equal(result.choices.length);
    expect(rows("Assumptions")).to.equal(result.assumptions.length);
    expect(rows("Series read")).to.equal(result.data.length);
    for (const { label, group } of result.sensitivity) expect(page).to.contain(group).and.contain(label);
    for (const note of result.notes) expect(page).to.contain(`<li>${sentence(note)}</li>`);
  });

  it("escapes every text", function () {
    const evil = parseHtml(renderBacktestReport(hostile(result) as BacktestResult, assets));
    expect(evil.map(({ tag }) => tag)).to.deep.equal(elements.map(({ tag }) => tag));
  });

  it("renders a day, and a run without layers, signals, choices or weights", function () {
    parseHtml(renderBacktestReport(backtestResult(3), assets));
    const bare = render({
      signals: [],
      choices: [],
      sensitivity: [],
      assumptions: [],
      data: [],
      notes: [],
      bootstrap: null,
      edr: null,
      strategies: [],
    });
    expect(main(bare)).to.not.match(/NaN|undefined|Infinity/);
  });

  it("never shows a number that is none", function () {
    expect(main(page)).to.not.match(/NaN|Infinity|null|\[object/);
  });

  it("gives the same bytes for the same result, in the folder asked for", async function () {
    const folder = await mkdtemp(join(tmpdir(), "ballast-report-"));
    try {
      const { report, json } = await writeBacktest(backtestResult(), join(folder, "new"));
      expect(await readFile(report, "utf8")).to.equal(page);
      expect(await readFile(json, "utf8")).to.equal(`${JSON.stringify(result)}\n`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("stays below 2 MB for seven years and a half", function () {
    expect(Buffer.byteLength(renderBacktestReport(backtestResult(2_740), assets))).to.be.below(2_000_000);
  });
});
