import { expect } from "chai";
import fc from "fast-check";
import { readRegimeModels } from "../../src/cli/regimeModels.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { sessionsBetween } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import { readDataset } from "../../src/market/files.ts";
import { mulberry32, normal } from "../../src/market/random.ts";
import type { Dataset } from "../../src/market/series.ts";
import { createRegimeAssessor, NotARegimeModelError, RegimeOrderError } from "../../src/regime/assess.ts";
import type { RegimeAssessment } from "../../src/regime/assess.ts";
import { filterSeries } from "../../src/regime/markov.ts";
import { sealModel } from "../../src/regime/modelFile.ts";
import type { MarkovModel } from "../../src/regime/modelFile.ts";
import { REGIME_NAMES } from "../../src/regime/ruleMachine.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { mutateAfter, mutateBefore } from "../helpers/mutateDataset.ts";

const MODELS = await readRegimeModels();
const SESSIONS = sessionsBetween("2010-10-01", "2012-03-30");

/** A VIX that wanders about 18 points, and a VIX3M that it sometimes passes. */
function wandering(seed: number): { vix: number[]; vix3m: number[] } {
  const random = mulberry32(seed);
  let log = Math.log(18);
  const vix = SESSIONS.map(() => {
    log += 0.05 * (Math.log(18) - log) + 0.09 * normal(random);
    return Math.round(100 * Math.exp(log)) / 100;
  });
  return { vix, vix3m: vix.map((close) => Math.round(100 * (9 + 0.65 * close)) / 100) };
}

function datasetOf(files: Record<string, readonly (number | null)[]>): Dataset {
  return buildDataset(
    Object.fromEntries(
      Object.entries(files).map(([name, closes]) => {
        const rows = SESSIONS.flatMap((date, i) => (closes[i] == null ? [] : [`${date},${closes[i]}`]));
        return [`${name}.csv`, ["date,close", ...rows, ""].join("\n")];
      }),
    ),
  );
}

function assess(dataset: Dataset, models: readonly MarkovModel[] = MODELS, sessions = SESSIONS): RegimeAssessment[] {
  const view = new AsOfView(dataset);
  const assessor = createRegimeAssessor(models);
  return sessions.map((session) => assessor(view.advanceTo(decisionTime(session)), session));
}

const SYNTHETIC = wandering(4);
const DATASET = datasetOf(SYNTHETIC);

