import { FetchRequest, JsonRpcProvider, Network } from "ethers";
import { RpcUnavailable, WrongChain } from "../keeper/observe.ts";

const TIMEOUT_MS = 15_000;

/**
 * Opens a JSON-RPC URL: asks once for the chain id, so that a dead or wrong URL is an error at once and not a silent wait.
 * Reads made together go out as one batch. With `expectedChainId` (decimal) nothing else is asked of another chain, and
 * nothing sent to it. Throws RpcUnavailable, WrongChain.
 */
export async function openRpc(url: string, expectedChainId?: string): Promise<JsonRpcProvider> {
  const request = new FetchRequest(url);
  request.timeout = TIMEOUT_MS;
  request.body = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
  let answer: unknown;
  try {
    const response = await request.send();
    response.assertOk();
    answer = response.bodyJson;
  } catch (error) {
    throw new RpcUnavailable(`${url}: ${error instanceof Error ? shortened(error.message) : String(error)}`);
  }
  const chainId = (answer as { result?: unknown } | null)?.result;
  if (typeof chainId !== "string" || !/^0x[0-9a-f]+$/i.test(chainId)) {
    throw new RpcUnavailable(`${url} does not speak JSON-RPC`);
  }
  const actual = BigInt(chainId).toString();
  if (expectedChainId !== undefined && actual !== expectedChainId) throw new WrongChain(expectedChainId, actual);
  const network = Network.from(BigInt(chainId));
  const calls = new FetchRequest(url);
  calls.timeout = TIMEOUT_MS;
  return new JsonRpcProvider(calls, network, { staticNetwork: network, cacheTimeout: -1 });
}

function shortened(message: string): string {
  return message.split("(")[0]?.trim().slice(0, 120) ?? message;
}
