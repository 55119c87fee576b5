import { pino } from "pino";
import { fitEscaped, speakable } from "./text.ts";

/*
 * The keeper's log: one line an event, JSON for machines or plain text for people, on standard error. Whatever is logged goes
 * through one sieve first, so that no caller can let a secret or a line break slip in.
 */

export type Fields = Readonly<Record<string, unknown>>;

/** `event` names what happened, in snake_case; `sentence` says it to people. */
type Write = (event: string, fields?: Fields, sentence?: string) => void;

export interface Log {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
  /** A log whose lines all carry these fields: `worker`, `vault`, `slot` … */
  with(fields: Fields): Log;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogForm = "json" | "text";

export interface LogOptions {
  form: LogForm;
  level?: LogLevel;
  /** Takes one line, with its end. Standard error by default. */
  write?: (line: string) => void;
  /** Milliseconds since 1970-01-01. */
  now?: () => number;
}

/** Text for a person at a terminal or by BALLAST_LOG=text, else JSON. */
export function logForm(environment: Record<string, string | undefined>, isTerminal: boolean): LogForm {
  const asked = environment["BALLAST_LOG"];
  if (asked === "text" || asked === "json") return asked;
  return isTerminal ? "text" : "json";
}

export function createLog({ form, level = "info", write = toStandardError, now = Date.now }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "msg",
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: form === "json" ? write : (line) => write(textLine(line)) },
  );
  return wrap(logger);
}

interface Writer {
  child(bindings: Fields): Writer;
  debug(fields: Fields, sentence?: string): void;
  info(fields: Fields, sentence?: string): void;
  warn(fields: Fields, sentence?: string): void;
  error(fields: Fields, sentence?: string): void;
}

function wrap(writer: Writer): Log {
  const at =
    (level: LogLevel): Write =>
    (event, fields = {}, sentence?: string) => {
      const line = { event, ...(sieve(fields) as Fields) };
      writer[level](line, sentence === undefined ? undefined : clean(sentence));
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => wrap(writer.child(sieve(fields) as Fields)),
  };
}

let isStandardErrorWatched = false;

/** A full disk or a closed pipe behind standard error loses lines, and must not end the keeper. */
function toStandardError(line: string): void {
  if (!isStandardErrorWatched) {
    process.stderr.on("error", () => undefined);
    isStandardErrorWatched = true;
  }
  process.stderr.write(line);
}

/** Names of what is secret wherever it is found: pino's own redaction knows paths of a fixed depth only. */
const SECRET_NAME =
  /(pass(word|phrase)?|private[-_]?key|secret|mnemonic|seed[-_]?phrase|api[-_]?key|service[-_]?key|token|authorization|cookie|credential)s?$/i;
const REDACTED = "[redacted]";
const MAX_DEPTH = 6;
/** Packets and evidence have a place of their own; a log line only says so much. */
const MAX_TEXT = 2_000;
const MAX_PARTS = 100;

/** A value as a log may show it: no secrets, no URLs beyond their host, nothing without an end. */
export function sieve(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return clean(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[no time]" : value.toISOString();
  if (value instanceof URL) return clean(value.href);
  if (depth >= MAX_DEPTH) return "[deeper]";
  if (value instanceof Error) return errorFields(value, depth);
  if (ArrayBuffer.isView(value)) return "[bytes]";
  if (Array.isArray(value)) return value.slice(0, MAX_PARTS).map((part) => sieve(part, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_PARTS)
      .map(([key, part]) => [clean(key), isSecret(key, part) ? REDACTED : sieve(part, depth + 1)]),
  );
}

/** Whether there is a secret is no secret; `passwordEnv`, a variable's name, does not end as one. */
function isSecret(key: string, value: unknown): boolean {
  return SECRET_NAME.test(key) && value !== null && value !== undefined && typeof value !== "boolean";
}

/** Ethers hangs the request with its URL, and a node's whole answer, on its errors: only what is named here is shown. */
function errorFields(error: Error, depth: number): Fields {
  const { code } = error as { code?: unknown };
  return {
    name: clean(error.name),
    message: clean(error.message),
    ...(typeof code === "string" || typeof code === "number" ? { code: sieve(code) } : {}),
    ...(error.cause === undefined ? {} : { cause: sieve(error.cause, depth + 1) }),
  };
}

function clean(text: string): string {
  return fitEscaped(speakable(text), MAX_TEXT);
}

/** A JSON line for people: time, level, event, `name=value` …, sentence. */
function textLine(json: string): string {
  const { time, level, event, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const told = Object.entries(fields).map(([name, value]) => `${name}=${valueText(value)}`);
  const parts = [time, String(level).toUpperCase().padEnd(5), event, ...told, msg];
  return `${parts.filter((part) => part !== undefined && part !== "").join(" ")}\n`;
}

function valueText(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value);
}
