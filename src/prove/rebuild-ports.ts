/** What judging a payment for a rebuild comes to, and what the store of a rebuild is given. */
import type { ParkingReason, PostingRole, SettledHow } from '../core/posting/posting.js';

/** A transaction that a repair made for a payment, as the ledger holds it. */
export interface RepairRow {
  readonly reference: string;
  readonly role: Exclude<PostingRole, 'original'>;
  readonly amount: bigint;
  /** Names; a correction that takes back goes from the customer to the source. */
  readonly source: string;
  readonly destination: string;
  readonly effectiveDate: Date;
  readonly transactionId: string;
  readonly how: SettledHow;
}

export type Verdict =
  /** Mapping refused it: parked for its own reason, as any run would. */
  | { readonly kind: 'unmappable' }
  | {
      readonly kind: 'posted';
      readonly transactionId: string;
      readonly how: SettledHow;
      readonly exception: string | null;
    }
  | {
      readonly kind: 'parked';
      readonly reason: ParkingReason;
      readonly detail: string;
      /** Set when repairs took its place: it is dismissed, and this says by what. */
      readonly dismissedWhy: string | null;
    };

export interface Judged<Found> {
  readonly found: Found;
  readonly verdict: Verdict;
  readonly repairs: readonly RepairRow[];
}

/** With what the ledger shows beside it. */
export interface JudgedByLedger<Found> extends Judged<Found> {
  /** Ids of balances that this mirror posted it to, other than the one that its destination is known to be. */
  readonly elsewhere: readonly string[];
}
