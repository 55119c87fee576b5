import type { Provider, Signer } from "ethers";
import {
  HedgeVault__factory,
  IAggregatorV3__factory,
  RegimeOracle__factory,
  SharePrice__factory,
} from "../../typechain-types/index.js";
import type { IAggregatorV3 } from "../../typechain-types/index.js";
import type { Deployment } from "../plan/deployment.ts";
import { isContractsAnswer } from "../safe/revert.ts";
import { advanceRegime, newestBlock } from "./advance.ts";
import { speakable } from "./ops/text.ts";
import { sendCall } from "./sendCall.ts";
import type { SendOptions } from "./sendCall.ts";

const DAY_SECONDS = 86_400n;
/** Rounds of the base feed looked back at for a lift, at most: a day of rounds five minutes apart. */
const MAX_ROUNDS_BACK = 288;
/** Rounds read in one batch: nodes take a hundred calls in one. */
const ROUNDS_AT_ONCE = 96;
/** Requests settled by one call, at most. */
const MAX_SETTLED = 16n;
const BPS = 10_000n;
/** What HedgeVault adds to its supply where it prices shares. */
const VIRTUAL_SHARES = 10n ** 12n;

type Round = Awaited<ReturnType<IAggregatorV3["getRoundData"]>>;

/** What was done that anyone may do, one line each. */
export type Chore = string;

export interface Chores {
  done: Chore[];
  /** What went wrong with the others, one line each: none of them keeps the next, or a tick, from running. */
  failed: string[];
}

/**
 * What the contracts leave to anyone, done by the keeper so that nobody waits for it: take in session closes, lift the
 * regime after a large move of the base asset, settle redemptions that cash can pay, let the anchor follow a share price that
 * left its band or count a fee whose period is over. Each is tried without sending first.
 */
export async function doChores(
  provider: Provider,
  { regimeOracle, vault }: Deployment,
  signer: Signer,
  options: SendOptions = {},
): Promise<Chores> {
  const chores: Chores = { done: [], failed: [] };
  const run = async (name: string, work: () => Promise<Chore | null | Chore[]>): Promise<void> => {
    try {
      chores.done.push(...[await work()].flat().filter((line) => line !== null));
    } catch (error) {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      chores.failed.push(speakable(`${name}: ${reason}`));
    }
  };
  await run("session closes", async () => {
    const taken = await advanceRegime(provider, regimeOracle, signer, options);
    return taken.map((day) => `took in the close of ${new Date(day * 86_400_000).toISOString().slice(0, 10)}`);
  });
  await run("lift", () => liftRegime(provider, regimeOracle, signer, options));
  await run("settlement", () => settleQueue(provider, vault, signer, options));
  await run("share price", () => followPrice(provider, vault, signer, options));
  return chores;
}

/** Lifts the regime to Stress when the base asset moved beyond the limit within the day before its newest round. */
export async function liftRegime(
  provider: Provider,
  regimeOracle: string,
  signer: Signer,
  options: SendOptions = {},
): Promise<Chore | null> {
  const oracle = RegimeOracle__factory.connect(regimeOracle, provider);
  const [limitBps, feedAddress] = await Promise.all([oracle.liftBps(), oracle.baseFeed()]);
  const feed = IAggregatorV3__factory.connect(feedAddress, provider);
  const newest = await feed.latestRoundData();
  for await (const [round, older] of roundsOfTheDay(feed, newest)) {
    const move = newest.answer > older.answer ? newest.answer - older.answer : older.answer - newest.answer;
    if (older.answer <= 0n || (move * BPS) / older.answer <= limitBps) continue;
    // Refused when a close has overtaken the move, or the regime was lifted for it already.
    const tried = await oracle.connect(signer).lift.staticCall(round, newest.roundId).catch(nullIfRefused);
    if (tried === null) return null;
    const call = await oracle.lift.populateTransaction(round, newest.roundId);
    await sendCall("lifting the regime", provider, signer, call, options);
    return `lifted the regime to Stress: the base asset moved ${(move * BPS) / older.answer} bps within a day`;
  }
  return null;
}

