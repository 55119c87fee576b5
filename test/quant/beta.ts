import { expect } from "chai";
import fc from "fast-check";
import {
  betaByGroup,
  BetaInputError,
  betaOf,
  createBeta,
  pairedReturns,
  ROLLING_SESSIONS,
  shrinkBeta,
} from "../../src/hedge/beta.ts";
import { crossHedge, CrossHedgeInputError } from "../../src/hedge/crossHedge.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import { readDataset } from "../../src/market/files.ts";
import type { Dataset } from "../../src/market/series.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { lehmer } from "../helpers/lehmer.ts";

describe("Beta", () => {
  it("is the textbook's regression (Anscombe's first quartet, extended to 22 pairs)", () => {
    // Anscombe 1973: y = 3.0001 + 0.5001 x, R² = 0.6665, standard error of the slope 0.1179 with 11 pairs. Doubling the
    // data leaves line and R² alone, and divides the standard error by √(20/9).
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    const estimate = betaOf([...y, ...y], [...x, ...x]);
    near(estimate.beta, 0.500091, 1e-6);
    near(estimate.alpha, 3.000091, 1e-6);
    near(estimate.rSquared, 0.666542, 1e-6);
    near(estimate.standardError, 0.117906 / Math.sqrt(20 / 9), 1e-6);
  });

  it("weighs pairs by their age, and with no decay not at all", () => {
    const random = lehmer(3);
    const market = Array.from({ length: 400 }, () => random() - 0.5);
    // Beta 0.2 first, 1.5 for the last 200.
    const asset = market.map((x, i) => (i < 200 ? 0.2 : 1.5) * x + 0.1 * (random() - 0.5));
    expect(betaOf(asset, market).beta).to.be.within(0.7, 1);
    expect(betaOf(asset, market, 0.97).beta).to.be.within(1.4, 1.55);
    // Against a plain weighted regression.
    const weights = market.map((_, i) => 0.97 ** (399 - i));
    const mean = (values: number[]): number => sum(values.map((v, i) => v * weights[i]!)) / sum(weights);
    const [mx, my] = [mean(market), mean(asset)];
    const slope = mean(market.map((v, i) => (v - mx) * (asset[i]! - my))) / mean(market.map((v) => (v - mx) ** 2));
    near(betaOf(asset, market, 0.97).beta, slope, 1e-12);
  });

  it("covers the true beta as often as its standard error says", () => {
    const random = lehmer(11);
    const normal = (): number => Array.from({ length: 12 }, random).reduce((a, b) => a + b, -6);
    let covered = 0;
    for (let i = 0; i < 1_000; i++) {
      const market = Array.from({ length: 60 }, normal);
      const asset = market.map((x) => 0.8 * x + 2 * normal());
      const { beta, standardError } = betaOf(asset, market);
      if (Math.abs(beta - 0.8) < 2.002 * standardError) covered++; // t with 58 degrees of freedom
    }
    expect(covered / 1_000).to.be.within(0.93, 0.97);
  });

  it("shrinks between the estimate and the mean, by their variances", () => {
    near(shrinkBeta({ beta: 1.4, standardError: 0.3 }, { mean: 1, variance: 0.09 }).beta, 1.2, 1e-12);
    near(
      shrinkBeta({ beta: 1.4, standardError: 0.3 }, { mean: 1, variance: 0.09 }).standardError,
      0.3 / Math.SQRT2,
      1e-12,
    );
    fc.assert(
      fc.property(
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 4, noNaN: true }),
        (beta, standardError, mean, variance) => {
          const shrunk = shrinkBeta({ beta, standardError }, { mean, variance });
          expect(shrunk.beta).to.be.within(Math.min(beta, mean) - 1e-12, Math.max(beta, mean) + 1e-12);
          expect(shrunk.standardError).to.be.at.most(standardError + 1e-12);
        },
      ),
      { numRuns: 1_000, seed: 1 },
    );
  });

  it("estimates each group by itself, and no group that is too small", () => {
    const random = lehmer(5);
    const market = Array.from({ length: 100 }, () => random() - 0.5);
    const labels = market.map((_, i) => (i < 45 ? "Calm" : i < 90 ? "Stress" : "Elevated"));
    const asset = market.map((x, i) => (labels[i] === "Stress" ? 2 : 0.5) * x);
    const groups = betaByGroup(asset, market, labels);
    near(groups.get("Calm")!.beta, 0.5, 1e-12);
    near(groups.get("Stress")!.beta, 2, 1e-12);
    expect(groups.get("Elevated")).to.equal(null);
  });

  it("refuses what does not pair, does not move or is no number", () => {
    const twenty = Array.from({ length: 20 }, (_, i) => i % 3);
    expect(() => betaOf([1], [1, 2])).to.throw(BetaInputError, "do not pair up");
    expect(() => betaOf([1, 2], [1, 2])).to.throw(BetaInputError, "too few");
    expect(() =>
      betaOf(
        twenty,
        Array.from({ length: 20 }, () => 1),
      ),
    ).to.throw(BetaInputError, "never moves");
    expect(() => betaOf([...twenty.slice(1), NaN], twenty)).to.throw(BetaInputError, "mend");
    expect(() => betaOf(twenty, twenty, 0)).to.throw(BetaInputError, "decay");
  });

  describe("as of each session", () => {
    const dataset = randomMarket();
    const sessions = sessionsBetween("2015-01-02", "2018-12-31");

    it("is the plain regression over the last 252 pairs, shrunk to the years before", () => {
      const view = new AsOfView(dataset);
      const step = createBeta("btcSince2014", "spx");
      let readings = 0;
      sessions.forEach((session, i) => {
        const reading = step(view.advanceTo(decisionTime(session)), session);
        if (i < ROLLING_SESSIONS) {
          expect(reading).to.equal(null);
          return;
        }
        readings++;
        if (i % 50 !== 0) return;
        const all = pairedReturns(view, "btcSince2014", "spx", -Infinity, dayNumber(session));
        const plain = betaOf(all.asset.slice(-ROLLING_SESSIONS), all.market.slice(-ROLLING_SESSIONS));
        near(reading!.rolling.beta, plain.beta, 1e-9);
        near(reading!.rolling.standardError, plain.standardError, 1e-9);
        near(reading!.ewma.beta, betaOf(all.asset, all.market, 0.99).beta, 1e-9);
        const years = Math.floor(i / ROLLING_SESSIONS) - 1;
        expect(reading!.prior?.years).to.equal(years < 2 ? undefined : years);
      });
      expect(readings).to.equal(sessions.length - ROLLING_SESSIONS);
    });

    it("is the same asked once as asked every session", () => {
      const last = sessions.at(-1)!;
      const view = new AsOfView(dataset);
      const step = createBeta("btcSince2014", "spx");
      const often = sessions.map((session) => step(view.advanceTo(decisionTime(session)), session)).at(-1);
      expect(createBeta("btcSince2014", "spx")(new AsOfView(dataset, decisionTime(last)), last)).to.deep.equal(often);
    });

    it("is unknown when a close is more than five sessions old", () => {
      const step = createBeta("btcSince2014", "spx");
      const view = new AsOfView(dataset, decisionTime("2019-02-01"));
      expect(step(view, "2019-01-08")).not.to.equal(null);
      expect(step(view, "2019-01-09")).to.equal(null);
    });
  });

  it("finds BTC's beta of −0.62 in 2019 and 1.52 in 2021 (ordinary least squares over the calendar year)", async function () {
    if (dataMissing("betas of BTC and ETH")) return;
    const view = new AsOfView(await readDataset(DATA_DIR), decisionTime("2023-12-29"));
    const year = (asset: string, from: number, to = from): ReturnType<typeof betaOf> => {
      // From the last close before the year on, so that its first return is in it.
      const { asset: y, market: x } = pairedReturns(
        view,
        asset,
        "spx",
        dayNumber(`${from - 1}-12-31`),
        dayNumber(`${to}-12-31`),
      );
      return betaOf(y, x);
    };
    near(year("btc", 2019).beta, -0.62, 0.005);
    near(year("btc", 2021).beta, 1.52, 0.005);
    for (const asset of ["btc", "eth"]) {
      const whole = year(asset, 2017, 2023);
      console.log(
        `      ${asset} 2017–2023: beta ${whole.beta.toFixed(2)} ± ${whole.standardError.toFixed(2)}, R² ${whole.rSquared.toFixed(3)}`,
      );
      near(whole.rSquared, 0.085, 0.015);
    }
  });
});

