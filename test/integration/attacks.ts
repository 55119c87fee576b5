import { expect } from "chai";
import { parseUnits } from "ethers";
import { replayPerpStep } from "../../deploy/devnet/perpArbitrage.ts";
import { movePool } from "../../deploy/devnet/poolTrader.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { UniswapV3Adapter__factory } from "../../typechain-types/index.js";
import { SafeReverted } from "../../src/safe/errors.ts";
import type { Packet } from "../../src/safe/packet.ts";
import {
  depositFrom,
  executePlan,
  executeSigned,
  keeperTick,
  later,
  newRounds,
  OPEN,
  requestAll,
  undone,
  vaultScene,
} from "../helpers/attackScene.ts";
import type { VaultScene } from "../helpers/attackScene.ts";

describe("A vault under attack or stress, on the real venues", () => {
  let scene: VaultScene;
  /** The keeper's first plan, executed: 60 % in liquidity, a short against it. */
  let opening: Plan;

  before(async () => {
    scene = await vaultScene();
    const { packet } = await keeperTick(scene);
    await executeSigned(scene, packet!);
    opening = packet!.plan as Plan;
  });

  /** A plan that does nothing but bring the short to `parts` tenths of what it is. */
  function shortTo(parts: bigint, rest: Partial<Plan>): Plan {
    const [perp] = opening.perps;
    const size = (BigInt(perp!.size) * parts) / 10n;
    return {
      ...opening,
      nonce: "1",
      cashReserve: "0",
      liquidity: [],
      perps: [{ ...perp!, size: size.toString(), fromSize: perp!.size }],
      ...rest,
    };
  }

  describe("reducing risk costs a fee, and the fee must not forbid it", () => {
    it("lets a plan flagged derisk buy back some of the short and leave the liquidity alone", async () => {
      await undone(scene, async () => {
        // First the liquidity, so that net delta has room: what is left of the hedge must still be one.
        const adapter = UniswapV3Adapter__factory.connect(
          scene.local.deployment.liquidityAdapter,
          scene.market.world.chain.provider,
        );
        const { liquidity } = await adapter.position();
        const smaller = [{ ...opening.liquidity[0]!, shareBps: 4_000, fromLiquidity: liquidity.toString() }];
        await executePlan(scene, { ...shortTo(10n, { derisk: true, nonce: "2" }), liquidity: smaller, perps: [] });
        const { logs } = (await executePlan(scene, shortTo(9n, { derisk: true }))).receipt;
        const executed = logs.map((log) => scene.rebalancer.interface.parseLog(log)).find((log) => log !== null);

        expect(executed?.args.navAfter < executed?.args.navBefore, "the trade cost something").to.equal(true);
        expect(executed?.args.afterwards.grossBps < executed?.args.before.grossBps).to.equal(true);
        expect(executed?.args.afterwards.liquidityBps).to.equal(executed?.args.before.liquidityBps);
      });
    });
  });

  describe("an executor sandwiches the plan's own trades", () => {
    it("takes less than the gate of what is bought, and loses its own fees beyond it", async () => {
      const fresh = await vaultScene();
      const { packet } = await keeperTick(fresh);
      const results = [];
      for (const pushBps of [0n, 20n, 40n, 60n, 80n, 99n, 101n]) {
        results.push({ pushBps, ...(await undone(fresh, async () => sandwich(fresh, packet!, pushBps))) });
      }
      const honest = results[0]!;
      for (const { pushBps, executed, profit, loss } of results.slice(1)) {
        // The gate is one per cent, and about 30 % of five million is bought.
        if (executed) expect(loss - honest.loss < usdc(15_000), `pushed ${pushBps}: lost ${loss}`).to.equal(true);
        else expect(profit < 0n, `pushed ${pushBps}: profit ${profit}`).to.equal(true);
      }
      expect(results.at(-1)!.executed, "beyond the gate nothing runs").to.equal(false);
      // The gate is what stops it: before its edge, pushing pays.
      expect(results[2]!.profit > honest.profit).to.equal(true);
    });
  });

  describe("a depositor knows the next round", () => {
    for (const jump of [0.005, 0.01, 0.02]) {
      it(`and still loses by entering before a rise of ${jump * 100} % and leaving after it`, async () => {
        await undone(scene, async () => {
          const { chain } = scene.market.world;
          await depositFrom(scene, "attacker", 1_000_000);
          await newRounds(scene, OPEN * (1 + jump));
          await requestAll(scene, "attacker");
          await newRounds(scene, OPEN * (1 + jump));
          await chain.send("attacker", await scene.vault.settle.populateTransaction(1n));

          expect(await scene.vault.balanceOf(chain.address("attacker"))).to.equal(0n);
          expect((await scene.vault.maxWithdraw(chain.address("attacker"))) < usdc(1_000_000)).to.equal(true);
        });
      });
    }
  });

  describe("someone pushes Curie's mark by nine per cent", () => {
    for (const premium of [0.09, -0.09]) {
      it(`${premium > 0 ? "up" : "down"}: NAV does not move in that block, and later only against whoever trades`, async () => {
        await undone(scene, async () => {
          const { chain } = scene.market.world;
          const before = await navOf(scene);
          await replayPerpStep(chain, { ...scene.market.perps, last: null }, premium);
          const pushed = await navOf(scene);
          await chain.warpTo((await chain.now()) + 900);
          const held = await navOf(scene);

          // The pusher's funding accrues meanwhile: a few basis points, the same on both sides.
          const slack = before.low / 1_000n;
          expect(pushed.low >= before.low - slack / 10n && pushed.high <= before.high + slack / 10n).to.equal(true);
          expect(held.low <= before.low + slack && held.high >= before.high - slack).to.equal(true);
          expect(held.high - held.low > before.high - before.low, "the spread says so").to.equal(true);
        });
      });
    }
  });

  describe("everyone leaves", () => {
    it("unwinds all and pays the last share, by nothing but ticks and settlements", async () => {
      await undone(scene, async () => {
        const { chain } = scene.market.world;
        const { low } = await navOf(scene);
        await requestAll(scene, "depositor");
        await later(scene, 86_400, OPEN);
        const { code, sentence, packet } = await keeperTick(scene);
        expect(code, sentence).to.equal("PROPOSED");
        await executeSigned(scene, packet!);
        await newRounds(scene, OPEN);
        await chain.send("attacker", await scene.vault.settle.populateTransaction(10n));

        expect(await scene.vault.totalSupply()).to.equal(0n);
        const paid = await scene.vault.claimsOutstanding();
        expect(paid > (low * 999n) / 1000n, `${paid} of ${low}`).to.equal(true);
      });
    });
  });
});

