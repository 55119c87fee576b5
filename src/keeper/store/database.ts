import { AsyncLocalStorage } from "node:async_hooks";
import { mkdir, stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setImmediate as yieldToTimers } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { fromPglite } from "pg-boss";
import type { ConstructorOptions } from "pg-boss";
import { databaseError, reasonOf } from "./databaseError.ts";
import { AskedOutsideTransaction, DatabaseBroken, DatabaseFull, DatabaseUnavailable } from "./errors.ts";
import { lockFolder } from "./folderLock.ts";

export interface Queryable {
  /** One statement, its rows. Throws DatabaseUnavailable (try again), DatabaseFull, or what Postgres says of the SQL. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
}

export interface Database extends Queryable {
  readonly kind: "embedded" | "postgres";
  /**
   * All of `work` or nothing. Inside, ask only `tx`: an embedded database has one connection, all else would wait for the
   * end of the transaction that waits for it, and is refused (AskedOutsideTransaction).
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** What pg-boss takes: `new PgBoss({ ...database.boss })`. */
  readonly boss: { db: BossDatabase; backend?: "pglite" };
  close(): Promise<void>;
}

type BossDatabase = NonNullable<ConstructorOptions["db"]>;

export type DatabasePlace = { url: string } | { folder: string };

/**
 * Opens the keeper's database: a Postgres server, or an embedded one in a folder that is made if need be.
 * Throws DatabaseUnavailable, DatabaseInUse, DatabaseBroken, DatabaseFull.
 */
export function openDatabase(place: DatabasePlace): Promise<Database> {
  return "url" in place ? openPostgres(place.url) : openEmbedded(resolve(place.folder));
}

/** A transaction for pg-boss's `db` option. */
export function bossIn(tx: Queryable): BossDatabase {
  return { executeSql: async (text, values) => ({ rows: await tx.query(text, values) }) };
}

/** A worker whose process stands still may hold locks for so long, then the server ends its transaction. */
const IDLE_IN_TRANSACTION_MS = 60_000;
const CONNECT_MS = 10_000;
/** A server that went away without a word is noticed after this. */
const QUERY_MS = 30_000;

async function openPostgres(url: string): Promise<Database> {
  const { where, password } = describe(url);
  const named = (error: unknown): unknown => databaseError(error, where, password);
  const pool = new pg.Pool({
    connectionString: url,
    application_name: "ballast-keeper",
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
  });
  // An idle connection that breaks is dropped by the pool, and the next query opens another: nothing to do, but unheard
  // it would end the process.
  pool.on("error", () => undefined);

  const run = async (text: string, values?: unknown[]): Promise<object[]> => {
    try {
      return rowsOf(await (values === undefined ? pool.query(text) : pool.query(text, values)));
    } catch (error) {
      throw named(error);
    }
  };
  const database: Database = {
    kind: "postgres",
    query: run as Queryable["query"],
    transaction: async (work) => {
      const client = await pool.connect().catch((error: unknown) => {
        throw named(error);
      });
      client.on("error", ignore); // Also said by the statement that was under way.
      let broken: Error | undefined;
      try {
        await client.query("BEGIN");
        const result = await work({
          query: async (text, values) => {
            try {
              return rowsOf(await client.query(text, values)) as never[];
            } catch (error) {
              throw named(error);
            }
          },
        });
        await client.query("COMMIT");
        return result;
      } catch (error) {
        await client.query("ROLLBACK").catch((failure: unknown) => {
          broken = failure as Error;
        });
        throw named(error);
      } finally {
        client.off("error", ignore);
        client.release(broken);
      }
    },
    boss: { db: { executeSql: async (text, values) => ({ rows: await run(text, values) }) } },
    close: () => pool.end(),
  };
  try {
    await pool.query("SELECT 1");
  } catch (error) {
    await pool.end();
    const failure = named(error);
    if (failure instanceof DatabaseFull || failure instanceof DatabaseUnavailable) throw failure;
    throw new DatabaseUnavailable(where, reasonOf(error, password), { cause: error });
  }
  return database;
}

function ignore(): void {
  // Says so: there is nothing to do.
}

/** Several statements in one text answer one result each. */
function rowsOf(result: pg.QueryResult<object> | pg.QueryResult<object>[]): object[] {
  return Array.isArray(result) ? result.flatMap((part) => part.rows) : result.rows;
}

