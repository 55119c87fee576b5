import type { Provider } from "ethers";
import type { Deployment } from "../../../src/plan/deployment.ts";
import type { HedgeVault } from "../../../typechain-types/index.js";
import { HedgeVault__factory } from "../../../typechain-types/index.js";
import { logsSince } from "./logs.ts";

/** A redemption that waits. */
export interface QueuedRequest {
  id: bigint;
  controller: string;
  owner: string;
  shares: bigint;
  createdAt: number;
}

/** Who waits to leave, first come first. */
export interface Queue {
  queue: QueuedRequest[];
  /** More requests wait than were looked at. */
  queueCut: boolean;
  exitDeadlineSeconds: number;
}

const QUEUE_SHOWN = 50n;

/** The first requests of the queue. */
export async function readQueue(provider: Provider, { vault: address }: Deployment): Promise<Queue> {
  const vault = HedgeVault__factory.connect(address, provider);
  const [{ head, tail }, deadline] = await Promise.all([vault.queueBounds(), vault.EXIT_DEADLINE()]);
  const end = tail - head > QUEUE_SHOWN ? head + QUEUE_SHOWN : tail;
  const ids = Array.from({ length: Number(end - head) }, (_, index) => head + BigInt(index));
  const queue = await waitingOf(vault, ids);
  return { queue, queueCut: end < tail, exitDeadlineSeconds: Number(deadline) };
}

/** An account's own requests that wait, wherever in the queue they stand, as far as the node searches its logs. */
export async function readRequestsOf(
  provider: Provider,
  { vault: address, atDeployment }: Deployment,
  controller: string,
): Promise<QueuedRequest[]> {
  const vault = HedgeVault__factory.connect(address, provider);
  const topics = vault.interface.encodeFilterTopics("RedeemRequest", [controller]);
  const [{ head }, { logs }] = await Promise.all([
    vault.queueBounds(),
    logsSince(provider, { address, topics }, atDeployment?.block ?? 0),
  ]);
  const ids = logs.flatMap((log) => (vault.interface.parseLog(log)?.args["requestId"] as bigint | undefined) ?? []);
  return waitingOf(
    vault,
    ids.filter((id) => id >= head),
  );
}

async function waitingOf(vault: HedgeVault, ids: readonly bigint[]): Promise<QueuedRequest[]> {
  const requests = await Promise.all(ids.map((id) => vault.request(id)));
  return requests.flatMap(({ controller, owner, shares, createdAt }, index): QueuedRequest[] =>
    shares === 0n ? [] : [{ id: ids[index] ?? 0n, controller, owner, shares, createdAt: Number(createdAt) }],
  );
}
