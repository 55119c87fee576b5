import { expect } from "chai";
import fc from "fast-check";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addDays } from "../../src/market/calendar.ts";
import {
  IndicatorInputError,
  WARM_UP_BARS,
  createEma,
  createMacd,
  createRsi,
  ema,
  macd,
  rsi,
} from "../../src/signals/indicators.ts";
import { ballastJson, ballast } from "../helpers/ballast.ts";
import { lehmer } from "../helpers/lehmer.ts";

/** A walk in cents from 20.00, the same in any language: steps of ±2.00 from Lehmer's integers, floored at 5.00. */
function walk(bars: number): Float64Array {
  const random = lehmer(42);
  let cents = 2_000;
  return Float64Array.from({ length: bars }, () => {
    const state = Math.round(random() * 2_147_483_647);
    cents = Math.max(500, cents + (state % 401) - 200);
    return cents / 100;
  });
}

/** Definitions spelled out with no running state: every average from its first bar, again for every bar. */
function slowEma(values: readonly number[], period: number, seedEnd: number, bar: number): number {
  let average = values.slice(seedEnd - period + 1, seedEnd + 1).reduce((sum, value) => sum + value, 0) / period;
  for (const value of values.slice(seedEnd + 1, bar + 1)) average += (2 / (period + 1)) * (value - average);
  return average;
}

function slowMacd(values: readonly number[], bar: number): { macd: number; signal: number } {
  const line = values.map((_, i) => (i < 25 ? NaN : slowEma(values, 12, 25, i) - slowEma(values, 26, 25, i)));
  return { macd: line[bar]!, signal: slowEma(line, 9, 33, bar) };
}

function slowRsi(values: readonly number[], bar: number): number {
  const changes = values.slice(1).map((value, i) => value - values[i]!);
  const wilder = (moves: number[]): number => {
    let average = moves.slice(0, 14).reduce((sum, move) => sum + move, 0) / 14;
    for (const move of moves.slice(14, bar)) average = (13 / 14) * average + move / 14;
    return average;
  };
  const up = wilder(changes.map((change) => Math.max(0, change)));
  const down = wilder(changes.map((change) => Math.max(0, -change)));
  return up + down === 0 ? 0 : 100 - 100 / (1 + up / down);
}

const prices = fc
  .array(fc.integer({ min: 1, max: 100_000 }), { minLength: 40, maxLength: 90 })
  .map((cents) => cents.map((value) => value / 100));

