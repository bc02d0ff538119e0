/**
 * Composition: one running worker. Joins vendors, stages, queue and timer; started in order, closed in reverse. It
 * decides nothing about payments.
 */
import { hostname } from 'node:os';
import { v4 as uuidv4 } from 'uuid';
import type { WorkerConfig } from '../config.js';
import { describeError, SyncError } from '../core/errors.js';
import type { Mirror } from '../core/mirror.js';
import { pollIntervalMs } from '../core/poll-interval.js';
import { createCollectStore } from '../db/collect-store.js';
import { createMirror, findMirror, nameAccount, noteLag, restartMirror } from '../db/mirror-store.js';
import { lanesDue } from '../db/outbox.js';
import { refuseOldCode } from '../db/served-code.js';
import { noteRefusal } from '../db/sweep-store.js';
import { createTimesMender } from '../db/times-ahead.js';
import { anyStoredIntent, createWorkerRegistry, paymentsInThirtyDays, sinceLastTailMs } from '../db/worker-registry.js';
import type { Log } from '../observability/log.js';
import { packageVersion } from '../package-root.js';
import { createJobQueue } from '../queue/job-queue.js';
import { claimMirror, noServerTime } from '../worker/claim-mirror.js';
import { requestOpenParts } from '../worker/sync-job.js';
import { createLaneAlarms, startHeartbeat, startWakeTimer } from '../worker/wake-timer.js';
import { confirmSameLedger } from './confirm-ledger.js';
import { type CrashHooks, collectStoreWithPoints, feedsWithPoints, ledgerWithPoints } from './crash-points.js';
import type { Home } from './home.js';
import { createStages, logPermission, POSTING } from './stages.js';
import { systemClock } from './system-clock.js';
import type { Timings } from './timings.js';
import { createVendors, type Vendors } from './vendors.js';

export interface RunningWorker {
  readonly workerId: string;
  readonly mirror: Mirror;
  /** Takes no new work and waits for what is in flight; then closes everything but the home. */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  readonly home: Home;
  readonly log: Log;
  readonly timings: Timings;
  readonly adopt: boolean;
  /** The tables were migrated so far that this code may not work on them: the worker has to be stopped. */
  onServedNoMore(error: SyncError): void;
  /** Absent in production. */
  readonly hooks?: CrashHooks;
}

/** Backfill parts and lanes that one process works on at the same time. */
const PARTS_AT_ONCE = 4;
const LANES_AT_ONCE = 16;

