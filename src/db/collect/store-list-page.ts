/**
 * Stores a page of a list in one statement, and so in one commit: payments, what the page covers and the counts of its run,
 * each joined to the run's row, which it locks first. A worker that lost its run stores and covers nothing.
 *
 * The counts go in by an upsert of that row, which works on the row as it is locked. An UPDATE would be evaluated a second time
 * where the row changed while it was waited for (a sign of life), with values that come from rows which the same statement stores.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { StoredPage, StoreOutcome } from '../../collect/ports.js';
import type { Parking } from '../../core/posting/posting.js';
import { connectionLost } from '../connection/one-connection.js';
import type { Drizzle } from '../connection/open.js';
import { executePrepared } from '../connection/prepared.js';
import { isServerFault } from '../connection/server-faults.js';
import { insertionOf } from '../postings/insert-found.js';
import { lanesOf } from '../postings/lanes.js';
import { coverage, syncRuns } from '../schema/sync-runs.js';

/** As the statement answers it. */
interface Answer {
  readonly runsFromMs: number;
  readonly stored: number;
  readonly lanes: readonly string[];
  readonly parked: readonly Parking[];
}

/**
 * Null when the run is not this worker's any more; then nothing was stored.
 *
 * @param ours what has to hold of the run's row
 */
export async function storeListPage(
  db: Drizzle,
  { page, ours }: { readonly page: StoredPage; readonly ours: SQL | undefined },
): Promise<StoreOutcome | null> {
  const found = page.postings.length + (page.knownBefore ?? 0);
  const statement = sql`
    with held as (select * from ${syncRuns} where ${ours} for update),
    stored as (${insertionOf(page.postings, { run: sql`held.id`, joined: sql`cross join held` })}),
    covered as (${coverageOf(page.covers)}),
    counted as (
      insert into ${syncRuns} as run (id, feed, trigger, window_from, state, version, found, stored, before_start, stripe_requests)
      select id, feed, trigger, window_from, state, version, ${found}::int, (select count(*) filter (where is_new) from stored),
        ${page.beforeStart}::int, ${page.requests}::int
      from held
      on conflict (id) do update set found = run.found + excluded.found, stored = run.stored + excluded.stored,
        known_before = run.known_before + excluded.found - excluded.stored,
        before_start = run.before_start + excluded.before_start,
        stripe_requests = run.stripe_requests + excluded.stripe_requests, heartbeat_at = now())
    select json_build_object(
      'runsFromMs', extract(epoch from held.window_from) * 1000,
      'stored', (select count(*) filter (where is_new) from stored),
      'lanes', (select coalesce(json_agg(distinct lane) filter (where state = 'pending' and lane is not null), '[]') from stored),
      'parked', (select coalesce(json_agg(json_build_object('reference', parked, 'reason', reason, 'detail', coalesce(detail, '')))
        filter (where parked is not null and reason is not null), '[]') from stored))::text as answer
    from held`;
  const [row] = await executePrepared<{ answer: string }>(db, statement).catch((error: unknown) => {
    // Whether it was stored is not known, and need not be: what is not covered is read again.
    throw isServerFault(error) ? connectionLost(error) : error;
  });
  if (row === undefined) return null;
  const { runsFromMs, stored, lanes, parked } = JSON.parse(row.answer) as Answer;
  return {
    ...{ lanes: lanesOf(lanes), parked, stored },
    knownBefore: page.postings.length - stored,
    runsFrom: new Date(runsFromMs),
  };
}

function coverageOf(covers: StoredPage['covers']): SQL {
  if (covers === null) return sql`select 1`;
  const [from, to, readAt] = [covers.from, covers.to, covers.readAt].map((time) => time.toISOString());
  return sql`
    insert into ${coverage} (feed, covered_from, covered_to, read_at, run_id)
    select feed, ${from}::timestamptz, ${to}::timestamptz, ${readAt}::timestamptz, id from held`;
}
