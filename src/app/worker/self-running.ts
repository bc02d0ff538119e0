/**
 * Composition: what one worker does with a queue that does not deliver. Joins due work (what stands in the database), what
 * runs in this process, and the watch over the queue.
 */
import { backfillsToRead, openParts } from '../../collect/backfill.js';
import type { BackfillPart } from '../../collect/ports.js';
import { describeError } from '../../core/base/errors.js';
import { SECOND_MS } from '../../core/base/window.js';
import { type Lane, laneName } from '../../core/posting/posting.js';
import type { QueuedJob } from '../../core/queue/queue-identity.js';
import { isServerFault } from '../../db/connection/server-faults.js';
import { lanesWaiting } from '../../db/postings/due.js';
import { isTailCollecting, partsCollecting, sinceLastTailMs } from '../../db/workers/worker-registry.js';
import type { Outages } from '../../observability/outages.js';
import { type JobHandlers, type JobQueue, laneJob, partJob, proofsJob, syncJob } from '../../queue/job-queue.js';
import { BACKFILL_QUEUE, POST_QUEUE, PROVE_QUEUE, SYNC_QUEUE } from '../../queue/payload.js';
import { type BackgroundTask, DONE } from '../../worker/background-tasks.js';
import { createDueWork, createRunningWork, type WorkSource } from '../../worker/due-work.js';
import { createLaneStarts, createLaneTurns } from '../../worker/lane-turns.js';
import { createQueueWatch, type QueueWatch } from '../../worker/queue-watch.js';
import type { Context } from '../context.js';
import type { Home } from '../home.js';
import type { ComposedWorker } from './compose-worker.js';

export interface DueWorkParts extends Omit<ComposedWorker, 'tasks' | 'heartbeat'> {
  readonly home: Home;
  readonly outages: Outages;
  readonly queue: JobQueue;
  readonly partsAtOnce: number;
  readonly lanesAtOnce: number;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
  onJobFailed(job: { readonly name: string; readonly error: Error }): void;
  onError(step: string, error: unknown): void;
}

export interface SelfRunning {
  /** For the queue: what it delivers is known to be in hand. */
  readonly handlers: JobHandlers;
  /** Looks at what is due; what nobody has begun is begun. */
  readonly lookAtWork: BackgroundTask;
  /** By itself: a queue that hangs must not keep the work from being begun. */
  readonly lookAtQueue: BackgroundTask;
  /** Drains it here when no other worker lives; else the queue gives it to one of them, so that it is drained once. */
  wakeLane(lane: Lane): Promise<void>;
  settled(): Promise<void>;
}

/**
 * Two looks in a row, the second of which begins the work, take half of the shortest interval: with a queue that delivers
 * nothing a payment is in the ledger within two intervals.
 */
const LOOKS_PER_INTERVAL = 4;
const LOOK_EVERY_MAX_MS = 15 * SECOND_MS;
const LOOK_EVERY_MIN_MS = 400;

const ONE = 'one';

