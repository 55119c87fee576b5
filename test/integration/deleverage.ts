import { expect } from "chai";
import { ZeroHash, parseUnits } from "ethers";
import type { AccountName, Mined } from "../../deploy/devnet/chain.ts";
import { replayPerpStep } from "../../deploy/devnet/perpArbitrage.ts";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import type { LiquidityTarget, PerpTarget, Plan } from "../../src/plan/plan.ts";
import { REGIME_NAMES } from "../../src/regime/ruleMachine.ts";
import {
  books,
  closeNextSession,
  execute,
  expectRevert,
  marketAt,
  midPrice,
  newRounds,
  openPositions,
  planNow,
  sameSecond,
  usdc,
  vaultScene,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

/** IHedgePolicy.Measure and Regime, as reverts name them. */
const MEASURE = { netDeltaMin: 0, netDeltaMax: 1, cash: 6 } as const;
const REGIME = { Calm: 0, Elevated: 1, Stress: 2, Unknown: 3 } as const;
const HOUR = 3_600;
const OPEN = 2_812;
/** A round of the base feed counts for six hours. */
const DEAD_AFTER = 7 * HOUR;

describe("Deleveraging by the keeper", () => {
  let scene: VaultScene;
  let nextNonce = 1;

  before(async () => {
    scene = await vaultScene([{ name: "hedged", policy: DEFAULT_POLICY, deposit: 5_000_000 }]);
    await openPositions(scene);
    await scene.keep();
  });
  afterEach(() => scene.reset());

  describe("when", () => {
    it("not in Calm, not in Elevated", async () => {
      const plan = await free({ liquidity: [await liquidity(3_000)] });
      await refused(plan, "DeleverageNotAllowed", REGIME.Calm);
      await closeNextSession(scene, 18, 20);
      await refused(await free({ liquidity: [await liquidity(3_000)] }), "DeleverageNotAllowed", REGIME.Elevated);
    });

    it("in Stress and in Unknown, whatever regime the plan claims", async () => {
      await closeNextSession(scene, 28, 27);
      await deleverage(await free({ regime: "Calm", liquidity: [await liquidity(4_000)] }));
      expect((await measures()).liquidityBps < 4_100n).to.equal(true);

      await scene.chain.warpTo(Number(await scene.contracts.regime.staleAfter()) + 1);
      await newRounds(scene);
      expect(await scene.contracts.regime.regime()).to.equal(BigInt(REGIME.Unknown));
      await deleverage(await free({ liquidity: [await liquidity(3_000)] }));
      expect((await measures()).liquidityBps < 3_100n).to.equal(true);
    });

    it("in Calm near liquidation by mark and by index, and not by the mark alone", async () => {
      await atHighLeverage();
      await marketAt(scene, OPEN * 1.06, HOUR);
      await refused(await free({ perps: [await marginOnly(200_000)] }), "DeleverageNotAllowed", REGIME.Calm);

      // Someone holds the mark where it looks near liquidation; the index does not say so.
      await scene.chain.warpTo((await scene.chain.now()) + 60);
      await replayPerpStep(scene.chain, scene.market.perps, 0.07);
      await scene.chain.warpTo((await scene.chain.now()) + 2_400);
      await newRounds(scene);
      const [byMark, byIndex] = await leverages();
      const pushed = `mark ${byMark.toFixed(1)}, index ${byIndex.toFixed(1)}`;
      expect(byMark > 8 && byIndex < 8, pushed).to.equal(true);
      await refused(await free({ perps: [await marginOnly(200_000)] }), "DeleverageNotAllowed", REGIME.Calm);

      await scene.chain.warpTo((await scene.chain.now()) + 60);
      await replayPerpStep(scene.chain, scene.market.perps, 0);
      await marketAt(scene, OPEN * 1.125, HOUR);
      await scene.chain.warpTo((await scene.chain.now()) + 2_400);
      await newRounds(scene);
      const [mark, index] = await leverages();
      expect(mark > 8 && index > 8, `mark ${mark.toFixed(1)}, index ${index.toFixed(1)}`).to.equal(true);
      expect(await scene.contracts.regime.regime()).to.equal(BigInt(REGIME.Calm));
      await deleverage(await free({ perps: [await marginOnly(200_000)] }));
      expect((await leverages())[1] < 5, "margin came from idle cash").to.equal(true);
    });
  });

  describe("refuses", () => {
    beforeEach(() => closeNextSession(scene, 28, 27));

    it("everyone but the keeper, the Safe's owners too", async () => {
      const plan = await free({ liquidity: [await liquidity(3_000)] });
      for (const who of ["deployer", "owner1", "executor", "attacker"] as const) {
        await expectRevert(deleverage(plan, who), "AccessManagedUnauthorized", scene.chain.address(who));
      }
    });

    it("everyone but the Rebalancer at the adapters, the keeper too", async () => {
      const { liquidity: pool, perp: market } = scene.contracts;
      for (const who of ["keeper", "owner1", "attacker"] as const) {
        const calls = [
          await pool.burnLiquidity.populateTransaction(),
          await market.reducePosition.populateTransaction(0, 0),
        ];
        for (const call of calls) {
          await expectRevert(scene.chain.send(who, call), "AccessManagedUnauthorized", scene.chain.address(who));
        }
      }
    });

    it("a nonce used before; but the Safe's nonces are not the keeper's to use up", async () => {
      const announced = await planNow(scene);
      const plan = await free({ nonce: announced.nonce, liquidity: [await liquidity(5_950)], toleranceBps: 10_000 });
      await deleverage(plan);
      expect(await scene.contracts.rebalancer.used(plan.nonce)).to.equal(false);
      await refused(plan, "PlanAlreadyExecuted", plan.nonce);
      await execute(scene, announced);
    });

    it("a plan too late, too early, without evidence, or of another state", async () => {
      const now = await scene.chain.now();
      const targets = { liquidity: [await liquidity(3_000)] };
      await refused(await free({ ...targets, validUntil: now - 1 }), "PlanExpired", now - 1);
      await refused(await free({ ...targets, validAfter: now + HOUR }), "PlanNotYetValid", now + HOUR);
      await refused(await free({ ...targets, evidence: ZeroHash }), "EvidenceMissing");
      const moved = [{ ...(await liquidity(3_000)), fromLiquidity: "1" }];
      await refused(await free({ liquidity: moved }), "MovedSincePlan", scene.deployment.liquidityAdapter);
      await refused(await free({ ...targets, cashReserve: String(usdc(4_000_000)) }), "CashReserveMissed");
    });

    it("any position that grows, a range that moves, a short that turns", async () => {
      const { liquidityAdapter, perpAdapter } = scene.deployment;
      const size = await shortSize();
      const cases: [Partial<Plan>, string][] = [
        [{ liquidity: [await liquidity(6_200)] }, liquidityAdapter],
        [{ liquidity: [{ ...(await liquidity(3_000)), tickLower: -1_000_000 }] }, liquidityAdapter],
        [{ perps: [await perp((size * 101n) / 100n)] }, perpAdapter],
        [{ perps: [await perp(1n)] }, perpAdapter],
      ];
      for (const [changes, adapter] of cases) await refused(await free(changes), "NotReducing", adapter);
      // Growing the one while the other shrinks by more does not help.
      const both = { liquidity: [await liquidity(2_000)], perps: [await perp((size * 101n) / 100n)] };
      await refused(await free(both), "NotReducing", perpAdapter);
    });

    it("margin taken out of a venue that is more leveraged for it", async () => {
      const size = (await shortSize()) / 2n;
      const target = await perp(size);
      const perps = [{ ...target, equity: String(BigInt(target.equity) / 4n) }];
      const plan = await free({ liquidity: [await liquidity(2_000)], perps });
      await refused(plan, "NotReducing", scene.deployment.perpAdapter);
    });

    it("a plan that reduces nothing, or less than the step", async () => {
      await refused(await free({}), "NothingReduced");
      const size = await shortSize();
      await refused(await free({ perps: [await keepingMargin((size * 9_999n) / 10_000n)] }), "NothingReduced");
    });

    it("a hedge taken off alone, beyond the Stress band; with its liquidity it may go", async () => {
      const alone = await free({ perps: [await perp(0n)] });
      await refused(alone, "NotDerisking", MEASURE.netDeltaMax);
      await deleverage(await free({ liquidity: [await liquidity(0)], perps: [await perp(0n)] }));
      const { netDeltaMaxBps, grossBps } = await measures();
      expect([netDeltaMaxBps, grossBps]).to.deep.equal([0n, 0n]);
    });

    it("a net delta that rises, unless it ends inside the Stress band", async () => {
      await deleverage(await free({ liquidity: [await liquidity(3_700)] }));
      const { netDeltaMaxBps: before } = await measures();
      const size = await shortSize();
      await deleverage(await free({ perps: [await perp((size * 8n) / 10n)] }));
      const { netDeltaMaxBps: after } = await measures();
      expect(after > before && after <= BigInt(DEFAULT_POLICY.Stress.bands.netDeltaMaxBps)).to.equal(true);
    });

    it("margin that takes idle cash below its Stress band, away from liquidation", async () => {
      const { cash } = await scene.contracts.lens.snapshot();
      const most = Number(cash / 1_000_000n);
      await refused(await free({ perps: [await marginOnly(most - 1_000)] }), "NotDerisking", MEASURE.cash);
      await deleverage(await free({ perps: [await marginOnly(10_000)] }));
    });
  });

  describe("with dead feeds", () => {
    beforeEach(async () => {
      await closeNextSession(scene, 28, 27);
      await scene.chain.warpTo((await scene.chain.now()) + DEAD_AFTER);
      await expectRevert(scene.contracts.prices.read(), "StaleFeed");
    });

    it("a short shrinks though net delta rises, and liquidity is burned; nothing is sold", async () => {
      const size = await shortSize();
      await deleverage(await free({ perps: [await blind(size / 2n)] }));
      expectNear(await shortSize(), size / 2n, 1n);

      const { cash } = await scene.contracts.lens.snapshot();
      await deleverage(await free({ liquidity: [await liquidity(0)], perps: [await blind(0n)] }));
      const after = await scene.contracts.lens.snapshot();
      expect(after.liquidity[0]!.position.liquidity).to.equal(0n);
      expect(after.liquidity[0]!.position.idleBase > 0n, "base is kept").to.equal(true);
      expect(await shortSize()).to.equal(0n);
      expect(after.cash > cash, "the asset part came back").to.equal(true);

      // The feeds are back: what was kept is sold, within the gate.
      await newRounds(scene, OPEN);
      await deleverage(await free({ liquidity: [await liquidity(0)] }));
      expect((await scene.contracts.lens.snapshot()).liquidity[0]!.position.idleBase).to.equal(0n);
    });

    it("collateral stays at the venue", async () => {
      const { cash } = await scene.contracts.lens.snapshot();
      await deleverage(await free({ perps: [await blind(0n)] }));
      expect((await scene.contracts.lens.snapshot()).cash).to.equal(cash);
    });

    it("no partial burn, no margin away from liquidation, no growth, and not nothing", async () => {
      const size = await shortSize();
      const { liquidityAdapter, perpAdapter } = scene.deployment;
      await refused(await free({ liquidity: [await liquidity(3_000)] }), "PriceNeeded", liquidityAdapter);
      const margin = { ...(await blind(size / 2n)), equity: "1" };
      await refused(await free({ perps: [margin] }), "PriceNeeded", perpAdapter);
      await refused(await free({ perps: [await blind(size * 2n)] }), "NotReducing", perpAdapter);
      await refused(await free({ perps: [await blind(size)] }), "NothingReduced");
      await refused(await free({}), "NothingReduced");
    });

    it("margin near liquidation, by the venue's own books", async () => {
      await scene.reset();
      await atHighLeverage();
      await marketAt(scene, OPEN * 1.06, HOUR);
      await marketAt(scene, OPEN * 1.125, HOUR);
      await scene.chain.warpTo((await scene.chain.now()) + DEAD_AFTER);
      await expectRevert(scene.contracts.prices.read(), "StaleFeed");
      expect(await scene.contracts.regime.regime()).to.equal(BigInt(REGIME.Calm));
      const before = (await leverages())[1];
      await deleverage(await free({ perps: [{ ...(await blind(await shortSize())), equity: String(usdc(200_000)) }] }));
      expect((await leverages())[1] < before / 2).to.equal(true);
    });

    it("a thief who pushes the mark and closes the short there is held to Stress's loss limit", async () => {
      await replayPerpStep(scene.chain, scene.market.perps, 0.08);
      await refused(await free({ perps: [await blind(0n)] }), "ExecutionLoss");
    });

    it("a thief who names the short's venue often, to make the loss look smaller, is refused", async () => {
      const size = await shortSize();
      const target = await blind(size / 2n);
      await refused(await free({ perps: [target, target] }), "RepeatedTarget", scene.deployment.perpAdapter);
      const often = Array.from({ length: 8 }, () => target);
      await replayPerpStep(scene.chain, scene.market.perps, 0.08);
      const closing = { ...target, size: "0" };
      await refused(await free({ perps: [closing] }), "ExecutionLoss");
      await refused(await free({ perps: often.map(() => closing) }), "RepeatedTarget", scene.deployment.perpAdapter);
    });

    it("not outside Stress, Unknown and liquidation", async () => {
      await scene.reset();
      await scene.chain.warpTo((await scene.chain.now()) + DEAD_AFTER);
      await refused(await free({ liquidity: [await liquidity(0)] }), "DeleverageNotAllowed", REGIME.Calm);
    });
  });

  /** A plan of one's own making, for the state now: fingerprint right, no reserve, next free nonce. */
  async function free(changes: Partial<Plan>): Promise<Plan> {
    const now = await scene.chain.now();
    const price = await midPrice(scene).catch(() => 0n);
    return {
      nonce: String(nextNonce++),
      validAfter: 0,
      validUntil: now + HOUR,
      regime: "Stress",
      derisk: false,
      fromPrice: String(price),
      toleranceBps: 600,
      cashReserve: "0",
      evidence: `0x${"11".repeat(32)}`,
      liquidity: [],
      perps: [],
      ...changes,
    };
  }

  async function deleverage(plan: Plan, who: AccountName = "keeper"): Promise<Mined> {
    await sameSecond(scene);
    const struct = { ...plan, regime: REGIME_NAMES.indexOf(plan.regime) };
    return scene.chain.send(who, await scene.contracts.rebalancer.deleverage.populateTransaction(struct));
  }

  /** Reverts with this error and leaves no trace. */
  async function refused(plan: Plan, name: string, ...args: (string | number | bigint)[]): Promise<void> {
    const { rebalancer } = scene.contracts;
    const trace = async () => [await books(scene), [...(await rebalancer.deleverageBudget())]];
    const before = await trace();
    await expectRevert(deleverage(plan), name, ...args);
    expect(await trace()).to.deep.equal(before);
  }

  /** The position now, moved to a share of net asset value in its present range. */
  async function liquidity(shareBps: number): Promise<LiquidityTarget> {
    const { adapter, position } = (await scene.contracts.lens.snapshot()).liquidity[0]!;
    return {
      adapter,
      tickLower: Number(position.tickLower),
      tickUpper: Number(position.tickUpper),
      shareBps,
      fromLiquidity: String(position.liquidity),
    };
  }

  async function perpAccount() {
    return (await scene.contracts.lens.snapshot()).perps[0]!;
  }

  async function shortSize(): Promise<bigint> {
    return (await perpAccount()).position.size;
  }

  /** The short now, moved to a size, with as much of its margin. */
  async function perp(size: bigint): Promise<PerpTarget> {
    const { adapter, position, valueMid } = await perpAccount();
    const equity = (valueMid * (size < 0n ? -size : 0n)) / -position.size;
    // A little less leverage than before, so that the trade's own cost does not raise it.
    return { adapter, size: String(size), equity: String((equity * 102n) / 100n), fromSize: String(position.size) };
  }

  async function keepingMargin(size: bigint): Promise<PerpTarget> {
    const { adapter, position, valueMid } = await perpAccount();
    return { adapter, size: String(size), equity: String(valueMid), fromSize: String(position.size) };
  }

  /** The short as it is, with so much more margin, in whole asset units. */
  async function marginOnly(more: number): Promise<PerpTarget> {
    const target = await keepingMargin(await shortSize());
    return { ...target, equity: String(BigInt(target.equity) + usdc(more)) };
  }

  /** A target for when nothing has a price: no margin. */
  async function blind(size: bigint): Promise<PerpTarget> {
    const { adapter, position } = await perpAccount();
    return { adapter, size: String(size), equity: "0", fromSize: String(position.size) };
  }

  async function measures() {
    return (await scene.contracts.lens.snapshot()).measures;
  }

  /** A short at 3.9 ×, just inside Calm's band, where the default is 0.83 ×. */
  async function atHighLeverage(): Promise<void> {
    const { adapter, position } = await perpAccount();
    const notional = (-position.size * (await midPrice(scene))) / parseUnits("1", 30);
    const target = {
      adapter,
      size: String(position.size),
      equity: String((notional * 10n) / 39n),
      fromSize: String(position.size),
    };
    await execute(scene, await free({ regime: "Calm", perps: [target] }));
  }

  /** Leverage by mark and by index. */
  async function leverages(): Promise<[number, number]> {
    const { perp: adapter } = scene.contracts;
    const { position } = await perpAccount();
    const at = async (price: bigint): Promise<number> => {
      const notional = (-position.size * price) / parseUnits("1", 30);
      return Number(notional) / Number(await adapter.valueAt(price));
    };
    return [await at(position.markPrice), await at(position.indexPrice)];
  }
});

/** Within so many basis points. */
function expectNear(actual: bigint, expected: bigint, bps: bigint): void {
  const distance = actual > expected ? actual - expected : expected - actual;
  const of = expected < 0n ? -expected : expected;
  expect(distance * 10_000n <= of * bps, `${actual} is not within ${bps} bps of ${expected}`).to.equal(true);
}
