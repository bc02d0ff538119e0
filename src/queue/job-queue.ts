/**
 * The queue only wakes. Every job is deduplicated, carries no truth, and may be lost: workers ask the database for work
 * from a plain timer as well. Jobs are never retried by BullMQ (`attempts: 1`); what is to be done again stands in
 * PostgreSQL, and a delayed job would swallow the wakes that come in meanwhile.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Processor } from 'bullmq';
import type { BackfillPart } from '../collect/ports.js';
import { SyncError } from '../core/base/errors.js';
import { withinTime } from '../core/base/within-time.js';
import type { Trigger } from '../core/coverage/sync-run.js';
import { type Lane, laneName } from '../core/posting/posting.js';
import type { QueueFault } from '../core/queue/queue-fault.js';
import type { QueuedJob, QueueIdentity } from '../core/queue/queue-identity.js';
import { createCallLimit } from './call-limit.js';
import type { BackedQueue, BackedWorker, QueueBackend } from './connection.js';
import {
  BACKFILL_QUEUE,
  LANE_JOB,
  PART_JOB,
  POST_QUEUE,
  PROVE_JOB,
  PROVE_QUEUE,
  readLanePayload,
  readPartPayload,
  readSyncPayload,
  SYNC_JOB,
  SYNC_QUEUE,
  TICK_JOB,
} from './payload.js';
import { examineQueue, releaseStale } from './queue-state.js';

export interface JobQueue {
  /** A request while one runs makes one follow-up; a request while one waits is the same one. */
  requestSync(trigger: Trigger): Promise<void>;
  requestPart(part: BackfillPart): Promise<void>;
  wakeLane(lane: Lane): Promise<void>;
  /** While proofs run, what is due then is known: a request meanwhile (somebody accepted a difference) makes one more turn. */
  requestProofs(): Promise<void>;
  /** Makes sure of the one job scheduler. With `replace` also of its interval; else an existing one is left alone. */
  ensureSchedule(everyMs: number, options: { readonly replace: boolean }): Promise<void>;
  /**
   * Makes the schedule anew unless its next tick is at hand. One that was dated by a process whose clock was ahead would come
   * when that time has come, one whose job was lost never, and neither a new worker nor the same interval moves it.
   * Answers whether it was made anew.
   */
  restartSchedule(everyMs: number): Promise<boolean>;
  /** What keeps jobs from being delivered; empty when nothing does. Throws SyncError when the queue does not answer. */
  examine(): Promise<QueueFault[]>;
  /** Which queue it is. Throws SyncError when it does not answer. */
  identify(): Promise<QueueIdentity>;
  /**
   * Of work that was asked for and not delivered: where the job that stands for it is lost, its deduplication key goes, which
   * would swallow every further request. Answers whether there was such a key.
   */
  release(job: QueuedJob): Promise<boolean>;
  /** Whether some worker has this job in hand, as far as the queue knows. */
  isInHand(job: QueuedJob): Promise<boolean>;
  /** Takes jobs from when the queue answers. The result stops taking new ones and waits for those in hand. */
  work(handlers: JobHandlers, options: WorkOptions): () => Promise<void>;
  close(): Promise<void>;
}

export const syncJob: QueuedJob = { queue: SYNC_QUEUE, id: SYNC_JOB, isScheduled: true };
export const proofsJob: QueuedJob = { queue: PROVE_QUEUE, id: PROVE_JOB };
export const laneJob = (lane: Lane): QueuedJob => ({ queue: POST_QUEUE, id: laneName(lane) });
export const partJob = ({ backfillId, window }: BackfillPart): QueuedJob => ({
  queue: BACKFILL_QUEUE,
  id: `${backfillId}:${window.from.toISOString()}`,
});

const QUEUES = [SYNC_QUEUE, BACKFILL_QUEUE, POST_QUEUE, PROVE_QUEUE];

export interface JobHandlers {
  /** Whether a tick of the schedule requests a sync now. */
  isDue(): Promise<boolean>;
  sync(trigger: Trigger): Promise<void>;
  part(part: BackfillPart): Promise<void>;
  /** @param mayGoOn absent: until nothing of it is due */
  lane(lane: Lane, mayGoOn?: () => boolean): Promise<void>;
  /** One turn of proving the days that are due. */
  proofs(): Promise<void>;
}