export function createSelfRunning(context: Context, parts: DueWorkParts): SelfRunning {
  const { config, events, clock } = context;
  const { queue, handlers: jobs, registry } = parts;
  const lookEveryMs = Math.min(Math.max(config.syncEveryMs / LOOKS_PER_INTERVAL, LOOK_EVERY_MIN_MS), LOOK_EVERY_MAX_MS);
  const running = createRunningWork();
  const turns = createLaneTurns({
    ...{ clock, atOnce: parts.lanesAtOnce },
    drainOnce: (lane, mayGoOn) => running.hold('lane', laneName(lane), () => jobs.lane(lane, mayGoOn)),
  });
  let isAlone = false;
  let syncBegunAtMs: number | null = null;
  const noteSyncBegun = (): void => {
    syncBegunAtMs = clock.monotonicMs();
  };
  const handlers: JobHandlers = {
    isDue: () => jobs.isDue(),
    sync(trigger) {
      noteSyncBegun();
      return running.hold('sync', ONE, () => jobs.sync(trigger));
    },
    async part(part) {
      // The part of a job that comes while it is read here is this one's; what it leaves is asked for again.
      if (!running.has('part', partJob(part).id)) await running.hold('part', partJob(part).id, () => jobs.part(part));
    },
    lane: (lane) => turns.drain(lane),
    async proofs() {
      if (!running.has('proofs', ONE)) await running.hold('proofs', ONE, () => jobs.proofs());
    },
  };
  const watch = watchQueue(context, parts);
  const failed = (name: string, error: unknown): void =>
    parts.onJobFailed({ name, error: error instanceof Error ? error : new Error(describeError(error)) });
  const lanes = createLaneStarts({
    ...{ turns, isAlone: () => isAlone, isStopping: () => parts.signal.aborted },
    ask: (lane) => queue.wakeLane(lane),
    onFailed(error) {
      // Not one try after the other of every lane while the database is away: the next look finds it back.
      if (isServerFault(error)) isAlone = false;
      failed('lane', error);
    },
  });
  const sources = createSources(context, parts, {
    lookEveryMs,
    noteSyncBegun,
    sinceSyncBegunMs: () => (syncBegunAtMs === null ? null : clock.monotonicMs() - syncBegunAtMs),
    handlers,
    failed,
  });
  const due = createDueWork({
    running,
    sources: sources.map(({ source }) => source),
    isQueueAway: () => watch.isAway() && !parts.signal.aborted,
    onUndelivered(kind, keys) {
      const jobOf = sources.find(({ source }) => source.kind === kind)?.jobOf;
      for (const key of keys) if (jobOf !== undefined) watch.missed(jobOf(key));
      events.undeliveredWorkBegun({ kind, keys: keys.slice(0, 5) });
    },
    onFailed: failed,
    onError: parts.onError,
  });
  return {
    handlers: toldOfDelivery(handlers, watch),
    lookAtWork: lookTask('due work', lookEveryMs, async () => {
      // A database that is away is told by the look.
      isAlone = await registry.isAlone().catch(() => false);
      await due.look();
    }),
    lookAtQueue: lookTask('queue', lookEveryMs, () => watch.look()),
    wakeLane: (lane) => lanes.start(lane),
    async settled() {
      await Promise.all([due.settled(), lanes.settled()]);
    },
  };
}

/** A job that comes late is no fault of the queue; one that never comes is. */
function toldOfDelivery(handlers: JobHandlers, watch: QueueWatch): JobHandlers {
  return {
    isDue: handlers.isDue,
    sync(trigger) {
      watch.delivered(SYNC_QUEUE);
      return handlers.sync(trigger);
    },
    part(part) {
      watch.delivered(BACKFILL_QUEUE);
      return handlers.part(part);
    },
    lane(lane) {
      watch.delivered(POST_QUEUE);
      return handlers.lane(lane);
    },
    proofs() {
      watch.delivered(PROVE_QUEUE);
      return handlers.proofs();
    },
  };
}

function lookTask(name: string, everyMs: number, look: () => Promise<void>): BackgroundTask {
  return { name, everyMs, run: () => look().then(() => DONE) };
}

function watchQueue({ config, events, clock }: Context, parts: DueWorkParts) {
  const { queue, registry } = parts;
  return createQueueWatch({
    clock,
    examine: () => examined(parts),
    release: (job) => queue.release(job),
    restartSchedule: () => queue.restartSchedule(config.syncEveryMs),
    note: (faults) => registry.noteQueueFaults(faults),
    onChange(lines) {
      if (lines.length === 0) events.queueHealthy({});
      else events.queueUnhealthy({ faults: lines });
    },
  });
}

interface Source {
  readonly source: WorkSource;
  /** What the queue calls it. */
  jobOf(key: string): QueuedJob;
}

interface SourceParts {
  readonly lookEveryMs: number;
  readonly handlers: JobHandlers;
  /** In this process, whoever asked: one that failed before it had a run is not begun again at once. */
  sinceSyncBegunMs(): number | null;
  noteSyncBegun(): void;
  failed(name: string, error: unknown): void;
}

