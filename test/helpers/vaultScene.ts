import { expect } from "chai";
import { Contract, parseUnits } from "ethers";
import type { ContractTransaction, Result } from "ethers";
import type { AccountName, LocalChain, Mined } from "../../deploy/devnet/chain.ts";
import { CLOSE_SECONDS, pushAnswer } from "../../deploy/devnet/feeds.ts";
import { closeSession, moveMarket, openMarket } from "../../deploy/devnet/market.ts";
import type { Market } from "../../deploy/devnet/market.ts";
import { bringUp } from "../../deploy/devnet/world.ts";
import type { VaultOptions, World } from "../../deploy/devnet/world.ts";
import { advanceRegime } from "../../src/keeper/advance.ts";
import { CONTRACT_ERRORS } from "../../src/keeper/contractErrors.ts";
import { observe } from "../../src/keeper/observe.ts";
import { syntheticHistory } from "../../src/market/synthetic.ts";
import { decide } from "../../src/plan/decide.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { SAFE_INTERFACE } from "../../src/safe/abi.ts";
import { createPacket } from "../../src/safe/packet.ts";
import { explainRevert, revertDataOf } from "../../src/safe/revert.ts";
import type { ExplainedRevert } from "../../src/safe/revert.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { assembleSignatures } from "../../src/safe/signatures.ts";
import { execTransactionData, plainCall } from "../../src/safe/transaction.ts";
import {
  AccessManager__factory,
  CurieAdapter__factory,
  DevToken__factory,
  HedgePolicy__factory,
  HedgeVault__factory,
  PriceOracle__factory,
  Rebalancer__factory,
  RegimeOracle__factory,
  UniswapV3Adapter__factory,
  VaultLens__factory,
} from "../../typechain-types/index.js";
import { rejection } from "./safeScene.ts";

/** Made-up days: the tests need nothing but the clone. */
export const HISTORY = syntheticHistory(1);

/** The first vault of a local chain with everything around it, and the way back to how it was. */
export interface VaultScene {
  world: World;
  chain: LocalChain;
  market: Market;
  deployment: Deployment;
  safe: string;
  asset: ReturnType<typeof DevToken__factory.connect>;
  contracts: ReturnType<typeof connect>;
  /** Undoes everything since the scene was set, or since `keep`. */
  reset(): Promise<void>;
  /** Makes the present state the one `reset` goes back to. */
  keep(): Promise<void>;
}

export async function vaultScene(vaults?: VaultOptions[]): Promise<VaultScene> {
  const world = await bringUp({ history: HISTORY, ...(vaults === undefined ? {} : { vaults }) });
  const { chain } = world;
  const market = await openMarket(world);
  const { deployment } = world.vaults[0]!;
  let kept = { id: await chain.request<string>("evm_snapshot"), perps: { ...market.perps } };
  const keep = async (): Promise<void> => {
    kept = { id: await chain.request<string>("evm_snapshot"), perps: { ...market.perps } };
  };
  return {
    world,
    chain,
    market,
    deployment,
    safe: deployment.safe,
    asset: DevToken__factory.connect(await world.asset.getAddress(), chain.provider),
    contracts: connect(deployment, chain),
    keep,
    async reset() {
      await chain.request("evm_revert", [kept.id]);
      Object.assign(market.perps, kept.perps);
      await keep();
    },
  };
}

function connect(d: Deployment, { provider }: LocalChain) {
  return {
    manager: AccessManager__factory.connect(d.accessManager, provider),
    prices: PriceOracle__factory.connect(d.priceOracle, provider),
    regime: RegimeOracle__factory.connect(d.regimeOracle, provider),
    vault: HedgeVault__factory.connect(d.vault, provider),
    policy: HedgePolicy__factory.connect(d.policy, provider),
    rebalancer: Rebalancer__factory.connect(d.rebalancer, provider),
    liquidity: UniswapV3Adapter__factory.connect(d.liquidityAdapter, provider),
    perp: CurieAdapter__factory.connect(d.perpAdapter, provider),
    lens: VaultLens__factory.connect(d.lens, provider),
  };
}

