import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Mark } from "../../src/keeper/attribution.ts";
import { AttributionBroken, runDemo } from "../../src/demo/run.ts";
import { ATTRIBUTION_PARTS, VAULTS } from "../../src/demo/result.ts";
import type { DemoResult } from "../../src/demo/result.ts";
import { VaultRun } from "../../src/demo/vaultRun.ts";
import { cutHistory, loadHistory } from "../../src/market/history.ts";
import { SYNTHETIC_CRASH, syntheticHistory } from "../../src/market/synthetic.ts";
import { readPacket } from "../../src/safe/packetFile.ts";
import { ballast, ballastProcess, bootstrapProcess } from "../helpers/ballast.ts";
import type { Finished } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { rejection } from "../helpers/safeScene.ts";

/** Four days with the crash in their middle. */
const FROM = "2030-03-12";
const TO = "2030-03-15";

describe("The demo", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-demo-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  describe("on four days of the synthetic scenario, as npm run demo starts it", () => {
    let finished: Finished;
    let result: DemoResult;
    before(async () => {
      // After an edit to a contract the first start compiles, and says so.
      await bootstrapProcess(["build", "--quiet"]);
      const args = ["ballast", "demo", "--from", FROM, "--to", TO, "--out", "out", "--json"];
      finished = await bootstrapProcess(args, { cwd: folder });
      result = JSON.parse(finished.stdout) as DemoResult;
    });

    it("exits 0 with nothing but JSON on standard output, and says that the data are made up", () => {
      expect(finished.code, finished.stderr).to.equal(0);
      expect(finished.stderr).to.match(/^SYNTHETIC DATA .+ 2030-03-12 to 2030-03-15\n/);
      expect(result.kind).to.equal("synthetic");
      expect(result.source).to.match(/^SYNTHETIC DATA/);
      expect(result.notes.join(" ")).to.contain("invented");
    });

    it("lives through every day, the crash among them", () => {
      expect(result.window).to.deep.equal({ from: FROM, to: TO });
      expect(result.rows.map(({ date }) => date)).to.deep.equal([
        "2030-03-12",
        "2030-03-13",
        SYNTHETIC_CRASH,
        "2030-03-15",
      ]);
      expect(result.days).to.equal(4);
      const { hedged, unhedged } = result.summary;
      expect(unhedged.maxDrawdown).to.be.above(0.1);
      expect(hedged.maxDrawdown).to.be.below(unhedged.maxDrawdown);
      expect(result.rows.at(-1)?.nav.hedged).to.equal(hedged.finalNav);
      for (const row of result.rows) {
        expect(row.regime, row.date).to.equal("Stress");
        for (const vault of VAULTS) expect(row.nav[vault], `${row.date} ${vault}`).to.be.above(0);
      }
    });

    it("executes only what the members verified, and counts it once", async () => {
      const { executions, executed, proposals, regimes, gas } = result;
      expect(executions).to.have.length(executed).and.to.have.length.above(2);
      expect(executed).to.be.at.most(proposals);
      expect(new Set(executions.map(({ vault }) => vault))).to.deep.equal(new Set(VAULTS));
      expect(new Set(executions.map(({ safeTxHash }) => safeTxHash)).size).to.equal(executed);
      for (const execution of executions) {
        expect(execution.verified, execution.safeTxHash).to.equal(true);
        expect(execution.checks).to.be.above(20);
        expect(execution.signers).to.have.length(2);
        const packet = await readPacket(join(folder, execution.packet));
        expect(packet.safeTxHash).to.equal(execution.safeTxHash);
        expect(packet.signatures.map(({ owner }) => owner)).to.have.members([...execution.signers]);
      }
      const hedged = executions.filter(({ vault }) => vault === "hedged").length;
      expect(regimes.Stress).to.deep.equal({ days: 4, executed: hedged, verified: hedged });
      expect(gas.total).to.equal(executions.reduce((sum, { gasUsed }) => sum + gasUsed, 0));
      expect(gas.rebalance.max).to.equal(Math.max(...executions.map(({ gasUsed }) => gasUsed)));
    });

    it("explains the change of NAV by parts that add up, to a hundredth of a percent", () => {
      expect(result.attribution.checkBps).to.be.within(0, 1);
      for (const vault of ["hedged", "unhedged"] as const) {
        const parts = result.attribution[vault];
        const sum = ATTRIBUTION_PARTS.reduce((total, part) => total + parts[part], 0);
        expect(sum, vault).to.be.closeTo(parts.total, 0.001);
        expect(parts.navChange, vault).to.be.closeTo(result.summary[vault].finalNav - 5_000_000, 0.001);
        expect(Math.abs(parts.total - parts.navChange) / 5_000_000, vault).to.be.below(0.0001);
      }
      expect(result.attribution.hedged.hedgePrice).to.be.above(0);
      expect(result.attribution.unhedged.hedgePrice).to.equal(0);
    });

    it("writes the report where it says", async () => {
      expect(result.report).to.equal(join("out", "report.html"));
      const page = await readFile(join(folder, result.report), "utf8");
      expect(page)
        .to.match(/^<!doctype html>/i)
        .and.to.contain("SYNTHETIC DATA");
      expect(page).to.contain(result.executions[0]!.safeTxHash.slice(0, 10));
    });

    it("gives the same again in another process: every number, every packet's bytes", async () => {
      const out = join(folder, "again");
      const history = cutHistory(syntheticHistory(1), FROM, TO);
      const again = await runDemo({ history, out, now: () => 0 });
      const moved = JSON.parse(JSON.stringify(again).replaceAll(out, "out")) as DemoResult;
      expect(moved).to.deep.equal({ ...result, report: "", seconds: 0 });
      for (const { packet } of result.executions) {
        const path = packet.replace(/^out/, out);
        expect(await readFile(path, "utf8"), packet).to.equal(await readFile(join(folder, packet), "utf8"));
      }
    });
  });

  it("fails when a part of the profit is not what it should be", async () => {
    const history = cutHistory(syntheticHistory(1), "2030-02-04", "2030-02-04");
    // Six hundred dollars of fees too many on five million: 1.2 basis points.
    const observe: (this: VaultRun) => Promise<Mark> = Reflect.get(VaultRun.prototype, "observeMarket");
    let planted = false;
    VaultRun.prototype.observeMarket = async function (this: VaultRun) {
      const mark = await observe.call(this);
      if (this.name === "unhedged" && this.executions.length > 0 && !planted) {
        planted = true;
        this.parts.lpFees += 600_000_000n;
      }
      return mark;
    };
    try {
      const broken = await rejection(runDemo({ history, out: join(folder, "broken"), now: () => 0 }));
      expect(planted).to.equal(true);
      expect(broken).to.be.instanceOf(AttributionBroken);
      expect(broken.message).to.match(/^the parts of unhedged's .+ by 1\.(19|20)\d* bps/);
    } finally {
      VaultRun.prototype.observeMarket = observe;
    }
  });

  it("replays real history: the crash of March 2020", async function () {
    if (dataMissing("the demo on real history")) return;
    const days: string[] = [];
    const history = await loadHistory(DATA_DIR, "2020-03-11", "2020-03-13");
    const progress = (done: number, of: number, line: string): void => void days.push(`${done}/${of} ${line}`);
    const result = await runDemo({ history, out: join(folder, "real"), now: () => 0, progress });
    expect(result.kind).to.equal("history");
    expect(days.map((day) => day.slice(0, 14))).to.deep.equal(["1/3 2020-03-11", "2/3 2020-03-12", "3/3 2020-03-13"]);
    expect(result.attribution.checkBps).to.be.within(0, 1);
    expect(result.executions.every(({ verified }) => verified)).to.equal(true);
    expect(result.summary.hedged.maxDrawdown).to.be.below(result.summary.unhedged.maxDrawdown);
    const low = result.rows.find(({ date }) => date === "2020-03-12");
    expect(low).to.include({ regime: "Stress", vix: 75.47 });
  });

  describe("on input it cannot use", () => {
    it("names what is wrong and exits 1, before anything is written", async () => {
      const data = await damagedData(folder);
      const cases: [name: string, says: string[], args: string[]][] = [
        ["DataFileError", [join(folder, "nowhere", "eth.csv")], ["--data", join(folder, "nowhere")]],
        ["DataFileError", ["eth.csv", "line 3", "column 'low'", "'abc' is not a number"], ["--data", data("low")]],
        ["DataFileError", ["vix.csv", "column 'close'", "missing"], ["--data", data("column")]],
        ["DataFileError", ["vix3m.csv", "line 3"], ["--data", data("ragged")]],
        ["DataFileError", ["funding_eth_8h.csv", "empty"], ["--data", data("empty")]],
        ["HistoryWindowError", ["2019-01-01", "eth.csv has"], ["--data", data("good"), "--from", "2019-01-01"]],
        ["HistoryWindowError", ["ends before"], ["--data", data("good"), "--from", "2020-04-01", "--to", "2020-03-01"]],
        ["CalendarDateError", ["2020-02-30"], ["--data", data("good"), "--from", "2020-02-30"]],
      ];
      const out = join(folder, "never");
      const inside = ["--from", "2020-03-02", "--to", "2020-03-02"];
      for (const [name, says, args] of cases) {
        const { code, stdout, stderr } = await ballast(["demo", ...inside, ...args, "--out", out]);
        expect(code, stderr).to.equal(1);
        expect(stdout, name).to.equal("");
        expect(stderr).to.match(new RegExp(`^${name}: `));
        for (const part of says) expect(stderr).to.contain(part);
      }
      expect(existsSync(out)).to.equal(false);
    });

    it("names a day outside the synthetic scenario", async () => {
      const { code, stderr } = await ballastProcess(["demo", "--from", "2020-03-01"], { cwd: folder });
      expect(code).to.equal(1);
      expect(stderr)
        .to.match(/^HistoryWindowError: /)
        .and.to.contain("2030-02-04 to 2030-04-30");
    });
  });
});

