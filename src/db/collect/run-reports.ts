/**
 * Runs whose end is to be told: all that they stored is decided. Each is taken by one worker, once, so that several logs
 * together say it once; one that ends right after it took a run does not say it.
 */

import { sql } from 'drizzle-orm';
import { oneAtATime } from '../../core/base/one-at-a-time.js';
import type { Drizzle } from '../connection/open.js';
import { type RunRecord, readRuns } from '../reads/runs.js';

/** What is left is taken by the next look. */
const TAKEN_AT_ONCE_MAX = 50;

/**
 * @param tell called once for each run that has ended, oldest first
 * @returns what looks for them; asked again during a look, it looks once more
 */
export function createRunReports(db: Drizzle, tell: (run: RunRecord) => void): () => Promise<void> {
  return oneAtATime(async () => {
    for (const run of await takeEndedRuns(db)) tell(run);
  });
}

/** @returns runs that have ended since the last look, oldest first; parts are told with their backfill */
export async function takeEndedRuns(db: Drizzle): Promise<RunRecord[]> {
  const taken = await db.execute<{ id: string }>(sql`
    update stripe_blnk_sync.sync_runs taken set reported_at = now()
    where taken.id in (
      select run.id from stripe_blnk_sync.sync_runs run
      where run.reported_at is null and run.parent_id is null and run.state <> 'collecting'
        and not exists (
          select 1 from stripe_blnk_sync.postings
          where state = 'pending' and first_run = any(array(
            select run.id union all select part.id from stripe_blnk_sync.sync_runs part where part.parent_id = run.id)))
      order by run.started_at
      limit ${TAKEN_AT_ONCE_MAX}
      for update skip locked)
    returning taken.id`);
  const runs = await readRuns(
    db,
    taken.map(({ id }) => id),
  );
  return runs.filter(isToldOf).reverse();
}

/** What stored nothing is told only to whoever asked for it; a failure is told when it happens. */
function isToldOf({ stored, trigger, status }: RunRecord): boolean {
  return stored > 0 || (trigger === 'manual' && status !== 'failed' && status !== 'stopped');
}