/** In the order in which payments go: read, then posted, then proven. */
function createSources(
  { config, database, timings }: Context,
  parts: DueWorkParts,
  { lookEveryMs, handlers, noteSyncBegun, sinceSyncBegunMs, failed }: SourceParts,
): Source[] {
  const { handlers: jobs, store, queue, proofs: scheduled } = parts;
  const { sql } = database;
  const silentAfterMs = timings.runSilentAfterMs;
  const findLanes = (dueForMs: number): Promise<Lane[]> =>
    lanesWaiting(sql, {
      ...{ dueForMs, pausedForMs: timings.lanePause.maxMs + lookEveryMs },
      accountsMode: config.accounts.mode,
    });

  const runSync = async (): Promise<void> => {
    noteSyncBegun();
    await jobs.sync('schedule');
    // What was just stored was asked for as well, of a queue that has not delivered.
    const lanes = (await findLanes(0)).slice(0, parts.lanesAtOnce);
    await Promise.all(lanes.map((lane) => handlers.lane(lane).catch((error: unknown) => failed('lane', error))));
  };
  const sync: WorkSource = {
    kind: 'sync',
    atOnce: 1,
    async find() {
      const everyMs = await parts.intervalMs();
      const since = [await sinceLastTailMs(sql), sinceSyncBegunMs()].filter((ms) => ms !== null);
      if (since.some((ms) => ms < everyMs) || (await isTailCollecting(sql, silentAfterMs))) return [];
      return [{ key: ONE, run: runSync }];
    },
  };
  const part: WorkSource = {
    kind: 'part',
    atOnce: parts.partsAtOnce,
    async find() {
      const backfills = await backfillsToRead(store);
      if (backfills.length === 0) return [];
      const collecting = await partsCollecting(sql, silentAfterMs);
      const open = (await Promise.all(backfills.map((backfill) => openParts(store, backfill)))).flat();
      return open
        .filter((one) => !collecting.some((other) => isPartOf(other, one)))
        .map((found) => ({ key: partJob(found).id, run: () => jobs.part(found) }));
    },
  };
  const lane: WorkSource = {
    kind: 'lane',
    atOnce: parts.lanesAtOnce,
    find: async () => {
      const lanes = await findLanes(lookEveryMs);
      parts.outages.answered('postgresql');
      return lanes.map((found) => ({ key: laneJob(found).id, run: () => handlers.lane(found) }));
    },
  };
  const proofs: WorkSource = {
    kind: 'proofs',
    atOnce: 1,
    async find() {
      if (!(await scheduled.isWaiting()) || (await isProvingElsewhere(queue))) return [];
      return [{ key: ONE, run: () => jobs.proofs() }];
    },
  };
  return [
    { source: sync, jobOf: () => syncJob },
    { source: part, jobOf: (id) => ({ queue: BACKFILL_QUEUE, id }) },
    { source: lane, jobOf: (id) => ({ queue: POST_QUEUE, id }) },
    { source: proofs, jobOf: () => proofsJob },
  ];
}

/** What is left of a part is read as a run of its own. */
function isPartOf(inner: BackfillPart, outer: BackfillPart): boolean {
  const { from, to } = outer.window;
  return inner.backfillId === outer.backfillId && inner.window.from >= from && inner.window.to <= to;
}

/** One in our own database is away with the database, which is told by itself. */
async function examined({ queue, outages, home, registry }: DueWorkParts) {
  const isApart = home.queueBackend.schema === null;
  try {
    const faults = await queue.examine();
    if (isApart) outages.answered('queue');
    await registry.noteQueue(await queue.identify());
    return faults;
  } catch (error) {
    if (isApart) outages.failed('queue', describeError(error));
    throw error;
  }
}

/** Only the queue knows; one that does not answer keeps nobody from proving. */
async function isProvingElsewhere(queue: JobQueue): Promise<boolean> {
  try {
    return await queue.isInHand(proofsJob);
  } catch {
    return false;
  }
}
