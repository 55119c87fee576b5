import { expect } from "chai";
import type { Contract } from "ethers";
import { startLocalChain } from "../../deploy/devnet/chain.ts";
import type { LocalChain } from "../../deploy/devnet/chain.ts";
import {
  CLOSE_SECONDS,
  FEED_OWNER,
  deployFeeds,
  seedRegimeOracle,
  sessionClosures,
} from "../../deploy/devnet/feeds.ts";
import type { Feeds } from "../../deploy/devnet/feeds.ts";
import { dateOfDay, dayNumber, isSession, nextSession, startOfDay } from "../../src/market/calendar.ts";
import { parseSeries } from "../../src/market/csv.ts";
import { readDataFile } from "../../src/market/files.ts";
import { SEED_SESSIONS } from "../../src/market/history.ts";
import type { History } from "../../src/market/history.ts";
import { syntheticHistory } from "../../src/market/synthetic.ts";
import { toFeedUnits } from "../../src/market/units.ts";
import { Regime, explainStep, startState, step } from "../../src/regime/ruleMachine.ts";
import type { RuleClose, RuleState } from "../../src/regime/ruleMachine.ts";
import { AccessManager__factory, RegimeOracle__factory } from "../../typechain-types/index.js";
import type { RegimeOracle } from "../../typechain-types/index.js";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

const GRACE_SECONDS = 12 * 3600;
const LIFT_BPS = 1500;
const PAGE = 400;

interface Bench {
  chain: LocalChain;
  feeds: Feeds;
  oracle: RegimeOracle;
}

async function bench(history: History, startTime: number): Promise<Bench> {
  const chain = await startLocalChain(startTime);
  const manager = await chain.deploy(AccessManager__factory, [chain.address("deployer")]);
  const feeds = await deployFeeds(chain, history);
  const deployed = await chain.deploy(RegimeOracle__factory, [
    manager.target,
    feeds.vix.target,
    feeds.vix3m.target,
    feeds.ethUsd.target,
    GRACE_SECONDS,
    LIFT_BPS,
  ]);
  const oracle = RegimeOracle__factory.connect(await deployed.getAddress(), chain.provider);
  await seedRegimeOracle(chain, oracle, history);
  return { chain, feeds, oracle };
}

/** Pushes many past rounds at once, in transactions of bounded size. */
async function pushPast(chain: LocalChain, feed: Contract, rounds: { answer: number; time: number }[]): Promise<void> {
  for (let i = 0; i < rounds.length; i += PAGE) {
    const page = rounds.slice(i, i + PAGE);
    const seed = feed.getFunction("seed");
    const answers = page.map((round) => toFeedUnits(round.answer));
    await chain.send(
      FEED_OWNER,
      await seed.populateTransaction(
        answers,
        page.map((round) => round.time),
      ),
    );
  }
}

/** Every stored session must be what the rule machine makes of the closes, from the first on. Returns the levels seen. */
async function compareSessions(
  oracle: RegimeOracle,
  closes: { date: string; close: RuleClose }[],
): Promise<Set<Regime>> {
  const seen = new Set<Regime>();
  let state: RuleState | null = null;
  for (let from = 0; from < closes.length; from += PAGE) {
    for (const [i, stored] of (await oracle.sessions(from, PAGE)).entries()) {
      const { date, close } = closes[from + i]!;
      state = state === null ? startState(close) : step(state, close);
      seen.add(state.level);
      const found = [
        dateOfDay(Number(stored.day)),
        stored.vix,
        stored.vix3m,
        stored.lifted,
        Number(stored.level),
        Number(stored.streak),
      ];
      expect(found).to.deep.equal([date, close.vix, close.vix3m, close.lifted, state.level, state.streak]);
    }
  }
  expect(await oracle.sessionCount()).to.equal(BigInt(closes.length));
  return seen;
}

function ruleClose(session: { vix: number; vix3m: number }, lifted = false): RuleClose {
  return { vix: toFeedUnits(session.vix), vix3m: toFeedUnits(session.vix3m), lifted };
}

