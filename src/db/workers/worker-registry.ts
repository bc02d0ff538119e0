/**
 * Who is alive, and what the dead left open. A run is `collecting` only while its worker renews it; any living worker
 * closes the runs of the silent ones, so that no run is open for ever and the next one can cover its window.
 */
import type postgres from 'postgres';
import type { BackfillPart } from '../../collect/ports.js';
import type { ClockFault } from '../../core/coverage/agree-on-time.js';
import type { QueueFault } from '../../core/queue/queue-fault.js';
import type { QueueIdentity } from '../../core/queue/queue-identity.js';
import { MAY_WORK_WITHIN_MS } from './liveness.js';
import { GENERATION } from './minimum-code.js';

export interface WorkerIdentity {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
}

export interface HousekeepingOptions {
  /** A run that was not renewed for this long has no living worker. */
  readonly silentAfterMs: number;
  /**
   * Finished runs that counted nothing are dropped after this time: those of the tail and of the list in its place, and
   * sweeps whose coverage proves nothing. The newest of each stays: the schedule counts from it.
   */
  readonly keepEmptyRunsMs: number;
}

export interface WorkerRegistry {
  /**
   * Says "alive" and renews the runs that this worker collects.
   *
   * @param clockFault which clock this worker found off, for `status`
   */
  renew(clockFault?: ClockFault | null): Promise<void>;
  /** What keeps the queue from delivering, as this worker sees it; what was noted before keeps its time. */
  noteQueueFaults(faults: readonly QueueFault[]): Promise<void>;
  /** Which queue it takes jobs from, for commands that ask for something. */
  noteQueue(queue: QueueIdentity): Promise<void>;
  /** Whether no other worker said "alive" lately. One that ended without leaving counts for a minute. */
  isAlone(): Promise<boolean>;
  leave(): Promise<void>;
  /** Closes runs without a living worker, drops old empty runs and old worker rows. Answers how many runs were closed. */
  tidy(options: HousekeepingOptions): Promise<number>;
}

export function createWorkerRegistry(sql: postgres.Sql, worker: WorkerIdentity): WorkerRegistry {
  return {
    async renew(clockFault = null) {
      const fault = clockFault === null ? null : JSON.stringify(clockFault);
      await sql`
        insert into stripe_blnk_sync.workers (id, host, pid, version, generation, clock_fault)
        values (${worker.id}, ${worker.host}, ${worker.pid}, ${worker.version}, ${GENERATION}, ${fault}::text::jsonb)
        on conflict (id) do update set seen_at = now(), clock_fault = excluded.clock_fault`;
      await sql`update stripe_blnk_sync.sync_runs set heartbeat_at = now() where worker_id = ${worker.id} and state = 'collecting'`;
    },

    async noteQueueFaults(faults) {
      await sql`
        update stripe_blnk_sync.workers worker set queue_faults = (
          select coalesce(jsonb_agg(found || jsonb_build_object('since', coalesce(
            known ->> 'since', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))), '[]')
          from jsonb_array_elements(${JSON.stringify(faults)}::text::jsonb) found
          left join jsonb_array_elements(worker.queue_faults) known
            on known ->> 'kind' = found ->> 'kind' and known ->> 'queue' is not distinct from found ->> 'queue')
        where id = ${worker.id}`;
    },

    async noteQueue(queue) {
      await sql`
        update stripe_blnk_sync.workers set queue = ${JSON.stringify(queue)}::text::jsonb
        where id = ${worker.id} and queue ->> 'id' is distinct from ${queue.id}`;
    },

    async isAlone() {
      const others = await sql`
        select 1 from stripe_blnk_sync.workers where id <> ${worker.id} and seen_at > now() - ${MAY_WORK_WITHIN_MS} * interval '1 millisecond' limit 1`;
      return others.count === 0;
    },

    async leave() {
      await sql`delete from stripe_blnk_sync.workers where id = ${worker.id}`;
    },

    async tidy({ silentAfterMs, keepEmptyRunsMs }) {
      const closed = await sql`
        update stripe_blnk_sync.sync_runs set state = 'failed', finished_at = now(), error_code = 'worker_lost',
          error = 'The worker that collected this run went silent; the next run goes on from the coverage.'
        where state = 'collecting' and worker_id is not null
          and heartbeat_at < now() - ${silentAfterMs} * interval '1 millisecond'`;
      await sql`delete from stripe_blnk_sync.workers where seen_at < now() - interval '1 day'`;
      await sql`
        delete from stripe_blnk_sync.sync_runs run where state = 'collected' and stored = 0 and before_start = 0
          and parent_id is null and worker_id is not null
          and (feed = 'events' or not exists (select 1 from stripe_blnk_sync.coverage where coverage.run_id = run.id))
          and finished_at < now() - ${keepEmptyRunsMs} * interval '1 millisecond'
          and started_at < (
            select max(started_at) from stripe_blnk_sync.sync_runs newer
            where newer.feed = run.feed and newer.parent_id is null and newer.worker_id is not null
              and newer.state = 'collected')`;
      await dropEmptySweeps(sql, keepEmptyRunsMs);
      return closed.count;
    },
  };
}

