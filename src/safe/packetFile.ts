import { randomUUID } from "node:crypto";
import { open, readFile, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PacketError, PacketLocked } from "./errors.ts";
import { packetText, parsePacket, withSignatures } from "./packet.ts";
import type { Packet } from "./packet.ts";
import type { SafeSignature } from "./signatures.ts";

/** How long to wait for another process that writes the same packet: a write takes a few milliseconds. */
const DEFAULT_LOCK_WAIT_MS = 5_000;
const LOCK_RETRY_MS = 15;
/** An older lock is dead whatever process has its number now: after a reboot, or in a container, another one may. */
const OLDEST_LOCK_MS = 60_000;
/** A lock without a number is of a process that was killed between making and filling it. */
const OLDEST_EMPTY_LOCK_MS = 1_000;

/** Reads and checks a packet. Throws PacketError that names the file, also when it cannot be read. */
export async function readPacket(path: string): Promise<Packet> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new PacketError("", `cannot be read (${error instanceof Error ? error.message : String(error)})`, path);
  });
  try {
    return parsePacket(text);
  } catch (error) {
    throw error instanceof PacketError ? new PacketError(error.path, error.reason, path) : error;
  }
}

export interface WriteOptions {
  /** Overwrites another proposal, or a file that is no packet. */
  replace?: boolean;
  lockWaitMs?: number;
}

/**
 * Writes a packet so that a reader sees the old file or the new one, never a part. When the file already holds this
 * proposal the signatures in it are kept. Returns what the file then holds.
 * Throws PacketError when the file holds another proposal, unless `replace` is set; PacketLocked.
 */
export function writePacket(path: string, packet: Packet, options: WriteOptions = {}): Promise<Packet> {
  return locked(path, options.lockWaitMs, async () => {
    const existing = await readIfThere(path, options.replace ?? false);
    if (existing && existing.safeTxHash !== packet.safeTxHash && !options.replace) {
      throw new PacketError(
        "safeTxHash",
        `${path} holds another proposal (${existing.safeTxHash}): choose another file`,
      );
    }
    const same = existing?.safeTxHash === packet.safeTxHash;
    const merged = same ? withSignatures(packet, existing.signatures) : packet;
    await writeWhole(path, packetText(merged));
    return merged;
  });
}

/** Adds signatures to a packet's file; those that others add at the same time are kept. Returns what it then holds. */
export function addSignatures(path: string, signatures: readonly SafeSignature[]): Promise<Packet> {
  return locked(path, undefined, async () => {
    const packet = withSignatures(await readPacket(path), signatures);
    await writeWhole(path, packetText(packet));
    return packet;
  });
}

/** What is at a path now, null for nothing. With `tolerant` a file that is no packet counts as nothing. */
async function readIfThere(path: string, tolerant: boolean): Promise<Packet | null> {
  try {
    return parsePacket(await readFile(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    if (tolerant && error instanceof PacketError) return null;
    throw error;
  }
}

/**
 * Writes a file so that a reader sees the old one or the new one, never a part, also after a power cut; and clears away what a
 * process that was killed at it left. Throws PacketLocked.
 */
export function writeAlone(path: string, text: string): Promise<void> {
  return locked(path, undefined, () => writeWhole(path, text));
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}${TEMPORARY_SUFFIX}`;
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(text);
      await file.sync(); // Else a power cut after the rename may leave an empty file.
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // On a full disk each try would leave another part, and keep it full.
    await rm(temporary, { force: true });
    throw error;
  }
}

const TEMPORARY_SUFFIX = ".tmp";

/** Parts of a file that killed processes left: with the lock held nobody is writing one. */
async function removeParts(path: string): Promise<void> {
  const [folder, start] = [dirname(path), `${basename(path)}.`];
  const parts = (await readdir(folder)).filter((name) => name.startsWith(start) && name.endsWith(TEMPORARY_SUFFIX));
  for (const name of parts) await rm(join(folder, name), { force: true });
}

/** Runs with `<path>.lock` held. The lock names its process, so that one left by a killed process is taken over. */
async function locked<T>(path: string, waitMs = DEFAULT_LOCK_WAIT_MS, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const deadline = Date.now() + waitMs;
  while (!(await tryLock(lock))) {
    await removeIfDead(lock);
    if (Date.now() > deadline) throw new PacketLocked(lock);
    await delay(LOCK_RETRY_MS);
  }
  try {
    await removeParts(path);
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function tryLock(lock: string): Promise<boolean> {
  const file = await open(lock, "wx").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
    throw error;
  });
  if (file === null) return false;
  try {
    await file.writeFile(String(process.pid));
  } catch (error) {
    await unlink(lock);
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

async function removeIfDead(lock: string): Promise<void> {
  try {
    const pid = Number(await readFile(lock, "utf8"));
    const isNamed = Number.isInteger(pid) && pid > 0;
    const age = Date.now() - (await stat(lock)).mtimeMs;
    const isOld = age > (isNamed ? OLDEST_LOCK_MS : OLDEST_EMPTY_LOCK_MS);
    if (isOld || (isNamed && !isRunning(pid))) await unlink(lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
