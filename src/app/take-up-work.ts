/**
 * Composition: what a worker opens once its mirror is claimed and its ledger known. Queue, stages, timer and the looks at what
 * is due; each is handed to the closers as soon as it is open.
 */
import { hostname } from 'node:os';
import type { CollectStore } from '../collect/ports.js';
import type { WorkerConfig } from '../config.js';
import { SyncError } from '../core/errors.js';
import type { Mirror } from '../core/mirror.js';
import { createCollectStore } from '../db/collect-store.js';
import { refuseMoved } from '../db/ledger-identity-store.js';
import { findMirror } from '../db/mirror-store.js';
import { lanesDue } from '../db/postings/due.js';
import { createRunReports } from '../db/run-reports.js';
import { refuseOldCode } from '../db/served-code.js';
import { createTimesMender } from '../db/times-ahead.js';
import { createWorkerRegistry, type WorkerRegistry } from '../db/worker-registry.js';
import type { Events } from '../observability/events.js';
import type { Outages } from '../observability/outages.js';
import { createTally, type Tally } from '../observability/tally.js';
import { packageVersion } from '../package-root.js';
import { createJobQueue, type JobQueue } from '../queue/job-queue.js';
import type { LedgerWatch } from '../worker/ledger-watch.js';
import type { StopRepeating } from '../worker/repeat.js';
import { requestOpenParts } from '../worker/sync-job.js';
import {
  createLaneAlarms,
  type LaneAlarms,
  startHeartbeat,
  startLooking,
  startWakeTimer,
} from '../worker/wake-timer.js';
import { countedStore } from './counted-stores.js';
import { type CrashHooks, collectStoreWithPoints } from './crash-points.js';
import { createSelfRunning, type SelfRunning } from './due-work.js';
import type { Home } from './home.js';
import { intervalInForce } from './interval-in-force.js';
import { createStages, type Stages } from './stages.js';
import { systemClock } from './system-clock.js';
import { createFailureTellers, tellRunEnd } from './tell-work.js';
import type { Timings } from './timings.js';
import type { Vendors } from './vendors.js';
import { watchVerdict } from './watch-verdict.js';

export interface Work {
  readonly config: WorkerConfig;
  readonly home: Home;
  readonly events: Events;
  readonly outages: Outages;
  readonly timings: Timings;
  readonly vendors: Vendors;
  readonly mirror: Mirror;
  readonly ledgerWatch: LedgerWatch;
  readonly workerId: string;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
  /** What is opened here is added as soon as it is open; closed in reverse. */
  readonly closers: Array<() => Promise<void> | void>;
  /** Absent in production. */
  readonly hooks?: CrashHooks;
  /** Whether the key may read balances. */
  askBalances(): Promise<void>;
  /** Something that only a person can mend: the worker has to be stopped. */
  onFatal(error: SyncError): void;
}

/** That one process works on at the same time. */
const PARTS_AT_ONCE = 4;
export const LANES_AT_ONCE = 16;

/** @returns once the first looks at work and queue were taken. Throws SyncError when the worker cannot be listed. */
export async function takeUpWork(work: Work): Promise<void> {
  const tools = await openTools(work);
  const stages = createStages({ ...work, ...tools });
  const stopTimer = startTimer(work, tools, stages);
  work.closers.push(stopTimer);
  const selfRunning = takeJobs(work, tools, { stages, stopTimer });
  if (await askAtStart(work, tools)) return;
  await selfRunning.lookAtQueue();
  await selfRunning.lookAtWork();
}

/** What everything in a worker works with. */
interface Tools {
  readonly queue: JobQueue;
  readonly tally: Tally;
  readonly store: CollectStore;
  readonly registry: WorkerRegistry;
  readonly alarms: LaneAlarms;
  intervalMs(): Promise<number>;
  reportRuns(): Promise<void>;
  onError(step: string, error: unknown): void;
  onJobFailed(job: { readonly name: string; readonly error: Error }): void;
}

