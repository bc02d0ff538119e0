/**
 * Operations that leave behind who asked for what, and what came of it. Noted once it is done, or failed with a part of it done: an
 * entry says what happened, and what fails before anything is changed leaves none.
 */
import { type Action, refuseUnkeptTexts } from '../core/base/action.js';
import { Refusal } from '../core/base/refusal.js';
import { formatTime } from '../core/base/time-text.js';
import { CERTIFICATE_STATES, type CertificateState, worstFirst } from '../core/proof/certificate.js';
import type { ItemState, RepairPlan } from '../core/repair/repair-plan.js';
import type { DismissOutcome, RetryOutcome } from '../db/postings/parked-store.js';
import type { RetrySelection } from '../db/postings/retry.js';
import type { DaysProven } from './prove-days.js';
import type { RequestOperations } from './request-operations.js';

/** Keeps them, with who asked and from where. */
export type NoteActions = (actions: readonly Action[]) => Promise<void>;

export function noteRequests(operations: RequestOperations, note: NoteActions): RequestOperations {
  return {
    ...operations,
    async requestSync() {
      const requested = await operations.requestSync();
      await note([{ kind: 'sync', subject: null, why: null, result: 'requested' }]);
      return requested;
    },
    async requestBackfill(asked) {
      const requested = await operations.requestBackfill(asked);
      const { from, to } = requested.window;
      const result = `payments created from ${formatTime(from)} to ${formatTime(to)} (UTC) are read again`;
      await note([{ kind: 'backfill', subject: requested.runId, why: null, result }]);
      return requested;
    },
    async retryParked(selection) {
      const retried = await operations.retryParked(selection);
      await note(retryActions(selection, retried.outcome));
      return retried;
    },
    async dismissParked(asked, { onDecided }) {
      refuseUnkeptTexts({ by: asked.by, why: asked.why });
      const done: Action[] = [];
      try {
        await operations.dismissParked(asked, {
          onDecided(reference, outcome) {
            done.push({ kind: 'dismiss', subject: reference, why: asked.why, result: DISMISSED[outcome] });
            onDecided(reference, outcome);
          },
        });
      } finally {
        await note(done);
      }
    },
    async acceptDifference(asked) {
      refuseUnkeptTexts({ by: asked.by, why: asked.why });
      const decided = await operations.acceptDifference(asked);
      const result = decided.outcome.kind === 'refused' ? 'refused' : 'done';
      await note([{ kind: asked.takeBack ? 'take_back' : 'accept', subject: asked.payment, why: asked.why, result }]);
      return decided;
    },
  };
}

/**
 * Of a command that asks Stripe and Blnk itself: runs it, and notes what came of it. Null: nothing came of it.
 *
 * @param describeEnded what was done before the work failed; null when that was nothing
 */
export async function noted<Result>(
  note: NoteActions,
  work: () => Promise<Result>,
  describe: (result: Result) => Described | null,
  describeEnded: () => Promise<Described | null> = async () => null,
): Promise<Result> {
  const noteOne = async (action: Described | null) => {
    if (action !== null) await note([{ ...action, why: null }]);
  };
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    // A refusal changed nothing. Where even this fails the database is away, and what ended the work is what is to be told.
    if (!(error instanceof Refusal))
      await describeEnded()
        .then(noteOne)
        .catch(() => {});
    throw error;
  }
  await noteOne(describe(result));
  return result;
}

type Described = Omit<Action, 'why'>;

/** The days that were compared, also where nobody named them, and how many of each came out how: by the worst of their currencies. */
export function proofAction({
  days,
  proven,
  certificates,
}: Pick<DaysProven, 'days' | 'proven' | 'certificates'>): Described {
  const [first = null, last = null] = [days[0], days.at(-1)];
  const worst = new Map<string, CertificateState>();
  for (const { day, state } of worstFirst(certificates)) if (!worst.has(day)) worst.set(day, state);
  const states = [...worst.values()];
  const counts = CERTIFICATE_STATES.flatMap((state) => {
    const count = states.filter((one) => one === state).length;
    return count === 0 ? [] : [`${count} ${state.replaceAll('_', ' ')}`];
  });
  const what = counts.length === 0 ? '' : `: ${counts.join(', ')}`;
  return {
    ...{ kind: 'prove', subject: first === last ? first : `${first} to ${last}` },
    result: `${proven} of ${days.length} ${days.length === 1 ? 'day was' : 'days were'} proven${what}`,
  };
}

export function planAction({ id }: Pick<RepairPlan, 'id'>): Described {
  return { kind: 'repair_plan', subject: id, result: 'planned' };
}

export function applyAction({ id, items }: Pick<RepairPlan, 'id' | 'items'>): Described {
  const count = (state: ItemState) => items.filter((item) => item.state === state).length;
  const result = `${count('done')} done, ${count('skipped')} done already, ${count('refused')} refused`;
  return { kind: 'repair_apply', subject: id, result };
}

/** Of a plan as it stands after its application failed. Null: none of what had been planned was ended. */
export function endedApplyAction(before: RepairPlan, after: RepairPlan): Described | null {
  const left = ({ items }: RepairPlan) => items.filter(({ state }) => state === 'planned').length;
  if (left(before) === left(after)) return null;
  const action = applyAction(after);
  return { ...action, result: `${action.result}; then it failed, ${left(after)} left` };
}

const DISMISSED: Readonly<Record<DismissOutcome, string>> = {
  dismissed: 'stays out of the ledger',
  already_dismissed: 'was dismissed before',
  not_parked: 'was not parked',
  unknown: 'is not known',
};

function retryActions(selection: RetrySelection, { retried, stillParked, notParked }: RetryOutcome): Action[] {
  const of = (subject: string, result: string): Action => ({ kind: 'retry', subject, why: null, result });
  if ('reason' in selection) {
    return [of(selection.reason, `${retried} are pending again, ${stillParked.length} stay parked`)];
  }
  const kept = new Map(stillParked.map(({ reference, reason }) => [reference, `stays parked: ${reason}`]));
  const unknown = new Set(notParked);
  return [...new Set(selection.references)].map((reference) =>
    of(reference, unknown.has(reference) ? 'was not parked' : (kept.get(reference) ?? 'is pending again')),
  );
}
