import { expect } from "chai";
import { LocalChain } from "../../deploy/devnet/chain.ts";
import { pushAnswer } from "../../deploy/devnet/feeds.ts";
import { doChores } from "../../src/keeper/chores.ts";
import { openRpc } from "../../src/keeper/openRpc.ts";
import {
  HISTORY,
  marketAt,
  newRounds,
  openPositions,
  requestRedeem,
  shares,
  vaultScene,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";
import { startRpcProxy } from "../support/rpcProxy.ts";
import { IAggregatorV3__factory, SharePrice__factory } from "../../typechain-types/index.js";

/** The chain's limit for a lift is 20 % within a day. */
const LIMIT = 0.2;

describe("what a keeper does that anyone may", () => {
  let scene: VaultScene;
  const chores = async (): Promise<string[]> => {
    const { done, failed } = await doChores(scene.chain.provider, scene.deployment, scene.chain.wallet("keeper"));
    expect(failed).to.deep.equal([]);
    return done;
  };

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

  it("looks through a day of many rounds in a few requests, back to the one that shows the move", async () => {
    const { chain, world, deployment, contracts } = scene;
    const open = HISTORY.days[0]!.eth.open;
    for (let round = 0; round < 150; round++) {
      await chain.warpTo((await chain.now()) + 60);
      await pushAnswer(chain, world.feeds.ethUsd, open * 0.9);
    }
    const rpc = await startRpcProxy({ request: ({ method, params }) => chain.request(method, params) });
    const provider = await openRpc(rpc.url);
    const { done, failed } = await doChores(provider, deployment, chain.wallet("keeper").connect(provider));
    provider.destroy();
    await rpc.close();
    expect([done, failed]).to.deep.equal([[], []]);
    expect(rpc.requests.filter((methods) => methods.includes("eth_call")).length).to.be.at.most(8);
    await pushAnswer(chain, world.feeds.ethUsd, open * 0.78);
    expect(await chores()).to.have.length(1);
    expect(await contracts.regime.level()).to.equal(2n);
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

  it("follows a share price that left the anchor's band, tick by tick until entry is open again", async () => {
    const { vault } = scene.contracts;
    await openPositions(scene);
    const open = HISTORY.days[0]!.eth.open;
    let pokes = 0;
    // The hedge takes most of a fall, so it takes a deep one to move the share price beyond the band.
    for (const part of [0.85, 0.7, 0.55, 0.4]) {
      await marketAt(scene, open * part, 60);
      if ((await vault.maxDeposit(vault)) === 0n) break;
    }
    expect(await vault.maxDeposit(vault), "closed").to.equal(0n);
    for (; (await vault.maxDeposit(vault)) === 0n && pokes < 48; pokes++) {
      const followed = (await chores()).filter((line) => line.startsWith("followed the share price"));
      expect(followed).to.have.length(1);
      const isOpen = (await vault.maxDeposit(vault)) !== 0n;
      expect(followed[0]).to.contain(isOpen ? "entry is open" : "entry stays closed");
      await scene.chain.warpTo((await scene.chain.now()) + 4 * 3_600);
      await newRounds(scene);
    }
    expect(pokes, "four hours apart").to.be.within(1, 47);
    expect((await chores()).filter((line) => line.startsWith("followed"))).to.deep.equal([]);
  });

  it("counts the fee when its period is over, once", async () => {
    const { vault } = scene.contracts;
    const sharePrice = SharePrice__factory.connect(await vault.sharePrice(), scene.chain.provider);
    const [, endsAt] = await sharePrice.markOf(vault);
    await scene.chain.warpTo(Number(endsAt) - 10);
    expect((await chores()).filter((line) => line.startsWith("followed"))).to.deep.equal([]);
    await scene.chain.warpTo(Number(endsAt));
    const [line] = (await chores()).filter((line) => line.startsWith("followed"));
    expect(line).to.match(/^followed the share price, entry is open; a fee of \d+ share units$/);
    expect((await sharePrice.markOf(vault))[1] > endsAt).to.equal(true);
    expect((await chores()).filter((line) => line.startsWith("followed"))).to.deep.equal([]);
  });

  /** The scene's chain behind a node that limits calls of these functions. */
  const limited = (...selectors: string[]): LocalChain =>
    new LocalChain({
      request: ({ method, params = [] }) => {
        const [{ data = "" } = {}] = params as { data?: string }[];
        if (method === "eth_call" && selectors.some((selector) => data.startsWith(selector))) {
          return Promise.reject(Object.assign(new Error("too many requests"), { code: -32_005 }));
        }
        return scene.chain.request(method, params as unknown[]);
      },
    });
  const fallen = async (): Promise<void> => {
    await scene.chain.warpTo((await scene.chain.now()) + 3_600);
    await pushAnswer(scene.chain, scene.world.feeds.ethUsd, HISTORY.days[0]!.eth.open * (1 - LIMIT - 0.01));
  };
  const redemption = async (): Promise<void> => {
    await requestRedeem(scene, "depositor", shares(1_000));
    await newRounds(scene);
  };
  const feeDue = async (): Promise<void> => {
    const sharePrice = SharePrice__factory.connect(await scene.contracts.vault.sharePrice(), scene.chain.provider);
    await scene.chain.warpTo(Number((await sharePrice.markOf(scene.contracts.vault))[1]));
  };
  const LIMITED: [chore: string, call: string, due: () => Promise<void>, selector: () => string][] = [
    [
      "lift",
      "getRoundData",
      fallen,
      () => IAggregatorV3__factory.createInterface().getFunction("getRoundData").selector,
    ],
    ["lift", "lift", fallen, () => scene.contracts.regime.interface.getFunction("lift").selector],
    ["settlement", "settle", redemption, () => scene.contracts.vault.interface.getFunction("settle").selector],
    ["share price", "nav", feeDue, () => scene.contracts.vault.interface.getFunction("nav").selector],
    ["share price", "poke", feeDue, () => scene.contracts.vault.interface.getFunction("poke").selector],
  ];
  for (const [chore, call, due, selector] of LIMITED) {
    it(`says that the ${chore} failed where a node does not answer ${call}, and does it once one does`, async () => {
      await due();
      const chain = limited(selector());
      const { done, failed } = await doChores(chain.provider, scene.deployment, chain.wallet("keeper"));
      chain.provider.destroy();
      expect(done).to.deep.equal([]);
      expect(failed.map((line) => line.split(":")[0])).to.deep.equal([chore]);
      expect(await chores()).to.have.length(1);
    });
  }
});
