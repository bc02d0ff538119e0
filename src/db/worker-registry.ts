/**
 * Who is alive, and what the dead left open. A run is `collecting` only while its worker renews it; any living worker
 * closes the runs of the silent ones, so that no run is open for ever and the next one can cover its window.
 */
import type postgres from 'postgres';
import { GENERATION } from './served-code.js';

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
  /** Says "alive" and renews the runs that this worker collects. */
  renew(): Promise<void>;
  leave(): Promise<void>;
  /** Closes runs without a living worker, drops old empty runs and old worker rows. Answers how many runs were closed. */
  tidy(options: HousekeepingOptions): Promise<number>;
}

export function createWorkerRegistry(sql: postgres.Sql, worker: WorkerIdentity): WorkerRegistry {
  return {
    async renew() {
      await sql`
        insert into workers (id, host, pid, version, generation)
        values (${worker.id}, ${worker.host}, ${worker.pid}, ${worker.version}, ${GENERATION})
        on conflict (id) do update set seen_at = now()`;
      await sql`update sync_runs set heartbeat_at = now() where worker_id = ${worker.id} and state = 'collecting'`;
    },

    async leave() {
      await sql`delete from workers where id = ${worker.id}`;
    },

    async tidy({ silentAfterMs, keepEmptyRunsMs }) {
      const closed = await sql`
        update sync_runs set state = 'failed', finished_at = now(), error_code = 'worker_lost',
          error = 'The worker that collected this run went silent; the next run goes on from the coverage.'
        where state = 'collecting' and worker_id is not null
          and heartbeat_at < now() - ${silentAfterMs} * interval '1 millisecond'`;
      await sql`delete from workers where seen_at < now() - interval '1 day'`;
      await sql`
        delete from sync_runs run where state = 'collected' and stored = 0 and before_start = 0
          and parent_id is null and worker_id is not null
          and (feed = 'events' or not exists (select 1 from coverage where coverage.run_id = run.id))
          and finished_at < now() - ${keepEmptyRunsMs} * interval '1 millisecond'
          and started_at < (
            select max(started_at) from sync_runs newer
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
      select sweep.id from sync_runs sweep
      where sweep.state = 'collected' and sweep.feed = 'charges' and sweep.parent_id is null
        and sweep.finished_at < now() - ${keepEmptyRunsMs} * interval '1 millisecond'
        and sweep.window_to < (select max(window_to) from sync_runs where feed = 'charges' and parent_id is null)
        and not exists (select 1 from coverage where coverage.run_id = sweep.id)
        and not exists (
          select 1 from sync_runs part
          where part.parent_id = sweep.id and (part.stored > 0 or part.before_start > 0 or part.state = 'collecting'))
    ), dropped as (
      delete from sync_runs where id in (select id from empty) or parent_id in (select id from empty) returning id
    )
    delete from coverage where run_id in (select id from dropped)`;
}

/** Payments stored in the last 30 days: a lower bound of the account's transactions, for the read allocation. */
export async function paymentsInThirtyDays(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ payments: number }[]>`
    select coalesce(sum(stored), 0)::int as payments from sync_runs where started_at > now() - interval '30 days'`;
  return row?.payments ?? 0;
}

/**
 * Milliseconds since the newest run of the tail, or of the list in its place, began; null when there was none. Runs of a
 * time to come are not counted: the database's clock was set back, and the schedule must not wait for that time.
 */
export async function sinceLastTailMs(sql: postgres.Sql): Promise<number | null> {
  const [row] = await sql<{ since_ms: number | null }[]>`
    select (extract(epoch from now() - max(started_at)) * 1000)::float8 as since_ms from sync_runs
    where parent_id is null and worker_id is not null and started_at < now() + interval '1 minute'`;
  return row?.since_ms ?? null;
}

/** An intent that Stripe showed this mirror in full, to recognise the account by. */
export async function anyStoredIntent(sql: postgres.Sql): Promise<string | null> {
  const [row] = await sql<{ object_id: string }[]>`
    select object_id from postings where reason is distinct from 'unreadable_payment' order by stored_at desc limit 1`;
  return row?.object_id ?? null;
}
