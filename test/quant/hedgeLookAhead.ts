import { expect } from "chai";
import { createBeta } from "../../src/hedge/beta.ts";
import { createWorstRise } from "../../src/hedge/margin.ts";
import { createReitLayer } from "../../src/hedge/reitLayer.ts";
import { shiftRoll, shortVolatilityScale } from "../../src/hedge/timeShift.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { sessionsBetween } from "../../src/market/calendar.ts";
import { decisionTime } from "../../src/market/dataset.ts";
import { readDataset } from "../../src/market/files.ts";
import type { Dataset } from "../../src/market/series.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { lehmer } from "../helpers/lehmer.ts";
import { mutateAfter, mutateBefore } from "../helpers/mutateDataset.ts";

const TIMES = 10;

describe("Hedge sizing knows nothing of the future", () => {
  it(`is the same at ${TIMES} sessions whatever comes after, and not whatever came before`, async function () {
    if (dataMissing("look-ahead of beta, margin, REIT layer and time-shifting")) return;
    const dataset = await readDataset(DATA_DIR);
    const random = lehmer(13);
    const sessions = sessionsBetween("2018-09-04", "2023-12-29");
    for (let i = 0; i < TIMES; i++) {
      const session = sessions[Math.floor(random() * sessions.length)]!;
      const now = decisionTime(session);
      const said = readings(dataset, session);
      expect(readings(mutateAfter(dataset, now, random), session)).to.equal(said);
      expect(readings(mutateBefore(dataset, now, random), session)).not.to.equal(said);
    }
  });
});

function readings(dataset: Dataset, session: string): string {
  const view = new AsOfView(dataset, decisionTime(session));
  return JSON.stringify([
    createBeta("eth", "spx")(view, session),
    createWorstRise({ close: "eth", high: "ethHigh" })(view),
    createReitLayer()(view, session),
    shiftRoll(view, session),
    shortVolatilityScale(view, session),
  ]);
}
