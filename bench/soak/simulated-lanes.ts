/**
 * Lanes as a worker's queue runs them: never one twice at a time, one follow-up for all wakes meanwhile, a few at once; and
 * the alarms that bring a lane back when its next posting is due, by the simulated clock.
 */
import { type Lane, laneName } from '../../src/core/posting.js';
import type { LaneDrainer } from '../../src/post/drain-lane.js';

/** As in a worker. */
const LANES_AT_ONCE = 16;
/** The alarms of a worker wait this long at most. */
const ALARM_MAX_MS = 60_000;

export interface LanePorts {
  readonly drainer: LaneDrainer;
  nowMs(): number;
  /** What a lane's job failed with. A worker logs it and comes back after this long. */
  onFailed(error: unknown): number;
}

export class SimulatedLanes {
  readonly #ports: LanePorts;
  readonly #waiting = new Map<string, Lane>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #alarms = new Map<string, { readonly lane: Lane; readonly atMs: number }>();
  /** Milliseconds of work that drains took, for the report. */
  drains = 0;

  constructor(ports: LanePorts) {
    this.#ports = ports;
  }

  wake(lane: Lane): void {
    this.#waiting.set(laneName(lane), lane);
    this.#startWaiting();
  }

  /** Null: no alarm is set. */
  nextAlarmMs(): number | null {
    return this.#alarms.size === 0 ? null : Math.min(...[...this.#alarms.values()].map(({ atMs }) => atMs));
  }

  ring(): void {
    for (const [name, { lane, atMs }] of [...this.#alarms]) {
      if (atMs > this.#ports.nowMs()) continue;
      this.#alarms.delete(name);
      this.wake(lane);
    }
  }

  async untilIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #startWaiting(): void {
    for (const [name, lane] of this.#waiting) {
      if (this.#running.size >= LANES_AT_ONCE) return;
      if (this.#running.has(name)) continue;
      this.#waiting.delete(name);
      this.#alarms.delete(name);
      const running = this.#drain(name, lane).finally(() => {
        this.#running.delete(name);
        this.#startWaiting();
      });
      this.#running.set(name, running);
    }
  }

  async #drain(name: string, lane: Lane): Promise<void> {
    this.drains += 1;
    let nextMs: number | null;
    try {
      nextMs = await this.#ports.drainer.drain(lane, NEVER);
    } catch (error) {
      nextMs = this.#ports.onFailed(error);
    }
    if (nextMs === null) return;
    const atMs = this.#ports.nowMs() + Math.min(Math.max(nextMs, 20), ALARM_MAX_MS);
    this.#alarms.set(name, { lane, atMs });
  }
}

const NEVER = new AbortController().signal;
