import { expect } from "chai";
import fc from "fast-check";
import { percentileInterval, seededRandom, stationaryIndices } from "../../src/backtest/bootstrap.ts";
import { holmAdjusted, LIFT_MEAN_BLOCK, LiftInputError, measureLift, MIN_EVENTS } from "../../src/backtest/lift.ts";
import type { LiftRow } from "../../src/backtest/lift.ts";
import { fitLogistic } from "../../src/backtest/logistic.ts";
import { labelOnsets, movesFromCalmToStress, ONSET_HORIZON, QUIET_CLOSES } from "../../src/backtest/onsets.ts";
import { dateOfDay, dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { readDataset } from "../../src/market/files.ts";
import { SIGNALS, YARDSTICK_ID } from "../../src/signals/catalogue.ts";
import { macd } from "../../src/signals/indicators.ts";
import { runSignals, STATE_CODES } from "../../src/signals/run.ts";
import type { SignalColumn, SignalColumns } from "../../src/signals/run.ts";
import { stressColumn, stressIndex } from "../../src/signals/stressIndex.ts";
import { ballast, ballastJson } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { lehmer } from "../helpers/lehmer.ts";

const N = 3_000;
const FIRST = dayNumber("2000-01-01");
/** One "session" a day: lift counts positions, not days of the week. */
const DATES = Array.from({ length: N }, (_, i) => dateOfDay(FIRST + i));
const ALL = { from: DATES[0]!, to: DATES.at(-1)! };

/** A VIX that reverts to 16 and jumps every now and then: some fifteen onsets. */
function madeUpVix(seed: number): Float64Array<ArrayBuffer> {
  const random = lehmer(seed);
  let log = Math.log(16);
  return Float64Array.from({ length: N }, () => {
    log += 0.06 * (Math.log(16) - log) + 0.27 * (random() - 0.5) + (random() < 0.005 ? 0.3 : 0);
    return Math.exp(log);
  });
}

function column(id: string, states: Int8Array, values: Float64Array = new Float64Array(states.length)): SignalColumn {
  return { signal: { ...SIGNALS[0]!, id }, states, values };
}

function madeUpRun(vix: Float64Array, others: Record<string, Int8Array>): SignalColumns {
  const level = Int8Array.from(vix, (close) => (close > 20 ? 1 : 0));
  const columns = Object.entries(others).map(([id, states]) => column(id, states));
  return { sessions: DATES.slice(0, vix.length), columns: [column(YARDSTICK_ID, level, vix), ...columns] };
}

/** On for spells of three days begun at random. */
function noise(random: () => number, share: number): Int8Array {
  const states = new Int8Array(N);
  for (let i = 0; i < N; i++) if (random() < share) states.fill(1, i, i + 3);
  return states;
}

/** On for the five days before most onsets, and now and then for nothing. */
function planted(vix: Float64Array): Int8Array {
  const random = lehmer(77);
  const states = noise(random, 0.005);
  labelOnsets(vix).onset.forEach((is, i) => {
    if (is === 1 && random() < 0.8) states.fill(1, Math.max(0, i - 5), i);
  });
  return states;
}

/** The definitions word by word, with no array kept from one day to the next. */
function slowLift(vix: readonly number[], states: readonly number[], from: number, to: number) {
  const quietBefore = (t: number): boolean => t >= QUIET_CLOSES && vix.slice(t - QUIET_CLOSES, t).every((v) => v <= 25);
  const onset = (t: number): boolean => quietBefore(t) && vix[t]! > 25;
  const eligible = (t: number): boolean => quietBefore(t) && vix[t]! <= 25;
  const entry = (t: number): boolean => t > 0 && states[t] === 1 && states[t - 1] === 0;
  const hit = (t: number): boolean => Array.from({ length: 10 }, (_, k) => t + 1 + k).some(onset);
  const range = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const days = range.filter((t) => eligible(t) && states[t] !== -1 && t + 10 <= to);
  const entries = days.filter(entry);
  const entryBefore = (t: number): number => Array.from({ length: 10 }, (_, k) => k + 1).find((k) => entry(t - k)) ?? 0;
  const judged = range.filter((t) => t > 0 && states[t - 1] !== -1);
  const onsets = judged.filter(onset);
  const warned = judged.filter((t) => onset(t) || eligible(t));
  const leads = onsets.map(entryBefore).filter((lead) => lead > 0);
  return {
    days: days.length,
    entries: entries.length,
    hits: entries.filter(hit).length,
    baseRate: days.filter(hit).length / days.length,
    onsets: onsets.length,
    recall: leads.length / onsets.length,
    chanceRecall: warned.filter((t) => entryBefore(t) > 0).length / warned.length,
  };
}

const row = (rows: readonly LiftRow[], id: string): LiftRow => rows.find((one) => one.id === id)!;

describe("onsets", () => {
  const closes = (...runs: [number, number][]): Float64Array =>
    Float64Array.from(runs.flatMap(([n, vix]) => Array<number>(n).fill(vix)));
  const at = (labels: Uint8Array): number[] => [...labels.keys()].filter((i) => labels[i] === 1);

  it("are first closes above 25 after 20 closes at or below it", () => {
    expect(at(labelOnsets(closes([20, 25], [2, 25.01])).onset)).to.deep.equal([20]);
    expect(at(labelOnsets(closes([19, 20], [2, 30])).onset)).to.deep.equal([]);
    expect(at(labelOnsets(closes([25, 20], [1, 30], [19, 20], [1, 30], [20, 20], [1, 30])).onset)).to.deep.equal([
      25, 66,
    ]);
  });

  it("can be foreseen on quiet days, ten sessions ahead and no more", () => {
    const { eligible, hit } = labelOnsets(closes([40, 20], [3, 30]));
    expect(at(eligible)).to.deep.equal(Array.from({ length: 20 }, (_, i) => 20 + i));
    expect(at(hit)).to.deep.equal(Array.from({ length: ONSET_HORIZON }, (_, i) => 30 + i));
  });

  it("start their count anew after a session without a close", () => {
    expect(at(labelOnsets(closes([15, 20], [1, NaN], [10, 20], [1, 30])).onset)).to.deep.equal([]);
    expect(at(labelOnsets(closes([15, 20], [1, NaN], [20, 20], [1, 30])).onset)).to.deep.equal([36]);
  });

  it("are not the same as moves from Calm to Stress", () => {
    const vix = closes([3, 14], [4, 20], [1, 26], [2, 20], [1, 26], [1, 14], [1, 26]);
    expect(movesFromCalmToStress(vix)).to.deep.equal([
      { from: 2, to: 7 },
      { from: 11, to: 12 },
    ]);
  });
});

describe("lift", () => {
  it("counts as the definitions spelled out do", () => {
    const state = fc.constantFrom(-1, 0, 0, 0, 1);
    const day = fc.tuple(fc.constantFrom(14, 18, 22, 25, 22, 18, 20, 21, 19, 17, 16, 23, 26), state);
    fc.assert(
      fc.property(fc.array(day, { minLength: 150, maxLength: 260 }), fc.nat(60), (list, from) => {
        const vix = list.map(([close], i) => (i % 61 > 55 ? 27 : Math.min(close, i % 7 === 0 ? close : 24)));
        const states = list.map(([, one]) => one);
        const run = madeUpRun(Float64Array.from(vix), { made: Int8Array.from(states) });
        const to = list.length - 5;
        const measured = row(measureLift(run, { from: DATES[from]!, to: DATES[to]! }, seededRandom(1), 10), "made");
        const { days, entries, hits, baseRate, onsets, recall, chanceRecall } = slowLift(vix, states, from, to);
        expect(measured).to.include({ days, entries, hits, onsets });
        const share = (value: number): number | null => (Number.isNaN(value) ? null : value);
        expect(measured.baseRate).to.equal(share(baseRate));
        expect(measured.recall).to.equal(share(recall));
        expect(measured.chanceRecall).to.equal(share(chanceRecall));
      }),
      { numRuns: 40 },
    );
  });

  it("has the interval that resampling days one by one gives", () => {
    const vix = madeUpVix(4);
    const states = planted(vix);
    const measured = row(measureLift(madeUpRun(vix, { planted: states }), ALL, seededRandom(3)), "planted");
    const { eligible, hit } = labelOnsets(vix);
    const counted = eligible.map((one, i) => (one === 1 && i < N - ONSET_HORIZON ? 1 : 0));
    const enters = states.map((one, i) => (i > 0 && one === 1 && states[i - 1] === 0 ? 1 : 0));
    const random = seededRandom(4);
    const path = new Int32Array(N);
    const lifts = Float64Array.from({ length: 1_000 }, () => {
      let [days, hits, entries, both] = [0, 0, 0, 0];
      for (const i of stationaryIndices(random, N, LIFT_MEAN_BLOCK, path)) {
        days += counted[i]!;
        hits += counted[i]! * hit[i]!;
        entries += counted[i]! * enters[i]!;
        both += counted[i]! * enters[i]! * hit[i]!;
      }
      return both / entries / (hits / days);
    });
    const expected = percentileInterval(lifts)!;
    const width = expected.high - expected.low;
    expect(measured.liftInterval!.low).to.be.closeTo(expected.low, 0.12 * width);
    expect(measured.liftInterval!.high).to.be.closeTo(expected.high, 0.12 * width);
  });

  it("gives weight to a signal that foresees, by the lower bound of its lift", () => {
    const vix = madeUpVix(4);
    const found = row(measureLift(madeUpRun(vix, { planted: planted(vix) }), ALL, seededRandom(1)), "planted");
    expect(found.onsets).to.be.greaterThan(MIN_EVENTS);
    expect(found.lift).to.be.greaterThan(3);
    expect(found.recall)
      .to.be.greaterThan(0.6)
      .and.greaterThan(2 * found.chanceRecall!);
    expect(found.leadSessions).to.be.within(3, 6);
    expect(found.logistic!.interval.low).to.be.greaterThan(0);
    expect(found.weight).to.equal(Math.log(found.liftInterval!.low));
    expect(found.whyWeight).to.match(/^lift .+ to the log odds\.$/);
  });

  it("gives weight to noise about as seldom as it promises, and adjusts for how many were tried", () => {
    const random = lehmer(9);
    let weighed = 0;
    let significant = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const vix = madeUpVix(seed);
      const others = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`noise-${i}`, noise(random, 0.02)]));
      const rows = measureLift(madeUpRun(vix, others), ALL, seededRandom(seed), 300).slice(1);
      weighed += rows.filter(({ weight }) => weight > 0).length;
      significant += rows.filter(({ holmP }) => holmP! < 0.05).length;
    }
    expect(weighed).to.be.at.most(5);
    expect(significant).to.equal(0);
  });

  it("gives the VIX level itself no weight beside the VIX level", () => {
    const yardstick = measureLift(madeUpRun(madeUpVix(4), {}), ALL, seededRandom(1))[0]!;
    expect(yardstick.liftInterval!.low).to.be.greaterThan(1);
    expect(yardstick.weight).to.equal(0);
    expect(yardstick.whyWeight).to.contain("at an equal VIX level");
  });

  it("keeps those without weight in the table, and says why", () => {
    const vix = madeUpVix(4);
    const never = new Int8Array(N).fill(STATE_CODES.unknown);
    const twice = new Int8Array(N);
    for (const i of [500, 1_500]) twice[i] = 1;
    const rows = measureLift(madeUpRun(vix, { never, twice, noise: noise(lehmer(3), 0.02) }), ALL, seededRandom(1));
    expect(row(rows, "never")).to.include({ days: 0, lift: null, liftInterval: null, holmP: null, weight: 0 });
    expect(row(rows, "never").whyWeight).to.equal("No weight: not known on any eligible day of the window.");
    expect(row(rows, "twice")).to.include({ entries: 2, liftInterval: null, holmP: null, logistic: null, weight: 0 });
    expect(row(rows, "twice").whyWeight).to.equal(`No weight: 2 entries, and ${MIN_EVENTS} are the least.`);
    expect(row(rows, "noise").whyWeight).to.match(/^No weight: lift .+ does not lie above 1\.$/);
  });

  it("finds what it calls detectable about four times in five", () => {
    // Entries strewn so that their lift is what detectableLift said it must be.
    const vix = madeUpVix(4);
    const { eligible, hit } = labelOnsets(vix);
    const bare = row(measureLift(madeUpRun(vix, { noise: noise(lehmer(3), 0.03) }), ALL, seededRandom(1)), "noise");
    const random = lehmer(31);
    let found = 0;
    for (let trial = 0; trial < 40; trial++) {
      const states = new Int8Array(N);
      for (let i = 1; i < N - 1; i++) {
        const chance = 0.03 * (hit[i] === 1 ? bare.detectableLift! : 1);
        if (eligible[i] === 1 && states[i - 1] === 0 && random() < chance) states[i] = 1;
      }
      const { liftInterval } = row(
        measureLift(madeUpRun(vix, { strewn: states }), ALL, seededRandom(trial), 100),
        "strewn",
      );
      if (liftInterval!.low > 1) found++;
    }
    expect(found / 40).to.be.within(0.6, 0.95);
  });

  it("reads nothing after the window, and the same numbers from the same seed", () => {
    const vix = madeUpVix(4);
    const states = planted(vix);
    const window = { from: ALL.from, to: DATES[1_999]! };
    const whole = measureLift(madeUpRun(vix, { planted: states }), window, seededRandom(1), 100);
    const changed = vix.map((close, i) => (i < 2_000 ? close : 80 - close));
    const flipped = states.map((state, i) => (i < 2_000 ? state : 1 - state));
    expect(measureLift(madeUpRun(changed, { planted: flipped }), window, seededRandom(1), 100)).to.deep.equal(whole);
    expect(measureLift(madeUpRun(vix, { planted: states }), ALL, seededRandom(1), 100)).to.not.deep.equal(whole);
  });

  it("ends its window with the last VIX close", () => {
    const vix = madeUpVix(4);
    const states = planted(vix);
    const cut = measureLift(madeUpRun(vix, { planted: states }), { ...ALL, to: DATES[1_999]! }, seededRandom(1), 50);
    const ended = vix.map((close, i) => (i < 2_000 ? close : NaN));
    expect(measureLift(madeUpRun(ended, { planted: states }), ALL, seededRandom(1), 50)).to.deep.equal(cut);
  });

  it("says what is missing: VIX, or sessions", () => {
    const run = madeUpRun(madeUpVix(4), {});
    expect(() => measureLift({ ...run, columns: [] }, ALL, seededRandom(1))).to.throw(LiftInputError, YARDSTICK_ID);
    expect(() => measureLift(run, { from: "1990-01-01", to: "1999-12-31" }, seededRandom(1))).to.throw(
      LiftInputError,
      "no session from 1990-01-01 to 1999-12-31 in the run has a VIX close",
    );
  });

  it("adjusts p-values as Holm does", () => {
    // statsmodels 0.15.0, multipletests(…, method="holm").
    const adjusted = holmAdjusted([0.01, 0.04, null, 0.03, 0.005, 0.6]);
    [0.04, 0.09, null, 0.09, 0.025, 0.6].forEach((expected, i) => {
      if (expected === null) expect(adjusted[i]).to.equal(null);
      else expect(adjusted[i]).to.be.closeTo(expected, 1e-12);
    });
    expect(holmAdjusted([0.9, 0.8])).to.deep.equal([1, 1]);
  });
});

