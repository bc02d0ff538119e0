/**
 * Applies one migration while workers are at work. What needs a lock on a table that somebody holds gives way after half a
 * second and is tried again: everything that comes after a waiting lock waits behind it, and that must not be the workers
 * for as long as a person's query takes. The same table of applied migrations as drizzle's own migrator.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { SyncError } from '../core/errors.js';
import { nameSession, runSayingWaits, type Session, type WaitingWords } from './blocking-sessions.js';
import type { Migration } from './migration-files.js';
import type { Database } from './open.js';

export interface LockWaits extends WaitingWords {
  /** How long everybody else may have to wait behind a statement that waits for its lock. */
  readonly lockTimeoutMs: number;
  /** Between two tries. */
  readonly pauseMs: number;
  /** After this it is given up. */
  readonly blockedMaxMs: number;
}

/** Throws SyncError `migration_blocked` naming who holds the tables; then nothing of this migration is applied. */
export async function applyMigration(database: Database, migration: Migration, waits: LockWaits): Promise<void> {
  const deadline = performance.now() + waits.blockedMaxMs;
  for (;;) {
    try {
      if (migration.statements.some(isConcurrent)) return await applyOneByOne(database, migration, waits);
      return await applyAtOnce(database, migration, waits);
    } catch (error) {
      if (!isBlocked(error)) throw error;
      if (performance.now() > deadline) throw await blocked(database.sql, { migration, waits, cause: error });
      await sleep(waits.pauseMs);
    }
  }
}

/** All of it or nothing. */
async function applyAtOnce({ sql }: Database, migration: Migration, { lockTimeoutMs }: LockWaits): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction.unsafe(`set local lock_timeout = '${lockTimeoutMs}ms'`);
    for (const statement of migration.statements) await transaction.unsafe(statement);
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

async function remember(sql: postgres.Sql | postgres.TransactionSql, { hash, madeAt }: Migration): Promise<void> {
  await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${madeAt})`;
}

function isConcurrent(statement: string): boolean {
  return /\bindex\s+concurrently\b/i.test(statement);
}

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';

function isBlocked(error: unknown): boolean {
  return error instanceof postgres.PostgresError && [LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED].includes(error.code);
}

interface Blocked {
  readonly migration: Migration;
  readonly waits: LockWaits;
  readonly cause: unknown;
}

async function blocked(sql: postgres.Sql, { migration, waits, cause }: Blocked): Promise<SyncError> {
  const holders = await sql<Session[]>`
    select activity.pid, activity.application_name as name, activity.client_addr::text as address,
      round(extract(epoch from now() - min(activity.xact_start)))::int as seconds
    from pg_locks held join pg_stat_activity activity on activity.pid = held.pid
    where held.granted and activity.xact_start is not null
      and held.relation in (select oid from pg_class where relnamespace = 'public'::regnamespace)
    group by 1, 2, 3 order by seconds desc limit 3`;
  const names = holders.map(nameSession);
  return new SyncError(
    `The migration ${migration.name} got no lock on the tables in ${Math.round(waits.blockedMaxMs / 1_000)} s; nothing of it is applied. ` +
      `${names.length === 0 ? 'Who holds them is not to be seen' : `The oldest open transactions on them: ${names.join('; ')}`}. ` +
      'Wait for them, or end them with select pg_terminate_backend(<process>), and run migrate again',
    { kind: 'transient', code: 'migration_blocked', cause },
  );
}
