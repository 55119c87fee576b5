import { readFileSync } from "node:fs";
import { expect } from "chai";
import fc from "fast-check";
import { baseValue, valueAt } from "../../src/hedge/liquidity.ts";
import { deleveragePlans, mustDeleverage, perpLeverageBps } from "../../src/plan/deleverage.ts";
import type { Deleverage } from "../../src/plan/deleverage.ts";
import { evidenceHash, parseEvidence } from "../../src/plan/evidence.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import { BPS, max, min } from "../../src/plan/fixedPoint.ts";
import { RULES } from "../../src/plan/ruleset.ts";
import { pairOf, positionOf, vaultState } from "../../src/plan/state.ts";

/** Evidence as the keeper observed it on the local chain: of a vault whose positions are open, in Stress, and of a new one. */
const VECTORS = JSON.parse(readFileSync(new URL("../vectors/evidence.json", import.meta.url), "utf8")) as Record<
  "stress" | "fresh",
  unknown
>;
const STRESS = parseEvidence(VECTORS.stress);
const FRESH = parseEvidence(VECTORS.fresh);
const NEAR = 80_000n;
const TERMS = { nearLiquidationBps: NEAR, bufferBps: 1_000 };
const USDC = 10n ** 6n;

/** The vault with its short at a leverage, and other amounts of cash, fees and shares that wait to be redeemed. */
interface Shape {
  leverageBps: bigint;
  cash: bigint;
  pendingShares?: bigint;
  feesAsset?: bigint;
  idleBase?: bigint;
  liquidityBps?: bigint;
}

function vaultAt({ leverageBps, cash, pendingShares = 0n, feesAsset = 0n, idleBase = 0n, liquidityBps = BPS }: Shape) {
  const { price, short } = vaultState(STRESS);
  const notional = baseValue(short, price, pairOf(STRESS));
  const { openNotional, pendingFunding } = STRESS.perp;
  const collateral = (notional * BPS) / leverageBps + notional - BigInt(openNotional) + BigInt(pendingFunding);
  return {
    ...STRESS,
    vault: { ...STRESS.vault, cash: cash.toString(), pendingShares: pendingShares.toString() },
    liquidity: {
      ...STRESS.liquidity,
      feesAsset: feesAsset.toString(),
      idleBase: idleBase.toString(),
      liquidity: ((BigInt(STRESS.liquidity.liquidity) * liquidityBps) / BPS).toString(),
    },
    perp: { ...STRESS.perp, collateral: collateral.toString() },
  } satisfies Evidence;
}

const amount = (most: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: most });
const shapes = fc.record({
  leverageBps: fc.bigInt({ min: 5_000n, max: 400_000n }),
  cash: amount(4_000_000n * USDC),
  pendingShares: fc.oneof(fc.constant(0n), amount(BigInt(STRESS.vault.totalSupply))),
  feesAsset: amount(200_000n * USDC),
  idleBase: amount(100n * 10n ** 18n),
  liquidityBps: fc.oneof(fc.constant(0n), amount(BPS)),
});

function always(holds: (evidence: Evidence, ways: Deleverage[]) => void): void {
  fc.assert(
    fc.property(shapes, (shape) => {
      const evidence = vaultAt(shape);
      holds(evidence, deleveragePlans(evidence, TERMS));
    }),
    { numRuns: 100 },
  );
}

/** The account's worth; vaultState has nothing below zero. */
function equityOf({ perp }: Evidence, notional: bigint): bigint {
  return BigInt(perp.collateral) + BigInt(perp.openNotional) - BigInt(perp.pendingFunding) - notional;
}

/** Cash that a way draws, when what it closes hands back its value at the oracle's price. */
function drawn(evidence: Evidence, { plan }: Deleverage): bigint {
  const state = vaultState(evidence);
  const notional = baseValue(state.short, state.price, pairOf(evidence));
  const margin = BigInt(plan.perps[0]!.equity) - equityOf(evidence, notional);
  const [target] = plan.liquidity;
  if (target === undefined) return margin;
  return margin - (state.liquidityValue - (state.nav * BigInt(target.shareBps)) / BPS);
}

