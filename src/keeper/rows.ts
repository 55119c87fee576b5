/*
 * What the keeper's store tells of the past, as far as `ballast status` and `ballast explain` read it. Only the shapes: so
 * that both can be tried with rows of any kind, from a store or from a running keeper's answer.
 */

export const TICK_STEPS = [
  "reconcile",
  "chores",
  "observe",
  "deleverage",
  "assess",
  "target",
  "plan",
  "simulate",
  "propose",
  "announce",
] as const;
export type TickStep = (typeof TICK_STEPS)[number];

/** What a step noted. Of an old tick, or one that was killed, any may be missing. */
export interface StepNote {
  step: TickStep;
  at: Date;
  ms: number;
  /** JSON. */
  value: unknown;
}

/** One tick of one vault. */
export interface TickRow {
  vault: string;
  /** When it was due, to the minute: 2026-11-27T00:05Z. */
  slot: string;
  status: "due" | "running" | "done" | "missed";
  code: string | null;
  sentence: string | null;
  attempts: number;
  worker: string | null;
  leaseUntil: Date | null;
  dueAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  steps: StepNote[];
  safeTxHash: string | null;
  evidenceHash: string | null;
}

/** One proposal, from the intention to what became of it. */
export interface ProposalRow {
  vault: string;
  planNonce: string;
  safeTxHash: string;
  safeNonce: string;
  slot: string;
  status: "intended" | "open" | "executed" | "failed" | "superseded" | "rejected" | "expired" | "vetoed" | "abandoned";
  detail: string | null;
  /** The packet's text. */
  packet: string;
  evidenceHash: string;
  where: string[];
  announcedKey: string | null;
  intendedAt: Date;
  handedOutAt: Date | null;
  closedAt: Date | null;
  transactionHash: string | null;
}

/** What is wrong and was said so, until it is mended. */
export interface StandingAlert {
  key: string;
  vault: string | null;
  code: string;
  severity: string;
  text: string;
  since: Date;
}

/** A store, as far as it is read here. */
export interface KeeperRecords {
  /** Newest slot first. */
  ticks(filter: { vault?: string; limit: number; before?: string }): Promise<TickRow[]>;
  tick(vault: string, slot: string): Promise<TickRow | null>;
  /** Newest first. */
  proposals(filter: { vault?: string; open?: true; limit?: number }): Promise<ProposalRow[]>;
  proposal(safeTxHash: string): Promise<ProposalRow | null>;
  /** An evidence bundle's text. */
  evidence(hash: string): Promise<string | null>;
  alerts(): Promise<StandingAlert[]>;
}
