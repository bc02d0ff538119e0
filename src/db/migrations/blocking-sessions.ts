/** Who is in the way of a statement or of a lock, in words for people. Sees names only where PostgreSQL lets this role see them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';

/** What waits less long is not worth a line. */
const SAID_AFTER_MS = 5_000;
const SAID_AGAIN_EVERY_MS = 60_000;

export interface WaitingWords {
  onWaiting?(message: string): void;
  /** Left out in production. */
  readonly saidAfterMs?: number;
}

interface SayingWaits extends WaitingWords {
  readonly statement: string;
  readonly what: string;
}

/** Somebody else's connection, as PostgreSQL shows it to this role. */
export interface Session {
  readonly pid: number;
  readonly name: string | null;
  readonly address: string | null;
  /** How long its transaction, or itself when it is in none, has been open; whole seconds. */
  readonly seconds: number | null;
}

/**
 * Runs a statement outside of a transaction; every minute that it waits for others it is said for whom.
 *
 * @param what what is being done, as the begin of a sentence: `The migration 0004_newest_first`
 */
export async function runSayingWaits(
  sql: postgres.Sql,
  { statement, what, onWaiting, saidAfterMs = SAID_AFTER_MS }: SayingWaits,
): Promise<void> {
  const ended = new AbortController();
  const running = Promise.resolve(sql.unsafe(statement)).finally(() => ended.abort());
  const watching = watch(async () => {
    const sessions = await blockersOf(sql, statement);
    if (sessions.length > 0) onWaiting?.(`${what} waits for ${sessions.join('; ')}`);
  });
  for (const result of await Promise.allSettled([running, watching])) {
    if (result.status === 'rejected') throw result.reason;
  }

  async function watch(look: () => Promise<void>): Promise<void> {
    for (let waitMs = saidAfterMs; await passed(waitMs, ended.signal); waitMs = SAID_AGAIN_EVERY_MS) await look();
  }
}

/** Who holds this advisory lock of this database, or null. */
export async function holderOfLock(sql: postgres.TransactionSql, key: number): Promise<string | null> {
  const [session] = await sql<Session[]>`
    select activity.pid, activity.application_name as name, activity.client_addr::text as address,
      extract(epoch from now() - activity.backend_start)::int as seconds
    from pg_locks held join pg_stat_activity activity on activity.pid = held.pid
    where held.locktype = 'advisory' and held.granted and activity.datname = current_database()
      and (held.classid::bigint << 32) + held.objid::bigint = ${key}`;
  return session === undefined ? null : nameSession(session);
}

async function blockersOf(sql: postgres.Sql, statement: string): Promise<string[]> {
  const sessions = await sql<Session[]>`
    select activity.pid, activity.application_name as name, activity.client_addr::text as address,
      extract(epoch from now() - activity.xact_start)::int as seconds
    from pg_stat_activity activity
    where activity.pid in (
      select unnest(pg_blocking_pids(waiting.pid)) from pg_stat_activity waiting
      where waiting.query = ${statement} and waiting.wait_event_type = 'Lock' and waiting.pid <> pg_backend_pid()
    )
    order by activity.xact_start`;
  return sessions.map(nameSession);
}

export function nameSession({ pid, name, address, seconds }: Session): string {
  const who = [name === null || name === '' ? null : name, address].filter((word) => word !== null).join(', ');
  return `process ${pid}${who === '' ? '' : ` (${who})`}${seconds === null ? '' : `, open for ${seconds} s`}`;
}

async function passed(waitMs: number, signal: AbortSignal): Promise<boolean> {
  return sleep(waitMs, true, { signal, ref: false }).catch(() => false);
}
