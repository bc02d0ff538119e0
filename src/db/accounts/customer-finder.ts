/** Which customers were posted to, out of the postings themselves, and how far the walk through them has come. */
import type postgres from 'postgres';
import type { CustomerFinder, PostedTo } from '../../accounts/find-customers.js';
import type { CustomerCurrency } from '../../accounts/identity-ports.js';
import type { IdentitiesMode } from '../../core/accounts/identity.js';

export interface CustomerFinderOptions {
  identityIdOf(customer: string): string;
  /** Whether customers whose name was never written are due. */
  readonly withDetails: boolean;
}

export function createCustomerFinder(
  sql: postgres.Sql,
  { identityIdOf, withDetails }: CustomerFinderOptions,
): CustomerFinder {
  return {
    async postedToBy(references) {
      const rows = await sql<PostedTo[]>`
        select distinct destination, currency from stripe_blnk_sync.postings
        where reference = any(${[...references]}::text[]) and state = 'posted'`;
      return [...rows];
    },
    nextPostedTo: (after, limit, but) => nextPostedTo(sql, { after, limit, but }),
    async want(found) {
      if (found.length === 0) return;
      const pairs = inOrder(found);
      const customers = [...new Set(pairs.map(({ customer }) => customer))];
      await sql`
        insert into stripe_blnk_sync.identities (customer, identity_id)
        select customer, identity_id from unnest(${customers}::text[], ${customers.map(identityIdOf)}::text[])
          as wanted(customer, identity_id)
        on conflict (customer) do nothing`;
      await sql`
        with added as (
          insert into stripe_blnk_sync.identity_balances (customer, currency)
          select customer, currency from unnest(${pairs.map(({ customer }) => customer)}::text[],
            ${pairs.map(({ currency }) => currency)}::text[]) as wanted(customer, currency)
          on conflict (customer, currency) do nothing returning customer
        )
        update stripe_blnk_sync.identities set is_linked = false, due_at = now(), attempts = 0
        where customer in (select customer from added)`;
      if (withDetails) {
        await sql`
          update stripe_blnk_sync.identities set due_at = now()
          where customer = any(${customers}::text[]) and details_as_of is null and due_at is null`;
      }
    },
    async walkedTo() {
      const [row] = await sql<{ walked_to: string | null }[]>`select walked_to from stripe_blnk_sync.identity_progress`;
      return row?.walked_to ?? null;
    },
    async noteWalk(to) {
      await sql`
        update stripe_blnk_sync.identity_progress
        set walked_to = ${to}, walked_at = case when ${to}::text is null then now() else walked_at end`;
    },
  };
}

/** Two workers that insert the same rows in another order would wait for each other. */
function inOrder(found: readonly CustomerCurrency[]): CustomerCurrency[] {
  const keyOf = ({ customer, currency }: CustomerCurrency) => `${customer}\n${currency}`;
  const pairs = new Map(found.map((pair) => [keyOf(pair), pair]));
  return [...pairs].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, pair]) => pair);
}

/** From name to name along the index of customers, so that a page costs what it shows, however many payments each has. */
async function nextPostedTo(
  sql: postgres.Sql,
  { after, limit, but }: { readonly after: string; readonly limit: number; readonly but: readonly string[] },
): Promise<{ readonly found: PostedTo[]; readonly end: string | null }> {
  const rows = await sql<{ destination: string; currency: string | null }[]>`
    with recursive named (destination, place) as (
      (select destination, 1 from stripe_blnk_sync.postings
       where state = 'posted' and destination > ${after} order by destination limit 1)
      union all
      select following.destination, place + 1 from named cross join lateral (
        select destination from stripe_blnk_sync.postings
        where state = 'posted' and destination > named.destination order by destination limit 1) following
      where place < ${limit}
    )
    select named.destination, posted.currency from named left join lateral (
      select distinct currency from stripe_blnk_sync.postings posting
      where posting.state = 'posted' and posting.destination = named.destination
        and named.destination <> all(${[...but]}::text[])) posted on true
    order by place, currency`;
  const names = new Set(rows.map(({ destination }) => destination));
  const found = rows.flatMap(({ destination, currency }) => (currency === null ? [] : [{ destination, currency }]));
  return { found, end: names.size < limit ? null : (rows.at(-1)?.destination ?? null) };
}

/**
 * What a worker's configuration says. A walk begins with the mode, and at each start: what a worker had posted when it was killed it may
 * not have noted. One that is under way goes on. Off and never on before: nothing is stored.
 */
export async function noteIdentitiesMode(sql: postgres.Sql, mode: IdentitiesMode): Promise<void> {
  if (mode === 'off') {
    await sql`update stripe_blnk_sync.identity_progress set mode = ${mode}`;
    return;
  }
  await sql`
    insert into stripe_blnk_sync.identity_progress as progress (mode, walked_to) values (${mode}, '')
    on conflict (id) do update set mode = excluded.mode,
      walked_to = case when progress.mode = excluded.mode then coalesce(progress.walked_to, '') else '' end`;
}

/** Begins a walk when the last one was over that long ago. */
export async function beginWalkWhenDue(sql: postgres.Sql, everyMs: number): Promise<void> {
  await sql`
    update stripe_blnk_sync.identity_progress set walked_to = ''
    where walked_to is null and walked_at < now() - ${everyMs} * interval '1 millisecond'`;
}
