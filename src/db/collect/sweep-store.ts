/**
 * The sweep's side of collect's store: what is known, which sweeps are due, and what a finished one proves. Whatever
 * depends on the mirror's start holds the mirror's row while it decides, because a backfill may move the start back.
 */
import { and, asc, count, desc, eq, gte, inArray, isNotNull, isNull, lt, lte, max, min, not, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type {
  CollectStore,
  KnownIntents,
  PaymentBeforeStart,
  RefusableFeed,
  StoredSweepFacts,
} from '../../collect/ports.js';
import { SyncError } from '../../core/base/errors.js';
import { remaining, type Window } from '../../core/base/window.js';
import { CHARGE_TO_SUCCESS_MAX_MS, type ListCoverage } from '../../core/coverage/completeness.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { readMirror } from '../mirror/mirror-store.js';
import { mirror } from '../schema/mirror.js';
import { postings } from '../schema/postings.js';
import { coverage, paymentsBeforeStart, syncRuns } from '../schema/sync-runs.js';

/** Runs that nobody reads himself: backfills and sweeps, read by their parts. */
const ofParts = and(isNull(syncRuns.workerId), isNull(syncRuns.parentId));

/** One planner at a time; the number only has to be this software's own. */
const PLANNING_LOCK = 7_340_015;

/** How many of the sweeps that were asked for last are looked at: a day's hourly ones and the full one before them. */
const RECENT_MAX = 100;

type SweepStore = Pick<CollectStore, 'knownIntents' | 'requestSweeps' | 'newestListedUpTo' | 'noteRefusal'>;

export function createSweepStore(db: Drizzle, version: string): SweepStore {
  return {
    knownIntents: (intentIds) => knownIntents(db, intentIds),
    requestSweeps: (decide) => openSweeps(db, version, decide),
    newestListedUpTo: () => newestListedUpTo(db),
    noteRefusal: (feed, since) => noteRefusal(db, feed, since),
  };
}

async function knownIntents(db: Drizzle, intentIds: readonly string[]): Promise<KnownIntents> {
  if (intentIds.length === 0) return { stored: new Set(), beforeStart: new Set() };
  const ids = [...intentIds];
  const unread = and(
    eq(postings.state, 'parked'),
    eq(postings.reason, 'unreadable_payment'),
    isNull(postings.dismissedAt),
  );
  const stored = db
    .select({ id: postings.objectId, isStored: sql<boolean>`true` })
    .from(postings)
    .where(and(inArray(postings.objectId, ids), not(sql`coalesce(${unread}, false)`)));
  const left = db
    .select({ id: paymentsBeforeStart.paymentId, isStored: sql<boolean>`false` })
    .from(paymentsBeforeStart)
    .innerJoin(mirror, lt(paymentsBeforeStart.created, mirror.startsAt))
    .where(inArray(paymentsBeforeStart.paymentId, ids));
  const rows = await stored.union(left);
  const idsOf = (isStored: boolean) => new Set(rows.filter((row) => row.isStored === isStored).map((row) => row.id));
  return { stored: idsOf(true), beforeStart: idsOf(false) };
}

/** Holds the mirror's row until the transaction ends. Throws SyncError `start_moved` when the page was judged by another start. */
export async function holdStart(transaction: Transaction, judgedBy: Date): Promise<void> {
  const [held] = await transaction.select({ startsAt: mirror.startsAt }).from(mirror).for('share');
  if (held === undefined || held.startsAt.getTime() === judgedBy.getTime()) return;
  throw new SyncError(
    `The mirror's start was moved to ${held.startsAt.toISOString()} while a page of the sweep was judged by ${judgedBy.toISOString()}; the page is read again`,
    { kind: 'transient', code: 'start_moved' },
  );
}

export async function listBeforeStart(
  transaction: Transaction,
  runId: string,
  payments: readonly PaymentBeforeStart[],
): Promise<void> {
  if (payments.length === 0) return;
  // In one order, or two sweeps that list the same payments would wait for each other.
  const rows = [...payments]
    .sort((a, b) => (a.paymentId < b.paymentId ? -1 : 1))
    .map((payment) => ({ ...payment, firstRun: runId }));
  await transaction.insert(paymentsBeforeStart).values(rows).onConflictDoNothing();
}

/**
 * What sweeps covered left out what is now wanted, so it proves nothing any more. Called in the transaction that moves the
 * start, with the mirror's row held: open sweeps then read again, finished ones are asked for again where they closed a hole.
 */
export async function forgetSweptCoverage(transaction: Transaction): Promise<void> {
  await transaction.delete(coverage).where(eq(coverage.feed, 'charges'));
}

/** Opens what `decide` returns. Planners wait for each other, so the second finds what the first has opened. */
async function openSweeps(
  db: Drizzle,
  version: string,
  decide: (facts: StoredSweepFacts, readLists: () => Promise<ListCoverage[]>) => Promise<readonly Window[]>,
): Promise<number> {
  return db.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${PLANNING_LOCK})`);
    const windows = await decide(await readSweepFacts(transaction), () => readListCoverage(transaction));
    for (const { from, to } of windows) {
      await transaction.insert(syncRuns).values({
        ...{ id: uuidv7(), parentId: null, feed: 'charges', trigger: 'schedule', state: 'collecting', version },
        windowFrom: from,
        windowTo: to,
      });
    }
    return windows.length;
  });
}

/**
 * Closes a sweep that is read to its end, and makes one row of its parts' coverage: read as early as its earliest page.
 * One that is too short to prove anything keeps none. Earlier sweeps that prove no more than this one keep none either.
 */
export async function finishSweep(db: Drizzle, sweepId: string): Promise<void> {
  await db.transaction(async (transaction) => {
    const [held] = await transaction.select({ startsAt: mirror.startsAt }).from(mirror).for('share');
    const [sweep] = await transaction
      .select({ from: syncRuns.windowFrom, to: syncRuns.windowTo })
      .from(syncRuns)
      .where(and(eq(syncRuns.id, sweepId), eq(syncRuns.state, 'collecting'), ofParts))
      .for('update');
    if (held === undefined || sweep === undefined || sweep.to === null) return;
    const window = { from: sweep.from, to: sweep.to };
    const parts = transaction.select({ id: syncRuns.id }).from(syncRuns).where(eq(syncRuns.parentId, sweepId));
    const read = await transaction
      .select({ from: coverage.from, to: coverage.to, readAt: coverage.readAt })
      .from(coverage)
      .where(inArray(coverage.runId, parts));
    if (remaining(window, read).length > 0) return;
    await transaction.delete(coverage).where(inArray(coverage.runId, parts));
    const readAt = new Date(
      read.reduce((earliest, row) => Math.min(earliest, row.readAt.getTime()), Number.POSITIVE_INFINITY),
    );
    const lengthMs = window.to.getTime() - window.from.getTime();
    if (window.from <= held.startsAt || lengthMs > CHARGE_TO_SUCCESS_MAX_MS) {
      await dropOutdone(transaction, { ...window, readAt });
      await transaction.insert(coverage).values({ feed: 'charges', ...window, readAt, runId: sweepId });
    }
    await transaction
      .update(syncRuns)
      .set({ state: 'collected', finishedAt: sql`now()` })
      .where(eq(syncRuns.id, sweepId));
  });
}

/** Whether the sweep that a run reads a part of is open; it is not closed before the transaction ends then. */
export async function isPartOfOpenSweep(transaction: Transaction, runId: string): Promise<boolean> {
  const parent = transaction.select({ id: syncRuns.parentId }).from(syncRuns).where(eq(syncRuns.id, runId));
  const open = await transaction
    .select({ id: syncRuns.id })
    .from(syncRuns)
    .where(and(inArray(syncRuns.id, parent), eq(syncRuns.state, 'collecting')))
    .for('share');
  return open.length > 0;
}

/** What finished sweeps prove; parts of open ones are only progress. */
export async function readSweptCoverage(db: Drizzle | Transaction): Promise<ListCoverage[]> {
  return db
    .select({ from: coverage.from, to: coverage.to, readAt: coverage.readAt })
    .from(coverage)
    .innerJoin(syncRuns, eq(coverage.runId, syncRuns.id))
    .where(and(eq(coverage.feed, 'charges'), isNull(syncRuns.parentId)))
    .orderBy(asc(coverage.from));
}

/** Runs of the list without a parent stand in for the tail; their end is the vendor's time at their first page. */
async function newestListedUpTo(db: Drizzle): Promise<Date | null> {
  const [row] = await db
    .select({ upTo: max(syncRuns.windowTo) })
    .from(syncRuns)
    .where(
      and(
        eq(syncRuns.feed, 'payment_intents'),
        eq(syncRuns.state, 'collected'),
        isNull(syncRuns.parentId),
        isNotNull(syncRuns.workerId),
      ),
    );
  return row?.upTo ?? null;
}

/** The first time of a refusal stays until it ends. */
export async function noteRefusal(db: Drizzle, feed: RefusableFeed, since: Date | 'now' | null): Promise<void> {
  const column = feed === 'events' ? mirror.eventsRefusedSince : mirror.chargesRefusedSince;
  const name = feed === 'events' ? 'eventsRefusedSince' : 'chargesRefusedSince';
  if (since === null)
    await db
      .update(mirror)
      .set({ [name]: null })
      .where(isNotNull(column));
  else
    await db
      .update(mirror)
      .set({ [name]: since === 'now' ? sql`now()` : since })
      .where(isNull(column));
}

/** How many payments sweeps left out that the mirror does not claim to this day. */
export async function countBeforeStart(db: Drizzle): Promise<number> {
  const [row] = await db
    .select({ payments: count() })
    .from(paymentsBeforeStart)
    .innerJoin(mirror, lt(paymentsBeforeStart.created, mirror.startsAt))
    .leftJoin(postings, eq(postings.objectId, paymentsBeforeStart.paymentId))
    .where(isNull(postings.objectId));
  return row?.payments ?? 0;
}

async function readSweepFacts(transaction: Transaction): Promise<StoredSweepFacts> {
  const held = await readMirror(transaction);
  const events = await transaction
    .select({ from: coverage.from, to: coverage.to })
    .from(coverage)
    .where(eq(coverage.feed, 'events'));
  const openRuns = await transaction
    .select({ feed: syncRuns.feed, from: syncRuns.windowFrom, to: syncRuns.windowTo })
    .from(syncRuns)
    .where(and(eq(syncRuns.state, 'collecting'), ofParts));
  const recent = await transaction
    .select({ from: syncRuns.windowFrom, to: syncRuns.windowTo })
    .from(syncRuns)
    .where(and(eq(syncRuns.feed, 'charges'), ofParts))
    .orderBy(desc(syncRuns.startedAt))
    .limit(RECENT_MAX);
  const [lists] = await transaction
    .select({ readAt: min(coverage.readAt) })
    .from(coverage)
    .where(eq(coverage.feed, 'payment_intents'));
  return {
    startsAt: held.startsAt,
    cutoverAt: held.cutoverAt,
    listsReadAt: lists?.readAt ?? null,
    events,
    sweeps: await readSweptCoverage(transaction),
    mayRead: { events: held.eventsRefusedSince === null, charges: held.chargesRefusedSince === null },
    open: openRuns.filter(({ feed }) => feed === 'charges').flatMap(toWindow),
    recent: recent.flatMap(toWindow),
    isBackfilling: openRuns.some(({ feed }) => feed === 'payment_intents'),
  };
}

function toWindow({ from, to }: { readonly from: Date; readonly to: Date | null }): Window[] {
  return to === null ? [] : [{ from, to }];
}

async function readListCoverage(transaction: Transaction): Promise<ListCoverage[]> {
  return transaction
    .select({ from: coverage.from, to: coverage.to, readAt: coverage.readAt })
    .from(coverage)
    .where(eq(coverage.feed, 'payment_intents'));
}

/** Rows of finished sweeps that begin later, end earlier and were read earlier. */
async function dropOutdone(transaction: Transaction, { from, to, readAt }: ListCoverage): Promise<void> {
  const finished = transaction
    .select({ id: syncRuns.id })
    .from(syncRuns)
    .where(and(eq(syncRuns.feed, 'charges'), isNull(syncRuns.parentId)));
  await transaction
    .delete(coverage)
    .where(
      and(
        eq(coverage.feed, 'charges'),
        inArray(coverage.runId, finished),
        gte(coverage.from, from),
        lte(coverage.to, to),
        lte(coverage.readAt, readAt),
      ),
    );
}
