import { expect } from "chai";
import fc from "fast-check";
import { bisect, NoSignChangeError } from "../../src/hedge/bisect.ts";
import { lpImpermanentLoss, LpInputError, lpValue, lvrPerYear } from "../../src/hedge/liquidityValue.ts";
import type { LpPosition } from "../../src/hedge/liquidityValue.ts";
import { lpBreakEven, lpCarry } from "../../src/hedge/lpBreakEven.ts";
import type { LpCosts } from "../../src/hedge/lpBreakEven.ts";

const free: LpCosts = { gasPerYear: 0, mevHaircut: 0, waccPerYear: 0, hedgeRatio: 1, entryExitCost: 0 };
const position: LpPosition = { lower: 1_500, upper: 2_600, liquidity: 500 };
const assumed = { feeToLvr: 1, referenceVolatility: 0.9 };

const cases = fc.record({
  price: fc.double({ min: 1_501, max: 2_599, noNaN: true }),
  volatility: fc.double({ min: 0.1, max: 3, noNaN: true }),
  feeToLvr: fc.double({ min: 0.1, max: 3, noNaN: true }),
  costs: fc.record({
    gasPerYear: fc.double({ min: 0, max: 500, noNaN: true }),
    mevHaircut: fc.double({ min: 0, max: 0.5, noNaN: true }),
    waccPerYear: fc.double({ min: 0.001, max: 0.2, noNaN: true }),
    hedgeRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    entryExitCost: fc.double({ min: 0, max: 100, noNaN: true }),
  }),
});

describe("Break-even of liquidity", () => {
  it("breaks even with ρ = 1 exactly at the reference volatility when nothing else costs", () => {
    const even = lpBreakEven(2_000, position, 0.9, assumed, free, 30);
    near(even.feeToLvr!, 1, 1e-12);
    near(even.volatility!.from, 0, 1e-9);
    near(even.volatility!.to, 0.9, 1e-9);
    near(even.feeYield, lvrPerYear(2_000, position, 0.9) / lpValue(2_000, position), 1e-12);
    near(lpCarry(2_000, position, 0.9, assumed, free).net, 0, 1e-9);
  });

  it("has no net carry at each break-even it names", () => {
    fc.assert(
      fc.property(cases, ({ price, volatility, feeToLvr, costs }) => {
        const fees = { feeToLvr, referenceVolatility: 0.9 };
        const even = lpBreakEven(price, position, volatility, fees, costs, 30);
        const scale = lpValue(price, position) * (1 + volatility * volatility);
        const net = (rho: number, sigma: number): number =>
          lpCarry(price, position, sigma, { ...fees, feeToLvr: rho }, costs).net;
        near(net(even.feeToLvr!, volatility), 0, scale * 1e-12);
        const carry = lpCarry(price, position, volatility, fees, costs);
        if (even.volatility === null) expect(carry.net).to.be.at.most(0);
        else {
          const { from, to } = even.volatility;
          near(net(feeToLvr, from), 0, scale * 1e-9);
          near(net(feeToLvr, to), 0, scale * (1 + to * to) * 1e-9);
          expect(carry.net > 0).to.equal(volatility > from && volatility < to);
        }
        if (even.days === null) expect(carry.net).to.be.at.most(0);
        else near((even.days / 365) * carry.net, costs.entryExitCost, 1e-9);
      }),
      { numRuns: 3_000, seed: 1 },
    );
  });

  it("names the prices at which fees no longer cover impermanent loss", () => {
    fc.assert(
      fc.property(cases, ({ price, volatility, feeToLvr, costs }) => {
        const fees = { feeToLvr, referenceVolatility: 0.9 };
        const even = lpBreakEven(price, position, volatility, fees, costs, 90);
        const carry = lpCarry(price, position, volatility, fees, costs);
        const kept = ((carry.fees - carry.gas) * 90) / 365 - costs.entryExitCost;
        if (even.price === null) {
          expect(kept).to.be.lessThan(0);
          return;
        }
        const { from, to } = even.price;
        expect(from <= price && price <= to).to.equal(true);
        near(-lpImpermanentLoss(price, to, position), kept, carry.value * 1e-8);
        if (from > 0) near(-lpImpermanentLoss(price, from, position), kept, carry.value * 1e-8);
      }),
      { numRuns: 3_000, seed: 2 },
    );
  });

  it("says that nothing pays out of range, and needs no price bound above the range", () => {
    const even = lpBreakEven(3_000, position, 0.9, assumed, { ...free, waccPerYear: 0.1 }, 30);
    expect(even.feeToLvr).to.equal(null);
    expect(even.volatility).to.equal(null);
    expect(even.days).to.equal(null);
    near(even.feeYield, 0.1, 1e-12);
    expect(even.price!.to).to.equal(Infinity);
  });

  it("refuses what makes no sense", () => {
    const carry = (costs: Partial<LpCosts>) => () => lpCarry(2_000, position, 0.9, assumed, { ...free, ...costs });
    expect(carry({ mevHaircut: 1 })).to.throw(LpInputError, "mevHaircut");
    expect(carry({ hedgeRatio: 1.1 })).to.throw(LpInputError, "hedgeRatio");
    expect(carry({ gasPerYear: NaN })).to.throw(LpInputError, "gasPerYear");
    expect(() => lpCarry(2_000, { ...position, liquidity: 0 }, 0.9, assumed, free)).to.throw(LpInputError, "value");
    expect(() => lpBreakEven(2_000, position, 0.9, assumed, free, 0)).to.throw(LpInputError, "horizon");
  });
});

describe("Bisection", () => {
  it("finds roots to the last digits, and refuses ends of one sign", () => {
    near(
      bisect((x) => x * x - 2, 0, 2),
      Math.SQRT2,
      4e-16,
    );
    near(
      bisect((x) => 1e-40 - x, 0, 1),
      1e-40,
      1e-55,
    );
    expect(bisect((x) => x, 0, 1)).to.equal(0);
    expect(() => bisect((x) => x * x + 1, -1, 1)).to.throw(NoSignChangeError);
    expect(() => bisect(() => NaN, -1, 1)).to.throw(NoSignChangeError);
  });
});

function near(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`).to.equal(
    true,
  );
}
