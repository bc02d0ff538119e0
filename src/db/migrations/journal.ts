/**
 * The schema of our tables and, in it, the journal of the migrations that made them. A journal of our own: Drizzle's is one
 * table for all applications of a database, and whatever is older than its newest row counts as applied there.
 */
import { SyncError } from '../../core/base/errors.js';
import type { Database } from '../connection/open.js';
import type { Statements } from '../connection/transactions.js';
import { markAsMigrating } from './abandoned-work.js';
import type { Migration } from './migration-files.js';
import { closeNewRelations, closeSchema } from './other-roles.js';

interface Entry {
  readonly name: string;
  readonly hash: string;
}

/**
 * Makes the schema and the journal where they are missing.
 *
 * @throws SyncError `schema_in_use` when the schema holds tables of somebody else
 */
export async function prepareSchema({ sql, schema }: Pick<Database, 'sql' | 'schema'>): Promise<void> {
  if (await hasJournal(sql, schema)) return;
  const { isThere } = await refuseForeignSchema({ sql, schema });
  await sql.begin(async (transaction) => {
    await markAsMigrating(transaction);
    // Not `if not exists`: that needs the right to create also where an administrator made the schema.
    if (!isThere) {
      await transaction.unsafe(`create schema "${schema}"`);
      await closeSchema(transaction, schema);
    }
    await transaction`
      create table stripe_blnk_sync.migrations (
        name text primary key, hash text not null, made_at bigint not null, applied_at timestamptz not null default now())`;
    await transaction.unsafe(
      "comment on table stripe_blnk_sync.migrations is 'Migrations of these tables that were applied. Written by migrate alone.'",
    );
    await closeNewRelations(transaction, { schema, known: [] });
  });
}

/** @throws SyncError `schema_in_use` when the schema holds tables, and no journal of ours */
export async function refuseForeignSchema({
  sql,
  schema,
}: Pick<Database, 'sql' | 'schema'>): Promise<{ readonly isThere: boolean }> {
  if (await hasJournal(sql, schema)) return { isThere: true };
  const [found] = await sql<{ relation: string | null }[]>`
    select (select relname from pg_catalog.pg_class where relnamespace = pg_namespace.oid and relkind in ('r', 'p', 'v', 'm', 'f')
      order by relname limit 1) as relation
    from pg_catalog.pg_namespace where nspname = ${schema}`;
  if (found?.relation != null) throw schemaInUse(schema, found.relation);
  return { isThere: found !== undefined };
}

/** False also where there is no schema. */
export async function hasJournal(sql: Statements, schema: string): Promise<boolean> {
  const [row] = await sql`
    select 1 from pg_catalog.pg_class where relname = 'migrations' and relkind = 'r'
      and relnamespace = (select oid from pg_catalog.pg_namespace where nspname = ${schema})`;
  return row !== undefined;
}

/** Names in the order in which they were made. Throws SyncError `migration_changed` when one was applied that is not ours. */
export async function readApplied(sql: Statements, migrations: readonly Migration[]): Promise<readonly string[]> {
  const entries = await sql<Entry[]>`select name, hash from stripe_blnk_sync.migrations order by made_at, name`;
  const hashes = new Map(migrations.map(({ name, hash }) => [name, hash]));
  const changed = entries.find(({ name, hash }) => hashes.has(name) && hashes.get(name) !== hash);
  if (changed !== undefined) throw migrationChanged(changed.name);
  return entries.map(({ name }) => name);
}

export async function remember(sql: Statements, { name, hash, madeAt }: Migration): Promise<void> {
  await sql`insert into stripe_blnk_sync.migrations (name, hash, made_at) values (${name}, ${hash}, ${madeAt})`;
}

function schemaInUse(schema: string, relation: string): SyncError {
  return new SyncError(
    `The schema ${schema} holds ${relation}, which is not ours, and no journal of our migrations. Nothing was made. ` +
      'Set DATABASE_SCHEMA to a schema that is empty or does not exist yet',
    { kind: 'fatal', code: 'schema_in_use' },
  );
}

function migrationChanged(name: string): SyncError {
  return new SyncError(
    `The migration ${name} that was applied to this database is another one than the one this version brings. ` +
      'Install the version that migrated this database, or a later release of it',
    { kind: 'fatal', code: 'migration_changed' },
  );
}
