/**
 * Composition: the operations that ask Stripe and Blnk themselves, joined to one opened session, as commands are handed
 * them. Imported when one runs.
 */
import type { MoveOperation } from '../cli/mirror.js';
import type { ProveOperation } from '../cli/prove.js';
import type { RebuildOperation } from '../cli/rebuild.js';
import type { RepairOperations } from '../cli/repair.js';
import type { WorkerConfig } from '../config.js';
import { createAcceptanceStore } from '../db/acceptance-store.js';
import { readLivingWorkers } from '../db/reads/status.js';
import { createRepairStore } from '../db/repair-store.js';
import { applyRepair } from '../operations/apply-repair.js';
import { moveMirror } from '../operations/move-mirror.js';
import { planRepair } from '../operations/plan-repair.js';
import { proveNamedDays } from '../operations/prove-days.js';
import { readAudience } from '../operations/read-audience.js';
import { rebuild } from '../operations/rebuild.js';
import { createJobQueue, type JobQueue } from '../queue/job-queue.js';
import { type CrashHooks, repairStoreWithPoints } from './crash-points.js';
import { eventsOf } from './events-of.js';
import { createProver, readProvingFacts } from './proving.js';
import { type OpenedSession, openSession, type SessionOptions } from './session.js';

export interface SessionOperations
  extends ProveOperation,
    RepairOperations,
    RebuildOperation,
    MoveOperation,
    Pick<OpenedSession, 'close'> {}

export interface OperationOptions extends SessionOptions {
  /** Absent in production. */
  readonly hooks?: CrashHooks | undefined;
}

export async function openSessionOperations(
  config: WorkerConfig,
  options: OperationOptions,
): Promise<SessionOperations> {
  const session = await openSession(config, options);
  const { hooks } = options;
  const proving = { ...session, lagMs: config.syncLagMs };
  const repairing = { ...session, repair: repairPorts(session, hooks), withQueue: queueOf(session) };
  return {
    proveDays: (asked, listener) =>
      proveNamedDays(
        {
          ...session,
          readProvingFacts: () => readProvingFacts(proving),
          createProver: (facts) => createProver(proving, facts, { isAsked: true }),
        },
        asked,
        listener,
      ),
    planRepair: (asked) => planRepair(repairing, asked),
    applyRepair: (asked) => applyRepair(repairing, asked),
    rebuild: (asked, listener) =>
      rebuild(session, asked, {
        ...listener,
        async update(progress) {
          await listener.update(progress);
          await hooks?.at('rebuild.page_stored');
        },
      }),
    moveMirror: (asked) => moveMirror(session, asked),
    readAudience: () =>
      readAudience({
        reads: { livingWorkers: () => readLivingWorkers(session.database.db) },
        requests: { queue: () => repairing.withQueue((queue) => queue.identify()) },
      }),
    close: () => session.close(),
  };
}

function repairPorts({ database, vendors, version }: OpenedSession, hooks: CrashHooks | undefined) {
  return {
    store: repairStoreWithPoints(createRepairStore(database.db, version), hooks),
    accepted: createAcceptanceStore(database.db, version),
    stripe: vendors.stripeSide,
    ledger: vendors.ledgerSide,
  };
}

/** Opened only where something is asked of it: nothing else needs the queue to be there. */
function queueOf({ home, log }: OpenedSession) {
  return async <Result>(work: (queue: JobQueue) => Promise<Result>): Promise<Result> => {
    const events = eventsOf(log);
    const queue = createJobQueue(home.queueBackend, (error) => events.queueClientFailed({ error: error.message }));
    try {
      return await work(queue);
    } finally {
      await queue.close();
    }
  };
}