describe("logistic regression", () => {
  const random = lehmer(42);
  const rows = Array.from({ length: 400 }, () => {
    const x = random() * 3;
    const z = random() < 0.3 ? 1 : 0;
    return { x, z, y: random() < 1 / (1 + Math.exp(-(-2 + 0.8 * x + 0.9 * z))) ? 1 : 0 };
  });
  const y = Uint8Array.from(rows, (one) => one.y);
  const x = Float64Array.from(rows, (one) => one.x);
  const z = Float64Array.from(rows, (one) => one.z);

  it("gives statsmodels' numbers", () => {
    // statsmodels 0.15.0, Logit(…).fit(tol=1e-14).
    const fit = fitLogistic(y, [x, z])!;
    [-2.371764302931, 1.078990841254, 1.261521910407].forEach((b, j) => {
      expect(fit.coefficients[j]).to.be.closeTo(b, 1e-6);
    });
    [0.282835906071, 0.142551523274, 0.253605117657].forEach((error, j) => {
      expect(Math.sqrt(fit.covariance[j * 4]!)).to.be.closeTo(error, 1e-6);
    });
    expect(fit.logLikelihood).to.be.closeTo(-227.86345196699233, 1e-9);
    expect(fitLogistic(y, [x])!.logLikelihood).to.be.closeTo(-240.98464769926764, 1e-9);
  });

  it("says what each row adds: leaving one out moves the coefficient by that much", () => {
    const fit = fitLogistic(y, [x, z])!;
    expect(fit.influence.reduce((sum, one) => sum + one, 0)).to.be.closeTo(0, 1e-6);
    for (const out of [0, 17, 200]) {
      const without = <T extends Uint8Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(values: T): T =>
        values.filter((_, i) => i !== out) as T;
      const left = fitLogistic(without(y), [without(x), without(z)])!;
      expect(fit.coefficients[2]! - left.coefficients[2]!).to.be.closeTo(
        fit.influence[out]!,
        0.1 * Math.abs(fit.influence[out]!),
      );
    }
  });

  it("has no answer where there is none", () => {
    const none = new Uint8Array(400);
    expect(fitLogistic(none, [x])).to.equal(null);
    expect(fitLogistic(y, [x, x])).to.equal(null);
    expect(fitLogistic(y, [new Float64Array(400).fill(1)])).to.equal(null);
    expect(fitLogistic(y, [Float64Array.from(y)])).to.equal(null);
  });
});

