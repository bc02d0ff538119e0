/** The mirror's own ledger on disk: which one is used, and when one was tried to be made. One row. */
import type postgres from 'postgres';
import type { LedgerStore } from '../../accounts/balance-ports.js';
import { GONE } from '../../core/accounts/balance-reasons.js';

/** @param mirrorId of the process: once another worker began the mirror anew nothing is written any more */
export function createLedgerStore(sql: postgres.Sql, mirrorId: string): LedgerStore {
  return {
    async read() {
      await sql`
        insert into stripe_blnk_sync.accounts_ledger (id) select 1 where ${isOfMirror(sql, mirrorId)} on conflict (id) do nothing`;
      const [row] = await sql<
        { ledgerId: string | null; sinceAttemptMs: number | null; attempts: number; readTo: string | null }[]
      >`
        select ledger_id as "ledgerId", attempts, to_json(read_to) #>> '{}' as "readTo",
          (extract(epoch from now() - attempted_at) * 1000)::float8 as "sinceAttemptMs"
        from stripe_blnk_sync.accounts_ledger where ${isOfMirror(sql, mirrorId)}`;
      return row ?? null;
    },
    async noteAttempt({ againAfterMs }) {
      const noted = await sql`
        update stripe_blnk_sync.accounts_ledger set attempted_at = now(), attempts = attempts + 1
        where ledger_id is null and ${isOfMirror(sql, mirrorId)}
          and (attempted_at is null or attempted_at < now() - ${againAfterMs} * interval '1 millisecond')`;
      return noted.count > 0;
    },
    async forgetAttempt({ reason, error }) {
      await sql`
        update stripe_blnk_sync.accounts_ledger set attempted_at = null, attempts = greatest(0, attempts - 1), reason = ${reason},
          last_error = ${error} where ledger_id is null and ${isOfMirror(sql, mirrorId)}`;
    },
    async noteError(error) {
      await sql`
        update stripe_blnk_sync.accounts_ledger set last_error = ${error}
        where ledger_id is null and ${isOfMirror(sql, mirrorId)}`;
    },
    async use(ledgers) {
      const given = sql`unnest(${ledgers.map(({ ledgerId }) => ledgerId)}::text[], ${ledgers.map(({ name }) => name)}::text[],
        ${ledgers.map(({ createdAt }) => createdAt)}::text[]) as seen (ledger_id, name, created_at)`;
      await sql`
        update stripe_blnk_sync.accounts_ledger ledger set ledger_id = oldest.ledger_id, reason = null, last_error = null
        from (select ledger_id from ${given} order by created_at::timestamptz, ledger_id limit 1) as oldest
        where ledger.ledger_id is null and ${isOfMirror(sql, mirrorId)}`;
      const [row] = await sql<{ id: string | null }[]>`
        update stripe_blnk_sync.accounts_ledger ledger set
          name = coalesce((select seen.name from ${given} where seen.ledger_id = ledger.ledger_id), ledger.name),
          surplus_ids = array(select seen.ledger_id from ${given} where seen.ledger_id <> ledger.ledger_id order by 1)
        where ledger.ledger_id is not null and ${isOfMirror(sql, mirrorId)} returning ledger_id as id`;
      return row?.id ?? null;
    },
    async noteKnown(isKnown) {
      const changed = await sql`
        update stripe_blnk_sync.accounts_ledger set reason = ${isKnown ? null : GONE}
        where ledger_id is not null and (reason is not distinct from ${GONE}) = ${isKnown} and ${isOfMirror(sql, mirrorId)}`;
      if (isKnown || changed.count === 0) return;
      await sql`
        update stripe_blnk_sync.account_balances set due_at = now()
        where balance_id is not null and missing_since is null and ${isOfMirror(sql, mirrorId)}`;
    },
    async noteReadTo(readTo) {
      await sql`
        update stripe_blnk_sync.accounts_ledger set read_to = greatest(read_to, ${readTo}::timestamptz)
        where ${isOfMirror(sql, mirrorId)}`;
    },
  };
}

/** For whatever is written of one mirror: no longer so once another worker began the mirror anew. */
export const isOfMirror = (sql: postgres.Sql, mirrorId: string) =>
  sql`exists (select 1 from stripe_blnk_sync.mirror where mirror_id = ${mirrorId})`;
