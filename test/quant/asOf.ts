import { expect } from "chai";
import fc from "fast-check";
import { AsOfView, NotAnInstantError, TimeRunsForwardError } from "../../src/market/asOf.ts";
import { dayNumber } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import type { Dataset, MarketEvent, Series, SeriesInfo } from "../../src/market/series.ts";
import { SeriesMissingError } from "../../src/market/series.ts";
import { lehmer } from "../helpers/lehmer.ts";
import { mutateAfter } from "../helpers/mutateDataset.ts";

const INFO: SeriesInfo = { name: "s", unit: "points", calendar: "utc", vintage: "first" };
const RUNS = { numRuns: 300 };

/** Any dataset of one series and some events; each value is its own availability, so what is seen says when it was known. */
const datasets = fc
  .record({
    gaps: fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 200_000 })), { maxLength: 40 }),
    events: fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: -1, max: 5_000_000 })), {
      maxLength: 9,
    }),
  })
  .map(({ gaps, events }): Dataset => {
    let [day, at] = [0, 0];
    const rows = gaps.map(([days, seconds]) => [(day += days), (at += seconds)] as const);
    const series: Series = {
      ...INFO,
      days: Int32Array.from(rows, ([of]) => of),
      availableAt: Float64Array.from(rows, ([, known]) => known),
      values: Float64Array.from(rows, ([, known]) => known),
    };
    const calendar = events
      .map(([of, known]): MarketEvent => ({ day: of, kind: "cpi", knownFrom: known < 0 ? -Infinity : known }))
      .sort((a, b) => a.day - b.day);
    return { series: new Map([["s", series]]), events: calendar, notes: [] };
  });
const instants = fc.integer({ min: -10, max: 6_000_000 });
/** Whatever a careless caller may pass for a number. */
const numbers = fc.oneof(fc.integer({ min: -100, max: 100 }), fc.double(), fc.constantFrom(NaN, Infinity, -Infinity));

