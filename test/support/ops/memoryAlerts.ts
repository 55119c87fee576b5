import type { Severity } from "../../../src/keeper/config.ts";
import type { Alert, AlertState } from "../../../src/keeper/ops/alerts.ts";

const RANK: Record<Severity, number> = { info: 0, warning: 1, critical: 2 };

interface Standing {
  alert: Alert;
  since: Date;
  toldAt: Date | null;
}

/** Alert state in memory, for tests: what the keeper's store keeps in its database. */
export function memoryAlerts(): AlertState & { standing: Map<string, Standing> } {
  const standing = new Map<string, Standing>();
  return {
    standing,
    async raise(alert, now, repeatAfterSeconds) {
      const before = standing.get(alert.key);
      const isDue =
        before?.toldAt == null ||
        RANK[alert.severity] > RANK[before.alert.severity] ||
        now.getTime() - before.toldAt.getTime() >= repeatAfterSeconds * 1_000;
      standing.set(alert.key, { alert, since: before?.since ?? now, toldAt: isDue ? now : before.toldAt });
      return isDue;
    },
    async clear(key) {
      const was = standing.get(key);
      standing.delete(key);
      return was?.toldAt == null ? null : { code: was.alert.code, text: was.alert.text, since: was.since };
    },
    async untold(key) {
      const was = standing.get(key);
      if (was !== undefined) was.toldAt = null;
    },
  };
}