export const usdc = (whole: number): bigint => parseUnits(whole.toFixed(6), 6);

/** Whole shares, at the 18 decimals of a vault over a 6-decimal asset. */
export const shares = (whole: number): bigint => parseUnits(whole.toFixed(6), 18);

/** Prints asset for an account and lets the vault take it. */
export async function fund(scene: VaultScene, who: AccountName, amount: bigint): Promise<void> {
  const { chain, asset, deployment } = scene;
  await chain.send(who, await asset.mint.populateTransaction(chain.address(who), amount));
  await chain.send(who, await asset.approve.populateTransaction(deployment.vault, amount));
}

/** Funds an account and deposits all of it; returns the shares it then has. */
export async function deposit(scene: VaultScene, who: AccountName, amount: bigint): Promise<bigint> {
  const { chain, contracts } = scene;
  await fund(scene, who, amount);
  await chain.send(who, await contracts.vault.deposit.populateTransaction(amount, chain.address(who)));
  return contracts.vault.balanceOf(chain.address(who));
}

/** Asks to redeem for oneself; returns the request's id. */
export async function requestRedeem(scene: VaultScene, who: AccountName, amount: bigint): Promise<bigint> {
  const { chain, contracts } = scene;
  const own = chain.address(who);
  await chain.send(who, await contracts.vault.requestRedeem.populateTransaction(amount, own, own));
  return (await contracts.vault.queueBounds()).tail - 1n;
}

/** Newer rounds of both price feeds, at a price or at the last one. */
export async function newRounds(scene: VaultScene, price?: number): Promise<void> {
  const { chain, feeds } = scene.world;
  const [, last] = (await feeds.ethUsd.getFunction("latestRoundData")()) as unknown as [bigint, bigint];
  await chain.warpTo((await chain.now()) + 60);
  await pushAnswer(chain, feeds.ethUsd, price ?? Number(last) / 1e8);
  await pushAnswer(chain, feeds.usdcUsd, 1);
}

/** Moves feeds, pool and mark to a price, some minutes later. */
export async function marketAt(scene: VaultScene, price: number, seconds = 600): Promise<void> {
  await moveMarket(scene.market, (await scene.chain.now()) + seconds, price, 0);
}

/** The oracle's mid price now, scaled by 1e18. */
export async function midPrice(scene: VaultScene): Promise<bigint> {
  return (await scene.contracts.prices.read()).price.mid;
}

/** Anyone settles. */
export async function settle(scene: VaultScene, maxRequests = 10): Promise<Mined> {
  return scene.chain.send("attacker", await scene.contracts.vault.settle.populateTransaction(maxRequests));
}

/**
 * Executes one call through the Safe: two owners sign, a stranger with gas sends. The transaction is mined even when it
 * reverts, so that what a revert leaves behind can be looked at.
 */
export async function viaSafe(scene: VaultScene, call: ContractTransaction): Promise<Mined> {
  const { chain, safe } = scene;
  const { provider } = chain;
  const nonce = (await new Contract(safe, SAFE_INTERFACE, provider).getFunction("nonce")()) as bigint;
  const safeTx = plainCall(call.to, call.data, nonce);
  let packet = createPacket({ chainId: scene.deployment.chainId, safe, safeTx, plan: {}, evidence: {} });
  for (const owner of ["owner1", "owner3"] as const) {
    packet = await signPacket(packet, chain.wallet(owner), { provider });
  }
  const data = execTransactionData(safeTx, assembleSignatures(packet.signatures));
  return chain.send("executor", { to: safe, data });
}

/** What a transaction or call reverts with, by its error's name; fails when it does not revert. */
export async function revertOf(promise: Promise<unknown>): Promise<ExplainedRevert> {
  return explained(await rejection(promise));
}