describe("indicators", () => {
  it("gives TA-Lib's own numbers, to the last bit", () => {
    // TA-Lib 0.6 (Python wrapper 0.8.2) on the walk of 400 bars: bar, EMA(12), MACD(12,26,9) line, signal, histogram, RSI(14).
    const reference = [
      [33, 18.125508538770163, -1.614321417471789, -2.3373521792069534, 0.7230307617351643, 55.683045740104454],
      [34, 18.547737994343983, -1.2721885998084872, -2.12431946332726, 0.8521308635187728, 57.480594953584315],
      [60, 26.60474123970769, 1.3492221163588347, 1.1460212096815705, 0.2032009066772642, 62.05194817235633],
      [250, 8.475991806680355, -0.9911109869499644, -0.648019227972564, -0.3430917589774004, 34.77534991739733],
      [399, 8.803120341042485, -0.8555720226170589, -0.6098377342820795, -0.24573428833497934, 44.16012915490824],
    ] as const;
    const values = walk(400);
    const average = ema(values, 12);
    const { macd: line, signal, histogram } = macd(values);
    const strength = rsi(values);
    for (const [bar, ...expected] of reference) {
      expect([average[bar], line[bar], signal[bar], histogram[bar], strength[bar]], `bar ${bar}`).to.deep.equal(
        expected,
      );
    }
    expect([average[11], average[12], strength[14]]).to.deep.equal([
      24.020833333333332, 23.722243589743588, 49.759780370624576,
    ]);
    const other = macd(values, 5, 10, 4);
    expect([other.macd[50], other.signal[50], other.histogram[50], rsi(values, 7)[50]]).to.deep.equal([
      0.013596457359266623, 0.2551543569822088, -0.24155789962294216, 52.7921245728603,
    ]);
  });

  it("starts on TA-Lib's bars and says NaN before them", () => {
    const values = walk(60);
    const first = (column: Float64Array): number => column.findIndex((value) => !Number.isNaN(value));
    const { macd: line, signal, histogram } = macd(values);
    expect([ema(values, 12), line, signal, histogram, rsi(values)].map(first)).to.deep.equal([11, 33, 33, 33, 14]);
    for (const bars of [0, 1, 13]) {
      const short = walk(bars);
      for (const column of [ema(short, 14), macd(short).histogram, rsi(short)]) {
        expect(column).to.have.length(bars);
        expect(column.every(Number.isNaN)).to.equal(true);
      }
    }
  });

  it("agrees with the definitions spelled out", () => {
    fc.assert(
      fc.property(prices, (list) => {
        const values = Float64Array.from(list);
        const bar = list.length - 1;
        const { macd: line, signal } = macd(values);
        const slow = slowMacd(list, bar);
        expect(ema(values, 12)[bar]).to.be.closeTo(slowEma(list, 12, 11, bar), 1e-9);
        expect(line[bar]).to.be.closeTo(slow.macd, 1e-9);
        expect(signal[bar]).to.be.closeTo(slow.signal, 1e-9);
        expect(rsi(values)[bar]).to.be.closeTo(slowRsi(list, bar), 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  it("steps one value at a time to the same bits", () => {
    const values = walk(300);
    const [nextEma, nextMacd, nextRsi] = [createEma(12), createMacd(), createRsi()];
    const steps = Array.from(values, (value) => ({ ema: nextEma(value), ...nextMacd(value), rsi: nextRsi(value) }));
    const columns = macd(values);
    expect(steps.map((step) => step.ema)).to.deep.equal([...ema(values, 12)]);
    expect(steps.map((step) => step.macd)).to.deep.equal([...columns.macd]);
    expect(steps.map((step) => step.signal)).to.deep.equal([...columns.signal]);
    expect(steps.map((step) => step.histogram)).to.deep.equal([...columns.histogram]);
    expect(steps.map((step) => step.rsi)).to.deep.equal([...rsi(values)]);
  });

  it("scales as it must: MACD with the unit, RSI not at all and mirrored by the sign", () => {
    fc.assert(
      fc.property(prices, fc.constantFrom(0.25, 2, 1024), (list, factor) => {
        const values = Float64Array.from(list);
        const scaled = values.map((value) => value * factor);
        const bar = list.length - 1;
        // Powers of two: scaling moves the exponent and nothing else.
        expect(macd(scaled).histogram[bar]).to.equal(macd(values).histogram[bar]! * factor);
        const strength = rsi(values)[bar]!;
        expect(strength).to.be.within(0, 100);
        expect(rsi(scaled)[bar]).to.equal(strength);
        fc.pre(strength > 0);
        expect(rsi(values.map((value) => -value))[bar]).to.be.closeTo(100 - strength, 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  it("calls a series that does not move RSI 0, as TA-Lib does, and one that only rises 100", () => {
    expect(rsi(new Float64Array(20).fill(5))[19]).to.equal(0);
    expect(rsi(Float64Array.from({ length: 20 }, (_, i) => i + 1))[19]).to.equal(100);
  });

  it("names the value that is not finite, wherever it stands", () => {
    for (const bars of [5, 20, 60]) {
      for (const bad of [NaN, Infinity, -Infinity]) {
        for (const bar of [0, bars >> 1, bars - 1]) {
          const values = walk(bars);
          values[bar] = bad;
          const where = `${bars} bars, bar ${bar} is ${bad}`;
          const calls = [(): unknown => ema(values, 4), (): unknown => macd(values), (): unknown => rsi(values)];
          for (const call of calls) expect(call, where).to.throw(IndicatorInputError, `bar ${bar} is ${bad}`);
        }
      }
    }
    for (const next of [createEma(3), createMacd(), createRsi()]) {
      expect(() => next(NaN)).to.throw(IndicatorInputError, "is NaN");
    }
  });

  it("refuses periods that mean nothing", () => {
    const values = walk(60);
    expect(() => ema(values, 1)).to.throw(IndicatorInputError, "period of 1");
    expect(() => rsi(values, 2.5)).to.throw(IndicatorInputError, "period of 2.5");
    expect(() => macd(values, 26, 12, 9)).to.throw(IndicatorInputError, "fast period 26");
    expect(() => createMacd(12, 26, 0)).to.throw(IndicatorInputError, "period of 0");
  });
});

describe("ballast indicators", () => {
  let folder = "";
  before(async () => (folder = await mkdtemp(join(tmpdir(), "ballast-indicators-"))));
  after(() => rm(folder, { recursive: true }));

  async function csv(bars: number, column = "close"): Promise<string> {
    const path = join(folder, `${bars}-${column}.csv`);
    const rows = Array.from(walk(bars), (value, i) => `${addDays("2020-01-01", i)},${value}`);
    await writeFile(path, [`date,${column}`, ...rows].join("\n"));
    return path;
  }

  it("prints the last row's values and nothing else", async () => {
    const { code, json } = await ballastJson(["indicators", "--in", await csv(400)]);
    expect(code).to.equal(0);
    expect(json).to.deep.equal({
      date: "2021-02-03",
      ema12: 8.803120341042485,
      macd: -0.8555720226170589,
      macdSignal: -0.6098377342820795,
      macdHistogram: -0.24573428833497934,
      rsi14: 44.16012915490824,
      rows: 400,
    });
    const { stdout } = await ballast(["indicators", "--in", await csv(400, "level"), "--column", "level"]);
    expect(stdout).to.contain("2021-02-03, after 400 rows of level:").and.to.contain("RSI(14, Wilder)    44.16");
  });

  it(`answers from ${WARM_UP_BARS} rows on and says "not enough history" before`, async () => {
    expect((await ballastJson(["indicators", "--in", await csv(250)])).json).to.include({ rows: 250 });
    const { code, stderr } = await ballast(["indicators", "--in", await csv(249)]);
    expect(code).to.equal(1);
    expect(stderr).to.contain("NotEnoughHistoryError: not enough history: ").and.to.contain("needs 250 bars");
  });

  it("says which column is missing", async () => {
    const { code, stderr } = await ballast(["indicators", "--in", await csv(250), "--column", "last"]);
    expect(code).to.equal(1);
    expect(stderr).to.contain("column 'last': the column is missing");
  });
});
