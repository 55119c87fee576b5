import { expect } from "chai";
import { serveKeeper } from "../../src/keeper/serve.ts";
import { RpcUnavailable } from "../../src/keeper/observe.ts";
import { runOnce } from "../../src/keeper/service.ts";
import type { Keeper } from "../../src/keeper/service.ts";
import { parsePacket } from "../../src/safe/packet.ts";
import { parseStatus } from "../../src/keeper/status.ts";
import { rejection } from "../helpers/safeScene.ts";
import { vaultScene } from "../helpers/vaultScene.ts";
import { startScriptedServer } from "../support/ops/scriptedServer.ts";
import type { ScriptedServer } from "../support/ops/scriptedServer.ts";
import { openStage, Rig, VAULT } from "../support/faults/rig.ts";
import type { Stage } from "../support/faults/rig.ts";

describe("ballast keeper run", () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage(await vaultScene());
  });
  after(() => stage.close());

  for (const embedded of [false, true]) {
    it(`keeps a vault's schedule, shows how it stands, and stops when told: ${embedded ? "embedded" : "Postgres"}`, async () => {
      const rig = await Rig.open(stage, { embedded, http: { port: 0 }, vault: { schedule: "* * * * *" } });
      const keeper = await rig.keeper();
      const stop = new AbortController();
      let port = 0;
      const served = serveKeeper(keeper, {
        concurrency: 2,
        signal: stop.signal,
        lookMs: 50,
        onListening: (at) => {
          port = at;
        },
      });
      try {
        const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
        await until(async () => (await keeper.store.ticks({ limit: 1 }))[0]?.status === "done");
        const [tick] = await keeper.store.ticks({ limit: 1 });
        expect(tick).to.deep.include({ vault: VAULT, code: "PROPOSED", attempts: 1 });
        expect(await rig.alive()).to.have.length(1);

        const status = parseStatus(await (await ask("/status")).text(), "the keeper");
        expect(status.vaults[0]!.last).to.deep.include({ code: "PROPOSED" });
        expect(status.vaults[0]!.proposals.map(({ signatures }) => signatures)).to.deep.equal([
          { have: 0, threshold: 2 },
        ]);
        const proposals = await ask("/proposals");
        expect(proposals.headers.get("access-control-allow-origin")).to.equal("*");
        const packets = (await proposals.json()) as unknown[];
        expect(packets.map((packet) => parsePacket(JSON.stringify(packet)).safeTxHash)).to.deep.equal([
          tick!.safeTxHash,
        ]);
        const schedule = await ask("/schedule");
        expect(schedule.headers.get("access-control-allow-origin")).to.equal("*");
        const [next] = (await schedule.json()) as { vault: string; nextSlot: string }[];
        expect(next?.nextSlot).to.equal(status.vaults[0]!.nextSlot);
        expect(next?.vault).to.match(/^0x[0-9a-fA-F]{40}$/);
        expect((await ask("/readyz")).status).to.equal(200);
        expect((await ask("/healthz")).status).to.equal(200);
        const metrics = await (await ask("/metrics")).text();
        expect(metrics).to.include(`ballast_ticks_total{vault="${VAULT}",code="PROPOSED"} 1`);
        expect(metrics).to.match(/ballast_rpc_requests_total\{chain="local",host="[^"]+",result="ok"\} [1-9]/);
        expect(metrics).to.include(`ballast_open_proposals{vault="${VAULT}"} 1`);
      } finally {
        stop.abort();
        await served;
        await rig.close();
        await stage.scene.reset();
      }
    });
  }

  describe("sends its heartbeat", () => {
    let rig: Rig;
    let pings: ScriptedServer;
    beforeEach(async () => {
      pings = await startScriptedServer();
      rig = await Rig.open(stage, { http: { port: 0 } });
    });
    afterEach(async () => {
      await rig.close();
      await pings.close();
      await stage.scene.reset();
    });
    async function beating(): Promise<Keeper> {
      const keeper = await rig.keeper();
      keeper.options.config.heartbeat = { url: pings.url, everySeconds: 1 };
      return keeper;
    }
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));

    it("not when its queue does not start: a keeper that dies again and again must not look alive", async () => {
      const keeper = await beating();
      const executeSql = async (): Promise<never> => {
        await pause();
        throw new RangeError("no right to make a schema");
      };
      const database = { ...keeper.database, boss: { db: { executeSql } } };
      let port = 0;
      const onListening = (at: number): void => void (port = at);
      const options = { concurrency: 1, signal: new AbortController().signal, onListening };
      expect((await rejection(serveKeeper({ ...keeper, database }, options))).message).to.include("no right");
      expect(pings.received).to.deep.equal([]);
      expect(await rejection(fetch(`http://127.0.0.1:${port}/healthz`)), "it serves no more").to.be.instanceOf(
        TypeError,
      );
    });

    it("once by cron, when every vault's tick did its work", async () => {
      const keeper = await beating();
      await rig.setClocks();
      await runOnce(keeper, "nobody");
      expect(pings.received, "of no vault").to.deep.equal([]);
      const vault = keeper.vaults.get(VAULT)!;
      const agree = (): Promise<never> => Promise.reject(new RpcUnavailable("gone"));
      await runOnce({ ...keeper, vaults: new Map([[VAULT, { ...vault, chain: { ...vault.chain, agree } }]]) });
      expect(pings.received, "of a tick that broke").to.deep.equal([]);
      await runOnce(keeper);
      expect(pings.received, "of a minute that was done").to.deep.equal([]);
      const later = { ...vault, now: () => new Date(vault.now().getTime() + 60_000) };
      await runOnce({ ...keeper, vaults: new Map([[VAULT, later]]) });
      expect(pings.received).to.have.length(1);
    });

    it("from when it looked at its schedule", async () => {
      const keeper = await beating();
      let isBroken = true;
      const database: Keeper["database"] = {
        ...keeper.database,
        transaction: (work) =>
          isBroken ? Promise.reject(new RangeError("a database that is away")) : keeper.database.transaction(work),
      };
      const stop = new AbortController();
      const served = serveKeeper({ ...keeper, database }, { concurrency: 1, signal: stop.signal, lookMs: 50 });
      try {
        await until(async () => rig.lines.some((line) => line.includes("a database that is away")));
        await pause();
        expect(pings.received).to.deep.equal([]);
        isBroken = false;
        await until(async () => pings.received.length > 0);
      } finally {
        stop.abort();
        await served;
      }
    });
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect.fail("it did not come about in 30 s");
}
