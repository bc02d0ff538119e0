/**
 * The `mirror` row: read, created once, restarted only before its first posting, and marked with what a worker found.
 * Which configurations may differ from it is decided in `worker/claim-mirror.ts`.
 */
import { eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { SyncError } from '../../core/base/errors.js';
import { commandLine } from '../../core/base/own-command.js';
import type { Mirror, MirrorIdentity, NewMirror } from '../../core/posting/mirror.js';
import type { Drizzle } from '../connection/open.js';
import { deleteAll } from '../postings/delete-all.js';
import { acceptances } from '../schema/acceptances.js';
import { accountBalances, accountBalancesSeen, accountsLedger } from '../schema/accounts.js';
import { certificates, repairItems, repairs } from '../schema/certificates.js';
import { mirror } from '../schema/mirror.js';
import { coverage, paymentsBeforeStart, syncRuns } from '../schema/sync-runs.js';

/** Throws SyncError `no_mirror` on a database that no worker was started on. */
export async function readMirror(db: Pick<Drizzle, 'select'>): Promise<Mirror> {
  return knownMirror(await findMirror(db));
}

/** The mirror, where there is one. Throws SyncError `no_mirror`. */
export function knownMirror(found: Mirror | null): Mirror {
  if (found !== null) return found;
  throw new SyncError(`This database mirrors nothing yet; start a worker once: ${commandLine('worker')}`, {
    kind: 'fatal',
    code: 'no_mirror',
  });
}

export async function findMirror(db: Pick<Drizzle, 'select'>): Promise<Mirror | null> {
  const [row] = await db.select().from(mirror);
  return row ?? null;
}

/** Stores the row unless another process was faster. Answers the one that holds. */
export async function createMirror(db: Drizzle, wanted: NewMirror): Promise<Mirror> {
  await db.insert(mirror).values(wanted).onConflictDoNothing();
  return readMirror(db);
}

/** The account of a restricted key becomes known with a key that may read it. */
export async function nameAccount(db: Drizzle, stripeAccount: string): Promise<Mirror> {
  await db.update(mirror).set({ stripeAccount }).where(isNull(mirror.stripeAccount));
  return readMirror(db);
}

/** The lag of the worker that started last, so that commands judge completeness by it. */
export async function noteLag(db: Drizzle, lagMs: number): Promise<void> {
  await db.update(mirror).set({ lagMs });
}

/** Whether the Blnk key may read balances, as a worker found it. Answers whether that is new. */
export async function noteBalancesRefused(db: Drizzle, isRefused: boolean): Promise<boolean> {
  const changed = await db
    .update(mirror)
    .set({ balancesRefusedSince: isRefused ? sql`now()` : null })
    .where(isRefused ? isNull(mirror.balancesRefusedSince) : isNotNull(mirror.balancesRefusedSince))
    .returning({ id: mirror.id });
  return changed.length > 0;
}

/**
 * Before the first posting a configuration may still change. Coverage, proofs, plans and prepared transactions are the
 * earlier one's: they go, or payments of the new one would count as read, and days of it as proven. Null when posting has begun; then nothing is changed.
 */
export async function restartMirror(db: Drizzle, identity: MirrorIdentity): Promise<Mirror | null> {
  return db.transaction(async (transaction) => {
    const restarted = await transaction
      .update(mirror)
      .set({
        ...{ ...identity, cutoverAt: null, sourceBalances: {}, sourceBalanceIds: {} },
        ...{ ledgerState: 'unchecked', ledgerStateSince: null, ledgerCheckedAt: null, ledgerDetail: null },
      })
      .where(isNull(mirror.firstPostAt))
      .returning();
    if (restarted[0] === undefined) return null;
    await transaction.delete(coverage);
    await transaction.delete(acceptances);
    await transaction.delete(certificates);
    await transaction.delete(repairItems);
    await transaction.delete(repairs);
    await transaction.delete(paymentsBeforeStart);
    await deleteAll(transaction);
    await transaction.delete(syncRuns);
    // Made for a mirror that is none any more: nothing was posted to them.
    await transaction.delete(accountsLedger);
    await transaction.delete(accountBalances);
    await transaction.delete(accountBalancesSeen);
    return restarted[0];
  });
}

/**
 * Notes that something is about to be posted: from now on the mirror's identity holds. Throws SyncError `mirror_differs`
 * when another worker began the mirror anew meanwhile: what this one knows of account and ledger is no longer so.
 */
export async function markFirstPost(db: Drizzle, mirrorId: string): Promise<void> {
  // Every lane asks, and lanes must not queue behind each other for the one row.
  const [held] = await db.select({ firstPostAt: mirror.firstPostAt }).from(mirror).where(eq(mirror.mirrorId, mirrorId));
  if (held !== undefined && held.firstPostAt !== null) return;
  const marked = await db
    .update(mirror)
    .set({ firstPostAt: sql`coalesce(${mirror.firstPostAt}, now())` })
    .where(eq(mirror.mirrorId, mirrorId))
    .returning({ mirrorId: mirror.mirrorId });
  if (marked.length === 0) throw begunAnew();
}

/** Throws SyncError `mirror_differs` when another worker began the mirror anew: nothing of it is for the caller. */
export async function confirmMirror(db: Drizzle, mirrorId: string): Promise<void> {
  const [held] = await db.select({ id: mirror.id }).from(mirror).where(eq(mirror.mirrorId, mirrorId));
  if (held === undefined) throw begunAnew();
}

/** The fault of a worker whose mirror was begun anew with another configuration. */
export function begunAnew(): SyncError {
  return new SyncError(
    'Another worker began this mirror anew with another configuration; restart this one with the same configuration',
    { kind: 'fatal', code: 'mirror_differs' },
  );
}
