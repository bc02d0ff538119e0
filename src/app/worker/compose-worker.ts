/**
 * Composition: what a worker does once its mirror is claimed, without the queue that delivers its jobs and without the clock
 * that begins its tasks: whoever has both calls what is composed here. Nothing is begun.
 */
import { hostname } from 'node:os';
import { describeError } from '../../core/base/errors.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../core/base/window.js';
import type { Lane } from '../../core/posting/posting.js';
import { refuseMoved } from '../../db/mirror/ledger-identity-store.js';
import { findMirror } from '../../db/mirror/mirror-store.js';
import { lanesDue } from '../../db/postings/due.js';
import { addUpTotals } from '../../db/totals/add-up.js';
import { countTotalsAnew, findWrongTotals } from '../../db/totals/check.js';
import { createTimesCorrector } from '../../db/workers/future-times.js';
import { HEARTBEAT_EVERY_MS } from '../../db/workers/liveness.js';
import { refuseOldCode } from '../../db/workers/minimum-code.js';
import { endStalledSessions } from '../../db/workers/stalled-sessions.js';
import { createWorkerRegistry, type WorkerRegistry } from '../../db/workers/worker-registry.js';
import type { JobQueue } from '../../queue/job-queue.js';
import { type BackgroundTask, DONE } from '../../worker/background-tasks.js';
import { createLaneAlarms, type LaneAlarms } from '../../worker/lane-alarms.js';
import { createLaneWakes } from '../../worker/lane-wakes.js';
import type { LedgerWatch } from '../../worker/ledger-watch.js';
import { requestOpenParts } from '../../worker/sync-job.js';
import type { Context } from '../context.js';
import { intervalInForce } from '../interval-in-force.js';
import { lookAtBalances } from '../look-at-balances.js';
import { createStages, type StageParts, type Stages } from './stages.js';
import { watchVerdict } from './watch-verdict.js';

export interface WorkerParts extends Pick<StageParts, 'mirror' | 'workerId' | 'signal'> {
  readonly queue: Pick<JobQueue, 'ensureSchedule' | 'requestPart' | 'requestProofs' | 'wakeLane'>;
  /** Drains a lane that has work, here or wherever the queue delivers it. */
  wakeLane(lane: Lane): Promise<void>;
  /** Of the queue, where it is in PostgreSQL. */
  readonly queueSchema: string | null;
  readonly ledgerWatch: LedgerWatch;
  /** An alarm of a lane failed. */
  onError(step: string, error: unknown): void;
  /** The database answered a sign of life. */
  onAlive(): void;
}

export interface ComposedWorker extends Stages {
  readonly registry: WorkerRegistry;
  readonly alarms: LaneAlarms;
  intervalMs(): Promise<number>;
  /** The sign of life: for as long as jobs are in hand. Throws SyncError when this worker must not go on. */
  readonly heartbeat: BackgroundTask;
  /** What else is done again and again. */
  readonly tasks: readonly BackgroundTask[];
}

const ASK_EVERY_MAX_MS = MINUTE_MS;
/** Until then readers add up what was appended: at the pace of a backfill, some thousand rows. */
const ADD_UP_EVERY_MS = 15 * SECOND_MS;

export function composeWorker(context: Context, parts: WorkerParts): ComposedWorker {
  const { config, database, version } = context;
  const { workerId, wakeLane, onError } = parts;
  const registry = createWorkerRegistry(database.sql, { id: workerId, host: hostname(), pid: process.pid, version });
  const alarms = createLaneAlarms({ clock: context.clock, wakeLane, onError });
  const wakes = createLaneWakes({
    ...{ clock: context.clock, wake: wakeLane },
    // The page is stored: a wake that is lost costs a minute.
    onFailed: (error) => context.events.laneNotWoken({ error: describeError(error) }),
  });
  const intervalMs = async () => intervalInForce(config, database, await findMirror(database.db));
  const stages = createStages(context, { ...parts, alarms, intervalMs, wakeLanes: wakes.add });
  const composed = { ...stages, registry, alarms, intervalMs };
  return {
    ...composed,
    heartbeat: createHeartbeat(context, parts, registry),
    tasks: createTasks(context, parts, composed),
  };
}

