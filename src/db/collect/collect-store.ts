/**
 * Collect's store: runs, pages and coverage. A page's payments, its counts and what it covers are one transaction, and
 * that transaction holds the run's row, so a worker that lost its run can neither store nor cover anything more.
 */
import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Backfill, CollectStore, NewRun, OpenRun, StoredPage, StoreOutcome } from '../../collect/ports.js';
import { SyncError } from '../../core/base/errors.js';
import { later, remaining, type Window } from '../../core/base/window.js';
import type { Trigger } from '../../core/coverage/sync-run.js';
import { mirrorMoved } from '../../core/ledger/ledger-identity.js';
import { STRIPE_EPOCH } from '../../core/posting/mirror.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { refuseMoved } from '../mirror/ledger-identity-store.js';
import { begunAnew, readMirror } from '../mirror/mirror-store.js';
import { insertFound, type StoredRow } from '../postings/insert-found.js';
import { lanesOf } from '../postings/lanes.js';
import { mirror } from '../schema/mirror.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';
import { countPage } from './count-page.js';
import { cover } from './coverage-store.js';
import { claimPart, openBackfill, partCoverage, selectBackfills } from './part-store.js';
import { takeBackAhead } from './remove-future-runs.js';
import { storeListPage } from './store-list-page.js';
import { createSweepStore, finishSweep, forgetSweptCoverage, holdStart, listBeforeStart } from './sweep-store.js';

export interface CollectStoreOptions {
  /** The process that collects; every write of a run checks it. */
  readonly workerId: string;
  readonly version: string;
  /** The mirror that this process works for; null for commands, which only ask. */
  readonly mirrorId: string | null;
  /** Of the mirror, as this process read it at its start: once it was raised no run is opened or written. Left out by commands. */
  readonly epoch?: number;
  /** No other process reads beside this one: what another one has in hand is a dead one's. */
  readonly isOnlyReader?: boolean;
  /** Connections of their own for pages of lists, so that none waits behind a lane. The store's own when left out. */
  readonly pages?: Drizzle;
}

