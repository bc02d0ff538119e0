/**
 * Sends one read to Stripe, and sends it again while that can help: one policy for every endpoint. The SDK's own retries
 * are off: it never repeats a rate limit, knows no total time, ignores `Retry-After`, and its repeats would pass the
 * limiter unseen. Reads only: repeating one changes nothing at Stripe.
 */
import type Stripe from 'stripe';
import type { TimeJudge } from '../collect/ports.js';
import type { Clock, Random } from '../core/base/clock.js';
import { SyncError } from '../core/base/errors.js';
import type { RequestLimiter } from '../core/base/request-limiter.js';
import type { ClockFault } from '../core/coverage/agree-on-time.js';
import type { ApiKeys } from './api-key.js';
import { classifyFailure, type Failure } from './classify.js';
import type { StripeEndpoint } from './endpoint.js';
import type { Limited, Pace } from './pace.js';

export interface RetryPolicy {
  /** Requests on the wire for one answer, the first included. */
  readonly attemptsMax: number;
  /** From the first request on; no attempt begins later. */
  readonly totalTimeMaxMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export const RETRY_POLICY: RetryPolicy = {
  attemptsMax: 6,
  totalTimeMaxMs: 180_000,
  backoffBaseMs: 500,
  backoffMaxMs: 30_000,
};

/** Time and chance, so that tests decide about both. */
export interface RequestClock extends Pick<Clock, 'monotonicMs' | 'sleep'> {
  readonly random: Random;
}

/** One more attempt is about to be made. */
export interface RetryNotice {
  readonly endpoint: StripeEndpoint;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: SyncError;
}

/** One attempt. */
export interface RequestMade {
  readonly operation: StripeEndpoint;
  readonly durationMs: number;
}

export interface RequesterOptions {
  readonly stripe: Stripe;
  readonly keys: ApiKeys;
  readonly limiter: RequestLimiter<StripeEndpoint>;
  readonly pace: Pace;
  readonly clock: RequestClock;
  readonly retries: RetryPolicy;
  /** Absent: Stripe's word counts, as in tests whose clocks are not the world's. */
  readonly time: TimeJudge | undefined;
  /** Aborted at shutdown: no further attempt begins, and the transport ends the one in flight. */
  readonly signal: AbortSignal | undefined;
  readonly onRetry: ((notice: RetryNotice) => void) | undefined;
  /** Of each attempt: null when it was answered. */
  readonly onOutcome: ((fault: SyncError | null, request: RequestMade) => void) | undefined;
}

/** An answer with status 200. */
interface StripeAnswer {
  /** Not trusted: the SDK's types describe what Stripe means to send. */
  readonly body: unknown;
  /**
   * The `Date` header minus the duration of the request, never later than the moment the answer was made, as far as other
   * clocks agree with it. Null without the header, or when no two clocks agree.
   */
  readonly vendorNow: Date | null;
  readonly clockFault: ClockFault | null;
  /** Requests on the wire, failed ones included. */
  readonly requests: number;
}

/** Calls one method of the SDK with these options as its last argument. */
export type Send = (stripe: Stripe, options: Stripe.RequestOptions) => Promise<Stripe.Response<object>>;

export type SendRequest = (endpoint: StripeEndpoint, send: Send) => Promise<StripeAnswer>;

/** @returns the one way to Stripe. It throws SyncErrors only. */
export function createRequester(options: RequesterOptions): SendRequest {
  const { keys, clock, retries, signal } = options;
  return async (endpoint, send) => {
    let firstSentMs: number | undefined;
    let keyRenewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const sent = await sendOnce(options, { endpoint, send, isRepeat: attempt > 1 });
      if (sent.kind === 'answered') return { ...sent.answer, requests: attempt };
      const { failure, key } = sent;
      firstSentMs ??= sent.sentMs;
      if (failure.keyRefused && !keyRenewed && (await keys.renew(key))) {
        keyRenewed = true;
        continue;
      }
      const { error } = failure;
      const delayMs = backoffMs(attempt, { retries, random: clock.random(), atLeastMs: error.retryAfterMs ?? 0 });
      const outOfTime = clock.monotonicMs() - firstSentMs + delayMs > retries.totalTimeMaxMs;
      if (!failure.retry) throw error;
      if (attempt >= retries.attemptsMax || outOfTime) throw givenUp(error, attempt);
      options.onRetry?.({ endpoint, attempt, delayMs, error });
      await orStopped(signal, () => clock.sleep(delayMs, signal));
    }
  };
}

