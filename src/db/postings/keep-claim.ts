/** What becomes of a claim that is held: a further attempt, a longer lease, and its end when the mirror is moved. */
import type postgres from 'postgres';
import { isHeldPending, isOfEpoch } from './transitions.js';

interface Held {
  readonly references: readonly string[];
  readonly leaseMs: number;
}

/** Writes a further attempt on disk before its request goes out. Answers the references that the claim still holds. */
export async function markAttempt(
  sql: postgres.Sql,
  token: string,
  { references, leaseMs, epoch }: Held & { readonly epoch: number },
): Promise<Set<string>> {
  const rows = await sql<{ reference: string }[]>`
    update stripe_blnk_sync.postings
    set attempts = attempts + 1, last_attempt_at = now(), doubt_since = coalesce(doubt_since, now()),
        claimed_until = now() + ${leaseMs} * interval '1 millisecond'
    where reference = any(${[...references]}) and ${isHeldPending(sql, token)} and ${isOfEpoch(sql, epoch)}
    returning reference`;
  return new Set(rows.map((row) => row.reference));
}

/** Skips what is locked: that is being marked right now, and waiting for it in another order would be a deadlock. */
export async function renewClaim(sql: postgres.Sql, token: string, { references, leaseMs }: Held): Promise<boolean> {
  const rows = await sql`
    with held as (
      select reference from stripe_blnk_sync.postings
      where reference = any(${[...references]}) and ${isHeldPending(sql, token)}
      for update skip locked
    )
    update stripe_blnk_sync.postings p set claimed_until = now() + ${leaseMs} * interval '1 millisecond'
    from held where p.reference = held.reference`;
  return rows.count > 0;
}

/** For a mirror that is moved: a worker that sleeps with a claim must not mark what it saw under the instance id of before. */
export async function takeClaims(transaction: postgres.TransactionSql): Promise<void> {
  // Not as a list: each state has its own partial index, and postings are mostly posted.
  await transaction`
    update stripe_blnk_sync.postings set claim = null, claimed_until = null
    where claim is not null and (state = 'pending' or state = 'parked')`;
}
