/** Whom a request reaches: it needs a worker, and one that takes jobs from the same queue. */
import { unservedText } from '../core/queue/queue-identity.js';
import type { RequestPorts } from './request-ports.js';

export interface Audience {
  /** How many workers live. */
  readonly workers: number;
  /** Why none of them would hear a request; null when one may, when there is none, and while the queue does not answer. */
  readonly unserved: string | null;
}

export interface AudiencePorts {
  readonly reads: Pick<RequestPorts['reads'], 'livingWorkers'>;
  readonly requests: Pick<RequestPorts['requests'], 'queue'>;
}

export async function readAudience({ reads, requests }: AudiencePorts): Promise<Audience> {
  const served = (await reads.livingWorkers()).map(({ queue }) => queue);
  if (served.length === 0) return { workers: 0, unserved: null };
  // When it does not answer, the request itself reports it.
  const own = await requests.queue().catch(() => null);
  return { workers: served.length, unserved: own === null ? null : unservedText(own, served) };
}
