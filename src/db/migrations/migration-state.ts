/** How far a database is migrated, compared with what this code brings. Reads alone. */
import { SyncError } from '../../core/base/errors.js';
import type { Database } from '../connection/open.js';
import { refuseOldCode } from '../workers/minimum-code.js';
import { hasJournal, readApplied, refuseForeignSchema } from './journal.js';
import { readMigrations } from './migration-files.js';

export interface MigrationState {
  /** Migrations of this code that are not applied, in their order. */
  readonly pending: readonly string[];
  /** Applied ones that this code does not know. */
  readonly newer: readonly string[];
  /** The last that was applied; null without tables. */
  readonly newest: string | null;
}

/** @throws SyncError `migration_changed` */
export async function readMigrationState({ sql, schema }: Pick<Database, 'sql' | 'schema'>): Promise<MigrationState> {
  const migrations = await readMigrations();
  const own = migrations.map(({ name }) => name);
  const applied = (await hasJournal(sql, schema)) ? await readApplied(sql, migrations) : [];
  return {
    pending: own.filter((name) => !applied.includes(name)),
    newer: applied.filter((name) => !own.includes(name)),
    newest: applied.at(-1) ?? null,
  };
}

/** The queue's own tables, in a schema of the same database. */
export interface QueueSchema {
  readonly name: string;
  /** The version that the queue's code brings; it works on later ones too, or refuses by itself. */
  readonly version: number;
}

/** Whether the queue's tables are there, of this version or a later one. */
export async function hasQueueTables({ sql }: Pick<Database, 'sql'>, queue: QueueSchema): Promise<boolean> {
  const [found] = await sql<{ usable: boolean }[]>`
    select has_schema_privilege(oid, 'usage') as usable from pg_catalog.pg_namespace where nspname = ${queue.name}`;
  // A login that may only read our tables; of those who need the queue, a worker was told before, and a request is told by it.
  if (found?.usable === false) return true;
  const [table] = await sql`select to_regclass(${`${queue.name}.migration`}) is not null as present`;
  if (table?.present !== true) return false;
  const [row] = await sql`select coalesce(max(version), 0)::int as version from ${sql(queue.name)}.migration`;
  return row?.version >= queue.version;
}

/** Why this code may not work on what is in the schema: it is somebody else's, or serves newer code alone. Null when it may. */
export async function whyNotOurs(database: Pick<Database, 'sql' | 'db' | 'schema'>): Promise<SyncError | null> {
  try {
    await refuseForeignSchema(database);
    await refuseOldCode(database);
    return null;
  } catch (error) {
    if (error instanceof SyncError && error.kind === 'fatal') return error;
    throw error;
  }
}

/** Whether the login may make the tables: the schema, or within it where an administrator made it. */
export async function mayCreateTables({ sql, schema }: Pick<Database, 'sql' | 'schema'>): Promise<boolean> {
  const [row] = await sql<{ may: boolean }[]>`
    select coalesce((select has_schema_privilege(oid, 'create') from pg_catalog.pg_namespace where nspname = ${schema}),
      has_database_privilege(current_database(), 'create')) as may`;
  return row?.may === true;
}
