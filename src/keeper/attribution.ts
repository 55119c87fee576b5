import { Interface, zeroPadValue } from "ethers";
import type { Provider } from "ethers";
import { baseValue, pairAmounts, priceToSqrtPriceX96 } from "../hedge/liquidity.ts";
import type { LiquidityPosition, PairAmounts, PairShape } from "../hedge/liquidity.ts";
import { ILiquidityAdapter__factory, VaultLens__factory } from "../../typechain-types/index.js";
import type { IVaultLens } from "../../typechain-types/contracts/lens/VaultLens.js";

/*
 * Where the change of a vault's NAV came from, each part measured from its own source: what the position holds by the
 * liquidity maths, fees by the adapter's fee counters and collections, funding by the venue's settlements and what is
 * pending, trades by the venues' events. No part is what is left over; that they add up to the chain's NAV is a test.
 */

/** Signed contributions in asset units. */
export type Parts = Record<
  "lpPrice" | "arbitrageLoss" | "lpFees" | "hedgePrice" | "funding" | "swapCosts" | "perpCosts",
  bigint
>;

/** A vault at one moment, as far as attribution needs it. */
export interface Mark {
  price: bigint;
  nav: bigint;
  position: LiquidityPosition;
  held: PairAmounts;
  /** Base outside the position: uncollected fees and idle. */
  looseBase: bigint;
  feesBase: bigint;
  feesAsset: bigint;
  idleBase: bigint;
  size: bigint;
  pendingFunding: bigint;
  snapshot: IVaultLens.SnapshotStructOutput;
}

/** What to read events of. */
export interface Sources {
  pair: PairShape;
  liquidityAdapter: string;
  perpAdapter: string;
  positionManager: string;
  clearingHouse: string;
  exchange: string;
}

/** A log as JSON-RPC gives it. */
export interface RawLog {
  address: string;
  topics: readonly string[];
  data: string;
}

const venueEvents = new Interface([
  "event IncreaseLiquidity(uint256 indexed tokenId, uint128 liquidity, uint256 amount0, uint256 amount1)",
  "event DecreaseLiquidity(uint256 indexed tokenId, uint128 liquidity, uint256 amount0, uint256 amount1)",
  "event PositionChanged(address indexed trader, address indexed baseToken, int256 exchangedPositionSize, int256 exchangedPositionNotional, uint256 fee, int256 openNotional, int256 realizedPnl, uint256 sqrtPriceAfterX96)",
  "event FundingPaymentSettled(address indexed trader, address indexed baseToken, int256 fundingPayment)",
  "event PositionLiquidated(address indexed trader, address indexed baseToken, uint256 positionNotional, uint256 positionSize, uint256 liquidationFee, address liquidator)",
]);
const adapterEvents = ILiquidityAdapter__factory.createInterface();

export function noParts(): Parts {
  return { lpPrice: 0n, arbitrageLoss: 0n, lpFees: 0n, hedgePrice: 0n, funding: 0n, swapCosts: 0n, perpCosts: 0n };
}

export function addParts(a: Parts, b: Parts): Parts {
  return {
    lpPrice: a.lpPrice + b.lpPrice,
    arbitrageLoss: a.arbitrageLoss + b.arbitrageLoss,
    lpFees: a.lpFees + b.lpFees,
    hedgePrice: a.hedgePrice + b.hedgePrice,
    funding: a.funding + b.funding,
    swapCosts: a.swapCosts + b.swapCosts,
    perpCosts: a.perpCosts + b.perpCosts,
  };
}

/** Sum of all parts, in asset units. */
export function totalOf(parts: Parts): bigint {
  return Object.values(parts).reduce((sum, part) => sum + part, 0n);
}

/** Reads a vault through its lens. */
export async function readMark(provider: Provider, lens: string, pair: PairShape): Promise<Mark> {
  return markOf(await VaultLens__factory.connect(lens, provider).snapshot(), pair);
}

/** The mark in a lens snapshot: amounts by the liquidity maths at the oracle's price, never the adapter's own value. */
export function markOf(snapshot: IVaultLens.SnapshotStructOutput, pair: PairShape): Mark {
  const price = snapshot.reading.price.mid;
  const lp = snapshot.liquidity[0]?.position;
  const perp = snapshot.perps[0]?.position;
  const position = {
    tickLower: Number(lp?.tickLower ?? 0),
    tickUpper: Number(lp?.tickUpper ?? 0),
    liquidity: lp?.liquidity ?? 0n,
  };
  return {
    price,
    nav: snapshot.navMid,
    position,
    held: amountsOf(position, price, pair),
    looseBase: (lp?.feesBase ?? 0n) + (lp?.idleBase ?? 0n),
    feesBase: lp?.feesBase ?? 0n,
    feesAsset: lp?.feesAsset ?? 0n,
    idleBase: lp?.idleBase ?? 0n,
    size: perp?.size ?? 0n,
    pendingFunding: perp?.pendingFunding ?? 0n,
    snapshot,
  };
}

function amountsOf(position: LiquidityPosition, price: bigint, pair: PairShape): PairAmounts {
  if (position.liquidity === 0n) return { base: 0n, asset: 0n };
  return pairAmounts(priceToSqrtPriceX96(price, pair), position, pair);
}

/**
 * Between two moments in which the vault itself did nothing. Price moves what was held (fees and idle base included) and
 * the short; trading along the curve changes what is held, and at the new price that change is never a gain: it is what
 * arbitrageurs took (loss versus rebalancing at this sampling). Should the venue have liquidated the short meanwhile, the
 * logs say so, and what that cost is a cost.
 */