/** The rounds within the day before the newest, with their ids, the latest first. */
async function* roundsOfTheDay(
  feed: IAggregatorV3,
  newest: { roundId: bigint; updatedAt: bigint },
): AsyncGenerator<[id: bigint, round: Round]> {
  for (let back = 0; back < MAX_ROUNDS_BACK; back += ROUNDS_AT_ONCE) {
    const first = newest.roundId - BigInt(back) - 1n;
    const ids = Array.from({ length: ROUNDS_AT_ONCE }, (_, index) => first - BigInt(index)).filter((id) => id > 0n);
    const rounds = await Promise.all(ids.map((id) => feed.getRoundData(id).catch(nullIfRefused)));
    for (const [index, round] of rounds.entries()) {
      // Rounds of a feed's earlier phase, or none: nothing older can be shown.
      if (round === null || round.updatedAt === 0n || newest.updatedAt - round.updatedAt > DAY_SECONDS) return;
      yield [ids[index]!, round];
    }
  }
}

/** Settles the head of the redemption queue, as far as idle cash and feed rounds allow. */
export async function settleQueue(
  provider: Provider,
  vault: string,
  signer: Signer,
  options: SendOptions = {},
): Promise<Chore | null> {
  const contract = HedgeVault__factory.connect(vault, provider).connect(signer);
  const [pending, cash] = await Promise.all([contract.pendingShares(), contract.cash()]);
  if (pending === 0n || cash === 0n) return null;
  // Refused while the head waits for newer feed rounds, or the spread is too wide.
  const expected = await contract.settle.staticCall(MAX_SETTLED).catch(nullIfRefused);
  if (expected === null || expected.shares === 0n) return null;
  await sendCall("settling", provider, signer, await contract.settle.populateTransaction(MAX_SETTLED), options);
  return `settled redemptions: ${expected.assets} asset units set aside for claims`;
}

/**
 * Pokes the vault when entry is closed because the share price left the anchor's band, or when a fee's period is over. The
 * anchor moves by its band at most in one call, so after a crash it takes a call every few hours until entry is open again.
 */
export async function followPrice(
  provider: Provider,
  vault: string,
  signer: Signer,
  options: SendOptions = {},
): Promise<Chore | null> {
  const contract = HedgeVault__factory.connect(vault, provider).connect(signer);
  const [sharePrice, nav, { timestamp }, supply, positionsOpen] = await Promise.all([
    contract.sharePrice(),
    contract.nav().catch(nullIfRefused),
    newestBlock(provider),
    contract.totalSupply(),
    contract.positionsOpen(),
  ]);
  // Without a price nothing can be followed.
  if (nav === null) return null;
  const price = SharePrice__factory.connect(sharePrice, provider);
  const isOpen = async (): Promise<boolean> =>
    !positionsOpen || price.isOpen(vault, nav.low, nav.high, supply + VIRTUAL_SHARES);
  const [[, feePeriodEndsAt], wasOpen] = await Promise.all([price.markOf(vault), isOpen()]);
  const feePeriodOver = feePeriodEndsAt !== 0n && feePeriodEndsAt <= BigInt(timestamp);
  if (!feePeriodOver && wasOpen) return null;
  const feeShares = await contract.poke.staticCall().catch(nullIfRefused);
  if (feeShares === null) return null;
  await sendCall("poking", provider, signer, await contract.poke.populateTransaction(), options);
  const entry = (await isOpen()) ? "entry is open" : "entry stays closed until it is near enough";
  return `followed the share price, ${entry}; a fee of ${feeShares} share units`;
}

/** Null for what the contract itself says no to; what a node does not answer is no reason to leave a chore undone. */
function nullIfRefused(error: unknown): null {
  if (isContractsAnswer(error)) return null;
  throw error;
}
