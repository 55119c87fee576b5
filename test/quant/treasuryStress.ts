import { readFileSync } from "node:fs";
import { expect } from "chai";
import fc from "fast-check";
import { leastAmount, stressTreasury } from "../../src/hedge/stress.ts";
import type { Remedy, StressResult } from "../../src/hedge/stress.ts";
import { NO_MOVES, parseTreasury, quickAssets, TreasuryFileError } from "../../src/hedge/treasury.ts";
import type { Treasury } from "../../src/hedge/treasury.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { addDays, dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import { readDataset } from "../../src/market/files.ts";
import { SeriesMissingError } from "../../src/market/series.ts";
import { ballast } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { mutateAfter } from "../helpers/mutateDataset.ts";
import { lehmer } from "../helpers/lehmer.ts";

const EXAMPLE = "docs/examples/treasury.json";

const sessions = sessionsBetween("2019-01-02", "2021-12-31");
const START = 250;
/** The S&P's level by session: 100, in two spikes 80 on the tenth session, and back. ETH moves twice as much in logs. */
const level = (i: number): number => (i === 259 || i === 559 ? 80 : 100 + (i % 2) * 0.5);
const onsets = [250, 550].map((i) => dayNumber(sessions[i]!));
const last = sessions.at(-1)!;

function dataset(ethFrom = "2020-06-01"): ReturnType<typeof buildDataset> {
  const closeOf = new Map(sessions.map((date, i) => [date, level(i)]));
  let spx = 100;
  const eth: string[] = [];
  for (let date = "2019-01-02"; date <= last; date = addDays(date, 1)) {
    spx = closeOf.get(date) ?? spx;
    const close = 200 * (spx / 100) ** 2;
    if (date >= ethFrom) eth.push([date, close, close, close, close, 1].join(","));
  }
  return buildDataset({
    "spx.csv": ["date,close", ...sessions.map((date, i) => `${date},${level(i)}`), ""].join("\n"),
    "vix.csv": [
      "date,open,high,low,close",
      ...sessions.map((date, i) => [date, 20, 20, 20, i % 300 >= 250 ? 40 : 20].join(",")),
      "",
    ].join("\n"),
    ...(eth.length === 0 ? {} : { "eth.csv": ["date,open,high,low,close,volume", ...eth, ""].join("\n") }),
  });
}

const treasury = (more: object = {}): Treasury =>
  parseTreasury(
    JSON.stringify({
      name: "Test",
      assets: [
        { kind: "stable", name: "USDC", value: 100 },
        { kind: "liquid", name: "ETH", value: 200, haircut: 0.1, conversionCost: 0, follows: "ETH" },
        { kind: "illiquid", name: "Stakes", value: 1_000 },
      ],
      liabilities: [{ name: "All", amount: 240 }],
      ...more,
    }),
    "test.json",
  );

const stress = (of: Treasury, data = dataset()): StressResult =>
  stressTreasury(of, new AsOfView(data, decisionTime(last)), last, onsets);

