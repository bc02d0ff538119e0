/** How the identities of customers stand, as the tables show it. */
import type { IdentitiesMode } from './identity.js';
import type { IdentityReason } from './link-balances.js';

export interface IdentityFacts {
  /** Of the worker that started last. */
  readonly mode: IdentitiesMode;
  /** Customers that were posted to. */
  readonly customers: number;
  /** Of these, those with an identity in Blnk to which every balance of theirs is linked. */
  readonly linked: number;
  /** Those that get no further until a person acts. */
  readonly parked: ReadonlyArray<{ readonly reason: IdentityReason; readonly count: number }>;
  /** Those that were tried several times and came to nothing, and what the last one said. */
  readonly failing: { readonly count: number; readonly error: string } | null;
  /** Since when the Stripe key may not read customers, whose names are to be kept; null while it may. */
  readonly customersRefusedSince: Date | null;
}
