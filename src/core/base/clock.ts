/**
 * Time as a port. Stages never read the system's clock: tests hand in one that they move. What is compared with Stripe
 * or with stored times never comes from here, only from the vendor's `Date` or from PostgreSQL.
 */
export interface Clock {
  /** Milliseconds that only grow, also while the machine sleeps; for deadlines within this process. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back every `ms` until the returned function is called. */
  every(ms: number, callback: () => void): () => void;
}

/** 0 inclusive to 1 exclusive; a port for the same reason. */
export type Random = () => number;
