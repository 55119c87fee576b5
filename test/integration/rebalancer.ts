import { expect } from "chai";
import { Contract, ZeroAddress, ZeroHash, parseUnits } from "ethers";
import { replayPerpStep } from "../../deploy/devnet/perpArbitrage.ts";
import { movePool } from "../../deploy/devnet/poolTrader.ts";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import type { PolicyParameters } from "../../deploy/parameters.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { LiquidityTarget, PerpTarget, Plan } from "../../src/plan/plan.ts";
import { SAFE_INTERFACE } from "../../src/safe/abi.ts";
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
  sceneOf,
  usdc,
  vaultScene,
  viaSafe,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

/** IHedgePolicy.Measure and Regime, as reverts name them. */
const MEASURE = { netDeltaMax: 1, gross: 2, leverage: 3, liquidity: 4, cash: 6 } as const;
const REGIME = { Calm: 0, Stress: 2, Unknown: 3 } as const;
const HOUR = 3_600;

/** The usual policy, except that no plan may lose more than a basis point. */
const STRICT: PolicyParameters = { ...DEFAULT_POLICY };
for (const regime of ["Calm", "Elevated", "Stress"] as const) {
  STRICT[regime] = { ...DEFAULT_POLICY[regime], bands: { ...DEFAULT_POLICY[regime].bands, lossMaxBps: 1 } };
}

