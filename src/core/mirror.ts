/** What one database mirrors, and from when on. Stored once; a configuration that differs is refused after the first posting. */
import type { MappingRules } from './mapping.js';

export interface Mirror extends MappingRules {
  /** `acct_…`; null when a restricted key could not read the account. */
  readonly stripeAccount: string | null;
  /** Cloud instance id, or `core` for a self-hosted Core. */
  readonly blnkInstance: string;
  readonly sourceShards: number;
  readonly accountsMode: string;
  /** Payments created at or after this time are mirrored. Absolute: frozen at the first start. */
  readonly startsAt: Date;
  /** Ceiling of the first backfill; the tail takes over a little before it. Null until the first run. */
  readonly handOverAt: Date | null;
  readonly firstPostAt: Date | null;
}

/** No PaymentIntent is older than Stripe itself: `SYNC_START=all` begins here, and nothing earlier is asked for. */
export const STRIPE_EPOCH = new Date(Date.UTC(2011, 0, 1));
