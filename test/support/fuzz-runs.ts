/**
 * How many drawings each suite of bad data tries and with which seed: few in `npm test`, as many times more as
 * `scripts/play-bad-data.ts` is told. fast-check prints the seed and the smallest drawing that fails.
 */
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Absent: once. */
    readonly fuzzTimes?: number;
    readonly fuzzSeed?: number;
  }
}

const SEED = 20_261_121;

/** Of one drawing, on a busy machine; the test's limit is that for all of them. */
const DRAWING_MAX_MS = 2_000;

export interface FuzzRuns {
  readonly seed: number;
  readonly numRuns: number;
  /** The test's own limit. */
  readonly timeout: number;
}

/** @param runs drawings in `npm test` */
export function fuzzRuns(runs: number): FuzzRuns {
  const numRuns = runs * (inject('fuzzTimes') ?? 1);
  return { seed: inject('fuzzSeed') ?? SEED, numRuns, timeout: 60_000 + numRuns * DRAWING_MAX_MS };
}
