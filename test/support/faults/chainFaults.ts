import { setTimeout as sleep } from "node:timers/promises";
import { Contract, Interface, parseUnits, toQuantity } from "ethers";
import type { ContractTransaction } from "ethers";
import type { AccountName } from "../../../deploy/devnet/chain.ts";
import { call } from "../../../deploy/devnet/curie.ts";
import { CLOSE_SECONDS } from "../../../deploy/devnet/feeds.ts";
import { closeSession } from "../../../deploy/devnet/market.ts";
import { safeAbi } from "../../../deploy/devnet/safe.ts";
import { CONTRACT_ERRORS } from "../../../src/keeper/contractErrors.ts";
import type { Keeper } from "../../../src/keeper/service.ts";
import type { ProposalRow } from "../../../src/keeper/store/store.ts";
import { decodePlan } from "../../../src/plan/plan.ts";
import { executeSafeTx } from "../../../src/safe/execute.ts";
import { createPacket, parsePacket } from "../../../src/safe/packet.ts";
import type { Packet } from "../../../src/safe/packet.ts";
import { signPacket } from "../../../src/safe/sign.ts";
import { plainCall, safeTxHash } from "../../../src/safe/transaction.ts";
import type { SafeTx } from "../../../src/safe/transaction.ts";
import { ReviewGuard__factory } from "../../../typechain-types/index.js";
import { closeNextSession, deposit, newRounds, usdc, viaSafe } from "../../helpers/vaultScene.ts";
import type { VaultScene } from "../../helpers/vaultScene.ts";
import { leveraged, perpSize, risen } from "../../helpers/leveragedScene.ts";
import { rejection } from "../../helpers/safeScene.ts";
import { VAULT } from "./rig.ts";
import type { Rig } from "./rig.ts";
import { scenario } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";

const DONE = ["PROPOSED", "ALREADY_PROPOSED"] as const;
const SAFE = new Interface(safeAbi());
const HOUR = 3_600;
const DAY = 86_400;
/** A session after which the regime stays Calm. */
const CALM_CLOSE = { vix: 14, vix3m: 18 };
/** A session after which it is Stress. */
const STRESS_CLOSE = { vix: 28, vix3m: 27 };

/** A scenario's own expectation that did not come true. */
class Unexpected extends Error {
  constructor(what: string) {
    super(what);
    this.name = "Unexpected";
  }
}

/** What a killed process throws to nobody. */
class Killed extends Error {
  constructor() {
    super("the keeper was killed here");
    this.name = "Killed";
  }
}

function must(is: boolean, what: string): void {
  if (!is) throw new Unexpected(what);
}

