import { expect } from "chai";
import { addDays, isSession, sessionsBetween } from "../../src/market/calendar.ts";
import { DataFileError } from "../../src/market/csv.ts";
import { HistoryWindowError, SEED_SESSIONS, buildHistory, loadHistory } from "../../src/market/history.ts";
import type { History, HistoryFiles } from "../../src/market/history.ts";
import { SYNTHETIC_CRASH, SYNTHETIC_FROM, syntheticHistory } from "../../src/market/synthetic.ts";
import { fromFeedUnits, toFeedUnits } from "../../src/market/units.ts";
import { ewmaVolatility } from "../../src/market/volatility.ts";
import { Regime, run, startState } from "../../src/regime/ruleMachine.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

function levels(history: History): number[] {
  const closes = [...history.seedSessions, ...history.days.flatMap((day) => day.session ?? [])].map((close) => ({
    vix: toFeedUnits(close.vix),
    vix3m: toFeedUnits(close.vix3m),
    lifted: false,
  }));
  return run(startState(closes[0]!), closes)
    .slice(SEED_SESSIONS)
    .map((state) => state.level);
}

/** Files whose windows can be 2026-06-01 to 2026-06-10: made-up values on the calendar's dates. */
function files(change: (rows: Record<keyof HistoryFiles, string[]>) => void = () => {}): HistoryFiles {
  const days: string[] = [];
  for (let date = "2025-01-01"; date <= "2026-06-10"; date = addDays(date, 1)) days.push(date);
  const sessions = sessionsBetween("2025-01-01", "2026-06-10");
  const rows = {
    eth: ["date,open,high,low,close,volume", ...days.map((date) => `${date},100,110,95,101,1`)],
    vix: ["date,open,high,low,close", ...sessions.map((date) => `${date},14,15,13,14.5`)],
    vix3m: ["date,close", ...sessions.map((date) => `${date},16.25`)],
    fundingEth: [
      "time,rate",
      ...days.flatMap((date) => ["00", "08", "16"].map((hour) => `${date}T${hour}:00:00Z,0.0001`)),
    ],
  };
  change(rows);
  return {
    eth: rows.eth.join("\n"),
    vix: rows.vix.join("\n"),
    vix3m: rows.vix3m.join("\n"),
    fundingEth: rows.fundingEth.join("\n"),
  };
}

const WINDOW = ["2026-06-01", "2026-06-10"] as const;

describe("history", () => {
  it("has every day, its session and 250 sessions before", () => {
    const history = buildHistory(files(), ...WINDOW);
    expect(history.days.map((day) => day.date)).to.have.length(10);
    expect(history.days[5]).to.deep.include({ date: "2026-06-06", session: null });
    expect(history.days[0]!.session).to.deep.equal({ vix: 14.5, vix3m: 16.25 });
    expect(history.days[0]!.eth).to.deep.equal({ open: 100, high: 110, low: 95, close: 101 });
    expect(history.days[0]!.fundingRate).to.be.closeTo(0.0003, 1e-15);
    expect(history.days[0]!.ethVolatility).to.equal(0);
    expect(history.seedSessions).to.have.length(250);
    expect(history.seedSessions.at(-1)!.date).to.equal("2026-05-29");
    expect(history).to.include({ kind: "history", fundingKnown: true });
    expect(history.notes).to.deep.equal([]);
  });

  it("drops closes on days without a session, and says so", () => {
    const history = buildHistory(
      files((rows) => rows.vix.splice(rows.vix.indexOf("2026-05-26,14,15,13,14.5"), 0, "2026-05-25,90,90,90,90")),
      ...WINDOW,
    );
    expect(history.seedSessions.some((session) => session.date === "2026-05-25")).to.equal(false);
    expect(history.notes).to.deep.equal(["VIX rows on days without a session were dropped: 2026-05-25."]);
  });

  it("runs days before the first funding rate at zero, and says so", () => {
    const history = buildHistory(
      files((rows) => rows.fundingEth.splice(1, rows.fundingEth.indexOf("2026-06-03T00:00:00Z,0.0001"))),
      ...WINDOW,
    );
    expect(history.fundingKnown).to.equal(false);
    expect(history.days.map((day) => day.fundingRate > 0)).to.deep.equal([
      ...[false, false, false, true, true, true, true, true, true, true],
    ]);
    expect(history.notes[0]).to.contain("2026-06-01 to 2026-06-03");
  });

  const broken: [string, keyof HistoryFiles, string, string | null, number | null, string][] = [
    ["a session without VIX", "vix", "2026-06-02,14,15,13,14.5", null, 355, "2026-06-02 has no close"],
    ["a session without VIX3M", "vix3m", "2025-09-02,16.25", null, 167, "2025-09-02 has no close"],
    ["a VIX of zero", "vix", "2026-06-02,14,15,13,14.5", "2026-06-02,14,15,13,0", 355, "0 is no index level"],
    ["a missing day of ether", "eth", "2026-06-06,100,110,95,101,1", null, 523, "2026-06-06 is missing"],
    ["a low above the close", "eth", "2026-06-06,100,110,95,101,1", "2026-06-06,100,110,102,101,1", 523, "breaks"],
    ["a missing settlement", "fundingEth", "2026-06-06T08:00:00Z,0.0001", null, 1566, "2 settlements, not 3"],
  ];
  for (const [what, file, row, replacement, line, problem] of broken) {
    it(`refuses ${what}, by file and line`, () => {
      const bad = files((rows) => {
        expect(rows[file]).to.include(row);
        rows[file].splice(rows[file].indexOf(row), 1, ...(replacement === null ? [] : [replacement]));
      });
      let caught: unknown;
      try {
        buildHistory(bad, ...WINDOW);
      } catch (error) {
        caught = error;
      }
      expect(caught).to.be.instanceOf(DataFileError);
      expect((caught as DataFileError).message).to.contain(problem);
      expect((caught as DataFileError).line).to.equal(line);
    });
  }

  it("refuses a window it does not cover", () => {
    const refused = (from: string, to: string, problem: string): void => {
      expect(() => buildHistory(files(), from, to)).to.throw(HistoryWindowError, problem);
    };
    refused("2026-06-10", "2026-06-01", "ends before it begins");
    refused("2026-06-01", "2026-06-11", "eth.csv has 2025-01-01 to 2026-06-10");
    refused("2024-12-31", "2025-06-01", "eth.csv has 2025-01-01 to 2026-06-10");
    refused("2025-04-11", "2025-06-01", "volatility needs 101 days");
    expect(() => buildHistory(files(), "2025-06-02", "2025-06-03")).to.throw(DataFileError, "has no close");
  });

  it("says which file is missing", async () => {
    let caught: unknown;
    await loadHistory("no-such-folder", ...WINDOW).catch((error: unknown) => (caught = error));
    expect(caught).to.be.instanceOf(DataFileError);
    expect((caught as DataFileError).message).to.contain("no-such-folder");
  });

  it("replays the spring of 2020", async () => {
    if (dataMissing("the spring of 2020")) return;
    const history = await loadHistory(DATA_DIR, "2020-02-03", "2020-04-30");
    expect(history.days).to.have.length(88);
    expect(history.days.filter((day) => day.session !== null)).to.have.length(62);
    expect(history.fundingKnown).to.equal(true);
    expect(new Set(levels(history))).to.deep.equal(new Set([Regime.Elevated, Regime.Stress]));
  });

  it("replays a window that begins before funding is known", async () => {
    if (dataMissing("a window from 2019 to 2020")) return;
    const history = await loadHistory(DATA_DIR, "2019-11-01", "2020-03-31");
    expect(history.fundingKnown).to.equal(false);
    expect(history.days.find((day) => day.date === "2019-12-31")!.fundingRate).to.equal(0);
    expect(history.days.find((day) => day.date === "2020-01-01")!.fundingRate).not.to.equal(0);
  });
});

