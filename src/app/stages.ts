/** Composition: collect and post, joined to their stores, vendors and queue. What each job of the queue calls. */
import type { CollectedRun } from '../collect/collect-run.js';
import type { CollectStore, RefusableFeed } from '../collect/ports.js';
import type { WorkerConfig } from '../config.js';
import { describeError } from '../core/errors.js';
import type { Mirror } from '../core/mirror.js';
import { type Lane, laneName } from '../core/posting.js';
import type { Feed } from '../core/sync-run.js';
import { endLanePause, noteLanePause } from '../db/lane-pauses.js';
import { markFirstPost, rememberSourceBalance } from '../db/mirror-store.js';
import { createDismissedPostings, createOutbox } from '../db/outbox.js';
import { sinceLastTailMs } from '../db/worker-registry.js';
import type { Log } from '../observability/log.js';
import { createBalanceNames } from '../post/balance-names.js';
import { createLaneDrainer } from '../post/drain-lane.js';
import { lookUpDismissed } from '../post/look-up-dismissed.js';
import type { Outbox } from '../post/ports.js';
import { type JudgePorts, otherLedger } from '../post/settle-doubt.js';
import type { JobHandlers, JobQueue } from '../queue/job-queue.js';
import { permissionMissing } from '../stripe/permissions.js';
import { createPartJob } from '../worker/part-job.js';
import type { PermissionChange } from '../worker/permission-watch.js';
import { createSyncJob, isDue } from '../worker/sync-job.js';
import type { LaneAlarms } from '../worker/wake-timer.js';
import { type CrashHooks, outboxWithPoints } from './crash-points.js';
import type { Home } from './home.js';
import { createScheduledProofs } from './proving.js';
import { systemClock } from './system-clock.js';
import type { Timings } from './timings.js';
import type { Vendors } from './vendors.js';

/** About 100 items in two requests at a time is the fastest that one source balance of a Core takes. */
export const POSTING = { chunkSize: 100, chunksInFlight: 2, singlesMax: 3 };

export interface StageParts {
  readonly config: WorkerConfig;
  readonly home: Home;
  readonly log: Log;
  readonly timings: Timings;
  readonly mirror: Mirror;
  readonly vendors: Vendors;
  readonly store: CollectStore;
  readonly queue: JobQueue;
  readonly alarms: LaneAlarms;
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
}

export function createStages(parts: StageParts): Stages {
  const { config, home, log, mirror, vendors, store, queue, alarms, timings, signal } = parts;
  const collecting = {
    store,
    feeds: vendors.feeds,
    wakeLanes: async (lanes: readonly Lane[]) => {
      // The page is stored: a wake that is lost costs a minute, and must not fail the run.
      const woken = await Promise.allSettled(lanes.map((lane) => queue.wakeLane(lane)));
      for (const wake of woken) {
        if (wake.status === 'rejected') log.debug({ error: describeError(wake.reason) }, 'a lane could not be woken');
      }
    },
  };
  const judging = createJudging(parts);
  const drainer = createDrainer(parts, judging);
  const proofs = createScheduledProofs({
    ...{ home, vendors, log, signal, lagMs: config.syncLagMs, timings: timings.proofs, hooks: parts.hooks },
    requestProofs: () => queue.requestProofs(),
  });
  const dismissed = { ...judging, dismissed: createDismissedPostings(home.database.sql) };
  const scheduling = { sinceLastTailMs: () => sinceLastTailMs(home.database.sql), intervalMs: parts.intervalMs };
  const permissions = {
    store,
    vendorClock: vendors.account,
    clock: systemClock,
    permissions: vendors.account,
    onPermission: (feed: RefusableFeed, change: PermissionChange) =>
      logPermission({ log, livemode: mirror.livemode }, feed, change),
  };
  const readPart = createPartJob({ ...collecting, ...permissions });
  const sync = createSyncJob(
    {
      ...collecting,
      ...permissions,
      requestPart: (part) => queue.requestPart(part),
    },
    { lagMs: config.syncLagMs, signal },
  );
  return {
    isDue: () => isDue(scheduling),
    async sync(trigger) {
      const run = await sync(trigger);
      logRun(log, run.feed, run);
    },
    async part(part) {
      const run = await readPart(part, signal);
      logRun(log, run?.feed ?? 'payment_intents', run);
    },
    async lookUpDismissed() {
      const { leaseMs, dismissedLooksAfterMs: looksAfterMs } = timings;
      const found = await lookUpDismissed(dismissed, { mirrorId: mirror.mirrorId, leaseMs, looksAfterMs });
      if (found > 0) log.warn({ payments: found }, 'dismissed payments are in the ledger; they count as posted');
    },
    requestProofs: () => proofs.request(),
    proofs: () => proofs.turn(),
    async lane(lane) {
      let nextMs: number | null = timings.lanePause.baseMs;
      try {
        nextMs = await drainer.drain(lane, signal);
      } finally {
        if (nextMs !== null && !signal.aborted) alarms.set(lane, nextMs);
      }
    },
  };
}