/** The faults of Safe and chain. */
export const CHAIN_FAULTS: Scenario[] = [
  scenario("the base fee rises twentyfold", 3, { chain: { maxFeeGwei: 5 } }, async (rig) => {
    const { scene } = rig.stage;
    const { chain, contracts } = scene;
    const day = Number(await contracts.regime.nextSessionDay());
    await closeSession(scene.market, day * DAY + CLOSE_SECONDS, CALM_CLOSE);
    await chain.warpTo((day + 1) * DAY);
    await newRounds(scene);
    await baseFee(scene, "100");
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    must(Number(await contracts.regime.nextSessionDay()) === day, "a close was taken in at any price");
    const line = said(rig, "GasTooDear");
    await baseFee(scene, "1");
    const ticks = await rig.until(keeper, DONE);
    must(Number(await contracts.regime.nextSessionDay()) > day, "the close was not taken in once gas was cheap again");
    return { expected: 1, found: (await rig.alive()).length, ticks, line };
  }),

  scenario("a close that changes the regime is taken in late", 2, { chain: { maxFeeGwei: 5 } }, async (rig) => {
    const { scene } = rig.stage;
    const { chain, contracts } = scene;
    const day = Number(await contracts.regime.nextSessionDay());
    await closeSession(scene.market, day * DAY + CLOSE_SECONDS, STRESS_CLOSE);
    await chain.warpTo((day + 1) * DAY);
    await newRounds(scene);
    await baseFee(scene, "100");
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    const calm = await waiting(keeper);
    await baseFee(scene, "1");
    const ticks = await rig.until(keeper, ["PROPOSED"]);
    await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
    await mustBeClosed(keeper, calm, "superseded");
    must(decodePlan((await waiting(keeper)).safeTx.data).regime === "Stress", "it is for the old regime");
    return { expected: 1, found: await whole(rig, keeper), ticks, line: `${(await rowOf(keeper, calm)).detail}` };
  }),

  scenario("the keeper is no delegate any more", 3, {}, async (rig) => {
    const { chain } = rig.stage.scene;
    const keeper = await rig.keeper();
    rig.service.revoke(chain.address("keeper"));
    await rig.until(keeper, ["SERVICE_REFUSED"], 1);
    await rig.until(keeper, ["SERVICE_REFUSED"], 1);
    const [row, ...others] = await keeper.store.proposals({ vault: VAULT });
    must(row?.status === "intended" && others.length === 0, "the proposal was not written down, once");
    const line = said(rig, "SERVICE_REFUSED");
    await rig.delegate();
    const ticks = await rig.until(keeper, DONE);
    const alive = await rig.alive();
    must(alive[0]?.safeTxHash === row?.safeTxHash, "something else went out than was written down");
    return { expected: 1, found: alive.length, ticks, line };
  }),

  scenario("an owner is replaced while a proposal waits", 3, {}, async (rig) => {
    const { chain, safe } = rig.stage.scene;
    const [removed, added] = [chain.address("owner3"), chain.address("market")];
    const data = SAFE.encodeFunctionData("swapOwner", [chain.address("owner2"), removed, added]);
    const swap = await packetOf(rig, { to: safe, data });
    await rig.client().propose({ safe, safeTx: swap.safeTx, signer: chain.wallet("owner1") });
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    const packet = await waiting(keeper);
    must(BigInt(packet.safeTx.nonce) === BigInt(swap.safeTx.nonce) + 1n, "it does not wait behind the other");
    for (const owner of ["owner1", "owner3"] as const) {
      const [signature] = (await signPacket(packet, chain.wallet(owner), chain)).signatures;
      await rig.client().confirm(packet.safeTxHash, signature!.signature);
    }
    await run(rig, swap);
    const ticks = await rig.until(keeper, DONE);
    const found = (await rig.alive()).length;
    const service = rig.client();
    const { provider } = chain;
    const signer = chain.wallet("executor");
    const request = { provider, signer, packet, service, interfaces: CONTRACT_ERRORS, gasLimit: 16_000_000n };
    const { name, message } = await rejection(executeSafeTx(request));
    must(name === "NotEnoughSignatures" && message.includes("not an owner now"), `not refused: ${message}`);
    await executeSafeTx({ ...request, packet: await signPacket(packet, chain.wallet("owner2"), chain) });
    await rig.tick(keeper);
    await mustBeClosed(keeper, packet, "executed");
    return { expected: 1, found, ticks, line: message };
  }),

  scenario("another transaction takes the Safe's nonce", 3, {}, async (rig) => {
    const { chain } = rig.stage.scene;
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    const packet = await waiting(keeper);
    await run(rig, await packetOf(rig, { to: chain.address("executor"), data: "0x" }));
    const ticks = await rig.until(keeper, ["PROPOSED"]);
    await mustBeClosed(keeper, packet, "superseded");
    const [alive, ...others] = await rig.alive();
    must(BigInt(alive?.safeTx.nonce ?? 0) === BigInt(packet.safeTx.nonce) + 1n, "it is not at the next nonce");
    return { expected: 1, found: 1 + others.length, ticks, line: said(rig, "is superseded") };
  }),

  scenario("the owners reject a proposal", 3, {}, async (rig) => {
    const { safe } = rig.stage.scene;
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    const packet = await waiting(keeper);
    await run(rig, await packetOf(rig, { to: safe, data: "0x" }));
    const ticks = await rig.until(keeper, ["TURNED_DOWN"]);
    await rig.until(keeper, ["TURNED_DOWN"], 1);
    await mustBeClosed(keeper, packet, "rejected");
    return { expected: 1, found: rig.service.proposed(safe).length, ticks, line: said(rig, "is rejected") };
  }),

  // With a safeTxGas of zero, as all proposals have it, a plan that fails reverts the Safe's transaction and its nonce with it
  // (GS013): nothing is mined that would have to be told from a rejection.
  scenario("someone else executes the proposal, or its plan", 4, {}, async (rig, index) => {
    const { chain, safe } = rig.stage.scene;
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    const packet = await waiting(keeper);
    // The same call under another hash: what gas is refunded to nobody is none of the plan's business.
    const other = { ...packet.safeTx, refundReceiver: chain.address("executor") };
    await run(rig, index % 2 === 0 ? packet : remade(rig, packet, other));
    const ticks = await rig.until(keeper, ["INSIDE_BAND"]);
    await mustBeClosed(keeper, packet, "executed");
    must((await rig.alive()).length === 0, "something is proposed again");
    return { expected: 1, found: rig.service.proposed(safe).length, ticks, line: said(rig, "is executed") };
  }),

  scenario("shareholders veto the proposal", 2, { vault: { announce: true } }, async (rig) => {
    const { scene } = rig.stage;
    const { chain, safe } = scene;
    await deposit(scene, "maker", usdc(600_000));
    const guard = await setGuard(scene);
    // Votes count as they stood a day before.
    for (let days = 0; days < 2; days++) await closeNextSession(scene, CALM_CLOSE.vix, CALM_CLOSE.vix3m);
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    const packet = await waiting(keeper);
    const { to, value, data } = packet.safeTx;
    const key = await guard.keyOf(to, value, data);
    must((await guard.announcement(key)).announcedAt > 0n, "it was not announced");
    const veto = await guard.veto.populateTransaction(key);
    await chain.send("maker", veto);
    await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
    const line = said(rig, "VETO_UNDER_WAY");
    await chain.send("depositor", veto);
    const ticks = await rig.until(keeper, ["TURNED_DOWN"]);
    await rig.until(keeper, ["TURNED_DOWN"], 1);
    await mustBeClosed(keeper, packet, "vetoed");
    return { expected: 1, found: rig.service.proposed(safe).length, ticks, line };
  }),

  scenario("the short is liquidated while a proposal waits", 2, {}, async (rig) => {
    const { scene } = rig.stage;
    await leveraged(scene);
    await closeNextSession(scene, CALM_CLOSE.vix, CALM_CLOSE.vix3m);
    await risen(scene, 1.06, 1.12);
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    const packet = await waiting(keeper);
    await risen(scene, 1.195);
    const before = await perpSize(scene);
    const { clearingHouse, baseToken } = scene.world.curie;
    const liquidate = [scene.deployment.perpAdapter, baseToken.target];
    await call(scene.chain, "maker", clearingHouse, "liquidate(address,address)", liquidate);
    must((await perpSize(scene)) > before, "nothing was liquidated");
    const ticks = await rig.until(keeper, ["PROPOSED"]);
    await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
    await mustBeClosed(keeper, packet, "superseded");
    const fresh = await waiting(keeper);
    must(fresh.safeTx.nonce === packet.safeTx.nonce, "it stands at another nonce of the Safe");
    const from = decodePlan(fresh.safeTx.data).perps[0]?.fromSize;
    must(from === String(await perpSize(scene)), `the plan is for a short of ${from}`);
    const found = await whole(rig, keeper);
    await run(rig, fresh);
    return { expected: 1, found, ticks, line: `${(await rowOf(keeper, packet)).detail}` };
  }),

  scenario("a killed keeper reduces risk near liquidation", 4, {}, async (rig, index) => {
    const { scene } = rig.stage;
    await nearLiquidation(scene);
    const first = await rig.keeper();
    const vault = first.vaults.get(VAULT)!;
    const dieAfterwards = (): never => {
      throw new Killed();
    };
    const { alerts } = vault;
    vault.alerts =
      index % 2 === 0
        ? { ...alerts, tell: dieAfterwards }
        : {
            ...alerts,
            raise: (alert) => (alert.code === "EMERGENCY" ? Promise.reject(new Killed()) : alerts.raise(alert)),
          };
    const { error } = await rig.tick(first);
    must(error instanceof Killed, `it was not killed: ${error?.message}`);
    const second = await rig.keeper();
    const ticks = await rig.until(second, DONE);
    await rig.until(second, ["ALREADY_PROPOSED"], 1);
    must((await deleveraged(scene)) === 1, `reduced ${await deleveraged(scene)} times`);
    const line = said(rig, "alert_standing code=EMERGENCY");
    return { expected: 1, found: await whole(rig, second), ticks, line };
  }),

  scenario("the service is away near liquidation", 2, {}, async (rig) => {
    const { scene } = rig.stage;
    await leveraged(scene);
    await closeNextSession(scene, STRESS_CLOSE.vix, STRESS_CLOSE.vix3m);
    const keeper = await rig.keeper();
    await rig.until(keeper, ["PROPOSED"], 1);
    const packet = await waiting(keeper);
    await risen(scene, 1.06, 1.125);
    rig.service.fail({ kind: "down" });
    const { error } = await rig.tick(keeper);
    must(error?.name === "ServiceUnavailable", `the tick ended otherwise: ${error?.message}`);
    must((await deleveraged(scene)) === 1, "nothing was reduced while the service was away");
    rig.service.fail(null);
    const ticks = await rig.until(keeper, ["PROPOSED"]);
    must((await deleveraged(scene)) === 1, `reduced ${await deleveraged(scene)} times`);
    await mustBeClosed(keeper, packet, "superseded");
    return { expected: 1, found: await whole(rig, keeper), ticks, line: said(rig, "alert_standing code=EMERGENCY") };
  }),

  scenario("a killed keeper approves on chain", 3, { vault: { via: "approvals" } }, async (rig) => {
    const { scene } = rig.stage;
    const { chain, safe } = scene;
    await viaSafe(scene, safeCall(safe, "addOwnerWithThreshold", [chain.address("keeper"), 2]));
    const first = await rig.keeper();
    first.store.handedOut = () => Promise.reject(new Killed());
    const { error } = await rig.tick(first);
    must(error instanceof Killed, `it was not killed: ${error?.message}`);
    const second = await rig.keeper();
    const ticks = await rig.until(second, DONE);
    await rig.until(second, ["ALREADY_PROPOSED"], 1);
    return { expected: 1, found: await approvalsBy(scene, "keeper"), ticks, line: await approvalOf(second) };
  }),

  scenario("a killed keeper's approval is not mined yet", 3, { vault: { via: "approvals" } }, async (rig) => {
    const { scene } = rig.stage;
    const { chain, safe } = scene;
    await viaSafe(scene, safeCall(safe, "addOwnerWithThreshold", [chain.address("keeper"), 2]));
    const first = await rig.keeper();
    first.store.handedOut = () => Promise.reject(new Killed());
    await chain.request("evm_setAutomine", [false]);
    try {
      const dying = rig.tick(first);
      while (!(await isOnTheWay(scene, "keeper"))) await sleep(10);
      const second = await rig.keeper();
      rig.nextSlot();
      const attempt = rig.tick(second);
      await sleep(300);
      await chain.request("evm_mine", []);
      await dying;
      await chain.request("evm_setAutomine", [true]);
      await attempt;
      const ticks = await rig.until(second, ["ALREADY_PROPOSED"]);
      return { expected: 1, found: await approvalsBy(scene, "keeper"), ticks, line: await approvalOf(second) };
    } finally {
      await chain.request("evm_setAutomine", [true]);
    }
  }),
];

