/**
 * What keeps the queue from delivering jobs, as a worker found it. The queue only wakes, so none of this stops the work:
 * workers run what is due themselves. It is told so that a person puts the queue right.
 */
import { withoutFullStop } from '../base/errors.js';

/**
 * `paused`, `concurrency_zero`, `rate_limited`: set on the queue by somebody, and left as it is. `unreachable`: no answer,
 * or one that refuses every command. `jobs_lost`: keys of the queue are gone; what blocked it was cleared. `not_delivered`:
 * work was due for longer than the grace although nothing of the above is so. `evicts`: it delivers, and its Redis may drop
 * keys when its memory is full.
 */
export type QueueFaultKind =
  | 'paused'
  | 'concurrency_zero'
  | 'rate_limited'
  | 'unreachable'
  | 'jobs_lost'
  | 'not_delivered'
  | 'evicts';

export interface QueueFault {
  readonly kind: QueueFaultKind;
  /** The name of the queue in BullMQ; null when it is all of them. */
  readonly queue: string | null;
  /** The server's words, the limit, or what was lost; empty when the kind is enough. */
  readonly detail: string;
}

/** With the time at which this worker saw it first, by the database's clock. */
export interface NotedQueueFault extends QueueFault {
  readonly since: Date;
}

/** One line for a fault, for logs and for `status`. */
export function describeQueueFault({ kind, queue, detail }: QueueFault): string {
  const name = queue === null ? 'The queue' : `The queue ${queue}`;
  const more = detail === '' ? '' : `: ${withoutFullStop(detail)}`;
  switch (kind) {
    case 'paused':
      return `${name} is paused. Resume it where it was paused (a queue dashboard, or BullMQ's resume())`;
    case 'concurrency_zero':
      return `${name} has a global concurrency of 0, so it delivers no job. Remove it (BullMQ's removeGlobalConcurrency())`;
    case 'rate_limited':
      return `${name} is rate-limited${more}. Remove the limit (BullMQ's removeGlobalRateLimit())`;
    case 'unreachable':
      return `${name} does not answer${more}. Check the server that keeps it`;
    case 'jobs_lost':
      return (
        `${name} lost jobs${more}. What blocked it was cleared, and what is due is found without them. ` +
        'If it comes again and the queue is in Redis, its maxmemory-policy has to be noeviction'
      );
    case 'not_delivered':
      return `${name} did not deliver what was due${more}`;
    case 'evicts':
      return `${name} is in a Redis that evicts keys when its memory is full${more}. Forbid that: redis-cli config set maxmemory-policy noeviction`;
    default:
      return kind satisfies never;
  }
}
