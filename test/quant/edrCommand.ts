import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { seededRandom } from "../../src/backtest/bootstrap.ts";
import { sessionsBetween } from "../../src/market/calendar.ts";

const BALLAST = fileURLToPath(new URL("../../scripts/ballast.mjs", import.meta.url));

function edr(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BALLAST, "edr", ...args], { encoding: "utf8" });
  return { code: status, stdout, stderr };
}

describe("ballast edr", function () {
  let data = "";
  before(function () {
    data = mkdtempSync(join(tmpdir(), "ballast-edr-"));
    const random = seededRandom(6);
    let close = 1_000;
    const sessions = sessionsBetween("2010-01-04", "2016-12-30");
    const file = (name: string, value: () => number): void => {
      const rows = sessions.map((session) => `${session},${value()}\n`);
      writeFileSync(join(data, `${name}.csv`), `date,close\n${rows.join("")}`);
    };
    file("spx", () => (close *= 1 + (random() - 0.495) * 0.03));
    file("vix", () => 15 + 5 * random());
    writeFileSync(join(data, "events.csv"), "date,event,time_et\n2016-12-30,nfp,08:30\n2017-01-18,cpi,08:30\n");
  });
  after(() => rmSync(data, { recursive: true }));

  it("answers every horizon and depth in JSON, and calibrates when asked", function () {
    const { code, stdout } = edr("--data", data, "--date", "2016-12-30", "--calibration", "--json");
    expect(code).to.equal(0);
    const answer = JSON.parse(stdout) as Record<string, unknown> & {
      cells: Record<string, unknown>[];
      calibration: Record<string, unknown>[];
    };
    expect(answer).to.include({ date: "2016-12-30" });
    expect(answer["nextEvent"]).to.deep.equal({ kind: "cpi", date: "2017-01-18", sessions: 11 });
    expect(answer["unknown"]).to.deep.equal([]);
    expect(answer["impliedFrom"]).to.deep.equal(["vix"]);
    expect(answer["ewmaVolatility"]).to.be.within(0.05, 0.3);
    expect(answer.cells.map((cell) => [cell["horizonSessions"], cell["depth"]])).to.deep.equal([
      [21, 0.05],
      [21, 0.1],
      [21, 0.2],
      [63, 0.05],
      [63, 0.1],
      [63, 0.2],
    ]);
    expect(answer.cells[3]).to.have.all.keys(
      "horizonSessions",
      "depth",
      "model",
      "implied",
      "bias",
      "severityBias",
      "percentile",
      "impliedVolatility",
    );
    expect(answer.calibration).to.have.length(6);
    expect(answer.calibration[0]).to.include({ horizonSessions: 21, depth: 0.05 });
  });

  it("says in words what is missing, and exits 0: Unknown is an answer", function () {
    const { code, stdout, stderr } = edr("--data", data, "--date", "2012-01-01");
    expect(code).to.equal(0);
    expect(stderr).to.contain("the session before it, 2011-12-30");
    expect(stdout).to.contain("EDR bias after 2011-12-30");
    expect(stdout).to.contain("Unknown. Model: ").and.to.contain("a simulation needs 1000");
  });
});