/** Starts a worker. Throws SyncError `fatal` for a person to mend, `transient` when a server is not there yet. */
export async function startWorker(config: WorkerConfig, options: WorkerOptions): Promise<RunningWorker> {
  const stopping = new AbortController();
  const closers: Array<() => Promise<void> | void> = [];
  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const close of closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        // A server that is away must not keep the rest open.
        options.log.warn({ error: describeError(error) }, 'something could not be closed in order');
      }
    }
  };
  try {
    const opened = createVendors(config, {
      ...options,
      postsInFlightMax: LANES_AT_ONCE * POSTING.chunksInFlight,
      signal: stopping.signal,
    });
    const vendors: Vendors = {
      ...opened,
      feeds: feedsWithPoints(opened.feeds, options.hooks),
      ledger: ledgerWithPoints(opened.ledger, options.hooks),
    };
    closers.push(() => vendors.close());
    const { missing } = await vendors.checkAccess();
    const mirror = await claimWith(config, { ...options, vendors });
    await confirmSameLedger({ home: options.home, vendors, source: mirror.source });
    await noteAccess(config, { ...options, vendors, missing });
    if (mirror.stripeAccount !== null) vendors.expectAccount(mirror.stripeAccount);
    const workerId = uuidv4();
    await takeUpWork(config, { ...options, vendors, mirror, workerId, closers, signal: stopping.signal });
    return { workerId, mirror, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function claimWith(
  config: WorkerConfig,
  { home, adopt, vendors }: WorkerOptions & { readonly vendors: Vendors },
): Promise<Mirror> {
  const { db, sql } = home.database;
  const { account, ledger } = vendors;
  return claimMirror(
    {
      find: () => findMirror(db),
      create: (wanted) => createMirror(db, wanted),
      nameAccount: (stripeAccount) => nameAccount(db, stripeAccount),
      restart: (identity) => restartMirror(db, identity),
      anyStoredIntent: () => anyStoredIntent(sql),
      readAccount: () => account.readAccount(),
      readIntent: (id) => account.readIntent(id),
      serverTime: () => account.serverTime(),
      ledgerHasTransactionsOfOurs: () => ledger.hasTransactionsOfOurs(),
      newMirrorId: uuidv4,
    },
    {
      livemode: config.stripe.livemode,
      blnkInstance: config.blnk.instanceId ?? 'core',
      source: config.source,
      guestDestination: config.guestDestination,
      syncStart: config.syncStart,
    },
    { adopt },
  );
}

/** What a worker finds at its start is noted for all: which feeds the key may read, and the lag it collects with. */
async function noteAccess(
  config: WorkerConfig,
  { home, log, vendors, missing }: WorkerOptions & { readonly vendors: Vendors; readonly missing: readonly string[] },
): Promise<void> {
  const { db } = home.database;
  await noteLag(db, config.syncLagMs);
  for (const feed of ['events', 'charges'] as const) {
    if (!missing.includes(feed)) {
      await noteRefusal(db, feed, null);
      continue;
    }
    const now = await vendors.account.serverTime();
    if (now === null) throw noServerTime();
    await noteRefusal(db, feed, now);
    logPermission({ log, livemode: config.stripe.livemode }, feed, 'refused');
  }
}

interface Work extends WorkerOptions {
  readonly vendors: Vendors;
  readonly mirror: Mirror;
  readonly workerId: string;
  readonly signal: AbortSignal;
  /** What is opened here is added as soon as it is open. */
  readonly closers: Array<() => Promise<void> | void>;
}

async function takeUpWork(config: WorkerConfig, work: Work): Promise<void> {
  const { home, log, timings, mirror, workerId, closers } = work;
  const { db, sql } = home.database;
  const version = packageVersion();
  const queue = createJobQueue(home.queueBackend, (error) => log.debug({ error: error.message }, 'queue'));
  closers.push(() => queue.close());
  const owner = { workerId, version, mirrorId: mirror.mirrorId };
  const store = collectStoreWithPoints(createCollectStore(db, owner), work.hooks);
  const registry = createWorkerRegistry(sql, { id: workerId, host: hostname(), pid: process.pid, version });
  const renew = async (): Promise<void> => {
    await registry.renew();
    await refuseOldCode(home.database);
  };
  closers.push(() => registry.leave());
  // Listed first, then asked: `migrate` raises what is served and then looks who is listed, so one of the two sees the other.
  await renew();
  const onError = (step: string, error: unknown): void =>
    log.warn({ step, error: describeError(error) }, 'a step of the timer failed');
  const alarms = createLaneAlarms({ wakeLane: (lane) => queue.wakeLane(lane), onError });
  closers.push(() => alarms.stop());
  const intervalMs = async (): Promise<number> =>
    pollIntervalMs({
      everyMs: config.syncEveryMs,
      share: config.stripeShare,
      livemode: mirror.livemode,
      paymentsInThirtyDays: await paymentsInThirtyDays(sql),
      eventsRefused: ((await findMirror(db))?.eventsRefusedSince ?? null) !== null,
    });

  const onRenewError = (step: string, error: unknown): void => {
    if (error instanceof SyncError && error.code === 'code_too_old') work.onServedNoMore(error);
    else onError(step, error);
  };
  closers.push(startHeartbeat({ clock: systemClock, renew, onError: onRenewError }));
  await queue.ensureSchedule(config.syncEveryMs, { replace: true });
  const stages = createStages({ ...work, config, store, queue, alarms, intervalMs });
  const mendTimes = createTimesMender(sql, { queueSchema: home.queueBackend.schema?.name ?? null });
  const stopTimer = startWakeTimer(
    {
      clock: systemClock,
      async tidy() {
        const { keepEmptyRunsMs } = config;
        const closed = await registry.tidy({ silentAfterMs: timings.runSilentAfterMs, keepEmptyRunsMs });
        if (closed > 0) log.warn({ runs: closed }, 'closed runs whose worker went silent');
        const mended = await mendTimes();
        if (mended.ours + mended.ofQueue > 0)
          log.warn(mended, 'a clock was ahead; what waited for its time goes on now');
      },
      ensureSchedule: () => queue.ensureSchedule(config.syncEveryMs, { replace: false }),
      lanesDue: () => lanesDue(sql),
      wakeLane: (lane) => queue.wakeLane(lane),
      requestOpenParts: () => requestOpenParts({ store, requestPart: (part) => queue.requestPart(part) }),
      lookUpDismissed: () => stages.lookUpDismissed(),
      requestProofs: () => stages.requestProofs(),
      async requestSyncIfLate() {
        const since = await sinceLastTailMs(sql);
        if (since !== null && since <= 2 * (await intervalMs())) return;
        await queue.restartSchedule(config.syncEveryMs);
        await queue.requestSync('schedule');
      },
      onError,
    },
    { syncEveryMs: config.syncEveryMs },
  );
  closers.push(stopTimer);
  const stopTaking = await queue.work(stages, {
    partsAtOnce: PARTS_AT_ONCE,
    lanesAtOnce: LANES_AT_ONCE,
    lockMs: timings.jobLockMs,
    onJobFailed: ({ name, error }) => logJobFailure(log, name, error),
    onError: (error) => log.debug({ error: error.message }, 'queue worker'),
  });
  // Together: a step of the timer that hangs must not keep the workers from being told.
  closers.push(async () => {
    await Promise.all([stopTaking(), stopTimer()]);
  });
  // What a killed worker left due; the timer would look only in a while.
  for (const lane of await lanesDue(sql)) await queue.wakeLane(lane);
  await queue.requestSync('startup');
}

/** Each kind once, at its level: a stop needs a person, the rest mends itself or is in `sync_runs`. */
function logJobFailure(log: Log, job: string, error: Error): void {
  const fields = { job, code: error instanceof SyncError ? error.code : 'unexpected', error: describeError(error) };
  if (error instanceof SyncError && error.kind === 'fatal') log.error(fields, 'stopped; a person has to act');
  else if (error instanceof SyncError && error.kind === 'unpostable') log.warn(fields, 'a job was refused');
  else log.warn(fields, 'a job failed; it is asked for again');
}
