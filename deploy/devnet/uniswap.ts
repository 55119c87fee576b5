import { Contract, MaxUint256, parseUnits } from "ethers";
import type { LocalChain } from "./chain.ts";
import { npmArtifact } from "./chain.ts";
import type { PairShape } from "../../src/hedge/liquidity.ts";
import { liquidityForValue, pairAmounts, priceToSqrtPriceX96 } from "../../src/hedge/liquidity.ts";
import { MAX_TICK, nearestUsableTick, tickAtSqrtRatio } from "../../src/hedge/ticks.ts";

/** The pool's fee in hundredths of a basis point: 0.05 %, where most ETH volume trades. */
export const POOL_FEE = 500;
/** Tick spacing that goes with the 0.05 % fee. */
export const TICK_SPACING = 10;

/** Observations the pool keeps: enough for half an hour of blocks. */
const OBSERVATIONS = 200;

/**
 * Where outside liquidity sits: a share of the total value in a range of price × / ÷ `factor` (null: every price). Live
 * makers follow the price; these stand still, so most of it is wide: wherever a replay takes the price, there is depth.
 */
const OUTSIDE_LIQUIDITY: readonly { share: number; factor: number | null }[] = [
  { share: 0.4, factor: null },
  { share: 0.35, factor: 8 },
  { share: 0.2, factor: 1.6 },
  { share: 0.05, factor: 1.15 },
];

/** Uniswap v3 on the local chain: the venue's own bytecode, one pool, outside liquidity. */
export interface Uniswap {
  factory: Contract;
  positionManager: Contract;
  router: Contract;
  pool: Contract;
  fee: number;
  tickSpacing: number;
  pair: PairShape;
  /** NFTs of the outside liquidity, held by the account "maker". */
  makerPositions: bigint[];
}

export interface UniswapParameters {
  /** A DevToken: the vault's asset. */
  asset: Contract;
  /** A DevToken: the base token. */
  base: Contract;
  /** Whole asset tokens per whole base token. */
  price: number;
  /** Value of the outside liquidity in whole asset tokens. */
  outsideValue?: number;
}

/** Deploys factory, position manager, router and one 0.05 % pool at a price, and fills it with outside liquidity. */
export async function deployUniswap(chain: LocalChain, parameters: UniswapParameters): Promise<Uniswap> {
  const { asset, base, price, outsideValue = 200_000_000 } = parameters;
  const [assetAddress, baseAddress] = [await asset.getAddress(), await base.getAddress()];
  const pair: PairShape = {
    baseDecimals: Number(await base.getFunction("decimals")()),
    assetDecimals: Number(await asset.getFunction("decimals")()),
    baseIsToken0: BigInt(baseAddress) < BigInt(assetAddress),
  };
  const [token0, token1] = pair.baseIsToken0 ? [baseAddress, assetAddress] : [assetAddress, baseAddress];
  const priceWad = parseUnits(price.toFixed(9), 18);
  const sqrtPriceX96 = priceToSqrtPriceX96(priceWad, pair);

  const factory = await chain.deploy(npmArtifact(`${CORE}/UniswapV3Factory.sol/UniswapV3Factory.json`));
  // The wrapped-native and descriptor slots stay unused: the pair is two ERC-20 tokens and no page draws the NFT.
  const positionManager = await chain.deploy(
    npmArtifact(`${PERIPHERY}/NonfungiblePositionManager.sol/NonfungiblePositionManager.json`),
    [await factory.getAddress(), baseAddress, baseAddress],
  );
  const router = await chain.deploy(npmArtifact(`${PERIPHERY}/SwapRouter.sol/SwapRouter.json`), [
    await factory.getAddress(),
    baseAddress,
  ]);
  await chain.send(
    "deployer",
    await positionManager
      .getFunction("createAndInitializePoolIfNecessary")
      .populateTransaction(token0, token1, POOL_FEE, sqrtPriceX96),
  );
  const poolAddress = (await factory.getFunction("getPool")(token0, token1, POOL_FEE)) as string;
  const pool = new Contract(
    poolAddress,
    npmArtifact(`${CORE}/UniswapV3Pool.sol/UniswapV3Pool.json`).abi,
    chain.provider,
  );
  await chain.send(
    "deployer",
    await pool.getFunction("increaseObservationCardinalityNext").populateTransaction(OBSERVATIONS),
  );

  const uniswap: Uniswap = {
    factory,
    positionManager,
    router,
    pool,
    fee: POOL_FEE,
    tickSpacing: TICK_SPACING,
    pair,
    makerPositions: [],
  };
  await approveManager(chain, uniswap, asset, base);
  for (const { share, factor } of OUTSIDE_LIQUIDITY) {
    const range = factor === null ? fullRange() : rangeAround(sqrtPriceX96, factor);
    const value = parseUnits((outsideValue * share).toFixed(pair.assetDecimals), pair.assetDecimals);
    uniswap.makerPositions.push(await mintOutside(chain, uniswap, { asset, base }, range, value, priceWad));
  }
  return uniswap;
}