describe("synthetic history", () => {
  it("is the same, byte by byte, for the same seed", () => {
    expect(JSON.stringify(syntheticHistory(7))).to.equal(JSON.stringify(syntheticHistory(7)));
    expect(JSON.stringify(syntheticHistory(7))).not.to.equal(JSON.stringify(syntheticHistory(8)));
  });

  it("says what it is", () => {
    expect(syntheticHistory(1).kind).to.equal("synthetic");
    expect(syntheticHistory(1).label).to.contain("SYNTHETIC");
  });

  it("tells the same story for every seed", () => {
    for (let seed = 0; seed < 200; seed++) {
      const history = syntheticHistory(seed);
      const path = levels(history);
      expect(path[0], "calm to begin with").to.equal(Regime.Calm);
      expect(path.slice(0, 14).every((level) => level === Regime.Calm)).to.equal(true);
      expect(path.at(-1), "down from stress before the end").to.equal(Regime.Elevated);
      expect(path.indexOf(Regime.Elevated)).to.be.lessThan(path.indexOf(Regime.Stress));

      const peak = Math.max(...history.days.flatMap((day) => day.session?.vix ?? []));
      expect(peak).to.be.within(75, 85);
      const crash = history.days.find((day) => day.date === SYNTHETIC_CRASH)!;
      expect(crash.eth.close / crash.eth.open).to.be.closeTo(0.55, 0.001);
      expect(crash.session!.vix).to.be.greaterThan(crash.session!.vix3m);

      expect(history.seedSessions).to.have.length(250);
      for (const [i, day] of history.days.entries()) {
        expect(day.date).to.equal(addDays(SYNTHETIC_FROM, i));
        expect(day.session !== null).to.equal(isSession(day.date));
        expect(day.eth.low).to.be.within(1, Math.min(day.eth.open, day.eth.close));
        expect(day.eth.high).to.be.at.least(Math.max(day.eth.open, day.eth.close));
        expect(day.ethVolatility).to.be.within(0.01, 0.25);
        if (i > 0) expect(day.eth.open).to.equal(history.days[i - 1]!.eth.close);
      }
    }
  });
});

describe("volatility", () => {
  it("uses only closes up to the day before", () => {
    const closes = Array.from({ length: 120 }, (_, i) => 100 * (i % 2 === 0 ? 1 : 1.1));
    const volatility = ewmaVolatility(closes);
    expect(volatility[100]).to.equal(null);
    expect(volatility[101]).to.be.closeTo(Math.log(1.1), 1e-12);
    expect(ewmaVolatility([...closes.slice(0, 119), 1])[119]).to.equal(volatility[119]);
  });

  it("weighs yesterday's squared return by 0.06", () => {
    const flat = Array<number>(110).fill(100);
    const jump = ewmaVolatility([...flat, 110, 110]);
    expect(jump.at(-1)).to.be.closeTo(Math.sqrt(0.06) * Math.log(1.1), 1e-12);
  });
});

describe("feed units", () => {
  it("go there and back at eight decimals", () => {
    expect(toFeedUnits(82.69)).to.equal(8_269_000_000n);
    expect(toFeedUnits(16.129999160766602)).to.equal(1_612_999_916n);
    expect(fromFeedUnits(8_269_000_000n)).to.equal(82.69);
    expect(() => toFeedUnits(1e9)).to.throw("does not fit");
    expect(() => toFeedUnits(Number.NaN)).to.throw("does not fit");
  });
});
