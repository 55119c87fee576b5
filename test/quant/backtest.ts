import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { seededRandom } from "../../src/backtest/bootstrap.ts";
import { createChainRule, LIFT_MOVE } from "../../src/backtest/chainRule.ts";
import { candidates, chooseHedgeRatios } from "../../src/backtest/choose.ts";
import { maxDrawdown, simpleReturns } from "../../src/backtest/metrics.ts";
import { PARAMETERS } from "../../src/backtest/parameters.ts";
import type { Level } from "../../src/backtest/parameters.ts";
import { bestSpell, hedgeCost, hedgeXirr } from "../../src/backtest/programme.ts";
import { createReader } from "../../src/backtest/readings.ts";
import { resample } from "../../src/backtest/resample.ts";
import type { BacktestResult, StrategyId, StrategyResult } from "../../src/backtest/result.ts";
import { runBacktest } from "../../src/backtest/run.ts";
import { recordTape, TapeTooShortError } from "../../src/backtest/tape.ts";
import { verdict } from "../../src/backtest/verdict.ts";
import { ATTRIBUTION_LINES } from "../../src/backtest/vault.ts";
import type { VaultPath } from "../../src/backtest/vault.ts";
import { readRegimeModels } from "../../src/cli/regimeModels.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { dayNumber } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import { readDataset } from "../../src/market/files.ts";
import { SeriesMissingError } from "../../src/market/series.ts";
import { ballast, ballastJson } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { marketFiles, syntheticMarket } from "../helpers/syntheticMarket.ts";

const SIMULATED = [
  "ballast",
  "ballast+alvh",
  "ballast+alvh+income",
  "ballast-rule",
  "unhedged",
  "static-full-hedge",
  "vxth",
];
const HOLD_LESS = ["hold-less-ex-post", "hold-less-ex-ante", "hold-less-cdar"];

function of(result: Pick<BacktestResult, "strategies">, id: StrategyId): StrategyResult {
  return result.strategies.find((strategy) => strategy.id === id)!;
}

/** Checks that each day's lines add up to the day's change of NAV, to the cent, for every simulated strategy. */
function expectAttributed({ strategies }: BacktestResult): void {
  for (const { id, navs, attribution, undefinedBecause } of strategies) {
    if (undefinedBecause !== null || id.startsWith("hold-less")) continue;
    for (let i = 1; i < navs.length; i++) {
      const sum = attribution.reduce((total, { daily }) => total + daily[i - 1]!, 0);
      expect(sum, `${id}, day ${i}`).to.be.closeTo(navs[i]! - navs[i - 1]!, 0.01);
    }
  }
}

