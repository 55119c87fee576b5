import { expect } from "chai";
import { AsOfView } from "../../src/market/asOf.ts";
import { CalendarDateError, dateOfDay, dayNumber, isSession } from "../../src/market/calendar.ts";
import { DATA_FILE_NAMES, SERIES_SOURCES } from "../../src/market/catalogue.ts";
import { DataFileError } from "../../src/market/csv.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import { readDataset } from "../../src/market/files.ts";
import { isSessionDay } from "../../src/market/publication.ts";
import type { Dataset, Series } from "../../src/market/series.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { lehmer } from "../helpers/lehmer.ts";
import { mutateAfter, mutateBefore } from "../helpers/mutateDataset.ts";

const instant = (text: string): number => Date.parse(text) / 1_000;

describe("buildDataset", () => {
  const vix = "date,open,high,low,close\n2023-07-03,1,1,1,13.57\n2023-07-04,1,1,1,13.9\n2023-07-05,1,1,1,14.18\n";

  it("leaves out what is not there, and reads the rest", () => {
    const { series, events, notes } = buildDataset({ "vix.csv": vix });
    expect([...series.keys()]).to.deep.equal(["vix"]);
    expect(events).to.deep.equal([]);
    expect([...series.get("vix")!.values]).to.deep.equal([13.57, 14.18]);
    expect(notes).to.deep.equal(["vix.csv (close): 1 rows on days without a session dropped: 2023-07-04."]);
  });

  it("leaves blank days out, and says which rows are no values", () => {
    const text = "date,close\n2023-07-03,15\n2023-07-05,\n2023-07-06,0\n2023-07-07,-3\n2023-07-10,16\n";
    const { series, notes } = buildDataset({ "vix3m.csv": text });
    expect([...series.get("vix3m")!.values]).to.deep.equal([15, 16]);
    expect(notes[0]).to.contain("vix3m.csv (close): 2 rows of 0 or less dropped").and.contain("2023-07-06, 2023-07-07");
  });

  it("keeps values below zero where the unit has them", () => {
    const { series } = buildDataset({
      "funding_btc_8h.csv": "time,rate\n2023-07-03T00:00:00Z,-0.0001\n",
      "crypto_skew.csv": "date,value\n2023-07-03,-4.5\n",
      "breadth.csv": "date,exchange,percent_advancers,net_new_highs\n2023-07-03,NYSE,,-116\n2023-07-03,NASDAQ,,-95\n",
    });
    expect(series.get("fundingBtc")!.values[0]).to.equal(-0.0001);
    expect(series.get("cryptoSkew")!.values[0]).to.equal(-4.5);
    expect([...series.get("netNewHighs")!.values], "one exchange of the two").to.deep.equal([-116]);
    expect(series.get("percentAdvancers")!.values).to.have.length(0);
  });

  it("refuses a file it cannot read, by name, line and column", () => {
    const text = "date,close\n2023-07-03,15\n2023-07-05,n/a\n";
    expect(() => buildDataset({ "vix3m.csv": text })).to.throw(DataFileError, "vix3m.csv, line 3, column 'close'");
  });

  it("says from when on each kind of value was known", () => {
    const events = [
      "date,event,time_et",
      "2000-01-14,cpi,08:30",
      "2023-11-14,cpi,08:30",
      "2023-12-12,cpi,08:30",
      "2024-01-11,cpi,08:30",
    ].join("\n");
    const dataset = buildDataset({
      "events.csv": `${events}\n`,
      "vix.csv": vix,
      "eth.csv": "date,open,high,low,close,volume\n2023-07-03,1,1,1,1,1\n",
      "funding_eth_8h.csv": "time,rate\n2023-07-03T08:00:00Z,0.0001\n",
      "treasury_2y.csv": "date,value\n2023-10-06,5\n2023-11-10,5\n2023-12-22,5\n",
      "dollar_broad.csv": "date,value\n2023-10-02,120\n2023-10-06,121\n2023-12-22,119\n",
      "cpi.csv": "date,value\n1999-11-01,1\n1999-12-01,1\n2023-10-01,1\n2023-11-01,1\n2023-12-01,1\n2024-01-01,1\n",
      "gdp.csv": "date,value\n2023-10-01,1\n",
      "reer_us.csv": "date,value\n2023-10-01,1\n",
    });
    const known = (name: string): string[] =>
      [...dataset.series.get(name)!.availableAt].map((at) => new Date(at * 1_000).toISOString().slice(0, 16));
    expect(known("vix")).to.deep.equal(["2023-07-03T22:00", "2023-07-05T22:00"]);
    expect(known("eth"), "when the bar closes").to.deep.equal(["2023-07-04T00:00"]);
    expect(known("fundingEth"), "at the settlement").to.deep.equal(["2023-07-03T08:00"]);
    expect(known("treasury2y"), "past Columbus Day, Veterans Day, Christmas").to.deep.equal([
      ...["2023-10-10T22:00", "2023-11-13T22:00", "2023-12-26T22:00"],
    ]);
    expect(known("dollarBroad"), "the week after, on Tuesday if Monday is a holiday").to.deep.equal([
      ...["2023-10-10T22:00", "2023-10-10T22:00", "2023-12-26T22:00"],
    ]);
    expect(known("cpi"), "the release; 50 days after the month's start outside the calendar").to.deep.equal([
      ...["1999-12-21T22:00", "2000-01-14T22:00", "2023-11-14T22:00", "2023-12-12T22:00", "2024-01-11T22:00"],
      "2024-02-20T22:00",
    ]);
    expect(known("gdp"), "120 days").to.deep.equal(["2024-01-29T22:00"]);
    expect(known("reerUs"), "50 days").to.deep.equal(["2023-11-20T22:00"]);
  });

  it("waits for the release that came, when a lapse of funding moved it", () => {
    const events = "date,event\n2025-09-10,ppi\n2025-11-25,ppi\n2026-01-14,ppi\n2026-01-30,ppi\n2026-02-27,ppi\n";
    const ppi = "date,value\n2025-08-01,1\n2025-09-01,1\n2025-10-01,1\n2025-11-01,1\n2025-12-01,1\n2026-01-01,1\n";
    const series = buildDataset({ "events.csv": events, "ppi.csv": ppi }).series.get("ppi")!;
    expect([...series.availableAt].map((at) => dateOfDay(Math.floor(at / 86_400)))).to.deep.equal([
      ...["2025-09-10", "2025-11-25", "2026-01-14", "2026-01-14", "2026-01-30", "2026-02-27"],
    ]);
  });

  it("never lets availability descend, whatever the calendar of releases says", () => {
    const events = "date,event\n2013-12-17,cpi\n2014-02-20,cpi\n2014-02-20,cpi\n";
    const cpi = "date,value\n2013-11-01,1\n2013-12-01,2\n2014-01-01,3\n";
    const { availableAt } = buildDataset({ "events.csv": events, "cpi.csv": cpi }).series.get("cpi")!;
    expect([...availableAt]).to.deep.equal([...availableAt].sort((a, b) => a - b));
  });

  it("knows scheduled events always, and others from their own day", () => {
    const text = "date,event\n2013-10-30,cpi\n2020-03-15,fomc_intermeeting\n2020-04-29,fomc_decision\n";
    expect(buildDataset({ "events.csv": text }).events.map(({ kind, knownFrom }) => [kind, knownFrom])).to.deep.equal([
      ["cpi", instant("2013-10-30T00:00:00Z")],
      ["fomc_intermeeting", instant("2020-03-15T00:00:00Z")],
      ["fomc_decision", -Infinity],
    ]);
  });

  it("decides five minutes after the UTC day of the session is over", () => {
    expect(decisionTime("2023-12-29")).to.equal(instant("2023-12-30T00:05:00Z"));
  });

  it("has the calendar's sessions by day number", () => {
    const from = dayNumber("1990-01-01");
    for (let day = from; day < dayNumber("2031-01-01"); day++) {
      expect(isSessionDay(day), dateOfDay(day)).to.equal(isSession(dateOfDay(day)));
    }
    expect(() => isSessionDay(from - 1)).to.not.throw(); // a Sunday is none in any year
    expect(() => isSessionDay(from - 3)).to.throw(CalendarDateError, "before the calendar begins");
  });

  it("names each series once", () => {
    const names = SERIES_SOURCES.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect(DATA_FILE_NAMES).to.include.members(["vix.csv", "events.csv", "protocol_pcf.csv"]);
  });
});

