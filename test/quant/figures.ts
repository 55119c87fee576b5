import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { FIGURES, liftOf, liftText, originText } from "../../app/src/model/figures.ts";
import { chainMarket } from "../../app/src/model/chainMarket.ts";
import { ELEVATED_ROW, FiguresUnreadable, parseFigures, whyStale } from "../../src/backtest/figures.ts";
import type { LiftFigure } from "../../src/backtest/figures.ts";
import { dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { MODEL_HASH } from "../../src/plan/ruleset.ts";
import { SIGNALS } from "../../src/signals/catalogue.ts";
import { EDR_CELLS } from "../../src/signals/edr.ts";
import { impliedDrawdown } from "../../src/signals/edrImplied.ts";
import { calendarDaysOf, interpolatedVolatility } from "../../src/signals/edrVolatility.ts";
import { ballast } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

const PUBLISHED = new URL("../../src/backtest/figures.json", import.meta.url);

describe("The published figures", () => {
  it("are of the regime model and the signals in force, with a row for each", () => {
    expect(FIGURES.model.hash).to.equal(MODEL_HASH);
    expect(whyStale(FIGURES)).to.equal(null);
    expect(FIGURES.lift.rows.map(({ id }) => id)).to.deep.equal([ELEVATED_ROW, ...SIGNALS.map(({ id }) => id)]);
    expect(FIGURES.edr.cells.map(({ horizonSessions, depth }) => ({ horizonSessions, depth }))).to.deep.equal(
      EDR_CELLS,
    );
    for (const { lift, interval, entries, hits, onsets } of FIGURES.lift.rows) {
      expect(hits).to.be.at.most(entries);
      if (interval !== null) expect(Math.min(entries, onsets)).to.be.at.least(10);
      if (interval !== null && lift !== null) expect(lift).to.be.within(interval.low, interval.high);
    }
  });

  it("come out of the data again, to the byte", async function () {
    if (dataMissing("the published figures")) return;
    this.timeout(60_000);
    const folder = await mkdtemp(join(tmpdir(), "ballast-figures-"));
    try {
      const file = join(folder, "figures.json");
      const { code } = await ballast(["signals", "--data", DATA_DIR, "--date", FIGURES.data.to, "--figures", file]);
      expect(code).to.equal(0);
      // The day it was made on is the one thing that another day makes differently.
      const again = (await readFile(file, "utf8")).replace(/"on": "[0-9-]+"/, `"on": "${FIGURES.produced.on}"`);
      expect(again).to.equal(await readFile(PUBLISHED, "utf8"));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("are withheld when the model or the signals have changed since", () => {
    const otherModel = { ...FIGURES, model: { ...FIGURES.model, hash: `0x${"00".repeat(32)}` } };
    const otherSignals = { ...FIGURES, signals: `0x${"00".repeat(32)}` };
    expect(liftOf("vix-above-20", otherModel)).to.deep.equal({
      text: "measured with another regime model than the one in force",
      verdict: "",
    });
    expect(liftOf("vix-above-20", otherSignals).text).to.match(/^measured with other definitions/);
    expect(liftOf("vix-above-20").text).to.match(/^\d\.\d\d \[\d\.\d\d, \d\.\d\d\]$/);
    expect(liftOf("no-such-signal").text).to.equal("not measured");
  });

  it("say of each lift whether there is one", () => {
    const row: LiftFigure = { id: "a", entries: 40, hits: 9, onsets: 12, lift: 2, interval: null, weight: 0 };
    const verdict = (change: Partial<LiftFigure>): string => liftText({ ...row, ...change }).verdict;
    expect(verdict({ interval: { low: 1.01, high: 3 } })).to.match(
      /^likelier than on any quiet day; 40 entries, 12 onsets$/,
    );
    expect(verdict({ interval: { low: 1, high: 3 } })).to.match(/^no lift shown;/);
    expect(verdict({ interval: { low: 0.2, high: 0.9 } })).to.match(/^less likely/);
    expect(verdict({})).to.match(/^too few to say:/);
    expect(liftText({ ...row, lift: null }).text).to.equal("not known");
  });

  it("name where they come from, and files that are none are refused", () => {
    expect(originText()).to.include(FIGURES.produced.by).and.include("29 Dec 2023").and.include("30 Dec 2022");
    expect(() => parseFigures({ ...FIGURES, format: "other" })).to.throw(FiguresUnreadable, "format");
    expect(() => parseFigures({ ...FIGURES, edr: null })).to.throw(FiguresUnreadable, "edr");
  });
});

describe("The market as the chain tells it", () => {
  const days = sessionsBetween("2028-01-03", "2029-06-29").map(dayNumber);
  const sessions = days.map((day, i): [number, string, string, boolean] => [
    day,
    String(Math.round((18 + 6 * Math.sin(i / 9)) * 1e8)),
    String(20 * 1e8),
    false,
  ]);

  it("gives the signals whose inputs are on chain, by the signals' own code", () => {
    const market = chainMarket(sessions) ?? expect.fail("closes are there");
    expect(market.session).to.equal("2029-06-29");
    const last = Number(sessions.at(-1)![1]) / 1e8;
    const value = (id: string) => market.signals.find((signal) => signal.id === id)?.value;
    expect(value("vix-above-20")).to.equal(last);
    expect(value("vix-term-structure")).to.be.closeTo(last / 20, 1e-12);
    expect(value("vix-rsi")).to.be.within(0, 100);
    for (const { inputs } of market.signals) expect(["vix", "vix3m"]).to.include.members([...inputs]);
    expect(chainMarket([])).to.equal(null);
  });

  it("gives the option side of EDR bias and says what the other side lacks", () => {
    const { edr } = chainMarket(sessions) ?? expect.fail("closes are there");
    expect(edr.impliedFrom).to.deep.equal(["vix", "vix3m"]);
    expect(edr.unknown).to.deep.equal(["Model: no S&P 500 closes (spx.csv)."]);
    const nodes = [
      { calendarDays: 30, volatility: Number(sessions.at(-1)![1]) / 1e10 },
      { calendarDays: 93, volatility: 0.2 },
    ];
    for (const { horizonSessions, depth, implied, model, bias } of edr.cells) {
      const volatility = interpolatedVolatility(nodes, calendarDaysOf(horizonSessions))!;
      expect(implied).to.deep.equal(impliedDrawdown(depth, volatility, horizonSessions / 252));
      expect([model, bias]).to.deep.equal([null, null]);
    }
  });
});