export function createCollectStore(
  db: Drizzle,
  { workerId, version, mirrorId, epoch, isOnlyReader = false, pages = db }: CollectStoreOptions,
): CollectStore {
  const ofEpoch =
    epoch === undefined ? undefined : sql`not exists (select 1 from ${mirror} where ${mirror.ledgerEpoch} <> ${epoch})`;
  const ours = (run: OpenRun) =>
    and(eq(syncRuns.id, run.id), eq(syncRuns.state, 'collecting'), eq(syncRuns.workerId, workerId), ofEpoch);
  /** Runs that this process reads. */
  const reading = new Set<string>();
  const owner = { workerId, version, isOnlyReader, reads: (runId: string) => reading.has(runId) };
  return {
    async mirror() {
      const held = await readMirror(db);
      if (mirrorId !== null && held.mirrorId !== mirrorId) throw begunAnew();
      if (epoch !== undefined && held.ledgerEpoch !== epoch) throw mirrorMoved(held.blnkInstance);
      return held;
    },

    async openRun(run: NewRun): Promise<OpenRun> {
      const id = uuidv7();
      if (epoch !== undefined) await refuseMoved(db, epoch);
      await db.insert(syncRuns).values({ ...runValues(run), id, state: 'collecting', workerId, version });
      return { id, feed: run.feed };
    },

    async storePage(run, page) {
      if (run.feed === 'payment_intents' && page.judgedByStart === undefined) {
        const outcome = await storeListPage(pages, { page, ours: ours(run) });
        if (outcome === null) throw runLost(run);
        return outcome;
      }
      return db.transaction(async (transaction) => {
        if (page.judgedByStart !== undefined) await holdStart(transaction, page.judgedByStart);
        const rows = transaction.select({ runsFrom: syncRuns.windowFrom }).from(syncRuns).where(ours(run));
        const [held] = await rows.for('update');
        if (held === undefined) throw runLost(run);
        const stored = await insertFound(transaction, run, page.postings);
        await listBeforeStart(transaction, run.id, page.listedBeforeStart ?? []);
        if (page.covers !== null) await cover(transaction, run, page.covers);
        const found = page.postings.length + (page.knownBefore ?? 0);
        await countPage(transaction, run, { ...page, found, stored: countNew(stored) });
        return { ...outcomeOf(page, stored), runsFrom: held.runsFrom };
      });
    },

    async finishRun(run, windowTo) {
      reading.delete(run.id);
      const [counts] = await db
        .update(syncRuns)
        .set({
          state: 'collected',
          finishedAt: sql`now()`,
          reportedAt: quietIsReported,
          ...(windowTo === null ? {} : { windowTo }),
        })
        .where(ours(run))
        .returning({ found: syncRuns.found, knownBefore: syncRuns.knownBefore, stored: syncRuns.stored });
      if (counts === undefined) throw runLost(run);
      return counts;
    },

    async failRun(run, { code, message }) {
      reading.delete(run.id);
      await db
        .update(syncRuns)
        .set({ state: 'failed', finishedAt: sql`now()`, errorCode: code, error: message })
        .where(ours(run));
    },

    eventCoverage: (from) =>
      db
        .select({ from: coverage.from, to: coverage.to })
        .from(coverage)
        .where(and(eq(coverage.feed, 'events'), gt(coverage.to, from))),

    beginMirror: (cutoverAt, trigger) =>
      db.transaction(async (transaction) => {
        const begun = await transaction
          .update(mirror)
          .set({ cutoverAt })
          .where(isNull(mirror.cutoverAt))
          .returning({ startsAt: mirror.startsAt });
        const startsAt = begun[0]?.startsAt;
        if (startsAt === undefined) return false;
        if (startsAt < cutoverAt) await insertBackfill(transaction, { from: startsAt, to: cutoverAt }, trigger);
        return true;
      }),

    requestBackfill: (window, trigger) =>
      db.transaction(async (transaction) => {
        const [held] = await transaction.select({ startsAt: mirror.startsAt }).from(mirror).for('update');
        const from = later(window.from, STRIPE_EPOCH);
        if (held === undefined || from >= held.startsAt)
          return insertBackfill(transaction, { ...window, from }, trigger);
        await transaction.update(mirror).set({ startsAt: from });
        await forgetSweptCoverage(transaction);
        // All from the start on is the mirror's: a gap up to the earlier start would be read by nobody.
        return insertBackfill(transaction, { from, to: later(window.to, held.startsAt) }, trigger);
      }),

    async backfill(id) {
      const rows = await selectBackfills(db, and(eq(syncRuns.id, id), openBackfill));
      return rows[0] ?? null;
    },

    openBackfills: () => selectBackfills(db, openBackfill),

    backfillCoverage: (backfillId) => partCoverage(db, backfillId),

    async claimPart(part, source, except) {
      if (epoch !== undefined) await refuseMoved(db, epoch);
      const claimed = await claimPart(db, owner, part, { source, except });
      if (claimed !== null) reading.add(claimed.run.id);
      return claimed;
    },

    async finishBackfill(backfillId) {
      const [open] = await selectBackfills(db, and(eq(syncRuns.id, backfillId), openBackfill));
      if (open === undefined) return;
      if (open.feed === 'charges') return finishSweep(db, backfillId);
      if (remaining(open.window, await partCoverage(db, backfillId)).length > 0) return;
      await db
        .update(syncRuns)
        .set({ state: 'collected', finishedAt: sql`now()` })
        .where(and(eq(syncRuns.id, backfillId), openBackfill));
    },

    takeBackAhead: (agreed) => takeBackAhead(db, agreed),

    ...createSweepStore(db, version),
  };

  async function insertBackfill(transaction: Transaction, window: Window, trigger: Trigger): Promise<Backfill> {
    const id = uuidv7();
    const feed = 'payment_intents';
    const run: NewRun = { feed, trigger, window, parentId: null };
    await transaction.insert(syncRuns).values({ ...runValues(run), id, state: 'collecting', version });
    return { id, feed, window, trigger };
  }
}

/** A tick that brought nothing is no run to tell of; one that a person asked for is. */
const quietIsReported = sql`case when ${syncRuns.stored} = 0 and ${syncRuns.trigger} <> 'manual' then now() end`;

function outcomeOf(page: StoredPage, stored: readonly StoredRow[]): Omit<StoreOutcome, 'runsFrom'> {
  const pending = stored.flatMap(({ lane, state }) => (state === 'pending' && lane !== null ? [lane] : []));
  const isNew = countNew(stored);
  return {
    lanes: lanesOf(pending),
    parked: parkedOf(stored),
    stored: isNew,
    knownBefore: page.postings.length - isNew,
  };
}

function parkedOf(stored: readonly StoredRow[]): StoreOutcome['parked'] {
  return stored.flatMap(({ parked: reference, reason, detail }) =>
    reference === null || reason === null ? [] : [{ reference, reason, detail: detail ?? '' }],
  );
}

function countNew(stored: readonly StoredRow[]): number {
  return stored.filter((row) => row.is_new).length;
}

function runValues({ feed, trigger, window, parentId }: NewRun) {
  return { feed, trigger, windowFrom: window.from, windowTo: window.to, parentId };
}

function runLost(run: OpenRun): SyncError {
  return new SyncError(
    `Run ${run.id} is no longer collected by this worker (it was silent for too long); another run goes on`,
    {
      kind: 'transient',
      code: 'run_lost',
    },
  );
}
