/**
 * From a page as read to a page as stored: maps each payment, leaves out what the mirror does not claim, and hands
 * postings and coverage to the store, which writes both or neither.
 */

import { PAYMENT } from '../core/kinds/payment.js';
import { preparePayment } from '../core/posting/mapping.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { FoundPayment } from '../core/posting/payment.js';
import type { Lane, Preparation } from '../core/posting/posting.js';
import type {
  CollectStore,
  FeedPage,
  NewPosting,
  OpenRun,
  PaymentBeforeStart,
  PaymentFeeds,
  SeenPayment,
  StoredPage,
  StoreOutcome,
} from './ports.js';

export interface PageToStore {
  readonly run: OpenRun;
  readonly page: FeedPage;
  readonly mirror: Mirror;
  /** What the page proves to be completely read; null when nothing. */
  readonly covers: StoredPage['covers'];
}

export interface StorePagePorts {
  readonly store: Pick<CollectStore, 'storePage'>;
  /** Tells the lanes that there is work, and waits for nothing. A lost call costs only time. */
  wakeLanes(lanes: readonly Lane[]): void;
}

/** What reads a feed and stores what it shows. */
export interface CollectPorts extends StorePagePorts {
  readonly store: CollectStore;
  readonly feeds: PaymentFeeds;
}

/** Stores one page. Throws what the store throws; then nothing of the page was stored and nothing is covered. */
export async function storePage(
  { run, page, mirror, covers }: PageToStore,
  ports: StorePagePorts,
): Promise<StoreOutcome> {
  const seen = distinct(page.payments);
  const inScope = seen.filter((payment) => isInScope(payment, mirror));
  const before = seen.filter((payment) => !isInScope(payment, mirror));
  const outcome = await ports.store.storePage(run, {
    postings: inScope.map((payment) => toPosting(payment, mirror)),
    beforeStart: before.length,
    ...(run.feed === 'charges' ? { listedBeforeStart: before.map(toListed), judgedByStart: mirror.startsAt } : {}),
    knownBefore: page.knownBefore ?? 0,
    requests: page.requests,
    covers,
  });
  if (outcome.lanes.length > 0) ports.wakeLanes(outcome.lanes);
  return outcome;
}

/** @returns the ledger transaction, or why there is none, for a payment of any readability */
export function prepareFound(payment: FoundPayment, mirror: Mirror): Preparation {
  if (payment.kind === 'payment') return preparePayment(payment, mirror);
  return { kind: 'rejected', reason: 'unreadable_payment', detail: payment.problem };
}

function toPosting({ payment, seenAt }: SeenPayment, mirror: Mirror): NewPosting {
  return { payment, seenAt, object: PAYMENT.object, preparation: prepareFound(payment, mirror) };
}

function toListed({ payment, seenAt }: SeenPayment): PaymentBeforeStart {
  return { paymentId: payment.id, created: payment.created, chargedAt: seenAt };
}

/**
 * Payments created before the start belong to the books kept before this mirror. One that succeeded before the hand-over
 * may be in those books already; one that succeeds after it can only be ours.
 */
function isInScope({ payment, seenAt }: SeenPayment, mirror: Mirror): boolean {
  if (payment.created === null || payment.created >= mirror.startsAt) return true;
  return mirror.cutoverAt !== null && seenAt >= mirror.cutoverAt;
}

/**
 * Stripe may show one payment twice in a page (two events); one that can be read goes first, else the first one counts.
 * Where they tell of different money, which of them is right is not guessed.
 */
function distinct(payments: readonly SeenPayment[]): SeenPayment[] {
  const byId = new Map<string, SeenPayment>();
  for (const seen of payments) {
    const earlier = byId.get(seen.payment.id);
    byId.set(seen.payment.id, earlier === undefined ? seen : { ...earlier, payment: reconciled(earlier, seen) });
  }
  return [...byId.values()];
}

const MONEY = ['amountReceived', 'currency', 'customerId', 'livemode'] as const;

function reconciled({ payment: one }: SeenPayment, { payment: other }: SeenPayment): FoundPayment {
  if (one.kind !== 'payment') return other.kind === 'payment' ? other : one;
  if (other.kind !== 'payment') return one;
  const isSame = one.created.getTime() === other.created.getTime() && MONEY.every((key) => one[key] === other[key]);
  if (isSame) return one;
  const problem = 'it is twice on one page of Stripe, with different money, customer or time; one of it is expected';
  // The day of one and the currency of one would be guesses where the two do not agree.
  const known = one.currency === other.currency ? { known: { currency: one.currency } } : {};
  return { kind: 'unreadable', id: one.id, created: null, problem, ...known };
}
