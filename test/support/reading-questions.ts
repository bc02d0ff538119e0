/** Everything that people ask of a mirror, as they ask it of one of that size. For tests of plans and for benches. */
import { DAY_MS, utcDay } from '../../src/core/base/window.js';
import type { Drizzle } from '../../src/db/connection/open.js';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { paymentId, runId, type Size } from './large-mirror.js';

type Questions = Readonly<Record<string, () => Promise<unknown>>>;

export function questionsOf(db: Drizzle, { postings, runs }: Size): Questions {
  const reads = createReadModel(db, {
    lagMs: 60_000,
    intervalMs: 60_000,
    stripeReads: { used: 1, allowed: null, forecast: 1 },
  });
  // Of what found something.
  const middle = Math.floor(runs / 20) * 10 + 1;
  return {
    status: () => reads.status(),
    runs: () => reads.runs({ limit: 50 }),
    'runs, with those that found nothing': () => reads.runs({ limit: 50, includeEmpty: true }),
    'runs from the middle on': () => reads.runs({ limit: 50, after: runId(middle) }),
    'runs of payment_intents': () => reads.runs({ limit: 50, feed: 'payment_intents' }),
    'runs that failed': () => reads.runs({ limit: 50, status: 'failed' }),
    'runs that are posting': () => reads.runs({ limit: 50, status: 'posting' }),
    'runs that need attention': () => reads.runs({ limit: 50, status: 'attention' }),
    'runs that succeeded': () => reads.runs({ limit: 50, status: 'succeeded' }),
    'one run': () => reads.run(runId(middle)),
    'payments of a run': () => reads.runBatch(runId(middle), { limit: 50 }),
    'parked payments of a run': () => reads.runBatch(runId(middle), { limit: 50, state: 'parked' }),
    'progress of a run': () => reads.progress(runId(middle)),
    'the first run after a moment': () => reads.firstRunAfter({ feed: 'events', startedAfter: new Date() }),
    'what is parked': () => reads.parked({ limit: 50 }),
    'what is parked or dismissed': () => reads.parked({ limit: 50, includeDismissed: true }),
    'one payment': () => reads.show(paymentId(Math.floor(postings / 2))),
    'certificates': () => reads.certificates({ limit: 50 }),
    'certificates of a day': () => reads.certificatesOfDay({ day: utcDay(new Date(Date.now() - 30 * DAY_MS)) }),
  };
}
