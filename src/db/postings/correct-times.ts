/**
 * Times of postings that lie further ahead than anything here puts them, because a clock was ahead that was set right since.
 * No state changes, and no claim: a claim that was ahead ends now.
 */
import type postgres from 'postgres';

export interface Ahead {
  /** Longer than any lease, lock and heartbeat, and than the difference of two clocks that are kept right. */
  readonly ahead: string;
  /** Longer than the largest back-off and the longest `Retry-After` that is believed. */
  readonly dueAhead: string;
}

/** Answers how many were corrected. */
export async function correctPending(sql: postgres.Sql, { ahead, dueAhead }: Ahead): Promise<number> {
  // What was never tried is due from when it was stored on.
  const isDueAhead = sql`due_at > now() + case when attempts = 0 then ${ahead}::interval else ${dueAhead}::interval end`;
  const { count } = await sql`
    update stripe_blnk_sync.postings
    set due_at = case when ${isDueAhead} then now() else due_at end,
        claimed_until = ${atMostNow(sql, 'claimed_until')}, last_attempt_at = ${atMostNow(sql, 'last_attempt_at')},
        doubt_since = ${atMostNow(sql, 'doubt_since')}
    where state = 'pending' and (${isDueAhead} or claimed_until > now() + ${ahead}::interval
      or last_attempt_at > now() + ${ahead}::interval or doubt_since > now() + ${ahead}::interval)`;
  return count;
}

export async function correctDismissed(sql: postgres.Sql, { ahead }: Pick<Ahead, 'ahead'>): Promise<number> {
  const { count } = await sql`
    update stripe_blnk_sync.postings
    set claimed_until = ${atMostNow(sql, 'claimed_until')}, dismissed_at = ${atMostNow(sql, 'dismissed_at')}
    where state = 'parked' and (claimed_until > now() + ${ahead}::interval or dismissed_at > now() + ${ahead}::interval)`;
  return count;
}

/** A day with a payment that is stored later than its proof is proven again: for as long as that time is still to come. */
export async function correctStored(
  sql: postgres.Sql,
  runIds: readonly string[],
  { ahead }: Pick<Ahead, 'ahead'>,
): Promise<number> {
  const { count } = await sql`
    update stripe_blnk_sync.postings set stored_at = now()
    where first_run = any(${[...runIds]}::uuid[]) and stored_at > now() + ${ahead}::interval`;
  return count;
}

/** What was never tried stays so: `least` would take a missing time for the latest one. */
export function atMostNow(sql: postgres.Sql, column: string) {
  return sql`case when ${sql(column)} > now() then now() else ${sql(column)} end`;
}
