/**
 * The store of a rebuild: a mirror row that is marked so while it lasts, and pages whose payments arrive with what the ledger
 * holds of them. Each page is one transaction with what it covers, as in collecting; nothing becomes pending here.
 */
import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { NewPosting, OpenRun, StoredPage, StoreOutcome } from '../../collect/ports.js';
import { SyncError } from '../../core/base/errors.js';
import { commandLine } from '../../core/base/own-command.js';
import type { Mirror, NewMirror } from '../../core/posting/mirror.js';
import type { ParkingReason } from '../../core/posting/posting.js';
import type { Judged } from '../../prove/rebuild-ports.js';
import { countPage } from '../collect/count-page.js';
import type { Drizzle } from '../connection/open.js';
import { findMirror } from '../mirror/mirror-store.js';
import { insertRebuilt } from '../postings/insert-rebuilt.js';
import { mirror } from '../schema/mirror.js';
import { postings } from '../schema/postings.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';

export interface JudgedPage extends Omit<StoredPage, 'postings'> {
  readonly postings: readonly Judged<NewPosting>[];
}

/** What a rebuild has come to so far. */
export interface RebuiltCounts {
  /** Equal in the ledger, and made by this mirror. */
  readonly posted: number;
  /** Equal in the ledger, and made by somebody else. */
  readonly alreadyThere: number;
  /** Parked and not dismissed, by reason. */
  readonly parked: ReadonlyArray<{ readonly reason: ParkingReason; readonly count: number }>;
  /** Repairs took their place. */
  readonly dismissed: number;
  readonly stripeRequests: number;
}

export interface RebuildStore {
  /**
   * Stores the mirror row and the reading that is asked for, both or neither, and answers the row. Where there is a row
   * already, it is answered instead.
   */
  begin(wanted: NewMirror, cutoverAt: Date): Promise<Mirror>;
  /** Payments, counts and coverage in one transaction. Throws SyncError `run_lost` when the run or the rebuild is over. */
  storePage(run: OpenRun, page: JudgedPage): Promise<StoreOutcome>;
  counts(): Promise<RebuiltCounts>;
  /** From now on workers may start. */
  finish(): Promise<void>;
}

export function createRebuildStore(
  db: Drizzle,
  { workerId, version }: { readonly workerId: string; readonly version: string },
): RebuildStore {
  return {
    begin: (wanted, cutoverAt) =>
      db.transaction(async (transaction) => {
        const stored = await transaction
          .insert(mirror)
          .values({ ...wanted, cutoverAt, rebuildingSince: sql`now()` })
          .onConflictDoNothing()
          .returning({ id: mirror.id });
        if (stored.length > 0) {
          await transaction.insert(syncRuns).values({
            ...{ id: uuidv7(), feed: 'payment_intents', trigger: 'manual', state: 'collecting', version },
            ...{ windowFrom: wanted.startsAt, windowTo: cutoverAt, parentId: null },
          });
        }
        const held = await findMirror(transaction as unknown as Drizzle);
        if (held === null) throw new Error('the mirror row was not stored');
        return held;
      }),

    storePage: (run, page) =>
      db.transaction(async (transaction) => {
        const rebuilding = await transaction
          .select({ id: mirror.id })
          .from(mirror)
          .where(isNotNull(mirror.rebuildingSince))
          .for('share');
        const ours = and(eq(syncRuns.id, run.id), eq(syncRuns.state, 'collecting'), eq(syncRuns.workerId, workerId));
        const rows = transaction.select({ runsFrom: syncRuns.windowFrom }).from(syncRuns).where(ours);
        const [held] = await rows.for('update');
        if (rebuilding.length === 0 || held === undefined) throw rebuildLost();
        const { found, stored } = await insertRebuilt(transaction, run, page.postings);
        if (page.covers !== null) {
          await transaction.insert(coverage).values({ feed: run.feed, ...page.covers, runId: run.id });
        }
        await countPage(transaction, run, { ...page, found, stored });
        return { lanes: [], parked: [], stored, knownBefore: found - stored, runsFrom: held.runsFrom };
      }),

    async counts() {
      const [posted] = await db
        .select({
          posted: sql<number>`(count(*) filter (where ${postings.state} = 'posted' and ${postings.settledHow} = 'posted'))::int`,
          alreadyThere: sql<number>`(count(*) filter (where ${postings.state} = 'posted' and ${postings.settledHow} = 'already_there'))::int`,
          dismissed: sql<number>`(count(*) filter (where ${postings.dismissedAt} is not null))::int`,
        })
        .from(postings);
      const parked = await db
        .select({ reason: postings.reason, count: sql<number>`count(*)::int` })
        .from(postings)
        .where(and(eq(postings.state, 'parked'), isNull(postings.dismissedAt)))
        .groupBy(postings.reason)
        .orderBy(postings.reason);
      const [requests] = await db
        .select({ sum: sql<number>`coalesce(sum(${syncRuns.stripeRequests}), 0)::int` })
        .from(syncRuns);
      return {
        posted: posted?.posted ?? 0,
        alreadyThere: posted?.alreadyThere ?? 0,
        dismissed: posted?.dismissed ?? 0,
        parked: parked.flatMap(({ reason, count }) => (reason === null ? [] : [{ reason, count }])),
        stripeRequests: requests?.sum ?? 0,
      };
    },

    async finish() {
      await db
        .update(mirror)
        .set({ rebuildingSince: null, firstPostAt: sql`coalesce(${mirror.firstPostAt}, now())` })
        .where(isNotNull(mirror.rebuildingSince));
    },
  };
}

function rebuildLost(): SyncError {
  return new SyncError(
    `This rebuild was finished or taken over by another one; see what is left with: ${commandLine('rebuild')}`,
    {
      kind: 'transient',
      code: 'run_lost',
    },
  );
}
