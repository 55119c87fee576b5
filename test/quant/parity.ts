import { expect } from "chai";
import fc from "fast-check";
import { black76, blackScholes } from "../../src/hedge/options.ts";
import { conversion, parityOpportunities, ParityQuoteError, reversal } from "../../src/hedge/parity.ts";
import type { ParityQuote } from "../../src/hedge/parity.ts";

const NO_COSTS = { legFee: 0, settlementFee: 0, margin: 0.2 };

const terms = fc.record({
  strike: fc.double({ min: 50, max: 200, noNaN: true }),
  days: fc.integer({ min: 1, max: 700 }),
  rate: fc.double({ min: -0.02, max: 0.15, noNaN: true }),
  carryYield: fc.double({ min: 0, max: 0.1, noNaN: true }),
  volatility: fc.double({ min: 0.05, max: 1.5, noNaN: true }),
});

/** Quotes at fair prices, without a spread. */
function fair(
  t: { strike: number; days: number; rate: number; carryYield: number; volatility: number },
  future = false,
): ParityQuote {
  const years = t.days / 365;
  const common = { strike: t.strike, years, rate: t.rate, volatility: t.volatility };
  const { call, put } = future
    ? black76({ ...common, forward: 100 })
    : blackScholes({ ...common, spot: 100, dividendYield: t.carryYield });
  return {
    name: "fair",
    underlying: future ? "future" : "spot",
    underlyingBid: 100,
    underlyingAsk: 100,
    strike: t.strike,
    days: t.days,
    callBid: call,
    callAsk: call,
    putBid: put,
    putAsk: put,
    rate: t.rate,
    carryYield: t.carryYield,
    borrowCost: 0,
  };
}

describe("Conversions and reversals", () => {
  it("find nothing in fair prices, on spot or future", () => {
    fc.assert(
      fc.property(terms, fc.boolean(), (t, future) => {
        const quote = fair(t, future);
        near(conversion(quote, NO_COSTS).edge, 0, 1e-9);
        near(reversal(quote, NO_COSTS).edge, 0, 1e-9);
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });

  it("find a mispriced option to the cent, on the one side, and never on both", () => {
    fc.assert(
      fc.property(terms, fc.double({ min: -3, max: 3, noNaN: true }), (t, off) => {
        const quote = fair(t);
        const dear = { ...quote, callBid: Math.max(0, quote.callBid + off), callAsk: Math.max(0, quote.callAsk + off) };
        const actual = dear.callBid - quote.callBid;
        near(conversion(dear, NO_COSTS).edge, actual, 1e-9);
        near(reversal(dear, NO_COSTS).edge, -actual, 1e-9);
        expect(parityOpportunities([dear], NO_COSTS).filter(({ edge }) => edge > 1e-9).length).to.be.at.most(1);
      }),
      { numRuns: 2_000, seed: 2 },
    );
  });

  it("pay what was locked in, whatever the price at expiry", () => {
    fc.assert(
      fc.property(terms, fc.double({ min: 1, max: 400, noNaN: true }), (t, end) => {
        const quote = { ...fair(t), callBid: 9, callAsk: 9.5, putBid: 4, putAsk: 4.5, borrowCost: 0.03 };
        const years = t.days / 365;
        const grow = Math.exp(t.rate * years);
        const [call, put] = [Math.max(0, end - t.strike), Math.max(0, t.strike - end)];
        // Conversion: e^−qT units bought have become one; all of it borrowed or lent at the rate.
        const spent = quote.underlyingAsk * Math.exp(-t.carryYield * years) + quote.putAsk - quote.callBid;
        near(end + put - call - spent * grow, conversion(quote, NO_COSTS).edge * grow, 1e-9);
        const got = quote.underlyingBid * Math.exp(-(t.carryYield + 0.03) * years) + quote.putBid - quote.callAsk;
        near(got * grow - end - put + call, reversal(quote, NO_COSTS).edge * grow, 1e-9);
      }),
      { numRuns: 1_000, seed: 3 },
    );
  });

  it("count spreads, fees, margin and time", () => {
    const quote = {
      ...fair({ strike: 100, days: 73, rate: 0, carryYield: 0, volatility: 0.3 }),
      callBid: 8,
      callAsk: 8.2,
      putBid: 5,
      putAsk: 5.2,
    };
    const costs = { legFee: 0.0003, settlementFee: 0.0001, margin: 0.2 };
    const [only, ...rest] = parityOpportunities([quote], costs);
    expect(rest).to.deep.equal([]);
    expect(only?.kind).to.equal("conversion");
    near(only!.grossEdge, 8 - 5.2, 1e-9);
    near(only!.edge, 2.8 - 0.1, 1e-9);
    near(only!.capital, 100 + 5.2 - 8, 1e-9);
    near(only!.annualised, (2.7 / 97.2) * 5, 1e-9);
    expect(only!.legs[2]).to.equal("sell the 100 call at 8");
    // Half a point of fees on each leg leaves nothing.
    expect(parityOpportunities([quote], { ...costs, legFee: 0.01 })).to.deep.equal([]);
    near(conversion({ ...quote, underlying: "future" }, costs).capital, 20, 1e-9);
  });

  it("name the quote that cannot be", () => {
    const quote = fair({ strike: 100, days: 30, rate: 0, carryYield: 0, volatility: 0.3 });
    expect(() => parityOpportunities([{ ...quote, putAsk: 0 }], NO_COSTS)).to.throw(
      ParityQuoteError,
      "'fair': the put's bid",
    );
    expect(() => conversion({ ...quote, days: 0 }, NO_COSTS)).to.throw(ParityQuoteError, "expired");
    expect(() => reversal({ ...quote, rate: NaN }, NO_COSTS)).to.throw(ParityQuoteError, "rate is NaN");
    expect(() => reversal({ ...quote, strike: 0 }, NO_COSTS)).to.throw(ParityQuoteError, "strike");
  });
});

function near(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`).to.equal(
    true,
  );
}