/** Pushes the pool, executes the plan, brings the pool back; profit and loss in asset units at the oracle's price. */
async function sandwich(
  scene: VaultScene,
  packet: Packet,
  pushBps: bigint,
): Promise<{ executed: boolean; profit: bigint; loss: bigint }> {
  const { market, vault } = scene;
  const { chain } = market.world;
  const price = parseUnits(String(OPEN), 18);
  let profit = 0n;
  const moveTo = async (target: bigint): Promise<void> => {
    const { logs } = await movePool(chain, market.trader, target);
    for (const log of logs) {
      const moved = market.trader.interface.parseLog(log);
      if (moved?.name !== "Moved") continue;
      const { base, asset } = moved.args as unknown as { base: bigint; asset: bigint };
      profit += asset + (base * price) / 10n ** 30n;
    }
  };
  const before = await vault.navAt(price);
  await moveTo((price * (10_000n + pushBps)) / 10_000n);
  const executed = await executeSigned(scene, packet).then(
    () => true,
    (error: unknown) => {
      if (error instanceof SafeReverted) return false;
      throw error;
    },
  );
  await moveTo(price);
  return { executed, profit, loss: before - (await vault.navAt(price)) };
}

function usdc(dollars: number): bigint {
  return parseUnits(String(dollars), 6);
}

async function navOf(scene: VaultScene): Promise<{ low: bigint; high: bigint }> {
  const [low, high] = await scene.vault.nav();
  return { low, high };
}
