import { expect } from "chai";
import fc from "fast-check";
import { parseUnits } from "ethers";
import type { LiquidityPosition, PairShape } from "../../src/hedge/liquidity.ts";
import {
  impermanentLoss,
  liquidityDelta,
  liquidityForValue,
  liquidityGamma,
  priceToSqrtPriceX96,
  valueAt,
} from "../../src/hedge/liquidity.ts";
import {
  feesPerYear,
  liquidityForLpValue,
  lpAmounts,
  lpDelta,
  lpGamma,
  lpImpermanentLoss,
  LpInputError,
  lpPositionOf,
  lpValue,
  lvrPerYear,
} from "../../src/hedge/liquidityValue.ts";
import type { LpPosition } from "../../src/hedge/liquidityValue.ts";
import { tickAtSqrtRatio } from "../../src/hedge/ticks.ts";

/** Cases per property: thousands, and still a second in all. */
const CASES = 3_000;
const check = <T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void =>
  fc.assert(fc.property(arbitrary, holds), { numRuns: CASES, seed: 1 });

const decimals = fc.constantFrom(6, 8, 18);
const pairs: fc.Arbitrary<PairShape> = fc.record({
  baseDecimals: decimals,
  assetDecimals: decimals,
  baseIsToken0: fc.boolean(),
});
/** A position on chain and a price: inside the range, at its ends and outside. */
const onChain = fc
  .record({
    pair: pairs,
    logPrice: fc.double({ min: Math.log(0.001), max: Math.log(1e6), noNaN: true }),
    offset: fc.integer({ min: -15_000, max: 15_000 }),
    half: fc.integer({ min: 5, max: 20_000 }),
    wholeLiquidity: fc.double({ min: 0, max: 6, noNaN: true }),
  })
  .map(({ pair, logPrice, offset, half, wholeLiquidity }) => {
    const price = parseUnits(Math.exp(logPrice).toPrecision(15), 18);
    const centre = tickAtSqrtRatio(priceToSqrtPriceX96(price, pair)) + offset;
    const unit = Math.sqrt(10 ** (pair.baseDecimals + pair.assetDecimals));
    const position: LiquidityPosition = {
      tickLower: centre - half,
      tickUpper: centre + half,
      liquidity: BigInt(Math.ceil(unit * 10 ** wholeLiquidity)),
    };
    return { pair, price, position };
  });

/** Positions in floats, all prices near them. */
const inFloats = fc
  .record({
    price: fc.double({ min: 0.01, max: 1e5, noNaN: true }),
    middle: fc.double({ min: 0.5, max: 2, noNaN: true }),
    width: fc.double({ min: 1.001, max: 8, noNaN: true }),
    liquidity: fc.double({ min: 0.001, max: 1e7, noNaN: true }),
    full: fc.boolean(),
  })
  .map(({ price, middle, width, liquidity, full }) => ({
    price,
    position: full
      ? { lower: 0, upper: Infinity, liquidity }
      : { lower: (price * middle) / width, upper: price * middle * width, liquidity },
  }));

