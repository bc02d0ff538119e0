/**
 * Composition: what a command that asks or reads works with. Opens the home, nothing of Stripe or Blnk.
 */
import type { CommandContext } from '../cli/ports.js';
import { openParts } from '../collect/backfill.js';
import { prepareFound } from '../collect/store-page.js';
import type { HomeConfig } from '../config.js';
import { describeError } from '../core/base/errors.js';
import { giveUpWith, orStopped } from '../core/base/give-up.js';
import { withinTime } from '../core/base/within-time.js';
import { parsePayment } from '../core/posting/payment.js';
import { createCollectStore } from '../db/collect/collect-store.js';
import { findMirror, knownMirror, readMirror } from '../db/mirror/mirror-store.js';
import { createParkedStore } from '../db/postings/parked-store.js';
import { createAcceptanceStore } from '../db/proof/acceptance-store.js';
import { createReadModel } from '../db/reads/read-model.js';
import type { Log } from '../observability/log.js';
import { createRequestOperations } from '../operations/request-operations.js';
import { packageVersion } from '../package-root.js';
import { createJobQueue } from '../queue/job-queue.js';
import { eventsOf } from './events-of.js';
import { closeAfterFault, closeInReverse, ensureSchema, type Home, openHome } from './home.js';
import { readingInForce } from './interval-in-force.js';
import { systemClock } from './system-clock.js';

/** Runs that a command stores (backfill requests) belong to no worker. */
const NO_WORKER = '00000000-0000-0000-0000-000000000000';

export interface CommandContextOptions {
  readonly log: Log;
  /** Ends what waits for the database while it opens, and as long as nothing is changed. */
  readonly signal?: AbortSignal;
  readonly readsOnly?: boolean;
}

export function openCommandContext(config: HomeConfig, options: CommandContextOptions): Promise<CommandContext> {
  const giving = giveUpWith(options.signal ?? new AbortController().signal);
  return orStopped(giving.signal, async () => {
    const context = await open(config, { log: options.log, giveUp: giving.signal });
    if (options.readsOnly !== true) giving.end();
    return context;
  });
}

async function open(
  config: HomeConfig,
  { log, giveUp }: { readonly log: Log; readonly giveUp: AbortSignal },
): Promise<CommandContext> {
  const events = eventsOf(log);
  const home = await openHome(config, { log, role: 'command', giveUp });
  try {
    await ensureSchema(home, config);
    const { db } = home.database;
    const mirror = await findMirror(db);
    const queue = createJobQueue(home.queueBackend, (error) => events.queueClientFailed({ error: error.message }));
    const store = createCollectStore(db, { workerId: NO_WORKER, version: packageVersion(), mirrorId: null });
    const reading = await readingInForce(config, home.database, mirror);
    const reads = createReadModel(db, {
      ...{ lagMs: config.syncLagMs, ...reading },
      machineNow: () => new Date(),
      ...(config.redisUrl === null ? {} : { whyQueueAway: () => whyAway(home) }),
    });
    const operations = createRequestOperations({
      reads,
      parked: createParkedStore(db, (text) => prepareFound(parsePayment(text), knownMirror(mirror))),
      acceptances: createAcceptanceStore(db, packageVersion()),
      requests: {
        sync: (trigger) => queue.requestSync(trigger),
        async backfill(window) {
          // Asked now, not when this was opened: the first worker may have started since.
          await readMirror(db);
          const backfill = await store.requestBackfill(window, 'manual');
          return { runId: backfill.id, parts: await openParts(store, backfill) };
        },
        async requestParts(parts) {
          for (const part of parts) await queue.requestPart(part);
        },
        async wakeLanes(lanes) {
          for (const lane of lanes) await queue.wakeLane(lane);
        },
        proofs: () => queue.requestProofs(),
        queue: () => queue.identify(),
      },
    });
    return {
      ...{ reads, operations },
      close: () => closeInReverse([() => home.close(), () => queue.close()]),
    };
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}

/** Longer than Redis takes to answer, and no longer than a person waits for `status` with pleasure. */
const QUEUE_ANSWERS_WITHIN_MS = 2_000;

async function whyAway({ queueBackend }: Home): Promise<string | null> {
  const asked = queueBackend.ready().then(() => null, describeError);
  return withinTime<string | null>(asked, {
    sleep: (over) => systemClock.sleep(QUEUE_ANSWERS_WITHIN_MS, over),
    whenLate: () => `Redis gave no answer within ${QUEUE_ANSWERS_WITHIN_MS / 1_000} s`,
  });
}
