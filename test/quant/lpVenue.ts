import { expect } from "chai";
import { Contract } from "ethers";
import type { Result } from "ethers";
import fc from "fast-check";
import { startLocalChain, npmArtifact } from "../../deploy/devnet/chain.ts";
import { amountsForLiquidity } from "../../src/hedge/liquidity.ts";
import { lpAmounts, lpPositionOf } from "../../src/hedge/liquidityValue.ts";
import { sqrtRatioAtTick, tickAtSqrtRatio } from "../../src/hedge/ticks.ts";
import type { PoolProbe } from "../../typechain-types/index.js";
import { PoolProbe__factory } from "../../typechain-types/index.js";
import { deployTokens } from "../helpers/tokens.ts";

const CORE = "@uniswap/v3-core/artifacts/contracts";
// The 0.3 % pool: its wide spacing lets a price be reached in few steps.
const FEE = 3_000;
const SPACING = 60;
const CASES = 2_000;
/** Cases in one call: what a block's gas allows. */
const BATCH = 25;
/** e^±20 around one: wherever a pair of tokens may trade, and quick to reach. */
const TICKS = 200_000;

interface Case {
  sqrtPriceX96: bigint;
  tickLower: number;
  tickUpper: number;
  liquidity: bigint;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    tick: fc.integer({ min: -TICKS, max: TICKS }),
    // 0 is the tick's own edge; 1 would be the next one.
    within: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.999, noNaN: true })),
    // Where the range lies to the price: at its ends, inside and outside.
    lower: fc.oneof(fc.constant(0), fc.integer({ min: -500, max: 500 })),
    width: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1_000 })),
    liquidity: fc.bigInt({ min: 1n, max: 1n << 100n }),
  })
  .map(({ tick, within, lower, width, liquidity }) => {
    const edge = sqrtRatioAtTick(tick);
    const inside = ((sqrtRatioAtTick(tick + 1) - edge) * BigInt(Math.floor(within * 2 ** 40))) >> 40n;
    const tickLower = (Math.round(tick / SPACING) + lower) * SPACING;
    return { sqrtPriceX96: edge + inside, tickLower, tickUpper: tickLower + width * SPACING, liquidity };
  });

describe("Liquidity maths against Uniswap's own bytecode", () => {
  let probe: PoolProbe;
  let pool: string;

  before(async () => {
    const chain = await startLocalChain(1_600_000_000);
    const { base, asset } = await deployTokens(chain, true);
    const tokens = [await base.getAddress(), await asset.getAddress()];
    const factory = await chain.deploy(npmArtifact(`${CORE}/UniswapV3Factory.sol/UniswapV3Factory.json`));
    await chain.send("deployer", await factory.getFunction("createPool").populateTransaction(...tokens, FEE));
    pool = (await factory.getFunction("getPool")(...tokens, FEE)) as string;
    const { abi } = npmArtifact(`${CORE}/UniswapV3Pool.sol/UniswapV3Pool.json`);
    const initialize = new Contract(pool, abi, chain.provider).getFunction("initialize");
    await chain.send("deployer", await initialize.populateTransaction(1n << 96n));
    const deployed = await chain.deploy(PoolProbe__factory, tokens);
    probe = PoolProbe__factory.connect(await deployed.getAddress(), chain.provider);
  });

  it(`mints, burns and counts ticks as the pool does, to the unit, in ${CASES} cases`, async () => {
    const drawn = sample(CASES, 1);
    for (let from = 0; from < CASES; from += BATCH) {
      const batch = drawn.slice(from, from + BATCH);
      const results = await probe.probe.staticCall(pool, batch);
      batch.forEach((c, i) => {
        const up = amountsForLiquidity(c.sqrtPriceX96, c, "up");
        const down = amountsForLiquidity(c.sqrtPriceX96, c, "down");
        expect((results[i] as unknown as Result).toObject(), String(Object.values(c))).to.deep.equal({
          tick: tickAfterMove(c, results[i]!.tick),
          minted0: up.amount0,
          minted1: up.amount1,
          burned0: down.amount0,
          burned1: down.amount1,
        });
      });
    }
  });

  it("is what the floats are measured against, too", async () => {
    const drawn = sample(BATCH * 4, 2);
    // Decimals of 0 on both sides: whole tokens are token units, and the price is token1 per token0.
    const pair = { baseDecimals: 0, assetDecimals: 0, baseIsToken0: true };
    for (let from = 0; from < drawn.length; from += BATCH) {
      const batch = drawn.slice(from, from + BATCH);
      const results = await probe.probe.staticCall(pool, batch);
      batch.forEach((c, i) => {
        const root = Number(c.sqrtPriceX96) / 2 ** 96;
        const { base, asset } = lpAmounts(root * root, lpPositionOf(c, pair));
        const { burned0, burned1 } = results[i]!;
        expect(Math.abs(base - Number(burned0)) <= 2 + (Number(c.liquidity) / root) * 1e-13).to.equal(true);
        expect(Math.abs(asset - Number(burned1)) <= 2 + Number(c.liquidity) * root * 1e-13).to.equal(true);
      });
    }
  });
});

/** A pool that fell to the very edge of a tick may count itself in the tick below: both are its own way of saying it. */
function tickAfterMove({ sqrtPriceX96 }: Case, counted: bigint): bigint {
  const tick = tickAtSqrtRatio(sqrtPriceX96);
  const atEdge = sqrtRatioAtTick(tick) === sqrtPriceX96;
  return atEdge && counted === BigInt(tick - 1) ? counted : BigInt(tick);
}

/** Cases in order of price, so that a batch's moves are short: the pool steps through every word of ticks on its way. */
function sample(count: number, seed: number): Case[] {
  const drawn = fc.sample(cases, { numRuns: count, seed });
  return drawn.sort((a, b) => (a.sqrtPriceX96 < b.sqrtPriceX96 ? -1 : 1));
}
