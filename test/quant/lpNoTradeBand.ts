import { expect } from "chai";
import fc from "fast-check";
import { noTradeHalfWidth, noTradeHalfWidthNumber, tradeToBand } from "../../src/hedge/noTradeBand.ts";

describe("No-trade band in floats", () => {
  it("is the exact integer band, within its rounding", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 50, max: 100_000, noNaN: true }),
        fc.double({ min: 0.001, max: 1_000, noNaN: true }),
        fc.double({ min: 1_000, max: 1e9, noNaN: true }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 100, max: 1_000_000 }),
        fc.boolean(),
        (price, deltaChange, nav, costBps, riskAversionBps, baseIsToken0) => {
          const pair = { baseDecimals: 18, assetDecimals: 6, baseIsToken0 };
          const priceChange = price / 10;
          const integer = noTradeHalfWidth({
            deltaChange: BigInt(Math.round(deltaChange * 1e9)) * 10n ** 9n,
            priceChange: BigInt(Math.round(priceChange * 1e9)) * 10n ** 9n,
            price: BigInt(Math.round(price * 1e9)) * 10n ** 9n,
            nav: BigInt(Math.round(nav * 1e6)),
            costBps: BigInt(costBps),
            riskAversionBps: BigInt(riskAversionBps),
            pair,
          });
          const float = noTradeHalfWidthNumber({
            gamma: deltaChange / priceChange,
            price,
            nav,
            cost: costBps / 10_000,
            riskAversion: riskAversionBps / 10_000,
          });
          expect(Math.abs(Number(integer) / 1e18 / float - 1) < 1e-6, `${integer} against ${float}`).to.equal(true);
        },
      ),
      { numRuns: 3_000, seed: 1 },
    );
  });

  it("has no width without gamma or cost, and trades to the nearer edge only from outside", () => {
    const inputs = { gamma: -0.01, price: 2_000, nav: 1e6, cost: 0.001, riskAversion: 10 };
    expect(noTradeHalfWidthNumber({ ...inputs, gamma: 0 })).to.equal(0);
    expect(noTradeHalfWidthNumber({ ...inputs, cost: 0 })).to.equal(0);
    expect(noTradeHalfWidthNumber({ ...inputs, gamma: 0.01 })).to.equal(noTradeHalfWidthNumber(inputs));
    expect([9, 11, 12, 5].map((current) => tradeToBand(current, 10, 1))).to.deep.equal([9, 11, 11, 9]);
  });
});
