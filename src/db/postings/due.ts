/** When lanes have something due. Only reads. */
import type postgres from 'postgres';
import { mirrorMoved } from '../../core/ledger-identity.js';
import type { Lane } from '../../core/posting.js';

/** Enough to see past the chunks that are claimed right now, few enough for a lane with a million pending. */
const NEXT_DUE_LOOKED_AT = 500;

/** Milliseconds until the lane's next posting is due; null when nothing is pending. Throws SyncError `mirror_moved`. */
export async function nextDueInMs(
  sql: postgres.Sql,
  lane: Lane,
  { epoch }: { readonly epoch: number },
): Promise<number | null> {
  const [row] = await sql<{ due_in_ms: number | null; moved_to: string | null }[]>`
    select (extract(epoch from min(greatest(due_at, coalesce(claimed_until, due_at))) - now()) * 1000)::float8 as due_in_ms,
      (select blnk_instance from stripe_blnk_sync.mirror where ledger_epoch <> ${epoch}) as moved_to
    from (
      select due_at, claimed_until from stripe_blnk_sync.postings
      where state = 'pending' and source = ${lane.source} and currency = ${lane.currency}
      order by due_at limit ${NEXT_DUE_LOOKED_AT}
    ) as first`;
  // Postings are due, and were not claimed: the lane must not come back to them again and again.
  if (row !== undefined && row.moved_to !== null) throw mirrorMoved(row.moved_to);
  return row?.due_in_ms ?? null;
}

/** Lanes that have postings due now: what a worker's timer wakes, because a queue may have lost everything. */
export async function lanesDue(sql: postgres.Sql): Promise<Lane[]> {
  return sql<Lane[]>`
    select source, currency from stripe_blnk_sync.postings
    where state = 'pending' and due_at <= now() and (claimed_until is null or claimed_until < now())
      and source is not null and currency is not null
    group by source, currency`;
}

/**
 * Lanes with a posting that is due for `dueForMs`, in which nobody holds a claim and nobody noted a pause lately. Lanes are
 * found one after the other along the index, so that a backlog of a million is not read.
 */
export async function lanesWaiting(
  sql: postgres.Sql,
  { dueForMs, pausedForMs }: { readonly dueForMs: number; readonly pausedForMs: number },
): Promise<Lane[]> {
  return sql<Lane[]>`
    with recursive lane (source, currency) as (
      (select source, currency from stripe_blnk_sync.postings where state = 'pending' order by source, currency limit 1)
      union all
      select following.source, following.currency from lane cross join lateral (
        select source, currency from stripe_blnk_sync.postings
        where state = 'pending' and (source, currency) > (lane.source, lane.currency)
        order by source, currency limit 1) following
    )
    select source, currency from lane
    where exists (
        select 1 from stripe_blnk_sync.postings
        where state = 'pending' and source = lane.source and currency = lane.currency
          and due_at <= now() - ${dueForMs} * interval '1 millisecond'
          and (claimed_until is null or claimed_until < now()))
      and not exists (
        select 1 from stripe_blnk_sync.postings
        where state = 'pending' and attempts > 0 and source = lane.source and currency = lane.currency
          and claimed_until >= now())
      and not exists (
        select 1 from stripe_blnk_sync.lane_pauses pause
        where pause.source = lane.source and pause.currency = lane.currency
          and pause.seen_at > now() - ${pausedForMs} * interval '1 millisecond')`;
}
