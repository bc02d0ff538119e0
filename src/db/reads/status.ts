/**
 * Everything that answers "is the mirror complete, and does it need me?" in one reading. States facts; the sentence about
 * them is the reader's. Every query here is bounded by what is not settled; sums come from the totals that are kept.
 */
import { and, asc, desc, eq, gt, isNotNull, isNull, ne, sql } from 'drizzle-orm';
import { later, merged, type Window } from '../../core/base/window.js';
import { type Completeness, type CoverageFacts, completenessOf } from '../../core/coverage/completeness.js';
import { FEEDS, type Feed, STOPPED } from '../../core/coverage/sync-run.js';
import type { Mirror } from '../../core/posting/mirror.js';
import type { QueueIdentity } from '../../core/queue/queue-identity.js';
import type { ReadAllocation } from '../../core/settings/read-allocation.js';
import { DEFAULT_SCHEMA } from '../../core/settings/schema-name.js';
import type { FailureFacts, LedgerFacts, VerdictFacts, WorkerFacts } from '../../core/verdict/facts.js';
import { countBeforeStart, readSweptCoverage } from '../collect/sweep-store.js';
import type { Drizzle } from '../connection/open.js';
import { findMirror } from '../mirror/mirror-store.js';
import { mirror, workers } from '../schema/mirror.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';
import { areTotalsKept } from '../totals/check.js';
import { ANSWERS_WITHIN_MS } from '../workers/liveness.js';
import { readAccounts } from './accounts.js';
import { readIdentities } from './identities.js';
import {
  readLanes,
  readOldestUnresolved,
  readOutstanding,
  readParkedByReason,
  readTotals,
  type TotalRecord,
} from './outbox-status.js';
import { findNewestRun, type RunRecord } from './runs.js';
import { readProofs } from './standings.js';

export interface ReadSettings {
  /** How far before Stripe's now the tail's coverage ends. */
  readonly lagMs: number;
  /** The interval between syncs that is in force. */
  readonly intervalMs: number;
  readonly stripeReads: ReadAllocation;
  /** The clock of the machine that asks: what lies ahead of it and of the database's clock has not come. Absent: only the latter. */
  readonly machineNow?: () => Date;
  /** Checks the server of the queue, and returns why it does not answer; null when it does. Absent: it is not asked. */
  readonly whyQueueAway?: () => Promise<string | null>;
}

export interface WorkerRecord extends WorkerFacts {
  readonly id: string;
  readonly pid: number;
  readonly version: string;
  readonly seenAt: Date;
  /** Which queue it takes jobs from; null until that answered. */
  readonly queue: QueueIdentity | null;
}

/** What the verdict is made of, and the numbers around it. */
export interface StatusRecord extends VerdictFacts {
  /** Requests to Stripe in the last 30 days. */
  readonly stripeReads: number;
  /** This mirror's share of what Stripe allows in 30 days; null: they are not counted. */
  readonly stripeReadsAllowed: number | null;
  /** In 30 days at the pace of the last day. */
  readonly stripeReadsForecast: number;
  readonly mirror: Mirror | null;
  readonly workers: readonly WorkerRecord[];
  /** What was completely read: success times of events, creation times of payments, and of charges by finished sweeps. */
  readonly coverage: {
    readonly events: readonly Window[];
    readonly paymentIntents: readonly Window[];
    readonly charges: readonly Window[];
  };
  /** Payments that sweeps saw and the mirror does not claim: created before its start. */
  readonly beforeStart: number;
  readonly totals: readonly TotalRecord[];
  readonly lastRun: RunRecord | null;
}

type ReadFigures = 'stripeReads' | 'stripeReadsAllowed' | 'stripeReadsForecast';
type FactsRecord = Omit<StatusRecord, ReadFigures | 'beforeStart' | 'totals' | 'lastRun'>;

