import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { addDays, sessionsBetween } from "../../src/market/calendar.ts";
import { ballast } from "../helpers/ballast.ts";
import { lehmer } from "../helpers/lehmer.ts";

describe("ballast hedge", () => {
  let dir = "";
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "ballast-hedge-"));
    const random = lehmer(4);
    let [spx, eth, reit, gdp] = [3_000, 200, 90, 20_000];
    const file = (name: string, lines: string[]): void => writeFileSync(join(dir, name), [...lines, ""].join("\n"));
    const sessions = sessionsBetween("2018-01-02", "2020-12-31");
    const moves = new Map(sessions.map((date) => [date, 0.02 * (random() - 0.5)]));
    const closes = (next: (move: number) => number): string[] => [
      "date,close",
      ...sessions.map((date) => `${date},${next(moves.get(date)!)}`),
    ];
    file(
      "spx.csv",
      closes((move) => (spx *= 1 + move)),
    );
    file(
      "reit_vnq.csv",
      closes((move) => (reit *= 1 + 0.9 * move + 0.01 * (random() - 0.5))),
    );
    file("vix.csv", ["date,open,high,low,close", ...sessions.map((date) => [date, 20, 20, 20, 20].join(","))]);
    const days = Array.from({ length: 1_095 }, (_, i) => addDays("2018-01-02", i));
    file("eth.csv", [
      "date,open,high,low,close,volume",
      ...days.map((date) => {
        eth *= 1 + 1.5 * (moves.get(date) ?? 0) + 0.06 * (random() - 0.5);
        return [date, eth, eth * 1.02, eth * 0.98, eth, 1].join(",");
      }),
    ]);
    file("events.csv", ["date,event,time_et", "2020-12-16,fomc_decision,14:00"]);
    // Growth falls from quarter to quarter.
    file("gdp_real.csv", [
      "date,value",
      ...Array.from({ length: 12 }, (_, i) => {
        gdp *= 1.02 - 0.002 * i;
        return `${2018 + Math.floor(i / 4)}-${["01", "04", "07", "10"][i % 4]!}-01,${gdp}`;
      }),
    ]);
  });
  after(() => rmSync(dir, { recursive: true }));

  it("lp: answers amounts, delta, gamma, loss-versus-rebalancing and break-evens", async () => {
    const args = ["hedge", "lp", "--price", "2000", "--lower", "0", "--upper", "Infinity", "--liquidity", "1000"];
    const { code, stdout } = await ballast([...args, "--volatility", "0.8", "--json"]);
    expect(code).to.equal(0);
    const answer = JSON.parse(stdout) as Record<string, number> & Record<string, Record<string, number | null>>;
    expect(answer["amounts"]!["base"]).to.equal(1_000 * (1 / Math.sqrt(2_000)));
    expect(answer["amounts"]!["asset"]).to.equal(1_000 * Math.sqrt(2_000));
    expect(answer["delta"]).to.equal(answer["amounts"]!["base"]);
    expect(answer["gamma"]).to.equal(-1_000 / (2 * 2_000 * Math.sqrt(2_000)));
    expect(Math.abs(Number(answer["lvrShareOfValue"]) - 0.08) < 1e-15).to.equal(true);
    expect(answer["breakEven"]).to.have.keys("feeToLvr", "feeYield", "volatility", "days", "price");
    expect(answer["upper"]).to.equal(null); // JSON has no infinity
  });

  it("lp: tells people, and refuses what no position can be", async () => {
    const range = ["hedge", "lp", "--lower", "1600", "--upper", "2500", "--liquidity", "1000", "--price"];
    const { stdout } = await ballast([...range, "2000", "--entry", "2200"]);
    expect(stdout)
      .to.contain("2.36068 base and 4,721.36 asset")
      .and.to.match(/impermanent loss +-\d/);
    expect(await ballast([...range, "-1"])).to.include({ code: 2, stdout: "" });
    expect((await ballast([...range, "two"])).stderr).to.contain("--price is 'two'");
  });

  it("beta: estimates, shrinks, and sizes the cross hedge", async () => {
    const { code, stdout } = await ballast(["hedge", "beta", "--data", dir, "--exposure", "1000", "--json"]);
    expect(code).to.equal(0);
    const answer = JSON.parse(stdout) as {
      rolling: { beta: number; standardError: number };
      byRegime: Record<string, unknown>;
      crossHedge: { notional: number; low: number; high: number };
    };
    expect(answer.rolling.beta).to.be.within(
      1.5 - 4 * answer.rolling.standardError,
      1.5 + 4 * answer.rolling.standardError,
    );
    expect(Object.keys(answer.byRegime)).to.contain("Elevated");
    expect(answer.crossHedge.notional).to.be.within(answer.crossHedge.low, answer.crossHedge.high);
    const early = await ballast(["hedge", "beta", "--data", dir, "--date", "2018-06-01"]);
    expect(early.stdout).to.contain("is Unknown on 2018-06-01");
    const missing = await ballast(["hedge", "beta", "--data", dir, "--asset", "btc"]);
    expect(missing.code).to.equal(1);
    expect(missing.stderr).to.contain("SeriesMissingError: there is no series 'btc'");
  });

  it("margin: puts liquidation beyond the worst rise", async () => {
    const { stdout } = await ballast(["hedge", "margin", "--data", dir, "--notional", "1000", "--json"]);
    const { worstRise, liquidationRise, margin } = JSON.parse(stdout) as Record<string, number>;
    expect(liquidationRise).to.equal(1.5 * worstRise!);
    expect(margin).to.be.greaterThan(1_000 * liquidationRise!);
    expect((await ballast(["hedge", "margin", "--data", dir, "--maintenance", "1"])).code).to.equal(2);
  });

  it("reit: is on while GDP slows, and unknown without GDP in time", async () => {
    const on = JSON.parse((await ballast(["hedge", "reit", "--data", dir, "--json"])).stdout) as Record<
      string,
      unknown
    >;
    expect(on["state"]).to.equal("on");
    expect(on["share"]).to.equal(Math.min(0.1, 0.02 / Number(on["volatility"])));
    const early = await ballast(["hedge", "reit", "--data", dir, "--date", "2018-12-31"]);
    expect(early.stdout).to.contain("unknown on 2018-12-31").and.to.contain("0.00 %");
  });

  it("roll: moves ahead of an event, and says which", async () => {
    const { stdout } = await ballast([
      "hedge",
      "roll",
      "--data",
      dir,
      "--due",
      "2020-12-17",
      "--date",
      "2020-12-01",
      "--json",
    ]);
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    expect(answer).to.deep.include({ due: "2020-12-17", session: "2020-12-15", shortVolatilityScale: 0.5 });
    expect(answer["event"]).to.deep.equal({ kind: "fomc_decision", date: "2020-12-16" });
    const calm = await ballast(["hedge", "roll", "--data", dir, "--due", "2020-12-22", "--date", "2020-12-01"]);
    expect(calm.stdout).to.contain("stays on 2020-12-22");
    expect((await ballast(["hedge", "roll", "--data", dir, "--due", "2020-12-25"])).code).to.equal(2);
  });

  it("roll: is Unknown where the calendar of events does not reach", async () => {
    const { code, stdout } = await ballast(["hedge", "roll", "--data", dir, "--due", "2021-03-12", "--json"]);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ session: "2021-03-12", event: null, calendarKnown: false });
    const { stdout: text } = await ballast(["hedge", "roll", "--data", dir, "--due", "2021-03-12"]);
    expect(text).to.match(/^Unknown: events\.csv has no FOMC, CPI or PPI date/);
  });

  it("names a date before the calendar, or before the data, as wrong usage", async () => {
    const beta = await ballast(["hedge", "beta", "--data", dir, "--date", "1989-06-03"]);
    expect(beta.code).to.equal(2);
    expect(beta.stderr).to.contain("UsageError: --date 1989-06-03: there is no session by then");
    const margin = await ballast(["hedge", "margin", "--data", dir, "--date", "2017-06-01"]);
    expect(margin.code).to.equal(2);
    expect(margin.stderr).to.contain("eth.csv has no three-day rise by 2017-06-01");
  });

  it("conversions: finds the one quote that pays, and names a bad one", async () => {
    const header =
      "name,underlying,underlying_bid,underlying_ask,strike,days,call_bid,call_ask,put_bid,put_ask,rate,carry_yield,borrow_cost";
    const file = join(dir, "quotes.csv");
    writeFileSync(
      file,
      `${header}\nfair,spot,100,100.1,100,30,3,3.2,2.9,3.1,0,0,0\ndear,spot,100,100.1,100,30,5,5.2,2.9,3.1,0,0,0\n`,
    );
    const { stdout } = await ballast(["hedge", "conversions", "--in", file, "--json"]);
    const answer = JSON.parse(stdout) as { quotes: number; opportunities: { name: string; kind: string }[] };
    expect(answer.quotes).to.equal(2);
    expect(answer.opportunities.map(({ name, kind }) => [name, kind])).to.deep.equal([["dear", "conversion"]]);
    writeFileSync(file, `${header}\nodd,swap,100,100.1,100,30,3,3.2,2.9,3.1,0,0,0\n`);
    expect((await ballast(["hedge", "conversions", "--in", file])).stderr).to.contain(
      "line 2, column 'underlying': 'swap'",
    );
  });

  it("xirr: sets a programme against the hurdle, or says that it has no rate", async () => {
    const file = join(dir, "flows.csv");
    const clears = async (wacc: string): Promise<unknown> =>
      (
        JSON.parse((await ballast(["hedge", "xirr", "--in", file, "--wacc", wacc, "--json"])).stdout) as {
          clears: unknown;
        }
      ).clears;
    writeFileSync(file, "date,amount\n2022-01-01,-100\n2023-01-01,108\n");
    expect([await clears("0.05"), await clears("0.1")]).to.deep.equal([true, false]);
    writeFileSync(file, "date,amount\n2022-01-01,-100\n");
    expect(await clears("0.1")).to.equal(null);
    expect((await ballast(["hedge", "xirr", "--in", file])).stdout).to.contain("no internal rate of return");
  });
});