describe("the backtest on made-up markets, with the fewest files", function () {
  const dataset = syntheticMarket({ from: "2017-01-01", to: "2019-06-30" });
  let result: BacktestResult;

  before(async function () {
    result = runBacktest(dataset, await readRegimeModels(), { from: "2016-01-01", to: "2030-01-01", bootstrap: 40 });
  });

  it("clamps the window to the data and says so", function () {
    expect(result.window).to.include({ from: "2017-03-03", to: "2019-06-30", askedFrom: "2016-01-01" });
    expect(result.notes.join(" ")).to.contain("Begins on 2017-03-03").and.to.contain("Ends on 2019-06-30");
    expect(result.dates).to.have.length(result.window.days + 1);
  });

  it("leaves out layers whose data are missing, names them, and runs the rest", function () {
    expect(result.strategies.map(({ id }) => id)).to.deep.equal([...SIMULATED, ...HOLD_LESS]);
    for (const id of ["ballast+alvh", "ballast+alvh+income", "vxth"] as const) {
      expect(of(result, id)).to.deep.include({ metrics: null, navs: [] });
      expect(of(result, id).undefinedBecause).to.contain("vvix.csv");
    }
    expect(result.edr).to.equal(null);
    expect(result.notes.join(" ")).to.contain("vvix.csv").and.to.contain("zero funding there is a scenario");
  });

  it("attributes every day to the cent and measures what the paths say", function () {
    expectAttributed(result);
    for (const { navs, metrics } of result.strategies) {
      if (metrics === null) continue;
      const fall = maxDrawdown(navs);
      expect(metrics.maxDrawdown).to.be.closeTo(fall.value, 1e-9);
      expect([metrics.maxDrawdownFrom, metrics.maxDrawdownTo]).to.deep.equal([
        result.dates[fall.from],
        result.dates[fall.to],
      ]);
      expect(metrics.totalReturn).to.be.closeTo(navs.at(-1)! / navs[0]! - 1, 1e-9);
    }
  });

  it("says what was chosen from which days: the prior in the first years", function () {
    expect(result.choices.map(({ from, score }) => [from.slice(0, 4), score === null])).to.deep.equal([
      ["2017", true],
      ["2018", true],
      ["2019", false],
    ]);
    expect(result.choices[1]!.trainingDays).to.be.lessThan(365);
    expect(result.choices[2]!.trainingTo).to.equal("2018-12-31");
  });

  it("gives the same bytes for the same inputs, and other intervals for another seed", async function () {
    const models = await readRegimeModels();
    const run = (seed: number): string =>
      JSON.stringify(
        runBacktest(dataset, models, { from: "2018-01-01", to: "2018-06-30", bootstrap: 20, seed, ablation: false }),
      );
    expect(run(1)).to.equal(run(1));
    expect(run(1)).to.not.equal(run(2));
  });

  it("refuses, by name, what cannot be run", function () {
    const { "eth.csv": eth, "vix.csv": vix } = marketFiles({ from: "2020-01-01", to: "2020-12-31" });
    const options = { from: "2020-01-01", to: "2020-12-31" };
    const only = (series: string) => ({
      ...dataset,
      series: new Map([...dataset.series].filter(([name]) => name.startsWith(series))),
    });
    expect(eth).to.not.equal(vix);
    expect(() => runBacktest(only("eth"), [], options)).to.throw(SeriesMissingError, "'vix'");
    expect(() => runBacktest(only("vix"), [], options)).to.throw(SeriesMissingError, "'eth'");
    expect(() => runBacktest(dataset, [], { from: "2020-01-01", to: "2020-12-31" })).to.throw(
      TapeTooShortError,
      "no day is left",
    );
  });
});

describe("the regime as the contracts see it", function () {
  const sessions = ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09", "2020-01-10"];
  /** VIX at 12 throughout, ETH at 100 but for one low on the Saturday 2020-01-04. */
  const levels = (low: number): (Level | null)[] => {
    const bars = Array.from({ length: 11 }, (_, i) => {
      const date = `2020-01-${String(i + 1).padStart(2, "0")}`;
      return `${date},100,101,${date === "2020-01-04" ? low : 99},100,1`;
    });
    const dataset = buildDataset({
      "eth.csv": ["date,open,high,low,close,volume", ...bars, ""].join("\n"),
      "vix.csv": ["date,open,high,low,close", ...sessions.map((date) => `${date},12,12,12,12`), ""].join("\n"),
    });
    const view = new AsOfView(dataset);
    const chain = createChainRule();
    return sessions.map((session) => chain(view.advanceTo(decisionTime(session)), session));
  };

  it("is Stress after a day of ETH beyond 20 %, a weekend's too, and comes down as the machine does", function () {
    // Lifted before Monday's close, which counts as the first of five: Elevated after the fifth.
    expect(levels(79)).to.deep.equal([0, 0, 2, 2, 2, 2, 1]);
    expect(levels(81)).to.deep.equal([0, 0, 0, 0, 0, 0, 0]);
  });

  it("uses the deployment's threshold", function () {
    const example = JSON.parse(readFileSync("deploy/networks/example.json", "utf8")) as { regime: { liftBps: number } };
    expect(LIFT_MOVE * 10_000).to.equal(example.regime.liftBps);
  });
});

