/**
 * Brings the schema up to this code, one process at a time and one migration after another. Forward only. Before each
 * migration it waits until no worker lives that the schema serves no longer: a step that older code cannot work on comes
 * after one that says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { SyncError } from '../../core/base/errors.js';
import type { Database } from '../connection/open.js';
import { nameSchema } from '../schema/own-schema.js';
import {
  findOlderWorkers,
  type OlderWorker,
  readServedCode,
  refuseOldCode,
  type ServedCode,
} from '../workers/minimum-code.js';
import { endAbandonedWork } from './abandoned-work.js';
import { applyMigration, isConcurrent, type LockWaits } from './apply-migration.js';
import { holderOfLock } from './blocking-sessions.js';
import { prepareSchema, readApplied } from './journal.js';
import { migrationFault } from './migration-fault.js';
import { type Migration, readMigrations, readMigrationsInPublic } from './migration-files.js';
import { hasQueueTables, type QueueSchema, readMigrationState } from './migration-state.js';
import { findOldTables, takeOver } from './take-over.js';

export interface MigrationWaits extends LockWaits {
  /** For workers that stop by themselves: 10 s until they notice, and what is in flight ends within their grace. */
  readonly olderWorkersMs: number;
  /** For another process that migrates. An index of a large table takes its time. */
  readonly othersMs: number;
}

export interface MigrationOptions {
  /** What else is to be migrated under the same lock: the queue's tables. */
  alsoUnderLock?(): Promise<void>;
  /** What is being waited for, for people. */
  onWaiting?(message: string): void;
  /** Before each migration that is applied: what is done of what there is to do. A long one is one that reads many rows. */
  onMigration?(name: string, progress: { readonly done: number; readonly all: number }): void;
  /** Aborted when the process shall end: it waits for nobody any more. What it has begun it brings to its end. */
  readonly signal?: AbortSignal;
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
  othersMs: 30 * 60_000,
};

/** Any number that no other software on the same server is likely to use for its advisory locks. */
const MIGRATION_LOCK = 7_318_204_511;
const LOOK_EVERY_MS = 100;
/** A process that only finds everything done has the lock for less time. */
const LOOKS_UNTIL_SAID = 20;

/**
 * Of several processes that come at once the first migrates and the others find it done.
 *
 * @throws SyncError `code_too_old`, `migration_blocked`, `migration_waited`, `older_workers_running`, `migration_interrupted`,
 *   `migration_failed`
 */
export async function migrateDatabase(database: Database, options: MigrationOptions = {}): Promise<MigrationReport> {
  try {
    return await migrateLocked(database, options);
  } catch (error) {
    throw migrationFault(error);
  }
}

function migrateLocked(database: Database, options: MigrationOptions): Promise<MigrationReport> {
  // The lock of a transaction, which no pooler keeps for other clients. Nothing waits for one that holds no snapshot.
  return database.sql.begin(async (holder) => {
    // Asked for again and again: a statement that waits for a lock is one, and the index that the holder of the lock builds
    // meanwhile would wait for it.
    await untilLocked(holder, options);
    const report = await migrateUnderLock(database, options);
    await options.alsoUnderLock?.();
    // Fails when the lock was lost meanwhile: then another process may have begun, and starting again finds out.
    await holder.unsafe('select 1');
    return report;
  });
}

async function untilLocked(holder: postgres.TransactionSql, options: MigrationOptions): Promise<void> {
  const { onWaiting, signal } = options;
  const deadline = performance.now() + (options.waits?.othersMs ?? WAITS.othersMs);
  for (let looks = 0; !(await takeLock(holder)); looks += 1) {
    const isOver = signal?.aborted === true || performance.now() > deadline;
    if (isOver || looks === LOOKS_UNTIL_SAID) {
      const other = (await holderOfLock(holder, MIGRATION_LOCK)) ?? 'another process';
      if (isOver) throw otherIsMigrating(other);
      onWaiting?.(`Waiting for ${other}, which migrates this database`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function otherIsMigrating(other: string): SyncError {
  return new SyncError(
    `Nothing was applied: ${other} holds the lock of those who migrate this database. When it is done, run migrate again; ` +
      'when it does nothing any more, as a connection that a pooler kept, end it with select pg_terminate_backend(<process>)',
    { kind: 'transient', code: 'migration_waited' },
  );
}

async function takeLock(holder: postgres.TransactionSql): Promise<boolean> {
  // Without parameters, so that nothing is left open: a portal keeps its snapshot, and an index that is built waits for that.
  const [row] = await holder.unsafe(`select pg_try_advisory_xact_lock(${MIGRATION_LOCK}) as taken`);
  return row?.taken === true;
}

async function migrateUnderLock(database: Database, options: MigrationOptions): Promise<MigrationReport> {
  const { sql } = database;
  const migrations = (await readMigrations()).map((migration) => inOurSchema(migration, database.schema));
  const concurrent = [...migrations, ...(await readMigrationsInPublic())].flatMap(({ statements }) => statements);
  await endAbandonedWork(sql, {
    ...options,
    concurrent: concurrent.filter(isConcurrent),
    timeoutMs: options.waits?.othersMs ?? WAITS.othersMs,
  });
  await refuseOldCode(database);
  await prepareSchema(database);
  const before = await readApplied(sql, migrations);
  // An empty journal is also what an interrupted migrate leaves.
  const old = before.length === 0 ? await findOldTables(sql) : null;
  const waits = { ...WAITS, ...options.waits, onWaiting: (message: string) => options.onWaiting?.(message) };
  const applied: string[] = [];
  const [first] = migrations;
  if (old !== null && first !== undefined) applied.push(...(await takeOver(database, { old, replaced: first, waits })));
  const due = migrations.filter(({ name }) => !before.includes(name) && !applied.includes(name));
  for (const [done, migration] of due.entries()) {
    options.onMigration?.(migration.name, { done, all: due.length });
    await untilOlderWorkersLeft(database, { ...options, waitMs: waits.olderWorkersMs, before: migration });
    await applyMigration(database, migration, waits);
    applied.push(migration.name);
  }
  return {
    from: (old?.applied ?? before).at(-1) ?? null,
    to: (await readApplied(sql, migrations)).at(-1) ?? '',
    applied,
    served: await readServedCode(database),
  };
}

function inOurSchema(migration: Migration, schema: string): Migration {
  return { ...migration, statements: migration.statements.map((statement) => nameSchema(statement, schema)) };
}

interface LeavingOptions extends MigrationOptions {
  readonly waitMs: number;
  readonly before: Migration;
}

async function untilOlderWorkersLeft(
  database: Database,
  { onWaiting, signal, waitMs, before }: LeavingOptions,
): Promise<void> {
  if ((await readServedCode(database)) === null) return;
  const { sql } = database;
  const deadline = performance.now() + waitMs;
  for (let looks = 0; ; looks += 1) {
    const older = await findOlderWorkers(sql);
    if (older.length === 0) return;
    if (looks === 0)
      onWaiting?.(`Waiting for workers that may not work on what comes next: ${older.map(nameWorker).join('; ')}`);
    if (signal?.aborted === true || performance.now() > deadline) throw olderWorkersRunning(older, before);
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
export async function isMigrated(
  database: Pick<Database, 'sql' | 'schema'>,
  queue: QueueSchema | null,
): Promise<boolean> {
  const { pending } = await readMigrationState(database);
  if (pending.length > 0) return false;
  return queue === null || hasQueueTables(database, queue);
}
