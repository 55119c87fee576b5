import { setTimeout as sleep } from "node:timers/promises";
import { CLOSE_SECONDS, pushAnswer } from "../../../deploy/devnet/feeds.ts";
import { isSession } from "../../../src/market/calendar.ts";
import { toFeedUnits } from "../../../src/market/units.ts";
import { createQueue } from "../../../src/keeper/queue.ts";
import type { Queue } from "../../../src/keeper/queue.ts";
import type { TickEnd } from "../../../src/keeper/pipeline.ts";
import { runSlot } from "../../../src/keeper/service.ts";
import type { Keeper } from "../../../src/keeper/service.ts";
import { codeOf } from "../../../src/keeper/tickErrors.ts";
import { newRounds } from "../../helpers/vaultScene.ts";
import type { VaultScene } from "../../helpers/vaultScene.ts";
import type { ServiceFault } from "../transactionService/server.ts";
import { REGIME_NAMES } from "../../../src/regime/ruleMachine.ts";
import { VAULT } from "./rig.ts";
import type { Attempt, Rig } from "./rig.ts";
import { DONE, lineOf, must, scenario, share, tickMs } from "./scenario.ts";
import type { Scenario, Try } from "./scenario.ts";

const HOUR = 3_600;
const DAY = 86_400;
/** A close on a calm day, in points. */
const CALM = { vix: 13, vix3m: 15 };
/** Of the local chain's made-up days. */
const TUESDAY = Date.UTC(2030, 1, 5) / 1_000;
const SATURDAY = Date.UTC(2030, 1, 9) / 1_000;
const GOOD_FRIDAY = Date.UTC(2030, 3, 19) / 1_000;
const UNKNOWN = BigInt(REGIME_NAMES.indexOf("Unknown"));
/** How long the keeper waits for the transaction service here. */
const TIMEOUT_MS = 800;
const SLOW: ServiceFault = { kind: "slow", milliseconds: 2 * TIMEOUT_MS };

