import { expect } from "chai";
import fc from "fast-check";
import { createWorstRise, liquidationRise, marginFor, MarginInputError } from "../../src/hedge/margin.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { addDays, dateOfDay, dayNumber } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import { lehmer } from "../helpers/lehmer.ts";

interface Bar {
  date: string;
  close: number;
  high: number;
}

describe("Margin of the short", () => {
  it("puts liquidation at 1.5 times the worst rise", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e9, noNaN: true }),
        fc.double({ min: 0.001, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 0.2, noNaN: true }),
        (notional, rise, maintenance) => {
          const { margin, leverage, liquidationRise: at } = marginFor(notional, rise, maintenance);
          expect(Math.abs(liquidationRise(notional, margin, maintenance) - 1.5 * rise) < 1e-9).to.equal(true);
          expect(at).to.equal(1.5 * rise);
          expect(Math.abs(leverage * margin - notional) <= notional * 1e-12).to.equal(true);
        },
      ),
      { numRuns: 1_000, seed: 1 },
    );
  });

  it("refuses what is no notional, rise or ratio", () => {
    expect(() => marginFor(-1, 0.5)).to.throw(MarginInputError, "notional");
    expect(() => marginFor(1, NaN)).to.throw(MarginInputError, "worstRise");
    expect(() => marginFor(1, 0.5, 1)).to.throw(MarginInputError, "maintenanceMargin");
    expect(() => liquidationRise(0, 1)).to.throw(MarginInputError, "notional");
  });

  describe("worst rise so far", () => {
    const bars = randomBars(400);
    const series = { close: "eth", high: "ethHigh" };

    it("is that of the plain definition at every session, with bars missing", () => {
      const gappy = bars.filter((_, i) => i % 17 !== 5);
      const view = new AsOfView(buildDataset({ "eth.csv": csv(gappy) }));
      const worstRise = createWorstRise(series);
      for (let i = 0; i < 400; i++) {
        const date = addDays("2020-01-01", i);
        const worst = worstRise(view.advanceTo(decisionTime(date)));
        const known = gappy.filter((bar) => bar.date <= date);
        if (known.length < 4) expect(worst).to.equal(null);
        else expect(worst?.rise).to.equal(plainWorst(known));
      }
    });

    it("does not depend on how often it is asked", () => {
      const dataset = buildDataset({ "eth.csv": csv(bars) });
      const once = createWorstRise(series)(new AsOfView(dataset, decisionTime("2021-01-10")));
      const view = new AsOfView(dataset);
      const often = createWorstRise(series);
      for (let day = dayNumber("2019-12-31"); day < dayNumber("2021-01-10"); day += 3) {
        often(view.advanceTo(decisionTime(dateOfDay(day))));
      }
      expect(often(view.advanceTo(decisionTime("2021-01-10")))).to.deep.equal(once);
      expect(once?.days).to.equal(376);
    });

    it("does without highs, and is null without a series", () => {
      const dataset = buildDataset({
        "btc_close_2014.csv": "date,close\n2020-01-01,100\n2020-01-02,90\n2020-01-03,120\n2020-01-04,80\n",
      });
      const view = new AsOfView(dataset, decisionTime("2020-01-05"));
      const worst = createWorstRise({ close: "btcSince2014" })(view);
      expect(worst?.rise).to.equal(120 / 90 - 1);
      expect(dateOfDay(worst!.fromDay)).to.equal("2020-01-02");
      expect(createWorstRise(series)(view)).to.equal(null);
    });
  });
});

function plainWorst(known: readonly Bar[]): number {
  const days = known.map(({ date }) => dayNumber(date));
  let worst = 0;
  known.forEach(({ close }, i) => {
    for (let j = i + 1; j < known.length && days[j]! - days[i]! <= 3; j++) {
      worst = Math.max(worst, known[j]!.high / close - 1);
    }
  });
  return worst;
}

function randomBars(n: number): Bar[] {
  const random = lehmer(7);
  let close = 100;
  return Array.from({ length: n }, (_, i) => {
    close *= 0.9 + 0.2 * random();
    return { date: addDays("2020-01-01", i), close, high: close * (1 + 0.1 * random()) };
  });
}

function csv(bars: readonly Bar[]): string {
  const rows = bars.map(({ date, close, high }) => `${date},${close},${high},${close},${close},1`);
  return ["date,open,high,low,close,volume", ...rows, ""].join("\n");
}
