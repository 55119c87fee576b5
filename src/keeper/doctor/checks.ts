import { setTimeout as wait } from "node:timers/promises";

/** One thing that was looked at. */
export interface DoctorCheck {
  name: string;
  /** Null for what all vaults share. */
  vault: string | null;
  outcome: "ok" | "warn" | "fail" | "not checked";
  /** What was found; of "not checked", why not. */
  detail: string;
  /** How to mend it; of "fail" always, of "warn" where something can be done. */
  mend: string | null;
}

/** Makes a vault's checks, or those of none. */
export interface CheckMaker {
  ok: (name: string, detail: string) => DoctorCheck;
  warn: (name: string, detail: string, mend: string | null) => DoctorCheck;
  fail: (name: string, detail: string, mend: string) => DoctorCheck;
  skip: (name: string, reason: string) => DoctorCheck;
}

export function checksOf(vault: string | null): CheckMaker {
  return {
    ok: (name, detail) => ({ name, vault, outcome: "ok", detail, mend: null }),
    warn: (name, detail, mend) => ({ name, vault, outcome: "warn", detail, mend }),
    fail: (name, detail, mend) => ({ name, vault, outcome: "fail", detail, mend }),
    skip: (name, reason) => ({ name, vault, outcome: "not checked", detail: reason, mend: null }),
  };
}

/** Something that is checked did not answer in time. */
export class CheckTimedOut extends Error {
  constructor(milliseconds: number) {
    super(`no answer in ${milliseconds / 1000} s`);
    this.name = "CheckTimedOut";
  }
}

/**
 * Runs a check: what it throws, and that it does not end, is its answer and stops no other. `mend` is for what was not
 * foreseen.
 */
export async function guarded(
  make: CheckMaker,
  name: string,
  timeoutMs: number,
  work: () => Promise<DoctorCheck | DoctorCheck[]>,
  mend: string,
): Promise<DoctorCheck[]> {
  try {
    return [await within(timeoutMs, work())].flat();
  } catch (error) {
    return [make.fail(name, reasonOf(error), mend)];
  }
}

/** The promise's answer, or CheckTimedOut. */
export async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = wait(timeoutMs, undefined, { signal: done.signal }).then(
    () => Promise.reject(new CheckTimedOut(timeoutMs)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
    promise.catch(() => undefined);
  }
}

/** An error's message in one line; libraries append the whole request to theirs. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { shortMessage, cause } = error as Error & { shortMessage?: unknown };
  const said = typeof shortMessage === "string" ? shortMessage : error.message;
  // What fetch throws says only that it failed; why is in its cause.
  const why =
    said === "fetch failed" && cause instanceof Error
      ? `: ${cause.message || String((cause as { code?: unknown }).code)}`
      : "";
  return `${said.split("\n")[0] ?? said}${why}`.slice(0, 300);
}
