/**
 * How often the tail may ask Stripe. Besides limits per second there is a read allocation over 30 days, so a small account
 * that is polled every minute would use it up by polling alone.
 *
 * Source: https://docs.stripe.com/rate-limits (live mode: 500 reads per transaction over 30 days, at least 10,000).
 */
import { DAY_MS } from '../base/window.js';

const ALLOCATION_WINDOW_MS = 30 * DAY_MS;
const READS_PER_TRANSACTION = 500;
const READS_MIN = 10_000;

export interface PollFacts {
  /** `SYNC_EVERY`, the shortest interval that is wanted. */
  readonly everyMs: number;
  /** `STRIPE_SHARE`, 0 to 1. */
  readonly share: number;
  /** Test data is not counted against the allocation. */
  readonly livemode: boolean;
  /** Payments stored in the last 30 days, as a lower bound of the account's transactions. */
  readonly paymentsInThirtyDays: number;
  /** Whether sweeps stand in for events: they take their part of the allocation. */
  readonly eventsRefused: boolean;
}

/** Hourly sweeps in three parts, daily ones in eight; each part costs a request at least. */
const READS_OF_SWEEPS = 30 * (24 * 3 + 8);

/** The interval in force, in milliseconds: what is wanted, or what the share of the allocation allows. */
export function pollIntervalMs(facts: PollFacts): number {
  const { everyMs, share, livemode, paymentsInThirtyDays, eventsRefused } = facts;
  if (!livemode) return everyMs;
  const allowed = share * Math.max(READS_MIN, READS_PER_TRANSACTION * paymentsInThirtyDays);
  // At least half is left for what is new: a small share must not stop the reading.
  const reads = eventsRefused ? Math.max(allowed - READS_OF_SWEEPS, allowed / 2) : allowed;
  return Math.max(everyMs, Math.ceil(ALLOCATION_WINDOW_MS / reads));
}
