import { Contract } from "ethers";
import type { Provider } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import type { Evidence, FeedRound, PolicyBands, PolicyTargets } from "../plan/evidence.ts";
import { RULES, RULESET_HASH } from "../plan/ruleset.ts";
import { REGIME_NAMES } from "../regime/ruleMachine.ts";
import {
  CurieAdapter__factory,
  HedgePolicy__factory,
  IAggregatorV3__factory,
  PriceOracle__factory,
  RegimeOracle__factory,
  UniswapV3Adapter__factory,
  VaultLens__factory,
} from "../../typechain-types/index.js";
import type { IHedgePolicy } from "../../typechain-types/contracts/rebalance/HedgePolicy.js";
import type { IVaultLens } from "../../typechain-types/contracts/lens/VaultLens.js";
import { lastRoundOn } from "./rounds.ts";

const SECONDS_PER_DAY = 86_400;
/** More sessions than an oracle can have in forty years: one call returns them all. */
const ALL_SESSIONS = 10_000;

/** The node could not be reached or did not answer as a node does. Never read as "it did not happen". */
export class RpcUnavailable extends Error {
  /** A call was answered, but by no contract of ours: none is there, or not yet at that block, or the state is gone. */
  readonly answered: boolean;
  constructor(detail: string, cause?: unknown) {
    super(`the RPC did not answer (${detail}): check --rpc, the network, and that the node is synced, then run again`, {
      cause,
    });
    this.name = "RpcUnavailable";
    const code = (cause as { code?: unknown } | undefined)?.code;
    this.answered = code === "BAD_DATA" || code === "CALL_EXCEPTION";
  }
}

/** The RPC serves another chain than the deployment is on. */
export class WrongChain extends Error {
  constructor(expected: string, actual: string) {
    super(`the RPC serves chain ${actual}, the deployment is on chain ${expected}: point --rpc at chain ${expected}`);
    this.name = "WrongChain";
  }
}

/** What the chain shows at one block: the evidence for a decision, and the lens's own numbers beside it. */
export interface Observation {
  evidence: Evidence;
  snapshot: IVaultLens.SnapshotStructOutput;
}

/** A feed is stale or answers nonsense, so that nothing can be valued. `data` is the oracle's own revert. */
export class FeedsUnusable extends Error {
  readonly data: string;
  constructor(reason: string, data: string) {
    super(`no price: ${reason}; nothing is proposed until the feed answers again`);
    this.name = "FeedsUnusable";
    this.data = data;
  }
}

/**
 * Reads everything a decision needs at one block: first the chain and the block, then all reads at once (one JSON-RPC batch), then the
 * closes of the volatility feeds. Throws RpcUnavailable, WrongChain or FeedsUnusable.
 */
