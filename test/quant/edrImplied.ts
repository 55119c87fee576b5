import { expect } from "chai";
import fc from "fast-check";
import { seededRandom } from "../../src/backtest/bootstrap.ts";
import {
  brownianDrawdownTail,
  EdrInputError,
  impliedDrawdown,
  logDrawdown,
  tailByEigenvalues,
  tailByReflections,
} from "../../src/signals/edrImplied.ts";

const HORIZONS = [21, 63];
const DEPTHS = [0.05, 0.1, 0.2];
const VOLATILITIES = [0.1, 0.2, 0.3, 0.4, 0.5];
/** QUANT: within 0.012 of simulation. */
const TOLERANCE = 0.012;

/** Deepest falls in logs of driftless walks with unit volatility a session, by horizon. */
function simulatedFalls(paths: number, seed: number): Map<number, Float64Array> {
  const random = seededRandom(seed);
  const falls = new Map(HORIZONS.map((horizon) => [horizon, new Float64Array(paths)]));
  for (let path = 0; path < paths; path++) {
    let level = 0;
    let high = 0;
    let fall = 0;
    for (let session = 1; session <= 63; session++) {
      level += Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      high = Math.max(high, level);
      fall = Math.max(fall, high - level);
      const column = falls.get(session);
      if (column !== undefined) column[path] = fall;
    }
  }
  return falls;
}

/** Simpson's rule. */
function integral(f: (x: number) => number, from: number, to: number, steps = 20_000): number {
  const h = (to - from) / steps;
  let sum = f(from) + f(to);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * f(from + i * h);
  return (sum * h) / 3;
}

