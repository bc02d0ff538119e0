/**
 * How much of a suite is executed: `npm test` takes what shows each thing once, `npm run test:full` everything. Suites that grow say so by
 * importing this file, by which run-full.ts finds them.
 */
import { inject, it, type TestFunction, type TestOptions } from 'vitest';

/** All of them in the long tests; else those that `npm test` has time for. */
export function inTier<T>({ quick, full }: { readonly quick: T; readonly full: T }): T {
  return inject('isFull') ? full : quick;
}

/** Every second one in `npm test`. */
export function halfInTier<T>(all: readonly T[]): readonly T[] {
  return inTier({ quick: all.filter((_, index) => index % 2 === 0), full: all });
}

/** A test of the long tests alone: the heart of what it shows is in another one. */
export function itInFull(name: string, run: TestFunction, timeoutMs?: number): void;
export function itInFull(name: string, options: TestOptions, run: TestFunction): void;
export function itInFull(name: string, second: TestOptions | TestFunction, third?: TestFunction | number): void {
  if (!inject('isFull')) return;
  if (typeof second === 'function') it(name, second, typeof third === 'number' ? third : undefined);
  else it(name, second, typeof third === 'function' ? third : undefined);
}
