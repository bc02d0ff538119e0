/** Reads how the mirror's ledger and its balances stand. What is open is little and has an index; what is in use is counted. */
import { sql } from 'drizzle-orm';
import type postgres from 'postgres';
import type { AccountFacts } from '../../core/accounts/account-facts.js';
import { GONE } from '../../core/accounts/balance-reasons.js';
import type { Drizzle } from '../connection/open.js';
import { accountBalances, accountBalancesSeen, accountsLedger } from '../schema/accounts.js';

/** What passes by itself is over by then. */
const FAILING_AFTER = sql.raw(`interval '5 minutes'`);
/** Longer than most outages, and than what Blnk does not show yet is waited for. */
const STANDSTILL_AFTER = sql.raw(`interval '15 minutes'`);

/** Null: the mirror has no ledger of its own. */
export async function readAccounts(db: Drizzle): Promise<AccountFacts | null> {
  const [ledger] = await db.select().from(accountsLedger);
  if (ledger === undefined) return null;
  const [[counts], parked, [failing], [surplus]] = await Promise.all([
    db.execute<{ balances: number; wanted: number; missing: number }>(sql`
      select (select count(*) from ${accountBalances} where balance_id is not null)::int as balances,
        (select count(*) from ${accountBalances} where balance_id is null)::int as wanted,
        (select count(*) from ${accountBalances} where missing_since is not null and reason = ${GONE})::int as missing`),
    db.execute<AccountFacts['parked'][number]>(sql`
      select reason, count(*)::int as count from ${accountBalances}
      where balance_id is null and reason is not null group by reason order by reason`),
    db.execute<{ count: number; error: string; isStandstill: boolean }>(sql`
      select count(*)::int as count, max(last_error) as error,
        min(wanted_at) < now() - ${STANDSTILL_AFTER} and not exists (
          select 1 from ${accountBalances} made where made.mapped_at > now() - ${STANDSTILL_AFTER}) as "isStandstill"
      from ${accountBalances}
      where balance_id is null and reason is null and last_error is not null and wanted_at < now() - ${FAILING_AFTER}
      having count(*) > 0`),
    db.execute<{ count: number; used: number; lost: number }>(sql`
      select count(*) filter (where map.balance_id is null)::int as count,
        count(*) filter (where map.balance_id is null and seen.amount <> 0)::int as used,
        count(*) filter (where map.balance_id is not null and seen.mark_lost_at is not null)::int as lost
      from ${accountBalancesSeen} seen left join ${accountBalances} map on map.balance_id = seen.balance_id
      where map.balance_id is null or seen.mark_lost_at is not null`),
  ]);
  const { balances = 0, wanted = 0, missing = 0 } = counts ?? {};
  return {
    ...{ ledgerId: ledger.ledgerId, ledgerName: ledger.name, surplusLedgers: ledger.surplusIds },
    isLedgerGone: ledger.ledgerId !== null && ledger.reason === GONE,
    ledgerError: ledger.ledgerId === null ? ledger.lastError : null,
    ...{ balances, wanted, missing, parked: [...parked] },
    failing: failing ?? null,
    surplus: { count: surplus?.count ?? 0, used: surplus?.used ?? 0 },
    marksLost: surplus?.lost ?? 0,
    ...{ checkedAt: ledger.checkedAt, sums: ledger.sums ?? [] },
  };
}

/** Of these pairs, as `currency:name`, those whose balance is in the map. */
export async function knownBalances(sql: postgres.Sql, pairs: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql<{ pair: string }[]>`
    select asked.pair from unnest(${[...pairs]}::text[]) as asked (pair) join stripe_blnk_sync.account_balances map
      on map.currency = split_part(asked.pair, ':', 1) and map.name = substr(asked.pair, strpos(asked.pair, ':') + 1)
    where map.balance_id is not null`;
  return new Set(rows.map(({ pair }) => pair));
}
