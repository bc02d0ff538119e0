/**
 * Customers' identities on disk. A claim is a due time that lies ahead: whoever finds it changed ends nothing, because something
 * new became known meanwhile, or another worker has taken over.
 */
import type postgres from 'postgres';
import type { DueIdentity, IdentityClaim, IdentityEnd, IdentityStore } from '../../accounts/identity-ports.js';

export function createIdentityStore(sql: postgres.Sql): IdentityStore {
  return {
    claim: (options) => claim(sql, options),
    async noteCreated(customer, isCreated) {
      await sql`update stripe_blnk_sync.identities set is_created = ${isCreated} where customer = ${customer}`;
    },
    async noteLinked(customer, { currency, balanceId }) {
      await sql`
        update stripe_blnk_sync.identity_balances set balance_id = ${balanceId}, linked_at = now()
        where customer = ${customer} and currency = ${currency}`;
    },
    async noteDetails(held, asOf) {
      await sql`
        update stripe_blnk_sync.identities set details_as_of = ${asOf.toISOString()}::timestamptz where ${isHeld(sql, held)}`;
    },
    end: (held, end) => endClaim(sql, held, end),
    async release(held) {
      if (held.length === 0) return;
      await sql`
        update stripe_blnk_sync.identities identity set due_at = now()
        from unnest(${held.map(({ customer }) => customer)}::text[], ${held.map(({ lease }) => lease)}::text[])
          as claimed(customer, lease)
        where identity.customer = claimed.customer and identity.due_at = claimed.lease::timestamptz`;
    },
  };
}

async function claim(
  sql: postgres.Sql,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<DueIdentity[]> {
  const rows = await sql<DueIdentity[]>`
    with chosen as (
      select customer from stripe_blnk_sync.identities where due_at <= now()
      order by due_at limit ${limit} for update skip locked
    ), claimed as (
      update stripe_blnk_sync.identities set due_at = now() + ${leaseMs} * interval '1 millisecond'
      where customer = any(array(select customer from chosen))
      returning customer, identity_id, is_created, details_as_of, attempts, due_at
    )
    select customer, to_json(due_at) #>> '{}' as lease, identity_id as "identityId", is_created as "isCreated",
      details_as_of is null as "wantsDetails", attempts,
      coalesce(array_agg(currency order by currency) filter (where currency is not null and linked_at is null), '{}') as unlinked
    from claimed left join stripe_blnk_sync.identity_balances balance using (customer)
    group by customer, due_at, identity_id, is_created, details_as_of, attempts
    order by customer`;
  return [...rows];
}

async function endClaim(sql: postgres.Sql, held: IdentityClaim, end: IdentityEnd): Promise<void> {
  const dueInMs = end.kind === 'done' ? null : end.dueInMs;
  const parked = end.kind === 'parked' ? end : null;
  const error = end.kind === 'later' ? end.error : null;
  await sql`
    update stripe_blnk_sync.identities set due_at = now() + ${dueInMs}::float8 * interval '1 millisecond',
      is_linked = is_created and not exists (
        select 1 from stripe_blnk_sync.identity_balances balance
        where balance.customer = identities.customer and linked_at is null),
      attempts = ${end.kind === 'later' ? sql`attempts + 1` : sql`0`},
      reason = ${parked?.reason ?? null}, reason_detail = ${parked?.detail ?? null}, last_error = ${error}
    where ${isHeld(sql, held)}`;
}

const isHeld = (sql: postgres.Sql, { customer, lease }: IdentityClaim) =>
  sql`customer = ${customer} and due_at = ${lease}::timestamptz`;

/**
 * The id of a customer's identity, written down before anything is made of it: the account may become known later, and another id with
 * it. Nothing is due by that: what is to be linked is found once something was posted.
 */
export async function keptIdentityId(sql: postgres.Sql, customer: string, identityId: string): Promise<string> {
  await sql`
    insert into stripe_blnk_sync.identities (customer, identity_id, due_at) values (${customer}, ${identityId}, null)
    on conflict (customer) do nothing`;
  const [row] = await sql<{ id: string }[]>`
    select identity_id as id from stripe_blnk_sync.identities where customer = ${customer}`;
  return row?.id ?? identityId;
}
