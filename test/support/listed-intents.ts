/**
 * Stripe's list of PaymentIntents over intents that a test made up, and may take away between two pages, which the stand-in
 * cannot: nothing is deleted there. Held to the port in `test/collect/conformance.test.ts`.
 */
import type { FeedPage, PageRequest, PaymentFeeds } from '../../src/collect/ports.js';
import { SyncError } from '../../src/core/base/errors.js';
import { floorToSecond } from '../../src/core/base/window.js';
import type { FoundPayment } from '../../src/core/posting/payment.js';

export interface ListedIntent {
  readonly id: string;
  readonly created: Date;
  /** It has not succeeded. */
  readonly isUnpaid?: true;
}

export type ListedFeeds = Pick<PaymentFeeds, 'paymentIntents' | 'newerIntents' | 'payment'>;

const PAGE_OBJECTS = 100;

/** @param held in any order; what a test adds or removes counts from the next request on */
export function listedFeeds(held: readonly ListedIntent[], vendorNow: Date): ListedFeeds {
  return {
    async paymentIntents(request) {
      const listed = held.filter((intent) => isWithin(intent, request)).sort(newestFirst);
      const place = request.after === null ? 0 : listed.findIndex(({ id }) => id === request.after) + 1;
      if (request.after !== null && place === 0) {
        throw new SyncError('the cursor is gone', { kind: 'transient', code: 'cursor_gone' });
      }
      const page = listed.slice(place, place + PAGE_OBJECTS);
      return listedPage(page, { hasMore: place + PAGE_OBJECTS < listed.length, vendorNow });
    },
    async newerIntents({ than, ...window }) {
      const listed = held.filter((intent) => isWithin(intent, window)).sort(newestFirst);
      const end = listed.findIndex(({ id }) => id === than);
      if (end < 0) throw new SyncError('the cursor is gone', { kind: 'transient', code: 'cursor_gone' });
      const begin = Math.max(0, end - PAGE_OBJECTS);
      return listedPage(listed.slice(begin, end), { hasMore: begin > 0, vendorNow });
    },
    async payment(id) {
      if (!/^pi_\w+$/.test(id)) return { reading: { kind: 'missing' }, requests: 0 };
      const found = held.find((intent) => intent.id === id);
      if (found === undefined) return { reading: { kind: 'missing' }, requests: 1 };
      return { reading: found.isUnpaid === true ? { kind: 'not_succeeded' } : paymentOf(found), requests: 1 };
    },
  };
}

/** A page of these intents, as they stand. */
export function listedPage(
  objects: readonly ListedIntent[],
  { hasMore, vendorNow }: { readonly hasMore: boolean; readonly vendorNow: Date },
): FeedPage {
  const succeeded = objects.filter(({ isUnpaid }) => isUnpaid !== true);
  return {
    payments: succeeded.map((intent) => ({ payment: paymentOf(intent), seenAt: intent.created })),
    hasMore,
    lastId: objects.at(-1)?.id ?? null,
    ids: objects.map(({ id }) => id),
    newest: objects.at(0)?.created ?? null,
    oldest: objects.at(-1)?.created ?? null,
    vendorNow,
    requests: 1,
  };
}

/** Within one second Stripe lists by an order of its own; here by the id. */
export function newestFirst(one: ListedIntent, other: ListedIntent): number {
  return other.created.getTime() - one.created.getTime() || (one.id < other.id ? 1 : -1);
}

/** Stripe compares whole seconds: a bound within a second lets that second in. */
function isWithin({ created }: ListedIntent, { from, to }: Pick<PageRequest, 'from' | 'to'>): boolean {
  return created >= floorToSecond(from) && (to === null || created < to);
}

function paymentOf({ id, created }: ListedIntent): FoundPayment {
  return {
    ...{ kind: 'payment', id, amountReceived: 5n, currency: 'usd', created, livemode: false },
    ...{ customerId: null, chargeId: null, description: null, metadata: [] },
  };
}
