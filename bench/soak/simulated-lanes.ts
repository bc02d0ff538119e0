/** Lanes as a worker's queue runs them: never one twice at a time, one follow-up for all wakes meanwhile, a few at once. */
import { LANES_AT_ONCE } from '../../src/app/worker/start-work.js';
import { type Lane, laneName } from '../../src/core/posting/posting.js';

export interface LanePorts {
  drain(lane: Lane): Promise<void>;
  /** What a lane's job failed with. */
  onFailed(name: string, error: unknown): void;
}

export class SimulatedLanes {
  readonly #ports: LanePorts;
  readonly #waiting = new Map<string, Lane>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(ports: LanePorts) {
    this.#ports = ports;
  }

  wake(lane: Lane): void {
    this.#waiting.set(laneName(lane), lane);
    this.#startWaiting();
  }

  async untilIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #startWaiting(): void {
    for (const [name, lane] of this.#waiting) {
      if (this.#running.size >= LANES_AT_ONCE) return;
      if (this.#running.has(name)) continue;
      this.#waiting.delete(name);
      const running = this.#ports
        .drain(lane)
        .catch((error: unknown) => this.#ports.onFailed('lane', error))
        .finally(() => {
          this.#running.delete(name);
          this.#startWaiting();
        });
      this.#running.set(name, running);
    }
  }
}