// --------------------------------------------------------------------------------------------------------- the keeper's

/** The one proposal that stands by the store. */
async function waiting(keeper: Keeper): Promise<Packet> {
  const rows = await keeper.store.proposals({ vault: VAULT, open: true });
  must(rows.length === 1, `${rows.length} proposals stand`);
  return parsePacket(rows[0]!.packet);
}

async function rowOf(keeper: Keeper, { safeTxHash: hash }: Packet): Promise<ProposalRow> {
  const row = await keeper.store.proposal(hash);
  must(row !== null, `${hash} was never written down`);
  return row!;
}

async function mustBeClosed(keeper: Keeper, packet: Packet, status: ProposalRow["status"]): Promise<void> {
  const row = await rowOf(keeper, packet);
  must(row.status === status, `it is ${row.status} (${row.detail}), not ${status}`);
}

/** Proposals of today that would still run: what was superseded may still lie at the service, and its plan is refused. */
async function whole(rig: Rig, keeper: Keeper): Promise<number> {
  const alive = await rig.alive();
  const rows = await Promise.all(alive.map(({ safeTxHash: hash }) => keeper.store.proposal(hash)));
  must(new Set(alive.map(({ safeTx }) => safeTx.nonce)).size === 1, "two of them could run");
  return rows.filter((row) => row?.status !== "superseded").length;
}

