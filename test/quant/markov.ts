import { readFile } from "node:fs/promises";
import { expect } from "chai";
import fc from "fast-check";
import { dayNumber } from "../../src/market/calendar.ts";
import { parseSeries } from "../../src/market/csv.ts";
import { mulberry32, normal } from "../../src/market/random.ts";
import {
  hamiltonFilter,
  kimSmootherForReports,
  MarkovInputError,
  stationaryDistribution,
  stationarySensitivity,
  viterbiPath,
} from "../../src/regime/hiddenMarkov.ts";
import { createMarkovFilter, expectedDurations, filterSeries } from "../../src/regime/markov.ts";
import type { MarkovParameters } from "../../src/regime/markov.ts";
import { CollapsedStateError, DeadStateError, fitMarkov, MarkovFitError } from "../../src/regime/markovFit.ts";
import type { FitOptions } from "../../src/regime/markovFit.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

/** A chain of k states with random emissions, and everything about it found by summing over all its paths. */
interface SmallChain {
  k: number;
  n: number;
  transition: Float64Array;
  initial: Float64Array;
  logEmissions: Float64Array;
}

const weights = (length: number) =>
  fc.array(fc.integer({ min: 1, max: 100 }), { minLength: length, maxLength: length });
const smallChains: fc.Arbitrary<SmallChain> = fc
  .record({ k: fc.integer({ min: 2, max: 3 }), n: fc.integer({ min: 1, max: 5 }) })
  .chain(({ k, n }) =>
    fc.tuple(fc.array(weights(k), { minLength: k + 1, maxLength: k + 1 }), weights(k * n)).map(([rows, emissions]) => {
      const [initial, ...transition] = rows.map(shares);
      return {
        k,
        n,
        initial: Float64Array.from(initial!),
        transition: Float64Array.from(transition.flat()),
        logEmissions: Float64Array.from(emissions, (weight) => Math.log(weight / 100)),
      };
    }),
  );

function shares(row: readonly number[]): number[] {
  const sum = row.reduce((a, b) => a + b, 0);
  return row.map((weight) => weight / sum);
}

/** Every path of states with its joint probability with the observations. */
function paths({ k, n, transition, initial, logEmissions }: SmallChain): { path: number[]; probability: number }[] {
  return Array.from({ length: k ** n }, (_, code) => {
    const path = Array.from({ length: n }, (_, t) => Math.floor(code / k ** t) % k);
    const probability = path.reduce((product, state, t) => {
      const enter = t === 0 ? initial[state]! : transition[path[t - 1]! * k + state]!;
      return product * enter * Math.exp(logEmissions[t * k + state]!);
    }, 1);
    return { path, probability };
  });
}

/** A path of a Gaussian Markov-switching model. */
function simulate({ transition, means, variances }: MarkovParameters, n: number, seed: number): number[] {
  const random = mulberry32(seed);
  let state = 0;
  return Array.from({ length: n }, () => {
    let left = random();
    state = transition[state]!.findIndex((p) => (left -= p) < 0);
    return means[state]! + Math.sqrt(variances[state]!) * normal(random);
  });
}

const switching = (states: number, seed = 1): FitOptions => ({
  states,
  variance: "switching",
  random: mulberry32(seed),
});
const TWO_STATES: MarkovParameters = {
  transition: [
    [0.98, 0.02],
    [0.05, 0.95],
  ],
  means: [0, 3],
  variances: [1, 0.25],
};

