/**
 * Composition: what a worker opens once its mirror is claimed and its ledger known: the queue, what it delivers and what is done
 * beside it. Each is handed to the closers as soon as it is open.
 */
import { SyncError } from '../../core/base/errors.js';
import { lanesDue } from '../../db/postings/due.js';
import type { Outages } from '../../observability/outages.js';
import { createJobQueue, type JobQueue } from '../../queue/job-queue.js';
import { type RunningTasks, startTasks } from '../../worker/background-tasks.js';
import type { Context } from '../context.js';
import type { Home } from '../home.js';
import { type ComposedWorker, composeWorker, type WorkerParts } from './compose-worker.js';
import { createSelfRunning } from './self-running.js';
import { createFailureTellers } from './tell-work.js';

export interface Work extends Pick<WorkerParts, 'mirror' | 'workerId' | 'ledgerWatch' | 'signal'> {
  readonly home: Home;
  readonly outages: Outages;
  /** What is opened here is added as soon as it is open; closed in reverse. */
  readonly closers: Array<() => Promise<void> | void>;
  /** Something that only a person can fix: the worker has to be stopped. */
  onFatal(error: SyncError): void;
}

/** That one process works on at the same time. */
const PARTS_AT_ONCE = 6;
export const LANES_AT_ONCE = 16;
/**
 * Some more than are drained at once: only of lanes that wait here is known that others have to make room for them. Not many, which
 * another worker could drain meanwhile.
 */
const LANES_DELIVERED = LANES_AT_ONCE + 4;

/**
 * Answers once the first looks at work and queue were taken. Throws SyncError when the worker cannot be listed.
 */
export async function startWork(context: Context, work: Work): Promise<StartedWork> {
  const { events, tally, timings } = context;
  const { home, outages, closers } = work;
  const queue = createJobQueue(home.queueBackend, (error) => events.queueClientFailed({ error: error.message }));
  closers.push(() => queue.close());
  closers.push(() => tally.flush({ all: true }));
  const { onError, onJobFailed } = createFailureTellers(events, outages);
  const worker = composeWorker(context, {
    ...{ ...work, queue, onError },
    // Called once jobs are taken: there is none before.
    wakeLane: (lane) => selfRunning.wakeLane(lane),
    queueSchema: home.queueBackend.schema?.name ?? null,
    onAlive: () => outages.answered('postgresql'),
  });
  closers.push(() => worker.posting.noted());
  await worker.identities.begin();
  const heartbeat = await beAlive(context, work, { worker, onError });
  const limits = { partsAtOnce: PARTS_AT_ONCE, lanesAtOnce: LANES_AT_ONCE };
  const selfRunning = createSelfRunning(context, { ...work, ...worker, queue, ...limits, onError, onJobFailed });
  const stopTaking = queue.work(selfRunning.handlers, {
    ...{ ...limits, lanesAtOnce: LANES_DELIVERED },
    lockMs: timings.jobLockMs,
    onJobFailed,
    onError: (error) => events.queueClientFailed({ error: error.message }),
  });
  const tasks = startTasks({ ...context, onError }, [...worker.tasks, selfRunning.lookAtWork, selfRunning.lookAtQueue]);
  // Together: a task that hangs must not keep the workers from being told.
  closers.push(async () => {
    await Promise.all([stopTaking(), tasks.stop()]);
    await selfRunning.settled();
  });
  const failed = await askAtStart(context, { queue, worker });
  if (failed === null) {
    await selfRunning.lookAtQueue.run();
    await selfRunning.lookAtWork.run();
  } else onError('start', failed);
  return { queue, lastTurns: () => new Map([...heartbeat.lastTurns(), ...tasks.lastTurns()]) };
}

export interface StartedWork {
  /** For requests; closed with the work. */
  readonly queue: JobQueue;
  /** What each background task came to last. */
  readonly lastTurns: RunningTasks['lastTurns'];
}

interface Living {
  readonly worker: ComposedWorker;
  onError(step: string, error: unknown): void;
}

/** From its end on the worker is listed as alive. */
async function beAlive(
  context: Context,
  { closers, onFatal }: Work,
  { worker, onError }: Living,
): Promise<RunningTasks> {
  closers.push(() => worker.registry.leave());
  // Listed first, then asked: `migrate` raises what is served and then looks who is listed, so one of the two sees the other.
  await worker.heartbeat.run();
  closers.push(() => worker.alarms.stop());
  const isFatal = (error: unknown): error is SyncError =>
    error instanceof SyncError && ['code_too_old', 'mirror_moved'].includes(error.code);
  const heartbeat = startTasks(
    { ...context, onError: (step, error) => (isFatal(error) ? onFatal(error) : onError(step, error)) },
    [worker.heartbeat],
  );
  closers.push(() => heartbeat.stop());
  return heartbeat;
}

interface Asking {
  readonly queue: JobQueue;
  readonly worker: ComposedWorker;
}

/** Asks of the queue what a start has to ask. Answers the fault when it did not take all of it: it is asked again. */
async function askAtStart({ config, database }: Context, { queue, worker }: Asking): Promise<unknown> {
  // What a killed worker left due; the task would look only in a while.
  const lanes = await lanesDue(database.sql);
  const asked = await Promise.allSettled([
    queue.ensureSchedule(config.syncEveryMs, { replace: true }),
    queue.requestSync('startup'),
    queue.identify().then((identity) => worker.registry.noteQueue(identity)),
    ...lanes.map((lane) => queue.wakeLane(lane)),
  ]);
  return asked.find((one) => one.status === 'rejected')?.reason ?? null;
}
