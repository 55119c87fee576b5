import { expect } from "chai";
import type { RegimeAssessment } from "../../src/regime/assess.ts";
import type { RegimeName } from "../../src/regime/ruleMachine.ts";
import { churnOf, regimeShifts } from "../../src/regime/shifts.ts";
import { ballast, ballastJson } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

const LEVELS = ["Calm", "Elevated", "Stress", "Unknown"];

/** A session on which rule and model say these. */
function saying(rule: RegimeName, model: RegimeName | null, modelName = "m-2019"): RegimeAssessment {
  const decision = model !== null && LEVELS.indexOf(model) > LEVELS.indexOf(rule) ? model : rule;
  return {
    session: "2020-01-02",
    decision,
    cause: decision === "Unknown" ? "data" : rule === model ? "both" : rule === decision ? "rule" : "model",
    rule,
    ruleReason: `Rule: ${rule}.`,
    model,
    probabilities: model === null ? null : [0.1, 0.2, 0.7],
    modelName: model === null ? null : modelName,
    vix: 20,
    vix3m: 21,
  };
}

describe("regime shifts", () => {
  it("name who called for the way up, and who held on before the way down", () => {
    const cases: [RegimeAssessment, RegimeAssessment, string][] = [
      [saying("Calm", "Calm"), saying("Elevated", "Calm"), "rule"],
      [saying("Calm", "Calm"), saying("Elevated", "Stress"), "model"],
      [saying("Elevated", "Calm"), saying("Stress", "Stress"), "both"],
      [saying("Stress", "Elevated"), saying("Elevated", "Elevated"), "rule"],
      [saying("Elevated", "Stress"), saying("Elevated", "Elevated"), "model"],
      [saying("Stress", "Stress"), saying("Elevated", "Elevated"), "both"],
      [saying("Elevated", null), saying("Unknown", null), "data"],
      [saying("Unknown", null), saying("Elevated", "Calm"), "data"],
    ];
    for (const [before, after, cause] of cases) {
      const [shift] = regimeShifts([before, after]);
      expect(shift).to.include({ from: before.decision, to: after.decision, cause });
      expect(shift!.sentence).to.contain(after.ruleReason);
    }
  });

  it("are none while the decision stays, whoever makes it", () => {
    expect(regimeShifts([saying("Stress", "Elevated"), saying("Elevated", "Stress")])).to.deep.equal([]);
    expect(regimeShifts([saying("Stress", "Stress")])).to.deep.equal([]);
  });

  it("say what the model makes of it, and when it is a new year's", () => {
    const sentence = (before: RegimeAssessment, after: RegimeAssessment) => regimeShifts([before, after])[0]!.sentence;
    expect(sentence(saying("Calm", "Calm"), saying("Elevated", "Stress"))).to.equal(
      "Rule: Elevated. The model (m-2019) goes to Stress, probability 0.70.",
    );
    expect(sentence(saying("Calm", "Calm"), saying("Stress", "Calm", "m-2020"))).to.equal(
      "Rule: Stress. The model (m-2020, new this year) stays Calm, probability 0.70.",
    );
    expect(sentence(saying("Calm", null), saying("Stress", null))).to.equal("Rule: Stress. No model speaks.");
  });

  it("are counted a year of 252 sessions", () => {
    const half: RegimeName[] = [...new Array<RegimeName>(63).fill("Calm"), ...new Array<RegimeName>(63).fill("Stress")];
    expect(churnOf([...half, ...half])).to.deep.equal({
      sessions: 252,
      shifts: 3,
      shiftsPerYear: 3,
      stressEntries: 2,
      stressEntriesPerYear: 2,
      days: { Calm: 126, Elevated: 0, Stress: 126, Unknown: 0 },
    });
    expect(churnOf([]).shiftsPerYear).to.equal(0);
  });
});

interface HistoryAnswer {
  from: string;
  to: string;
  shifts: { session: string; from: string; to: string; cause: string; sentence: string; vix: number }[];
  years: { year: string; shifts: number; days: Record<RegimeName, number> }[];
  days: Record<RegimeName, number>;
  churn: Record<"rule" | "model" | "decision", { stressEntriesPerYear: number; days: Record<RegimeName, number> }>;
}

describe("ballast regime history", () => {
  it("lists every shift with its cause, and adds up", async () => {
    if (dataMissing("the history of regimes")) return;
    const args = ["regime", "history", "--data", DATA_DIR, "--from", "2019-12-01", "--to", "2020-12-31"];
    const answer = (await ballastJson(args)).json as unknown as HistoryAnswer;
    expect(answer).to.include({ from: "2019-12-02", to: "2020-12-31" });
    expect(answer.shifts.map(({ session, from, to, cause }) => `${session} ${from} ${to} ${cause}`)).to.deep.equal([
      "2019-12-03 Calm Elevated rule",
      "2019-12-18 Elevated Calm rule",
      "2020-01-27 Calm Stress rule",
      "2020-02-07 Stress Elevated rule",
      "2020-02-24 Elevated Stress rule",
    ]);
    expect(answer.years.map(({ shifts }) => shifts)).to.deep.equal([2, 3]);
    const sum = (days: Record<RegimeName, number>) => Object.values(days).reduce((a, b) => a + b, 0);
    expect(sum(answer.days)).to.equal(274);
    expect(answer.years.reduce((total, { days }) => total + sum(days), 0)).to.equal(274);
    const text = (await ballast(args)).stdout;
    expect(text).to.match(/2020-01-27 {2}Calm → Stress {6}rule {3}VIX [\d.]+ is above VIX3M [\d.]+ \(inverted\)/);
  });

  it("measures the model's use: fewer entries into Stress than the rule's, for more days in it", async () => {
    if (dataMissing("the churn of regimes")) return;
    const args = ["regime", "history", "--data", DATA_DIR, "--from", "2009-09-18", "--to", "2023-12-29"];
    const { churn } = (await ballastJson(args)).json as unknown as HistoryAnswer;
    expect(churn.rule.stressEntriesPerYear).to.be.closeTo(4, 0.01);
    expect(churn.decision.stressEntriesPerYear).to.be.closeTo(3.37, 0.01);
    expect(churn.decision.days.Stress).to.be.greaterThan(churn.rule.days.Stress);
  });

  it("cuts a window to the data, and refuses an empty one", async () => {
    if (dataMissing("windows of regime history")) return;
    const history = ["regime", "history", "--data", DATA_DIR];
    const early = await ballastJson([...history, "--from", "1980-01-01", "--to", "1990-02-01"]);
    expect(early.json["from"]).to.equal("1990-01-02");
    expect(early.stderr).to.contain("the window is cut to that");
    expect((await ballast([...history, "--from", "2020-01-04", "--to", "2020-01-05"])).stderr).to.contain("no session");
    expect((await ballast([...history, "--from", "2021-01-04", "--to", "2020-01-05"])).code).to.equal(2);
  });
});