/** Throws SyncError when the tables serve newer code alone, or the mirror was moved. */
function createHeartbeat({ database, vendors }: Context, parts: WorkerParts, registry: WorkerRegistry): BackgroundTask {
  return {
    name: 'renew',
    everyMs: HEARTBEAT_EVERY_MS,
    async run() {
      await registry.renew(vendors.clockFault());
      parts.onAlive();
      await refuseOldCode(database);
      await refuseMoved(database.db, parts.mirror.ledgerEpoch);
      return DONE;
    },
  };
}

/**
 * The queue may lose everything (a flush, a failover): what is due stands in PostgreSQL, and is asked for again every
 * `SYNC_EVERY` and at least once a minute.
 */
function createTasks(
  context: Context,
  { queue, queueSchema, ledgerWatch }: WorkerParts,
  composed: Omit<ComposedWorker, 'heartbeat' | 'tasks'>,
): BackgroundTask[] {
  const { registry, store, posting, proofs, identities, accounts, reportRuns, intervalMs } = composed;
  const { config, database, events, tally, timings } = context;
  const everyMs = Math.min(config.syncEveryMs, ASK_EVERY_MAX_MS);
  const correctTimes = createTimesCorrector(database.sql, { queueSchema });
  const lookAtVerdict = watchVerdict(context, intervalMs);
  return [
    { name: 'ledger', everyMs: ledgerWatch.everyMs, run: () => ledgerWatch.lookWhenDue() },
    standingSessionsTask(context, everyMs),
    {
      // Closes the runs of workers that went silent, drops what is old.
      ...{ name: 'tidy', everyMs },
      async run() {
        const { runSilentAfterMs: silentAfterMs } = timings;
        const runs = await registry.tidy({ silentAfterMs, keepEmptyRunsMs: config.keepEmptyRunsMs });
        if (runs > 0) events.silentRunsClosed({ runs });
        const corrected = await correctTimes();
        const times = corrected.ours + corrected.ofQueue;
        if (times > 0) events.clockWasAhead(corrected);
        tally.flush();
        await reportRuns();
        return { kind: 'done', counts: { runs, times } };
      },
    },
    { name: 'schedule', everyMs, run: done(() => queue.ensureSchedule(config.syncEveryMs, { replace: false })) },
    {
      ...{ name: 'lanes', everyMs },
      async run() {
        const lanes = await lanesDue(database.sql);
        await Promise.all(lanes.map((lane) => queue.wakeLane(lane)));
        return { kind: 'done', counts: { lanes: lanes.length } };
      },
    },
    {
      name: 'backfills',
      everyMs,
      run: done(() => requestOpenParts({ store, requestPart: (part) => queue.requestPart(part) })),
    },
    {
      ...{ name: 'dismissed', everyMs },
      run: async () => ({ kind: 'done', counts: { found: await posting.lookUpDismissed() } }),
    },
    {
      ...{ name: 'totals', everyMs: ADD_UP_EVERY_MS },
      run: async () => ({ kind: 'done', counts: { changes: await addUpTotals(database.db) } }),
    },
    {
      ...{ name: 'totals check', everyMs: HOUR_MS },
      async run() {
        const wrong = await findWrongTotals(database.db);
        if (wrong !== null && (await countTotalsAnew(database.db))) events.totalsMended({ wrong });
        return DONE;
      },
    },
    { name: 'proofs', everyMs, run: done(() => proofs.request()) },
    { name: 'verdict', everyMs, run: done(lookAtVerdict) },
    { name: 'balances', everyMs: HOUR_MS, run: done(() => lookAtBalances(context)) },
    ...(identities.task === null ? [] : [identities.task]),
    ...accounts.tasks,
  ];
}

/** A task of its own: the others may wait for what such a session holds. */
function standingSessionsTask({ database, events }: Context, everyMs: number): BackgroundTask {
  return {
    ...{ name: 'stalled sessions', everyMs },
    async run() {
      const sessions = await endStalledSessions(database.sql);
      if (sessions > 0) events.stalledSessionsEnded({ sessions });
      return { kind: 'done', counts: { sessions } };
    },
  };
}

function done(work: () => Promise<void>): BackgroundTask['run'] {
  return async () => {
    await work();
    return DONE;
  };
}