export interface WorkOptions {
  /** Backfill parts read at the same time by this process. */
  readonly partsAtOnce: number;
  /** Lanes taken from the queue at the same time by this process. */
  readonly lanesAtOnce: number;
  /** BullMQ's lock on a job in hand; renewed at half of it, and only when the process is stuck does it run out. */
  readonly lockMs: number;
  onJobFailed(job: { readonly name: string; readonly error: Error }): void;
  onError(error: Error): void;
}

/** Finished jobs are kept for a look at the queue, not as a history: that is `sync_runs`. */
const KEEP_COMPLETED = { count: 100 };
const KEEP_FAILED = { count: 500 };
const EVENTS_MAX = 1_000;
const JOB_OPTIONS = { attempts: 1, removeOnComplete: KEEP_COMPLETED, removeOnFail: KEEP_FAILED };

/**
 * BullMQ's own ids come from a sequence, which a server with `wal_level = minimal` may begin anew after a crash. A job whose
 * id was used before is silently not added, yet its deduplication key points at it for ever: that lane would never wake.
 */
const newJobId = (): string => randomUUID();

/** BullMQ's closing sends a command to the server; when that is away it would wait for ever. What it holds there runs out by itself. */
const CLOSE_WITHIN_MS = 3_000;

/** The one scheduler; its id is what keeps two workers from making two. */
const SCHEDULER_ID = 'stripe-blnk-sync';
/** A tick that is later than this was lost, where a worker has room for it. */
const TICK_LATE_MS = 1_000;
const TICK = { name: TICK_JOB, data: {}, opts: JOB_OPTIONS };

