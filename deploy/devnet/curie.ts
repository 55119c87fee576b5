import { Contract, MaxUint256, parseUnits } from "ethers";
import type { PairShape } from "../../src/hedge/liquidity.ts";
import { priceToSqrtPriceX96 } from "../../src/hedge/liquidity.ts";
import type { AccountName, Artifact, LocalChain, Mined } from "./chain.ts";
import { npmArtifact } from "./chain.ts";

/** The venue's fee on every trade: 0.1 %, in millionths. */
export const EXCHANGE_FEE_RATIO = 1_000;
/** Fee tier of the virtual Uniswap pool; Curie charges its own ratio instead, so this only names the pool. */
const POOL_FEE = 3_000;
/** Tick spacing that goes with the pool's fee tier. */
const TICK_SPACING = 60;
/** A tenth of the fees goes to the insurance fund, in millionths. */
const INSURANCE_FUND_FEE_RATIO = 100_000;
/** The most Curie allows (about 10 %): a replayed step of 6 % must fit into one trade. */
const MAX_TICK_CROSSED_WITHIN_BLOCK = 1_000;
/** Mark may leave the index by 20 % (in millionths): twice the largest step, so that a crash never stops trading. */
const MAX_PRICE_SPREAD_RATIO = 200_000;
/** Seconds of the index's time-weighted price, as on Optimism. */
const INDEX_TWAP_SECONDS = 900;
/** Seconds after which the venue would prefer its fall-back feed; none is set here. */
const FEED_TIMEOUT_SECONDS = 2_400;
/** The mark looks back half an hour; the pool must be older than that before the first reading. */
const WARM_UP_SECONDS = 1_860;
/** Observations the pool keeps: half an hour at one trade per 4 s. 500 cost 11 M gas, inside one transaction's cap. */
const OBSERVATIONS = 500;
/** The maker's range: price × / ÷ this factor. */
const MAKER_RANGE_FACTOR = 10;
/** The maker's collateral in multiples of its depth: it stays solvent at either end of its range, whatever it loses. */
const MAKER_COLLATERAL_RATIO = 10n;

/** The pool trades virtual tokens of 18 decimals, the base token first. */
export const VIRTUAL_PAIR: PairShape = { baseDecimals: 18, assetDecimals: 18, baseIsToken0: true };

/** Curie on the local chain: the venue's own bytecode, one ETH market. */
export interface Curie {
  /** Chainlink-style feed wrapper that caches the time-weighted index; `update()` pokes it. */
  priceFeed: Contract;
  baseToken: Contract;
  quoteToken: Contract;
  marketRegistry: Contract;
  orderBook: Contract;
  accountBalance: Contract;
  exchange: Contract;
  insuranceFund: Contract;
  /** Curie's collateral vault, not ours. */
  vault: Contract;
  clearingHouse: Contract;
  clearingHouseConfig: Contract;
  /** The virtual Uniswap v3 pool whose price is the mark. */
  pool: Contract;
  /** The settlement token. */
  asset: Contract;
}

export interface CurieParameters {
  /** A DevToken with 6 decimals: the settlement token. */
  asset: Contract;
  /** AggregatorV3 feed of the base token, 8 decimals, already holding a round near `price`. */
  baseFeed: Contract;
  /** Whole asset tokens per whole base token: where the market opens. */
  price: number;
  /**
   * Whole quote tokens the maker puts on each side of the price. A taker's trade of N moves the mark by about 1.4·N/depth
   * (range × / ÷ 10): with the default, one million moves it by 3 basis points.
   */
  depth?: number;
}

const VENUE = "@perp/curie-contract/artifacts/contracts";
const ORACLE = "@perp/perp-oracle-contract/artifacts/contracts";
const UNISWAP = "@uniswap/v3-core/artifacts/contracts";

/**
 * Deploys the whole of Curie, opens its ETH market at a price and fills it with the account "maker"'s liquidity. Takes
 * about half a second, and moves the chain's clock on by 31 minutes (`WARM_UP_SECONDS`): start the chain that much earlier.
 */
export async function deployCurie(chain: LocalChain, parameters: CurieParameters): Promise<Curie> {
  const contracts = await deployContracts(chain, parameters);
  await connect(chain, contracts);
  const curie = await openMarket(chain, contracts, parameters.price);
  await addMakerLiquidity(chain, curie, parameters.price, parameters.depth ?? 5_000_000_000);
  return curie;
}

