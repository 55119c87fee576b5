import type { Provider, Signer } from "ethers";
import { HedgeVault__factory, IAggregatorV3__factory, RegimeOracle__factory } from "../../typechain-types/index.js";
import type { Deployment } from "../plan/deployment.ts";
import { advanceRegime } from "./advance.ts";

const DAY_SECONDS = 86_400n;
/** Rounds of the base feed looked back at for a lift, at most: a day of rounds five minutes apart. */
const MAX_ROUNDS_BACK = 288;
/** Requests settled by one call, at most. */
const MAX_SETTLED = 16n;
const BPS = 10_000n;

/** What was done that anyone may do, one line each. */
export type Chore = string;

/**
 * What the contracts leave to anyone, done by the keeper so that nobody waits for it: take in session closes, lift the
 * regime after a large move of the base asset, settle redemptions that cash can pay. Each is tried without sending first.
 */
export async function doChores(provider: Provider, deployment: Deployment, signer: Signer): Promise<Chore[]> {
  const taken = await advanceRegime(provider, deployment.regimeOracle, signer);
  const done = taken.map((day) => `took in the close of ${new Date(day * 86_400_000).toISOString().slice(0, 10)}`);
  const lifted = await liftRegime(provider, deployment.regimeOracle, signer);
  if (lifted !== null) done.push(lifted);
  const settled = await settleQueue(provider, deployment.vault, signer);
  if (settled !== null) done.push(settled);
  return done;
}

/** Lifts the regime to Stress when the base asset moved beyond the limit within the day before its newest round. */
export async function liftRegime(provider: Provider, regimeOracle: string, signer: Signer): Promise<Chore | null> {
  const oracle = RegimeOracle__factory.connect(regimeOracle, provider);
  const [limitBps, feedAddress] = await Promise.all([oracle.liftBps(), oracle.baseFeed()]);
  const feed = IAggregatorV3__factory.connect(feedAddress, provider);
  const newest = await feed.latestRoundData();
  let round = newest.roundId;
  for (let back = 0; back < MAX_ROUNDS_BACK && round > 1n; back++) {
    round -= 1n;
    // Rounds of a feed's earlier phase, or none: nothing older can be shown.
    const older = await feed.getRoundData(round).catch(() => null);
    if (older === null || older.updatedAt === 0n || newest.updatedAt - older.updatedAt > DAY_SECONDS) return null;
    const move = newest.answer > older.answer ? newest.answer - older.answer : older.answer - newest.answer;
    if (older.answer <= 0n || (move * BPS) / older.answer <= limitBps) continue;
    // Refused when a close has overtaken the move, or the regime was lifted for it already.
    const allowed = await oracle
      .connect(signer)
      .lift.staticCall(round, newest.roundId)
      .then(
        () => true,
        () => false,
      );
    if (!allowed) return null;
    await (await oracle.connect(signer).lift(round, newest.roundId)).wait();
    return `lifted the regime to Stress: the base asset moved ${(move * BPS) / older.answer} bps within a day`;
  }
  return null;
}

/** Settles the head of the redemption queue, as far as idle cash and feed rounds allow. */
export async function settleQueue(provider: Provider, vault: string, signer: Signer): Promise<Chore | null> {
  const contract = HedgeVault__factory.connect(vault, provider).connect(signer);
  const [pending, cash] = await Promise.all([contract.pendingShares(), contract.cash()]);
  if (pending === 0n || cash === 0n) return null;
  // Refused while the head waits for newer feed rounds, or the spread is too wide.
  const expected = await contract.settle.staticCall(MAX_SETTLED).catch(() => null);
  if (expected === null || expected.shares === 0n) return null;
  await (await contract.settle(MAX_SETTLED)).wait();
  return `settled redemptions: ${expected.assets} asset units set aside for claims`;
}
