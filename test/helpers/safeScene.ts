import { Contract, Interface } from "ethers";
import { startLocalChain } from "../../deploy/devnet/chain.ts";
import type { LocalChain } from "../../deploy/devnet/chain.ts";
import { deploySafe } from "../../deploy/devnet/safe.ts";
import type { SafeDeployment, SafeVersion } from "../../deploy/devnet/safe.ts";
import { createPacket } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { DevToken__factory, ReplayFeed__factory } from "../../typechain-types/index.js";

export const SAFE_VERSIONS: SafeVersion[] = ["1.5.0", "1.4.1"];

/** Thursday 2 November 2023, noon UTC. */
const START = 1_698_926_400;

export const FEED = new Interface(ReplayFeed__factory.abi);
export const TOKEN = new Interface(DevToken__factory.abi);

/** A 2-of-3 Safe that holds 1000 units of a token, and a feed it does not own. */
export interface SafeScene {
  chain: LocalChain;
  deployment: SafeDeployment;
  safe: string;
  chainId: bigint;
  token: Contract;
  tokenAddress: string;
  feedAddress: string;
}

export async function safeScene(version: SafeVersion): Promise<SafeScene> {
  const chain = await startLocalChain(START);
  const deployment = await deploySafe(chain, { version });
  const token = await chain.deploy(DevToken__factory, ["USD", "USD", 6]);
  const feed = await chain.deploy(ReplayFeed__factory, ["VIX", 8]);
  const { safe } = deployment;
  await chain.send("deployer", await token.getFunction("mint").populateTransaction(safe, 1000n));
  const { chainId } = await chain.provider.getNetwork();
  const [tokenAddress, feedAddress] = [await token.getAddress(), await feed.getAddress()];
  return { chain, deployment, safe, chainId, token, tokenAddress, feedAddress };
}

/** An unsigned packet that transfers `amount` tokens to owner3. */
export function transferPacket(scene: SafeScene, amount: bigint, nonce = 0): Packet {
  const data = TOKEN.encodeFunctionData("transfer", [scene.chain.address("owner3"), amount]);
  return packetFor(scene, scene.tokenAddress, data, nonce);
}

/** An unsigned packet whose call reverts with ReplayFeed's NotOwner. */
export function revertingPacket(scene: SafeScene, nonce = 0): Packet {
  return packetFor(scene, scene.feedAddress, FEED.encodeFunctionData("push", [1n]), nonce);
}

function packetFor(scene: SafeScene, to: string, data: string, nonce: number): Packet {
  const { chainId, safe } = scene;
  const plan = { targets: { shortBps: "5000" } };
  return createPacket({ chainId, safe, safeTx: plainCall(to, data, nonce), plan, evidence: { block: 7, vix: "1523" } });
}

/** What a promise is rejected with; fails when it is not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error as Error,
  );
  if (outcome === null) throw new ExpectedRejection();
  return outcome;
}

class ExpectedRejection extends Error {
  constructor() {
    super("the promise was expected to be rejected and was not");
    this.name = "ExpectedRejection";
  }
}