/** Small data folders, each whole but for one damage; answers their paths by the damage's name. */
async function damagedData(folder: string): Promise<(damage: string) => string> {
  const whole: Record<string, string> = {
    "eth.csv": "date,open,high,low,close\n2020-03-01,200,210,190,205\n2020-03-02,205,215,195,210\n",
    "vix.csv": "date,close\n2020-02-28,40.11\n2020-03-02,33.42\n",
    "vix3m.csv": "date,close\n2020-02-28,33.1\n2020-03-02,29.5\n",
    "funding_eth_8h.csv": "time,rate\n2020-03-01T00:00:00Z,0.0001\n",
  };
  const damages: Record<string, Record<string, string>> = {
    good: {},
    low: { "eth.csv": whole["eth.csv"]!.replace("195", "abc") },
    column: { "vix.csv": whole["vix.csv"]!.replace("close", "last") },
    ragged: { "vix3m.csv": whole["vix3m.csv"]!.replace("29.5", "29.5,30") },
    empty: { "funding_eth_8h.csv": "" },
  };
  for (const [damage, files] of Object.entries(damages)) {
    await mkdir(join(folder, damage));
    for (const [name, text] of Object.entries({ ...whole, ...files })) {
      await writeFile(join(folder, damage, name), text);
    }
  }
  return (damage) => join(folder, damage);
}
