import type { Severity } from "../config.ts";
import type { Alert, AlertState } from "./alert.ts";

interface Kept {
  alert: Alert;
  since: Date;
  isOver: boolean;
  /** Null when nobody was told, or could be. */
  toldAt: Date | null;
  toldSeverity: Severity;
  /** Since it stands. */
  timesTold: number;
}

export const RANK: Record<Severity, number> = { info: 0, warning: 1, critical: 2 };

/** Faults in this process alone, told as the keeper's store says it; beyond `limit` of them, the one raised longest ago is forgotten. */
export function alertMemory(limit: number): AlertState {
  const faults = new Map<string, Kept>();
  return {
    async raise(alert, now, repeatAfterSeconds, { quietSeconds, lastingSeconds, afterSeconds }) {
      const before = faults.get(alert.key);
      const isNew = before === undefined || before.isOver;
      const since = isNew ? now : before.since;
      const timesTold = isNew ? 0 : before.timesTold;
      const hasStood = (seconds: number): boolean => now.getTime() - since.getTime() >= seconds * 1_000;
      const isLasting = !isNew && timesTold === 0 && hasStood(lastingSeconds);
      const isDue =
        (afterSeconds === 0 || hasStood(afterSeconds)) &&
        (isLasting || isDueAt(before, alert, now, timesTold > 0 ? repeatAfterSeconds : quietSeconds));
      // To the end of the map, whose beginning is forgotten first.
      faults.delete(alert.key);
      faults.set(alert.key, {
        alert,
        since,
        isOver: false,
        toldAt: isDue ? now : (before?.toldAt ?? null),
        toldSeverity: isDue || before === undefined ? alert.severity : before.toldSeverity,
        timesTold: timesTold + (isDue ? 1 : 0),
      });
      if (faults.size > limit) faults.delete(faults.keys().next().value ?? "");
      return isDue;
    },
    async clear(key) {
      const fault = faults.get(key);
      if (fault === undefined || fault.isOver) return null;
      fault.isOver = true;
      const { code, text, vault } = fault.alert;
      return fault.timesTold === 0 ? null : { code, text, severity: fault.toldSeverity, vault, since: fault.since };
    },
    async untold(key) {
      const fault = faults.get(key);
      if (fault === undefined || fault.toldAt === null) return;
      fault.toldAt = null;
      fault.timesTold = Math.max(fault.timesTold - 1, 0);
    },
  };
}

function isDueAt(before: Kept | undefined, alert: Alert, now: Date, waitSeconds: number): boolean {
  if (before === undefined || before.toldAt === null) return true;
  if (RANK[alert.severity] > RANK[before.toldSeverity]) return true;
  const waited = now.getTime() - before.toldAt.getTime();
  // A clock set back must not silence anything.
  return waited < 0 || waited >= waitSeconds * 1_000;
}
