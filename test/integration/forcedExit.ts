import { expect } from "chai";
import type { ContractTransaction } from "ethers";
import type { AccountName, Mined } from "../../deploy/devnet/chain.ts";
import { call } from "../../deploy/devnet/curie.ts";
import { replayPerpStep } from "../../deploy/devnet/perpArbitrage.ts";
import { movePool } from "../../deploy/devnet/poolTrader.ts";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import type { HedgeVault } from "../../typechain-types/index.js";
import {
  closeNextSession,
  deposit,
  execute,
  expectRevert,
  marketAt,
  midPrice,
  newRounds,
  openPositions,
  planNow,
  requestRedeem,
  sameSecond,
  usdc,
  vaultScene,
  viaSafe,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

const VIRTUAL_SHARES = 10n ** 12n;
const DEADLINE_SECONDS = 14 * 86_400;
/** Units of rounding that those who stay may lose: one for each token of each venue. */
const ROUNDING = 4n;
const OPEN = 2_812;

/** Nobody signs, both feeds are dead, and someone wants out: on the real venues. */
describe("Forced exit", () => {
  let scene: VaultScene;
  let vault: HedgeVault;
  /** The oracle's last price: what things are valued at here, where no feed answers. */
  let price: bigint;
  let leaving: bigint;
  const at = (name: AccountName): string => scene.chain.address(name);
  const send = (from: AccountName, tx: ContractTransaction): Promise<Mined> => scene.chain.send(from, tx);
  const adapters = () => [scene.deployment.liquidityAdapter, scene.deployment.perpAdapter] as const;

  before(async () => {
    scene = await vaultScene([{ name: "hedged", policy: DEFAULT_POLICY, deposit: 3_000_000 }]);
    ({ vault } = scene.contracts);
    leaving = await deposit(scene, "attacker", usdc(1_000_000));
    await openPositions(scene);
    price = await midPrice(scene);
    await requestRedeem(scene, "attacker", leaving);
    // Fees wait in the position, and the market is where it was.
    await marketAt(scene, OPEN * 1.02);
    await marketAt(scene, OPEN);
    const deadline = (await scene.chain.now()) + DEADLINE_SECONDS;
    while ((await scene.chain.now()) < deadline) await closeNextSession(scene, 13, 16);
    await scene.chain.warpTo((await scene.chain.now()) + 7 * 3_600);
    await expectRevert(scene.contracts.prices.read(), "StaleFeed");
    const { feesAsset, feesBase } = await scene.contracts.liquidity.position();
    expect(feesAsset > 0n && feesBase > 0n, "fees wait").to.equal(true);
    await scene.keep();
  });
  afterEach(() => scene.reset());

  async function force(who: AccountName): Promise<Mined> {
    await sameSecond(scene);
    return send(who, await vault.force.populateTransaction(1));
  }

  async function unwind(who: AccountName, adapter: string, units: bigint): Promise<Mined> {
    await sameSecond(scene);
    return send(who, await vault.unwindSlice.populateTransaction(at("attacker"), adapter, units));
  }

  /** Everything the vault owns, at the last price, and the supply it belongs to, virtual shares among it. */
  async function holdings(): Promise<{ nav: bigint; supply: bigint; claims: bigint }> {
    const nav = await vault.navAt(price);
    return { nav, supply: (await vault.totalSupply()) + VIRTUAL_SHARES, claims: await claimsOf("attacker") };
  }

  async function claimsOf(who: AccountName): Promise<bigint> {
    const base = await vault.claimableInKind(at(who), await scene.contracts.liquidity.base());
    return (await vault.maxWithdraw(at(who))) + (base * price) / 10n ** 30n;
  }

  function expectStayersKeep(before: { nav: bigint; supply: bigint }, after: { nav: bigint; supply: bigint }): void {
    const lost = before.nav * after.supply - (after.nav + ROUNDING) * before.supply;
    expect(lost <= 0n, `those who stay lost ${lost / before.supply}`).to.equal(true);
  }

  it("pays a share of everything, the base in kind; the leaver bears the cost and the stayers lose nothing", async () => {
    const before = await holdings();
    const was = await scene.contracts.liquidity.position();
    const short = (await scene.contracts.perp.position()).size;
    const cash = await vault.cash();
    await force("attacker");
    const after = await holdings();

    expectStayersKeep(before, after);
    const fair = (before.nav * leaving) / before.supply;
    expect(after.claims <= fair, "never more than the share").to.equal(true);
    // A quarter of the short is bought back at Curie's fee of 0.1 % and a little impact.
    expect(after.claims >= (fair * 998n) / 1_000n, `${after.claims} of ${fair}`).to.equal(true);
    expect(await vault.balanceOf(at("attacker"))).to.equal(0n);
    expect(await vault.pendingShares()).to.equal(0n);
    expect(await vault.cash()).to.equal(cash - (cash * leaving) / before.supply);

    const is = await scene.contracts.liquidity.position();
    const near = (value: bigint, whole: bigint): boolean => {
      const kept = whole - (whole * leaving) / before.supply;
      return value >= kept - 2n && value <= kept + 2n;
    };
    expect(near(is.liquidity, was.liquidity), "liquidity").to.equal(true);
    expect(near(is.feesBase, was.feesBase), "the others' fees in base wait as before").to.equal(true);
    expect(near(is.feesAsset, was.feesAsset), "and in the asset").to.equal(true);
    expect(near((await scene.contracts.perp.position()).size, short), "short").to.equal(true);
  });

  it("is paid out in both tokens, to the controller's word alone", async () => {
    await force("keeper");
    const base = scene.world.base;
    const token = await scene.contracts.liquidity.base();
    const [owed, inKind] = [
      await vault.maxWithdraw(at("attacker")),
      await vault.claimableInKind(at("attacker"), token),
    ];
    expect(inKind > 0n).to.equal(true);
    const claim = await vault.claimInKind.populateTransaction(token, at("owner2"), at("attacker"));
    await expectRevert(send("keeper", claim), "NotAuthorized", at("keeper"), at("attacker"));
    await send("attacker", claim);
    expect(await base.getFunction("balanceOf")(at("owner2"))).to.equal(inKind);
    expect(await vault.claimableInKind(at("attacker"), token)).to.equal(0n);
    await expectRevert(send("attacker", claim), "ClaimTooLarge", at("attacker"), 1, 0);
    expect(await base.getFunction("balanceOf")(at("owner2")), "once").to.equal(inKind);
    await send("attacker", await vault.redeem.populateTransaction(leaving, at("owner2"), at("attacker")));
    expect(await scene.asset.balanceOf(at("owner2"))).to.equal(owed);
    expect(await vault.claimsOutstanding()).to.equal(0n);
  });

  it("goes on with every target closed by the administrator, and so do requests, cancels and claims", async () => {
    const { manager } = scene.contracts;
    const closings = await Promise.all(
      [scene.deployment.vault, ...adapters()].map((target) =>
        manager.setTargetClosed.populateTransaction(target, true),
      ),
    );
    for (const closing of closings) {
      await viaSafe(scene, await manager.schedule.populateTransaction(closing.to, closing.data, 0));
    }
    await scene.chain.warpTo((await scene.chain.now()) + 4 * 86_400);
    for (const closing of closings) {
      await viaSafe(scene, await manager.execute.populateTransaction(closing.to, closing.data));
    }
    expect(await manager.isTargetClosed(scene.deployment.vault)).to.equal(true);

    const part = (await vault.balanceOf(at("depositor"))) / 2n;
    const id = await requestRedeem(scene, "depositor", part);
    await send("depositor", await vault.cancelRedeemRequest.populateTransaction(id, at("depositor")));
    await force("keeper");
    for (const adapter of adapters()) expect(await vault.sliceOf(at("attacker"), adapter)).to.equal(0n);
    await send("attacker", await vault.redeem.populateTransaction(leaving, at("attacker"), at("attacker")));
    expect((await scene.asset.balanceOf(at("attacker"))) > 0n).to.equal(true);
  });

  it("with Curie paused keeps that slice aside, out of the vault's value and of every plan's reach", async () => {
    const { curie } = scene.world;
    const before = await holdings();
    await sameSecond(scene);
    await call(scene.chain, "deployer", curie.clearingHouse, "pause");
    await force("attacker");
    const units = await vault.sliceOf(at("attacker"), scene.deployment.perpAdapter);
    expect(units > 0n && (await vault.sliceOf(at("attacker"), scene.deployment.liquidityAdapter)) === 0n).to.equal(
      true,
    );
    expectStayersKeep(before, await holdings());
    const paid = await claimsOf("attacker");
    expect((await failureOf(unwind("keeper", scene.deployment.perpAdapter, units))) !== null).to.equal(true);

    await call(scene.chain, "deployer", curie.clearingHouse, "unpause");
    // What a plan would do: what it opens would be shared with the leaver. Margin may go in, or a slice left aside could have
    // the others liquidated.
    const { perp } = scene.contracts;
    const { size } = await perp.position();
    const executor = { from: scene.deployment.rebalancer };
    const at1 = { low: price, mid: price, high: price };
    await expectRevert(perp.setPosition.staticCall(size * 2n, 0, at1, executor), "SlicesAside", units);
    await perp.reducePosition.staticCall(size, usdc(1_000), executor);
    await perp.setPosition.staticCall(size / 2n, 0, at1, executor);
    await perp.reducePosition.staticCall(size / 2n, 0, executor);
    const again = await holdings();
    await unwind("attacker", scene.deployment.perpAdapter, units);
    expectStayersKeep(again, await holdings());
    const fair = (before.nav * leaving) / before.supply;
    const got = await claimsOf("attacker");
    expect(got > paid && got >= (fair * 99n) / 100n && got <= (fair * 101n) / 100n, `${got} of ${fair}`).to.equal(true);
    expect(await vault.sliceOf(at("attacker"), scene.deployment.perpAdapter)).to.equal(0n);
  });

  it("with a slice of the short aside, a plan's size and equity are of the part that is left", async () => {
    const { curie } = scene.world;
    const { perp, liquidity } = scene.contracts;
    const short = (await perp.position()).size;
    const before = await holdings();
    await sameSecond(scene);
    await call(scene.chain, "deployer", curie.clearingHouse, "pause");
    await force("attacker");
    await sameSecond(scene);
    await call(scene.chain, "deployer", curie.clearingHouse, "unpause");
    const own = await perp.position();
    const kept = (short * (before.supply - leaving)) / before.supply;
    expect(own.size - kept <= 2n && kept - own.size <= 2n, `${own.size} of ${short}`).to.equal(true);
    expect((await perp.exposure(price)).deltaMin).to.equal(own.size);

    const rebalancer = scene.deployment.rebalancer;
    await scene.chain.request("hardhat_impersonateAccount", [rebalancer]);
    await scene.chain.request("hardhat_setBalance", [rebalancer, "0x8ac7230489e80000"]);
    const as = async (tx: ContractTransaction): Promise<void> => {
      await sameSecond(scene);
      const sent = await scene.chain.request<string>("eth_sendTransaction", [
        { from: rebalancer, to: tx.to, data: tx.data, gas: "0x7a1200" },
      ]);
      expect((await scene.chain.provider.getTransactionReceipt(sent))?.status).to.equal(1);
    };
    const mid = { low: price, mid: price, high: price };
    // Left as it is, nothing is traded; halved, half of it is left.
    await as(await perp.setPosition.populateTransaction(own.size, 0, mid));
    expect((await perp.position()).size).to.equal(own.size);
    await as(await perp.reducePosition.populateTransaction(own.size / 2n, 0));
    const half = (await perp.position()).size - own.size / 2n;
    expect(half >= -2n && half <= 2n, `${half} off the half`).to.equal(true);

    // Margin goes in, and the leaver's part of it is no more than the slice's.
    const [value, cash] = [await perp.valueAt(price), await vault.cash()];
    const margin = usdc(100_000);
    await as(await perp.setPosition.populateTransaction(own.size / 2n, value + margin, mid));
    expect(cash - (await vault.cash())).to.equal(margin);
    const added = (await perp.valueAt(price)) - value;
    const { aside, total } = await perp.slices();
    expect(added >= (margin * (total - aside)) / total - 2n && added < margin, `${added} added`).to.equal(true);
    expect((await liquidity.slices()).aside).to.equal(0n);
  });

  it("with Uniswap reverting keeps that slice aside, to be unwound in parts by anyone", async () => {
    const manager = await scene.world.uniswap.positionManager.getAddress();
    const code = await scene.chain.provider.getCode(manager);
    const before = await holdings();
    await scene.chain.request("hardhat_setCode", [manager, "0xfe"]);
    await force("attacker");
    await scene.chain.request("hardhat_setCode", [manager, code]);
    const adapter = scene.deployment.liquidityAdapter;
    const units = await vault.sliceOf(at("attacker"), adapter);
    expect(units > 0n).to.equal(true);
    expect(await vault.sliceOf(at("attacker"), scene.deployment.perpAdapter), "the other venue went on").to.equal(0n);
    expectStayersKeep(before, await holdings());
    const { liquidity } = scene.contracts;
    const executor = { from: scene.deployment.rebalancer };
    const none = liquidity.setLiquidity.staticCall(0, 0, 0, { low: price, mid: price, high: price }, executor);
    await expectRevert(none, "SlicesAside", units);
    await expectRevert(liquidity.burnLiquidity.staticCall(executor), "SlicesAside", units);

    for (const part of [units / 3n, units - units / 3n]) {
      await unwind("keeper", adapter, part);
      expectStayersKeep(before, await holdings());
    }
    const fair = (before.nav * leaving) / before.supply;
    const got = await claimsOf("attacker");
    expect(got <= fair && got >= (fair * 998n) / 1_000n, `${got} of ${fair}`).to.equal(true);
    expect((await scene.contracts.liquidity.slices()).aside).to.equal(0n);
  });

  it("by a stranger who pushed Curie's price leaves the short's slice alone; its controller may take any price", async () => {
    await replayPerpStep(scene.chain, { ...scene.market.perps, last: null }, 0.05);
    const before = await holdings();
    await force("keeper");
    const adapter = scene.deployment.perpAdapter;
    const units = await vault.sliceOf(at("attacker"), adapter);
    expect(units > 0n, "kept").to.equal(true);
    expect((await failureOf(unwind("keeper", adapter, units))) !== null, "nor later").to.equal(true);

    await unwind("attacker", adapter, units);
    expect(await vault.sliceOf(at("attacker"), adapter)).to.equal(0n);
    expectStayersKeep(before, await holdings());
  });

  it("needs gas enough for every venue, so that nobody keeps a slice aside by sending less", async () => {
    const tx = await vault.force.populateTransaction(1);
    const estimate = await scene.chain.provider.estimateGas({ ...tx, from: at("keeper") });
    const signer = await scene.chain.signer("keeper");
    await (await signer.sendTransaction({ ...tx, gasLimit: estimate })).wait();
    for (const adapter of adapters()) expect(await vault.sliceOf(at("attacker"), adapter)).to.equal(0n);
    await scene.reset();
    await expectRevert(vault.force.staticCall(1, { from: at("keeper"), gasLimit: 2_000_000n }), "InsufficientGas");
  });

  it("at a pool price pushed away pays no less, and takes nothing from those who stay", async () => {
    const before = await holdings();
    await movePool(scene.chain, scene.market.trader, (price * 11n) / 10n);
    const pushed = await holdings();
    await force("keeper");
    const after = await holdings();
    expectStayersKeep(before, after);
    expectStayersKeep(pushed, after);
    const fair = (before.nav * leaving) / before.supply;
    expect(after.claims >= (fair * 998n) / 1_000n, `${after.claims} of ${fair}`).to.equal(true);
  });

  it("leaves a vault in which plans run, requests settle and shares are sold as before", async () => {
    await force("attacker");
    await marketAt(scene, OPEN);
    await newRounds(scene);
    await deposit(scene, "keeper", usdc(2_000_000));
    await execute(scene, await planNow(scene));
    await requestRedeem(scene, "keeper", await vault.balanceOf(at("keeper")));
    await newRounds(scene);
    await send("owner1", await vault.settle.populateTransaction(10));
    expect((await vault.maxWithdraw(at("keeper"))) > 0n).to.equal(true);
  });

  async function failureOf(promise: Promise<unknown>): Promise<string | null> {
    try {
      await promise;
      return null;
    } catch (error) {
      return String(error);
    }
  }
});
