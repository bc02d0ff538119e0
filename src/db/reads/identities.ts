/** Reads how the identities of customers stand. Those that are not linked are few and have an index; all are counted in another. */
import { isNotNull, sql } from 'drizzle-orm';
import type postgres from 'postgres';
import type { IdentityFacts } from '../../core/accounts/identity-facts.js';
import type { IdentityReason } from '../../core/accounts/link-balances.js';
import type { Drizzle } from '../connection/open.js';
import { identities, identityProgress } from '../schema/identities.js';

/** Fewer tries pass by themselves within a minute. */
const FAILING_AFTER_ATTEMPTS = 4;

/** Null: they were never on. */
export async function readIdentities(db: Drizzle): Promise<IdentityFacts | null> {
  const [progress] = await db.select().from(identityProgress);
  if (progress === undefined) return null;
  const [[counts], reasons, [failing]] = await Promise.all([
    db.execute<{ customers: number; open: number }>(sql`
      select (select count(*) from ${identities})::int as customers,
        (select count(*) from ${identities} where not is_linked)::int as open`),
    db
      .select({ reason: sql<IdentityReason>`${identities.reason}`, count: sql<number>`count(*)::int` })
      .from(identities)
      .where(isNotNull(identities.reason))
      .groupBy(identities.reason)
      .orderBy(identities.reason),
    db.execute<{ count: number; error: string }>(sql`
      select count(*)::int as count, max(last_error) as error from ${identities}
      where not is_linked and attempts >= ${FAILING_AFTER_ATTEMPTS} having count(*) > 0`),
  ]);
  const { customers = 0, open = 0 } = counts ?? {};
  return {
    ...{ mode: progress.mode, customers, linked: customers - open, parked: reasons },
    failing: failing === undefined ? null : { count: failing.count, error: failing.error },
    customersRefusedSince: progress.customersRefusedSince,
  };
}

/** Of these balances, those that something was posted to. */
export async function knownCustomers(sql: postgres.Sql, names: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql<{ name: string }[]>`
    select name from unnest(${[...names]}::text[]) as asked(name)
    where exists (select 1 from stripe_blnk_sync.postings where state = 'posted' and destination = asked.name)`;
  return new Set(rows.map(({ name }) => name));
}

/** Customers that were posted to and that no identity was made for. Reads all that was posted. */
export async function countWithoutIdentity(sql: postgres.Sql, but: readonly string[]): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from (
      select distinct destination from stripe_blnk_sync.postings
      where state = 'posted' and destination like '@_%' and destination <> all(${[...but]}::text[])) as posted
    where not exists (
      select 1 from stripe_blnk_sync.identities where customer = substr(posted.destination, 2) and is_created)`;
  return row?.count ?? 0;
}
