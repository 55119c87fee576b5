import { PgBoss } from "pg-boss";
import type { JobWithMetadata } from "pg-boss";
import { speakable } from "./ops/text.ts";
import { slotOf, slotsDue } from "./schedule.ts";
import { bossIn } from "./store/database.ts";
import type { Database, Queryable } from "./store/database.ts";
import type { Store, TickRow } from "./store/store.ts";

/*
 * Slots become jobs. The row in the store is what counts: it is made once for a slot, in the same transaction as its job,
 * and says who works on it. A job only wakes a worker; where one got lost, or its worker died, `plan` sends another.
 */

export interface TickJob {
  vault: string;
  slot: string;
}

export interface Planned {
  sent: TickJob[];
  /** Registered, but over before anybody began them; a vault's in order. */
  missed: TickJob[];
  /** Given up: their workers died, or their handler threw, too often. */
  failed: TickJob[];
}

export interface Queue {
  start(): Promise<void>;
  /**
   * Makes what is due: the newest slot of each vault gets a job, older ones nobody began are missed, and what a worker
   * left behind gets a job again. Any worker may call it, at any time, as often as it likes.
   */
  plan(vaults: { name: string; schedule: string }[], now: Date): Promise<Planned>;
  /**
   * Hands jobs to `handler`, which begins, holds and finishes the tick in the store, and comes back without doing anything
   * where `Store.begin` answers null. When it throws, the slot is tried again, and given up (TICK_FAILED) in the end.
   */
  work(handler: (job: TickJob) => Promise<void>, options: { concurrency: number }): Promise<void>;
  /** Takes no more jobs and waits for those under way; what takes too long is tried again by whoever comes next. */
  stop(): Promise<void>;
  /** Slots that wait or are under way. */
  depth(): Promise<number>;
}

export interface QueueOptions {
  /** As in `Store.begin`: its own for one life of the process. */
  worker: string;
  /** How often idle workers look for jobs; those this process sends are taken at once. */
  pollingIntervalSeconds?: number;
  /** For how long `Store.begin` and `Store.hold` take a tick; a worker not heard of for as long is dead. */
  leaseSeconds: number;
  /** Handlers' failures, and the database's while nobody waits for it. */
  onError: (error: Error) => void;
  onWarning?: (message: string) => void;
  /** A slot's last try threw, and nobody tries it again. */
  onGivenUp?: (job: TickJob) => Promise<void>;
  /** How often a slot is begun in all. */
  tries?: number;
  /** Before the first repetition; doubled, with jitter, at each. 0 for none. */
  retryDelaySeconds?: number;
  /** A handler that takes longer hangs: its job is taken from it. */
  handlerSeconds?: number;
  /** How long `stop` waits for handlers. */
  stopSeconds?: number;
  now?: () => Date;
}

const QUEUE = "tick";
/** Apart from other programs that use pg-boss on the same database, and from their versions of it. */
const SCHEMA = "ballast_queue";
const DEFAULT_TRIES = 5;
/** Doubled and jittered four times, five tries take six to twelve minutes. */
const DEFAULT_RETRY_DELAY_SECONDS = 25;
const DEFAULT_HANDLER_SECONDS = 900;
const DEFAULT_STOP_SECONDS = 30;
/** Of slots that came due while no keeper ran, so many are registered as missed. */
const MISSED_AT_MOST = 50;
/** pg-boss takes no shorter one. */
const SHORTEST_HEARTBEAT_SECONDS = 10;

