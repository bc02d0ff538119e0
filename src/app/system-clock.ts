/** The real clock behind the `Clock` port. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../core/clock.js';

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => sleepFor(ms, undefined, signal === undefined ? {} : { signal }),
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
};
