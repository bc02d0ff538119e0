/**
 * Whether a posting's customer has a balance in the mirror's own ledger (`BLNK_ACCOUNTS=ledger`). Fragments of conditions on `postings`;
 * nothing else of the statements differs between the modes.
 */
import type postgres from 'postgres';
import type { NewClaimOptions } from '../../post/ports.js';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/**
 * Each posting has one of the mirror's own balances, and one in the map. `known`: Blnk was not seen to lack it. What was sent before is
 * looked up all the same.
 *
 * @param row the name under which the statement has the posting
 */
export function hasBalance(sql: postgres.Sql, which: 'mapped' | 'known', row = 'postings'): Fragment {
  const of = sql.unsafe(row);
  const isKnown = which === 'known' ? sql` and map.missing_since is null` : sql``;
  return sql`exists (
    select 1 from stripe_blnk_sync.account_balances map
    where map.name in (${of}.source, ${of}.destination) and map.currency = ${of}.currency
      and map.balance_id is not null${isKnown})`;
}

/** Balances are made in the order in which payments are posted, so whatever is ready stands in front; what is long in coming is put off. */
const NEAR_FRONT = 2_000;

/** Without it a claim that is not filled would look at all that waits for its balance. */
export function isNearFront(sql: postgres.Sql, isNew: Fragment, first: NewClaimOptions['first']): Fragment {
  const [order, comparison, none] =
    first === 'waiting'
      ? [sql`due_at`, sql`<=`, sql`'infinity'`]
      : [sql`(effective_at at time zone 'UTC')`, sql`>=`, sql`'-infinity'`];
  const direction = first === 'waiting' ? sql`` : sql` desc`;
  return sql`${order} ${comparison} coalesce((
    select ${order} from stripe_blnk_sync.postings where ${isNew} order by ${order}${direction} offset ${NEAR_FRONT} limit 1), ${none})`;
}
