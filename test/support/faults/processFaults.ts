import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { CLOSE_SECONDS } from "../../../deploy/devnet/feeds.ts";
import { closeSession } from "../../../deploy/devnet/market.ts";
import { fileOutlet } from "../../../src/keeper/outlets.ts";
import { runSlot } from "../../../src/keeper/service.ts";
import { openDatabase } from "../../../src/keeper/store/database.ts";
import { Store } from "../../../src/keeper/store/store.ts";
import { newRounds } from "../../helpers/vaultScene.ts";
import type { VaultScene } from "../../helpers/vaultScene.ts";
import { Child, withSmallDisk } from "./children.ts";
import type { Asked, Broke, FileSeen, Planned, SlotAsked, Told } from "./children.ts";
import { Rig, VAULT } from "./rig.ts";
import type { RigOptions, Stage } from "./rig.ts";
import { must, scenario, share, tickMs } from "./scenario.ts";
import type { Scenario, Try } from "./scenario.ts";

const DAY_MS = 86_400_000;
const LEASE_SECONDS = 60;
/** Of the disk that gets full under the packets: some dozen of them. */
const PACKETS_DISK_BYTES = 2 ** 20;
/** Of the disk under an embedded database: what an empty one takes, and what the engine wants to spare. */
const DATABASE_DISK_BYTES = 128 * 2 ** 20;

/** Making an embedded database takes most of a second. */
const MAKING_MS = 1_000;

/** What takes a process of its own: kills, disks, zones, workers beside each other. */
export const PROCESS_FAULTS: Scenario[] = [
  ...[
    { zone: "Europe/Berlin", offsets: [-60, -120], edges: ["2030-03-31", "2030-10-27"] },
    { zone: "America/New_York", offsets: [300, 240], edges: ["2030-03-10", "2030-11-03"] },
  ].map((place) =>
    scenario(`both edges of daylight saving in ${place.zone}`, 1, {}, (rig) => daylightSaving(rig, place)),
  ),
  scenario("disk of the packets is full", 6, {}, packetsDiskFull),
  // At first in mid-tick, then before it, and so on.
  scenario("disk of the embedded database gets full", 10, { embedded: true }, (rig, index) =>
    databaseDiskFull(rig, index % 2 === 0 ? share(index) : null),
  ),
  scenario("two workers at once", 10, via("service", "file"), (rig) => twoWorkers(rig, false)),
  scenario("two workers, a lease run out", 10, via("file", "service"), (rig) => twoWorkers(rig, true)),
  scenario("two processes at once", 10, via("file", "service"), (rig, index) => twoProcesses(rig, false, index)),
  scenario("two processes, a lease run out", 10, via("service", "file"), (rig, index) =>
    twoProcesses(rig, true, index),
  ),
  scenario("killed while it makes its embedded database", 10, { embedded: true }, (rig, index) =>
    killed(rig, index, MAKING_MS),
  ),
  scenario(
    "killed at a random point of a tick",
    200,
    (index) => ({ embedded: index % 2 === 1 }),
    async (rig, index) => {
      const embedded = rig.options.embedded === true;
      const length = await lengthOf(rig.stage, embedded);
      if (embedded) await layOut(rig);
      return killed(rig, index, length);
    },
  ),
];

/** Ways a proposal goes out, one try after another. */
function via(...ways: string[]): (index: number) => RigOptions {
  return (index) => ({ vault: { via: ways[index % ways.length] } });
}

// ------------------------------------------------------------------------------------------------------------ children

/** Starting node is the slow part of a try: some wait for the next one. */
const spare: Child[] = [];
const SPARE = 2;

function takeChild(index: number): Child {
  const child = spare.shift() ?? new Child();
  while (index > 0 && spare.length < SPARE) spare.push(new Child());
  return child;
}

/** Opens this try's keeper in a child. */
async function openIn(child: Child, rig: Rig, worker: string, aheadMs = 0, began?: () => void): Promise<void> {
  const now = (await rig.now()) + aheadMs;
  const [config, deployment] = [rig.config(), rig.deployment()];
  await asked<null>(child, { do: "open", config, environment: rig.environment, worker, deployment, now }, began);
}

async function slotIn(child: Child, rig: Rig, aheadMs = 0, filler?: SlotAsked["filler"]): Promise<Told> {
  const [slot, now] = [await rig.slot(), (await rig.now()) + aheadMs];
  const what = { do: "slot", vault: VAULT, slot, leaseSeconds: LEASE_SECONDS, now } as const;
  return asked<Told>(child, filler === undefined ? what : { ...what, filler });
}

