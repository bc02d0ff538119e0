/** What a look at the whole ledger came to. */
import type postgres from 'postgres';
import type { CheckStore } from '../../accounts/balance-ports.js';
import { isOfMirror } from './ledger-store.js';

export function createCheckStore(sql: postgres.Sql, mirrorId: string): CheckStore {
  return {
    async beginCheck() {
      const [row] = await sql<{ now: string }[]>`select to_json(now()) #>> '{}' as now`;
      return row?.now ?? '';
    },
    async sumsSince(begunAt) {
      const rows = await sql<{ currency: string; used: string; surplus: string }[]>`
        select seen.currency, coalesce(sum(amount) filter (where map.balance_id is not null), 0)::text as used,
          coalesce(sum(amount) filter (where map.balance_id is null), 0)::text as surplus
        from stripe_blnk_sync.account_balances_seen seen
          left join stripe_blnk_sync.account_balances map on map.balance_id = seen.balance_id
        where seen.seen_at >= ${begunAt}::timestamptz group by seen.currency`;
      return rows.map(({ currency, used, surplus }) => ({ currency, used: BigInt(used), surplus: BigInt(surplus) }));
    },
    async keepCheck(begunAt, sums) {
      await sql`
        update stripe_blnk_sync.accounts_ledger set checked_at = now(), sums = ${JSON.stringify(sums)}::text::jsonb
        where ${isOfMirror(sql, mirrorId)}`;
      await sql`
        update stripe_blnk_sync.account_balances map set due_at = now()
        where balance_id is not null and mapped_at < ${begunAt}::timestamptz and missing_since is null and not exists (
          select 1 from stripe_blnk_sync.account_balances_seen seen
          where seen.balance_id = map.balance_id and seen.seen_at >= ${begunAt}::timestamptz)`;
    },
  };
}

/** Whether it is so long ago that the whole ledger was looked at, or was never. */
export async function isCheckDue(sql: postgres.Sql, everyMs: number): Promise<boolean> {
  const [row] = await sql<{ due: boolean }[]>`
    select checked_at is null or checked_at < now() - ${everyMs} * interval '1 millisecond' as due
    from stripe_blnk_sync.accounts_ledger where ledger_id is not null`;
  return row?.due ?? false;
}

/** Sums by currency of what was posted out of these balances, less what was given back to them. Reads all postings. */
export async function postedOutOf(sql: postgres.Sql, own: readonly string[]): Promise<Map<string, bigint>> {
  const rows = await sql<{ currency: string; sum: string }[]>`
    select currency, sum(case when source = any(${[...own]}::text[]) then amount else -amount end)::text as sum
    from stripe_blnk_sync.postings where state = 'posted' and currency is not null group by currency`;
  return new Map(rows.map(({ currency, sum }) => [currency, BigInt(sum)]));
}
