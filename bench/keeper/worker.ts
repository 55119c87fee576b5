// A keeper in a process of its own, for bench/keeper.ts: ticks a number of times, or works a queue until it is empty.
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseConfig } from "../../src/keeper/config.ts";
import { createLog } from "../../src/keeper/ops/log.ts";
import { createQueue } from "../../src/keeper/queue.ts";
import { openKeeper, runSlot } from "../../src/keeper/service.ts";
import { slotOf } from "../../src/keeper/schedule.ts";
import type { Deployment } from "../../src/plan/deployment.ts";

/** What the parent asks for. */
export interface Order {
  config: string;
  environment: Record<string, string>;
  deployment: Deployment;
  worker: string;
  /** Milliseconds since 1970-01-01. */
  now: number;
  work: { kind: "ticks"; warmUp: number; count: number; samples: number } | { kind: "queue"; until: number };
}

/** What it answers. */
export type Told =
  | { kind: "ready" }
  | { kind: "ticks"; cpuMs: number; wallMs: number; roundTrips: number; heap: number[]; codes: Record<string, number> }
  | { kind: "queue"; done: number };

const LEASE_SECONDS = 120;

process.once("message", (order: Order) => {
  void run(order).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
});

async function run(order: Order): Promise<void> {
  let now = order.now;
  const keeper = await openKeeper({
    config: parseConfig(order.config, "bench", order.environment),
    environment: order.environment,
    worker: order.worker,
    readDeployment: () => Promise.resolve(order.deployment),
    log: createLog({ form: "json", level: "error" }),
    version: "bench",
    now: () => now,
  });
  const vaults = [...keeper.vaults.keys()];
  if (order.work.kind === "ticks") {
    const { warmUp, count, samples } = order.work;
    const endpoints = [...keeper.chains.values()][0]!;
    const codes: Record<string, number> = {};
    const heap: number[] = [];
    const tick = async (): Promise<void> => {
      now += 60_000;
      const slot = slotOf(new Date(now));
      await keeper.store.due(vaults[0]!, slot, new Date(now));
      const end = await runSlot(keeper, vaults[0]!, slot, LEASE_SECONDS);
      codes[end?.code ?? "none"] = (codes[end?.code ?? "none"] ?? 0) + 1;
    };
    for (let done = 0; done < warmUp; done++) await tick();
    const trips = endpoints.roundTrips;
    const cpu = process.cpuUsage();
    const began = performance.now();
    for (let done = 0; done < count; done++) {
      if (done % Math.ceil(count / samples) === 0) heap.push(heapNow());
      await tick();
    }
    heap.push(heapNow());
    const used = process.cpuUsage(cpu);
    tell({
      kind: "ticks",
      cpuMs: (used.user + used.system) / 1_000 / count,
      wallMs: (performance.now() - began) / count,
      roundTrips: (endpoints.roundTrips - trips) / count,
      heap,
      codes,
    });
  } else {
    const queue = createQueue(keeper.database, keeper.store, {
      worker: order.worker,
      leaseSeconds: LEASE_SECONDS,
      pollingIntervalSeconds: 0.5,
      onError: (error) => process.stderr.write(`${error.message}\n`),
    });
    await queue.start();
    const go = new Promise((resolve) => process.once("message", resolve));
    tell({ kind: "ready" });
    await go;
    let done = 0;
    const worked = queue.work(
      async ({ vault, slot }) => {
        if ((await runSlot(keeper, vault, slot, LEASE_SECONDS)) !== null) done++;
      },
      { concurrency: 4 },
    );
    await worked;
    while ((await queue.depth()) > 0) await sleep(200);
    await queue.stop();
    tell({ kind: "queue", done });
  }
  await keeper.close();
}

function heapNow(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function tell(told: Told): void {
  process.send!(told);
}
