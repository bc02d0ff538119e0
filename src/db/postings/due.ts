/** When lanes have something due. Only reads. */
import type postgres from 'postgres';
import type { AccountsMode } from '../../core/accounts/accounts-mode.js';
import { mirrorMoved } from '../../core/ledger/ledger-identity.js';
import { type Lane, laneName } from '../../core/posting/posting.js';
import { LANE } from '../schema/postings.js';
import { lanesOf } from './lanes.js';
import { hasBalance } from './ready.js';

interface NamedLane {
  readonly lane: string | null;
}

/** Enough to see past the chunks that are claimed right now, few enough for a lane with a million pending. */
const NEXT_DUE_LOOKED_AT = 500;

/** A lane of which only postings without a balance are due is woken when one is made; this is for a wake that is lost. */
const BALANCE_AWAITED_MS = 5_000;

/** Milliseconds until the lane's next posting is due; null when nothing is pending. Throws SyncError `mirror_moved`. */
export async function nextDueInMs(
  sql: postgres.Sql,
  lane: Lane,
  { epoch, accountsMode }: { readonly epoch: number; readonly accountsMode: AccountsMode },
): Promise<number | null> {
  const awaits =
    accountsMode === 'indicators'
      ? sql``
      : sql`, case when not ${hasBalance(sql, 'known', 'first')} then now() + ${BALANCE_AWAITED_MS} * interval '1 millisecond' end`;
  const columns = accountsMode === 'indicators' ? sql`` : sql`, source, destination, currency`;
  const [row] = await sql<{ due_in_ms: number | null; moved_to: string | null }[]>`
    select (extract(epoch from min(greatest(due_at, coalesce(claimed_until, due_at)${awaits})) - now()) * 1000)::float8 as due_in_ms,
      (select blnk_instance from stripe_blnk_sync.mirror where ledger_epoch <> ${epoch}) as moved_to
    from (
      select due_at, claimed_until${columns} from stripe_blnk_sync.postings
      where state = 'pending' and ${sql.unsafe(LANE)} = ${laneName(lane)}
      order by due_at limit ${NEXT_DUE_LOOKED_AT}
    ) as first`;
  // Postings are due, and were not claimed: the lane must not come back to them again and again.
  if (row !== undefined && row.moved_to !== null) throw mirrorMoved(row.moved_to);
  return row?.due_in_ms ?? null;
}

/**
 * Lanes that have postings due now: what a worker's timer wakes, because a queue may have lost everything. Lanes are found one
 * after the other along the index, not by the totals, so that a lane is woken whatever became of those.
 */
export async function lanesDue(sql: postgres.Sql): Promise<Lane[]> {
  const ofLane = sql.unsafe(LANE);
  const rows = await sql<NamedLane[]>`
    with recursive ${lanesPending(sql)}
    select name as lane from waiting where (
      -- In the order of the index, so that it is used: of what is nearly all pending, the first one met is due.
      select 1 from stripe_blnk_sync.postings
      where state = 'pending' and ${ofLane} = waiting.name
        and due_at <= now() and (claimed_until is null or claimed_until < now())
      order by due_at limit 1) is not null`;
  return lanesOf(rows.flatMap(({ lane }) => lane ?? []));
}

/** The lanes that have something pending, as `waiting (name)`: a backlog of a million is not read. */
export function lanesPending(sql: postgres.Sql) {
  const ofLane = sql.unsafe(LANE);
  return sql`
    waiting (name) as (
      (select ${ofLane} from stripe_blnk_sync.postings where state = 'pending' order by ${ofLane} limit 1)
      union all
      select following.name from waiting cross join lateral (
        select ${ofLane} as name from stripe_blnk_sync.postings
        where state = 'pending' and ${ofLane} > waiting.name
        order by ${ofLane} limit 1) following
    )`;
}

export interface WaitingOptions {
  readonly dueForMs: number;
  readonly pausedForMs: number;
  /** With `ledger` a posting waits for nobody before its customer has a balance. */
  readonly accountsMode: AccountsMode;
}

/** Lanes with a posting that is due for `dueForMs`, in which nobody holds a claim and nobody noted a pause lately. */
export async function lanesWaiting(
  sql: postgres.Sql,
  { dueForMs, pausedForMs, accountsMode }: WaitingOptions,
): Promise<Lane[]> {
  const isReady = accountsMode === 'indicators' ? sql`` : sql` and ${hasBalance(sql, 'known')}`;
  const ofLane = sql.unsafe(LANE);
  const rows = await sql<NamedLane[]>`
    with recursive ${lanesPending(sql)}
    select name as lane from waiting
    where exists (
        select 1 from stripe_blnk_sync.postings
        where state = 'pending' and ${ofLane} = waiting.name
          and due_at <= now() - ${dueForMs} * interval '1 millisecond'
          and (claimed_until is null or claimed_until < now())${isReady})
      and not exists (
        select 1 from stripe_blnk_sync.postings
        where state = 'pending' and attempts > 0 and ${ofLane} = waiting.name
          and claimed_until >= now())
      and not exists (
        select 1 from stripe_blnk_sync.lane_pauses pause
        where pause.currency || ':' || pause.source = waiting.name
          and pause.seen_at > now() - ${pausedForMs} * interval '1 millisecond')`;
  return lanesOf(rows.flatMap(({ lane }) => lane ?? []));
}
