import { expect } from "chai";
import fc from "fast-check";
import {
  CONDOR_POLICY,
  CONDOR_TIERS,
  condorOf,
  condorOrders,
  condorTiersAt,
  fillCondors,
} from "../../src/hedge/condor.ts";
import type { CondorPosition, CondorTier } from "../../src/hedge/condor.ts";
import { blackScholes, OptionInputError, payoffAtExpiry } from "../../src/hedge/options.ts";
import { fillPutSpread, NO_PUT_SPREAD, putSpreadOrder } from "../../src/hedge/putSpread.ts";
import {
  legsPrice,
  legsSpread,
  markSpx,
  spxExpiry,
  spxExposure,
  spxForward,
  spxModel,
  spxOptionPrice,
  spxStrike,
  spxSurface,
  spxVolatility,
} from "../../src/hedge/spxOptions.ts";
import type { SpxPosition, SpxSurface } from "../../src/hedge/spxOptions.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { dateOfDay, dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";

const DAY = dayNumber("2018-06-01");
const NAV = 1e6;
const MODEL = spxModel();

function surfaceAt(day: number, vix: number, spot = 2700, model = MODEL): SpxSurface {
  const term = { days: [9, 30, 93, 184], volatilities: [0.95 * vix, vix, 1.1 * vix, 1.15 * vix] };
  return { day, spot, rate: 0.02, term, model };
}

/** The strikes of a tier's bought options, and their expiry. */
function outermost(surface: SpxSurface, tier: CondorTier): { low: number; high: number; expiryDay: number } {
  const { legs, expiryDay } = condorOf(surface, tier, CONDOR_POLICY.halfSpread)!;
  const strikes = legs.map(({ strike }) => strike);
  return { low: Math.min(...strikes), high: Math.max(...strikes), expiryDay };
}

/** A butterfly of the S&P's grid, 5 points wide: below zero it would be free money. */
function butterfly(surface: SpxSurface, strike: number, expiryDay: number): number {
  const [low, middle, high] = [-5, 0, 5].map((step) => spxOptionPrice(surface, "put", strike + step, expiryDay));
  return low! + high! - 2 * middle!;
}

const vixes = fc.double({ min: 9, max: 20, noNaN: true });
const slopes = fc.double({ min: -0.35, max: 0, noNaN: true });

