/**
 * Payments whose balance is long in coming go behind the others of their lane: a claim looks no further than some thousand postings from
 * the front, and behind those of one customer whose balance Blnk lacks or refuses all others would wait as well.
 */
import type postgres from 'postgres';
import type { NewClaimOptions } from '../../post/ports.js';
import { isNearFront } from './ready.js';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** Longer than it takes to make a balance as a rule; then a payment that was put off has lost little. */
const PUT_OFF = `interval '1 minute'`;

/**
 * Of what a claim that came back empty has looked at, what waits for a balance that was tried in vain, or was wanted a minute ago.
 *
 * @param isNew what the claim asked for
 * @returns how many were put off
 */
export async function putOffUnready(
  sql: postgres.Sql,
  isNew: Fragment,
  first: NewClaimOptions['first'],
): Promise<number> {
  const putOff = await sql`
    with front as (
      select reference from stripe_blnk_sync.postings where ${isNew} and ${isNearFront(sql, isNew, first)} and exists (
        select 1 from stripe_blnk_sync.account_balances map
        where map.name in (postings.source, postings.destination) and map.currency = postings.currency
          and (map.missing_since is not null or map.balance_id is null and (
            map.reason is not null or map.last_error is not null or map.wanted_at < now() - ${sql.unsafe(PUT_OFF)})))
      order by reference for update skip locked
    )
    update stripe_blnk_sync.postings set due_at = now() + ${sql.unsafe(PUT_OFF)}
    where reference = any(array(select reference from front))`;
  return putOff.count;
}
