/** Composition: collect and post, joined to their stores, vendors and queue. What each job of the queue calls. */
import type { CollectStore, RefusableFeed } from '../collect/ports.js';
import type { WorkerConfig } from '../config.js';
import { describeError } from '../core/errors.js';
import { createBalanceNames } from '../core/ledger/balance-names.js';
import type { Mirror } from '../core/mirror.js';
import { type Lane, laneName } from '../core/posting.js';
import { endLanePause, noteLanePause } from '../db/lane-pauses.js';
import { markFirstPost } from '../db/mirror-store.js';
import { createDismissedPostings, createOutbox } from '../db/outbox.js';
import { sinceLastTailMs } from '../db/worker-registry.js';
import type { Events } from '../observability/events.js';
import type { Tally } from '../observability/tally.js';
import { createLaneDrainer } from '../post/drain-lane.js';
import { lookUpDismissed } from '../post/look-up-dismissed.js';
import { POSTING } from '../post/posting-sizes.js';
import type { JudgePorts } from '../post/settle-doubt.js';
import type { JobHandlers, JobQueue } from '../queue/job-queue.js';
import type { LedgerWatch } from '../worker/ledger-watch.js';
import { createPartJob } from '../worker/part-job.js';
import type { PermissionChange } from '../worker/permission-watch.js';
import { createSyncJob, isDue } from '../worker/sync-job.js';
import type { LaneAlarms } from '../worker/wake-timer.js';
import { countedOutbox } from './counted-stores.js';
import { type CrashHooks, outboxWithPoints } from './crash-points.js';
import type { Home } from './home.js';
import { createScheduledProofs } from './proving.js';
import { systemClock } from './system-clock.js';
import { tellPermission, tellReading } from './tell-work.js';
import type { Timings } from './timings.js';
import type { Vendors } from './vendors.js';

export interface StageParts {
  readonly config: WorkerConfig;
  readonly home: Home;
  readonly events: Events;
  readonly tally: Tally;
  /** To be called when a run may have ended. */
  reportRuns(): Promise<void>;
  readonly timings: Timings;
  readonly mirror: Mirror;
  readonly vendors: Vendors;
  readonly store: CollectStore;
  readonly queue: JobQueue;
  readonly alarms: LaneAlarms;
  readonly ledgerWatch: LedgerWatch;
  intervalMs(): Promise<number>;
  /** Absent in production. */
  readonly hooks?: CrashHooks;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
}

export interface Stages extends JobHandlers {
  /** For the timer: what was dismissed after an attempt is looked up again. */
  lookUpDismissed(): Promise<void>;
  /** For the timer: asks for proofs when their time has come. */
  requestProofs(): Promise<void>;
  /** Whether proofs were asked for and none has begun in this process since, although days are due. */
  areProofsWaiting(): Promise<boolean>;
}

