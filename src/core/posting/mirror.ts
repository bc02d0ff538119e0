/** What one database mirrors, and from when on. Stored once; a configuration that differs is refused after the first posting. */
import type { MappingRules } from './mapping.js';

export interface Mirror extends MappingRules {
  /** `acct_…`; null when a restricted key could not read the account. */
  readonly stripeAccount: string | null;
  /** Cloud instance id, or `core` for a self-hosted Core. */
  readonly blnkInstance: string;
  /** `BLNK_ACCOUNTS`. */
  readonly accountsMode: string;
  /** Payments created at or after this time are mirrored. Absolute: frozen at the first start. */
  readonly startsAt: Date;
  /** Ceiling of the first backfill; the tail takes over a little before it. Null until the first run. */
  readonly cutoverAt: Date | null;
  readonly firstPostAt: Date | null;
  /** `SYNC_LAG` of the worker that started last, so that readers judge by the same lag. Null until a worker started. */
  readonly lagMs: number | null;
  /** Since when the key may not read events, by Stripe's clock; null while it may. Then sweeps take the tail's place. */
  readonly eventsRefusedSince: Date | null;
  /** Since when the key may not read charges; null while it may. Then no sweep can be read. */
  readonly chargesRefusedSince: Date | null;
  /** Since when the Blnk key may not read balances as of a moment; null while it may. Then proofs do not see what moved. */
  readonly balancesRefusedSince: Date | null;
  /** When a rebuild began that is not finished; null otherwise. Until then no worker may start. */
  readonly rebuildingSince: Date | null;
  /** Raised when the mirror is moved to another instance id; a worker that started under an earlier one claims nothing. */
  readonly ledgerEpoch: number;
}

/** What may change as long as nothing was posted. */
export type MirrorIdentity = Pick<
  Mirror,
  | 'mirrorId'
  | 'livemode'
  | 'blnkInstance'
  | 'source'
  | 'sourceShards'
  | 'guestDestination'
  | 'accountsMode'
  | 'mappingVersion'
>;

/** What a new mirror row is made of; the rest comes to be known later. */
export type NewMirror = Omit<
  Mirror,
  | 'cutoverAt'
  | 'firstPostAt'
  | 'lagMs'
  | 'eventsRefusedSince'
  | 'chargesRefusedSince'
  | 'balancesRefusedSince'
  | 'rebuildingSince'
  | 'ledgerEpoch'
>;

/** No PaymentIntent is older than Stripe itself: `SYNC_START=all` begins here, and nothing earlier is asked for. */
export const STRIPE_EPOCH = new Date(Date.UTC(2011, 0, 1));