/** The data's, the clock's and the transaction service's faults. */
export const TIME_FAULTS: Scenario[] = [
  scenario("base feed silent on a Tuesday", 3, {}, async (rig) => {
    const { scene } = rig.stage;
    const keeper = await rig.keeper();
    await at(scene, TUESDAY);
    await closeSessions(scene, TUESDAY);
    // Beyond the feed's six hours.
    await scene.chain.warpTo(TUESDAY + 12 * HOUR);
    const { end } = await rig.tick(keeper);
    must(end?.code === "FEEDS_UNUSABLE" && end.failed, `FEEDS_UNUSABLE, not ${end?.code}`);
    must(await isRaised(keeper, `feeds:${VAULT}`), "an alert that the feed is stale");
    must((await rig.alive()).length === 0, "nothing proposed without a price");
    await newRounds(scene);
    const ticks = await rig.until(keeper, ["PROPOSED"]);
    await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
    must(!(await isRaised(keeper, `feeds:${VAULT}`)), "the alert ended");
    return { expected: 1, found: (await rig.alive()).length, ticks, line: end?.sentence ?? "" };
  }),
  scenario("VIX feeds silent on a Saturday", 3, {}, (rig) => daysOff(rig, SATURDAY, [0, 12, 23])),
  scenario("VIX feeds silent on Good Friday", 2, {}, (rig) => daysOff(rig, GOOD_FRIDAY, [0, 12, 23])),
  scenario("VIX has its close, VIX3M has none yet", 3, {}, (rig) =>
    partialDay(rig, async ({ world: { chain, feeds } }) => {
      await chain.warpTo(TUESDAY - DAY + CLOSE_SECONDS);
      await pushAnswer(chain, feeds.vix, CALM.vix);
    }),
  ),
  scenario("a day with one stray round of VIX3M", 3, {}, (rig) =>
    partialDay(rig, async ({ world: { chain, feeds } }) => {
      await chain.warpTo(TUESDAY - DAY + 10 * HOUR);
      await pushAnswer(chain, feeds.vix3m, 2 * CALM.vix3m);
    }),
  ),
  scenario("clock a day ahead, then back", 3, {}, clockJumps),
  scenario("clock a day ahead while a worker dies", 3, {}, deadAhead),
  scenario("clock a day ahead of the chain", 3, { chain: { maxBlockAgeSeconds: 3_600 } }, (rig) =>
    clockOff(rig, DAY * 1_000, "ChainStandsStill", "CHAIN_STANDS_STILL"),
  ),
  scenario("clock a day behind the chain", 3, { chain: { maxBlockAgeSeconds: 3_600 } }, (rig) =>
    clockOff(rig, -DAY * 1_000, "ClockBehind", "CLOCK_BEHIND"),
  ),
  scenario("RPC asks for a rest while the clock is a day ahead", 3, {}, async (rig) => {
    const keeper = await rig.keeper();
    rig.clockOffMs = DAY * 1_000;
    rig.stage.rpcs[0]!.fail({ mode: "status", status: 429, retryAfter: "240" });
    const { error } = await rig.tick(keeper);
    must(error?.name === "RpcUnavailable", `RpcUnavailable, not ${error?.name}`);
    rig.stage.rpcs[0]!.fail(null);
    rig.clockOffMs = 0;
    const ticks = await rig.until(keeper, DONE);
    return { expected: 1, found: (await rig.alive()).length, ticks, line: lineOf(error) };
  }),
  ...serviceFault("transaction service is down", { kind: "down" }, {}, "SERVICE_UNAVAILABLE"),
  ...serviceFault("transaction service is down for POST", { kind: "down" }, { method: "POST" }, "SERVICE_UNAVAILABLE"),
  ...serviceFault("transaction service answers 503", { kind: "status", status: 503 }, {}, "SERVICE_UNAVAILABLE"),
  ...serviceFault("transaction service answers 429", { kind: "status", status: 429 }, {}, "SERVICE_UNAVAILABLE"),
  ...serviceFault(
    "transaction service answers 422",
    { kind: "status", status: 422 },
    { method: "POST" },
    "SERVICE_REFUSED",
  ),
  ...serviceFault("transaction service is slow beyond the timeout", SLOW, { method: "POST" }, "SERVICE_UNAVAILABLE"),
  ...serviceFault("transaction service is slow", { kind: "slow", milliseconds: TIMEOUT_MS / 16 }, {}, null),
  ...serviceFault("transaction service hears and lists all twice", { kind: "twice" }, {}, null),
  ...serviceFault(
    "transaction service's answer is lost after the work",
    { kind: "lost answer" },
    { method: "POST", times: 1 },
    "SERVICE_UNAVAILABLE",
  ),
  scenario("Postgres restarts in mid-tick", 15, {}, async (rig, index) => {
    const keeper = await rig.keeper();
    const downAt = share(index) * (await tickMs(rig.stage));
    const restarted = sleep(downAt).then(() => rig.stage.postgres.restart(50));
    const { end, error } = await rig.tick(keeper);
    await restarted;
    must(error === null || error.name === "DatabaseUnavailable", `DatabaseUnavailable, not ${lineOf(error)}`);
    const ticks = error === null ? 1 : await rig.until(keeper, DONE);
    const line = error === null ? `${end?.code}: the tick needed nothing of it meanwhile` : lineOf(error);
    return { expected: 1, found: (await rig.alive()).length, ticks, line };
  }),
];

// ------------------------------------------------------------------------------------------------------- days and data

/** No session on these days: nothing is wrong with the silence. Ticks at these hours of the first of them. */
async function daysOff(rig: Rig, day: number, hours: readonly number[]): Promise<Try> {
  const { scene } = rig.stage;
  const { regime } = scene.contracts;
  await at(scene, day);
  await closeSessions(scene, day);
  const keeper = await rig.keeper();
  const codes: string[] = [];
  let line = "";
  for (const hour of hours) {
    await at(scene, day + hour * HOUR + 120);
    const { end, error } = await rig.tick(keeper);
    must(end !== null && !end.failed, `a tick at ${hour}:02 that is well, not ${end?.code ?? lineOf(error)}`);
    must((await regime.regime()) !== UNKNOWN, "a regime that is known");
    must(!(await isRaised(keeper, `feeds:${VAULT}`)), "no alert of the silence");
    codes.push(end!.code);
    line ||= end!.sentence;
  }
  must(codes.join() === ["PROPOSED", ...hours.slice(1).map(() => "ALREADY_PROPOSED")].join(), codes.join());
  return { expected: 1, found: (await rig.alive()).length, ticks: 1, line };
}

