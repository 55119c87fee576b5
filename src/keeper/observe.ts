import { Contract } from "ethers";
import type { Provider } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { EVIDENCE_FORMAT } from "../plan/evidence.ts";
import type { Evidence, FeedRound, PolicyBands, PolicyTargets } from "../plan/evidence.ts";
import { CODE_VERSION, IN_FORCE, RULES } from "../plan/ruleset.ts";
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
import { shortReason } from "./jsonRpc.ts";
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

/** Immutables of UniswapV3Adapter, CurieAdapter, PriceOracle and RegimeOracle. */
interface Immutables {
  pool: string;
  base: string;
  asset: string;
  costBps: number;
  baseFeed: string;
  assetFeed: string;
  vixFeed: string;
  vix3mFeed: string;
}

/** What stays for as long as a deployment: with the tick spacing, which a Uniswap v3 pool keeps. */
interface FixedFacts extends Immutables {
  tickSpacing: number;
}

/**
 * What need not be read again, kept by the caller from tick to tick, one for each source: what one node said is no word of
 * another's.
 */
export interface ObservationCache {
  /** By chain and contracts. */
  fixed: Map<string, FixedFacts>;
  /**
   * By feed, the round last found to be the close of a session's day. Only where to look first: each use reads it at the
   * observed block and proves it by the round after it, so that a re-org or a lie of the past cannot live on in here.
   */
  closes: Map<string, bigint>;
}

export function newObservationCache(): ObservationCache {
  return { fixed: new Map(), closes: new Map() };
}

/** A block known to be the chain's: not read again. */
export interface PinnedBlock {
  number: number;
  hash: string;
  /** Seconds since 1970-01-01 UTC. */
  timestamp: number;
}

export interface ObserveOptions {
  /** Default: the newest. */
  blockNumber?: number;
  /** In place of a number. */
  block?: PinnedBlock;
  scope?: Evidence["scope"];
  /** Default: this software's. */
  codeVersion?: string;
  /** Of this source; default: an empty one. */
  cache?: ObservationCache;
}

/**
 * Reads everything a decision needs at one block: the block unless it is given, then all reads at once (one JSON-RPC batch), then
 * the feeds' rounds, which the first batch names. With a cache that is three HTTP requests, two for a pinned block; without
 * one, and where a feed has many rounds since the last session, the closes take more. Throws RpcUnavailable, WrongChain,
 * FeedsUnusable, VenueUnreadable, AdaptersDiffer.
 */
