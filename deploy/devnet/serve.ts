import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { JsonRpcProvider, Network } from "ethers";
import type { Eip1193Provider } from "ethers";
import type { Deployment } from "../../src/plan/deployment.ts";
import { pricePath } from "../../src/demo/pricePath.ts";
import { advanceRegime } from "../../src/keeper/advance.ts";
import { startOfDay } from "../../src/market/calendar.ts";
import type { History } from "../../src/market/history.ts";
import { FEED_DECIMALS } from "../../src/market/units.ts";
import { DEFAULT_POLICY } from "../parameters.ts";
import type { DeployParameters } from "../parameters.ts";
import { ACCOUNTS, LOCAL_CHAIN_ID, LocalChain } from "./chain.ts";
import type { AccountName } from "./chain.ts";
import { CLOSE_SECONDS } from "./feeds.ts";
import { SETTLE_SECONDS, beatAssetFeed, closeSession, moveMarket, openMarket, tradeNoise } from "./market.ts";
import type { Market } from "./market.ts";
import { bringUp, DEFAULT_VAULT, localStart, localParameters } from "./world.ts";

/** While nothing else moves, the price feeds are pushed again this often (real seconds), so that they never go stale. */
const HEARTBEAT_SECONDS = 1_800;

/** The local chain behind a port. */
export interface DevnetNode {
  url: string;
  deployment: Deployment;
  /** What a vault like it is deployed with: `ballast deploy` takes it as a parameters file. */
  parameters: DeployParameters;
  addresses: Record<string, string | undefined>;
  accounts: { name: string; address: string; privateKey: string }[];
  /** The rest of the market, for those who move it themselves. */
  market: Market;
  /** Keeps the market alive until the process is stopped: day after day, or standing still. */
  live(daySeconds: number | null, report: (line: string) => void): Promise<never>;
  /** Takes no more requests, and frees the port. */
  stop(): Promise<void>;
}

/** The port is taken, or the node does not come up. */
export class DevnetNotServed extends Error {
  constructor(port: number, detail: string) {
    super(`no node on 127.0.0.1:${port}: ${detail}; choose another --port, or stop what listens there`);
    this.name = "DevnetNotServed";
  }
}

export interface DevnetOptions {
  history: History;
  port: number;
  /** Whether the vault's Safe has the review guard; default: not. */
  guard?: boolean;
}

/** Starts Hardhat's node on 127.0.0.1 and brings everything up on it through its own JSON-RPC port. */
export async function serveDevnet(options: DevnetOptions): Promise<DevnetNode> {
  const { history, port, guard = false } = options;
  await requireFreePort(port);
  const { network } = await import("hardhat");
  const start = localStart(history);
  const server = await network.createServer(
    { network: "devnet", override: { initialDate: new Date(start * 1000) } },
    "127.0.0.1",
    port,
  );
  await server.listen();
  const url = `http://127.0.0.1:${port}`;
  const chainNetwork = Network.from(LOCAL_CHAIN_ID);
  const rpc = new JsonRpcProvider(url, chainNetwork, { staticNetwork: chainNetwork, cacheTimeout: -1 });
  const eip1193: Eip1193Provider = {
    request: ({ method, params }) => rpc.send(method, (params ?? []) as unknown[]),
  };
  const chain = new LocalChain(eip1193);
  const world = await bringUp({ history, chain, vaults: [{ ...DEFAULT_VAULT, guard }] });
  const market = await openMarket(world);
  const first = history.days[0];
  await moveMarket(market, (await chain.now()) + SETTLE_SECONDS, first?.eth.open ?? 0, 0);
  const vault = world.vaults[0];
  if (vault === undefined) throw new DevnetNotServed(port, "no vault was deployed");

  const {
    format: _format,
    network: _network,
    chainId: _chainId,
    atDeployment: _found,
    ...contracts
  } = vault.deployment;
  return {
    url,
    deployment: vault.deployment,
    parameters: await localParameters(world, vault.safe.safe, DEFAULT_POLICY, guard),
    addresses: {
      ...contracts,
      usdc: await world.asset.getAddress(),
      weth: await world.base.getAddress(),
      ethUsdFeed: await world.feeds.ethUsd.getAddress(),
      usdcUsdFeed: await world.feeds.usdcUsd.getAddress(),
      vixFeed: await world.feeds.vix.getAddress(),
      vix3mFeed: await world.feeds.vix3m.getAddress(),
      uniswapPool: await world.uniswap.pool.getAddress(),
      curieClearingHouse: await world.curie.clearingHouse.getAddress(),
    },
    accounts: (Object.keys(ACCOUNTS) as AccountName[]).map((account) => {
      const wallet = chain.wallet(account);
      return { name: account, address: wallet.address, privateKey: wallet.privateKey };
    }),
    market,
    live: (daySeconds, report) => live(market, vault.deployment, daySeconds, report),
    async stop() {
      rpc.destroy();
      await server.close();
    },
  };
}

/** Hardhat's server answers a taken port with an error event nobody can catch, so the port is tried before. */
function requireFreePort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error) => reject(new DevnetNotServed(port, error.message)));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}

/** Where the market stands: it may have been moved since it was opened. */
async function lastPrice({ world }: Market): Promise<number> {
  const round = (await world.feeds.ethUsd.getFunction("latestRoundData").staticCall()) as unknown as [bigint, bigint];
  return Number(round[1]) / 10 ** FEED_DECIMALS;
}

async function live(
  market: Market,
  deployment: Deployment,
  daySeconds: number | null,
  report: (line: string) => void,
): Promise<never> {
  const { history, chain } = market.world;
  let price = await lastPrice(market);
  if (daySeconds !== null) {
    for (const day of history.days) {
      const path = pricePath(day.eth);
      for (const [step, { secondOfDay, price: next }] of path.entries()) {
        const time = Math.max(startOfDay(day.date) + secondOfDay, (await chain.now()) + 1);
        await moveMarket(market, time, next, day.fundingRate);
        if (step === 0) await beatAssetFeed(market);
        if (step === path.length >> 1) await tradeNoise(market, day, next);
        await sleep((daySeconds * 1000) / path.length);
        price = next;
      }
      if (day.session !== null) {
        const close = Math.max(startOfDay(day.date) + CLOSE_SECONDS, (await chain.now()) + 1);
        await closeSession(market, close, day.session);
      }
      await chain.warpTo(Math.max(startOfDay(day.date) + 86_400 + 1, (await chain.now()) + 1));
      await advanceRegime(chain.provider, deployment.regimeOracle, chain.wallet("keeper"));
      report(`${day.date}: ETH ${day.eth.close}${day.session === null ? "" : `, VIX ${day.session.vix}`}`);
    }
    report("the history is over; prices stand still from here");
  }
  for (;;) {
    await sleep(HEARTBEAT_SECONDS * 1000);
    await moveMarket(market, (await chain.now()) + 1, price, 0);
    await beatAssetFeed(market);
  }
}