export function createQueue(database: Database, store: Store, options: QueueOptions): Queue {
  const { worker, leaseSeconds, onError, now = () => new Date() } = options;
  const tries = options.tries ?? DEFAULT_TRIES;
  const retryDelay = options.retryDelaySeconds ?? DEFAULT_RETRY_DELAY_SECONDS;
  const boss = new PgBoss({ ...database.boss, schema: SCHEMA, schedule: false, instanceName: worker });
  boss.on("error", (error) => onError(asError(error)));
  boss.on("warning", ({ message }) => options.onWarning?.(message));
  const running = new Set<string>();
  const workers: string[] = [];

  /** What is queued may be fetched now, without waiting for the next look. */
  const wake = (): void => {
    for (const id of workers) boss.notifyWorker(id);
  };

  const send = async (job: TickJob, attempts: number, tx: Queryable): Promise<void> => {
    await boss.send(QUEUE, job, {
      db: bossIn(tx),
      singletonKey: keyOf(job),
      retryLimit: Math.max(0, tries - 1 - attempts),
      retryDelay,
      retryBackoff: retryDelay > 0,
      expireInSeconds: options.handlerSeconds ?? DEFAULT_HANDLER_SECONDS,
      heartbeatSeconds: Math.max(SHORTEST_HEARTBEAT_SECONDS, Math.ceil(leaseSeconds)),
    });
  };

  const planVault = async (vault: { name: string; schedule: string }, at: Date, tx: Queryable, planned: Planned) => {
    // A clock that was ahead leaves slots of the future, which must not keep those of the present from being due.
    const last = await store.lastSlot(vault.name, tx, slotOf(at));
    await store.unmiss(vault.name, slotOf(at), tx);
    const { slots, leftOut } = slotsDue({ cron: vault.schedule, last, now: at, limit: MISSED_AT_MOST + 1 });
    const newest = slots.pop();
    for (const [index, slot] of slots.entries()) {
      const more = index === 0 && leftOut > 0 ? `, as was the case with ${leftOut} slots before it` : "";
      await store.due(vault.name, slot, at, tx);
      await store.miss(vault.name, slot, at, `no keeper ran when it was due${more}: ${newest!} is done instead`, tx);
      planned.missed.push({ vault: vault.name, slot });
    }
    if (newest === undefined) return;
    await store.due(vault.name, newest, at, tx);
    await send({ vault: vault.name, slot: newest }, 0, tx);
    planned.sent.push({ vault: vault.name, slot: newest });
  };

  const mend = async (row: TickRow, newest: string, at: Date, tx: Queryable, planned: Planned): Promise<void> => {
    const job = { vault: row.vault, slot: row.slot };
    if (row.status === "due" && row.slot < newest) {
      if (await store.miss(row.vault, row.slot, at, `nobody began it in time: ${newest} is done instead`, tx)) {
        planned.missed.push(job);
      }
      return;
    }
    if (!isFree(row, at, leaseSeconds)) return;
    const db = bossIn(tx);
    const live = (await boss.findJobs<TickJob>(QUEUE, { key: keyOf(job), db })).filter(({ state }) => LIVE.has(state));
    if (live.length > 0 && !(await areDead(live, leaseSeconds, tx))) return;
    // Where the job ended meanwhile, its worker finished the row before: only a look after that tells what is left.
    const after = await store.tick(row.vault, row.slot, tx);
    if (after === null || !isFree(after, at, leaseSeconds)) return;
    if (after.attempts >= tries) {
      const sentence = `begun ${after.attempts} times and never finished: its workers died, or it threw each time`;
      if (await store.giveUp(row.vault, row.slot, worker, at, sentence, tx)) planned.failed.push(job);
      return;
    }
    for (const { id } of live) await boss.deleteJob(QUEUE, id, { db });
    await send(job, after.attempts, tx);
    planned.sent.push(job);
  };

  const handle = async (job: JobWithMetadata<TickJob>, handler: (job: TickJob) => Promise<void>): Promise<void> => {
    const { vault, slot } = job.data;
    const key = keyOf(job.data);
    // A handler that its job was taken from, for it hung, is still at it: two at once must not be, the lease is the same.
    if (running.has(key)) return;
    running.add(key);
    try {
      await handler({ vault, slot });
    } catch (error) {
      onError(asError(error));
      const last = job.retryCount >= job.retryLimit;
      const sentence = speakable(`it threw at each of ${job.retryCount + 1} tries, last: ${asError(error).message}`);
      try {
        if (!last) await store.letGo(vault, slot, worker);
        else if (await store.giveUp(vault, slot, worker, now(), sentence)) await options.onGivenUp?.({ vault, slot });
      } catch (failure) {
        // The lease runs out instead, and `plan` sees to the rest.
        onError(asError(failure));
      }
      throw error;
    } finally {
      running.delete(key);
      wake();
    }
  };

  return {
    start: async () => {
      await boss.start();
      // At most one job per key waits or is active.
      await boss.createQueue(QUEUE, { policy: "exclusive" });
      // Makes pg-boss know the queue: inside a transaction of an embedded database it could not ask.
      await boss.findJobs(QUEUE, { limit: 1 });
    },
    plan: async (vaults, at) => {
      const planned = await database.transaction(async (tx) => {
        const result: Planned = { sent: [], missed: [], failed: [] };
        // One worker plans at a time, so none waits for another's rows.
        await tx.query("SELECT pg_advisory_xact_lock(hashtext('ballast.plan'))");
        const left = await store.unfinished(tx);
        for (const vault of vaults) await planVault(vault, at, tx, result);
        for (const row of left) {
          // Another configuration's vault is that one's to see to.
          if (!vaults.some(({ name }) => name === row.vault)) continue;
          const newest = await store.lastSlot(row.vault, tx, slotOf(at));
          await mend(row, newest ?? row.slot, at, tx, result);
        }
        return result;
      });
      if (planned.sent.length > 0) wake();
      return planned;
    },
    work: async (handler, { concurrency }) => {
      const workOptions = {
        includeMetadata: true,
        heartbeatRefreshSeconds: Math.min(SHORTEST_HEARTBEAT_SECONDS, leaseSeconds) / 3,
        ...(options.pollingIntervalSeconds === undefined
          ? {}
          : { pollingIntervalSeconds: options.pollingIntervalSeconds }),
      } as const;
      // One by one, not as pg-boss's own concurrency: of those only the first can be woken.
      for (let count = 0; count < concurrency; count++) {
        const id = await boss.work<TickJob, undefined, typeof workOptions>(QUEUE, workOptions, async ([job]) => {
          if (job !== undefined) await handle(job, handler);
          return undefined;
        });
        workers.push(id);
      }
    },
    stop: () => boss.stop({ graceful: true, timeout: (options.stopSeconds ?? DEFAULT_STOP_SECONDS) * 1000 }),
    depth: async () => (await store.unfinished()).length,
  };
}