/** With their parts. A sweep that has coverage proves something, and one whose parts stored a payment is its batch. */
async function dropEmptySweeps(sql: postgres.Sql, keepEmptyRunsMs: number): Promise<void> {
  await sql`
    with empty as (
      select sweep.id from stripe_blnk_sync.sync_runs sweep
      where sweep.state = 'collected' and sweep.feed = 'charges' and sweep.parent_id is null
        and sweep.finished_at < now() - ${keepEmptyRunsMs} * interval '1 millisecond'
        and sweep.window_to < (select max(window_to) from stripe_blnk_sync.sync_runs where feed = 'charges' and parent_id is null)
        and not exists (select 1 from stripe_blnk_sync.coverage where coverage.run_id = sweep.id)
        and not exists (
          select 1 from stripe_blnk_sync.sync_runs part
          where part.parent_id = sweep.id and (part.stored > 0 or part.before_start > 0 or part.state = 'collecting'))
    ), dropped as (
      delete from stripe_blnk_sync.sync_runs where id in (select id from empty) or parent_id in (select id from empty) returning id
    )
    delete from stripe_blnk_sync.coverage where run_id in (select id from dropped)`;
}

/**
 * Payments of the last 30 days, a lower bound of the account's transactions, for the read allocation. By when they were paid:
 * a first backfill stores those of years within an hour. From the totals of days; corrections, which are few, are counted there
 * too and are no transactions of Stripe.
 */
export async function paymentsInThirtyDays(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ payments: number }[]>`
    with today as (select (now() at time zone 'UTC')::date as day), counted as (
      select day, count from stripe_blnk_sync.day_totals
      union all select day, count from stripe_blnk_sync.posting_changes
      union all select (effective_at at time zone 'UTC')::date, -1 from stripe_blnk_sync.postings where kind = 'correction'
    )
    select coalesce(sum(counted.count), 0)::int as payments from counted, today
    where counted.day > today.day - 30 and counted.day <= today.day`;
  return row?.payments ?? 0;
}

/**
 * Milliseconds since the newest run of the tail, or of the list in its place, began; null when there was none. Runs of a
 * time to come are not counted: the database's clock was set back, and the schedule must not wait for that time.
 */
export async function sinceLastTailMs(sql: postgres.Sql): Promise<number | null> {
  const [row] = await sql<{ since_ms: number | null }[]>`
    select (extract(epoch from now() - max(started_at)) * 1000)::float8 as since_ms from stripe_blnk_sync.sync_runs
    where parent_id is null and worker_id is not null and started_at < now() + interval '1 minute'`;
  return row?.since_ms ?? null;
}

/** Whether a living worker collects a run of the tail, or of the list in its place. */
export async function isTailCollecting(sql: postgres.Sql, silentAfterMs: number): Promise<boolean> {
  const [row] = await sql<{ collecting: boolean }[]>`
    select exists (
      select 1 from stripe_blnk_sync.sync_runs where state = 'collecting' and parent_id is null and worker_id is not null
        and heartbeat_at > now() - ${silentAfterMs} * interval '1 millisecond') as collecting`;
  return row?.collecting ?? false;
}

/** What living workers read of backfills and sweeps at the moment. */
export async function partsCollecting(sql: postgres.Sql, silentAfterMs: number): Promise<BackfillPart[]> {
  const rows = await sql<{ parent_id: string; from_ms: number; to_ms: number }[]>`
    select parent_id, (extract(epoch from window_from) * 1000)::float8 as from_ms,
      (extract(epoch from window_to) * 1000)::float8 as to_ms
    from stripe_blnk_sync.sync_runs where state = 'collecting' and parent_id is not null and window_to is not null
      and heartbeat_at > now() - ${silentAfterMs} * interval '1 millisecond'`;
  return rows.map(({ parent_id, from_ms, to_ms }) => ({
    backfillId: parent_id,
    window: { from: new Date(from_ms), to: new Date(to_ms) },
  }));
}

/** An intent that Stripe showed this mirror in full, to recognise the account by. */
export async function anyStoredIntent(sql: postgres.Sql): Promise<string | null> {
  const [row] = await sql<{ object_id: string }[]>`
    select object_id from stripe_blnk_sync.postings where reason is distinct from 'unreadable_payment' order by stored_at desc limit 1`;
  return row?.object_id ?? null;
}