describe("hidden Markov chain", () => {
  it("finds the umbrella world's published likelihood and path", () => {
    // Russell and Norvig, Artificial Intelligence, ch. 15: state 0 is rain, 1 is none; the umbrella is seen on 1,1,0,1,1.
    const transition = Float64Array.of(0.7, 0.3, 0.3, 0.7);
    const emission = (seen: number): number[] => (seen === 1 ? [0.9, 0.2] : [0.1, 0.8]);
    const logEmissions = Float64Array.from([1, 1, 0, 1, 1].flatMap(emission), Math.log);
    const initial = stationaryDistribution(2, transition);
    expect(hamiltonFilter(2, transition, initial, logEmissions).logLikelihood).to.be.closeTo(-3.3725, 5e-5);
    expect(viterbiPath(2, transition, initial, logEmissions)).to.deep.equal([0, 0, 1, 0, 0]);
  });

  it("agrees with the sum over all paths: likelihood, filter, smoother, moves, most likely path", () => {
    fc.assert(
      fc.property(smallChains, (chain) => {
        const { k, n, transition, initial, logEmissions } = chain;
        const all = paths(chain);
        const likelihood = all.reduce((sum, { probability }) => sum + probability, 0);
        const posterior = (event: (path: number[]) => number): number =>
          all.reduce((sum, { path, probability }) => sum + probability * event(path), 0) / likelihood;

        const filter = hamiltonFilter(k, transition, initial, logEmissions);
        expect(filter.logLikelihood).to.be.closeTo(Math.log(likelihood), 1e-12);
        const { probabilities, moves } = kimSmootherForReports(k, transition, filter);
        for (let j = 0; j < k; j++) {
          expect(filter.filtered[(n - 1) * k + j]).to.be.closeTo(
            posterior((path) => Number(path.at(-1) === j)),
            1e-12,
          );
          for (let t = 0; t < n; t++) {
            expect(probabilities[t * k + j]).to.be.closeTo(
              posterior((path) => Number(path[t] === j)),
              1e-12,
            );
          }
          for (let i = 0; i < k; i++) {
            const count = posterior(
              (path) => path.filter((state, t) => t > 0 && path[t - 1] === i && state === j).length,
            );
            expect(moves[i * k + j]).to.be.closeTo(count, 1e-12);
          }
        }
        const found = viterbiPath(k, transition, initial, logEmissions);
        const best = Math.max(...all.map(({ probability }) => probability));
        const own = all.find(({ path }) => path.every((state, t) => state === found[t]))!;
        expect(own.probability / best).to.be.closeTo(1, 1e-12);
      }),
    );
  });

  it("finds the stationary distribution, and how it moves with the transition matrix", () => {
    fc.assert(
      fc.property(smallChains, fc.integer({ min: 0, max: 2 }), ({ k, transition, initial }, row) => {
        const pi = stationaryDistribution(k, transition);
        expect(pi.reduce((sum, p) => sum + p, 0)).to.be.closeTo(1, 1e-12);
        for (let j = 0; j < k; j++) {
          expect(pi.reduce((sum, p, i) => sum + p * transition[i * k + j]!, 0)).to.be.closeTo(pi[j]!, 1e-12);
        }

        const i = row % k;
        const h = stationarySensitivity(k, transition, initial)!;
        const expectation = (by: number): number => {
          const moved = transition.slice();
          moved[i * k]! += by;
          moved[i * k + 1]! -= by;
          return stationaryDistribution(k, moved).reduce((sum, p, s) => sum + initial[s]! * p, 0);
        };
        const tiny = 1e-5;
        const slope = (expectation(tiny) - expectation(-tiny)) / (2 * tiny);
        expect(pi[i]! * (h[0]! - h[1]!)).to.be.closeTo(slope, 1e-4 * (1 + Math.abs(slope)));
      }),
    );
  });

  it("refuses chains of parts that never meet, and observations that nothing can make", () => {
    expect(() => stationaryDistribution(2, Float64Array.of(1, 0, 0, 1))).to.throw(MarkovInputError, "never be reached");
    const transition = Float64Array.of(0.5, 0.5, 0.5, 0.5);
    const half = Float64Array.of(0.5, 0.5);
    expect(() => hamiltonFilter(2, transition, half, Float64Array.of(-Infinity, -Infinity))).to.throw(MarkovInputError);
    expect(() => hamiltonFilter(2, transition, half, Float64Array.of(NaN, 0))).to.throw(MarkovInputError);
  });
});

describe("Markov-switching model", () => {
  it("filters one value at a time as it filters all of them", () => {
    const values = simulate(TWO_STATES, 200, 7);
    const { filtered, logLikelihood } = filterSeries(TWO_STATES, values);
    const step = createMarkovFilter(TWO_STATES);
    values.forEach((value, t) => expect(step(value)).to.deep.equal([...filtered.subarray(2 * t, 2 * t + 2)]));
    expect(logLikelihood).to.be.lessThan(0);
  });

  it("knows nothing of what comes later", () => {
    const values = simulate(TWO_STATES, 200, 8);
    const { filtered } = filterSeries(TWO_STATES, values);
    const changed = values.map((value, t) => (t > 120 ? -value : value));
    expect(filterSeries(TWO_STATES, changed).filtered.slice(0, 242)).to.deep.equal(filtered.slice(0, 242));
    expect(filterSeries(TWO_STATES, changed).filtered.slice(242)).to.not.deep.equal(filtered.slice(242));
  });

  it("stays finite where every state's density underflows", () => {
    const step = createMarkovFilter(TWO_STATES);
    expect(step(1e6).reduce((sum, p) => sum + p, 0)).to.be.closeTo(1, 1e-12);
    expect(filterSeries(TWO_STATES, [0, 1e6, 3]).logLikelihood).to.be.lessThan(-1e11);
  });

  it("refuses values that are no numbers", () => {
    expect(() => filterSeries(TWO_STATES, [1, NaN])).to.throw(MarkovInputError, "value 1 of 2 is NaN");
    expect(() => createMarkovFilter(TWO_STATES)(Infinity)).to.throw(MarkovInputError);
  });
});

