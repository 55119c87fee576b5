import { FetchRequest, JsonRpcProvider, Network } from "ethers";
import { NoAnswer, callRpc, hostOf, shortReason } from "./jsonRpc.ts";
import { RpcUnavailable, WrongChain } from "./observe.ts";

const TIMEOUT_MS = 15_000;
/** How long reads are collected for one batch. Those made together come in the same turn: waiting longer finds no more. */
const COLLECT_MS = 1;

/**
 * Opens a JSON-RPC URL: asks once for the chain id, so that a dead or wrong URL is an error at once and not a silent wait.
 * Reads made together go out as one batch. With `expectedChainId` (decimal) nothing else is asked of another chain, and
 * nothing sent to it. Throws RpcUnavailable, WrongChain.
 */
export async function openRpc(url: string, expectedChainId?: string): Promise<JsonRpcProvider> {
  const actual = (await chainIdOf(url)).toString();
  if (expectedChainId !== undefined && actual !== expectedChainId) throw new WrongChain(expectedChainId, actual);
  const network = Network.from(BigInt(actual));
  const calls = new FetchRequest(url);
  calls.timeout = TIMEOUT_MS;
  return new JsonRpcProvider(calls, network, { staticNetwork: network, cacheTimeout: -1, batchStallTime: COLLECT_MS });
}

async function chainIdOf(url: string): Promise<bigint> {
  const host = hostOf(url);
  try {
    const [answer] = await callRpc(url, [{ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }], TIMEOUT_MS);
    if (answer !== undefined && "error" in answer) throw new NoAnswer(host, shortReason(answer.error.message));
    if (typeof answer?.result === "string" && /^0x[0-9a-f]+$/i.test(answer.result)) return BigInt(answer.result);
    throw new NoAnswer(host, "it does not say which chain it serves");
  } catch (error) {
    if (error instanceof NoAnswer) throw new RpcUnavailable(`${host}: ${error.reason}`);
    throw error;
  }
}