describe("the stress index", () => {
  it("is the weighted share of known signals that are on", () => {
    expect(
      stressIndex([
        { state: "on", weight: 1 },
        { state: "off", weight: 3 },
        { state: "unknown", weight: 5 },
        { state: "on", weight: 0 },
      ]),
    ).to.equal(0.25);
  });

  it("is null, not 0, when no known signal has weight", () => {
    expect(stressIndex([])).to.equal(null);
    expect(stressIndex([{ state: "on", weight: 0 }])).to.equal(null);
    expect(stressIndex([{ state: "unknown", weight: 1 }])).to.equal(null);
  });

  it("runs along the sessions of a run", () => {
    const run = madeUpRun(Float64Array.of(10, 10, 10), { a: Int8Array.of(1, 0, -1), b: Int8Array.of(1, 1, -1) });
    const weights = new Map([
      ["a", 3],
      ["b", 1],
    ]);
    expect([...stressColumn(run, weights)]).to.deep.equal([1, 0.25, NaN]);
    expect([...stressColumn(run, new Map())]).to.deep.equal([NaN, NaN, NaN]);
  });
});

describe("lift on market data", () => {
  let read: SignalColumns | undefined;
  async function market(): Promise<SignalColumns> {
    read ??= runSignals(await readDataset(DATA_DIR), sessionsBetween("1990-01-02", "2023-12-29"));
    return read;
  }

  /** Lift of being on, over the days that count, for the evidence's other definitions. */
  function liftOfDays(
    counted: (i: number) => boolean,
    on: (i: number) => boolean,
    hit: (i: number) => boolean,
  ): number {
    let [days, hits, warned, both] = [0, 0, 0, 0];
    for (let i = 0; i < 8_565 - ONSET_HORIZON; i++) {
      if (!counted(i)) continue;
      days++;
      if (hit(i)) hits++;
      if (on(i)) warned++;
      if (on(i) && hit(i)) both++;
    }
    return both / warned / (hits / days);
  }

  it("reproduces the evidence, each number by the definition that gives it", async () => {
    if (dataMissing("evidence to 2023")) return;
    const run = await market();
    const vix = run.columns[0]!.values;
    const { onset, eligible, hit } = labelOnsets(vix);
    const since2017 = run.sessions.findIndex((session) => session >= "2017");
    const count = (labels: Uint8Array): number => labels.reduce((sum, one) => sum + one, 0);
    expect([count(onset), count(onset.subarray(since2017))]).to.deep.equal([44, 13]);

    // "VIX > 20 alone: 3.76" counts days above 20, not entries: 3.88 in 2017–23.
    const aboveTwenty = liftOfDays(
      (i) => i >= since2017 && eligible[i] === 1,
      (i) => vix[i]! > 20,
      (i) => hit[i] === 1,
    );
    expect(aboveTwenty).to.be.closeTo(3.88, 0.02);
    // "With the onset definition 1.40 [1.12, 1.72]": days with MACD above its signal line, 2017–23: 1.44.
    const { histogram } = macd(vix);
    const macdDays = liftOfDays(
      (i) => i >= since2017 && eligible[i] === 1,
      (i) => histogram[i]! > 0,
      (i) => hit[i] === 1,
    );
    expect(macdDays).to.be.closeTo(1.44, 0.01);
    // "Any close > 25: 0.81 [0.26, 1.34]": up-crosses below 20 against all days below 20 since 1990: 0.79.
    const anyClose = (i: number): boolean => vix.subarray(i + 1, i + 1 + ONSET_HORIZON).some((close) => close > 25);
    const upCross = (i: number): boolean => i > 33 && histogram[i]! > 0 && histogram[i - 1]! <= 0;
    expect(liftOfDays((i) => vix[i]! < 20, upCross, anyClose)).to.be.closeTo(0.79, 0.02);

    const moves = movesFromCalmToStress(vix);
    expect(moves).to.have.length(12);
    expect(Math.min(...moves.map(({ from, to }) => to - from))).to.equal(2);
  });

  it("finds no signal with weight before 2017, and says why of each", async () => {
    if (dataMissing("weights on years before 2017")) return;
    const rows = measureLift(await market(), { from: "1990-01-02", to: "2016-12-30" }, seededRandom(1));
    expect(rows).to.have.length(SIGNALS.length);
    expect(row(rows, "vix-above-20").lift).to.be.closeTo(3.24, 0.01);
    expect(row(rows, "vix-macd").liftInterval!.high).to.be.lessThan(1);
    expect(rows.filter(({ weight }) => weight > 0).map(({ id }) => id)).to.deep.equal([]);
    for (const { whyWeight } of rows) expect(whyWeight).to.match(/^No weight: /);
  });

  it("prints every signal with its worth: ballast signals", async () => {
    if (dataMissing("ballast signals")) return;
    const args = ["signals", "--data", DATA_DIR, "--date", "2020-03-15"];
    const { code, json, stderr } = await ballastJson(args);
    expect(code).to.equal(0);
    expect(stderr).to.contain("this is the session before it, 2020-03-13");
    const readings = json as unknown as Record<string, unknown>[];
    expect(readings).to.have.length(SIGNALS.length);
    expect(readings[0]).to.include({ id: YARDSTICK_ID, session: "2020-03-13", state: "on", value: 57.83, weight: 0 });
    for (const reading of readings) {
      expect(reading).to.include.all.keys(
        ...["value", "unit", "threshold", "direction", "state", "reason", "ageSessions", "weight", "whyWeight", "lift"],
      );
    }
    const { stdout } = await ballast(args);
    expect(stdout).to.contain("worth measured 1990-01-02 to 2019-12-31").and.to.contain("Stress index: none");
  });
});
