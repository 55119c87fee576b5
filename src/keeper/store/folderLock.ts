import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { DatabaseInUse } from "./errors.ts";

export interface FolderLock {
  release(): void;
}

/**
 * Holds `<folder>.lock` for as long as this process lives. The lock is the kernel's (SQLite's, on that file): it ends with
 * its process, however that ends, so no number in a file has to be believed. In a container every keeper may well have
 * the same process number, and one in another container cannot be seen at all.
 * Throws DatabaseInUse naming the holder.
 */
export function lockFolder(folder: string): FolderLock {
  const file = new DatabaseSync(`${folder}.lock`, { timeout: 0 });
  try {
    file.exec("BEGIN IMMEDIATE");
    file.exec("CREATE TABLE IF NOT EXISTS holder (name TEXT NOT NULL)");
    file.exec("DELETE FROM holder");
    file.prepare("INSERT INTO holder VALUES (?)").run(`process ${process.pid} on ${hostname()}`);
    file.exec("COMMIT");
    // Reserved, not exclusive: others may still read who holds it.
    file.exec("BEGIN IMMEDIATE");
  } catch (error) {
    const holder = isBusy(error) ? holderOf(file) : null;
    file.close();
    throw holder === null ? error : new DatabaseInUse(`in ${folder}`, holder);
  }
  return { release: () => file.close() };
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

function holderOf(file: DatabaseSync): string {
  try {
    return String(file.prepare("SELECT name FROM holder").get()?.["name"] ?? "another process");
  } catch {
    return "another process"; // It is writing its name just now.
  }
}
