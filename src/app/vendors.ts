/** Composition: Stripe and Blnk, opened from the configuration and asked whether they let us in. */
import { type BlnkLedger, createLedger } from '../blnk/ledger.js';
import { type BlnkLedgerSide, createLedgerSide } from '../blnk/listings.js';
import type { PaymentFeeds } from '../collect/ports.js';
import type { WorkerConfig } from '../config.js';
import { describeError } from '../core/errors.js';
import { createPrivateLimiter, createRequestLimiter } from '../db/request-limiter.js';
import type { Log } from '../observability/log.js';
import { packageVersion } from '../package-root.js';
import type { StripeSide } from '../prove/ports.js';
import { createStripeAccountReader, type StripeAccountReader } from '../stripe/account.js';
import { createStripeClient } from '../stripe/client.js';
import { createPaymentFeeds } from '../stripe/feeds.js';
import { createStripeSide } from '../stripe/listing.js';
import type { Home } from './home.js';
import { systemClock } from './system-clock.js';
import type { Timings } from './timings.js';

export interface Vendors {
  readonly account: StripeAccountReader;
  readonly feeds: PaymentFeeds;
  readonly ledger: BlnkLedger;
  /** What proof, repair and rebuild read; over connections of its own, so that posts never wait for it. */
  readonly ledgerSide: Omit<BlnkLedgerSide, 'close'>;
  readonly stripeSide: StripeSide;
  /** From now on a Stripe key that is read again must be of this account. */
  expectAccount(id: string): void;
  /**
   * Answers which permissions the Stripe key lacks that the worker can do without. Throws SyncError: `fatal` names the key
   * and what it lacks, `transient` a server that does not answer.
   */
  checkAccess(): Promise<{ readonly missing: readonly string[] }>;
  close(): Promise<void>;
}

export interface VendorOptions {
  /** Null: there is no database yet, so the limits are kept by this process alone. */
  readonly home: Home | null;
  readonly log: Log;
  readonly timings: Timings;
  /** Requests to Blnk at the same time; one that waited for a connection would be sent later than its claim allows. */
  readonly postsInFlightMax: number;
  /** Aborted when the worker stops: no further try of a Stripe request begins. */
  readonly signal: AbortSignal;
}

/** As many balances as a proof asks for at a time. */
const LISTINGS_IN_FLIGHT_MAX = 4;

/** Opens no connection yet. */
export function createVendors(
  config: WorkerConfig,
  { home, log, timings, postsInFlightMax, signal }: VendorOptions,
): Vendors {
  const stripe = createStripeClient({
    baseUrl: config.stripe.apiBase,
    readKey: config.stripe.readKey,
    limiter: createLimiter(config, home),
    version: packageVersion(),
    signal,
    retries: { backoffBaseMs: timings.stripeRetryBaseMs },
    onRetry: ({ error, delayMs, ...notice }) =>
      log.warn({ ...notice, delayMs: Math.round(delayMs), error: describeError(error) }, 'Stripe is asked again'),
  });
  const account = createStripeAccountReader({ client: stripe });
  const blnk = {
    ...config.blnk,
    baseUrl: config.blnk.apiBase,
    lookUpFirstWaitMs: timings.lookUpFirstWaitMs,
    signal,
  };
  const ledger = createLedger({ ...blnk, postTimeoutMs: timings.postTimeoutMs, connections: postsInFlightMax });
  const ledgerSide = createLedgerSide({ ...blnk, connections: LISTINGS_IN_FLIGHT_MAX });
  const feeds = createPaymentFeeds({ client: stripe });
  return {
    account,
    feeds,
    ledger,
    ledgerSide,
    stripeSide: createStripeSide({ feeds }),
    expectAccount: (id) => stripe.expectAccount(id),
    async checkAccess() {
      const { missing } = await account.checkPermissions();
      await ledger.checkPermissions();
      return { missing };
    },
    async close() {
      await Promise.all([ledger.close(), ledgerSide.close()]);
      stripe.close();
    },
  };
}

function createLimiter(config: WorkerConfig, home: Home | null) {
  const options = { share: config.stripeShare, livemode: config.stripe.livemode, sleep: systemClock.sleep };
  if (home === null) return createPrivateLimiter({ ...options, monotonicMs: systemClock.monotonicMs });
  return createRequestLimiter(home.database.sql, options);
}
