/**
 * Databases from before there was an own schema: their tables lie in `public` or where the search path of a role led, and
 * their migrations stand in Drizzle's journal, which other applications may share. In one transaction the tables move, views
 * with their old names let older workers and people go on, and our entries leave the shared journal. Rows of others are
 * never touched. What is ours is known by the hashes of our migrations, never by a name alone.
 */
import type postgres from 'postgres';
import { SyncError } from '../../core/base/errors.js';
import type { Database } from '../connection/open.js';
import { markAsMigrating } from './abandoned-work.js';
import { isConcurrent, type LockWaits, untilNotBlocked } from './apply-migration.js';
import { remember } from './journal.js';
import { type Migration, readMigrationsInPublic } from './migration-files.js';
import { leaveOldName, readGrants } from './old-names.js';

/** Those that workers hold longest come first: whoever waits for them keeps nobody else waiting. */
const TABLES: readonly string[] = [
  ...['postings', 'sync_runs', 'coverage', 'mirror', 'certificates', 'repairs', 'repair_items', 'acceptances'],
  ...['payments_before_start', 'lane_pauses', 'workers', 'served_code', 'stripe_reads', 'rate_tokens'],
];
/** A schema that holds all tables of the first migration is an old one of ours. */
const LATER_TABLES = ['certificates', 'repairs', 'repair_items', 'acceptances', 'payments_before_start', 'served_code'];
const FIRST_TABLES = TABLES.filter((name) => !LATER_TABLES.includes(name));
const VIEWS: readonly string[] = ['sync_history', 'payment_status', 'daily_totals', 'day_certificates'];

/** What an old database holds. */
export interface OldTables {
  /** The schema that the tables lie in. */
  readonly schema: string;
  readonly applied: readonly string[];
}

/** Null where there is nothing to take over. Throws SyncError `old_tables_unclear` when it cannot be told. */
export async function findOldTables(sql: postgres.Sql): Promise<OldTables | null> {
  const schemas = await sql<{ schema: string }[]>`
    select n.nspname as schema from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relname in (select json_array_elements_text(${JSON.stringify(FIRST_TABLES)}::json))
      -- Not that of another mirror that has an own schema already.
      and not exists (
        select 1 from pg_catalog.pg_class j join pg_catalog.pg_attribute a on a.attrelid = j.oid
        where j.relnamespace = n.oid and j.relname = 'migrations' and a.attname = 'made_at')
    group by 1 having count(*) = ${FIRST_TABLES.length}`;
  const names = schemas.map(({ schema }) => schema);
  const schema = names.length === 1 ? names[0] : names.find((name) => name === 'public');
  if (schema === undefined && names.length === 0) return null;
  const [journal] = await sql<{ readable: boolean }[]>`
    select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select, delete') as readable
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'drizzle' and c.relname = '__drizzle_migrations'`;
  if (journal === undefined) return null;
  if (!journal.readable || schema === undefined) throw oldTablesUnclear(names, journal.readable);
  const hashes = new Map((await readMigrationsInPublic()).map(({ name, hash }) => [hash, name]));
  const rows = await sql<{ hash: string }[]>`select hash from drizzle.__drizzle_migrations`;
  const applied = rows.flatMap(({ hash }) => hashes.get(hash) ?? []);
  return applied.length === 0 ? null : { schema, applied };
}

function oldTablesUnclear(schemas: readonly string[], isReadable: boolean): SyncError {
  const why = isReadable
    ? `Tables of an earlier version lie in more than one schema (${schemas.join(', ')}). Keep the ones that are in use, and rename or drop the others`
    : `Tables of an earlier version lie in ${schemas.join(', ')}, and this role may not read and change drizzle.__drizzle_migrations, which says how old they are. Run migrate as the role that migrated them before`;
  return new SyncError(`${why}. Nothing was changed`, { kind: 'fatal', code: 'old_tables_unclear' });
}

