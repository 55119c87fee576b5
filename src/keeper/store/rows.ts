import type { ProposalRow, StepNote, TickRow, TickStep } from "../rows.ts";

export type { ProposalRow, TickRow } from "../rows.ts";
export type Step = TickStep;
export type StepRow = StepNote;
export type ProposalStatus = ProposalRow["status"];

export type AlertSeverity = "info" | "warning" | "critical";

export interface AlertRow {
  key: string;
  vault: string | null;
  code: string;
  severity: AlertSeverity;
  text: string;
  since: Date;
  /** When it was raised last. */
  seenAt: Date;
  /** Null when nobody could be told yet. */
  toldAt: Date | null;
}

export interface Counts {
  /** Finished and missed ticks of the last day, by code. */
  ticks: Record<string, number>;
  due: number;
  running: number;
  /** Proposals, by status; closed ones as far as they are still kept. */
  proposals: Partial<Record<ProposalStatus, number>>;
  /** Standing alerts. */
  alerts: Record<AlertSeverity, number>;
}

export interface Pruned {
  ticks: number;
  proposals: number;
  evidence: number;
  alerts: number;
}

/** `steps` is last: it is asked for inside the tick's own row. */
export const TICK_COLUMNS = `t.vault, t.slot, t.status, t.code, t.sentence, t.attempts, t.worker,
  t.lease_until AS "leaseUntil", t.due_at AS "dueAt", t.started_at AS "startedAt", t.finished_at AS "finishedAt",
  t.safe_tx_hash AS "safeTxHash", t.evidence_hash AS "evidenceHash",
  (SELECT coalesce(json_agg(json_build_object('step', s.step, 'at', s.at, 'ms', s.ms, 'value', s.value)
      ORDER BY s.at, s.step), '[]')
    FROM ballast.steps s WHERE s.vault = t.vault AND s.slot = t.slot) AS steps`;

export type RawTick = Omit<TickRow, "steps"> & { steps: { step: Step; at: string; ms: number; value: string }[] };

export function tickOf({ steps, ...row }: RawTick): TickRow {
  return {
    ...row,
    steps: steps.map(({ step, at, ms, value }) => ({
      step,
      at: new Date(at),
      ms,
      value: JSON.parse(value) as unknown,
    })),
  };
}

export const PROPOSAL_COLUMNS = `vault, plan_nonce AS "planNonce", safe_tx_hash AS "safeTxHash",
  safe_nonce AS "safeNonce", slot, status, detail, packet, evidence_hash AS "evidenceHash", "where",
  announced_key AS "announcedKey", intended_at AS "intendedAt", handed_out_at AS "handedOutAt",
  closed_at AS "closedAt", transaction_hash AS "transactionHash"`;

export type RawProposal = Omit<ProposalRow, "where"> & { where: string };

export function proposalOf(row: RawProposal): ProposalRow {
  return { ...row, where: JSON.parse(row.where) as string[] };
}

/** JSON with amounts (bigint) as decimal text; what is no JSON at all (undefined) as null. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? part.toString() : part)) as
    string | undefined;
  return text ?? "null";
}

/** Text that Postgres takes: what others say may hold U+0000, which it refuses. */
export function plainText(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}
