/** Composition: the interval between syncs that is in force, as a worker keeps it and as `status` tells it. */
import type { HomeConfig } from '../config.js';
import type { Mirror } from '../core/posting/mirror.js';
import { pollIntervalMs } from '../core/settings/poll-interval.js';
import type { Database } from '../db/connection/open.js';
import { paymentsInThirtyDays } from '../db/workers/worker-registry.js';

export async function intervalInForce(
  { syncEveryMs, stripeShare }: Pick<HomeConfig, 'syncEveryMs' | 'stripeShare'>,
  { sql }: Pick<Database, 'sql'>,
  mirror: Mirror | null,
): Promise<number> {
  return pollIntervalMs({
    everyMs: syncEveryMs,
    share: stripeShare,
    livemode: mirror?.livemode ?? false,
    paymentsInThirtyDays: await paymentsInThirtyDays(sql),
    eventsRefused: (mirror?.eventsRefusedSince ?? null) !== null,
  });
}
