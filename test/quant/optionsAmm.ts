import { expect } from "chai";
import fc from "fast-check";
import { lpValue, lvrPerYear } from "../../src/hedge/liquidityValue.ts";
import type { LpPosition } from "../../src/hedge/liquidityValue.ts";
import { blackScholesPrice, OptionInputError } from "../../src/hedge/options.ts";
import { ammGreeks, coveredCallOf, coveredCallPayoff, outOfRange } from "../../src/hedge/optionsAmm.ts";
import { derivative } from "../helpers/derivative.ts";

const double = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });
const positions = fc
  .record({ lower: double(500, 3_000), width: double(1.05, 4), liquidity: double(1, 1_000) })
  .map(({ lower, width, liquidity }): LpPosition => ({ lower, upper: lower * width, liquidity }));
const volatilities = double(0.2, 1.5);
const horizons = double(0.02, 1);

/** E[V(P)] by the strip of options it is (Carr–Madan): V(∞) less ∫ of put prices times −V″ … by Simpson, as an oracle. */
function byStrip(price: number, { lower, upper, liquidity }: LpPosition, volatility: number, years: number): number {
  const STEPS = 2_000;
  const { tokens } = coveredCallOf({ lower, upper, liquidity });
  let strip = 0;
  for (let i = 0; i <= STEPS; i++) {
    const strike = lower + ((upper - lower) * i) / STEPS;
    const weight = i === 0 || i === STEPS ? 1 : i % 2 === 1 ? 4 : 2;
    const call = blackScholesPrice("call", { spot: price, strike, years, rate: 0, volatility });
    strip += (weight * call * liquidity) / (2 * strike ** 1.5);
  }
  return tokens * price - (strip * (upper - lower)) / STEPS / 3;
}

describe("a liquidity position as options", () => {
  it("is a covered call outside its range, and worth less inside", () => {
    fc.assert(
      fc.property(positions, double(100, 20_000), (position, price) => {
        const payoff = coveredCallPayoff(coveredCallOf(position), price);
        const value = lpValue(price, position);
        if (price <= position.lower || price >= position.upper) expect(value).to.be.closeTo(payoff, 1e-9 * payoff);
        else expect(value).to.be.below(payoff);
      }),
    );
  });

  it("is half a short straddle beside half its tokens, when its range is narrow", () => {
    const position = { lower: 1_990, upper: 2_010, liquidity: 1_000 };
    const { tokens, strike } = coveredCallOf(position);
    for (const price of [1_500, 1_990, 2_000, 2_010, 2_600]) {
      const straddle = Math.abs(price - strike);
      const read = tokens * (price + strike - straddle) * 0.5;
      expect(lpValue(price, position)).to.be.closeTo(read, 0.003 * read);
    }
  });

  it("has the expected value of the strip of calls it is short", () => {
    fc.assert(
      fc.property(positions, double(0.5, 2), volatilities, horizons, (position, moneyness, volatility, years) => {
        const price = moneyness * Math.sqrt(position.lower * position.upper);
        const { expected } = ammGreeks(price, position, volatility, years, 0);
        expect(expected / byStrip(price, position, volatility, years)).to.be.closeTo(1, 1e-6);
      }),
    );
  });

  it("has Greeks that equal finite differences", () => {
    fc.assert(
      fc.property(positions, double(0.6, 1.6), volatilities, horizons, (position, moneyness, volatility, years) => {
        const price = moneyness * Math.sqrt(position.lower * position.upper);
        const at = (change: { price?: number; volatility?: number }): ReturnType<typeof ammGreeks> =>
          ammGreeks(change.price ?? price, position, change.volatility ?? volatility, years, 0);
        const { horizonDelta, horizonGamma, vega, expected } = at({});
        const step = 1e-3 * price * volatility * Math.sqrt(years);
        const slope = derivative((h) => at({ price: price + h }).expected, step);
        expect(horizonDelta).to.be.closeTo(slope, (1e-7 * expected) / price);
        const bend = derivative((h) => at({ price: price + h }).horizonDelta, step);
        expect(horizonGamma).to.be.closeTo(bend, (1e-5 * expected) / price ** 2);
        const rise = derivative((h) => at({ volatility: volatility + h }).expected, 1e-3 * volatility);
        expect(vega).to.be.closeTo(rise, 1e-7 * expected);
        expect(vega).to.be.at.most(0);
      }),
    );
  });

  it("breaks even, over a short time, at fees equal to loss-versus-rebalancing", () => {
    const position = { lower: 1_000, upper: 4_000, liquidity: 100 };
    const { breakEvenFeesPerDay, thetaPerDay } = ammGreeks(2_000, position, 0.8, 1 / 365, 5);
    expect(breakEvenFeesPerDay * 365).to.be.closeTo(lvrPerYear(2_000, position, 0.8), 1e-2 * breakEvenFeesPerDay * 365);
    expect(thetaPerDay).to.equal(5 - breakEvenFeesPerDay);
  });

  it("needs a range with ends, a volatility and a time", () => {
    const position = { lower: 1_000, upper: 4_000, liquidity: 100 };
    expect(() => ammGreeks(2_000, position, 0, 1, 0)).to.throw(OptionInputError, "volatility");
    expect(() => ammGreeks(2_000, position, 0.8, 0, 0)).to.throw(OptionInputError, "years");
    expect(() => coveredCallOf({ ...position, upper: Infinity })).to.throw(OptionInputError, "upper");
    expect(() => coveredCallOf({ ...position, lower: 0 })).to.throw(OptionInputError, "lower");
  });
});

describe("an out-of-range position", () => {
  const position = { lower: 1_000, upper: 1_200, liquidity: 100 };

  it("has the crossing payoff of sold options, and none of their decay", () => {
    const above = outOfRange(1_500, position, 0.8, 10 / 365)!;
    expect(above.kind).to.equal("put");
    expect(above.positionThetaPerDay).to.equal(0);
    expect(above.optionsThetaPerDay).to.be.above(0);
    expect(above.optionsPremium).to.be.above(0);
    expect(outOfRange(800, position, 0.8, 10 / 365)!.kind).to.equal("call");
    expect(outOfRange(1_100, position, 0.8, 10 / 365)).to.equal(null);
    // The payoff of crossing the whole range is the sold puts', to the asset token.
    const { tokens, strike } = coveredCallOf(position);
    const crossed = lpValue(900, position) - lpValue(1_500, position);
    expect(crossed).to.be.closeTo(-tokens * Math.max(strike - 900, 0), 1e-9);
  });
});