describe("S&P smile", () => {
  it("has the variance of the index it is made from", () => {
    // Reference: the same integral by scipy's quad over strikes, smile held within [0.6, 2] of the money.
    expect(spxModel(0).atTheMoneyShare).to.be.closeTo(1, 1e-4);
    expect(1 / spxModel(-0.25).atTheMoneyShare).to.be.closeTo(1.1160019387, 1e-4);
    expect(() => spxModel(0.1)).to.throw(OptionInputError, "skew slope");
  });

  it("falls with the strike, and a strike for a delta has it", () => {
    fc.assert(
      fc.property(vixes, slopes, fc.double({ min: 0.05, max: 0.45, noNaN: true }), (vix, slope, delta) => {
        const surface = surfaceAt(DAY, vix, 2700, spxModel(slope));
        const expiry = DAY + 40;
        const [put, call] = (["put", "call"] as const).map((kind) => spxStrike(surface, kind, delta, expiry));
        expect(put).to.be.below(spxForward(surface, 40));
        expect(call).to.be.above(put!);
        expect(spxVolatility(surface, put!, 40)).to.be.at.least(spxVolatility(surface, call!, 40) - 1e-12);
        const carry = Math.exp((-0.018 * 40) / 365);
        for (const [kind, strike] of [
          ["put", put!],
          ["call", call!],
        ] as const) {
          const volatility = spxVolatility(surface, strike, 40);
          const terms = { spot: 2700, strike, years: 40 / 365, rate: 0.02, dividendYield: 0.018, volatility };
          expect(Math.abs(blackScholes(terms).greeks[kind].delta) / carry).to.be.closeTo(delta, 1e-9);
        }
      }),
    );
  });

  it("is free of butterfly arbitrage between a condor's outermost strikes, to a slope of -0.3", () => {
    const tiers = fc.constantFrom(...CONDOR_TIERS.map(({ id }) => id));
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(vixes, fc.double({ min: -0.3, max: 0, noNaN: true }), tiers, share, (vix, slope, tier, at) => {
        const surface = surfaceAt(DAY, vix, 2700, spxModel(slope));
        const { low, high, expiryDay } = outermost(surface, tier);
        const strike = low + at * (high - low);
        expect(butterfly(surface, strike, expiryDay)).to.be.at.least(-1e-9);
        const put = (k: number): number => spxOptionPrice(surface, "put", k, expiryDay);
        expect(put(strike + 5)).to.be.at.least(put(strike));
      }),
    );
  });

  it("has a kink where a smile of -0.35 meets its bound, worth up to a quarter of a point below VIX 11.5", () => {
    const steepest = spxModel(-0.35);
    const worst = (vix: number): number => {
      const surface = surfaceAt(DAY, vix, 2700, steepest);
      const { low, high, expiryDay } = outermost(surface, "conservative");
      const strikes = Array.from({ length: 500 }, (_, i) => low + (i / 499) * (high - low));
      return Math.min(...strikes.map((strike) => butterfly(surface, strike, expiryDay)));
    };
    expect(worst(9.25)).to.be.within(-0.25, -0.2);
    expect(worst(11.5)).to.be.at.least(-1e-9);
  });

  it("comes from the view, and is unknown without a fresh S&P or VIX", () => {
    const dataset = buildDataset({
      "vix.csv": "date,close\n2018-06-01,13.46\n",
      "spx.csv": "date,close\n2018-06-01,2734.62\n",
      "fed_funds.csv": "date,value\n2018-05-30,1.7\n",
    });
    const view = new AsOfView(dataset, decisionTime("2018-06-01"));
    expect(spxSurface(view, "2018-06-01", MODEL)).to.deep.include({ day: DAY, spot: 2734.62, rate: 0.017 });
    expect(spxSurface(view.advanceTo(decisionTime("2018-06-11")), "2018-06-11", MODEL)).to.equal(null);
  });

  it("has expiries on Fridays, or the session before", () => {
    for (const session of sessionsBetween("2018-01-02", "2018-12-31")) {
      const expiry = spxExpiry(dayNumber(session), 38);
      expect(expiry - dayNumber(session)).to.be.within(30, 45);
      const weekday = (expiry + 4) % 7;
      expect(weekday === 5 || dateOfDay(expiry) === "2018-03-29", dateOfDay(expiry)).to.equal(true);
    }
  });

  it("exposes legs as differences of their marks say", () => {
    fc.assert(
      fc.property(vixes, fc.double({ min: -0.06, max: 0.04, noNaN: true }), (vix, logMoneyness) => {
        const surface = surfaceAt(DAY, vix);
        const kind = logMoneyness < 0 ? "put" : "call";
        const strike = 2700 * Math.exp(logMoneyness);
        const position = { legs: [{ kind, strike, quantity: -2 }], expiryDay: DAY + 38, contracts: 1.5 } as const;
        const exposure = spxExposure([position], surface);
        expect(exposure.valueUsd).to.be.closeTo(markSpx([position], surface), 1e-6);
        const h = 1e-4;
        const points = (shift: number): number =>
          markSpx([position], {
            ...surface,
            term: { ...surface.term, volatilities: surface.term.volatilities.map((v) => v + shift) },
          });
        const slope = (points(h) - points(-h)) / (2 * h);
        expect(exposure.vegaUsd).to.be.closeTo(slope, 1e-2 * Math.abs(slope) + 1e-6);
        expect(exposure.vegaUsd).to.be.below(0);
        expect(exposure.thetaUsdPerDay).to.be.above(0);
        expect(exposure.spxGammaUsd).to.be.below(0);
      }),
    );
  });
});

