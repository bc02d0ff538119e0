/**
 * The sweep: charges by creation, to find payments that neither list nor events have shown. A charge only names which
 * intent to look at: intents that are stored are left alone, each other one is read by its id, and nothing is built from
 * a charge. A charge bounds how late a success can be; an intent alone does not.
 */
import { mapInParallel } from '../core/base/in-parallel.js';
import { unconfirmedSuccess } from '../core/coverage/unconfirmed-success.js';
import type { ChargePage, CollectStore, FeedPage, PageRequest, PaymentFeeds, SeenPayment } from './ports.js';

/** Enough to hide the latency, few enough for the concurrency limit of Stripe. */
const READS_IN_FLIGHT_MAX = 8;

export interface SweepPorts {
  readonly store: Pick<CollectStore, 'knownIntents'>;
  readonly feeds: Pick<PaymentFeeds, 'charges' | 'payment'>;
}

/** One page of charges, as a page of the payments that were not known. Throws SyncError as the feeds do. */
export async function readSweepPage({ store, feeds }: SweepPorts, request: PageRequest): Promise<FeedPage> {
  const { charges, requests, ...page } = await feeds.charges(request);
  // An intent may have been charged more than once; only one charge brought the money, and the newest is the last word.
  const byIntent = new Map([...charges].reverse().map((charge) => [charge.intentId, charge]));
  const known = await store.knownIntents([...byIntent.keys()]);
  const unknown = [...byIntent.values()].filter(
    ({ intentId }) => !known.stored.has(intentId) && !known.beforeStart.has(intentId),
  );
  const read = await mapInParallel(unknown, READS_IN_FLIGHT_MAX, (charge) =>
    readPayment(feeds, charge, page.vendorNow),
  );
  return {
    ...page,
    payments: read.flatMap(({ payments }) => payments),
    knownBefore: known.stored.size,
    requests: read.reduce((sum, one) => sum + one.requests, requests),
  };
}

async function readPayment(
  feeds: SweepPorts['feeds'],
  { chargeId, intentId, seenAt }: ChargePage['charges'][number],
  vendorNow: Date | null,
): Promise<{ readonly payments: readonly SeenPayment[]; readonly requests: number }> {
  const { reading, requests } = await feeds.payment(intentId);
  switch (reading.kind) {
    case 'not_succeeded':
      // Captured in part, with the rest still held: it is a payment once Stripe shows it as one.
      return { payments: [], requests };
    case 'missing': {
      const told = `its charge ${chargeId} says that it was paid`;
      const unconfirmed = { id: intentId, intentCreated: null, toldAt: seenAt, vendorNow, told, reading: reading.kind };
      return { payments: [{ payment: unconfirmedSuccess(unconfirmed), seenAt }], requests };
    }
    default:
      return { payments: [{ payment: reading, seenAt }], requests };
  }
}
