/** What a queue reports of itself, and what is left of jobs that it lost. Looks, and removes nothing but keys without a job. */
import type { QueueFault } from '../core/queue/queue-fault.js';
import type { BackedQueue } from './connection.js';

/** What somebody set on the queue that keeps it from delivering. It is their decision, so it is told and left as it is. */
export async function examineQueue(name: string, queue: BackedQueue): Promise<QueueFault[]> {
  const [isPaused, concurrency, rateLimit, limitedForMs] = await Promise.all([
    queue.isPaused(),
    queue.getGlobalConcurrency(),
    queue.getGlobalRateLimit(),
    queue.getRateLimitTtl(),
  ]);
  const faults: QueueFault[] = [];
  if (isPaused) faults.push({ kind: 'paused', queue: name, detail: '' });
  if (concurrency !== null && concurrency < 1) faults.push({ kind: 'concurrency_zero', queue: name, detail: '' });
  if (rateLimit !== null) {
    const detail = `${rateLimit.max} jobs in ${rateLimit.duration} ms`;
    faults.push({ kind: 'rate_limited', queue: name, detail });
  } else if (limitedForMs > 0) {
    faults.push({ kind: 'rate_limited', queue: name, detail: `no job for ${Math.ceil(limitedForMs / 1_000)} s` });
  }
  return faults;
}

/** A job that will be delivered, or is in hand. */
const LIVING_STATES = ['waiting', 'active', 'delayed', 'prioritized', 'waiting-children'];

/** @returns whether the key pointed at a job that is not there any more, and is removed */
export async function releaseStale(queue: BackedQueue, deduplicationId: string): Promise<boolean> {
  const jobId = await queue.getDeduplicationJobId(deduplicationId);
  if (jobId === null) return false;
  const [job, state] = await Promise.all([queue.getJob(jobId), queue.getJobState(jobId)]);
  if (job !== undefined && LIVING_STATES.includes(state)) return false;
  await queue.removeDeduplicationKey(deduplicationId);
  return true;
}