export function marketParts(from: Mark, to: Mark, logs: readonly RawLog[], sources: Sources): Parts {
  const { pair } = sources;
  const perp = perpFlows(logs, to.price, sources);
  const value = (base: bigint, price: bigint): bigint => signedValue(base, price, pair);
  return {
    ...noParts(),
    lpPrice: value(from.held.base + from.looseBase, to.price) - value(from.held.base + from.looseBase, from.price),
    arbitrageLoss: value(to.held.base - from.held.base, to.price) + (to.held.asset - from.held.asset),
    lpFees: value(to.feesBase - from.feesBase, to.price) + (to.feesAsset - from.feesAsset),
    hedgePrice: value(from.size, to.price) - value(from.size, from.price),
    funding: from.pendingFunding - to.pendingFunding - perp.settledFunding,
    perpCosts: perp.costs,
  };
}

/** What a rebalance itself cost, from the venues' and the adapter's events, at the one price before and after. */
export function executionParts(from: Mark, to: Mark, logs: readonly RawLog[], sources: Sources): Parts {
  const parts = noParts();
  const { pair } = sources;
  const price = from.price;
  const value = (base: bigint): bigint => signedValue(base, price, pair);
  const sqrtPriceX96 = priceToSqrtPriceX96(price, pair);
  const fair = (liquidity: bigint, position: LiquidityPosition): bigint => {
    const { base, asset } = pairAmounts(sqrtPriceX96, { ...position, liquidity }, pair);
    return value(base) + asset;
  };
  const paid = (amount0: bigint, amount1: bigint): bigint =>
    pair.baseIsToken0 ? value(amount0) + amount1 : value(amount1) + amount0;
  let collected = 0n;
  for (const log of logs) {
    const at = log.address.toLowerCase();
    if (at === sources.liquidityAdapter.toLowerCase()) {
      const event = adapterEvents.parseLog(log);
      if (event?.name === "Swapped")
        parts.swapCosts += value(event.args["base"] as bigint) + (event.args["asset"] as bigint);
      if (event?.name === "FeesCollected")
        collected += value(event.args["base"] as bigint) + (event.args["asset"] as bigint);
    } else if (at === sources.positionManager.toLowerCase()) {
      const event = venueEvents.parseLog(log);
      if (event === null) continue;
      const { liquidity, amount0, amount1 } = event.args.toObject() as Record<string, bigint>;
      // Minting and burning happen at the pool's price; valued at the oracle's, that differs by a hair.
      if (event.name === "IncreaseLiquidity") {
        parts.swapCosts += fair(liquidity ?? 0n, to.position) - paid(amount0 ?? 0n, amount1 ?? 0n);
      } else if (event.name === "DecreaseLiquidity") {
        parts.swapCosts += paid(amount0 ?? 0n, amount1 ?? 0n) - fair(liquidity ?? 0n, from.position);
      }
    }
  }
  const perp = perpFlows(logs, price, sources);
  parts.perpCosts = perp.costs;
  parts.lpFees = value(to.feesBase - from.feesBase) + (to.feesAsset - from.feesAsset) + collected;
  parts.funding = from.pendingFunding - to.pendingFunding - perp.settledFunding;
  return parts;
}

/**
 * What trades at the perpetual venue cost at a price (fee, slippage, and the penalty should the venue liquidate), and the
 * funding they settled, from the venue's own events about the vault's account.
 */
function perpFlows(
  logs: readonly RawLog[],
  price: bigint,
  sources: Sources,
): { costs: bigint; settledFunding: bigint } {
  const { pair } = sources;
  const venues = [sources.clearingHouse.toLowerCase(), sources.exchange.toLowerCase()];
  let costs = 0n;
  let settledFunding = 0n;
  for (const log of logs) {
    if (!venues.includes(log.address.toLowerCase())) continue;
    const event = venueEvents.parseLog(log);
    if (event === null || (event.args["trader"] as string) !== sources.perpAdapter) continue;
    const amount = (name: string): bigint => event.args[name] as bigint;
    if (event.name === "FundingPaymentSettled") settledFunding += toAsset(amount("fundingPayment"), pair);
    if (event.name === "PositionLiquidated") costs -= toAsset(amount("liquidationFee"), pair);
    if (event.name === "PositionChanged") {
      const notional = toAsset(amount("exchangedPositionNotional") - amount("fee"), pair);
      costs += signedValue(amount("exchangedPositionSize"), price, pair) + notional;
    }
  }
  return { costs, settledFunding };
}

/** The venue's events about the vault's short between two blocks: somebody else may have acted on it. */
export async function perpLogs(provider: Provider, sources: Sources, from: Mark, to: Mark): Promise<RawLog[]> {
  if (from.size === 0n) return [];
  return provider.getLogs({
    address: [sources.clearingHouse, sources.exchange],
    topics: [null, zeroPadValue(sources.perpAdapter, 32)],
    fromBlock: Number(from.snapshot.blockNumber) + 1,
    toBlock: Number(to.snapshot.blockNumber),
  });
}

/** Curie accounts in 18 decimals. */
function toAsset(quote: bigint, pair: PairShape): bigint {
  return quote / 10n ** BigInt(18 - pair.assetDecimals);
}

function signedValue(base: bigint, price: bigint, pair: PairShape): bigint {
  return base < 0n ? -baseValue(-base, price, pair) : baseValue(base, price, pair);
}
