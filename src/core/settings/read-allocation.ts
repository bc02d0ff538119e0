/**
 * How much the mirror may read of Stripe, and how often the tail may ask therefore. Besides limits per second there is an
 * allocation of reads over 30 days, which a small account that is polled every minute would use up by polling alone.
 *
 * Source: https://docs.stripe.com/rate-limits (live mode: 500 reads per transaction over 30 days, at least 10,000).
 */
import { DAY_MS } from '../base/window.js';

const ALLOCATION_DAYS = 30;
const READS_PER_TRANSACTION = 500;
const READS_MIN = 10_000;

export interface ReadFacts {
  /** `STRIPE_SHARE`, 0 to 1. */
  readonly share: number;
  /** Test data is not counted against the allocation. */
  readonly livemode: boolean;
  /** Payments of the last 30 days, whenever they were stored, as a lower bound of the account's transactions. */
  readonly paymentsInThirtyDays: number;
  /** Requests that this mirror sent, whatever for. */
  readonly readsInThirtyDays: number;
  readonly readsInLastDay: number;
}

export interface PollFacts extends ReadFacts {
  /** `SYNC_EVERY`, the shortest interval that is wanted. */
  readonly everyMs: number;
  /** Whether sweeps stand in for events: they take their part of the allocation. */
  readonly eventsRefused: boolean;
}

export interface ReadAllocation {
  /** In the last 30 days. */
  readonly used: number;
  /** The mirror's share of what Stripe allows in 30 days; null: reads are not counted. */
  readonly allowed: number | null;
  /** In 30 days at the pace of the last day. */
  readonly forecast: number;
}

/** Hourly sweeps in three parts, daily ones in eight; each part costs a request at least. */
const READS_OF_SWEEPS = 30 * (24 * 3 + 8);

/**
 * From this part of the allocation on the interval grows, to eight times as long when all of it is used. Then polls take an eighth
 * of it at most, and a mirror whose pages, sweeps and proofs are a seventh of it stays below nineteen twentieths.
 */
const WIDENS_FROM = 0.8;
const WIDENED_MAX = 8;

export function readAllocation({ share, livemode, ...facts }: ReadFacts): ReadAllocation {
  const whole = Math.max(READS_MIN, READS_PER_TRANSACTION * facts.paymentsInThirtyDays);
  return {
    used: facts.readsInThirtyDays,
    // However small the share is: an interval is made of it.
    allowed: livemode ? Math.max(1, Math.floor(share * whole)) : null,
    forecast: ALLOCATION_DAYS * facts.readsInLastDay,
  };
}

/**
 * The interval in force, in milliseconds: what is wanted, or what the share of the allocation allows; longer when pages, sweeps
 * and proofs used most of it. It never stops: a share that is used up by a backfill must not keep new payments out.
 */
export function pollIntervalMs(facts: PollFacts): number {
  const { used, allowed } = readAllocation(facts);
  if (allowed === null) return facts.everyMs;
  // At least half is left for what is new: a small share must not stop the reading.
  const reads = facts.eventsRefused ? Math.max(allowed - READS_OF_SWEEPS, allowed / 2) : allowed;
  const strain = Math.min(1, Math.max(0, (used / allowed - WIDENS_FROM) / (1 - WIDENS_FROM)));
  const widened = 1 + (WIDENED_MAX - 1) * strain;
  return Math.ceil(widened * Math.max(facts.everyMs, Math.ceil((ALLOCATION_DAYS * DAY_MS) / reads)));
}