export function createJobQueue(backend: QueueBackend, onError: (error: Error) => void): JobQueue {
  const queues = new Map<string, BackedQueue>();
  const open = (name: string): BackedQueue => {
    const existing = queues.get(name);
    if (existing !== undefined) return existing;
    const queue = backend.queue(name, { defaultJobOptions: JOB_OPTIONS, streams: { events: { maxLen: EVENTS_MAX } } });
    queue.on('error', onError);
    queues.set(name, queue);
    return queue;
  };
  const limit = createCallLimit(backend.lastFault);
  const ask = async <Result>(name: string, call: (queue: BackedQueue) => Promise<Result>): Promise<Result> => {
    await backend.beforeCall();
    return limit(() => call(open(name)));
  };
  /** What is asked for while the job runs makes it run once more: it looked at what is due before. */
  const addOnce = async (job: QueuedJob, name: string, payload: object): Promise<void> => {
    const deduplication = { id: job.id, keepLastIfActive: true };
    await ask(job.queue, (queue) => queue.add(name, payload, { ...JOB_OPTIONS, jobId: newJobId(), deduplication }));
  };

  return {
    requestSync: (trigger) => addOnce(syncJob, SYNC_JOB, { trigger }),

    requestPart: (part) => {
      const { from, to } = part.window;
      const payload = { backfillId: part.backfillId, from: from.toISOString(), to: to.toISOString() };
      return addOnce(partJob(part), PART_JOB, payload);
    },

    wakeLane: (lane) => addOnce(laneJob(lane), LANE_JOB, { source: lane.source, currency: lane.currency }),

    requestProofs: () => addOnce(proofsJob, PROVE_JOB, {}),

    async ensureSchedule(everyMs, { replace }) {
      const existing = await ask(SYNC_QUEUE, (queue) => queue.getJobScheduler(SCHEDULER_ID));
      // Writing the same schedule again would move its next tick: done every minute, it would never tick.
      if (existing !== undefined && (!replace || existing.every === everyMs)) return;
      await ask(SYNC_QUEUE, (queue) => queue.upsertJobScheduler(SCHEDULER_ID, { every: everyMs }, TICK));
    },

    async restartSchedule(everyMs) {
      const next = (await ask(SYNC_QUEUE, (queue) => queue.getJobScheduler(SCHEDULER_ID)))?.next;
      // BullMQ dates ticks by the clock of the process, as we do here.
      const inMs = next === undefined ? null : next - Date.now();
      if (inMs !== null && inMs >= -TICK_LATE_MS && inMs <= 2 * everyMs) return false;
      await ask(SYNC_QUEUE, (queue) => queue.removeJobScheduler(SCHEDULER_ID));
      await ask(SYNC_QUEUE, (queue) => queue.upsertJobScheduler(SCHEDULER_ID, { every: everyMs }, TICK));
      return true;
    },

    async examine() {
      // A replica answers every question: only what writes finds out that it is one.
      await limit(() => backend.assertWritable());
      const found = await Promise.all([
        limit(() => backend.examineServer()),
        ...QUEUES.map((name) => ask(name, (queue) => examineQueue(name, queue))),
      ]);
      return found.flat();
    },

    async identify() {
      await backend.beforeCall();
      return limit(() => backend.identify());
    },

    release: (job) => ask(job.queue, (queue) => releaseStale(queue, job.id)),

    isInHand: (job) =>
      ask(job.queue, async (queue) => {
        const jobId = await queue.getDeduplicationJobId(job.id);
        return jobId !== null && (await queue.getJobState(jobId)) === 'active';
      }),

    work(handlers, options) {
      const inHand = new Set<Promise<unknown>>();
      const start = (name: string, processor: Processor, concurrency: number): BackedWorker => {
        const handle: Processor = async (...args) => {
          const handling = Promise.resolve(processor(...args));
          inHand.add(handling);
          return handling.finally(() => inHand.delete(handling));
        };
        const worker = backend.worker(name, handle, {
          // Started below, once the backend is known to answer: one that starts during an outage spins for ever.
          autorun: false,
          concurrency,
          lockDuration: options.lockMs,
          stalledInterval: options.lockMs,
          // A job that stalled ran in a worker that is gone; running it again is harmless, so it is never failed for it.
          maxStalledCount: 1_000,
          drainDelay: 5,
          // After an outage; BullMQ's own 15 s would keep payments waiting for nothing.
          runRetryDelay: 5_000,
          removeOnComplete: KEEP_COMPLETED,
          removeOnFail: KEEP_FAILED,
        });
        worker.on('error', options.onError);
        worker.on('failed', (job, error) => options.onJobFailed({ name: job?.name ?? name, error }));
        return worker;
      };
      const requestSync = this.requestSync;
      const workers = [
        start(SYNC_QUEUE, (job) => runSyncQueueJob(job, handlers, requestSync), 2),
        start(BACKFILL_QUEUE, (job) => handlers.part(toPart(job.data)), options.partsAtOnce),
        start(POST_QUEUE, (job) => handlers.lane(readLanePayload(job.data)), options.lanesAtOnce),
        start(PROVE_QUEUE, () => handlers.proofs(), 1),
      ];
      Promise.all(workers.map((worker) => worker.waitUntilReady())).then(() => {
        for (const worker of workers) worker.run().catch(options.onError);
      }, options.onError);
      return async () => {
        const closed = Promise.all(workers.map((worker) => worker.close()));
        closed.catch(options.onError);
        await Promise.allSettled(inHand);
        await untilClosed(closed);
      };
    },

    async close() {
      await untilClosed(Promise.all([...queues.values()].map((queue) => queue.close())));
    },
  };
}

async function untilClosed(closed: Promise<unknown>): Promise<void> {
  await withinTime(closed, {
    sleep: (over) => sleep(CLOSE_WITHIN_MS, undefined, { signal: over }),
    whenLate: () => undefined,
  });
}

async function runSyncQueueJob(
  job: { readonly name: string; readonly data: unknown },
  handlers: JobHandlers,
  requestSync: JobQueue['requestSync'],
): Promise<void> {
  if (job.name === TICK_JOB) {
    if (await handlers.isDue()) await requestSync('schedule');
    return;
  }
  if (job.name === SYNC_JOB) return handlers.sync(readSyncPayload(job.data).trigger);
  throw new SyncError(`No job is named ${JSON.stringify(job.name)} here; allowed is ${SYNC_JOB}`, {
    kind: 'unpostable',
    code: 'bad_payload',
  });
}

function toPart(payload: unknown): BackfillPart {
  const { backfillId, from, to } = readPartPayload(payload);
  return { backfillId, window: { from, to } };
}