describe("regime assessment", () => {
  it("decides for the more defensive of rule and model, and says whose it is", () => {
    const assessments = assess(DATASET);
    const level = (name: string | null): number => REGIME_NAMES.indexOf(name as never);
    for (const { decision, rule, model, cause, probabilities } of assessments) {
      expect(level(decision)).to.equal(Math.max(level(rule), level(model)));
      expect(level(model)).to.equal(probabilities!.indexOf(Math.max(...probabilities!)));
      expect(cause).to.equal(rule === model ? "both" : rule === decision ? "rule" : "model");
    }
    const causes = new Set(assessments.map(({ cause }) => cause));
    expect([...causes].sort()).to.deep.equal(["both", "model", "rule"]);
  });

  it("filters each year under the model of the December before, over all closes known", () => {
    const assessments = assess(DATASET);
    for (const year of [2010, 2011, 2012]) {
      const model = MODELS.find(({ name }) => name === `log-vix-3-${year - 1}`)!;
      const { filtered } = filterSeries(model.parameters, SYNTHETIC.vix.map(Math.log));
      assessments.forEach(({ session, probabilities, modelName }, t) => {
        if (!session.startsWith(String(year))) return;
        expect(modelName).to.equal(model.name);
        expect(probabilities).to.deep.equal([...filtered.subarray(3 * t, 3 * t + 3)]);
      });
    }
  });

  it("says the same of a session whether it saw the ones before one by one or not", () => {
    const all = assess(DATASET);
    for (const at of [0, 60, 64, 200, SESSIONS.length - 1]) {
      expect(assess(DATASET, MODELS, [SESSIONS[at]!])).to.deep.equal([all[at]]);
    }
  });

  it("cannot see ahead: a changed future changes nothing, a changed past does", () => {
    const all = assess(DATASET);
    fc.assert(
      fc.property(fc.integer({ min: 5, max: SESSIONS.length - 1 }), fc.integer(), (at, seed) => {
        const t = decisionTime(SESSIONS[at]!);
        const until = SESSIONS.slice(0, at + 1);
        expect(assess(mutateAfter(DATASET, t, mulberry32(seed)), MODELS, until)).to.deep.equal(all.slice(0, at + 1));
        expect(assess(mutateBefore(DATASET, t, mulberry32(seed)), MODELS, until)).to.not.deep.equal(
          all.slice(0, at + 1),
        );
      }),
      { numRuns: 25 },
    );
  });

  it("goes by the rule alone where no model is old enough, and where there is none", () => {
    for (const models of [[], MODELS.filter(({ training }) => training.to > "2011")]) {
      for (const assessment of assess(DATASET, models).filter(({ session }) => session < "2012")) {
        expect(assessment).to.include({ model: null, probabilities: null, modelName: null, cause: "rule" });
        expect(assessment.decision).to.equal(assessment.rule);
      }
    }
  });

  it("takes VIX3M as not inverted where it has no close, and says so", () => {
    const [first] = assess(datasetOf({ vix: [12] }));
    expect(first!.ruleReason).to.equal(
      "VIX 12 is below 15: still Calm. VIX3M has no close for it: taken as not inverted.",
    );
    expect(first).to.include({ rule: "Calm", vix: 12, vix3m: null });
    const [inverted] = assess(datasetOf({ vix: [12], vix3m: [11] }));
    expect(inverted!.rule).to.equal("Stress");
  });

  it("keeps the regime over a session without a close, for five sessions, then it is Unknown until the next", () => {
    const closes = [20, null, null, null, null, null, null, 20.5];
    const [first, ...later] = assess(datasetOf({ vix: closes, vix3m: closes }));
    expect(first!.decision).to.equal("Elevated");
    for (const missing of later.slice(0, 5)) {
      expect(missing).to.include({ decision: first!.decision, vix: null });
      expect(missing.probabilities).to.deep.equal(first!.probabilities);
      expect(missing.ruleReason).to.equal(
        `There is no VIX close for ${missing.session}, the last is of ${SESSIONS[0]}: its regime stands, Elevated.`,
      );
    }
    expect(later[5]).to.include({
      decision: "Unknown",
      rule: "Unknown",
      cause: "data",
      model: null,
      probabilities: null,
    });
    expect(later[5]!.ruleReason).to.contain("6 sessions ago, more than 5: Unknown");
    expect(later[6]).to.include({ decision: "Elevated", vix: 20.5 });
  });

  it("is Unknown without VIX", () => {
    const nothing = assess(datasetOf({ vix3m: [20, 21] }), MODELS, SESSIONS.slice(0, 2));
    for (const assessment of nothing) expect(assessment).to.include({ decision: "Unknown", cause: "data", vix: null });
  });

  it("refuses sessions out of order, and models that are none of regimes", () => {
    const assessor = createRegimeAssessor(MODELS);
    const view = new AsOfView(DATASET, decisionTime("2010-10-05"));
    assessor(view, "2010-10-05");
    expect(() => assessor(view, "2010-10-05")).to.throw(RegimeOrderError);
    const { format: _format, hash: _hash, ...content } = MODELS[0]!;
    expect(() => createRegimeAssessor([sealModel({ ...content, series: "vvix" })])).to.throw(
      NotARegimeModelError,
      "vvix",
    );
    expect(() => createRegimeAssessor([sealModel({ ...content, transformation: "none" })])).to.throw(
      NotARegimeModelError,
    );
  });

  it("assesses all of history", async () => {
    if (dataMissing("the regimes since 1990")) return;
    const dataset = await readDataset(DATA_DIR);
    const vix = dataset.series.get("vix")!;
    const sessions = sessionsBetween("1990-01-02", "2023-12-29");
    const assessments = assess(dataset, MODELS, sessions);
    expect(assessments.filter((one) => one.vix === null).map(({ session }) => session)).to.deep.equal([
      "1991-03-01",
      "1997-01-31",
      "1997-11-26",
      "1999-12-31",
    ]);
    expect(assessments.filter(({ decision }) => decision === "Unknown")).to.deep.equal([]);
    expect(assessments.find(({ model }) => model !== null)!.session).to.equal("2000-01-03");
    expect(vix.days.length).to.be.at.least(sessions.length - 4);
    // Days everybody remembers.
    const on = (session: string): RegimeAssessment => assessments.find((one) => one.session === session)!;
    expect(on("2017-11-03")).to.include({ decision: "Calm", cause: "both" });
    expect(on("2008-10-10")).to.include({ decision: "Stress", cause: "both" });
    expect(on("2020-03-16")).to.include({ decision: "Stress", cause: "both", modelName: "log-vix-3-2019" });
  });
});