interface TakingOver {
  readonly old: OldTables;
  /** The migration that would make these tables in a new database. */
  readonly replaced: Migration;
  readonly waits: LockWaits;
}

/** Brings the old tables up to the last migration before the own schema, moves them, and notes it in the journal there. */
export async function takeOver(database: Database, { old, replaced, waits }: TakingOver): Promise<readonly string[]> {
  const before = await readMigrationsInPublic();
  const missing = before.filter(({ name }) => !old.applied.includes(name));
  for (const migration of missing) {
    const attempt = () => applyInPublic(database, { migration, schema: old.schema, waits });
    await untilNotBlocked(database, { name: migration.name, schema: old.schema, waits, attempt });
  }
  const attempt = () =>
    database.sql.begin(async (transaction) => {
      await markAsMigrating(transaction);
      await move(transaction, { from: old.schema, to: database.schema, lockTimeoutMs: waits.lockTimeoutMs });
      for (const migration of [...before, replaced]) await remember(transaction, migration);
      await transaction`
        delete from drizzle.__drizzle_migrations
        where hash in (select json_array_elements_text(${JSON.stringify(before.map(({ hash }) => hash))}::json))`;
    });
  await untilNotBlocked(database, { name: replaced.name, schema: old.schema, waits, attempt });
  return [...missing.map(({ name }) => name), replaced.name];
}

interface InPublic {
  readonly migration: Migration;
  readonly schema: string;
  readonly waits: LockWaits;
}

/** They name no schema: on a connection of their own, whose search path leads to the tables. */
async function applyInPublic(database: Database, { migration, schema, waits }: InPublic): Promise<void> {
  const atOnce = !migration.statements.some(isConcurrent);
  await database.onOneConnection(async (sql) => {
    await sql.unsafe(`set search_path to "${schema}", public`);
    if (atOnce) {
      await sql.unsafe('begin');
      await markAsMigrating(sql);
      await sql.unsafe(`set local lock_timeout = '${waits.lockTimeoutMs}ms'`);
    }
    for (const statement of migration.statements) await sql.unsafe(statement);
    await sql`
      insert into drizzle.__drizzle_migrations (hash, created_at) values (${migration.hash}, ${migration.madeAt})`;
    // An error before it ends the connection, and with it the transaction.
    if (atOnce) await sql.unsafe('commit');
  });
}

interface Move {
  readonly from: string;
  readonly to: string;
  readonly lockTimeoutMs: number;
}

async function move(transaction: postgres.TransactionSql, { from, to, lockTimeoutMs }: Move): Promise<void> {
  // All locks in one statement that gives up as a whole: a worker that holds one of the tables and waits for another one
  // must not be the one that PostgreSQL ends for the deadlock, which it looks for after a second.
  await transaction.unsafe(`set local statement_timeout = '${lockTimeoutMs}ms'`);
  await transaction.unsafe(
    `lock table ${TABLES.map((name) => `"${from}"."${name}"`).join(', ')} in access exclusive mode`,
  );
  await transaction.unsafe('set local statement_timeout = 0');
  const placed = await transaction<{ name: string; schema: string }[]>`
    select c.relname as name, n.nspname as schema
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'v' and n.nspname in (${from}, 'public')
      and c.relname in (select json_array_elements_text(${JSON.stringify(VIEWS)}::json))
    order by n.nspname = ${from}`;
  const schemaOfViews = new Map(placed.map(({ name, schema }) => [name, schema]));
  const moved = [
    ...TABLES.map((name) => ({ name, from, kind: 'table' })),
    ...VIEWS.map((name) => ({ name, from: schemaOfViews.get(name) ?? from, kind: 'view' })),
  ];
  for (const { name, from: schema, kind } of moved) {
    const grants = await readGrants(transaction, { schema, name });
    await transaction.unsafe(`alter ${kind} "${schema}"."${name}" set schema "${to}"`);
    await leaveOldName(transaction, { from: schema, to, name, grants });
  }
}
