/** What a worker sends that knows postings without lane, object and role: statements of generation 1, word for word. */
import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import type { Lane, PreparedTransaction } from '../../../src/core/posting/posting.js';

/** A payment, or what a repair owes. */
export async function storeAsBefore(sql: postgres.Sql, transaction: PreparedTransaction, paymentId: string) {
  const { reference, role, source, destination, currency, amount, precision, effectiveDate, body } = transaction;
  const kind = role === 'original' ? 'payment' : role;
  await sql`
    insert into stripe_blnk_sync.postings (reference, object_id, kind, source, destination, currency, amount, precision,
      effective_at, state, prepared, first_run)
    values (${reference}, ${paymentId}, ${kind}, ${source}, ${destination}, ${currency}, ${String(amount)}, ${precision},
      ${effectiveDate.toISOString()}, 'pending', ${body}, ${randomUUID()})`;
}

/** Of what was never tried, with the attempt. */
export async function claimAsBefore(sql: postgres.Sql, { source, currency }: Lane, limit = 100) {
  const token = randomUUID();
  const rows = await sql<{ reference: string }[]>`
    with chosen as (
      select reference from stripe_blnk_sync.postings
      where state = 'pending' and source = ${source} and currency = ${currency} and due_at <= now()
        and (claimed_until is null or claimed_until < now()) and attempts = 0
      order by due_at, reference limit ${limit} for update skip locked
    )
    update stripe_blnk_sync.postings p
    set claim = ${token}, claimed_until = now() + interval '1500 milliseconds', attempts = 1, first_attempt_at = now(),
      last_attempt_at = now(), doubt_since = now()
    from chosen where p.reference = chosen.reference returning p.reference`;
  return { token, references: rows.map(({ reference }) => reference) };
}
