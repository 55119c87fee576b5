// A keeper in a process of its own, that may be killed at any instant. It is told what to do in lines of JSON, and answers each.
import { readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createLog } from "../../../src/keeper/ops/log.ts";
import { createQueue } from "../../../src/keeper/queue.ts";
import { openKeeper, runSlot } from "../../../src/keeper/service.ts";
import type { Keeper } from "../../../src/keeper/service.ts";
import { openDatabase } from "../../../src/keeper/store/database.ts";
import { Store } from "../../../src/keeper/store/store.ts";
import { codeOf } from "../../../src/keeper/tickErrors.ts";
import { readPacket } from "../../../src/safe/packetFile.ts";
import type { Asked, Broke, FileSeen, Opened, PlanAsked, Planned, SlotAsked, Told } from "./children.ts";

let keeper: Keeper | null = null;
let now = 0;
const lines: string[] = [];

const FILLER_CHUNK = Buffer.alloc(4_096, "x");

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line) as Asked;
  tell({ began: true });
  tell({ answer: await answer(asked).catch((error: unknown) => broke(error)) });
}

function tell(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

async function answer(asked: Asked): Promise<unknown> {
  switch (asked.do) {
    case "open":
      return open(asked);
    case "slot":
      return slot(asked);
    case "close":
      await keeper?.close();
      keeper = null;
      return null;
    case "plan":
      return plan(asked);
    case "fill":
      return fill(asked.file, asked.leaveBytes);
    case "remove":
      return rm(asked.file, { force: true });
    case "look":
      return look(asked.folder);
  }
}

async function open({ config, environment, worker, deployment, now: at }: Opened): Promise<void> {
  now = at;
  keeper = await openKeeper({
    config,
    environment,
    worker,
    readDeployment: () => Promise.resolve(deployment),
    log: createLog({ form: "text", write: (line) => void lines.push(line) }),
    version: "test",
    now: () => now,
  });
}

/** Runs a slot as a queue's worker does, and looks at what the store then says. */
async function slot({ vault, slot, leaseSeconds, now: at, filler }: SlotAsked): Promise<Told> {
  now = at;
  const filled = filler === undefined ? null : sleep(filler.afterMs).then(() => fill(filler.file, 0));
  const { store, options } = keeper!;
  let end: Told["end"] = null;
  let failure: Broke | null = null;
  try {
    await store.due(vault, slot, new Date(now));
    end = await runSlot(keeper!, vault, slot, leaseSeconds);
  } catch (error) {
    await store.letGo(vault, slot, options.worker).catch(() => undefined);
    failure = broke(error);
  }
  await filled;
  const told = async (): Promise<Pick<Told, "proposals" | "status">> => ({
    proposals: (await store.proposals({ vault })).map(({ safeTxHash, status }) => ({ safeTxHash, status })),
    status: (await store.tick(vault, slot))?.status ?? null,
  });
  const seen = await told().catch(() => ({ proposals: [], status: null }));
  return { end, failure, ...seen, lines: lines.splice(0) };
}

/** Looks at the schedule every so often, as `serve` does, by a clock that walks from one time to another. */
async function plan({ environment, vault, schedule, from, to, stepMs }: PlanAsked): Promise<Planned> {
  const database = await openDatabase({ url: environment["DATABASE_URL"]! });
  const store = await Store.open(database);
  const errors: string[] = [];
  const onError = (error: Error): void => void errors.push(error.message);
  const queue = createQueue(database, store, { worker: "planner", leaseSeconds: 60, onError });
  await queue.start();
  const planned: Planned = { sent: [], missed: [], errors, offsetMinutes: [] };
  for (let at = from; at <= to; at += stepMs) {
    const { sent, missed } = await queue.plan([{ name: vault, schedule }], new Date(at));
    planned.sent.push(...sent.map((job) => job.slot));
    planned.missed.push(...missed.map((job) => job.slot));
    const offset = new Date(at).getTimezoneOffset();
    if (!planned.offsetMinutes.includes(offset)) planned.offsetMinutes.push(offset);
    for (const job of sent) {
      await store.begin(vault, job.slot, "planner", new Date(at), new Date(at + 60_000));
      await store.finish(vault, job.slot, "planner", new Date(at), { code: "INSIDE_BAND", sentence: "" });
    }
  }
  await queue.stop();
  await database.close();
  return planned;
}

/** Writes until there is no room left but so much. */
async function fill(file: string, leaveBytes: number): Promise<null> {
  for (let size = FILLER_CHUNK.length * 256; size >= 1; size = Math.floor(size / 16)) {
    for (;;) {
      try {
        await writeFile(file, Buffer.alloc(size, "x"), { flag: "a" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        break;
      }
    }
  }
  await truncate(file, Math.max(0, (await stat(file)).size - leaveBytes));
  return null;
}

/** The files of a folder, and for each that counts as a packet its proposal. */
async function look(folder: string): Promise<FileSeen[]> {
  const names = await readdir(folder).catch(() => []);
  return Promise.all(
    names.sort().map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      const packet = name.endsWith(".packet.json") ? (await readPacket(join(folder, name))).safeTxHash : null;
      return { name, packet, whole: isJson(text) };
    }),
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function broke(error: unknown): Broke {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return { error: `${name}: ${message}`, code: codeOf(error) };
}
