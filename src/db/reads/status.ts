/**
 * Everything that answers "is the mirror complete, and does it need me?" in one reading. States facts; the sentence about
 * them is the reader's. Every query here is bounded by what is not settled, but for the totals, which read all postings.
 */
import { and, asc, desc, eq, gt, gte, lt, ne, sql } from 'drizzle-orm';
import { type Completeness, completenessOf } from '../../core/completeness.js';
import type { Mirror } from '../../core/mirror.js';
import type { Lane, ParkingReason } from '../../core/posting.js';
import type { Feed } from '../../core/sync-run.js';
import { merged, type Window } from '../../core/window.js';
import type { Drizzle } from '../open.js';
import { mirror, workers } from '../schema/mirror.js';
import { postings } from '../schema/postings.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';
import { findNewestRun, type RunRecord } from './runs.js';

export interface ReadSettings {
  /** How far before Stripe's now the tail's coverage ends. */
  readonly lagMs: number;
  /** The interval between syncs that is in force. */
  readonly intervalMs: number;
}

export interface WorkerRecord {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: Date;
  readonly seenAt: Date;
}

export interface LaneRecord extends Lane {
  readonly pending: number;
  /** When its oldest pending posting was, or is, due. */
  readonly oldestDue: Date;
  readonly inDoubt: number;
  /** In doubt for more than 15 minutes. */
  readonly unresolved: number;
}

export interface ParkedRecord {
  /** Null only for a row that somebody changed by hand. */
  readonly reason: ParkingReason | null;
  /** Waiting for a person. */
  readonly waiting: number;
  readonly dismissed: number;
}

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

export interface FailureRecord {
  readonly runId: string;
  readonly feed: Feed;
  readonly code: string;
  readonly message: string;
  readonly at: Date;
  /** A later run of that feed was read to its end. */
  readonly recovered: boolean;
}

export interface OutstandingRecord {
  readonly pending: number;
  /** Waiting for a person. */
  readonly parked: number;
  readonly dismissed: number;
}

export interface StatusRecord extends Completeness {
  readonly now: Date;
  readonly intervalMs: number;
  readonly lagMs: number;
  readonly mirror: Mirror | null;
  readonly workers: readonly WorkerRecord[];
  /** Of the payments created within `complete`: those that are not in the ledger. */
  readonly outstanding: OutstandingRecord;
  /** Age of the end of completeness; null when nothing is complete. */
  readonly behindMs: number | null;
  /** What was completely read: success times of events, creation times of payments. */
  readonly coverage: { readonly events: readonly Window[]; readonly paymentIntents: readonly Window[] };
  readonly lanes: readonly LaneRecord[];
  readonly parked: readonly ParkedRecord[];
  readonly totals: readonly TotalRecord[];
  readonly lastRun: RunRecord | null;
  readonly lastFailure: FailureRecord | null;
}

/** A worker that was not seen for this long is dead or cut off. */
const WORKER_SILENCE = sql.raw(`interval '30 seconds'`);
const UNRESOLVED_AFTER = sql.raw(`interval '15 minutes'`);

export async function readStatus(db: Drizzle, { lagMs, intervalMs }: ReadSettings): Promise<StatusRecord> {
  const [now, mirrors, living, events, lists, lanes, parked, totals, lastRun, lastFailure] = await Promise.all([
    readDatabaseNow(db),
    db.select().from(mirror),
    readLivingWorkers(db),
    readCoverage(db, 'events'),
    readCoverage(db, 'payment_intents'),
    readLanes(db),
    readParkedByReason(db),
    readTotals(db),
    findNewestRun(db),
    readLastFailure(db),
  ]);
  const [row] = mirrors;
  const { complete, holes }: Completeness =
    row === undefined
      ? { complete: null, holes: [] }
      : completenessOf({ lagMs, now, startsAt: row.startsAt, handOverAt: row.handOverAt, events, lists });
  return {
    now,
    intervalMs,
    lagMs,
    mirror: row === undefined ? null : toMirror(row),
    workers: living,
    complete,
    holes,
    outstanding: await readOutstanding(db, complete),
    behindMs: complete === null ? null : Math.max(0, now.getTime() - complete.to.getTime()),
    coverage: { events: merged(events), paymentIntents: merged(lists) },
    lanes,
    parked,
    totals,
    lastRun,
    lastFailure,
  };
}

/** The database's clock, rounded up to a millisecond: whatever carries a later time began later. */
export async function readDatabaseNow(db: Drizzle): Promise<Date> {
  const rows = await db.execute<{ now: string }>(sql`select ceil(extract(epoch from now()) * 1000)::text as now`);
  return new Date(Number(rows[0]?.now));
}

