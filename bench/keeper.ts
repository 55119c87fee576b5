// The keeper's own cost: `npm run bench:keeper`. Round trips and own time of a tick, without a key and with one, memory over
// many ticks, and a slot of a thousand vaults on one Postgres with two and four workers. The chain answers from memory, so that
// the keeper is what is measured. Exits 1 when a figure is not kept. `-- --ticks 1000 --vaults 100` for a quick look.
import { fork } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { encryptKeystoreJson } from "ethers";
import { doChores } from "../src/keeper/chores.ts";
import { openDatabase } from "../src/keeper/store/database.ts";
import { createQueue } from "../src/keeper/queue.ts";
import { Store } from "../src/keeper/store/store.ts";
import { newRounds, openPositions, vaultScene } from "../test/helpers/vaultScene.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { startRpcProxy } from "../test/support/rpcProxy.ts";
import type { Order, Told } from "./keeper/worker.ts";

/** For reading what is decided from. */
const MOST_ROUND_TRIPS = 3;
/** Of the base feed within its last day: an ETH/USD feed of hourly rounds with a few more for its moves. */
const ROUNDS_A_DAY = 60;
/** Enough for a figure that hardly varies: memory is measured without a key. */
const MOST_KEYED_TICKS = 500;
const PASSWORD = "bench";
const MOST_OWN_MS = 150;
/** Of the heap, from the first sample after the warm-up to the last. */
const MOST_GROWTH_MIB = 16;

const options = new Command("bench:keeper")
  .option("--ticks <count>", "ticks in a row", Number, 10_000)
  .option("--vaults <count>", "vaults in a slot", Number, 1_000)
  .parse()
  .opts<{ ticks: number; vaults: number }>();

const scene = await vaultScene();
await openPositions(scene);
for (let round = 0; round < ROUNDS_A_DAY; round++) await newRounds(scene);
const keeper = scene.chain.wallet("keeper");
// What is due is done before: measured is a tick that looks for it and finds nothing.
await doChores(scene.chain.provider, scene.deployment, keeper);
const answers = new Map<string, Promise<unknown>>();
const rpc = await startRpcProxy({
  request({ method, params }) {
    const key = JSON.stringify([method, params]);
    const known = answers.get(key) ?? scene.chain.request(method, params);
    answers.set(key, known);
    return known;
  },
});
const folder = await mkdtemp(join(tmpdir(), "ballast-bench-"));
const keystore = join(folder, "keeper.json");
const account = { address: keeper.address, privateKey: keeper.privateKey };
await writeFile(keystore, await encryptKeystoreJson(account, PASSWORD, { scrypt: { N: 1_024, r: 8, p: 1 } }));
const postgres = await startPostgres();
const now = (await scene.chain.now()) * 1_000;
let missed = 0;

const alone = await ticks("alone", options.ticks);
const [first, last] = [alone.heap[1]!, alone.heap.at(-1)!].map((bytes) => bytes / 2 ** 20) as [number, number];
say(`${options.ticks} ticks, all ${Object.keys(alone.codes).join(", ")}`);
promise("round trips a tick for reading", alone.roundTrips, MOST_ROUND_TRIPS, "");
promise("own time a tick", alone.cpuMs, MOST_OWN_MS, " ms of CPU");
say(`     with what it waits for: ${alone.wallMs.toFixed(1)} ms`);
say(`     heap after garbage collection, MiB: ${alone.heap.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(", ")}`);
promise("heap growth", last - first, MOST_GROWTH_MIB, " MiB");

const keyed = await ticks("keyed", Math.min(options.ticks, MOST_KEYED_TICKS), "keeper");
say(
  `     with a key, and nothing to send: ${keyed.roundTrips.toFixed(1)} round trips a tick in all (${ROUNDS_A_DAY} rounds of ` +
    `the base feed in a day), ${keyed.cpuMs.toFixed(1)} ms of CPU, all ${Object.keys(keyed.codes).join(", ")}`,
);
if (rpc.requests.some((methods) => methods.includes("eth_sendRawTransaction"))) {
  missed++;
  say("MISS something was sent");
}

const two = await slot(2);
const four = await slot(4);
say(`     four workers take ${(four.seconds / two.seconds).toFixed(2)} × the time of two, on ${two.cores} cores`);

await rpc.close();
await postgres.stop();
await rm(folder, { recursive: true });
say(`bench:keeper: ${missed} figures not kept`);
process.exit(missed === 0 ? 0 : 1);

