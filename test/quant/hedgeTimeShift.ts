import { expect } from "chai";
import fc from "fast-check";
import { eventWindow, shiftedSession, shiftRoll, shortVolatilityScale } from "../../src/hedge/timeShift.ts";
import { AsOfView } from "../../src/market/asOf.ts";
import { dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { buildDataset, decisionTime } from "../../src/market/dataset.ts";
import type { MarketEvent } from "../../src/market/series.ts";

const event = (date: string, kind = "cpi"): MarketEvent => ({ day: dayNumber(date), kind, knownFrom: -Infinity });

describe("Time-shifting around events", () => {
  // 2023-06-13 (Tuesday) is a CPI date, 2023-06-14 (Wednesday) a PPI and an FOMC date; Monday 2023-06-19 is a holiday.
  const june = [event("2023-06-13"), event("2023-06-14", "ppi"), event("2023-06-14", "fomc_decision")];

  it("moves a roll due on the event or up to three sessions after it to the session before it", () => {
    const cpi = [event("2023-06-13")];
    expect(shiftedSession("2023-06-12", cpi)).to.equal("2023-06-12");
    for (const due of ["2023-06-13", "2023-06-14", "2023-06-15", "2023-06-16"]) {
      expect(shiftedSession(due, cpi)).to.equal("2023-06-12");
    }
    expect(shiftedSession("2023-06-20", cpi)).to.equal("2023-06-20");
  });

  it("counts sessions, not days, and goes on from window to window", () => {
    expect(shiftedSession("2023-06-20", june)).to.equal("2023-06-12"); // Monday the 19th is no session
    expect(shiftedSession("2023-06-21", june)).to.equal("2023-06-21");
    // An event on a Saturday meets Monday's session.
    expect(shiftedSession("2023-06-12", [event("2023-06-10")])).to.equal("2023-06-09");
  });

  it("leaves other events alone", () => {
    expect(shiftedSession("2023-06-13", [event("2023-06-13", "nfp")])).to.equal("2023-06-13");
  });

  it("never lands in a window, never after the due date, and moves nothing outside one", () => {
    const sessions = sessionsBetween("2022-01-03", "2023-12-29");
    const days = fc.array(fc.integer({ min: dayNumber("2022-02-01"), max: dayNumber("2023-12-29") }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(days, fc.integer({ min: 60, max: sessions.length - 1 }), (eventDays, i) => {
        const events = eventDays.map((day) => ({ day, kind: "ppi", knownFrom: -Infinity }));
        const due = sessions[i]!;
        const shifted = shiftedSession(due, events);
        expect(shifted <= due).to.equal(true);
        expect(eventWindow(shifted, events)).to.equal(null);
        expect(shifted === due).to.equal(eventWindow(due, events) === null);
      }),
      { numRuns: 1_000, seed: 1 },
    );
  });

  it("halves new short volatility in a window, and knows only what could be known", () => {
    const dataset = buildDataset({
      "events.csv":
        "date,event,time_et\n2020-03-03,fomc_intermeeting,10:00\n2020-03-11,cpi,08:30\n2020-03-18,fomc_decision,14:00\n",
    });
    const view = new AsOfView(dataset, decisionTime("2020-03-02"));
    expect(shortVolatilityScale(view, "2020-03-10")).to.equal(1);
    expect(shortVolatilityScale(view, "2020-03-16")).to.equal(0.5);
    expect(shortVolatilityScale(view, "2020-03-17")).to.equal(1);
    expect(shiftRoll(view, "2020-03-19")).to.equal("2020-03-17");
    // The meeting between meetings is no FOMC date of the calendar, before it or after.
    expect(shiftRoll(view, "2020-03-04")).to.equal("2020-03-04");
  });
});
