/** The real clock behind the `Clock` port. */
import { uptime } from 'node:os';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../core/base/clock.js';
import { SECOND_MS } from '../core/base/window.js';

export const systemClock: Clock = {
  monotonicMs: countSleep({ awakeMs: () => performance.now(), uptimeMs: () => uptime() * SECOND_MS }),
  sleep: (ms, signal) => sleepFor(ms, undefined, signal === undefined ? {} : { signal }),
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
};

/** `uptime` may be told in whole seconds: less than this is not a sleep. */
const SLEEP_MIN_MS = 2 * SECOND_MS;

/**
 * Node's own clock stands still on Linux while the machine is suspended, so a laptop that wakes up after a day would take
 * its claims for a moment old. The uptime goes on, and no setting of the wall clock moves it.
 */
export function countSleep(clocks: { awakeMs(): number; uptimeMs(): number }): () => number {
  let aheadAtFirstMs: number | undefined;
  let asleepMs = 0;
  return () => {
    const awakeMs = clocks.awakeMs();
    const aheadMs = clocks.uptimeMs() - awakeMs;
    aheadAtFirstMs ??= aheadMs;
    const sleptMs = aheadMs - aheadAtFirstMs;
    if (sleptMs > asleepMs + SLEEP_MIN_MS) asleepMs = sleptMs;
    return awakeMs + asleepMs;
  };
}
