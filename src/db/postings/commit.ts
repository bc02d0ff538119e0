/**
 * When the commit of a single statement waits for the disk. Both are conditions to join to the statement: PostgreSQL reads
 * `synchronous_commit` at its commit, and what is set locally ends with it, so that it holds behind every pooler.
 */
import type postgres from 'postgres';

/**
 * For what has to be on disk before a request is on the wire: also where the server, the database or the role has turned
 * waiting off. Whoever waits for more than the own disk goes on doing so.
 */
export const flushed = (sql: postgres.Sql) => sql`
  (select set_config('synchronous_commit', case current_setting('synchronous_commit')
    when 'off' then 'on' else current_setting('synchronous_commit') end, true)) as flushed`;

/**
 * For what the ledger holds already: lost with a server that is killed, it stands in the outbox as an attempt, is looked up and
 * marked again.
 */
export const unflushed = (sql: postgres.Sql) => sql`
  (select set_config('synchronous_commit', 'off', true)) as unflushed`;