describe("Markov fit", () => {
  it("finds the parameters a long path was drawn from", () => {
    const { parameters, refused } = fitMarkov(simulate(TWO_STATES, 20_000, 3), switching(2));
    parameters.means.forEach((mean, j) => expect(mean).to.be.closeTo(TWO_STATES.means[j]!, 0.05));
    parameters.variances.forEach((variance, j) => expect(variance).to.be.closeTo(TWO_STATES.variances[j]!, 0.05));
    parameters.transition.forEach((row, i) => expect(row[i]).to.be.closeTo(TWO_STATES.transition[i]![i]!, 0.01));
    expect(refused).to.deep.equal([]);
  });

  it("ends where no parameter can be moved to a higher likelihood", () => {
    const values = simulate(TWO_STATES, 600, 5);
    for (const variance of ["switching", "shared"] as const) {
      const { parameters, logLikelihood } = fitMarkov(values, { ...switching(2), variance });
      const { means, variances, transition } = parameters;
      expect(filterSeries(parameters, values).logLikelihood).to.be.closeTo(logLikelihood, 1e-9);
      const moved = (by: number): MarkovParameters[] => [
        { ...parameters, means: [means[0]! + by, means[1]!] },
        { ...parameters, means: [means[0]!, means[1]! + by] },
        { ...parameters, variances: variances.map((v, j) => (variance === "shared" || j === 0 ? v + by : v)) },
        { ...parameters, variances: variances.map((v, j) => (variance === "shared" || j === 1 ? v + by : v)) },
        { ...parameters, transition: [[transition[0]![0]! + by, transition[0]![1]! - by], transition[1]!] },
        { ...parameters, transition: [transition[0]!, [transition[1]![0]! + by, transition[1]![1]! - by]] },
      ];
      for (const other of [...moved(1e-3), ...moved(-1e-3)]) {
        expect(filterSeries(other, values).logLikelihood).to.be.lessThan(logLikelihood);
      }
    }
  });

  it("answers in the units of the series", () => {
    const values = simulate(TWO_STATES, 600, 6);
    const plain = fitMarkov(values, switching(2));
    const scaled = fitMarkov(
      values.map((value) => 100 - 10 * value),
      { ...switching(2), varianceFloor: 1e-2 },
    );
    expect(scaled.logLikelihood).to.be.closeTo(plain.logLikelihood - 600 * Math.log(10), 1e-4);
    // The sign is turned, and with it the order of the states.
    plain.parameters.means.forEach((mean, j) =>
      expect(scaled.parameters.means[1 - j]).to.be.closeTo(100 - 10 * mean, 1e-3),
    );
    plain.parameters.variances.forEach((v, j) =>
      expect(scaled.parameters.variances[1 - j]! / v).to.be.closeTo(100, 1e-2),
    );
  });

  it("refuses a dead state, and goes on to an optimum without one", () => {
    // Ten days far out are one state to the likelihood, and none to anybody who wants a regime.
    const values = simulate(TWO_STATES, 1_000, 9);
    for (let t = 500; t < 510; t++) values[t] = 8 + 0.1 * (t % 2);
    const { logLikelihood, shares, refused } = fitMarkov(values, switching(3));
    expect(shares.every((share) => share >= 0.02)).to.equal(true);
    expect(refused).to.have.length(1);
    const [{ optimum, why }] = refused as [(typeof refused)[0]];
    expect(why).to.be.instanceOf(DeadStateError);
    expect(why.message).to.contain("state 2 holds 1.00 %");
    expect(optimum.logLikelihood).to.be.greaterThan(logLikelihood);
    expect(() => fitMarkov(values, { ...switching(3), from: [optimum.parameters] })).to.throw(DeadStateError);
  });

  it("refuses too little, too few and constant values, by name", () => {
    expect(() => fitMarkov([1, 2, 3], switching(2))).to.throw(MarkovFitError, "3 rows are too few for 2 states");
    expect(() => fitMarkov(new Array(100).fill(4), switching(2))).to.throw(MarkovFitError, "nothing to switch between");
    expect(() => fitMarkov([...new Array(99).fill(4), NaN], switching(2))).to.throw(MarkovInputError, "value 99");
    expect(() => fitMarkov(simulate(TWO_STATES, 100, 1), switching(1))).to.throw(MarkovFitError, "2 or more");
  });
});

