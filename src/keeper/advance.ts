import type { Block, Provider, Signer } from "ethers";
import { RegimeOracle__factory } from "../../typechain-types/index.js";
import { RpcUnavailable } from "./observe.ts";
import { lastRoundOn, NoRound } from "./rounds.ts";
import { sendCall } from "./sendCall.ts";
import type { SendOptions } from "./sendCall.ts";

const SECONDS_PER_DAY = 86_400;
/** Sessions taken in by one call, at most: a keeper that slept for two weeks catches up in two ticks. */
const MAX_SESSIONS = 8;

/**
 * Takes in every session whose day is over and whose closes the feeds have. Anyone may do this; the keeper does, so that
 * the regime is never behind. Returns the days (since 1970-01-01) taken in.
 */
export async function advanceRegime(
  provider: Provider,
  regimeOracle: string,
  signer: Signer,
  options: SendOptions = {},
): Promise<number[]> {
  const oracle = RegimeOracle__factory.connect(regimeOracle, provider);
  const [vixFeed, vix3mFeed] = await Promise.all([oracle.vixFeed(), oracle.vix3mFeed()]);
  const taken: number[] = [];
  while (taken.length < MAX_SESSIONS) {
    const [day, block] = await Promise.all([oracle.nextSessionDay(), newestBlock(provider)]);
    if (block.timestamp < (Number(day) + 1) * SECONDS_PER_DAY) break;
    const rounds = await closingRounds(provider, [vixFeed, vix3mFeed], Number(day), block.number);
    if (rounds === null) break;
    const call = await oracle.advance.populateTransaction(rounds[0], rounds[1]);
    await sendCall("taking in a close", provider, signer, call, options);
    taken.push(Number(day));
  }
  return taken;
}

/** Throws RpcUnavailable for a node that has no newest block. */
export async function newestBlock(provider: Provider): Promise<Block> {
  const block = await provider.getBlock("latest");
  if (block === null) throw new RpcUnavailable("it has no newest block");
  return block;
}

/** Zero when the feed has none: its first round may be of the very day. */
async function lastRoundBefore(provider: Provider, feed: string, time: number, blockTag: number): Promise<bigint> {
  return lastRoundOn(provider, feed, time - 1, blockTag).catch((error: unknown) => {
    if (error instanceof NoRound) return 0n;
    throw error;
  });
}

/** Both feeds' last rounds of a day; null while one has none of that day. */
async function closingRounds(
  provider: Provider,
  feeds: [string, string],
  day: number,
  blockTag: number,
): Promise<[bigint, bigint] | null> {
  try {
    const [start, end] = [day * SECONDS_PER_DAY, (day + 1) * SECONDS_PER_DAY - 1];
    const [vix, vix3m, vixBefore, vix3mBefore] = await Promise.all([
      lastRoundOn(provider, feeds[0], end, blockTag),
      lastRoundOn(provider, feeds[1], end, blockTag),
      lastRoundBefore(provider, feeds[0], start, blockTag),
      lastRoundBefore(provider, feeds[1], start, blockTag),
    ]);
    return vix > vixBefore && vix3m > vix3mBefore ? [vix, vix3m] : null;
  } catch (error) {
    if (error instanceof NoRound) return null;
    throw error;
  }
}
