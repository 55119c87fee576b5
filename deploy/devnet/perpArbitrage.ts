import type { Contract } from "ethers";
import { priceToSqrtPriceX96 } from "../../src/hedge/liquidity.ts";
import { sqrtRatioAtTick, tickAtSqrtRatio } from "../../src/hedge/ticks.ts";
import { PerpArbitrageur__factory } from "../../typechain-types/index.js";
import type { LocalChain } from "./chain.ts";
import type { Curie } from "./curie.ts";
import { VIRTUAL_PAIR, call } from "./curie.ts";

/** Ticks moved in one trade: within the venue's 1,000 a block. */
const TICKS_A_TRADE = 900;
/** Seconds after which the venue measures a further move from the price reached. */
const PRICE_LIMIT_SECONDS = 15;
/** sqrt(1.0001)^(1/2) less one, scaled by 1e18: from the square-root price at a tick's lower edge to its middle. */
const HALF_TICK_WAD = 24_999_062_554_683n;
const WAD = 10n ** 18n;
/** The most that the correction of past rounding may add to a day's funding rate: one tick. */
const MAX_CORRECTION = 1e-4;

/** An arbitrageur at work in one market, with what rounding to whole ticks still owes the funding it replays. */
export interface PerpArbitrage {
  arbitrageur: Contract;
  curie: Curie;
  /** Asset units of free collateral below which the arbitrageur prints more. */
  minimumFree: bigint;
  /** The last step: when, what premium was asked for, and what premium the tick reached gives. */
  last: { time: number; asked: number; given: number } | null;
  /** Premium asked for less premium given, times seconds, so far. */
  carried: number;
}

/** What one step came to. */
export interface PerpStep {
  /** The venue's index, scaled by 1e18. */
  index: bigint;
  /** The tick the mark was brought to. */
  tick: number;
  transactions: number;
}

/** Deploys an arbitrageur (run by the account "market") for Curie's market. */
export async function deployPerpArbitrage(chain: LocalChain, curie: Curie): Promise<PerpArbitrage> {
  const arbitrageur = await chain.deploy(
    PerpArbitrageur__factory,
    [curie.clearingHouse.target, curie.baseToken.target, curie.priceFeed.target],
    "market",
  );
  const liquidity = (await curie.pool.getFunction("liquidity")()) as bigint;
  const { sqrtPriceX96 } = (await curie.pool.getFunction("slot0")()) as unknown as { sqrtPriceX96: bigint };
  // L·sqrt(price), in asset units, is what a move of the price by a factor of four would trade: margin for any step.
  const minimumFree = (liquidity * sqrtPriceX96) / 2n ** 96n / 10n ** 12n;
  return { arbitrageur, curie, minimumFree, last: null, carried: 0 };
}

/**
 * Brings the mark to the venue's index × (1 + `dailyFunding`), in one transaction per 900 ticks (9 %). Call it right
 * after pushing the feed: it trades in the second of the latest block, so that the time before that second is charged at
 * the old premium.
 *
 * Curie charges (mark TWAP − index TWAP) per day, so this premium *is* the daily funding rate: positive is paid by longs
 * to shorts. Its TWAP reads whole ticks (one basis point), coarse beside a rate of three; what rounding owes is carried
 * into the next step, so that the sum over time is right to about a basis point.
 *
 * More than one transaction (a jump beyond 9 %) moves the clock on by 15 s each. Steps must be 15 s apart, unless small.
 *
 * @param dailyFunding Funding rate per day, as a fraction (0.0003 = 0.03 %), signed.
 */
export async function replayPerpStep(
  chain: LocalChain,
  arbitrage: PerpArbitrage,
  dailyFunding: number,
): Promise<PerpStep> {
  const { curie } = arbitrage;
  const index = (await curie.baseToken.getFunction("getIndexPrice")(0)) as bigint;
  const time = await chain.now();
  const wanted = dailyFunding + correction(arbitrage, time);
  const target = nearestTick(scale(index, wanted));

  let transactions = 0;
  let tick = await currentTick(curie);
  do {
    if (transactions > 0) await chain.warpTo((await chain.now()) + PRICE_LIMIT_SECONDS);
    tick += Math.max(-TICKS_A_TRADE, Math.min(TICKS_A_TRADE, target - tick));
    await chain.request("evm_setNextBlockTimestamp", [await chain.now()]);
    await call(chain, "market", arbitrage.arbitrageur, "align", [middleOfTick(tick), arbitrage.minimumFree]);
    transactions += 1;
  } while (tick !== target);

  const given = Number(sqrtRatioAtTick(target)) ** 2 / Number(priceToSqrtPriceX96(index, VIRTUAL_PAIR)) ** 2 - 1;
  arbitrage.last = { time, asked: dailyFunding, given };
  return { index, tick: target, transactions };
}

/** Books what the interval since the last step owes, and returns the part of it to be made good by this one. */
function correction(arbitrage: PerpArbitrage, time: number): number {
  const { last } = arbitrage;
  if (last === null || time <= last.time) return 0;
  const seconds = time - last.time;
  arbitrage.carried += (last.asked - last.given) * seconds;
  return Math.max(-MAX_CORRECTION, Math.min(MAX_CORRECTION, arbitrage.carried / seconds));
}

function scale(price: bigint, premium: number): bigint {
  return price + (price * BigInt(Math.round(premium * 1e12))) / 10n ** 12n;
}

async function currentTick(curie: Curie): Promise<number> {
  const { tick } = (await curie.pool.getFunction("slot0")()) as unknown as { tick: bigint };
  return Number(tick);
}

/** The tick whose lower edge, which is what a time-weighted price reads, is nearest to a price. */
function nearestTick(price: bigint): number {
  return tickAtSqrtRatio(halfTickUp(priceToSqrtPriceX96(price, VIRTUAL_PAIR)));
}

/** In the middle, small trades of others leave the tick where it is. */
function middleOfTick(tick: number): bigint {
  return halfTickUp(sqrtRatioAtTick(tick));
}

function halfTickUp(sqrtPriceX96: bigint): bigint {
  return (sqrtPriceX96 * (WAD + HALF_TICK_WAD)) / WAD;
}
