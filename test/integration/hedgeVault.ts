import { expect } from "chai";
import { MaxUint256, Signature, ZeroAddress, getAddress } from "ethers";
import type { Contract, ContractTransaction } from "ethers";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import type { HedgeVault } from "../../typechain-types/index.js";
import {
  changeParameter,
  deposit,
  expectRevert,
  fund,
  newRounds,
  openPositions,
  requestRedeem,
  revertOf,
  sameSecond,
  settle,
  shares,
  usdc,
  vaultScene,
  viaSafe,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

/** 10^12: the vault's virtual shares, beside one virtual asset unit. */
const VIRTUAL_SHARES = 10n ** 12n;

describe("HedgeVault", () => {
  let scene: VaultScene;
  let vault: HedgeVault;
  const at = (name: AccountName): string => scene.chain.address(name);
  const send = (from: AccountName, call: ContractTransaction) => scene.chain.send(from, call);

  before(async () => {
    scene = await vaultScene([
      { name: "hedged", policy: DEFAULT_POLICY, deposit: 5_000_000 },
      { name: "nearly empty", policy: DEFAULT_POLICY, deposit: 0.000001 },
    ]);
    ({ vault } = scene.contracts);
  });
  afterEach(() => scene.reset());

  describe("entry", () => {
    it("sells shares at the high net asset value, rounded against the buyer", async () => {
      await openPositions(scene);
      await fund(scene, "attacker", usdc(300_000));
      const { navLow, navMid, navHigh, totalSupply } = await scene.contracts.lens.snapshot();
      expect(navLow < navMid && navMid < navHigh, "two-sided").to.equal(true);
      const assets = usdc(123_456.789012);

      await sameSecond(scene);
      await send("attacker", await vault.deposit.populateTransaction(assets, at("attacker")));
      const bought = await vault.balanceOf(at("attacker"));
      expect(bought).to.equal((assets * (totalSupply + VIRTUAL_SHARES)) / (navHigh + 1n));
      expect(bought * navHigh <= assets * (totalSupply + VIRTUAL_SHARES), "never more than the high side").to.equal(
        true,
      );
      expect(bought < (assets * totalSupply) / navMid, "fewer than the mid would give").to.equal(true);
      expect(await vault.cash(), "every unit is on the books").to.equal(
        await scene.asset.balanceOf(scene.deployment.vault),
      );
    });

    it("mint charges the high net asset value, rounded up", async () => {
      await openPositions(scene);
      await fund(scene, "attacker", usdc(300_000));
      const { navHigh, totalSupply } = await scene.contracts.lens.snapshot();
      const wanted = shares(100_000) + 1n;

      await sameSecond(scene);
      await send("attacker", await vault.mint.populateTransaction(wanted, at("attacker")));
      const paid = usdc(300_000) - (await scene.asset.balanceOf(at("attacker")));
      expect(await vault.balanceOf(at("attacker"))).to.equal(wanted);
      expect(paid * (totalSupply + VIRTUAL_SHARES) >= wanted * (navHigh + 1n), "covers the shares").to.equal(true);
      expect((paid - 1n) * (totalSupply + VIRTUAL_SHARES) < wanted * (navHigh + 1n), "by less than a unit").to.equal(
        true,
      );
    });

    it("takes no deposit that would buy nothing", async () => {
      await fund(scene, "attacker", usdc(1));
      const nothing = await vault.deposit.populateTransaction(0, at("attacker"));
      await expectRevert(send("attacker", nothing), "InvalidParameter");
    });

    it("entering and leaving at once never pays", async () => {
      await openPositions(scene);
      const before = usdc(1_000_000);
      const bought = await deposit(scene, "attacker", before);
      await requestRedeem(scene, "attacker", bought);
      await newRounds(scene);
      await settle(scene);
      expect((await vault.maxWithdraw(at("attacker"))) < before).to.equal(true);
    });
  });

  describe("requests", () => {
    it("lock the shares, which stay with their owner and keep their votes", async () => {
      const all = await deposit(scene, "attacker", usdc(1_000));
      const part = all / 4n;
      const id = await requestRedeem(scene, "attacker", part);

      expect(await vault.pendingRedeemRequest(id, at("attacker"))).to.equal(part);
      expect(await vault.pendingRedeemRequest(id, at("keeper")), "another controller's").to.equal(0n);
      expect(await vault.claimableRedeemRequest(id, at("attacker"))).to.equal(0n);
      expect(await vault.lockedShares(at("attacker"))).to.equal(part);
      expect(await vault.pendingShares()).to.equal(part);
      expect(await vault.balanceOf(at("attacker"))).to.equal(all);
      expect(await vault.getVotes(at("attacker"))).to.equal(all);

      const free = all - part;
      const tooMuch = await vault.transfer.populateTransaction(at("keeper"), free + 1n);
      await expectRevert(send("attacker", tooMuch), "SharesLocked", at("attacker"), free + 1n, free);
      await send("attacker", await vault.transfer.populateTransaction(at("keeper"), free));
      expect(await vault.balanceOf(at("keeper"))).to.equal(free);
    });

    it("cannot be for more than the free balance", async () => {
      const all = await deposit(scene, "attacker", usdc(1_000));
      await expectRevert(request("attacker", all + 1n), "SharesLocked", at("attacker"), all + 1n, all);
      await requestRedeem(scene, "attacker", all - shares(2));
      await expectRevert(request("attacker", shares(3)), "SharesLocked", at("attacker"), shares(3), shares(2));
    });

    it("have a minimum, except for a whole balance", async () => {
      const minimum = await vault.minRequest();
      const all = await deposit(scene, "attacker", usdc(1_000));
      await expectRevert(request("attacker", minimum - 1n), "RequestTooSmall", minimum - 1n, minimum);
      await expectRevert(request("attacker", 0n), "RequestTooSmall", 0, minimum);
      await request("attacker", minimum);

      await send("attacker", await vault.transfer.populateTransaction(at("keeper"), all - minimum - 5n));
      await request("attacker", 5n);
      expect(await vault.lockedShares(at("attacker"))).to.equal(minimum + 5n);
    });

    it("by a stranger spend an allowance, and cannot name a stranger as controller", async () => {
      await deposit(scene, "attacker", usdc(1_000));
      const byKeeper = async (controller: AccountName) =>
        send("keeper", await vault.requestRedeem.populateTransaction(shares(10), at(controller), at("attacker")));
      await expectRevert(byKeeper("keeper"), "ERC20InsufficientAllowance", at("keeper"), 0, shares(10));

      await send("attacker", await vault.approve.populateTransaction(at("keeper"), shares(15)));
      await expectRevert(byKeeper("owner1"), "NotAuthorized", at("keeper"), at("owner1"));
      await byKeeper("keeper");
      expect(await vault.allowance(at("attacker"), at("keeper"))).to.equal(shares(5));
      expect((await vault.request(1)).controller).to.equal(at("keeper"));
      expect((await vault.request(1)).owner).to.equal(at("attacker"));
      await expectRevert(byKeeper("keeper"), "ERC20InsufficientAllowance", at("keeper"), shares(5), shares(10));
    });

    it("in the name of a controller need that controller's word", async () => {
      await deposit(scene, "attacker", usdc(1_000));
      const dust = await vault.requestRedeem.populateTransaction(shares(1), at("depositor"), at("attacker"));
      await expectRevert(send("attacker", dust), "NotAuthorized", at("attacker"), at("depositor"));
      await send("depositor", await vault.setOperator.populateTransaction(at("attacker"), true));
      await send("attacker", dust);
      expect(await vault.pendingRedeemRequest(1, at("depositor"))).to.equal(shares(1));
    });

    it("by an operator need no allowance, until the operator is dismissed", async () => {
      await deposit(scene, "attacker", usdc(1_000));
      await send("attacker", await vault.setOperator.populateTransaction(at("keeper"), true));
      const call = await vault.requestRedeem.populateTransaction(shares(10), at("attacker"), at("attacker"));
      await send("keeper", call);
      await send("attacker", await vault.setOperator.populateTransaction(at("keeper"), false));
      await expectRevert(send("keeper", call), "ERC20InsufficientAllowance");
      const cancel = await vault.cancelRedeemRequest.populateTransaction(1, at("attacker"));
      await expectRevert(send("keeper", cancel), "NotAuthorized", at("keeper"), at("attacker"));
    });

    it("can be cancelled, once, by their controller", async () => {
      const all = await deposit(scene, "attacker", usdc(1_000));
      const id = await requestRedeem(scene, "attacker", all);
      const cancel = await vault.cancelRedeemRequest.populateTransaction(id, at("attacker"));
      await expectRevert(send("keeper", cancel), "NotAuthorized", at("keeper"), at("attacker"));
      const foreign = await vault.cancelRedeemRequest.populateTransaction(id, at("keeper"));
      await expectRevert(send("keeper", foreign), "NoSuchRequest", id, at("keeper"));

      await send("attacker", cancel);
      expect(await vault.lockedShares(at("attacker"))).to.equal(0n);
      expect(await vault.pendingShares()).to.equal(0n);
      await expectRevert(send("attacker", cancel), "NoSuchRequest", id, at("attacker"));
      const unknown = await vault.cancelRedeemRequest.populateTransaction(99, at("attacker"));
      await expectRevert(send("attacker", unknown), "NoSuchRequest", 99, at("attacker"));
      await send("attacker", await vault.transfer.populateTransaction(at("keeper"), all));
    });

    async function request(who: AccountName, amount: bigint) {
      return send(who, await vault.requestRedeem.populateTransaction(amount, at(who), at(who)));
    }
  });

  describe("settlement", () => {
    it("waits for rounds of both feeds that are newer than the request", async () => {
      await deposit(scene, "attacker", usdc(1_000));
      await openPositions(scene);
      await requestRedeem(scene, "attacker", shares(500));
      const { createdAt } = await vault.request(1);
      await expectRevert(settle(scene), "NoNewerRound", 1, createdAt);

      const { ethUsd, usdcUsd } = scene.world.feeds;
      await scene.chain.warpTo((await scene.chain.now()) + 60);
      await send("market", await ethUsd.getFunction("push").populateTransaction(2_812n * 10n ** 8n));
      await expectRevert(settle(scene), "NoNewerRound", 1, createdAt);
      await send("market", await usdcUsd.getFunction("push").populateTransaction(10n ** 8n));
      await settle(scene);
      expect(await vault.maxRedeem(at("attacker"))).to.equal(shares(500));
    });

    it("does not take a round of the request's own second", async () => {
      await deposit(scene, "attacker", usdc(1_000));
      await openPositions(scene);
      await newRounds(scene);
      await sameSecond(scene);
      await requestRedeem(scene, "attacker", shares(500));
      await expectRevert(settle(scene), "NoNewerRound", 1);
    });

    it("waits for no round while nothing is at a venue, and needs no feed: cash is all there is", async () => {
      await deposit(scene, "attacker", usdc(1_000));
      await requestRedeem(scene, "attacker", shares(500));
      await send("market", await scene.world.feeds.ethUsd.getFunction("push").populateTransaction(0n));
      await settle(scene);
      expect(await vault.maxWithdraw(at("attacker"))).to.equal(usdc(500));
    });

    it("pays the low net asset value, rounded down, and burns the shares", async () => {
      await openPositions(scene);
      const bought = await deposit(scene, "attacker", usdc(100_000));
      await requestRedeem(scene, "attacker", bought);
      await newRounds(scene);
      const { navLow, navMid, totalSupply, cash } = await scene.contracts.lens.snapshot();

      await sameSecond(scene);
      await settle(scene);
      const paid = await vault.maxWithdraw(at("attacker"));
      expect(paid).to.equal((bought * (navLow + 1n)) / (totalSupply + VIRTUAL_SHARES));
      expect(paid < (bought * navMid) / totalSupply, "less than the mid").to.equal(true);
      expect(await vault.totalSupply()).to.equal(totalSupply - bought);
      expect(await vault.cash()).to.equal(cash - paid);
      expect(await vault.claimsOutstanding()).to.equal(paid);
      expect(await vault.balanceOf(at("attacker"))).to.equal(0n);
      expect(await vault.getVotes(at("attacker"))).to.equal(0n);
      expect(await vault.queueBounds()).to.deep.equal([2n, 2n]);
    });

    it("goes first in, first out, and fills the head in part when cash runs out", async () => {
      await openPositions(scene);
      const second = await deposit(scene, "attacker", usdc(50_000));
      const all = await vault.balanceOf(at("depositor"));
      await requestRedeem(scene, "depositor", all);
      await requestRedeem(scene, "attacker", second);
      await newRounds(scene);
      const cash = await vault.cash();
      expect(cash < usdc(2_000_000), "most is at the venues").to.equal(true);

      await settle(scene);
      expect(await vault.cash()).to.equal(0n);
      expect(await vault.maxWithdraw(at("depositor"))).to.equal(cash);
      expect(await vault.maxWithdraw(at("attacker")), "the second waits").to.equal(0n);
      expect(await vault.queueBounds()).to.deep.equal([1n, 3n]);
      const filled = await vault.maxRedeem(at("depositor"));
      expect(await vault.claimableRedeemRequest(1, at("depositor"))).to.equal(filled);
      expect(await vault.pendingRedeemRequest(1, at("depositor"))).to.equal(all - filled);
      expect(await vault.lockedShares(at("depositor"))).to.equal(all - filled);
      await expectRevert(settle(scene), "InsufficientCash", 1, 0);

      // What is settled can be claimed now; the rest goes on where it stopped, before the second request.
      await send("depositor", await vault.redeem.populateTransaction(filled, at("depositor"), at("depositor")));
      expect(await scene.asset.balanceOf(at("depositor"))).to.equal(cash);
      expect(await vault.claimableRedeemRequest(1, at("depositor"))).to.equal(0n);
      await deposit(scene, "keeper", usdc(10_000));
      await settle(scene);
      expect(await vault.maxWithdraw(at("depositor"))).to.equal(usdc(10_000));
      expect(await vault.maxWithdraw(at("attacker"))).to.equal(0n);
      const more = await vault.maxRedeem(at("depositor"));
      expect(await vault.claimableRedeemRequest(1, at("depositor"))).to.equal(more);

      // Cancelled in part: the head is passed over, and the second is paid.
      await send("depositor", await vault.cancelRedeemRequest.populateTransaction(1, at("depositor")));
      expect(await vault.balanceOf(at("depositor"))).to.equal(all - filled - more);
      expect(await vault.lockedShares(at("depositor"))).to.equal(0n);
      await deposit(scene, "keeper", usdc(100_000));
      await settle(scene);
      expect(await vault.maxRedeem(at("attacker"))).to.equal(second);
      expect(await vault.maxWithdraw(at("depositor")), "what was settled stays claimable").to.equal(usdc(10_000));
      expect(await vault.queueBounds()).to.deep.equal([3n, 3n]);
    });

    it("a partial fill costs the leaver, not those who stay", async () => {
      await openPositions(scene);
      await deposit(scene, "attacker", usdc(50_000));
      await requestRedeem(scene, "depositor", await vault.balanceOf(at("depositor")));
      await newRounds(scene);
      const before = await scene.contracts.lens.snapshot();
      await sameSecond(scene);
      await settle(scene);
      const after = await scene.contracts.lens.snapshot();
      const [was, is] = [before.totalSupply + VIRTUAL_SHARES, after.totalSupply + VIRTUAL_SHARES];
      expect((after.navLow + 1n) * was >= (before.navLow + 1n) * is, "a share's low value").to.equal(true);
      expect((after.navHigh + 1n) * was >= (before.navHigh + 1n) * is, "a share's high value").to.equal(true);
    });

    it("takes several requests of one controller in order, and tells their claims apart", async () => {
      await deposit(scene, "attacker", usdc(1_000));
      await requestRedeem(scene, "attacker", shares(100));
      await requestRedeem(scene, "attacker", shares(200));
      await requestRedeem(scene, "attacker", shares(50));
      await send("attacker", await vault.cancelRedeemRequest.populateTransaction(2, at("attacker")));
      await newRounds(scene);
      await settle(scene, 2);
      expect(await vault.queueBounds()).to.deep.equal([3n, 4n]);
      await settle(scene, 1);
      const claimable = async () =>
        Promise.all([1, 2, 3].map((id) => vault.claimableRedeemRequest(id, at("attacker"))));
      expect(await claimable()).to.deep.equal([shares(100), 0n, shares(50)]);

      await send("attacker", await vault.redeem.populateTransaction(shares(120), at("attacker"), at("attacker")));
      expect(await claimable()).to.deep.equal([0n, 0n, shares(30)]);
    });
  });

  describe("claims", () => {
    const claimed = shares(600);
    beforeEach(async () => {
      await deposit(scene, "attacker", usdc(1_000));
      await requestRedeem(scene, "attacker", claimed);
      await newRounds(scene);
      await settle(scene);
    });

    it("by the controller, in parts, to any receiver, to the last unit", async () => {
      const owed = await vault.maxWithdraw(at("attacker"));
      expect(await vault.maxRedeem(at("attacker"))).to.equal(claimed);
      await send("attacker", await vault.redeem.populateTransaction(shares(200), at("owner2"), at("attacker")));
      const first = await scene.asset.balanceOf(at("owner2"));
      expect(first).to.equal((shares(200) * owed) / claimed);

      await send("attacker", await vault.withdraw.populateTransaction(1, at("owner2"), at("attacker")));
      const rest = await vault.maxWithdraw(at("attacker"));
      expect(rest).to.equal(owed - first - 1n);
      await send("attacker", await vault.withdraw.populateTransaction(rest, at("owner2"), at("attacker")));
      expect(await scene.asset.balanceOf(at("owner2"))).to.equal(owed);
      expect(await vault.maxRedeem(at("attacker"))).to.equal(0n);
      expect(await vault.claimsOutstanding()).to.equal(0n);
    });

    it("by an operator, never by a stranger", async () => {
      const redeem = await vault.redeem.populateTransaction(claimed, at("keeper"), at("attacker"));
      const withdraw = await vault.withdraw.populateTransaction(1, at("keeper"), at("attacker"));
      await expectRevert(send("keeper", redeem), "NotAuthorized", at("keeper"), at("attacker"));
      await expectRevert(send("keeper", withdraw), "NotAuthorized", at("keeper"), at("attacker"));
      // An allowance over shares is none over claims.
      await send("attacker", await vault.approve.populateTransaction(at("keeper"), MaxUint256));
      await expectRevert(send("keeper", redeem), "NotAuthorized", at("keeper"), at("attacker"));
      await send("attacker", await vault.setOperator.populateTransaction(at("keeper"), true));
      await send("keeper", redeem);
      expect((await scene.asset.balanceOf(at("keeper"))) > 0n).to.equal(true);
    });

    it("never exceed what is settled", async () => {
      const owed = await vault.maxWithdraw(at("attacker"));
      const redeem = await vault.redeem.populateTransaction(claimed + 1n, at("attacker"), at("attacker"));
      await expectRevert(send("attacker", redeem), "ClaimTooLarge", at("attacker"), claimed + 1n, claimed);
      const withdraw = await vault.withdraw.populateTransaction(owed + 1n, at("attacker"), at("attacker"));
      await expectRevert(send("attacker", withdraw), "ClaimTooLarge", at("attacker"), owed + 1n, owed);
    });

    it("previews of an asynchronous exit revert", async () => {
      await expectRevert(vault.previewRedeem(1), "PreviewNotSupported");
      await expectRevert(vault.previewWithdraw(1), "PreviewNotSupported");
    });
  });

  describe("standards", () => {
    it("ERC-165, ERC-7540, ERC-7575", async () => {
      for (const id of ["0x01ffc9a7", "0xe3bc4e65", "0x620ee8e4", "0x2f0a18c5"]) {
        expect(await vault.supportsInterface(id), id).to.equal(true);
      }
      // No asynchronous deposits, and ERC-165's own "never".
      for (const id of ["0xce3bbe50", "0xffffffff"]) expect(await vault.supportsInterface(id), id).to.equal(false);
      expect(await vault.share()).to.equal(scene.deployment.vault);
      expect(await vault.asset()).to.equal(getAddress(await scene.asset.getAddress()));
      expect(await vault.decimals()).to.equal(18n);
    });

    it("ERC-6372: votes are counted by time", async () => {
      expect(await vault.CLOCK_MODE()).to.equal("mode=timestamp");
      expect(await vault.clock()).to.equal(BigInt(await scene.chain.now()));
    });

    it("ERC-2612: a signed permit lets another ask for one's shares", async () => {
      const all = await deposit(scene, "attacker", usdc(1_000));
      const { name, version, chainId, verifyingContract } = await vault.eip712Domain();
      const deadline = BigInt(await scene.chain.now()) + 3_600n;
      const message = { owner: at("attacker"), spender: at("keeper"), value: all, nonce: 0n, deadline };
      const types = {
        Permit: ["owner", "spender", "value", "nonce", "deadline"].map((field) => ({
          name: field,
          type: field === "owner" || field === "spender" ? "address" : "uint256",
        })),
      };
      const domain = { name, version, chainId, verifyingContract };
      const signed = Signature.from(await scene.chain.wallet("attacker").signTypedData(domain, types, message));
      const permit = await vault.permit.populateTransaction(
        message.owner,
        message.spender,
        all,
        deadline,
        signed.v,
        signed.r,
        signed.s,
      );
      await send("keeper", permit);
      await send("keeper", await vault.requestRedeem.populateTransaction(all, at("keeper"), at("attacker")));
      expect(await vault.pendingShares()).to.equal(all);
      await expectRevert(send("keeper", permit), "ERC2612InvalidSigner");
    });
  });

  describe("votes", () => {
    it("are one's own by default, another's when delegated, and follow the shares", async () => {
      const all = await deposit(scene, "attacker", usdc(1_000));
      expect(await vault.delegates(at("attacker"))).to.equal(at("attacker"));
      expect(await vault.getVotes(at("attacker"))).to.equal(all);

      await send("attacker", await vault.delegate.populateTransaction(at("owner1")));
      expect(await vault.getVotes(at("attacker"))).to.equal(0n);
      expect(await vault.getVotes(at("owner1"))).to.equal(all);
      await send("attacker", await vault.transfer.populateTransaction(at("keeper"), all / 2n));
      expect(await vault.getVotes(at("owner1"))).to.equal(all - all / 2n);
      expect(await vault.getVotes(at("keeper"))).to.equal(all / 2n);

      await send("attacker", await vault.delegate.populateTransaction(at("attacker")));
      expect(await vault.getVotes(at("owner1"))).to.equal(0n);
      expect(await vault.getVotes(at("attacker"))).to.equal(all - all / 2n);
      const past = await scene.chain.now();
      await scene.chain.warpTo(past + 10);
      expect(await vault.getPastVotes(at("attacker"), past)).to.equal(all - all / 2n);
      expect(await vault.getPastTotalSupply(past)).to.equal(await vault.totalSupply());
    });

    it("delegated to nobody are one's own again: shares still move, and the queue still settles", async () => {
      const all = await deposit(scene, "attacker", usdc(1_000));
      await send("attacker", await vault.delegate.populateTransaction(ZeroAddress));
      expect(await vault.delegates(at("attacker"))).to.equal(at("attacker"));
      expect(await vault.getVotes(at("attacker"))).to.equal(all);

      await send("attacker", await vault.transfer.populateTransaction(at("keeper"), shares(1)));
      await requestRedeem(scene, "attacker", all - shares(1));
      await newRounds(scene);
      await settle(scene);
      expect(await vault.maxRedeem(at("attacker"))).to.equal(all - shares(1));
    });
  });

  describe("donations", () => {
    it("to the vault, to Curie and to the position's NFT move no price", async () => {
      await openPositions(scene);
      const { chain, asset, deployment, world } = scene;
      const [base, gift] = [world.base, usdc(1_000_000)];
      await fund(scene, "attacker", 3n * gift);
      await send("attacker", await asset.approve.populateTransaction(await world.curie.vault.getAddress(), gift));
      const manager = await world.uniswap.positionManager.getAddress();
      await send("attacker", await asset.approve.populateTransaction(manager, gift));
      await send("attacker", await base.getFunction("mint").populateTransaction(at("attacker"), 10n ** 21n));
      await send("attacker", await base.getFunction("approve").populateTransaction(manager, 10n ** 21n));
      const price = async () => ({
        nav: [...(await vault.nav())],
        assets: await vault.totalAssets(),
        shares: await vault.previewDeposit(usdc(1_000)),
        measures: [...(await scene.contracts.rebalancer.measure(2_812n * 10n ** 18n))],
      });
      const before = await price();

      await sameSecond(scene);
      await send("attacker", await asset.transfer.populateTransaction(deployment.vault, gift));
      expect(await price(), "to the vault").to.deep.equal(before);
      await sameSecond(scene);
      const toCurie = [deployment.perpAdapter, await asset.getAddress(), gift];
      await send("attacker", await world.curie.vault.getFunction("depositFor").populateTransaction(...toCurie));
      expect(await scene.contracts.perp.gifts(), "the gift arrived").to.equal(gift);
      expect(await price(), "to Curie").to.deep.equal(before);
      await sameSecond(scene);
      const { tokenId } = await scene.contracts.liquidity.position();
      const { baseIsToken0 } = world.uniswap.pair;
      const increase = world.uniswap.positionManager.getFunction("increaseLiquidity");
      await chain.send(
        "attacker",
        await increase.populateTransaction({
          tokenId,
          amount0Desired: baseIsToken0 ? 10n ** 20n : gift,
          amount1Desired: baseIsToken0 ? gift : 10n ** 20n,
          amount0Min: 0n,
          amount1Min: 0n,
          deadline: MaxUint256,
        }),
      );
      expect(await price(), "to the NFT").to.deep.equal(before);
    });

    it("do not make the first depositor rich: inflating the share costs more than it takes", async () => {
      const { world, chain, asset } = scene;
      const { deployment } = world.vaults[1]!;
      const young = vault.attach(deployment.vault) as HedgeVault;
      const spent = usdc(10_000);
      // The depositor has all but the virtual shares, for a millionth of a dollar.
      await fund(scene, "depositor", spent);
      await send("depositor", await asset.transfer.populateTransaction(deployment.vault, spent));

      await chain.send("keeper", await asset.mint.populateTransaction(at("keeper"), usdc(5_000)));
      await chain.send("keeper", await asset.approve.populateTransaction(deployment.vault, usdc(5_000)));
      await chain.send("keeper", await young.deposit.populateTransaction(usdc(5_000), at("keeper")));
      const worth = await young.totalAssets();
      expect(worth, "the gift is not on the books").to.equal(usdc(5_000) + 1n);
      const victim = ((await young.balanceOf(at("keeper"))) * worth) / (await young.totalSupply());
      expect(victim >= usdc(5_000) - 1n, "the victim keeps what it paid").to.equal(true);
    });
  });

  describe("without a usable price", () => {
    beforeEach(async () => {
      await deposit(scene, "attacker", usdc(1_000));
      await requestRedeem(scene, "attacker", shares(300));
      await newRounds(scene);
      await settle(scene);
      await requestRedeem(scene, "attacker", shares(200));
      await fund(scene, "keeper", usdc(10));
    });

    const answers: { what: string; spoil: () => Promise<void>; name: string; args: () => (string | number)[] }[] = [
      {
        what: "a stale feed",
        spoil: async () => scene.chain.warpTo((await scene.chain.now()) + 6 * 3_600 + 60),
        name: "StaleFeed",
        args: () => [scene.world.feeds.ethUsd.target as string],
      },
      {
        what: "a zero answer",
        spoil: () => push(0n),
        name: "InvalidAnswer",
        args: () => [scene.world.feeds.ethUsd.target as string, 0],
      },
      {
        what: "a negative answer",
        spoil: () => push(-1n),
        name: "InvalidAnswer",
        args: () => [scene.world.feeds.ethUsd.target as string, -1],
      },
    ];
    for (const { what, spoil, name, args } of answers) {
      it(`${what} stops entry and settlement by name; requests, cancels and claims go on`, async () => {
        await openPositions(scene);
        await spoil();
        const enter = await vault.deposit.populateTransaction(usdc(10), at("keeper"));
        await expectRevert(send("keeper", enter), name, ...args());
        const mint = await vault.mint.populateTransaction(shares(1), at("keeper"));
        await expectRevert(send("keeper", mint), name, ...args());
        await expectRevert(settle(scene), name, ...args());
        expect(await vault.maxDeposit(at("keeper"))).to.equal(0n);
        expect(await vault.maxMint(at("keeper"))).to.equal(0n);

        const asked = await requestRedeem(scene, "attacker", shares(100));
        await send("attacker", await vault.cancelRedeemRequest.populateTransaction(asked, at("attacker")));
        await send("attacker", await vault.redeem.populateTransaction(shares(300), at("attacker"), at("attacker")));
        expect(await scene.asset.balanceOf(at("attacker"))).to.equal(usdc(300));
        expect((await scene.contracts.lens.snapshot()).priced, "the lens still answers").to.equal(false);
      });
    }

    it("nothing is at a venue: cash is all there is, and entry needs no price", async () => {
      await push(0n);
      await send("keeper", await vault.deposit.populateTransaction(usdc(10), at("keeper")));

      expect(await vault.balanceOf(at("keeper"))).to.equal(shares(10));
      expect(await vault.maxDeposit(at("keeper"))).to.not.equal(0n);
    });

    it("a spread above the limit stops both sides by name, and only those", async () => {
      await openPositions(scene);
      const { navLow, navHigh } = await scene.contracts.lens.snapshot();
      expect((navHigh - navLow) * 10_000n > navHigh, "wider than a basis point").to.equal(true);
      await changeParameter(scene, await vault.setLimits.populateTransaction(1, 1));

      const enter = await vault.deposit.populateTransaction(usdc(10), at("keeper"));
      expect((await expectRevert(send("keeper", enter), "SpreadTooWide")).args[2]).to.equal("1");
      await expectRevert(settle(scene), "SpreadTooWide");
      expect(await vault.maxDeposit(at("keeper"))).to.equal(0n);
      await requestRedeem(scene, "attacker", shares(100));
      await send("attacker", await vault.redeem.populateTransaction(shares(300), at("attacker"), at("attacker")));
    });

    async function push(answer: bigint): Promise<void> {
      await send("market", await scene.world.feeds.ethUsd.getFunction("push").populateTransaction(answer));
    }
  });

  describe("powers", () => {
    it("no restricted function opens to the deployer, the keeper, an owner alone or an attacker", async () => {
      const { rebalancer, policy, regime, liquidity, perp } = scene.contracts;
      const price = { low: 1n, mid: 1n, high: 1n };
      const noPlan = [0, 0, 0, 0, false, 0, 0, 0, `0x${"11".repeat(32)}`, [], []];
      const calls: [Contract, string, unknown[]][] = [
        [vault, "setAdapter", [scene.deployment.perpAdapter, 0, 0]],
        [vault, "removeAdapter", [scene.deployment.perpAdapter]],
        [vault, "setLimits", [1, 1]],
        [vault, "setReserve", [1]],
        [rebalancer, "execute", [noPlan]],
        [liquidity, "burnLiquidity", []],
        [perp, "reducePosition", [0n, 0n]],
        [policy, "setPolicy", [0, [...(await policy.bands(0))], [...(await policy.targets(0))]]],
        [regime, "setClosures", [[], true]],
        [regime, "seed", [[]]],
        [liquidity, "setLiquidity", [0, 10, 1n, price]],
        [perp, "setPosition", [0n, 0n, price]],
      ].map(([contract, name, args]) => [contract as unknown as Contract, name as string, args as unknown[]]);
      for (const [contract, name, args] of calls) {
        const call = await contract.getFunction(name).populateTransaction(...args);
        for (const who of ["deployer", "keeper", "owner1", "attacker"] as const) {
          await expectRevert(send(who, call), "AccessManagedUnauthorized", at(who));
        }
      }
    });

    it("the deployer is no administrator any more", async () => {
      const { manager } = scene.contracts;
      expect([...(await manager.hasRole(0, at("deployer")))]).to.deep.equal([false, 0n]);
      const grant = await manager.grantRole.populateTransaction(1, at("deployer"), 0);
      await expectRevert(send("deployer", grant), "AccessManagerUnauthorizedAccount", at("deployer"), 0);
      const close = await manager.setTargetClosed.populateTransaction(scene.deployment.vault, true);
      await expectRevert(send("deployer", close), "AccessManagerUnauthorizedAccount", at("deployer"), 0);
    });

    it("only adapters move cash", async () => {
      for (const who of ["deployer", "keeper", "attacker"] as const) {
        await expectRevert(send(who, await vault.draw.populateTransaction(1)), "NotAnAdapter", at(who));
        await expectRevert(send(who, await vault.restore.populateTransaction(0)), "NotAnAdapter", at(who));
      }
      await expectRevert(viaSafe(scene, await vault.draw.populateTransaction(1)), "NotAnAdapter", scene.safe);
    });

    it("even the Safe cannot drive an adapter, nor skip the delay of a parameter or of a role", async () => {
      const { manager, perp } = scene.contracts;
      const price = { low: 1n, mid: 1n, high: 1n };
      const drive = await perp.setPosition.populateTransaction(0, 0, price);
      await expectRevert(viaSafe(scene, drive), "AccessManagedUnauthorized", scene.safe);
      await expectRevert(
        viaSafe(scene, await vault.setLimits.populateTransaction(100, 1)),
        "AccessManagerNotScheduled",
      );
      const grant = await manager.grantRole.populateTransaction(1, at("attacker"), 0);
      await expectRevert(viaSafe(scene, grant), "AccessManagerNotScheduled");
      const adopt = await manager.updateAuthority.populateTransaction(scene.deployment.vault, at("attacker"));
      await expectRevert(viaSafe(scene, adopt), "AccessManagerNotScheduled");
    });

    it("a parameter changes two days after the Safe scheduled it, within a week, once", async () => {
      const { manager } = scene.contracts;
      const call = await vault.setLimits.populateTransaction(150, 7);
      const schedule = await manager.schedule.populateTransaction(call.to, call.data, 0);
      const execute = await manager.execute.populateTransaction(call.to, call.data);
      await expectRevert(send("owner1", schedule), "AccessManagerUnauthorizedCall", at("owner1"));
      await viaSafe(scene, schedule);
      const scheduled = await scene.chain.now();

      await scene.chain.warpTo(scheduled + 2 * 86_400 - 10);
      await expectRevert(viaSafe(scene, execute), "AccessManagerNotReady");
      await scene.chain.warpTo(scheduled + 2 * 86_400);
      await expectRevert(send("attacker", execute), "AccessManagerUnauthorizedCall", at("attacker"));
      await viaSafe(scene, execute);
      expect([await vault.maxSpreadBps(), await vault.minRequest()]).to.deep.equal([150n, 7n]);
      await expectRevert(viaSafe(scene, execute), "AccessManagerNotScheduled");

      await viaSafe(scene, schedule);
      await scene.chain.warpTo((await scene.chain.now()) + 10 * 86_400);
      await expectRevert(viaSafe(scene, execute), "AccessManagerExpired");
    });

    it("an adapter leaves the list once it holds nothing, and not before", async () => {
      await openPositions(scene);
      const { manager } = scene.contracts;
      const { liquidityAdapter, perpAdapter } = scene.deployment;
      const remove = await vault.removeAdapter.populateTransaction(perpAdapter);
      await viaSafe(scene, await manager.schedule.populateTransaction(remove.to, remove.data, 0));
      await scene.chain.warpTo((await scene.chain.now()) + 2 * 86_400);
      const execute = await manager.execute.populateTransaction(remove.to, remove.data);
      await expectRevert(viaSafe(scene, execute), "AdapterNotEmpty", perpAdapter);

      const price = 2_812n * 10n ** 18n;
      const executor = scene.deployment.rebalancer;
      await scene.chain.request("hardhat_impersonateAccount", [executor]);
      await scene.chain.request("hardhat_setBalance", [executor, "0xde0b6b3a7640000"]);
      const close = await scene.contracts.perp.setPosition.populateTransaction(0, 0, {
        low: price,
        mid: price,
        high: price,
      });
      await scene.chain.request("eth_sendTransaction", [{ from: executor, to: close.to, data: close.data }]);
      await viaSafe(scene, execute);
      expect([...(await vault.adapters())]).to.deep.equal([getAddress(liquidityAdapter)]);
      expect(await vault.isAdapter(perpAdapter)).to.equal(false);
    });

    it("parameters outside their bounds are refused even then", async () => {
      const refused: ContractTransaction[] = [
        await vault.setLimits.populateTransaction(0, 1),
        await vault.setLimits.populateTransaction(2_001, 1),
        await vault.setLimits.populateTransaction(100, shares(1_000) + 1n),
        await vault.setReserve.populateTransaction(2_001),
        await vault.setAdapter.populateTransaction(scene.deployment.perpAdapter, 1, 10_001),
      ];
      const other = scene.world.vaults[1]!.deployment;
      const { manager } = scene.contracts;
      const foreign = await vault.setAdapter.populateTransaction(other.perpAdapter, 1, 1);
      for (const call of [...refused, foreign]) {
        await viaSafe(scene, await manager.schedule.populateTransaction(call.to, call.data, 0));
      }
      await scene.chain.warpTo((await scene.chain.now()) + 2 * 86_400);
      const execute = async (call: ContractTransaction) =>
        revertOf(viaSafe(scene, await manager.execute.populateTransaction(call.to, call.data)));
      for (const call of refused) expect((await execute(call)).name).to.equal("InvalidParameter");
      expect((await execute(foreign)).text).to.equal(`NotAnAdapter(${other.perpAdapter})`);
    });
  });
});
