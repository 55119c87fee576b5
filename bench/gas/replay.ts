import { concat, dataLength, getBytes, zeroPadValue } from "ethers";
import type { LocalChain } from "../../deploy/devnet/chain.ts";
import type { CallReplay } from "../../typechain-types/index.js";

/** A call as the node's call tracer gives it. */
interface TracedCall {
  type: string;
  from: string;
  to?: string;
  input: string;
  error?: string;
  calls?: TracedCall[];
}

/** One call that leaves Ballast's contracts, as a contract without them would make it. */
export interface OutsideCall {
  to: string;
  data: string;
  /** Reads of balances, prices and positions, as opposed to what changes something. */
  reads: boolean;
}

/** Whose calls count, who is called, and who stands in for the callers. */
export interface Boundary {
  /** Contracts whose calls count: adapters, vault, oracles. */
  callers: string[];
  /** Contracts of ours: calls to them are what Ballast adds, and are looked into. */
  ours: string[];
  /** What the callers' addresses are replaced by. */
  replayer: string;
}

/** Gas of an EIP-1559 transaction before anything runs (EIP-2028); execution is far above EIP-7623's floor here. */
const BASE_GAS = 21_000n;
const ZERO_BYTE_GAS = 4n;
const BYTE_GAS = 16n;

/**
 * The calls by which a mined transaction left our contracts, in order: the venue's own work, and the reads that valuing the
 * positions takes. What a venue calls on its own is not listed, nor is the payment a pool asks back for in a swap.
 */
export async function outsideCalls(chain: LocalChain, hash: string, boundary: Boundary): Promise<OutsideCall[]> {
  const root = await chain.request<TracedCall>("debug_traceTransaction", [hash, { tracer: "callTracer" }]);
  const block = await blockOf(chain, hash);
  const callers = new Set(boundary.callers.map((address) => address.toLowerCase()));
  const ours = new Set(boundary.ours.map((address) => address.toLowerCase()));
  const found: OutsideCall[] = [];
  const walk = (call: TracedCall, outside: boolean): void => {
    for (const inner of call.calls ?? []) {
      const [from, to] = [inner.from.toLowerCase(), inner.to?.toLowerCase() ?? ""];
      const crosses = !outside && callers.has(from) && !ours.has(to);
      // A call that failed and was caught is our own trying: a contract without our rules would not make it.
      if (crosses && inner.error === undefined) {
        found.push({ to, data: standIn(inner.input, boundary, block.timestamp), reads: inner.type === "STATICCALL" });
      }
      walk(inner, outside || crosses);
    }
  };
  walk(root, false);
  return found;
}

/** Gas of the calls alone, as one transaction of the replaying contract would spend on them. */
export async function replay(chain: LocalChain, replayer: CallReplay, calls: OutsideCall[]): Promise<bigint> {
  const list = calls.map(({ to, data }) => ({ to, data }));
  const reading = await replayer.run.staticCall(list, true);
  const tx = await replayer.run.populateTransaction(list, false);
  const { gasUsed } = await chain.send("executor", { to: tx.to, data: tx.data });
  return gasUsed - BASE_GAS - calldataGas(tx.data) - reading;
}

function calldataGas(data: string): bigint {
  const zeros = BigInt(getBytes(data).filter((byte) => byte === 0).length);
  return zeros * ZERO_BYTE_GAS + (BigInt(dataLength(data)) - zeros) * BYTE_GAS;
}

/** The same call by another: its callers' addresses are the replayer's, its deadlines never pass. */
function standIn(data: string, { callers, replayer }: Boundary, timestamp: bigint): string {
  const bytes = getBytes(data);
  const swaps = new Map(callers.map((caller) => [word(caller), word(replayer)]));
  swaps.set(word(`0x${timestamp.toString(16).padStart(16, "0")}`), word("0xffffffffffff"));
  const words: string[] = [];
  for (let at = 4; at < bytes.length; at += 32) {
    const plain = `0x${Buffer.from(bytes.subarray(at, at + 32)).toString("hex")}`;
    words.push(swaps.get(plain) ?? plain);
  }
  return concat([bytes.subarray(0, 4), ...words]);
}

function word(value: string): string {
  return zeroPadValue(value, 32).toLowerCase();
}

async function blockOf(chain: LocalChain, hash: string): Promise<{ timestamp: bigint }> {
  const { blockNumber } = await chain.request<{ blockNumber: string }>("eth_getTransactionReceipt", [hash]);
  const { timestamp } = await chain.request<{ timestamp: string }>("eth_getBlockByNumber", [blockNumber, false]);
  return { timestamp: BigInt(timestamp) };
}
