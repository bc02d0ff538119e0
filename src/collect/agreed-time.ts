/**
 * Compares the time that each answer of Stripe states with the database's clock and this machine's, and remembers which
 * of them was off. The rule is core/coverage/agree-on-time.ts; this only reads the clocks, and the database's not at every answer.
 */

import type { Clock } from '../core/base/clock.js';
import { MINUTE_MS, SECOND_MS } from '../core/base/window.js';
import { type AgreedTime, agreeOnTime, type ClockFault } from '../core/coverage/agree-on-time.js';
import type { TimeJudge } from './ports.js';

export interface ClockPorts extends Pick<Clock, 'monotonicMs'> {
  /** The database's clock; null where there is no database. Rejects while it does not answer. */
  readonly databaseNow: (() => Promise<Date>) | null;
  /** This machine's wall clock. */
  machineNow(): Date;
  /** Told when a clock is found off or off in another way, again every hour, and with null when none is any more. */
  onFault(fault: ClockFault | null): void;
}

export interface ClockWatch extends TimeJudge {
  /** What was off last, unless that is long ago; for `status`. */
  fault(): ClockFault | null;
}

/** Between two looks at the database's clock this process's monotonic one goes on for it. */
const DATABASE_EVERY_MS = 10 * SECOND_MS;

/** One wrong answer among right ones is worth a line for so long: somebody's cache answers now and then. */
const FAULT_LASTS_MS = 10 * MINUTE_MS;

const TOLD_EVERY_MS = 60 * MINUTE_MS;

export function createClockWatch(ports: ClockPorts): ClockWatch {
  const databaseClock = createDatabaseClock(ports);
  let last: { readonly fault: ClockFault; readonly atMs: number } | null = null;
  let told: { readonly code: ClockFault['code']; readonly atMs: number } | null = null;
  const fault = (): ClockFault | null => {
    return last !== null && ports.monotonicMs() - last.atMs < FAULT_LASTS_MS ? last.fault : null;
  };
  const note = (found: ClockFault | null): void => {
    const atMs = ports.monotonicMs();
    if (found !== null) last = { fault: found, atMs };
    const current = fault();
    if (current === null && told !== null) {
      told = null;
      ports.onFault(null);
    } else if (current !== null && (current.code !== told?.code || atMs - told.atMs > TOLD_EVERY_MS)) {
      told = { code: current.code, atMs };
      ports.onFault(current);
    }
  };
  return {
    fault,
    async judge(stated): Promise<AgreedTime> {
      const database = await databaseClock();
      const agreed = agreeOnTime({ stripe: stated, database, machine: ports.machineNow() });
      note(agreed.fault);
      return agreed;
    },
  };
}

/** Never later than the database's clock: the time since the answer is added, not the time since the question. */
function createDatabaseClock({ databaseNow, monotonicMs }: ClockPorts): () => Promise<Date | null> {
  let sample: { readonly nowMs: number; readonly atMs: number } | null = null;
  let asking: Promise<void> | null = null;
  const ask = async (read: () => Promise<Date>): Promise<void> => {
    // Whoever stores what was read meets the same fault; here one clock fewer is compared.
    const [answer] = await Promise.allSettled([read()]);
    sample = answer.status === 'fulfilled' ? { nowMs: answer.value.getTime(), atMs: monotonicMs() } : null;
    asking = null;
  };
  return async () => {
    if (databaseNow === null) return null;
    if (sample === null || monotonicMs() - sample.atMs >= DATABASE_EVERY_MS) {
      asking ??= ask(databaseNow);
      await asking;
    }
    return sample === null ? null : new Date(sample.nowMs + (monotonicMs() - sample.atMs));
  };
}
