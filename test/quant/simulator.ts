import { expect } from "chai";
import fc from "fast-check";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import { PARAMETERS } from "../../src/backtest/parameters.ts";
import type { Level, Parameters } from "../../src/backtest/parameters.ts";
import type { Inputs, Mark, Settlement, TapeDay } from "../../src/backtest/tape.ts";
import { ATTRIBUTION_LINES, partInRange, runVault, withHedgeRatios } from "../../src/backtest/vault.ts";
import type { Layer, Strategy, VaultEvent, VaultPath } from "../../src/backtest/vault.ts";
import { lpValue } from "../../src/hedge/liquidityValue.ts";
import { dateOfDay, dayNumber, isSession, nextSession } from "../../src/market/calendar.ts";
import { RULES } from "../../src/plan/ruleset.ts";
import { lehmer } from "../helpers/lehmer.ts";

const CENT = 0.01;
const START = dayNumber("2021-01-04"); // a Monday
const VOLATILITY = 0.8;

/** Costs, interest and re-ranging off: what is left has a closed form. */
const FRICTIONLESS: Parameters = {
  ...PARAMETERS,
  swapCost: 0,
  perpCost: 0,
  optionHalfSpread: 0,
  gasPerRebalance: 0,
  cashYield: 0,
  recentre: Infinity,
  reshareBand: Infinity,
};

interface TestInputs extends Inputs {
  readonly level: Level | null;
}

interface TapeShape {
  prices: readonly number[];
  level?: (day: number) => Level | null;
  settlements?: (day: number) => readonly Settlement[];
  high?: (day: number, price: number) => number;
  hasBar?: (day: number) => boolean;
  worstRise?: number;
}

/** A tape with these closes from a Monday on. */
function tapeOf({ prices, level, settlements, high, hasBar, worstRise = 0.4 }: TapeShape): TapeDay<TestInputs>[] {
  return prices.map((price, i) => {
    const day = START + i;
    const date = dateOfDay(day);
    const mark: Mark = {
      day,
      date,
      price,
      high: high?.(i, price) ?? price,
      hasBar: hasBar?.(i) ?? true,
      cashReturn: 0.0001,
      volatility: VOLATILITY,
      medianVolatility: VOLATILITY,
      settlements: settlements?.(i) ?? [],
      vix: 20,
    };
    const inputs: TestInputs | null = isSession(date)
      ? {
          session: date,
          fillSession: nextSession(date),
          mark,
          worstRise,
          eventNear: false,
          decision: 0,
          level: level === undefined ? 0 : level(i),
        }
      : null;
    return { mark, inputs };
  });
}

function strategyOf(ratios: readonly [number, number, number], parameters = PARAMETERS): Strategy<TestInputs> {
  const targets = withHedgeRatios(parameters.targets, ratios);
  return { level: ({ level }) => level, targets: (level) => targets[level], layers: () => [] };
}

const UNHEDGED = strategyOf([0, 0, 0]);
const HEDGED = strategyOf([1, 1, 1]);

/** Prices that move by up to ±8 % a day. */
function randomPrices(seed: number, days: number): number[] {
  const random = lehmer(seed);
  const prices = [1_500];
  for (let i = 1; i < days; i++) prices.push(prices.at(-1)! * Math.exp((random() - 0.5) * 0.16));
  return prices;
}

function total(path: VaultPath, i: number): number {
  return ATTRIBUTION_LINES.reduce((sum, line) => sum + path.lines[line][i]!, 0);
}

function run(tape: readonly TapeDay<TestInputs>[], strategy: Strategy<TestInputs>, parameters = PARAMETERS) {
  const events: VaultEvent[] = [];
  return { events, path: runVault(tape, strategy, parameters, (event) => events.push(event)) };
}

