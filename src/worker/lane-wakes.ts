/**
 * Lanes that got new postings, gathered: however many pages are stored, a lane is woken once in a while. The first wake goes
 * out at once, so that a payment that comes alone does not wait.
 */
import type { Clock } from '../core/base/clock.js';
import { type Lane, laneName } from '../core/posting/posting.js';

/** A chunk of postings comes together in this time while much is read; nobody waits longer for it. */
const GATHER_MS = 250;

export interface LaneWakePorts {
  readonly clock: Pick<Clock, 'sleep'>;
  wake(lane: Lane): Promise<void>;
  /** One wake was lost: what is due is found in the database later. */
  onFailed(error: unknown): void;
}

export interface LaneWakes {
  /** Waits for nothing. */
  add(lanes: readonly Lane[]): void;
}

export function createLaneWakes({ clock, wake, onFailed }: LaneWakePorts): LaneWakes {
  const waiting = new Map<string, Lane>();
  let isGathering = false;
  const wakeAll = async (): Promise<void> => {
    isGathering = true;
    try {
      while (waiting.size > 0) {
        const lanes = [...waiting.values()];
        waiting.clear();
        const woken = await Promise.allSettled(lanes.map(wake));
        for (const one of woken) if (one.status === 'rejected') onFailed(one.reason);
        await clock.sleep(GATHER_MS);
      }
    } finally {
      isGathering = false;
    }
  };
  return {
    add(lanes) {
      for (const lane of lanes) waiting.set(laneName(lane), lane);
      if (!isGathering && waiting.size > 0) void wakeAll();
    },
  };
}
