import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { blend, cdarMatchedWeight, exPostWeight } from "../../src/backtest/holdLess.ts";
import {
  annualisedVolatility,
  annualReturn,
  cdar,
  drawdowns,
  expectedShortfall,
  maxDrawdown,
  measure,
  MetricInputError,
  sharpe,
  simpleReturns,
  sortino,
  totalReturn,
  ulcer,
  valueAtRisk,
} from "../../src/backtest/metrics.ts";
import { ballast, ballastJson } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { lehmer } from "../helpers/lehmer.ts";

/** A positive path with daily moves within ±5 %, from a fixed seed. */
function randomPath(seed: number, days: number): number[] {
  const random = lehmer(seed);
  const path = [100];
  for (let day = 0; day < days; day++) path.push((path.at(-1) as number) * (1 + (random() - 0.5) * 0.1));
  return path;
}

describe("metrics of a NAV path", function () {
  it("total return is last over first", function () {
    expect(totalReturn([100, 90, 110])).to.be.closeTo(0.1, 1e-15);
  });

  it("max drawdown counts a first-day loss", function () {
    expect(maxDrawdown([100, 80, 90])).to.deep.equal({ value: 1 - 80 / 100, from: 0, to: 1 });
  });

  it("max drawdown takes the deepest fall, not the longest or the last", function () {
    const { value, from, to } = maxDrawdown([100, 120, 90, 130, 110, 91, 140, 133]);
    expect([from, to]).to.deep.equal([3, 5]);
    expect(value).to.be.closeTo(0.3, 1e-15);
  });

  it("max drawdown starts at the last touch of its high and keeps the first of equal lows", function () {
    expect(maxDrawdown([100, 100, 50, 100, 50])).to.deep.equal({ value: 0.5, from: 1, to: 2 });
  });

  it("a path that never falls has no drawdown, ulcer or CDaR", function () {
    const rising = [1, 1, 2, 3];
    expect(maxDrawdown(rising)).to.deep.equal({ value: 0, from: 0, to: 0 });
    expect(ulcer(rising)).to.equal(0);
    expect(cdar(rising, 0.95)).to.equal(0);
  });

  it("drawdowns are one a period, the start excluded", function () {
    const found = drawdowns([100, 90, 120, 60]);
    [0.1, 0, 0.5].forEach((expected, i) => expect(found[i]).to.be.closeTo(expected, 1e-15));
    expect(found).to.have.length(3);
  });

  it("CDaR weighs the last drawdown of the tail by the fraction left over", function () {
    // Drawdowns 10 %, 20 %, 30 %, 40 %, 0 %: n = 5.
    const path = [100, 90, 80, 70, 60, 100];
    expect(cdar(path, 0.5)).to.be.closeTo((0.4 + 0.3 + 0.5 * 0.2) / 2.5, 1e-15);
    expect(cdar(path, 0.7)).to.be.closeTo((0.4 + 0.5 * 0.3) / 1.5, 1e-15);
    expect(cdar(path, 0)).to.be.closeTo(0.2, 1e-15);
    expect(cdar(path, 0.95), "a tail below one day is its worst day").to.be.closeTo(0.4, 1e-15);
  });

  it("the worst days found by selection are those that sorting all finds", function () {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 1, max: 300 }),
        fc.nat(999),
        (seed, days, level) => {
          // Prices on a coarse grid have many ties.
          const path = randomPath(seed, days).map((nav) => Math.max(1, Math.round(nav / 5)));
          const alpha = level / 1_000;
          const sorted = [...drawdowns(path)].sort((a, b) => b - a);
          const tail = (1 - alpha) * days;
          const sum = sorted.reduce((s, d, i) => s + d * Math.min(1, Math.max(0, tail - i)), 0);
          expect(cdar(path, alpha)).to.be.closeTo(sum / tail, 1e-12);
          const losses = simpleReturns(path).map((r) => -r);
          losses.sort((a, b) => b - a);
          expect(valueAtRisk(path, alpha)).to.equal(losses[Math.max(1, Math.ceil(tail - 1e-9)) - 1]);
        },
      ),
    );
  });

  it("CDaR lies between the mean and the deepest drawdown and rises with alpha", function () {
    for (let seed = 1; seed <= 20; seed++) {
      const path = randomPath(seed, 250);
      const levels = [0, 0.5, 0.9, 0.95, 0.99].map((alpha) => cdar(path, alpha));
      expect(levels).to.deep.equal([...levels].sort((a, b) => a - b));
      expect(levels.at(-1)).to.be.at.most(maxDrawdown(path).value);
    }
  });

  it("volatility is the sample standard deviation, annualised", function () {
    // Returns +10 % and −10 %: mean 0, sample variance 0.02.
    expect(annualisedVolatility([100, 110, 99], 365)).to.be.closeTo(Math.sqrt(0.02 * 365), 1e-12);
    expect(annualisedVolatility([100, 101, 102.01], 365), "constant growth").to.be.closeTo(0, 1e-12);
  });

  it("the ulcer index is the root mean square drawdown", function () {
    expect(ulcer([100, 70, 60, 100, 100])).to.be.closeTo(Math.sqrt((0.09 + 0.16) / 4), 1e-15);
  });

  it("refuses paths and levels without a meaning", function () {
    expect(() => totalReturn([100])).to.throw(MetricInputError, "at least 2");
    expect(() => maxDrawdown([100, 0, 50])).to.throw(MetricInputError, "NAV 1 is 0");
    expect(() => drawdowns([100, NaN])).to.throw(MetricInputError, "NAV 1 is NaN");
    expect(() => cdar([100, 90], 1)).to.throw(MetricInputError, "alpha is 1");
    expect(() => annualisedVolatility([100, 90], 365)).to.throw(MetricInputError, "at least 3");
  });

  it("value at risk is the smallest of the worst losses, expected shortfall their mean", function () {
    // Twenty returns: −10 %, −5 %, then eighteen gains. The worst 5 % is one day, the worst 10 % two.
    const path = [-0.1, -0.05, ...new Array<number>(18).fill(0.01)].reduce<number[]>(
      (navs, r) => [...navs, navs.at(-1)! * (1 + r)],
      [100],
    );
    expect(valueAtRisk(path, 0.95)).to.be.closeTo(0.1, 1e-12);
    expect(expectedShortfall(path, 0.95)).to.be.closeTo(0.1, 1e-12);
    expect(valueAtRisk(path, 0.9)).to.be.closeTo(0.05, 1e-12);
    expect(expectedShortfall(path, 0.9)).to.be.closeTo(0.075, 1e-12);
    expect(expectedShortfall(path, 0.925), "half of the second loss").to.be.closeTo((0.1 + 0.025) / 1.5, 1e-12);
    expect(valueAtRisk(path, 0.5), "a gain is a negative loss").to.be.closeTo(-0.01, 1e-12);
  });

  it("Sharpe and Sortino are of the return above cash", function () {
    // Excess returns +3 % and −1 %: mean 1 %, sample deviation √0.0008, downside √(0.0001 / 2).
    const path = [100, 104, 104];
    expect(sharpe(path, 4, [0.01, 0.01])).to.be.closeTo((0.01 / Math.sqrt(0.0008)) * 2, 1e-12);
    expect(sortino(path, 4, [0.01, 0.01])).to.be.closeTo((0.01 / Math.sqrt(0.00005)) * 2, 1e-12);
    expect(sharpe([1, 1, 1], 252)).to.equal(null);
    expect(sortino([1, 2, 3], 252)).to.equal(null);
    expect(() => sharpe(path, 4, [0.01])).to.throw(MetricInputError, "2 returns and 1 of cash");
  });

  it("the annual return compounds to the total one", function () {
    expect(annualReturn([100, 150, 121], 1)).to.be.closeTo(0.1, 1e-12);
  });

  it("measures everything at once as each by itself", function () {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 2, max: 400 }), (seed, days) => {
        const path = randomPath(seed, days);
        const cash = simpleReturns(path).map(() => 0.0001);
        expect(measure(Float64Array.from(path), 365, cash)).to.deep.equal({
          totalReturn: totalReturn(path),
          annualReturn: annualReturn(path, 365),
          volatility: annualisedVolatility(path, 365),
          sharpe: sharpe(path, 365, cash),
          sortino: sortino(path, 365, cash),
          maxDrawdown: maxDrawdown(path),
          cdar90: cdar(path, 0.9),
          cdar95: cdar(path, 0.95),
          cdar99: cdar(path, 0.99),
          ulcer: ulcer(path),
          valueAtRisk95: valueAtRisk(path, 0.95),
          expectedShortfall95: expectedShortfall(path, 0.95),
        });
        expect(expectedShortfall(path, 0.95)).to.be.at.least(valueAtRisk(path, 0.95) - 1e-15);
      }),
    );
  });
});

