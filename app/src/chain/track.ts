import type { Provider } from "ethers";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { Rebalancer__factory, SharePrice__factory, HedgeVault__factory } from "../../../typechain-types/index.js";
import { VaultLens__factory } from "../../../typechain-types/index.js";
import { logsSince, timesOf } from "./logs.ts";

/** A vault at one past moment. Amounts in whole units; null where that source does not say. */
export interface TrackPoint {
  /** Seconds since 1970-01-01. */
  time: number;
  nav: number | null;
  sharePrice: number | null;
}

/** A vault over time, oldest first, and where it was read. */
export interface Track {
  points: TrackPoint[];
  source: "state" | "events";
  /** False when the node does not reach back to the deployment. */
  complete: boolean;
}

const SAMPLES = 48;
/** Fewer moments than these are no track. */
const LEAST_SAMPLES = 4;

/**
 * NAV and share price since the deployment: from the vault's state at past blocks where the node keeps it, else from what its
 * contracts logged. No indexer.
 */
export async function readTrack(provider: Provider, deployment: Deployment, head: number): Promise<Track> {
  const from = deployment.atDeployment?.block ?? 0;
  const sampled = await readStates(provider, deployment, from, head).catch(() => null);
  return sampled ?? readEvents(provider, deployment, from);
}

/** Null where the node has no state of old blocks. */
async function readStates(
  provider: Provider,
  { lens: address }: Deployment,
  from: number,
  head: number,
): Promise<Track | null> {
  const lens = VaultLens__factory.connect(address, provider);
  const count = Math.min(SAMPLES, Math.max(1, head - from));
  const blocks = Array.from({ length: count }, (_, index) => from + Math.round(((index + 1) * (head - from)) / count));
  const points = await Promise.all(blocks.map(async (blockTag) => lens.snapshot({ blockTag }).catch(() => null)));
  // The vault is not there yet at the first of them; where it is there at hardly any, the node forgets.
  if (points.filter((snapshot) => snapshot !== null).length < LEAST_SAMPLES) return null;
  const track = points.flatMap((snapshot): TrackPoint[] => {
    if (snapshot === null || snapshot.totalSupply === 0n) return [];
    const nav = snapshot.priced ? Number(snapshot.navMid) / 1e6 : null;
    const shares = Number(snapshot.totalSupply) / 1e18;
    return [{ time: Number(snapshot.timestamp), nav, sharePrice: nav === null ? null : nav / shares }];
  });
  return { points: track, source: "state", complete: true };
}

async function readEvents(provider: Provider, deployment: Deployment, from: number): Promise<Track> {
  const vault = HedgeVault__factory.connect(deployment.vault, provider);
  const sharePrice = deployment.sharePrice ?? (await vault.sharePrice());
  const prices = SharePrice__factory.createInterface();
  const plans = Rebalancer__factory.createInterface();
  const topics = [[prices.getEvent("Followed").topicHash, plans.getEvent("PlanExecuted").topicHash]];
  const { logs, complete } = await logsSince(provider, { address: [sharePrice, deployment.rebalancer], topics }, from);
  const times = await timesOf(
    provider,
    logs.map(({ blockNumber }) => blockNumber),
  );
  const points = logs.flatMap((log): TrackPoint[] => {
    const time = times.get(log.blockNumber) ?? 0;
    if (log.address.toLowerCase() === deployment.rebalancer.toLowerCase()) {
      const plan = plans.parseLog(log);
      return plan === null ? [] : [{ time, nav: Number(plan.args["navAfter"] as bigint) / 1e6, sharePrice: null }];
    }
    const followed = prices.parseLog(log);
    if (followed === null || followed.args["vault"] !== deployment.vault) return [];
    return [{ time, nav: null, sharePrice: Number(followed.args["price"] as bigint) / 1e18 }];
  });
  return { points, source: "events", complete };
}