describe("Treasury stress", () => {
  it("counts stable and liquid assets after haircuts against what is due", () => {
    const due = treasury({
      liabilities: [
        { name: "Now", amount: 100 },
        { name: "Overdue", amount: 10, due: "2020-01-01" },
        { name: "This year", amount: 30, due: "2022-12-31" },
        { name: "Later", amount: 500, due: "2023-01-01" },
      ],
    });
    const result = stress(due);
    expect(result.quickAssets).to.equal(100 + 200 * 0.9);
    expect(result.due).to.equal(140);
    expect(result.quickRatio).to.equal(2);
  });

  it("applies what happened in each spike, and beta to the S&P where a market has no history", () => {
    const { spikes, worst, betas, modelChecks } = stress(treasury());
    expect(spikes.map(({ onset }) => onset)).to.deep.equal([sessions[START], sessions[550]]);
    expect(spikes.map(({ from }) => from)).to.deep.equal([sessions[249], sessions[549]]);
    expect(spikes.map(({ trough }) => trough)).to.deep.equal([sessions[259], sessions[559]]);
    expect(spikes.map(({ sources }) => sources.ETH)).to.deep.equal(["model", "history"]);
    near(betas.ETH!.beta, 2, 1e-9);
    const fall = 80 / level(249) - 1;
    near(spikes[1]!.moves.SPX, 80 / level(549) - 1, 1e-12);
    near(spikes[1]!.moves.ETH, (1 + fall) ** 2 - 1, 1e-9);
    near(spikes[0]!.moves.ETH, spikes[1]!.moves.ETH, 1e-9);
    near(worst!.quickAssets, 100 + 200 * 0.9 * (1 + fall) ** 2, 1e-6);
    expect(worst!.vixPeak).to.equal(40);
    const check = modelChecks.find(({ market }) => market === "ETH")!;
    expect(check.spikes).to.equal(1);
    near(check.happened, check.modelled, 1e-9);
  });

  it("names the least of each remedy, and each of them does it", () => {
    const short = treasury();
    const { shortfall, remedies, worst } = stress(short);
    near(shortfall, 240 - worst!.quickAssets, 1e-9);
    expect(remedies.map(({ kind }) => kind)).to.deep.equal(["raise", "convert", "short"]);
    for (const remedy of remedies) {
      near(stress(withRemedy(short, remedy, 1)).worst!.quickRatio!, 1, 1e-9);
      expect(stress(withRemedy(short, remedy, 0.99)).worst!.quickRatio).to.be.lessThan(1);
    }
  });

  it("asks for nothing when nothing is missing, and says when a remedy cannot do it", () => {
    expect(stress(treasury({ liabilities: [{ name: "Little", amount: 150 }] }))).to.include({ shortfall: 0 });
    const hopeless = stress(treasury({ liabilities: [{ name: "Much", amount: 10_000 }] }));
    expect(hopeless.remedies.map(({ amount }) => amount === null)).to.deep.equal([false, true, true]);
    expect(stress(treasury({ liabilities: [{ name: "None", amount: 0 }] })).quickRatio).to.equal(null);
  });

  it("lets shorts gain what the assets lose", () => {
    const hedged = treasury({ shorts: [{ name: "Perp", follows: "ETH", notional: 180 }] });
    // Quick assets of 180 in ETH after its haircut, 180 short: nothing moves.
    for (const { quickAssets: assets } of stress(hedged).spikes) near(assets, 280, 1e-9);
  });

  it("never takes assets below zero, and follows beta in log returns", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -0.99, max: 3, noNaN: true }),
        fc.double({ min: -3, max: 5, noNaN: true }),
        (move, beta) => {
          const one = treasury({ assets: [{ kind: "liquid", name: "T", value: 1, haircut: 0, follows: "ETH", beta }] });
          const value = quickAssets(one, { ...NO_MOVES, ETH: move });
          expect(value).to.be.greaterThan(0);
          near(Math.log(value), beta * Math.log1p(move), 1e-9);
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });

  it("finds the least amount that keeps every case at or above zero", () => {
    const cases = fc.array(
      fc.record({
        spare: fc.double({ min: -10, max: 10, noNaN: true }),
        gain: fc.double({ min: -2, max: 2, noNaN: true }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(cases, (drawn) => {
        const [spare, gains] = [drawn.map((one) => one.spare), drawn.map((one) => one.gain)];
        const holds = (x: number): boolean => drawn.every((one) => one.spare + x * one.gain >= -1e-9);
        const least = leastAmount(spare, gains, 20);
        const grid = Array.from({ length: 2_001 }, (_, i) => i / 100);
        if (least === null)
          expect(grid.some((x) => drawn.every((one) => one.spare + x * one.gain >= 1e-9))).to.equal(false);
        else {
          expect(holds(least)).to.equal(true);
          expect(grid.some((x) => x < least - 1e-6 && drawn.every((one) => one.spare + x * one.gain >= 0))).to.equal(
            false,
          );
        }
      }),
      { numRuns: 500, seed: 2 },
    );
  });

  it("names the field of a file that is wrong, and the series that is missing", () => {
    const broken =
      (text: string): (() => unknown) =>
      () =>
        parseTreasury(text, "t.json");
    expect(broken("{")).to.throw(TreasuryFileError, "t.json: is no JSON");
    expect(() => treasury({ assets: [{ kind: "liquid", name: "X", value: 1, haircut: 0, follows: "GOLD" }] })).to.throw(
      TreasuryFileError,
      "assets.0.follows",
    );
    expect(() => treasury({ liabilities: [{ name: "X", amount: 1, due: "2023-02-30" }] })).to.throw(
      TreasuryFileError,
      "liabilities.0.due",
    );
    expect(() => treasury({ typo: 1 })).to.throw(TreasuryFileError, "typo");
    expect(() => stress(treasury(), buildDataset({}))).to.throw(SeriesMissingError, "spx");
    expect(() => stress(treasury(), dataset("9999-01-01"))).to.throw(SeriesMissingError, "follows ETH");
    expect(stress(treasury()).spikes[0]!.sources.REIT).to.equal("none");
  });

  it("reads the example that ships, on real history, and knows nothing of the future", async function () {
    const example = parseTreasury(readFileSync(EXAMPLE, "utf8"), EXAMPLE);
    if (dataMissing("the treasury example under historical spikes")) return;
    const data = await readDataset(DATA_DIR);
    const now = decisionTime("2020-06-30");
    const days = ["2018-02-05", "2020-02-24"].map(dayNumber);
    const run = (of: typeof data): string =>
      JSON.stringify(stressTreasury(example, new AsOfView(of, now), "2020-06-30", days));
    expect(run(mutateAfter(data, now, lehmer(21)))).to.equal(run(data));

    const { code, stdout } = await ballast([
      "stress",
      "--treasury",
      EXAMPLE,
      "--data",
      DATA_DIR,
      "--date",
      "2023-12-29",
      "--json",
    ]);
    expect(code).to.equal(0);
    const result = JSON.parse(stdout) as StressResult;
    expect(result.spikes.filter(({ onset }) => onset >= "2017").length).to.equal(13);
    expect(result.worst!.quickRatio).to.be.lessThan(1);
    expect(result.quickRatio).to.be.greaterThan(1);
  });
});

function withRemedy(before: Treasury, remedy: Remedy, part: number): Treasury {
  const by = remedy.amount! * part;
  if (remedy.kind === "short") {
    return { ...before, shorts: [...before.shorts, { name: "new", follows: remedy.market, notional: by }] };
  }
  const assets = before.assets.map((asset) => {
    if (asset.kind === "stable") return { ...asset, value: asset.value + by };
    return remedy.kind === "convert" && asset.kind === "liquid" ? { ...asset, value: asset.value - by } : asset;
  });
  return { ...before, assets };
}

function near(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`).to.equal(
    true,
  );
}
