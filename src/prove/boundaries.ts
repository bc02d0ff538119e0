/**
 * Balances at the ends of proven days: the first proof of the day after begins there and need not ask again, which
 * costs a large Core a second for each balance. A later proof of a day asks for both ends: it is there to look again. Held by
 * one process, and for minutes only: what is booked on a day after its proof, and back on the next one, is in a boundary that is
 * asked anew and in none that is a day old.
 */
import { MINUTE_MS } from '../core/base/window.js';
import type { Standings } from './prove-day.js';

/** Longer than from one turn to the next while days wait to be proven; far shorter than from one day to the next. */
const KEPT_MS = 10 * MINUTE_MS;

/** A hundred bytes each: a month of 27 currencies, and then some. */
const KEPT_MAX = 1_000;

export interface Boundaries {
  /** A copy, to be added to. */
  known(): Standings;
  keep(standings: Standings): void;
  /** They may be the reason why something is not explained. */
  forget(): void;
}

export interface BoundaryOptions {
  monotonicMs(): number;
  readonly keptMax?: number;
}

export function createBoundaries({ monotonicMs, keptMax = KEPT_MAX }: BoundaryOptions): Boundaries {
  const kept = new Map<string, { readonly amount: bigint; readonly askedAtMs: number }>();
  const isYoung = ({ askedAtMs }: { readonly askedAtMs: number }) => monotonicMs() - askedAtMs < KEPT_MS;
  return {
    known: () => new Map([...kept].flatMap(([key, one]) => (isYoung(one) ? [[key, one.amount] as const] : []))),
    keep(standings) {
      for (const [key, amount] of standings) {
        const earlier = kept.get(key);
        // One that was used again was not asked again.
        const askedAtMs = earlier !== undefined && isYoung(earlier) ? earlier.askedAtMs : monotonicMs();
        // The newest last.
        kept.delete(key);
        kept.set(key, { amount, askedAtMs });
      }
      for (const key of kept.keys()) {
        if (kept.size <= keptMax) break;
        kept.delete(key);
      }
    },
    forget: () => kept.clear(),
  };
}

/** Of no earlier call. */
export const NO_BOUNDARIES: Boundaries = { known: () => new Map(), keep: () => {}, forget: () => {} };

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
