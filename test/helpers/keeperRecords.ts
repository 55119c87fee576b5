import type { KeeperRecords, ProposalRow, StandingAlert, TickRow } from "../../src/keeper/rows.ts";

/** A keeper's records in memory, as a store gives them: newest first. */
export interface Recorded extends KeeperRecords {
  rows: { ticks: TickRow[]; proposals: ProposalRow[]; evidence: Map<string, string>; alerts: StandingAlert[] };
}

export function recorded(): Recorded {
  const rows: Recorded["rows"] = { ticks: [], proposals: [], evidence: new Map(), alerts: [] };
  const newest = (): TickRow[] => [...rows.ticks].sort((left, right) => (left.slot < right.slot ? 1 : -1));
  return {
    rows,
    ticks: async ({ vault, limit, before }) =>
      newest()
        .filter((row) => (vault === undefined || row.vault === vault) && (before === undefined || row.slot < before))
        .slice(0, limit),
    tick: async (vault, slot) => newest().find((row) => row.vault === vault && row.slot === slot) ?? null,
    proposals: async ({ vault, open, limit }) =>
      rows.proposals
        .filter((row) => vault === undefined || row.vault === vault)
        .filter(({ status }) => open === undefined || status === "open" || status === "intended")
        .slice(0, limit),
    proposal: async (hash) => rows.proposals.find(({ safeTxHash }) => safeTxHash === hash) ?? null,
    evidence: async (hash) => rows.evidence.get(hash) ?? null,
    alerts: async () => rows.alerts,
  };
}

/** A tick that was done at its slot, with changes. */
export function tickRow(slot: string, changes: Partial<TickRow> = {}): TickRow {
  const dueAt = new Date(slot.replace("Z", ":00Z"));
  return {
    vault: "main",
    slot,
    status: "done",
    code: "INSIDE_BAND",
    sentence: "all is near its target",
    attempts: 1,
    worker: "worker-1",
    leaseUntil: null,
    dueAt,
    startedAt: dueAt,
    finishedAt: dueAt,
    steps: [],
    safeTxHash: null,
    evidenceHash: null,
    ...changes,
  };
}

/** An open proposal, with changes. */
export function proposalRow(changes: Partial<ProposalRow> = {}): ProposalRow {
  return {
    vault: "main",
    planNonce: "1",
    safeTxHash: `0x${"ab".repeat(32)}`,
    safeNonce: "0",
    slot: "2030-02-04T00:05Z",
    status: "open",
    detail: null,
    packet: "{}",
    evidenceHash: `0x${"cd".repeat(32)}`,
    where: [],
    announcedKey: null,
    intendedAt: new Date("2030-02-04T00:05:00Z"),
    handedOutAt: new Date("2030-02-04T00:05:00Z"),
    closedAt: null,
    transactionHash: null,
    ...changes,
  };
}