/** The last line of the log with this in it. */
function said({ lines }: Rig, text: string): string {
  const line = lines.findLast((entry) => entry.includes(text))?.trim();
  if (line === undefined) throw new Unexpected(`no line of the log says "${text}"`);
  return line;
}

// ------------------------------------------------------------------------------------------------------------ the Safe

function safeCall(safe: string, name: string, args: unknown[]): ContractTransaction {
  return { to: safe, data: SAFE.encodeFunctionData(name, args) };
}

/** A transaction at the Safe's next nonce. */
async function packetOf(rig: Rig, { to, data }: { to: string; data: string }): Promise<Packet> {
  const { chain, safe, deployment } = rig.stage.scene;
  const nonce = (await new Contract(safe, SAFE, chain.provider).getFunction("nonce")()) as bigint;
  const safeTx = plainCall(to, data, nonce);
  return createPacket({ chainId: deployment.chainId, safe, safeTx, plan: {}, evidence: {} });
}

function remade(rig: Rig, packet: Packet, safeTx: SafeTx): Packet {
  const { safe, deployment } = rig.stage.scene;
  must(safeTxHash(deployment.chainId, safe, safeTx) !== packet.safeTxHash, "it is the same transaction");
  return createPacket({ chainId: deployment.chainId, safe, safeTx, plan: {}, evidence: {} });
}