describe("Rebalancer", () => {
  let scene: VaultScene;
  let nextNonce = 1;

  before(async () => {
    scene = await vaultScene([
      { name: "hedged", policy: DEFAULT_POLICY, deposit: 5_000_000 },
      { name: "strict", policy: STRICT, deposit: 5_000_000 },
    ]);
  });
  afterEach(() => scene.reset());

  describe("executes", () => {
    it("a plan to its targets, and says what it was judged by", async () => {
      const plan = await planNow(scene);
      const before = await scene.contracts.lens.snapshot();
      const mined = await execute(scene, plan);
      const after = await scene.contracts.lens.snapshot();

      const [target, position] = [plan.liquidity[0]!, after.liquidity[0]!.position];
      expect([position.tickLower, position.tickUpper]).to.deep.equal([target.tickLower, target.tickUpper].map(BigInt));
      expectNear(after.liquidity[0]!.valueMid, (before.navMid * BigInt(target.shareBps)) / 10_000n, 10n);
      expect(after.perps[0]!.position.size, "the short is exact").to.equal(BigInt(plan.perps[0]!.size));
      expectNear(after.perps[0]!.valueMid, BigInt(plan.perps[0]!.equity), 10n);
      expect(after.cash >= BigInt(plan.cashReserve)).to.equal(true);
      expect(await scene.contracts.rebalancer.used(plan.nonce)).to.equal(true);

      const { rebalancer } = scene.contracts;
      const event = mined.logs
        .filter((log) => log.address.toLowerCase() === scene.deployment.rebalancer.toLowerCase())
        .map((log) => rebalancer.interface.parseLog(log))
        .find((log) => log?.name === "PlanExecuted");
      const { nonce, evidence, regime, navBefore, navAfter, afterwards } = event!.args;
      expect([nonce, evidence, regime]).to.deep.equal([BigInt(plan.nonce), plan.evidence, BigInt(REGIME.Calm)]);
      expect([navBefore, navAfter]).to.deep.equal([before.navMid, after.navMid]);
      // As shares of what there was before, so that the cost of trading enlarges nothing.
      const { liquidityBps, cashBps } = afterwards as { liquidityBps: bigint; cashBps: bigint };
      expect(liquidityBps).to.equal((after.liquidity[0]!.valueMid * 10_000n) / before.navMid);
      expect(cashBps).to.equal((after.cash * 10_000n) / before.navMid);
    });

    it("for the Safe alone, and for none of its owners or helpers", async () => {
      const data = encodePlan(await planNow(scene));
      for (const who of ["deployer", "keeper", "owner1", "owner2", "executor", "attacker"] as const) {
        const sent = scene.chain.send(who, { to: scene.deployment.rebalancer, data });
        await expectRevert(sent, "AccessManagedUnauthorized", scene.chain.address(who));
      }
    });

    it("a plan without targets that leaves a vault inside its bands", async () => {
      await execute(scene, await free({ liquidity: [], perps: [] }));
    });
  });

  describe("refuses", () => {
    it("a nonce used before", async () => {
      const plan = await planNow(scene);
      await execute(scene, plan);
      await refused(plan, "PlanAlreadyExecuted", plan.nonce);
      const other = await free({ nonce: plan.nonce, liquidity: [], perps: [] });
      await refused(other, "PlanAlreadyExecuted", plan.nonce);
    });

    it("a plan too late or too early", async () => {
      const now = await scene.chain.now();
      const late = await planNow(scene, { validUntil: now - 1 });
      await refused(late, "PlanExpired", now - 1);
      const early = await planNow(scene, { validAfter: now + HOUR });
      await refused(early, "PlanNotYetValid", now + HOUR);
      await execute(scene, await planNow(scene, { validAfter: now, validUntil: now }));
    });

    it("a plan without evidence", async () => {
      await refused(await planNow(scene, { evidence: ZeroHash }), "EvidenceMissing");
    });

    it("an adapter the vault does not know", async () => {
      const stranger = scene.world.vaults[1]!.deployment;
      const plan = await planNow(scene);
      const liquidity = [{ ...plan.liquidity[0]!, adapter: stranger.liquidityAdapter }];
      await refused({ ...plan, liquidity }, "UnknownAdapter", stranger.liquidityAdapter);
      const perps = [{ ...plan.perps[0]!, adapter: stranger.perpAdapter }];
      await refused({ ...plan, perps }, "UnknownAdapter", stranger.perpAdapter);
    });

    it("more targets than a vault can have adapters", async () => {
      const plan = await planNow(scene);
      const liquidity = Array.from({ length: 8 }, () => plan.liquidity[0]!);
      await refused({ ...plan, liquidity }, "TooManyTargets", 9);
    });

    it("a plan whose fingerprint is not where things are", async () => {
      await openPositions(scene);
      const mid = await midPrice(scene);
      const { adapter, fromLiquidity } = await liquidityTarget(5_500);
      const moved = { liquidity: [await liquidityTarget(5_500)], perps: [] as PerpTarget[] };
      // Just over six per cent of the larger one.
      await refused(
        await free({ ...moved, fromPrice: String((mid * 1_064n) / 1_000n) }),
        "MovedSincePlan",
        ZeroAddress,
      );
      await refused(await free({ ...moved, fromPrice: String((mid * 939n) / 1_000n) }), "MovedSincePlan", ZeroAddress);
      const stale = { ...moved.liquidity[0]!, fromLiquidity: String((BigInt(fromLiquidity) * 93n) / 100n) };
      await refused(await free({ ...moved, liquidity: [stale] }), "MovedSincePlan", adapter);
      const perp = await perpTarget(0n);
      for (const fromSize of [(BigInt(perp.fromSize) * 107n) / 100n, -BigInt(perp.fromSize), 0n]) {
        const perps = [{ ...perp, fromSize: String(fromSize) }];
        await refused(await free({ liquidity: [], perps }), "MovedSincePlan", perp.adapter);
      }
      await execute(scene, await free({ ...moved, fromPrice: String((mid * 1_063n) / 1_000n) }));
    });

    it("a plan that the market has left behind", async () => {
      const plan = await planNow(scene);
      await marketAt(scene, 2_812 * 0.93, HOUR);
      await refused(plan, "MovedSincePlan", ZeroAddress, 700, 600);
    });

    it("a plan that another one overtook", async () => {
      const [first, second] = [await planNow(scene), await planNow(scene, { nonce: "77" })];
      await execute(scene, first);
      await refused(second, "MovedSincePlan", scene.deployment.liquidityAdapter, 10_000, 600);
    });

    it("less cash left than the plan reserved", async () => {
      const plan = await planNow(scene, { cashReserve: String(usdc(3_000_000)) });
      expect((await refused(plan, "CashReserveMissed")).args[1]).to.equal(String(usdc(3_000_000)));
    });

    it("more at a venue than its cap", async () => {
      const { perpAdapter } = scene.deployment;
      const perps = [
        { adapter: perpAdapter, size: String(-(10n ** 18n)), equity: String(usdc(3_100_000)), fromSize: "0" },
      ];
      await refused(await free({ liquidity: [], perps }), "AdapterCapExceeded", perpAdapter);
    });

    it("a larger short at a retired venue, though its margin stays as it is", async () => {
      await openPositions(scene);
      const { vault, manager } = scene.contracts;
      const { perpAdapter } = scene.deployment;
      const retire = await vault.setAdapter.populateTransaction(perpAdapter, 0, 0);
      await viaSafe(scene, await manager.schedule.populateTransaction(retire.to, retire.data, 0));
      await closeNextSession(scene, 13, 15);
      await closeNextSession(scene, 13, 15);
      await scene.chain.warpTo((await scene.chain.now()) + HOUR);
      await newRounds(scene);
      await viaSafe(scene, await manager.execute.populateTransaction(retire.to, retire.data));

      const { valueMid, position } = (await scene.contracts.lens.snapshot()).perps[0]!;
      const to = (size: bigint) => [
        { adapter: perpAdapter, size: String(size), equity: String(valueMid), fromSize: String(position.size) },
      ];
      await refused(await free({ perps: to((position.size * 11n) / 10n) }), "AdapterCapExceeded", perpAdapter);
      await execute(scene, await free({ perps: to((position.size * 9n) / 10n) }));
    });

    it("growth at a retired venue, but not leaving it", async () => {
      await openPositions(scene);
      const { vault, manager } = scene.contracts;
      const retire = await vault.setAdapter.populateTransaction(scene.deployment.liquidityAdapter, 0, 0);
      await viaSafe(scene, await manager.schedule.populateTransaction(retire.to, retire.data, 0));
      await closeNextSession(scene, 13, 15);
      await closeNextSession(scene, 13, 15);
      await scene.chain.warpTo((await scene.chain.now()) + HOUR);
      await newRounds(scene);
      await viaSafe(scene, await manager.execute.populateTransaction(retire.to, retire.data));
      expect([...(await vault.capOf(scene.deployment.liquidityAdapter))]).to.deep.equal([0n, 0n]);

      const { liquidityAdapter } = scene.deployment;
      const more = await free({ liquidity: [await liquidityTarget(6_300)], perps: [] });
      await refused(more, "AdapterCapExceeded", liquidityAdapter);
      await execute(scene, await free({ liquidity: [await liquidityTarget(3_000)], perps: [] }));
      await execute(scene, await free({ liquidity: [await liquidityTarget(0)], perps: [await perpTarget(0n)] }));
      expect((await scene.contracts.lens.snapshot()).liquidity[0]!.position.liquidity).to.equal(0n);
    });
  });

  describe("judges the outcome", () => {
    it("by the bands: an unhedged, too large position names its measure", async () => {
      const liquidity = [{ ...(await planNow(scene)).liquidity[0]!, shareBps: 7_700 }];
      const plan = await free({ liquidity, perps: [] });
      await refused(plan, "OutsideBands", REGIME.Calm, MEASURE.liquidity);
    });

    it("by leverage at the venue", async () => {
      const plan = await planNow(scene);
      const target = plan.perps[0]!;
      // Equity for 5 ×, where the band ends at 4 ×; the venue itself would allow 10 ×.
      const notional = (-BigInt(target.size) * (await midPrice(scene))) / parseUnits("1", 30);
      const perps = [{ ...target, equity: String(notional / 5n) }];
      await refused({ ...plan, perps }, "OutsideBands", REGIME.Calm, MEASURE.leverage);
    });

    it("by the chain's regime when the plan claims a calmer one", async () => {
      const calm = await planNow(scene);
      await closeNextSession(scene, 28, 27);
      expect(await scene.contracts.regime.regime()).to.equal(BigInt(REGIME.Stress));
      const revert = await refused(calm, "OutsideBands", REGIME.Stress, MEASURE.netDeltaMax);
      expect(revert.args[3]).to.equal(String(DEFAULT_POLICY.Stress.bands.netDeltaMaxBps));
    });

    it("by the plan's regime when the chain's is calmer", async () => {
      const plan = await planNow(scene, { regime: "Stress" });
      await refused(plan, "OutsideBands", REGIME.Stress, MEASURE.netDeltaMax);
    });

    it("from outside the bands a step back is enough; standing still or a step out is not", async () => {
      await openPositions(scene);
      await closeNextSession(scene, 28, 27);
      const { liquidityBps } = await measures();
      expect(liquidityBps > 5_900n && BigInt(DEFAULT_POLICY.Stress.bands.liquidityMaxBps) < 5_900n).to.equal(true);

      const still = await free({ liquidity: [], perps: [] });
      await refused(still, "OutsideBands", REGIME.Stress, MEASURE.netDeltaMax);
      const out = await free({ liquidity: [await liquidityTarget(6_300)], perps: [] });
      await refused(out, "OutsideBands", REGIME.Stress);
      const tiny = await free({ liquidity: [await liquidityTarget(5_990)], perps: [] });
      await refused(tiny, "OutsideBands", REGIME.Stress);

      await execute(scene, await free({ liquidity: [await liquidityTarget(5_500)], perps: [] }));
      const after = await measures();
      expect(after.liquidityBps < liquidityBps && after.liquidityBps > 5_000n, "still outside").to.equal(true);
      await execute(scene, await planNow(scene));
      expect((await measures()).liquidityBps < 3_600n, "then all the way").to.equal(true);
    });

    it("in Unknown by risk alone: less passes, more does not", async () => {
      await openPositions(scene);
      await scene.chain.warpTo(Number(await scene.contracts.regime.staleAfter()) + 1);
      await newRounds(scene);
      expect(await scene.contracts.regime.regime()).to.equal(BigInt(REGIME.Unknown));

      const more = await free({ liquidity: [await liquidityTarget(6_300)], perps: [] });
      await refused(more, "RiskAddedWhileUnknown", MEASURE.gross);
      const { size } = (await scene.contracts.lens.snapshot()).perps[0]!.position;
      const larger = await free({ liquidity: [], perps: [await perpTarget((size * 11n) / 10n)] });
      await refused(larger, "RiskAddedWhileUnknown", MEASURE.gross);
      await execute(scene, await free({ liquidity: [await liquidityTarget(4_500)], perps: [] }));
      expect((await measures()).liquidityBps < 4_600n).to.equal(true);
    });

    it("a plan that calls itself derisking must reduce something, by a step", async () => {
      await refused(await free({ derisk: true }), "NothingReduced");
      await openPositions(scene);
      await refused(await free({ derisk: true }), "NothingReduced");
    });

    it("a plan that calls itself derisking may raise net delta only into the Stress band", async () => {
      await openPositions(scene);
      const { position, valueMid } = (await scene.contracts.lens.snapshot()).perps[0]!;
      // All margin stays, so that only net delta is worse.
      const unhedged = {
        liquidity: [],
        perps: [{ ...(await perpTarget(position.size / 5n)), equity: String(valueMid) }],
      };
      await refused(await free({ ...unhedged, derisk: true }), "NotDerisking", MEASURE.netDeltaMax);
      // Calm's own bands would let it pass as an ordinary plan, with its longer window.
      await execute(scene, await free(unhedged));
    });

    it("a plan that calls itself derisking may take some of the hedge off, where Stress has room", async () => {
      await openPositions(scene);
      const { netDeltaMaxBps } = await measures();
      await execute(scene, await free({ derisk: true, liquidity: [await liquidityTarget(4_000)], perps: [] }));
      const mid = await measures();
      expect(mid.netDeltaMaxBps < netDeltaMaxBps).to.equal(true);
      const { position, valueMid } = (await scene.contracts.lens.snapshot()).perps[0]!;
      const less = { ...(await perpTarget((position.size * 9n) / 10n)), equity: String(valueMid) };
      await execute(scene, await free({ derisk: true, liquidity: [], perps: [less] }));
      const { netDeltaMaxBps: after } = await measures();
      const { netDeltaMaxBps: band } = DEFAULT_POLICY.Stress.bands;
      expect(after > mid.netDeltaMaxBps && after <= BigInt(band)).to.equal(true);
    });

    it("a plan that calls itself derisking may not add risk", async () => {
      const first = await planNow(scene, { derisk: true });
      await refused(first, "NotDerisking", MEASURE.gross);
      await openPositions(scene);
      await execute(scene, await free({ derisk: true, liquidity: [await liquidityTarget(4_000)], perps: [] }));
    });
  });

  describe("keeps its price", () => {
    it("does not mint or swap at a pool pushed five per cent away, either way; leaving stays open", async () => {
      const plan = await planNow(scene);
      const mid = await midPrice(scene);
      for (const percent of [105n, 95n]) {
        await movePool(scene.chain, scene.market.trader, (mid * percent) / 100n);
        await refused(plan, "PoolPriceOutsideGate");
      }
      await movePool(scene.chain, scene.market.trader, mid);
      await execute(scene, plan);
      await movePool(scene.chain, scene.market.trader, (mid * 105n) / 100n);
      const before = await scene.contracts.lens.snapshot();
      await execute(scene, await free({ derisk: true, liquidity: [await liquidityTarget(0)], perps: [] }));
      const after = await scene.contracts.lens.snapshot();
      expect(after.liquidity[0]!.position.liquidity).to.equal(0n);
      expect(after.navMid >= before.navMid, "the one who moved the pool paid for it").to.equal(true);
    });

    it("does not open a short at a mark five per cent away; closing stays open", async () => {
      const plan = await planNow(scene);
      for (const premium of [0.05, -0.05]) {
        await scene.chain.warpTo((await scene.chain.now()) + 60);
        await replayPerpStep(scene.chain, scene.market.perps, premium);
        await refused({ ...plan, liquidity: [] }, "MarkOutsideGate");
      }
      await scene.chain.warpTo((await scene.chain.now()) + 60);
      await replayPerpStep(scene.chain, scene.market.perps, 0);
      await execute(scene, plan);
      await scene.chain.warpTo((await scene.chain.now()) + 60);
      await replayPerpStep(scene.chain, scene.market.perps, 0.03);
      const close = await free({ liquidity: [await liquidityTarget(0)], perps: [await perpTarget(0n)] });
      await execute(scene, close);
      expect((await scene.contracts.lens.snapshot()).perps[0]!.position.size).to.equal(0n);
    });

    it("does not accept a plan that loses more than its regime allows", async () => {
      const strict = sceneOf(scene, 1);
      const plan = await planNow(strict);
      const before = await books(strict);
      const revert = await expectRevert(execute(strict, plan), "ExecutionLoss");
      expect(Number(revert.args[0]) > 1 && revert.args[1] === "1", revert.text).to.equal(true);
      expect(await books(strict)).to.deep.equal(before);
    });

    it("lets an attacker inside the gate take no more than the bucket's open part; derisk plans have the rest", async () => {
      const { rebalancer, lens } = scene.contracts;
      const mid = await midPrice(scene);
      const { navMid: start } = await lens.snapshot();
      const range = (await planNow(scene)).liquidity[0]!;
      const { plans } = await rebalancer.budgets();
      const capacity = (plans.capacityBps - plans.reserveBps) * 10n ** 18n;
      let [rounds, spent] = [0, 0n];
      for (; rounds < 40; rounds++) {
        // Dear when the vault buys, cheap when it sells: as far as the gate lets it.
        const buys = rounds % 2 === 0;
        await sameSecond(scene);
        await movePool(scene.chain, scene.market.trader, (mid * (buys ? 1_004n : 993n)) / 1_000n);
        const target = { ...(await liquidityTarget(buys ? 7_000 : 0)) };
        const ticks = { tickLower: range.tickLower, tickUpper: range.tickUpper };
        const plan = await free({ liquidity: [{ ...target, ...ticks }], perps: [] });
        const before = await books(scene);
        const executed = execute(scene, plan);
        const full = await executed.then(
          () => false,
          () => true,
        );
        const { level } = await rebalancer.lossBudget();
        expect(level <= capacity).to.equal(true);
        if (full) {
          await expectRevert(executed, "LossBudgetExceeded");
          expect(await books(scene)).to.deep.equal(before);
          break;
        }
        expect(level >= spent).to.equal(true);
        spent = level;
      }
      expect(rounds > 4 && rounds < 40, `${rounds} plans before the bucket was full`).to.equal(true);
      const { navMid: end } = await lens.snapshot();
      expect((start - end) * 10_000n <= start * 207n, "two per cent, and the rounding of a few plans").to.equal(true);

      // Entered at a fair price, what the way out loses at the bad one no longer fits: only the reserve lets it run.
      await sameSecond(scene);
      await movePool(scene.chain, scene.market.trader, mid);
      const { tickLower, tickUpper } = range;
      await execute(
        scene,
        await free({ liquidity: [{ ...(await liquidityTarget(7_000)), tickLower, tickUpper }], perps: [] }),
      );
      await sameSecond(scene);
      await movePool(scene.chain, scene.market.trader, (mid * 993n) / 1_000n);
      const out = { liquidity: [await liquidityTarget(0)], perps: [] };
      await refused(await free(out), "LossBudgetExceeded");
      await execute(scene, await free({ ...out, derisk: true }));
      ({ level: spent } = await rebalancer.lossBudget());
      expect(spent > capacity && spent <= plans.capacityBps * 10n ** 18n).to.equal(true);

      await scene.chain.warpTo((await scene.chain.now()) + 86_400);
      const { level: later } = await rebalancer.lossBudget();
      expectNear(spent - later, 25n * 10n ** 18n, 1n);
    });
  });

  /** A plan of one's own making, for the state now: fingerprint right, no reserve, next free nonce. */
  async function free(changes: Partial<Plan>): Promise<Plan> {
    const now = await scene.chain.now();
    return {
      nonce: String(nextNonce++),
      validAfter: 0,
      validUntil: now + HOUR,
      regime: "Calm",
      derisk: false,
      fromPrice: String(await midPrice(scene)),
      toleranceBps: 600,
      cashReserve: "0",
      evidence: `0x${"11".repeat(32)}`,
      liquidity: [],
      perps: [],
      ...changes,
    };
  }

  /** The position now, moved to a share of net asset value in its present range. */
  async function liquidityTarget(shareBps: number): Promise<LiquidityTarget> {
    const { adapter, position } = (await scene.contracts.lens.snapshot()).liquidity[0]!;
    return {
      adapter,
      tickLower: Number(position.tickLower),
      tickUpper: Number(position.tickUpper),
      shareBps,
      fromLiquidity: String(position.liquidity),
    };
  }

  /** The short now, moved to a size; 60 % margin. */
  async function perpTarget(size: bigint): Promise<PerpTarget> {
    const { adapter, position } = (await scene.contracts.lens.snapshot()).perps[0]!;
    const notional = (-size * (await midPrice(scene))) / parseUnits("1", 30);
    return { adapter, size: String(size), equity: String((notional * 6n) / 10n), fromSize: String(position.size) };
  }

  async function measures() {
    return (await scene.contracts.lens.snapshot()).measures;
  }

  /** The Safe's execution reverts with this error and leaves no trace: books, bucket, plan nonce, the Safe's own nonce. */
  async function refused(plan: Plan, name: string, ...args: (string | number | bigint)[]) {
    const { rebalancer } = scene.contracts;
    const safe = new Contract(scene.safe, SAFE_INTERFACE, scene.chain.provider);
    const trace = async () => ({
      books: await books(scene),
      used: await rebalancer.used(plan.nonce),
      bucket: [...(await rebalancer.lossBudget())],
      safeNonce: (await safe.getFunction("nonce")()) as bigint,
    });
    const before = await trace();
    const revert = await expectRevert(execute(scene, plan), name, ...args);
    expect(await trace()).to.deep.equal(before);
    return revert;
  }
});

/** Within so many basis points. */
function expectNear(actual: bigint, expected: bigint, bps: bigint): void {
  const distance = actual > expected ? actual - expected : expected - actual;
  expect(distance * 10_000n <= expected * bps, `${actual} is not within ${bps} bps of ${expected}`).to.equal(true);
}
