import { expect } from "chai";
import { dateOfDay, dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { readFolder } from "../../src/market/files.ts";
import type { DataFiles } from "../../src/market/dataset.ts";
import { checkQuality, NoDateError } from "../../src/market/quality.ts";
import type { Finding, FindingKind } from "../../src/market/quality.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { lehmer } from "../helpers/lehmer.ts";

const found = (files: DataFiles, kind: FindingKind, date?: string): Finding[] =>
  checkQuality(files, date).findings.filter((finding) => finding.kind === kind);
const spans = (findings: readonly Finding[]): unknown[] => findings.map(({ from, to, count }) => [from, to, count]);

/** A year and a half of a price that moves by about 1 % a session, as a file. */
const sessions = sessionsBetween("2022-01-03", "2023-06-30");
function walk(change: (date: string, close: number) => number | null = (_, close) => close): string {
  const random = lehmer(11);
  let close = 100;
  const lines = sessions.flatMap((date) => {
    close *= 1 + 0.02 * (random() - 0.5);
    const shown = change(date, close);
    return shown === null ? [] : [`${date},${shown}`];
  });
  return `date,close\n${lines.join("\n")}\n`;
}

describe("checkQuality", () => {
  it("finds nothing in a series that has nothing", () => {
    const report = checkQuality({ "spx.csv": walk() });
    expect(report.date).to.equal("2023-06-30");
    expect(report.series).to.deep.equal([
      {
        ...{ series: "spx", file: "spx.csv", rows: sessions.length, from: "2022-01-03", to: "2023-06-30" },
        ...{ ageSessions: 0, missing: 0, outliers: 0, vintage: "first" },
      },
    ]);
    expect(report.findings.filter(({ kind }) => kind !== "missing")).to.deep.equal([]);
    expect(
      report.findings.map(({ file }) => file),
      "what is not there",
    )
      .to.include("vix.csv")
      .and.not.include("spx.csv");
  });

  it("names each stretch of missing sessions, by the calendar", () => {
    const gone = new Set(["2022-07-01", "2022-07-05", "2023-02-08"]); // the 4th of July was no session
    const gaps = found({ "spx.csv": walk((date, close) => (gone.has(date) ? null : close)) }, "gap");
    expect(spans(gaps)).to.deep.equal([
      ["2022-07-01", "2022-07-05", 2],
      ["2023-02-08", "2023-02-08", 1],
    ]);
    expect(gaps[0]!.sentence).to.equal("spx.csv (close): no value, 2 × session, from 2022-07-01 to 2022-07-05.");
  });

  it("counts days for what trades every day, months, quarters, and settlements by their eight hours", () => {
    const bars = "date,open,high,low,close\n2023-07-01,1,1,1,1\n2023-07-04,1,1,1,1\n";
    expect(spans(found({ "btc.csv": bars }, "gap")).slice(0, 1)).to.deep.equal([["2023-07-02", "2023-07-03", 2]]);
    const cpi = "date,value\n2023-07-01,1\n2023-09-01,1\n";
    expect(spans(found({ "cpi.csv": cpi }, "gap"))).to.deep.equal([["2023-08-01", "2023-08-01", 1]]);
    const gdp = "date,value\n2022-10-01,1\n2023-01-01,1\n2023-07-01,1\n";
    expect(spans(found({ "gdp.csv": gdp }, "gap"))).to.deep.equal([["2023-04-01", "2023-04-01", 1]]);
    const settled = (...times: string[]): DataFiles => ({
      "funding_btc_8h.csv": `time,rate\n${times.map((time) => `2023-07-0${time}:00:00Z,0.0001\n`).join("")}`,
    });
    expect(found(settled("1T00", "1T08", "1T12", "1T16", "2T00"), "gap"), "one more is no gap").to.deep.equal([]);
    expect(spans(found(settled("1T00", "1T16", "2T00"), "gap"))).to.deep.equal([["2023-07-01", "2023-07-01", 1]]);
    expect(spans(found(settled("1T00", "3T16"), "gap"))).to.deep.equal([["2023-07-01", "2023-07-03", 3]]);
  });

  it("takes bank holidays for none of the Federal Reserve's gaps", () => {
    const rates = "date,value\n2023-10-06,5\n2023-10-10,5\n2023-10-12,5\n";
    expect(spans(found({ "treasury_2y.csv": rates }, "gap"))).to.deep.equal([["2023-10-11", "2023-10-11", 1]]);
  });

  it("tells a change that stays from one that is taken back", () => {
    const stays = walk((date, close) => (date >= "2022-09-06" ? close * 1.5 : close));
    expect(spans(found({ "spx.csv": stays }, "outlier"))).to.deep.equal([["2022-09-06", "2022-09-06", 1]]);
    expect(found({ "spx.csv": stays }, "spike")).to.deep.equal([]);
    const back = walk((date, close) => (date === "2022-09-06" ? close * 1.5 : close));
    expect(spans(found({ "spx.csv": back }, "spike"))).to.deep.equal([["2022-09-06", "2022-09-06", 1]]);
    expect(found({ "spx.csv": back }, "outlier")).to.deep.equal([]);
  });

  it("does not let a few bad prints hide each other", () => {
    const bad = new Set(["2022-03-01", "2022-06-01", "2022-09-01", "2023-03-01", "2023-06-01"]);
    const text = walk((date, close) => (bad.has(date) ? close / 4 : close));
    expect(found({ "spx.csv": text }, "spike").map(({ from }) => from)).to.deep.equal([...bad]);
  });

  it("names bars that contradict themselves", () => {
    const bars =
      "date,open,high,low,close\n2004-11-08,2.58,14,13,13.5\n2004-11-09,13,14,13,14\n2004-11-10,13,14,13,14.1\n";
    expect(spans(found({ "vix.csv": bars }, "order"))).to.deep.equal([["2004-11-08", "2004-11-10", 2]]);
  });

  it("names prices that stand still", () => {
    const text = walk((date, close) => (date >= "2022-09-06" && date <= "2022-09-16" ? 99 : close));
    expect(spans(found({ "spx.csv": text }, "flat"))).to.deep.equal([["2022-09-06", "2022-09-16", 9]]);
  });

  it("names series that ended before the others", () => {
    const short = walk((date, close) => (date <= "2023-06-22" ? close : null));
    const files = { "spx.csv": walk(), "vix3m.csv": short };
    expect(found(files, "stale"), "6 sessions, which is one too many").to.have.length(1);
    expect(found(files, "stale")[0]).to.include({ series: "vix3m", from: "2023-06-22" });
    expect(found(files, "stale", "2023-06-29"), "5 sessions").to.deep.equal([]);
    const empty = { "spx.csv": walk(), "put_call.csv": "date,total,index,equity\n2023-06-30,,,0.6\n" };
    expect(found(empty, "stale").map(({ series }) => series)).to.deep.equal(["putCallTotal", "putCallIndex"]);
  });

  it("names releases that cannot be", () => {
    const events = "date,event\n2007-01-15,ppi\n2007-02-16,ppi\n2007-04-13,ppi\n2012-04-06,nfp\n2012-05-04,nfp\n";
    expect(spans(found({ "events.csv": events, "spx.csv": walk() }, "event"))).to.deep.equal([
      ["2007-01-15", "2007-01-15", 1], // Martin Luther King Day
      ["2007-03-01", "2007-03-01", 1], // no release in March
    ]);
  });

  it("goes on after a file it cannot read, and says why", () => {
    const doubled = "date,close\n2023-07-03,15\n2023-07-03,15\n";
    const report = checkQuality({ "vix3m.csv": doubled, "spx.csv": walk() });
    expect(report.series.map(({ series }) => series)).to.deep.equal(["spx"]);
    const [finding] = report.findings.filter(({ kind }) => kind === "unreadable");
    expect(finding).to.include({ file: "vix3m.csv", series: null });
    expect(finding!.sentence).to.contain("vix3m.csv, line 3, column 'date': 2023-07-03 appears twice");
  });

  it("says which rows the readers leave out", () => {
    const text = "date,close\n2006-03-06,71.73\n2006-03-15,15.71\n2006-05-01,61.96\n2006-05-29,70\n";
    expect(spans(found({ "vvix.csv": text }, "dropped"))).to.deep.equal([
      ["2006-03-06", "2006-03-15", 2],
      ["2006-05-29", "2006-05-29", 1],
    ]);
  });

  it("needs a date to count to", () => {
    expect(() => checkQuality({})).to.throw(NoDateError);
    expect(checkQuality({}, "2023-12-29").series).to.deep.equal([]);
  });

  it("finds the traps of the data folder", async () => {
    if (dataMissing("the quality of the data")) return;
    const { findings, series } = checkQuality(await readFolder(DATA_DIR));
    const of = (name: string, kind: FindingKind): unknown[] =>
      spans(findings.filter((finding) => finding.series === name && finding.kind === kind));
    expect(of("vix", "gap").map((gap) => (gap as string[])[0])).to.deep.equal([
      ...["1991-03-01", "1997-01-31", "1997-11-26", "1999-12-31"],
    ]);
    expect(findings.find(({ kind, file }) => kind === "order" && file === "vix.csv")).to.include({ count: 47 });
    const skew = of("skew", "gap").find((gap) => (gap as string[])[1] === "2000-09-29");
    expect(skew, "13 days to 2000-10-02").to.deep.equal(["2000-09-20", "2000-09-29", 8]);
    expect(of("vvix", "spike").map((spike) => (spike as string[])[0])).to.deep.equal(["2006-08-16", "2006-11-13"]);
    for (const name of ["spx", "vix9d", "vix3m", "vix6m", "fundingEth", "fundingBtc", "eth", "btc"]) {
      expect(series.find((summary) => summary.series === name)!.missing, name).to.equal(0);
    }
    expect(findings.filter(({ kind }) => kind === "unreadable")).to.deep.equal([]);
    const ages = series.map(({ ageSessions }) => ageSessions);
    expect(ages.every((age) => age !== null && age >= 0)).to.equal(true);
    expect(dateOfDay(dayNumber(checkQuality({ "spx.csv": walk() }).date))).to.equal("2023-06-30");
  });
});
