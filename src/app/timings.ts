/**
 * Every wait of a worker, in one place and in milliseconds. Production uses these; tests hand in shorter ones. None of
 * them decides about correctness: they trade speed of recovery against load, within the vendors' limits.
 */
import { DAY_MS } from '../core/base/window.js';
import type { BackoffOptions } from '../post/backoff.js';
import { BACKOFF_DEFAULT } from '../post/backoff.js';
import type { ScheduleRules } from '../prove/schedule.js';
import type { LedgerWatchOptions } from '../worker/ledger-watch.js';

export interface Timings {
  /** Lease of a claim on postings; requests are only sent within half of it. */
  readonly leaseMs: number;
  /** After this a look-up is final: Core's locks live 5 minutes, and a request may run inside it that long. */
  readonly finalAfterMs: number;
  /** When a posting that was attempted and then dismissed is looked up, counted from the dismissal. */
  readonly dismissedLooksAfterMs: readonly number[];
  readonly backoff: BackoffOptions;
  /** Pause of a lane whose chunks get no further. */
  readonly lanePause: BackoffOptions;
  /** BullMQ's lock on a job in hand, renewed while it runs: how long the lanes of a killed worker stand still. */
  readonly jobLockMs: number;
  /** A run whose worker was silent for this long is closed. */
  readonly runSilentAfterMs: number;
  /** Above any proxy's own limit: a post that is given up leaves Core's balances locked for 5 minutes. */
  readonly postTimeoutMs: number;
  readonly lookUpFirstWaitMs: number;
  /** First and largest pause between tries to start while a server is not there. */
  readonly startRetry: BackoffOptions;
  /** First pause between tries of one Stripe request. */
  readonly stripeRetryBaseMs: number;
  readonly proofs: ProofTimings;
  readonly identities: IdentityTimings;
  readonly accounts: AccountTimings;
  /** When a worker looks whether the ledger is still the one that it posted to. */
  readonly ledger: LedgerWatchOptions;
}

/** When customers' identities are made and linked. */
export interface IdentityTimings {
  readonly everyMs: number;
  /** How often Stripe is asked which customers changed; events are shown up to ten minutes late, and read twice within that time. */
  readonly changesEveryMs: number;
  /** A batch is another worker's after this. What both do is done once. */
  readonly leaseMs: number;
  readonly backoff: BackoffOptions;
}

/** When the balances of a ledger of the mirror's own are made. */
export interface AccountTimings {
  /** What collecting has stored asks at once; this is for all else. */
  readonly everyMs: number;
  readonly leaseMs: number;
  /** What may have been made and is not shown counts as not made after this. */
  readonly againAfterMs: number;
  /** How often everything that the ledger holds is read from where it was read to. */
  readonly readEveryMs: number;
  /** How often sums and marks of the whole ledger are looked at. */
  readonly checkEveryMs: number;
  readonly backoff: BackoffOptions;
}

/** When days are proven; `prove/schedule.ts` has the rules. */
export interface ProofTimings extends ScheduleRules {
  /** How often the timer checks whether a day is due. */
  readonly askEveryMs: number;
  /** No further day of a turn begins after this: what is left comes with the next one. */
  readonly turnMs: number;
  /** A day whose proof failed is left alone for this long, so that others get their turn. */
  readonly failedAfterMs: number;
}

export const TIMINGS: Timings = {
  leaseMs: 30_000,
  finalAfterMs: 6 * 60_000,
  dismissedLooksAfterMs: [15 * 60_000, 24 * 3_600_000],
  backoff: BACKOFF_DEFAULT,
  lanePause: { baseMs: 1_000, maxMs: 60_000 },
  jobLockMs: 10_000,
  runSilentAfterMs: 60_000,
  postTimeoutMs: 70_000,
  lookUpFirstWaitMs: 250,
  startRetry: { baseMs: 1_000, maxMs: 30_000 },
  stripeRetryBaseMs: 500,
  ledger: {
    // Two small requests. What is about to be posted is looked at anyway.
    everyMs: 5 * 60_000,
    inDoubtEveryMs: 30_000,
    believedAfterMs: 10 * 60_000,
  },
  identities: {
    everyMs: 5_000,
    changesEveryMs: 5 * 60_000,
    leaseMs: 5 * 60_000,
    backoff: { baseMs: 5_000, maxMs: 3_600_000 },
  },
  accounts: {
    everyMs: 1_000,
    leaseMs: 60_000,
    // Longer than a request may run, and than a replica is believed to lag.
    againAfterMs: 10 * 60_000,
    readEveryMs: 3_600_000,
    checkEveryMs: DAY_MS,
    backoff: { baseMs: 1_000, maxMs: 5 * 60_000 },
  },
  proofs: {
    askEveryMs: 60_000,
    // Half of each minute at most: a mirror of years has thousands of days to prove at its first start.
    turnMs: 30_000,
    failedAfterMs: 10 * 60_000,
    firstAfterMs: 2 * DAY_MS,
    // Konbini vouchers live up to 60 days, debits take 14 business days, holds 30 days.
    lateAfterMs: 75 * DAY_MS,
    againAfterMs: DAY_MS,
    rotateEveryMs: DAY_MS,
    rotateAgeMs: 30 * DAY_MS,
    giveWayForMs: 7 * DAY_MS,
  },
};