/** What was thrown in the child is thrown here. */
async function asked<T>(child: Child, what: Asked, began?: () => void): Promise<T> {
  const answer = await child.ask<T | Broke | null>(what, began);
  if (answer !== null && typeof answer === "object" && "error" in answer) throw new ThrownInChild(answer.error);
  return answer as T;
}

class ThrownInChild extends Error {
  constructor(error: string) {
    super(error);
    this.name = "ThrownInChild";
  }
}

// ----------------------------------------------------------------------------------------------------------- the zones

/** A slot at 02:30 UTC, planned by a process whose own clock has that time twice on one day, and not on another. */
async function daylightSaving(
  rig: Rig,
  { zone, offsets, edges }: { zone: string; offsets: number[]; edges: string[] },
): Promise<Try> {
  const child = new Child({ environment: { TZ: zone } });
  let expected = 0;
  let found = 0;
  for (const edge of edges) {
    const day = Date.parse(edge);
    const planned = await asked<Planned>(child, {
      do: "plan",
      environment: rig.environment,
      vault: edge,
      schedule: "30 2 * * *",
      from: day - DAY_MS,
      to: day + 2 * DAY_MS - 1,
      stepMs: 15 * 60_000,
    });
    must(planned.errors.length === 0, `no errors: ${planned.errors.join()}`);
    must(
      offsets.every((offset) => planned.offsetMinutes.includes(offset)),
      `an edge of ${zone} on ${edge}`,
    );
    must(planned.missed.length === 0, `none missed: ${planned.missed.join()}`);
    // At first the newest there is by then.
    const slots = [-2, -1, 0, 1].map((days) =>
      new Date(day + days * DAY_MS).toISOString().replace("T00:00:00.000Z", "T02:30Z"),
    );
    must(
      slots.every((slot) => planned.sent.includes(slot)),
      `${slots.join()} sent, not ${planned.sent.join()}`,
    );
    expected += slots.length;
    found += planned.sent.length;
  }
  await child.end();
  return { expected, found, ticks: 1, line: `${found} slots at 02:30Z over ${edges.join(" and ")}` };
}

// ----------------------------------------------------------------------------------------------------------- the disks

async function packetsDiskFull(rig: Rig, index: number): Promise<Try> {
  const out = join(rig.folder, "out");
  await mkdir(out);
  const child = new Child({ prefix: withSmallDisk(out, PACKETS_DISK_BYTES) });
  const filler = join(out, "filler");
  await openIn(child, rig, "worker");
  // A little room: for the evidence, for a part of the packet.
  await asked(child, { do: "fill", file: filler, leaveBytes: (index % 6) * 4_096 });
  const full = await slotIn(child, rig);
  const { code, error } = full.failure ?? { code: full.end?.code, error: "" };
  must(code === "OUTLET_UNWRITABLE", `OUTLET_UNWRITABLE, not ${code} ${error}`);
  must(error.includes("ENOSPC") && error.includes(out), `ENOSPC and the folder named: ${error}`);
  must(rig.service.proposed(rig.stage.scene.safe).length === 0, "nothing proposed that nobody could check");
  const left = await asked<FileSeen[]>(child, { do: "look", folder: out });
  must(
    left.every(({ name, whole }) => name === "filler" || whole),
    `no part of a file: ${namesOf(left)}`,
  );
  await asked(child, { do: "remove", file: filler });
  const after = await slotIn(child, rig);
  must(after.end !== null && !after.end.failed, `a tick that is well, not ${after.failure?.error ?? after.end?.code}`);
  oneOpen(after, rig);
  wholeFiles(await asked<FileSeen[]>(child, { do: "look", folder: out }), after);
  await child.kill();
  return { expected: 1, found: (await rig.alive()).length, ticks: 1, line: error };
}

/** `within`: the share of a tick after which it gets full; null before it. */
async function databaseDiskFull(rig: Rig, within: number | null): Promise<Try> {
  const disk = join(rig.folder, "database");
  await mkdir(disk);
  const child = new Child({ prefix: withSmallDisk(disk, DATABASE_DISK_BYTES) });
  const file = join(disk, "filler");
  await openIn(child, rig, "worker");
  if (within === null) await asked(child, { do: "fill", file, leaveBytes: 0 });
  const afterMs = within === null ? 0 : within * (await tickMs(rig.stage));
  const full = await slotIn(child, rig, 0, within === null ? undefined : { file, afterMs });
  const { code, error } = full.failure ?? { code: full.end?.code, error: "" };
  const tooLate = within !== null && full.end?.code === "PROPOSED";
  must(tooLate || (code === "DATABASE" && error.startsWith("DatabaseFull")), `DatabaseFull, not ${code} ${error}`);
  await asked(child, { do: "remove", file });
  const after = await slotIn(child, rig);
  must(after.status === "done", `the slot done, not ${after.failure?.error ?? after.status}`);
  oneOpen(after, rig);
  await child.kill();
  const line = tooLate ? "PROPOSED before it was full" : error;
  return { expected: 1, found: (await rig.alive()).length, ticks: 1, line };
}

