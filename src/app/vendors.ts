/** Composition: Stripe and Blnk, opened from the configuration and asked whether they let us in. */
import { setMaxListeners } from 'node:events';
import { type BlnkAccounts, createAccounts } from '../blnk/accounts.js';
import { type BlnkIdentities, createIdentities } from '../blnk/identities.js';
import { type BlnkLedger, createLedger } from '../blnk/ledger.js';
import { type BlnkLedgerSide, createLedgerSide } from '../blnk/listings.js';
import { balancesByMap, findByMap, postByMap } from '../blnk/named-balances.js';
import type { RequestReport } from '../blnk/transport.js';
import { createClockWatch } from '../collect/agreed-time.js';
import type { PaymentFeeds } from '../collect/ports.js';
import type { WorkerConfig } from '../config/config.js';
import { isAccountName } from '../core/accounts/balance-mark.js';
import type { Clock } from '../core/base/clock.js';
import { describeError } from '../core/base/errors.js';
import type { RequestLimiter } from '../core/base/request-limiter.js';
import { type ClockFault, clockFaultText } from '../core/coverage/agree-on-time.js';
import { requestsPerSecond, stripeLimitsOf } from '../core/settings/stripe-limits.js';
import { createStoredMap } from '../db/accounts/balance-map.js';
import type { Database } from '../db/connection/open.js';
import { readDatabaseNow } from '../db/reads/status.js';
import { createPrivateLimiter, createRequestLimiter } from '../db/workers/request-limiter.js';
import type { Events } from '../observability/events.js';
import type { Flows } from '../observability/flows.js';
import type { Outages } from '../observability/outages.js';
import { packageVersion } from '../package-root.js';
import type { StripeSide } from '../prove/ports.js';
import { createStripeAccountReader, type StripeAccountReader } from '../stripe/account.js';
import { createStripeClient } from '../stripe/client.js';
import { createStripeCustomers, type StripeCustomers } from '../stripe/customers.js';
import { createPaymentFeeds } from '../stripe/feeds.js';
import { createStripeSide } from '../stripe/listing.js';
import { type Overrides, type Surroundings, surroundingsOf } from './overrides.js';
import { blnkOutcome, stripeOutcome } from './request-outcome.js';
import type { Timings } from './timings.js';

export interface Vendors {
  readonly account: StripeAccountReader;
  readonly feeds: PaymentFeeds;
  readonly ledger: BlnkLedger;
  /** What proof, repair and rebuild read; over connections of its own, so that posts never wait for it. */
  readonly ledgerSide: Omit<BlnkLedgerSide, 'close'>;
  /** Over connections of their own as well. */
  readonly identities: Omit<BlnkIdentities, 'close'>;
  /** Likewise. Used with `BLNK_ACCOUNTS=ledger` alone. */
  readonly accounts: Omit<BlnkAccounts, 'close'>;
  readonly stripeSide: StripeSide;
  readonly customers: StripeCustomers;
  /** Which clock was found off last; null when none was lately. */
  clockFault(): ClockFault | null;
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
  readonly database: Database | null;
  readonly events: Events;
  /** Told of every request that was answered, and of those that nobody answered. Absent for commands. */
  readonly outages?: Outages;
  /** Told of every request. Absent for commands, which nobody measures. */
  readonly flows?: Flows;
  readonly timings: Timings;
  /** Requests to Blnk at the same time; one that waited for a connection would be sent later than its claim allows. */
  readonly requestsToBlnkMax: number;
  /** Aborted when the worker or the command stops: what only reads ends at once. */
  readonly signal: AbortSignal;
  /** Aborted: look-ups of what was posted end too. Of a worker only as long as it has posted nothing. */
  readonly abortLookUps: AbortSignal;
  readonly overrides?: Overrides;
}

/** As many balances as a proof requests at a time. */
const LISTINGS_IN_FLIGHT_MAX = 4;
const IDENTITIES_IN_FLIGHT_MAX = 4;
export const BALANCES_IN_FLIGHT_MAX = 8;

/** Opens no connection yet. */
export function createVendors(config: WorkerConfig, options: VendorOptions): Vendors {
  const { signal, abortLookUps, overrides = {} } = options;
  const surroundings = surroundingsOf(overrides);
  // A listener for each request in flight, whose number the pools bound: no leak, which Node would warn of above ten.
  setMaxListeners(0, signal, abortLookUps);
  const { client, clocks } = connectStripe(config, options, surroundings);
  const { ledger, ledgerSide, identities, accounts } = connectBlnk(config, options);
  const account = createStripeAccountReader({ client });
  const feeds = createPaymentFeeds({ client });
  return {
    account: surroundings.decorate('account', account),
    feeds: surroundings.decorate('feeds', feeds),
    ledger: surroundings.decorate('ledger', ledger),
    ledgerSide,
    identities: surroundings.decorate('identities', identities),
    accounts: surroundings.decorate('accounts', accounts),
    stripeSide: createStripeSide({ feeds }),
    customers: surroundings.decorate('customers', createStripeCustomers({ client })),
    clockFault: () => clocks.fault(),
    expectAccount: (id) => client.expectAccount(id),
    async checkAccess() {
      const { missing } = await account.checkPermissions();
      await ledger.checkPermissions();
      if (config.accounts.mode === 'ledger') await accounts.checkPermission();
      return { missing };
    },
    async close() {
      await Promise.all([ledger.close(), ledgerSide.close(), identities.close(), accounts.close()]);
      client.close();
    },
  };
}

