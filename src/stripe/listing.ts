/**
 * Stripe's side of a proof: every succeeded PaymentIntent of a window, listed afresh, to its end or not at all. The pages
 * are those that collect reads; what collect has stored plays no part in it.
 */
import type { FeedPage, PageRequest, PaymentFeeds } from '../collect/ports.js';
import { SyncError } from '../core/base/errors.js';
import { floorToSecond, type Window } from '../core/base/window.js';
import type { IntentListing, StripeSide } from '../prove/ports.js';
import { unreadableAnswer } from './read-list.js';

/** Cursors that vanish one after the other, without a page between them that got further. */
const RESTARTS_MAX = 5;

export function createStripeSide({ feeds }: { readonly feeds: PaymentFeeds }): StripeSide {
  return {
    listSucceeded: (window, after = null) => listSucceeded(feeds, window, after),
    succeededSince: (from, paymentIds) => succeededSince(feeds, { from, paymentIds }),
    async readIntent(id) {
      return (await feeds.payment(id)).reading;
    },
  };
}

/** Newest first, 100 events each. */
const EVENT_PAGES_MAX = 20;

async function succeededSince(
  feeds: PaymentFeeds,
  { from, paymentIds }: { readonly from: Date; readonly paymentIds: ReadonlySet<string> },
): Promise<{ readonly ids: ReadonlySet<string>; readonly requests: number }> {
  const ids = new Set<string>();
  let requests = 0;
  let after: string | null = null;
  for (let read = 0; read < EVENT_PAGES_MAX && ids.size < paymentIds.size; read += 1) {
    const page = await eventPage(feeds, { from, to: null, after });
    requests += page?.requests ?? 1;
    for (const { payment } of page?.payments ?? []) if (paymentIds.has(payment.id)) ids.add(payment.id);
    if (page === null || !page.hasMore) break;
    after = page.lastId;
  }
  return { ids, requests };
}

/** Null when the key may not read events. */
async function eventPage(feeds: PaymentFeeds, request: PageRequest): Promise<FeedPage | null> {
  try {
    return await feeds.succeededEvents(request);
  } catch (error) {
    if (error instanceof SyncError && error.code === 'stripe_permission_missing') return null;
    throw error;
  }
}

/** Where a list goes on: behind which id, of those created before `to`, of which all after `oldest` were read. Times in milliseconds since 1970. */
interface ListPlace {
  readonly after: string;
  readonly to: number;
  readonly oldest: number | null;
}

function placeBehind(
  { hasMore, lastId }: FeedPage,
  { to, oldest }: { readonly to: Date; readonly oldest: Date | null },
): string | null {
  if (!hasMore || lastId === null) return null;
  const place: ListPlace = { after: lastId, to: to.getTime(), oldest: oldest?.getTime() ?? null };
  return JSON.stringify(place);
}

async function* listSucceeded(feeds: PaymentFeeds, window: Window, from: string | null): AsyncGenerator<IntentListing> {
  const begin: ListPlace | null = from === null ? null : JSON.parse(from);
  const end = createListEnd(begin?.oldest ?? null);
  let after = begin?.after ?? null;
  let to = begin === null ? window.to : new Date(begin.to);
  for (;;) {
    let page: FeedPage;
    try {
      page = await feeds.paymentIntents({ from: window.from, to, after });
    } catch (error) {
      const isGone = error instanceof SyncError && error.code === 'cursor_gone';
      if (!isGone || !end.mayRestart()) throw error;
      // Test data was deleted: all that is newer than the oldest second is read, so the list begins again there.
      if (end.oldest !== null) to = new Date(end.oldest.getTime() + 1_000);
      after = null;
      continue;
    }
    refuseOthers(page, { from: window.from, to, notAfter: after === null ? null : end.oldest });
    const payments = end.add(page).filter(({ seenAt }) => seenAt >= window.from);
    yield {
      payments: payments.map(({ payment }) => payment),
      ...{ vendorNow: page.vendorNow, requests: page.requests },
      next: placeBehind(page, { to, oldest: end.oldest }),
    };
    if (!page.hasMore) return;
    // The same cursor again would be this very page, for ever.
    if (page.lastId === after) throw unreadableAnswer('the page before the one that was asked for');
    after = page.lastId;
  }
}

/** How far a list is read. It knows the ids of its oldest second, because a restart reads that second again. */
function createListEnd(oldestMs: number | null) {
  let oldest = oldestMs === null ? null : new Date(oldestMs);
  let restarts = 0;
  const idsOfOldest = new Set<string>();
  return {
    get oldest(): Date | null {
      return oldest;
    },
    mayRestart(): boolean {
      restarts += 1;
      return restarts <= RESTARTS_MAX;
    },
    /** @returns those payments of the page that no page before it had */
    add(page: FeedPage): FeedPage['payments'] {
      const fresh = page.payments.filter(({ payment }) => !idsOfOldest.has(payment.id));
      if (page.oldest !== null && (oldest === null || page.oldest < oldest)) {
        oldest = page.oldest;
        restarts = 0;
        idsOfOldest.clear();
      }
      for (const { payment, seenAt } of page.payments) {
        if (seenAt.getTime() === oldest?.getTime()) idsOfOldest.add(payment.id);
      }
      return fresh;
    },
  };
}

/** A page outside the window, or newer than the end of the page before, proves nothing about what lies between. */
function refuseOthers(
  page: FeedPage,
  asked: { readonly from: Date; readonly to: Date; readonly notAfter: Date | null },
): void {
  const { newest, oldest } = page;
  if (newest === null || oldest === null) return;
  if (newest >= asked.to || oldest < floorToSecond(asked.from))
    throw unreadableAnswer('a page outside the window asked for');
  if (asked.notAfter !== null && newest > asked.notAfter) {
    throw unreadableAnswer('a page that is newer than the page before it');
  }
}
