/**
 * Composition: what pages and API ask of Stripe and Blnk themselves, beside the worker or without one. A session is opened for each,
 * on the connections of the pages and within the limits that all processes share.
 */
import type { WorkerConfig } from '../../config/config.js';
import type { Actor } from '../../core/base/action.js';
import { SyncError } from '../../core/base/errors.js';
import { Refusal } from '../../core/base/refusal.js';
import { formatCount } from '../../core/base/time-text.js';
import { MINUTE_MS, SECOND_MS } from '../../core/base/window.js';
import type { PlanOutcome } from '../../core/repair/repair-plan.js';
import { noteActions } from '../../db/actions/action-store.js';
import type { Database } from '../../db/connection/open.js';
import type { ReadModel } from '../../db/reads/read-model.js';
import type { Events } from '../../observability/events.js';
import type { AskSides } from '../../operations/ask-sides.js';
import { comparePayment } from '../../operations/compare-payment.js';
import { createSingleWork, tookTooLong } from '../../operations/single-work.js';
import type { JobQueue } from '../../queue/job-queue.js';
import type { Overrides } from '../overrides.js';
import { systemClock } from '../system-clock.js';
import { createRepairOperations } from './repair-operations.js';
import { type JoinedSession, joinSession } from './session.js';

export interface SidesParts {
  readonly database: Database;
  readonly queue: JobQueue;
  readonly events: Events;
  readonly reads: Pick<ReadModel, 'show'>;
  readonly overrides?: Overrides | undefined;
}

export interface OpenedSides extends AskSides {
  /** Ends what is at work at its next request, and waits for it. */
  close(): Promise<void>;
}

const COMPARED_AT_ONCE = 4;
const COMPARE_WITHIN_MS = 20 * SECOND_MS;
const REPAIR_WITHIN_MS = 15 * MINUTE_MS;
/** Proxies give up after a minute, people before. */
const ANSWER_WITHIN_MS = 10 * SECOND_MS;

export function openSides(
  config: WorkerConfig,
  { database, queue, events, reads, overrides }: SidesParts,
): OpenedSides {
  const stopping = new AbortController();
  const repairs = createSingleWork({
    ...{ clock: systemClock, now: () => new Date(), signal: stopping.signal },
    ...{ limitMs: REPAIR_WITHIN_MS, answerWithinMs: ANSWER_WITHIN_MS },
  });
  const comparing = new Set<Promise<unknown>>();
  const inSession = async <Result>(signal: AbortSignal, work: (session: JoinedSession) => Promise<Result>) => {
    const session = await joinSession(config, { database, events, signal, overrides });
    try {
      return await work(session);
    } finally {
      await session.vendors.close();
    }
  };
  const repairIn = (session: JoinedSession, actor: Actor) =>
    createRepairOperations({ ...session, withQueue: (work) => work(queue) }, (actions) =>
      noteActions(database.db, actor, actions),
    );
  return {
    whyNot: null,
    async compare(reference) {
      if (comparing.size >= COMPARED_AT_ONCE) throw tooMany();
      const late = AbortSignal.timeout(COMPARE_WITHIN_MS);
      const compared = inSession(AbortSignal.any([stopping.signal, late]), (session) =>
        comparePayment({ ...session, reads }, reference),
      );
      comparing.add(compared);
      try {
        return await compared;
      } catch (error) {
        throw late.aborted ? tookTooLong(COMPARE_WITHIN_MS, error) : error;
      } finally {
        comparing.delete(compared);
      }
    },
    planRepair: (actor, asked) =>
      repairs.take(
        { what: 'plan', subject: null, by: actor },
        ({ signal, onProgress }) =>
          inSession(signal, (session) =>
            repairIn(session, actor).planRepair({ ...asked, by: actor.name }, { onProgress }),
          ),
        nothingPlanned,
      ),
    applyRepair: (actor, asked) =>
      repairs.take({ what: 'apply', subject: asked.plan, by: actor }, ({ signal, onProgress }) =>
        inSession(signal, (session) =>
          repairIn(session, actor).applyRepair({ ...asked, by: actor.name }, { onProgress }),
        ),
      ),
    current: repairs.current,
    last: repairs.last,
    async close() {
      stopping.abort();
      await Promise.allSettled([repairs.settled(), ...comparing]);
    },
  };
}

/** Null: there is a plan, which says it all. */
function nothingPlanned({ plan, days, reported, left }: PlanOutcome): string | null {
  if (plan !== null) return null;
  if (days.length === 0) return 'no day that was asked for is proven broken or open';
  return `days looked at: ${formatCount(days.length)}; for a person to decide: ${formatCount(reported.length)}; nothing to do, or not yet: ${formatCount(left.length)}`;
}

/** For a process that has no keys. */
export function withoutKeys(why: string): OpenedSides {
  const refuse = async (): Promise<never> => {
    throw new Refusal(new SyncError(why, { kind: 'fatal', code: 'http_without_keys' }));
  };
  return {
    whyNot: why,
    ...{ compare: refuse, planRepair: refuse, applyRepair: refuse },
    ...{ current: () => null, last: () => null, close: async () => {} },
  };
}

function tooMany(): Refusal {
  return new Refusal(
    new SyncError(`${COMPARED_AT_ONCE} payments are being compared already; ask again in a moment`, {
      kind: 'transient',
      code: 'repair_in_hand',
    }),
  );
}