/** Of Monday's session one feed has something, until the closes come on Tuesday. */
async function partialDay(rig: Rig, publish: (scene: VaultScene) => Promise<void>): Promise<Try> {
  const { scene } = rig.stage;
  const { chain, world, contracts } = scene;
  const { regime } = contracts;
  const before = await regime.sessionCount();
  const wasRegime = await regime.regime();
  await publish(scene);
  const keeper = await rig.keeper();
  await at(scene, TUESDAY + 6 * HOUR);
  const first = await rig.tick(keeper);
  must(first.end?.code === "PROPOSED", `the day's proposal by the regime as it was, not ${codeOfEnd(first)}`);
  must((await regime.sessionCount()) === before, "half a session not taken in");
  must((await regime.regime()) === wasRegime, "the regime as it was");
  await at(scene, TUESDAY + 13 * HOUR);
  const late = await rig.tick(keeper);
  must(late.end?.code === "REGIME_UNKNOWN" && late.end.failed, `REGIME_UNKNOWN, not ${codeOfEnd(late)}`);
  must(await isRaised(keeper, `feeds:${VAULT}`), "an alert that the close is missing");

  const time = TUESDAY - DAY + CLOSE_SECONDS + 60;
  for (const [feed, value] of [
    [world.feeds.vix, CALM.vix],
    [world.feeds.vix3m, CALM.vix3m],
  ] as const) {
    await chain.send("market", await feed.getFunction("seed").populateTransaction([toFeedUnits(value)], [time]));
  }
  const ticks = await rig.until(keeper, ["ALREADY_PROPOSED"]);
  await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
  must((await regime.sessionCount()) === before + 1n, "the session taken in once");
  const [session] = await regime.sessions(before, 1);
  must(session!.vix3m === toFeedUnits(CALM.vix3m), "the close, and not the round before it");
  must(!(await isRaised(keeper, `feeds:${VAULT}`)), "the alert ended");
  return { expected: 1, found: (await rig.alive()).length, ticks, line: late.end?.sentence ?? "" };
}

/** The chain is at a time, with fresh prices. */
async function at(scene: VaultScene, time: number): Promise<void> {
  const now = await scene.chain.now();
  if (now < time) await scene.chain.warpTo(time);
  await newRounds(scene);
}

/** All sessions before a time close calmly, and the oracle takes them in: what months of ticks would do. */
async function closeSessions({ chain, world, contracts }: VaultScene, end: number): Promise<void> {
  const { vix, vix3m } = world.feeds;
  const first = Number(await contracts.regime.nextSessionDay());
  const days = Array.from({ length: end / DAY - first }, (_, index) => first + index).filter((day) =>
    isSession(new Date(day * DAY * 1_000).toISOString().slice(0, 10)),
  );
  const times = days.map((day) => day * DAY + CLOSE_SECONDS);
  const rounds: bigint[] = [];
  for (const [feed, value] of [
    [vix, CALM.vix],
    [vix3m, CALM.vix3m],
  ] as const) {
    const [last] = (await feed.getFunction("latestRoundData")()) as unknown as [bigint];
    rounds.push(last);
    const answers = days.map(() => toFeedUnits(value));
    await chain.send("market", await feed.getFunction("seed").populateTransaction(answers, times));
  }
  for (let index = 1n; index <= BigInt(days.length); index++) {
    const advance = contracts.regime.advance.populateTransaction(rounds[0]! + index, rounds[1]! + index);
    await chain.send("market", await advance);
  }
}

// ----------------------------------------------------------------------------------------------------------- the clock

/** Every quarter of an hour, by a clock that is a day ahead for a while. */
async function clockJumps(rig: Rig): Promise<Try> {
  const { scene } = rig.stage;
  await at(scene, TUESDAY);
  await closeSessions(scene, TUESDAY);
  const keeper = await rig.keeper();
  const queue = queueOf(keeper);
  await queue.start();
  const ran: string[] = [];
  const ends: TickEnd[] = [];
  const look = async (): Promise<string[]> => {
    const now = await rig.setClocks();
    const { sent } = await queue.plan([{ name: VAULT, schedule: "*/15 * * * *" }], new Date(now));
    for (const { slot } of sent) {
      const end = await runSlot(keeper, VAULT, slot, 60);
      if (end === null) continue;
      ran.push(slot);
      ends.push(end);
    }
    return sent.map(({ slot }) => slot);
  };
  const lookAt = async (time: number, slots: string[]): Promise<void> => {
    await at(scene, time);
    const sent = await look();
    must(sent.join() === slots.join(), `${slots.join() || "no slot"} due, not ${sent.join() || "none"}`);
  };
  try {
    await lookAt(TUESDAY + 10 * HOUR + 300, ["2030-02-05T10:00Z"]);
    rig.clockOffMs = DAY * 1_000;
    must((await look()).join() === "2030-02-06T10:00Z", "the newest slot by the clock that is ahead");
    rig.clockOffMs = 0;
    must((await look()).length === 0, "nothing due again when the clock is right again");
    await lookAt(TUESDAY + 10 * HOUR + 1_200, ["2030-02-05T10:15Z"]);
    // Slots of tomorrow were missed by the clock that was ahead.
    await lookAt(TUESDAY + DAY + 6 * HOUR, ["2030-02-06T06:00Z"]);
    await lookAt(TUESDAY + DAY + 10 * HOUR + 300, []);
    await lookAt(TUESDAY + DAY + 10 * HOUR + 1_200, ["2030-02-06T10:15Z"]);
  } finally {
    await queue.stop();
  }
  must(new Set(ran).size === ran.length, `each slot once: ${ran.join()}`);
  must(!ends.some(({ failed }) => failed), `ticks that are well, not ${ends.map(({ code }) => code).join()}`);
  const line = ends.map(({ code }, index) => `${ran[index]} ${code}`).join(", ");
  // Tuesday's proposal still holds on Wednesday.
  return { expected: 1, found: rig.service.proposed(scene.safe).length, ticks: 1, line };
}

