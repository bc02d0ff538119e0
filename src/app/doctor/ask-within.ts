/** Asks somebody for facts, and waits no longer than a time: a fault, and no answer at all, are answers too. */
import type { ErrorCode } from '../../core/base/error-codes.js';
import { faultFields } from '../../core/base/errors.js';
import { withinTime } from '../../core/base/within-time.js';
import type { Answer, Fault } from '../../core/doctor/facts.js';
import { systemClock } from '../system-clock.js';

export interface Limits {
  /** For each that is asked. */
  readonly limitMs: number;
  /** Of whoever no longer waits. */
  readonly signal: AbortSignal;
}

/**
 * Throws only when nobody waits any more.
 *
 * @param ask ends what it has begun when its signal is aborted
 */
export async function askWithin<Facts>(
  { limitMs, signal }: Limits,
  ask: (signal: AbortSignal) => Promise<Facts>,
): Promise<Answer<Facts>> {
  const isOver = new AbortController();
  const late: Answer<Facts> = { kind: 'late', limitMs };
  const answer = ask(AbortSignal.any([signal, isOver.signal])).then(
    (facts): Answer<Facts> => ({ kind: 'given', facts }),
    (error: unknown): Answer<Facts> => {
      if (signal.aborted) throw error;
      return isOver.signal.aborted ? late : { kind: 'fault', fault: faultOf(error) };
    },
  );
  return withinTime(answer, {
    sleep: (over) => systemClock.sleep(limitMs, over),
    whenLate() {
      isOver.abort();
      return late;
    },
  });
}

export function faultOf(error: unknown): Fault {
  const { code, message } = faultFields(error);
  return { code: code satisfies ErrorCode, message };
}

export function unasked(why: string): { readonly kind: 'unasked'; readonly why: string } {
  return { kind: 'unasked', why };
}
