import { expect } from "chai";
import fc from "fast-check";
import { correlation } from "../../src/hedge/correlation.ts";
import { NO_EXPOSURE } from "../../src/hedge/exposure.ts";
import type { Exposure } from "../../src/hedge/exposure.ts";
import { secondEngine, shockedBy } from "../../src/hedge/secondEngine.ts";
import { fillTemporalTheta, temporalTheta, temporalThetaGate } from "../../src/hedge/temporalTheta.ts";
import { vixFuture } from "../../src/hedge/vixCurve.ts";
import type { VixCurve } from "../../src/hedge/vixCurve.ts";
import {
  vixFuturesExposure,
  vixFuturesMix,
  vixFuturesReturn,
  vixFuturesWeight,
  vixRollYield,
} from "../../src/hedge/vixFutures.ts";
import { markVixCalls, vixCallExposure } from "../../src/hedge/vixOptions.ts";
import { dayNumber } from "../../src/market/calendar.ts";
import { vixCurve } from "../helpers/vixCurves.ts";

/** Nine days before VIX options expire. */
const DAY = dayNumber("2018-06-11");
/** 40 at the front, far lower after: an inverted curve. */
const INVERTED = { days: [9, 30, 93, 184], volatilities: [48, 40, 30, 27] };

const inverted = (change: Partial<VixCurve> = {}): VixCurve => vixCurve(DAY, 40, { term: INVERTED, ...change });

describe("VIX futures layer", () => {
  it("mixes the futures on both sides of 30 days, so that the average is 30", () => {
    for (let day = DAY; day < DAY + 70; day++) {
      const { expiryDays, shares } = vixFuturesMix(vixCurve(day, 15));
      const days = expiryDays.map((expiryDay) => expiryDay - day);
      expect(shares[0] + shares[1]).to.be.closeTo(1, 1e-12);
      expect(Math.min(...shares)).to.be.at.least(0);
      if (days[0]! <= 30) expect(shares[0] * days[0]! + shares[1] * days[1]!).to.be.closeTo(30, 1e-9);
    }
  });

  it("loses by the roll in contango, gains when inverted, and is held only then", () => {
    expect(vixRollYield(vixCurve(DAY, 15))).to.be.below(0);
    expect(vixFuturesWeight(vixCurve(DAY, 15))).to.equal(0);
    expect(vixRollYield(inverted())).to.be.above(0);
    expect(vixFuturesWeight(inverted())).to.equal(1);
  });

  it("earns its roll yield while the curve stays, and the move of its futures when it moves", () => {
    const curve = vixCurve(DAY, 15);
    const mix = vixFuturesMix(curve);
    const stayed = vixFuturesReturn(mix, curve, vixCurve(DAY + 1, 15));
    expect(vixFuturesExposure(mix, 1e6, curve).thetaUsdPerDay).to.be.closeTo(1e6 * stayed, 1e-6);
    expect(stayed).to.be.below(0);
    // Every price 10 % higher: so is every future.
    expect(vixFuturesReturn(mix, curve, vixCurve(DAY, 16.5))).to.be.closeTo(0.1, 1e-12);
    expect(vixFuturesExposure(mix, 1e6, curve).vegaUsd).to.be.within(0.7e6 / 15, 1e6 / 15);
  });
});

describe("Temporal Theta gate", () => {
  const sale = { stress: true, days: 9, strike: 50, forward: 40, front: 40, second: 36, netVegaAfterUsd: 0 };

  it("opens when every condition holds, edges included", () => {
    expect(temporalThetaGate(sale)).to.deep.equal({ allowed: true, failed: [] });
    expect(temporalThetaGate({ ...sale, days: 10, front: 108, second: 100 }).allowed).to.equal(true);
  });

  it("names each condition that does not", () => {
    const broken: [object, string][] = [
      [{ stress: false }, "not Stress"],
      [{ days: 11 }, "11 days"],
      [{ days: 0 }, "0 days"],
      [{ strike: 40 }, "not above the future"],
      [{ front: 38 }, "5.6 % over the second, not 8.0 %"],
      [{ front: NaN }, "over the second"],
      [{ netVegaAfterUsd: -12 }, "short volatility by 12 USD"],
      [{ netVegaAfterUsd: NaN }, "short volatility"],
    ];
    for (const [change, words] of broken) {
      const { allowed, failed } = temporalThetaGate({ ...sale, ...change });
      expect(allowed).to.equal(false);
      expect(failed).to.have.length(1);
      expect(failed[0]).to.contain(words);
    }
    const all = temporalThetaGate({
      stress: false,
      days: 40,
      strike: 1,
      forward: 2,
      front: 1,
      second: 2,
      netVegaAfterUsd: -1,
    });
    expect(all.failed).to.have.length(5);
  });

  it("sells calls inside the calls held, and leaves the book long volatility", () => {
    const curve = inverted();
    const held = [{ strike: 25, expiryDay: curve.expiries[2]!, contracts: 5 }];
    const bookVega = vixCallExposure(held, curve).vegaUsd;
    const { sale: sold, failed, decayUsdPerDay, carryUsdPerDay } = temporalTheta(curve, true, held, bookVega);
    expect(failed).to.deep.equal([]);
    expect(sold!.expiryDay).to.equal(curve.expiries[0]);
    expect(sold!.strike).to.be.above(vixFuture(curve, sold!.expiryDay - DAY));
    expect(sold!.contracts).to.be.within(-5, -0.1);
    const after = vixCallExposure([...held, sold!], curve);
    expect(after.vegaUsd).to.be.at.least(0.5 * bookVega - 1e-9);
    // Time value decays to the seller; the front future's rise towards VIX works against him.
    expect(decayUsdPerDay).to.be.above(0);
    expect(carryUsdPerDay).to.be.below(decayUsdPerDay);
    expect(after.thetaUsdPerDay).to.be.closeTo(vixCallExposure(held, curve).thetaUsdPerDay + carryUsdPerDay, 1e-9);
  });

  it("sells nothing in contango, outside Stress, without calls held, or without VVIX", () => {
    const held = [{ strike: 25, expiryDay: DAY + 100, contracts: 5 }];
    const none = (curve: VixCurve, stress: boolean, book: typeof held): string => {
      const { sale: sold, failed } = temporalTheta(curve, stress, book, vixCallExposure(book, curve).vegaUsd);
      expect(sold).to.equal(null);
      return failed.join("; ");
    };
    expect(none(vixCurve(DAY, 30), true, held)).to.contain("over the second");
    expect(none(inverted(), false, held)).to.contain("Stress");
    expect(none(inverted(), true, [])).to.contain("no long volatility");
    expect(none(inverted({ vvix: null }), true, held)).to.contain("VVIX");
  });

  it("is paid at once, spread off, and settles what it owes at expiry", () => {
    const curve = inverted();
    const held = [{ strike: 25, expiryDay: curve.expiries[2]!, contracts: 5 }];
    const { sale: sold } = temporalTheta(curve, true, held, 1e4);
    const { positions, cashUsd, spreadUsd } = fillTemporalTheta([], sold, curve, 0.05);
    expect(cashUsd + markVixCalls(positions, curve)).to.be.closeTo(-spreadUsd, 1e-9);
    expect(spreadUsd).to.be.above(0);
    const settled = fillTemporalTheta(positions, null, vixCurve(sold!.expiryDay, 70), 0.05);
    expect(settled.positions).to.deep.equal([]);
    expect(settled.cashUsd).to.be.closeTo(sold!.contracts * 100 * (70 - sold!.strike), 1e-9);
  });
});