describe("implied drawdown", function () {
  const falls = simulatedFalls(40_000, 1);
  const simulated = (horizon: number, depth: number, volatility: number): { probability: number; severity: number } => {
    const perSession = volatility / Math.sqrt(252);
    const all = [...falls.get(horizon)!].map((fall) => 1 - Math.exp(-perSession * fall));
    const deep = all.filter((fall) => fall >= depth);
    return { probability: deep.length / all.length, severity: deep.reduce((sum, fall) => sum + fall, 0) / deep.length };
  };

  for (const horizon of HORIZONS) {
    it(`is within ${TOLERANCE} of simulated daily closes over ${horizon} sessions`, function () {
      for (const depth of DEPTHS) {
        for (const volatility of VOLATILITIES) {
          const { probability } = impliedDrawdown(depth, volatility, horizon / 252);
          const path = simulated(horizon, depth, volatility);
          expect(probability, `${depth} at ${volatility}`).to.be.closeTo(path.probability, TOLERANCE);
        }
      }
    });

    it(`has the severity of simulated daily closes over ${horizon} sessions`, function () {
      for (const depth of DEPTHS) {
        for (const volatility of VOLATILITIES) {
          const path = simulated(horizon, depth, volatility);
          if (path.probability < 0.02) continue; // too few paths for a mean
          const { severity } = impliedDrawdown(depth, volatility, horizon / 252);
          expect(severity, `${depth} at ${volatility}`).to.be.closeTo(path.severity, 0.004);
        }
      }
    });
  }

  it("without the shift for daily closes would say 0.733 where simulation says 0.517", function () {
    const watchedAllTheTime = brownianDrawdownTail(logDrawdown(0.05) / (0.2 * Math.sqrt(21 / 252)));
    expect(watchedAllTheTime).to.be.closeTo(0.733, 0.0005);
    expect(simulated(21, 0.05, 0.2).probability).to.be.closeTo(0.517, 0.008);
    expect(impliedDrawdown(0.05, 0.2, 21 / 252).probability).to.be.closeTo(0.517, TOLERANCE);
  });

  it("has two series that agree where both converge, and a jump nowhere", function () {
    fc.assert(
      fc.property(fc.double({ min: 0.6, max: 2, noNaN: true }), (ratio) => {
        expect(tailByEigenvalues(ratio)).to.be.closeTo(tailByReflections(ratio), 1e-13);
      }),
    );
    expect(brownianDrawdownTail(1)).to.be.closeTo(brownianDrawdownTail(1 + 1e-12), 1e-11);
  });

  it("has the mean of driftless Brownian motion's deepest fall, √(π/2)·σ·√T", function () {
    expect(integral((ratio) => (ratio === 0 ? 1 : brownianDrawdownTail(ratio)), 0, 12)).to.be.closeTo(
      Math.sqrt(Math.PI / 2),
      1e-10,
    );
  });

  it("rises with volatility and horizon, falls with depth, and stays a probability", function () {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, fc.double({ min: 1.001, max: 3, noNaN: true }), (a, b, c, more) => {
        const depth = 0.001 + 0.6 * a;
        const volatility = 0.01 + 2 * b;
        const years = 0.01 + 2 * c;
        const p = impliedDrawdown(depth, volatility, years).probability;
        expect(p).to.be.within(0, 1);
        expect(impliedDrawdown(depth, volatility * more, years).probability).to.be.at.least(p - 1e-15);
        expect(impliedDrawdown(depth, volatility, years * more).probability).to.be.at.least(p - 1e-15);
        expect(impliedDrawdown(Math.min(depth * more, 0.999), volatility, years).probability).to.be.at.most(p + 1e-15);
      }),
      { numRuns: 1_000 },
    );
  });

  it("goes to 0 without movement or time, and to 1 with much of it", function () {
    for (const [volatility, years] of [
      [0, 0.25],
      [0.2, 0],
      [0.001, 0.25],
    ] as const) {
      expect(impliedDrawdown(0.1, volatility, years)).to.deep.equal({ probability: 0, severity: 0.1 });
    }
    expect(impliedDrawdown(0.05, 0.2, 1e4).probability).to.equal(1);
    expect(impliedDrawdown(1e-9, 0.2, 1e4).probability).to.equal(1);
    expect(impliedDrawdown(0.05, 0.2, 1e4).severity).to.be.within(0.9, 1);
  });

  it("has the severity its definition gives by quadrature", function () {
    for (const horizon of HORIZONS) {
      for (const depth of DEPTHS) {
        for (const volatility of [...VOLATILITIES, 2]) {
          const years = horizon / 252;
          const tail = (x: number): number => impliedDrawdown(1 - Math.exp(-x), volatility, years).probability;
          const x = logDrawdown(depth);
          const excess = integral((u) => Math.exp(-u) * tail(u), x, x + 10 * volatility * Math.sqrt(years), 2_000);
          const { severity } = impliedDrawdown(depth, volatility, years);
          expect(severity, `${depth} at ${volatility}`).to.be.closeTo(depth + excess / tail(x), 1e-8);
        }
      }
    }
  });

  it("never has a severity below the depth or above 1, and a greater one with more volatility", function () {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, (a, b, c) => {
        const depth = 0.01 + 0.5 * a;
        const volatility = 0.02 + 2 * b;
        const years = 0.02 + c;
        const { severity } = impliedDrawdown(depth, volatility, years);
        expect(severity).to.be.within(depth, 1);
        expect(impliedDrawdown(depth, volatility * 1.1, years).severity).to.be.at.least(severity! - 1e-9);
      }),
      { numRuns: 1_000 },
    );
  });

  it("refuses what is no depth, volatility or horizon", function () {
    expect(() => impliedDrawdown(0, 0.2, 0.25)).to.throw(EdrInputError, "depth 0");
    expect(() => impliedDrawdown(1, 0.2, 0.25)).to.throw(EdrInputError, "depth 1");
    expect(() => impliedDrawdown(0.1, NaN, 0.25)).to.throw(EdrInputError, "volatility NaN");
    expect(() => impliedDrawdown(0.1, 0.2, -1)).to.throw(EdrInputError, "horizon -1");
    expect(() => impliedDrawdown(0.1, 200, 1)).to.throw(EdrInputError, "moves 200");
  });
});
