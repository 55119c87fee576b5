import { expect } from "chai";
import type { Plan } from "../../src/plan/plan.ts";
import {
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
    it("lets a plan flagged derisk buy back most of the short and leave the liquidity alone", async () => {
      await undone(scene, async () => {
        const { logs } = (await executePlan(scene, shortTo(2n, { derisk: true }))).receipt;
        const executed = logs.map((log) => scene.rebalancer.interface.parseLog(log)).find((log) => log !== null);

        expect(executed?.args.navAfter < executed?.args.navBefore, "the trade cost something").to.equal(true);
        expect(executed?.args.afterwards.grossBps < executed?.args.before.grossBps).to.equal(true);
        expect(executed?.args.afterwards.liquidityBps).to.equal(executed?.args.before.liquidityBps);
      });
    });
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

async function navOf(scene: VaultScene): Promise<{ low: bigint; high: bigint }> {
  const [low, high] = await scene.vault.nav();
  return { low, high };
}
