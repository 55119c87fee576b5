import { expect } from "chai";
import { HistoryWindowError, SEED_SESSIONS, cutHistory } from "../../src/market/history.ts";
import { syntheticHistory } from "../../src/market/synthetic.ts";

describe("cutHistory", () => {
  const whole = syntheticHistory(1);

  it("keeps the days asked for, and seeds with the 250 sessions right before them", () => {
    const cut = cutHistory(whole, "2030-03-12", "2030-03-16");
    expect(cut.days.map(({ date }) => date)).to.deep.equal([
      "2030-03-12",
      "2030-03-13",
      "2030-03-14",
      "2030-03-15",
      "2030-03-16",
    ]);
    expect(cut.days).to.deep.equal(whole.days.filter(({ date }) => date >= cut.from && date <= cut.to));
    expect(cut).to.include({ kind: "synthetic", label: whole.label, from: "2030-03-12", to: "2030-03-16" });

    const sessions = [
      ...whole.seedSessions,
      ...whole.days.flatMap(({ date, session }) => (session === null ? [] : [{ date, ...session }])),
    ];
    const end = sessions.findIndex(({ date }) => date === "2030-03-12");
    expect(cut.seedSessions).to.deep.equal(sessions.slice(end - SEED_SESSIONS, end));
  });

  it("changes nothing when the whole window is asked for", () => {
    expect(cutHistory(whole, whole.from, whole.to)).to.deep.equal(whole);
  });

  for (const [from, to, says] of [
    ["2030-03-16", "2030-03-12", "ends before it begins"],
    ["2020-03-12", "2030-03-12", "2030-02-04 to 2030-04-30"],
    ["2030-03-12", "2030-05-01", "2030-02-04 to 2030-04-30"],
  ] as const) {
    it(`refuses ${from} to ${to}`, () => {
      expect(() => cutHistory(whole, from, to)).to.throw(HistoryWindowError, says);
    });
  }
});