describe("the simulated vault", function () {
  it("explains every day's change of NAV to the cent, whatever happens", function () {
    let liquidated = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.constantFrom(0, 0.05, 0.6), (seed, spike) => {
        const random = lehmer(seed);
        const draws = Array.from({ length: 250 }, () => random());
        const tape = tapeOf({
          prices: randomPrices(seed, 250),
          level: (i) => (draws[i - (i % 9)]! < 0.1 ? null : (Math.floor(draws[i - (i % 9)]! * 3) as Level)),
          settlements: (i) => [1 / 3, 2 / 3, 1].map((at) => ({ at, rate: (draws[i]! - 0.3) * 0.002 })),
          high: (i, price) => price * (1 + (draws[i]! < 0.02 ? spike : 0)),
          hasBar: (i) => draws[i]! < 0.97,
          worstRise: 0.2,
        });
        const { path, events } = run(tape, strategyOf([0.6, 0.85, 1]), { ...PARAMETERS, leastWorstRise: 0.1 });
        liquidated += events.filter(({ kind }) => kind === "liquidation").length;
        for (let i = 0; i < 249; i++) {
          expect(total(path, i), `day ${i}`).to.be.closeTo(path.navs[i + 1]! - path.navs[i]!, CENT / 2);
        }
      }),
      { numRuns: 60 },
    );
    expect(liquidated, "the property must have met liquidations").to.be.greaterThan(10);
  });

  it("unhedged and without re-ranging and costs it is cash + L(2√P − P/√upper − √lower) + fees", function () {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (seed) => {
        const prices = randomPrices(seed, 200);
        const { path, events } = run(tapeOf({ prices }), UNHEDGED, FRICTIONLESS);
        const fill = events.find(({ kind }) => kind === "fill")!;
        const [, lower, upper, liquidity] = fill.values as [number, number, number, number];
        const entry = dayNumber(fill.date) - START;
        expect(
          events.filter(({ kind }) => kind === "fill"),
          "one entry, then nothing",
        ).to.have.length(1);
        const value = (price: number): number => {
          const p = Math.min(Math.max(price, lower), upper);
          // Above the range the formula stands still at √upper; below it is base alone, worth its share of the price.
          return p > price
            ? liquidity * price * (1 / Math.sqrt(lower) - 1 / Math.sqrt(upper))
            : liquidity * (2 * Math.sqrt(p) - p / Math.sqrt(upper) - Math.sqrt(lower));
        };
        const cash = FRICTIONLESS.startNav - value(prices[entry]!);
        let fees = 0;
        for (let i = entry + 1; i < prices.length; i++) {
          const { share, price } = partInRange(prices[i - 1]!, prices[i]!, { lower, upper, liquidity });
          // c·L·√P·σ^1.3 with c = ρσ_median^0.7/4 and both volatilities the same.
          fees += (share * liquidity * Math.sqrt(price) * VOLATILITY ** 2) / 4 / 365;
          expect(path.navs[i]!, `day ${i}`).to.be.closeTo(cash + value(prices[i]!) + fees, CENT / 2);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("decides after a session and fills at the close of the next session's bar, at its price", function () {
    // Friday's decision waits over the weekend: Monday's bar fills it.
    const prices = Array.from({ length: 12 }, (_, i) => 1_000 + 10 * i);
    const { events } = run(tapeOf({ prices, level: (i) => (i < 4 ? null : 0) }), UNHEDGED);
    const [decision, ...rest] = events;
    expect(decision).to.include({ kind: "decision", date: "2021-01-08" });
    const fill = rest.find(({ kind }) => kind === "fill")!;
    expect([fill.date, fill.values[0]]).to.deep.equal(["2021-01-11", 1_070]);
  });

  it("is all in cash at the start, and a first-day loss counts", function () {
    const tape = tapeOf({ prices: [1_000, 1_000, 900, 900] });
    const { path } = run(tape, UNHEDGED);
    expect(path.navs[0]).to.equal(PARAMETERS.startNav);
    expect(path.navs[1], "costs of entry").to.be.lessThan(PARAMETERS.startNav * (1 + 0.0001));
    expect(path.navs[2]).to.be.lessThan(path.navs[1]!);
  });

  it("a short receives funding for settlements after its entry and up to its exit, on notional at mark", function () {
    const rate = 0.001;
    const settlements = (): Settlement[] => [1 / 3, 2 / 3, 1].map((at) => ({ at, rate }));
    const prices = [1_000, 1_000, 1_000, 1_090, 1_090];
    const { path, events } = run(tapeOf({ prices, settlements }), HEDGED, { ...FRICTIONLESS, cashYield: 0 });
    const fill = events.find(({ kind }) => kind === "fill")!;
    expect(fill.date).to.equal("2021-01-05");
    const short = fill.values[4]!;
    expect(short).to.be.greaterThan(0);
    expect(path.lines.funding[0], "none of the day at whose close it was entered").to.equal(0);
    expect(path.lines.funding[1]).to.be.closeTo(3 * rate * short * 1_000, 1e-6);
    expect(path.lines.funding[2]).to.be.closeTo(rate * short * (1_030 + 1_060 + 1_090), 1e-6);
    const without = run(tapeOf({ prices, settlements }), HEDGED, { ...FRICTIONLESS, funding: false });
    expect(without.path.lines.funding.every((usd) => usd === 0)).to.equal(true);
  });

  it("keeps margin for 1.5 × the worst rise: it survives that and is liquidated beyond, on the high of the bar", function () {
    const margin = { ...FRICTIONLESS, leastWorstRise: 0 };
    const spiked = (rise: number): VaultEvent | undefined => {
      const tape = tapeOf({
        prices: [1_000, 1_000, 1_000],
        high: (i, price) => (i === 2 ? price * (1 + rise) : price),
        worstRise: 0.3,
      });
      const { path, events } = run(tape, HEDGED, margin);
      expect(path.navs.every((nav) => nav > 0)).to.equal(true);
      return events.find(({ kind }) => kind === "liquidation");
    };
    expect(spiked(0.449)).to.equal(undefined);
    const liquidation = spiked(0.451)!;
    const [at, short, loss, penalty] = liquidation.values as [number, number, number, number];
    expect(at).to.be.closeTo(1_450, 1e-6);
    expect(loss).to.be.closeTo(short * 450, 1e-3);
    expect(penalty).to.be.closeTo(margin.liquidationPenalty * short * 1_450, 1e-3);
  });

  it("sells no more short than its cash can margin, and counts the days", function () {
    const prices = Array.from({ length: 30 }, () => 1_000);
    const { path, events } = run(tapeOf({ prices, worstRise: 2 }), HEDGED);
    expect(path.activity.marginCappedDays).to.be.greaterThan(0);
    for (const { kind, values } of events) if (kind === "fill") expect(values[6]).to.be.at.least(0);
  });

  it("touches nothing while the regime is Unknown", function () {
    const prices = randomPrices(3, 60);
    const { events } = run(tapeOf({ prices, level: (i) => (i < 20 ? 0 : null) }), HEDGED);
    expect(events.filter(({ kind, date }) => kind === "decision" && date > dateOfDay(START + 20))).to.deep.equal([]);
    expect(events.filter(({ kind, date }) => kind === "fill" && date > dateOfDay(START + 21))).to.deep.equal([]);
  });

  it("leaves the short alone inside the no-trade band and trades to its edge outside", function () {
    const prices = randomPrices(5, 200);
    const at = (riskAversion: number): number =>
      run(tapeOf({ prices }), HEDGED, { ...PARAMETERS, riskAversion, minTrade: 0 }).path.activity.perpTrades;
    expect(at(1)).to.be.lessThan(at(25));
    expect(at(25)).to.be.lessThan(at(1e9));
    expect(at(1e9), "without a band it trades after almost every session").to.be.greaterThan(120);
  });

  it("earns fees at the ratio of the market's regime, whatever the strategy makes of it", function () {
    const tape = tapeOf({ prices: new Array<number>(30).fill(1_000) });
    const stressed = tape.map(({ mark, inputs }) => ({ mark, inputs: inputs && { ...inputs, decision: 2 as const } }));
    const fees = (rows: readonly TapeDay<TestInputs>[]): number =>
      run(rows, UNHEDGED, { ...FRICTIONLESS, feeToLvr: [1, 1, 0.3] }).path.lines.lpFees.reduce((a, b) => a + b, 0);
    expect(fees(stressed) / fees(tape)).to.be.closeTo(0.3, 1e-9);
  });

  it("books a layer's value, premium and half-spread, and pays out what it settles", function () {
    const layer = (): Layer<TestInputs> => {
      let ordered = false;
      let held = 0;
      return {
        line: "alvh",
        mark(_mark, inputs) {
          if (held > 0) held = inputs?.session === "2021-01-08" ? 70_000 : 60_000;
          return held;
        },
        decide: (inputs) => void (ordered = inputs.session === "2021-01-04"),
        fill({ session }) {
          if (session === "2021-01-08") {
            held = 0;
            return { paid: -70_000, cost: 0, turnover: 70_000 };
          }
          if (!ordered) return null;
          ordered = false;
          held = 50_000;
          return { paid: 50_000, cost: 1_000, turnover: 50_000 };
        },
      };
    };
    const tape = tapeOf({ prices: new Array<number>(8).fill(1_000), level: () => 0 });
    const { path } = run(tape, { ...UNHEDGED, layers: () => [layer()] });
    expect([...path.lines.alvh]).to.deep.equal([0, 10_000, 0, 10_000, 0, 0, 0]);
    expect(path.lines.optionCosts[0]).to.equal(-1_000);
    for (let i = 0; i < 7; i++) expect(total(path, i)).to.be.closeTo(path.navs[i + 1]! - path.navs[i]!, CENT / 2);
  });

  it("marks liquidity by the venue's formula, convexity never a gain and near the modelled loss-versus-rebalancing", function () {
    // Days of ±σ√dt: the discrete convexity loss is the continuous one of the same volatility.
    const step = VOLATILITY / Math.sqrt(365);
    const random = lehmer(9);
    const prices = [1_500];
    for (let i = 1; i < 1_500; i++) prices.push(prices.at(-1)! * Math.exp(random() < 0.5 ? step : -step));
    const { path } = run(tapeOf({ prices }), UNHEDGED, { ...PARAMETERS, cashYield: 0 });
    const convexity = path.lines.lpConvexity.reduce((a, b) => a + b, 0);
    expect(path.lines.lpConvexity.every((usd) => usd <= 1e-6)).to.equal(true);
    expect(-convexity / path.lossVersusRebalancing).to.be.closeTo(1, 0.05);
    expect(lpValue(1_500, { lower: 1_000, upper: 2_000, liquidity: 0 })).to.equal(0);
  });
});

describe("the backtest's parameters", function () {
  it("are the policy and the rules that ship on chain", function () {
    for (const [i, regime] of (["Calm", "Elevated", "Stress"] as const).entries()) {
      const { targets } = DEFAULT_POLICY[regime];
      const { liquidityShare, hedgeRatio, halfWidth } = PARAMETERS.targets[i]!;
      expect(liquidityShare * 10_000).to.be.closeTo(targets.liquidityBps, 1e-9);
      expect(hedgeRatio * 10_000).to.be.closeTo(targets.hedgeRatioBps, 1e-9);
      expect(halfWidth).to.be.closeTo(targets.halfWidthTicks * Math.log(1.0001), 1e-12);
      expect(PARAMETERS.riskAversion * 10_000).to.equal(targets.riskAversionBps);
    }
    expect(PARAMETERS.reshareBand * 10_000).to.equal(RULES.reshareBandBps);
    expect(PARAMETERS.recentre * 10_000).to.equal(RULES.recentreBps);
    expect(PARAMETERS.minTrade * 10_000).to.equal(RULES.minTradeBps);
    expect(PARAMETERS.marginBand.map((share) => share * 10_000)).to.deep.equal([
      RULES.marginLowBps,
      RULES.marginHighBps,
    ]);
  });
});

describe("partInRange", function () {
  it("is the share of the way in log price, and the middle of that part", function () {
    const range = { lower: 100, upper: 400, liquidity: 1 };
    expect(partInRange(200, 200, range)).to.deep.equal({ share: 1, price: 200 });
    expect(partInRange(50, 50, range).share).to.equal(0);
    expect(partInRange(500, 450, range).share).to.equal(0);
    const { share, price } = partInRange(200, 800, range);
    expect(share).to.be.closeTo(0.5, 1e-12);
    expect(price).to.be.closeTo(Math.sqrt(200 * 400), 1e-9);
    expect(partInRange(800, 200, range)).to.deep.equal(partInRange(200, 800, range));
  });
});
