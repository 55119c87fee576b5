import { keccak256, toUtf8Bytes } from "ethers";
import type { Database, Queryable } from "./database.ts";
import { EvidenceMismatch } from "./errors.ts";
import { PROPOSAL_COLUMNS, TICK_COLUMNS, jsonText, plainText, proposalOf, tickOf } from "./rows.ts";
import type {
  AlertRow,
  AlertSeverity,
  Counts,
  ProposalRow,
  ProposalStatus,
  Pruned,
  RawProposal,
  RawTick,
  Step,
  TickRow,
} from "./rows.ts";
import { migrate } from "./schema.ts";

export type { AlertRow, AlertSeverity, Counts, ProposalRow, ProposalStatus, Pruned, Step, TickRow } from "./rows.ts";

export interface TickEnd {
  code: string;
  sentence: string;
  safeTxHash?: string | null;
  evidenceHash?: string | null;
}

export type Intent = Pick<
  ProposalRow,
  "vault" | "planNonce" | "safeTxHash" | "safeNonce" | "slot" | "packet" | "evidenceHash"
>;

/** Proposals that another takes the place of, by hash, and why. */
export interface Replaced {
  hashes: readonly string[];
  detail: string;
}

export interface Alert {
  key: string;
  vault: string | null;
  code: string;
  severity: AlertSeverity;
  text: string;
}

/** A condition that is over, as it was. */
export interface Cleared {
  code: string;
  text: string;
  since: Date;
  severity: AlertSeverity;
  vault: string | null;
}

const UNIQUE_VIOLATION = "23505";
const DAY_MS = 86_400_000;
const UNFINISHED = "t.status IN ('due', 'running')";
const OPEN = "status IN ('intended', 'open')";
const NONE_REPLACED: Replaced = { hashes: [], detail: "" };
const SEVERITIES = "array['info', 'warning', 'critical']";

/**
 * What the keeper must not forget: ticks, proposals, evidence, alerts. Every method is one statement or one transaction
 * that may be repeated, so a worker killed between two of them has lost nothing, and many workers may share one store.
 *
 * A worker's name is its own for one life of its process: a tick may be begun again under the name that holds it.
 */
export class Store {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** Brings the schema up to date first. Throws SchemaTooNew. */
  static async open(database: Database): Promise<Store> {
    await migrate(database);
    return new Store(database);
  }

  /** Registers a slot; true when it is new. In `tx`, so that a job can be sent in the same transaction. */
  async due(vault: string, slot: string, at: Date, tx: Queryable = this.#database): Promise<boolean> {
    const added = await tx.query(
      `INSERT INTO ballast.ticks (vault, slot, status, due_at) VALUES ($1, $2, 'due', $3)
        ON CONFLICT DO NOTHING RETURNING slot`,
      [vault, slot, at],
    );
    return added.length > 0;
  }

  /** The newest slot known of a vault, up to and including `latest` where it is given; null when none. */
  async lastSlot(vault: string, tx: Queryable = this.#database, latest: string | null = null): Promise<string | null> {
    const [row] = await tx.query<{ slot: string | null }>(
      "SELECT max(slot) AS slot FROM ballast.ticks WHERE vault = $1 AND ($2::text IS NULL OR slot <= $2)",
      [vault, latest],
    );
    return row?.slot ?? null;
  }

