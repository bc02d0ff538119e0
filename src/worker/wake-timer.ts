/**
 * The plain timer of every worker. The queue may lose everything (a flush, a failover): what is due stands in PostgreSQL,
 * and this asks for it again. Each step stands alone, so that one that fails does not keep the others from happening.
 */
import type { Clock } from '../core/clock.js';
import { type Lane, laneName } from '../core/posting.js';
import { MINUTE_MS, SECOND_MS } from '../core/window.js';
import { repeat, type StopRepeating } from './repeat.js';

export interface WakeTimerPorts {
  readonly clock: Clock;
  /** Closes the runs of workers that went silent, drops what is old. */
  tidy(): Promise<void>;
  ensureSchedule(): Promise<void>;
  lanesDue(): Promise<readonly Lane[]>;
  wakeLane(lane: Lane): Promise<void>;
  requestOpenParts(): Promise<void>;
  /** Looks up what was dismissed after an attempt. */
  lookUpDismissed(): Promise<void>;
  /** Asks for proofs when their time has come. */
  requestProofs(): Promise<void>;
  /** Tells when the verdict on the mirror has changed. */
  lookAtVerdict(): Promise<void>;
  onError(step: string, error: unknown): void;
}

/** A worker counts as silent after a minute; it says "alive" six times in it. */
const RENEW_EVERY_MS = 10 * SECOND_MS;
const WAKE_EVERY_MAX_MS = MINUTE_MS;

/** Asks for everything that is due, every `SYNC_EVERY` and at least once a minute. */
export function startWakeTimer(ports: WakeTimerPorts, options: { readonly syncEveryMs: number }): StopRepeating {
  const steps: Array<readonly [string, () => Promise<void>]> = [
    ['tidy', ports.tidy],
    ['schedule', ports.ensureSchedule],
    ['lanes', () => wakeDueLanes(ports)],
    ['backfills', ports.requestOpenParts],
    ['dismissed', ports.lookUpDismissed],
    ['proofs', ports.requestProofs],
    ['verdict', ports.lookAtVerdict],
  ];
  return repeat(ports.clock, Math.min(options.syncEveryMs, WAKE_EVERY_MAX_MS), async () => {
    for (const [name, step] of steps) await attempt(name, step, ports);
  });
}

/**
 * Looks at what is due and was not delivered, and at the queue, each by itself: a queue that hangs must not keep the work
 * from being begun.
 */
export function startLooking(
  ports: Pick<WakeTimerPorts, 'clock' | 'onError'> & { lookAtWork(): Promise<void>; lookAtQueue(): Promise<void> },
  options: { readonly everyMs: number },
): StopRepeating {
  const loops = [
    repeat(ports.clock, options.everyMs, () => attempt('due work', ports.lookAtWork, ports)),
    repeat(ports.clock, options.everyMs, () => attempt('queue', ports.lookAtQueue, ports)),
  ];
  return async () => {
    await Promise.all(loops.map((stop) => stop()));
  };
}

/** Says "alive" and renews this worker's runs, for as long as jobs are in hand. */
export function startHeartbeat(
  ports: Pick<WakeTimerPorts, 'clock' | 'onError'> & { renew(): Promise<void> },
): StopRepeating {
  return repeat(ports.clock, RENEW_EVERY_MS, () => attempt('renew', ports.renew, ports));
}

async function attempt(name: string, step: () => Promise<void>, ports: Pick<WakeTimerPorts, 'onError'>): Promise<void> {
  try {
    await step();
  } catch (error) {
    ports.onError(name, error);
  }
}

async function wakeDueLanes(ports: WakeTimerPorts): Promise<void> {
  const lanes = await ports.lanesDue();
  await Promise.all(lanes.map((lane) => ports.wakeLane(lane)));
}

/** Wakes a lane when its next posting is due, so that a back-off of seconds does not wait for the timer. */
export interface LaneAlarms {
  set(lane: Lane, inMs: number): void;
  stop(): void;
}

/** Hot lanes come back at once through the queue; this only bounds how often. */
const ALARM_MIN_MS = 20;

export function createLaneAlarms(ports: {
  wakeLane(lane: Lane): Promise<void>;
  onError(step: string, error: unknown): void;
}): LaneAlarms {
  const timers = new Map<string, NodeJS.Timeout>();
  return {
    set(lane, inMs) {
      const name = laneName(lane);
      clearTimeout(timers.get(name));
      const wake = () => {
        timers.delete(name);
        ports.wakeLane(lane).catch((error: unknown) => ports.onError('alarm', error));
      };
      timers.set(name, setTimeout(wake, Math.min(Math.max(inMs, ALARM_MIN_MS), WAKE_EVERY_MAX_MS)));
    },
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
