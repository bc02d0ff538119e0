/** Asks the workers for a run of the tail, as the schedule does. */
import { SyncError } from '../core/base/errors.js';
import { orRefuse } from '../core/base/refusal.js';
import { readAudience } from './read-audience.js';
import type { RequestPorts } from './request-ports.js';

export interface SyncRequested {
  /**
   * Requests merge on the queue, so the run that serves this one is known only by its start, on the database's clock: the
   * first one after this time.
   */
  readonly requestedAt: Date;
}

/** Throws Refusal, because nothing was asked for then: `queue_not_served` when no living worker would hear it. */
export function requestSync(ports: Pick<RequestPorts, 'reads' | 'requests'>): Promise<SyncRequested> {
  return orRefuse(async () => {
    const requestedAt = await ports.reads.databaseNow();
    const { unserved } = await readAudience(ports);
    if (unserved !== null) {
      throw new SyncError(`${unserved}. Nothing was asked for`, { kind: 'fatal', code: 'queue_not_served' });
    }
    await ports.requests.sync('manual');
    return { requestedAt };
  });
}
