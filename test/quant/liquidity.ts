import { expect } from "chai";
import { MaxUint256, parseUnits } from "ethers";
import type { Contract, Result } from "ethers";
import type { LocalChain } from "../../deploy/devnet/chain.ts";
import { startLocalChain } from "../../deploy/devnet/chain.ts";
import { deployPoolTrader, movePool, noiseVolume } from "../../deploy/devnet/poolTrader.ts";
import type { Uniswap } from "../../deploy/devnet/uniswap.ts";
import { deployUniswap } from "../../deploy/devnet/uniswap.ts";
import type { PairShape } from "../../src/hedge/liquidity.ts";
import {
  amountsForLiquidity,
  baseValue,
  EmptyRange,
  impermanentLoss,
  integerSqrt,
  liquidityDelta,
  liquidityForValue,
  liquidityGamma,
  PriceNotPositive,
  priceToSqrtPriceX96,
  sqrtPriceX96ToPrice,
  valueAt,
} from "../../src/hedge/liquidity.ts";
import {
  MAX_SQRT_RATIO,
  MAX_TICK,
  MIN_SQRT_RATIO,
  MIN_TICK,
  nearestUsableTick,
  SqrtPriceOutOfRange,
  sqrtRatioAtTick,
  tickAtSqrtRatio,
  TickOutOfRange,
} from "../../src/hedge/ticks.ts";
import type { LiquidityMathHarness, PoolTrader } from "../../typechain-types/index.js";
import { LiquidityMathHarness__factory } from "../../typechain-types/index.js";
import { lehmer } from "../helpers/lehmer.ts";
import { deployTokens } from "../helpers/tokens.ts";

const PAIRS: readonly PairShape[] = [
  { baseDecimals: 18, assetDecimals: 6, baseIsToken0: true },
  { baseDecimals: 18, assetDecimals: 6, baseIsToken0: false },
  { baseDecimals: 8, assetDecimals: 18, baseIsToken0: true },
  { baseDecimals: 8, assetDecimals: 18, baseIsToken0: false },
];
const CASES = 2000;
/** Cases of each pair against our own library on chain; test/quant/lpVenue.ts asks the venue. */
const CASES_A_PAIR = 1000;
const BATCH = 250;

interface Case {
  price: bigint;
  tickLower: number;
  tickUpper: number;
  liquidity: bigint;
}

