import { expect } from "chai";
import { VenueUnreadable, observe } from "../../src/keeper/observe.ts";
import { UnknownRequest, quoteAtOnce, quoteRequest } from "../../src/keeper/quote.ts";
import { CurieAdapter__factory } from "../../typechain-types/index.js";
import { rejection } from "../helpers/safeScene.ts";
import {
  HISTORY,
  changeParameter,
  deposit,
  expectRevert,
  marketAt,
  newRounds,
  openPositions,
  requestRedeem,
  sameSecond,
  settle,
  shares,
  usdc,
  vaultScene,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

/** Code that takes all the gas it gets. */
const BURNS = "0xfe";
/** Code that answers every call with one word. */
const NONSENSE = "0x600160005260206000f3";

describe("VaultLens", () => {
  let scene: VaultScene;

  before(async () => {
    scene = await vaultScene();
    await marketAt(scene, HISTORY.days[0]!.eth.open);
    await scene.keep();
  });

  it("adds up to the vault's own net asset value, without positions and with them", async () => {
    for (const open of [false, true]) {
      if (open) await openPositions(scene);
      const snapshot = await scene.contracts.lens.snapshot();
      const [low, high] = await scene.contracts.vault.nav();
      expect([snapshot.navLow, snapshot.navHigh]).to.deep.equal([low, high]);
      expect(snapshot.navMid).to.equal(await scene.contracts.vault.navAt(snapshot.reading.price.mid));
      expect(snapshot.liquidity[0]!.valueMid > 0n).to.equal(open);
      expect(snapshot.perps[0]!.valueMid > 0n).to.equal(open);
      expect([snapshot.shares.positionsOpen, snapshot.shares.open]).to.deep.equal([open, true]);
    }
  });

  it("takes no more gas than an announcement gives it", async () => {
    expect((await scene.contracts.lens.snapshot.estimateGas()) < 5_000_000n).to.equal(true);
  });

  it("still shows positions when a feed is stale, and why there is no price", async () => {
    await scene.chain.warpTo((await scene.chain.now()) + 3 * 86_400);
    const snapshot = await scene.contracts.lens.snapshot();
    expect(snapshot.priced).to.equal(false);
    expect(scene.contracts.prices.interface.parseError(snapshot.priceError)?.name).to.equal("StaleFeed");
    expect(snapshot.navMid).to.equal(0n);
    expect(snapshot.perps[0]!.position.size < 0n).to.equal(true);
    expect(snapshot.liquidity[0]!.position.liquidity > 0n).to.equal(true);
    expect(snapshot.shares.open, "nobody enters").to.equal(false);
  });

  describe("with a venue that does not answer", () => {
    beforeEach(() => scene.reset());

    for (const [what, code, address] of [
      ["burns its gas", BURNS, () => scene.contracts.perp.accountBalance()],
      ["is only called one", NONSENSE, () => Promise.resolve(scene.deployment.perpAdapter)],
    ] as const) {
      it(`that ${what}: it is listed as unread, and all else is shown`, async () => {
        await openPositions(scene);
        const whole = await scene.contracts.lens.snapshot();
        await scene.chain.request("hardhat_setCode", [await address(), code]);

        const snapshot = await scene.contracts.lens.snapshot();

        expect([...snapshot.unread]).to.deep.equal([scene.deployment.perpAdapter]);
        expect(snapshot.perps).to.have.length(0);
        expect(snapshot.liquidity[0]!.valueMid > 0n).to.equal(true);
        expect(snapshot.navMid).to.equal(whole.navMid - whole.perps[0]!.valueMid);
        expect(snapshot.measures.grossBps, "no measures of a part").to.equal(0n);
        expect(snapshot.shares.open, "nobody enters").to.equal(false);
        expect(await rejection(observe(scene.chain.provider, scene.deployment))).to.be.instanceOf(VenueUnreadable);
      });
    }
  });

  describe("with the gas of an announcement", () => {
    const LENS_GAS = 5_000_000n;
    const snapshot = async () => {
      const { lens } = scene.contracts;
      const data = lens.interface.encodeFunctionData("snapshot");
      const answer = await scene.chain.provider.call({ to: scene.deployment.lens, data, gasLimit: LENS_GAS });
      const [shown] = lens.interface.decodeFunctionResult("snapshot", answer) as unknown as [
        Awaited<ReturnType<typeof lens.snapshot>>,
      ];
      return shown;
    };

    beforeEach(async () => {
      await scene.reset();
      await openPositions(scene);
    });

    it("answers without a price when a feed burns all it gets, and without a venue that reads it too", async () => {
      const { prices } = scene.contracts;
      for (const [feed, perps] of [
        [await prices.assetFeed(), 1],
        [await prices.baseFeed(), 0],
      ] as const) {
        await scene.chain.request("hardhat_setCode", [feed, BURNS]);
        const shown = await snapshot();
        expect([shown.priced, shown.shares.open, shown.perps.length]).to.deep.equal([false, false, perps]);
        expect(shown.unread).to.have.length(1 - perps);
        expect(shown.liquidity).to.have.length(1);
      }
    });

    it("answers for eight adapters, and still when seven of them burn all they get", async () => {
      const { perp, vault } = scene.contracts;
      const market = await Promise.all([
        perp.clearingHouse(),
        perp.baseToken(),
        perp.gateBps(),
        perp.unwindCostBps(),
      ] as const);
      const { accessManager, vault: address } = scene.deployment;
      for (let i = 0; i < 6; i++) {
        const adapter = await scene.chain.deploy(CurieAdapter__factory, [accessManager, address, ...market]);
        await changeParameter(scene, await vault.setAdapter.populateTransaction(await adapter.getAddress(), 1n, 1n));
      }
      expect((await snapshot()).perps).to.have.length(7);
      await scene.chain.request("hardhat_setCode", [await perp.accountBalance(), BURNS]);
      const shown = await snapshot();
      expect([shown.unread.length, shown.perps.length]).to.deep.equal([7, 0]);
      expect(shown.liquidity[0]!.valueMid > 0n, "read before them").to.equal(true);
    });
  });

  describe("quotes", () => {
    beforeEach(async () => {
      await scene.reset();
      await deposit(scene, "attacker", usdc(10_000));
      await openPositions(scene);
    });

    const quote = (id: bigint, lookBack = 100) => quoteRequest(scene.chain.provider, scene.deployment, id, lookBack);

    it("a request to the unit as settlement then pays it, with those ahead of it", async () => {
      const first = await requestRedeem(scene, "depositor", shares(1_000));
      const second = await requestRedeem(scene, "attacker", shares(500));
      expect((await quote(second)).waitsFor, "a newer round").to.equal(3);
      await newRounds(scene);
      await scene.chain.request("evm_mine", []);

      const told = await quote(second);
      expect(told).to.include({ requestsAhead: 1, sharesAhead: shares(1_000), complete: true, waitsFor: 0 });
      expect(told.payable).to.equal(told.assets);
      expect(told.forcedFrom).to.equal(Number((await scene.contracts.vault.request(second)).createdAt) + 14 * 86_400);
      expect(await quote(second, 0)).to.include({ requestsAhead: 0, complete: false });
      await sameSecond(scene);
      await settle(scene);
      const paid = await scene.contracts.vault.maxWithdraw(scene.chain.address("attacker"));
      // Those ahead are paid rounded down, which can leave the next one a unit more.
      expect(paid - told.assets <= 1n && paid >= told.assets, `${paid} and ${told.assets}`).to.equal(true);
      expect((await quote(first)).shares).to.equal(0n);
    });

    it("cash as what it waits for when there is too little", async () => {
      const { cash, totalSupply } = await scene.contracts.lens.snapshot();
      const all = await requestRedeem(scene, "depositor", (totalSupply * 9n) / 10n);
      await newRounds(scene);
      const told = await quote(all);
      expect(told.waitsFor).to.equal(4);
      expect(told.payable).to.equal(cash);
    });

    it("a price as what it waits for when a feed is stale", async () => {
      const id = await requestRedeem(scene, "depositor", shares(1_000));
      await scene.chain.warpTo((await scene.chain.now()) + 3 * 86_400);
      expect(await quote(id)).to.include({ waitsFor: 1, assets: 0n, payable: 0n });
    });

    it("a request that was never made by name", async () => {
      expect(await rejection(quote(77n))).to.be.instanceOf(UnknownRequest);
      await expectRevert(scene.contracts.lens.exitQuote(77n, 1), "NoSuchRequest", 77);
    });

    it("what leaving at once brings, or why it cannot", async () => {
      const holder = scene.chain.address("attacker");
      await newRounds(scene);
      const now = await quoteAtOnce(scene.chain.provider, scene.deployment, holder);
      expect(now.reason).to.equal(null);
      expect(now.assets! < usdc(10_000) && now.assets! > usdc(9_800), `${now.assets}`).to.equal(true);
      await requestRedeem(scene, "depositor", await scene.contracts.vault.balanceOf(scene.chain.address("depositor")));
      const later = await quoteAtOnce(scene.chain.provider, scene.deployment, holder);
      expect(later.assets).to.equal(null);
      expect(later.reason).to.contain("InsufficientCash");
    });

    it("show a member's shares, requests and votes", async () => {
      await requestRedeem(scene, "attacker", shares(4_000));
      const holder = scene.chain.address("attacker");
      const member = await scene.contracts.lens.member(holder);
      expect([member.locked, member.delegatee, member.claimableAssets]).to.deep.equal([shares(4_000), holder, 0n]);
      expect(member.votes).to.equal(member.shares);
      expect([...member.slices]).to.deep.equal([0n, 0n]);
    });
  });
});