export async function readStatus(db: Drizzle, settings: ReadSettings): Promise<StatusRecord> {
  const [facts, totals, lastRun, beforeStart] = await Promise.all([
    readVerdictFacts(db, settings),
    readTotals(db),
    findNewestRun(db),
    countBeforeStart(db),
  ]);
  const { used, allowed, forecast } = settings.stripeReads;
  const reads = { stripeReads: used, stripeReadsAllowed: allowed, stripeReadsForecast: forecast };
  return { ...facts, ...reads, totals, lastRun, beforeStart };
}

/** Bounded by what is not settled, and by the days that were proven: cheap enough for once a minute. */
export async function readVerdictFacts(db: Drizzle, settings: Omit<ReadSettings, 'stripeReads'>): Promise<FactsRecord> {
  const { lagMs, intervalMs } = settings;
  const [
    now,
    schema,
    mirrors,
    living,
    lanes,
    parked,
    tailReadAt,
    lastFailure,
    proofs,
    areKept,
    identities,
    accounts,
    queueAway,
  ] = await Promise.all([
    readDatabaseNow(db),
    readSchema(db),
    db.select().from(mirror),
    readLivingWorkers(db),
    readLanes(db),
    readParkedByReason(db),
    readTailReadAt(db),
    readLastFailure(db),
    readProofs(db),
    areTotalsKept(db),
    readIdentities(db),
    readAccounts(db),
    settings.whyQueueAway?.() ?? null,
  ]);
  const found = mirrors[0] === undefined ? null : toMirror(mirrors[0]);
  const facts = found === null ? null : await readCoverageFacts(db, { mirror: found, lagMs, now });
  const known: Completeness = facts === null ? { complete: null, holes: [] } : completenessOf(facts);
  const { holes } = known;
  const { complete, coveredAheadTo } = untilNow(known.complete, later(now, settings.machineNow?.() ?? now));
  return {
    ...{ now, schema },
    intervalMs,
    lagMs: facts?.lagMs ?? lagMs,
    mirror: found,
    ledger: mirrors[0] === undefined ? null : toLedger(mirrors[0]),
    workers: living,
    complete,
    holes,
    coveredAheadTo,
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
    tailReadAt,
    lastFailure,
    proofs,
    areTotalsKept: areKept,
    identities,
    accounts,
    queueAway,
  };
}

/** The name of our schema as the database knows it: the one in this statement is replaced by it. */
async function readSchema(db: Drizzle): Promise<string> {
  const [row] = await db.execute<{ schema: string }>(sql`
    select relnamespace::regnamespace::text as schema from pg_class where oid = 'stripe_blnk_sync.postings'::regclass`);
  return row?.schema ?? DEFAULT_SCHEMA;
}

/**
 * Nobody has read what has not come. A worker takes such coverage back at its next sync; until then nothing is said of it.
 * Clocks that are a little apart are no reason: the end of completeness is the lag behind.
 */
function untilNow(complete: Window | null, now: Date): Pick<FactsRecord, 'complete' | 'coveredAheadTo'> {
  if (complete === null || complete.to <= now) return { complete, coveredAheadTo: null };
  const window = { from: complete.from, to: now };
  return { complete: window.from < window.to ? window : null, coveredAheadTo: complete.to };
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
  const { startsAt, cutoverAt, eventsRefusedSince, chargesRefusedSince } = held;
  const mayRead = { events: eventsRefusedSince === null, charges: chargesRefusedSince === null };
  return { lagMs: held.lagMs ?? lagMs, now, startsAt, cutoverAt, events, lists, sweeps, mayRead };
}

/** The database's clock, rounded up to a millisecond: whatever carries a later time began later. */
export async function readDatabaseNow(db: Drizzle): Promise<Date> {
  const rows = await db.execute<{ now: string }>(sql`select ceil(extract(epoch from now()) * 1000)::text as now`);
  return new Date(Number(rows[0]?.now));
}

