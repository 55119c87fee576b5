import type { Contract, ContractTransaction } from "ethers";
import { parseEther, parseUnits } from "ethers";
import type { LocalChain, Mined } from "../../deploy/devnet/chain.ts";
import { startLocalChain } from "../../deploy/devnet/chain.ts";
import type { Curie } from "../../deploy/devnet/curie.ts";
import { VIRTUAL_PAIR, call, deployCurie } from "../../deploy/devnet/curie.ts";
import type { PerpArbitrage, PerpStep } from "../../deploy/devnet/perpArbitrage.ts";
import { deployPerpArbitrage, replayPerpStep } from "../../deploy/devnet/perpArbitrage.ts";
import { priceToSqrtPriceX96 } from "../../src/hedge/liquidity.ts";
import type { CashBox, CurieAdapter } from "../../typechain-types/index.js";
import {
  AccessManager__factory,
  CashBox__factory,
  CurieAdapter__factory,
  DevToken__factory,
  ReplayFeed__factory,
} from "../../typechain-types/index.js";

export const OPENING_PRICE = 2_000;
/** Cash the box starts with. */
export const CASH = parseUnits("5000000", 6);
export const GATE_BPS = 100n;
export const UNWIND_COST_BPS = 30n;
/** Half-width of the oracle's price in these tests: a common deviation threshold. */
const HALF_WIDTH_BPS = 50n;

export interface Price {
  low: bigint;
  mid: bigint;
  high: bigint;
}

/** One Curie market, an adapter on it, and a box of cash behind the adapter. */
export interface CurieFixture {
  chain: LocalChain;
  asset: Contract;
  feed: Contract;
  curie: Curie;
  arbitrage: PerpArbitrage;
  box: CashBox;
  adapter: CurieAdapter;
}

export async function curieFixture(): Promise<CurieFixture> {
  const chain = await startLocalChain(1_600_000_000);
  const asset = await chain.deploy(DevToken__factory, ["USD Coin", "USDC", 6]);
  const feed = await chain.deploy(ReplayFeed__factory, ["ETH / USD", 8]);
  await call(chain, "deployer", feed, "push", [BigInt(OPENING_PRICE) * 10n ** 8n]);
  const curie = await deployCurie(chain, { asset, baseFeed: feed, price: OPENING_PRICE });
  const arbitrage = await deployPerpArbitrage(chain, curie);
  await replayPerpStep(chain, arbitrage, 0);

  const manager = await chain.deploy(AccessManager__factory, [chain.address("deployer")]);
  const box = await chain.deploy(CashBox__factory, [asset.target]);
  const adapter = await chain.deploy(CurieAdapter__factory, [
    manager.target,
    box.target,
    curie.clearingHouse.target,
    curie.baseToken.target,
    GATE_BPS,
    UNWIND_COST_BPS,
  ]);
  await call(chain, "deployer", asset, "mint", [box.target, CASH]);
  await call(chain, "deployer", box, "fill");
  return {
    chain,
    asset,
    feed,
    curie,
    arbitrage,
    box: CashBox__factory.connect(box.target as string, chain.provider),
    adapter: CurieAdapter__factory.connect(adapter.target as string, chain.provider),
  };
}

/** A price in whole dollars with the oracle's uncertainty around it. */
export function priceOf(dollars: number): Price {
  const mid = parseEther(dollars.toFixed(8));
  const half = (mid * HALF_WIDTH_BPS) / 10_000n;
  return { low: mid - half, mid, high: mid + half };
}

export const ether = (amount: number): bigint => parseEther(amount.toFixed(9));
export const usdc = (amount: number): bigint => parseUnits(amount.toFixed(6), 6);

/** Mines the next block in the second of the latest, so that no funding accrues for the time a test takes to run. */
export async function holdClock(chain: LocalChain): Promise<void> {
  await chain.request("evm_setNextBlockTimestamp", [await chain.now()]);
}

export async function setPosition(f: CurieFixture, size: bigint, equity: bigint, price: Price): Promise<Mined> {
  const tx: ContractTransaction = await f.adapter.setPosition.populateTransaction(size, equity, price);
  await holdClock(f.chain);
  return f.chain.send("deployer", tx);
}

/** Lets time pass, pushes the index and lets the market follow with a premium. */
export async function replay(f: CurieFixture, seconds: number, dollars: number, dailyFunding = 0): Promise<PerpStep> {
  await f.chain.warpTo((await f.chain.now()) + seconds);
  await holdClock(f.chain);
  await call(f.chain, "deployer", f.feed, "push", [BigInt(Math.round(dollars * 1e8))]);
  return replayPerpStep(f.chain, f.arbitrage, dailyFunding);
}

/** The account value Curie itself computes, in asset units. */
export async function venueValue(f: CurieFixture): Promise<bigint> {
  const value = (await f.curie.clearingHouse.getFunction("getAccountValue")(f.adapter.target)) as bigint;
  return value / 10n ** 12n;
}

/** What Curie's accounts say of the adapter's position, read without it. */
export async function venueSize(f: CurieFixture): Promise<bigint> {
  return (await f.curie.accountBalance.getFunction("getTakerPositionSize")(
    f.adapter.target,
    f.curie.baseToken.target,
  )) as bigint;
}

/** Brings the pool to a price whatever the index says, and then lets time pass. */
export async function manipulate(f: CurieFixture, dollars: number, seconds: number): Promise<void> {
  await holdClock(f.chain);
  await call(f.chain, "market", f.arbitrage.arbitrageur, "align", [
    priceToSqrtPriceX96(parseEther(dollars.toFixed(8)), VIRTUAL_PAIR),
    f.arbitrage.minimumFree,
  ]);
  if (seconds > 0) await f.chain.warpTo((await f.chain.now()) + seconds);
}

/** Prints asset units into a development account and deposits them at Curie for someone else. */
export async function depositFor(f: CurieFixture, account: string, amount: bigint): Promise<void> {
  const { chain, asset, curie } = f;
  await holdClock(chain);
  await call(chain, "attacker", asset, "mint", [chain.address("attacker"), amount]);
  await holdClock(chain);
  await call(chain, "attacker", asset, "approve", [curie.vault.target, amount]);
  await holdClock(chain);
  await call(chain, "attacker", curie.vault, "depositFor", [account, asset.target, amount]);
}
