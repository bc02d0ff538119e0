/**
 * Builds the one Stripe client of a process: pinned version, written-out limits, our own connections. Every setting that
 * changes what goes over the wire stands here. Nothing is sent before the first request; `close` frees the connections.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleepFor } from 'node:timers/promises';
import Stripe from 'stripe';
import type { TimeJudge } from '../collect/ports.js';
import { SyncError } from '../core/base/errors.js';
import type { RequestLimiter } from '../core/base/request-limiter.js';
import { createApiKeys, isLiveKey } from './api-key.js';
import { classifyFailure } from './classify.js';
import type { StripeEndpoint } from './endpoint.js';
import { createPace } from './pace.js';
import { unreadableAnswer } from './read-list.js';
import {
  createRequester,
  RETRY_POLICY,
  type RequestClock,
  type RequestMade,
  type RetryNotice,
  type RetryPolicy,
  type SendRequest,
} from './request.js';
import { API_VERSION } from './snapshot-version.js';
import { createTransport } from './transport.js';

/** One stalled answer must not hold a run or a shutdown; Stripe's slowest pages take a few seconds. The SDK waits 80 s. */
const REQUEST_TIMEOUT_MS = 20_000;

/** Eight re-reads of events, parts of a backfill, and some room; Stripe's own concurrency limit is not published. */
const CONNECTIONS_MAX = 16;

/** https://docs.stripe.com/rate-limits */
const ENDPOINT_PER_SECOND = 25;

/** A page of 100 events is below 3 MB as a rule; a hundred objects of the largest kind are below this. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

export interface StripeClientOptions {
  /** `https://api.stripe.com`, or a stand-in such as `http://127.0.0.1:12111`. Without a path: the SDK knows none. */
  readonly baseUrl: string;
  /** Reads the key. Called at the first request, and again after Stripe refused it. */
  readonly readKey: () => Promise<string>;
  readonly limiter: RequestLimiter<StripeEndpoint>;
  /** Requests a second to one endpoint, as far as Stripe takes so many; 25 when left out. */
  readonly perSecond?: number;
  /** See `PaceOptions`. */
  readonly yields?: boolean;
  /** This software's version, as Stripe shows it in its request logs. */
  readonly version: string;
  /** What Stripe's time is compared with. */
  readonly time?: TimeJudge;
  /** Aborted at shutdown: what is in flight ends, and nothing more is sent. */
  readonly signal?: AbortSignal;
  readonly onRetry?: (notice: RetryNotice) => void;
  /** Of each attempt: null when it was answered. */
  readonly onOutcome?: (fault: SyncError | null, request: RequestMade) => void;
  readonly clock?: RequestClock;
  readonly retries?: Partial<RetryPolicy>;
  readonly requestTimeoutMs?: number;
  readonly answerBytesMax?: number;
}

export interface StripeClient {
  readonly request: SendRequest;
  /** From now on a key that is read again must be of this account. */
  expectAccount(id: string): void;
  /** Whether the key is a live key; decided by its prefix, without a request. */
  livemode(): Promise<boolean>;
  close(): void;
}

export function createStripeClient(options: StripeClientOptions): StripeClient {
  const address = parseBaseUrl(options.baseUrl);
  const agent = new (address.protocol === 'http' ? HttpAgent : HttpsAgent)({
    keepAlive: true,
    maxSockets: CONNECTIONS_MAX,
    maxFreeSockets: CONNECTIONS_MAX,
  });
  const timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const stripe = new Stripe('', {
    ...address,
    apiVersion: API_VERSION,
    // Every request brings its own key, because keys are rotated. The SDK requires one of the client too.
    authenticator: () => Promise.resolve(),
    httpClient: createTransport({
      agent,
      timeoutMs,
      answerBytesMax: options.answerBytesMax ?? ANSWER_BYTES_MAX,
      signal: options.signal,
    }),
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
    appInfo: {
      name: 'stripe-blnk-sync',
      version: options.version,
    },
  });
  const clock = options.clock ?? systemClock;
  let mirrored: string | null = null;
  const keys = createApiKeys(options.readKey, async (fresh) => {
    if (mirrored !== null) await refuseOtherAccount(stripe, fresh, mirrored);
  });
  return {
    request: createRequester({
      stripe,
      keys,
      limiter: options.limiter,
      pace: createPace({
        ...clock,
        perSecond: options.perSecond ?? ENDPOINT_PER_SECOND,
        yields: options.yields ?? false,
      }),
      clock,
      retries: { ...RETRY_POLICY, ...options.retries },
      time: options.time,
      signal: options.signal,
      onRetry: options.onRetry,
      onOutcome: options.onOutcome,
    }),
    expectAccount: (id) => {
      mirrored = id;
    },
    livemode: async () => isLiveKey(await keys.current()),
    close: () => agent.destroy(),
  };
}

/**
 * Keys rotate, accounts must not: the new key is asked whose it is before it is used. A restricted key that may not read
 * its account is taken: it can be told apart only by an intent, and that is asked at the next start.
 */
async function refuseOtherAccount(stripe: Stripe, key: string, mirrored: string): Promise<void> {
  let id: unknown;
  try {
    ({ id } = await stripe.accounts.retrieveCurrent({}, { apiKey: key }));
  } catch (thrown) {
    const { error } = classifyFailure(thrown, { endpoint: 'account', key });
    if (error.code === 'stripe_permission_missing') return;
    throw error;
  }
  if (id === mirrored) return;
  // Somebody's JSON is no word of Stripe's about the key.
  if (typeof id !== 'string' || id === '') throw unreadableAnswer('an account without its id');
  throw new SyncError(
    `STRIPE_API_KEY was read again after a refusal and is now a key of ${id}; this worker mirrors ${mirrored}. Use a key of that account`,
    { kind: 'fatal', code: 'other_account' },
  );
}

const systemClock: RequestClock = {
  monotonicMs: () => performance.now(),
  sleep: (durationMs, signal) => sleepFor(durationMs, undefined, signal === undefined ? {} : { signal }),
  random: () => Math.random(),
};

function parseBaseUrl(baseUrl: string): { protocol: 'http' | 'https'; host: string; port: string } {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || `${url.pathname}${url.search}${url.username}` !== '/') {
    throw new SyncError(
      `STRIPE_API_BASE is ${JSON.stringify(baseUrl)}; a URL with http or https, a host and at most a port is allowed, such as https://api.stripe.com`,
      { kind: 'fatal', code: 'stripe_api_base_invalid' },
    );
  }
  const protocol = url.protocol === 'http:' ? 'http' : 'https';
  return {
    protocol,
    // Node's HTTP client takes an IPv6 address without its brackets.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (protocol === 'http' ? '80' : '443') : url.port,
  };
}