/** The name of the error something reverted with. */
export function revertName(error: unknown): string {
  return explained(error).name;
}

function explained(error: unknown): ExplainedRevert {
  const data = revertDataOf(error);
  if (data === null) throw error;
  return explainRevert(data, CONTRACT_ERRORS);
}

/** The promise reverts with this error and, when given, these arguments from the first on. */
export async function expectRevert(
  promise: Promise<unknown>,
  name: string,
  ...args: (string | number | bigint)[]
): Promise<ExplainedRevert> {
  const revert = await revertOf(promise);
  expect(revert.name, revert.text).to.equal(name);
  // Addresses come with and without a checksum.
  const told = revert.args.slice(0, args.length).map((arg) => arg.toLowerCase());
  expect(told, revert.text).to.deep.equal(args.map((arg) => String(arg).toLowerCase()));
  return revert;
}

/** All the lens shows that does not follow from time alone: equal before and after what must leave no trace. */
export async function books(scene: VaultScene): Promise<unknown[]> {
  const snapshot = await scene.contracts.lens.snapshot();
  const entries = Object.entries((snapshot as unknown as Result).toObject(true) as Record<string, unknown>);
  return entries.filter(([name]) => !["blockNumber", "timestamp", "lossLevel"].includes(name));
}

/** Lets the next transaction be mined in the second of the latest block, so that nothing accrues in between. */
export async function sameSecond({ chain }: VaultScene): Promise<void> {
  await chain.request("evm_setNextBlockTimestamp", [await chain.now()]);
}

/** What the keeper would propose now, executed through the Safe: liquidity and a short are open afterwards. */
export async function openPositions(scene: VaultScene): Promise<void> {
  await execute(scene, await planNow(scene));
}

/** A parameter change the long way: scheduled through the Safe, executed through it after the delay, feeds kept fresh. */
export async function changeParameter(scene: VaultScene, call: ContractTransaction): Promise<void> {
  const { manager } = scene.contracts;
  await viaSafe(scene, await manager.schedule.populateTransaction(call.to, call.data, 0));
  await scene.chain.warpTo((await scene.chain.now()) + 2 * 86_400);
  await newRounds(scene);
  await viaSafe(scene, await manager.execute.populateTransaction(call.to, call.data));
}

/** The same chain seen from another of its vaults. */
export function sceneOf(scene: VaultScene, index: number): VaultScene {
  const { deployment } = scene.world.vaults[index]!;
  return { ...scene, deployment, safe: deployment.safe, contracts: connect(deployment, scene.chain) };
}

/** The plan the rules give now, with changes. */
export async function planNow(scene: VaultScene, changes: Partial<Plan> = {}): Promise<Plan> {
  const { evidence } = await observe(scene.chain.provider, scene.deployment);
  const decision = decide(evidence);
  if (decision.kind !== "rebalance") expect.fail(decision.sentence);
  return { ...decision.plan, ...changes };
}

/** Executes a plan through the Safe, in the second of the latest block. */
export async function execute(scene: VaultScene, plan: Plan): Promise<Mined> {
  await sameSecond(scene);
  return viaSafe(scene, { to: scene.deployment.rebalancer, data: encodePlan(plan) });
}

/** The next session closes at these values, the day ends, the oracle takes it in, and the price feeds beat once more. */
export async function closeNextSession(scene: VaultScene, vix: number, vix3m: number): Promise<void> {
  const { chain, contracts, market } = scene;
  const day = Number(await contracts.regime.nextSessionDay());
  await closeSession(market, day * 86_400 + CLOSE_SECONDS, { vix, vix3m });
  await chain.warpTo((day + 1) * 86_400);
  await newRounds(scene);
  await advanceRegime(chain.provider, scene.deployment.regimeOracle, await chain.signer("keeper"));
}
