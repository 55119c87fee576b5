import { expect } from "chai";
import { seededRandom } from "../../src/backtest/bootstrap.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { sessionsBetween } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import { readDataset } from "../../src/market/files.ts";
import type { Dataset } from "../../src/market/series.ts";
import { createEdr, EDR_CELLS, EdrOrderError } from "../../src/signals/edr.ts";
import type { EdrReading } from "../../src/signals/edr.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { mutateAfter, mutateBefore } from "../helpers/mutateDataset.ts";

type Rows = Map<string, number>;

const SESSIONS = sessionsBetween("2000-01-03", "2006-12-29");

/** Made-up closes of the S&P and of its volatility indices. */
function madeUp(): Record<"spx" | "vix" | "vix3m", Rows> {
  const random = seededRandom(1);
  const series = { spx: new Map<string, number>(), vix: new Map<string, number>(), vix3m: new Map<string, number>() };
  let close = 1_000;
  let vix = 18;
  for (const session of SESSIONS) {
    vix = Math.max(9, vix + 0.05 * (18 - vix) + (random() - 0.45) * 2);
    close *= Math.exp(((random() + random() + random() - 1.5) * vix) / 900 + 0.0002);
    series.spx.set(session, close);
    series.vix.set(session, vix);
    series.vix3m.set(session, 10 + vix / 2);
  }
  return series;
}

function datasetOf(series: Partial<Record<string, Rows>>): Dataset {
  const files = Object.entries(series).map(([name, rows]) => {
    const lines = [...rows!].map(([date, close]) => `${date},${close}\n`);
    return [`${name}.csv`, `date,close\n${lines.join("")}`];
  });
  return buildDataset(Object.fromEntries(files) as Record<string, string>);
}

/** Every reading from one session to another, each through a view at its decision time. */
function readAll(dataset: Dataset, from = SESSIONS[0]!, to = SESSIONS.at(-1)!): EdrReading[] {
  const view = new AsOfView(dataset);
  const edr = createEdr(seededRandom);
  return sessionsBetween(from, to).map((session) => edr(view.advanceTo(decisionTime(session)), session));
}

/** What does not depend on where a run began: all but percentiles. */
const lasting = ({ cells }: EdrReading): unknown => cells.map(({ percentile: _percentile, ...rest }) => rest);