describe("A plan to deleverage", () => {
  describe("is called for", () => {
    const at = (leverageBps: bigint, regime: Evidence["regime"]["regime"]) =>
      mustDeleverage(
        { ...vaultAt({ leverageBps, cash: 0n }), regime: { ...STRESS.regime, regime } },
        { nearLiquidationBps: NEAR, bufferBps: 1_000 },
      );

    it("from the buffer below the contracts' limit on, in Stress and Unknown", () => {
      expect(at(71_900n, "Stress")).to.equal(false);
      expect(at(72_100n, "Stress")).to.equal(true);
      expect(at(72_100n, "Unknown")).to.equal(true);
    });

    it("never in Calm or Elevated, where members decide", () => {
      expect(at(200_000n, "Calm")).to.equal(false);
      expect(at(200_000n, "Elevated")).to.equal(false);
    });

    it("never without a short, and always with one whose account is worth nothing", () => {
      const stress = { ...STRESS.regime, regime: "Stress" as const };
      expect(mustDeleverage({ ...FRESH, regime: stress }, TERMS)).to.equal(false);
      expect(deleveragePlans(FRESH, TERMS)).to.deep.equal([]);
      const broke = { ...STRESS, perp: { ...STRESS.perp, collateral: "0", openNotional: "0" } };
      expect(mustDeleverage(broke, TERMS)).to.equal(true);
    });
  });

  describe("takes", () => {
    it("idle cash alone where that is enough, and the position keeps its size", () => {
      const evidence = vaultAt({ leverageBps: 75_000n, cash: 3_000_000n * USDC });
      const [best, ...others] = deleveragePlans(evidence, TERMS);
      expect(best!.plan.liquidity).to.deep.equal([]);
      expect(best!.plan.perps[0]!.size).to.equal(STRESS.perp.size);
      const { short, price } = vaultState(evidence);
      const notional = baseValue(short, price, pairOf(evidence));
      const target = (notional * BigInt(STRESS.policy.Stress.targets.marginBps)) / BPS;
      expect(BigInt(best!.plan.perps[0]!.equity)).to.equal(target);
      expect(best!.sentence).to.match(/^[\d,.]+ of idle cash become margin$/);
      // The venue may be nearer to its cap.
      const equities = others.map(({ plan }) => BigInt(plan.perps[0]!.equity));
      expect(equities.every((equity, index) => equity < (equities[index - 1] ?? target))).to.equal(true);
    });

    it("liquidity and short by the same share where it is not, with the margin they then need", () => {
      const evidence = vaultAt({ leverageBps: 75_000n, cash: 0n });
      const [best, half, quarter, ...others] = deleveragePlans(evidence, TERMS);
      expect(
        others.map(({ sentence }) => sentence.replace(/ by .+/, "")),
        "no cash, no margin from it",
      ).to.deep.equal(Array.from({ length: 3 }, () => "the short shrinks"));
      const state = vaultState(evidence);
      const [liquidity, perp] = [best!.plan.liquidity[0]!, best!.plan.perps[0]!];
      const keptShort = (-BigInt(perp.size) * BPS) / state.short;
      const keptLiquidity = (BigInt(liquidity.shareBps) * state.nav) / state.liquidityValue;
      expect(Number(keptShort - keptLiquidity), "in basis points").to.be.within(0, 2);
      const notional = baseValue(-BigInt(perp.size), state.price, pairOf(evidence));
      const marginBps = (BigInt(perp.equity) * BPS) / notional;
      expect(Number(marginBps), "of Stress's 12,000").to.be.within(11_700, 12_000);
      const sizes = [best!, half!, quarter!].map(({ plan }) => BigInt(plan.perps[0]!.size));
      expect(sizes[0]! > sizes[1]! && sizes[1]! > sizes[2]!, "parts of it after it").to.equal(true);
    });

    it("near liquidation the cash of Stress's band first, then leaves it", () => {
      const evidence = vaultAt({ leverageBps: 90_000n, cash: 500_000n * USDC });
      const ways = deleveragePlans(evidence, TERMS);
      const { cash, nav } = vaultState(evidence);
      const band = (nav * BigInt(STRESS.policy.Stress.bands.cashMinBps)) / BPS;
      const left = ways.map((way) => cash - max(drawn(evidence, way), 0n));
      expect(left[0]! < band, "the best uses it").to.equal(true);
      expect(
        left.some((amount) => amount >= band),
        "another does not",
      ).to.equal(true);
      const farther = deleveragePlans(vaultAt({ leverageBps: 75_000n, cash: 500_000n * USDC }), TERMS);
      expect(farther.length < ways.length).to.equal(true);
    });
  });

  describe("for every vault", () => {
    it("adds no risk: no position grows, turns or moves its range, and no account is more leveraged", () => {
      always((evidence, ways) => {
        const state = vaultState(evidence);
        const value = state.nav === 0n ? 0n : valueAt(state.price, positionOf(evidence), pairOf(evidence));
        const notional = baseValue(state.short, state.price, pairOf(evidence));
        for (const { plan } of ways) {
          const [perp, ...more] = plan.perps;
          expect(more).to.deep.equal([]);
          const short = -BigInt(perp!.size);
          expect(short >= 0n && short <= state.short).to.equal(true);
          const equity = equityOf(evidence, notional);
          if (equity > 0n) expect(short * equity <= state.short * BigInt(perp!.equity), "leverage").to.equal(true);
          for (const { shareBps, tickLower, tickUpper, fromLiquidity } of plan.liquidity) {
            expect((state.nav * BigInt(shareBps)) / BPS <= value, "liquidity").to.equal(true);
            const { liquidity } = evidence;
            expect([tickLower, tickUpper, fromLiquidity]).to.deep.equal([
              liquidity.tickLower,
              liquidity.tickUpper,
              liquidity.liquidity,
            ]);
          }
        }
      });
    });

    it("leaves the cash that redemptions wait for, and Stress's band unless liquidation is near", () => {
      always((evidence, ways) => {
        const state = vaultState(evidence);
        const isNear = perpLeverageBps(state, evidence)! >= NEAR;
        const band = isNear ? 0n : (state.nav * BigInt(evidence.policy.Stress.bands.cashMinBps)) / BPS;
        const kept = min(state.cash, state.pendingValue + band);
        for (const way of ways) {
          const left = state.cash - drawn(evidence, way);
          expect(left >= kept, `${left} of ${state.cash} left, ${kept} needed: ${way.sentence}`).to.equal(true);
        }
      });
    });

    it("asks for no more margin than Stress's target, and does something", () => {
      always((evidence, ways) => {
        const state = vaultState(evidence);
        const notional = baseValue(state.short, state.price, pairOf(evidence));
        const wanted = (notional * BigInt(evidence.policy.Stress.targets.marginBps)) / BPS;
        for (const { plan } of ways) {
          const [perp] = plan.perps;
          expect(BigInt(perp!.equity) <= max(wanted, state.perpEquity)).to.equal(true);
          const smaller = -BigInt(perp!.size) < state.short;
          expect(smaller || BigInt(perp!.equity) > equityOf(evidence, notional)).to.equal(true);
        }
      });
    });

    it("is pure: the same evidence gives the same plans, each under a nonce of its own", () => {
      always((evidence, ways) => {
        const before = JSON.stringify(evidence);
        expect(deleveragePlans(evidence, TERMS)).to.deep.equal(ways);
        expect(JSON.stringify(evidence)).to.equal(before);
        expect(new Set(ways.map(({ plan }) => plan.nonce)).size).to.equal(ways.length);
        for (const { plan } of ways) {
          expect(plan.evidence).to.equal(evidenceHash(evidence));
          expect(plan.validUntil).to.equal(evidence.block.timestamp + 1_800);
          expect(plan.toleranceBps).to.equal(RULES.toleranceBps);
        }
      });
    });
  });
});