export async function observe(
  provider: Provider,
  deployment: Deployment,
  at: ObserveOptions = {},
): Promise<Observation> {
  const cache = at.cache ?? newObservationCache();
  const network = await rpc(provider.getNetwork());
  // Before anything else: another chain has other contracts, or none, at these addresses.
  if (network.chainId.toString() !== deployment.chainId) {
    throw new WrongChain(deployment.chainId, network.chainId.toString());
  }
  const block = at.block ?? (await readBlock(provider, at.blockNumber ?? "latest"));
  const blockTag = block.number;
  const { lens, policy } = connect(provider, deployment);
  const key = fixedKey(deployment);
  const known = cache.fixed.get(key);

  const [snapshot, sessions, calm, elevated, stress, immutables] = await rpc(
    Promise.all([
      lens.snapshot({ blockTag }),
      sessionsOf(provider, deployment.regimeOracle, blockTag),
      regimePolicy(policy, 0, blockTag),
      regimePolicy(policy, 1, blockTag),
      regimePolicy(policy, 2, blockTag),
      known ?? immutablesOf(provider, deployment, blockTag),
    ]),
  );
  if (snapshot.unread.length > 0) throw new VenueUnreadable([...snapshot.unread]);
  if (!snapshot.priced) throw new FeedsUnusable(decodePriceError(snapshot.priceError), snapshot.priceError);
  const lastDay = sessions.at(-1)?.[0] ?? 0;

  const { pool, base, asset, baseFeed, assetFeed, vixFeed, vix3mFeed } = immutables;
  const [tickSpacing, baseDecimals, assetDecimals, baseRound, assetRound, vixRound, vix3mRound] = await rpc(
    Promise.all([
      known?.tickSpacing ?? numberOf(provider, pool, "tickSpacing", "int24", blockTag),
      numberOf(provider, base, "decimals", "uint8", blockTag),
      numberOf(provider, asset, "decimals", "uint8", blockTag),
      roundOf(provider, baseFeed, snapshot.reading.baseRound, blockTag),
      roundOf(provider, assetFeed, snapshot.reading.assetRound, blockTag),
      closeOf(provider, vixFeed, lastDay, blockTag, cache),
      closeOf(provider, vix3mFeed, lastDay, blockTag, cache),
    ]),
  );
  cache.fixed.set(key, { ...immutables, tickSpacing });
  const liquidityAccount = snapshot.liquidity.find((account) => account.adapter === deployment.liquidityAdapter);
  const perpAccount = snapshot.perps.find((account) => account.adapter === deployment.perpAdapter);
  if (liquidityAccount === undefined || perpAccount === undefined) {
    throw new AdaptersDiffer(deployment.vault);
  }
  // The slot follows from the block, so that nobody can decide a day with another day's inputs.
  const slotStart = block.timestamp - (block.timestamp % RULES.slotSeconds);
  const evidence: Evidence = {
    format: EVIDENCE_FORMAT,
    code: { source: "INFORMATION", name: "ballast", version: at.codeVersion ?? CODE_VERSION },
    ...IN_FORCE,
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
    feeds: { base: baseRound, asset: assetRound, vix: vixRound, vix3m: vix3mRound },
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
      costBps: immutables.costBps,
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

async function readBlock(provider: Provider, tag: number | "latest"): Promise<PinnedBlock> {
  const block = await rpc(provider.getBlock(tag));
  if (block?.hash == null) throw new RpcUnavailable(`block ${tag} does not exist`);
  return { number: block.number, hash: block.hash, timestamp: block.timestamp };
}

function connect(provider: Provider, d: Deployment) {
  return {
    lens: VaultLens__factory.connect(d.lens, provider),
    policy: HedgePolicy__factory.connect(d.policy, provider),
  };
}

/** The contracts that `immutablesOf` reads. */
function fixedKey(d: Deployment): string {
  return [d.chainId, d.liquidityAdapter, d.perpAdapter, d.priceOracle, d.regimeOracle].join(" ");
}

async function immutablesOf(provider: Provider, d: Deployment, blockTag: number): Promise<Immutables> {
  const liquidity = UniswapV3Adapter__factory.connect(d.liquidityAdapter, provider);
  const perp = CurieAdapter__factory.connect(d.perpAdapter, provider);
  const prices = PriceOracle__factory.connect(d.priceOracle, provider);
  const oracle = RegimeOracle__factory.connect(d.regimeOracle, provider);
  const [pool, base, asset, costBps, baseFeed, assetFeed, vixFeed, vix3mFeed] = await Promise.all([
    liquidity.pool({ blockTag }),
    liquidity.base({ blockTag }),
    liquidity.asset({ blockTag }),
    perp.unwindCostBps({ blockTag }),
    prices.baseFeed({ blockTag }),
    prices.assetFeed({ blockTag }),
    oracle.vixFeed({ blockTag }),
    oracle.vix3mFeed({ blockTag }),
  ]);
  return { pool, base, asset, costBps: Number(costBps), baseFeed, assetFeed, vixFeed, vix3mFeed };
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
  const words = (answer.length - 2) / 64;
  const count = words < 2 ? -1 : Number(word(1));
  if (count < 0 || words < 2 + count * WORDS_PER_SESSION) {
    throw new RpcUnavailable(`what ${oracle} answers is no list of sessions`);
  }
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

/** Bands as HedgePolicy answers them, as evidence has them. */
export function bandsOf(b: IHedgePolicy.BandsStructOutput): PolicyBands {
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
  return feedRound(feed, { roundId: round, answer: data.answer, updatedAt: data.updatedAt }, decimals);
}

interface Round {
  roundId: bigint;
  answer: bigint;
  updatedAt: bigint;
}

function feedRound(feed: string, { roundId, answer, updatedAt }: Round, decimals: bigint): FeedRound {
  return {
    source: "CHAIN",
    address: feed,
    round: roundId.toString(),
    answer: answer.toString(),
    updatedAt: Number(updatedAt),
    decimals: Number(decimals),
  };
}

/** Rounds from the hint on that are looked at beside it: a feed with one round a session is then found in one request. */
const ROUNDS_FROM_HINT = [0n, 1n, 2n];

/** The close of a session's day: its last round. */
async function closeOf(
  provider: Provider,
  feed: string,
  day: number,
  blockTag: number,
  cache: ObservationCache,
): Promise<FeedRound> {
  const end = (day + 1) * SECONDS_PER_DAY - 1;
  const aggregator = IAggregatorV3__factory.connect(feed, provider);
  const hint = cache.closes.get(feed);
  const near = hint === undefined ? [] : ROUNDS_FROM_HINT.map((step) => hint + step);
  const [decimals, latest, ...rounds] = await Promise.all([
    aggregator.decimals({ blockTag }),
    aggregator.latestRoundData({ blockTag }),
    // A round that is not there reverts; whatever else went wrong, the close is then not proven, and walked to.
    ...near.map((roundId) =>
      aggregator
        .getRoundData(roundId, { blockTag })
        .then(({ answer, updatedAt }): Round => ({ roundId, answer, updatedAt }))
        .catch(() => null),
    ),
  ]);
  const known: Round[] = [latest, ...rounds.filter((round) => round !== null)];
  const proven = known.find(
    ({ roundId, updatedAt }) =>
      updatedAt > 0n &&
      updatedAt <= end &&
      (roundId === latest.roundId || known.some((next) => next.roundId === roundId + 1n && next.updatedAt > end)),
  );
  const close =
    proven === undefined
      ? await roundOf(provider, feed, await lastRoundOn(provider, feed, end, blockTag), blockTag)
      : feedRound(feed, proven, decimals);
  cache.closes.set(feed, BigInt(close.round));
  return close;
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
    // What ethers says holds the URL, and its key.
    throw new RpcUnavailable(shortReason(message) || name, error);
  }
}