describe("the data folder", () => {
  let dataset: Dataset | undefined;
  before(async () => {
    if (!dataMissing("the data folder's series")) dataset = await readDataset(DATA_DIR);
  });

  it("has its traps handled: holiday rows, missing sessions, bad prints, blank holidays", () => {
    if (dataset === undefined) return;
    const series = (name: string): Series => dataset!.series.get(name)!;
    const sessions = new Set(series("spx").days);
    for (const { calendar, name, days } of dataset.series.values()) {
      if (calendar === "nyse")
        expect(
          days.every((day) => sessions.has(day)),
          name,
        ).to.equal(true);
    }
    const vix = new Set(series("vix").days);
    const missing = [...sessions].filter((day) => !vix.has(day)).map(dateOfDay);
    expect(missing).to.deep.equal(["1991-03-01", "1997-01-31", "1997-11-26", "1999-12-31"]);
    expect(dateOfDay(series("vvix").days[0]!)).to.equal("2006-05-01");
    expect(dataset.notes.join("\n")).to.contain("vvix.csv (close): 9 rows dropped, not trusted");
    expect(dataset.notes.join("\n")).to.contain("vix.csv (close): 13 rows on days without a session dropped");
    for (const { name, values, availableAt } of dataset.series.values()) {
      expect(values.every(Number.isFinite), name).to.equal(true);
      expect(
        availableAt.every((at, i) => i === 0 || at >= availableAt[i - 1]!),
        name,
      ).to.equal(true);
    }
  });

  it("never has a value before its day is over, but for what is settled or closed on it", () => {
    if (dataset === undefined) return;
    for (const { name, calendar, days, availableAt } of dataset.series.values()) {
      const close = 21.25 * 3_600; // VIX's regular hours end at 16:15 New York, 21:15 UTC in winter
      const least = calendar === "funding" ? 0 : close;
      expect(
        days.every((day, i) => availableAt[i]! - day * 86_400 >= least),
        name,
      ).to.equal(true);
    }
  });

  it("does not know consumer prices of November 2023 before their release, and knows them after", () => {
    if (dataset === undefined) return;
    const month = dayNumber("2023-11-01");
    const view = new AsOfView(dataset, decisionTime("2023-12-11"));
    expect(view.on("cpi", month)).to.equal(null);
    expect(dateOfDay(view.latest("cpi")!.day)).to.equal("2023-10-01");
    expect(view.advanceTo(decisionTime("2023-12-12")).on("cpi", month)).to.be.a("number");
  });

  it("has the dollar's index by the session after its release, not by its day", () => {
    if (dataset === undefined) return;
    const view = new AsOfView(dataset, decisionTime("2023-12-15")); // a Friday
    expect(dateOfDay(view.latest("dollarBroad")!.day)).to.equal("2023-12-08");
    expect(dateOfDay(view.advanceTo(decisionTime("2023-12-18")).latest("dollarBroad")!.day)).to.equal("2023-12-15");
  });
});

