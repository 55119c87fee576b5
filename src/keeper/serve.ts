import { setTimeout as sleep } from "node:timers/promises";
import type { AlertCode } from "./ops/alert.ts";
import { startHeartbeat } from "./ops/heartbeat.ts";
import { serveHttp } from "./ops/http.ts";
import { createQueue } from "./queue.ts";
import type { TickJob } from "./queue.ts";
import { nextSlot, slotOf } from "./schedule.ts";
import { runSlot } from "./service.ts";
import type { Keeper } from "./service.ts";
import { readPacket } from "../safe/packetFile.ts";
import type { ProposalRow } from "./rows.ts";
import { signaturesSoFar } from "./signaturesSoFar.ts";
import { statusOf } from "./status.ts";
import type { SignaturesSoFar, StatusJson } from "./status.ts";
import { ERROR_CODES } from "./tickErrors.ts";

/** How often the schedule is looked at; a slot is a minute at the least. */
const LOOK_MS = 5_000;
/** A slot belongs to a worker for this long at a time: what was killed is taken over after it. */
const LEASE_SECONDS = 120;
/** The schedule's loop is dead when it has not looked for this long. */
const DEAD_LOOP_MS = 120_000;
/** A tick that fails is tried again for some ten minutes, and one of fifteen minutes counts as hung. */
const IDLE_GRACE_MS = 1_800_000;
const PRUNE_MS = 86_400_000;
const KEPT_MS = 30 * 86_400_000;

export interface ServeOptions {
  /** Vaults that tick at the same time, at most. */
  concurrency: number;
  signal: AbortSignal;
  lookMs?: number;
  leaseSeconds?: number;
  /** Told the port that metrics and health are served at. */
  onListening?: (port: number) => void;
}

/**
 * Keeps the vaults' schedules until told to stop: slots become jobs, jobs become ticks, in this process and in any other on the
 * same database. Answers when everything under way has ended.
 */
