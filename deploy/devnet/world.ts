import { Contract, parseUnits } from "ethers";
import type { Deployment } from "../../src/plan/deployment.ts";
import type { History } from "../../src/market/history.ts";
import { dayNumber, startOfDay } from "../../src/market/calendar.ts";
import { toFeedUnits } from "../../src/market/units.ts";
import { DevToken__factory, HedgeVault__factory } from "../../typechain-types/index.js";
import { memoryJournal } from "../journal.ts";
import { DEFAULT_POLICY } from "../parameters.ts";
import type { DeployParameters, PolicyParameters } from "../parameters.ts";
import { deployVault } from "../vault.ts";
import { startLocalChain } from "./chain.ts";
import type { LocalChain } from "./chain.ts";
import { deployCurie } from "./curie.ts";
import type { Curie } from "./curie.ts";
import { deployFeeds, sessionClosures } from "./feeds.ts";
import type { Feeds } from "./feeds.ts";
import { localGuard, setGuards } from "./guard.ts";
import { deploySafe } from "./safe.ts";
import type { SafeDeployment } from "./safe.ts";
import { deployUniswap } from "./uniswap.ts";
import type { Uniswap } from "./uniswap.ts";

/**
 * When the local chain starts, in seconds since 1970-01-01: at the window's first midnight. The last seed session's day is
 * over then, which the regime oracle asks for, and bringing the venues up takes half an hour of the chain's time.
 */
export function localStart(history: History): number {
  return startOfDay(history.from);
}

/** One vault of the local chain: its contracts, its Safe, and who holds its shares. */
export interface LocalVault {
  name: string;
  deployment: Deployment;
  safe: SafeDeployment;
}

/** Everything on the local chain. */
export interface World {
  chain: LocalChain;
  history: History;
  asset: Contract;
  base: Contract;
  feeds: Feeds;
  uniswap: Uniswap;
  curie: Curie;
  vaults: LocalVault[];
}

export interface VaultOptions {
  name: string;
  policy: PolicyParameters;
  /** Whole USDC the depositor puts in. */
  deposit: number;
  /** Whether its Safe has the review guard; default: not. */
  guard?: boolean;
}

export interface WorldOptions {
  history: History;
  vaults?: VaultOptions[];
  /** A chain that is already there (the JSON-RPC node's); default: a new one in this process. */
  chain?: LocalChain;
}

/**
 * Outside liquidity at the pool, in whole USDC: a million moves the price by 0.1 to 0.3 % within a factor of eight of where
 * it opened. An assumption, not a measurement of any pool, and the report says so: a thinner pool stops more plans at the
 * price gate and makes every swap dearer.
 */
const OUTSIDE_VALUE = 1_600_000_000;

/** Whole USDC in each vault of the demo. */
export const DEFAULT_DEPOSIT = 5_000_000;

/** The one vault there is when none is asked for. */
export const DEFAULT_VAULT: VaultOptions = { name: "hedged", policy: DEFAULT_POLICY, deposit: DEFAULT_DEPOSIT };

/**
 * Brings everything up: tokens, feeds seeded with 250 past sessions, Uniswap v3, Curie, and for each vault a 2-of-3 Safe
 * and all of Ballast's contracts, with a deposit. The venues and the Safe are the published bytecode. A few seconds.
 */
export async function bringUp(options: WorldOptions): Promise<World> {
  const { history } = options;
  const chain = options.chain ?? (await startLocalChain(localStart(history)));
  const price = history.days[0]?.eth.open ?? 0;
  const [asset, base] = [await token(chain, "USD Coin", "USDC", 6), await token(chain, "Wrapped Ether", "WETH", 18)];
  const feeds = await deployFeeds(chain, history);
  const uniswap = await deployUniswap(chain, { asset, base, price, outsideValue: OUTSIDE_VALUE });
  const curie = await deployCurie(chain, { asset, baseFeed: feeds.ethUsd, price });
  const world: World = { chain, history, asset, base, feeds, uniswap, curie, vaults: [] };
  for (const vault of options.vaults ?? [DEFAULT_VAULT]) {
    world.vaults.push(await addVault(world, vault));
  }
  return world;
}

