/** Pending to posted, for whoever holds the claim: a chunk in one statement. */
import type postgres from 'postgres';
import type { Settlement } from '../../core/posting/posting.js';
import { isHeldPending, posted } from './transitions.js';
import { assignments } from './write-transition.js';

/** Told how long each of those that were marked was stored, in milliseconds. */
export type WaitedListener = (waitedMs: readonly number[]) => void;

/**
 * Answers how many were marked: what was taken over in the meantime is left alone. Its commit does not wait for the disk: what is
 * lost of it with a server that is killed stands in the outbox as an attempt, is looked up and marked again.
 */
export async function settle(
  sql: postgres.Sql,
  token: string,
  settlements: readonly Settlement[],
  onWaited?: WaitedListener,
): Promise<number> {
  if (settlements.length === 0) return 0;
  const rows = await sql<{ waited: number }[]>`
    update stripe_blnk_sync.postings set ${sql.unsafe(assignments(posted))} from ${givenSettlements(sql, settlements)} cross join ${unflushed(sql)}
    where postings.reference = given.reference and ${isHeldPending(sql, token)}
    returning (extract(epoch from clock_timestamp() - postings.stored_at) * 1000)::float8 as waited`;
  onWaited?.(rows.map(({ waited }) => waited));
  return rows.count;
}

/** PostgreSQL reads the setting at the commit, and what is set locally ends with it, so that it holds behind every pooler. */
const unflushed = (sql: postgres.Sql) => sql`(select set_config('synchronous_commit', 'off', true)) as unflushed`;

/** What was seen of each, as the table `given`. */
export function givenSettlements(sql: postgres.Sql, settlements: readonly Settlement[]) {
  return sql`
    unnest(${settlements.map((s) => s.reference)}::text[], ${settlements.map((s) => s.transactionId)}::text[],
      ${settlements.map((s) => s.how)}::text[], ${settlements.map((s) => s.exception)}::text[])
      as given(reference, transaction_id, settled_how, exception)`;
}
