/**
 * Which reader reads which window of a backfill: a window in hand is a child run that is collecting. Whoever takes one
 * decides alone, so that two readers that look at the same moment do not take the same. What is read twice all the same (by
 * one that was taken for dead) costs requests and nothing else.
 */
import { and, asc, eq, isNotNull, isNull, min, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Backfill, BackfillPart, ClaimedPart, OpenRun, PartSource } from '../../collect/ports.js';
import { earlier, later, remaining, type Window } from '../../core/base/window.js';
import { cutOf, type PartInHand, partsOf } from '../../core/coverage/backfill-parts.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';

export interface PartOwner {
  readonly workerId: string;
  readonly version: string;
  readonly isOnlyReader: boolean;
  /** Whether this process reads that run; one of its own that it does not read any more is in nobody's hands. */
  reads(runId: string): boolean;
}

/** A parent run belongs to no worker: any of them may read its parts. */
export const openBackfill = and(eq(syncRuns.state, 'collecting'), isNull(syncRuns.workerId), isNull(syncRuns.parentId));

/** A living reader renews its runs every 10 s. One that is late is taken for dead, and what it has is read twice. */
const SILENT_AFTER = sql`interval '15 seconds'`;

/** Claims of one backfill wait for each other; the first number only has to be this software's own. */
const CLAIM_LOCK = 7_340_016;

/** Opens a run for it. Null when there is nothing to take. */
export async function claimPart(
  db: Drizzle,
  owner: PartOwner,
  { backfillId, window: asked }: BackfillPart,
  { source, except }: { readonly source: PartSource; readonly except: readonly Window[] },
): Promise<ClaimedPart | null> {
  return db.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${CLAIM_LOCK}, hashtext(${backfillId}))`);
    const [backfill] = await selectBackfills(transaction, and(eq(syncRuns.id, backfillId), openBackfill));
    if (backfill === undefined) return null;
    const parts = await partsOfBackfill(transaction, backfillId, owner);
    const window =
      source === 'unread'
        ? await findUnread(transaction, {
            backfill,
            asked,
            taken: [...except, ...parts.inHand.map((part) => part.window)],
          })
        : await cutOne(transaction, { parts, owner, backfillId });
    if (window === null) return null;
    return { backfill, window, run: await openPartRun(transaction, { backfill, window, owner }) };
  });
}

/** The newest window within what was asked that is neither read nor in hand. Anybody may ask: nothing else is read. */
async function findUnread(
  transaction: Transaction,
  { backfill, asked, taken }: { backfill: Backfill; asked: Window; taken: readonly Window[] },
): Promise<Window | null> {
  const read = await partCoverage(transaction, backfill.id);
  const wanted = partsOf(backfill).map(({ from, to }) => ({
    from: later(from, asked.from),
    to: earlier(to, asked.to),
  }));
  return wanted.flatMap((part) => (part.from < part.to ? remaining(part, [...read, ...taken]) : [])).at(-1) ?? null;
}

/** Holds the row of the run that is cut, with which its pages are stored: what is read down to does not move meanwhile. */
async function cutOne(
  transaction: Transaction,
  { parts, owner, backfillId }: { parts: Parts; owner: PartOwner; backfillId: string },
): Promise<Window | null> {
  const chosen = cutOf(parts.inHand, parts.ended);
  if (chosen === null) return null;
  await transaction.select({ id: syncRuns.id }).from(syncRuns).where(eq(syncRuns.id, chosen.runId)).for('update');
  const { inHand, ended } = await partsOfBackfill(transaction, backfillId, owner);
  const part = inHand.find(({ runId }) => runId === chosen.runId);
  const cut = part === undefined ? null : cutOf([part], ended);
  if (cut === null || part === undefined) return null;
  await transaction.update(syncRuns).set({ windowFrom: cut.at }).where(eq(syncRuns.id, cut.runId));
  return { from: part.window.from, to: cut.at };
}

interface Parts {
  readonly inHand: readonly PartInHand[];
  readonly ended: readonly PartInHand[];
}

async function partsOfBackfill(transaction: Transaction, backfillId: string, owner: PartOwner): Promise<Parts> {
  const rows = await transaction
    .select({
      ...{ runId: syncRuns.id, workerId: syncRuns.workerId, state: syncRuns.state },
      ...{ from: syncRuns.windowFrom, to: syncRuns.windowTo, requests: syncRuns.stripeRequests },
      isHeard: sql<boolean>`${syncRuns.heartbeatAt} > now() - ${SILENT_AFTER}`,
      readDownTo: min(coverage.from),
    })
    .from(syncRuns)
    .leftJoin(coverage, eq(coverage.runId, syncRuns.id))
    .where(and(eq(syncRuns.parentId, backfillId), isNotNull(syncRuns.windowTo)))
    .groupBy(syncRuns.id)
    .orderBy(syncRuns.id);
  const parts = rows.map(({ runId, workerId, state, from, to, requests, isHeard, readDownTo }) => ({
    ...{ runId, requests, window: { from, to: to ?? from }, readDownTo: readDownTo ?? to ?? from },
    isInHand:
      state === 'collecting' && (workerId === owner.workerId ? owner.reads(runId) : isHeard && !owner.isOnlyReader),
  }));
  return { inHand: parts.filter(({ isInHand }) => isInHand), ended: parts.filter(({ isInHand }) => !isInHand) };
}

async function openPartRun(
  transaction: Transaction,
  { backfill, window, owner }: { backfill: Backfill; window: Window; owner: PartOwner },
): Promise<OpenRun> {
  const id = uuidv7();
  const { workerId, version } = owner;
  await transaction.insert(syncRuns).values({
    ...{ id, parentId: backfill.id, feed: backfill.feed, trigger: backfill.trigger, state: 'collecting' },
    ...{ windowFrom: window.from, windowTo: window.to, workerId, version },
  });
  return { id, feed: backfill.feed };
}

/** What the parts of a backfill have read. */
export async function partCoverage(db: Drizzle | Transaction, backfillId: string): Promise<Window[]> {
  return db
    .select({ from: coverage.from, to: coverage.to })
    .from(coverage)
    .innerJoin(syncRuns, eq(coverage.runId, syncRuns.id))
    .where(eq(syncRuns.parentId, backfillId));
}

export async function selectBackfills(db: Drizzle | Transaction, where: ReturnType<typeof and>): Promise<Backfill[]> {
  const rows = await db.select().from(syncRuns).where(where).orderBy(asc(syncRuns.startedAt));
  return rows.map(({ id, feed, windowFrom, windowTo, startedAt, trigger }) => ({
    id,
    feed: feed === 'charges' ? feed : 'payment_intents',
    trigger,
    window: { from: windowFrom, to: windowTo ?? startedAt },
  }));
}
