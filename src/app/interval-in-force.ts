/** Composition: the interval between syncs that is in force, as a worker keeps it and as `status` shows it, and what it is kept for. */
import type { HomeConfig } from '../config/config.js';
import type { Mirror } from '../core/posting/mirror.js';
import { pollIntervalMs, type ReadAllocation, readAllocation } from '../core/settings/read-allocation.js';
import type { Database } from '../db/connection/open.js';
import { countReads } from '../db/workers/request-limiter.js';
import { paymentsInThirtyDays } from '../db/workers/worker-registry.js';

type ReadSettings = Pick<HomeConfig, 'syncEveryMs' | 'stripeReadShare'>;

export async function intervalInForce(
  settings: ReadSettings,
  database: Pick<Database, 'sql'>,
  mirror: Mirror | null,
): Promise<number> {
  return (await readingInForce(settings, database, mirror)).intervalMs;
}

export async function readingInForce(
  { syncEveryMs: everyMs, stripeReadShare: share }: ReadSettings,
  { sql }: Pick<Database, 'sql'>,
  mirror: Mirror | null,
): Promise<{ readonly intervalMs: number; readonly stripeReads: ReadAllocation }> {
  const [payments, reads] = await Promise.all([paymentsInThirtyDays(sql), countReads(sql)]);
  const facts = {
    ...{ everyMs, share, livemode: mirror?.livemode ?? false },
    ...{ paymentsInThirtyDays: payments, readsInThirtyDays: reads.thirtyDays, readsInLastDay: reads.lastDay },
    eventsRefused: (mirror?.eventsRefusedSince ?? null) !== null,
  };
  return { intervalMs: pollIntervalMs(facts), stripeReads: readAllocation(facts) };
}