function connectStripe(config: WorkerConfig, options: VendorOptions, surroundings: Surroundings) {
  const { database, events, outages, flows, timings, signal, overrides = {} } = options;
  const { clock, random, machineNow } = surroundings;
  const clocks = createClockWatch({
    databaseNow: database === null ? null : () => readDatabaseNow(database.db),
    machineNow,
    monotonicMs: clock.monotonicMs,
    onFault: (fault) => tellClockFault(events, fault),
  });
  const { retries, ...asked } = overrides.stripe ?? {};
  const client = createStripeClient({
    baseUrl: config.stripe.apiBase,
    time: clocks,
    readKey: config.stripe.readKey,
    limiter: timed(createLimiter(config, database, clock), options),
    perSecond: requestsPerSecond(stripeLimitsOf(config)),
    yields: config.yieldsAtStripe,
    version: packageVersion(),
    signal,
    retries: { backoffBaseMs: timings.stripeRetryBaseMs, ...retries },
    onRetry: ({ error, delayMs, ...notice }) =>
      events.stripeAskedAgain({ ...notice, delayMs: Math.round(delayMs), error: describeError(error) }),
    onOutcome: (fault, request) => {
      flows?.requestEnded({ side: 'stripe', ...request, outcome: stripeOutcome(fault) });
      if (fault?.code === 'stripe_unavailable') outages?.failed('stripe', describeError(fault));
      else outages?.answered('stripe');
    },
    // Requests are timed by a clock of their own, which stands still while the machine sleeps.
    ...(overrides.clock === undefined ? {} : { clock: { ...clock, random } }),
    ...asked,
  });
  return { client, clocks };
}

function connectBlnk(config: WorkerConfig, options: VendorOptions) {
  const { outages, flows, timings, requestsToBlnkMax, signal, abortLookUps: abort, overrides = {} } = options;
  const connection = {
    ...{ ...config.blnk, baseUrl: config.blnk.apiBase, signal, abort },
    onRequest: ({ route: operation, status, fault, durationMs }: RequestReport) => {
      flows?.requestEnded({ side: 'blnk', operation, outcome: blnkOutcome(status), durationMs });
      if (fault !== null || isAway(status)) outages?.failed('blnk', fault ?? `Blnk answered HTTP ${status}`);
      else outages?.answered('blnk');
    },
    lookUpFirstWaitMs: timings.lookUpFirstWaitMs,
    postTimeoutMs: timings.postTimeoutMs,
    ...overrides.blnk,
  };
  const blnk = {
    ledger: createLedger({ ...connection, connections: requestsToBlnkMax }),
    // Lanes ask it too, whether the ledger is still the same one: what was posted could not be confirmed without it.
    ledgerSide: createLedgerSide({ ...connection, connections: LISTINGS_IN_FLIGHT_MAX }),
    identities: createIdentities({ ...connection, connections: IDENTITIES_IN_FLIGHT_MAX }),
    accounts: createAccounts({ ...connection, connections: BALANCES_IN_FLIGHT_MAX }),
  };
  return config.accounts.mode === 'ledger' && options.database !== null ? byMap(blnk, config, options.database) : blnk;
}

type Blnk = Pick<Vendors, 'accounts'> & {
  readonly ledger: BlnkLedger;
  readonly ledgerSide: BlnkLedgerSide;
  readonly identities: BlnkIdentities;
  readonly accounts: BlnkAccounts;
};

/**
 * With a ledger of the mirror's own the map says which balance a name stands for. It is read for each chunk and never remembered: a
 * person may have a balance forgotten, and a worker that remembers it would post to what is gone, or to two at once when it is back.
 */
function byMap(blnk: Blnk, own: WorkerConfig, { sql }: Database): Blnk {
  const map = createStoredMap(sql);
  const named = { map, isAccountName: (name: string) => isAccountName(name, own) };
  return {
    ...blnk,
    ledger: { ...blnk.ledger, ...postByMap(blnk.ledger, named), ...findByMap(blnk.ledger, named) },
    ledgerSide: { ...blnk.ledgerSide, ...findByMap(blnk.ledgerSide, named) },
    identities: { ...blnk.identities, ...balancesByMap(blnk.identities, named) },
  };
}

/** Said by whoever stands before a server that is not there. */
function isAway(status: number | null): boolean {
  return status === null || [502, 503, 504].includes(status);
}

/** How long it waits for what all processes share is counted. */
function timed<Endpoint extends string>(
  limiter: RequestLimiter<Endpoint>,
  { flows }: VendorOptions,
): RequestLimiter<Endpoint> {
  if (flows === undefined) return limiter;
  return {
    async acquire(endpoint, signal) {
      const beganAtMs = performance.now();
      await limiter.acquire(endpoint, signal);
      flows.limiterWaited(performance.now() - beganAtMs);
    },
  };
}

function tellClockFault(events: Events, fault: ClockFault | null): void {
  if (fault === null) events.clocksAgree({});
  else events.clockOff({ ...fault, error: clockFaultText(fault) });
}

function createLimiter(config: WorkerConfig, database: Database | null, { sleep, monotonicMs }: Clock) {
  const options = { ...stripeLimitsOf(config), sleep, monotonicMs };
  if (database === null) return createPrivateLimiter(options);
  return createRequestLimiter(database.sql, options);
}
