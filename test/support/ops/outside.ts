import type { Outside } from "../../../src/keeper/ops/request.ts";
import { AT } from "./capturedLog.ts";

/** Real requests; pauses are noted and not waited for. */
export function outside(): Outside & { pauses: number[] } {
  const pauses: number[] = [];
  return {
    pauses,
    fetch: (...args) => fetch(...args),
    now: () => AT.getTime(),
    sleep: async (milliseconds) => pauses.push(milliseconds),
  };
}
