/**
 * Reads how the outbox stands: what waits per lane, what is parked and why, and the sums. Nothing here reads all postings,
 * nor all that are pending, of which a backfill has millions: counts and sums come from the totals that are kept, the rest
 * is a probe of an index for each lane.
 */
import { and, asc, desc, eq, gte, lt, not, sql } from 'drizzle-orm';
import { DAY_MS, dayWindow, utcDay, type Window } from '../../core/base/window.js';
import { type Lane, parseLane } from '../../core/posting/posting.js';
import { PLANS_DISMISSAL_PATTERN } from '../../core/repair/repair-plan.js';
import type { OutstandingFacts, ParkedFacts, UnresolvedFacts, WaitingFacts } from '../../core/verdict/facts.js';
import type { Drizzle } from '../connection/open.js';
import { LANE, postings, roleOf } from '../schema/postings.js';
import { countedTotals } from '../schema/totals.js';

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

type LaneTexts = {
  readonly oldestDue: string;
  readonly error: string | null;
  readonly pausedSince: string | null;
};

const PENDING_BY_LANE = sql.raw(`
  select lane, count from stripe_blnk_sync.lane_totals
  union all select lane, count from stripe_blnk_sync.posting_changes where standing = 'pending'`);

const UNRESOLVED_AFTER = sql.raw(`interval '15 minutes'`);

/** What was attempted and is still pending is in doubt, or put off: few, because a lane pauses while its ledger is away. */
export async function readLanes(db: Drizzle): Promise<WaitingFacts[]> {
  const ofLane = sql.raw(`state = 'pending' and ${LANE} = waiting.lane`);
  const rows = await db.execute<Record<'lane' | 'pending' | 'inDoubt' | 'unresolved', string> & LaneTexts>(sql`
    with waiting as (
      select lane, sum(count) as pending
      from (${PENDING_BY_LANE}) total group by lane having sum(count) > 0
    )
    select waiting.lane, waiting.pending, attempted."inDoubt", attempted.unresolved,
      (select to_json(min(due_at)) #>> '{}' from stripe_blnk_sync.postings where ${ofLane}) as "oldestDue",
      coalesce(pause.error, attempted.error) as error, to_json(pause.since) #>> '{}' as "pausedSince"
    from waiting
    cross join lateral (
      select count(doubt_since) as "inDoubt", max(last_error) as error,
        count(*) filter (where doubt_since < now() - ${UNRESOLVED_AFTER}) as unresolved
      from stripe_blnk_sync.postings where ${ofLane} and attempts > 0
    ) attempted
    left join stripe_blnk_sync.lane_pauses pause on pause.currency || ':' || pause.source = waiting.lane
    order by waiting.pending desc, waiting.lane`);
  return rows.map(({ lane, oldestDue, pausedSince, error, ...counts }) => ({
    ...(parseLane(lane) ?? NO_LANE),
    ...{ pending: Number(counts.pending), inDoubt: Number(counts.inDoubt), unresolved: Number(counts.unresolved) },
    ...{ oldestDue: new Date(oldestDue), error, pausedSince: pausedSince === null ? null : new Date(pausedSince) },
  }));
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
      coalesce(sum(count) filter (where standing in ('posted', 'already_there')), 0) as "postedCount",
      coalesce(sum(counted) filter (where standing in ('posted', 'already_there')), 0) as posted,
      coalesce(sum(count) filter (where standing = 'pending'), 0) as "pendingCount",
      coalesce(sum(counted) filter (where standing = 'pending'), 0) as pending,
      coalesce(sum(count) filter (where standing in ('parked', 'dismissed')), 0) as "parkedCount",
      coalesce(sum(counted) filter (where standing in ('parked', 'dismissed')), 0) as parked
    from ${countedTotals('day')} total
    where currency <> ''
    group by currency
    having sum(count) > 0
    order by currency`);
  return rows.map(({ currency, ...sums }) => ({
    currency,
    ...{ postedCount: Number(sums.postedCount), posted: BigInt(sums.posted) },
    ...{ pendingCount: Number(sums.pendingCount), pending: BigInt(sums.pending) },
    ...{ parkedCount: Number(sums.parkedCount), parked: BigInt(sums.parked) },
  }));
}

/** What is not in the ledger of what the mirror says is complete. */
export async function readOutstanding(db: Drizzle, complete: Window | null): Promise<OutstandingFacts> {
  if (complete === null) return { pending: 0, parked: 0, dismissed: 0 };
  const [pending, parked] = [await countPending(db, complete), await countParked(db, complete)];
  return { pending, parked: parked.all - parked.dismissed, dismissed: parked.dismissed };
}

/** Whole days from the totals, and only what the window has of its first and last day from the postings. */
async function countPending(db: Drizzle, { from, to }: Window): Promise<number> {
  const [firstDay, lastDay] = [startOfDay(new Date(from.getTime() + DAY_MS - 1)), startOfDay(to)];
  const edges: readonly Window[] =
    firstDay < lastDay
      ? [
          { from, to: firstDay },
          { from: lastDay, to },
        ]
      : [{ from, to }];
  const utc = (time: Date) => sql`(${time.toISOString()}::timestamptz at time zone 'UTC')`;
  const ofLane = sql.raw(`state = 'pending' and ${LANE} = waiting.name`);
  // Each along its index: what was never attempted by lane and time, the few others by lane.
  const countEdge = (edge: Window) =>
    ['attempts = 0', 'attempts > 0'].map(
      (attempted) => sql`(
        select coalesce(sum((
          select count(*) from stripe_blnk_sync.postings where ${ofLane} and ${sql.raw(attempted)}
            and (effective_at at time zone 'UTC') >= ${utc(edge.from)} and (effective_at at time zone 'UTC') < ${utc(edge.to)}
        )), 0) from waiting)`,
    );
  const [row] = await db.execute<{ pending: string }>(sql`
    with waiting as (select lane as name from (${PENDING_BY_LANE}) total group by lane having sum(count) > 0)
    select
      coalesce((select sum(count) from (
        select day, standing, count from stripe_blnk_sync.day_totals
        union all select day, standing, count from stripe_blnk_sync.posting_changes
      ) total where standing = 'pending' and day >= ${utc(firstDay)}::date and day < ${utc(lastDay)}::date), 0)
      + ${sql.join(edges.flatMap(countEdge), sql` + `)} as pending`);
  return Number(row?.pending ?? 0);
}

async function countParked(db: Drizzle, { from, to }: Window) {
  const [row] = await db
    .select({ all: sql`count(*)`.mapWith(Number), dismissed: sql`count(${postings.dismissedAt})`.mapWith(Number) })
    .from(postings)
    .where(
      and(eq(postings.state, 'parked'), gte(postings.effectiveAt, from), lt(postings.effectiveAt, to), not(stoodFor)),
    );
  return row ?? { all: 0, dismissed: 0 };
}

function startOfDay(time: Date): Date {
  return dayWindow(utcDay(time)).from;
}
