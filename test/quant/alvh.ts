import { expect } from "chai";
import fc from "fast-check";
import {
  ALVH_POLICY,
  alvhBudgetLeft,
  alvhExposure,
  alvhOrders,
  alvhRollDay,
  fillAlvh,
  markAlvh,
  NO_ALVH,
} from "../../src/hedge/alvh.ts";
import type { AlvhLayerId, AlvhPolicy, AlvhState } from "../../src/hedge/alvh.ts";
import { forwardDelta } from "../../src/hedge/options.ts";
import { vixFuture } from "../../src/hedge/vixCurve.ts";
import type { VixCurve } from "../../src/hedge/vixCurve.ts";
import { vixOptionVolatility } from "../../src/hedge/vixOptions.ts";
import { vxthFill, vxthOrder, vxthWeight } from "../../src/hedge/vxth.ts";
import type { VxthRoll } from "../../src/hedge/vxth.ts";
import { addDays, dateOfDay, dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { lehmer } from "../helpers/lehmer.ts";
import { vixCurve } from "../helpers/vixCurves.ts";

const NAV = 1e6;
const START = dayNumber("2018-01-02");
const inputs = { nav: NAV, edrPercentile: 1 };

interface Day {
  curve: VixCurve;
  state: AlvhState;
  /** Layers bought that day. */
  bought: AlvhLayerId[];
  /** Premium paid, as a share of NAV before it. */
  premiumShare: number;
}

/** Decides at each session and fills at the next, with a VIX that wanders from 9 to 90 and returns. */
function simulate(
  seed: number,
  years: number,
  policy: AlvhPolicy,
  options: { percentile?: (random: () => number) => number | null } = {},
): Day[] {
  const random = lehmer(seed);
  const { percentile = random } = options;
  let state = NO_ALVH;
  let cash = NAV;
  let logVix = Math.log(17);
  let orders: ReturnType<typeof alvhOrders> = { close: [], open: [], reasons: [] };
  return sessionsBetween("2018-01-02", `${2018 + years - 1}-12-31`).map((session) => {
    const jump = random() < 0.01 ? random() : 0;
    logVix += 0.03 * (Math.log(17) - logVix) + 0.14 * (random() - 0.5) + jump;
    const vix = Math.min(Math.max(Math.exp(logVix), 9), 90);
    const curve = vixCurve(dayNumber(session), vix, { vvix: 0.6 + 0.02 * vix * (0.9 + 0.2 * random()) });
    const navBefore = cash + markAlvh(state.positions, curve);
    const fill = fillAlvh(state, orders, curve, navBefore, policy);
    const before = state.positions;
    ({ state } = fill);
    cash += fill.proceedsUsd - fill.premiumUsd;
    const nav = cash + markAlvh(state.positions, curve);
    expect(nav).to.be.closeTo(navBefore - fill.spreadUsd, 1e-6);
    const bought = state.positions.filter((position) => !before.includes(position)).map(({ layer }) => layer);
    orders = alvhOrders(state, curve, { nav, edrPercentile: percentile(random) }, policy);
    return { curve, state, bought, premiumShare: fill.premiumUsd / navBefore };
  });
}

describe("ALVH", () => {
  it("starts with all layers, 4/4/2, near 30, 110 and 220 days, each with N(d1) = 0.50", () => {
    const curve = vixCurve(START, 15);
    const { open, close } = alvhOrders(NO_ALVH, curve, inputs);
    expect(close).to.deep.equal([]);
    expect(open.map(({ layer }) => layer)).to.deep.equal(["short", "middle", "long"]);
    const set = open[2]!.contracts / 2;
    expect(open.map(({ contracts }) => contracts / set)).to.deep.equal([4, 4, 2]);
    expect(open.map(({ expiryDay }) => dateOfDay(expiryDay))).to.deep.equal(["2018-02-14", "2018-04-18", "2018-08-22"]);
    for (const { strike, expiryDay } of open) {
      const days = expiryDay - START;
      const volatility = vixOptionVolatility(curve, days)!;
      expect(forwardDelta(vixFuture(curve, days), strike, days / 365, volatility)).to.be.closeTo(0.5, 1e-12);
    }
  });

  it("rolls at 21 days left, and at a third of life left", () => {
    const position = { strike: 20, contracts: 1, openedDay: START };
    const roll = (layer: AlvhLayerId, life: number): number =>
      alvhRollDay({ ...position, layer, expiryDay: START + life }) - START;
    expect(roll("short", 43)).to.equal(22);
    expect(roll("middle", 105)).to.equal(70);
    expect(roll("long", 232)).to.equal(155);
  });

  it("follows the roll schedule through a year, session by session", () => {
    const days = simulate(7, 1, ALVH_POLICY);
    const schedule = (layer: AlvhLayerId): string[] =>
      days.filter(({ bought }) => bought.includes(layer)).map(({ curve }) => dateOfDay(curve.day));
    // Bought the session after the decision: the first session on or past 21 days (a third of life) left, plus one.
    expect(schedule("short")).to.deep.equal([
      ...["2018-01-03", "2018-01-25", "2018-03-01", "2018-03-29", "2018-04-26", "2018-05-31", "2018-06-28"],
      ...["2018-08-02", "2018-08-30", "2018-09-27", "2018-11-01", "2018-11-29", "2018-12-27"],
    ]);
    expect(schedule("middle")).to.deep.equal(["2018-01-03", "2018-03-15", "2018-05-22", "2018-08-13", "2018-10-22"]);
    expect(schedule("long")).to.deep.equal(["2018-01-03", "2018-06-07", "2018-11-06"]);
  });

  it("is never paused: after the first session all three layers are held, whatever VIX does", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (seed) => {
        for (const { state } of simulate(seed, 2, ALVH_POLICY).slice(1)) {
          expect(state.positions.map(({ layer }) => layer).sort()).to.deep.equal(["long", "middle", "short"]);
          for (const { contracts } of state.positions) expect(contracts).to.be.above(0);
        }
      }),
      { numRuns: 8 },
    );
  });

  it("never pays more than its budget in any 365 days, whatever VIX and EDR do", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.constantFrom(0.005, 0.015, 0.05),
        fc.boolean(),
        (seed, yearlyBudgetShare, wholeContracts) => {
          const policy = { ...ALVH_POLICY, vegaTargetShare: 1, yearlyBudgetShare, wholeContracts };
          const days = simulate(seed, 3, policy, { percentile: (random) => (random() < 0.5 ? 1 : null) });
          const spentTo = (last: number): number =>
            days
              .filter(({ curve }) => curve.day > last - 365 && curve.day <= last)
              .reduce((sum, { premiumShare }) => sum + premiumShare, 0);
          const most = Math.max(...days.map(({ curve }) => spentTo(curve.day)));
          expect(most).to.be.within(0.1 * yearlyBudgetShare, yearlyBudgetShare * (1 + 1e-12));
        },
      ),
      { numRuns: 6 },
    );
  });

  it("cuts a fill to half of what the budget has left, in the ratio 4/4/2", () => {
    const decided = alvhOrders(NO_ALVH, vixCurve(START, 12), inputs, { ...ALVH_POLICY, vegaTargetShare: 1 });
    // Overnight VIX trebles: the ordered calls cost more than a year's budget.
    const curve = vixCurve(START + 1, 60, { vvix: 2 });
    const spent = { day: START - 100, shareOfNav: 0.01 };
    const { state, premiumUsd } = fillAlvh({ positions: [], premiums: [spent] }, decided, curve, NAV);
    expect(premiumUsd).to.be.closeTo(0.0025 * NAV, 1e-6);
    expect(alvhBudgetLeft(state, START + 1)).to.be.closeTo(0.0025, 1e-12);
    expect(state.positions[0]!.contracts / state.positions[2]!.contracts).to.be.closeTo(2, 1e-12);
    expect(alvhBudgetLeft(state, START - 100 + 365)).to.be.closeTo(0.0125, 1e-12);
  });

  it("holds what the vega target asks for, net of the rest of the book, when the budget allows", () => {
    const curve = vixCurve(START, 15);
    const policy = { ...ALVH_POLICY, yearlyBudgetShare: 1 };
    const vega = (change: object): number => {
      const { open } = alvhOrders(NO_ALVH, curve, { ...inputs, ...change }, policy);
      return alvhExposure(open, curve).vegaUsd;
    };
    expect(vega({})).to.be.closeTo(policy.vegaTargetShare * NAV, 1e-6);
    expect(vega({ otherVegaUsd: -150 })).to.be.closeTo(policy.vegaTargetShare * NAV + 150, 1e-6);
    expect(vega({ edrPercentile: 0 })).to.be.closeTo(0.5 * policy.vegaTargetShare * NAV, 1e-6);
    expect(vega({ edrPercentile: null })).to.be.closeTo(0.75 * policy.vegaTargetShare * NAV, 1e-6);
    expect(vega({ otherVegaUsd: 1e6 })).to.equal(0);
  });

  it("rolls on the session that time-shifting names instead", () => {
    const held = fillAlvh(NO_ALVH, alvhOrders(NO_ALVH, vixCurve(START, 15), inputs), vixCurve(START + 1, 15), NAV);
    const due = alvhRollDay(held.state.positions[0]!);
    const closes = (day: number, change: object = {}): number =>
      alvhOrders(held.state, vixCurve(day, 15), { ...inputs, ...change }).close.length;
    const asked: string[] = [];
    const shiftRoll = (session: string): string => {
      asked.push(session);
      return addDays(session, -2);
    };
    expect([due - 1, due].map((day) => closes(day))).to.deep.equal([0, 1]);
    expect([due - 3, due - 2].map((day) => closes(day, { shiftRoll }))).to.deep.equal([0, 1]);
    expect(new Set(asked)).to.deep.equal(new Set([dateOfDay(due)]));
  });

  it("waits without VVIX, and says so", () => {
    const { open, reasons } = alvhOrders(NO_ALVH, vixCurve(START, 15, { vvix: null }), inputs);
    expect(open).to.deep.equal([]);
    expect(reasons[0]).to.contain("VVIX");
  });

  it("gains when VIX rises and loses as time passes", () => {
    const curve = vixCurve(START, 15);
    const { open } = alvhOrders(NO_ALVH, curve, inputs);
    const { vegaUsd, vegaConvexityUsd, vvixVegaUsd } = alvhExposure(open, curve);
    expect(Math.min(vegaUsd, vegaConvexityUsd, vvixVegaUsd)).to.be.above(0);
    expect(markAlvh(open, vixCurve(START, 30))).to.be.above(markAlvh(open, curve));
    expect(markAlvh(open, vixCurve(START + 14, 15))).to.be.below(markAlvh(open, curve));
  });
});