describe("Concentrated-liquidity maths", () => {
  describe("ticks", () => {
    it("meets the pool's bounds", () => {
      expect(sqrtRatioAtTick(MIN_TICK)).to.equal(MIN_SQRT_RATIO);
      expect(sqrtRatioAtTick(MAX_TICK)).to.equal(MAX_SQRT_RATIO);
      expect(sqrtRatioAtTick(0)).to.equal(1n << 96n);
    });

    it("is its own inverse at every edge of a tick", () => {
      const random = lehmer(1);
      for (let i = 0; i < CASES; i++) {
        const tick = randomTick(random, 1);
        const ratio = sqrtRatioAtTick(tick);
        expect(tickAtSqrtRatio(ratio)).to.equal(tick);
        if (tick > MIN_TICK) expect(tickAtSqrtRatio(ratio - 1n)).to.equal(tick - 1);
      }
    });

    it("refuses what no pool can have", () => {
      for (const tick of [MIN_TICK - 1, MAX_TICK + 1, 0.5, Number.NaN]) {
        expect(() => sqrtRatioAtTick(tick)).to.throw(TickOutOfRange);
      }
      expect(() => tickAtSqrtRatio(MIN_SQRT_RATIO - 1n)).to.throw(SqrtPriceOutOfRange);
      expect(() => tickAtSqrtRatio(MAX_SQRT_RATIO)).to.throw(SqrtPriceOutOfRange);
    });

    it("rounds to usable ticks inside the bounds", () => {
      expect(nearestUsableTick(-14, 10)).to.equal(-10);
      expect(nearestUsableTick(16, 10)).to.equal(20);
      expect(Object.is(nearestUsableTick(-4, 10), 0)).to.equal(true);
      expect(nearestUsableTick(MAX_TICK, 60)).to.equal(887220);
      expect(nearestUsableTick(MIN_TICK, 60)).to.equal(-887220);
    });
  });

  describe("against the contracts' own library", () => {
    let harness: LiquidityMathHarness;

    before(async () => {
      const chain = await startLocalChain(1_600_000_000);
      const contract = await chain.deploy(LiquidityMathHarness__factory);
      harness = LiquidityMathHarness__factory.connect(await contract.getAddress(), chain.provider);
    });

    it(`finds the same square-root price at ${CASES} ticks`, async () => {
      const random = lehmer(2);
      const ticks = [MIN_TICK, MAX_TICK, 0, 1, -1, ...Array.from({ length: CASES }, () => randomTick(random, 1))];
      for (let from = 0; from < ticks.length; from += BATCH) {
        const batch = ticks.slice(from, from + BATCH);
        expect(await harness.sqrtRatios(batch)).to.deep.equal(batch.map(sqrtRatioAtTick));
      }
    });

    for (const pair of PAIRS) {
      const shape = `${pair.baseDecimals}/${pair.assetDecimals} decimals, base ${pair.baseIsToken0 ? "first" : "second"}`;
      it(`agrees to the last unit in ${CASES_A_PAIR} cases (${shape})`, async () => {
        const random = lehmer(3);
        const onChain = {
          assetUnit: 10n ** BigInt(pair.assetDecimals),
          baseScale: 10n ** BigInt(18 + pair.baseDecimals),
          baseIsToken0: pair.baseIsToken0,
        };
        for (let from = 0; from < CASES_A_PAIR; from += BATCH) {
          const cases = Array.from({ length: BATCH }, () => randomCase(random, pair));
          const results = await harness.compute(cases, onChain);
          cases.forEach((c, i) => {
            expect((results[i] as unknown as Result).toObject()).to.deep.equal(
              computeLocally(c, pair),
              JSON.stringify(c, showBigints),
            );
          });
        }
      });
    }
  });

  for (const baseFirst of [true, false]) {
    describe(`against the venue itself (base token ${baseFirst ? "first" : "second"})`, () => {
      let chain: LocalChain;
      let uniswap: Uniswap;
      let trader: PoolTrader;
      let tokens: { asset: Contract; base: Contract };

      before(async () => {
        chain = await startLocalChain(1_600_000_000);
        tokens = await deployTokens(chain, baseFirst);
        uniswap = await deployUniswap(chain, { ...tokens, price: 2000 });
        trader = await deployPoolTrader(chain, uniswap, tokens);
        for (const token of [tokens.asset, tokens.base]) {
          await chain.send(
            "maker",
            await token.getFunction("mint").populateTransaction(chain.address("maker"), 10n ** 45n),
          );
        }
      });

      async function slot0(): Promise<{ sqrtPriceX96: bigint; tick: bigint }> {
        return (await uniswap.pool.getFunction("slot0")()) as { sqrtPriceX96: bigint; tick: bigint };
      }

      it("finds the pool's tick and price wherever the market goes", async () => {
        const random = lehmer(4);
        for (let i = 0; i < 100; i++) {
          const price = randomPrice(random, 60, 60_000);
          await movePool(chain, trader, price);
          const { sqrtPriceX96, tick } = await slot0();
          expect(sqrtPriceX96).to.equal(priceToSqrtPriceX96(price, uniswap.pair));
          expect(BigInt(tickAtSqrtRatio(sqrtPriceX96))).to.equal(tick);
        }
      });

      it("knows what minting takes and burning pays, to the unit", async () => {
        const random = lehmer(5);
        for (let i = 0; i < 60; i++) {
          await movePool(chain, trader, randomPrice(random, 500, 8_000));
          const { sqrtPriceX96, tick } = await slot0();
          const centre = Number(tick) + Math.round((random() - 0.5) * 4000);
          const half = 10 + random() * 5000;
          const range = {
            tickLower: nearestUsableTick(centre - half, uniswap.tickSpacing),
            tickUpper: nearestUsableTick(centre + half, uniswap.tickSpacing),
          };
          const price = sqrtPriceX96ToPrice(sqrtPriceX96, uniswap.pair);
          const wanted = liquidityForValue(
            BigInt(Math.round(10 ** (random() * 14))) + 1000n,
            price,
            range,
            uniswap.pair,
          );
          const desired = amountsForLiquidity(sqrtPriceX96, { ...range, liquidity: wanted }, "up");

          const [assetAddress, baseAddress] = [await tokens.asset.getAddress(), await tokens.base.getAddress()];
          const manager = uniswap.positionManager;
          const mined = await chain.send(
            "maker",
            await manager.getFunction("mint").populateTransaction({
              token0: baseFirst ? baseAddress : assetAddress,
              token1: baseFirst ? assetAddress : baseAddress,
              fee: uniswap.fee,
              ...range,
              amount0Desired: desired.amount0,
              amount1Desired: desired.amount1,
              amount0Min: 0n,
              amount1Min: 0n,
              recipient: chain.address("maker"),
              deadline: MaxUint256,
            }),
          );
          const minted = parsed(mined.logs, manager, "IncreaseLiquidity");
          const liquidity = minted["liquidity"] as bigint;
          const position = { ...range, liquidity };
          const { amount0, amount1 } = amountsForLiquidity(sqrtPriceX96, position, "up");
          expect([minted["amount0"], minted["amount1"]]).to.deep.equal([amount0, amount1]);

          const burned = await chain.send(
            "maker",
            await manager.getFunction("decreaseLiquidity").populateTransaction({
              tokenId: minted["tokenId"] as bigint,
              liquidity,
              amount0Min: 0n,
              amount1Min: 0n,
              deadline: MaxUint256,
            }),
          );
          const decrease = parsed(burned.logs, manager, "DecreaseLiquidity");
          const paid = amountsForLiquidity(sqrtPriceX96, position, "down");
          expect([decrease["amount0"], decrease["amount1"]]).to.deep.equal([paid.amount0, paid.amount1]);
        }
      });

      it("arbitrage stops where the fee eats the gain, and does nothing inside that band", async () => {
        await movePool(chain, trader, parseUnits("2000", 18));
        const index = parseUnits("2100", 18);
        await chain.send("market", await trader.arbitrage.populateTransaction(index));
        let { sqrtPriceX96 } = await slot0();
        expect(sqrtPriceX96).to.equal(priceToSqrtPriceX96((index * 9_995n) / 10_000n, uniswap.pair));

        await chain.send("market", await trader.arbitrage.populateTransaction((index * 9_999n) / 10_000n));
        expect((await slot0()).sqrtPriceX96).to.equal(sqrtPriceX96);

        const fallen = parseUnits("1900", 18);
        await chain.send("market", await trader.arbitrage.populateTransaction(fallen));
        ({ sqrtPriceX96 } = await slot0());
        expect(sqrtPriceX96).to.equal(priceToSqrtPriceX96((fallen * 1_000_000n) / 999_500n, uniswap.pair));
      });

      it("noise trades the volume given and leaves the price where it was", async () => {
        await movePool(chain, trader, parseUnits("2000", 18));
        const before = await slot0();
        const volume = parseUnits("20000000", 6);
        const mined = await chain.send("market", await trader.flow.populateTransaction(volume, 8));
        expect((await slot0()).sqrtPriceX96).to.equal(before.sqrtPriceX96);
        const log = mined.logs.map((entry) => trader.interface.parseLog(entry)).find((e) => e?.name === "Flowed");
        const traded = log!.args.getValue("volume") as bigint;
        expect(traded).to.be.closeTo(volume, volume / 1000n);
      });
    });
  }

  describe("value, delta and gamma", () => {
    it("sizes a position to the value asked for", () => {
      const random = lehmer(6);
      for (let i = 0; i < CASES; i++) {
        const pair = PAIRS[i % 2]!;
        const { price, tickLower, tickUpper } = randomCase(random, pair);
        const value = BigInt(Math.round(10 ** (6 + random() * 9)));
        const liquidity = liquidityForValue(value, price, { tickLower, tickUpper }, pair);
        const worth = valueAt(price, { tickLower, tickUpper, liquidity }, pair);
        // Flooring liquidity costs up to one step, flooring the amounts a unit each; the reference value is exact to 1e-12
        // even in ranges far from the price.
        const step = valueAt(price, { tickLower, tickUpper, liquidity: liquidity + 1n }, pair) - worth;
        const off = worth > value ? worth - value : value - worth;
        expect(off <= step + 3n + value / 10n ** 12n).to.equal(true, `${value} became ${worth}`);
      }
    });

    it("has the derivatives it says it has", () => {
      const position = { liquidity: 10n ** 18n };
      for (const pair of PAIRS.slice(0, 2)) {
        const price = parseUnits("2000", 18);
        const centre = tickAtSqrtRatio(priceToSqrtPriceX96(price, pair));
        const p = { ...position, tickLower: centre - 2000, tickUpper: centre + 2000 };
        const h = price / 1000n;
        const wholeStep = Number(h) / 1e18;
        const up = Number(valueAt(price + h, p, pair)) / 1e6;
        const down = Number(valueAt(price - h, p, pair)) / 1e6;
        const delta = Number(liquidityDelta(price, p, pair)) / 1e18;
        expectNear((up - down) / (2 * wholeStep), delta, delta * 1e-5);

        const deltaUp = Number(liquidityDelta(price + h, p, pair)) / 1e18;
        const deltaDown = Number(liquidityDelta(price - h, p, pair)) / 1e18;
        const gamma = liquidityGamma(price, p, pair);
        expect(gamma).to.be.lessThan(0);
        expectNear((deltaUp - deltaDown) / (2 * wholeStep), gamma, -gamma * 1e-5);
        expect(liquidityGamma(price * 2n, p, pair)).to.equal(0);
        expect(liquidityGamma(price / 2n, p, pair)).to.equal(0);
        expect(liquidityDelta(price * 2n, p, pair)).to.equal(0n);
      }
    });

    it("loses to holding, as the full-range formula says", () => {
      const pair = PAIRS[0]!;
      const position = { tickLower: -887270, tickUpper: 887270, liquidity: 10n ** 18n };
      const from = parseUnits("2000", 18);
      for (const ratio of [0.25, 0.5, 0.9, 1.1, 2, 4]) {
        const to = (from * BigInt(Math.round(ratio * 100))) / 100n;
        const held = (Number(valueAt(from, position, pair)) / 2) * (1 + ratio);
        // 2√k / (1 + k) − 1, Uniswap v2's impermanent loss.
        const expected = (2 * Math.sqrt(ratio)) / (1 + ratio) - 1;
        expectNear(Number(impermanentLoss(from, to, position, pair)) / held, expected, 1e-6);
      }
      expect(impermanentLoss(from, from, position, pair)).to.equal(0n);
    });

    it("never gains on holding, in any range", () => {
      const random = lehmer(7);
      for (let i = 0; i < CASES; i++) {
        const pair = PAIRS[i % PAIRS.length]!;
        const c = randomCase(random, pair);
        const to = (c.price * BigInt(1 + Math.floor(random() * 3000))) / 1000n;
        // Flooring the amounts held at the start, valued at the end, can leave a few units on either side.
        const slack = 3n + baseValue(2n, to, pair);
        expect(impermanentLoss(c.price, to, c, pair) <= slack).to.equal(true, JSON.stringify(c, showBigints));
      }
    });

    it("takes exact square roots of any size", () => {
      const random = lehmer(8);
      for (let i = 0; i < CASES; i++) {
        const x = BigInt(Math.floor(random() * 2 ** 52)) << BigInt(Math.floor(random() * 300));
        const root = integerSqrt(x);
        expect(root * root <= x && (root + 1n) * (root + 1n) > x).to.equal(true, String(x));
      }
    });

    it("names what is wrong", () => {
      const pair = PAIRS[0]!;
      expect(() => priceToSqrtPriceX96(0n, pair)).to.throw(PriceNotPositive);
      expect(() => priceToSqrtPriceX96(10n ** 90n, pair)).to.throw(SqrtPriceOutOfRange);
      const empty = { tickLower: 10, tickUpper: 10, liquidity: 1n };
      expect(() => amountsForLiquidity(1n << 96n, empty)).to.throw(EmptyRange);
    });
  });

  describe("noise volume", () => {
    const base = {
      dailyVolatility: 0.04,
      medianDailyVolatility: 0.04,
      feeToLvr: 1,
      activeLiquidity: 1_000_000,
      price: 2_500,
      fee: 500,
      days: 1,
    };

    it("pays fees of ρ × loss-versus-rebalancing at median volatility", () => {
      // L·√P·σ²/4 = 1e6 × 50 × 0.0016 / 4 = 20,000 a day; at 0.05 % that is 40 million of volume.
      expect(noiseVolume(base)).to.equal(40_000_000);
      expect(noiseVolume({ ...base, feeToLvr: 0.5, days: 2 })).to.equal(40_000_000);
    });

    it("grows with volatility to the power 1.3", () => {
      const doubled = noiseVolume({ ...base, dailyVolatility: 0.08 });
      expectNear(doubled / 40_000_000, 2 ** 1.3, 1e-6);
    });

    it("leaves out fees that arbitrageurs paid, and is never negative", () => {
      expect(noiseVolume({ ...base, earnedFees: 5_000 })).to.equal(30_000_000);
      expect(noiseVolume({ ...base, earnedFees: 50_000 })).to.equal(0);
    });
  });
});