describe("Liquidity in floats", () => {
  it("agrees with the exact integers on amounts, value, delta and gamma", () => {
    check(onChain, ({ pair, price, position }) => {
      const p = wad(price);
      const float = lpPositionOf(position, pair);
      // The scale of the position's value: differences below a trillionth of it are rounding of doubles; the integers
      // themselves round a unit of each token.
      const scale = float.liquidity * Math.sqrt(p);
      const unit = 3 * (10 ** -pair.assetDecimals + p * 10 ** -pair.baseDecimals);
      near(lpValue(p, float), whole(valueAt(price, position, pair), pair.assetDecimals), scale * 1e-10 + unit);
      const delta = whole(liquidityDelta(price, position, pair), pair.baseDecimals);
      near(lpDelta(p, float), delta, (scale / p) * 1e-10 + 3 * 10 ** -pair.baseDecimals);
      const gamma = liquidityGamma(price, position, pair);
      near(lpGamma(p, float), gamma, Math.abs(gamma) * 1e-10);
    });
  });

  it("agrees with the exact integers on impermanent loss and on sizing", () => {
    check(fc.tuple(onChain, fc.double({ min: 0.2, max: 5, noNaN: true })), ([{ pair, price, position }, move]) => {
      const to = (price * BigInt(Math.round(move * 1e9))) / 1_000_000_000n;
      const [p, q] = [wad(price), wad(to)];
      const float = lpPositionOf(position, pair);
      const scale = float.liquidity * (Math.sqrt(p) + Math.sqrt(q) + q / Math.sqrt(p));
      const unit = 10 * (10 ** -pair.assetDecimals + q * 10 ** -pair.baseDecimals);
      const exact = whole(impermanentLoss(price, to, position, pair), pair.assetDecimals);
      near(lpImpermanentLoss(p, q, float), exact, scale * 1e-10 + unit);

      const value = parseUnits("100000", pair.assetDecimals);
      const liquidity = lpPositionOf({ ...position, liquidity: liquidityForValue(value, price, position, pair) }, pair);
      near(liquidityForLpValue(100_000, p, float) / liquidity.liquidity, 1, 1e-6);
    });
  });

  it("has the base it holds as the derivative of its value (envelope theorem), and gamma as that of delta", () => {
    check(inFloats, ({ price, position }) => {
      const h = price * 1e-5;
      const [low, high] = [price - h, price + h];
      // A bound between the two prices is a kink of delta: gamma has no value there.
      const kinked = [position.lower, position.upper].some((bound) => bound >= low && bound <= high);
      const scale = position.liquidity / Math.sqrt(price);
      near((lpValue(high, position) - lpValue(low, position)) / (2 * h), lpDelta(price, position), scale * 1e-4);
      if (kinked) return;
      const gamma = lpGamma(price, position);
      near((lpDelta(high, position) - lpDelta(low, position)) / (2 * h), gamma, (scale / price) * 1e-4);
      expect(gamma).to.be.at.most(0);
    });
  });

  it("is continuous at both bounds, all base below and all asset above", () => {
    check(inFloats, ({ position }) => {
      if (position.upper === Infinity) return;
      for (const bound of [position.lower, position.upper]) {
        const [below, above] = [lpValue(bound * (1 - 1e-9), position), lpValue(bound * (1 + 1e-9), position)];
        const scale = position.liquidity * Math.sqrt(bound);
        near(below, above, scale * 1e-8);
      }
      expect(lpAmounts(position.lower / 2, position).asset).to.equal(0);
      expect(lpAmounts(position.upper * 2, position).base).to.equal(0);
    });
  });

  it("never gains on holding, and loses as 2√k/(1+k) − 1 over the full range", () => {
    check(fc.tuple(inFloats, fc.double({ min: 0.05, max: 20, noNaN: true })), ([{ price, position }, k]) => {
      const scale = position.liquidity * Math.sqrt(price) * (1 + k);
      expect(lpImpermanentLoss(price, price * k, position)).to.be.at.most(scale * 1e-12);
      const full: LpPosition = { lower: 0, upper: Infinity, liquidity: position.liquidity };
      const held = (lpValue(price, full) / 2) * (1 + k);
      near(lpImpermanentLoss(price, price * k, full) / held, (2 * Math.sqrt(k)) / (1 + k) - 1, 1e-12);
    });
  });

  it("loses σ²/8 of its value a year to rebalancing over the full range, and nothing out of range", () => {
    const full: LpPosition = { lower: 0, upper: Infinity, liquidity: 1_000 };
    near(lvrPerYear(2_000, full, 0.8) / lpValue(2_000, full), 0.8 ** 2 / 8, 1e-15);
    const narrow: LpPosition = { lower: 1_800, upper: 2_200, liquidity: 1_000 };
    near(lvrPerYear(2_000, narrow, 0.8), (1_000 * Math.sqrt(2_000) * 0.64) / 4, 1e-9);
    expect(lvrPerYear(2_200, narrow, 0.8)).to.equal(0);
    expect(lvrPerYear(1_799, narrow, 0.8)).to.equal(0);
    // −½·gamma·p²·σ²: what the value's own convexity loses.
    near(lvrPerYear(2_000, narrow, 0.8), -0.5 * lpGamma(2_000, narrow) * 2_000 ** 2 * 0.64, 1e-9);
  });

  it("is assumed to earn ρ × LVR in fees at the reference volatility, and σ^1.3 besides", () => {
    const position: LpPosition = { lower: 1_800, upper: 2_200, liquidity: 1_000 };
    const fees = { feeToLvr: 0.7, referenceVolatility: 0.9 };
    const reference = lvrPerYear(2_000, position, 0.9);
    near(feesPerYear(2_000, position, 0.9, fees), 0.7 * reference, reference * 1e-12);
    near(feesPerYear(2_000, position, 1.8, fees), 0.7 * reference * 2 ** 1.3, reference * 1e-12);
    expect(feesPerYear(2_300, position, 0.9, fees)).to.equal(0);
  });

  it("refuses what no position can be", () => {
    const position: LpPosition = { lower: 1_800, upper: 2_200, liquidity: 1 };
    for (const price of [0, -1, NaN, Infinity]) expect(() => lpValue(price, position)).to.throw(LpInputError, "price");
    expect(() => lpValue(1, { ...position, upper: 1_800 })).to.throw(LpInputError, "upper bound");
    expect(() => lpValue(1, { ...position, lower: -1 })).to.throw(LpInputError, "lower bound");
    expect(() => lpValue(1, { ...position, liquidity: NaN })).to.throw(LpInputError, "liquidity");
    expect(() => lvrPerYear(1, position, NaN)).to.throw(LpInputError, "volatility");
    expect(() => feesPerYear(1, position, 1, { feeToLvr: -1, referenceVolatility: 1 })).to.throw(LpInputError);
    expect(() => liquidityForLpValue(-1, 2_000, position)).to.throw(LpInputError, "value");
  });
});

function wad(price: bigint): number {
  return Number(price) / 1e18;
}

function whole(units: bigint, tokenDecimals: number): number {
  return Number(units) / 10 ** tokenDecimals;
}

function near(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`).to.equal(
    true,
  );
}
