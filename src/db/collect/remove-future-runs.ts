/**
 * Takes back what was covered of a time that has not come. It was written when an answer stated a time ahead of the truth,
 * by code that believed one clock: what succeeded between the reading and that time was not read. Reading it again costs
 * requests and nothing else, so where it is not certain how far the reading went, more is taken back than need be.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { AgreedNow } from '../../collect/ports.js';
import { floorToSecond, MINUTE_MS } from '../../core/base/window.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { mirror } from '../schema/mirror.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';

/** Requests that overlap end in another order than they began, and each states its own second. */
const AHEAD_MIN_MS = MINUTE_MS;

/** @returns up to when events count as read now; null, and nothing was changed, when nothing lay ahead of `now` */
export async function takeBackAhead(db: Drizzle, { now, isDoubted }: AgreedNow): Promise<Date | null> {
  const bounds = { now, limit: new Date(now.getTime() + AHEAD_MIN_MS), isDoubted };
  if (!(await liesAhead(db, bounds))) return null;
  return db.transaction(async (transaction) => {
    const end = await soundEnd(transaction, bounds);
    if (end !== null) await cutEvents(transaction, end);
    await correctReadings(transaction, bounds);
    await correctHandOver(transaction, bounds);
    return end ?? floorToSecond(now);
  });
}

async function liesAhead(db: Drizzle, bounds: Bounds): Promise<boolean> {
  const { limit, isDoubted } = bounds;
  const beyondRuns = isDoubted
    ? sql`and covered_to > (select max(window_to) from ${syncRuns} where ${soundRun})`
    : sql``;
  const [found] = await db.execute<{ ahead: boolean }>(sql`
    select exists (select from ${coverage} where feed = 'events' and covered_to > ${at(limit)} ${beyondRuns})
      or exists (
        select from ${coverage} as held left join ${syncRuns} as run on run.id = held.run_id
        where held.read_at > ${at(limit)} ${unlessBorneOut(sql`held.read_at`, isDoubted)})
      or exists (select from ${mirror} where ${handedOverAhead(limit)})
      or exists (select from ${syncRuns} as run
        where ${listedInPlaceOfTail} and started_at > now() - interval '8 days' and window_to > ${at(limit)}
          ${unlessBorneOut(sql`window_to`, isDoubted)}) as ahead`);
  return found?.ahead === true;
}

/** What stands in for the tail goes on from the end of its last window. */
const listedInPlaceOfTail = sql`feed = 'payment_intents' and state = 'collected' and parent_id is null and worker_id is not null`;

/** Its end had come when it began, by the database's clock: what was covered up to there was read when it could be read. */
const soundRun = sql`feed = 'events' and state = 'collected' and worker_id is not null and window_to <= started_at`;

/**
 * No answer comes after its run ended; `run` is that run, and one that is not kept says nothing. Nor does the first of the many
 * runs that one stretch of events is of: of those the ends of runs are compared.
 */
function unlessBorneOut(time: SQL, isDoubted: boolean): SQL {
  if (!isDoubted) return sql``;
  return sql`and run.feed <> 'events' and ${time} > greatest(run.started_at, run.heartbeat_at, run.finished_at) + interval '1 minute'`;
}

/**
 * The newest end of a sound run. Runs after it read from a time that had not come, and saw nothing. Null: nothing is known
 * against what is covered.
 */
async function soundEnd(transaction: Transaction, { now, isDoubted }: Bounds): Promise<Date | null> {
  const [run] = await transaction.execute<{ ended_ms: string | null }>(sql`
    select (extract(epoch from max(window_to)) * 1000)::text as ended_ms from ${syncRuns} where ${soundRun}`);
  const endedMs = run?.ended_ms == null ? null : Number(run.ended_ms);
  if (isDoubted) return endedMs === null ? null : floorToSecond(new Date(endedMs));
  return floorToSecond(new Date(Math.min(endedMs ?? 0, now.getTime())));
}

async function cutEvents(transaction: Transaction, end: Date): Promise<void> {
  await transaction.execute(sql`delete from ${coverage} where feed = 'events' and covered_from >= ${at(end)}`);
  await transaction.execute(sql`
    update ${coverage} set covered_to = ${at(end)}, read_at = least(read_at, ${at(end)})
    where feed = 'events' and covered_to > ${at(end)}`);
}

/** Lists and sweeps prove what they showed when they were read: no earlier time than the begin of their run is certain. */
async function correctReadings(transaction: Transaction, { now, limit, isDoubted }: Bounds): Promise<void> {
  const sound = isDoubted ? sql`run.started_at` : sql`least(${at(now)}, coalesce(run.started_at, ${at(now)}))`;
  await transaction.execute(sql`
    update ${coverage} as held set read_at = ${sound}
    from ${coverage} as ahead left join ${syncRuns} as run on run.id = ahead.run_id
    where ahead.id = held.id and held.read_at > ${at(limit)} ${unlessBorneOut(sql`held.read_at`, isDoubted)}`);
  await transaction.execute(sql`
    update ${syncRuns} as run set window_to = ${sound}
    where ${listedInPlaceOfTail} and window_to > ${at(limit)} ${unlessBorneOut(sql`window_to`, isDoubted)}`);
}

/** When the first backfill was asked for, in the moment of the hand-over. */
const firstBegun = sql`(select min(started_at) from ${syncRuns} where feed = 'payment_intents' and window_to = ${mirror}.hand_over_at)`;

/**
 * Against Stripe's time, the database's, and what that one was at the start: each of them may stand in the past for a minute,
 * and a hand-over that is moved back for good books payments of the books before it.
 */
function handedOverAhead(limit: Date): SQL {
  return sql`hand_over_at > ${at(limit)} and hand_over_at > now() + interval '1 minute'
    and hand_over_at > ${firstBegun} + interval '1 minute'`;
}

/** The tail begins before the hand-over: in a time to come it would leave out what succeeds until then. */
async function correctHandOver(transaction: Transaction, { limit }: Bounds): Promise<void> {
  await transaction.execute(sql`
    update ${mirror} set hand_over_at = date_trunc('second', ${firstBegun}) where ${handedOverAhead(limit)}`);
}

interface Bounds extends AgreedNow {
  readonly limit: Date;
}

function at(time: Date) {
  return sql`${time.toISOString()}::timestamptz`;
}
