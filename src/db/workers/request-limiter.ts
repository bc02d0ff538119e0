/**
 * Token buckets that all processes share: a row per bucket holds the time at which its next request is free (the
 * "virtual scheduling" form of a leaky bucket). One statement takes a block of places in the endpoint's and in the account's
 * bucket, and counts them as reads for Stripe's rolling allocation before any is used; a process that dies loses at most its
 * block.
 *
 * Limits: https://docs.stripe.com/rate-limits (25 requests a second per endpoint; 100 a second per live account, 25 in a
 * sandbox, unless Stripe raised them; 500 reads per transaction over 30 days, at least 10,000 a month).
 */
import type postgres from 'postgres';
import type { Clock } from '../../core/base/clock.js';
import type { RequestLimiter } from '../../core/base/request-limiter.js';
import { accountPerSecond, requestsPerSecond, type StripeLimits } from '../../core/settings/stripe-limits.js';

export interface RequestLimiterOptions extends StripeLimits, Pick<Clock, 'sleep' | 'monotonicMs'> {}

/** A place further ahead than this, and than so many requests take, was given by a clock that was set back since. */
const LINE_MIN_MS = 60_000;
/** More than some workers ask for at the same time: a small share makes their line long. */
const LINE_REQUESTS = 200;

/** What a block holds at most, in time: other processes wait no longer than this for one. */
const BLOCK_MS = 250;
/** Places that were not used for so long are given up: used later they would come on top of what others use then. */
const PLACE_KEPT_MS = 250;
/** Blocks that follow each other within this time grow. */
const BUSY_MS = 1_000;

/** For one process that has no database yet: as slow as the slowest bucket, and unseen by other processes. */
export function createPrivateLimiter(options: RequestLimiterOptions): RequestLimiter {
  const stepMs = 1_000 / requestsPerSecond(options);
  let nextFreeAtMs = Number.NEGATIVE_INFINITY;
  return {
    async acquire(_endpoint, signal) {
      const nowMs = options.monotonicMs();
      const waitMs = Math.max(0, nextFreeAtMs - nowMs);
      nextFreeAtMs = nowMs + waitMs + stepMs;
      if (waitMs > 0) await options.sleep(waitMs, signal);
    },
  };
}

/** A line at a bucket that is longer than what one process, asking for one thing after the other, makes of it. */
export function othersLineMs(limits: StripeLimits): number {
  return 2 * Math.max(BLOCK_MS, 1_000 / requestsPerSecond(limits));
}

export function createRequestLimiter(sql: postgres.Sql, options: RequestLimiterOptions): RequestLimiter {
  const lines = new Map<string, Line>();
  return {
    async acquire(endpoint, signal) {
      const line = lines.get(endpoint) ?? createLine(options, (size) => takeBlock(sql, options, { endpoint, size }));
      lines.set(endpoint, line);
      const waitMs = (await line.next()) - options.monotonicMs();
      if (waitMs > 0) await options.sleep(waitMs, signal);
    },
  };
}

interface Line {
  /** When the next place is free, by the monotonic clock. */
  next(): Promise<number>;
}

/** Those who wait are served in order. A block is as large as what is asked for at once, and grows while much is asked for. */
function createLine(
  { monotonicMs, ...limits }: RequestLimiterOptions,
  take: (size: number) => Promise<number[]>,
): Line {
  const sizeMax = Math.max(1, Math.floor((requestsPerSecond(limits) * BLOCK_MS) / 1_000));
  let places: number[] = [];
  let size = 0;
  let takenAtMs = Number.NEGATIVE_INFINITY;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const nextPlace = async (): Promise<number> => {
    const nowMs = monotonicMs();
    places = places.filter((freeAtMs) => nowMs - freeAtMs < PLACE_KEPT_MS);
    if (places.length === 0) {
      const grown = nowMs - takenAtMs < BUSY_MS ? size * 2 : 1;
      size = Math.min(sizeMax, Math.max(grown, waiting));
      takenAtMs = nowMs;
      places = await take(size);
    }
    return places.shift() ?? nowMs;
  };
  return {
    next() {
      waiting += 1;
      const next = last.then(nextPlace, nextPlace).finally(() => {
        waiting -= 1;
      });
      last = next;
      return next;
    },
  };
}

interface Block {
  readonly endpoint: string;
  readonly size: number;
}

/** @returns when each of its places is free, by the monotonic clock */
async function takeBlock(
  sql: postgres.Sql,
  options: RequestLimiterOptions,
  { endpoint, size }: Block,
): Promise<number[]> {
  const steps = {
    account: 1_000 / (accountPerSecond(options) * options.share),
    endpoint: 1_000 / (options.endpointPerSecond * options.share),
  };
  const lineMaxMs = Math.max(LINE_MIN_MS, LINE_REQUESTS * steps.endpoint);
  const rows = await sql<{ is_account: boolean; free_in_ms: number }[]>`
    with counted as (
      insert into stripe_blnk_sync.stripe_reads as counted (hour, requests) values (date_trunc('hour', now()), ${size}::int)
      on conflict (hour) do update set requests = counted.requests + excluded.requests
    )
    insert into stripe_blnk_sync.rate_tokens as held (bucket, next_free_at)
    select bucket, now() + length from (values
      ('account', ${steps.account * size} * interval '1 millisecond'),
      (${`endpoint:${endpoint}`}, ${steps.endpoint * size} * interval '1 millisecond')) as wanted(bucket, length)
    order by bucket
    on conflict (bucket) do update
    set next_free_at = greatest(least(held.next_free_at, now() + ${lineMaxMs} * interval '1 millisecond'), now()) + (excluded.next_free_at - now())
    returning bucket = 'account' as is_account, (extract(epoch from next_free_at - now()) * 1000)::float8 as free_in_ms`;
  // The database's now was before: rather a little later than allowed.
  const nowMs = options.monotonicMs();
  return Array.from({ length: size }, (_, index) => {
    const waits = rows.map(({ is_account, free_in_ms }) => {
      return free_in_ms - (size - index) * (is_account ? steps.account : steps.endpoint);
    });
    return nowMs + Math.max(0, ...waits);
  });
}

/** Requests to Stripe of this mirror's processes, counted by the hour before they are sent. */
export async function countReads(
  sql: postgres.Sql,
): Promise<{ readonly thirtyDays: number; readonly lastDay: number }> {
  const [row] = await sql<{ thirty_days: number; last_day: number }[]>`
    select coalesce(sum(requests), 0)::float8 as thirty_days,
      coalesce(sum(requests) filter (where hour > now() - interval '1 day'), 0)::float8 as last_day
    from stripe_blnk_sync.stripe_reads where hour > now() - interval '30 days'`;
  return { thirtyDays: row?.thirty_days ?? 0, lastDay: row?.last_day ?? 0 };
}