interface Sending {
  readonly endpoint: StripeEndpoint;
  readonly send: Send;
  readonly isRepeat: boolean;
}

type Sent =
  | { readonly kind: 'answered'; readonly answer: Omit<StripeAnswer, 'requests'> }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly key: string; readonly sentMs: number };

/** One request on the wire, when pace and limits allow it. Throws SyncError when it was stopped, or could not be sent. */
async function sendOnce(options: RequesterOptions, { endpoint, send, isRepeat }: Sending): Promise<Sent> {
  const { stripe, keys, limiter, pace, clock, signal } = options;
  const leave = await orStopped(signal, () => pace.enter({ endpoint, isRepeat, signal }));
  let limited: Limited | null = null;
  try {
    await orStopped(signal, () => limiter.acquire(endpoint, signal));
    const key = await keys.current();
    const sentMs = clock.monotonicMs();
    try {
      const body = await send(stripe, { apiKey: key });
      const durationMs = clock.monotonicMs() - sentMs;
      options.onOutcome?.(null, { operation: endpoint, durationMs });
      const stated = vendorTime(body, durationMs);
      return { kind: 'answered', answer: { body, ...(await judged(stated, options.time)) } };
    } catch (thrown) {
      if (signal?.aborted === true) throw stopped(thrown);
      const failure = classifyFailure(thrown, { endpoint, key });
      options.onOutcome?.(failure.error, { operation: endpoint, durationMs: clock.monotonicMs() - sentMs });
      limited = failure.limited;
      return { kind: 'failed', failure, key, sentMs };
    }
  } finally {
    leave(limited);
  }
}

/** Full jitter: many workers that failed together must not come back together. */
function backoffMs(
  attempt: number,
  options: { readonly retries: RetryPolicy; readonly random: number; readonly atLeastMs: number },
): number {
  const { backoffBaseMs, backoffMaxMs } = options.retries;
  const ceilingMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** (attempt - 1));
  return Math.max(options.atLeastMs, Math.round(options.random * ceilingMs));
}

/**
 * An answer is given up after 20 s. One that seems to have taken longer arrived in time and was read late, because the
 * process stood still: how old its `Date` is cannot be told, and taken for older than it is, it would leave a gap between
 * the first backfill and the tail.
 */
const STOOD_STILL_MS = 30_000;

/** `Sun, 21 Nov 2026 10:00:00 GMT` (RFC 9110, 5.6.7). Coverage stands on it, and `Date.parse` takes "9999" for a date. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function vendorTime(response: Stripe.Response<object>, durationMs: number): Date | null {
  if (durationMs > STOOD_STILL_MS) return null;
  const header: unknown = response.lastResponse.headers.date;
  const serverMs = typeof header === 'string' && HTTP_DATE.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(serverMs) ? null : new Date(serverMs - Math.ceil(durationMs));
}

async function judged(
  stated: Date | null,
  time: TimeJudge | undefined,
): Promise<Pick<StripeAnswer, 'vendorNow' | 'clockFault'>> {
  if (stated === null || time === undefined) return { vendorNow: stated, clockFault: null };
  const { now, fault } = await time.judge(stated);
  return { vendorNow: now, clockFault: fault };
}

function givenUp(error: SyncError, attempts: number): SyncError {
  const tried = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return error.withMessage(`${error.message} (given up after ${tried})`);
}

/** Waits, and turns the end by shutdown into the one error type. */
async function orStopped<Result>(signal: AbortSignal | undefined, wait: () => Promise<Result>): Promise<Result> {
  try {
    signal?.throwIfAborted();
    const result = await wait();
    signal?.throwIfAborted();
    return result;
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    throw stopped(error);
  }
}

function stopped(cause: unknown): SyncError {
  return new SyncError('Reading from Stripe was stopped', { kind: 'transient', code: 'stopped', cause });
}
