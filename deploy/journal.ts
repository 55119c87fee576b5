import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** What a deployment has done so far: one entry a step. */
export interface JournalEntry {
  txHash: string;
  /** The signed transaction, to be sent again as it is should it never have arrived. No secret: it is public once mined. */
  signed?: string;
  /** Of the contract it creates. */
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

/** The journal's file is damaged: starting over unseen would deploy everything twice. */
export class JournalError extends Error {
  constructor(path: string) {
    super(`journal ${path} is not JSON: restore it, or move it away to start over with new contracts`);
    this.name = "JournalError";
  }
}

/** A journal in a file, written at every step, atomically. Throws JournalError. */
export function fileJournal(path: string): Journal {
  const entries = readEntries(path);
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

function readEntries(path: string): Record<string, JournalEntry> {
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, JournalEntry>;
  } catch {
    throw new JournalError(path);
  }
}
