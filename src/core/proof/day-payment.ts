/**
 * What each side of a proof holds of one payment of a day: shapes, and what can be said of one side alone. Comparing is for
 * those who judge.
 */
import type { LedgerRecord } from '../ledger/row.js';
import type { ParkingReason, PostingRole, PostingState } from '../posting/posting.js';

/** A succeeded payment as Stripe shows it now, and what mapping makes of it. */
export interface ExpectedPayment {
  readonly id: string;
  readonly amount: bigint;
  /** Upper-case code. */
  readonly currency: string;
  readonly created: Date;
  /** Names of the balances; null when mapping refuses the payment. */
  readonly balances: { readonly source: string; readonly destination: string } | null;
  /** Why mapping refuses it; null when it does not. */
  readonly refused: string | null;
}

/** One of our postings, as the third side. */
export interface DayPosting {
  readonly reference: string;
  readonly paymentId: string;
  readonly role: PostingRole;
  readonly state: PostingState;
  readonly reason: ParkingReason | null;
  /** By a person; what a repair plan dismissed, another posting stands for. */
  readonly dismissed: boolean;
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly source: string | null;
  readonly destination: string | null;
  readonly effectiveDate: Date;
}

/** What one side holds of one id: a line of its hash. */
export interface SideLine {
  readonly id: string;
  /** Null when the ledger does not say it. */
  readonly amount: bigint | null;
  readonly currency: string;
  readonly effectiveDate: Date | null;
}

export interface JudgeRules {
  readonly day: string;
  readonly mirrorId: string;
  /** Undefined when the ledger has no such balance. */
  balanceId(name: string, currency: string): string | undefined;
  /** The mirror has read so far that it must have the payment. */
  isCollected(paymentId: string): boolean;
}

/** What the ledger and we hold of one payment. */
export interface HeldOfPayment {
  /** Every row that was found for it, of any status. */
  readonly rows: readonly LedgerRecord[];
  readonly own: readonly DayPosting[];
}

/** The line of a row that stands for itself. */
export function lineOf({ reference, amount, currency, effectiveDate }: LedgerRecord): SideLine {
  return { id: reference, amount, currency, effectiveDate };
}

/** Parked or dismissed, and nothing of it on its way or seen in the ledger. */
export function isHeldBack(own: readonly DayPosting[]): boolean {
  return own.length > 0 && own.every(({ state }) => state === 'parked');
}

export function reasonsOf(own: readonly DayPosting[]): string {
  return [...new Set(own.flatMap(({ reason }) => reason ?? []))].sort().join(', ') || 'no reason';
}
