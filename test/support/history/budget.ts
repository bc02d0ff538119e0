/**
 * How long histories are played and with which seed: a few seconds in `npm test`, for as long as asked by
 * `scripts/play-histories.ts`. The time is looked at before each history, never within one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { inject } from 'vitest';
import { withinTime } from '../../../src/core/base/within-time.js';
import { inTier } from '../tier.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** For each suite; absent: the suite's own. */
    readonly historyBudgetMs?: number;
    readonly historySeed?: number;
  }
}

const SEED = 20_261_121;

/** Mostly seconds, with a year's outage a minute on a quiet machine: what takes longer waits for something that never comes. */
const HISTORY_MAX_MS = 240_000;

/** Fewer prove too little: on a slow machine the time is exceeded instead, up to the test's own limit. */
const PLAYED_MIN = inTier({ quick: 2, full: 10 });

export interface Budget {
  readonly seed: number;
  readonly budgetMs: number;
  /** The test's own limit. */
  readonly timeoutMs: number;
}

export function budgetOf(suiteMs: number): Budget {
  const budgetMs = inject('historyBudgetMs') ?? suiteMs;
  return { seed: inject('historySeed') ?? SEED, budgetMs, timeoutMs: budgetMs + 1.2 * HISTORY_MAX_MS };
}

/**
 * Plays until the budget is used up, one drawing for each seed from the given one on: whoever begins at the seed of a
 * failure plays it first. @returns how many were played. Throws what the first that fails throws, with seed and drawing.
 */
export async function playWithin<T>(
  { seed, budgetMs }: Pick<Budget, 'seed' | 'budgetMs'>,
  drawn: fc.Arbitrary<T>,
  playOne: (drawing: T) => Promise<void>,
): Promise<number> {
  const property = fc.asyncProperty(drawn, (drawing) => endingWithin(HISTORY_MAX_MS, playOne(drawing)));
  const endsAt = performance.now() + budgetMs;
  let played = 0;
  // Not fast-check's own time limit: that leaves the last history going on by itself.
  for (; played < PLAYED_MIN || performance.now() < endsAt; played += 1) {
    await fc.assert(property, { seed: seed + played, numRuns: 1, endOnFailure: true });
  }
  return played;
}

/** So that a history that hangs is told with its seed, which the time limit of a test does not know. */
async function endingWithin(limitMs: number, work: Promise<void>): Promise<void> {
  await withinTime(work, {
    sleep: (over) => sleep(limitMs, undefined, { signal: over }),
    whenLate() {
      throw new Error(`the history did not end within ${limitMs} ms`);
    },
  });
}
