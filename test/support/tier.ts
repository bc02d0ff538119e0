/**
 * How much of a suite is executed: `npm test` takes what shows each thing once, `npm run test:full` everything. Suites that grow say so by
 * importing this file, by which run-full.ts finds them.
 */
import { inject } from 'vitest';

/** All of them in the long tests; else those that `npm test` has time for. */
export function inTier<T>({ quick, full }: { readonly quick: T; readonly full: T }): T {
  return inject('isFull') ? full : quick;
}