describe("choosing hedge ratios", function () {
  it("tries the prior and every Calm ≤ Elevated ≤ Stress of the grid", function () {
    const tried = candidates([0.6, 0.85, 1]);
    expect(tried[0]).to.deep.equal([0.6, 0.85, 1]);
    expect(tried).to.have.length(21);
    expect(tried.every(([calm, elevated, stress]) => calm <= elevated && elevated <= stress)).to.equal(true);
  });

  it("hedges most where training days fell, least where they rose, and never by days after the year began", async function () {
    const models = await readRegimeModels();
    const chosen = (drift: number, to = "2019-06-30") => {
      const dataset = syntheticMarket({ from: "2017-01-01", to, drift });
      const rows = recordTape(dataset, {
        ...createReader(models, []),
        firstSession: "2017-01-03",
        lastDay: dayNumber(to),
      });
      return chooseHedgeRatios(rows, ({ decision }) => decision, PARAMETERS).find(({ year }) => year === 2019)!;
    };
    // These made-up years have no Calm day: its ratio stays the prior's where it may.
    expect(chosen(-0.004).ratios).to.deep.equal([0.6, 1, 1]);
    expect(chosen(0.004).ratios).to.deep.equal([0.4, 0.4, 0.4]);
    expect(chosen(0.004, "2019-01-31")).to.deep.equal(chosen(0.004));
  });
});

describe("joint resampling", function () {
  const random = seededRandom(11);
  const cash = new Float64Array(700).fill(0.0001);
  const unhedged = Float64Array.from(cash, () => 0.0008 + (random() - 0.5) * 0.06);
  const half = unhedged.map((r, i) => 0.5 * r + 0.5 * cash[i]!);
  const joint = (own: Float64Array) => ({
    strategies: new Map<StrategyId, Float64Array>([
      ["ballast", own],
      ["unhedged", unhedged],
    ]),
    cash,
    headline: "ballast" as const,
    unhedged: "unhedged" as const,
  });
  const options = { paths: 200, seed: 3 };

  it("keeps the days of all strategies together", function () {
    const { intervals } = resample(joint(unhedged), options);
    expect(intervals.get("ballast")).to.deep.equal({ ...intervals.get("unhedged")! });
    expect(intervals.get("ballast")!.drawdownSaved).to.deep.equal({ low: 0, high: 0 });
  });

  it("gives hold less its share anew on each path: a vault that is half unhedged is matched by half, by return and CDaR", function () {
    const { intervals } = resample(joint(half), options);
    const own = intervals.get("ballast")!;
    for (const id of ["hold-less-ex-post", "hold-less-cdar"] as const) {
      for (const metric of ["maxDrawdown", "cdar95", "volatility"] as const) {
        const less = intervals.get(id)![metric];
        // Ex post, a path on which unhedged loses has no share: the interval is over the others.
        if (less === null) continue;
        expect(less.high, `${id} ${metric}`).to.be.closeTo(own[metric]!.high, 0.06 * own[metric]!.high);
      }
    }
  });

  it("counts hold less as no worse where the vault pays for nothing, and as worse where it avoids the falls", function () {
    const dear = half.map((r) => r - 0.0005);
    expect(resample(joint(dear), options).summary.holdLessAsGood).to.be.greaterThan(0.9);
    const spared = unhedged.map((r) => Math.max(r, -0.01) - 0.003);
    expect(resample(joint(spared), options).summary.holdLessAsGood).to.be.lessThan(0.1);
  });
});

describe("the hedge as a programme", function () {
  const path = (capital: readonly number[], gains: readonly number[]): VaultPath => ({
    navs: new Float64Array(capital.length).fill(1_000),
    lines: Object.fromEntries(
      ATTRIBUTION_LINES.map((line) => [
        line,
        line === "perpPrice" ? Float64Array.from(gains) : new Float64Array(gains.length),
      ]),
    ) as VaultPath["lines"],
    hedgeCapital: Float64Array.from(capital),
    lossVersusRebalancing: 0,
    turnover: 0,
    activity: {
      rebalances: 0,
      reranges: 0,
      perpTrades: 0,
      optionTrades: 0,
      liquidations: 0,
      marginCappedDays: 0,
      meanLiquidityShare: 0,
      meanShortShare: 0,
    },
  });

  it("costs what its lines lost, a year, over mean NAV", function () {
    expect(hedgeCost(path([0, 100, 90], [0, -10]))).to.be.closeTo((10 / 1_000) * (365 / 2), 1e-12);
  });

  it("returns what its capital returned: 100 that become 110 over a year", function () {
    const days = 371; // capital goes in on day 7 of the weekly calendar and comes back on day 371
    const capital = Array.from({ length: days + 1 }, (_, i) => (i < 7 ? 0 : i === days ? 110 : 100));
    const gains = Array.from({ length: days }, (_, i) => (i === days - 1 ? 10 : 0));
    expect(hedgeXirr(path(capital, gains))).to.be.closeTo(1.1 ** (365 / 364) - 1, 1e-9);
    expect(hedgeXirr(path([0, 0, 0], [0, 0])), "no programme").to.equal(null);
  });
});