const CORE = "@uniswap/v3-core/artifacts/contracts";
const PERIPHERY = "@uniswap/v3-periphery/artifacts/contracts";

interface Range {
  tickLower: number;
  tickUpper: number;
}

function fullRange(): Range {
  const bound = nearestUsableTick(MAX_TICK, TICK_SPACING);
  return { tickLower: -bound, tickUpper: bound };
}

function rangeAround(sqrtPriceX96: bigint, factor: number): Range {
  const centre = tickAtSqrtRatio(sqrtPriceX96);
  const half = Math.log(factor) / Math.log(1.0001);
  return {
    tickLower: nearestUsableTick(centre - half, TICK_SPACING),
    tickUpper: nearestUsableTick(centre + half, TICK_SPACING),
  };
}

async function approveManager(chain: LocalChain, uniswap: Uniswap, asset: Contract, base: Contract): Promise<void> {
  for (const token of [asset, base]) {
    const spender = await uniswap.positionManager.getAddress();
    await chain.send("maker", await token.getFunction("approve").populateTransaction(spender, MaxUint256));
  }
}

/** Mints a position worth `value` at the pool's starting price from fresh tokens; returns its id. */
async function mintOutside(
  chain: LocalChain,
  uniswap: Uniswap,
  tokens: { asset: Contract; base: Contract },
  range: Range,
  value: bigint,
  price: bigint,
): Promise<bigint> {
  const { pair, positionManager, fee } = uniswap;
  const maker = chain.address("maker");
  const liquidity = liquidityForValue(value, price, range, pair);
  const amounts = pairAmounts(priceToSqrtPriceX96(price, pair), { ...range, liquidity }, pair, "up");
  await chain.send("maker", await tokens.base.getFunction("mint").populateTransaction(maker, amounts.base));
  await chain.send("maker", await tokens.asset.getFunction("mint").populateTransaction(maker, amounts.asset));
  const [baseAddress, assetAddress] = [await tokens.base.getAddress(), await tokens.asset.getAddress()];
  const mined = await chain.send(
    "maker",
    await positionManager.getFunction("mint").populateTransaction({
      token0: pair.baseIsToken0 ? baseAddress : assetAddress,
      token1: pair.baseIsToken0 ? assetAddress : baseAddress,
      fee,
      ...range,
      amount0Desired: pair.baseIsToken0 ? amounts.base : amounts.asset,
      amount1Desired: pair.baseIsToken0 ? amounts.asset : amounts.base,
      amount0Min: 0n,
      amount1Min: 0n,
      recipient: maker,
      deadline: MaxUint256,
    }),
  );
  const { topicHash } = positionManager.getEvent("IncreaseLiquidity").fragment;
  return BigInt(mined.logs.find((log) => log.topics[0] === topicHash)!.topics[1]!);
}
