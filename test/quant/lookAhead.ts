import { expect } from "chai";
import { PARAMETERS } from "../../src/backtest/parameters.ts";
import { createReader } from "../../src/backtest/readings.ts";
import type { Reading } from "../../src/backtest/readings.ts";
import { runBacktest } from "../../src/backtest/run.ts";
import { recordTape } from "../../src/backtest/tape.ts";
import { runVault } from "../../src/backtest/vault.ts";
import type { Strategy, VaultEvent } from "../../src/backtest/vault.ts";
import { readRegimeModels } from "../../src/cli/regimeModels.ts";
import { addDays, dateOfDay, dayNumber } from "../../src/market/calendar.ts";
import { decisionTime } from "../../src/market/dataset.ts";
import { readDataset } from "../../src/market/files.ts";
import type { Dataset, Series } from "../../src/market/series.ts";
import type { MarkovModel } from "../../src/regime/modelFile.ts";
import { SIGNALS } from "../../src/signals/catalogue.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { lehmer } from "../helpers/lehmer.ts";
import { mutateAfter, mutateBefore } from "../helpers/mutateDataset.ts";

const SECONDS_PER_DAY = 86_400;
const INSTANTS = 50;
/** Runs end so soon after the instant: what comes later cannot matter to what is compared. */
const DAYS_BEYOND = 6;
const FROM = "2018-01-01";
/** So much history is enough for every part (the EDR model takes 1,000 residuals), and fifty runs take half the time. */
const HISTORY_FROM = dayNumber("2013-01-01");

/** What was decided, filled and marked, one line each, beginning with the date. */
type Trace = readonly string[];

/** The lines of a trace that were known by an instant: a session's at its decision time, a day's at its end. */
function knownBy(trace: Trace, t: number): Trace {
  return trace.filter((line) => decisionTime(line.slice(0, 10)) <= t);
}

/** Everything that each strategy decided, filled and was marked at; regimes, EDR biases and yearly choices. */
function traceOf(dataset: Dataset, models: readonly MarkovModel[], to: string): Trace {
  const trace: string[] = [];
  const result = runBacktest(dataset, models, {
    from: FROM,
    to,
    ablation: false,
    onEvent: (id, { kind, date, values }) => trace.push(`${date} ${id} ${kind} ${values.join(" ")}`),
  });
  const { dates, strategies, regimes, edr, choices } = result;
  for (const { id, navs } of strategies) {
    // Ex post ones know the window's end by definition.
    if (!id.startsWith("hold-less") || id === "hold-less-ex-ante") {
      navs.forEach((nav, i) => trace.push(`${dates[i]!} ${id} mark ${nav}`));
    }
  }
  regimes.sessions.forEach((session, i) => {
    trace.push(`${session} regime ${regimes.rule[i]!} ${regimes.model[i]!} ${regimes.decision[i]!}`);
    edr?.cells.forEach(({ bias, percentile }, c) => trace.push(`${session} edr ${c} ${bias[i]!} ${percentile[i]!}`));
  });
  for (const { from, hedgeRatios, score } of choices) {
    trace.push(`${from} chosen ${JSON.stringify(hedgeRatios)} ${score}`);
  }
  return trace;
}

/** The dataset without what lies before a day. */
function since(dataset: Dataset, day: number): Dataset {
  const cut = (series: Series): Series => {
    const first = series.days.findIndex((one) => one >= day);
    return {
      ...series,
      days: series.days.slice(first),
      availableAt: series.availableAt.slice(first),
      values: series.values.slice(first),
    };
  };
  return { ...dataset, series: new Map([...dataset.series].map(([name, series]) => [name, cut(series)])) };
}

/** First line in which two traces differ, null when they are the same. */
function difference(a: Trace, b: Trace): string | null {
  const others = new Set(b);
  const own = new Set(a);
  return a.find((line) => !others.has(line)) ?? b.find((line) => !own.has(line)) ?? null;
}

describe("no look-ahead", function () {
  let dataset: Dataset;
  let models: MarkovModel[];
  let whole: Trace;
  const random = lehmer(20_231_231);
  const instants = Array.from({ length: INSTANTS }, () => {
    const from = (dayNumber(FROM) + 10) * SECONDS_PER_DAY;
    const to = dayNumber("2023-12-20") * SECONDS_PER_DAY;
    return Math.floor(from + random() * (to - from));
  });

  before(async function () {
    if (dataMissing("what happens when the future is changed")) return;
    dataset = since(await readDataset(DATA_DIR), HISTORY_FROM);
    models = await readRegimeModels();
    whole = traceOf(dataset, models, "2023-12-31");
  });

  it(`changing every file after t leaves all that was decided, filled and marked up to t the same, at ${INSTANTS} random t`, function () {
    this.timeout(120_000);
    if (dataMissing("fifty futures")) return;
    const everything = new Set(whole);
    for (const t of instants) {
      const today = dateOfDay(Math.floor(t / SECONDS_PER_DAY));
      const changed = traceOf(mutateAfter(dataset, t, random), models, addDays(today, DAYS_BEYOND));
      const known = knownBy(changed, t);
      expect(difference(knownBy(whole, t), known), new Date(t * 1_000).toISOString()).to.equal(null);
      expect(known.length).to.be.greaterThan(0);
      // The mutation bites: what came after t is different.
      expect(changed.some((line) => line.includes(" mark ") && !everything.has(line))).to.equal(true);
    }
  });

  it("changing the past changes what was decided and marked", function () {
    if (dataMissing("another past")) return;
    for (const t of instants.slice(0, 2)) {
      const today = dateOfDay(Math.floor(t / SECONDS_PER_DAY));
      const changed = traceOf(mutateBefore(dataset, t, random), models, addDays(today, DAYS_BEYOND));
      const first = difference(knownBy(whole, t), knownBy(changed, t));
      expect(first).to.be.a("string");
      for (const kind of [" mark ", " decision ", " fill ", " regime ", " edr "]) {
        const of = (trace: Trace): Trace => knownBy(trace, t).filter((line) => line.includes(kind));
        expect(difference(of(whole), of(changed)), kind).to.be.a("string");
      }
    }
  });

  it("a strategy that peeks at the close a week ahead is caught", function () {
    this.timeout(60_000);
    if (dataMissing("a planted peeker")) return;
    const peek = (data: Dataset, to: string): Trace => {
      const reader = createReader(models, SIGNALS.slice(0, 1));
      const lastDay = dayNumber(to);
      const rows = recordTape(data, { ...reader, firstSession: "2016-01-04", lastDay });
      const eth = data.series.get("eth")!;
      const closeOn = (day: number): number => eth.values[eth.days.indexOf(day)] ?? 0;
      const peeker: Strategy<Reading> = {
        level: ({ mark }) => (closeOn(mark.day + 7) < mark.price ? 2 : 0),
        targets: (level) => PARAMETERS.targets[level],
        layers: () => [],
      };
      const trace: string[] = [];
      const onEvent = ({ kind, date, values }: VaultEvent): void =>
        void trace.push(`${date} peeker ${kind} ${values.join(" ")}`);
      runVault(rows, peeker, PARAMETERS, onEvent);
      return trace;
    };
    const peeked = peek(dataset, "2023-12-31");
    const caught = instants.slice(0, 5).filter((t) => {
      const to = addDays(dateOfDay(Math.floor(t / SECONDS_PER_DAY)), DAYS_BEYOND);
      return difference(knownBy(peeked, t), knownBy(peek(mutateAfter(dataset, t, random), to), t)) !== null;
    });
    expect(caught).to.have.length(5);
  });
});
