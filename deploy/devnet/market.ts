import { parseUnits } from "ethers";
import { wholeLiquidity } from "../../src/hedge/liquidity.ts";
import type { MarketDay } from "../../src/market/history.ts";
import type { PoolTrader } from "../../typechain-types/index.js";
import { pushAnswer } from "./feeds.ts";
import { deployPerpArbitrage, replayPerpStep } from "./perpArbitrage.ts";
import type { PerpArbitrage } from "./perpArbitrage.ts";
import { arbitrage, deployPoolTrader, noiseFlow, noiseVolume } from "./poolTrader.ts";
import type { World } from "./world.ts";

/** Fee income over loss-versus-rebalancing at median volatility: the assumption the report states. */
export const FEE_TO_LVR = 1;
/** Median daily volatility of ETH over 2017–2023 by the same EWMA (0.0439): where fee income equals loss-versus-rebalancing. */
export const MEDIAN_DAILY_VOLATILITY = 0.044;
const NOISE_TRIPS = 4;
/** The venue's own mark follows a move this many seconds later: steps are at least that far apart. */
export const SETTLE_SECONDS = 16;

/** The rest of the market on the local chain: it follows the index, and trades for reasons of its own. */
export interface Market {
  world: World;
  trader: PoolTrader;
  perps: PerpArbitrage;
}

export async function openMarket(world: World): Promise<Market> {
  const { chain, uniswap, curie, asset, base } = world;
  const market = {
    world,
    trader: await deployPoolTrader(chain, uniswap, { asset, base }),
    perps: await deployPerpArbitrage(chain, curie),
  };
  return market;
}

/** Moves the market to a price at a time: the feeds first, then arbitrageurs bring pool and mark after them. */
export async function moveMarket(market: Market, time: number, price: number, dailyFunding: number): Promise<void> {
  const { chain, feeds } = market.world;
  await chain.warpTo(time);
  await pushAnswer(chain, feeds.ethUsd, price);
  await replayPerpStep(chain, market.perps, dailyFunding);
  await arbitrage(chain, market.trader, parseUnits(price.toFixed(8), 18));
}

/** The asset's own feed has a heartbeat of a day, and nothing to say between. */
export async function beatAssetFeed(market: Market): Promise<void> {
  await pushAnswer(market.world.chain, market.world.feeds.usdcUsd, 1);
}

/** A day's worth of noise trades at the pool, for the volatility known the evening before. */
export async function tradeNoise(market: Market, day: MarketDay, price: number): Promise<void> {
  const { chain, uniswap } = market.world;
  const liquidity = (await uniswap.pool.getFunction("liquidity").staticCall()) as bigint;
  const volume = noiseVolume({
    dailyVolatility: day.ethVolatility,
    medianDailyVolatility: MEDIAN_DAILY_VOLATILITY,
    feeToLvr: FEE_TO_LVR,
    activeLiquidity: wholeLiquidity(liquidity, uniswap.pair),
    price,
    fee: uniswap.fee,
    days: 1,
  });
  if (volume > 0) await noiseFlow(chain, market.trader, parseUnits(String(volume), 6), NOISE_TRIPS);
}

/** Publishes a session's closes. */
export async function closeSession(
  market: Market,
  time: number,
  session: { vix: number; vix3m: number },
): Promise<void> {
  const { chain, feeds } = market.world;
  await chain.warpTo(time);
  await pushAnswer(chain, feeds.vix, session.vix);
  await pushAnswer(chain, feeds.vix3m, session.vix3m);
}
