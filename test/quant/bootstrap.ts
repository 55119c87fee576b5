import { expect } from "chai";
import fc from "fast-check";
import {
  BootstrapInputError,
  percentileInterval,
  quantileOfSorted,
  seededRandom,
  stationaryIndices,
} from "../../src/backtest/bootstrap.ts";

describe("stationary bootstrap", function () {
  it("every index is one of the series, and follows its predecessor or begins a block", function () {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 1, max: 100, noNaN: true }),
        (seed, n, block) => {
          const path = stationaryIndices(seededRandom(seed), n, block, new Int32Array(200));
          expect(path.every((index) => index >= 0 && index < n)).to.equal(true);
        },
      ),
    );
  });

  it("blocks have the mean length asked for, and run over the end into the start", function () {
    const n = 5_000;
    const path = stationaryIndices(seededRandom(1), n, 63, new Int32Array(630_000));
    let blocks = 1;
    let wrapped = 0;
    for (let i = 1; i < path.length; i++) {
      if (path[i] !== (path[i - 1]! + 1) % n) blocks++;
      else if (path[i] === 0) wrapped++;
    }
    // 10,000 geometric blocks: the mean's standard error is 0.63.
    expect(path.length / blocks).to.be.closeTo(63, 2.5);
    expect(wrapped).to.be.greaterThan(50);
  });

  it("block lengths are geometric: a block goes on with the same chance however long it has lasted", function () {
    const n = 1_000_000; // so long that a new block never looks like the old one's continuation
    const path = stationaryIndices(seededRandom(2), n, 10, new Int32Array(400_000));
    const lengths: number[] = [];
    let length = 1;
    for (let i = 1; i < path.length; i++) {
      if (path[i] === (path[i - 1]! + 1) % n) length++;
      else {
        lengths.push(length);
        length = 1;
      }
    }
    for (const k of [1, 5, 20]) {
      const alive = lengths.filter((l) => l >= k).length;
      const on = lengths.filter((l) => l > k).length;
      expect(on / alive, `after ${k}`).to.be.closeTo(0.9, 0.015);
    }
  });

  it("is stationary: every position draws every period equally often", function () {
    const n = 20;
    const counts = [0, 7, 39].map(() => new Float64Array(n));
    const random = seededRandom(3);
    const path = new Int32Array(40);
    const paths = 40_000;
    for (let p = 0; p < paths; p++) {
      stationaryIndices(random, n, 8, path);
      [0, 7, 39].forEach((at, k) => counts[k]![path[at]!]!++);
    }
    // χ² with 19 degrees of freedom is above 43.8 once in a thousand.
    for (const count of counts) {
      const expected = paths / n;
      expect(count.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0)).to.be.lessThan(43.8);
    }
  });

  it("the variance of a resampled mean is that of Politis and Romano's formula", function () {
    // An autocorrelated series: their equation for var*, circular autocovariances weighted by the blocks' survival.
    const n = 200;
    const normal = seededRandom(4);
    const series: number[] = [];
    for (let i = 0; i < n; i++) series.push(0.8 * (series[i - 1] ?? 0) + normal() - 0.5);
    const mean = series.reduce((a, b) => a + b, 0) / n;
    const gamma = (k: number): number =>
      series.reduce((sum, x, i) => sum + (x - mean) * (series[(i + k) % n]! - mean), 0) / n;
    const p = 1 / 10;
    let variance = gamma(0);
    for (let k = 1; k < n; k++) {
      variance += 2 * (1 - k / n) * (1 - p) ** k * gamma(k);
    }
    const random = seededRandom(5);
    const path = new Int32Array(n);
    const means: number[] = [];
    for (let b = 0; b < 20_000; b++) {
      stationaryIndices(random, n, 1 / p, path);
      means.push(path.reduce((sum, i) => sum + series[i]!, 0) / n);
    }
    const measured = means.reduce((sum, m) => sum + (m - mean) ** 2, 0) / means.length;
    expect((measured * n) / variance).to.be.closeTo(1, 0.04);
  });

  it("the same seed gives the same path, another one another", function () {
    const draw = (seed: number): number[] => [...stationaryIndices(seededRandom(seed), 500, 20, new Int32Array(100))];
    expect(draw(7)).to.deep.equal(draw(7));
    expect(draw(7)).to.not.deep.equal(draw(8));
  });

  it("refuses what it is not defined for, by name", function () {
    expect(() => stationaryIndices(seededRandom(1), 0, 5, new Int32Array(3))).to.throw(BootstrapInputError);
    expect(() => stationaryIndices(seededRandom(1), 5, 0.5, new Int32Array(3))).to.throw(BootstrapInputError);
    expect(() => seededRandom(0.5)).to.throw(BootstrapInputError);
  });

  it("quantiles are linear between order statistics; intervals hold their share and refuse mostly undefined values", function () {
    const ascending = Float64Array.from([1, 2, 3, 4]);
    expect(quantileOfSorted(ascending, 0)).to.equal(1);
    expect(quantileOfSorted(ascending, 0.5)).to.equal(2.5);
    expect(quantileOfSorted(ascending, 1)).to.equal(4);
    const values = Float64Array.from({ length: 1_001 }, (_, i) => i);
    const interval = percentileInterval(values);
    expect(interval?.low).to.be.closeTo(25, 1e-9);
    expect(interval?.high).to.be.closeTo(975, 1e-9);
    expect(percentileInterval(Float64Array.from([NaN, NaN, 1]))).to.equal(null);
  });
});
