/**
 * Everything that people ask of a mirror of that size, and what a worker asks of it each minute. For tests of plans and for
 * benches.
 */

import type postgres from 'postgres';
import { DAY_MS, utcDay } from '../../src/core/base/window.js';
import type { Drizzle } from '../../src/db/connection/open.js';
import { lanesDue, lanesWaiting, nextDueInMs } from '../../src/db/postings/due.js';
import { daysWithPending } from '../../src/db/reads/certificates.js';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { paymentsInThirtyDays } from '../../src/db/workers/worker-registry.js';
import { paymentId, runId, type Size, transactionId } from './large-mirror.js';
import type { Questions } from './plans.js';

export function questionsOf(db: Drizzle, sql: postgres.Sql, { postings, runs, days }: Size): Questions {
  const reads = createReadModel(db, {
    lagMs: 60_000,
    intervalMs: 60_000,
    stripeReads: { used: 1, allowed: null, forecast: 1 },
  });
  // Of what found something.
  const middle = Math.floor(runs / 20) * 10 + 1;
  return {
    status: () => reads.status(),
    'payments of 30 days': () => paymentsInThirtyDays(sql),
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
    'the newest payments': () => reads.payments({ limit: 50 }),
    'payments from the middle on': () => reads.payments({ limit: 50, after: paymentId(Math.floor(postings / 2)) }),
    'payments that are posted': () => reads.payments({ limit: 50, state: 'posted' }),
    'payments that are pending': () => reads.payments({ limit: 50, state: 'pending' }),
    'payments that are dismissed': () => reads.payments({ limit: 50, state: 'dismissed' }),
    'payments of a currency': () => reads.payments({ limit: 50, currency: 'CHF' }),
    'a payment by its id': () => reads.payments({ limit: 50, search: paymentId(Math.floor(postings / 3)) }),
    'a payment by its transaction': () =>
      reads.payments({ limit: 50, search: transactionId(Math.floor(postings / 30)) }),
    'payments of a customer': () => reads.payments({ limit: 50, search: 'cus_77' }),
    'sums of 90 days': () => reads.dayTotals({ from: lastDays(90).at(-1) ?? '', to: utcDay(new Date()) }),
    'what people did': () => reads.actions({ limit: 50 }),
    'what is parked': () => reads.parked({ limit: 50 }),
    'what is parked or dismissed': () => reads.parked({ limit: 50, includeDismissed: true }),
    'one payment': () => reads.show(paymentId(Math.floor(postings / 2))),
    'days before the start': () => reads.earlierDays(),
    certificates: () => reads.certificates({ limit: 50 }),
    'lanes with something due': () => lanesDue(sql),
    'lanes that wait': () => lanesWaiting(sql, { dueForMs: 60_000, pausedForMs: 60_000, accountsMode: 'indicators' }),
    'when a lane is due next': () =>
      nextDueInMs(sql, { source: '@stripe', currency: 'USD' }, { epoch: 0, accountsMode: 'indicators' }),
    'days with something pending': () => daysWithPending(db, lastDays(days)),
    'certificates of a day': () => reads.certificatesOfDay({ day: utcDay(new Date(Date.now() - 30 * DAY_MS)) }),
  };
}

function lastDays(days: number): string[] {
  return Array.from({ length: Math.min(days, 90) }, (_, ago) => utcDay(new Date(Date.now() - ago * DAY_MS)));
}
