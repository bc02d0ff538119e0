/**
 * Takes back what was covered of a time that has not come. It was written when an answer stated a time ahead of the truth,
 * by code that believed one clock: what succeeded between the reading and that time was not read. Reading it again costs
 * requests and nothing else, so where it is not certain how far the reading went, more is taken back than need be.
 */
import { sql } from 'drizzle-orm';
import { floorToSecond, MINUTE_MS } from '../../core/base/window.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { mirror } from '../schema/mirror.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';

/** Requests that overlap end in another order than they began, and each states its own second. */
const AHEAD_MIN_MS = MINUTE_MS;

/** @returns up to when events count as read now; null, and nothing was changed, when nothing lay ahead of `now` */
export async function takeBackAhead(db: Drizzle, now: Date): Promise<Date | null> {
  const limit = new Date(now.getTime() + AHEAD_MIN_MS);
  if (!(await liesAhead(db, limit))) return null;
  return db.transaction(async (transaction) => {
    const end = await soundEnd(transaction, floorToSecond(now));
    await cutEvents(transaction, end);
    await correctReadings(transaction, { now, limit });
    await correctHandOver(transaction, { now: floorToSecond(now), limit });
    return end;
  });
}

async function liesAhead(db: Drizzle, limit: Date): Promise<boolean> {
  const [found] = await db.execute<{ ahead: boolean }>(sql`
    select exists (select from ${coverage} where feed = 'events' and covered_to > ${at(limit)})
      or exists (select from ${coverage} where read_at > ${at(limit)})
      or exists (select from ${mirror} where hand_over_at > ${at(limit)})
      or exists (select from ${syncRuns}
        where ${listedInPlaceOfTail} and started_at > now() - interval '8 days' and window_to > ${at(limit)}) as ahead`);
  return found?.ahead === true;
}

/** What stands in for the tail goes on from the end of its last window. */
const listedInPlaceOfTail = sql`feed = 'payment_intents' and state = 'collected' and parent_id is null and worker_id is not null`;

/**
 * The newest end of a tail's reading that had come when that run began, by the database's clock: what was covered
 * up to there was read when it could be read. Runs after it read from a time that had not come, and saw nothing.
 */
async function soundEnd(transaction: Transaction, now: Date): Promise<Date> {
  const [run] = await transaction.execute<{ ended_ms: string | null }>(sql`
    select (extract(epoch from max(window_to)) * 1000)::text as ended_ms from ${syncRuns}
    where feed = 'events' and state = 'collected' and worker_id is not null and window_to <= started_at`);
  const endedMs = run?.ended_ms == null ? 0 : Number(run.ended_ms);
  return floorToSecond(new Date(Math.min(endedMs, now.getTime())));
}

async function cutEvents(transaction: Transaction, end: Date): Promise<void> {
  await transaction.execute(sql`delete from ${coverage} where feed = 'events' and covered_from >= ${at(end)}`);
  await transaction.execute(sql`
    update ${coverage} set covered_to = ${at(end)}, read_at = least(read_at, ${at(end)})
    where feed = 'events' and covered_to > ${at(end)}`);
}

/** Lists and sweeps prove what they showed when they were read: no earlier time than the begin of their run is certain. */
async function correctReadings(transaction: Transaction, { now, limit }: Bounds): Promise<void> {
  await transaction.execute(sql`
    update ${coverage} as held set read_at = least(${at(now)}, coalesce(run.started_at, ${at(now)}))
    from ${coverage} as ahead left join ${syncRuns} as run on run.id = ahead.run_id
    where ahead.id = held.id and held.read_at > ${at(limit)}`);
  await transaction.execute(sql`
    update ${syncRuns} set window_to = least(started_at, ${at(now)})
    where ${listedInPlaceOfTail} and window_to > ${at(limit)}`);
}

/** The tail begins before the hand-over: in a time to come it would leave out what succeeds until then. */
async function correctHandOver(transaction: Transaction, { now, limit }: Bounds): Promise<void> {
  await transaction.execute(sql`
    update ${mirror} set hand_over_at = date_trunc('second', least(${at(now)}, (
      select min(started_at) from ${syncRuns} where feed = 'payment_intents' and window_to = ${mirror}.hand_over_at)))
    where hand_over_at > ${at(limit)}`);
}

interface Bounds {
  readonly now: Date;
  readonly limit: Date;
}

function at(time: Date) {
  return sql`${time.toISOString()}::timestamptz`;
}
