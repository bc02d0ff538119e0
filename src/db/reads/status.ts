/**
 * Everything that answers "is the mirror complete, and does it need me?" in one reading. States facts; the sentence about
 * them is the reader's. Every query here is bounded by what is not settled, but for the totals, which read all postings.
 */
import { and, asc, desc, eq, gt, ne, sql } from 'drizzle-orm';
import { type Completeness, type CoverageFacts, completenessOf } from '../../core/completeness.js';
import type { Mirror } from '../../core/mirror.js';
import type { Feed } from '../../core/sync-run.js';
import { merged, type Window } from '../../core/window.js';
import { findMirror } from '../mirror-store.js';
import type { Drizzle } from '../open.js';
import { mirror, workers } from '../schema/mirror.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';
import { countBeforeStart, readSweptCoverage } from '../sweep-store.js';
import { type ProofsRecord, readProofs } from './certificates.js';
import {
  type LaneRecord,
  type OutstandingRecord,
  type ParkedRecord,
  readLanes,
  readOldestUnresolved,
  readOutstanding,
  readParkedByReason,
  readTotals,
  type TotalRecord,
  type UnresolvedRecord,
} from './outbox-status.js';
import { findNewestRun, type RunRecord } from './runs.js';

export interface ReadSettings {
  /** How far before Stripe's now the tail's coverage ends. */
  readonly lagMs: number;
  /** The interval between syncs that is in force. */
  readonly intervalMs: number;
  /** Requests to Stripe in the last 30 days, as far as this mirror counted them. */
  readonly stripeReads: number;
}

export interface WorkerRecord {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: Date;
  readonly seenAt: Date;
}

interface FailureRecord {
  readonly runId: string;
  readonly feed: Feed;
  readonly code: string;
  readonly message: string;
  readonly at: Date;
  /** A later run of that feed was read to its end. */
  readonly recovered: boolean;
}

export interface StatusRecord extends Completeness {
  readonly now: Date;
  readonly intervalMs: number;
  /** Requests to Stripe in the last 30 days. */
  readonly stripeReads: number;
  readonly lagMs: number;
  readonly mirror: Mirror | null;
  readonly workers: readonly WorkerRecord[];
  /** Of the payments created within `complete`: those that are not in the ledger. */
  readonly outstanding: OutstandingRecord;
  /** Age of the end of completeness; null when nothing is complete. */
  readonly behindMs: number | null;
  /** What was completely read: success times of events, creation times of payments, and of charges by finished sweeps. */
  readonly coverage: {
    readonly events: readonly Window[];
    readonly paymentIntents: readonly Window[];
    readonly charges: readonly Window[];
  };
  /** Payments that sweeps saw and the mirror does not claim: created before its start. */
  readonly beforeStart: number;
  readonly lanes: readonly LaneRecord[];
  /** Null when nothing is in doubt for more than 15 minutes. */
  readonly oldestUnresolved: UnresolvedRecord | null;
  readonly parked: readonly ParkedRecord[];
  readonly totals: readonly TotalRecord[];
  readonly lastRun: RunRecord | null;
  readonly lastFailure: FailureRecord | null;
  /** Which days were proven, and how they stand. */
  readonly proofs: ProofsRecord;
}

/** A worker that was not seen for this long is dead or cut off. */
const WORKER_SILENCE = sql.raw(`interval '30 seconds'`);

export async function readStatus(db: Drizzle, { lagMs, intervalMs, stripeReads }: ReadSettings): Promise<StatusRecord> {
  const [now, mirrors, living, lanes, parked, totals, lastRun, lastFailure, beforeStart, proofs] = await Promise.all([
    readDatabaseNow(db),
    db.select().from(mirror),
    readLivingWorkers(db),
    readLanes(db),
    readParkedByReason(db),
    readTotals(db),
    findNewestRun(db),
    readLastFailure(db),
    countBeforeStart(db),
    readProofs(db),
  ]);
  const found = mirrors[0] === undefined ? null : toMirror(mirrors[0]);
  const facts = found === null ? null : await readCoverageFacts(db, { mirror: found, lagMs, now });
  const { complete, holes }: Completeness = facts === null ? { complete: null, holes: [] } : completenessOf(facts);
  return {
    now,
    intervalMs,
    stripeReads,
    lagMs: facts?.lagMs ?? lagMs,
    mirror: found,
    workers: living,
    complete,
    holes,
    outstanding: await readOutstanding(db, complete),
    behindMs: complete === null ? null : Math.max(0, now.getTime() - complete.to.getTime()),
    coverage: {
      events: merged(facts?.events ?? []),
      paymentIntents: merged(facts?.lists ?? []),
      charges: merged(facts?.sweeps ?? []),
    },
    lanes,
    oldestUnresolved: lanes.some(({ unresolved }) => unresolved > 0) ? await readOldestUnresolved(db) : null,
    parked,
    totals,
    lastRun,
    lastFailure,
    beforeStart,
    proofs,
  };
}

/** The end of completeness alone, without the numbers of `status`; null when nothing is complete. */
export async function readCompleteTo(db: Drizzle, lagMs: number): Promise<Date | null> {
  const [now, found] = await Promise.all([readDatabaseNow(db), findMirror(db)]);
  if (found === null) return null;
  return completenessOf(await readCoverageFacts(db, { mirror: found, lagMs, now })).complete?.to ?? null;
}

/** What completeness is computed from. The lag is the running worker's, where one has noted it. */
async function readCoverageFacts(
  db: Drizzle,
  { mirror: held, lagMs, now }: { readonly mirror: Mirror; readonly lagMs: number; readonly now: Date },
): Promise<CoverageFacts> {
  const [events, lists, sweeps] = await Promise.all([
    readCoverage(db, 'events'),
    readCoverage(db, 'payment_intents'),
    readSweptCoverage(db),
  ]);
  const { startsAt, handOverAt, eventsRefusedSince, chargesRefusedSince } = held;
  const mayRead = { events: eventsRefusedSince === null, charges: chargesRefusedSince === null };
  return { lagMs: held.lagMs ?? lagMs, now, startsAt, handOverAt, events, lists, sweeps, mayRead };
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

async function readCoverage(db: Drizzle, feed: Feed) {
  return db
    .select({ from: coverage.from, to: coverage.to, readAt: coverage.readAt })
    .from(coverage)
    .where(eq(coverage.feed, feed))
    .orderBy(asc(coverage.from));
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