/** Sends one call of a contract's method, by name, from a development account. */
export function call(
  chain: LocalChain,
  from: AccountName,
  contract: Contract,
  method: string,
  args: unknown[] = [],
): Promise<Mined> {
  return chain.send(from, {
    to: contract.target as string,
    data: contract.interface.encodeFunctionData(method, args),
  });
}

interface Contracts extends Omit<Curie, "pool"> {
  factory: Contract;
  collateralManager: Contract;
}

function venueArtifact(name: string): Artifact {
  return npmArtifact(`${VENUE}/${name}.sol/${name}.json`);
}

/** Deploys and initialises every contract, in the order their initialisers need each other. */
async function deployContracts(chain: LocalChain, { asset, baseFeed }: CurieParameters): Promise<Contracts> {
  const deploy = (name: string): Promise<Contract> => chain.deploy(venueArtifact(name));
  const initialize = async (contract: Contract, ...args: unknown[]): Promise<void> => {
    await call(chain, "deployer", contract, "initialize", args);
  };

  const priceFeed = await chain.deploy(npmArtifact(`${ORACLE}/ChainlinkPriceFeedV3.sol/ChainlinkPriceFeedV3.json`), [
    baseFeed.target,
    FEED_TIMEOUT_SECONDS,
    INDEX_TWAP_SECONDS,
  ]);
  const dispatcher = await chain.deploy(npmArtifact(`${ORACLE}/PriceFeedDispatcher.sol/PriceFeedDispatcher.json`), [
    priceFeed.target,
  ]);
  const quoteToken = await deploy("QuoteToken");
  await initialize(quoteToken, "vUSD", "vUSD");
  const baseToken = await deployBelow(chain, "BaseToken", quoteToken);
  await initialize(baseToken, "vETH", "vETH", dispatcher.target);

  const factory = await chain.deploy(npmArtifact(`${UNISWAP}/UniswapV3Factory.sol/UniswapV3Factory.json`));
  const clearingHouseConfig = await deploy("ClearingHouseConfig");
  await initialize(clearingHouseConfig);
  const marketRegistry = await deploy("MarketRegistry");
  await initialize(marketRegistry, factory.target, quoteToken.target);
  const orderBook = await deploy("OrderBook");
  await initialize(orderBook, marketRegistry.target);
  const accountBalance = await deploy("AccountBalance");
  await initialize(accountBalance, clearingHouseConfig.target, orderBook.target);
  const exchange = await deploy("Exchange");
  await initialize(exchange, marketRegistry.target, orderBook.target, clearingHouseConfig.target);
  await call(chain, "deployer", orderBook, "setExchange", [exchange.target]);
  const insuranceFund = await deploy("InsuranceFund");
  await initialize(insuranceFund, asset.target);
  const vault = await deploy("Vault");
  await initialize(vault, insuranceFund.target, clearingHouseConfig.target, accountBalance.target, exchange.target);
  const collateralManager = await deploy("CollateralManager");
  // Maximum collateral tokens, buffers, liquidation ratio and discount, insurance fee, dust and whitelist caps: Curie's own
  // deployment values. Only the settlement token is collateral here, so none of them takes effect.
  const [dust, whitelistCap] = [parseUnits("10000", 6), parseUnits("500", 6)];
  await initialize(
    collateralManager,
    clearingHouseConfig.target,
    vault.target,
    5,
    750_000,
    500_000,
    2_000,
    30_000,
    dust,
    whitelistCap,
  );
  const clearingHouse = await deploy("ClearingHouse");
  // The clearing house asks the exchange for its order book and the vault for its decimals: both are initialised by now.
  await initialize(
    clearingHouse,
    clearingHouseConfig.target,
    vault.target,
    quoteToken.target,
    factory.target,
    exchange.target,
    accountBalance.target,
    insuranceFund.target,
  );
  return {
    priceFeed,
    baseToken,
    quoteToken,
    marketRegistry,
    orderBook,
    accountBalance,
    exchange,
    insuranceFund,
    vault,
    clearingHouse,
    clearingHouseConfig,
    asset,
    factory,
    collateralManager,
  };
}

/** Curie requires the base token's address to sort below the quote token's: deploys until it does (twice on average). */
async function deployBelow(chain: LocalChain, name: string, ceiling: Contract): Promise<Contract> {
  for (;;) {
    const contract = await chain.deploy(venueArtifact(name));
    if (BigInt(contract.target as string) < BigInt(ceiling.target as string)) return contract;
  }
}