describe("iron condors", () => {
  it("are sold in all tiers below 15, in two to 20, in none above", () => {
    expect(condorTiersAt(14.99)).to.deep.equal(["conservative", "balanced", "aggressive"]);
    expect(condorTiersAt(15)).to.deep.equal(["conservative", "balanced"]);
    expect(condorTiersAt(20)).to.deep.equal(["conservative", "balanced"]);
    expect(condorTiersAt(20.01)).to.deep.equal([]);
  });

  it("gain between their break-evens, and lose at most a wing less the credit", () => {
    fc.assert(
      fc.property(vixes, slopes, fc.double({ min: 0.5, max: 1.5, noNaN: true }), (vix, slope, move) => {
        const surface = surfaceAt(DAY, vix, 2700, spxModel(slope));
        for (const tier of condorTiersAt(vix)) {
          const condor = condorOf(surface, tier, 0.02);
          if (condor === null) continue;
          const { legs, credit, maxLoss, breakEvens } = condor;
          const price = 2700 * move;
          const profit = payoffAtExpiry(legs, price) + credit;
          expect(credit).to.be.above(0);
          expect(maxLoss).to.be.closeTo(0.015 * 2700 - credit, 1e-9);
          expect(profit).to.be.within(-maxLoss - 1e-9, credit + 1e-9);
          expect(profit > 0).to.equal(price > breakEvens[0] && price < breakEvens[1]);
        }
      }),
    );
  });

  it("have break-evens a credit outside the strikes sold, nearer the money the bolder the tier", () => {
    const surface = surfaceAt(DAY, 13);
    const [conservative, balanced, aggressive] = condorTiersAt(13).map((tier) => condorOf(surface, tier, 0.02)!);
    const [, put, call] = balanced!.legs;
    expect(balanced!.breakEvens[0]).to.be.closeTo(put!.strike - balanced!.credit, 1e-9);
    expect(balanced!.breakEvens[1]).to.be.closeTo(call!.strike + balanced!.credit, 1e-9);
    expect(conservative!.breakEvens[0]).to.be.below(balanced!.breakEvens[0]);
    expect(aggressive!.breakEvens[0]).to.be.above(balanced!.breakEvens[0]);
    expect([conservative!.credit, balanced!.credit, aggressive!.credit]).to.deep.equal(
      [conservative!.credit, balanced!.credit, aggressive!.credit].sort((a, b) => a - b),
    );
  });

  it("are opened by tier, closed at 21 days left, and opened anew", () => {
    const opened: string[] = [];
    const closed: string[] = [];
    let positions: readonly CondorPosition[] = [];
    let orders: ReturnType<typeof condorOrders> = { close: [], open: [] };
    for (const session of sessionsBetween("2018-06-01", "2018-07-31")) {
      const surface = surfaceAt(dayNumber(session), 17);
      const before = positions;
      ({ positions } = fillCondors(positions, orders, surface, NAV));
      if (positions.some((held) => !before.includes(held))) opened.push(session);
      if (before.some((held) => !positions.includes(held))) closed.push(session);
      orders = condorOrders(positions, surface, { vix: 17, nav: NAV });
      expect(positions.length).to.equal(session === "2018-06-01" ? 0 : 2);
      for (const { expiryDay } of positions) expect(expiryDay - surface.day).to.be.at.least(18);
    }
    // Decided on 06-01 for Friday 07-06 (35 days): 21 left on 06-15, filled on 06-18.
    expect(opened.slice(0, 3)).to.deep.equal(["2018-06-04", "2018-06-18", "2018-07-02"]);
    expect(closed).to.deep.equal(opened.slice(1));
  });

  it("risk no more than their share of NAV, at the fill too, and half of it when told", () => {
    const surface = surfaceAt(DAY, 13);
    const inputs = { vix: 13, nav: NAV };
    const orders = condorOrders([], surface, inputs);
    const risk = ({ contracts, maxLoss }: { contracts: number; maxLoss: number }): number => contracts * maxLoss * 100;
    for (const open of orders.open) expect(risk(open)).to.be.closeTo(0.005 * NAV, 1e-6);
    for (const open of condorOrders([], surface, { ...inputs, sizeFactor: 0.5 }).open) {
      expect(risk(open)).to.be.closeTo(0.0025 * NAV, 1e-6);
    }
    expect(condorOrders([], surface, { ...inputs, sizeFactor: 0 }).open).to.deep.equal([]);
    for (const spot of [2650, 2700, 2750]) {
      const { positions } = fillCondors([], orders, surfaceAt(DAY + 3, 13, spot), NAV);
      for (const held of positions) expect(risk(held)).to.be.at.most(0.005 * NAV * (1 + 1e-9));
    }
  });

  it("cost their spread, and nothing else, when filled", () => {
    const surface = surfaceAt(DAY, 13);
    const orders = condorOrders([], surface, { vix: 13, nav: NAV });
    const { positions, cashUsd, spreadUsd } = fillCondors([], orders, surface, NAV);
    expect(cashUsd + markSpx(positions, surface)).to.be.closeTo(-spreadUsd, 1e-6);
    expect(spreadUsd).to.be.above(0);
    expect(cashUsd).to.be.closeTo(
      positions.reduce((sum, { contracts, credit }) => sum + contracts * credit * 100, 0),
      1e-6,
    );
  });

  it("settle at what they owe when nobody closed them", () => {
    const surface = surfaceAt(DAY, 13);
    const policy = { ...CONDOR_POLICY, closeDaysLeft: 0 };
    const { positions } = fillCondors(
      [],
      condorOrders([], surface, { vix: 13, nav: NAV }, policy),
      surface,
      NAV,
      policy,
    );
    const crashed = surfaceAt(positions[0]!.expiryDay, 40, 2000);
    const {
      cashUsd,
      spreadUsd,
      positions: left,
    } = fillCondors(positions, { close: [], open: [] }, crashed, NAV, policy);
    expect(left).to.deep.equal([]);
    expect(spreadUsd).to.equal(0);
    const owed = positions.reduce((sum, { contracts }) => sum + contracts * 100 * 0.015 * 2700, 0);
    expect(cashUsd).to.be.closeTo(-owed, 1e-6);
  });
});

