/**
 * The feeds of collect, page by page. Pages are taken by hand: the SDK's iterator hides where a page ends, though
 * coverage is counted in pages, and after one failed page it is dead. Nothing is expanded: that is slow on lists, the
 * first thing Stripe sheds under load, and everything that a posting needs is on the intent itself.
 */
import type Stripe from 'stripe';
import type { FeedPage, PageRequest, PaymentFeeds, SeenPayment } from '../collect/ports.js';
import { SyncError } from '../core/base/errors.js';
import { mapInParallel } from '../core/base/in-parallel.js';
import { unixSeconds } from '../core/base/window.js';
import { unconfirmedSuccess } from '../core/coverage/unconfirmed-success.js';
import type { FoundPayment } from '../core/posting/payment.js';
import { cursorGone } from './classify.js';
import type { StripeClient } from './client.js';
import type { StripeEndpoint } from './endpoint.js';
import { succeededCharge } from './read-charge.js';
import { readSucceededEvent, SUCCEEDED_EVENT, type SucceededEvent } from './read-event.js';
import { retrieveIntent } from './read-intent.js';
import { readList, type StripeList, unreadableAnswer } from './read-list.js';
import { isRecord, readCreated, readPaymentIntent } from './read-payment.js';
import type { Send } from './request.js';

/** Stripe's largest page: every request costs the same share of the limits, however little it brings. */
const PAGE_OBJECTS_MAX = 100;

/** Re-reads of one page of events in flight: enough to hide the latency, few enough for the concurrency limit. */
const REREADS_IN_FLIGHT_MAX = 8;

export function createPaymentFeeds(options: { readonly client: StripeClient }): PaymentFeeds {
  const { client } = options;
  return {
    async succeededEvents(request) {
      const page = await readPage(client, 'events', request.after, (stripe, sending) =>
        stripe.events.list({ ...pageParams(request), type: SUCCEEDED_EVENT }, sending),
      );
      const events = page.list.objects.map(readSucceededEvent);
      assertNewestFirst(events.map((event) => event.created));
      const read = await mapInParallel(events, REREADS_IN_FLIGHT_MAX, (event) =>
        paymentOf(client, event, page.vendorNow),
      );
      return {
        ...frameOf(
          page,
          events.map((event) => event.created),
        ),
        payments: read.map(({ payment }, index) => ({ payment, seenAt: events[index]?.created ?? request.from })),
        requests: page.requests + read.reduce((sum, { requests }) => sum + requests, 0),
      };
    },

    async paymentIntents(request) {
      const page = await readPage(client, 'payment_intents', request.after, (stripe, sending) =>
        stripe.paymentIntents.list(pageParams(request), sending),
      );
      return intentPage(page, request.from);
    },

    async newerIntents(request) {
      const params = { ...pageParams({ ...request, after: null }), ending_before: request.than };
      const page = await readPage(client, 'payment_intents', request.than, (stripe, sending) =>
        stripe.paymentIntents.list(params, sending),
      );
      return intentPage(page, request.from);
    },

    async charges(request) {
      const page = await readPage(client, 'charges', request.after, (stripe, sending) =>
        stripe.charges.list(pageParams(request), sending),
      );
      const times = creationTimes(page.list.objects);
      return {
        ...frameOf(page, times),
        charges: page.list.objects.flatMap((object, index) => succeededCharge(object, times[index] ?? request.from)),
        requests: page.requests,
      };
    },

    payment: (id) => retrieveIntent(client, id),
  };
}

interface RawPage {
  readonly list: StripeList;
  readonly vendorNow: Date | null;
  readonly requests: number;
}

async function readPage(
  client: StripeClient,
  endpoint: StripeEndpoint,
  cursor: string | null,
  send: Send,
): Promise<RawPage> {
  try {
    const { body, vendorNow, requests } = await client.request(endpoint, send);
    return { list: readList(body), vendorNow, requests };
  } catch (error) {
    // A list has nothing to miss but its cursor: deleted test data, or an event past its 30 days.
    if (cursor !== null && error instanceof SyncError && error.code === 'stripe_resource_missing') {
      throw new SyncError(`The page's cursor ${cursor} is gone: ${error.message}`, {
        ...cursorGone,
        cause: error,
      });
    }
    throw error;
  }
}

function pageParams(request: PageRequest): Stripe.PaymentIntentListParams & Stripe.EventListParams {
  return {
    limit: PAGE_OBJECTS_MAX,
    created: {
      gte: unixSeconds(request.from),
      // Exclusive, so a bound within a second must let that second in.
      ...(request.to === null ? {} : { lt: Math.ceil(request.to.getTime() / 1_000) }),
    },
    ...(request.after === null ? {} : { starting_after: request.after }),
  };
}

function frameOf(page: RawPage, times: readonly Date[]): Omit<FeedPage, 'payments' | 'requests'> {
  return {
    hasMore: page.list.hasMore,
    lastId: page.list.lastId,
    newest: times.at(0) ?? null,
    oldest: times.at(-1) ?? null,
    vendorNow: page.vendorNow,
  };
}

/**
 * The objects' times, newest first. An intent whose own time cannot be read stands where the list puts it: at the time
 * of the one before it (or after it, at the top), so that coverage never reaches further than what was read.
 */
function creationTimes(objects: readonly unknown[]): Date[] {
  const read = objects.map((object) => {
    const created = isRecord(object) ? readCreated(object.created) : undefined;
    return created !== undefined && 'value' in created ? created.value : undefined;
  });
  let before = read.find((time) => time !== undefined);
  if (before === undefined && objects.length > 0) throw unreadableAnswer('a page without any time of creation');
  const times = read.flatMap((time) => {
    before = time ?? before;
    return before === undefined ? [] : [before];
  });
  assertNewestFirst(times);
  return times;
}

/** Coverage stands on the order: a page that is not newest first proves nothing about what lies between. */
function assertNewestFirst(times: readonly Date[]): void {
  if (times.some((time, index) => time > (times[index - 1] ?? time)))
    throw unreadableAnswer('a page that is not newest first');
}

function intentPage(page: RawPage, from: Date): FeedPage {
  const { objects } = page.list;
  const times = creationTimes(objects);
  const payments = objects.flatMap((object, index) => seenIntent(object, times[index] ?? from));
  const ids = objects.map((object) => (isRecord(object) ? String(object.id) : ''));
  return { ...frameOf(page, times), ids, payments, requests: page.requests };
}

function seenIntent(object: unknown, seenAt: Date): SeenPayment[] {
  const reading = readPaymentIntent(object);
  if (reading.kind === 'no_id') throw unreadableAnswer('a PaymentIntent without its id');
  return reading.kind === 'not_succeeded' ? [] : [{ payment: reading, seenAt }];
}

/** The event's own snapshot when it can be read, else the intent as it is now (`succeeded` is final, the amount too). */
async function paymentOf(
  client: StripeClient,
  event: SucceededEvent,
  vendorNow: Date | null,
): Promise<{ payment: FoundPayment; requests: number }> {
  if (event.payment !== null) return { payment: event.payment, requests: 0 };
  const { reading, requests } = await retrieveIntent(client, event.intentId);
  if (reading.kind !== 'missing' && reading.kind !== 'not_succeeded') return { payment: reading, requests };
  const told = 'its event says that it succeeded';
  const { intentId: id, intentCreated, created: toldAt } = event;
  return {
    payment: unconfirmedSuccess({ id, intentCreated, toldAt, vendorNow, told, reading: reading.kind }),
    requests,
  };
}
