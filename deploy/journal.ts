import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** What a deployment has done so far: one entry a step. */
export interface JournalEntry {
  txHash: string;
  address?: string;
}

/** Remembers steps, so that a deployment that was cut off goes on where it stopped. */
export interface Journal {
  get(step: string): JournalEntry | undefined;
  set(step: string, entry: JournalEntry): void;
}

/** A journal that lives as long as the process, for the local chain. */
export function memoryJournal(): Journal {
  const entries = new Map<string, JournalEntry>();
  return { get: (step) => entries.get(step), set: (step, entry) => void entries.set(step, entry) };
}

/** A journal in a file, written after every step, atomically. */
export function fileJournal(path: string): Journal {
  const entries: Record<string, JournalEntry> = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as Record<string, JournalEntry>)
    : {};
  return {
    get: (step) => entries[step],
    set: (step, entry) => {
      entries[step] = entry;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.part`, `${JSON.stringify(entries, null, 2)}\n`);
      renameSync(`${path}.part`, path);
    },
  };
}
