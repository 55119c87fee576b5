import { expect } from "chai";
import { pushAnswer } from "../../deploy/devnet/feeds.ts";
import { doChores } from "../../src/keeper/chores.ts";
import { HISTORY, marketAt, newRounds, requestRedeem, shares, vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

/** The chain's limit for a lift is 20 % within a day. */
const LIMIT = 0.2;

describe("what a keeper does that anyone may", () => {
  let scene: VaultScene;
  const chores = (): Promise<string[]> =>
    doChores(scene.chain.provider, scene.deployment, scene.chain.wallet("keeper"));

  before(async () => {
    scene = await vaultScene();
    await marketAt(scene, HISTORY.days[0]!.eth.open);
  });

  afterEach(() => scene.reset());

  it("nothing, when there is nothing to do", async () => {
    expect(await chores()).to.deep.equal([]);
  });

  it("lifts the regime to Stress after a move beyond the limit within a day, once", async () => {
    const price = HISTORY.days[0]!.eth.open * (1 - LIMIT - 0.01);
    await scene.chain.warpTo((await scene.chain.now()) + 3_600);
    await pushAnswer(scene.chain, scene.world.feeds.ethUsd, price);
    const [line, ...rest] = await chores();
    expect(line).to.match(/^lifted the regime to Stress: the base asset moved 2\d\d\d bps within a day$/);
    expect(rest).to.deep.equal([]);
    expect(await scene.contracts.regime.level()).to.equal(2n);
    expect(await chores()).to.deep.equal([]);
  });

  it("does not lift for less, nor for a move that took longer than a day", async () => {
    const open = HISTORY.days[0]!.eth.open;
    await scene.chain.warpTo((await scene.chain.now()) + 3_600);
    await pushAnswer(scene.chain, scene.world.feeds.ethUsd, open * (1 - LIMIT + 0.01));
    expect(await chores()).to.deep.equal([]);
    await scene.chain.warpTo((await scene.chain.now()) + 86_400);
    await pushAnswer(scene.chain, scene.world.feeds.ethUsd, open * (1 - LIMIT - 0.01));
    expect((await chores()).filter((line) => line.startsWith("lifted"))).to.deep.equal([]);
  });

  it("settles what the feeds' next rounds allow, and not before", async () => {
    await requestRedeem(scene, "depositor", shares(1_000));
    expect(await chores()).to.deep.equal([]);
    await newRounds(scene);
    const done = await chores();
    expect(done).to.have.length(1);
    expect(done[0]).to.match(/^settled redemptions: \d+ asset units set aside for claims$/);
    expect(await scene.contracts.vault.pendingShares()).to.equal(0n);
  });
});