describe("Second Engine", () => {
  const exposure = (change: Partial<Exposure>): Exposure => ({ ...NO_EXPOSURE, ...change });
  const layers = [
    { name: "ALVH", exposure: exposure({ valueUsd: 900, vegaUsd: 200, vegaConvexityUsd: 20, thetaUsdPerDay: -10 }) },
    { name: "condors", exposure: exposure({ valueUsd: -400, vegaUsd: -350, spxGammaUsd: -2e4, thetaUsdPerDay: 30 }) },
  ];

  it("adds up its layers", () => {
    const { total } = secondEngine(layers, 1e6, false);
    expect(total).to.include({ valueUsd: 500, vegaUsd: -150, thetaUsdPerDay: 20, vegaConvexityUsd: 20 });
  });

  it("may be short volatility outside Stress, within its limit, and never in it", () => {
    const kept = (vegaUsd: number, stress: boolean): boolean =>
      secondEngine([{ name: "all", exposure: exposure({ vegaUsd }) }], 1e6, stress).limits[0]!.kept;
    expect([-1_000, -1_001].map((vega) => kept(vega, false))).to.deep.equal([true, false]);
    expect([0, -0.01].map((vega) => kept(vega, true))).to.deep.equal([true, false]);
    const { withinLimits, limits } = secondEngine(layers, 1e6, true);
    expect(withinLimits).to.equal(false);
    expect(limits[0]!.reason).to.contain("-150 USD").and.to.contain("in Stress");
  });

  it("estimates a shock by its Greeks", () => {
    // 1e6 of the S&P, and a gamma that takes 1e5 off its delta for each per cent.
    expect(shockedBy(exposure({ spxDeltaUsd: 1e6, spxGammaUsd: -1e5 }), -0.05, 0)).to.be.closeTo(
      -50_000 - 12_500,
      1e-6,
    );
    expect(shockedBy(exposure({ vegaUsd: 200, vegaConvexityUsd: 20 }), 0, 10)).to.equal(3_000);
    const broken = secondEngine([{ name: "futures", exposure: exposure({ spxDeltaUsd: 1e6 }) }], 1e6, false);
    expect(broken.limits[1]).to.include({ name: "shock", kept: false });
  });
});

describe("correlation", () => {
  it("equals a worked example, with Fisher's interval, over the days both have", () => {
    // scipy.stats.pearsonr([1,2,3,4,5,7], [2,1,4,3,7,6]) and its confidence_interval(0.95).
    const found = correlation([1, 2, null, 3, 4, 5, 7, 9], [2, 1, 5, 4, 3, 7, 6, null])!;
    expect(found.days).to.equal(6);
    expect(found.value).to.be.closeTo(0.8259328, 1e-6);
    expect(found.low).to.be.closeTo(0.043589, 1e-5);
    expect(found.high).to.be.closeTo(0.980362, 1e-5);
  });

  it("is symmetric, within ±1, and unmoved by scale", () => {
    const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 5, maxLength: 40 });
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const found = correlation(a, b);
        fc.pre(found !== null);
        expect(found.value).to.be.within(-1, 1);
        expect(correlation(b, a)!.value).to.be.closeTo(found.value, 1e-9);
      }),
    );
    expect(correlation([1, 2, 3, 4], [10, 20, 30, 40])!.value).to.be.closeTo(1, 1e-12);
  });

  it("is none of a constant, or of three days", () => {
    expect(correlation([1, 1, 1, 1], [1, 2, 3, 4])).to.equal(null);
    expect(correlation([1, 2, 3], [1, 2, 3])).to.equal(null);
  });
});
