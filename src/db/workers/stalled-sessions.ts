/**
 * Ends database sessions of ours whose process stands still in the middle of a statement: a suspended machine, a host that lost its
 * power, SIGSTOP. PostgreSQL waits for the rest of what they were saying, and their transactions keep their locks.
 */
import type postgres from 'postgres';
import { MIGRATING_SESSION, SESSION_NAMES } from '../../core/base/session-name.js';

/**
 * No living process needs so long between two messages of a statement. `idle_in_transaction_session_timeout` and
 * `statement_timeout` do not count here: the server reads from a client that is within a statement (a driver that asks for the
 * types of its parameters waits for them there), which it does not interrupt before PostgreSQL 17.
 */
const STANDS_STILL_AFTER_MS = 20_000;

/**
 * @param standsStillAfterMs by the database's clock, since the statement began
 * @returns how many were ended; their processes connect anew when they go on, and find their claims and runs with others
 */
export async function endStalledSessions(
  sql: postgres.Sql,
  { standsStillAfterMs = STANDS_STILL_AFTER_MS } = {},
): Promise<number> {
  // Those of migrations, which may wait for as long as it takes, have no transaction of the mirror's.
  const ended = await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
      and application_name like ${SESSION_NAMES} and application_name <> ${MIGRATING_SESSION}
      and state = 'active' and wait_event_type = 'Client' and wait_event = 'ClientRead'
      and clock_timestamp() - state_change > ${standsStillAfterMs} * interval '1 millisecond'`;
  return ended.count;
}
