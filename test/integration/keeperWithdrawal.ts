import { expect } from "chai";
import type { Keeper } from "../../src/keeper/service.ts";
import { parsePacket } from "../../src/safe/packet.ts";
import type { ProposalRow } from "../../src/keeper/store/store.ts";
import {
  closeNextSession,
  HISTORY,
  marketAt,
  newRounds,
  openPositions,
  requestRedeem,
  sameSecond,
  shares,
  vaultScene,
  viaSafe,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";
import { openStage, Rig, VAULT } from "../support/faults/rig.ts";
import type { RigOptions, Stage } from "../support/faults/rig.ts";

describe("A proposal whose tolerance is broken while nothing takes its place", () => {
  const OPEN = HISTORY.days[0]!.eth.open;
  let stage: Stage;
  let scene: VaultScene;
  before(async () => {
    scene = await vaultScene();
    await openPositions(scene);
    // On the day after: that day's plan was executed.
    await closeNextSession(scene, 13, 15);
    await scene.keep();
    stage = await openStage(scene);
  });
  after(() => stage.close());

  /** A proposal that was made when the price had fallen, and the price is back: there is nothing to do any more. */
  async function withBroken(options: RigOptions, work: (rig: Rig, keeper: Keeper, row: ProposalRow) => Promise<void>) {
    const rig = await Rig.open(stage, options);
    try {
      const keeper = await rig.keeper();
      await marketAt(scene, OPEN * 0.9);
      await rig.until(keeper, ["PROPOSED"], 1);
      const [row] = await keeper.store.proposals({ vault: VAULT, open: true });
      await marketAt(scene, OPEN);
      await work(rig, keeper, row!);
    } finally {
      await rig.close();
      await scene.reset();
    }
  }
  const pending = async (rig: Rig): Promise<string[]> =>
    (await rig.client().pending(scene.safe)).map(({ safeTxHash }) => safeTxHash);
  const standing = async (keeper: Keeper, about: string): Promise<string[]> =>
    (await keeper.store.alerts()).filter(({ key }) => key.startsWith(`${about}:`)).map(({ text }) => text);

  const told = (rig: Rig, ...words: string[]): string[] =>
    rig.lines.filter((line) => words.every((word) => line.includes(word)));

  it("is withdrawn from the service, and told of", () =>
    withBroken({}, async (rig, keeper, row) => {
      await rig.until(keeper, ["INSIDE_BAND"], 1);
      expect(await pending(rig)).to.deep.equal([]);
      const closed = await keeper.store.proposal(row.safeTxHash);
      expect(closed?.status).to.equal("abandoned");
      expect(closed?.detail).to.match(
        /^it no longer held \(price was [\d,]+\.\d\d, is [\d,]+\.\d\d\), and was withdrawn/,
      );
      expect(told(rig, "PROPOSAL_CLOSED", "is abandoned")).to.have.length(1);
      expect(told(rig, "do not sign it")).to.have.length(1);
      expect(told(rig, "alert_resolved"), "it does not hold again").to.deep.equal([]);
      expect(await standing(keeper, "broken")).to.deep.equal([]);

      await rig.until(keeper, ["INSIDE_BAND"], 1);
      expect(await pending(rig), "and stays away").to.deep.equal([]);
      await marketAt(scene, OPEN * 0.9);
      await rig.until(keeper, ["PROPOSED"], 1);
      const [next] = await keeper.store.proposals({ vault: VAULT, open: true });
      expect([next!.safeNonce, await pending(rig)]).to.deep.equal([row.safeNonce, [next!.safeTxHash]]);
    }));

  it("is withdrawn by whoever comes after one that was killed in between", () =>
    withBroken({}, async (rig, keeper, row) => {
      keeper.store.close = () => Promise.reject(new RangeError("killed"));
      expect((await rig.tick(keeper)).error).to.be.instanceOf(RangeError);
      const next = await rig.keeper();
      await rig.until(next, ["INSIDE_BAND"], 1);
      expect(await pending(rig)).to.deep.equal([]);
      expect(await next.store.proposal(row.safeTxHash)).to.deep.include({ status: "abandoned" });
    }));

  for (const [what, status] of [
    ["is away", 503],
    ["refuses", 400],
  ] as const) {
    it(`is told of once while the service ${what}, and withdrawn when it can be`, () =>
      withBroken({}, async (rig, keeper, row) => {
        rig.service.fail({ kind: "status", status }, { method: "DELETE" });
        await rig.until(keeper, ["INSIDE_BAND"], 1);
        await rig.until(keeper, ["INSIDE_BAND"], 1);
        expect(await pending(rig)).to.deep.equal([row.safeTxHash]);
        expect(await keeper.store.proposal(row.safeTxHash)).to.deep.include({ status: "open" });
        expect(told(rig, "could not be withdrawn")).to.have.length(1);
        expect(await standing(keeper, "broken")).to.have.length(1);
        rig.service.fail(null);
        await rig.until(keeper, ["INSIDE_BAND"], 1);
        expect(await pending(rig)).to.deep.equal([]);
        expect(await keeper.store.alerts()).to.deep.equal([]);
        expect(told(rig, "alert_resolved")).to.deep.equal([]);
      }));
  }

  it("is not withdrawn for a block that the chain has left", () =>
    withBroken({}, async (rig, keeper, row) => {
      const vault = keeper.vaults.get(VAULT)!;
      const { chain } = vault;
      vault.chain = { ...chain, stillCanonical: () => Promise.resolve(false) };
      await rig.until(keeper, ["INSIDE_BAND"], 1);
      expect(await pending(rig)).to.deep.equal([row.safeTxHash]);
      vault.chain = chain;
      await rig.until(keeper, ["INSIDE_BAND"], 1);
      expect(await pending(rig)).to.deep.equal([]);
    }));

  it("is withdrawn too when another takes its place, once that is out", () =>
    withBroken({}, async (rig, keeper, row) => {
      await marketAt(scene, OPEN * 0.8);
      await rig.until(keeper, ["PROPOSED"], 1);
      const [next] = await keeper.store.proposals({ vault: VAULT, open: true });
      expect(await keeper.store.proposal(row.safeTxHash)).to.deep.include({ status: "superseded" });
      expect([next!.safeNonce, await pending(rig)]).to.deep.equal([row.safeNonce, [next!.safeTxHash]]);
      const at = (request: string): number => rig.service.requests.findIndex((line) => line.startsWith(request));
      const posted = rig.service.requests.findLastIndex((line) => line.startsWith("POST") && line.includes("safes"));
      expect(at("DELETE") > posted).to.equal(true);
      expect(await keeper.store.alerts()).to.deep.equal([]);
      expect(told(rig, "PROPOSAL_CLOSED", "is superseded", row.safeTxHash.slice(0, 10))).to.have.length(1);
      expect(told(rig, "alert_resolved"), "it does not hold again").to.deep.equal([]);
    }));

  const INTERRUPTED: [string, (rig: Rig, keeper: Keeper) => Promise<void>][] = [
    [
      "the service failed",
      async (rig, keeper) => {
        rig.service.fail({ kind: "status", status: 429 }, { method: "POST" });
        expect((await rig.tick(keeper)).error).to.have.property("name", "ServiceRateLimited");
        rig.service.fail(null);
      },
    ],
    [
      "it was killed",
      async (rig, keeper) => {
        const intend = keeper.store.intend.bind(keeper.store);
        keeper.store.intend = async (...intention) => {
          await intend(...intention);
          throw new RangeError("killed");
        };
        expect((await rig.tick(keeper)).error).to.be.instanceOf(RangeError);
        keeper.store.intend = intend;
      },
    ],
  ];
  for (const [what, interrupt] of INTERRUPTED) {
    it(`is withdrawn too where ${what} between writing down what takes its place and handing it out`, () =>
      withBroken({}, async (rig, keeper, row) => {
        await marketAt(scene, OPEN * 0.8);
        await interrupt(rig, keeper);
        expect(await keeper.store.proposal(row.safeTxHash)).to.deep.include({ status: "superseded" });
        expect(await pending(rig)).to.deep.equal([row.safeTxHash]);

        await rig.until(await rig.keeper(), ["ALREADY_PROPOSED"], 1);
        const [next] = await keeper.store.proposals({ vault: VAULT, open: true });
        expect(await pending(rig)).to.deep.equal([next!.safeTxHash]);
        expect(await keeper.store.proposal(row.safeTxHash)).to.deep.include({ status: "superseded" });
      }));
  }

  it("is withdrawn later where the service refused while another took its place", () =>
    withBroken({}, async (rig, keeper, row) => {
      await marketAt(scene, OPEN * 0.8);
      rig.service.fail({ kind: "status", status: 503 }, { method: "DELETE" });
      await rig.until(keeper, ["PROPOSED"], 1);
      await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
      expect(await pending(rig)).to.include(row.safeTxHash);
      expect(await standing(keeper, "withdraw")).to.have.length(1);
      rig.service.fail(null);
      await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
      expect(await pending(rig)).to.not.include(row.safeTxHash);
      expect(await keeper.store.alerts()).to.deep.equal([]);
      expect(told(rig, "alert_resolved")).to.deep.equal([]);

      rig.service.requests.length = 0;
      await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
      expect(
        rig.service.requests.filter((line) => line.startsWith("DELETE")),
        "once",
      ).to.deep.equal([]);
    }));

  it("is told of as resolved, in both ways, when it holds again before it could be withdrawn", () =>
    withBroken({}, async (rig, keeper) => {
      rig.service.fail({ kind: "status", status: 503 }, { method: "DELETE" });
      await rig.until(keeper, ["INSIDE_BAND"], 1);
      await marketAt(scene, OPEN * 0.9);
      await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
      expect(await keeper.store.alerts()).to.deep.equal([]);
      expect(told(rig, "alert_resolved", "do not sign it")).to.have.length(1);
      expect(told(rig, "alert_resolved", "could not be withdrawn")).to.have.length(1);
    }));

  it("in files is named, and nobody is urged to sign it until it holds again", () =>
    withBroken({ vault: { via: "file", service: undefined } }, async (rig, keeper, row) => {
      keeper.vaults.get(VAULT)!.proposalWaitingSeconds = 0;
      await rig.until(keeper, ["INSIDE_BAND"], 1);
      expect(await keeper.store.proposal(row.safeTxHash)).to.deep.include({ status: "open" });
      const [text] = await standing(keeper, "broken");
      expect(text).to.match(/no longer holds \(price was [\d,]+\.\d\d, is [\d,]+\.\d\d\): do not sign it/);
      expect(await standing(keeper, "waiting")).to.deep.equal([]);
      await marketAt(scene, OPEN * 0.9);
      await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
      expect(await standing(keeper, "broken")).to.deep.equal([]);
      expect(await standing(keeper, "waiting")).to.have.length(1);
    }));
});

describe("A proposal that members execute while a tick does its chores", () => {
  let stage: Stage;
  let scene: VaultScene;
  before(async () => {
    scene = await vaultScene();
    stage = await openStage(scene);
  });
  after(() => stage.close());

  it("is closed as executed, and not taken for one whose tolerance is broken", async () => {
    const rig = await Rig.open(stage);
    try {
      const keeper = await rig.keeper();
      await rig.until(keeper, ["PROPOSED"], 1);
      const [row] = await keeper.store.proposals({ vault: VAULT, open: true });
      await requestRedeem(scene, "depositor", shares(10));
      await newRounds(scene);
      const note = keeper.store.note.bind(keeper.store);
      let executed = false;
      keeper.store.note = async (...step) => {
        await note(...step);
        if (step[2] !== "reconcile" || executed) return;
        executed = true;
        const { to, data } = parsePacket(row!.packet).safeTx;
        await sameSecond(scene);
        await viaSafe(scene, { to, data });
      };
      const { end, error } = await rig.tick(keeper);
      expect(end?.failed, error?.message).to.equal(false);
      const [tick] = await keeper.store.ticks({ vault: VAULT, limit: 1 });
      const noted = (step: string): unknown => tick!.steps.find((one) => one.step === step)?.value;
      expect(JSON.stringify(noted("chores"))).to.include("settled redemptions");
      expect(await keeper.store.proposal(row!.safeTxHash)).to.deep.include({ status: "executed" });
      expect(JSON.stringify(noted("reconcile"))).to.include(row!.safeTxHash);
      expect(rig.lines.some((line) => line.includes("do not sign it"))).to.equal(false);
      expect(rig.service.requests.some((line) => line.startsWith("DELETE"))).to.equal(false);
    } finally {
      await rig.close();
      await scene.reset();
    }
  });
});
