/** Rows of a long outage, made of real ones, and how the outbox's statements go about them. */
import type postgres from 'postgres';
import { LANE } from '../../src/db/schema/postings.js';

/** Copies at a time: one statement for a million rows would hold its memory and its locks for minutes. */
const COPIES_AT_ONCE = 50_000;

/**
 * Fills the outbox up to so many pending. Each copy is a payment of its own: its reference goes through the prepared
 * transaction, and it was stored and is due before the row that it is a copy of.
 * @returns how many are pending
 */
export async function copyPending(sql: postgres.Sql, wanted: number): Promise<number> {
  let copies = 0;
  for (let pending = await countPending(sql); pending < wanted; pending = await countPending(sql)) {
    copies += 1;
    const limit = Math.min(COPIES_AT_ONCE, wanted - pending);
    await sql`
      insert into stripe_blnk_sync.postings (reference, object_id, object, role, kind, lane, source, destination, currency, amount, precision,
        effective_at, state, prepared, first_run, stored_at, due_at)
      select reference || ${`c${copies}`}, object_id || ${`c${copies}`}, object, role, kind, lane, source, destination, currency, amount, precision,
        effective_at, state, replace(prepared, reference, reference || ${`c${copies}`}), first_run,
        stored_at - ${copies} * interval '1 minute', stored_at - ${copies} * interval '1 minute'
      from stripe_blnk_sync.postings where state = 'pending' and length(reference) = 27
      order by reference limit ${limit}`;
  }
  await sql`analyze stripe_blnk_sync.postings`;
  return countPending(sql);
}

async function countPending(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<
    { n: number }[]
  >`select count(*)::int as n from stripe_blnk_sync.postings where state = 'pending'`;
  return row?.n ?? 0;
}

export interface ClaimPlan {
  readonly name: string;
  readonly ms: number;
  /** The index that it goes by, or how it goes without one. */
  readonly access: string;
}

const OF_LANE = `${LANE} = 'USD:@stripe'`;

const DUE = `state = 'pending' and ${OF_LANE} and due_at <= now()
  and (claimed_until is null or claimed_until < now())`;

/** The statements of src/db/postings/ that every chunk and every wake begins with, each explained by running it. */
const STATEMENTS: Readonly<Record<string, string>> = {
  'claim what waits the longest': `select reference from stripe_blnk_sync.postings where ${DUE} and attempts = 0
    order by due_at, reference limit 100 for update skip locked`,
  'claim the newest': `select reference from stripe_blnk_sync.postings where ${DUE} and attempts = 0
    order by (effective_at at time zone 'UTC') desc, reference limit 100 for update skip locked`,
  'claim what was attempted': `select reference from stripe_blnk_sync.postings where ${DUE} and attempts > 0
    order by due_at, reference limit 100 for update skip locked`,
  'when is the lane due': `select min(greatest(due_at, coalesce(claimed_until, due_at))) from (
    select due_at, claimed_until from stripe_blnk_sync.postings where state = 'pending' and ${OF_LANE}
    order by due_at limit 500) as first`,
  'which lanes are due': `select distinct ${LANE} from stripe_blnk_sync.postings where state = 'pending' and due_at <= now()
    and (claimed_until is null or claimed_until < now())`,
};

export async function claimPlans(sql: postgres.Sql): Promise<ClaimPlan[]> {
  const plans: ClaimPlan[] = [];
  for (const [name, statement] of Object.entries(STATEMENTS)) {
    const rows = await sql.unsafe<{ 'QUERY PLAN': string }[]>(`explain (analyze, timing off) ${statement}`);
    const text = rows.map((row) => row['QUERY PLAN']).join('\n');
    plans.push({
      name,
      ms: Number(/Execution Time: ([\d.]+) ms/.exec(text)?.[1] ?? Number.NaN),
      access:
        /(?:Index (?:Only )?Scan(?: Backward)?(?: using|) \w+|Bitmap Index Scan on \w+|(?:Parallel )?Seq Scan on \w+)/.exec(
          text,
        )?.[0] ?? 'unknown',
    });
  }
  return plans;
}
