import { DatabaseFull, DatabaseUnavailable } from "./errors.ts";

/** Postgres's classes of SQLSTATE that say "the connection, or the server, is not there". */
const UNAVAILABLE_STATES = /^(08|57P0|25P03|25P04|28|3D000|53300)/;
const FULL_STATES = /^(53100|ENOSPC|EDQUOT)$/;
const UNAVAILABLE_SYSTEM =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN)$/;
/** What node-postgres says without a code. */
const UNAVAILABLE_TEXT =
  /terminated|timeout exceeded when trying to connect|Query read timeout|Connection ended|not queryable|Client was closed|SASL|SCRAM|does not support SSL/;
const FULL_TEXT = /no space left on device|disk quota exceeded|database or disk is full|ENOSPC/i;

/** The named error for what a database threw where the caller can do something about it; else the same error. */
export function databaseError(error: unknown, where: string, password = ""): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseUnavailable || error instanceof DatabaseFull) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const reason = reasonOf(error, password);
  if (FULL_STATES.test(code) || FULL_TEXT.test(error.message)) return new DatabaseFull(where, reason, { cause: error });
  if (
    UNAVAILABLE_STATES.test(code) ||
    UNAVAILABLE_SYSTEM.test(code) ||
    (code === "" && UNAVAILABLE_TEXT.test(error.message))
  ) {
    return new DatabaseUnavailable(where, reason, { cause: error });
  }
  return error;
}

/** One line of what went wrong, never with the password in it. */
export function reasonOf(error: unknown, password = ""): string {
  const parts = error instanceof AggregateError && error.errors.length > 0 ? (error.errors as unknown[]) : [error];
  const line = parts.map(sentenceOf).join("; ").split("\n")[0]!.trim();
  return password === "" ? line : line.replaceAll(password, "***");
}

/** The embedded engine's own file errors carry a number only. */
function sentenceOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { message, name, errno } = error as { message?: string; name?: string; errno?: number };
  return message ?? `${name ?? "an unknown error"}${errno === undefined ? "" : ` ${errno}`}`;
}
