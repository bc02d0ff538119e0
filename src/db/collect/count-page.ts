/**
 * What a page brought, added to the counts of its run, with a sign of life. Within the transaction that stores the page and
 * holds the run's row; `store-list-page.ts` explains why a page of a list does the same by an upsert.
 */
import { eq, sql } from 'drizzle-orm';
import type { OpenRun, StoredPage } from '../../collect/ports.js';
import type { Transaction } from '../connection/open.js';
import { syncRuns } from '../schema/sync-runs.js';

interface PageCounts extends Pick<StoredPage, 'beforeStart' | 'requests'> {
  readonly found: number;
  /** Of those found; the others were known before. */
  readonly stored: number;
}

export async function countPage(
  transaction: Transaction,
  run: OpenRun,
  { found, stored, beforeStart, requests }: PageCounts,
): Promise<void> {
  await transaction
    .update(syncRuns)
    .set({
      found: sql`${syncRuns.found} + ${found}`,
      stored: sql`${syncRuns.stored} + ${stored}`,
      knownBefore: sql`${syncRuns.knownBefore} + ${found - stored}`,
      beforeStart: sql`${syncRuns.beforeStart} + ${beforeStart}`,
      stripeRequests: sql`${syncRuns.stripeRequests} + ${requests}`,
      heartbeatAt: sql`now()`,
    })
    .where(eq(syncRuns.id, run.id));
}
