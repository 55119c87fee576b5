import type { AccountName, Mined } from "../../deploy/devnet/chain.ts";
import { pushAnswer } from "../../deploy/devnet/feeds.ts";
import { moveMarket, openMarket } from "../../deploy/devnet/market.ts";
import type { Market } from "../../deploy/devnet/market.ts";
import { bringUp } from "../../deploy/devnet/world.ts";
import type { LocalVault } from "../../deploy/devnet/world.ts";
import { CONTRACT_ERRORS } from "../../src/keeper/contractErrors.ts";
import type { Outlet } from "../../src/keeper/outlets.ts";
import { tick } from "../../src/keeper/tick.ts";
import type { TickOutcome } from "../../src/keeper/tick.ts";
import { syntheticHistory } from "../../src/market/synthetic.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { readSafe } from "../../src/safe/account.ts";
import { executeSafeTx } from "../../src/safe/execute.ts";
import type { Execution } from "../../src/safe/execute.ts";
import { createPacket } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { HedgeVault__factory, Rebalancer__factory } from "../../typechain-types/index.js";
import type { HedgeVault, Rebalancer } from "../../typechain-types/index.js";

/** Where the synthetic market opens, in USD. */
export const OPEN = 2_812;

/** One vault on the real venues, with its market at the opening price and nothing done yet. */
export interface VaultScene {
  market: Market;
  local: LocalVault;
  vault: HedgeVault;
  rebalancer: Rebalancer;
}

export async function vaultScene(): Promise<VaultScene> {
  const world = await bringUp({ history: syntheticHistory(1) });
  const market = await openMarket(world);
  const local = world.vaults[0]!;
  const { provider } = world.chain;
  const scene = {
    market,
    local,
    vault: HedgeVault__factory.connect(local.deployment.vault, provider),
    rebalancer: Rebalancer__factory.connect(local.deployment.rebalancer, provider),
  };
  await later(scene, 1_800, OPEN);
  return scene;
}

/** Lets time pass and brings feeds, pool and mark to a price. */
export async function later(scene: VaultScene, seconds: number, price: number): Promise<void> {
  await moveMarket(scene.market, (await scene.market.world.chain.now()) + seconds, price, 0);
}

/** A minute later both price feeds have a newer round; pool and mark stay where they are. */
export async function newRounds(scene: VaultScene, price: number): Promise<void> {
  const { chain, feeds } = scene.market.world;
  await chain.warpTo((await chain.now()) + 60);
  await pushAnswer(chain, feeds.ethUsd, price);
  await pushAnswer(chain, feeds.usdcUsd, 1);
}

/** The keeper's tick; nothing is handed out. */
export async function keeperTick(scene: VaultScene): Promise<TickOutcome> {
  const outlet: Outlet = {
    found: () => Promise.resolve([]),
    nextNonce: (_safe, chainNonce) => Promise.resolve(chainNonce),
    propose: () => Promise.resolve([]),
  };
  return tick({ provider: scene.market.world.chain.provider, deployment: scene.local.deployment, outlet });
}

/** Two owners sign whatever plan they are given, unverified, and it is executed. */
export async function executePlan(scene: VaultScene, plan: Plan): Promise<Execution> {
  return executeSigned(scene, await planPacket(scene, plan));
}

/** An unsigned packet that carries a plan for the Safe's next nonce. */
export async function planPacket(scene: VaultScene, plan: Plan, evidence: unknown = {}): Promise<Packet> {
  const { chain } = scene.market.world;
  const { deployment } = scene.local;
  const account = await readSafe(chain.provider, deployment.safe);
  const safeTx = plainCall(deployment.rebalancer, encodePlan(plan), account.nonce);
  return createPacket({ chainId: deployment.chainId, safe: deployment.safe, safeTx, plan, evidence });
}

export async function signed(scene: VaultScene, packet: Packet): Promise<Packet> {
  const { chain } = scene.market.world;
  const once = await signPacket(packet, chain.wallet("owner1"), chain);
  return signPacket(once, chain.wallet("owner2"), chain);
}

export async function executeSigned(scene: VaultScene, packet: Packet): Promise<Execution> {
  const { chain } = scene.market.world;
  return executeSafeTx({
    provider: chain.provider,
    signer: chain.wallet("executor"),
    packet: await signed(scene, packet),
    interfaces: CONTRACT_ERRORS,
    gasLimit: 16_000_000n,
  });
}

/** Requests the redemption of all of an account's free shares. */
export async function requestAll(scene: VaultScene, from: AccountName): Promise<Mined> {
  const { chain } = scene.market.world;
  const holder = chain.address(from);
  const shares = await scene.vault.balanceOf(holder);
  return chain.send(from, await scene.vault.requestRedeem.populateTransaction(shares, holder, holder));
}
