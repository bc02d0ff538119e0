/**
 * Everything that stripe-node throws becomes a SyncError here, exactly once: what went wrong, whether asking again can
 * help, and in how long. No text that leaves this file holds a key, and the SDK's error is never kept as the cause: it
 * carries whole bodies and headers.
 */
import Stripe from 'stripe';
import { SyncError } from '../core/base/errors.js';
import { isLiveKey, redactSecrets } from './api-key.js';
import type { StripeEndpoint } from './endpoint.js';
import { type Limited, limitedBy } from './pace.js';
import { permissionMissing, permissionOf } from './permissions.js';
import { UnreadableAnswer } from './transport.js';

export interface Failure {
  readonly error: SyncError;
  /** Whether the same request may be sent again at once (after back-off). */
  readonly retry: boolean;
  /** Stripe refused the key itself: it may have been rotated. */
  readonly keyRefused: boolean;
  /** Other requests should go out more slowly as well; null: they need not. */
  readonly limited: Limited | null;
}

interface Context {
  readonly endpoint: StripeEndpoint;
  /** The key that the request was sent with. */
  readonly key: string;
}

type Headers = Readonly<Record<string, unknown>>;

export function classifyFailure(thrown: unknown, context: Context): Failure {
  if (thrown instanceof SyncError) return final(thrown);
  if (!(thrown instanceof Stripe.errors.StripeError)) return final(clientFault(thrown, context));
  const headers: Headers = thrown.headers ?? {};
  if (thrown instanceof Stripe.errors.StripeConnectionError) return connectionFailure(thrown, context);
  if (thrown instanceof Stripe.errors.StripeRateLimitError || thrown.statusCode === 429) {
    return rateLimited(thrown, headers, context);
  }
  const unreadable = unreadableAnswerBehind(thrown);
  if (unreadable !== undefined) {
    const advice = 'if it lasts, check STRIPE_API_BASE, and for a proxy that answers in its place';
    return unavailable(`answered ${unreadable.message}; ${advice}`, unreadable.headers, context);
  }
  const said = sayingOf(thrown, context);
  switch (thrown.statusCode) {
    case 401:
      return {
        error: keyRefused(thrown.code === 'api_key_expired', said),
        retry: false,
        keyRefused: true,
        limited: null,
      };
    case 403:
      return final(forbidden(said, context));
    case 409:
      return unavailable(`answered HTTP 409: ${said}`, headers, context);
    case undefined:
      return final(clientFault(thrown, context));
    default:
      return thrown.statusCode >= 500
        ? unavailable(`answered HTTP ${thrown.statusCode}: ${said}`, headers, context)
        : refused(thrown, said, headers, context);
  }
}

function final(error: SyncError): Failure {
  return { error, retry: false, keyRefused: false, limited: null };
}

/** Nothing that Stripe said: a fault of the SDK or of our call. The run fails and shows it; the next one tries again. */
function clientFault(thrown: unknown, { endpoint, key }: Context): SyncError {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new SyncError(`The request to Stripe (${endpoint}) could not be made: ${redactSecrets(text, key)}`, {
    kind: 'transient',
    code: 'stripe_client_fault',
  });
}

function connectionFailure(
  thrown: InstanceType<typeof Stripe.errors.StripeConnectionError>,
  context: Context,
): Failure {
  const behind: unknown = thrown.detail;
  const cause = behind instanceof Error ? behind : undefined;
  const error = new SyncError(
    `Stripe could not be reached (STRIPE_API_BASE; ${context.endpoint}): ${redactSecrets(thrown.message, context.key)}`,
    {
      kind: 'transient',
      code: 'stripe_unavailable',
      ...(cause === undefined ? {} : { cause }),
    },
  );
  return { error, retry: true, keyRefused: false, limited: null };
}

/**
 * Both kinds of 429, and the 400 `rate_limit` of some endpoints. Sent again whatever `Stripe-Should-Retry` states: its
 * "false" warns of the SDK's quick repeats, and ours are slowed by back-off and by the limiter.
 */
