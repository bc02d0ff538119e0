/**
 * Brings the schema up to this code, one process at a time and one migration after another. Forward only. Before each
 * migration it waits until no worker lives that the schema serves no longer: a step that older code cannot work on comes
 * after one that says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { SyncError } from '../core/errors.js';
import { applyMigration, type LockWaits } from './apply-migration.js';
import { holderOfLock } from './blocking-sessions.js';
import { type Migration, readMigrations } from './migration-files.js';
import type { Database } from './open.js';
import { findOlderWorkers, type OlderWorker, readServedCode, refuseOldCode, type ServedCode } from './served-code.js';

export interface MigrationWaits extends LockWaits {
  /** For workers that stop by themselves: 10 s until they notice, and what is in flight ends within their grace. */
  readonly olderWorkersMs: number;
}

export interface MigrationOptions {
  /** What else is to be migrated under the same lock: the queue's tables. */
  alsoUnderLock?(): Promise<void>;
  /** What is being waited for, for people. */
  onWaiting?(message: string): void;
  readonly waits?: Partial<MigrationWaits>;
}

/** What was done. A schema is called by its newest migration. */
export interface MigrationReport {
  /** Null when there was none. */
  readonly from: string | null;
  readonly to: string;
  readonly applied: readonly string[];
  readonly served: ServedCode | null;
}

const WAITS: MigrationWaits = {
  lockTimeoutMs: 500,
  pauseMs: 500,
  blockedMaxMs: 60_000,
  olderWorkersMs: 2 * 60_000,
};

/** Any number that no other software on the same server is likely to use for its advisory locks. */
const MIGRATION_LOCK = 7_318_204_511;
const LOOK_EVERY_MS = 100;
/** A process that only finds everything done has the lock for less time. */
const LOOKS_UNTIL_SAID = 20;

/**
 * Of several processes that come at once the first migrates and the others find it done.
 *
 * @throws SyncError `code_too_old`, `migration_blocked`, `older_workers_running`
 */
export async function migrateDatabase(database: Database, options: MigrationOptions = {}): Promise<MigrationReport> {
  return database.onOneConnection(async (holder) => {
    // Asked for again and again: a statement that waits for a lock is an open transaction, and the index that the holder
    // of the lock builds meanwhile would wait for that one.
    await untilLocked(holder, options);
    const report = await migrateUnderLock(database, options);
    await options.alsoUnderLock?.();
    // Fails when the lock was lost meanwhile: then another process may have begun, and starting again finds out.
    await holder`select pg_advisory_unlock(${MIGRATION_LOCK})`;
    return report;
  });
}

async function untilLocked(holder: postgres.TransactionSql, { onWaiting }: MigrationOptions): Promise<void> {
  for (let looks = 0; !(await takeLock(holder)); looks += 1) {
    if (looks === LOOKS_UNTIL_SAID) {
      const other = await holderOfLock(holder, MIGRATION_LOCK);
      onWaiting?.(`Waiting for ${other ?? 'another process'}, which migrates this database`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function takeLock(holder: postgres.TransactionSql): Promise<boolean> {
  const [row] = await holder`select pg_try_advisory_lock(${MIGRATION_LOCK}) as taken`;
  return row?.taken === true;
}

async function migrateUnderLock(database: Database, options: MigrationOptions): Promise<MigrationReport> {
  await refuseOldCode(database);
  const { sql } = database;
  await sql`create schema if not exists drizzle`;
  await sql`create table if not exists drizzle.__drizzle_migrations
    (id serial primary key, hash text not null, created_at bigint)`;
  const migrations = await readMigrations();
  const newest = await newestApplied(sql);
  const waits = { ...WAITS, ...options.waits };
  const applied: string[] = [];
  for (const migration of migrations) {
    if (newest !== null && migration.madeAt <= newest) continue;
    await untilOlderWorkersLeft(sql, { ...options, waitMs: waits.olderWorkersMs, before: migration });
    await applyMigration(database, migration, { ...waits, onWaiting: (message) => options.onWaiting?.(message) });
    applied.push(migration.name);
  }
  return {
    from: newest === null ? null : nameOf(newest, migrations),
    to: nameOf(await newestApplied(sql), migrations),
    applied,
    served: await readServedCode(database),
  };
}

interface LeavingOptions extends MigrationOptions {
  readonly waitMs: number;
  readonly before: Migration;
}

async function untilOlderWorkersLeft(sql: postgres.Sql, { onWaiting, waitMs, before }: LeavingOptions): Promise<void> {
  const [table] = await sql`select to_regclass('served_code') is not null as present`;
  if (table?.present !== true) return;
  const deadline = performance.now() + waitMs;
  for (let looks = 0; ; looks += 1) {
    const older = await findOlderWorkers(sql);
    if (older.length === 0) return;
    if (looks === 0)
      onWaiting?.(`Waiting for workers that may not work on what comes next: ${older.map(nameWorker).join('; ')}`);
    if (performance.now() > deadline) throw olderWorkersRunning(older, before);
    await sleep(LOOK_EVERY_MS);
  }
}

function olderWorkersRunning(older: readonly OlderWorker[], before: Migration): SyncError {
  return new SyncError(
    `Workers of an earlier generation are still running: ${older.map(nameWorker).join('; ')}. They cannot work on what ` +
      `${before.name} makes, so it is not applied. Stop them (SIGTERM) and run migrate again`,
    { kind: 'fatal', code: 'older_workers_running' },
  );
}

function nameWorker({ host, pid, version, generation }: OlderWorker): string {
  return `process ${pid} on ${host} (version ${version}, generation ${generation})`;
}

/**
 * True when every migration that this code brings is applied, and the queue's schema is there when it lives here.
 *
 * @param queue null when the queue keeps nothing in this database
 */
export async function isMigrated(sql: postgres.Sql, queue: QueueSchema | null): Promise<boolean> {
  const [table] = await sql`
    select to_regclass('drizzle.__drizzle_migrations') is not null
      and (${queue?.name ?? null}::text is null or to_regclass(${`${queue?.name}.migration`}) is not null) as present`;
  if (table?.present !== true) return false;
  const newest = (await newestApplied(sql)) ?? 0;
  if ((await readMigrations()).some(({ madeAt }) => madeAt > newest)) return false;
  if (queue === null) return true;
  const [row] = await sql`select coalesce(max(version), 0)::int as version from ${sql(queue.name)}.migration`;
  return row?.version >= queue.version;
}

/** The queue's own tables, in a schema of the same database. */
export interface QueueSchema {
  readonly name: string;
  /** The version that the queue's code brings; it works on later ones too, or refuses by itself. */
  readonly version: number;
}

async function newestApplied(sql: postgres.Sql): Promise<number | null> {
  const [row] = await sql`select max(created_at)::text as newest from drizzle.__drizzle_migrations`;
  return row?.newest == null ? null : Number(row.newest);
}

function nameOf(madeAt: number | null, migrations: readonly Migration[]): string {
  return migrations.find((migration) => migration.madeAt === madeAt)?.name ?? 'a later one than this version brings';
}
