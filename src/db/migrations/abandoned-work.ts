/**
 * Work of a migration that goes on inside PostgreSQL although its process is gone. A killed process loses the migration lock at
 * once, because it was idle on that connection; the statement that it had sent on another one runs on until it sends its answer.
 * Whoever has the lock ends such work first: it would be reversed anyway, and everything that comes next would collide with it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { SyncError } from '../../core/base/errors.js';
import { nameSession, type Session } from './blocking-sessions.js';

/** Of whoever changes tables; any number that no other software on the same server is likely to use. */
const WORK_LOCK = 7_318_204_512;
const LOOK_EVERY_MS = 50;
/** Ending takes as long as rolling back. */
const LOOKS_UNTIL_SAID = 40;
/** PostgreSQL shows no more of a statement: `track_activity_query_size` is 1,024 bytes where nobody changed it. */
const STATEMENT_SHOWN_MAX = 1_000;

/** The first statement of every transaction of a migration: by this it is known when its process is gone. */
export async function markAsMigrating(transaction: postgres.TransactionSql): Promise<void> {
  await transaction.unsafe(`select pg_advisory_xact_lock_shared(${WORK_LOCK})`);
}

export interface AbandonedWork {
  /** Those that run outside of transactions; a session that runs one of them is at such work. */
  readonly concurrent: readonly string[];
  readonly timeoutMs: number;
  onWaiting?(message: string): void;
  readonly signal?: AbortSignal;
}

/**
 * Ends it and waits until it is reversed. Only for whoever holds the migration lock and has begun nothing under it.
 *
 * @throws SyncError `migration_waited` when it does not end
 */
export async function endAbandonedWork(sql: postgres.Sql, work: AbandonedWork): Promise<void> {
  const deadline = performance.now() + work.timeoutMs;
  for (let looks = 0; ; looks += 1) {
    const sessions = await findAbandoned(sql, work.concurrent);
    if (sessions.length === 0) return;
    const names = sessions.map(nameSession).join('; ');
    if (work.signal?.aborted === true || performance.now() > deadline) throw stillAtWork(names);
    if (looks === LOOKS_UNTIL_SAID)
      work.onWaiting?.(`Waiting for what a migrate that is gone left at work here: ${names}`);
    for (const { pid } of sessions) await end(sql, pid);
    await sleep(LOOK_EVERY_MS);
  }
}

async function findAbandoned(sql: postgres.Sql, concurrent: readonly string[]): Promise<readonly Session[]> {
  const shown = concurrent.map((statement) => statement.slice(0, STATEMENT_SHOWN_MAX));
  return sql<Session[]>`
    select activity.pid, activity.application_name as name, activity.client_addr::text as address,
      extract(epoch from now() - activity.xact_start)::int as seconds
    from pg_stat_activity activity
    where activity.datname = current_database() and activity.pid <> pg_backend_pid() and (
      exists (
        select from pg_locks held
        where held.pid = activity.pid and held.locktype = 'advisory' and held.granted
          and (held.classid::bigint << 32) + held.objid::bigint = ${WORK_LOCK}
      )
      or (activity.state = 'active' and left(activity.query, ${STATEMENT_SHOWN_MAX}) in (
        select json_array_elements_text(${JSON.stringify(shown)}::json)))
    )`;
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** What another role began may not be ended by this one; it ends by itself. */
async function end(sql: postgres.Sql, pid: number): Promise<void> {
  try {
    await sql`select pg_terminate_backend(${pid})`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === INSUFFICIENT_PRIVILEGE) return;
    throw error;
  }
}

function stillAtWork(names: string): SyncError {
  return new SyncError(
    `Nothing was applied: a migrate that is gone left work here that does not end: ${names}. End it with ` +
      'select pg_terminate_backend(<process>) as the role that began it, and run migrate again',
    { kind: 'transient', code: 'migration_waited' },
  );
}
