import type { Provider } from "ethers";
import { decodePriceError, FeedsUnusable, observe, rpc, VenueUnreadable } from "../../../src/keeper/observe.ts";
import { decide } from "../../../src/plan/decide.ts";
import type { Decision } from "../../../src/plan/decide.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import type { Evidence } from "../../../src/plan/evidence.ts";
import { readSafe } from "../../../src/safe/account.ts";
import type { SafeAccount } from "../../../src/safe/account.ts";
import {
  HedgeVault__factory,
  PriceOracle__factory,
  RegimeOracle__factory,
  SharePrice__factory,
  VaultLens__factory,
} from "../../../typechain-types/index.js";
import { readCalls } from "./history.ts";
import type { AnnouncedCall } from "./history.ts";
import { readQueue } from "./queue.ts";
import type { Queue } from "./queue.ts";
import type { IVaultLens } from "../../../typechain-types/contracts/lens/VaultLens.js";

export type Snapshot = IVaultLens.SnapshotStructOutput;

/** A vault as the chain has it now. */
export interface Overview extends Queue {
  snapshot: Snapshot;
  safe: SafeAccount;
  /** The regime oracle's limit for ETH's own move within a day, basis points. */
  moveLimitBps: number;
  /** How old each price feed's answer may be, in seconds. */
  maxAgeSeconds: { base: number; asset: number };
  /** What the steward takes of a gain above mark and hurdle, basis points; zero for no fee. */
  feeBps: number;
  /** Calls announced at the review guard, newest first. */
  announced: AnnouncedCall[];
  /** What a decision would rest on, and the decision; null when feeds or venues do not answer. */
  now: { evidence: Evidence; decision: Decision } | null;
  /** Why there is no decision; null when there is one. */
  problem: string | null;
}

/** Reads all that the overview shows, in a few round trips. `now`: seconds since 1970-01-01, by the chain's clock. */
export async function readOverview(provider: Provider, deployment: Deployment, now: number): Promise<Overview> {
  const oracle = PriceOracle__factory.connect(deployment.priceOracle, provider);
  const [observed, safe, waiting, moveLimitBps, base, asset, calls, feeBps] = await Promise.all([
    observeOrSay(provider, deployment),
    rpc(readSafe(provider, deployment.safe)),
    rpc(readQueue(provider, deployment)),
    rpc(RegimeOracle__factory.connect(deployment.regimeOracle, provider).liftBps()),
    rpc(oracle.baseMaxAge()),
    rpc(oracle.assetMaxAge()),
    rpc(readCalls(provider, deployment, deployment.atDeployment?.block ?? 0, now)),
    rpc(readFeeBps(provider, deployment)),
  ]);
  return {
    ...{ safe, ...waiting, ...observed, announced: calls.announced, moveLimitBps: Number(moveLimitBps) },
    feeBps: Number(feeBps),
    maxAgeSeconds: { base: Number(base), asset: Number(asset) },
  };
}

async function observeOrSay(
  provider: Provider,
  deployment: Deployment,
): Promise<Pick<Overview, "snapshot" | "now" | "problem">> {
  try {
    const { evidence, snapshot } = await observe(provider, deployment);
    return { snapshot, now: { evidence, decision: decide(evidence) }, problem: null };
  } catch (error) {
    if (!(error instanceof FeedsUnusable) && !(error instanceof VenueUnreadable)) throw error;
    const snapshot = await rpc(VaultLens__factory.connect(deployment.lens, provider).snapshot());
    const stale = snapshot.priced ? error.message : `no price: ${decodePriceError(snapshot.priceError)}`;
    return { snapshot, now: null, problem: stale };
  }
}

async function readFeeBps(provider: Provider, { vault, sharePrice }: Deployment): Promise<bigint> {
  const address = sharePrice ?? (await HedgeVault__factory.connect(vault, provider).sharePrice());
  return SharePrice__factory.connect(address, provider).feeBps();
}
