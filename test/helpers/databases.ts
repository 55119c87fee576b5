import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { openDatabase } from "../../src/keeper/store/database.ts";
import type { DatabasePlace } from "../../src/keeper/store/database.ts";
import { startPostgres } from "../support/postgres.ts";
import type { PostgresServer } from "../support/postgres.ts";

/*
 * The same suites run on both databases. One Postgres server serves a whole run, a new database each suite; an empty
 * embedded database is made once and copied, for making one takes seconds.
 */

export const BACKENDS = ["embedded", "postgres"] as const;
export type Backend = (typeof BACKENDS)[number];

let server: Promise<PostgresServer> | null = null;
let root: Promise<string> | null = null;
let template: Promise<string> | null = null;
let made = 0;

/** The run's own server; started when first asked for. */
export function postgres(): Promise<PostgresServer> {
  server ??= startPostgres();
  return server;
}

/** A place for an empty database. */
export async function emptyDatabase(backend: Backend): Promise<DatabasePlace> {
  made += 1;
  if (backend === "embedded") {
    const folder = join(await scratch(), `embedded-${made}`);
    template ??= makeTemplate();
    await cp(await template, folder, { recursive: true });
    return { folder };
  }
  const { url } = await postgres();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE suite_${made}`);
  await client.end();
  return { url: url.replace(/\/postgres$/, `/suite_${made}`) };
}

/** A folder that is gone after the run. */
export function scratch(): Promise<string> {
  root ??= mkdtemp(join(tmpdir(), "ballast-databases-"));
  return root;
}

async function makeTemplate(): Promise<string> {
  // Folders above it are made as well.
  const folder = join(await scratch(), "of", "a", "template");
  await (await openDatabase({ folder })).close();
  return folder;
}

after(async () => {
  await (await server)?.stop();
  if (root !== null) await rm(await root, { recursive: true });
});