  /** The newest slot of each vault, up to and including `latest`, that ended with none of these codes. */
  async lastWorked(vaults: string[], failures: readonly string[], latest: string): Promise<Map<string, string>> {
    const rows = await this.#database.query<{ vault: string; slot: string }>(
      `SELECT v.name AS vault, t.slot FROM unnest($1::text[]) AS v(name)
        CROSS JOIN LATERAL (SELECT slot FROM ballast.ticks
          WHERE vault = v.name AND slot <= $3 AND status = 'done' AND NOT code = ANY($2::text[])
          ORDER BY slot DESC LIMIT 1) t`,
      [vaults, failures, latest],
    );
    return new Map(rows.map(({ vault, slot }) => [vault, slot]));
  }

  /** A clock that was ahead missed slots whose time has not come yet: they may still become due. */
  async unmiss(vault: string, after: string, tx: Queryable = this.#database): Promise<void> {
    await tx.query("DELETE FROM ballast.ticks WHERE vault = $1 AND slot > $2 AND status = 'missed'", [vault, after]);
  }

  /**
   * Takes the slot for this worker until `leaseUntil`; null when done, missed, unknown, or held by another whose lease
   * runs. A lease that ran out, or was let go, is taken over; one for longer than anybody takes it was taken by a clock that
   * was ahead.
   */
  async begin(vault: string, slot: string, worker: string, now: Date, leaseUntil: Date): Promise<TickRow | null> {
    const [row] = await this.#database.query<RawTick>(
      `UPDATE ballast.ticks t SET status = 'running', worker = $3, lease_until = $5, attempts = attempts + 1,
          started_at = coalesce(started_at, $4)
        WHERE vault = $1 AND slot = $2
          AND (status = 'due' OR (status = 'running' AND (worker = $3 OR lease_until IS NULL OR lease_until <= $4
            OR lease_until > $6)))
        RETURNING ${TICK_COLUMNS}`,
      [vault, slot, worker, now, leaseUntil, new Date(2 * leaseUntil.getTime() - now.getTime())],
    );
    return row === undefined ? null : tickOf(row);
  }

  /** Extends the lease; false when another worker took it, or the tick is finished. */
  async hold(vault: string, slot: string, worker: string, leaseUntil: Date): Promise<boolean> {
    return this.#changed(
      `UPDATE ballast.ticks SET lease_until = $4
        WHERE vault = $1 AND slot = $2 AND worker = $3 AND status = 'running' RETURNING slot`,
      [vault, slot, worker, leaseUntil],
    );
  }

  /** Lets the slot go unfinished, so that any worker may begin it at once; false when it was not this worker's. */
  async letGo(vault: string, slot: string, worker: string): Promise<boolean> {
    return this.#changed(
      `UPDATE ballast.ticks SET lease_until = NULL
        WHERE vault = $1 AND slot = $2 AND worker = $3 AND status = 'running' RETURNING slot`,
      [vault, slot, worker],
    );
  }

  /** What a step gave, kept as JSON (a bigint as decimal text). A step that is repeated replaces what it gave before. */
  async note(vault: string, slot: string, step: Step, at: Date, ms: number, value: unknown): Promise<void> {
    await this.#database.query(
      `INSERT INTO ballast.steps VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (vault, slot, step) DO UPDATE SET at = excluded.at, ms = excluded.ms, value = excluded.value`,
      [vault, slot, step, at, ms, jsonText(value)],
    );
  }

  /** False when the lease was lost to another worker, or the tick is finished already. */
  async finish(vault: string, slot: string, worker: string, at: Date, outcome: TickEnd): Promise<boolean> {
    const { code, sentence, safeTxHash = null, evidenceHash = null } = outcome;
    return this.#changed(
      `UPDATE ballast.ticks SET status = 'done', code = $5, sentence = $6, safe_tx_hash = $7, evidence_hash = $8,
          finished_at = $4, lease_until = NULL
        WHERE vault = $1 AND slot = $2 AND worker = $3 AND status = 'running' RETURNING slot`,
      [vault, slot, worker, at, code, plainText(sentence), safeTxHash, evidenceHash?.toLowerCase() ?? null],
    );
  }

  /** Status missed, code MISSED; only what nobody began. True when it was. */
  async miss(
    vault: string,
    slot: string,
    at: Date,
    sentence: string,
    tx: Queryable = this.#database,
  ): Promise<boolean> {
    const missed = await tx.query(
      `UPDATE ballast.ticks SET status = 'missed', code = 'MISSED', sentence = $4, finished_at = $3
        WHERE vault = $1 AND slot = $2 AND status = 'due' RETURNING slot`,
      [vault, slot, at, plainText(sentence)],
    );
    return missed.length > 0;
  }

  /**
   * Finishes with code TICK_FAILED what nobody else works on: `worker`'s own, or what is nobody's at that time. False when
   * another's lease runs, or it is finished.
   */
  async giveUp(
    vault: string,
    slot: string,
    worker: string,
    at: Date,
    sentence: string,
    tx: Queryable = this.#database,
  ): Promise<boolean> {
    const ended = await tx.query(
      `UPDATE ballast.ticks SET status = 'done', code = 'TICK_FAILED', sentence = $5, finished_at = $4,
          lease_until = NULL
        WHERE vault = $1 AND slot = $2
          AND (status = 'due' OR (status = 'running' AND (worker = $3 OR lease_until IS NULL OR lease_until <= $4)))
        RETURNING slot`,
      [vault, slot, worker, at, plainText(sentence)],
    );
    return ended.length > 0;
  }

  async tick(vault: string, slot: string, tx: Queryable = this.#database): Promise<TickRow | null> {
    const [row] = await this.#ticks("t.vault = $1 AND t.slot = $2", [vault, slot], 1, tx);
    return row ?? null;
  }

  /** Newest first; `before` is a slot, not answered itself. */
  ticks(filter: { vault?: string; limit: number; before?: string }): Promise<TickRow[]> {
    return this.#ticks(
      "($1::text IS NULL OR t.vault = $1) AND ($2::text IS NULL OR t.slot < $2)",
      [filter.vault ?? null, filter.before ?? null],
      filter.limit,
    );
  }

  /** Due or running, newest first. */
  unfinished(tx: Queryable = this.#database): Promise<TickRow[]> {
    return this.#ticks(UNFINISHED, [], null, tx);
  }

  /**
   * Records what is about to be handed out. One stands per (vault, plan nonce) that is intended or open: answers the row
   * that stands, which may be another's. A transaction that was abandoned before is intended again; one that ended in any
   * other way is answered as it ended. What it takes the place of is closed with it or not at all: else whoever is killed in
   * between has closed one that members can still sign, and handed out none.
   */
  async intend(row: Intent, at: Date, inPlaceOf: Replaced = NONE_REPLACED): Promise<ProposalRow> {
    // Between two looks another worker may close what stood, or intend the same; a third look then sees which.
    for (;;) {
      const standing = await this.#database
        .transaction(async (tx) => {
          await supersede(tx, row.vault, inPlaceOf, at);
          for (;;) {
            const found = await intendOnce(tx, row, at);
            if (found !== null) return found;
          }
        })
        .catch((error: unknown) => {
          if ((error as { code?: unknown }).code === UNIQUE_VIOLATION) return null;
          throw error;
        });
      if (standing !== null) return proposalOf(standing);
    }
  }

  /** From intended to open; what is open already only learns where else it is. */
  async handedOut(vault: string, safeTxHash: string, where: string[], at: Date): Promise<void> {
    await this.#database.query(
      `UPDATE ballast.proposals SET status = 'open', "where" = $3, handed_out_at = coalesce(handed_out_at, $4)
        WHERE vault = $1 AND safe_tx_hash = $2 AND ${OPEN}`,
      [vault, safeTxHash, JSON.stringify(where), at],
    );
  }

  async announced(vault: string, safeTxHash: string, key: string): Promise<void> {
    await this.#database.query(
      "UPDATE ballast.proposals SET announced_key = $3 WHERE vault = $1 AND safe_tx_hash = $2",
      [vault, safeTxHash, key],
    );
  }

  /** Only from intended or open; false when it was closed already. */
  async close(
    vault: string,
    safeTxHash: string,
    status: ProposalStatus,
    detail: string,
    at: Date,
    transactionHash?: string,
  ): Promise<boolean> {
    return this.#changed(
      `UPDATE ballast.proposals SET status = $3, detail = $4, closed_at = $5, transaction_hash = $6
        WHERE vault = $1 AND safe_tx_hash = $2 AND ${OPEN} RETURNING safe_tx_hash`,
      [vault, safeTxHash, status, plainText(detail), at, transactionHash ?? null],
    );
  }

  /** Newest first; `open` also those intended. */
  async proposals(filter: {
    vault?: string;
    open?: true;
    status?: ProposalStatus;
    planNonce?: string;
    limit?: number;
  }): Promise<ProposalRow[]> {
    const rows = await this.#database.query<RawProposal>(
      `SELECT ${PROPOSAL_COLUMNS} FROM ballast.proposals
        WHERE ($1::text IS NULL OR vault = $1) AND (NOT $2::boolean OR ${OPEN}) AND ($4::text IS NULL OR plan_nonce = $4)
          AND ($5::text IS NULL OR status = $5)
        ORDER BY intended_at DESC, safe_tx_hash LIMIT $3`,
      [
        filter.vault ?? null,
        filter.open ?? false,
        filter.limit ?? null,
        filter.planNonce ?? null,
        filter.status ?? null,
      ],
    );
    return rows.map(proposalOf);
  }

  async proposal(safeTxHash: string): Promise<ProposalRow | null> {
    const [row] = await this.#database.query<RawProposal>(
      `SELECT ${PROPOSAL_COLUMNS} FROM ballast.proposals WHERE safe_tx_hash = $1`,
      [safeTxHash],
    );
    return row === undefined ? null : proposalOf(row);
  }

  /** Kept under its hash. Throws EvidenceMismatch when the text's keccak256 is another. */
  async putEvidence(hash: string, text: string, at: Date): Promise<void> {
    const computed = keccak256(toUtf8Bytes(text));
    if (computed !== hash.toLowerCase()) throw new EvidenceMismatch(hash, computed);
    await this.#database.query(
      `INSERT INTO ballast.evidence AS e VALUES ($1, $2, $3)
        ON CONFLICT (hash) DO UPDATE SET at = greatest(e.at, excluded.at)`,
      [computed, text, at],
    );
  }

  async evidence(hash: string): Promise<string | null> {
    const [row] = await this.#database.query<{ text: string }>("SELECT text FROM ballast.evidence WHERE hash = $1", [
      hash.toLowerCase(),
    ]);
    return row?.text ?? null;
  }

  /**
   * A condition stands: true when it has to be told, because it is new, worse than when last told, or last told
   * `repeatAfterSeconds` ago; where it ended in between and is back, `quietSeconds` ago, or standing for `lastingSeconds`. Of
   * several workers that raise it at once, one is told so. Never before it has stood for `afterSeconds`.
   */
  async raise(
    alert: Alert,
    now: Date,
    repeatAfterSeconds: number,
    {
      quietSeconds = 0,
      lastingSeconds = quietSeconds,
      afterSeconds = 0,
    }: { quietSeconds?: number; lastingSeconds?: number; afterSeconds?: number } = {},
  ): Promise<boolean> {
    const before = (seconds: number): Date => new Date(now.getTime() - seconds * 1_000);
    // Told in a future that far away was told by a clock that was wrong.
    const tell = `(($7::boolean OR (a.cleared_at IS NULL AND a.since <= $12)) AND (a.told_at IS NULL
      OR CASE WHEN a.cleared_at IS NULL AND a.times_told > 0 THEN a.told_at <= $8 OR a.told_at > $9
        ELSE a.told_at <= $10 OR a.told_at > $11 OR (a.cleared_at IS NULL AND a.since <= $13) END
      OR array_position(${SEVERITIES}, excluded.severity) > array_position(${SEVERITIES}, a.told_severity)))`;
    const [row] = await this.#database.query<{ tell: boolean }>(
      `INSERT INTO ballast.alerts AS a (key, vault, code, severity, text, since, seen_at, told_at, told_severity,
          times_told, tell)
        VALUES ($1, $2, $3, $4, $5, $6, $6, CASE WHEN $7::boolean THEN $6::timestamptz END,
          CASE WHEN $7::boolean THEN $4 END, $7::boolean::integer, $7)
        ON CONFLICT (key) DO UPDATE SET vault = excluded.vault, code = excluded.code, severity = excluded.severity,
          text = excluded.text, seen_at = excluded.seen_at, tell = ${tell}, cleared_at = NULL,
          since = CASE WHEN a.cleared_at IS NULL THEN a.since ELSE excluded.since END,
          told_at = CASE WHEN ${tell} THEN excluded.seen_at ELSE a.told_at END,
          told_severity = CASE WHEN ${tell} THEN excluded.severity ELSE a.told_severity END,
          times_told = CASE WHEN a.cleared_at IS NULL THEN a.times_told ELSE 0 END + CASE WHEN ${tell} THEN 1 ELSE 0 END
        RETURNING tell`,
      [
        alert.key,
        alert.vault,
        alert.code,
        alert.severity,
        plainText(alert.text),
        now,
        afterSeconds === 0,
        before(repeatAfterSeconds),
        before(-repeatAfterSeconds),
        before(quietSeconds),
        before(-quietSeconds),
        before(afterSeconds),
        before(lastingSeconds),
      ],
    );
    return row!.tell;
  }

  /**
   * A condition is over: its row, once, when it stood and somebody had been told since it did; else null. Its severity is the
   * one it was told with last.
   */
  async clear(key: string, now: Date): Promise<Cleared | null> {
    const [row] = await this.#database.query<Cleared & { times: number }>(
      `UPDATE ballast.alerts SET cleared_at = $2 WHERE key = $1 AND cleared_at IS NULL
        RETURNING code, text, since, told_severity AS severity, vault, times_told AS times`,
      [key, now],
    );
    if (row === undefined || row.times === 0) return null;
    const { times: _times, ...cleared } = row;
    return cleared;
  }

  /** The telling failed everywhere: it may be told again at once. */
  async untold(key: string): Promise<void> {
    await this.#database.query(
      `UPDATE ballast.alerts SET told_at = NULL, times_told = greatest(times_told - 1, 0)
        WHERE key = $1 AND told_at IS NOT NULL`,
      [key],
    );
  }

  /** What stands, the oldest first. */
  alerts(): Promise<AlertRow[]> {
    return this.#database.query<AlertRow>(
      `SELECT key, vault, code, severity, text, since, seen_at AS "seenAt", told_at AS "toldAt"
        FROM ballast.alerts WHERE cleared_at IS NULL ORDER BY since, key`,
    );
  }

  /** What status and metrics show. */
  async counts(now: Date = new Date()): Promise<Counts> {
    return this.#database.transaction(async (tx) => {
      const by = async (text: string, values?: unknown[]): Promise<Record<string, number>> =>
        Object.fromEntries(
          (await tx.query<{ name: string; count: number }>(text, values)).map(({ name, count }) => [name, count]),
        );
      const ticks = await by(
        "SELECT code AS name, count(*)::int AS count FROM ballast.ticks WHERE finished_at > $1 GROUP BY code",
        [new Date(now.getTime() - DAY_MS)],
      );
      const unfinished = await by(
        `SELECT status AS name, count(*)::int AS count FROM ballast.ticks t WHERE ${UNFINISHED} GROUP BY status`,
      );
      const proposals = await by(
        "SELECT status AS name, count(*)::int AS count FROM ballast.proposals GROUP BY status",
      );
      const alerts = await by(
        `SELECT severity AS name, count(*)::int AS count FROM ballast.alerts WHERE cleared_at IS NULL GROUP BY severity`,
      );
      return {
        ticks,
        due: unfinished["due"] ?? 0,
        running: unfinished["running"] ?? 0,
        proposals,
        alerts: { info: 0, warning: 0, critical: 0, ...alerts },
      };
    });
  }

  /**
   * Removes what ended before: ticks, closed proposals, evidence that nothing kept names, alerts not raised since; and ticks
   * that were due before and that nobody has held since, which nobody will end: of a vault no longer kept, of a killed
   * `keeper once`. Kept whatever their age: a vault's newest tick that ended (else its slot would be new again), open
   * proposals and their evidence.
   */
  async prune(before: Date): Promise<Pruned> {
    return this.#database.transaction(async (tx) => {
      const removed = async (text: string): Promise<number> => (await tx.query(text, [before])).length;
      return {
        ticks: await removed(
          `DELETE FROM ballast.ticks t
            WHERE (finished_at < $1 AND slot < (SELECT max(slot) FROM ballast.ticks n WHERE n.vault = t.vault))
              OR (${UNFINISHED} AND due_at < $1 AND coalesce(lease_until, due_at) < $1) RETURNING slot`,
        ),
        proposals: await removed(
          `DELETE FROM ballast.proposals WHERE closed_at < $1 AND NOT ${OPEN} RETURNING safe_tx_hash`,
        ),
        evidence: await removed(
          `DELETE FROM ballast.evidence e WHERE at < $1
            AND NOT EXISTS (SELECT 1 FROM ballast.proposals p WHERE p.evidence_hash = e.hash)
            AND NOT EXISTS (SELECT 1 FROM ballast.ticks t WHERE t.evidence_hash = e.hash) RETURNING hash`,
        ),
        alerts: await removed("DELETE FROM ballast.alerts WHERE seen_at < $1 RETURNING key"),
      };
    });
  }

  async #ticks(
    where: string,
    values: unknown[],
    limit: number | null,
    tx: Queryable = this.#database,
  ): Promise<TickRow[]> {
    const rows = await tx.query<RawTick>(
      `SELECT ${TICK_COLUMNS} FROM ballast.ticks t WHERE ${where}
        ORDER BY t.slot DESC, t.vault LIMIT $${values.length + 1}`,
      [...values, limit],
    );
    return rows.map(tickOf);
  }

  async #changed(text: string, values: unknown[]): Promise<boolean> {
    return (await this.#database.query(text, values)).length > 0;
  }
}