describe("Cross hedge", () => {
  const regression = { beta: 1.2, alpha: 0, standardError: 0.2, rSquared: 0.09, observations: 252 };

  it("sells what beta explains, with its interval, and says how much is left", () => {
    const hedge = crossHedge(1_000_000, regression);
    near(hedge.notional, 1_200_000, 1e-6);
    near(hedge.low, (1.2 - 1.959963985 * 0.2) * 1e6, 1);
    near(hedge.high, (1.2 + 1.959963985 * 0.2) * 1e6, 1);
    near(hedge.volatilityLeft, Math.sqrt(1 - 0.09), 1e-12);
    expect(hedge.significant).to.equal(true);
    expect(crossHedge(1e6, { ...regression, standardError: 0.7 }).significant).to.equal(false);
    expect(crossHedge(-1e6, regression).low).to.be.lessThan(crossHedge(-1e6, regression).high);
  });

  it("leaves the variance that the data say, whatever beta is used", () => {
    const random = lehmer(9);
    const market = Array.from({ length: 500 }, () => random() - 0.5);
    const asset = market.map((x) => 0.7 * x + 0.6 * (random() - 0.5));
    const measured = betaOf(asset, market);
    for (const beta of [0, 0.3, 0.7, 1.4]) {
      const rest = asset.map((y, i) => y - beta * market[i]!);
      near(crossHedge(1, measured, { beta, standardError: 0 }).varianceLeft, variance(rest) / variance(asset), 1e-12);
    }
  });

  it("refuses what makes no sense", () => {
    expect(() => crossHedge(NaN, regression)).to.throw(CrossHedgeInputError, "exposure");
    expect(() => crossHedge(1, regression, regression, 1)).to.throw(CrossHedgeInputError, "confidence");
  });
});

function randomMarket(): Dataset {
  const random = lehmer(2);
  let [spx, btc] = [2_000, 300];
  const rows = sessionsBetween("2015-01-02", "2018-12-31").map((date) => {
    const move = 0.02 * (random() - 0.5);
    spx *= 1 + move;
    btc *= 1 + 0.8 * move + 0.08 * (random() - 0.5);
    return { date, spx, btc };
  });
  return buildDataset({
    "spx.csv": ["date,close", ...rows.map((row) => `${row.date},${row.spx}`), ""].join("\n"),
    "btc_close_2014.csv": ["date,close", ...rows.map((row) => `${row.date},${row.btc}`), ""].join("\n"),
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function variance(values: readonly number[]): number {
  const mean = sum(values) / values.length;
  return sum(values.map((value) => (value - mean) ** 2)) / values.length;
}

function near(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`).to.equal(
    true,
  );
}