export async function observe(
  provider: Provider,
  deployment: Deployment,
  at: { blockNumber?: number; scope?: Evidence["scope"] } = {},
): Promise<Observation> {
  const network = await rpc(provider.getNetwork());
  // Before anything else: another chain has other contracts, or none, at these addresses.
  if (network.chainId.toString() !== deployment.chainId) {
    throw new WrongChain(deployment.chainId, network.chainId.toString());
  }
  const block = await rpc(provider.getBlock(at.blockNumber ?? "latest"));
  if (block?.hash == null) throw new RpcUnavailable(`block ${at.blockNumber ?? "latest"} does not exist`);
  const blockTag = block.number;
  const { lens, oracle, policy, liquidity, perp, prices } = connect(provider, deployment);

  const [snapshot, sessions, calm, elevated, stress, pool, base, asset, costBps, vix, vix3m] = await rpc(
    Promise.all([
      lens.snapshot({ blockTag }),
      sessionsOf(provider, deployment.regimeOracle, blockTag),
      regimePolicy(policy, 0, blockTag),
      regimePolicy(policy, 1, blockTag),
      regimePolicy(policy, 2, blockTag),
      liquidity.pool({ blockTag }),
      liquidity.base({ blockTag }),
      liquidity.asset({ blockTag }),
      perp.unwindCostBps({ blockTag }),
      oracle.vixFeed({ blockTag }),
      oracle.vix3mFeed({ blockTag }),
    ]),
  );
  if (snapshot.unread.length > 0) throw new VenueUnreadable([...snapshot.unread]);
  if (!snapshot.priced) throw new FeedsUnusable(decodePriceError(snapshot.priceError), snapshot.priceError);
  const lastDay = sessions.at(-1)?.[0] ?? 0;

  const [tickSpacing, baseDecimals, assetDecimals, baseFeed, assetFeed, vixRound, vix3mRound] = await rpc(
    Promise.all([
      numberOf(provider, pool, "tickSpacing", "int24", blockTag),
      numberOf(provider, base, "decimals", "uint8", blockTag),
      numberOf(provider, asset, "decimals", "uint8", blockTag),
      prices.baseFeed({ blockTag }).then((feed) => roundOf(provider, feed, snapshot.reading.baseRound, blockTag)),
      prices.assetFeed({ blockTag }).then((feed) => roundOf(provider, feed, snapshot.reading.assetRound, blockTag)),
      closeOf(provider, vix, lastDay, blockTag),
      closeOf(provider, vix3m, lastDay, blockTag),
    ]),
  );
  const liquidityAccount = snapshot.liquidity.find((account) => account.adapter === deployment.liquidityAdapter);
  const perpAccount = snapshot.perps.find((account) => account.adapter === deployment.perpAdapter);
  if (liquidityAccount === undefined || perpAccount === undefined) {
    throw new AdaptersDiffer(deployment.vault);
  }
  // The slot follows from the block, so that nobody can decide a day with another day's inputs.
  const slotStart = block.timestamp - (block.timestamp % RULES.slotSeconds);
  const evidence: Evidence = {
    format: "ballast-evidence/1",
    ruleset: { name: RULES.name, version: RULES.version, hash: RULESET_HASH },
    chainId: deployment.chainId,
    slot: { start: slotStart, seconds: RULES.slotSeconds },
    scope: at.scope ?? "full",
    contracts: {
      safe: deployment.safe,
      lens: deployment.lens,
      vault: snapshot.vault,
      rebalancer: snapshot.rebalancer,
      policy: snapshot.policy,
      regimeOracle: snapshot.regimeOracle,
      priceOracle: snapshot.priceOracle,
    },
    block: { source: "CHAIN", number: block.number, hash: block.hash, timestamp: block.timestamp },
    feeds: { base: baseFeed, asset: assetFeed, vix: vixRound, vix3m: vix3mRound },
    regime: {
      source: "CHAIN",
      regime: REGIME_NAMES[Number(snapshot.regime.regime)] ?? "Unknown",
      staleAfter: Number(snapshot.regime.staleAfter),
      liftPending: snapshot.regime.liftPending,
      sessions,
    },
    policy: { source: "CHAIN", Calm: calm, Elevated: elevated, Stress: stress },
    vault: {
      source: "CHAIN",
      baseDecimals,
      assetDecimals,
      cash: snapshot.cash.toString(),
      totalSupply: snapshot.totalSupply.toString(),
      pendingShares: snapshot.pendingShares.toString(),
    },
    liquidity: {
      source: "CHAIN",
      adapter: liquidityAccount.adapter,
      baseIsToken0: BigInt(base) < BigInt(asset),
      tickSpacing,
      tickLower: Number(liquidityAccount.position.tickLower),
      tickUpper: Number(liquidityAccount.position.tickUpper),
      liquidity: liquidityAccount.position.liquidity.toString(),
      feesBase: liquidityAccount.position.feesBase.toString(),
      feesAsset: liquidityAccount.position.feesAsset.toString(),
      idleBase: liquidityAccount.position.idleBase.toString(),
    },
    perp: {
      source: "CHAIN",
      adapter: perpAccount.adapter,
      costBps: Number(costBps),
      size: perpAccount.position.size.toString(),
      openNotional: perpAccount.position.openNotional.toString(),
      collateral: perpAccount.position.collateral.toString(),
      pendingFunding: perpAccount.position.pendingFunding.toString(),
    },
  };
  return { evidence, snapshot };
}

/** A venue's own views revert, so that nothing can be decided about what it holds. */
export class VenueUnreadable extends Error {
  constructor(adapters: string[]) {
    super(
      `no answer from ${adapters.join(", ")}: the venue behind it reverts; nothing is proposed until it answers, ` +
        "and redemptions past their deadline can be forced meanwhile",
    );
    this.name = "VenueUnreadable";
  }
}

/** The vault has other adapters than the deployment file names. */
export class AdaptersDiffer extends Error {
  constructor(vault: string) {
    super(`vault ${vault} does not have the deployment file's adapters: use the file of this vault's deployment`);
    this.name = "AdaptersDiffer";
  }
}

function connect(provider: Provider, d: Deployment) {
  return {
    lens: VaultLens__factory.connect(d.lens, provider),
    oracle: RegimeOracle__factory.connect(d.regimeOracle, provider),
    policy: HedgePolicy__factory.connect(d.policy, provider),
    liquidity: UniswapV3Adapter__factory.connect(d.liquidityAdapter, provider),
    perp: CurieAdapter__factory.connect(d.perpAdapter, provider),
    prices: PriceOracle__factory.connect(d.priceOracle, provider),
  };
}

