/**
 * Balances that carry the mark of one customer although payments of another were posted to them. Such a row of what was seen has the name
 * that was posted for, what the mark says beside it (`mark_now`), and no row of the map. Both customers' wishes wait for a person.
 */
import type postgres from 'postgres';
import type { NamedBalance } from '../../accounts/balance-ports.js';
import type { BalanceReason } from '../../core/accounts/balance-reasons.js';
import { isOfMirror } from './ledger-store.js';

/** A payment's balance by its name, and the one that it was posted to. */
export interface PostedTo extends NamedBalance {
  readonly balanceId: string;
}

export const USED_FOR_ANOTHER: BalanceReason = 'used_for_another';

/** Takes those out of the map that are seen under another name than was posted for. Said twice it changes nothing more. */
export async function noteUsedForAnother(
  sql: postgres.Sql,
  mirrorId: string,
  posted: readonly PostedTo[],
): Promise<void> {
  if (posted.length === 0) return;
  await sql.begin(async (transaction) => {
    const contested = await transaction<{ id: string }[]>`
      with posted as (
        select distinct on ("balanceId") "balanceId" as balance_id, name, currency
        from json_to_recordset(${JSON.stringify(posted)}::text::json) as posted ("balanceId" text, name text, currency text)
        order by "balanceId", name
      ), other as (
        select seen.balance_id, posted.name from stripe_blnk_sync.account_balances_seen seen join posted using (balance_id, currency)
        where seen.name <> posted.name and seen.mark_now is null and ${isOfMirror(sql, mirrorId)}
        order by balance_id for update of seen
      )
      update stripe_blnk_sync.account_balances_seen seen set name = other.name, mark_now = seen.name,
        mark_lost_at = coalesce(seen.mark_lost_at, now())
      from other where seen.balance_id = other.balance_id returning seen.balance_id as id`;
    if (contested.length === 0) return;
    const ids = contested.map(({ id }) => id);
    await transaction`
      update stripe_blnk_sync.account_balances set balance_id = null, mapped_at = null, missing_since = null
      where balance_id = any(${ids}::text[])`;
    await transaction`
      insert into stripe_blnk_sync.account_balances as map (name, currency, due_at, reason, last_error)
      select name, currency, now() + interval '10 minutes', ${USED_FOR_ANOTHER}, error from ${contestedNames(sql)} as contested
      order by name, currency
      on conflict (name, currency) do update set due_at = excluded.due_at, reason = excluded.reason, last_error = excluded.last_error
      where map.balance_id is null`;
  });
}

/** Names that wait for such a balance, and why. Reads all that was seen. */
export const contestedNames = (sql: postgres.Sql) => sql`(
  select pair.name, seen.currency, string_agg(seen.balance_id || ' carries ' ||
    case when seen.mark_now = '' then 'no mark any more' else 'the mark of ' || seen.mark_now end ||
    ', and payments of ' || seen.name || ' were posted to it', '; ' order by seen.balance_id) as error
  from stripe_blnk_sync.account_balances_seen seen cross join lateral (values (seen.name), (nullif(seen.mark_now, ''))) as pair (name)
  where seen.mark_now is not null and pair.name is not null
    and not exists (select 1 from stripe_blnk_sync.account_balances map where map.balance_id = seen.balance_id)
  group by pair.name, seen.currency)`;
