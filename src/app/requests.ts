/**
 * Composition: what people and programs ask of a mirror, on an opened home: what is read, and what is requested in somebody's
 * name. For one command, and for a server that lives long.
 */
import { openParts } from '../collect/backfill.js';
import { prepareFound } from '../collect/store-page.js';
import type { HomeConfig } from '../config/config.js';
import { type Actor, refuseUnkeptTexts } from '../core/base/action.js';
import { parsePayment } from '../core/posting/payment.js';
import { noteActions } from '../db/actions/action-store.js';
import { createProofRequests } from '../db/actions/proof-requests.js';
import { createCollectStore } from '../db/collect/collect-store.js';
import { findMirror, knownMirror, readMirror } from '../db/mirror/mirror-store.js';
import { createParkedStore } from '../db/postings/parked-store.js';
import { createAcceptanceStore } from '../db/proof/acceptance-store.js';
import { createReadModel, type ReadModel } from '../db/reads/read-model.js';
import { noteRequests } from '../operations/note-actions.js';
import { createRequestOperations, type RequestOperations } from '../operations/request-operations.js';
import { packageVersion } from '../package-root.js';
import type { JobQueue } from '../queue/job-queue.js';
import type { Home } from './home.js';
import { readingInForce } from './interval-in-force.js';
import { whyAway } from './why-away.js';

/** Runs that a command or a page stores (backfill requests) belong to no worker. */
const NO_WORKER = '00000000-0000-0000-0000-000000000000';

export interface Requests {
  readonly reads: ReadModel;
  /** What is done with them is noted as that person's. */
  operationsFor(actor: Actor): Promise<RequestOperations>;
}

/** @param queue to which requests go; closed by whoever made it */
export function createRequests(config: HomeConfig, home: Home, queue: JobQueue): Requests {
  const { db } = home.database;
  const createReads = async () => {
    const reading = await readingInForce(config, home.database, await findMirror(db));
    return createReadModel(db, {
      ...{ lagMs: config.syncLagMs, ...reading },
      machineNow: () => new Date(),
      ...(config.redisUrl === null ? {} : { whyQueueAway: () => whyQueueAway(home) }),
    });
  };
  // Only `status` depends on the interval in force, which changes while a server lives.
  const still = { lagMs: config.syncLagMs, intervalMs: config.syncEveryMs };
  const reads: ReadModel = {
    ...createReadModel(db, { ...still, stripeReads: { used: 0, allowed: null, forecast: 0 } }),
    status: async () => (await createReads()).status(),
  };
  const store = createCollectStore(db, { workerId: NO_WORKER, version: packageVersion(), mirrorId: null });
  const requests = {
    sync: (trigger: Parameters<JobQueue['requestSync']>[0]) => queue.requestSync(trigger),
    async backfill(window: Parameters<typeof store.requestBackfill>[0]) {
      // Asked now, not when this was opened: the first worker may have started since.
      await readMirror(db);
      const backfill = await store.requestBackfill(window, 'manual');
      return { runId: backfill.id, parts: await openParts(store, backfill) };
    },
    async requestParts(parts: ReadonlyArray<Parameters<JobQueue['requestPart']>[0]>) {
      for (const part of parts) await queue.requestPart(part);
    },
    async wakeLanes(lanes: ReadonlyArray<Parameters<JobQueue['wakeLane']>[0]>) {
      for (const lane of lanes) await queue.wakeLane(lane);
    },
    proofs: () => queue.requestProofs(),
    queue: () => queue.identify(),
  };
  return {
    reads,
    async operationsFor(actor) {
      refuseUnkeptTexts({ by: actor.name });
      const mirror = await findMirror(db);
      const operations = createRequestOperations({
        ...{ reads, requests },
        parked: createParkedStore(db, (text) => prepareFound(parsePayment(text), knownMirror(mirror))),
        proofRequests: createProofRequests(db, actor),
        acceptances: createAcceptanceStore(db, packageVersion()),
      });
      return noteRequests(operations, (actions) => noteActions(db, actor, actions));
    },
  };
}

/** Whether it answers now: that it was there once says nothing to a server that lives long. */
function whyQueueAway({ queueBackend }: Home): Promise<string | null> {
  return whyAway('Redis', () => queueBackend.ready().then(() => queueBackend.assertWritable()));
}
