import type { Contract } from "ethers";
import type { PoolTrader } from "../../typechain-types/index.js";
import { PoolTrader__factory } from "../../typechain-types/index.js";
import type { LocalChain, Mined } from "./chain.ts";
import type { Uniswap } from "./uniswap.ts";

/** Deploys the rest of the market for a pool. */
export async function deployPoolTrader(
  chain: LocalChain,
  uniswap: Uniswap,
  tokens: { asset: Contract; base: Contract },
): Promise<PoolTrader> {
  const artifact = { abi: PoolTrader__factory.abi, bytecode: PoolTrader__factory.bytecode };
  const trader = await chain.deploy(artifact, [
    await uniswap.pool.getAddress(),
    await tokens.base.getAddress(),
    await tokens.asset.getAddress(),
    uniswap.fee,
  ]);
  return PoolTrader__factory.connect(await trader.getAddress(), chain.provider);
}

/** Arbitrageurs bring the pool to within its fee of an index price (whole asset per whole base, scaled by 1e18). */
export async function arbitrage(chain: LocalChain, trader: PoolTrader, index: bigint): Promise<Mined> {
  return chain.send("market", await trader.arbitrage.populateTransaction(index));
}

/** Pushes the pool's price all the way to a price (scaled by 1e18), as a manipulator would. */
export async function movePool(chain: LocalChain, trader: PoolTrader, price: bigint): Promise<Mined> {
  return chain.send("attacker", await trader.moveTo.populateTransaction(price));
}

/** Noise traders buy and sell back `volume` asset units in all, in `trips` round trips. */
export async function noiseFlow(chain: LocalChain, trader: PoolTrader, volume: bigint, trips: number): Promise<Mined> {
  return chain.send("market", await trader.flow.populateTransaction(volume, trips));
}

export interface NoiseParameters {
  /** Volatility of the base token over one day, as a decimal (0.04 = 4 %). */
  dailyVolatility: number;
  /** Median of the same over the history replayed. */
  medianDailyVolatility: number;
  /** Fee income / loss-versus-rebalancing at median volatility (ρ). */
  feeToLvr: number;
  /** Liquidity in range now, in whole tokens (wholeLiquidity of src/hedge/liquidity.ts). */
  activeLiquidity: number;
  /** Whole asset per whole base. */
  price: number;
  /** The pool's fee in hundredths of a basis point. */
  fee: number;
  /** Days the volume is for. */
  days: number;
  /** Fees already earned in that time, from arbitrageurs say, in whole asset tokens; 0 by default. */
  earnedFees?: number;
}

/**
 * Volume of noise trades, in whole asset tokens, both directions together, that lets the active liquidity earn what is
 * ASSUMED of it. Loss-versus-rebalancing is L·√P·σ²/4 a day in asset (Milionis et al., concentrated form). Fee income is
 * assumed to be c·L·√P·σ^1.3, because volume grows more slowly than variance, with c such that at median volatility it is
 * ρ × loss-versus-rebalancing: c = ρ·σ_m^0.7 / 4. Volume is fee income / fee rate. Never negative.
 */
export function noiseVolume(parameters: NoiseParameters): number {
  const { dailyVolatility, medianDailyVolatility, feeToLvr, activeLiquidity, price, fee, days } = parameters;
  const perDay =
    (feeToLvr * medianDailyVolatility ** 0.7 * dailyVolatility ** 1.3 * activeLiquidity * Math.sqrt(price)) / 4;
  const missing = Math.max(0, perDay * days - (parameters.earnedFees ?? 0));
  // Whole tokens: powers may differ in their last bit between engines, and a volume needs no cents.
  return Math.round(missing / (fee / 1e6));
}