function rateLimited(thrown: Stripe.errors.StripeError, headers: Headers, context: Context): Failure {
  const reason = headers['stripe-rate-limited-reason'];
  const locked = thrown.code === 'lock_timeout';
  const what = locked
    ? 'could not lock the object in time (lock_timeout)'
    : `limits our requests (${typeof reason === 'string' ? reason : 'no reason given'})`;
  const error = new SyncError(`Stripe ${what} on ${context.endpoint}: ${sayingOf(thrown, context)}`, {
    kind: 'transient',
    code: locked ? 'stripe_lock_timeout' : 'stripe_rate_limited',
    ...retryAfter(headers),
  });
  // Without a reason it was no limiter of Stripe's.
  const isLimiter = !locked && reason !== undefined;
  return { error, retry: true, keyRefused: false, limited: isLimiter ? limitedBy(reason) : null };
}

function unavailable(what: string, headers: Headers, { endpoint }: Context): Failure {
  const error = new SyncError(`Stripe ${what} (${endpoint})`, {
    kind: 'transient',
    code: 'stripe_unavailable',
    ...retryAfter(headers),
  });
  return { error, retry: headers['stripe-should-retry'] !== 'false', keyRefused: false, limited: null };
}

function keyRefused(expired: boolean, said: string): SyncError {
  const what = expired
    ? 'STRIPE_API_KEY has expired (api_key_expired). Make a new key in the Dashboard'
    : 'Stripe refuses STRIPE_API_KEY (HTTP 401). Give the whole secret or restricted key of the account';
  return new SyncError(`${what}. Stripe says: ${said}`, { kind: 'fatal', code: 'stripe_key_refused' });
}

function forbidden(said: string, { endpoint, key }: Context): SyncError {
  const permission = permissionOf(endpoint);
  return permissionMissing(permission === undefined ? [] : [permission], {
    livemode: isLiveKey(key),
    vendorMessage: said,
  });
}

function refused(thrown: Stripe.errors.StripeError, said: string, headers: Headers, context: Context): Failure {
  if (thrown.message.includes('aged out of our retention policy')) {
    return final(new SyncError(`The page's cursor is gone (${context.endpoint}): ${said}`, cursorGone));
  }
  if (thrown.code === 'resource_missing') {
    const error = new SyncError(`Stripe does not have what was asked for (${context.endpoint}): ${said}`, {
      kind: 'fatal',
      code: 'stripe_resource_missing',
    });
    return final(error);
  }
  const error = new SyncError(`Stripe refuses the request (${context.endpoint}, HTTP ${thrown.statusCode}): ${said}`, {
    kind: 'fatal',
    code: 'stripe_request_refused',
  });
  return { error, retry: headers['stripe-should-retry'] === 'true', keyRefused: false, limited: null };
}

/** Never "done" and never fatal: the reader begins again from the time that it has covered. */
export const cursorGone = { kind: 'transient', code: 'cursor_gone' } as const;

/**
 * Not documented by Stripe, but its own sync engine heeds it, and proxies send it. Seconds or an HTTP date (RFC 9110,
 * 10.2.3); a date counts from the answer's own `Date`, because our clock may be wrong. Other forms are ignored.
 */
function retryAfter(headers: Headers): { retryAfterMs?: number } {
  const { 'retry-after': value, date } = headers;
  if (typeof value !== 'string') return {};
  if (/^\d{1,6}$/.test(value)) return { retryAfterMs: Number(value) * 1_000 };
  const waitMs = Date.parse(value) - (typeof date === 'string' ? Date.parse(date) : Number.NaN);
  return waitMs > 0 ? { retryAfterMs: waitMs } : {};
}

function unreadableAnswerBehind(thrown: Stripe.errors.StripeError): UnreadableAnswer | undefined {
  const raw: unknown = thrown.raw;
  if (typeof raw !== 'object' || raw === null || !('exception' in raw)) return undefined;
  return raw.exception instanceof UnreadableAnswer ? raw.exception : undefined;
}

/** Stripe's own texts are one or two sentences. What is longer, or holds an object, was written by somebody between. */
const SAYING_CHARACTERS_MAX = 500;

function sayingOf(thrown: Stripe.errors.StripeError, { key }: Context): string {
  const said = thrown.message === '' ? 'nothing' : shorten(redactSecrets(thrown.message, key));
  return thrown.requestId === undefined ? said : `${said} (request ${thrown.requestId})`;
}

/** Objects are not quoted: they hold what merchants wrote about their customers. */
function shorten(text: string): string {
  const line = text.replace(/[{<][\s\S]*$/, '…');
  return line.length <= SAYING_CHARACTERS_MAX ? line : `${line.slice(0, SAYING_CHARACTERS_MAX - 1)}…`.toWellFormed();
}
