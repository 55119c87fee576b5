import type { Filter, Log, Provider } from "ethers";

/** Blocks asked for at once where a node does not give all. */
const CHUNK_BLOCKS = 10_000;
/** Chunks looked back, at most: a page is no indexer. */
const MAX_CHUNKS = 40;

/** Logs, oldest first, and the block they were looked for from. */
export interface Logs {
  logs: Log[];
  fromBlock: number;
  /** False when the node did not let us look back to where we wanted. */
  complete: boolean;
}

/** All logs of a filter since a block: in one question where the node allows it, else in chunks back from the newest block. */
export async function logsSince(
  provider: Provider,
  filter: Pick<Filter, "address" | "topics">,
  fromBlock: number,
): Promise<Logs> {
  const whole = await provider.getLogs({ ...filter, fromBlock, toBlock: "latest" }).catch(() => null);
  if (whole !== null) return { logs: whole, fromBlock, complete: true };
  let end = await provider.getBlockNumber();
  const found: Log[][] = [];
  for (let chunk = 0; chunk < MAX_CHUNKS && end >= fromBlock; chunk++) {
    const start = Math.max(fromBlock, end - CHUNK_BLOCKS + 1);
    const part = await provider.getLogs({ ...filter, fromBlock: start, toBlock: end }).catch(() => null);
    if (part === null) break;
    found.unshift(part);
    end = start - 1;
  }
  return { logs: found.flat(), fromBlock: end + 1, complete: end < fromBlock };
}

/** When blocks were, in seconds since 1970-01-01, by number. */
export async function timesOf(provider: Provider, blocks: readonly number[]): Promise<Map<number, number>> {
  const distinct = [...new Set(blocks)];
  const times = await Promise.all(distinct.map(async (number) => (await provider.getBlock(number))?.timestamp ?? 0));
  return new Map(distinct.map((number, index) => [number, times[index] ?? 0]));
}