export async function readLivingWorkers(db: Drizzle): Promise<WorkerRecord[]> {
  const rows = await db
    .select()
    .from(workers)
    .where(gt(workers.seenAt, sql`now() - ${ANSWERS_WITHIN_MS} * interval '1 millisecond'`))
    .orderBy(asc(workers.startedAt));
  return rows.map(({ queueFaults, ...worker }) => ({
    ...worker,
    queueFaults: queueFaults.map((fault) => ({ ...fault, since: new Date(fault.since) })),
  }));
}

/** The end of a run is what runs are ordered by in an index of each feed; the newest ones of a feed are looked at first. */
const endedAt = sql`coalesce(${syncRuns.finishedAt}, ${syncRuns.startedAt})`;

async function readTailReadAt(db: Drizzle): Promise<Date | null> {
  const rows = await Promise.all(
    FEEDS.map((feed) =>
      db
        .select({ at: syncRuns.finishedAt })
        .from(syncRuns)
        .where(
          and(
            ...[eq(syncRuns.feed, feed), eq(syncRuns.state, 'collected')],
            ...[isNull(syncRuns.parentId), isNotNull(syncRuns.workerId)],
          ),
        )
        .orderBy(desc(endedAt))
        .limit(1),
    ),
  );
  const times = rows.flatMap(([row]) => row?.at ?? []);
  return times.length === 0 ? null : times.reduce(later);
}

function toMirror(row: typeof mirror.$inferSelect): Mirror {
  const { id: _id, sourceBalances: _balances, sourceBalanceIds: _ids, createdAt: _created, ...others } = row;
  const { ledgerState, ledgerStateSince, ledgerCheckedAt, ledgerDetail, ledgerAcceptedAt, ...rest } = others;
  return rest;
}

function toLedger(row: typeof mirror.$inferSelect): LedgerFacts {
  const { ledgerState: state, ledgerStateSince: since, ledgerCheckedAt: checkedAt, ledgerDetail: detail } = row;
  return { state, since, checkedAt, detail };
}

async function readCoverage(db: Drizzle, feed: Feed) {
  return db
    .select({ from: coverage.from, to: coverage.to, readAt: coverage.readAt })
    .from(coverage)
    .where(eq(coverage.feed, feed))
    .orderBy(asc(coverage.from));
}

const FAILED = and(eq(syncRuns.state, 'failed'), ne(sql`coalesce(${syncRuns.errorCode}, '')`, STOPPED));

/** A worker that was stopped in the middle is no failure: the next run goes on. */
async function readLastFailure(db: Drizzle): Promise<FailureFacts | null> {
  const [run] = await db.select().from(syncRuns).where(FAILED).orderBy(desc(syncRuns.startedAt)).limit(1);
  if (run === undefined) return null;
  const [newest] = await db
    .select({ at: sql`${endedAt}`.mapWith(syncRuns.startedAt) })
    .from(syncRuns)
    .where(and(eq(syncRuns.feed, run.feed), eq(syncRuns.state, 'collected')))
    .orderBy(desc(endedAt))
    .limit(1);
  const at = run.finishedAt ?? run.startedAt;
  const recovered = newest !== undefined && newest.at > at;
  return {
    runId: run.id,
    feed: run.feed,
    code: run.errorCode ?? 'unexpected',
    message: run.error ?? 'no message was stored',
    at,
    since: recovered ? at : ((await readFailingSince(db, run.feed, newest?.at ?? null)) ?? at),
    recovered,
  };
}

/** Walks the index of failed runs from the last good one on: however long it is good, those before are not looked at. */
async function readFailingSince(db: Drizzle, feed: Feed, goodAt: Date | null): Promise<Date | null> {
  const [first] = await db
    .select({ at: sql`${endedAt}`.mapWith(syncRuns.startedAt) })
    .from(syncRuns)
    .where(and(FAILED, eq(syncRuns.feed, feed), goodAt === null ? undefined : gt(syncRuns.startedAt, goodAt)))
    .orderBy(asc(syncRuns.startedAt))
    .limit(1);
  return first?.at ?? null;
}
