import { expect } from "chai";
import { getAddress } from "ethers";
import { call } from "../../deploy/devnet/curie.ts";
import type { CurieFixture } from "../helpers/curieFixture.ts";
import {
  CASH,
  GATE_BPS,
  OPENING_PRICE,
  UNWIND_COST_BPS,
  curieFixture,
  depositFor,
  ether,
  holdClock,
  manipulate,
  priceOf,
  replay,
  setPosition,
  usdc,
  venueSize,
  venueValue,
} from "../helpers/curieFixture.ts";
import { lehmer } from "../helpers/lehmer.ts";

const BPS = 10_000n;
const DAY = 86_400;
/** Curie reads less than this as no position. */
const DUST = 10n;
const SHORT = -ether(100);
const EQUITY = usdc(60_000);
const PRICE = priceOf(OPENING_PRICE);

describe("CurieAdapter", () => {
  let f: CurieFixture;
  let snapshot: string;

  before(async () => {
    f = await curieFixture();
  });

  beforeEach(async () => {
    snapshot = await f.chain.request<string>("evm_snapshot");
    Object.assign(f.arbitrage, { last: null, carried: 0 });
  });

  afterEach(async () => {
    await f.chain.request("evm_revert", [snapshot]);
  });

  /** Fails unless the adapter's value at Curie's own price is what Curie itself computes, to the unit. */
  async function expectVenueAgrees(): Promise<void> {
    const { markPrice } = await f.adapter.position();
    const value = await venueValue(f);
    expect(await f.adapter.valueAt(markPrice)).to.equal(value > 0n ? value : 0n);
  }

  async function expectNothingLoose(): Promise<void> {
    expect(await f.asset.getFunction("balanceOf")(f.adapter.target)).to.equal(0n);
    expect(await f.adapter.gifts()).to.equal(0n);
  }

  describe("setPosition", () => {
    it("reverts for anyone without the role", async () => {
      const tx = await f.adapter.setPosition.populateTransaction(SHORT, EQUITY, PRICE);
      expect(await revertOf(f.chain.send("attacker", tx))).to.include("AccessManagedUnauthorized");
    });

    it("reverts for a long", async () => {
      expect(await revertOf(setPosition(f, 1n, EQUITY, PRICE))).to.include("LongNotAllowed");
    });

    it("reverts when the vault lacks the cash", async () => {
      expect(await revertOf(setPosition(f, SHORT, CASH + 1n, PRICE))).to.include("InsufficientCash");
    });

    it("opens a short of exactly the size, worth exactly the equity", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);

      expect(await venueSize(f)).to.equal(SHORT);
      expect(await f.adapter.valueAt(PRICE.mid)).to.equal(EQUITY);
      const { openNotional, collateral, pendingFunding } = await f.adapter.position();
      // Sold at the pool's price, within a tick of the index, less 0.1 %.
      expect(openNotional).to.be.closeTo(usdc(199_800), usdc(25));
      expect(pendingFunding).to.equal(0n);
      expect(CASH - (await f.box.cash())).to.equal(collateral);
      await expectVenueAgrees();
      await expectNothingLoose();
    });

    it("increases", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      await setPosition(f, 2n * SHORT, 2n * EQUITY, PRICE);

      expect(await venueSize(f)).to.be.closeTo(2n * SHORT, DUST);
      expect(await f.adapter.valueAt(PRICE.mid)).to.be.closeTo(2n * EQUITY, 1n);
      await expectVenueAgrees();
    });

    it("reduces and hands back the margin", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const before = await f.box.cash();
      await setPosition(f, SHORT / 4n, EQUITY / 4n, PRICE);

      expect(await venueSize(f)).to.be.closeTo(SHORT / 4n, DUST);
      expect(await f.adapter.valueAt(PRICE.mid)).to.be.closeTo(EQUITY / 4n, 1n);
      // 45,000 less the fee of buying back 75 ETH (150 USDC) and a tick's difference to the index.
      expect((await f.box.cash()) - before).to.be.closeTo(usdc(44_850), usdc(20));
      await expectVenueAgrees();
      await expectNothingLoose();
    });

    it("closes without dust and hands everything back", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      await setPosition(f, 0n, 0n, PRICE);

      expect(await venueSize(f)).to.equal(0n);
      expect(await f.adapter.valuation(PRICE)).to.deep.equal([0n, 0n]);
      // Twice the fee of 0.1 % on 200,000, and the price impact both ways.
      expect(CASH - (await f.box.cash())).to.be.closeTo(usdc(400), usdc(5));
      expect(await f.curie.vault.getFunction("getBalance")(f.adapter.target)).to.be.lessThan(2n);
      await expectNothingLoose();
    });

    it("moves margin alone, up and down, without a trade", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const { openNotional } = await f.adapter.position();
      for (const equity of [2n * EQUITY, EQUITY, EQUITY]) {
        await setPosition(f, SHORT, equity, PRICE);
        expect(await f.adapter.valueAt(PRICE.mid)).to.be.closeTo(equity, 1n);
        expect((await f.adapter.position()).openNotional).to.equal(openNotional);
      }
    });

    it("lets out no more than the venue does when the profit is not realised", async () => {
      await setPosition(f, SHORT, usdc(25_000), PRICE);
      await replay(f, 3_600, 1_880);
      await replay(f, 3_600, 1_800);
      await f.chain.warpTo((await f.chain.now()) + 1_800);
      const price = priceOf(1_800);
      const value = await f.adapter.valueAt(price.mid);
      // Curie counts the smaller of collateral and account value, less 10 % of the notional.
      const { freeCollateral } = await f.adapter.position();
      expect(freeCollateral).to.be.lessThan(value - usdc(20_000));
      const before = await f.box.cash();

      await setPosition(f, SHORT, 0n, price);

      expect((await f.box.cash()) - before).to.equal(freeCollateral);
      expect(await f.adapter.valueAt(price.mid)).to.be.closeTo(value - freeCollateral, 1n);
      expect((await f.adapter.position()).freeCollateral).to.be.lessThan(2n);
    });

    it("reduces below maintenance margin once margin is added", async () => {
      await setPosition(f, SHORT, usdc(25_000), PRICE);
      await replay(f, 3_600, 2_100);
      await f.chain.warpTo((await f.chain.now()) + 1_800);
      await replay(f, 3_600, 2_190);
      await f.chain.warpTo((await f.chain.now()) + 1_800);
      const price = priceOf(2_190);
      // 6.25 % of the half that would be left is 6,844.
      expect(await f.adapter.valueAt(price.mid)).to.be.closeTo(usdc(6_000), usdc(50));

      expect(await revertOf(setPosition(f, SHORT / 2n, 0n, price))).to.include("CH_NEFCM");
      await setPosition(f, SHORT / 2n, EQUITY, price);
      expect(await venueSize(f)).to.be.closeTo(SHORT / 2n, DUST);
      expect(await f.adapter.valueAt(price.mid)).to.be.closeTo(EQUITY, 1n);
    });

    it("leaves a market that was shut down at its closing price", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const { openNotional, collateral } = await f.adapter.position();
      await holdClock(f.chain);
      await call(f.chain, "deployer", f.curie.baseToken, "pause");
      await holdClock(f.chain);
      await call(f.chain, "deployer", f.curie.baseToken, "close(uint256)", [ether(1_900)]);

      await setPosition(f, 0n, 0n, PRICE);

      expect(await venueSize(f)).to.equal(0n);
      expect(await f.box.cash()).to.be.closeTo(CASH - usdc(190_000) + openNotional, 2n);
      expect(collateral).to.be.greaterThan(0n);
    });

    it("keeps value, size and cash in agreement through a random life", async () => {
      const random = lehmer(20_200_312);
      let dollars = OPENING_PRICE;
      for (let step = 0; step < 24; step += 1) {
        dollars *= 1 + (random() - 0.5) * 0.1;
        await replay(f, 60 + Math.floor(random() * 20_000), dollars, (random() - 0.5) * 0.002);
        await f.chain.warpTo((await f.chain.now()) + 60);
        await expectVenueAgrees();

        const price = priceOf(dollars);
        const size = random() < 0.2 ? 0n : -ether(random() * 300);
        const equity = (((-size * price.mid) / 10n ** 30n) * BigInt(Math.round(2_000 + random() * 6_000))) / BPS;
        const total = (await f.box.cash()) + (await f.adapter.valueAt(price.mid));
        const traded = await traded1e18(size);
        await setPosition(f, size, equity, price);

        expect(await venueSize(f)).to.be.closeTo(size, DUST);
        const value = await f.adapter.valueAt(price.mid);
        expect(value).to.be.greaterThanOrEqual(equity === 0n ? 0n : equity - 1n);
        const { freeCollateral } = await f.adapter.position();
        if (value > equity) expect(freeCollateral).to.be.lessThan(3n);
        // What left is the fee and the distance between pool and oracle, nothing else: at most 25 basis points traded.
        const cost = total - ((await f.box.cash()) + value);
        const notional = (traded * price.mid) / 10n ** 30n;
        expect(cost).to.be.greaterThanOrEqual((notional * -15n) / BPS - 2n);
        expect(cost).to.be.lessThanOrEqual((notional * 25n) / BPS + 2n);
        await expectVenueAgrees();
        await expectNothingLoose();
      }
    });

    async function traded1e18(size: bigint): Promise<bigint> {
      const difference = size - (await venueSize(f));
      return difference < 0n ? -difference : difference;
    }
  });

  describe("reducePosition", () => {
    const reduce = async (size: bigint, margin: bigint) => {
      await holdClock(f.chain);
      return f.chain.send("deployer", await f.adapter.reducePosition.populateTransaction(size, margin));
    };

    it("refuses to grow the short, or to turn it", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      for (const size of [SHORT - 1n, 1n]) expect(await revertOf(reduce(size, 0n))).to.include("NotAReduction");
    });

    it("buys back and lets no collateral out, with the pool anywhere", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      await manipulate(f, OPENING_PRICE * 1.05, 0);
      const before = await f.box.cash();
      await reduce(SHORT / 4n, 0n);
      expect(await venueSize(f)).to.be.closeTo(SHORT / 4n, DUST);
      await reduce(0n, 0n);
      expect(await venueSize(f)).to.equal(0n);
      expect(await f.box.cash()).to.equal(before);
      await expectVenueAgrees();
      await expectNothingLoose();
    });

    it("adds exactly the margin it is told, before it trades", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const [cash, value] = [await f.box.cash(), await f.adapter.valueAt(PRICE.mid)];
      await reduce(SHORT, usdc(5_000));
      expect(cash - (await f.box.cash())).to.equal(usdc(5_000));
      expect(await f.adapter.valueAt(PRICE.mid)).to.equal(value + usdc(5_000));
      await expectVenueAgrees();
    });
  });

  describe("valuation", () => {
    it("is the account value at the worse and the better of mark and oracle", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const [low, high] = await f.adapter.valuation(PRICE);
      const { markPrice } = await f.adapter.position();

      expect(markPrice).to.be.greaterThan(PRICE.low).and.lessThan(PRICE.high);
      const unwindCost = (usdc(201_000) * UNWIND_COST_BPS) / BPS;
      expect(low).to.equal(EQUITY - usdc(1_000) - unwindCost);
      expect(high).to.equal(EQUITY + usdc(1_000));
    });

    it("is nothing, not negative, for an account under water", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const price = priceOf(3_000);
      expect(await f.adapter.valueAt(price.mid)).to.equal(0n);
      expect((await f.adapter.valuation(price))[0]).to.equal(0n);
    });

    it("does not follow a price moved within one block", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const before = await f.adapter.valuation(PRICE);
      for (const dollars of [2_150, 1_850]) {
        await manipulate(f, dollars, 0);
        expect(await f.adapter.valuation(PRICE)).to.deep.equal(before);
      }
    });

    it("takes the worse of the two when the mark is held up for half an hour", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      await manipulate(f, 2_150, 1_860);

      const { markPrice } = await f.adapter.position();
      expect(markPrice).to.be.greaterThan(ether(2_149));
      const [low] = await f.adapter.valuation(PRICE);
      const unwindCost = (((-SHORT * markPrice) / 10n ** 30n) * UNWIND_COST_BPS) / BPS;
      expect(low).to.be.closeTo((await f.adapter.valueAt(markPrice)) - unwindCost, 2n);
      expect(low).to.be.lessThan(EQUITY - usdc(14_900));
    });

    it("gives the better of the two to the high side when the mark is held down", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const [lowBefore] = await f.adapter.valuation(PRICE);
      await manipulate(f, 1_850, 1_860);

      const { markPrice, pendingFunding } = await f.adapter.position();
      expect(markPrice).to.be.lessThan(ether(1_851));
      const [low, high] = await f.adapter.valuation(PRICE);
      expect(high).to.equal(await f.adapter.valueAt(markPrice));
      expect(high).to.be.greaterThan(EQUITY + usdc(14_900 - 400));
      // The low side falls by no more than the funding a short owes below the index.
      expect(lowBefore - low).to.be.closeTo(pendingFunding, 2n);
    });
  });

  describe("gate", () => {
    const outside = [OPENING_PRICE * 1.02, OPENING_PRICE * 0.98];

    for (const dollars of outside) {
      it(`refuses to grow the short with the pool at ${dollars} and the oracle at ${OPENING_PRICE}`, async () => {
        await setPosition(f, SHORT, EQUITY, PRICE);
        await manipulate(f, dollars, 0);
        expect(await revertOf(setPosition(f, 2n * SHORT, 2n * EQUITY, PRICE))).to.include("MarkOutsideGate");
      });

      it(`reduces, closes and moves margin with the pool at ${dollars}`, async () => {
        await setPosition(f, SHORT, EQUITY, PRICE);
        await manipulate(f, dollars, 0);

        await setPosition(f, SHORT, 2n * EQUITY, PRICE);
        expect(await f.adapter.valueAt(PRICE.mid)).to.be.closeTo(2n * EQUITY, 1n);
        await setPosition(f, SHORT / 2n, EQUITY, PRICE);
        expect(await venueSize(f)).to.be.closeTo(SHORT / 2n, DUST);
        await setPosition(f, 0n, 0n, PRICE);
        expect(await venueSize(f)).to.equal(0n);
      });
    }

    it("refuses a trade that would itself leave the gate", async () => {
      // 22,000 ETH move this pool by about 1.2 %; their average fill is still inside 1 %.
      const size = -ether(22_000);
      expect(await revertOf(setPosition(f, size, usdc(4_900_000), PRICE))).to.include("MarkOutsideGate");
      await setPosition(f, size / 2n, usdc(4_900_000), PRICE);
      expect(await venueSize(f)).to.equal(size / 2n);
    });

    it("refuses a fill worse than the gate", async () => {
      await call(f.chain, "deployer", f.asset, "mint", [f.box.target, usdc(50_000_000)]);
      await f.chain.send("deployer", await f.box.fill.populateTransaction());
      // 60,000 ETH are filled 1.6 % below the oracle on average.
      expect(await revertOf(setPosition(f, -ether(60_000), usdc(40_000_000), PRICE))).to.include("CH_TLRS");
    });

    it("closes in parts what one block cannot absorb", async () => {
      await call(f.chain, "deployer", f.asset, "mint", [f.box.target, usdc(500_000_000)]);
      await f.chain.send("deployer", await f.box.fill.populateTransaction());
      const slice = -ether(15_000);
      let size = 0n;
      // Fifteen slices, the market brought back to the index between them.
      for (let i = 0; i < 15; i += 1) {
        size += slice;
        await setPosition(f, size, (-size * 1_000n) / 10n ** 12n, PRICE);
        await replay(f, 60, OPENING_PRICE);
      }

      await setPosition(f, 0n, 0n, PRICE);
      const left = await venueSize(f);
      expect(left).to.be.lessThan(0n).and.greaterThan(size);

      await replay(f, 60, OPENING_PRICE);
      await setPosition(f, 0n, 0n, PRICE);
      expect(await venueSize(f)).to.equal(0n);
      await expectNothingLoose();
    });
  });

  describe("funding", () => {
    it("accrues to a short while the mark is above the index, and against it below", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      await replay(f, 60, OPENING_PRICE, 0.001);
      await f.chain.warpTo((await f.chain.now()) + DAY);
      const received = -(await f.adapter.position()).pendingFunding;
      expect(received).to.be.closeTo(usdc(200), usdc(12));
      expect(await f.adapter.valueAt(PRICE.mid)).to.be.closeTo(EQUITY + received, 1n);
      await expectVenueAgrees();

      // Two ticks of the pool's price are lost to rounding at most: one at each end.
      await replay(f, 60, OPENING_PRICE, -0.001);
      await f.chain.warpTo((await f.chain.now()) + DAY);
      const both = -(await f.adapter.position()).pendingFunding;
      expect(both - received).to.be.closeTo(usdc(-200), usdc(40));
    });

    for (const { name, move, rate } of [
      { name: "a still index", move: 0, rate: 0.0003 },
      { name: "an index that moves by up to 6 % a day", move: 0.06, rate: 0.0003 },
      { name: "a negative rate and moves of up to 6 %", move: 0.06, rate: -0.0003 },
    ]) {
      it(`reproduces 30 days at ${rate * 100} % a day with ${name}`, async () => {
        const random = lehmer(42);
        let dollars = OPENING_PRICE;
        await setPosition(f, SHORT, EQUITY, PRICE);
        const settled = (await f.adapter.position()).pendingFunding;
        let expected = 0;
        await replay(f, 60, dollars, rate);
        for (let day = 0; day < 30; day += 1) {
          expected += 100 * dollars * rate;
          dollars *= 1 + (random() - 0.5) * 2 * move;
          await replay(f, DAY, dollars, rate);
        }
        const received = settled - (await f.adapter.position()).pendingFunding;
        // A tick of one day, 0.01 %, is what rounding may still owe at the end: 1.1 % of the 30 days' 0.9 %.
        expect(received).to.be.closeTo(usdc(expected), usdc(Math.abs(expected) * 0.012));
      });
    }
  });

  describe("gifts", () => {
    const GIFT = usdc(100_000);

    it("move no value when deposited at Curie by someone else", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      const read = async (): Promise<unknown[]> => [
        await f.adapter.valueAt(PRICE.mid),
        await f.adapter.valuation(PRICE),
        await f.adapter.exposure(PRICE.mid),
        await f.adapter.position(),
      ];
      const before = await read();
      await depositFor(f, f.adapter.target as string, GIFT);

      expect(await read()).to.deep.equal(before);
      expect(await f.adapter.gifts()).to.equal(GIFT);
      expect((await venueValue(f)) - (await f.adapter.valueAt((await f.adapter.position()).markPrice))).to.equal(GIFT);
    });

    it("go to the vault outside its books at the next change", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      await depositFor(f, f.adapter.target as string, GIFT);
      await holdClock(f.chain);
      await call(f.chain, "attacker", f.asset, "mint", [f.adapter.target, 7n]);
      const cash = await f.box.cash();
      await setPosition(f, SHORT, EQUITY - usdc(1), PRICE);

      expect(await f.box.cash()).to.equal(cash + usdc(1));
      expect(await f.asset.getFunction("balanceOf")(f.box.target)).to.equal(cash + usdc(1) + GIFT + 7n);
      expect(await f.adapter.valueAt(PRICE.mid)).to.be.closeTo(EQUITY - usdc(1), 1n);
      await expectNothingLoose();
      await expectVenueAgrees();
    });

    it("leave profit and loss on the books", async () => {
      await setPosition(f, SHORT, EQUITY, PRICE);
      await depositFor(f, f.adapter.target as string, GIFT);
      await replay(f, 3_600, 1_900);
      await f.chain.warpTo((await f.chain.now()) + 60);
      const price = priceOf(1_900);
      await setPosition(f, 0n, 0n, price);

      // 100 USDC of profit for each of 100 ETH, less 0.1 % in and out and a tick or two.
      expect(await f.box.cash()).to.be.closeTo(CASH + usdc(10_000 - 390), usdc(60));
      await expectNothingLoose();
    });

    it("stay at Curie, without value, while the venue needs them as margin", async () => {
      await setPosition(f, SHORT, usdc(25_000), PRICE);
      await replay(f, 3_600, 2_100);
      await f.chain.warpTo((await f.chain.now()) + 1_800);
      const price = priceOf(2_100);
      const value = await f.adapter.valueAt(price.mid);
      await depositFor(f, f.adapter.target as string, usdc(10_000));
      await setPosition(f, SHORT, 0n, price);

      expect(await f.adapter.valueAt(price.mid)).to.be.lessThan(value);
      expect(await f.adapter.gifts()).to.be.greaterThan(0n);
      const { markPrice } = await f.adapter.position();
      expect((await venueValue(f)) - (await f.adapter.valueAt(markPrice))).to.be.closeTo(await f.adapter.gifts(), 1n);
      await setPosition(f, 0n, 0n, price);
      await expectNothingLoose();
    });
  });

  describe("liquidation", () => {
    it("by anyone leaves the books right and the rest usable", async () => {
      await setPosition(f, SHORT, usdc(25_000), PRICE);
      await replay(f, 3_600, 2_120);
      await f.chain.warpTo((await f.chain.now()) + 1_800);
      await call(f.chain, "maker", f.curie.clearingHouse, "liquidate(address,address)", [
        f.adapter.target,
        f.curie.baseToken.target,
      ]);

      const left = await venueSize(f);
      expect(left).to.be.greaterThan(SHORT);
      await expectVenueAgrees();
      expect((await f.adapter.exposure(priceOf(2_120).mid)).gross).to.equal(-left);

      await setPosition(f, SHORT, EQUITY, priceOf(2_120));
      expect(await venueSize(f)).to.be.closeTo(SHORT, DUST);
      expect(await f.adapter.valueAt(priceOf(2_120).mid)).to.be.closeTo(EQUITY, 1n);
      await expectVenueAgrees();
    });
  });

  it("says what it was built with", async () => {
    expect(await f.adapter.vault()).to.equal(getAddress(f.box.target as string));
    expect(await f.adapter.asset()).to.equal(getAddress(f.asset.target as string));
    expect(await f.adapter.gateBps()).to.equal(GATE_BPS);
    expect((await f.adapter.exposure(PRICE.mid)).margined).to.equal(true);
  });
});