/** A worker holds the day's slot by a clock that is a day ahead, and dies: the slot is not held until tomorrow. */
async function deadAhead(rig: Rig): Promise<Try> {
  const dead = await rig.keeper("dead");
  const keeper = await rig.keeper();
  const queue = queueOf(keeper);
  await queue.start();
  try {
    const now = await rig.setClocks();
    const daily = [{ name: VAULT, schedule: "0 0 * * *" }];
    const { sent } = await queue.plan(daily, new Date(now));
    const { slot } = sent[0]!;
    await dead.store.begin(VAULT, slot, "dead", new Date(now), new Date(now + 60_000));
    await dead.store.hold(VAULT, slot, "dead", new Date(now + DAY * 1_000 + 60_000));
    const end = await runSlot(keeper, VAULT, slot, 60);
    must(end?.code === "PROPOSED", `the slot taken over, not ${end?.code ?? "left"}`);
    return { expected: 1, found: (await rig.alive()).length, ticks: 1, line: `${slot} taken over: ${end!.sentence}` };
  } finally {
    await queue.stop();
  }
}

async function clockOff(rig: Rig, offMs: number, name: string, code: string): Promise<Try> {
  const keeper = await rig.keeper();
  rig.clockOffMs = offMs;
  const { end, error } = await rig.tick(keeper);
  must(error?.name === name, `${name}, not ${error?.name ?? end?.code}`);
  must(codeOf(error) === code && isTold(rig, code), `the code ${code} in the log`);
  must((await rig.alive()).length === 0, "nothing proposed by a wrong clock");
  rig.clockOffMs = 0;
  const ticks = await rig.until(keeper, DONE);
  return { expected: 1, found: (await rig.alive()).length, ticks, line: lineOf(error) };
}

function queueOf(keeper: Keeper): Queue {
  return createQueue(keeper.database, keeper.store, {
    worker: keeper.options.worker,
    leaseSeconds: 60,
    onError: (error) => keeper.options.log.error("queue", {}, error.message),
  });
}

// ----------------------------------------------------------------------------------------------------- the service

/** The service fails as told; `code` is what the tick then ends or breaks with, null where it works all the same. */
function serviceFault(
  name: string,
  fault: ServiceFault,
  when: { times?: number; method?: string },
  code: string | null,
): Scenario[] {
  return [
    scenario(name, 5, { service: { timeoutMs: TIMEOUT_MS } }, async (rig) => {
      const keeper = await rig.keeper();
      rig.service.fail(fault, when);
      const attempt = await rig.tick(keeper);
      if (code === null) must(attempt.end?.code === "PROPOSED", `PROPOSED, not ${codeOfEnd(attempt)}`);
      else {
        must(codeOfEnd(attempt) === code, `${code}, not ${codeOfEnd(attempt)}`);
        must(isTold(rig, code), `the code ${code} in the log`);
        must(await isRaised(keeper, `tick:${VAULT}`), "an alert");
      }
      rig.service.fail(null);
      const ticks = await rig.until(keeper, DONE);
      await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
      must(!(await isRaised(keeper, `tick:${VAULT}`)), "the alert ended");
      // What was sent and not waited for arrives in the end.
      if (fault.kind === "slow") await sleep(fault.milliseconds);
      must(rig.service.proposed(rig.stage.scene.safe).length === 1, "the service given one transaction in all");
      const line = attempt.error === null ? (attempt.end?.sentence ?? "") : lineOf(attempt.error);
      return { expected: 1, found: (await rig.alive()).length, ticks, line };
    }),
  ];
}

// ------------------------------------------------------------------------------------------------------------- looking

/** The code that a tick ended or broke with. */
function codeOfEnd({ end, error }: Attempt): string {
  return end?.code ?? (error === null ? "nothing" : codeOf(error));
}

async function isRaised({ store }: Keeper, key: string): Promise<boolean> {
  return (await store.alerts()).some((alert) => alert.key === key);
}

function isTold({ lines }: Rig, code: string): boolean {
  return lines.some((line) => / (WARN|ERROR) /.test(line) && line.includes(code));
}
