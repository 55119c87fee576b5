import type { Provider } from "ethers";
import { IAggregatorV3__factory } from "../../typechain-types/index.js";

/** Rounds looked at, at most, walking back from the newest: two weeks of hourly rounds. */
const MAX_STEPS = 336;

/** The feed has no round at or before that time. */
export class NoRound extends Error {
  constructor(feed: string, time: number) {
    super(
      `feed ${feed} has no round at or before ${new Date(time * 1000).toISOString()}: the feed is too young or wrong`,
    );
    this.name = "NoRound";
  }
}

/**
 * The id of a feed's last round updated at or before a time (seconds since 1970-01-01), walking back from the newest at
 * that block. Throws NoRound.
 */
export async function lastRoundOn(provider: Provider, feed: string, time: number, blockTag: number): Promise<bigint> {
  const aggregator = IAggregatorV3__factory.connect(feed, provider);
  let { roundId, updatedAt } = await aggregator.latestRoundData({ blockTag });
  for (let step = 0; Number(updatedAt) > time; step++) {
    if (step === MAX_STEPS || roundId <= 1n) throw new NoRound(feed, time);
    roundId -= 1n;
    ({ updatedAt } = await aggregator.getRoundData(roundId, { blockTag }));
  }
  return roundId;
}