// ------------------------------------------------------------------------------------------------------- two workers

async function twoWorkers(rig: Rig, leaseRunOut: boolean): Promise<Try> {
  const first = await rig.keeper("first");
  const second = await rig.keeper("second", leaseRunOut ? 2 * LEASE_SECONDS * 1_000 : 0);
  await closesWaiting(rig.stage.scene);
  const now = new Date(await rig.setClocks());
  const slot = await rig.slot();
  await first.store.due(VAULT, slot, now);
  const one = runSlot(first, VAULT, slot, LEASE_SECONDS);
  if (leaseRunOut) while ((await second.store.tick(VAULT, slot))?.status !== "running") await sleep(1);
  const ends = await Promise.all([one, runSlot(second, VAULT, slot, LEASE_SECONDS)]);
  const row = await first.store.tick(VAULT, slot);
  must(ends.filter((end) => end !== null).length === 1, "one of the two to finish the slot");
  must(
    row?.attempts === (leaseRunOut ? 2 : 1),
    `the slot begun ${leaseRunOut ? "twice" : "once"}, not ${row?.attempts}`,
  );
  const proposals = await first.store.proposals({ vault: VAULT });
  must(
    proposals.length === 1 && proposals[0]!.status === "open",
    `one open proposal in the store: ${statuses(proposals)}`,
  );
  const line = rig.lines.find((said) => said.includes("lease_lost")) ?? `one of two: ${row?.sentence}`;
  return { expected: 1, found: await out(rig), ticks: 1, line: line.trim() };
}

async function twoProcesses(rig: Rig, leaseRunOut: boolean, index: number): Promise<Try> {
  const children = [takeChild(index), takeChild(index)];
  await closesWaiting(rig.stage.scene);
  await Promise.all(children.map((child, at) => openIn(child, rig, `process-${at}`)));
  const told = await Promise.all(
    children.map(async (child, at) => {
      if (!leaseRunOut || at === 0) return slotIn(child, rig);
      // Somewhere within the first one's tick, by a clock that is past its lease.
      await sleep(50 + share(index) * 100);
      return slotIn(child, rig, 2 * LEASE_SECONDS * 1_000);
    }),
  );
  await Promise.all(children.map((child) => child.ask({ do: "close" })));
  if (index > 0) spare.push(...children);
  else await Promise.all(children.map((child) => child.end()));
  const ended = told.filter(({ end }) => end !== null);
  must(
    ended.length === 1,
    `one of the two to finish the slot: ${JSON.stringify(told.map(({ failure, lines }) => [failure, lines]))}`,
  );
  const { proposals } = ended[0]!;
  must(
    proposals.length === 1 && proposals[0]!.status === "open",
    `one open proposal in the store: ${statuses(proposals)}`,
  );
  const line = told.flatMap(({ lines }) => lines).find((said) => said.includes("lease_lost"));
  return {
    expected: 1,
    found: await out(rig),
    ticks: 1,
    line: (line ?? `one of two: ${ended[0]!.end!.sentence}`).trim(),
  };
}

/** Proposals that are out and can be executed, wherever this try's vault puts them. */
async function out(rig: Rig): Promise<number> {
  const { safe } = rig.stage.scene;
  const files = (await fileOutlet(join(rig.folder, "out")).found(safe)).length;
  if (rig.options.vault?.["via"] === "file") return files;
  must(files === 1, `one packet's file, not ${files}`);
  must(rig.service.proposed(safe).length === 1, "the service given one transaction");
  return (await rig.alive()).length;
}

function statuses(proposals: readonly { safeTxHash: string; status: string }[]): string {
  return proposals.map(({ safeTxHash, status }) => `${safeTxHash.slice(0, 10)} ${status}`).join(", ") || "none";
}

// --------------------------------------------------------------------------------------------------------------- kills

/** A process is killed at a random point of what takes it so many milliseconds, and another one started. */
async function killed(rig: Rig, index: number, length: number): Promise<Try> {
  await closesWaiting(rig.stage.scene);
  const child = takeChild(index);
  const killAt = share(index) * length;
  // What is asked is never answered, or it was over before.
  const done = await new Promise<boolean>((resolve, reject) => {
    openIn(child, rig, "killed", 0, () => void sleep(killAt).then(() => child.kill()))
      .then(() => slotIn(child, rig))
      .then(
        () => resolve(true),
        (error: unknown) => ((error as Error).name === "ChildEnded" ? resolve(false) : reject(error as Error)),
      );
  });
  await child.exited;
  const { told, starts } = await startAgain(rig, index);
  oneOpen(told, rig);
  const line = `killed ${Math.round(killAt)} of ${Math.round(length)} ms into it; then ${told.end?.code ?? "it was done"}`;
  return { expected: 1, found: (await rig.alive()).length, ticks: starts, line: done ? `${line} (too late)` : line };
}