/** A server's name for messages, without its password. */
function describe(url: string): { where: string; password: string } {
  try {
    const { host, port, database, password } = new pg.Client({ connectionString: url });
    return { where: `"${database ?? ""}" at ${host}:${port}`, password: password ?? "" };
  } catch {
    // Not as a cause either: the parser's error carries the URL with the password in it.
    throw new DatabaseUnavailable("at DATABASE_URL", "that is no postgres://user:password@host:port/database URL");
  }
}

/**
 * The engine writes its log in files of 16 MiB. Where there is no room for the next it stands still for ever, and this process
 * with it, so nothing is asked of it with less than two of them to spare.
 */
const SPARE_BYTES = 32 * 2 ** 20;

/** Throws DatabaseFull. */
async function requireRoom(folder: string, where: string): Promise<void> {
  const { blocks, bavail, bsize } = await statfs(folder);
  // Some network file systems do not say.
  if (blocks === 0 || bavail * bsize >= SPARE_BYTES) return;
  const mib = (bytes: number): number => Math.floor(bytes / 2 ** 20);
  throw new DatabaseFull(where, `${mib(bavail * bsize)} MiB are left, it wants ${mib(SPARE_BYTES)} to spare`);
}

async function openEmbedded(folder: string): Promise<Database> {
  const where = `in ${folder}`;
  const named = (error: unknown): unknown => databaseError(error, where);
  const found = await stat(folder).catch(() => null);
  if (found !== null && !found.isDirectory()) throw new DatabaseBroken(where, "it is no folder");
  let lock;
  try {
    await mkdir(dirname(folder), { recursive: true });
    lock = lockFolder(folder);
  } catch (error) {
    throw named(error);
  }
  let engine: PGlite;
  try {
    await requireRoom(found === null ? dirname(folder) : folder, where);
    engine = await PGlite.create({ dataDir: folder, relaxedDurability: false });
    await engine.query("SELECT 1");
  } catch (error) {
    lock.release();
    const failure = named(error);
    throw failure instanceof DatabaseFull ? failure : new DatabaseBroken(where, reasonOf(error), { cause: error });
  }
  const inside = new AsyncLocalStorage<{ open: boolean }>();
  const asked = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      await requireRoom(folder, where);
      return await ask();
    } catch (error) {
      throw named(error);
    } finally {
      // The engine answers without ever giving way: a loop of queries would keep every timer, a lease's too, from firing.
      await yieldToTimers();
    }
  };
  const upkeep = await upkeepOf(engine);
  const askedOutside = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (inside.getStore()?.open === true) throw new AskedOutsideTransaction();
    const answer = await asked(ask);
    await asked(upkeep);
    return answer;
  };
  const transaction = <T>(work: (tx: Queryable) => Promise<T>): Promise<T> =>
    askedOutside(() =>
      engine.transaction((tx) => {
        const scope = { open: true };
        const query = async <Row extends object>(text: string, values?: unknown[]): Promise<Row[]> =>
          (await asked(() => tx.query<Row>(text, values))).rows;
        return inside.run(scope, () => work({ query })).finally(() => (scope.open = false));
      }),
    );
  return {
    kind: "embedded",
    query: async <Row extends object>(text: string, values?: unknown[]) =>
      (await askedOutside(() => engine.query<Row>(text, values))).rows,
    transaction,
    boss: {
      backend: "pglite",
      db: fromPglite({
        query: (text, values) => askedOutside(() => engine.query(text, values)),
        exec: (text) => askedOutside(() => engine.exec(text)),
      }),
    },
    close: async () => {
      try {
        await engine.close();
      } finally {
        lock.release();
      }
    },
  };
}

const UPKEEP_STATEMENTS = 200;
const UPKEEP_LOG_BYTES = 32 * 1024 * 1024;

/**
 * A server vacuums and makes checkpoints in processes of their own, an embedded one has none: without this its log would
 * grow for as long as it is open. Called after each statement; does so when enough was written.
 */
async function upkeepOf(engine: PGlite): Promise<() => Promise<void>> {
  const written = async (): Promise<number> =>
    (await engine.query<{ bytes: number }>("SELECT (pg_current_wal_lsn() - '0/0')::float8 AS bytes")).rows[0]!.bytes;
  let done = await written();
  let statements = 0;
  return async () => {
    statements += 1;
    if (statements % UPKEEP_STATEMENTS !== 0) return;
    const now = await written();
    if (now - done < UPKEEP_LOG_BYTES) return;
    done = now;
    await engine.query("VACUUM");
    await engine.query("CHECKPOINT");
  };
}
