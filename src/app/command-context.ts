/**
 * Composition: what a command that asks or reads works with. Opens the home, nothing of Stripe or Blnk.
 */
import type { CommandContext } from '../cli/ports.js';
import { openParts } from '../collect/backfill.js';
import { prepareFound } from '../collect/store-page.js';
import type { HomeConfig } from '../config.js';
import { SyncError } from '../core/errors.js';
import type { Mirror } from '../core/mirror.js';
import { parsePayment } from '../core/payment.js';
import { pollIntervalMs } from '../core/poll-interval.js';
import { createCollectStore } from '../db/collect-store.js';
import { findMirror } from '../db/mirror-store.js';
import { createParkedStore } from '../db/reads/parked-store.js';
import { createReadModel } from '../db/reads/read-model.js';
import { readsInThirtyDays } from '../db/request-limiter.js';
import { paymentsInThirtyDays } from '../db/worker-registry.js';
import type { Log } from '../observability/log.js';
import { packageVersion } from '../package-root.js';
import { createJobQueue } from '../queue/job-queue.js';
import { closeAfterFault, closeInReverse, ensureSchema, openHome } from './home.js';

/** Runs that a command stores (backfill requests) belong to no worker. */
const NO_WORKER = '00000000-0000-0000-0000-000000000000';

export async function openCommandContext(config: HomeConfig, log: Log): Promise<CommandContext> {
  const home = await openHome(config, { log, role: 'command' });
  try {
    await ensureSchema(home, config);
    const { db, sql } = home.database;
    const mirror = await findMirror(db);
    const queue = createJobQueue(home.queueBackend, (error) => log.debug({ error: error.message }, 'queue'));
    const store = createCollectStore(db, { workerId: NO_WORKER, version: packageVersion(), mirrorId: null });
    const intervalMs = pollIntervalMs({
      everyMs: config.syncEveryMs,
      share: config.stripeShare,
      livemode: mirror?.livemode ?? false,
      paymentsInThirtyDays: await paymentsInThirtyDays(sql),
      eventsRefused: (mirror?.eventsRefusedSince ?? null) !== null,
    });
    return {
      reads: createReadModel(db, { lagMs: config.syncLagMs, intervalMs, stripeReads: await readsInThirtyDays(sql) }),
      parked: createParkedStore(db, (text) => prepareFound(parsePayment(text), known(mirror))),
      requests: {
        sync: (trigger) => queue.requestSync(trigger),
        async backfill(window) {
          // Asked now, not when this was opened: the first worker may have started since.
          known(await findMirror(db));
          const backfill = await store.requestBackfill(window, 'manual');
          for (const part of await openParts(store, backfill)) await queue.requestPart(part);
          return backfill.id;
        },
        async wakeLanes(lanes) {
          for (const lane of lanes) await queue.wakeLane(lane);
        },
      },
      close: () => closeInReverse([() => home.close(), () => queue.close()]),
    };
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}

function known(mirror: Mirror | null): Mirror {
  if (mirror !== null) return mirror;
  throw new SyncError('This database mirrors nothing yet; start a worker once', { kind: 'fatal', code: 'no_mirror' });
}
