import { expect } from "chai";
import { renderReport } from "../../src/demo/report.ts";
import type { DemoResult } from "../../src/demo/result.ts";
import { loadReportAssets } from "../../src/demo/writeReport.ts";
import type { PageAssets } from "../../src/report/page.ts";
import { demoResult } from "../helpers/demoResult.ts";
import { parseHtml } from "../helpers/html.ts";
import type { Element } from "../helpers/html.ts";
import { soundPage } from "../helpers/soundPage.ts";

const result = demoResult();

describe("the demo's report", function () {
  let assets: PageAssets;
  let page: string;
  let elements: Element[];

  const all = (tag: string): Element[] => elements.filter((element) => element.tag === tag);
  const render = (changed: Partial<DemoResult>): string => renderReport({ ...result, ...changed }, assets);

  before(async function () {
    assets = await loadReportAssets();
    page = renderReport(result, assets);
    elements = parseHtml(page);
  });

  it("has every section, named by its heading", function () {
    const ids = new Set(elements.map(({ attributes }) => attributes.get("id")));
    const sections = ["verdict", "charts", "attribution", "hold-less", "executions", "counts", "daily", "notes"];
    for (const id of sections) expect(ids, id).to.include(id);
    const labels = all("section").map(({ attributes }) => attributes.get("aria-labelledby"));
    expect(labels).to.have.members(sections);
  });

  soundPage(() => page);

  it("gives every chart its words, and every table its caption", function () {
    const plots = elements.filter(({ attributes }) => attributes.get("class") === "plot");
    expect(plots).to.have.length(6);
    for (const { attributes } of plots) {
      const words = elements.find((element) => element.attributes.get("id") === attributes.get("aria-describedby"));
      expect(words?.text).to.match(/: .+ to .+, lowest .+, highest /);
    }
    expect(all("caption")).to.have.length(all("table").length);
  });

  it("holds each day once in the charts' data and once in the table", function () {
    const data: unknown = JSON.parse(all("script")[0]?.text ?? "");
    const { dates, regimes, charts } = data as {
      dates: string[];
      regimes: [string, number, number][];
      charts: { id: string; series: { values: (number | null)[] }[] }[];
    };
    expect(dates).to.deep.equal(result.rows.map((row) => row.date));
    const names = regimes.flatMap(([name, first, last]) => Array<string>(last - first + 1).fill(name));
    expect(names).to.deep.equal(result.rows.map((row) => row.regime));
    for (const { series } of charts) for (const { values } of series) expect(values).to.have.length(result.days);
    const nav = charts.find(({ id }) => id === "nav")?.series[0]?.values ?? [];
    nav.forEach((value, i) => expect(value).to.be.closeTo(result.rows[i]?.nav.hedged ?? NaN, 0.05));
    expect(all("th").filter(({ text }) => /^\d{4}-\d{2}-\d{2}$/.test(text))).to.have.length(result.days);
  });

  it("lists every execution with its whole hash to copy", function () {
    const buttons = all("button").map(({ attributes }) => attributes.get("data-copy"));
    expect(buttons).to.deep.equal(result.executions.map(({ safeTxHash }) => safeTxHash));
  });

  it("says so when a recomputation differs", function () {
    expect(page).to.not.contain("differs");
    const executions = result.executions.map((execution, i) => ({ ...execution, verified: i > 0 }));
    expect(render({ executions })).to.contain("✗ differs");
  });

  it("bears a banner when synthetic, and only then", function () {
    expect(page).to.contain("SYNTHETIC DATA");
    expect(render({ kind: "history" })).to.not.contain("SYNTHETIC");
  });

  it("escapes every text", function () {
    const evil = `</script><img src=x onerror="alert('1')">&`;
    const rows = result.rows.map((row) => ({ ...row, text: evil, action: evil, date: evil }));
    const executions = result.executions.map((execution) => ({
      ...execution,
      date: evil,
      sentence: evil,
      safeTxHash: evil,
      packet: evil,
      signers: [evil],
    }));
    const { holdLess } = result.summary;
    const summary = {
      hedged: { ...result.summary.hedged, maxDrawdownFrom: evil },
      unhedged: { ...result.summary.unhedged, maxDrawdownTo: evil },
      holdLess: { ...holdLess, weightKind: evil, exPost: { ...holdLess.exPost, reason: evil } },
    };
    const gas = { ...result.gas, byAction: { [evil]: { count: 1, mean: 1 } } };
    const window = { from: evil, to: evil };
    const hostile = parseHtml(
      render({ rows, executions, summary, gas, window, notes: [evil], source: evil, report: evil }),
    );
    expect(hostile.filter(({ tag }) => tag === "img")).to.have.length(0);
    expect(hostile.filter(({ tag }) => tag === "script")).to.have.length(3);
    expect(hostile.map(({ tag }) => tag)).to.deep.equal(
      parseHtml(render({ summary: result.summary, gas, notes: [""] })).map(({ tag }) => tag),
    );
  });

  it("renders runs of one day and of none", function () {
    const short = demoResult(1);
    parseHtml(renderReport(short, assets));
    parseHtml(renderReport({ ...short, rows: [], executions: [] }, assets));
  });

  it("gives the same bytes for the same result", async function () {
    expect(renderReport(demoResult(), await loadReportAssets())).to.equal(page);
  });

  it("stays below 400 kB, for a year of days too", function () {
    for (const text of [page, renderReport(demoResult(366), assets)]) {
      expect(Buffer.byteLength(text)).to.be.below(400_000);
    }
  });
});
