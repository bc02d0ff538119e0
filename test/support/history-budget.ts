/**
 * How long histories are played and with which seed: a few seconds in `npm test`, for as long as asked by
 * `scripts/play-histories.ts`. The time is looked at before each history, never within one.
 */
import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** For each suite; absent: the suite's own. */
    readonly historyBudgetMs?: number;
    readonly historySeed?: number;
  }
}

const SEED = 20_261_121;
const RUNS_MAX = 100_000;

export interface Budget {
  readonly seed: number;
  readonly budgetMs: number;
}

export function budgetOf(suiteMs: number): Budget {
  return { seed: inject('historySeed') ?? SEED, budgetMs: inject('historyBudgetMs') ?? suiteMs };
}

/** Plays until the budget is used up. @returns how many were played. Throws what the first that fails throws, with its drawing. */
export async function playWithin<T>(
  { seed, budgetMs }: Budget,
  drawn: fc.Arbitrary<T>,
  playOne: (drawing: T) => Promise<void>,
): Promise<number> {
  let played = 0;
  const endsAt = performance.now() + budgetMs;
  await fc.assert(
    fc.asyncProperty(drawn, async (drawing) => {
      // Not fast-check's own time limit: that leaves the last history going on by itself.
      if (performance.now() > endsAt) return;
      await playOne(drawing);
      played += 1;
    }),
    { seed, numRuns: RUNS_MAX, endOnFailure: true },
  );
  return played;
}
