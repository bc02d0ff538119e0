/** Wakes a lane when its next posting is due, so that a back-off of seconds does not wait for the task that wakes all lanes. */
import type { Clock } from '../core/base/clock.js';
import { MINUTE_MS } from '../core/base/window.js';
import { type Lane, laneName } from '../core/posting/posting.js';

export interface LaneAlarms {
  set(lane: Lane, inMs: number): void;
  stop(): void;
}

export interface LaneAlarmPorts {
  readonly clock: Pick<Clock, 'every'>;
  wakeLane(lane: Lane): Promise<void>;
  onError(step: string, error: unknown): void;
}

/** Hot lanes come back at once through the queue; this only bounds how often. */
const ALARM_MIN_MS = 20;
/** Later than this it is asked for anyway. */
const ALARM_MAX_MS = MINUTE_MS;

export function createLaneAlarms({ clock, wakeLane, onError }: LaneAlarmPorts): LaneAlarms {
  const cancels = new Map<string, () => void>();
  return {
    set(lane, inMs) {
      const name = laneName(lane);
      cancels.get(name)?.();
      const wake = (): void => {
        cancels.get(name)?.();
        cancels.delete(name);
        wakeLane(lane).catch((error: unknown) => onError('alarm', error));
      };
      cancels.set(name, clock.every(Math.min(Math.max(inMs, ALARM_MIN_MS), ALARM_MAX_MS), wake));
    },
    stop() {
      for (const cancel of cancels.values()) cancel();
      cancels.clear();
    },
  };
}