describe("VXTH", () => {
  it("spends 0, 1, 0.5 and 0 % by the forward VIX", () => {
    expect([10, 15, 15.01, 30, 30.01, 50, 50.01].map(vxthWeight)).to.deep.equal([0, 0, 0.01, 0.01, 0.005, 0.005, 0]);
  });

  it("buys 30-delta calls on the day VIX options expire, and holds them to the next expiry", () => {
    const sessions = sessionsBetween("2018-01-02", "2018-04-30");
    let held: VxthRoll["positions"] = [];
    let nav = NAV;
    const bought: string[] = [];
    sessions.forEach((session, i) => {
      const curve = vixCurve(dayNumber(session), session < "2018-03-21" ? 20 : 40);
      const before = vixCurve(dayNumber(sessions[Math.max(i - 1, 0)]!), 20);
      const order = vxthOrder(before, curve.day);
      const roll = vxthFill(held, order, curve, nav, 0.03);
      if (roll.premiumUsd > 0) {
        bought.push(session);
        expect(roll.premiumUsd).to.be.closeTo(0.01 * nav, 1e-9);
        expect(roll.spreadUsd).to.be.closeTo((roll.premiumUsd * 0.03) / 1.03, 1e-9);
        expect(roll.positions).to.have.length(1);
      }
      if (session === "2018-03-21")
        expect(roll.settledUsd).to.be.closeTo(held[0]!.contracts * 100 * (40 - held[0]!.strike), 1e-6);
      held = roll.positions;
      nav += roll.settledUsd - roll.premiumUsd;
    });
    expect(bought).to.deep.equal(["2018-01-17", "2018-02-14", "2018-03-21", "2018-04-18"]);
    const order = vxthOrder(vixCurve(dayNumber("2018-01-16"), 20), dayNumber("2018-01-17"))!;
    expect(dateOfDay(order.expiryDay)).to.equal("2018-02-14");
  });

  it("buys nothing at a forward VIX of 15 and less, or without VVIX", () => {
    const expiry = dayNumber("2018-01-17");
    expect(vxthOrder(vixCurve(expiry - 1, 10), expiry)).to.equal(null);
    expect(vxthOrder(vixCurve(expiry - 1, 20, { vvix: null }), expiry)).to.equal(null);
  });
});
