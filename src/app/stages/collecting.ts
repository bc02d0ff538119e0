/** Composition: collecting, joined to its store, to Stripe and to the queue. What the jobs that read do, whoever asked. */
import type { CollectStore, RefusableFeed } from '../../collect/ports.js';
import { describeError } from '../../core/base/errors.js';
import type { Lane } from '../../core/posting/posting.js';
import { type CollectStoreOptions, createCollectStore } from '../../db/collect/collect-store.js';
import type { JobQueue } from '../../queue/job-queue.js';
import { createPartJob, type PartJob } from '../../worker/part-job.js';
import type { PermissionChange } from '../../worker/permission-watch.js';
import { createSyncJob, type SyncJob } from '../../worker/sync-job.js';
import type { Context } from '../context.js';
import { countedStore } from '../worker/counted-stores.js';
import { tellPermission } from '../worker/tell-work.js';

export interface CollectingParts {
  /** Of the runs that are stored. */
  readonly owner: Omit<CollectStoreOptions, 'version'>;
  readonly queue: Pick<JobQueue, 'requestPart'>;
  /** What is done beside the store of pages; absent: nothing. */
  decorateStore?(store: CollectStore): CollectStore;
  /** Told of lanes that got new postings; waits for nothing. */
  wakeLanes(lanes: readonly Lane[]): void;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
}

export interface Collecting {
  readonly store: CollectStore;
  readonly sync: SyncJob;
  readonly readPart: PartJob;
}

export function createCollecting(
  context: Context,
  { owner, queue, wakeLanes, signal, decorateStore = (store) => store }: CollectingParts,
): Collecting {
  const { config, database, events, vendors, clock, version } = context;
  const store = createCollectStore(database.db, { ...owner, version, pages: database.pages });
  const ports = {
    store: countedStore(decorateStore(context.decorate('collectStore', store)), context),
    feeds: vendors.feeds,
    wakeLanes,
    ...{ vendorClock: vendors.account, permissions: vendors.account, clock },
    onPermission: (feed: RefusableFeed, change: PermissionChange) =>
      tellPermission(events, { feed, change, livemode: config.stripe.livemode }),
  };
  const unasked = (error: unknown): void => events.partNotRequested({ error: describeError(error) });
  return {
    store: ports.store,
    readPart: createPartJob(ports),
    sync: createSyncJob(
      {
        ...ports,
        // A part that was not asked for is found by the timer; the tail must not wait for it.
        requestPart: (part) => queue.requestPart(part).catch(unasked),
        clockFault: () => vendors.clockFault(),
        onTakenBack: (to) => events.coverageTakenBack({ code: 'coverage_ahead', to }),
      },
      { lagMs: config.syncLagMs, signal },
    ),
  };
}
