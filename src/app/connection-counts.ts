/**
 * Composition: how many connections to PostgreSQL each process opens at most. Apart from what opens them, for whoever only has to
 * know. docs/configuration.md has the sums.
 */
import type { HomeConfig } from '../config/config.js';

/** Pool sizes: chunks of the lanes, parts and the timer of a worker share theirs; a command makes one request after another. */
export const CONNECTIONS_MAX = { worker: 5, command: 3 };
/** Beside the pool, so that a page never waits behind a lane: readers of Stripe store one page after the other. */
export const PAGE_CONNECTIONS_MAX = 2;
/** For pages, API and metrics of a worker. */
export const HTTP_CONNECTIONS_MAX = 2;
export const HTTP_TRANSACTIONS_MAX = 1;
/** Beside these: the tail, sweeps and the timer of a worker store at the same time. */
export const TRANSACTIONS_MAX = { worker: 3, command: 1 };

/** Where the queue is in PostgreSQL, beside the one that a worker listens with. */
export const QUEUE_CONNECTIONS_MAX = { worker: 3, command: 1 };

/** Those of what is looked at first, of the lock, of what is applied under it and of the queue's own. */
const MIGRATING_CONNECTIONS_MAX = 5;

interface Opening {
  readonly role: 'worker' | 'command';
  readonly migratesOnly?: boolean;
}

export function connectionsNeeded(
  config: Pick<HomeConfig, 'redisUrl'> & { readonly http: object | null },
  { role, migratesOnly }: Opening,
): number {
  if (migratesOnly === true) return MIGRATING_CONNECTIONS_MAX;
  const ofPages = role === 'worker' && config.http !== null ? HTTP_CONNECTIONS_MAX + HTTP_TRANSACTIONS_MAX : 0;
  const own = CONNECTIONS_MAX[role] + TRANSACTIONS_MAX[role] + (role === 'worker' ? PAGE_CONNECTIONS_MAX : 0) + ofPages;
  if (config.redisUrl !== null) return own;
  return own + QUEUE_CONNECTIONS_MAX[role] + (role === 'worker' ? 1 : 0);
}
