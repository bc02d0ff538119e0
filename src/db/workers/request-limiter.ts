/**
 * Token buckets that all processes share: a row per bucket holds the time at which its next request is free (the
 * "virtual scheduling" form of a leaky bucket). One statement takes a place in the endpoint's and in the account's
 * bucket and answers how long to wait. Also counts reads for Stripe's rolling allocation.
 *
 * Limits: https://docs.stripe.com/rate-limits (25 requests a second per endpoint; 100 a second per live account, 25 in a
 * sandbox; 500 reads per transaction over 30 days, at least 10,000 a month).
 */
import type postgres from 'postgres';
import type { Clock } from '../../core/base/clock.js';
import type { RequestLimiter } from '../../core/base/request-limiter.js';

export interface RequestLimiterOptions extends Pick<Clock, 'sleep'> {
  /** Share of Stripe's limits that this mirror may use, 0 to 1. */
  readonly share: number;
  readonly livemode: boolean;
}

/** A place further ahead than this, and than so many requests take, was given by a clock that was set back since. */
const LINE_MIN_MS = 60_000;
/** More than some workers ask for at the same time: a small share makes their line long. */
const LINE_REQUESTS = 200;

const ENDPOINT_PER_SECOND = 25;
const ACCOUNT_PER_SECOND = { live: 100, sandbox: 25 };

/** Requests a second to one endpoint that these options allow, when nothing else is asked meanwhile. */
export function requestsPerSecond({ share, livemode }: Pick<RequestLimiterOptions, 'share' | 'livemode'>): number {
  return share * Math.min(ENDPOINT_PER_SECOND, livemode ? ACCOUNT_PER_SECOND.live : ACCOUNT_PER_SECOND.sandbox);
}

/** For one process that has no database yet: as slow as the slowest bucket, and unseen by other processes. */
export function createPrivateLimiter(options: RequestLimiterOptions & Pick<Clock, 'monotonicMs'>): RequestLimiter {
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

export function createRequestLimiter(sql: postgres.Sql, options: RequestLimiterOptions): RequestLimiter {
  const accountPerSecond = options.livemode ? ACCOUNT_PER_SECOND.live : ACCOUNT_PER_SECOND.sandbox;
  const endpointStepMs = 1_000 / (ENDPOINT_PER_SECOND * options.share);
  const accountStepMs = 1_000 / (accountPerSecond * options.share);
  const lineMaxMs = Math.max(LINE_MIN_MS, LINE_REQUESTS * endpointStepMs);
  return {
    async acquire(endpoint, signal) {
      const rows = await sql<{ bucket: string; wait_ms: number }[]>`
        with counted as (
          insert into stripe_blnk_sync.stripe_reads as counted (hour, requests) values (date_trunc('hour', now()), 1)
          on conflict (hour) do update set requests = counted.requests + 1
        )
        insert into stripe_blnk_sync.rate_tokens as held (bucket, next_free_at)
        select bucket, now() + step from (values
          ('account', ${accountStepMs} * interval '1 millisecond'),
          (${`endpoint:${endpoint}`}, ${endpointStepMs} * interval '1 millisecond')) as wanted(bucket, step)
        order by bucket
        on conflict (bucket) do update
        set next_free_at = greatest(least(held.next_free_at, now() + ${lineMaxMs} * interval '1 millisecond'), now()) + (excluded.next_free_at - now())
        returning bucket, (extract(epoch from next_free_at - now()) * 1000)::float8 as wait_ms`;
      const stepMs = (bucket: string) => (bucket === 'account' ? accountStepMs : endpointStepMs);
      const waitMs = Math.max(...rows.map((row) => row.wait_ms - stepMs(row.bucket)));
      if (waitMs > 0) await options.sleep(waitMs, signal);
    },
  };
}

/** Requests in the last 30 days, as far as this mirror counted them. */
export async function readsInThirtyDays(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ requests: string }[]>`
    select coalesce(sum(requests), 0)::text as requests from stripe_blnk_sync.stripe_reads where hour > now() - interval '30 days'`;
  return Number(row?.requests ?? 0);
}
