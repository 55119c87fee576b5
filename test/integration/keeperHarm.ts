import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { closeSession } from "../../deploy/devnet/market.ts";
import { CLOSE_SECONDS } from "../../deploy/devnet/feeds.ts";
import { RpcUnavailable } from "../../src/keeper/observe.ts";
import { fileOutlet } from "../../src/keeper/outlets.ts";
import { slotOf } from "../../src/keeper/schedule.ts";
import { serveKeeper } from "../../src/keeper/serve.ts";
import { runOnce, runSlot } from "../../src/keeper/service.ts";
import type { Keeper } from "../../src/keeper/service.ts";
import { SignerRefused } from "../../src/keeper/signers.ts";
import { statusOf } from "../../src/keeper/status.ts";
import { tick } from "../../src/keeper/tick.ts";
import { decodePlan, encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { SafeService } from "../../src/safe/service.ts";
import { plainCall, safeTxHash } from "../../src/safe/transaction.ts";
import type { SafeTx } from "../../src/safe/transaction.ts";
import { leveraged, risen } from "../helpers/leveragedScene.ts";
import { rejection } from "../helpers/safeScene.ts";
import { closeNextSession, newRounds, vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";
import { openStage, Rig, VAULT } from "../support/faults/rig.ts";
import type { Fault } from "../support/rpcProxy.ts";
import type { RigOptions, Stage } from "../support/faults/rig.ts";

const DAY = 86_400;
const STRESS = { vix: 28, vix3m: 27 };

/** What was found by trying to harm a keeper, beyond what the faults of `npm run test:faults` try. */
describe("A keeper that somebody means harm", () => {
  let stage: Stage;
  let scene: VaultScene;
  before(async () => {
    scene = await vaultScene();
    stage = await openStage(scene);
  });
  after(() => stage.close());

  async function withRig(options: RigOptions, work: (rig: Rig) => Promise<void>): Promise<void> {
    const rig = await Rig.open(stage, options);
    try {
      await work(rig);
    } finally {
      await rig.close();
      await scene.reset();
    }
  }

  describe("near liquidation", () => {
    async function nearLiquidation(): Promise<void> {
      await leveraged(scene);
      await closeNextSession(scene, STRESS.vix, STRESS.vix3m);
      await risen(scene, 1.06, 1.125);
    }
    const deleveragedAt = async (): Promise<number> => {
      const { topicHash } = scene.contracts.rebalancer.interface.getEvent("Deleveraged");
      const logs = await scene.chain.provider.getLogs({
        address: scene.deployment.rebalancer,
        topics: [topicHash],
        fromBlock: 0,
      });
      return logs[0]?.blockNumber ?? 0;
    };

    it("reduces risk before it does any chore: transactions that nobody mines would hold it up for minutes", () =>
      withRig({}, async (rig) => {
        await nearLiquidation();
        const day = Number(await scene.contracts.regime.nextSessionDay());
        await closeSession(scene.market, day * DAY + CLOSE_SECONDS, STRESS);
        await scene.chain.warpTo((day + 1) * DAY);
        await newRounds(scene);
        const before = Number(await scene.contracts.regime.nextSessionDay());
        await rig.tick(await rig.keeper());
        expect(Number(await scene.contracts.regime.nextSessionDay()), "the close is taken in").to.be.above(before);
        const block = await deleveragedAt();
        expect(block).to.be.above(0);
        const at = await scene.contracts.regime.nextSessionDay({ blockTag: block });
        expect(Number(at), "and was not yet when risk was reduced").to.equal(before);
      }));

    it("tells that it cannot help, and proposes, when it has no gas", () =>
      withRig({}, async (rig) => {
        await nearLiquidation();
        await scene.chain.request("hardhat_setBalance", [scene.chain.address("keeper"), "0x0"]);
        const keeper = await rig.keeper();
        const { end, error } = await rig.tick(keeper);
        expect(end?.code, error?.message).to.equal("PROPOSED");
        expect(await deleveragedAt()).to.equal(0);
        const told = rig.lines.filter((line) => line.includes("alert_standing code=EMERGENCY"));
        expect(told.at(-1)).to.include("cannot help").and.to.include("could not be sent");
      }));

    it("tells of it where it may not act by itself", () =>
      withRig({ vault: { emergency: { enabled: false } } }, async (rig) => {
        await nearLiquidation();
        const keeper = await rig.keeper();
        await rig.tick(keeper);
        expect(await deleveragedAt()).to.equal(0);
        const near = (await keeper.store.alerts()).find(({ code }) => code === "NEAR_LIQUIDATION");
        expect(near?.severity).to.equal("critical");
        await risen(scene, 1);
        await rig.tick(keeper);
        const codes = (await keeper.store.alerts()).map(({ code }) => code);
        expect(codes, "over when the price is back").to.not.include("NEAR_LIQUIDATION");
      }));

    it("tells at once that it cannot go on, though it told a moment ago what it does", () =>
      withRig({}, async (rig) => {
        await nearLiquidation();
        const keeper = await rig.keeper();
        const text = "the keeper reduces risk by itself";
        const key = `emergency:${VAULT}`;
        await keeper.alerts.raise({ key, vault: VAULT, code: "EMERGENCY", severity: "critical", text });
        await scene.chain.request("hardhat_setBalance", [scene.chain.address("keeper"), "0x0"]);
        await rig.tick(keeper);
        expect(
          rig.lines.some((line) => line.includes("cannot help")),
          "told",
        ).to.equal(true);
      }));
  });

  it("keeps no secret of a URL, and no second line, of what an error says: not in its records, which /status serves", () =>
    withRig({}, async (rig) => {
      const keeper = await rig.keeper();
      const vault = keeper.vaults.get(VAULT)!;
      const words = "no answer from https://user:geheim@host.example/geheim?key=geheim\nAll is well";
      vault.outlet = { ...vault.outlet, propose: () => Promise.reject(new SignerRefused("a signer", words)) };
      const { end } = await rig.tick(keeper);
      expect(end?.code).to.equal("SIGNER");
      const records = [await keeper.store.ticks({ limit: 10 }), await keeper.store.alerts()];
      const config = keeper.options.config;
      const request = { config, now: new Date(await rig.now()), database: "", rpc: [], signaturesOf: null };
      const text = JSON.stringify([end, records, await statusOf(keeper.store, request)]);
      expect(text).to.include("host.example").and.to.not.include("geheim").and.to.not.include("\\n");
    }));

  describe("at one of three RPCs, the preferred one", () => {
    const QUORUM = { rpcs: 3, quorum: 2 };
    const yes = `0x${"1".padStart(64, "0")}`;
    const executed = (): Fault => {
      const { rebalancer } = scene.deployment;
      const { selector } = scene.contracts.rebalancer.interface.getFunction("used");
      return { mode: "lie", to: rebalancer, selector, alter: () => yes };
    };

    it("is not made to believe that its plan was executed", () =>
      withRig(QUORUM, async (rig) => {
        const keeper = await rig.keeper();
        stage.rpcs[0]!.fail(executed());
        const { end, error } = await rig.tick(keeper);
        expect(end?.code, error?.message).to.equal("PROPOSED");
        expect(
          rig.lines.some((line) => line.includes("rpc_disagrees")),
          "the liar is named",
        ).to.equal(true);
      }));

    it("is not made to close a proposal that is open", () =>
      withRig(QUORUM, async (rig) => {
        const keeper = await rig.keeper();
        await rig.until(keeper, ["PROPOSED"], 1);
        stage.rpcs[0]!.fail(executed());
        await rig.until(keeper, ["ALREADY_PROPOSED"], 1);
        expect(await keeper.store.proposals({ vault: VAULT, open: true })).to.have.length(1);
      }));

    it("is not made to think itself far from liquidation for ever", () =>
      withRig(QUORUM, async (rig) => {
        const { rebalancer } = scene.deployment;
        const { selector } = scene.contracts.rebalancer.interface.getFunction("nearLiquidationBps");
        const keeper = await rig.keeper();
        stage.rpcs[0]!.fail({ mode: "lie", to: rebalancer, selector, alter: () => `0x${"f".repeat(64)}` });
        const { chain } = keeper.vaults.get(VAULT)!;
        const limit = await chain.nearLiquidationBps(rebalancer, await chain.agree());
        expect(limit).to.equal(await scene.contracts.rebalancer.nearLiquidationBps());
      }));
  });

  describe("at its transaction service", () => {
    /** The keeper's own proposal of now, changed, and put at the service by an owner before the keeper does. */
    async function planted(rig: Rig, change: (safeTx: SafeTx) => SafeTx): Promise<string> {
      const { packet } = await tick({
        provider: scene.chain.provider,
        deployment: rig.deployment(),
        outlet: fileOutlet(rig.folder),
        dryRun: true,
      });
      const { safe } = scene;
      const signer = scene.chain.wallet("owner1");
      return (await rig.client().propose({ safe, signer, safeTx: change(packet!.safeTx) })).safeTxHash;
    }
    const withPlan = (safeTx: SafeTx, change: Partial<Plan>): SafeTx => ({
      ...safeTx,
      data: encodePlan({ ...decodePlan(safeTx.data), ...change }),
    });

    const FAKES: [string, (safeTx: SafeTx) => SafeTx][] = [
      [
        "for ever, and whatever the price",
        (tx) => withPlan(tx, { nonce: "7", validUntil: 2 ** 40, toleranceBps: 65_535 }),
      ],
      ["of today, with other targets", (tx) => withPlan(tx, { liquidity: [] })],
      ["to another contract", (tx) => ({ ...tx, to: scene.safe })],
      ["with a refund", (tx) => ({ ...tx, gasPrice: "1", refundReceiver: scene.chain.address("attacker") })],
    ];
    for (const [what, change] of FAKES) {
      it(`is kept from proposing by nobody's plan ${what}`, () =>
        withRig({}, async (rig) => {
          const fake = await planted(rig, change);
          const { end, error } = await rig.tick(await rig.keeper());
          expect(end?.code, error?.message ?? end?.sentence).to.equal("PROPOSED");
          expect(end!.safeTxHash).to.not.equal(fake);
        }));
    }

    it("knows its own proposal though the service's list has lost it", () =>
      withRig({}, async (rig) => {
        const keeper = await rig.keeper();
        await rig.until(keeper, ["PROPOSED"], 1);
        const vault = keeper.vaults.get(VAULT)!;
        vault.outlet = { ...vault.outlet, found: () => Promise.resolve([]) };
        await closeNextSession(scene, 14, 18);
        const { end } = await rig.tick(keeper);
        expect(end?.code).to.equal("PROPOSAL_OPEN");
      }));

    it("proposes anew, in its place, on the day after a plan was stopped", () =>
      withRig({}, async (rig) => {
        const keeper = await rig.keeper();
        await rig.until(keeper, ["PROPOSED"], 1);
        const [stopped] = await keeper.store.proposals({ vault: VAULT, open: true });
        await keeper.store.close(VAULT, stopped!.safeTxHash, "vetoed", "shareholders stopped it", new Date());
        await rig.until(keeper, ["TURNED_DOWN"], 1);
        await closeNextSession(scene, 14, 18);
        await rig.until(keeper, ["PROPOSED"], 1);
        const [next] = await keeper.store.proposals({ vault: VAULT, open: true });
        expect(next!.safeTxHash).to.not.equal(stopped!.safeTxHash);
        expect(next!.safeNonce).to.equal(stopped!.safeNonce);
      }));

    it("forgets no proposal when it is killed as another is about to take its place", () =>
      withRig({}, async (rig) => {
        const dying = await rig.keeper();
        await rig.until(dying, ["PROPOSED"], 1);
        const [row] = await dying.store.proposals({ vault: VAULT, open: true });
        await closeNextSession(scene, STRESS.vix, STRESS.vix3m);
        dying.store.intend = () => Promise.reject(new RangeError("killed"));
        expect((await rig.tick(dying)).error).to.be.instanceOf(RangeError);
        expect(await dying.store.proposal(row!.safeTxHash)).to.deep.include({ status: "open" });

        await rig.until(await rig.keeper(), ["PROPOSED"], 1);
        expect(await dying.store.proposal(row!.safeTxHash)).to.deep.include({ status: "superseded" });
      }));

    it("reads no list without an end", async () => {
      const packet = await withPacket();
      let pages = 0;
      const endless = createServer(({ url: path }, response) => {
        if (path?.includes("multisig-transactions") === true) pages++;
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ count: 1e9, next: "more", previous: null, results: [packet] }));
      }).listen(0, "127.0.0.1");
      await once(endless, "listening");
      const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/api`;
      try {
        const error = await rejection(new SafeService({ url, chainId: 31_337 }).pending(scene.safe));
        expect(error).to.have.property("name", "ServiceUnavailable");
        expect(error.message).to.include("more than 5000 pending");
        expect(pages).to.equal(50);
      } finally {
        endless.closeAllConnections();
        endless.close();
      }
    });

    /** A transaction as a service shows it. */
    async function withPacket(): Promise<object> {
      const safeTx = plainCall(scene.safe, "0x", 0n);
      return { ...safeTx, safe: scene.safe, safeTxHash: safeTxHash(31_337, scene.safe, safeTx), confirmations: [] };
    }
  });

  describe("run by cron", () => {
    it("ticks every vault, whatever breaks another's tick, and leaves nothing half done", () =>
      withRig({}, async (rig) => {
        const keeper = await rig.keeper();
        await rig.setClocks();
        const vault = keeper.vaults.get(VAULT)!;
        const agree = (): Promise<never> => Promise.reject(new RpcUnavailable("gone"));
        const broken = { ...vault, config: { ...vault.config, name: "broken" }, chain: { ...vault.chain, agree } };
        const ends = await runOnce({
          ...keeper,
          vaults: new Map([
            ["broken", broken],
            [VAULT, vault],
          ]),
        });
        expect(ends.get("broken")).to.deep.include({ code: "RPC_UNAVAILABLE", failed: true });
        expect(ends.get(VAULT)).to.deep.include({ code: "PROPOSED", failed: false });
        expect(await keeper.store.unfinished()).to.deep.equal([]);
      }));

    it("forgets what is old, as the service does", () =>
      withRig({}, async (rig) => {
        const keeper = await rig.keeper();
        const now = await rig.setClocks();
        const [old, recent] = [40, 20].map((days) => new Date(now - days * DAY * 1_000)) as [Date, Date];
        for (const at of [old, recent]) {
          await keeper.store.due(VAULT, slotOf(at), at);
          await keeper.store.giveUp(VAULT, slotOf(at), "w", at, "");
        }
        await runOnce(keeper);
        const slots = (await keeper.store.ticks({ limit: 9 })).map(({ slot }) => slot);
        expect(slots).to.deep.equal([slotOf(new Date(now)), slotOf(recent)]);
      }));
  });

  describe("and its alerts end when what they tell of does", () => {
    it("of a proposal that another takes the place of", () =>
      withRig({}, async (rig) => {
        const keeper = await rig.keeper();
        await rig.until(keeper, ["PROPOSED"], 1);
        const [row] = await keeper.store.proposals({ vault: VAULT, open: true });
        const about = { vault: VAULT, code: "PROPOSAL_WAITING", severity: "warning", text: "it waits" } as const;
        await keeper.alerts.raise({ ...about, key: `waiting:${row!.safeTxHash}` });
        await closeNextSession(scene, STRESS.vix, STRESS.vix3m);
        await rig.until(keeper, ["PROPOSED"], 1);
        expect(await keeper.store.proposal(row!.safeTxHash)).to.deep.include({ status: "superseded" });
        expect((await keeper.store.alerts()).filter(({ code }) => code === about.code)).to.deep.equal([]);
      }));

    it("of an RPC that failed before the keeper was started again", () =>
      withRig({}, async (rig) => {
        const first = await rig.keeper();
        stage.rpcs[0]!.fail({ mode: "status", status: 503 });
        await rig.tick(first);
        const standing = async (): Promise<string[]> => (await first.store.alerts()).map(({ code }) => code);
        expect(await standing()).to.include("RPC_TROUBLE");
        stage.rpcs[0]!.fail(null);
        await rig.tick(await rig.keeper());
        expect(await standing()).to.not.include("RPC_TROUBLE");
      }));
  });

  describe("and falls silent", () => {
    /** Serves until what is looked for is there. */
    async function served(rig: Rig, keeper: Keeper, isSo: (port: number) => Promise<boolean>): Promise<void> {
      const stop = new AbortController();
      let port = 0;
      const onListening = (at: number): void => void (port = at);
      const serving = serveKeeper(keeper, { concurrency: 1, signal: stop.signal, lookMs: 50, onListening });
      try {
        for (let tries = 0; !(await isSo(port)); tries++) {
          if (tries > 400) expect.fail(`it did not come about: ${rig.lines.slice(-3).join("")}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      } finally {
        stop.abort();
        await serving;
      }
    }
    /** A slot of so many minutes ago, as it ended. */
    async function ended(rig: Rig, keeper: Keeper, minutesAgo: number, code: string): Promise<void> {
      const at = new Date((await rig.now()) - minutesAgo * 60_000);
      const slot = slotOf(at);
      await keeper.store.due(VAULT, slot, at);
      await keeper.store.begin(VAULT, slot, "w", at, at);
      await keeper.store.finish(VAULT, slot, "w", at, { code, sentence: "" });
    }
    const HOURLY = { http: { port: 0 }, vault: { schedule: "0 * * * *" } };

    it("is not ready, hence sends no heartbeat, when its loop turns and no tick has done its work", () =>
      withRig(HOURLY, async (rig) => {
        const keeper = await rig.keeper();
        await ended(rig, keeper, 150, "INSIDE_BAND");
        for (const ago of [30, 90]) await ended(rig, keeper, ago, "SERVICE_REFUSED");
        rig.service.fail({ kind: "down" });
        await served(rig, keeper, async (port) => {
          if (port === 0) return false;
          const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
          return answer.status === 503 && (await answer.text()).includes(`no tick of ${VAULT} has done its work since`);
        });
      }));

    it("is ready while ticks say that somebody else has to act", () =>
      withRig(HOURLY, async (rig) => {
        const keeper = await rig.keeper();
        for (const ago of [20, 80]) await ended(rig, keeper, ago, "REGIME_UNKNOWN");
        rig.service.fail({ kind: "down" });
        await served(rig, keeper, async (port) => {
          if (port === 0) return false;
          return (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;
        });
      }));

    it("tells of a long sleep in one message, not in one a slot that stand in the way of others", () =>
      withRig({ vault: { schedule: "*/15 * * * *" } }, async (rig) => {
        const keeper = await rig.keeper();
        await ended(rig, keeper, 3 * 1_440, "INSIDE_BAND");
        const told = (): string[] => rig.lines.filter((line) => line.includes("alert_event code=TICK_SKIPPED"));
        await served(rig, keeper, () => Promise.resolve(told().length > 0));
        expect(told()).to.have.length(1);
        expect(told()[0]).to.match(/\d\d slots or more, up to /);
      }));

    it("tells of a tick that hangs", () =>
      withRig({}, async (rig) => {
        const keeper = await rig.keeper();
        const vault = keeper.vaults.get(VAULT)!;
        let release = (): void => undefined;
        const agree = vault.chain.agree.bind(vault.chain);
        const hanging = new Promise<void>((resolve) => (release = resolve));
        vault.chain = { ...vault.chain, agree: () => hanging.then(agree) };
        const slot = await rig.slot();
        await keeper.store.due(VAULT, slot, new Date(await rig.now()));
        const running = runSlot(keeper, VAULT, slot, 0.1, 10);
        while (!rig.lines.some((line) => line.includes("hangs at"))) await new Promise((r) => setTimeout(r, 20));
        expect((await keeper.store.alerts())[0]).to.deep.include({ key: `tick:${VAULT}`, severity: "critical" });
        release();
        await running;
        expect(await keeper.store.alerts(), "over when it ends").to.deep.equal([]);
      }));
  });
});
