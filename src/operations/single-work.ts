/**
 * Work that asks both sides for longer than somebody waits for an answer: one at a time in a process, to its end although whoever
 * asked has left, no longer than a time, and ended when the process stops. What it stores is stored step by step, so that one
 * that ended early is gone on with by asking again.
 */
import type { Actor } from '../core/base/action.js';
import type { Clock } from '../core/base/clock.js';
import { describeError, SyncError } from '../core/base/errors.js';
import { Refusal } from '../core/base/refusal.js';
import { formatDuration } from '../core/base/time-text.js';
import { withinTime } from '../core/base/within-time.js';
import type { RepairListener, RepairProgress } from '../core/repair/repair-progress.js';

export interface WorkInHand {
  readonly what: 'plan' | 'apply';
  /** Which plan is applied; null while one is made. */
  readonly subject: string | null;
  readonly by: Actor;
  readonly since: Date;
  /** Null before the first step. */
  readonly progress: RepairProgress | null;
}

export interface EndedWork extends WorkInHand {
  readonly endedAt: Date;
  /** Why there is no result; null when there is one. */
  readonly fault: string | null;
  /** What came of it, in words, where nothing else shows that; null when there is a fault, or something else to look at. */
  readonly told: string | null;
}

/** `goes_on`: it is not done within the time that an answer may take. */
export type Begun<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'goes_on'; readonly work: WorkInHand };

export interface SingleWorkPorts {
  readonly clock: Pick<Clock, 'sleep'>;
  now(): Date;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
  /** How long one may take. */
  readonly limitMs: number;
  /** How long whoever asks waits for it. */
  readonly answerWithinMs: number;
}

export interface SingleWork {
  /** Throws a Refusal `repair_in_hand` while another one is at work, and what the work threw where it ended in time. */
  take<Result>(
    about: Pick<WorkInHand, 'what' | 'subject' | 'by'>,
    work: (step: RepairListener & { readonly signal: AbortSignal }) => Promise<Result>,
    tell?: (result: Result) => string | null,
  ): Promise<Begun<Result>>;
  current(): WorkInHand | null;
  /** The last one that ended, of this process. */
  last(): EndedWork | null;
  /** Once nothing is at work. */
  settled(): Promise<void>;
}

export function createSingleWork(ports: SingleWorkPorts): SingleWork {
  const { clock, signal, now, limitMs, answerWithinMs } = ports;
  let current: WorkInHand | null = null;
  let last: EndedWork | null = null;
  let running: Promise<unknown> = Promise.resolve();
  const run = async <Result>(
    work: (signal: AbortSignal) => Promise<Result>,
    tell: (result: Result) => string | null,
  ): Promise<Result> => {
    const late = AbortSignal.timeout(limitMs);
    try {
      const result = await work(AbortSignal.any([signal, late]));
      end({ fault: null, told: tell(result) });
      return result;
    } catch (error) {
      const fault = late.aborted ? tookTooLong(limitMs, error) : error;
      end({ fault: describeError(fault), told: null });
      throw fault;
    }
  };
  const end = (how: Pick<EndedWork, 'fault' | 'told'>): void => {
    if (current !== null) last = { ...current, endedAt: now(), ...how };
    current = null;
  };
  return {
    async take<Result>(
      about: Pick<WorkInHand, 'what' | 'subject' | 'by'>,
      work: (step: RepairListener & { readonly signal: AbortSignal }) => Promise<Result>,
      tell: (result: Result) => string | null = () => null,
    ): Promise<Begun<Result>> {
      if (current !== null) throw new Refusal(inHand(current));
      const begun: WorkInHand = { ...about, since: now(), progress: null };
      current = begun;
      const onProgress = (progress: RepairProgress): void => {
        if (current !== null) current = { ...current, progress };
      };
      const done = run((ended) => work({ onProgress, signal: ended }), tell);
      running = done.catch(() => {
        // Kept for whoever looks; told to whoever waits.
      });
      return withinTime(
        done.then((result): Begun<Result> => ({ kind: 'done', result })),
        {
          sleep: (over) => clock.sleep(answerWithinMs, over),
          whenLate: () => ({ kind: 'goes_on', work: current ?? begun }),
        },
      );
    },
    current: () => current,
    last: () => last,
    settled: () => running.then(() => undefined),
  };
}

function inHand({ what, by, since }: WorkInHand): SyncError {
  const doing = what === 'plan' ? 'A repair plan is being made' : 'A repair plan is being applied';
  return new SyncError(
    `${doing}: begun at ${since.toISOString()}, requested by ${by.name}. Ask again when that has ended`,
    { kind: 'transient', code: 'repair_in_hand' },
  );
}

export function tookTooLong(limitMs: number, cause: unknown): SyncError {
  return new SyncError(
    `The work did not finish within ${formatDuration(limitMs)}. What was done so far is kept; ask again to continue`,
    { kind: 'transient', code: 'http_took_too_long', cause },
  );
}
