/**
 * Wrong tokens are slowed down for each address: after some free ones each further one doubles how long it has to wait. A right
 * one is asked for nothing, and is not counted.
 */
const FREE_TRIES = 5;
const FIRST_WAIT_MS = 1_000;
const WAIT_MAX_MS = 60_000;
/** An address that stopped trying is forgotten. */
const FORGOTTEN_AFTER_MS = 15 * 60_000;
/** More addresses at once are counted as one: memory is bounded, and whoever has so many is slowed all the same. */
const ADDRESSES_MAX = 10_000;

interface Tries {
  count: number;
  until: number;
  last: number;
}

export class WrongTokens {
  readonly #byAddress = new Map<string, Tries>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Milliseconds until this address may try again; 0: now. */
  waitMs(address: string): number {
    return Math.max(0, (this.#byAddress.get(this.#keyOf(address))?.until ?? 0) - this.#nowMs());
  }

  failed(address: string): void {
    const now = this.#nowMs();
    this.#forget(now);
    const key = this.#keyOf(address);
    const tries = this.#byAddress.get(key) ?? { count: 0, until: 0, last: now };
    tries.count += 1;
    tries.last = now;
    const over = tries.count - FREE_TRIES;
    if (over > 0) tries.until = now + Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** Math.min(over - 1, 10));
    this.#byAddress.set(key, tries);
  }

  #keyOf(address: string): string {
    return this.#byAddress.has(address) || this.#byAddress.size < ADDRESSES_MAX ? address : 'others';
  }

  #forget(now: number): void {
    if (this.#byAddress.size < ADDRESSES_MAX) return;
    for (const [address, { last }] of this.#byAddress) {
      if (now - last > FORGOTTEN_AFTER_MS) this.#byAddress.delete(address);
    }
  }
}
