import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { POINT, Regime, explainStep, run, startState, step, targetOf } from "../../src/regime/ruleMachine.ts";
import type { RuleClose, RuleLevel, RuleState } from "../../src/regime/ruleMachine.ts";
import { regimeVectors, vectorsAsJson, vectorsAsSolidity } from "../vectors/regimeVectors.ts";

const { Calm, Elevated, Stress } = Regime;

/** A close in hundredths of a point; VIX3M is two points above unless given. */
function close(vix: number, vix3m = vix + 200, lifted = false): RuleClose {
  const unit = POINT / 100n;
  return { vix: BigInt(vix) * unit, vix3m: BigInt(vix3m) * unit, lifted };
}

function at(level: RuleLevel, streak = 0): RuleState {
  return { level, streak };
}

describe("rule machine", () => {
  it("calls for a regime by a single close, edges included", () => {
    expect(targetOf(close(1499))).to.equal(Calm);
    expect(targetOf(close(1500))).to.equal(Elevated);
    expect(targetOf(close(2500))).to.equal(Elevated);
    expect(targetOf({ ...close(2500, 2700), vix: 25n * POINT + 1n })).to.equal(Stress);
    expect(targetOf(close(1200, 1200)), "equal is not inverted").to.equal(Calm);
    expect(targetOf({ ...close(1200, 1200), vix: 12n * POINT + 1n })).to.equal(Stress);
  });

  it("goes up at once, by as many levels as it takes", () => {
    expect(step(at(Calm), close(1500))).to.deep.equal(at(Elevated));
    expect(step(at(Calm), close(2501))).to.deep.equal(at(Stress));
    expect(step(at(Elevated, 4), close(2501))).to.deep.equal(at(Stress));
  });

  it("comes down one level by the fifth close in a row", () => {
    const levels = run(at(Stress), Array<RuleClose>(10).fill(close(1300)));
    expect(levels.map((state) => state.level)).to.deep.equal([
      ...[Stress, Stress, Stress, Stress, Elevated],
      ...[Elevated, Elevated, Elevated, Elevated, Calm],
    ]);
    expect(levels.map((state) => state.streak)).to.deep.equal([1, 2, 3, 4, 0, 1, 2, 3, 4, 0]);
  });

  it("starts the count anew by a close at the threshold less a point, or an inverted one", () => {
    expect(step(at(Stress, 4), close(2400))).to.deep.equal(at(Stress));
    expect(step(at(Stress, 4), close(2399))).to.deep.equal(at(Elevated));
    expect(step(at(Elevated, 4), close(1400))).to.deep.equal(at(Elevated));
    expect(step(at(Elevated, 4), close(1399))).to.deep.equal(at(Calm));
    expect(step(at(Stress, 4), close(2000, 1999))).to.deep.equal(at(Stress));
    expect(step(at(Stress, 4), close(2000, 2000)), "equal is not inverted").to.deep.equal(at(Elevated));
  });

  it("begins at Stress after a lift, and counts its own close", () => {
    expect(step(at(Calm), close(1300, 1500, true))).to.deep.equal(at(Stress, 1));
    expect(step(at(Stress, 4), close(1300, 1500, true))).to.deep.equal(at(Stress, 1));
    expect(step(at(Calm), close(2450, 2600, true))).to.deep.equal(at(Stress, 0));
  });

  it("says why", () => {
    const reason = (state: RuleState, next: RuleClose): string => explainStep(state, next).reason;
    expect(reason(at(Calm), close(1310))).to.equal("VIX 13.1 is below 15: still Calm.");
    expect(reason(at(Calm), close(1600))).to.equal("VIX 16 is not below 15: up to Elevated.");
    expect(reason(at(Elevated), close(3000, 2800))).to.equal("VIX 30 is above VIX3M 28 (inverted): up to Stress.");
    expect(reason(at(Elevated), close(3000))).to.equal("VIX 30 is above 25: up to Stress.");
    expect(reason(at(Stress), close(3000))).to.contain("VIX 30 is not below 24: stays Stress, count at 0 of 5");
    expect(reason(at(Stress, 3), close(2000, 1900))).to.contain("inverted): stays Stress");
    expect(reason(at(Stress, 3), close(2000))).to.contain("stays Stress, count at 4 of 5");
    expect(reason(at(Stress, 4), close(2000))).to.contain("for 5 closes: down to Elevated");
    expect(reason(at(Calm), close(1310, 1500, true))).to.match(/^The base asset's move .* Stress\. VIX 13\.1/);
  });

  it("agrees with a reading of the rule that looks back instead of counting", () => {
    const vectors = regimeVectors();
    vectors.forEach((vector, i) => {
      if (i === 0) return;
      expect(vector.level, `session ${i}`).to.equal(levelByLookingBack(vectors, i));
    });
  });
});

describe("regime vectors", () => {
  it("are what the generator writes, in both files", async () => {
    const vectors = regimeVectors();
    const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), "utf8");
    expect(await read("../vectors/regime.json")).to.equal(vectorsAsJson(vectors));
    expect(await read("../contracts/support/RegimeVectors.sol")).to.equal(vectorsAsSolidity(vectors));
  });

  it("drive the rule machine", async () => {
    const text = await readFile(new URL("../vectors/regime.json", import.meta.url), "utf8");
    const rows = JSON.parse(text) as [string, string, boolean, RuleLevel, number][];
    let state: RuleState | null = null;
    for (const [vix, vix3m, lifted, level, streak] of rows) {
      const next: RuleClose = { vix: BigInt(vix), vix3m: BigInt(vix3m), lifted };
      state = state === null ? startState(next) : step(state, next);
      expect(state).to.deep.equal({ level, streak });
    }
  });

  it("see every transition, and every edge value", () => {
    const vectors = regimeVectors();
    const seen = new Set(vectors.slice(1).map((v, i) => `${vectors[i]!.level}${v.level}${v.lifted ? "L" : ""}`));
    expect([...seen].sort()).to.deep.equal(["00", "01", "02", "02L", "10", "11", "12", "12L", "21", "22", "22L"]);
    for (const edge of [14n, 15n, 24n, 25n]) {
      expect(
        vectors.some((v) => v.vix === edge * POINT),
        `${edge}`,
      ).to.equal(true);
    }
    const closeCalls = vectors.slice(1).filter((v, i) => vectors[i]!.streak === 4 && v.streak === 0);
    expect(
      closeCalls.some((v) => v.level === Stress && v.vix === 24n * POINT && !v.lifted),
      "24 resets",
    ).to.equal(true);
    expect(
      closeCalls.some((v) => v.level === Elevated && v.vix === 14n * POINT),
      "14 resets",
    ).to.equal(true);
    expect(vectors.some((v) => v.vix === v.vix3m) && vectors.some((v) => v.vix === v.vix3m + 1n)).to.equal(true);
  });
});

/** The level after session i, from the levels before it and the closes of the last five sessions. */
function levelByLookingBack(vectors: readonly (RuleClose & RuleState)[], i: number): RuleLevel {
  const now = vectors[i]!;
  const before: RuleLevel = now.lifted ? Stress : vectors[i - 1]!.level;
  const target = targetOf(now);
  if (target >= before) return target;
  const limit = before === Stress ? 24n * POINT : 14n * POINT;
  for (let back = 0; back < 5; back++) {
    const past = vectors[i - back];
    if (past === undefined || past.vix >= limit || past.vix > past.vix3m) return before;
    // The run must lie within the present level: the level before each of the five closes is the same, and a lift may
    // only come before the first.
    const earlier = vectors[i - back - 1];
    const levelBefore = past.lifted ? Stress : earlier?.level;
    if (earlier === undefined || levelBefore !== before || (past.lifted && back < 4)) return before;
  }
  return before === Stress ? Elevated : Calm;
}
