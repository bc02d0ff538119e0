/**
 * Applies one migration while workers are at work. What needs a lock on a table that somebody holds gives way after half a
 * second and is tried again: everything that comes after a waiting lock waits behind it, and that must not be the workers
 * for as long as a person's query takes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { SyncError } from '../../core/base/errors.js';
import type { Database } from '../connection/open.js';
import { markAsMigrating } from './abandoned-work.js';
import { nameSession, runSayingWaits, type Session, type WaitingWords } from './blocking-sessions.js';
import { remember } from './journal.js';
import type { Migration } from './migration-files.js';
import { closeNewRelations, listRelations } from './other-roles.js';

export interface LockWaits extends WaitingWords {
  /** How long everybody else may have to wait behind a statement that waits for its lock. */
  readonly lockTimeoutMs: number;
  /** Between two tries. */
  readonly pauseMs: number;
  /** After this it is given up. */
  readonly blockedMaxMs: number;
}

/** Throws SyncError `migration_blocked` naming who holds the tables; then nothing of this migration is applied. */
export function applyMigration(database: Database, migration: Migration, waits: LockWaits): Promise<void> {
  const apply = migration.statements.some(isConcurrent) ? applyOneByOne : applyAtOnce;
  const what = { name: migration.name, schema: database.schema };
  return untilNotBlocked(database, { ...what, waits, attempt: () => apply(database, migration, waits) });
}

/** All of it or nothing. */
async function applyAtOnce(
  { sql, schema }: Database,
  migration: Migration,
  { lockTimeoutMs }: LockWaits,
): Promise<void> {
  await sql.begin(async (transaction) => {
    await markAsMigrating(transaction);
    await transaction.unsafe(`set local lock_timeout = '${lockTimeoutMs}ms'`);
    const known = await listRelations(transaction, schema);
    for (const statement of migration.statements) await transaction.unsafe(statement);
    await closeNewRelations(transaction, { schema, known });
    await remember(transaction, migration);
  });
}

/**
 * Indexes of tables that are in use are built outside of transactions, which waits for others and keeps nobody waiting.
 * Such a migration begins anew when it was interrupted, so it has to stand being applied again.
 */
async function applyOneByOne({ sql }: Database, migration: Migration, words: WaitingWords): Promise<void> {
  const what = `The migration ${migration.name}`;
  for (const statement of migration.statements) await runSayingWaits(sql, { ...words, statement, what });
  await remember(sql, migration);
}

export function isConcurrent(statement: string): boolean {
  return /\bindex\s+concurrently\b/i.test(statement);
}

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';
/** Of a statement that takes several locks and may take only so long. */
const QUERY_CANCELED = '57014';

function isBlocked(error: unknown): boolean {
  return (
    error instanceof postgres.PostgresError &&
    [LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED, QUERY_CANCELED].includes(error.code)
  );
}

interface Attempts {
  /** Of the migration. */
  readonly name: string;
  /** That holds the tables. */
  readonly schema: string;
  readonly waits: LockWaits;
  attempt(): Promise<void>;
}

/** Tries again while somebody holds a lock. Throws SyncError `migration_blocked` at last. */
export async function untilNotBlocked({ sql }: Database, { name, schema, waits, attempt }: Attempts): Promise<void> {
  const deadline = performance.now() + waits.blockedMaxMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBlocked(error)) throw error;
      if (performance.now() > deadline)
        throw blocked(name, { waits, cause: error, holders: await holdersIn(sql, schema) });
      await sleep(waits.pauseMs);
    }
  }
}

/** Those with the oldest open transactions on tables of the schema. */
async function holdersIn(sql: postgres.Sql, schema: string): Promise<readonly string[]> {
  const holders = await sql<Session[]>`
    select activity.pid, activity.application_name as name, activity.client_addr::text as address,
      round(extract(epoch from now() - min(activity.xact_start)))::int as seconds
    from pg_locks held join pg_stat_activity activity on activity.pid = held.pid
    where held.granted and activity.xact_start is not null
      -- Databases that were made of one template number their tables alike.
      and held.database = (select oid from pg_database where datname = current_database())
      and held.relation in (select oid from pg_class where relnamespace = (select oid from pg_namespace where nspname = ${schema}))
    group by 1, 2, 3 order by seconds desc limit 3`;
  return holders.map(nameSession);
}

interface Blocked {
  readonly waits: LockWaits;
  readonly cause: unknown;
  readonly holders: readonly string[];
}

function blocked(name: string, { waits, cause, holders }: Blocked): SyncError {
  return new SyncError(
    `The migration ${name} got no lock on the tables in ${Math.round(waits.blockedMaxMs / 1_000)} s; nothing of it is applied. ` +
      `${holders.length === 0 ? 'Who holds them is not to be seen' : `The oldest open transactions on them: ${holders.join('; ')}`}. ` +
      'Wait for them, or end them with select pg_terminate_backend(<process>), and run migrate again',
    { kind: 'transient', code: 'migration_blocked', cause },
  );
}
