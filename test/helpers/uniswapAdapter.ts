import { MaxUint256, parseUnits } from "ethers";
import type { Contract, Interface } from "ethers";
import type { AccountName, LocalChain, Mined } from "../../deploy/devnet/chain.ts";
import { startLocalChain } from "../../deploy/devnet/chain.ts";
import { deployPoolTrader } from "../../deploy/devnet/poolTrader.ts";
import type { Uniswap } from "../../deploy/devnet/uniswap.ts";
import { deployUniswap } from "../../deploy/devnet/uniswap.ts";
import type { CashBox, PoolTrader, UniswapV3Adapter } from "../../typechain-types/index.js";
import { AccessManager__factory, CashBox__factory, UniswapV3Adapter__factory } from "../../typechain-types/index.js";
import { deployTokens } from "./tokens.ts";

export const PRICE = parseUnits("2000", 18);
export const GATE_BPS = 100n;
export const UNWIND_COST_BPS = 20n;
/** Cash the test vault starts with. */
export const CASH = parseUnits("1000000", 6);

/** An adapter between a real pool and a vault's cash side, with a market around it. */
export interface AdapterFixture {
  chain: LocalChain;
  asset: Contract;
  base: Contract;
  uniswap: Uniswap;
  trader: PoolTrader;
  cashBox: CashBox;
  adapter: UniswapV3Adapter;
}

export async function adapterFixture(baseFirst: boolean): Promise<AdapterFixture> {
  const chain = await startLocalChain(1_600_000_000);
  const tokens = await deployTokens(chain, baseFirst);
  const uniswap = await deployUniswap(chain, { ...tokens, price: 2000 });
  const trader = await deployPoolTrader(chain, uniswap, tokens);
  const authority = await chain.deploy(AccessManager__factory, [chain.address("deployer")]);
  const box = await chain.deploy(CashBox__factory, [await tokens.asset.getAddress()]);
  const cashBox = CashBox__factory.connect(await box.getAddress(), chain.provider);
  await chain.send(
    "deployer",
    await tokens.asset.getFunction("mint").populateTransaction(await box.getAddress(), CASH),
  );
  await chain.send("deployer", await cashBox.fill.populateTransaction());
  const adapter = await chain.deploy(UniswapV3Adapter__factory, [
    await authority.getAddress(),
    await box.getAddress(),
    await tokens.base.getAddress(),
    await uniswap.positionManager.getAddress(),
    uniswap.fee,
    GATE_BPS,
    UNWIND_COST_BPS,
  ]);
  return {
    chain,
    ...tokens,
    uniswap,
    trader,
    cashBox,
    adapter: UniswapV3Adapter__factory.connect(await adapter.getAddress(), chain.provider),
  };
}

/** A two-sided price half a per cent either side of `mid`. */
export function twoSided(mid: bigint): { low: bigint; mid: bigint; high: bigint } {
  return { low: (mid * 995n) / 1000n, mid, high: (mid * 1005n) / 1000n };
}

/** Calls setLiquidity from the deployer, who administers the AccessManager. */
export async function setLiquidity(
  fixture: AdapterFixture,
  range: { tickLower: number; tickUpper: number },
  value: bigint,
  mid: bigint = PRICE,
): Promise<Mined> {
  const { chain, adapter } = fixture;
  return chain.send(
    "deployer",
    await adapter.setLiquidity.populateTransaction(range.tickLower, range.tickUpper, value, twoSided(mid)),
  );
}

/** Adds liquidity to any position, as anyone may. */
export async function donateLiquidity(fixture: AdapterFixture, tokenId: bigint, value: bigint): Promise<void> {
  const { chain, asset, base, uniswap } = fixture;
  const donor: AccountName = "attacker";
  const manager = await uniswap.positionManager.getAddress();
  for (const token of [asset, base]) {
    await chain.send(donor, await token.getFunction("mint").populateTransaction(chain.address(donor), 10n ** 30n));
    await chain.send(donor, await token.getFunction("approve").populateTransaction(manager, MaxUint256));
  }
  const baseDesired = (value * 10n ** 30n) / PRICE;
  await chain.send(
    donor,
    await uniswap.positionManager.getFunction("increaseLiquidity").populateTransaction({
      tokenId,
      amount0Desired: uniswap.pair.baseIsToken0 ? baseDesired : value,
      amount1Desired: uniswap.pair.baseIsToken0 ? value : baseDesired,
      amount0Min: 0n,
      amount1Min: 0n,
      deadline: MaxUint256,
    }),
  );
}

/** Events of one name that a contract emitted in a transaction. */
export function eventsOf(mined: Mined, address: string, contract: Interface, name: string): Record<string, unknown>[] {
  const topic = contract.getEvent(name)!.topicHash;
  return mined.logs
    .filter((log) => log.address.toLowerCase() === address.toLowerCase() && log.topics[0] === topic)
    .map((log) => contract.parseLog(log)!.args.toObject());
}
