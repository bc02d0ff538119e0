// Core's lock per balance: a post holds both of its balances, others wait up to `waitMs` and then give up (423).
// A lock may leak: it then stays until its time is over or somebody expires it, as Core 0.15.2's do for 300 s.

import type { Balance } from './balance-book.js';

/** The locks that one post holds. */
export interface HeldLocks {
  readonly balances: readonly Balance[];
}

interface Waiting {
  readonly locks: HeldLocks;
  readonly decide: (granted: boolean) => void;
}

export class BalanceLocks {
  readonly #held = new Set<Balance>();
  readonly #leaked = new Map<HeldLocks, NodeJS.Timeout>();
  readonly #waiting = new Set<Waiting>();

  /** How many balances are locked by posts that will never release them. */
  get leakedCount(): number {
    return new Set([...this.#leaked.keys()].flatMap((locks) => locks.balances)).size;
  }

  /** Both locks at once, or none. */
  tryAcquire(balances: readonly Balance[]): HeldLocks | undefined {
    return balances.some((balance) => this.#held.has(balance)) ? undefined : this.#take({ balances });
  }

  /** Waits its turn; undefined when the time is over or `giveUp` resolves first. */
  async acquire(
    balances: readonly Balance[],
    limits: { waitMs: number; giveUp?: Promise<void> },
  ): Promise<HeldLocks | undefined> {
    const locks: HeldLocks = { balances };
    const granted = await new Promise<boolean>((resolve) => {
      const waiting: Waiting = {
        locks,
        decide: (won) => {
          clearTimeout(timer);
          this.#waiting.delete(waiting);
          resolve(won);
        },
      };
      const timer = setTimeout(() => waiting.decide(false), limits.waitMs);
      void limits.giveUp?.then(() => this.#waiting.has(waiting) && waiting.decide(false));
      this.#waiting.add(waiting);
    });
    return granted ? locks : undefined;
  }

  release(locks: HeldLocks): void {
    clearTimeout(this.#leaked.get(locks));
    this.#leaked.delete(locks);
    for (const balance of locks.balances) {
      this.#held.delete(balance);
    }
    for (const waiting of this.#waiting) {
      if (!waiting.locks.balances.some((balance) => this.#held.has(balance))) {
        this.#take(waiting.locks);
        waiting.decide(true);
      }
    }
  }

  /** Keeps the locks although their post is gone. */
  leak(locks: HeldLocks, forMs: number): void {
    this.#leaked.set(locks, setTimeout(() => this.release(locks), forMs).unref());
  }

  /** Ends every leaked lock now, as if its five minutes were over. */
  expireLeaked(): void {
    for (const locks of [...this.#leaked.keys()]) {
      this.release(locks);
    }
  }

  #take(locks: HeldLocks): HeldLocks {
    for (const balance of locks.balances) {
      this.#held.add(balance);
    }
    return locks;
  }
}