describe("put spreads", () => {
  it("are held always, within their budget in any 365 days, at prices that add up", () => {
    let state = NO_PUT_SPREAD;
    let order: ReturnType<typeof putSpreadOrder> = null;
    let cash = NAV;
    const paid: { day: number; share: number }[] = [];
    for (const session of sessionsBetween("2018-01-02", "2020-12-31")) {
      const day = dayNumber(session);
      const surface = surfaceAt(day, 12 + (day % 37), 2700 + 4 * (day % 101));
      const held = (): SpxPosition[] => (state.position === null ? [] : [state.position]);
      const before = cash + markSpx(held(), surface);
      const fill = fillPutSpread(state, order, surface, before);
      ({ state } = fill);
      cash += fill.proceedsUsd - fill.premiumUsd;
      expect(cash + markSpx(held(), surface)).to.be.closeTo(before - fill.spreadUsd, 1e-6);
      paid.push({ day, share: fill.premiumUsd / before });
      const year = paid.filter((one) => one.day > day - 365).reduce((sum, { share }) => sum + share, 0);
      expect(year).to.be.at.most(0.01 * (1 + 1e-12));
      if (session > "2018-01-02") expect(state.position?.contracts, session).to.be.above(0);
      order = putSpreadOrder(state, surface);
    }
    expect(paid.filter(({ share }) => share > 0).length).to.be.above(30);
  });

  it("pay at most the distance of their strikes, and cost less than that", () => {
    const surface = surfaceAt(DAY, 18);
    const { legs, expiryDay } = putSpreadOrder(NO_PUT_SPREAD, surface)!;
    const width = legs[0]!.strike - legs[1]!.strike;
    const cost = legsPrice(legs, surface, expiryDay) + legsSpread(legs, surface, expiryDay, 0.02);
    expect(cost).to.be.within(0, width);
    expect(payoffAtExpiry(legs, 1000)).to.be.closeTo(width, 1e-9);
    expect(payoffAtExpiry(legs, 3000)).to.equal(0);
    expect(spxExposure([{ legs, expiryDay, contracts: 1 }], surface).spxDeltaUsd).to.be.below(0);
  });
});
