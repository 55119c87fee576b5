import { expect } from "chai";
import fc from "fast-check";
import { againstHurdle, NoRateOfReturnError, presentValue, xirr } from "../../src/hedge/xirr.ts";
import type { CashFlow } from "../../src/hedge/xirr.ts";
import { dayNumber } from "../../src/market/calendar.ts";

const flow = (date: string, amount: number): CashFlow => ({ day: dayNumber(date), amount });

describe("Internal rate of return", () => {
  it("finds the rate of the spreadsheets' documented example", () => {
    // The example of Excel's XIRR reference: 37.34 %.
    const rate = xirr([
      flow("2008-01-01", -10_000),
      flow("2008-03-01", 2_750),
      flow("2008-10-30", 4_250),
      flow("2009-02-15", 3_250),
      flow("2009-04-01", 2_750),
    ]);
    expect(Math.abs(rate - 0.373362535) < 1e-8, String(rate)).to.equal(true);
  });

  it("is the rate of a single loan, whatever the rate", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -0.99, max: 50, noNaN: true }),
        fc.integer({ min: 30, max: 4_000 }),
        fc.boolean(),
        (rate, days, paidFirst) => {
          const back = (1 + rate) ** (days / 365);
          const sign = paidFirst ? -1 : 1;
          const found = xirr([
            { day: 0, amount: sign * 100 },
            { day: days, amount: -sign * 100 * back },
          ]);
          expect(Math.abs(found - rate) <= 1e-9 * (1 + rate), `${found} for ${rate}`).to.equal(true);
        },
      ),
      { numRuns: 1_000, seed: 1 },
    );
  });

  it("makes the present value of any investment with one change of sign vanish", () => {
    const amounts = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(amounts, amounts, fc.integer({ min: 1, max: 90 }), (paid, received, gap) => {
        const flows = [...paid.map((x) => -x), ...received].map((amount, i) => ({ day: i * gap, amount }));
        const rate = xirrOrNull(flows);
        // Nearer to a total loss, 1 + rate itself has lost the digits.
        if (rate === null || rate < -0.99) return;
        const turnover = flows.map(({ day, amount }) => ({ day, amount: Math.abs(amount) }));
        expect(Math.abs(presentValue(flows, rate)) <= 1e-9 * presentValue(turnover, rate)).to.equal(true);
      }),
      { numRuns: 1_000, seed: 2 },
    );
  });

  it("adds the flows of a day up, in any order of days", () => {
    const flows = [flow("2021-01-01", 60), flow("2020-01-01", -100), flow("2021-01-01", 50)];
    expect(xirr(flows)).to.equal(xirr([flow("2020-01-01", -100), flow("2021-01-01", 110)]));
  });

  it("refuses flows of one sign, several rates, none, and what is no number", () => {
    expect(() => xirr([])).to.throw(NoRateOfReturnError, "one sign");
    expect(() => xirr([flow("2020-01-01", -1), flow("2021-01-01", -1)])).to.throw(NoRateOfReturnError, "one sign");
    // −100, +230, −132 a year apart: 10 % and 20 %.
    const twice = [flow("2021-01-01", -100), flow("2022-01-01", 230), flow("2023-01-01", -132)];
    expect(() => xirr(twice)).to.throw(NoRateOfReturnError, "10.00 % and 20.00 % fit equally");
    const never = [flow("2021-01-01", -100), flow("2022-01-01", 150), flow("2023-01-01", -100)];
    expect(() => xirr(never)).to.throw(NoRateOfReturnError, "keeps its sign");
    expect(() => xirr([flow("2021-01-01", NaN), flow("2022-01-01", 1)])).to.throw(NoRateOfReturnError, "finite");
    expect(() => xirr([flow("2021-01-01", -1), flow("2021-01-02", 1e9)])).to.throw(NoRateOfReturnError, "beyond");
  });

  it("finds the one rate of flows that change sign often", () => {
    // Premiums paid each year, one payoff in the middle: two changes of sign, one rate in reach.
    const flows = [flow("2020-01-01", -100), flow("2021-01-01", 300), flow("2022-01-01", -1)];
    const rate = xirrOrNull(flows);
    // 100x² − 300x + 1 = 0 has x = 2.99666 and x = 0.00334 (−99.67 %): both are rates, so there is no answer.
    expect(rate).to.equal(null);
    expect(
      xirr([flow("2020-01-01", -100), flow("2021-01-01", 10), flow("2022-01-01", -10), flow("2023-01-01", 150)]),
    ).to.be.greaterThan(0.14);
  });

  it("says whether a programme clears the cost of capital, or that it has no rate", () => {
    const flows = [flow("2020-01-01", -100), flow("2020-12-31", 110)];
    expect(againstHurdle(flows, 0.08).clears).to.equal(true);
    expect(againstHurdle(flows, 0.12).sentence).to.equal(
      "The programme returns 10.00 % a year, less than the cost of capital of 12.00 %.",
    );
    const none = againstHurdle([flow("2020-01-01", -100)], 0.1);
    expect([none.rate, none.clears]).to.deep.equal([null, null]);
    expect(none.sentence).to.contain("one sign");
  });
});

function xirrOrNull(flows: readonly CashFlow[]): number | null {
  try {
    return xirr(flows);
  } catch (error) {
    if (error instanceof NoRateOfReturnError) return null;
    throw error;
  }
}
