import { expect } from "chai";
import { replayPerpStep } from "../../deploy/devnet/perpArbitrage.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { UniswapV3Adapter__factory } from "../../typechain-types/index.js";
import {
  executePlan,
  executeSigned,
  keeperTick,
  later,
  newRounds,
  OPEN,
  requestAll,
  vaultScene,
} from "../helpers/attackScene.ts";
import type { VaultScene } from "../helpers/attackScene.ts";
import { undone } from "../helpers/undone.ts";

describe("A vault under stress, on the real venues", () => {
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
      await undone(scene.market.world.chain, async () => {
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

  describe("someone pushes Curie's mark by nine per cent", () => {
    for (const premium of [0.09, -0.09]) {
      it(`${premium > 0 ? "up" : "down"}: NAV does not move in that block, and later only against whoever trades`, async () => {
        await undone(scene.market.world.chain, async () => {
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
      await undone(scene.market.world.chain, async () => {
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

async function navOf(scene: VaultScene): Promise<{ low: bigint; high: bigint }> {
  const [low, high] = await scene.vault.nav();
  return { low, high };
}