export async function readLivingWorkers(db: Drizzle): Promise<WorkerRecord[]> {
  return db
    .select()
    .from(workers)
    .where(gt(workers.seenAt, sql`now() - ${WORKER_SILENCE}`))
    .orderBy(asc(workers.startedAt));
}

function toMirror(row: typeof mirror.$inferSelect): Mirror {
  const { id: _id, sourceBalances: _balances, createdAt: _created, ...rest } = row;
  return rest;
}

async function readOutstanding(db: Drizzle, complete: Window | null): Promise<OutstandingRecord> {
  if (complete === null) return { pending: 0, parked: 0, dismissed: 0 };
  const countOf = async (state: 'pending' | 'parked') => {
    const [row] = await db
      .select({ all: sql`count(*)`.mapWith(Number), dismissed: sql`count(${postings.dismissedAt})`.mapWith(Number) })
      .from(postings)
      .where(
        and(eq(postings.state, state), gte(postings.effectiveAt, complete.from), lt(postings.effectiveAt, complete.to)),
      );
    return row ?? { all: 0, dismissed: 0 };
  };
  const [pending, parked] = [await countOf('pending'), await countOf('parked')];
  return { pending: pending.all, parked: parked.all - parked.dismissed, dismissed: parked.dismissed };
}

async function readCoverage(db: Drizzle, feed: Feed) {
  return db
    .select({ from: coverage.from, to: coverage.to, readAt: coverage.readAt })
    .from(coverage)
    .where(eq(coverage.feed, feed))
    .orderBy(asc(coverage.from));
}

async function readLanes(db: Drizzle): Promise<LaneRecord[]> {
  return db
    .select({
      source: sql<string>`coalesce(${postings.source}, '')`,
      currency: sql<string>`coalesce(${postings.currency}, '')`,
      pending: sql`count(*)`.mapWith(Number),
      oldestDue: sql`min(${postings.dueAt})`.mapWith(postings.dueAt),
      inDoubt: sql`count(${postings.doubtSince})`.mapWith(Number),
      unresolved: sql`count(*) filter (where ${postings.doubtSince} < now() - ${UNRESOLVED_AFTER})`.mapWith(Number),
    })
    .from(postings)
    .where(eq(postings.state, 'pending'))
    .groupBy(postings.source, postings.currency)
    .orderBy(desc(sql`count(*)`), asc(postings.currency), asc(postings.source));
}

async function readParkedByReason(db: Drizzle): Promise<ParkedRecord[]> {
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

async function readTotals(db: Drizzle): Promise<TotalRecord[]> {
  const inState = (state: string) => sql`filter (where ${postings.state} = ${state})`;
  const amountIn = (state: string) =>
    sql`coalesce(sum(${postings.amount}) ${inState(state)}, 0)`.mapWith((sum: string) => BigInt(sum));
  const countIn = (state: string) => sql`count(*) ${inState(state)}`.mapWith(Number);
  const rows = await db
    .select({
      currency: postings.currency,
      postedCount: countIn('posted'),
      posted: amountIn('posted'),
      pendingCount: countIn('pending'),
      pending: amountIn('pending'),
      parkedCount: countIn('parked'),
      parked: amountIn('parked'),
    })
    .from(postings)
    .groupBy(postings.currency)
    .orderBy(asc(postings.currency));
  return rows.flatMap(({ currency, ...sums }) => (currency === null ? [] : [{ currency, ...sums }]));
}

/** A worker that was stopped in the middle is no failure: the next run goes on. */
async function readLastFailure(db: Drizzle): Promise<FailureRecord | null> {
  const failed = and(eq(syncRuns.state, 'failed'), ne(sql`coalesce(${syncRuns.errorCode}, '')`, 'stopped'));
  const [run] = await db.select().from(syncRuns).where(failed).orderBy(desc(syncRuns.startedAt)).limit(1);
  if (run === undefined) return null;
  const later = and(
    eq(syncRuns.feed, run.feed),
    eq(syncRuns.state, 'collected'),
    sql`coalesce(${syncRuns.finishedAt}, ${syncRuns.startedAt}) > ${(run.finishedAt ?? run.startedAt).toISOString()}::timestamptz`,
  );
  const recovery = await db.select({ id: syncRuns.id }).from(syncRuns).where(later).limit(1);
  return {
    runId: run.id,
    feed: run.feed,
    code: run.errorCode ?? 'unexpected',
    message: run.error ?? 'no message was stored',
    at: run.finishedAt ?? run.startedAt,
    recovered: recovery.length > 0,
  };
}
