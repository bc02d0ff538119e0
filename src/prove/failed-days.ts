/**
 * The days whose proof failed, as one process remembers them, so that no number of days that cannot be proven keeps the others
 * from their turn: each pauses, longer each time, and comes after all that did not fail lately. Decides nothing about what is due.
 */

export interface FailedDays {
  noteFailure(day: string): void;
  /** Its proof was kept. */
  forget(day: string): void;
  /** Those that do not pause, as they are given; what failed lately last, and of it first what failed the longest ago. */
  inTurn<T extends { readonly day: string }>(days: readonly T[]): T[];
}

export interface FailedDaysOptions {
  monotonicMs(): number;
  /** The pause after a day's first failure; it doubles with each further one. */
  readonly pauseMs: number;
}

/** What failed with a server that was away for an hour is tried again on the same day. */
const PAUSE_MAX_MS = 4 * 60 * 60_000;

/**
 * From then on a day has its place again, though it may fail once more: the rotation has a candidate that never failed on nearly every
 * day, and one whose fault was mended would never be taken.
 */
const LATELY_MS = 24 * 60 * 60_000;

interface Failure {
  readonly times: number;
  readonly atMs: number;
}

export function createFailedDays({ monotonicMs, pauseMs }: FailedDaysOptions): FailedDays {
  const failures = new Map<string, Failure>();
  const pauseAfter = ({ times }: Failure) => Math.min(pauseMs * 2 ** Math.min(times - 1, 30), PAUSE_MAX_MS);
  return {
    noteFailure(day) {
      failures.set(day, { times: (failures.get(day)?.times ?? 0) + 1, atMs: monotonicMs() });
    },
    forget(day) {
      failures.delete(day);
    },
    inTurn(days) {
      const nowMs = monotonicMs();
      const isPausing = (failure: Failure) => nowMs - failure.atMs < pauseAfter(failure);
      const failedAtMs = (day: string) => {
        const failure = failures.get(day);
        return failure === undefined || nowMs - failure.atMs >= LATELY_MS ? Number.NEGATIVE_INFINITY : failure.atMs;
      };
      const able = days.flatMap((one) => {
        const failure = failures.get(one.day);
        return failure !== undefined && isPausing(failure) ? [] : [{ one, atMs: failedAtMs(one.day) }];
      });
      // Sorting keeps the order of equals; two infinities have no difference.
      return able.sort((a, b) => (a.atMs === b.atMs ? 0 : a.atMs - b.atMs)).map(({ one }) => one);
    },
  };
}