export function createStages(parts: StageParts): Stages {
  const { config, home, events, mirror, vendors, store, queue, alarms, timings, signal, ledgerWatch } = parts;
  const collecting = {
    store,
    feeds: vendors.feeds,
    wakeLanes: async (lanes: readonly Lane[]) => {
      // The page is stored: a wake that is lost costs a minute, and must not fail the run.
      const woken = await Promise.allSettled(lanes.map((lane) => queue.wakeLane(lane)));
      for (const wake of woken) {
        if (wake.status === 'rejected') events.laneNotWoken({ error: describeError(wake.reason) });
      }
    },
  };
  const unasked = (error: unknown): void => events.partNotRequested({ error: describeError(error) });
  const judging = createJudging(parts);
  const drainer = createDrainer(parts, judging);
  const proofs = createScheduledProofs({
    ...{ home, vendors, events, signal, lagMs: config.syncLagMs, timings: timings.proofs, hooks: parts.hooks },
    confirmLedger: () => ledgerWatch.confirm(),
    requestProofs: () => queue.requestProofs(),
  });
  const dismissed = {
    ...judging,
    dismissed: createDismissedPostings(home.database.sql, { epoch: mirror.ledgerEpoch }),
  };
  const scheduling = { sinceLastTailMs: () => sinceLastTailMs(home.database.sql), intervalMs: parts.intervalMs };
  const permissions = {
    store,
    vendorClock: vendors.account,
    clock: systemClock,
    permissions: vendors.account,
    onPermission: (feed: RefusableFeed, change: PermissionChange) =>
      tellPermission(events, { feed, change, livemode: mirror.livemode }),
  };
  const readPart = createPartJob({ ...collecting, ...permissions });
  const sync = createSyncJob(
    {
      ...collecting,
      ...permissions,
      // A part that was not asked for is found by the timer; the tail must not wait for it.
      requestPart: (part) => queue.requestPart(part).catch(unasked),
      onTakenBack: (to) => events.coverageTakenBack({ code: 'coverage_ahead', to }),
    },
    { lagMs: config.syncLagMs, signal },
  );
  return {
    isDue: () => isDue(scheduling),
    async sync(trigger) {
      const run = await sync(trigger);
      tellReading(events, run.feed, run);
      await parts.reportRuns();
    },
    async part(part) {
      const run = await readPart(part, signal);
      tellReading(events, run?.feed ?? 'payment_intents', run);
      await parts.reportRuns();
    },
    async lookUpDismissed() {
      const { leaseMs, dismissedLooksAfterMs: looksAfterMs } = timings;
      const found = await lookUpDismissed(dismissed, { mirrorId: mirror.mirrorId, leaseMs, looksAfterMs });
      if (found > 0) events.dismissedFound({ payments: found });
    },
    requestProofs: () => proofs.request(),
    areProofsWaiting: () => proofs.isWaiting(),
    proofs: () => proofs.turn(),
    async lane(lane) {
      let nextMs: number | null = timings.lanePause.baseMs;
      try {
        nextMs = await drainer.drain(lane, signal);
      } finally {
        if (nextMs !== null && !signal.aborted) alarms.set(lane, nextMs);
      }
      if (nextMs === null) await parts.reportRuns();
    },
  };
}

/** What every look-up in the ledger is judged with; one memory of balance names for all of them. */
function createJudging({ mirror, vendors, ledgerWatch }: StageParts): JudgePorts {
  return {
    ledger: vendors.ledger,
    balances: createBalanceNames(vendors.ledger),
    source: mirror.source,
    confirmSource: ledgerWatch.confirmSource,
  };
}

function createDrainer({ home, events, tally, mirror, timings, hooks }: StageParts, judging: JudgePorts) {
  const { db, sql } = home.database;
  // For `status` only, and a database that is away is told by everything else.
  const unnoted = (error: unknown): void => events.pauseNotRecorded({ error: describeError(error) });
  const pausedAtMs = new Map<string, number>();
  return createLaneDrainer(
    {
      ...judging,
      outbox: countedOutbox(outboxWithPoints(createOutbox(sql, { epoch: mirror.ledgerEpoch }), hooks), tally),
      clock: systemClock,
      random: Math.random,
      markFirstPost: () => markFirstPost(db, mirror.mirrorId),
      onRenewalFailed: (error) => events.claimNotRenewed({ error: describeError(error) }),
      onStalled: (lane, stall) => {
        const name = laneName(lane);
        if (!pausedAtMs.has(name)) pausedAtMs.set(name, systemClock.monotonicMs());
        events.lanePaused({ lane: name, ...stall });
        noteLanePause(db, lane, stall.error).catch(unnoted);
      },
      onResumed: (lane) => {
        const name = laneName(lane);
        const sinceMs = pausedAtMs.get(name);
        if (pausedAtMs.delete(name) && sinceMs !== undefined) {
          events.laneResumed({ lane: name, forMs: Math.round(systemClock.monotonicMs() - sinceMs) });
        }
        endLanePause(db, lane).catch(unnoted);
      },
    },
    {
      ...POSTING,
      mirrorId: mirror.mirrorId,
      leaseMs: timings.leaseMs,
      finalAfterMs: timings.finalAfterMs,
      backoff: timings.backoff,
      pause: timings.lanePause,
    },
  );
}
