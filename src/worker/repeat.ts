/**
 * Work that a clock begins again and again, never two at a time: what is slower than the interval is not begun on top of
 * itself.
 */
import type { Clock } from '../core/clock.js';

/** Ends a repetition and waits for the one that is under way. */
export type StopRepeating = () => Promise<void>;

/** @param work tells what fails by itself: it never rejects */
export function repeat(clock: Pick<Clock, 'every'>, everyMs: number, work: () => Promise<void>): StopRepeating {
  let current: Promise<void> | null = null;
  const stop = clock.every(everyMs, () => {
    current ??= work().finally(() => {
      current = null;
    });
  });
  return async () => {
    stop();
    await current;
  };
}
