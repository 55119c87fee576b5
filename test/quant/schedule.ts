import { execFileSync } from "node:child_process";
import { expect } from "chai";
import { CronExpressionParser } from "cron-parser";
import fc from "fast-check";
import { ScheduleUnusable, nextSlot, slotOf, slotsDue } from "../../src/keeper/schedule.ts";

const DAILY = "5 0 * * *";
const MINUTE_MS = 60_000;
const time = (text: string): Date => new Date(text);

describe("Schedule", () => {
  it("names the minute a time is in", () => {
    expect(slotOf(time("2026-11-27T00:05:00.000Z"))).to.equal("2026-11-27T00:05Z");
    expect(slotOf(time("2026-11-27T00:05:59.999Z"))).to.equal("2026-11-27T00:05Z");
    expect(slotOf(time("2026-11-27T01:05:00+01:00"))).to.equal("2026-11-27T00:05Z");
  });

  it("makes the newest slot due when none is known", () => {
    const due = (now: string): string[] => slotsDue({ cron: DAILY, last: null, now: time(now), limit: 9 }).slots;
    expect(due("2026-11-27T12:00Z")).to.deep.equal(["2026-11-27T00:05Z"]);
    expect(due("2026-11-27T00:05:00Z")).to.deep.equal(["2026-11-27T00:05Z"]);
    expect(due("2026-11-27T00:04:59.999Z")).to.deep.equal(["2026-11-26T00:05Z"]);
    expect(slotsDue({ cron: "0 0 29 2 *", last: null, now: time("2103-11-27"), limit: 1 }).slots).to.deep.equal([
      "2096-02-29T00:00Z",
    ]);
  });

  it("makes each later one due once it is there", () => {
    const last = "2026-11-25T00:05Z";
    const due = (now: string): string[] => slotsDue({ cron: DAILY, last, now: time(now), limit: 9 }).slots;
    expect(due("2026-11-26T00:04:59.999Z")).to.deep.equal([]);
    expect(due("2026-11-26T00:05:00.000Z")).to.deep.equal(["2026-11-26T00:05Z"]);
    expect(due("2026-11-28T09:00Z")).to.deep.equal(["2026-11-26T00:05Z", "2026-11-27T00:05Z", "2026-11-28T00:05Z"]);
  });

  it("makes nothing due by a clock that went back", () => {
    const request = { cron: DAILY, last: "2026-11-27T00:05Z", limit: 9 };
    for (const now of ["2026-11-27T00:05Z", "2026-11-26T23:00Z", "2016-01-01"]) {
      expect(slotsDue({ ...request, now: time(now) })).to.deep.equal({ slots: [], leftOut: 0 });
    }
  });

  it("leaves out the oldest after a jump of days, of years in an instant", () => {
    const request = { cron: DAILY, last: "2026-11-20T00:05Z", now: time("2026-11-27T12:00Z") };
    expect(slotsDue({ ...request, limit: 2 })).to.deep.equal({
      slots: ["2026-11-26T00:05Z", "2026-11-27T00:05Z"],
      leftOut: 5,
    });
    expect(slotsDue({ ...request, limit: 0 })).to.deep.equal({ slots: [], leftOut: 7 });
    const everyMinute = { cron: "* * * * *", last: "2026-01-01T00:00Z", now: time("2036-01-01T00:00Z"), limit: 1 };
    expect(slotsDue(everyMinute)).to.deep.equal({ slots: ["2036-01-01T00:00Z"], leftOut: 3652 * 1440 - 1 });
  });

  it("finds the next slot, after now", () => {
    expect(nextSlot(DAILY, time("2026-11-27T00:04:59Z"))).to.equal("2026-11-27T00:05Z");
    expect(nextSlot(DAILY, time("2026-11-27T00:05:00Z"))).to.equal("2026-11-28T00:05Z");
    expect(nextSlot("0 0 29 2 *", time("2096-03-01"))).to.equal("2104-02-29T00:00Z");
  });

  it("refuses what is no schedule in minutes", () => {
    for (const cron of ["nonsense", "61 * * * *", "0 0 31 11 *", "30 5 0 * * *", "* * * * * *"]) {
      expect(() => nextSlot(cron, time("2026-11-27")), cron).to.throw(ScheduleUnusable, cron);
      expect(() => slotsDue({ cron, last: null, now: time("2026-11-27"), limit: 1 }), cron).to.throw(ScheduleUnusable);
    }
  });

  describe("as a property", () => {
    const field = (from: number, to: number): fc.Arbitrary<string> =>
      fc.oneof(
        { weight: 2, arbitrary: fc.constant("*") },
        fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
        fc
          .uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: 3 })
          .map((values) => values.sort((a, b) => a - b).join(",")),
      );
    const cron = fc
      .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
      .map((fields) => fields.join(" "));
    const start = fc
      .integer({ min: 0, max: 40 * 365 * 1440 })
      .map((minute) => time("2010-01-01").getTime() + minute * MINUTE_MS);
    const DAYS_MS = 20 * 86_400_000;

    it("finds what the cron library finds minute by minute", () => {
      fc.assert(
        fc.property(
          cron,
          start,
          fc.integer({ min: 0, max: DAYS_MS }),
          fc.integer({ min: 0, max: 40 }),
          (expression, from, span, limit) => {
            const now = new Date(from + span);
            const iterator = CronExpressionParser.parse(expression, { tz: "UTC", currentDate: new Date(from) });
            const all: string[] = [];
            for (let at = iterator.next().getTime(); at <= now.getTime(); at = iterator.next().getTime()) {
              all.push(slotOf(new Date(at)));
              if (all.length > 2000) return; // Takes the library long; sparser ones are as good.
            }
            const due = slotsDue({ cron: expression, last: slotOf(new Date(from)), now, limit });
            expect(due.slots).to.deep.equal(all.slice(Math.max(0, all.length - limit)));
            expect(due.leftOut).to.equal(Math.max(0, all.length - limit));
          },
        ),
        { numRuns: 150 },
      );
    });

    it("gives each slot once, however a clock that runs is looked at", () => {
      const looks = fc.array(fc.integer({ min: -3 * 86_400_000, max: DAYS_MS / 5 }), { minLength: 1, maxLength: 8 });
      fc.assert(
        fc.property(cron, start, looks, (expression, from, steps) => {
          let now = from;
          let last = slotOf(new Date(from));
          let newest = from;
          const seen: string[] = [];
          for (const step of steps) {
            now += step;
            newest = Math.max(newest, now);
            const { slots, leftOut } = slotsDue({ cron: expression, last, now: new Date(now), limit: 100_000 });
            expect(leftOut).to.equal(0);
            seen.push(...slots);
            last = seen.at(-1) ?? last;
          }
          const atOnce = slotsDue({
            cron: expression,
            last: slotOf(new Date(from)),
            now: new Date(newest),
            limit: 100_000,
          });
          expect(seen).to.deep.equal(atOnce.slots);
        }),
        { numRuns: 100 },
      );
    });

    it("agrees with itself: the next slot becomes due at its minute, not before", () => {
      fc.assert(
        fc.property(cron, start, fc.integer({ min: 0, max: MINUTE_MS - 1 }), (expression, from, rest) => {
          const slot = nextSlot(expression, new Date(from + rest));
          const at = time(slot).getTime();
          expect(at).to.be.greaterThan(from + rest);
          const due = (now: number): string[] =>
            slotsDue({ cron: expression, last: slotOf(new Date(from)), now: new Date(now), limit: 9 }).slots;
          expect(due(at - 1)).to.deep.equal([]);
          expect(due(at)).to.deep.equal([slot]);
        }),
        { numRuns: 200 },
      );
    });
  });

  it("does not know the process's zone, nor daylight saving", () => {
    const module = new URL("../../src/keeper/schedule.ts", import.meta.url).href;
    const script = `
      import { nextSlot, slotOf, slotsDue } from ${JSON.stringify(module)};
      const found = [];
      // The days around both changes in both zones.
      for (const from of ["2026-03-07", "2026-03-28", "2026-10-24", "2026-10-31"]) {
        const now = new Date(Date.parse(from) + 3 * 86_400_000);
        for (const cron of ["5 0 * * *", "30 2 * * *", "15 */2 * * *", "30 1,2,3 * * 0"]) {
          found.push(slotsDue({ cron, last: from + "T00:00Z", now, limit: 99 }), nextSlot(cron, now), slotOf(now));
        }
      }
      console.log(JSON.stringify({ offset: [1, 7].map((month) => new Date(2026, month, 1).getTimezoneOffset()), found }));`;
    const seenFrom = (zone: string): { offset: number[]; found: { slots?: string[] }[] } =>
      JSON.parse(
        execFileSync(process.execPath, ["--input-type=module", "-e", script], {
          env: { ...process.env, TZ: zone },
          encoding: "utf8",
        }),
      ) as { offset: number[]; found: { slots?: string[] }[] };
    const utc = seenFrom("UTC");
    expect(utc.offset).to.deep.equal([0, 0]);
    expect(utc.found[0]!.slots).to.deep.equal(["2026-03-07T00:05Z", "2026-03-08T00:05Z", "2026-03-09T00:05Z"]);
    expect(utc.found[3]!.slots).to.deep.equal(["2026-03-07T02:30Z", "2026-03-08T02:30Z", "2026-03-09T02:30Z"]);
    for (const [zone, offset] of [
      ["Europe/Berlin", [-60, -120]],
      ["America/New_York", [300, 240]],
    ] as const) {
      const there = seenFrom(zone);
      expect(there.offset).to.deep.equal(offset);
      expect(there.found).to.deep.equal(utc.found);
    }
  });
});