describe("Markov fit of published series", () => {
  it("fed funds: the published likelihood at the published parameters, and the same optimum of its own", async () => {
    if (dataMissing("the fit of fed funds")) return;
    const text = await readFile(`${DATA_DIR}/reference/fedfunds.json`, "utf8");
    const { series } = JSON.parse(text) as { series: number[] };
    expect(series).to.have.length(226);
    const published = {
      transition: [
        [0.9820939, 1 - 0.9820939],
        [0.0503587, 1 - 0.0503587],
      ],
      means: [3.70877, 9.556793],
      variances: [2.107562 ** 2, 2.107562 ** 2],
    };
    expect(filterSeries(published, series).logLikelihood).to.be.closeTo(-508.63592, 5e-6);
    const durations = expectedDurations(published.transition);
    expect(durations[0]).to.be.closeTo(55.8469, 5e-5);
    expect(durations[1]).to.be.closeTo(19.8575, 5e-5);
    for (const seed of [1, 2, 3]) {
      const fit = fitMarkov(series, { states: 2, variance: "shared", random: mulberry32(seed) });
      expect(fit.logLikelihood).to.be.closeTo(-508.63592, 5e-6);
      const [long, short] = expectedDurations(fit.parameters.transition);
      expect(long).to.be.closeTo(55.8469, 1e-3);
      expect(short).to.be.closeTo(19.8575, 1e-3);
      expect(fit.parameters.means[0]).to.be.closeTo(3.70877, 1e-4);
      expect(Math.sqrt(fit.parameters.variances[1]!)).to.be.closeTo(2.107562, 1e-5);
    }
  });

  it("log VIX to 2019: the same optimum from any seed, for two and for three states", async () => {
    if (dataMissing("the fit of log VIX")) return;
    const logs = await logVixTo("2019-12-31");
    for (const seed of [1, 2, 3]) {
      expect(fitMarkov(logs, switching(2, seed)).logLikelihood).to.be.closeTo(1347.885, 0.02);
      expect(fitMarkov(logs, switching(3, seed)).logLikelihood).to.be.closeTo(3619.504, 0.02);
    }
  });

  it("log VIX: refuses the likelihood of 4902 that one state has from 16 equal closes", async () => {
    if (dataMissing("the collapsed fit of log VIX")) return;
    const logs = await logVixTo("2019-12-31");
    const counts = new Map<number, number>();
    for (const value of logs) counts.set(value, (counts.get(value) ?? 0) + 1);
    const [most, times] = [...counts].reduce((best, next) => (next[1] > best[1] ? next : best));
    expect(times).to.equal(16);
    const { means, variances } = fitMarkov(logs, switching(2)).parameters;
    const collapsed = {
      transition: [
        [0.05, 0.9, 0.05],
        [0.005, 0.99, 0.005],
        [0.002, 0.008, 0.99],
      ],
      means: [most, ...means],
      variances: [1e-200, ...variances],
    };
    // Without the floor the likelihood has no bound; 1e-200 is what gives the published 4902.
    const unfloored = { ...switching(3), varianceFloor: 1e-200 };
    expect(() => fitMarkov(logs, { ...unfloored, from: [collapsed] })).to.throw(CollapsedStateError, "4902");

    const even = {
      transition: [
        [0.98, 0.01, 0.01],
        [0.01, 0.98, 0.01],
        [0.01, 0.01, 0.98],
      ],
      means: [2.5, 2.9, 3.3],
      variances: [0.02, 0.02, 0.05],
    };
    const { logLikelihood, refused } = fitMarkov(logs, { ...unfloored, from: [collapsed, even] });
    expect(logLikelihood, "goes on to the best admissible optimum").to.be.closeTo(3619.504, 0.02);
    expect(refused[0]!.why).to.be.instanceOf(CollapsedStateError);
    expect(refused[0]!.optimum.logLikelihood).to.be.closeTo(4902, 0.5);
    // With the floor, that optimum is worth no more than two states, and refused all the same.
    expect(() => fitMarkov(logs, { ...switching(3), from: [collapsed] })).to.throw(CollapsedStateError, "1352");
  });
});

/** Logarithms of every close of vix.csv to a date, rows as they are. */
async function logVixTo(date: string): Promise<Float64Array> {
  const rows = parseSeries(await readFile(`${DATA_DIR}/vix.csv`, "utf8"), "vix.csv", { date: "date", close: "number" });
  const last = dayNumber(date);
  return Float64Array.from(
    rows.filter((row) => dayNumber(row.date) <= last),
    (row) => Math.log(row.close),
  );
}
