import {
  Interface,
  TypedDataEncoder,
  ZeroAddress,
  dataSlice,
  encodeBytes32String,
  getAddress,
  id,
  toUtf8Bytes,
} from "ethers";
import { HedgeVault__factory } from "../../typechain-types/index.js";
import type { ContractName } from "./build.ts";
import type { Expected, Topic } from "./rows.ts";
import type { Subject } from "./subject.ts";

/** What an immutable should hold, and how its word is read. */
export interface Fixed {
  topic: Topic;
  as: "address" | "number" | "bytes";
  expected: Expected;
}

const TOKEN = new Interface(["function decimals() view returns (uint8)"]);
const UNISWAP = new Interface([
  "function factory() view returns (address)",
  "function getPool(address, address, uint24) view returns (address)",
]);
const CURIE = new Interface([
  "function getVault() view returns (address)",
  "function getExchange() view returns (address)",
  "function getAccountBalance() view returns (address)",
  "function getSettlementToken() view returns (address)",
  "function decimals() view returns (uint8)",
]);
/** OpenZeppelin's ShortStrings: what stands for a string that is too long for a word. */
const NO_SHORT_STRING = `0x${"ff".padStart(64, "0")}`;

/** An immutable's word, as people write such a value. */
export function readWord(word: string, as: Fixed["as"]): string {
  if (as === "bytes") return word;
  if (as === "number") return BigInt.asIntN(256, BigInt(word)).toString();
  // Dirty upper bytes are no address.
  return BigInt(word) >> 160n === 0n ? getAddress(dataSlice(word, 12)) : word;
}