describe("Curie on the local chain", () => {
  it("follows a fall of 44 % in steps of 6 %, each one transaction", async () => {
    const f = await curieFixture();
    for (let dollars = OPENING_PRICE; dollars > OPENING_PRICE * 0.56; dollars *= 0.94) {
      const { transactions } = await replay(f, 3_600, dollars);
      expect(transactions).to.equal(1);
      await f.chain.warpTo((await f.chain.now()) + 15);
      const { markPrice } = await f.adapter.position();
      expect(markPrice).to.be.closeTo(ether(dollars), ether(dollars) / BPS);
    }
  });

  it("follows a jump of 20 % in three transactions", async () => {
    const f = await curieFixture();
    expect((await replay(f, 3_600, OPENING_PRICE * 0.8)).transactions).to.equal(3);
  });

  for (const factor of [8, 1 / 8]) {
    it(`lets the price go ${factor > 1 ? "×" : "÷"} 8 with the makers and takers solvent`, async () => {
      const f = await curieFixture();
      const step = factor > 1 ? 1.06 : 1 / 1.06;
      let dollars = OPENING_PRICE;
      for (let i = 0; i < Math.log(8) / Math.log(1.06); i += 1) {
        dollars *= step;
        await replay(f, 6 * 3_600, dollars, 0.0003);
      }
      await f.chain.warpTo((await f.chain.now()) + 60);
      const { markPrice } = await f.adapter.position();
      expect(markPrice).to.be.closeTo(ether(dollars * 1.0003), ether(dollars * 0.0002));
      for (const account of [f.chain.address("maker"), f.arbitrage.arbitrageur.target]) {
        const free = (await f.curie.vault.getFunction("getFreeCollateral")(account)) as bigint;
        expect(free).to.be.greaterThan(0n);
      }
    });
  }
});

/** The message of what a promise was rejected with; fails when it was not. */
async function revertOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return expect.fail("expected a revert, but the call went through");
}
