/** The real clock behind the `Clock` port. */
import { uptime } from 'node:os';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../core/base/clock.js';
import { SECOND_MS } from '../core/base/window.js';

export const systemClock: Clock = {
  monotonicMs: countSleep({
    awakeMs: () => performance.now(),
    uptimeMs: () => uptime() * SECOND_MS,
    wallMs: () => Date.now(),
  }),
  sleep: (ms, signal) => sleepFor(ms, undefined, signal === undefined ? {} : { signal }),
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
};

/** `uptime` may be told in whole seconds: less than this is not a sleep. */
const SLEEP_MIN_MS = 2 * SECOND_MS;

/** Reading the uptime opens a file: it is read this often while nothing says that the machine slept. */
const UPTIME_EVERY_MS = SECOND_MS;
/** A wall clock that goes ahead by more was set, or the machine slept. */
const WALL_STEP_MS = SECOND_MS;

/**
 * Node's own clock stands still on Linux while the machine is suspended, so a laptop that wakes up after a day would take
 * its claims for a moment old. The uptime goes on, and no setting of the wall clock moves it; that a wall clock went ahead
 * only says that it is time to look.
 */
export function countSleep(clocks: { awakeMs(): number; uptimeMs(): number; wallMs(): number }): () => number {
  let aheadAtFirstMs: number | undefined;
  let asleepMs = 0;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let wallAheadMs = 0;
  return () => {
    const awakeMs = clocks.awakeMs();
    const wallAheadNowMs = clocks.wallMs() - awakeMs;
    if (awakeMs - lookedAtMs < UPTIME_EVERY_MS && Math.abs(wallAheadNowMs - wallAheadMs) < WALL_STEP_MS) {
      return awakeMs + asleepMs;
    }
    [lookedAtMs, wallAheadMs] = [awakeMs, wallAheadNowMs];
    const aheadMs = clocks.uptimeMs() - awakeMs;
    aheadAtFirstMs ??= aheadMs;
    const sleptMs = aheadMs - aheadAtFirstMs;
    if (sleptMs > asleepMs + SLEEP_MIN_MS) asleepMs = sleptMs;
    return awakeMs + asleepMs;
  };
}