describe("where a layer's money came from", function () {
  it("finds the days of at most a life of calls that gained most, and what all others lost", function () {
    const vxth = new Float64Array(730).fill(-1);
    vxth.set([-1, 300, -50, 260], 400);
    const navs = new Float64Array(731).fill(1_000);
    const none = new Float64Array(730);
    const lines = { ...Object.fromEntries(ATTRIBUTION_LINES.map((line) => [line, none])), vxth };
    const found = bestSpell({ navs, lines: lines as VaultPath["lines"] });
    // From the mark before the first gain to the mark of the last one.
    expect(found).to.deep.include({ from: 401, to: 404, gainShare: 0.51 });
    expect(found.othersAYear).to.be.closeTo((-727 / 1_000) * (365 / 730), 1e-12);
  });
});

describe("the verdict", function () {
  const base = {
    window: { from: "2018-01-01", to: "2020-12-31", years: 3 },
    bootstrap: null,
    onsets: 1,
    withoutFunding: 0,
  };
  const strategies = (own: { maxDrawdown: number; annualReturn: number }) =>
    (
      [
        ["ballast", own],
        ["unhedged", { maxDrawdown: 0.5, annualReturn: 0.2 }],
        ["hold-less-ex-post", { maxDrawdown: 0.2, annualReturn: 0.1 }],
      ] as const
    ).map(([id, found]) => ({
      id,
      name: id,
      intervals: null,
      holdLess: { weight: 0.5, reason: "" },
      metrics: { ...found, hedgeCost: 0.03, annualExcessReturn: 0, cdar95: 0, volatility: 0 },
    }));
  const said = (own: { maxDrawdown: number; annualReturn: number }) =>
    verdict({ ...base, strategies: strategies(own) } as unknown as Parameters<typeof verdict>[0]);

  it("says what the hedge did, whatever it is", function () {
    expect(said({ maxDrawdown: 0.3, annualReturn: 0.1 }).headline).to.contain("30.0 % instead of 50.0 %");
    expect(said({ maxDrawdown: 0.6, annualReturn: 0.1 }).headline).to.contain("made things worse");
    expect(said({ maxDrawdown: 0.5, annualReturn: 0.1 }).headline).to.contain("did not change the deepest fall");
    // A smaller liquidity position has its part in it: not all of it is the hedge's.
    expect(said({ maxDrawdown: 0.3, annualReturn: 0.1 }).headline).to.match(/^Ballast/);
  });

  it("says in its first sentence whether holding less does as well", function () {
    const first = (own: { maxDrawdown: number; annualReturn: number }): string =>
      said(own).headline.split(". ")[0]!.toLowerCase();
    expect(first({ maxDrawdown: 0.3, annualReturn: 0.1 })).to.contain("holding less did as well");
    expect(first({ maxDrawdown: 0.1, annualReturn: 0.15 })).to.contain("holding less did not do as well");
    expect(first({ maxDrawdown: 0.3, annualReturn: 0.15 })).to.contain("holding less fell no deeper but earned less");
    expect(first({ maxDrawdown: 0.1, annualReturn: 0.1 })).to.contain("holding less earned as much but fell deeper");
    expect(first({ maxDrawdown: 0.6, annualReturn: 0.1 })).to.contain("holding less did as well");
  });

  it("where unhedged earned nothing above bills, compares with bills, the only share that loses nothing", function () {
    const lost = (annualExcessReturn: number): string => {
      const found = strategies({ maxDrawdown: 0.3, annualReturn: 0.01 })
        .filter(({ id }) => id !== "hold-less-ex-post")
        .map((strategy) => ({ ...strategy, metrics: { ...strategy.metrics, annualExcessReturn } }));
      return verdict({ ...base, strategies: found } as unknown as Parameters<typeof verdict>[0]).headline;
    };
    expect(lost(-0.01)).to.contain("treasury bills alone did as well");
    expect(lost(0.01)).to.contain("holding less did not do as well");
  });

  it("answers whether hold less does as well, and that one window is not sure", function () {
    const answer = (own: { maxDrawdown: number; annualReturn: number }): string => said(own).points[2]!.text;
    expect(answer({ maxDrawdown: 0.3, annualReturn: 0.1 })).to.match(/^Yes\./);
    expect(answer({ maxDrawdown: 0.1, annualReturn: 0.15 })).to.match(/^No\./);
    expect(answer({ maxDrawdown: 0.3, annualReturn: 0.15 })).to.match(/^It fell no deeper, but earned less\./);
    expect(answer({ maxDrawdown: 0.1, annualReturn: 0.1 })).to.match(/^It earned as much, but fell deeper\./);
    const { points } = said({ maxDrawdown: 0.3, annualReturn: 0.1 });
    expect(points[3]!.text).to.contain("Not measured").and.to.contain("1 onset of stress");
  });

  it("says of a window under a year that yearly figures are a few days scaled up", function () {
    const window = { from: "2020-03-02", to: "2020-03-06", years: 5 / 365, days: 5 };
    const own = strategies({ maxDrawdown: 0.3, annualReturn: 0.1 });
    const { points } = verdict({ ...base, window, strategies: own } as unknown as Parameters<typeof verdict>[0]);
    expect(points[3]!.text).to.contain("The window is 5 days").and.to.contain("scaled up");
  });
});