async function token(chain: LocalChain, name: string, symbol: string, decimals: number): Promise<Contract> {
  return chain.deploy({ abi: DevToken__factory.abi, bytecode: DevToken__factory.bytecode }, [name, symbol, decimals]);
}

async function addVault(world: World, options: VaultOptions): Promise<LocalVault> {
  const { chain, asset, history } = world;
  const first = world.vaults[0];
  // One Safe a vault, as each DAO has its own: their nonces do not wait for each other.
  const safe = await deploySafe(chain, { saltNonce: BigInt(world.vaults.length + 1) });
  const deployment = await deployVault(
    { signer: await chain.signer("deployer"), journal: memoryJournal() },
    await localParameters(world, safe.safe, options.policy, options.guard),
    first === undefined
      ? { closures: sessionClosures(history), closes: history.seedSessions.map(closeOf) }
      : { sharedRegimeOracle: first.deployment.regimeOracle },
  );
  const amount = parseUnits(String(options.deposit), 6);
  const depositor = chain.address("depositor");
  await chain.send("depositor", await asset.getFunction("mint").populateTransaction(depositor, amount));
  await chain.send("depositor", await asset.getFunction("approve").populateTransaction(deployment.vault, amount));
  const vault = HedgeVault__factory.connect(deployment.vault, chain.provider);
  await chain.send("depositor", await vault.deposit.populateTransaction(amount, depositor));
  if (options.guard === true) await setGuards(chain, deployment);
  return { name: options.name, deployment, safe };
}

function closeOf({ date, vix, vix3m }: History["seedSessions"][number]): { day: number; vix: bigint; vix3m: bigint } {
  return { day: dayNumber(date), vix: toFeedUnits(vix), vix3m: toFeedUnits(vix3m) };
}

/** The parameters of a vault on the local chain: what a network file holds for a real one. */
export async function localParameters(
  world: World,
  safe: string,
  policy: PolicyParameters,
  guard = false,
): Promise<DeployParameters> {
  const { asset, base, feeds, uniswap, curie, chain } = world;
  const address = async (contract: Contract): Promise<string> => contract.getAddress();
  return {
    network: "local",
    chainId: BigInt(await chain.request<string>("eth_chainId")).toString(),
    safe,
    asset: await address(asset),
    base: await address(base),
    feeds: {
      // Chainlink's ETH/USD: one hour and 0.5 %; USDC/USD: a day and 0.25 %. The replay's feed moves every few hours.
      base: { feed: await address(feeds.ethUsd), maxAge: 6 * 3_600, deviationBps: 50 },
      asset: { feed: await address(feeds.usdcUsd), maxAge: 26 * 3_600, deviationBps: 25 },
      vix: await address(feeds.vix),
      vix3m: await address(feeds.vix3m),
      sequencer: null,
      sequencerGrace: 0,
    },
    regime: { graceSeconds: 12 * 3_600, liftBps: 2_000 },
    vault: { name: "Ballast USDC/ETH", symbol: "bUSDC", maxSpreadBps: 300, minRequest: (10n ** 18n).toString() },
    sharePrice: { bandBps: 500, bpsPerHour: 100, feeBps: 0, hurdleBpsPerYear: 1_000, recipient: null },
    policy,
    rebalancer: {
      plans: { capacityBps: 300, reserveBps: 100, drainBpsPerDay: 25 },
      keeper: { capacityBps: 150, reserveBps: 75, drainBpsPerDay: 10 },
      nearLiquidationBps: 80_000,
    },
    uniswap: {
      positionManager: await address(uniswap.positionManager),
      fee: uniswap.fee,
      gateBps: 100,
      unwindCostBps: 10,
      capAssets: parseUnits("1000000000", 6).toString(),
      capBps: 8_000,
    },
    curie: {
      clearingHouse: await address(curie.clearingHouse),
      baseToken: await address(curie.baseToken),
      gateBps: 200,
      unwindCostBps: 15,
      capAssets: parseUnits("1000000000", 6).toString(),
      capBps: 6_000,
    },
    access: { parameterDelay: 2 * 86_400, adminDelay: 3 * 86_400, keeper: chain.address("keeper"), guardian: null },
    ...(guard ? { guard: localGuard(chain) } : {}),
  };
}