/** Tells the contracts about each other and lifts the deposit cap. */
async function connect(chain: LocalChain, contracts: Contracts): Promise<void> {
  const { accountBalance, clearingHouse, clearingHouseConfig, exchange, insuranceFund, marketRegistry, vault } =
    contracts;
  const send = (contract: Contract, method: string, ...args: unknown[]): Promise<Mined> =>
    call(chain, "deployer", contract, method, args);
  await send(exchange, "setAccountBalance", accountBalance.target);
  await send(vault, "setCollateralManager", contracts.collateralManager.target);
  await send(insuranceFund, "setVault", vault.target);
  await send(accountBalance, "setVault", vault.target);
  await send(clearingHouseConfig, "setSettlementTokenBalanceCap", MaxUint256);
  for (const contract of [marketRegistry, contracts.orderBook, exchange, accountBalance, vault]) {
    await send(contract, "setClearingHouse", clearingHouse.target);
  }
}

/** Creates the virtual pool at a price, lists it, and waits until the mark's time-weighted prices have a past. */
async function openMarket(chain: LocalChain, contracts: Contracts, price: number): Promise<Curie> {
  const { baseToken, clearingHouse, exchange, marketRegistry, quoteToken, priceFeed } = contracts;
  const send = (contract: Contract, method: string, ...args: unknown[]): Promise<Mined> =>
    call(chain, "deployer", contract, method, args);

  await send(contracts.factory, "createPool", baseToken.target, quoteToken.target, POOL_FEE);
  const poolAddress = (await contracts.factory.getFunction("getPool")(
    baseToken.target,
    quoteToken.target,
    POOL_FEE,
  )) as string;
  const pool = new Contract(
    poolAddress,
    npmArtifact(`${UNISWAP}/UniswapV3Pool.sol/UniswapV3Pool.json`).abi,
    chain.provider,
  );
  for (const token of [baseToken, quoteToken]) {
    await send(token, "mintMaximumTo", clearingHouse.target);
    await send(token, "addWhitelist", clearingHouse.target);
    await send(token, "addWhitelist", poolAddress);
  }
  await send(pool, "initialize", priceToSqrtPriceX96(parseUnits(price.toFixed(9), 18), VIRTUAL_PAIR));
  await send(pool, "increaseObservationCardinalityNext", OBSERVATIONS);
  await send(marketRegistry, "addPool", baseToken.target, POOL_FEE);
  await send(marketRegistry, "setFeeRatio", baseToken.target, EXCHANGE_FEE_RATIO);
  await send(marketRegistry, "setInsuranceFundFeeRatio", baseToken.target, INSURANCE_FUND_FEE_RATIO);
  await send(marketRegistry, "setMarketMaxPriceSpreadRatio", baseToken.target, MAX_PRICE_SPREAD_RATIO);
  await send(exchange, "setMaxTickCrossedWithinBlock", baseToken.target, MAX_TICK_CROSSED_WITHIN_BLOCK);
  await send(priceFeed, "update");
  await chain.warpTo((await chain.now()) + WARM_UP_SECONDS);
  return { ...contracts, pool };
}

async function addMakerLiquidity(chain: LocalChain, curie: Curie, price: number, depth: number): Promise<void> {
  const { asset, baseToken, clearingHouse, vault } = curie;
  const collateral = parseUnits(depth.toFixed(0), 6) * MAKER_COLLATERAL_RATIO;
  await call(chain, "maker", asset, "mint", [chain.address("maker"), collateral]);
  await call(chain, "maker", asset, "approve", [vault.target, collateral]);
  await call(chain, "maker", vault, "deposit", [asset.target, collateral]);
  await call(chain, "maker", clearingHouse, "addLiquidity", [
    {
      baseToken: baseToken.target,
      base: parseUnits((depth / price).toFixed(9), 18),
      quote: parseUnits(depth.toFixed(9), 18),
      lowerTick: usableTickNear(price / MAKER_RANGE_FACTOR),
      upperTick: usableTickNear(price * MAKER_RANGE_FACTOR),
      minBase: 0n,
      minQuote: 0n,
      useTakerBalance: false,
      deadline: MaxUint256,
    },
  ]);
}

function usableTickNear(price: number): number {
  return Math.round(Math.log(price) / Math.log(1.0001) / TICK_SPACING) * TICK_SPACING;
}