describe("ballast backtest", function () {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-backtest-"));
    const files = marketFiles({ from: "2019-01-01", to: "2020-03-31" });
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  });
  after(() => rm(folder, { recursive: true }));

  const args = (...more: string[]): string[] => ["backtest", "--data", folder, "--from", "2019-06-01", ...more];

  it("answers with strategies, verdict and assumptions, and writes report and numbers", async function () {
    const out = join(folder, "out");
    const { code, json } = await ballastJson(args("--to", "2020-03-31", "--bootstrap", "20", "--out", out));
    expect(code).to.equal(0);
    expect(json).to.include.keys(
      "window",
      "verdict",
      "strategies",
      "choices",
      "assumptions",
      "sensitivity",
      "bootstrap",
    );
    const written = JSON.parse(await readFile(join(out, "backtest.json"), "utf8")) as BacktestResult;
    expect(written.dates).to.have.length(written.window.days + 1);
    expect(await readFile(join(out, "report.html"), "utf8")).to.contain(written.verdict.headline.slice(0, 20));
  });

  it("refuses wrong flags as wrong usage", async function () {
    for (const flags of [
      ["--to", "2019-01-01"],
      ["--to", "x"],
      ["--to", "2020-03-31", "--bootstrap", "-1"],
    ]) {
      const { code, stderr } = await ballast(args(...flags));
      expect(code, stderr).to.equal(2);
    }
  });
});

describe("the backtest on market history", function () {
  it("runs every strategy, attributes to the cent and prints the share of hold less", async function () {
    this.timeout(60_000);
    if (dataMissing("the backtest on history")) return;
    const dataset = await readDataset(DATA_DIR);
    const result = runBacktest(dataset, await readRegimeModels(), {
      from: "2020-01-01",
      to: "2021-06-30",
      ablation: false,
    });
    expectAttributed(result);
    expect(result.strategies.filter(({ undefinedBecause }) => undefinedBecause !== null)).to.deep.equal([]);
    const { holdLess } = of(result, "hold-less-ex-post");
    expect(holdLess!.weight).to.be.within(0, 1);
    const excess = (navs: readonly number[]): number => simpleReturns(navs).reduce((a, b) => a + b, 0);
    const cash = excess(result.market.cash);
    const ratio = (excess(of(result, "ballast").navs) - cash) / (excess(of(result, "unhedged").navs) - cash);
    expect(holdLess!.weight).to.be.closeTo(Math.min(1, Math.max(0, ratio)), 1e-6);
    expect(result.notes.join(" ")).to.not.contain("no funding settlement");
    expect(result.regimes.shifts.length).to.be.greaterThan(3);
  });
});
