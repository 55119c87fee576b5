import type { Contract } from "ethers";
import type { Artifact, LocalChain } from "../../deploy/devnet/chain.ts";
import { DevToken__factory } from "../../typechain-types/index.js";

const DEV_TOKEN: Artifact = { abi: DevToken__factory.abi, bytecode: DevToken__factory.bytecode };

/** Deploys the two tokens so that the base token's address sorts first, or does not. */
export async function deployTokens(
  chain: LocalChain,
  baseFirst: boolean,
): Promise<{ asset: Contract; base: Contract }> {
  for (;;) {
    const asset = await chain.deploy(DEV_TOKEN, ["USD Coin", "USDC", 6]);
    const base = await chain.deploy(DEV_TOKEN, ["Wrapped Ether", "WETH", 18]);
    if (BigInt(await base.getAddress()) < BigInt(await asset.getAddress()) === baseFirst) return { asset, base };
  }
}
