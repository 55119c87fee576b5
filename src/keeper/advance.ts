import type { Block, Provider, Signer } from "ethers";
import { IAggregatorV3__factory, RegimeOracle__factory } from "../../typechain-types/index.js";
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
  const taken: number[] = [];
  while (taken.length < MAX_SESSIONS) {
    const [day, block, ...feeds] = await Promise.all([
      oracle.nextSessionDay(),
      newestBlock(provider),
      oracle.vixFeed(),
      oracle.vix3mFeed(),
    ]);
    if (block.timestamp < (Number(day) + 1) * SECONDS_PER_DAY) break;
    const [vix, vix3m] = await Promise.all(
      feeds.map((feed) => closingRound(provider, feed, Number(day), block.number)),
    );
    if (vix == null || vix3m == null) break;
    const call = await oracle.advance.populateTransaction(vix, vix3m);
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

/** A feed's last round of a day; null while it has none of that day. */
async function closingRound(provider: Provider, feed: string, day: number, blockTag: number): Promise<bigint | null> {
  const start = day * SECONDS_PER_DAY;
  try {
    const round = await lastRoundOn(provider, feed, start + SECONDS_PER_DAY - 1, blockTag);
    const { updatedAt } = await IAggregatorV3__factory.connect(feed, provider).getRoundData(round, { blockTag });
    return updatedAt >= start ? round : null;
  } catch (error) {
    if (error instanceof NoRound) return null;
    throw error;
  }
}
