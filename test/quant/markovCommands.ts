import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { addDays } from "../../src/market/calendar.ts";
import { mulberry32, normal } from "../../src/market/random.ts";
import { parseModel } from "../../src/regime/modelFile.ts";
import { ballast, ballastJson } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

interface FitAnswer {
  logLikelihood: number;
  transition: number[][];
  states: { mean: number; variance: number; expectedDuration: number; meanOriginal: number; share: number }[];
  rows: number;
  from: string;
  to: string;
  hash: string;
}

interface FilterAnswer {
  logLikelihood: number;
  filtered: Record<string, number[]>;
}

const START = "2015-01-01";

/** Levels around 12 for a hundred days, around 25 for the next hundred, and so on. */
function csv(days: number, seed: number): string {
  const random = mulberry32(seed);
  const rows = Array.from({ length: days }, (_, day) => {
    const level = Math.floor(day / 100) % 2 === 0 ? 12 : 25;
    return `${addDays(START, day)},${(level * Math.exp(0.1 * normal(random))).toFixed(2)}`;
  });
  return ["date,close", ...rows, ""].join("\n");
}

describe("ballast regime fit and filter", () => {
  let folder = "";
  let file = "";
  let model = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-regime-"));
    [file, model] = [join(folder, "levels.csv"), join(folder, "two.json")];
    await writeFile(file, csv(800, 1));
  });
  after(() => rm(folder, { recursive: true }));

  it("fits, writes a model, and filters with it", async () => {
    const fitted = await ballastJson(["regime", "fit", "--in", file, "--log", "--states", "2", "--out", model]);
    expect(fitted.code).to.equal(0);
    const fit = fitted.json as unknown as FitAnswer;
    expect(fit).to.include({ rows: 800, from: START, to: addDays(START, 799) });
    expect(fit.states.map(({ mean }) => mean)[0]).to.be.closeTo(Math.log(12), 0.02);
    expect(fit.states.map(({ meanOriginal }) => meanOriginal)[1]).to.be.closeTo(25, 0.5);
    fit.states.forEach(({ expectedDuration, variance, share }, i) => {
      expect(expectedDuration).to.be.closeTo(1 / (1 - fit.transition[i]![i]!), 1e-9);
      expect(variance).to.be.closeTo(0.01, 0.002);
      expect(share).to.be.closeTo(0.5, 0.02);
    });
    const written = parseModel(await readFile(model, "utf8"), model);
    expect(written).to.include({ name: "two", series: "levels", transformation: "log", hash: fit.hash });

    const dates = [addDays(START, 50), addDays(START, 150)];
    const args = ["regime", "filter", "--in", file, "--log", "--model", model];
    const filtered = (await ballastJson([...args, "--date", dates[0]!, "--date", dates[1]!]))
      .json as unknown as FilterAnswer;
    expect(filtered.logLikelihood).to.be.closeTo(fit.logLikelihood, 1e-9);
    expect(Object.keys(filtered.filtered)).to.deep.equal(dates);
    expect(filtered.filtered[dates[0]!]![0]).to.be.greaterThan(0.999);
    expect(filtered.filtered[dates[1]!]![1]).to.be.greaterThan(0.999);

    const last = (await ballastJson(args)).json as unknown as FilterAnswer;
    expect(Object.keys(last.filtered)).to.deep.equal([addDays(START, 799)]);
    // The model knows that it reads logarithms.
    expect((await ballastJson(args.filter((arg) => arg !== "--log"))).json).to.deep.equal(last);
  });

  it("gives the same answer for the same arguments, and the same optimum from another seed", async () => {
    const args = ["regime", "fit", "--in", file, "--states", "2", "--variance", "shared", "--from", "2015-03-01"];
    const [once, again, other] = [
      await ballast(args),
      await ballast(args),
      await ballastJson([...args, "--seed", "9"]),
    ];
    expect(again.stdout).to.equal(once.stdout);
    const first = (await ballastJson(args)).json as unknown as FitAnswer;
    expect(first.states[0]!.variance).to.equal(first.states[1]!.variance);
    expect(other.json["logLikelihood"]).to.be.closeTo(first.logLikelihood, 1e-6);
  });

  it("says when the floor holds a variance up", async () => {
    const fine = join(folder, "fine.csv");
    await writeFile(fine, (await readFile(file, "utf8")).replace(/,(\d+)\./g, ",0.000$1"));
    expect((await ballast(["regime", "fit", "--in", fine, "--states", "2"])).stderr).to.contain(
      "is at the floor of 0.0001",
    );
  });

  it("refuses what it cannot do, by name", async () => {
    const fit = ["regime", "fit", "--in", file, "--states"];
    const zero = join(folder, "zero.csv");
    await writeFile(zero, (await readFile(file, "utf8")).replace(/(2015-02-01),.*/, "$1,0"));
    await ballast(["regime", "fit", "--in", file, "--states", "2", "--out", model]);
    const filter = ["regime", "filter", "--in", file, "--model"];
    const wrong: [string[], number, string][] = [
      [[...fit, "two"], 2, "UsageError: --states two"],
      [[...fit, "1"], 2, "UsageError: --states 1"],
      [[...fit, "2", "--variance", "free"], 2, "UsageError: --variance free"],
      [[...fit, "2", "--to", "2015-01-30"], 1, "MarkovFitError: 30 rows are too few for 2 states"],
      [["regime", "fit", "--in", zero, "--log", "--states", "2"], 1, "it is 0 on 2015-02-01, which has no logarithm"],
      [[...filter, file], 1, "ModelFileError"],
      [[...filter, model, "--log"], 2, "UsageError: --log"],
      [[...filter, model, "--date", "2014-12-31"], 2, "the rows beside it are of 2015-01-01"],
    ];
    for (const [args, code, message] of wrong) {
      const finished = await ballast(args);
      expect(finished.stderr, args.join(" ")).to.contain(message);
      expect(finished.code, args.join(" ")).to.equal(code);
    }
  });

  it("filters log VIX as statsmodels does under the same parameters", async () => {
    if (dataMissing("the filter over log VIX")) return;
    // statsmodels 0.15.0, MarkovRegression(log close, 3 regimes, switching variance).smooth(these parameters).
    const vix = ["--in", join(DATA_DIR, "vix.csv"), "--log"];
    await ballast(["regime", "fit", ...vix, "--states", "3", "--to", "2019-12-31", "--out", model]);
    const dates = ["--date", "1990-01-02", "1990-01-03", "2020-02-24"];
    const filtered = await ballastJson(["regime", "filter", ...vix, "--model", model, "--to", "2023-12-31", ...dates]);
    const answer = filtered.json as unknown as FilterAnswer;
    expect(answer.logLikelihood).to.be.closeTo(3964.1972, 1e-3);
    const reference = {
      "1990-01-02": [0.01644882, 0.9221629, 0.06138828],
      "1990-01-03": [0.000144462263, 0.99062757, 0.00922796783],
      "2020-02-24": [3.53676379e-8, 0.573934956, 0.426065009],
    };
    for (const [date, probabilities] of Object.entries(reference)) {
      probabilities.forEach((p, j) => expect(answer.filtered[date]![j]).to.be.closeTo(p, 1e-5));
    }
  });
});
