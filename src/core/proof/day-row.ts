/**
 * A row of the ledger as a proof sees it: which payment it belongs to, and as what. The reference decides first, because it
 * is the key that nobody can use twice; our metadata only where the reference names no payment of the day.
 */

import { dayWindow, type Window } from '../base/window.js';
import { parseReference, refundedBy } from '../ledger/reference.js';
import type { LedgerRecord, LedgerRow } from '../ledger/row.js';
import { toSeenRow } from '../repair/repair-plan.js';
import { compareText, type FoundRow } from './certificate.js';

/**
 * `original`: under the payment's reference, its queued child's, or a replacement's. `correction`: `<pi>:adj:<n>`, or what
 * takes a part of it back. `leg`: a part of somebody's split. `foreign`: shows otherwise that it is of the payment.
 */
export type RowRole = 'original' | 'correction' | 'leg' | 'foreign';

/** The PaymentIntent that a reference is made of; null for references of another form. */
export function paymentOfReference(reference: string): string | null {
  return parseReference(reference).objectId;
}

/**
 * The payment that each row is of: by its reference where that names a payment of the day, by our metadata, or by the row
 * that it commits or refunds, whose metadata Blnk copies and whose reference it does not keep.
 * @param isKnown whether an id is a payment of the day
 */
export function paymentsOfRows(
  rows: readonly LedgerRecord[],
  isKnown: (id: string) => boolean,
): (row: LedgerRecord) => string | null {
  // Made when the first row asks for another one: on most days none does, and a day may have very many.
  let byTransaction: Map<string, LedgerRecord> | null = null;
  const rowOf = (transactionId: string): LedgerRecord | undefined => {
    byTransaction ??= new Map(rows.map((row) => [row.transactionId, row]));
    return byTransaction.get(transactionId);
  };
  const find = (row: LedgerRecord, generation: number): string | null => {
    // What was taken back by hand may carry no metadata.
    const { objectId } = parseReference(row.reference, isKnown);
    if (objectId !== null && isKnown(objectId)) return objectId;
    if (row.paymentId !== null) return row.paymentId;
    const parent = rowOf(refundedBy(row.reference) ?? row.parentId ?? '');
    const isOlder = parent !== undefined && parent !== row && generation < GENERATIONS_MAX;
    return (isOlder ? find(parent, generation + 1) : null) ?? objectId;
  };
  return (row) => find(row, 0);
}

/** Rows that name each other as parents must not be followed for ever. */
const GENERATIONS_MAX = 8;

export function roleOf(row: LedgerRecord, paymentId: string): RowRole {
  const { objectId, role } = parseReference(row.reference, (id) => id === paymentId);
  if (objectId !== paymentId) return 'foreign';
  if (role === 'leg') return 'leg';
  return role === 'correction' || role === 'reversal' ? 'correction' : 'original';
}

/** Minor units that the row took out of our source balance; negative when it brought them back. Null when unknown. */
export function signedAmount({ amount, source, destination }: LedgerRow, sourceId: string | undefined): bigint | null {
  if (amount === null) return null;
  return destination === sourceId && source !== sourceId ? -amount : amount;
}

/** When Blnk counts the row in a balance of the past. */
export function tookEffectIn(row: LedgerRecord, { from, to }: Window): boolean {
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

/** Whether the whole day lies before the mirror's start: of its payments only what succeeded after the hand-over is the mirror's. */
export function isBeforeStart(day: string, startsAt: Date): boolean {
  return dayWindow(day).to <= startsAt;
}
