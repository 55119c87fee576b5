import { isHeld, readReview, reviewGuardOf } from "../../src/keeper/review.ts";
import type { Outlet } from "../../src/keeper/outlets.ts";
import { doChores } from "../../src/keeper/chores.ts";
import { tick } from "../../src/keeper/tick.ts";
import { CONTRACT_ERRORS } from "../../src/keeper/contractErrors.ts";
import { pricePath } from "../../src/demo/pricePath.ts";
import { startOfDay } from "../../src/market/calendar.ts";
import { cutHistory } from "../../src/market/history.ts";
import type { MarketDay } from "../../src/market/history.ts";
import { syntheticHistory, SYNTHETIC_CRASH } from "../../src/market/synthetic.ts";
import { SafeReverted } from "../../src/safe/errors.ts";
import { executeSafeTx } from "../../src/safe/execute.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { CLOSE_SECONDS } from "./feeds.ts";
import { beatAssetFeed, closeSession, moveMarket, SETTLE_SECONDS, tradeNoise } from "./market.ts";
import type { Market } from "./market.ts";
import { serveDevnet } from "./serve.ts";
import type { DevnetNode } from "./serve.ts";

/** The story begins two and a half weeks before the crash: calm, then Elevated, then Stress, each with its proposals. */
const STORY_FROM = "2030-02-25";
/** Seconds after midnight at which the keeper ticks. */
const TICK_SECOND = 300;
/** How many evenings after the crash the keeper may find nothing to propose, at most. */
const MOST_QUIET_DAYS = 10;

/** A devnet that has lived through a crash. */
export interface Story {
  node: DevnetNode;
  /** Every proposal so far, oldest first; the last one waits for its signatures, announced and reviewed. */
  packets: Packet[];
}

export interface StoryOptions {
  port: number;
  /** Last day to live through; default: that of the crash. */
  until?: string;
  report?: (line: string) => void;
}

/** The keeper proposed nothing in all the days it was given. */
export class NothingProposed extends Error {
  constructor(day: string) {
    super(`the devnet's story has no proposal by ${day}: another seed or scenario is needed; report it as a defect`);
    this.name = "NothingProposed";
  }
}

/**
 * Brings a devnet up with a review guard and lives through the synthetic scenario until its crash: each evening the keeper
 * does its chores and proposes, its call is announced and two owners sign, and the morning after it is executed. Then goes on
 * to the next proposal, which it leaves to whoever opens the page.
 */
export async function startStory({
  port,
  until = SYNTHETIC_CRASH,
  report = () => undefined,
}: StoryOptions): Promise<Story> {
  const whole = syntheticHistory(1);
  const history = cutHistory(whole, STORY_FROM, whole.to);
  const node = await serveDevnet({ history, port, guard: true });
  const packets: Packet[] = [];
  let signed: Packet | null = null;
  let quiet = 0;
  for (const day of history.days) {
    await liveThrough(node, day, signed);
    signed = null;
    await node.market.world.chain.warpTo(startOfDay(day.date) + 86_400 + TICK_SECOND);
    const packet = await proposeIn(node);
    report(
      `${day.date}: ETH ${day.eth.close}${day.session === null ? "" : `, VIX ${day.session.vix}`}${packet === null ? "" : ", a proposal"}`,
    );
    if (packet !== null) packets.push(packet);
    if (day.date >= until) {
      if (packet !== null) {
        await passWindow(node, day.eth.close);
        return { node, packets };
      }
      if (quiet++ === MOST_QUIET_DAYS) throw new NothingProposed(day.date);
    }
    if (packet !== null) signed = await signByTwo(node, packet);
  }
  throw new NothingProposed(history.to);
}

/** A day of the market; what was signed the evening before is executed after its first move. */
async function liveThrough({ market }: DevnetNode, day: MarketDay, signed: Packet | null): Promise<void> {
  const { chain } = market.world;
  const midnight = startOfDay(day.date);
  const path = pricePath(day.eth);
  let closed = day.session === null;
  for (const [step, { secondOfDay, price }] of path.entries()) {
    if (!closed && day.session !== null && secondOfDay > CLOSE_SECONDS) {
      await closeSession(market, midnight + CLOSE_SECONDS, day.session);
      closed = true;
    }
    await moveMarket(market, Math.max(midnight + secondOfDay, (await chain.now()) + 1), price, day.fundingRate);
    if (step === 0) {
      await beatAssetFeed(market);
      if (signed !== null) await executeOrLeave(market, signed);
    }
    if (step === path.length >> 1) await tradeNoise(market, day, price);
  }
}

/** A plan the chain no longer takes costs nothing: the next evening brings another. */
async function executeOrLeave({ world: { chain } }: Market, packet: Packet): Promise<void> {
  const { provider } = chain;
  const request = { provider, signer: chain.wallet("executor"), packet, interfaces: CONTRACT_ERRORS };
  await executeSafeTx(request).catch((error: unknown) => {
    if (!(error instanceof SafeReverted)) throw error;
  });
}

/** The keeper's evening: chores, then a proposal, announced. Null when it proposes nothing. */
export async function proposeIn({ market, deployment }: DevnetNode): Promise<Packet | null> {
  const { chain } = market.world;
  const keeper = chain.wallet("keeper");
  await doChores(chain.provider, deployment, keeper);
  const { code, packet } = await tick({ provider: chain.provider, deployment, outlet: NO_OUTLET });
  if (code !== "PROPOSED" || packet === null) return null;
  const guard = await reviewGuardOf(chain.provider, packet.safe);
  if (guard !== null && isHeld(await readReview(chain.provider, packet.safe, packet.safeTx))) {
    const { to, value, data } = packet.safeTx;
    await chain.send("keeper", await guard.announce.populateTransaction(to, value, data));
  }
  return packet;
}

/** Nothing is out before the evening: what ran has used its nonce, what did not is replaced. */
const NO_OUTLET: Outlet = {
  found: () => Promise.resolve([]),
  nextNonce: (_safe, chainNonce) => Promise.resolve(chainNonce),
  propose: () => Promise.resolve([]),
};

async function signByTwo({ market }: DevnetNode, packet: Packet): Promise<Packet> {
  const { chain } = market.world;
  const { provider } = chain;
  const once = await signPacket(packet, chain.wallet("owner1"), { provider });
  return signPacket(once, chain.wallet("owner2"), { provider });
}

/** Lets the last proposal's window pass at the same price, so that a newcomer does not have to wait for it. */
async function passWindow({ market, deployment, parameters }: DevnetNode, price: number): Promise<void> {
  const { chain } = market.world;
  const wait = parameters.guard?.planWindow ?? 0;
  await moveMarket(market, (await chain.now()) + Math.max(wait, SETTLE_SECONDS) + 1, price, 0);
  await beatAssetFeed(market);
  await doChores(chain.provider, deployment, chain.wallet("keeper"));
}