/** What every immutable of every contract should hold, by the deployment, its parameters, and what these point at. */
export function fixedValues({
  chain,
  contracts: d,
  parameters: p,
}: Subject): Record<ContractName, Record<string, Fixed>> {
  const address = (expected: Expected | undefined, topic: Topic = "wiring"): Fixed => ({
    topic,
    as: "address",
    expected: typeof expected === "string" ? getAddress(expected) : (expected ?? null),
  });
  const number = (
    expected: bigint | number | (() => Promise<bigint | null>) | undefined,
    topic: Topic = "limits",
  ): Fixed => ({
    topic,
    as: "number",
    expected:
      typeof expected === "function"
        ? async () => (await expected())?.toString() ?? null
        : (expected?.toString() ?? null),
  });
  const bytes = (expected: () => Promise<string>): Fixed => ({ topic: "code", as: "bytes", expected });

  const decimals = async (token: string): Promise<bigint> => chain.ask(token, TOKEN, "decimals");
  const unitOf = (token: string | undefined) => async (): Promise<bigint | null> =>
    token === undefined ? null : 10n ** (await decimals(token));
  // These views exist in every build and are compared with the parameters elsewhere.
  const assetOf = async (): Promise<string> =>
    p?.asset ?? chain.ask(d.vault, HedgeVault__factory.createInterface(), "asset");
  const market = async (name: string): Promise<string | null> =>
    p === null ? null : chain.ask<string>(p.curie.clearingHouse, CURIE, name);
  const collateral = async <T extends string | bigint>(name: string): Promise<T | null> => {
    const vault = await market("getVault");
    return vault === null ? null : chain.ask<T>(vault, CURIE, name);
  };

  const name = async (): Promise<string> =>
    p?.vault.name ?? chain.ask(d.vault, HedgeVault__factory.createInterface(), "name");
  const chainId = BigInt(d.chainId);
  const feeds = p?.feeds;
  return {
    AccessManager: {},
    RedemptionQueue: {},
    VenueList: {},
    HedgeVault: {
      priceOracle: address(d.priceOracle),
      sharePrice: address(d.sharePrice),
      _asset: address(p?.asset),
      _underlyingDecimals: number(async () => decimals(await assetOf())),
      _cachedChainId: number(chainId, "code"),
      _cachedThis: address(d.vault, "code"),
      _cachedDomainSeparator: bytes(async () =>
        TypedDataEncoder.hashDomain({ name: await name(), version: "1", chainId, verifyingContract: d.vault }),
      ),
      _hashedName: bytes(async () => id(await name())),
      _hashedVersion: bytes(async () => id("1")),
      _name: bytes(async () => shortString(await name())),
      _version: bytes(async () => shortString("1")),
    },
    SharePrice: {
      bandBps: number(p?.sharePrice.bandBps),
      bpsPerHour: number(p?.sharePrice.bpsPerHour),
      recipient: address(p === null ? null : (p.sharePrice.recipient ?? ZeroAddress), "limits"),
      feeBps: number(p?.sharePrice.feeBps),
      hurdleBpsPerYear: number(p?.sharePrice.hurdleBpsPerYear),
    },
    PriceOracle: {
      baseFeed: address(feeds?.base.feed, "feeds"),
      assetFeed: address(feeds?.asset.feed, "feeds"),
      baseMaxAge: number(feeds?.base.maxAge, "feeds"),
      assetMaxAge: number(feeds?.asset.maxAge, "feeds"),
      baseDeviationBps: number(feeds?.base.deviationBps, "feeds"),
      assetDeviationBps: number(feeds?.asset.deviationBps, "feeds"),
      sequencerFeed: address(feeds === undefined ? null : (feeds.sequencer ?? ZeroAddress), "feeds"),
      sequencerGrace: number(feeds?.sequencerGrace, "feeds"),
      _baseUnit: number(unitOf(feeds?.base.feed), "feeds"),
      _assetUnit: number(unitOf(feeds?.asset.feed), "feeds"),
    },
    Rebalancer: {
      vault: address(d.vault),
      policy: address(d.policy),
      regimeOracle: address(d.regimeOracle),
      nearLiquidationBps: number(p?.rebalancer.nearLiquidationBps),
      _valueScale: number(async () =>
        p === null ? null : tenTo(18n + (await decimals(p.base)) - (await decimals(p.asset))),
      ),
    },
    HedgePolicy: { minStepBps: number(p?.policy.minStepBps) },
    RegimeOracle: {
      vixFeed: address(feeds?.vix, "feeds"),
      vix3mFeed: address(feeds?.vix3m, "feeds"),
      baseFeed: address(feeds?.base.feed, "feeds"),
      graceSeconds: number(p?.regime.graceSeconds, "feeds"),
      liftBps: number(p?.regime.liftBps, "feeds"),
    },
    UniswapV3Adapter: {
      vault: address(d.vault),
      asset: address(p?.asset),
      base: address(p?.base),
      pool: address(async () => {
        if (p === null) return null;
        const factory = await chain.ask<string>(p.uniswap.positionManager, UNISWAP, "factory");
        return chain.ask<string>(factory, UNISWAP, "getPool", [p.base, p.asset, p.uniswap.fee]);
      }),
      positionManager: address(p?.uniswap.positionManager),
      fee: number(p?.uniswap.fee),
      gateBps: number(p?.uniswap.gateBps),
      unwindCostBps: number(p?.uniswap.unwindCostBps),
      ASSET_UNIT: number(unitOf(p?.asset)),
      BASE_SCALE: number(async () => (p === null ? null : 10n ** (18n + (await decimals(p.base))))),
      BASE_IS_TOKEN0: number(p === null ? undefined : Number(BigInt(p.base) < BigInt(p.asset))),
    },
    CurieAdapter: {
      vault: address(d.vault),
      clearingHouse: address(p?.curie.clearingHouse),
      collateralVault: address(async () => market("getVault")),
      exchange: address(async () => market("getExchange")),
      accountBalance: address(async () => market("getAccountBalance")),
      asset: address(async () => collateral("getSettlementToken")),
      baseToken: address(p?.curie.baseToken),
      gateBps: number(p?.curie.gateBps),
      unwindCostBps: number(p?.curie.unwindCostBps),
      SCALE: number(async () => {
        const places = await collateral<bigint>("decimals");
        return places === null ? null : tenTo(18n - places);
      }),
    },
    VaultLens: { rebalancer: address(d.rebalancer), vault: address(d.vault) },
    ReviewGuard: {
      safe: address(d.safe),
      vault: address(d.vault),
      rebalancer: address(d.rebalancer),
      lens: address(d.lens),
    },
    // Deployed by hand, by rules of its own: what it holds is shown and not compared.
    AttestedFeed: {},
  };
}

/** Zero, which no scale is, where a token claims more decimals than there is room for. */
function tenTo(exponent: bigint): bigint {
  return exponent < 0n ? 0n : 10n ** exponent;
}

/** A string as OpenZeppelin's ShortStrings keeps it: its bytes, and its length in the last one. */
function shortString(text: string): string {
  const { length } = toUtf8Bytes(text);
  if (length > 31) return NO_SHORT_STRING;
  return encodeBytes32String(text).slice(0, -2) + length.toString(16).padStart(2, "0");
}