/** Closes those of them that are intended or open. */
async function supersede(tx: Queryable, vault: string, { hashes, detail }: Replaced, at: Date): Promise<void> {
  if (hashes.length === 0) return;
  await tx.query(
    `UPDATE ballast.proposals SET status = 'superseded', detail = $3, closed_at = $4
      WHERE vault = $1 AND safe_tx_hash = ANY($2::text[]) AND ${OPEN}`,
    [vault, hashes, plainText(detail), at],
  );
}

/** Null when what stood was closed between two statements. */
async function intendOnce(tx: Queryable, row: Intent, at: Date): Promise<RawProposal | null> {
  const values = [
    row.safeTxHash,
    row.vault,
    row.planNonce,
    row.safeNonce,
    row.slot,
    row.packet,
    row.evidenceHash.toLowerCase(),
    at,
  ];
  const [added] = await tx.query<RawProposal>(
    `INSERT INTO ballast.proposals (safe_tx_hash, vault, plan_nonce, safe_nonce, slot, packet, evidence_hash,
        intended_at, status)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'intended') ON CONFLICT DO NOTHING RETURNING ${PROPOSAL_COLUMNS}`,
    values,
  );
  if (added !== undefined) return added;
  const [standing] = await tx.query<RawProposal>(
    `SELECT ${PROPOSAL_COLUMNS} FROM ballast.proposals WHERE vault = $1 AND plan_nonce = $2 AND ${OPEN}`,
    [row.vault, row.planNonce],
  );
  if (standing !== undefined) return standing;
  const [again] = await tx.query<RawProposal>(
    `UPDATE ballast.proposals SET status = 'intended', detail = NULL, closed_at = NULL, handed_out_at = NULL,
        "where" = '[]', vault = $2, plan_nonce = $3, safe_nonce = $4, slot = $5, packet = $6, evidence_hash = $7,
        intended_at = $8
      WHERE safe_tx_hash = $1 AND status = 'abandoned' RETURNING ${PROPOSAL_COLUMNS}`,
    values,
  );
  if (again !== undefined) return again;
  const [ended] = await tx.query<RawProposal>(
    `SELECT ${PROPOSAL_COLUMNS} FROM ballast.proposals WHERE safe_tx_hash = $1`,
    [row.safeTxHash],
  );
  return ended ?? null;
}
