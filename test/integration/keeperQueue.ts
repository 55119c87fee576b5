import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { keccak256, toUtf8Bytes } from "ethers";
import { createQueue } from "../../src/keeper/queue.ts";
import type { Queue, QueueOptions, TickJob } from "../../src/keeper/queue.ts";
import { openDatabase } from "../../src/keeper/store/database.ts";
import type { Database, DatabasePlace } from "../../src/keeper/store/database.ts";
import { Store } from "../../src/keeper/store/store.ts";
import { BACKENDS, emptyDatabase, postgres } from "../helpers/databases.ts";
import type { WorkerTask } from "../support/keeperWorker.ts";

const DAILY = "5 0 * * *";
/** Due once in this suite's life, whenever it runs. */
const YEARLY = "0 0 1 1 *";
const WORKER = fileURLToPath(new URL("../support/keeperWorker.ts", import.meta.url));
const DONE = { code: "INSIDE_BAND", sentence: "nothing to do" };
const day = (date: number, time = "12:00"): Date => new Date(`2026-11-${date}T${time}:00Z`);
const slot = (date: number): string => `2026-11-${date}T00:05Z`;

for (const backend of BACKENDS) {
  describe(`Keeper's queue, ${backend}`, () => {
    let place: DatabasePlace;
    let databases: Database[];
    let queues: Queue[];
    let errors: Error[];
    let database: Database;
    let store: Store;

    beforeEach(async () => {
      place = await emptyDatabase(backend);
      queues = [];
      errors = [];
      databases = [];
      [database, store] = await open();
    });
    afterEach(async () => {
      await Promise.all(queues.map((queue) => queue.stop()));
      await Promise.all(databases.map((each) => each.close()));
    });

    /** On a server each worker has connections of its own; a folder has one process, hence one database. */
    async function open(): Promise<[Database, Store]> {
      if (backend === "embedded" && databases[0] !== undefined) return [database, await Store.open(database)];
      const opened = await openDatabase(place);
      databases.push(opened);
      return [opened, await Store.open(opened)];
    }

    async function queue(worker: string, options: Partial<QueueOptions> = {}): Promise<Queue> {
      const [own, ownStore] = queues.length === 0 ? [database, store] : await open();
      const made = createQueue(own, ownStore, {
        worker,
        leaseSeconds: 60,
        pollingIntervalSeconds: 0.5,
        onError: (error) => errors.push(error),
        ...options,
      });
      queues.push(made);
      await made.start();
      return made;
    }

    async function emptied(planner: Queue, vaults: { name: string; schedule: string }[], now?: Date): Promise<void> {
      while ((await planner.depth()) > 0) {
        await delay(50);
        await planner.plan(vaults, now ?? new Date());
      }
    }

    /** A tick that only begins and finishes; answers how often each slot was really begun. */
    async function work(worker: string, on: Queue, begun: Map<string, number>, concurrency = 4): Promise<void> {
      await on.work(
        async (job) => {
          const now = new Date();
          const row = await store.begin(job.vault, job.slot, worker, now, new Date(now.getTime() + 60_000));
          if (row === null) return;
          const key = `${job.vault}/${job.slot}`;
          begun.set(key, (begun.get(key) ?? 0) + 1);
          await delay(1);
          await store.finish(job.vault, job.slot, worker, new Date(), DONE);
        },
        { concurrency },
      );
    }

    it("sends the newest slot, and calls older ones missed", async () => {
      const planner = await queue("a");
      const vaults = [{ name: "one", schedule: DAILY }];
      expect(await planner.plan(vaults, day(24))).to.deep.equal({
        sent: [{ vault: "one", slot: slot(24) }],
        missed: [],
        failed: [],
      });
      const nothing = { sent: [], missed: [], failed: [] };
      expect(await planner.plan(vaults, day(24))).to.deep.equal(nothing);
      // The clock was a day ahead: the day it goes back to was never done.
      const earlier = { ...nothing, sent: [{ vault: "one", slot: slot(23) }] };
      expect(await planner.plan(vaults, day(23))).to.deep.equal(earlier);
      expect(await planner.plan(vaults, day(23))).to.deep.equal(nothing);
      expect(await planner.depth()).to.equal(2);

      // Four days later: 23 and 24 were never begun, 25 and 26 never registered.
      const planned = await planner.plan(vaults, day(27));
      expect(planned.sent).to.deep.equal([{ vault: "one", slot: slot(27) }]);
      const missed = [23, 24, 25, 26].map((date) => slot(date));
      expect(planned.missed.map((job) => job.slot).sort()).to.deep.equal(missed);
      const rows = await store.ticks({ limit: 9 });
      expect(rows.map(({ status }) => status)).to.deep.equal(["due", "missed", "missed", "missed", "missed"]);
      expect(rows[1]!.sentence).to.contain("no keeper ran").and.contain(slot(27));
      expect(await planner.depth()).to.equal(1);

      const begun = new Map<string, number>();
      await work("a", planner, begun);
      await emptied(planner, vaults, day(27));
      expect([...begun]).to.deep.equal([[`one/${slot(27)}`, 1]]);
      expect(errors).to.deep.equal([]);
    });

    it("says how many were left out when the clock jumped far", async () => {
      const planner = await queue("a");
      const vaults = [{ name: "one", schedule: "* * * * *" }];
      await planner.plan(vaults, day(10));
      const planned = await planner.plan(vaults, day(27));
      expect(planned.missed).to.have.length(51);
      const rows = await store.ticks({ limit: 99 });
      expect(rows.find(({ slot: at }) => at === "2026-11-27T11:10Z")!.sentence).to.contain(`${17 * 1440 - 51} slots`);
    });

    it("does each slot once with two workers that plan and work at once", async () => {
      const count = backend === "postgres" ? 300 : 60;
      const vaults = Array.from({ length: count }, (_, index) => ({ name: `v${index}`, schedule: YEARLY }));
      const [a, b] = [await queue("a"), await queue("b")];
      const begun = new Map<string, number>();
      await work("a", a, begun);
      await work("b", b, begun);
      const planned = await Promise.all([a, b, a, b].map((each) => each.plan(vaults, new Date())));
      expect(planned.flatMap(({ sent }) => sent)).to.have.length(vaults.length);
      await emptied(a, vaults);
      expect(begun.size).to.equal(vaults.length);
      expect([...begun.values()].every((times) => times === 1)).to.equal(true);
      expect((await store.counts()).ticks).to.deep.equal({ INSIDE_BAND: vaults.length });
      const rows = await store.ticks({ limit: 999 });
      expect(new Set(rows.map(({ attempts }) => attempts))).to.deep.equal(new Set([1]));
      expect(errors).to.deep.equal([]);
    });

    it("registers nothing when the job cannot be sent", async () => {
      const planner = await queue("a");
      await database.query("ALTER TABLE ballast_queue.queue RENAME TO away");
      const failed = await planner.plan([{ name: "one", schedule: DAILY }], day(24)).then(
        () => false,
        () => true,
      );
      expect(failed).to.equal(true);
      expect(await store.lastSlot("one")).to.equal(null);
      await database.query("ALTER TABLE ballast_queue.away RENAME TO queue");
      expect((await planner.plan([{ name: "one", schedule: DAILY }], day(24))).sent).to.have.length(1);
    });

    it("sends again what is due without a job, and nothing twice", async () => {
      const planner = await queue("a");
      const vaults = [{ name: "one", schedule: DAILY }];
      await store.due("one", slot(24), day(24));
      await store.due("other", slot(24), day(24));
      const sent = [{ vault: "one", slot: slot(24) }];
      const plans = await Promise.all([1, 2, 3].map(() => planner.plan(vaults, day(24))));
      expect(plans.flatMap((planned) => planned.sent)).to.deep.equal(sent);

      await store.begin("one", slot(24), "killed", day(24), day(24, "13:00"));
      await database.query("DELETE FROM ballast_queue.job WHERE name = 'tick'");
      expect((await planner.plan(vaults, day(24, "12:59"))).sent).to.deep.equal([]);
      expect((await planner.plan(vaults, day(24, "13:00"))).sent).to.deep.equal(sent);
      expect((await planner.plan(vaults, day(24, "13:00"))).sent).to.deep.equal([]);
    });

    it("sends again what a worker took and died with before it began", async () => {
      const planner = await queue("a", { leaseSeconds: 60 });
      const vaults = [{ name: "one", schedule: DAILY }];
      await planner.plan(vaults, day(24));
      const taken = async (started: number, heard: number): Promise<unknown> => {
        await database.query(
          `UPDATE ballast_queue.job SET state = 'active', started_on = now() - $1::int * interval '1 s',
            heartbeat_on = now() - $2::int * interval '1 s' WHERE name = 'tick' AND state < 'completed'`,
          [started, heard],
        );
        return (await planner.plan(vaults, day(24))).sent;
      };
      expect(await taken(50, 50)).to.deep.equal([]);
      expect(await taken(999, 50)).to.deep.equal([]);
      expect(await taken(999, 70)).to.deep.equal([{ vault: "one", slot: slot(24) }]);
      expect(await taken(999, 50)).to.deep.equal([]);
    });

    it("has one handler at a time on a slot, also when one hangs and its job is taken from it", async () => {
      const planner = await queue("a", { handlerSeconds: 1, retryDelaySeconds: 0 });
      let inside = 0;
      let most = 0;
      let calls = 0;
      await planner.work(
        async ({ vault, slot: at }) => {
          calls += 1;
          most = Math.max(most, (inside += 1));
          const now = new Date();
          await store.begin(vault, at, "a", now, new Date(now.getTime() + 60_000));
          await delay(2_500);
          await store.finish(vault, at, "a", new Date(), DONE);
          inside -= 1;
        },
        { concurrency: 2 },
      );
      const vaults = [{ name: "one", schedule: YEARLY }];
      await planner.plan(vaults, new Date());
      await emptied(planner, vaults);
      expect([calls, most]).to.deep.equal([1, 1]);
      const [job] = await database.query<{ tries: number }>(
        "SELECT retry_count::int AS tries FROM ballast_queue.job WHERE name = 'tick'",
      );
      expect(job!.tries, "the job was taken and fetched again").to.be.greaterThan(0);
    });

    it("tries again what threw, and gives it up in the end", async () => {
      const given: string[] = [];
      const onGivenUp = ({ vault }: TickJob): Promise<void> => Promise.resolve(void given.push(vault));
      const planner = await queue("a", { tries: 3, retryDelaySeconds: 0, onGivenUp });
      const vaults = ["bad", "worse", "mended"].map((name) => ({ name, schedule: YEARLY }));
      const calls: string[] = [];
      await planner.work(
        async ({ vault, slot: at }: TickJob) => {
          calls.push(vault);
          if (vault === "worse") throw new RangeError("before it began");
          const now = new Date();
          const row = await store.begin(vault, at, "a", now, new Date(now.getTime() + 60_000));
          if (row === null) return;
          if (vault === "bad" || row.attempts < 3) throw new RangeError("on purpose");
          await store.finish(vault, at, "a", new Date(), DONE);
        },
        { concurrency: 2 },
      );
      await planner.plan(vaults, new Date());
      await emptied(planner, vaults);
      const rows = new Map((await store.ticks({ limit: 9 })).map((row) => [row.vault, row]));
      expect(rows.get("bad")).to.deep.include({ code: "TICK_FAILED", status: "done", attempts: 3, leaseUntil: null });
      expect(rows.get("bad")!.sentence).to.contain("3 tries").and.contain("on purpose");
      expect(rows.get("worse")!.sentence).to.contain("before it began");
      expect(rows.get("mended")).to.deep.include({ code: "INSIDE_BAND", attempts: 3 });
      for (const { name } of vaults)
        expect(
          calls.filter((call) => call === name),
          name,
        ).to.have.length(3);
      expect(new Set(errors.map(({ name }) => name))).to.deep.equal(new Set(["RangeError"]));
      expect(given.sort(), "told of once").to.deep.equal(["bad", "worse"]);
    });

    it("gives up what killed its worker each time", async () => {
      const planner = await queue("a", { tries: 2 });
      const vaults = [{ name: "one", schedule: DAILY }];
      await store.due("one", slot(24), day(24));
      for (const worker of ["first", "second"]) await store.begin("one", slot(24), worker, day(23), day(23));
      const planned = await planner.plan(vaults, day(24));
      expect(planned).to.deep.equal({ sent: [], missed: [], failed: [{ vault: "one", slot: slot(24) }] });
      expect(await store.tick("one", slot(24))).to.deep.include({ code: "TICK_FAILED", attempts: 2 });
    });

    it("waits for what is under way before it stops", async () => {
      const planner = await queue("a");
      let ended = false;
      const started = new Promise<void>((resolve) => {
        void planner.work(
          async () => {
            resolve();
            await delay(300);
            ended = true;
          },
          { concurrency: 1 },
        );
      });
      await planner.plan([{ name: "one", schedule: DAILY }], day(24));
      await started;
      await planner.stop();
      expect(ended).to.equal(true);
    });

    it("forgets and doubles nothing when a worker is killed, at any moment", async () => {
      const vaults = Array.from({ length: 40 }, (_, index) => `v${index}`);
      // A folder is one process's: this one steps aside.
      await Promise.all(databases.map((each) => each.close()));
      databases = [];
      const task = { place, vaults, schedule: YEARLY, concurrency: 4, leaseSeconds: 1, stepMs: 15 };
      // Between two steps of a tick, and just when a tick ends and the next is fetched.
      const moments = [
        ["begun", 6],
        ["finished", 7],
      ] as const;
      for (const [what, times] of moments) {
        const killed = start({ ...task, worker: `killed-when-${what}` });
        await killed.heard(what, times);
        await killed.kill();
      }
      const last = start({ ...task, worker: "last" });
      await last.heard("ended", 1);

      [database, store] = await open();
      const rows = await store.ticks({ limit: 99 });
      expect(rows).to.have.length(vaults.length);
      expect(rows.every(({ code, status }) => status === "done" && code === "PROPOSED")).to.equal(true);
      const cut = rows.filter(({ attempts }) => attempts > 1);
      expect(cut.length)
        .to.be.greaterThan(0)
        .and.at.most(2 * task.concurrency);
      const proposals = await store.proposals({});
      expect(proposals.map(({ vault }) => vault).sort()).to.deep.equal([...vaults].sort());
      for (const { vault, safeTxHash, status } of proposals) {
        expect(status).to.equal("open");
        expect(rows.find((row) => row.vault === vault)!.safeTxHash).to.equal(safeTxHash);
      }
    });

    if (backend === "postgres") {
      it("does each slot once with two processes", async () => {
        const vaults = Array.from({ length: 200 }, (_, index) => `v${index}`);
        const task = { place, vaults, schedule: YEARLY, concurrency: 4, leaseSeconds: 30, stepMs: 1 };
        const both = ["a", "b"].map((worker) => start({ ...task, worker }));
        await Promise.all(both.map((worker) => worker.heard("ended", 1)));
        const finished = both.map(({ lines }) => lines.filter((line) => line.startsWith("finished")));
        const all = finished.flat();
        expect(all).to.have.length(vaults.length);
        expect(new Set(all).size).to.equal(vaults.length);
        expect(both.flatMap(({ lines }) => lines).filter((line) => /^(error|lost)/.test(line))).to.deep.equal([]);
        const rows = await store.ticks({ limit: 999 });
        expect(rows.filter(({ attempts }) => attempts !== 1)).to.deep.equal([]);
        expect(
          finished.every((lines) => lines.length > 0),
          "both took part",
        ).to.equal(true);
      });

      it("goes on after the server was restarted in the middle", async () => {
        const vaults = Array.from({ length: 40 }, (_, index) => ({ name: `v${index}`, schedule: YEARLY }));
        const planner = await queue("a", { leaseSeconds: 1, retryDelaySeconds: 0 });
        let finished = 0;
        await planner.work(
          async ({ vault, slot: at }) => {
            const now = new Date();
            if ((await store.begin(vault, at, "a", now, new Date(now.getTime() + 1000))) === null) return;
            await delay(20);
            const safeTxHash = keccak256(toUtf8Bytes(vault));
            const intent = { vault, planNonce: at, safeTxHash, safeNonce: "0", slot: at, packet: "", evidenceHash: "" };
            await store.intend(intent, new Date());
            if (await store.finish(vault, at, "a", new Date(), DONE)) finished += 1;
          },
          { concurrency: 4 },
        );
        await planner.plan(vaults, new Date());
        while (finished < 8) await delay(5);
        await (await postgres()).restart(200);
        // A connection that was idle when the server went may still be handed out once.
        while ((await planner.depth().catch(() => Infinity)) > 0) {
          await delay(50);
          await planner.plan(vaults, new Date()).catch((error: unknown) => errors.push(error as Error));
        }
        const rows = await store.ticks({ limit: 99 });
        expect(rows.filter(({ code }) => code !== "INSIDE_BAND")).to.deep.equal([]);
        expect(rows).to.have.length(vaults.length);
        expect(await store.proposals({})).to.have.length(vaults.length);
        expect(errors.length, "somebody was told").to.be.greaterThan(0);
      });
    }
  });
}

interface Started {
  lines: string[];
  /** Waits for so many lines that begin so; fails when the process ends before. */
  heard(what: string, times: number): Promise<void>;
  kill(): Promise<void>;
}

function start(task: WorkerTask): Started {
  const child: ChildProcess = spawn(process.execPath, [WORKER, JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const ended = once(child, "exit");
  const reader = createInterface({ input: child.stdout! });
  reader.on("line", (line) => lines.push(line));
  const closed = once(reader, "close");
  return {
    lines,
    heard: async (what, times) => {
      const enough = (): boolean => lines.filter((line) => line.startsWith(what)).length >= times;
      while (!enough()) {
        const over = await Promise.race([closed.then(() => true), delay(5).then(() => false)]);
        if (over && !enough()) throw new Error(`the worker ended too early: ${lines.slice(-5).join(" | ")}`);
      }
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