export async function serveKeeper(keeper: Keeper, options: ServeOptions): Promise<void> {
  const { config, log, worker, now = Date.now } = keeper.options;
  const { signal, concurrency, lookMs = LOOK_MS, leaseSeconds = LEASE_SECONDS } = options;
  const queue = createQueue(keeper.database, keeper.store, {
    worker,
    leaseSeconds,
    onError: (error) => log.error("queue", {}, `${error.name}: ${error.message}`),
    onGivenUp: ({ vault, slot }) => gaveUp(vault, slot),
  });
  const health = healthOf(keeper, now);
  const http =
    config.http === null
      ? null
      : await serveHttp({
          ...config.http,
          metrics: keeper.metrics,
          unready: () => health.problems(),
          lastBeat: () => health.beat(),
          maxBeatAgeSeconds: DEAD_LOOP_MS / 1_000,
          now,
          status: () => standing(keeper, now),
          proposals: async () =>
            (await keeper.store.proposals({ open: true })).map(({ packet }) => JSON.parse(packet) as unknown),
          schedule: async () =>
            [...keeper.vaults.values()].map(({ deployment, config: { schedule } }) => ({
              vault: deployment.vault,
              nextSlot: nextSlot(schedule, new Date(now())),
            })),
        });
  if (http !== null) options.onListening?.(http.port);
  let heartbeat: ReturnType<typeof startHeartbeat> | null = null;
  try {
    await queue.start();
    const vaults = [...keeper.vaults.keys()].join(", ");
    const text = `keeper ${worker} watches ${vaults}`;
    keeper.alerts.tell({ key: `started:${worker}`, vault: null, code: "KEEPER_STARTED", severity: "info", text });
    log.info("keeper_started", { worker, vaults: [...keeper.vaults.keys()], database: keeper.database.kind });
    await queue.work(
      async ({ vault, slot }) => {
        await runSlot(keeper, vault, slot, leaseSeconds);
      },
      { concurrency },
    );
    await look();
  } finally {
    await queue.stop().finally(() => {
      heartbeat?.stop();
      return http?.close();
    });
    log.info("keeper_stopped", { worker });
  }

  /** Not before the schedule was looked at once: a keeper that dies on its way there, over and over, is not alive. */
  function beat(): void {
    if (config.heartbeat === undefined) return;
    const isHealthy = async (): Promise<boolean> => (await health.problems()).length === 0;
    heartbeat ??= startHeartbeat({ ...config.heartbeat, isHealthy, log });
  }

  async function gaveUp(vault: string, slot: string): Promise<void> {
    log.error("slot_given_up", { vault, slot, code: "TICK_FAILED" });
    const at = now() / 1_000;
    keeper.metrics.tick(vault, "TICK_FAILED", at - new Date(slot).getTime() / 1_000, at);
    const text = `slot ${slot} was given up: "ballast explain ${slot}" says how far it came`;
    await keeper.alerts.raise({ key: `tick:${vault}`, vault, code: "TICK_FAILED", severity: "critical", text });
  }

  async function look(): Promise<void> {
    const schedules = [...keeper.vaults.values()].map(({ config: { name, schedule } }) => ({ name, schedule }));
    let pruned = 0;
    while (!signal.aborted) {
      try {
        const { sent, missed, failed } = await queue.plan(schedules, new Date(now()));
        for (const { vault, slot } of sent) log.info("slot_due", { vault, slot });
        for (const { vault, slot } of missed) log.warn("slot_missed", { vault, slot, code: "MISSED" });
        tellOfMissed(keeper, missed);
        for (const { vault, slot } of failed) await gaveUp(vault, slot);
        keeper.metrics.queueDepth(await queue.depth());
        await countAlerts(keeper);
        health.looked();
        beat();
        // After the look: a database too slow to forget is no loop that stands.
        if (Math.abs(now() - pruned) > PRUNE_MS) {
          await keeper.store.prune(new Date(now() - KEPT_MS));
          pruned = now();
        }
        await keeper.alerts.clear("database");
      } catch (error) {
        const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        log.error("schedule", {}, text);
        await keeper.alerts.raise({ key: "database", vault: null, code: "DATABASE", severity: "critical", text });
      }
      await sleep(lookMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** One message a vault, however long nobody ran: dozens would stand in the way of what is told next. */
function tellOfMissed({ alerts }: Keeper, missed: readonly TickJob[]): void {
  for (const vault of new Set(missed.map((job) => job.vault))) {
    const jobs = missed.filter((job) => job.vault === vault);
    const last = jobs.at(-1)!.slot;
    const slots = jobs.length === 1 ? `slot ${last}` : `${jobs.length} slots or more, up to ${last},`;
    alerts.tell({
      key: `missed:${vault}:${last}`,
      vault,
      code: "TICK_SKIPPED",
      severity: "warning",
      text: `${slots} passed while no keeper ran; the newest slot is done instead`,
    });
  }
}

async function countAlerts({ store, metrics }: Keeper): Promise<void> {
  const counts: Partial<Record<AlertCode, number>> = {};
  for (const { code } of await store.alerts()) {
    counts[code as AlertCode] = (counts[code as AlertCode] ?? 0) + 1;
  }
  metrics.alertsStanding(counts);
}

/** What `ballast status` shows of a keeper that runs. */
async function standing({ store, chains, vaults, database, options }: Keeper, now: () => number): Promise<StatusJson> {
  const rpc = [...chains].flatMap(([chain, endpoints]) =>
    endpoints.health().map(({ host, state, reason, head }) => ({
      chain,
      host,
      ok: state === "ok",
      detail: reason ?? (head === null ? "not asked yet" : `at block ${head}`),
    })),
  );
  const kept = database.kind === "embedded" ? `embedded in ${options.config.database.folder}` : "a Postgres server";
  const signaturesOf = async (proposal: ProposalRow): Promise<SignaturesSoFar | null> => {
    const vault = vaults.get(proposal.vault);
    if (vault === undefined) return null;
    return signaturesSoFar(proposal, { provider: vault.chain.provider, service: vault.service, readPacket });
  };
  return statusOf(store, { config: options.config, now: new Date(now()), database: kept, rpc, signaturesOf });
}

interface Health {
  looked(): void;
  /** When the schedule was last looked at, in milliseconds since 1970-01-01. */
  beat(): number;
  /** Why the keeper is not ready; empty when it is. */
  problems(): Promise<string[]>;
}

function healthOf(keeper: Keeper, now: () => number): Health {
  const started = now();
  let looked = started;
  /** A keeper that turns and whose ticks all fail, or hang, does no more for a vault than one that is gone. */
  async function idle(): Promise<string[]> {
    const worked = await keeper.store.lastWorked([...keeper.vaults.keys()], ERROR_CODES, slotOf(new Date(now())));
    return [...keeper.vaults.values()].flatMap(({ config: { name, schedule } }) => {
      const slot = worked.get(name);
      const since = slot === undefined ? new Date(started) : new Date(slot);
      const due = new Date(nextSlot(schedule, since)).getTime();
      return now() > due + IDLE_GRACE_MS ? [`no tick of ${name} has done its work since ${since.toISOString()}`] : [];
    });
  }
  return {
    looked: () => {
      looked = now();
    },
    beat: () => looked,
    async problems() {
      const problems: string[] = [];
      if (now() - looked > DEAD_LOOP_MS) problems.push("the schedule has not been looked at for two minutes");
      await idle().then(
        (vaults) => problems.push(...vaults),
        () => problems.push("the database does not answer"),
      );
      for (const [name, endpoints] of keeper.chains) {
        if (!endpoints.health().some(({ state }) => state === "ok")) problems.push(`no RPC of ${name} works`);
      }
      return problems;
    },
  };
}
