/**
 * What is asked of Stripe besides the feeds: which account the key belongs to, what it may read, Stripe's time, and one
 * intent by id. Decides nothing about the mirror; that is for whoever compares.
 */

import { SyncError } from '../core/base/errors.js';
import { HOUR_MS, later } from '../core/base/window.js';
import { type ClockFault, clockFaultText } from '../core/coverage/agree-on-time.js';
import type { IntentNow } from '../core/posting/payment.js';
import type { StripeClient } from './client.js';
import { type Permission, permissionMissing } from './permissions.js';
import { retrieveIntent } from './read-intent.js';
import { readList, unreadableAnswer } from './read-list.js';
import { isObjectId, isRecord } from './read-payment.js';
import type { Send } from './request.js';

interface StripeAccount {
  /** Null when a restricted key may not read it; the account is then recognised by a stored intent. */
  readonly id: string | null;
  readonly livemode: boolean;
}

export interface StripeAccountReader {
  readAccount(): Promise<StripeAccount>;
  /**
   * One small request for each permission. Throws SyncError `stripe_permission_missing` when PaymentIntents cannot be
   * read; without events, charges or both less can be proven, and the worker logs it.
   */
  checkPermissions(): Promise<{ readonly missing: readonly FeedPermission[] }>;
  /** Whether the key may read a feed now; one small request. */
  mayRead(permission: FeedPermission): Promise<boolean>;
  /**
   * Stripe's clock, never too late, as far as other clocks agree with it; asked for again when they do not, or when it is behind them. Throws SyncError
   * `no_server_time`, `clocks_disagree` or (by more than a day) `stripe_time_off`, all transient.
   */
  serverTime(): Promise<Date>;
  /** One intent as it is now. */
  readIntent(id: string): Promise<IntentNow>;
}

export function createStripeAccountReader(options: { readonly client: StripeClient }): StripeAccountReader {
  const { client } = options;
  return {
    async readAccount() {
      return { id: await readAccountId(client), livemode: await client.livemode() };
    },

    async checkPermissions() {
      const asked = Object.keys(PROBES) as FeedPermission[];
      const granted = await Promise.all(asked.map((permission) => isGranted(client, permission)));
      const missing = asked.filter((_, index) => granted[index] === false);
      if (missing.includes('payment_intents')) {
        throw permissionMissing(missing, { livemode: await client.livemode() });
      }
      return { missing };
    },

    mayRead: (permission) => isGranted(client, permission),

    serverTime: () => readServerTime(client),

    async readIntent(id) {
      const { reading } = await retrieveIntent(client, id);
      return reading;
    },
  };
}

/** An answer that no other clock agrees with may be one answer's fault: a cache, one of several proxies. */
const TIME_SAMPLES_MAX = 3;

async function readServerTime(client: StripeClient): Promise<Date> {
  let ofThePast: Date | null = null;
  for (let samples = 1; ; samples += 1) {
    const { vendorNow, clockFault } = await ask(client, 'payment_intents');
    if (clockFault === null && vendorNow === null) throw noServerTime();
    if (vendorNow !== null && clockFault !== null && isBehind(clockFault)) {
      ofThePast = later(ofThePast ?? vendorNow, vendorNow);
    } else if (vendorNow !== null && (clockFault === null || !isFarAhead(clockFault))) return vendorNow;
    if (samples < TIME_SAMPLES_MAX) continue;
    // Where all answers are of the past, as a proxy's with a wrong clock, the time is too early and never too late.
    if (ofThePast !== null) return ofThePast;
    throw timeUnknown(clockFault);
  }
}

/** A first start by a cache's answer of an hour ago would hand over an hour that is of the books before. */
function isBehind({ code, machineAheadMs }: ClockFault): boolean {
  return code === 'stripe_time_off' && machineAheadMs > 0;
}

/**
 * No cache or proxy is wrong by more than a day: then it is both clocks here that stand in the past (a machine without a
 * battery begins in 1970), and a start counted back from there would claim years of payments that nobody asked for.
 */
const FAR_AHEAD_MS = 25 * HOUR_MS;

function isFarAhead({ code, machineAheadMs }: ClockFault): boolean {
  return code === 'stripe_time_off' && machineAheadMs < -FAR_AHEAD_MS;
}

function timeUnknown(clockFault: ClockFault | null): SyncError {
  if (clockFault === null) return noServerTime();
  return new SyncError(`${clockFaultText(clockFault)}. The next try asks again`, {
    kind: 'transient',
    code: clockFault.code === 'clocks_disagree' ? 'clocks_disagree' : 'stripe_time_off',
  });
}

/** Nothing that depends on Stripe's time can be decided without it. */
function noServerTime(): SyncError {
  return new SyncError('Stripe answered without a Date header, so its time is not known; the next try asks again', {
    kind: 'transient',
    code: 'no_server_time',
  });
}

/** Each of these is a list. */
type FeedPermission = Exclude<Permission, 'customers'>;

const PROBES: Readonly<Record<FeedPermission, Send>> = {
  payment_intents: (stripe, options) => stripe.paymentIntents.list({ limit: 1 }, options),
  events: (stripe, options) => stripe.events.list({ limit: 1 }, options),
  charges: (stripe, options) => stripe.charges.list({ limit: 1 }, options),
};

async function isGranted(client: StripeClient, permission: FeedPermission): Promise<boolean> {
  return (await unlessForbidden(() => ask(client, permission))) !== undefined;
}

/** Only a list is Stripe's answer: the good status and the `Date` of something in between say nothing. */
async function ask(client: StripeClient, permission: FeedPermission) {
  const answer = await client.request(permission, PROBES[permission]);
  readList(answer.body);
  return answer;
}

async function readAccountId(client: StripeClient): Promise<string | null> {
  const answer = await unlessForbidden(() =>
    client.request('account', (stripe, options) => stripe.accounts.retrieveCurrent({}, options)),
  );
  if (answer === undefined) return null;
  const id = isRecord(answer.body) ? answer.body.id : undefined;
  if (!isObjectId(id)) throw unreadableAnswer('an account without its id');
  return id;
}

async function unlessForbidden<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SyncError && error.code === 'stripe_permission_missing') return undefined;
    throw error;
  }
}
