/** The queue as histories see it: wakes that may be lost. In memory, or the real one of a home with worker processes on it. */
import type { BackfillPart } from '../../../src/collect/ports.js';
import { type Lane, laneName } from '../../../src/core/posting/posting.js';

export interface HistoryQueue {
  requestPart(part: BackfillPart): Promise<void>;
  wakeLane(lane: Lane): Promise<void>;
  /** All jobs for a worker that is told to take them; they may ask for more. None when workers take them by themselves. */
  takeJobs(options: { readonly keep: boolean }): { readonly parts: BackfillPart[]; readonly lanes: Lane[] };
  lose(): Promise<void>;
}

/** Deduplicated like the real one, and just as forgetful. */
export class ListedWakes implements HistoryQueue {
  readonly #parts = new Map<string, BackfillPart>();
  readonly #lanes = new Map<string, Lane>();

  async requestPart(part: BackfillPart): Promise<void> {
    this.#parts.set(`${part.backfillId}:${part.window.from.toISOString()}`, part);
  }

  async wakeLane(lane: Lane): Promise<void> {
    this.#lanes.set(laneName(lane), lane);
  }

  takeJobs({ keep }: { readonly keep: boolean }): { readonly parts: BackfillPart[]; readonly lanes: Lane[] } {
    const taken = { parts: [...this.#parts.values()], lanes: [...this.#lanes.values()] };
    if (!keep) this.#clear();
    return taken;
  }

  async lose(): Promise<void> {
    this.#clear();
  }

  #clear(): void {
    this.#parts.clear();
    this.#lanes.clear();
  }
}
