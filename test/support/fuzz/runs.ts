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

export interface FuzzRuns {
  /** For fast-check. */
  readonly settings: {
    readonly seed: number;
    readonly numRuns: number;
    /** What takes longer hangs. */
    readonly timeout: number;
    /** So that making a failing drawing smaller ends in time to be told. */
    readonly interruptAfterTimeLimit: number;
    readonly markInterruptAsFailure: true;
  };
  /** The test's own limit. */
  readonly timeout: number;
}

/** Of one drawing, on a busy machine; the test's limit is that for all of them. */
const DRAWING_MAX_MS = 20_000;
const DRAWING_USUAL_MAX_MS = 5_000;

/** @param runs drawings in `npm test` */
export function fuzzRuns(runs: number): FuzzRuns {
  const numRuns = runs * (inject('fuzzTimes') ?? 1);
  const limitMs = 60_000 + numRuns * DRAWING_USUAL_MAX_MS;
  return {
    settings: {
      ...{ seed: inject('fuzzSeed') ?? SEED, numRuns, timeout: DRAWING_MAX_MS },
      ...{ interruptAfterTimeLimit: limitMs, markInterruptAsFailure: true },
    },
    timeout: limitMs + DRAWING_MAX_MS,
  };
}