const LIVE: ReadonlySet<string> = new Set(["created", "retry", "active"]);

function keyOf({ vault, slot }: TickJob): string {
  return `${vault}/${slot}`;
}

/** Unfinished, and nobody's. */
function isFree({ status, leaseUntil }: TickRow, at: Date, leaseSeconds: number): boolean {
  if (status !== "running") return status === "due";
  const left = leaseUntil === null ? 0 : leaseUntil.getTime() - at.getTime();
  // More than anybody takes is left of a lease by a clock that was ahead.
  return left <= 0 || left > 2 * leaseSeconds * 1_000;
}

/** Active, but their worker was not heard of for a lease's time, by the database's own clock. */
async function areDead(jobs: JobWithMetadata<TickJob>[], leaseSeconds: number, tx: Queryable): Promise<boolean> {
  const [clock] = await tx.query<{ now: Date }>("SELECT now() AS now");
  const limit = clock!.now.getTime() - leaseSeconds * 1000;
  return jobs.every(
    ({ state, startedOn, heartbeatOn }) =>
      state === "active" && Math.max(startedOn.getTime(), heartbeatOn?.getTime() ?? 0) < limit,
  );
}

/** pg-boss reports some of its errors as plain objects with a message. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new QueueFault(thrown);
}

class QueueFault extends Error {
  constructor(thrown: unknown) {
    const { name, message } = (thrown ?? {}) as { name?: string; message?: string };
    super(`the queue reports: ${name === undefined ? "" : `${name}: `}${message ?? String(thrown)}`, { cause: thrown });
    this.name = "QueueFault";
  }
}