/** Two owners sign, a stranger sends. */
async function run(rig: Rig, packet: Packet): Promise<void> {
  const { chain } = rig.stage.scene;
  const once = await signPacket(packet, chain.wallet("owner1"), chain);
  await executeSafeTx({
    provider: chain.provider,
    signer: chain.wallet("executor"),
    packet: await signPacket(once, chain.wallet("owner2"), chain),
    interfaces: CONTRACT_ERRORS,
    gasLimit: 16_000_000n,
  });
}

/** The Safe gets a review guard, and the keeper as an owner, who may announce. */
async function setGuard(scene: VaultScene): Promise<ReturnType<typeof ReviewGuard__factory.connect>> {
  const { chain, safe, deployment: d } = scene;
  const rules = {
    deriskWindow: 900,
    planWindow: 6 * HOUR,
    otherWindow: 3 * DAY,
    exitDelay: 21 * DAY,
    expiry: 5 * DAY,
    planVetoBps: 2_000,
    otherVetoBps: 1_000,
    secondVetoBps: 4_000,
  };
  const args = [d.accessManager, d.safe, d.rebalancer, d.lens, rules];
  const guard = ReviewGuard__factory.connect(
    await (await chain.deploy(ReviewGuard__factory, args)).getAddress(),
    chain.provider,
  );
  await viaSafe(scene, safeCall(safe, "addOwnerWithThreshold", [chain.address("keeper"), 2]));
  await viaSafe(scene, safeCall(safe, "setGuard", [await guard.getAddress()]));
  return guard;
}

/** How often an account approved something on chain, what waits to be mined included. */
async function approvalsBy({ chain, safe }: VaultScene, who: AccountName): Promise<number> {
  await chain.request("evm_mine", []);
  const topics = SAFE.encodeFilterTopics("ApproveHash", [null, chain.address(who)]);
  return (await chain.provider.getLogs({ address: safe, topics, fromBlock: 0 })).length;
}

async function isOnTheWay({ chain }: VaultScene, who: AccountName): Promise<boolean> {
  const [mined, all] = await Promise.all(
    ["latest", "pending"].map((tag) => chain.provider.getTransactionCount(chain.address(who), tag)),
  );
  return all! > mined!;
}

/** Where the store says that the proposal was approved. */
async function approvalOf(keeper: Keeper): Promise<string> {
  const [row] = await keeper.store.proposals({ vault: VAULT, open: true });
  return row?.where.find((place) => place.startsWith("approved on chain")) ?? "";
}

// ----------------------------------------------------------------------------------------------------------- the market

/** Blocks from now on begin at this base fee, in gwei. */
async function baseFee({ chain }: VaultScene, gwei: string): Promise<void> {
  await chain.request("hardhat_setNextBlockBaseFeePerGas", [toQuantity(parseUnits(gwei, "gwei"))]);
  await chain.request("evm_mine", []);
}

async function nearLiquidation(scene: VaultScene): Promise<void> {
  await leveraged(scene);
  await closeNextSession(scene, STRESS_CLOSE.vix, STRESS_CLOSE.vix3m);
  await risen(scene, 1.06, 1.125);
}

/** How often the keeper reduced risk by its role. */
async function deleveraged({ contracts, chain, deployment }: VaultScene): Promise<number> {
  const { topicHash } = contracts.rebalancer.interface.getEvent("Deleveraged");
  const address = deployment.rebalancer;
  return (await chain.provider.getLogs({ address, topics: [topicHash], fromBlock: 0 })).length;
}
