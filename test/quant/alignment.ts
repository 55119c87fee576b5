import { expect } from "chai";
import fc from "fast-check";
import { align, exactRows, NotAscendingError } from "../../src/market/alignment.ts";
import type { Dated } from "../../src/market/alignment.ts";
import { dayNumber } from "../../src/market/calendar.ts";
import { readDataset } from "../../src/market/files.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

const dated = (...rows: [number, number][]): Dated => ({
  days: rows.map(([day]) => day),
  values: rows.map(([, v]) => v),
});
const series = fc
  .uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 })
  .map((days) => dated(...days.sort((a, b) => a - b).map((day): [number, number] => [day, day])));
const target = fc
  .uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 })
  .map((days) => days.sort((a, b) => a - b));

describe("align", () => {
  it("pairs equal days, and says what had no pair", () => {
    const { columns } = align([1, 2, 5, 6], { s: dated([0, 10], [1, 11], [3, 13], [4, 14], [5, 15], [9, 19]) });
    expect([...columns.s.values]).to.deep.equal([11, NaN, 15, NaN]);
    expect([...columns.s.ages]).to.deep.equal([0, -1, 0, -1]);
    expect(columns.s).to.include({ exact: 2, carried: 0, missing: 2, dropped: 2 });
    expect(columns.s.sentence).to.equal(
      "s: each day with the value of its own day: 2 exact, 0 carried forward, 2 missing; 2 of its days not used.",
    );
  });

  it("carries forward as far as it may, counted in days of the calendar", () => {
    const { columns } = align([1, 2, 5, 6, 7], { s: dated([1, 11], [4, 14]) }, { s: { carryAtMost: 2 } });
    expect([...columns.s.values]).to.deep.equal([11, 11, 14, 14, NaN]);
    expect([...columns.s.ages]).to.deep.equal([0, 1, 1, 2, -1]);
    expect([...columns.s.sourceDays]).to.deep.equal([1, 1, 4, 4, 7]);
    expect(columns.s).to.include({ exact: 1, carried: 3, oldestCarried: 2, missing: 1 });
    expect(columns.s.sentence).to.contain("3 carried forward (at most 2 days)");
  });

  it("pairs with a shifted day when told to", () => {
    const { columns } = align([1, 2], { s: dated([0, 10], [1, 11], [2, 12]) }, { s: { shiftDays: -1 } });
    expect([...columns.s.values]).to.deep.equal([10, 11]);
    expect(columns.s.sentence).to.contain("the value of day −1");
  });

  it("adds up settlements of a day, or takes the last, or refuses to guess", () => {
    const rates = dated([1, 1], [1, 2], [2, 3], [2, 4]);
    expect([...align([1, 2], { f: rates }, { f: { perDay: "sum" } }).columns.f.values]).to.deep.equal([3, 7]);
    expect([...align([1, 2], { f: rates }, { f: { perDay: "last" } }).columns.f.values]).to.deep.equal([2, 4]);
    expect(() => align([1, 2], { f: rates })).to.throw(NotAscendingError, "f: 1970-01-02");
  });

  it("refuses a calendar or a series that does not ascend", () => {
    expect(() => align([2, 2], { s: dated([1, 1]) })).to.throw(NotAscendingError, "the target calendar");
    expect(() => align([1, 2], { s: dated([2, 1], [1, 1]) }, { s: { perDay: "sum" } })).to.throw(
      NotAscendingError,
      "s:",
    );
  });

  it("keeps the rows where everything is exact", () => {
    const aligned = align(
      [1, 2, 3],
      { a: dated([1, 1], [3, 3]), b: dated([1, 10], [2, 20], [3, 30]) },
      { a: { carryAtMost: 9 } },
    );
    const { days, values, left } = exactRows(aligned);
    expect([[...days], [...values.a], [...values.b], left]).to.deep.equal([[1, 3], [1, 3], [10, 30], 1]);
  });

  it("accounts for every day and takes nothing from later, whatever the days", () => {
    fc.assert(
      fc.property(series, target, fc.nat(6), fc.integer({ min: -3, max: 3 }), (s, days, carryAtMost, shiftDays) => {
        const { s: column } = align(days, { s }, { s: { carryAtMost, shiftDays } }).columns;
        expect(column.exact + column.carried + column.missing).to.equal(days.length);
        days.forEach((day, row) => {
          // Values are their own days: the newest at or before the paired day, if the calendar allows its age.
          const own = Array.from(s.days).findLast((of) => of <= day + shiftDays);
          const age = own === undefined ? Infinity : days.slice(0, row + 1).filter((d) => d + shiftDays > own).length;
          const expected = age <= carryAtMost ? own : NaN;
          expect(column.values[row]).to.deep.equal(expected);
          expect(column.ages[row]).to.equal(age <= carryAtMost ? age : -1);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("pairs bitcoin's bar of the session's own UTC day: by the bar before, all of its beta moves to lag one", async () => {
    if (dataMissing("pairing bitcoin's bars with sessions")) return;
    const { series: all } = await readDataset(DATA_DIR);
    const [spx, btc] = [all.get("spx")!, all.get("btc")!];
    const sessions = spx.days.filter((day) => day >= btc.days[0]! && day <= dayNumber("2023-12-29"));
    const betaOf = (shiftDays: number, lag = 0): number => {
      const { values, left } = exactRows(align(sessions, { spx, btc }, { btc: { shiftDays } }));
      expect(left, "before the first bar").to.equal(-shiftDays);
      return slope(logChanges(values.spx), logChanges(values.btc), lag);
    };
    expect(betaOf(0), "session D with bar D").to.be.closeTo(1.0, 0.005);
    expect(betaOf(-1), "with the bar that was closed at 16:00 New York").to.be.closeTo(-0.14, 0.005);
    expect(betaOf(-1, 1), "which answers the session before").to.be.closeTo(1.02, 0.01);
  });
});

const logChanges = (values: Float64Array): number[] =>
  Array.from(values.subarray(1), (v, i) => Math.log(v / values[i]!));

/** Least-squares slope of y on x of `lag` rows before. */
function slope(x: readonly number[], y: readonly number[], lag: number): number {
  const [xs, ys] = [x.slice(0, x.length - lag), y.slice(lag)];
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  return mean(xs.map((v, i) => (v - mx) * (ys[i]! - my))) / mean(xs.map((v) => (v - mx) ** 2));
}