describe("AsOfView", () => {
  it("never answers anything that was not known, whatever it is asked", () => {
    fc.assert(
      fc.property(datasets, instants, numbers, numbers, (dataset, t, a, b) => {
        const view = new AsOfView(dataset, t);
        const seen = [
          view.latest("s", a)?.availableAt,
          view.on("s", a),
          ...view.last("s", a),
          ...view.between("s", a, b).values,
          ...view.publishedIn("s", a, b).values,
          ...view.publishedIn("s", -Infinity, Infinity).availableAt,
          ...view.events(-Infinity, Infinity).map(({ knownFrom }) => knownFrom),
        ];
        for (const value of seen) if (value !== null && value !== undefined) expect(value).to.be.at.most(t);
      }),
      RUNS,
    );
  });

  it("answers everything that was known, in order", () => {
    fc.assert(
      fc.property(datasets, instants, (dataset, t) => {
        const { days, availableAt } = dataset.series.get("s")!;
        const known = [...availableAt].filter((at) => at <= t);
        const view = new AsOfView(dataset, t);
        expect(view.count("s")).to.equal(known.length);
        expect([...view.last("s", Infinity)]).to.deep.equal(known);
        expect([...view.between("s", -Infinity, Infinity).values]).to.deep.equal(known);
        expect([...view.publishedIn("s", -Infinity, t).values]).to.deep.equal(known);
        known.forEach((at, i) => {
          expect(view.latest("s", known.length - 1 - i)).to.deep.equal({ day: days[i], value: at, availableAt: at });
        });
      }),
      RUNS,
    );
  });

  it("answers the same with another future", () => {
    fc.assert(
      fc.property(datasets, instants, fc.integer({ min: 1, max: 1e9 }), numbers, numbers, (dataset, t, seed, a, b) => {
        const other = mutateAfter(dataset, t, lehmer(seed));
        const [here, there] = [new AsOfView(dataset, t), new AsOfView(other, t)];
        const all = (view: AsOfView): unknown => [
          view.count("s"),
          view.latest("s", a),
          view.on("s", a),
          view.last("s", a),
          view.between("s", a, b),
          view.publishedIn("s", a, b),
          view.events(0, 100),
        ];
        expect(all(there)).to.deep.equal(all(here));
      }),
      RUNS,
    );
  });

  it("steps to where a new view would stand", () => {
    fc.assert(
      fc.property(datasets, fc.array(instants, { minLength: 1, maxLength: 9 }), (dataset, times) => {
        const stepping = new AsOfView(dataset);
        for (const t of times.sort((a, b) => a - b)) {
          expect(stepping.advanceTo(t).last("s", 99)).to.deep.equal(new AsOfView(dataset, t).last("s", 99));
          expect(stepping.now).to.equal(t);
        }
      }),
      RUNS,
    );
  });

  const rates =
    "time,rate\n2023-07-03T00:00:00Z,1\n2023-07-03T08:00:00Z,2\n2023-07-03T12:00:00Z,3\n2023-07-04T00:00:00Z,4\n";
  const events = "date,event\n2020-03-15,fomc_intermeeting\n2020-03-18,vix_expiry\n2020-04-29,fomc_decision\n";
  const dataset = buildDataset({ "funding_eth_8h.csv": rates, "events.csv": events });
  const at = (text: string): number => Date.parse(text) / 1_000;

  it("hands out copies, behind which there is nothing", () => {
    const view = new AsOfView(dataset, at("2023-07-03T09:00:00Z"));
    const seen = [view.last("fundingEth", 2), view.between("fundingEth", 0, 99_999).values];
    for (const values of seen) {
      expect(values.buffer.byteLength, "the copy's own memory").to.equal(16);
      values.fill(99);
    }
    expect([...view.last("fundingEth", 9)]).to.deep.equal([1, 2]);
    expect(Object.values(view), "nothing but private fields").to.deep.equal([]);
    expect(JSON.stringify(view)).to.equal("{}");
  });

  it("gives all settlements of a day, and those after one instant up to another", () => {
    const view = new AsOfView(dataset, at("2023-07-04T00:05:00Z"));
    const day = dayNumber("2023-07-03");
    expect(view.on("fundingEth", day), "the first").to.equal(1);
    expect([...view.between("fundingEth", day, day).values]).to.deep.equal([1, 2, 3]);
    const { values, availableAt } = view.publishedIn(
      "fundingEth",
      at("2023-07-03T00:00:00Z"),
      at("2023-07-03T12:00:00Z"),
    );
    expect([...values], "the entry's own is not due, the exit's is").to.deep.equal([2, 3]);
    expect([...availableAt]).to.deep.equal([at("2023-07-03T08:00:00Z"), at("2023-07-03T12:00:00Z")]);
  });

  it("knows scheduled events ahead and others on their day", () => {
    const days = [dayNumber("2020-03-01"), dayNumber("2020-04-30")] as const;
    const kinds = (date: string): string[] =>
      new AsOfView(dataset, decisionTime(date)).events(...days).map(({ kind }) => kind);
    expect(kinds("2020-03-13")).to.deep.equal(["vix_expiry", "fomc_decision"]);
    expect(kinds("2020-03-16")).to.deep.equal(["fomc_intermeeting", "vix_expiry", "fomc_decision"]);
    expect(new AsOfView(dataset).events(...days, ["vix_expiry"])).to.have.length(1);
  });

  it("answers nothing for a series that is not there, or says who needs it", () => {
    const view = new AsOfView(dataset, at("2023-07-03T09:00:00Z"));
    expect(view.has("vix")).to.equal(false);
    expect([view.count("vix"), view.latest("vix"), view.on("vix", 0)]).to.deep.equal([0, null, null]);
    expect([view.last("vix", 5), view.between("vix", 0, 9).values, view.publishedIn("vix", 0, 9).values]).to.deep.equal(
      Array(3).fill(new Float64Array(0)),
    );
    expect(() => view.require("vix", "the regime")).to.throw(SeriesMissingError, "the regime by 2023-07-03");
    expect(view.require("fundingEth", "carry").value).to.equal(2);
  });

  it("does not go back, nor stand nowhere", () => {
    const view = new AsOfView(dataset, 100);
    expect(() => view.advanceTo(99)).to.throw(TimeRunsForwardError, "1970-01-01T00:01:40");
    expect(() => view.advanceTo(-Infinity)).to.throw(TimeRunsForwardError, "-Infinity");
    expect(() => view.advanceTo(NaN)).to.throw(NotAnInstantError);
    expect(view.advanceTo(100).now).to.equal(100);
  });
});
