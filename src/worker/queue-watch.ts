/**
 * What keeps the queue from delivering, as this worker sees it: logged when it changes, and noted for `status`. Clears what
 * only damage leaves behind (keys of jobs that are lost); what somebody set on the queue is told and left as it is.
 */
import type { Clock } from '../core/base/clock.js';
import { describeError, SyncError } from '../core/base/errors.js';
import { MINUTE_MS, SECOND_MS } from '../core/base/window.js';
import { describeQueueFault, type QueueFault } from '../core/queue/queue-fault.js';
import type { QueuedJob } from '../core/queue/queue-identity.js';

export interface QueueWatchPorts {
  readonly clock: Clock;
  examine(): Promise<readonly QueueFault[]>;
  /** @returns whether the job was lost, and its key is gone now */
  release(job: QueuedJob): Promise<boolean>;
  /** Makes the schedule anew where its next tick was lost. @returns whether it was */
  restartSchedule(): Promise<boolean>;
  /** For `status`; keeps the time at which a fault was noted first. */
  note(faults: readonly QueueFault[]): Promise<void>;
  /** Other faults than before; without any the queue delivers again. */
  onChange(lines: readonly string[]): void;
}

export interface QueueWatch {
  /** Work that was due and that this worker had to begin by itself. */
  missed(job: QueuedJob): void;
  /** The queue handed a job to this worker: what it had not delivered before was late, and is no fault. */
  delivered(queue: string): void;
  /** One look at the queue. */
  look(): Promise<void>;
  /** Whether it did not answer at the last look. */
  isAway(): boolean;
}

/** A loss is over as soon as it is told, and its cause may not be: it is shown for a while. */
const SHOWN_FOR_MS = { jobs_lost: 10 * MINUTE_MS, not_delivered: 3 * MINUTE_MS };

/**
 * After an outage: its ticks are late and BullMQ's workers connect again within this time, so what was missed until then is
 * the outage's doing and no loss.
 */
const RECOVERS_WITHIN_MS = 20 * SECOND_MS;

/** Of the names of what was not delivered. */
const NAMES_MAX = 5;

export function createQueueWatch(ports: QueueWatchPorts): QueueWatch {
  const missed = new Map<string, QueuedJob>();
  /** By queue and kind. */
  const losses = new Map<string, { readonly fault: QueueFault; readonly untilMs: number }>();
  const suspectedAtMs = new Map<string, number>();
  let told = '';
  let isAway = false;
  let awayAtMs: number | null = null;
  const isRecovering = (): boolean => awayAtMs !== null && ports.clock.monotonicMs() - awayAtMs < RECOVERS_WITHIN_MS;

  const remember = (fault: QueueFault & { readonly kind: keyof typeof SHOWN_FOR_MS }): void => {
    const untilMs = ports.clock.monotonicMs() + SHOWN_FOR_MS[fault.kind];
    losses.set(`${fault.kind} ${fault.queue}`, { fault, untilMs });
  };

  /** Whether it did not deliver a short while ago either, and nothing since. */
  const isSuspected = (queue: string): boolean => {
    const nowMs = ports.clock.monotonicMs();
    const before = suspectedAtMs.get(queue);
    suspectedAtMs.set(queue, nowMs);
    return before !== undefined && nowMs - before < SHOWN_FOR_MS.not_delivered;
  };

  /** Of a queue that delivers as far as it reports: what was missed is lost, or nobody knows why. */
  const explainMissed = async (faults: readonly QueueFault[]): Promise<void> => {
    const jobs = [...missed.values()].filter((job) => !faults.some(({ queue }) => queue === job.queue));
    missed.clear();
    for (const queue of new Set(jobs.map((job) => job.queue))) {
      const ids = jobs.filter((job) => job.queue === queue).map(({ id }) => id);
      const lost: string[] = [];
      for (const id of ids) if (await ports.release({ queue, id })) lost.push(id);
      if (jobs.some((job) => job.isScheduled && job.queue === queue) && (await ports.restartSchedule())) {
        lost.push('the schedule');
      }
      if (isRecovering()) continue;
      const names = lost.length > 0 ? lost : ids;
      const detail = names.slice(0, NAMES_MAX).join(', ');
      if (lost.length > 0) remember({ kind: 'jobs_lost', queue, detail });
      // Once may be a machine that is busy.
      else if (isSuspected(queue)) remember({ kind: 'not_delivered', queue, detail });
    }
  };

  const find = async (): Promise<QueueFault[]> => {
    const nowMs = ports.clock.monotonicMs();
    for (const [name, { untilMs }] of losses) if (untilMs <= nowMs) losses.delete(name);
    try {
      const faults = await ports.examine();
      await explainMissed(faults);
      const remembered = [...losses.values()].map(({ fault }) => fault);
      return [...faults, ...remembered.filter(({ queue }) => !faults.some((fault) => fault.queue === queue))];
    } catch (error) {
      missed.clear();
      return [{ kind: 'unreachable', queue: null, detail: reasonOf(error) }];
    }
  };

  return {
    missed: (job) => void missed.set(`${job.queue} ${job.id}`, job),
    delivered: (queue) => void suspectedAtMs.delete(queue),
    isAway: () => isAway,
    async look() {
      const faults = await find();
      isAway = faults.some(({ kind }) => kind === 'unreachable');
      if (isAway) awayAtMs = ports.clock.monotonicMs();
      const now = faults.map(({ kind, queue }) => `${kind} ${queue}`).join();
      if (now === told && now === '') return;
      if (now !== told) ports.onChange(faults.map(describeQueueFault));
      await ports.note(faults);
      told = now;
    },
  };
}

/** The cause holds what the server answered; the message around it is for whoever starts a worker. */
function reasonOf(error: unknown): string {
  const cause = error instanceof SyncError && error.cause !== undefined ? error.cause : error;
  return describeError(cause);
}