/** Chai's own closeTo is replaced by one for integers here. */
function expectNear(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) <= tolerance).to.equal(
    true,
    `${actual} is not within ${tolerance} of ${expected}`,
  );
}

function randomTick(random: () => number, spacing: number): number {
  return nearestUsableTick((random() * 2 - 1) * MAX_TICK, spacing);
}

/** A price between two whole ones, spread evenly over its logarithm, with all digits in use. */
function randomPrice(random: () => number, low: number, high: number): bigint {
  return parseUnits((low * (high / low) ** random()).toFixed(9), 18) + BigInt(Math.floor(random() * 1e9));
}

/** Any price a pair may see, a range near it or far from it, and any liquidity. */
function randomCase(random: () => number, pair: PairShape): Case {
  const price = randomPrice(random, 0.01, 1_000_000);
  const centre = tickAtSqrtRatio(priceToSqrtPriceX96(price, pair));
  const middle = random() < 0.8 ? centre + (random() - 0.5) * 20_000 : 0;
  const half = 1 + 10 ** (random() * 4.5);
  const tickLower = nearestUsableTick(middle - half, 1);
  const tickUpper = Math.max(tickLower + 1, nearestUsableTick(middle + half, 1));
  const liquidity = BigInt(Math.floor(random() * 2 ** 50)) << BigInt(Math.floor(random() * 60));
  return { price, tickLower, tickUpper, liquidity };
}

function computeLocally(c: Case, pair: PairShape): Record<string, bigint> {
  const sqrtPriceX96 = priceToSqrtPriceX96(c.price, pair);
  const down = amountsForLiquidity(sqrtPriceX96, c, "down");
  const up = amountsForLiquidity(sqrtPriceX96, c, "up");
  const value = valueAt(c.price, c, pair);
  return {
    sqrtPriceX96,
    priceBack: sqrtPriceX96ToPrice(sqrtPriceX96, pair),
    amount0Down: down.amount0,
    amount1Down: down.amount1,
    amount0Up: up.amount0,
    amount1Up: up.amount1,
    value,
    liquidityForValue: liquidityForValue(value, c.price, c, pair),
  };
}

function parsed(
  logs: { address: string; topics: string[]; data: string }[],
  contract: Contract,
  name: string,
): Record<string, unknown> {
  const topic = contract.interface.getEvent(name)!.topicHash;
  return contract.interface.parseLog(logs.find((log) => log.topics[0] === topic)!)!.args.toObject();
}

function showBigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
