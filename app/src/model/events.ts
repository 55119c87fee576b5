import { dateOfDay, dayNumber, isSession, nextSession } from "../../../src/market/calendar.ts";
import { RULES } from "../../../src/plan/ruleset.ts";
import type { AnnouncedCall } from "../chain/history.ts";
import type { Overview } from "../chain/overview.ts";
import { dayText } from "./format.ts";

/** Something with a time that members may have to act by. */
export interface NextEvent {
  /** Seconds since 1970-01-01, by the chain's clock. */
  at: number;
  what: string;
  /** Who says so. */
  source: string;
  /** Its time has come and nobody has acted on it. */
  due: boolean;
}

const SECONDS_PER_DAY = 86_400;
/** Days looked ahead for holidays: what comes later bears on no proposal of now. */
const HOLIDAYS_AHEAD = 14;

/**
 * What comes next, earliest first. What is overdue stays in it, as due.
 * @param now seconds since 1970-01-01, by the chain's clock
 * @param keeperAt when a keeper says that it looks next; null when none says
 */
export function nextEvents(overview: Overview, now: number, keeperAt: number | null): NextEvent[] {
  const { snapshot, queue, exitDeadlineSeconds, announced, maxAgeSeconds } = overview;
  const events: NextEvent[] = [];
  const add = (at: number, source: string, what: string, whenDue: string | null = null): void => {
    if (at > now) events.push({ at, source, what, due: false });
    else if (whenDue !== null) events.push({ at, source, what: whenDue, due: true });
  };
  add(
    (Math.floor(now / RULES.slotSeconds) + 1) * RULES.slotSeconds,
    "rules",
    "The next slot begins: one decision a slot",
  );
  if (keeperAt !== null) add(keeperAt, "keeper", "The keeper looks whether to propose");

  const sessionDay = Number(snapshot.regime.nextSessionDay);
  if (sessionDay > 0) {
    const session = dayText(sessionDay);
    const reported = (sessionDay + 1) * SECONDS_PER_DAY;
    add(reported, "regime oracle", `The close of ${session} can be reported`, `The close of ${session} is due`);
    add(
      Number(snapshot.regime.staleAfter),
      "regime oracle",
      `The regime becomes Unknown, unless the close of ${session} has come`,
      "The regime is Unknown: a close has not come in time",
    );
  }
  for (const day of holidaysAfter(now)) {
    add(day * SECONDS_PER_DAY, "calendar", `New York is closed on ${dayText(day)}: no session, no new close`);
  }
  if (snapshot.priced) {
    const { baseUpdatedAt, assetUpdatedAt } = snapshot.reading;
    const stale = (updatedAt: bigint, maxAge: number, name: string): void =>
      add(
        Number(updatedAt) + maxAge,
        "price oracle",
        `The ${name} feed goes stale, unless it has a new round`,
        `The ${name} feed is stale`,
      );
    stale(baseUpdatedAt, maxAgeSeconds.base, "ETH / USD");
    stale(assetUpdatedAt, maxAgeSeconds.asset, "USDC / USD");
  }
  for (const call of announced) addCall(call, add);
  const first = queue[0];
  if (first !== undefined) {
    const forced = first.createdAt + exitDeadlineSeconds;
    add(
      forced,
      "vault",
      `Request ${first.id} to leave is past its deadline: anyone can force it`,
      `Request ${first.id} to leave can be forced by anyone`,
    );
  }
  const feeAt = Number(snapshot.shares.feePeriodEndsAt);
  if (feeAt > 0 && overview.feeBps > 0)
    add(feeAt, "share price", "The fee period ends", "The fee period is over: the next poke charges the fee");
  return events.sort((a, b) => a.at - b.at);
}

function addCall(
  { class: kind, fate, readyAt, expiresAt, validUntil }: AnnouncedCall,
  add: (at: number, source: string, what: string) => void,
): void {
  if (fate !== "waits" && fate !== "may run") return;
  const name = kind === "other call" ? "another call of the Safe" : `a ${kind}`;
  add(readyAt, "review guard", `The review of ${name} ends: it may run then, and no longer be stopped`);
  const last = validUntil === null ? expiresAt : Math.min(expiresAt, validUntil);
  add(last, "review guard", `${name[0]!.toUpperCase()}${name.slice(1)} that is announced expires`);
}

/** Weekdays without a session within the next two weeks, as day numbers, by the exchange's own rules. */
function holidaysAfter(now: number): number[] {
  const today = Math.floor(now / SECONDS_PER_DAY);
  const days = Array.from({ length: HOLIDAYS_AHEAD }, (_, i) => today + 1 + i);
  return days.filter((day) => !isWeekend(day) && !isSession(dateOfDay(day)));
}

/** 1970-01-01 was a Thursday. */
function isWeekend(day: number): boolean {
  return (day + 3) % 7 >= 5;
}

/**
 * Where the oracle's next session is not the exchange's: on a holiday it waits for a close that never comes. In a sentence;
 * null where both agree.
 */
export function sessionDispute({ snapshot, now }: Overview): string | null {
  const last = now?.evidence.regime.sessions.at(-1);
  const sessionDay = Number(snapshot.regime.nextSessionDay);
  if (last === undefined || sessionDay === 0) return null;
  const expected = dayNumber(nextSession(dateOfDay(last[0])));
  if (expected === sessionDay) return null;
  return expected > sessionDay
    ? `The oracle waits for a close of ${dayText(sessionDay)}, on which New York is closed by its rules: the regime becomes Unknown unless that day is entered as closed.`
    : `The oracle expects the next close of ${dayText(sessionDay)}; by the exchange’s rules there is a session before it, on ${dayText(expected)}.`;
}
