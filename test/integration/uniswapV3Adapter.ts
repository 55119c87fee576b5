import { expect } from "chai";
import { parseUnits } from "ethers";
import { arbitrage, movePool, noiseFlow } from "../../deploy/devnet/poolTrader.ts";
import { baseValue, liquidityForValue, pairAmounts, priceToSqrtPriceX96, valueAt } from "../../src/hedge/liquidity.ts";
import { nearestUsableTick, tickAtSqrtRatio } from "../../src/hedge/ticks.ts";
import type { AdapterFixture } from "../helpers/uniswapAdapter.ts";
import {
  adapterFixture,
  CASH,
  donateLiquidity,
  eventsOf,
  GATE_BPS,
  PRICE,
  setLiquidity,
  twoSided,
  UNWIND_COST_BPS,
} from "../helpers/uniswapAdapter.ts";

const VALUE = parseUnits("400000", 6);
const BPS = 10_000n;

describe("UniswapV3Adapter", () => {
  for (const baseFirst of [true, false]) {
    describe(`with the base token ${baseFirst ? "first" : "second"} in the pool`, () => {
      let f: AdapterFixture;
      let snapshot: string;
      let range: { tickLower: number; tickUpper: number };

      before(async () => {
        f = await adapterFixture(baseFirst);
        range = rangeAround(PRICE, 1000);
      });

      beforeEach(async () => {
        snapshot = await f.chain.request<string>("evm_snapshot");
      });

      afterEach(async () => {
        await f.chain.request("evm_revert", [snapshot]);
      });

      function rangeAround(price: bigint, halfWidth: number): { tickLower: number; tickUpper: number } {
        const centre = tickAtSqrtRatio(priceToSqrtPriceX96(price, f.uniswap.pair));
        return {
          tickLower: nearestUsableTick(centre - halfWidth, f.uniswap.tickSpacing),
          tickUpper: nearestUsableTick(centre + halfWidth, f.uniswap.tickSpacing),
        };
      }

      /** Fails unless the position itself, fees and idle base aside, is worth `value` at `price` within a basis point. */
      async function expectPositionWorth(value: bigint, price: bigint = PRICE): Promise<void> {
        const { tickLower, tickUpper, liquidity } = await f.adapter.position();
        const worth = valueAt(
          price,
          { tickLower: Number(tickLower), tickUpper: Number(tickUpper), liquidity },
          f.uniswap.pair,
        );
        expect(worth).to.be.closeTo(value, value / BPS + 2n);
      }

      /** Fails unless the vault's cash and the adapter's value add up to the start, less at most `cost` asset units. */
      async function expectNothingLost(cost: bigint, price: bigint = PRICE): Promise<void> {
        const total = (await f.cashBox.cash()) + (await f.adapter.valueAt(price));
        expect(total).to.be.at.least(CASH - cost);
        expect(total).to.be.at.most(CASH + cost);
        const adapter = await f.adapter.getAddress();
        expect(await f.asset.getFunction("balanceOf")(adapter)).to.equal(0n);
        const { idleBase } = await f.adapter.position();
        expect(await f.base.getFunction("balanceOf")(adapter)).to.equal(idleBase);
      }

      async function poolPriceMove(bps: bigint): Promise<void> {
        await movePool(f.chain, f.trader, (PRICE * (BPS + bps)) / BPS);
      }

      it("mints a position of the value asked for", async () => {
        await setLiquidity(f, range, VALUE);

        await expectPositionWorth(VALUE);
        const position = await f.adapter.position();
        expect(position.tickLower).to.equal(BigInt(range.tickLower));
        expect(position.tickUpper).to.equal(BigInt(range.tickUpper));
        expect(baseValue(position.idleBase, PRICE, f.uniswap.pair)).to.be.at.most(VALUE / BPS);
        // Half the value was swapped at 0.05 % plus price impact in a pool of 200 million.
        await expectNothingLost(VALUE / 500n);
      });

      it("mints ranges that lie wholly to one side of the price", async () => {
        for (const offset of [-3000, 3000]) {
          const centre = (range.tickLower + range.tickUpper) / 2;
          const aside = { tickLower: centre + offset - 1000, tickUpper: centre + offset + 1000 };
          await setLiquidity(f, aside, VALUE);
          await expectPositionWorth(VALUE);
        }
        await expectNothingLost(VALUE / 100n);
      });

      it("increases and decreases in place", async () => {
        await setLiquidity(f, range, VALUE);
        const { tokenId } = await f.adapter.position();

        await setLiquidity(f, range, VALUE * 2n);
        await expectPositionWorth(VALUE * 2n);
        await setLiquidity(f, range, VALUE / 2n);
        await expectPositionWorth(VALUE / 2n);

        expect((await f.adapter.position()).tokenId).to.equal(tokenId);
        await expectNothingLost(VALUE / 100n);
      });

      it("moves to another range and burns the old NFT", async () => {
        await setLiquidity(f, range, VALUE);
        const old = await f.adapter.position();
        const narrow = rangeAround(PRICE, 300);
        await setLiquidity(f, narrow, VALUE);

        await expectPositionWorth(VALUE);
        const position = await f.adapter.position();
        expect(position.tickLower).to.equal(BigInt(narrow.tickLower));
        expect(position.tokenId).to.not.equal(old.tokenId);
        expect(await revertOf(f.uniswap.positionManager.getFunction("positions")(old.tokenId))).to.include(
          "Invalid token ID",
        );
        await expectNothingLost(VALUE / 100n);
      });

      it("moves a range that has run out into base when the vault has no cash to spare", async () => {
        await setLiquidity(f, range, CASH - parseUnits("10000", 6));
        const crashed = (PRICE * 80n) / 100n;
        await arbitrage(f.chain, f.trader, crashed);
        const before = (await f.cashBox.cash()) + (await f.adapter.valueAt(crashed));

        const worth = await f.adapter.valueAt(crashed);
        const value = (worth * 98n) / 100n;
        await setLiquidity(f, rangeAround(crashed, 1000), value, crashed);

        await expectPositionWorth(value, crashed);
        const after = (await f.cashBox.cash()) + (await f.adapter.valueAt(crashed));
        expect(after).to.be.at.least((before * 985n) / 1000n);
      });

      it("closes, whatever ticks are given", async () => {
        await setLiquidity(f, range, VALUE);
        await setLiquidity(f, { tickLower: 7, tickUpper: -7 }, 0n);

        const position = await f.adapter.position();
        expect(position.tokenId).to.equal(0n);
        expect(position.liquidity).to.equal(0n);
        expect(position.idleBase).to.equal(0n);
        expect(await f.adapter.valueAt(PRICE)).to.equal(0n);
        await expectNothingLost(VALUE / 250n);
      });

      it("closes nothing without complaint", async () => {
        await setLiquidity(f, { tickLower: 0, tickUpper: 0 }, 0n);
        expect(await f.cashBox.cash()).to.equal(CASH);
      });

      it("refuses ranges no pool has", async () => {
        for (const [tickLower, tickUpper] of [
          [range.tickLower, range.tickLower],
          [range.tickUpper, range.tickLower],
          [range.tickLower + 1, range.tickUpper],
          [-887280, range.tickUpper],
        ] as [number, number][]) {
          expect(await revertOf(setLiquidity(f, { tickLower, tickUpper }, VALUE))).to.include("InvalidRange");
        }
      });

      it("obeys only those the AccessManager lets", async () => {
        const call = await f.adapter.setLiquidity.populateTransaction(0, 0, 0n, twoSided(PRICE));
        expect(await revertOf(f.chain.send("attacker", call))).to.include("AccessManagedUnauthorized");
      });

      it("takes payment calls from the pool only", async () => {
        const call = await f.adapter.uniswapV3SwapCallback.populateTransaction(1n, 1n, "0x");
        expect(await revertOf(f.chain.send("attacker", call))).to.include("NotThePool");
      });

      it("values the position the same whatever the pool's price is", async () => {
        await setLiquidity(f, range, VALUE);
        const before = await f.adapter.valuation(twoSided(PRICE));
        const exposure = await f.adapter.exposure(PRICE);
        const feesBefore = await f.adapter.position();
        await poolPriceMove(500n);

        // The manipulator pays fees to the position, and moves its value by nothing else.
        const { feesBase, feesAsset } = await f.adapter.position();
        expect(feesBase - feesBefore.feesBase + feesAsset - feesBefore.feesAsset).to.be.greaterThan(0n);
        const paid = (price: bigint): bigint =>
          feesAsset - feesBefore.feesAsset + baseValue(feesBase - feesBefore.feesBase, price, f.uniswap.pair);
        const after = await f.adapter.valuation(twoSided(PRICE));
        expect(after.high).to.be.closeTo(before.high + paid(twoSided(PRICE).high), 2n);
        expect(after.low).to.be.closeTo(before.low + paid(twoSided(PRICE).low), paid(PRICE) / 100n + 2n);
        expect((await f.adapter.exposure(PRICE)).deltaMin).to.equal(exposure.deltaMin + feesBase - feesBefore.feesBase);
      });

      it("values low less the cost of unwinding the base part", async () => {
        await setLiquidity(f, range, VALUE);
        const price = twoSided(PRICE);
        const { low, high } = await f.adapter.valuation(price);
        const atLow = await f.adapter.valueAt(price.low);
        const { gross } = await f.adapter.exposure(price.low);
        const cost = (baseValue(gross, price.low, f.uniswap.pair) * UNWIND_COST_BPS) / BPS;
        expect(low).to.be.closeTo(atLow - cost, 1n);
        expect(high).to.equal(await f.adapter.valueAt(price.high));
      });

      it("reports the base it holds as delta, and values as the library does", async () => {
        await setLiquidity(f, range, VALUE);
        const { liquidity, idleBase, feesBase, feesAsset } = await f.adapter.position();
        for (const percent of [70n, 95n, 100n, 104n, 140n]) {
          const price = (PRICE * percent) / 100n;
          const { base, asset } = pairAmounts(
            priceToSqrtPriceX96(price, f.uniswap.pair),
            { ...range, liquidity },
            f.uniswap.pair,
          );
          const exposure = await f.adapter.exposure(price);
          const held = base + idleBase + feesBase;
          expect(exposure.deltaMin).to.equal(held);
          expect(exposure.deltaMax).to.equal(held);
          expect(exposure.gross).to.equal(held);
          expect(exposure.margined).to.equal(false);
          expect(exposure.equity).to.equal(asset + feesAsset + baseValue(held, price, f.uniswap.pair));
          expect(exposure.equity).to.equal(await f.adapter.valueAt(price));
        }
      });

      for (const moved of [500n, -500n]) {
        describe(`while the pool is ${moved} bps off`, () => {
          it("mints nothing", async () => {
            await poolPriceMove(moved);
            expect(await revertOf(setLiquidity(f, range, VALUE))).to.include("PoolPriceOutsideGate");
          });

          it("neither increases nor changes range", async () => {
            await setLiquidity(f, range, VALUE);
            await poolPriceMove(moved);
            expect(await revertOf(setLiquidity(f, range, VALUE * 2n))).to.include("PoolPriceOutsideGate");
            expect(await revertOf(setLiquidity(f, rangeAround(PRICE, 300), VALUE))).to.include("PoolPriceOutsideGate");
          });

          it("decreases without trading, keeping the base", async () => {
            await setLiquidity(f, range, VALUE);
            await poolPriceMove(moved);
            const before = await f.adapter.valueAt(PRICE);
            const cashBefore = await f.cashBox.cash();
            const mined = await setLiquidity(f, range, VALUE / 4n);

            await expectPositionWorth(VALUE / 4n);
            expect(await events(mined, "Swapped")).to.have.length(0);
            const { idleBase } = await f.adapter.position();
            expect(idleBase).to.be.greaterThan(0n);
            // Taking liquidity out at a pushed price can only gain, at the true price: the manipulator's loss.
            const after = (await f.adapter.valueAt(PRICE)) + (await f.cashBox.cash()) - cashBefore;
            expect(after).to.be.at.least(before - 2n);
          });

          it("closes without trading, and sells the base when the pool is back", async () => {
            await setLiquidity(f, range, VALUE);
            await poolPriceMove(moved);
            const mined = await setLiquidity(f, { tickLower: 0, tickUpper: 0 }, 0n);
            expect(await events(mined, "Swapped")).to.have.length(0);
            expect((await f.adapter.position()).tokenId).to.equal(0n);

            await poolPriceMove(0n);
            await setLiquidity(f, { tickLower: 0, tickUpper: 0 }, 0n);
            expect((await f.adapter.position()).idleBase).to.equal(0n);
            expect(await f.adapter.valueAt(PRICE)).to.equal(0n);
            expect(await f.cashBox.cash()).to.be.at.least(CASH - VALUE / 250n);
          });
        });
      }

      it("sells base only as far as the gate, and reverts rather than buy through it", async () => {
        await setLiquidity(f, range, VALUE);
        // Just inside the gate's lower edge: there is room for a small part of the sale only.
        await poolPriceMove(-(GATE_BPS - 1n));
        await setLiquidity(f, { tickLower: 0, tickUpper: 0 }, 0n);
        const { idleBase, sqrtPriceX96 } = await f.adapter.position();
        expect(idleBase).to.be.greaterThan(0n);
        const edge = priceToSqrtPriceX96((PRICE * (BPS - GATE_BPS)) / BPS, f.uniswap.pair);
        expect(sqrtPriceX96).to.equal(edge);

        await poolPriceMove(GATE_BPS - 1n);
        expect(await revertOf(setLiquidity(f, range, VALUE * 2n))).to.include("PoolPriceOutsideGate");
      });

      it("counts no donation: neither tokens nor liquidity", async () => {
        await setLiquidity(f, range, VALUE);
        const before = await f.adapter.valueAt(PRICE);
        const { tokenId, liquidity } = await f.adapter.position();
        const adapter = await f.adapter.getAddress();
        await donateLiquidity(f, tokenId, VALUE);
        for (const token of [f.asset, f.base]) {
          await f.chain.send("attacker", await token.getFunction("transfer").populateTransaction(adapter, VALUE));
        }

        expect((await f.adapter.position()).liquidity).to.equal(liquidity);
        const actual = await f.uniswap.positionManager.getFunction("positions")(tokenId);
        expect(actual.liquidity).to.be.greaterThan(liquidity);
        expect(await f.adapter.valueAt(PRICE)).to.equal(before);

        await setLiquidity(f, range, 0n);
        expect(await f.adapter.valueAt(PRICE)).to.equal(0n);
        expect(await f.cashBox.cash()).to.be.at.most(CASH);
        expect(await f.asset.getFunction("balanceOf")(adapter)).to.equal(VALUE);
        expect(await f.base.getFunction("balanceOf")(adapter)).to.equal(VALUE);
      });

      it("sees fees before collecting exactly as it collects them", async () => {
        await setLiquidity(f, range, VALUE);
        await noiseFlow(f.chain, f.trader, parseUnits("50000000", 6), 5);
        // A gift of liquidity makes the manager book the fees so far as owed.
        await donateLiquidity(f, (await f.adapter.position()).tokenId, VALUE / 100n);
        await arbitrage(f.chain, f.trader, (PRICE * 103n) / 100n);
        await arbitrage(f.chain, f.trader, (PRICE * 9995n) / 10000n);

        const { feesBase, feesAsset, liquidity } = await f.adapter.position();
        expect(feesBase).to.be.greaterThan(0n);
        expect(feesAsset).to.be.greaterThan(0n);
        const worth = valueAt(PRICE, { ...range, liquidity }, f.uniswap.pair);
        const mined = await setLiquidity(f, range, worth / 2n);
        const [collected] = await events(mined, "FeesCollected");
        expect(collected).to.deep.equal({ base: feesBase, asset: feesAsset });
      });

      it("earns its share of the fees of a flow", async () => {
        await setLiquidity(f, range, VALUE);
        const { liquidity, feesAsset, feesBase } = await f.adapter.position();
        const inRange = (await f.uniswap.pool.getFunction("liquidity")()) as bigint;
        const volume = parseUnits("1000000", 6);
        await noiseFlow(f.chain, f.trader, volume, 4);
        const after = await f.adapter.position();
        const earned = after.feesAsset - feesAsset + baseValue(after.feesBase - feesBase, PRICE, f.uniswap.pair);
        const expected = (volume * 5n * liquidity) / (10_000n * inRange);
        expect(earned).to.be.closeTo(expected, expected / 100n);
        expect(after.sqrtPriceX96).to.equal((await f.adapter.position()).sqrtPriceX96);
      });

      it("finds the liquidity the library finds", async () => {
        await setLiquidity(f, range, VALUE);
        const expected = liquidityForValue(VALUE, PRICE, range, f.uniswap.pair);
        const { liquidity } = await f.adapter.position();
        expect(liquidity).to.be.closeTo(expected, expected / 1_000_000n);
      });

      it("swaps in the books what it swaps in the pool", async () => {
        const mined = await setLiquidity(f, range, VALUE);
        const swaps = await events(mined, "Swapped");
        const bought = swaps.reduce((sum, swap) => sum + (swap["base"] as bigint), 0n);
        const paid = swaps.reduce((sum, swap) => sum + (swap["asset"] as bigint), 0n);
        expect(bought).to.be.greaterThan(0n);
        expect(paid).to.be.lessThan(0n);
        const { liquidity, idleBase, sqrtPriceX96 } = await f.adapter.position();
        const taken = pairAmounts(sqrtPriceX96, { ...range, liquidity }, f.uniswap.pair, "up");
        expect(bought).to.equal(taken.base + idleBase);
        expect(await f.cashBox.cash()).to.equal(CASH + paid - taken.asset);
      });

      function events(mined: Parameters<typeof eventsOf>[0], name: string): Promise<Record<string, unknown>[]> {
        return f.adapter.getAddress().then((address) => eventsOf(mined, address, f.adapter.interface, name));
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
