import { expect } from "chai";
import { vaultScene } from "../helpers/vaultScene.ts";
import { SCENARIOS } from "../support/faults/all.ts";
import { openStage } from "../support/faults/rig.ts";
import type { Stage } from "../support/faults/rig.ts";
import { survive } from "../support/faults/scenario.ts";

/** Each fault once; `npm run test:faults` tries each many times. */
describe("A keeper survives", () => {
  let stage: Stage;

  before(async () => {
    stage = await openStage(await vaultScene());
  });
  after(() => stage.close());

  for (const scenario of SCENARIOS) {
    it(scenario.fault, async () => {
      const { duplicates, lost, line } = await survive(stage, scenario, 1);
      expect({ duplicates, lost }, line).to.deep.equal({ duplicates: 0, lost: 0 });
      expect(line, "a clear line").to.not.equal("");
    });
  }
});
