/**
 * Composition: the operations that ask Stripe and Blnk themselves, joined to one opened session, as commands are handed
 * them. Imported when one runs.
 */
import type { AccountsOperation } from '../../cli/accounts.js';
import type { MoveOperation } from '../../cli/mirror.js';
import type { ProveOperation } from '../../cli/prove.js';
import type { RebuildOperation } from '../../cli/rebuild.js';
import type { RepairOperations } from '../../cli/repair.js';
import type { WorkerConfig } from '../../config/config.js';
import { type Actor, refuseUnkeptTexts } from '../../core/base/action.js';
import { noteActions } from '../../db/actions/action-store.js';
import { findMirror } from '../../db/mirror/mirror-store.js';
import { readAccounts } from '../../db/reads/accounts.js';
import { readLivingWorkers } from '../../db/reads/status.js';
import { checkAccountsNow } from '../../operations/check-accounts.js';
import { moveMirror } from '../../operations/move-mirror.js';
import { type NoteActions, noted, proofAction } from '../../operations/note-actions.js';
import { proveNamedDays } from '../../operations/prove-days.js';
import { readAudience } from '../../operations/read-audience.js';
import { rebuild } from '../../operations/rebuild.js';
import { createJobQueue, type JobQueue } from '../../queue/job-queue.js';
import { checkAccounts } from '../stages/accounts.js';
import { createProver, readProvingFacts } from '../stages/proving.js';
import { createRepairOperations } from './repair-operations.js';
import { type OpenedSession, openSession, type SessionOptions } from './session.js';

export interface SessionOperations
  extends ProveOperation,
    RepairOperations,
    RebuildOperation,
    MoveOperation,
    AccountsOperation,
    Pick<OpenedSession, 'close'> {}

export async function openSessionOperations(config: WorkerConfig, options: SessionOptions): Promise<SessionOperations> {
  refuseUnkeptTexts({ by: options.userName ?? null });
  const session = await openSession(config, options);
  const withQueue = queueOf(session);
  const actor: Actor = { name: options.userName ?? 'unknown', origin: 'cli' };
  const note: NoteActions = (actions) => noteActions(session.database.db, actor, actions);
  return {
    proveDays: (asked, listener) =>
      noted(
        note,
        () =>
          proveNamedDays(
            {
              ...session,
              readProvingFacts: () => readProvingFacts(session),
              createProver: (facts) => createProver(session, facts),
            },
            asked,
            listener,
          ),
        proofAction,
      ),
    ...createRepairOperations({ ...session, withQueue }, note),
    ...session.decorate('rebuild', {
      rebuild: (asked, listener) =>
        noted(
          note,
          () => rebuild(session, asked, listener),
          (result) =>
            result && { kind: 'rebuild', subject: result.mirrorId, result: result.complete ? 'done' : 'interrupted' },
          async () => {
            const mirror = await findMirror(session.database.db);
            if (mirror === null) return null;
            return { kind: 'rebuild', subject: mirror.mirrorId, result: 'interrupted' };
          },
        ),
    }),
    moveMirror: (asked) =>
      noted(
        note,
        () => moveMirror(session, asked),
        ({ moved, from, to }) => (moved ? { kind: 'move', subject: to, result: `moved from ${from}` } : null),
      ),
    checkAccounts: () =>
      checkAccountsNow({
        ...session,
        checkAccounts: (mirror) => checkAccounts(session, mirror),
        readAccounts: () => readAccounts(session.database.db),
      }),
    readAudience: () =>
      readAudience({
        reads: { livingWorkers: () => readLivingWorkers(session.database.db) },
        requests: { queue: () => withQueue((queue) => queue.identify()) },
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