describe("hold less", function () {
  const cash = [0, 0, 0];

  it("the ex-post weight is the ratio of mean excess returns", function () {
    expect(exPostWeight([0.01, 0.02, 0], [0.03, 0.03, 0], cash).weight).to.be.closeTo(0.5, 1e-15);
    // Above cash of 1 % a period the hedged path has nothing left.
    expect(exPostWeight([0.01, 0.02, 0], [0.03, 0.03, 0], [0.01, 0.01, 0.01]).weight).to.be.closeTo(0, 1e-12);
  });

  it("the ex-post weight is held to [0, 1] and says so", function () {
    expect(exPostWeight([-0.01, 0, 0], [0.03, 0, 0], cash)).to.deep.include({ weight: 0 });
    const more = exPostWeight([0.05, 0, 0], [0.03, 0, 0], cash);
    expect(more.weight).to.equal(1);
    expect(more.reason).to.contain("held at 1");
  });

  it("the ex-post weight is undefined when the unhedged vault earned no excess", function () {
    for (const unhedged of [[-0.03, 0, 0], cash]) {
      const found = exPostWeight([0.01, 0, 0], unhedged, cash);
      expect(found.weight).to.equal(null);
      expect(found.reason).to.contain("nothing above cash");
    }
  });

  it("a blend is rebalanced daily", function () {
    const path = blend([100, 110, 99], 0.5);
    [100, 105, 105 * 0.95].forEach((expected, i) => expect(path[i]).to.be.closeTo(expected, 1e-12));
    const withCash = blend([100, 110, 99], 0.25, [0.01, 0.02]);
    expect(withCash[2]).to.be.closeTo(100 * (1 + 0.025 + 0.0075) * (1 - 0.025 + 0.015), 1e-12);
  });

  it("a blend of everything is the vault, and of nothing is cash", function () {
    const path = randomPath(7, 60);
    blend(path, 1).forEach((nav, i) => expect(nav).to.be.closeTo(path[i] as number, 1e-9));
    expect(blend(path, 0).every((nav) => nav === 100)).to.equal(true);
  });

  it("a blend's CDaR never falls as its weight rises", function () {
    for (let seed = 1; seed <= 20; seed++) {
      const path = randomPath(seed, 120);
      for (const cashReturns of [undefined, simpleReturns(path).map(() => 0.0002)]) {
        const levels = Array.from({ length: 21 }, (_, i) => cdar(blend(path, i / 20, cashReturns), 0.9));
        levels.slice(1).forEach((level, i) => expect(level).to.be.at.least((levels[i] as number) - 1e-15));
      }
    }
  });

  it("the CDaR-matched weight recovers the blend it was made from", function () {
    for (const weight of [0.1, 0.37, 0.9]) {
      const unhedged = randomPath(11, 200);
      const found = cdarMatchedWeight(blend(unhedged, weight), unhedged, 0.95);
      expect(found.weight).to.be.closeTo(weight, 1e-9);
      expect(found.reason).to.contain("worst 5%");
    }
  });

  it("the CDaR-matched weight has the hedged path's CDaR, with cash that dips too", function () {
    const unhedged = randomPath(13, 300);
    const cash = simpleReturns(unhedged).map((_, i) => (i % 3 === 0 ? -0.0001 : 0.0002));
    const hedged = blend(unhedged, 0.4, cash);
    const { weight } = cdarMatchedWeight(hedged, unhedged, 0.95, cash);
    expect(cdar(blend(unhedged, weight!, cash), 0.95)).to.be.closeTo(cdar(hedged, 0.95), 1e-9);
  });

  it("the CDaR-matched weight is 1 when the unhedged vault fell no deeper, 0 against a path without falls", function () {
    expect(cdarMatchedWeight([100, 80], [100, 90], 0.95).weight).to.equal(1);
    expect(cdarMatchedWeight([100, 101, 102], [100, 90, 80], 0.95).weight).to.be.closeTo(0, 1e-12);
  });

  it("refuses lists that do not pair and weights outside [0, 1]", function () {
    expect(() => exPostWeight([0.1], [0.1, 0.2], [0])).to.throw(MetricInputError, "1, 2, 1");
    expect(() => blend([100, 90], 1.2)).to.throw(MetricInputError, "1.2");
    expect(() => cdarMatchedWeight([100, 90], [100, 80, 70], 0.9)).to.throw(MetricInputError, "2, 3");
  });
});

