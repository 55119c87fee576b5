import { createLog } from "../../../src/keeper/ops/log.ts";

/** When the log's clock stands. */
export const AT = new Date("2026-01-02T03:04:05Z");

/** A part of URLs and keys that must be seen nowhere. */
export const SECRET = "T0P-s3cr3t";

/** A log whose lines can be looked at. */
export function captureLog() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): unknown => lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, log: createLog({ form: "json", level: "debug", write, now: () => AT.getTime() }) };
}
