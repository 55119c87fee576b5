import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { parseUnits, toQuantity } from "ethers";
import type { Signer } from "ethers";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { pushAnswer } from "../../deploy/devnet/feeds.ts";
import { actInEmergency } from "../../src/keeper/emergency.ts";
import type { Emergency } from "../../src/keeper/emergency.ts";
import { observe } from "../../src/keeper/observe.ts";
import { sendCall } from "../../src/keeper/sendCall.ts";
import { deleveragePlans, mustDeleverage, perpLeverageBps } from "../../src/plan/deleverage.ts";
import type { Deleverage } from "../../src/plan/deleverage.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import { encodeDeleverage } from "../../src/plan/plan.ts";
import { vaultState } from "../../src/plan/state.ts";
import { leveraged, perpSize, risen } from "../helpers/leveragedScene.ts";
import {
  closeNextSession,
  HISTORY,
  newRounds,
  requestRedeem,
  settle,
  shares,
  vaultScene,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

const OPEN = HISTORY.days[0]!.eth.open;
const BUFFER_BPS = 1_000;
const CALM = 20_000n;

describe("A keeper near liquidation", () => {
  let scene: VaultScene;

  before(async () => {
    scene = await vaultScene();
    await leveraged(scene);
    await closeNextSession(scene, 28, 27);
    await scene.keep();
  });
  afterEach(() => scene.reset());

  const evidenceNow = async (): Promise<Evidence> => (await observe(scene.chain.provider, scene.deployment)).evidence;

  async function leverage(): Promise<bigint> {
    const evidence = await evidenceNow();
    return perpLeverageBps(vaultState(evidence), evidence) ?? 0n;
  }

  async function act(who: AccountName | Signer | null = "keeper", told: Deleverage[] = []): Promise<Emergency> {
    return actInEmergency({
      provider: scene.chain.provider,
      deployment: scene.deployment,
      evidence: await evidenceNow(),
      signer: typeof who === "string" ? scene.chain.wallet(who) : who,
      bufferBps: BUFFER_BPS,
      beforeSending: (way) => Promise.resolve(void told.push(way)),
    });
  }

  /** What became of it, once it acted. */
  async function acted(): Promise<Emergency & { kind: "deleveraged" }> {
    const told: Deleverage[] = [];
    const emergency = await act("keeper", told);
    if (emergency.kind !== "deleveraged") return expect.fail(JSON.stringify(emergency, (_, v: unknown) => String(v)));
    expect(
      told.map(({ sentence }) => sentence),
      "told before",
    ).to.deep.equal([emergency.sentence]);
    return emergency;
  }

  /** Which of the plans for the state now the chain would take, and which not. */
  async function tried(): Promise<{ taken: string[]; refused: string[] }> {
    const evidence = await evidenceNow();
    const nearLiquidationBps = await scene.contracts.rebalancer.nearLiquidationBps();
    const ways = deleveragePlans(evidence, { nearLiquidationBps, bufferBps: BUFFER_BPS });
    const from = scene.chain.address("keeper");
    const results = await Promise.allSettled(
      ways.map(({ plan }) =>
        scene.chain.provider.call({ from, to: scene.deployment.rebalancer, data: encodeDeleverage(plan) }),
      ),
    );
    const told = (status: "fulfilled" | "rejected"): string[] =>
      ways.flatMap(({ sentence }, index) => (results[index]!.status === status ? [sentence] : []));
    return { taken: told("fulfilled"), refused: told("rejected") };
  }

  it("does nothing far from it", async () => {
    const emergency = await act();
    expect(emergency.kind).to.equal("calm");
    if (emergency.kind === "calm") expect(Number(emergency.leverageBps)).to.be.within(38_000, 40_000);
  });

  it("adds margin from idle cash within the buffer already, and leaves Stress's band", async () => {
    await risen(scene, 1.06, 1.105);
    expect(Number(await leverage())).to.be.within(72_000, 80_000);
    const size = await perpSize(scene);
    const { taken, refused } = await tried();
    expect(refused).to.deep.equal([]);
    expect(taken).to.have.length(3);
    const { sentence } = await acted();
    expect(sentence).to.include("of idle cash become margin");
    expect(await perpSize(scene), "the hedge stays").to.equal(size);
    expect((await leverage()) < CALM).to.equal(true);
    expect((await act()).kind, "and is calm then").to.equal("calm");
  });

  for (const [what, waiting] of [
    ["some", 1_300_000],
    ["all", 1_900_000],
  ] as const) {
    it(`shrinks both legs when redemptions wait for ${what} of the cash, and leaves it to them`, async () => {
      await requestRedeem(scene, "depositor", shares(waiting));
      await risen(scene, 1.06, 1.125);
      const before = vaultState(await evidenceNow());
      const { taken, refused } = await tried();
      expect(taken.length).to.be.at.least(5);
      // So much of the hedge alone would leave the liquidity too long.
      for (const way of refused) expect(way).to.match(/^the short shrinks by/);
      const { sentence } = await acted();
      expect(sentence).to.match(/^liquidity and short shrink by [\d.]+ %/);
      const after = vaultState(await evidenceNow());
      const kept = before.pendingValue < before.cash ? before.pendingValue : before.cash;
      expect(after.cash >= (kept * 99n) / 100n, `${after.cash} of ${kept}`).to.equal(true);
      expect(after.short < before.short && after.liquidityValue < before.liquidityValue).to.equal(true);
      expect((await leverage()) < CALM).to.equal(true);
    });
  }

  it("with little cash, and in the Unknown regime as well", async () => {
    await requestRedeem(scene, "depositor", shares(1_500_000));
    await newRounds(scene);
    await settle(scene);
    await risen(scene, 1.06, 1.125);
    await scene.chain.warpTo(Number(await scene.contracts.regime.staleAfter()) + 1);
    await newRounds(scene);
    expect((await evidenceNow()).regime.regime).to.equal("Unknown");
    await acted();
    expect((await leverage()) < CALM).to.equal(true);
  });

  it("by the short alone, when the pool is too far from the oracle to trade and there is no cash to spare", async () => {
    await requestRedeem(scene, "depositor", shares(1_500_000));
    await newRounds(scene);
    await settle(scene);
    await risen(scene, 1.06);
    // The oracle is ahead of pool and mark, and the contracts ask the mark as well whether the band's cash may go.
    await scene.chain.warpTo((await scene.chain.now()) + 60);
    await pushAnswer(scene.chain, scene.world.feeds.ethUsd, OPEN * 1.125);
    const nearLiquidationBps = await scene.contracts.rebalancer.nearLiquidationBps();
    expect((await leverage()) >= nearLiquidationBps).to.equal(true);
    const before = vaultState(await evidenceNow());
    const { sentence } = await acted();
    expect(sentence).to.match(/^the short shrinks by [\d.]+ %$/);
    const after = vaultState(await evidenceNow());
    expect(after.cash >= before.cash, `cash is left alone: ${after.cash} of ${before.cash}`).to.equal(true);
    expect((await act()).kind, "as far as the net delta allows, which is far enough").to.equal("calm");
  });

  it("deeper than a plan was made for: the account worth next to nothing", async () => {
    await risen(scene, 1.06, 1.12, 1.17);
    expect(Number(await leverage())).to.be.greaterThan(120_000);
    await acted();
    expect((await leverage()) < CALM).to.equal(true);
  });

  it("says when it cannot help, and why", async () => {
    await risen(scene, 1.06, 1.125);
    const keyless = await act(null);
    expect(keyless).to.deep.include({ kind: "helpless" });
    const stranger = await act("attacker");
    expect(stranger.kind).to.equal("helpless");
    if (stranger.kind === "helpless") expect(stranger.sentence).to.include("AccessManagedUnauthorized");
    const { topicHash } = scene.contracts.rebalancer.interface.getEvent("Deleveraged");
    const logs = await scene.chain.provider.getLogs({ topics: [topicHash], fromBlock: 0 });
    expect(logs, "nothing was sent").to.deep.equal([]);
  });

  it("at any gas price, and over a transaction of its own that is stuck", async () => {
    const { chain } = scene;
    await risen(scene, 1.06, 1.125);
    await chain.request("hardhat_setNextBlockBaseFeePerGas", [toQuantity(parseUnits("900", "gwei"))]);
    await chain.request("evm_mine", []);
    await chain.request("evm_setAutomine", [false]);
    try {
      const keeper = chain.wallet("keeper");
      const fees = await chain.provider.getFeeData();
      const stuck = await keeper.sendTransaction({
        to: keeper.address,
        gasLimit: 21_000n,
        maxFeePerGas: fees.maxFeePerGas,
        maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
      });
      const evidence = await evidenceNow();
      const nearLiquidationBps = await scene.contracts.rebalancer.nearLiquidationBps();
      const terms = { nearLiquidationBps, bufferBps: BUFFER_BPS };
      expect(mustDeleverage(evidence, terms)).to.equal(true);
      const call = {
        to: scene.deployment.rebalancer,
        data: encodeDeleverage(deleveragePlans(evidence, terms)[0]!.plan),
      };
      const sent = sendCall("deleveraging", chain.provider, keeper, call, { earlierWaitMs: 0, urgent: true });
      const [receipt] = await Promise.all([sent, mineAfter(stuck.hash)]);
      expect(receipt.hash).to.not.equal(stuck.hash);
      expect(await chain.provider.getTransactionReceipt(stuck.hash)).to.equal(null);
      expect((await leverage()) < CALM).to.equal(true);
    } finally {
      await chain.request("evm_setAutomine", [true]);
    }
  });

  /** Mines once something else than this waits for it, or nothing does for ten seconds. */
  async function mineAfter(stuck: string): Promise<void> {
    for (let looks = 0; looks < 500; looks++) {
      await sleep(20);
      const block = await scene.chain.request<{ transactions: string[] }>("eth_getBlockByNumber", ["pending", false]);
      if (block.transactions.some((hash) => hash !== stuck)) break;
    }
    await scene.chain.request("evm_mine", []);
  }
});