function order(names: readonly string[], worker: string, work: Order["work"], url: string, key?: string): Order {
  const config = {
    http: null,
    chains: { local: { chainId: 31_337, rpc: [rpc.url], maxBlockAgeSeconds: 1e9, maxClockLeadSeconds: 1e9 } },
    keys: { keeper: { keystore } },
    vaults: names.map((name) => ({ name, chain: "local", deployment: name, out: join(folder, "out"), key })),
  };
  const environment = { DATABASE_URL: url, BALLAST_PASSWORD: PASSWORD };
  return { config: JSON.stringify(config), environment, deployment: scene.deployment, worker, now, work };
}

async function ticks(name: string, count: number, key?: string): Promise<Told & { kind: "ticks" }> {
  const work = { kind: "ticks", warmUp: Math.min(200, count), count, samples: 5 } as const;
  const { told, ended } = start(order([name], name, work, await database(name), key));
  const answer = await told("ticks");
  await ended;
  return answer as Told & { kind: "ticks" };
}

/** One slot of all vaults, worked off by so many processes. */
async function slot(workers: number): Promise<{ seconds: number; cores: number }> {
  const { availableParallelism } = await import("node:os");
  const url = await database(`workers${workers}`);
  const names = Array.from({ length: options.vaults }, (_, index) => `v${index}`);
  const running = Array.from({ length: workers }, (_, index) =>
    start(order(names, `w${index}`, { kind: "queue", until: options.vaults }, url)),
  );
  // The slot comes due before anybody looks: what is measured begins when all are ready.
  const planner = await openDatabase({ url });
  const store = await Store.open(planner);
  const queue = createQueue(planner, store, { worker: "planner", leaseSeconds: 120, onError: () => undefined });
  await queue.start();
  await queue.plan(
    names.map((name) => ({ name, schedule: "0 0 1 1 *" })),
    new Date(now),
  );
  await Promise.all(running.map(({ told }) => told("ready")));
  const began = performance.now();
  for (const { go } of running) go();
  const done = await Promise.all(running.map(async ({ told }) => (await told("queue")) as Told & { kind: "queue" }));
  const seconds = (performance.now() - began) / 1_000;
  await Promise.all(running.map(({ ended }) => ended));
  await queue.stop();
  const finished = (await store.ticks({ limit: options.vaults * 2 })).filter(({ status }) => status === "done");
  await planner.close();
  const shares = done.map((one) => one.done);
  const sum = shares.reduce((total, share) => total + share, 0);
  if (sum !== options.vaults || finished.length !== options.vaults || finished.some(({ attempts }) => attempts !== 1)) {
    missed++;
    say(`MISS ${sum} ticks were done for ${options.vaults} slots`);
  }
  say(
    `     ${options.vaults} vaults in a slot, ${workers} workers: ${seconds.toFixed(1)} s, ` +
      `${(options.vaults / seconds).toFixed(0)} ticks a second, shares ${shares.join(", ")}`,
  );
  return { seconds, cores: availableParallelism() };
}

function start(what: Order) {
  const child = fork(new URL("./keeper/worker.ts", import.meta.url), {
    execArgv: ["--expose-gc", "--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const heard: Told[] = [];
  const waiting: (() => void)[] = [];
  child.on("message", (message: Told) => {
    heard.push(message);
    for (const wake of waiting.splice(0)) wake();
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("close", (code) => {
      for (const wake of waiting.splice(0)) wake();
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with ${code}`));
    });
  });
  ended.catch(() => undefined);
  child.send(what);
  const told = async (kind: Told["kind"]): Promise<Told> => {
    for (;;) {
      const found = heard.find((message) => message.kind === kind);
      if (found !== undefined) return found;
      if (child.exitCode !== null) await ended;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { told, ended, go: () => child.send("go") };
}

async function database(name: string): Promise<string> {
  const { Client } = await import("pg");
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`CREATE DATABASE bench_${name}`);
  await client.end();
  const url = new URL(postgres.url);
  url.pathname = `/bench_${name}`;
  return url.href;
}

function promise(name: string, value: number, most: number, unit: string): void {
  const ok = value <= most;
  if (!ok) missed++;
  say(`${ok ? "ok  " : "MISS"} ${name}: ${value.toFixed(1)}${unit} (at most ${most})`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
