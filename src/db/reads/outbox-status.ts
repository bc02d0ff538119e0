/**
 * Reads how the outbox stands: what waits per lane, what is parked and why, and the sums. All but the sums look only at
 * what is not settled, through partial indexes.
 */
import { and, asc, desc, eq, gte, lt, not, sql } from 'drizzle-orm';
import type { Window } from '../../core/base/window.js';
import { type Lane, parseLane } from '../../core/posting/posting.js';
import { PLANS_DISMISSAL_PATTERN } from '../../core/repair/repair-plan.js';
import type { OutstandingFacts, ParkedFacts, UnresolvedFacts, WaitingFacts } from '../../core/verdict/facts.js';
import type { Drizzle } from '../connection/open.js';
import { countedPostings } from '../schema/counted-amount.js';
import { lanePauses } from '../schema/mirror.js';
import { laneOf, postings, roleOf } from '../schema/postings.js';

export interface TotalRecord {
  readonly currency: string;
  readonly postedCount: number;
  readonly posted: bigint;
  readonly pendingCount: number;
  readonly pending: bigint;
  /** Includes the dismissed ones. */
  readonly parkedCount: number;
  readonly parked: bigint;
}

const PLANS_DISMISSAL = sql.raw(`'${PLANS_DISMISSAL_PATTERN}'`);

/**
 * Dismissed by a repair: a replacement or a correction is owed in its place, and counts instead. One of those that a
 * person dismissed is stood for by nothing: it is what stays out.
 */
export const stoodFor = sql<boolean>`(${postings.dismissedAt} is not null
  and (${roleOf()} = 'original' or ${postings}.dismissed_by ~ ${PLANS_DISMISSAL}) and exists (
  select 1 from stripe_blnk_sync.postings stand where stand.object_id = ${postings}.object_id and ${roleOf('stand')} <> 'original'))`;

/** Of what is pending without a lane: there is no such row, and if there were it would have to be seen. */
const NO_LANE: Lane = { source: '', currency: '' };

const UNRESOLVED_AFTER = sql.raw(`interval '15 minutes'`);

export async function readLanes(db: Drizzle): Promise<WaitingFacts[]> {
  const lane = sql<string>`${sql.raw(laneOf('stripe_blnk_sync.postings.'))}`;
  const rows = await db
    .select({
      lane,
      pending: sql`count(*)`.mapWith(Number),
      oldestDue: sql`min(${postings.dueAt})`.mapWith(postings.dueAt),
      inDoubt: sql`count(${postings.doubtSince})`.mapWith(Number),
      unresolved: sql`count(*) filter (where ${postings.doubtSince} < now() - ${UNRESOLVED_AFTER})`.mapWith(Number),
      error: sql<string | null>`coalesce(max(${lanePauses.error}), max(${postings.lastError}))`,
      pausedSince: sql`max(${lanePauses.since})`.mapWith((value: string) => new Date(value)),
    })
    .from(postings)
    .leftJoin(lanePauses, sql`${lanePauses.currency} || ':' || ${lanePauses.source} = ${lane}`)
    .where(eq(postings.state, 'pending'))
    .groupBy(lane)
    .orderBy(desc(sql`count(*)`), asc(lane));
  return rows.map(({ lane: name, ...waiting }) => ({ ...(parseLane(name) ?? NO_LANE), ...waiting }));
}

/** Null when nothing is in doubt for more than 15 minutes. */
export async function readOldestUnresolved(db: Drizzle): Promise<UnresolvedFacts | null> {
  const [row] = await db
    .select({
      reference: postings.reference,
      since: sql`${postings.doubtSince}`.mapWith(postings.doubtSince),
      error: postings.lastError,
    })
    .from(postings)
    .where(and(eq(postings.state, 'pending'), lt(postings.doubtSince, sql`now() - ${UNRESOLVED_AFTER}`)))
    .orderBy(asc(postings.doubtSince), asc(postings.reference))
    .limit(1);
  return row ?? null;
}

export async function readParkedByReason(db: Drizzle): Promise<ParkedFacts[]> {
  return db
    .select({
      reason: postings.reason,
      waiting: sql`count(*) filter (where ${postings.dismissedAt} is null)`.mapWith(Number),
      dismissed: sql`count(${postings.dismissedAt})`.mapWith(Number),
    })
    .from(postings)
    .where(eq(postings.state, 'parked'))
    .groupBy(postings.reason)
    .orderBy(desc(sql`count(*)`), asc(postings.reason));
}

export async function readTotals(db: Drizzle): Promise<TotalRecord[]> {
  const rows = await db.execute<Record<keyof TotalRecord, string>>(sql`
    select currency,
      count(*) filter (where state = 'posted') as "postedCount",
      coalesce(sum(counted) filter (where state = 'posted'), 0) as posted,
      count(*) filter (where state = 'pending') as "pendingCount",
      coalesce(sum(counted) filter (where state = 'pending'), 0) as pending,
      count(*) filter (where state = 'parked') as "parkedCount",
      coalesce(sum(counted) filter (where state = 'parked'), 0) as parked
    from ${countedPostings(['currency', 'state'])} posting
    where currency is not null
    group by currency
    order by currency`);
  return rows.map(({ currency, ...sums }) => ({
    currency,
    ...{ postedCount: Number(sums.postedCount), posted: BigInt(sums.posted) },
    ...{ pendingCount: Number(sums.pendingCount), pending: BigInt(sums.pending) },
    ...{ parkedCount: Number(sums.parkedCount), parked: BigInt(sums.parked) },
  }));
}

export async function readOutstanding(db: Drizzle, complete: Window | null): Promise<OutstandingFacts> {
  if (complete === null) return { pending: 0, parked: 0, dismissed: 0 };
  const countOf = async (state: 'pending' | 'parked') => {
    const [row] = await db
      .select({ all: sql`count(*)`.mapWith(Number), dismissed: sql`count(${postings.dismissedAt})`.mapWith(Number) })
      .from(postings)
      .where(
        and(
          eq(postings.state, state),
          gte(postings.effectiveAt, complete.from),
          lt(postings.effectiveAt, complete.to),
          not(stoodFor),
        ),
      );
    return row ?? { all: 0, dismissed: 0 };
  };
  const [pending, parked] = [await countOf('pending'), await countOf('parked')];
  return { pending: pending.all, parked: parked.all - parked.dismissed, dismissed: parked.dismissed };
}
