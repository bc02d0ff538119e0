/**
 * Payments to a balance that cannot be made go behind the others of their lane: a claim looks no further than some thousand payments that
 * have no balance yet.
 */
import type postgres from 'postgres';
import type { NamedBalance } from '../../accounts/balance-ports.js';

/** Reads what is due of the currency's lanes: only of a balance that Blnk refuses, and when it is asked for again. */
export async function putOffUnready(
  sql: postgres.Sql,
  balances: ReadonlyArray<NamedBalance & { readonly dueInMs: number }>,
): Promise<void> {
  if (balances.length === 0) return;
  const rows = balances.map(({ name, currency, dueInMs }) => ({ name, currency, dueInMs }));
  await sql`
    update stripe_blnk_sync.postings posting set due_at = now() + given."dueInMs" * interval '1 millisecond'
    from json_to_recordset(${JSON.stringify(rows)}::text::json) as given (name text, currency text, "dueInMs" float8)
    where posting.state = 'pending' and posting.attempts = 0 and posting.currency = given.currency
      and given.name in (posting.destination, posting.source) and posting.due_at <= now()
      and (posting.claimed_until is null or posting.claimed_until < now())`;
}
