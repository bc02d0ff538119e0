/**
 * Corrects times that lie further ahead than anything here puts them: they were written while a clock was ahead that was set
 * right since. Left alone, what they hold back (a claim, a back-off, the lock of a job) would stand still until that time
 * has come, and a proof of then would stand before every later one of its day. Brings nothing back that a right clock could have written.
 */
import type postgres from 'postgres';
import { atMostNow, correctDismissed, correctPending, correctStored } from '../postings/correct-times.js';

export interface CorrectedTimes {
  /** Postings, runs, workers, certificates and acceptances; their times are the database's clock's. */
  readonly ours: number;
  /** Jobs and looks for stalled jobs; their times are the clocks' of the processes that took them. */
  readonly ofQueue: number;
}

export interface TimesCorrectorOptions {
  /** Of BullMQ's tables in the same database; null on Redis, whose locks run out by its own clock. */
  readonly queueSchema: string | null;
}

/** Longer than any lease, lock and heartbeat, and than the difference of two clocks that are kept right. */
const AHEAD = '5 minutes';
const AHEAD_MS = 5 * 60_000;
/** Longer than the largest back-off and the longest `Retry-After` that is believed: an hour each. */
const DUE_AHEAD = '2 hours';

/**
 * @returns what looks once, to be called every minute. Our own tables are looked through at the first call and when the
 * database's clock was set back since the last one: with a million pending that is no question for every minute.
 */
export function createTimesCorrector(
  sql: postgres.Sql,
  { queueSchema }: TimesCorrectorOptions,
): () => Promise<CorrectedTimes> {
  let latestMs = Number.POSITIVE_INFINITY;
  return async () => {
    const [row] = await sql<{ now_ms: number }[]>`select (extract(epoch from now()) * 1000)::float8 as now_ms`;
    const nowMs = Number(row?.now_ms);
    const ours = nowMs < latestMs - AHEAD_MS ? await correctOurs(sql) : 0;
    latestMs = nowMs;
    return { ours, ofQueue: queueSchema === null ? 0 : await correctQueue(sql, queueSchema) };
  };
}

async function correctOurs(sql: postgres.Sql): Promise<number> {
  // First, because heartbeats tell which runs were at work meanwhile.
  const stored = await correctStoredMeanwhile(sql);
  const pending = await correctPending(sql, { ahead: AHEAD, dueAhead: DUE_AHEAD });
  const dismissed = await correctDismissed(sql, { ahead: AHEAD });
  const runs = await sql`
    update stripe_blnk_sync.sync_runs set heartbeat_at = now()
    where state = 'collecting' and heartbeat_at > now() + ${AHEAD}::interval`;
  const workers = await sql`
    update stripe_blnk_sync.workers set seen_at = now(), started_at = least(started_at, now())
    where seen_at > now() + ${AHEAD}::interval`;
  // The newest proof of a day is what stands. When it was made is known from Stripe's clock as well.
  const certificates = await sql`
    update stripe_blnk_sync.certificates set proved_at = least(stripe_as_of, now()) where proved_at > now() + ${AHEAD}::interval`;
  // A day with one that is later than its proof is due.
  const accepted = await sql`
    update stripe_blnk_sync.acceptances set accepted_at = ${atMostNow(sql, 'accepted_at')}, taken_back_at = ${atMostNow(sql, 'taken_back_at')}
    where accepted_at > now() + ${AHEAD}::interval or taken_back_at > now() + ${AHEAD}::interval`;
  const ofWork = stored + pending + dismissed + runs.count + workers.count;
  return ofWork + certificates.count + accepted.count;
}

async function correctStoredMeanwhile(sql: postgres.Sql): Promise<number> {
  const runs = await sql<{ id: string }[]>`
    select id from stripe_blnk_sync.sync_runs where greatest(started_at, finished_at, heartbeat_at) > now() + ${AHEAD}::interval`;
  if (runs.length === 0) return 0;
  return correctStored(
    sql,
    runs.map(({ id }) => id),
    { ahead: AHEAD },
  );
}

/** BullMQ on PostgreSQL dates locks by the clock of the process that holds them, and the look for lost ones too. */
async function correctQueue(sql: postgres.Sql, schema: string): Promise<number> {
  const nowMs = sql`(extract(epoch from now()) * 1000)::bigint`;
  const locks = await sql`
    update ${sql(`${schema}.job`)} set locked_until_ms = ${nowMs}
    where state = 'active' and locked_until_ms > ${nowMs} + ${AHEAD_MS}`;
  const looks = await sql`
    update ${sql(`${schema}.meta`)} set value = ${nowMs}::text
    where field = 'stalled-check' and value::bigint > ${nowMs} + ${AHEAD_MS}`;
  return locks.count + looks.count;
}
