/** The map of the ledger's balances as readers ask it: names to the ids that are in use. */
import type postgres from 'postgres';
import type { BalanceMap } from '../../accounts/balance-ports.js';

export function createStoredMap(sql: postgres.Sql): BalanceMap {
  return {
    async idsOf(currency, names) {
      const rows = await sql<{ name: string; id: string }[]>`
        select name, balance_id as id from stripe_blnk_sync.account_balances
        where currency = ${currency} and name = any(${[...names]}::text[]) and balance_id is not null`;
      return new Map(rows.map(({ name, id }) => [name, id]));
    },
    async namesById(names) {
      const rows = await sql<{ name: string; id: string }[]>`
        select name, balance_id as id from stripe_blnk_sync.account_balances
        where name = any(${[...names]}::text[]) and balance_id is not null`;
      return new Map(rows.map(({ name, id }) => [id, name]));
    },
    async doubt(currency, names) {
      await sql`
        update stripe_blnk_sync.account_balances set due_at = now()
        where currency = ${currency} and name = any(${[...names]}::text[]) and balance_id is not null and missing_since is null`;
    },
  };
}
