/**
 * What may happen to a process between any two of its steps: it dies, or it stands still and wakes up late. Each call of
 * a port has a moment before and a moment after it; what a dead process held in memory is thrown away with it.
 */

/** Thrown by every port of a process that is dead. */
export class Died extends Error {}

export class Fate {
  #moments = 0;
  #diesAt = Number.POSITIVE_INFINITY;
  #pausesAt = Number.POSITIVE_INFINITY;
  #dead = false;
  #gate: { readonly open: Promise<void>; wake(): void } | null = null;
  #onPaused: Array<() => void> = [];

  get isDead(): boolean {
    return this.#dead;
  }

  get isPaused(): boolean {
    return this.#gate !== null;
  }

  /** Dies at the n-th moment from here on, from 1. */
  dieAfter(moments: number): void {
    this.#diesAt = this.#moments + moments;
  }

  /** Stands still from the n-th moment on, from 1, with all that it does at once. */
  pauseAfter(moments: number): void {
    this.#pausesAt = this.#moments + moments;
  }

  /** Takes back what was to happen. */
  spare(): void {
    this.#diesAt = Number.POSITIVE_INFINITY;
    this.#pausesAt = Number.POSITIVE_INFINITY;
  }

  wake(): void {
    const gate = this.#gate;
    this.#gate = null;
    gate?.wake();
  }

  /** Resolves when it stands still. */
  untilPaused(): Promise<void> {
    if (this.isPaused) return Promise.resolve();
    return new Promise((resolve) => this.#onPaused.push(resolve));
  }

  /** The same ports, each call with its two moments. */
  around<T extends object>(ports: T): T {
    const wrapped = Object.entries(ports).map(([name, port]) => {
      if (typeof port !== 'function') return [name, port];
      const call = async (...given: unknown[]): Promise<unknown> => {
        await this.#moment();
        const result: unknown = await port.apply(ports, given);
        await this.#moment();
        return result;
      };
      return [name, call];
    });
    return Object.fromEntries(wrapped) as T;
  }

  async #moment(): Promise<void> {
    this.#moments += 1;
    if (this.#moments >= this.#diesAt) this.#dead = true;
    if (this.#moments >= this.#pausesAt && !this.#dead) {
      this.#pausesAt = Number.POSITIVE_INFINITY;
      this.#gate = newGate();
      for (const tell of this.#onPaused.splice(0)) tell();
    }
    await this.#gate?.open;
    if (this.#dead) throw new Died('the process died');
  }
}

function newGate() {
  let wake = (): void => {};
  const open = new Promise<void>((resolve) => {
    wake = resolve;
  });
  return { open, wake };
}
