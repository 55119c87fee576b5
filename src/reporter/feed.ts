import type { Provider } from "ethers";
import { isContractsAnswer } from "../safe/revert.ts";
import { AttestedFeed__factory } from "../../typechain-types/index.js";
import type { AttestedFeed } from "../../typechain-types/index.js";

/** An AttestedFeed as the chain has it now. Answers in its decimals, times in seconds. */
export interface FeedState {
  feed: string;
  description: string;
  decimals: number;
  leastAnswer: bigint;
  greatestAnswer: bigint;
  reporters: string[];
  threshold: number;
  closeDelay: number;
  maxLag: number;
  maxEaseBps: number;
  /** The last round; null before the first. */
  last: { round: number; answer: bigint; observedAt: number; closedAt: number } | null;
}

/** Reports of one observation; `closableAt` is null while there are too few. */
export interface PendingReports {
  observedAt: number;
  reports: number;
  closableAt: number | null;
}

export class NotAnAttestedFeed extends Error {
  constructor(address: string) {
    super(`${address} does not answer as an AttestedFeed: check --feed and the chain of --rpc`);
    this.name = "NotAnAttestedFeed";
  }
}

export class NotAReporter extends Error {
  constructor(address: string, { feed, reporters }: FeedState) {
    super(
      `${address} is no reporter of ${feed}: its signature would be refused; reporters are ${reporters.join(", ")}`,
    );
    this.name = "NotAReporter";
  }
}

/** Reads a feed. Throws NotAnAttestedFeed. */
export async function readFeed(provider: Provider, feed: string): Promise<FeedState> {
  const contract = AttestedFeed__factory.connect(feed, provider);
  try {
    const [description, decimals, leastAnswer, greatestAnswer, reporters, rules] = await Promise.all([
      contract.description(),
      contract.decimals(),
      contract.leastAnswer(),
      contract.greatestAnswer(),
      contract.reporters(),
      contract.rules(),
    ]);
    return {
      feed: await contract.getAddress(),
      description,
      decimals: Number(decimals),
      leastAnswer,
      greatestAnswer,
      reporters: [...reporters],
      threshold: Number(rules.threshold),
      closeDelay: Number(rules.closeDelay),
      maxLag: Number(rules.maxLag),
      maxEaseBps: Number(rules.maxEaseBps),
      last: await lastRound(contract),
    };
  } catch (error) {
    if (isContractsAnswer(error)) throw new NotAnAttestedFeed(feed);
    throw error;
  }
}

/** Reads how many have reported an observation, and from when on its round can close. */
export async function readPending(provider: Provider, feed: string, observedAt: number): Promise<PendingReports> {
  const [reports, closableAt] = await AttestedFeed__factory.connect(feed, provider).pending(observedAt);
  return { observedAt, reports: Number(reports), closableAt: closableAt === 0n ? null : Number(closableAt) };
}

/** Null before the first round, where the feed reverts with NoSuchRound. */
async function lastRound(contract: AttestedFeed): Promise<FeedState["last"]> {
  try {
    const [round, answer, observedAt, closedAt] = await contract.latestRoundData();
    return { round: Number(round), answer, observedAt: Number(observedAt), closedAt: Number(closedAt) };
  } catch (error) {
    if (isContractsAnswer(error)) return null;
    throw error;
  }
}
