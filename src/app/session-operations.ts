/**
 * Composition: the operations that ask Stripe and Blnk themselves, joined to one opened session, as commands are handed
 * them. Imported when one runs.
 */
import type { MoveOperation } from '../cli/mirror.js';
import type { ProveOperation } from '../cli/prove.js';
import type { RebuildOperation } from '../cli/rebuild.js';
import type { RepairOperations } from '../cli/repair.js';
import type { WorkerConfig } from '../config.js';
import { readLivingWorkers } from '../db/reads/status.js';
import { applyRepair } from '../operations/apply-repair.js';
import { moveMirror } from '../operations/move-mirror.js';
import { planRepair } from '../operations/plan-repair.js';
import { proveNamedDays } from '../operations/prove-days.js';
import { readAudience } from '../operations/read-audience.js';
import { rebuild } from '../operations/rebuild.js';
import { createJobQueue, type JobQueue } from '../queue/job-queue.js';
import { createProver, readProvingFacts } from './proving.js';
import { createRepairPorts } from './repair-ports.js';
import { type OpenedSession, openSession, type SessionOptions } from './session.js';

export interface SessionOperations
  extends ProveOperation,
    RepairOperations,
    RebuildOperation,
    MoveOperation,
    Pick<OpenedSession, 'close'> {}

export async function openSessionOperations(config: WorkerConfig, options: SessionOptions): Promise<SessionOperations> {
  const session = await openSession(config, options);
  const repairing = { ...session, repair: createRepairPorts(session), withQueue: queueOf(session) };
  return {
    proveDays: (asked, listener) =>
      proveNamedDays(
        {
          ...session,
          readProvingFacts: () => readProvingFacts(session),
          createProver: (facts) => createProver(session, facts, { isAsked: true }),
        },
        asked,
        listener,
      ),
    planRepair: (asked, listener) => planRepair(repairing, asked, listener),
    applyRepair: (asked, listener) => applyRepair(repairing, asked, listener),
    ...session.decorate('rebuild', { rebuild: (asked, listener) => rebuild(session, asked, listener) }),
    moveMirror: (asked) => moveMirror(session, asked),
    readAudience: () =>
      readAudience({
        reads: { livingWorkers: () => readLivingWorkers(session.database.db) },
        requests: { queue: () => repairing.withQueue((queue) => queue.identify()) },
      }),
    close: () => session.close(),
  };
}

/** Opened only where something is asked of it: nothing else needs the queue to be there. */
function queueOf({ home, events }: OpenedSession) {
  return async <Result>(work: (queue: JobQueue) => Promise<Result>): Promise<Result> => {
    const queue = createJobQueue(home.queueBackend, (error) => events.queueClientFailed({ error: error.message }));
    try {
      return await work(queue);
    } finally {
      await queue.close();
    }
  };
}