describe("ballast metrics", function () {
  // Market data is not part of the project: these dates and this value are the published reference.
  it("finds the S&P 500's deepest fall of 1990–2023, to the digits given", async function () {
    if (dataMissing("the S&P 500's deepest fall")) return;
    const file = join(DATA_DIR, "spx.csv");
    const { json } = await ballastJson(["metrics", "--in", file, "--to", "2023-12-29"]);
    expect(json).to.include({
      from: "1990-01-02",
      to: "2023-12-29",
      periodsPerYear: 252,
      maxDrawdownFrom: "2007-10-09",
      maxDrawdownTo: "2009-03-09",
    });
    expect(json["maxDrawdown"]).to.be.closeTo(0.56775388, 5e-9);
    const shorter = await ballastJson(["metrics", "--in", file, "--from", "2020-01-02", "--to", "2020-12-31"]);
    expect([shorter.json["maxDrawdownFrom"], shorter.json["maxDrawdownTo"]]).to.deep.equal([
      "2020-02-19",
      "2020-03-23",
    ]);
  });

  it("refuses numbers that are none, as wrong usage", async function () {
    for (const flags of [
      ["--periods-per-year", "0"],
      ["--cash-rate", "x"],
      ["--from", "2020-02-30"],
    ]) {
      const { code, stderr } = await ballast(["metrics", "--in", "no-such.csv", ...flags]);
      expect(code, stderr).to.equal(2);
      expect(stderr).to.contain(flags[0]!);
    }
  });

  it("names the day of a total loss, and a window that runs backwards", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ballast-metrics-"));
    try {
      const file = join(folder, "nav.csv");
      await writeFile(file, "date,close\n2020-01-02,5\n2020-01-03,0\n2020-01-06,5\n");
      const lost = await ballast(["metrics", "--in", file]);
      expect(lost.code).to.equal(1);
      expect(lost.stderr).to.match(/^DataFileError: .*nav\.csv, column 'close': it is 0 on 2020-01-03/);
      const backwards = await ballast(["metrics", "--in", file, "--from", "2020-01-06", "--to", "2020-01-02"]);
      expect(backwards.code).to.equal(2);
      expect(backwards.stderr).to.contain("--from 2020-01-06 is after --to 2020-01-02");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("refuses a path whose yearly return overflows", () => {
    expect(() => measure([1, 1e3, 1e6], 365)).to.throw(MetricInputError, "annualReturn is Infinity");
  });
});