describe("EDR bias", function () {
  const series = madeUp();
  const readings = readAll(datasetOf(series));

  it("says why it is Unknown until it has 1,000 residuals before a month, and is known from then on", function () {
    const first = readings.findIndex(({ cells }) => cells.every(({ bias }) => bias !== null));
    expect(readings[first]!.residuals).to.be.within(1_000, 1_023);
    expect(readings[first]!.session.slice(0, 7)).to.not.equal(readings[first - 1]!.session.slice(0, 7));
    for (const { cells, unknown } of readings.slice(0, first)) {
      expect(cells.every(({ bias, percentile }) => bias === null && percentile === null)).to.be.true;
      expect(unknown.join()).to.match(/residuals before this month, and a simulation needs 1000/);
    }
    for (const { cells, unknown } of readings.slice(first)) {
      expect(unknown).to.deep.equal([]);
      for (const { model, implied, bias } of cells) {
        expect(bias).to.equal(model!.probability - implied!.probability);
      }
    }
  });

  it("is less likely the deeper and the shorter, in both its halves", function () {
    for (const { cells } of readings.slice(-250)) {
      const at = (h: number, d: number): EdrReading["cells"][number] =>
        cells.find(({ horizonSessions, depth }) => horizonSessions === h && depth === d)!;
      for (const half of ["model", "implied"] as const) {
        expect(at(21, 0.05)[half]!.probability).to.be.at.least(at(21, 0.1)[half]!.probability);
        expect(at(63, 0.1)[half]!.probability).to.be.at.least(at(63, 0.2)[half]!.probability);
        expect(at(63, 0.05)[half]!.probability).to.be.at.least(at(21, 0.05)[half]!.probability);
      }
    }
  });

  it("ranks the bias among its own earlier readings, from the second year on", function () {
    EDR_CELLS.forEach((_, cell) => {
      const past: number[] = [];
      for (const { cells } of readings) {
        const { bias, percentile } = cells[cell]!;
        if (bias === null) continue;
        const below = past.filter((each) => each < bias).length;
        const equal = past.filter((each) => each === bias).length;
        if (past.length < 252) expect(percentile).to.equal(null);
        else expect(percentile).to.be.closeTo((below + equal / 2) / past.length, 1e-12);
        past.push(bias);
      }
      expect(past.length).to.be.above(500);
    });
    const last = readings.at(-1)!;
    expect(last.sizingPercentile).to.equal(last.cells.at(-1)!.percentile);
  });

  it("does not depend on where a run begins, but for percentiles", function () {
    const from = "2006-03-15";
    const late = readAll(datasetOf(series), from);
    const whole = readings.slice(-late.length);
    expect(late.map(lasting)).to.deep.equal(whole.map(lasting));
    expect(late.at(-1)!.sizingPercentile).to.equal(null);
  });

  it("sees nothing of the future, at any of ten instants, and all of the past", function () {
    const dataset = datasetOf(series);
    const random = seededRandom(8);
    for (let n = 0; n < 10; n++) {
      const i = Math.floor((0.7 + 0.29 * random()) * SESSIONS.length);
      const t = decisionTime(SESSIONS[i]!);
      const future = readAll(mutateAfter(dataset, t, random));
      expect(JSON.stringify(future.slice(0, i + 1)), SESSIONS[i]).to.equal(JSON.stringify(readings.slice(0, i + 1)));
      expect(lasting(future[i + 1]!)).to.not.deep.equal(lasting(readings[i + 1]!));
    }
    const now = decisionTime(SESSIONS[1_500]!);
    const past = readAll(mutateBefore(dataset, now, random));
    expect(lasting(past[1_500]!)).to.not.deep.equal(lasting(readings[1_500]!));
    // A reader that stands a session ahead of the decision gets other readings: the test above would catch it.
    const view = new AsOfView(dataset);
    const edr = createEdr(seededRandom);
    const peeked = SESSIONS.slice(0, -1).map((session, i) =>
      edr(view.advanceTo(decisionTime(SESSIONS[i + 1]!)), session),
    );
    expect(lasting(peeked[1_500]!)).to.not.deep.equal(lasting(readings[1_500]!));
  });

  it("uses the indices that are fresh: five sessions old yes, six no", function () {
    const cut = "2006-06-14";
    const keep = (rows: Rows): Rows => new Map([...rows].filter(([date]) => date <= cut));
    const stale = readAll(datasetOf({ spx: series.spx, vix: keep(series.vix), vix3m: series.vix3m }), cut);
    expect(stale[5]!.impliedFrom).to.deep.equal(["vix", "vix3m"]);
    expect(stale[6]!.impliedFrom).to.deep.equal(["vix3m"]);
    const alone = readAll(datasetOf({ spx: series.spx, vix: keep(series.vix) }), cut);
    expect(alone[5]!.unknown).to.deep.equal([]);
    expect(alone[6]!.unknown.join()).to.match(/^Implied: no volatility index/);
    expect(alone[6]!.cells.every(({ implied, bias, model }) => implied === null && bias === null && model !== null)).to
      .be.true;
    const closes = readAll(datasetOf({ spx: keep(series.spx), vix: series.vix }), cut);
    expect(closes[5]!.unknown).to.deep.equal([]);
    expect(closes[6]!.unknown.join()).to.match(/^Model: the last S&P 500 close is of 2006-06-14/);
    expect(closes[6]!.ewmaVolatility).to.equal(null);
  });

  it("says so when a file is missing", function () {
    const noCloses = readAll(datasetOf({ vix: series.vix }), "2006-12-01").at(-1)!;
    expect(noCloses.unknown).to.deep.equal(["Model: no S&P 500 closes (spx.csv)."]);
    const noIndex = readAll(datasetOf({ spx: series.spx }), "2006-12-01").at(-1)!;
    expect(noIndex.unknown.join()).to.match(/vix\.csv/);
    expect(noIndex.cells[0]!.model).to.not.equal(null);
  });

  it("leaves a return over a missing session out, whatever its size", function () {
    const gap = new Map([...series.spx].filter(([date]) => date !== "2003-05-14"));
    const whole = readings.at(-1)!.residuals;
    expect(readAll(datasetOf({ ...series, spx: gap }), "2006-12-01").at(-1)!.residuals).to.equal(whole - 2);
    const weekend = new Map([...series.spx].filter(([date]) => date !== "2003-05-16"));
    expect(readAll(datasetOf({ ...series, spx: weekend }), "2006-12-01").at(-1)!.residuals).to.equal(whole - 2);
  });

  it("refuses sessions out of order", function () {
    const view = new AsOfView(datasetOf(series), decisionTime("2006-12-29"));
    const edr = createEdr(seededRandom);
    edr(view, "2006-12-29");
    expect(() => edr(view, "2006-12-28")).to.throw(EdrOrderError, "2006-12-28 does not come after 2006-12-29");
  });

  it("is mostly negative on the S&P 500: implied volatility is dear", async function () {
    if (dataMissing("EDR bias since 1990")) return;
    const known = readAll(await readDataset(DATA_DIR), "1990-01-02", "2023-12-29").filter(
      ({ cells }) => cells[0]!.bias !== null,
    );
    expect(known[0]!.session).to.equal("1994-06-01");
    const negative = (cell: number): number =>
      known.filter(({ cells }) => cells[cell]!.bias! < 0).length / known.length;
    expect(negative(0)).to.be.above(0.9);
    expect(negative(3)).to.be.above(0.9);
    expect(negative(4)).to.be.above(0.9);
  });
});
