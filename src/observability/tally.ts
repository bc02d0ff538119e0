/** Counts payments and logs them in sums: at once for the first parked ones of a reason, then at most once a minute. */
import type { Events } from './events.js';

const TOLD_EVERY_MS = 60_000;

interface Parking {
  readonly reference: string;
  readonly reason: string;
  readonly detail: string;
}

export interface Tally {
  posted(payments: number, alreadyThere: number): void;
  parked(parkings: readonly Parking[]): void;
  /** For a timer: logs what a minute brought. With `all` also what is younger. */
  flush(options?: { readonly all?: boolean }): void;
}

export function createTally(events: Pick<Events, 'paymentsPosted' | 'parked'>, monotonicMs: () => number): Tally {
  let posted = { payments: 0, alreadyThere: 0, sinceMs: 0 };
  /** By reason: when it was told, and what came since. */
  const parked = new Map<string, { toldAtMs: number; payments: number; first: Parking }>();

  const tellParked = (reason: string, entry: { toldAtMs: number; payments: number; first: Parking }): void => {
    const { payments, first } = entry;
    entry.toldAtMs = monotonicMs();
    entry.payments = 0;
    events.parked({ reason, payments, reference: first.reference, detail: first.detail });
  };
  return {
    posted(payments, alreadyThere) {
      if (payments === 0) return;
      if (posted.payments === 0) posted.sinceMs = monotonicMs();
      posted.payments += payments;
      posted.alreadyThere += alreadyThere;
    },
    parked(parkings) {
      for (const reason of new Set(parkings.map((parking) => parking.reason))) {
        const [first, ...others] = parkings.filter((parking) => parking.reason === reason);
        if (first === undefined) continue;
        const entry = parked.get(reason) ?? { toldAtMs: Number.NEGATIVE_INFINITY, payments: 0, first };
        parked.set(reason, entry);
        if (entry.payments === 0) entry.first = first;
        entry.payments += 1 + others.length;
        if (monotonicMs() - entry.toldAtMs >= TOLD_EVERY_MS) tellParked(reason, entry);
      }
    },
    flush({ all = false } = {}) {
      const nowMs = monotonicMs();
      for (const [reason, entry] of parked) {
        if (entry.payments > 0 && (all || nowMs - entry.toldAtMs >= TOLD_EVERY_MS)) tellParked(reason, entry);
      }
      const { payments, alreadyThere, sinceMs } = posted;
      if (payments === 0 || (!all && nowMs - sinceMs < TOLD_EVERY_MS)) return;
      posted = { payments: 0, alreadyThere: 0, sinceMs: 0 };
      events.paymentsPosted({ payments, alreadyThere, overMs: Math.round(nowMs - sinceMs) });
    },
  };
}
