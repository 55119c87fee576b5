import { setTimeout as delay } from "node:timers/promises";
import { keccak256, toUtf8Bytes } from "ethers";
import { createQueue } from "../../src/keeper/queue.ts";
import { openDatabase } from "../../src/keeper/store/database.ts";
import type { DatabasePlace } from "../../src/keeper/store/database.ts";
import { Store } from "../../src/keeper/store/store.ts";

/*
 * A keeper's process without a chain: `node keeperWorker.ts '{…}'`. Its tick begins, intends a proposal, finishes, and says
 * so, a line each. It ends when nothing is left to do.
 */

export interface WorkerTask {
  place: DatabasePlace;
  worker: string;
  vaults: string[];
  schedule: string;
  concurrency: number;
  leaseSeconds: number;
  /** How long a tick rests between its steps: time to be killed in. */
  stepMs: number;
}

const PLAN_MS = 100;

const task = JSON.parse(process.argv[2]!) as WorkerTask;
const database = await openDatabase(task.place);
const store = await Store.open(database);
const queue = createQueue(database, store, {
  worker: task.worker,
  leaseSeconds: task.leaseSeconds,
  pollingIntervalSeconds: 0.5,
  onError: (error) => say("error", error.message),
});
await queue.start();
await queue.work(
  async ({ vault, slot }) => {
    const now = new Date();
    const leaseUntil = new Date(now.getTime() + task.leaseSeconds * 1000);
    if ((await store.begin(vault, slot, task.worker, now, leaseUntil)) === null) return;
    say("begun", vault);
    await delay(task.stepMs);
    await store.note(vault, slot, "plan", new Date(), 1, { vault });
    const safeTxHash = keccak256(toUtf8Bytes(`${vault} by ${task.worker}`));
    const intent = { vault, planNonce: slot, safeTxHash, safeNonce: "0", slot, packet: "{}", evidenceHash: safeTxHash };
    const standing = await store.intend(intent, new Date());
    await delay(task.stepMs);
    await store.handedOut(vault, standing.safeTxHash, ["file"], new Date());
    await delay(task.stepMs);
    const outcome = { code: "PROPOSED", sentence: "out", safeTxHash: standing.safeTxHash };
    say((await store.finish(vault, slot, task.worker, new Date(), outcome)) ? "finished" : "lost", vault);
  },
  { concurrency: task.concurrency },
);
const vaults = task.vaults.map((name) => ({ name, schedule: task.schedule }));
do {
  await queue.plan(vaults, new Date());
  await delay(PLAN_MS);
} while ((await queue.depth()) > 0);
await queue.stop();
await database.close();
say("ended");

function say(what: string, about = ""): void {
  process.stdout.write(`${what} ${about}\n`);
}
