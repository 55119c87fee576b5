import type { LocalChain } from "../../deploy/devnet/chain.ts";

/** Runs something and takes the chain back to where it was. */
export async function undone<T>(chain: LocalChain, work: () => Promise<T>): Promise<T> {
  const id = await chain.request<string>("evm_snapshot");
  try {
    return await work();
  } finally {
    await chain.request("evm_revert", [id]);
  }
}