describe("mutateDataset", () => {
  it("changes every value, and only those, that was unknown (or known) at t", async () => {
    if (dataMissing("mutating the dataset")) return;
    const dataset = await readDataset(DATA_DIR);
    const random = lehmer(7);
    for (const date of ["1990-01-01", "2005-06-30", "2020-03-16", "2023-12-29"]) {
      const t = decisionTime(date);
      const after = mutateAfter(dataset, t, random);
      const before = mutateBefore(dataset, t, random);
      let added = 0;
      for (const [name, was] of dataset.series) {
        const is = after.series.get(name)!;
        const known = was.availableAt.filter((at) => at <= t).length;
        for (const key of ["days", "availableAt", "values"] as const) {
          expect([...is[key].subarray(0, known)], `${name} ${key}`).to.deep.equal([...was[key].subarray(0, known)]);
        }
        expect(
          is.availableAt.subarray(known).every((at) => at > t),
          name,
        ).to.equal(true);
        expect(
          is.days.every((day, i) => i === 0 || day >= is.days[i - 1]!),
          name,
        ).to.equal(true);
        const old = new Map(Array.from(was.days, (day, i) => [day, was.values[i]!]));
        if (was.calendar !== "funding") {
          const same = is.days
            .subarray(known)
            .filter((day, i) => old.get(day) === is.values[known + i] && old.get(day) !== 0);
          expect(same.length, `${name}: unchanged`).to.equal(0);
        }
        added += is.days.length - was.days.length;
        const past = before.series.get(name)!;
        expect([...past.values.subarray(known)]).to.deep.equal([...was.values.subarray(known)]);
        expect(past.values.subarray(0, known).every((value, i) => value !== was.values[i] || value === 0)).to.equal(
          true,
        );
      }
      expect(added).to.not.equal(0);
      const seen = (events: Dataset["events"]): unknown => events.filter(({ knownFrom }) => knownFrom <= t);
      expect(seen(after.events)).to.deep.equal(seen(dataset.events));
      expect(after.events).to.not.deep.equal(dataset.events);
    }
  });
});
