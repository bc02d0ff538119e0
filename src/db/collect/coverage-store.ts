/**
 * What a stored page covers, as rows. The tail's rows are kept as few as there are gaps between them; other feeds keep a
 * row a page, because their rows belong to the run whose reading they prove.
 */
import { and, eq, gt } from 'drizzle-orm';
import type { OpenRun, StoredPage } from '../../collect/ports.js';
import { later, type Window } from '../../core/base/window.js';
import type { Transaction } from '../connection/open.js';
import { coverage } from '../schema/sync-runs.js';
import { isPartOfOpenSweep } from './sweep-store.js';

/** Within the transaction that stores the page. */
export async function cover(
  transaction: Transaction,
  run: OpenRun,
  covers: NonNullable<StoredPage['covers']>,
): Promise<void> {
  const { from, to, readAt } = covers;
  if (run.feed === 'events') {
    const upTo = (await takeFollowing(transaction, to)) ?? to;
    if (await extendPreceding(transaction, from, { to: upTo, readAt })) return;
    await transaction.insert(coverage).values({ feed: run.feed, from, to: upTo, readAt, runId: run.id });
    return;
  }
  // A sweep that another worker closed meanwhile has one row for all of its parts; this page adds nothing to it.
  if (run.feed === 'charges' && !(await isPartOfOpenSweep(transaction, run.id))) return;
  await transaction.insert(coverage).values({ feed: run.feed, from, to, readAt, runId: run.id });
}

/**
 * A walk of many pages is newest first: each page ends where the one before it began. Without this an account with a
 * hundred payments a minute would get a row a page for ever, all of which every sync reads. What another worker took or
 * moved meanwhile is no longer found, and stays a row of its own. The later row goes first, always: no deadlock.
 */
async function takeFollowing(transaction: Transaction, from: Date): Promise<Date | null> {
  const taken = await transaction
    .delete(coverage)
    // The second condition is the index's: of all rows few end after this page.
    .where(and(eq(coverage.feed, 'events'), eq(coverage.from, from), gt(coverage.to, from)))
    .returning({ to: coverage.to });
  return taken.reduce<Date | null>((last, { to }) => (last === null ? to : later(last, to)), null);
}

async function extendPreceding(
  transaction: Transaction,
  to: Date,
  further: Pick<Window, 'to'> & { readonly readAt: Date },
): Promise<boolean> {
  const extended = await transaction
    .update(coverage)
    .set(further)
    .where(and(eq(coverage.feed, 'events'), eq(coverage.to, to)))
    .returning({ id: coverage.id });
  return extended.length > 0;
}
