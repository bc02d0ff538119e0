/**
 * What balances stood at where proven days end: the first proof of the day after begins there and need not ask again, which
 * costs a large Core a second for each balance. A later proof of a day asks for both ends: it is there to look again. Held by
 * one process; the oldest are forgotten.
 */
import type { Standings } from './prove-day.js';

/** A hundred bytes each: a month of 27 currencies, and then some. */
const KEPT_MAX = 1_000;

export interface Boundaries {
  /** A copy, to be added to. */
  known(): Standings;
  keep(standings: Standings): void;
  /** They may be the reason why something is not explained. */
  forget(): void;
}

export function createBoundaries(keptMax = KEPT_MAX): Boundaries {
  const kept: Standings = new Map();
  return {
    known: () => new Map(kept),
    keep(standings) {
      for (const [key, amount] of standings) {
        // The newest last.
        kept.delete(key);
        kept.set(key, amount);
      }
      for (const key of kept.keys()) {
        if (kept.size <= keptMax) break;
        kept.delete(key);
      }
    },
    forget: () => kept.clear(),
  };
}

/** Of one call, which proves days one after another: what it asked itself serves every day after. */
export function boundariesOfCall(earlier: Boundaries) {
  const asked: Standings = new Map();
  let known: Standings = new Map();
  return {
    /** What a day's proof may begin with. */
    of({ isFirstProof }: { readonly isFirstProof: boolean }): Standings {
      known = isFirstProof ? earlier.known() : new Map();
      return new Map([...known, ...asked]);
    },
    /** Of the day that was begun last. */
    keep(standings: Standings): void {
      for (const [key, amount] of standings) if (!known.has(key)) asked.set(key, amount);
      earlier.keep(standings);
    },
    forget(): void {
      asked.clear();
      earlier.forget();
    },
  };
}