/** Starts keepers one after another, each when the lease of the one before has run out, until the slot is done. */
async function startAgain(rig: Rig, index: number): Promise<{ told: Told; starts: number }> {
  const child = takeChild(index);
  for (let starts = 1; ; starts++) {
    const aheadMs = starts * 2 * LEASE_SECONDS * 1_000;
    await openIn(child, rig, `again-${starts}`, aheadMs);
    const told = await slotIn(child, rig, aheadMs);
    const files = await asked<FileSeen[]>(child, { do: "look", folder: join(rig.folder, "out") });
    await asked(child, { do: "close" });
    if (told.status !== "done") {
      must(starts < 3, `the slot done after ${starts} starts: ${told.failure?.error}`);
      continue;
    }
    wholeFiles(files, told);
    if (index > 0) spare.unshift(child);
    else await child.end();
    return { told, starts };
  }
}

const lengths = new WeakMap<Stage, Map<boolean, Promise<number>>>();

/** How long an undisturbed process takes from opening its database to the end of the tick, in milliseconds. */
function lengthOf(stage: Stage, embedded: boolean): Promise<number> {
  const known = lengths.get(stage) ?? new Map<boolean, Promise<number>>();
  lengths.set(stage, known);
  const length = known.get(embedded) ?? measure(stage, { embedded });
  known.set(embedded, length);
  return length;
}

async function measure(stage: Stage, options: RigOptions): Promise<number> {
  const before = await stage.scene.chain.request<string>("evm_snapshot");
  const rig = await Rig.open(stage, options);
  await closesWaiting(stage.scene);
  const child = new Child();
  try {
    if (options.embedded === true) await layOut(rig);
    let began = 0;
    await openIn(child, rig, "measured", 0, () => (began = performance.now()));
    const { end } = await slotIn(child, rig);
    must(end?.code === "PROPOSED", `an undisturbed tick that proposes, not ${end?.code}`);
    return performance.now() - began;
  } finally {
    await child.kill();
    await rig.close();
    await stage.scene.chain.request("evm_revert", [before]);
  }
}

let template: Promise<string> | null = null;

/** Puts an empty embedded database where the try's keeper looks for one: making one takes longer than a tick. */
async function layOut(rig: Rig): Promise<void> {
  template ??= makeTemplate();
  // A thousand files: far faster than by fs.cp.
  await promisify(execFile)("cp", ["-r", await template, join(rig.folder, "database")]);
}

async function makeTemplate(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ballast-template-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const database = await openDatabase({ folder: join(folder, "database") });
  await Store.open(database);
  await database.close();
  return join(folder, "database");
}

/** A session's closes are there to be taken in, so that a tick also sends a transaction. */
async function closesWaiting(scene: VaultScene): Promise<void> {
  const day = Number(await scene.contracts.regime.nextSessionDay());
  await closeSession(scene.market, day * 86_400 + CLOSE_SECONDS, { vix: 13, vix3m: 15 });
  await scene.chain.warpTo((day + 1) * 86_400);
  await newRounds(scene);
}

/** The service has one transaction in all, and the store says that it is open. */
function oneOpen({ proposals }: Told, rig: Rig): void {
  const given = rig.service.proposed(rig.stage.scene.safe);
  must(given.length === 1, `one transaction given to the service, not ${given.length}`);
  const isSame = proposals.length === 1 && proposals[0]!.safeTxHash === given[0] && proposals[0]!.status === "open";
  must(isSame, `it open in the store: ${statuses(proposals)}`);
}

/** One packet with its evidence and its Transaction Builder file, each whole, and no litter. */
function wholeFiles(files: readonly FileSeen[], { proposals }: Told): void {
  const packets = files.filter(({ packet }) => packet !== null);
  must(packets.length === 1 && packets[0]!.packet === proposals[0]?.safeTxHash, `one packet: ${namesOf(files)}`);
  must(files.length === 3 && files.every(({ whole }) => whole), `three whole files: ${namesOf(files)}`);
}

function namesOf(files: readonly FileSeen[]): string {
  return files.map(({ name, whole }) => (whole ? name : `${name} (not whole)`)).join(", ") || "none";
}
