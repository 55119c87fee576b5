import type { Contract } from "ethers";
import { ReplayFeed__factory } from "../../typechain-types/index.js";
import type { IRegimeOracle } from "../../typechain-types/index.js";
import { addDays, closures, dayNumber, startOfDay } from "../../src/market/calendar.ts";
import type { History } from "../../src/market/history.ts";
import { FEED_DECIMALS, toFeedUnits } from "../../src/market/units.ts";
import type { AccountName, LocalChain } from "./chain.ts";

/** Who owns the feeds, and so pushes their rounds. */
export const FEED_OWNER: AccountName = "market";

/** When a session's close is on the feeds: 21:15 UTC, 16:15 in New York in winter, when VIX is final. */
export const CLOSE_SECONDS = (21 * 60 + 15) * 60;

/** How far ahead of the window's end the oracle knows the closures, in days. */
const CALENDAR_AHEAD_DAYS = 400;

/** The asset's price in USD: the replay keeps it at par. */
const ASSET_PRICE = 1;

/** Feeds with 8 decimals (deploy/devnet/contracts/ReplayFeed.sol), owned by FEED_OWNER. */
export interface Feeds {
  ethUsd: Contract;
  usdcUsd: Contract;
  vix: Contract;
  vix3m: Contract;
}

/**
 * Deploys the four feeds: one round of ETH/USD (the window's first open) and USDC/USD now, and the closes of the seed
 * sessions on the others, each at 21:15 UTC of its day. The chain's time must be past the last seed session's close.
 */
export async function deployFeeds(chain: LocalChain, history: History): Promise<Feeds> {
  const deploy = (description: string): Promise<Contract> =>
    chain.deploy(
      { abi: ReplayFeed__factory.abi, bytecode: ReplayFeed__factory.bytecode },
      [description, FEED_DECIMALS],
      FEED_OWNER,
    );
  const feeds: Feeds = {
    ethUsd: await deploy("ETH / USD"),
    usdcUsd: await deploy("USDC / USD"),
    vix: await deploy("VIX"),
    vix3m: await deploy("VIX3M"),
  };
  await pushAnswer(chain, feeds.ethUsd, history.days[0]!.eth.open);
  await pushAnswer(chain, feeds.usdcUsd, ASSET_PRICE);

  const times = history.seedSessions.map(({ date }) => startOfDay(date) + CLOSE_SECONDS);
  const seed = async (feed: Contract, closes: number[]): Promise<void> => {
    await chain.send(FEED_OWNER, await feed.getFunction("seed").populateTransaction(closes.map(toFeedUnits), times));
  };
  await seed(
    feeds.vix,
    history.seedSessions.map(({ vix }) => vix),
  );
  await seed(
    feeds.vix3m,
    history.seedSessions.map(({ vix3m }) => vix3m),
  );
  return feeds;
}

/** Pushes one round now: `value` in USD or points. */
export async function pushAnswer(chain: LocalChain, feed: Contract, value: number): Promise<void> {
  await chain.send(FEED_OWNER, await feed.getFunction("push").populateTransaction(toFeedUnits(value)));
}

/** Weekdays without a session, as days since 1970-01-01: from the first seed session to 400 days after the window. */
export function sessionClosures(history: History): number[] {
  const from = history.seedSessions[0]?.date ?? history.from;
  const to = addDays(history.to, CALENDAR_AHEAD_DAYS);
  return closures(yearOf(from), yearOf(to))
    .filter((date) => date >= from && date <= to)
    .map(dayNumber);
}

/** Sets the closures and seeds the oracle with the history's 250 sessions: two transactions, from its administrator. */
export async function seedRegimeOracle(
  chain: LocalChain,
  oracle: Contract | IRegimeOracle,
  history: History,
  administrator: AccountName = "deployer",
): Promise<void> {
  const closes = history.seedSessions.map(({ date, vix, vix3m }) => ({
    day: dayNumber(date),
    vix: toFeedUnits(vix),
    vix3m: toFeedUnits(vix3m),
  }));
  const calls = [
    await oracle.getFunction("setClosures").populateTransaction(sessionClosures(history), true),
    await oracle.getFunction("seed").populateTransaction(closes),
  ];
  for (const call of calls) await chain.send(administrator, call);
}

function yearOf(date: string): number {
  return Number(date.slice(0, 4));
}