const regimeInterface = RegimeOracle__factory.createInterface();
/** A session as the ABI encodes it: day, VIX, VIX3M, lifted, level, streak, a word each. */
const WORDS_PER_SESSION = 6;

/**
 * Every session of the oracle. Decoded by hand: hundreds of structs take a general decoder far longer than the node
 * takes to answer, and a keeper reads them at every tick.
 */
async function sessionsOf(
  provider: Provider,
  oracle: string,
  blockTag: number,
): Promise<Evidence["regime"]["sessions"]> {
  const data = regimeInterface.encodeFunctionData("sessions", [0, ALL_SESSIONS]);
  const answer = await provider.call({ to: oracle, data, blockTag });
  const word = (index: number): bigint => BigInt(`0x${answer.slice(2 + index * 64, 66 + index * 64)}`);
  const count = Number(word(1));
  return Array.from({ length: count }, (_, index) => {
    const at = 2 + index * WORDS_PER_SESSION;
    return [Number(word(at)), word(at + 1).toString(), word(at + 2).toString(), word(at + 3) === 1n];
  });
}

async function regimePolicy(
  policy: ReturnType<typeof connect>["policy"],
  regime: number,
  blockTag: number,
): Promise<{ bands: PolicyBands; targets: PolicyTargets }> {
  const [bands, targets] = await Promise.all([
    policy.bands(regime, { blockTag }),
    policy.targets(regime, { blockTag }),
  ]);
  return { bands: bandsOf(bands), targets: targetsOf(targets) };
}

function bandsOf(b: IHedgePolicy.BandsStructOutput): PolicyBands {
  return {
    netDeltaMinBps: Number(b.netDeltaMinBps),
    netDeltaMaxBps: Number(b.netDeltaMaxBps),
    grossMaxBps: Number(b.grossMaxBps),
    leverageMaxBps: Number(b.leverageMaxBps),
    liquidityMaxBps: Number(b.liquidityMaxBps),
    concentrationMaxBps: Number(b.concentrationMaxBps),
    cashMinBps: Number(b.cashMinBps),
    lossMaxBps: Number(b.lossMaxBps),
  };
}

function targetsOf(t: IHedgePolicy.TargetsStructOutput): PolicyTargets {
  return {
    liquidityBps: Number(t.liquidityBps),
    hedgeRatioBps: Number(t.hedgeRatioBps),
    halfWidthTicks: Number(t.halfWidthTicks),
    marginBps: Number(t.marginBps),
    riskAversionBps: Number(t.riskAversionBps),
  };
}

async function roundOf(provider: Provider, feed: string, round: bigint, blockTag: number): Promise<FeedRound> {
  const aggregator = IAggregatorV3__factory.connect(feed, provider);
  const [data, decimals] = await Promise.all([
    aggregator.getRoundData(round, { blockTag }),
    aggregator.decimals({ blockTag }),
  ]);
  return {
    source: "CHAIN",
    address: feed,
    round: round.toString(),
    answer: data.answer.toString(),
    updatedAt: Number(data.updatedAt),
    decimals: Number(decimals),
  };
}

/** The close of a session's day: its last round. */
async function closeOf(provider: Provider, feed: string, day: number, blockTag: number): Promise<FeedRound> {
  const round = await lastRoundOn(provider, feed, (day + 1) * SECONDS_PER_DAY - 1, blockTag);
  return roundOf(provider, feed, round, blockTag);
}

async function numberOf(
  provider: Provider,
  address: string,
  name: string,
  type: string,
  blockTag: number,
): Promise<number> {
  const contract = new Contract(address, [`function ${name}() view returns (${type})`], provider);
  return Number(await contract.getFunction(name).staticCall({ blockTag }));
}

const priceErrors = PriceOracle__factory.createInterface();

/** The price oracle's revert in words. */
export function decodePriceError(data: string): string {
  const error = priceErrors.parseError(data);
  return error === null ? `unknown revert ${data.slice(0, 10)}` : `${error.name}(${error.args.map(String).join(", ")})`;
}

/** Lets errors of our own through and names everything else RpcUnavailable. */
export async function rpc<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
    // Errors of ethers and of the system carry a code; ours have a name of their own and none.
    if (name !== "Error" && (error as { code?: unknown }).code === undefined) throw error;
    throw new RpcUnavailable(message.split("\n")[0]?.slice(0, 160) ?? name, error);
  }
}
