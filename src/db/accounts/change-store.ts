/** Which customers changed since their details were written, and up to when that was read. */
import type postgres from 'postgres';
import type { ChangeStore } from '../../accounts/identity-ports.js';

export function createChangeStore(sql: postgres.Sql): ChangeStore {
  return {
    async changesReadTo() {
      const [row] = await sql<{ changes_read_to: Date | string | null }[]>`
        select changes_read_to from stripe_blnk_sync.identity_progress`;
      const readTo = row?.changes_read_to ?? null;
      return readTo === null ? null : new Date(readTo);
    },
    async noteChangesReadTo(to) {
      await sql`update stripe_blnk_sync.identity_progress set changes_read_to = ${to.toISOString()}::timestamptz`;
    },
    async noteChanged(changes) {
      if (changes.length === 0) return;
      // An event's second has fractions that it does not show.
      await sql`
        update stripe_blnk_sync.identities identity set details_as_of = null, due_at = now(), attempts = 0
        from unnest(${changes.map(({ customer }) => customer)}::text[], ${changes.map(({ at }) => at.toISOString())}::text[])
          as changed(customer, at)
        where identity.customer = changed.customer
          and identity.details_as_of <= changed.at::timestamptz + interval '1 second'`;
    },
    async noteAllChanged() {
      await sql`
        update stripe_blnk_sync.identities set details_as_of = null, due_at = now() where details_as_of is not null`;
    },
  };
}

/** Whether the Stripe key may read customers, as a worker found it. Answers whether that is new. */
export async function noteCustomersRefused(sql: postgres.Sql, isRefused: boolean): Promise<boolean> {
  const noted = await sql`
    update stripe_blnk_sync.identity_progress
    set customers_refused_since = case when ${isRefused} then now() end
    where (customers_refused_since is null) = ${isRefused}`;
  return noted.count > 0;
}