/** From its end on the worker is listed as alive. */
async function openTools(work: Work): Promise<Tools> {
  const { config, home, events, outages, mirror, workerId, closers } = work;
  const { db, sql } = home.database;
  const version = packageVersion();
  const queue = createJobQueue(home.queueBackend, (error) => events.queueClientFailed({ error: error.message }));
  closers.push(() => queue.close());
  const owner = { workerId, version, mirrorId: mirror.mirrorId, epoch: mirror.ledgerEpoch };
  const tally = createTally(events, systemClock.monotonicMs);
  closers.push(() => tally.flush({ all: true }));
  const store = countedStore(collectStoreWithPoints(createCollectStore(db, owner), work.hooks), tally);
  const registry = createWorkerRegistry(sql, { id: workerId, host: hostname(), pid: process.pid, version });
  const renew = () => renewSign(work, registry);
  closers.push(() => registry.leave());
  // Listed first, then asked: `migrate` raises what is served and then looks who is listed, so one of the two sees the other.
  await renew();
  const tellers = createFailureTellers(events, outages);
  const alarms = createLaneAlarms({ wakeLane: (lane) => queue.wakeLane(lane), onError: tellers.onError });
  closers.push(() => alarms.stop());
  const onRenewError = (step: string, error: unknown): void =>
    error instanceof SyncError && ['code_too_old', 'mirror_moved'].includes(error.code)
      ? work.onFatal(error)
      : tellers.onError(step, error);
  closers.push(startHeartbeat({ clock: systemClock, renew, onError: onRenewError }));
  return {
    ...{ queue, tally, store, registry, alarms, ...tellers },
    intervalMs: async () => intervalInForce(config, home.database, await findMirror(db)),
    reportRuns: createRunReports(db, (run) => tellRunEnd(events, run)),
  };
}

/** The sign of life. Throws SyncError when the tables serve newer code alone, or the mirror was moved. */
async function renewSign({ home, vendors, outages, mirror }: Work, registry: WorkerRegistry): Promise<void> {
  await registry.renew(vendors.clockFault());
  outages.answered('postgresql');
  await refuseOldCode(home.database);
  await refuseMoved(home.database.db, mirror.ledgerEpoch);
}

function startTimer(work: Work, tools: Tools, stages: Stages): StopRepeating {
  const { config, home, events, timings } = work;
  const { queue, store, registry, tally, intervalMs, reportRuns, onError } = tools;
  const { db, sql } = home.database;
  const mendTimes = createTimesMender(sql, { queueSchema: home.queueBackend.schema?.name ?? null });
  return startWakeTimer(
    {
      clock: systemClock,
      async tidy() {
        const closed = await registry.tidy({
          silentAfterMs: timings.runSilentAfterMs,
          keepEmptyRunsMs: config.keepEmptyRunsMs,
        });
        if (closed > 0) events.silentRunsClosed({ runs: closed });
        const mended = await mendTimes();
        if (mended.ours + mended.ofQueue > 0) events.clockWasAhead(mended);
        tally.flush();
        await reportRuns();
      },
      ensureSchedule: () => queue.ensureSchedule(config.syncEveryMs, { replace: false }),
      lanesDue: () => lanesDue(sql),
      wakeLane: (lane) => queue.wakeLane(lane),
      requestOpenParts: () => requestOpenParts({ store, requestPart: (part) => queue.requestPart(part) }),
      lookUpDismissed: () => stages.lookUpDismissed(),
      async requestProofs() {
        // They alone need it.
        await work.askBalances();
        await stages.requestProofs();
      },
      lookAtVerdict: watchVerdict({ db, events, lagMs: config.syncLagMs, intervalMs }),
      onError,
    },
    { syncEveryMs: config.syncEveryMs },
  );
}

/** What the queue delivers, and what is due without being delivered. */
function takeJobs(
  work: Work,
  tools: Tools,
  { stages, stopTimer }: { readonly stages: Stages; readonly stopTimer: StopRepeating },
): SelfRunning {
  const { config, events, timings, closers } = work;
  const limits = { partsAtOnce: PARTS_AT_ONCE, lanesAtOnce: LANES_AT_ONCE };
  const selfRunning = createSelfRunning({ ...work, ...tools, stages, syncEveryMs: config.syncEveryMs, ...limits });
  const stopTaking = tools.queue.work(selfRunning.handlers, {
    ...limits,
    lockMs: timings.jobLockMs,
    onJobFailed: tools.onJobFailed,
    onError: (error) => events.queueClientFailed({ error: error.message }),
  });
  const stopLooking = startLooking(
    { clock: systemClock, onError: tools.onError, ...selfRunning },
    { everyMs: selfRunning.lookEveryMs },
  );
  // Together: a step of the timer that hangs must not keep the workers from being told.
  closers.push(async () => {
    await Promise.all([stopTaking(), stopTimer(), stopLooking()]);
    await selfRunning.settled();
  });
  return selfRunning;
}

/** Asks of the queue what a start has to ask. Answers false when it did not take all of it: the timer asks again. */
async function askAtStart({ config, home }: Work, { queue, registry, onError }: Tools): Promise<boolean> {
  // What a killed worker left due; the timer would look only in a while.
  const lanes = await lanesDue(home.database.sql);
  const asked = await Promise.allSettled([
    queue.ensureSchedule(config.syncEveryMs, { replace: true }),
    queue.requestSync('startup'),
    queue.identify().then((identity) => registry.noteQueue(identity)),
    ...lanes.map((lane) => queue.wakeLane(lane)),
  ]);
  const failed = asked.find((one) => one.status === 'rejected');
  if (failed !== undefined) onError('start', failed.reason);
  return failed === undefined;
}
