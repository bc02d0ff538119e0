/** The clock that a simulated soak hands its worker: nobody waits, and what is to come is called when the simulation is there. */
import type { Clock } from '../../src/core/base/clock.js';

interface Alarm {
  readonly everyMs: number;
  atMs: number;
  ring(): void;
}

export class SimulatedClock implements Clock {
  readonly #alarms = new Set<Alarm>();
  readonly monotonicMs: () => number;

  constructor(nowMs: () => number) {
    this.monotonicMs = nowMs;
  }

  readonly sleep = async (): Promise<void> => {};

  readonly every = (everyMs: number, callback: () => void): (() => void) => {
    const alarm = { everyMs, atMs: this.monotonicMs() + everyMs, ring: callback };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  };

  /** Null: nothing is to come. */
  nextMs(): number | null {
    return this.#alarms.size === 0 ? null : Math.min(...[...this.#alarms].map(({ atMs }) => atMs));
  }

  /** Calls what is due by now. */
  ring(): void {
    for (const alarm of [...this.#alarms]) {
      if (alarm.atMs > this.monotonicMs()) continue;
      alarm.atMs = this.monotonicMs() + alarm.everyMs;
      alarm.ring();
    }
  }
}