describe("regime oracle on the local chain", () => {
  it("follows the rule machine through the synthetic window, day by day, with the crash lifting it", async () => {
    const history = syntheticHistory(1);
    const { chain, feeds, oracle } = await bench(history, startOfDay(history.from));
    expect(Number(await oracle.regime())).to.equal(Regime.Calm);
    expect(dateOfDay(Number(await oracle.nextSessionDay()))).to.equal(history.from);

    const push = async (feed: Contract, time: number, value: number): Promise<void> => {
      await chain.warpTo(time);
      await chain.send(FEED_OWNER, await feed.getFunction("push").populateTransaction(toFeedUnits(value)));
    };
    const latest = async (feed: Contract): Promise<bigint> =>
      ((await feed.getFunction("latestRoundData")()) as [bigint])[0];

    const closes = history.seedSessions.map((session) => ({ date: session.date, close: ruleClose(session) }));
    let state = closes.slice(1).reduce((before, { close }) => step(before, close), startState(closes[0]!.close));
    let lifts = 0;
    for (const day of history.days) {
      const start = startOfDay(day.date);
      await push(feeds.ethUsd, start + 3600, day.eth.open);
      await push(feeds.ethUsd, start + 20 * 3600, day.eth.close);
      const fell = Math.abs(day.eth.close / day.eth.open - 1) > LIFT_BPS / 10_000;
      if (fell) {
        const newer = await latest(feeds.ethUsd);
        await chain.send("keeper", await oracle.lift.populateTransaction(newer - 1n, newer));
        lifts += 1;
      }
      if (day.session !== null) {
        await push(feeds.vix, start + CLOSE_SECONDS, day.session.vix);
        await push(feeds.vix3m, start + CLOSE_SECONDS + 1, day.session.vix3m);
      }
      await chain.warpTo(start + 86_400 + 300);
      if (day.session !== null) {
        expect(Number(await oracle.nextSessionDay())).to.equal(dayNumber(day.date));
        const lifted = await oracle.liftPending();
        const rounds = [await latest(feeds.vix), await latest(feeds.vix3m)] as const;
        await chain.send("keeper", await oracle.advance.populateTransaction(...rounds));
        const close = ruleClose(day.session, lifted);
        closes.push({ date: day.date, close });
        state = explainStep(state, close).state;
        expect(Number(await oracle.level()), day.date).to.equal(state.level);
      }
      expect(Number(await oracle.regime()), day.date).not.to.equal(Regime.Unknown);
    }
    expect(lifts, "the crash day at least").to.be.at.least(1);
    expect(await compareSessions(oracle, closes)).to.deep.equal(new Set([Regime.Calm, Regime.Elevated, Regime.Stress]));
    expect(dateOfDay(Number(await oracle.nextSessionDay()))).to.equal(nextSession(history.to));
  });

  it("knows the calendar as the library does, 400 days past the window", async () => {
    const history = syntheticHistory(1);
    const { oracle } = await bench(history, startOfDay(history.from));
    const first = dayNumber(history.seedSessions[0]!.date);
    const last = dayNumber(history.to) + 400;
    expect(sessionClosures(history).length).to.be.within(15, 40);
    for (let day = first; day <= last; day++) {
      if (isWeekday(day)) expect(await oracle.isSession(day), dateOfDay(day)).to.equal(isSession(dateOfDay(day)));
    }
  });

  it("follows the rule machine through every close of 2018 to 2023", async () => {
    if (dataMissing("the oracle on the closes of 2018 to 2023")) return;
    const columns = { date: "date", close: "number" } as const;
    const vix = parseSeries(await readDataFile(DATA_DIR, "vix.csv"), "vix.csv", { ...columns, open: "number" });
    const vix3m = parseSeries(await readDataFile(DATA_DIR, "vix3m.csv"), "vix3m.csv", columns);
    const closeOf3m = new Map(vix3m.map((row) => [row.date, row.close]));

    const sessions = vix
      .filter((row) => row.date >= "2016-01-01" && isSession(row.date))
      .map((row) => ({ date: row.date, vix: row.close, vix3m: closeOf3m.get(row.date)! }));
    const firstIndex = sessions.findIndex((session) => session.date >= "2018-01-01");
    const past = sessions.slice(firstIndex - SEED_SESSIONS, firstIndex);
    const window = sessions.slice(firstIndex);
    const history: History = {
      ...syntheticHistory(1),
      from: window[0]!.date,
      to: window.at(-1)!.date,
      seedSessions: past,
    };

    const { chain, feeds, oracle } = await bench(history, startOfDay("2024-01-01"));

    // Each day has an intraday round before its close, and days without a session have rounds too (2022 on).
    const days = vix.filter((row) => row.date >= history.from);
    expect(days.length).to.be.greaterThan(window.length);
    const rounds = days.flatMap((row) => [
      { answer: row.open, time: startOfDay(row.date) + 15 * 3600 },
      { answer: row.close, time: startOfDay(row.date) + CLOSE_SECONDS },
    ]);
    await pushPast(chain, feeds.vix, rounds);
    await pushPast(
      chain,
      feeds.vix3m,
      window.map((session) => ({ answer: session.vix3m, time: startOfDay(session.date) + CLOSE_SECONDS })),
    );

    const roundOf = new Map(days.map((row, i) => [row.date, BigInt(SEED_SESSIONS + 2 * i + 2)]));
    for (const [i, session] of window.entries()) {
      const call = await oracle.advance.populateTransaction(roundOf.get(session.date)!, BigInt(SEED_SESSIONS + i + 1));
      await chain.send("keeper", call);
    }
    const closes = [...past, ...window].map((session) => ({ date: session.date, close: ruleClose(session) }));
    const seen = await compareSessions(oracle, closes);
    expect(seen).to.deep.equal(new Set([Regime.Calm, Regime.Elevated, Regime.Stress]));
    expect(window.some((session) => session.date === "2018-12-05")).to.equal(false);
    expect(window.some((session) => session.date === "2018-12-06")).to.equal(true);
    console.log(`      ${window.length} sessions, ${history.from} to ${history.to}, equal on chain and off`);
  });
});

function isWeekday(day: number): boolean {
  return (day + 3) % 7 < 5;
}
