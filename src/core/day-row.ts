/**
 * A row of the ledger as a proof sees it: which payment it belongs to, and as what. The reference decides first, because it
 * is the key that nobody can use twice; our metadata only where the reference names no payment of the day.
 */
import { compareText, type FoundRow } from './certificate.js';
import { toSeenRow } from './repair.js';
import type { LedgerRow } from './settlement.js';
import { undoneReference } from './undone.js';
import type { Window } from './window.js';

export interface DayRow extends LedgerRow {
  /** `stripe_payment_intent_id` of our metadata; null when there is none. */
  readonly paymentId: string | null;
  /** `stripe_day` of our metadata. */
  readonly day: string | null;
  readonly createdAt: Date | null;
}

/**
 * `principal`: under the payment's reference, its queued child's, or a replacement's. `correction`: `<pi>:adj:<n>`.
 * `stray`: says by its metadata alone that it is of the payment.
 */
export type RowRole = 'principal' | 'correction' | 'stray';

const REFERENCE = /^(pi_[^:]+?)(:r\d+|:adj:\d+)?(_q)?$/;

/** The PaymentIntent that a reference is made of; null for references of another form. */
export function paymentOfReference(reference: string): string | null {
  return REFERENCE.exec(reference)?.[1] ?? null;
}

/** @param isKnown whether an id is a payment of the day */
export function paymentOfRow(row: DayRow, isKnown: (id: string) => boolean): string | null {
  // What was taken back by hand may carry no metadata.
  const named = paymentOfReference(undoneReference(row.reference));
  return named !== null && isKnown(named) ? named : (row.paymentId ?? named);
}

export function roleOf(row: DayRow, paymentId: string): RowRole {
  const [, named, suffix] = REFERENCE.exec(row.reference) ?? [];
  if (named !== paymentId) return 'stray';
  return suffix?.startsWith(':adj:') === true ? 'correction' : 'principal';
}

/** Minor units that the row took out of our source balance; negative when it brought them back. Null when unknown. */
export function signedAmount({ amount, source, destination }: LedgerRow, sourceId: string | undefined): bigint | null {
  if (amount === null) return null;
  return destination === sourceId && source !== sourceId ? -amount : amount;
}

export function isApplied({ status }: LedgerRow): boolean {
  return status === 'APPLIED';
}

/** When Blnk counts the row in a balance of the past. */
export function tookEffectIn(row: DayRow, { from, to }: Window): boolean {
  const at = row.effectiveDate ?? row.createdAt;
  return at === null || (at >= from && at < to);
}

export function byReference(a: LedgerRow, b: LedgerRow): number {
  return (
    a.reference.length - b.reference.length ||
    compareText(a.reference, b.reference) ||
    compareText(a.transactionId, b.transactionId)
  );
}

/** As it is kept in a certificate. */
export function toFoundRow(row: LedgerRow): FoundRow {
  return { ...toSeenRow(row), effectiveDate: row.effectiveDate === null ? null : isoSeconds(row.effectiveDate) };
}

/** `2026-11-21T10:00:00Z`; parts of a second only where there are any. */
export function isoSeconds(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z');
}
