import type { Database } from "./database.ts";
import { SchemaTooNew } from "./errors.ts";

/**
 * How the schema came to be, a list of statements a version. A version that has been released is never changed, only
 * followed: databases out there have it already.
 *
 * JSON is kept as text: what servers say may hold what Postgres's JSON refuses (U+0000, half a surrogate pair), and it is
 * never asked for from inside.
 */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE ballast.ticks (
      vault text NOT NULL,
      slot text COLLATE "C" NOT NULL CHECK (slot ~ '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\dZ$'),
      status text NOT NULL CHECK (status IN ('due', 'running', 'done', 'missed')),
      code text,
      sentence text,
      attempts integer NOT NULL DEFAULT 0,
      worker text,
      lease_until timestamptz,
      due_at timestamptz NOT NULL,
      started_at timestamptz,
      finished_at timestamptz,
      safe_tx_hash text,
      evidence_hash text,
      PRIMARY KEY (vault, slot)
    )`,
    `CREATE INDEX ticks_newest ON ballast.ticks (slot DESC, vault)`,
    `CREATE INDEX ticks_unfinished ON ballast.ticks (vault, slot) WHERE status IN ('due', 'running')`,
    `CREATE TABLE ballast.steps (
      vault text NOT NULL,
      slot text COLLATE "C" NOT NULL,
      step text NOT NULL,
      at timestamptz NOT NULL,
      ms double precision NOT NULL,
      value text NOT NULL,
      PRIMARY KEY (vault, slot, step),
      FOREIGN KEY (vault, slot) REFERENCES ballast.ticks ON DELETE CASCADE
    )`,
    `CREATE TABLE ballast.proposals (
      safe_tx_hash text PRIMARY KEY,
      vault text NOT NULL,
      plan_nonce text NOT NULL,
      safe_nonce text NOT NULL,
      slot text COLLATE "C" NOT NULL,
      status text NOT NULL,
      detail text,
      packet text NOT NULL,
      evidence_hash text NOT NULL,
      "where" text NOT NULL DEFAULT '[]',
      announced_key text,
      intended_at timestamptz NOT NULL,
      handed_out_at timestamptz,
      closed_at timestamptz,
      transaction_hash text
    )`,
    `CREATE UNIQUE INDEX proposals_open ON ballast.proposals (vault, plan_nonce) WHERE status IN ('intended', 'open')`,
    `CREATE INDEX proposals_newest ON ballast.proposals (intended_at DESC)`,
    `CREATE TABLE ballast.evidence (hash text PRIMARY KEY, text text NOT NULL, at timestamptz NOT NULL)`,
    `CREATE TABLE ballast.alerts (
      key text PRIMARY KEY,
      vault text,
      code text NOT NULL,
      severity text NOT NULL,
      text text NOT NULL,
      since timestamptz NOT NULL,
      seen_at timestamptz NOT NULL,
      told_at timestamptz,
      told_severity text,
      times_told integer NOT NULL DEFAULT 0,
      tell boolean NOT NULL
    )`,
  ],
  // A fault that is over is kept: when it comes back, it has to be known when it was told last.
  [`ALTER TABLE ballast.alerts ADD COLUMN cleared_at timestamptz`],
];

/** Brings the schema up to date, once however many start at the same time. Throws SchemaTooNew. */
export async function migrate(database: Database, migrations = MIGRATIONS): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('ballast.migrate'))");
    // Asked first: CREATE … IF NOT EXISTS wants the right to create, which a worker's role may well not have.
    const [there] = await tx.query<{ yes: boolean }>("SELECT to_regclass('ballast.migrations') IS NOT NULL AS yes");
    if (there?.yes !== true) {
      await tx.query("CREATE SCHEMA IF NOT EXISTS ballast");
      await tx.query("CREATE TABLE ballast.migrations (version integer PRIMARY KEY, at timestamptz NOT NULL)");
    }
    const [newest] = await tx.query<{ version: number | null }>(
      "SELECT max(version) AS version FROM ballast.migrations",
    );
    const found = newest?.version ?? 0;
    if (found > migrations.length) throw new SchemaTooNew(found, migrations.length);
    for (const [index, statements] of migrations.slice(found).entries()) {
      for (const statement of statements) await tx.query(statement);
      await tx.query("INSERT INTO ballast.migrations VALUES ($1, now())", [found + index + 1]);
    }
  });
}