/** A line for each run that stored something; a quiet minute is not worth one. */
function logRun(log: Log, feed: Feed, run: CollectedRun | null): void {
  if (run?.counts == null) return;
  const fields = { run: run.runId, feed, ...run.counts };
  if (run.counts.stored > 0) log.info(fields, 'payments stored');
  else log.debug(fields, 'nothing new');
}

/** The worker goes on, and proves less: a person should know without looking. */
export function logPermission(
  { log, livemode }: { readonly log: Log; readonly livemode: boolean },
  feed: RefusableFeed,
  change: PermissionChange,
): void {
  if (change === 'allowed') {
    log.info({ feed }, 'STRIPE_API_KEY may read this feed again');
    return;
  }
  const fields = { feed, error: permissionMissing([feed], { livemode }).message };
  if (feed === 'events')
    log.warn(fields, 'STRIPE_API_KEY may not read events: late payments are found by sweeps only, up to a day late');
  else log.warn(fields, 'STRIPE_API_KEY may not read charges: no sweep can be read, and holes stay open');
}

/** What every look-up in the ledger is judged with; one memory of balance names for all of them. */
function createJudging({ config, home, mirror, vendors }: StageParts): JudgePorts {
  return {
    ledger: vendors.ledger,
    balances: createBalanceNames(vendors.ledger),
    source: mirror.source,
    confirmSource: createSourceGuard(home.database.db, config.blnk.style),
  };
}

function createDrainer({ home, log, mirror, timings, hooks }: StageParts, judging: JudgePorts) {
  const { db, sql } = home.database;
  // For `status` only, and a database that is away is told by everything else.
  const unnoted = (error: unknown): void => log.debug({ error: describeError(error) }, 'a pause could not be noted');
  const paused = new Set<string>();
  return createLaneDrainer(
    {
      ...judging,
      outbox: tellParked(outboxWithPoints(createOutbox(sql), hooks), log),
      clock: systemClock,
      random: Math.random,
      markFirstPost: () => markFirstPost(db, mirror.mirrorId),
      onRenewalFailed: (error) => log.warn({ error: describeError(error) }, 'a claim could not be renewed'),
      onStalled: (lane, stall) => {
        paused.add(laneName(lane));
        log.warn({ lane: laneName(lane), ...stall }, 'posting to this lane pauses');
        noteLanePause(db, lane, stall.error).catch(unnoted);
      },
      onResumed: (lane) => {
        if (paused.delete(laneName(lane))) log.info({ lane: laneName(lane) }, 'posting to this lane goes on');
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

/** Whoever has to decide reads the log, or is woken by it: one line for each reason. */
function tellParked(outbox: Outbox, log: Log): Outbox {
  return {
    ...outbox,
    async park(token, parkings) {
      const parked = await outbox.park(token, parkings);
      for (const reason of new Set(parkings.map((parking) => parking.reason))) {
        const [first, ...others] = parkings.filter((parking) => parking.reason === reason);
        const fields = { reason, reference: first?.reference, others: others.length, detail: first?.detail };
        if (parked > 0) log.warn(fields, 'parked: a person has to decide; see: stripe-blnk-sync parked list');
      }
      return parked;
    },
  };
}

/** A self-hosted Core has no instance id; its source balances tell it from another one. */
function createSourceGuard(db: Home['database']['db'], style: WorkerConfig['blnk']['style']) {
  const confirmed = new Map<string, string>();
  return async (currency: string, balanceId: string): Promise<void> => {
    if (style === 'cloud' || confirmed.get(currency) === balanceId) return;
    const remembered = await rememberSourceBalance(db, currency, balanceId);
    if (remembered !== balanceId) throw otherLedger(currency, { remembered, found: balanceId });
    confirmed.set(currency, balanceId);
  };
}
