/** What a dry run has counted: what would become of the payments that it read. */
import type { ParkingReason } from '../posting/posting.js';

export interface DryRunCounts {
  /** Payments that the mirror claims: known before, and new. */
  readonly found: number;
  readonly knownBefore: number;
  readonly fresh: number;
  /** Created before the mirror's start, and paid before the hand-over: not claimed. */
  readonly beforeStart: number;
  /** One per currency, by code. Amounts in minor units. */
  readonly wouldPost: ReadonlyArray<{ readonly currency: string; readonly count: number; readonly amount: bigint }>;
  readonly wouldPark: ReadonlyArray<{
    readonly reason: ParkingReason;
    readonly count: number;
    /** The first few ids. */
    readonly examples: readonly string[];
  }>;
  /** Customers among them that were not posted to before; null: nobody asked. */
  readonly newCustomers: number | null;
  /** Balances of customers and guests, one for each currency, that are not there; null: they are not counted. */
  readonly newBalances: number | null;
  readonly stripeRequests: number;
}
