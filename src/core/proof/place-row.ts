/**
 * In which piece of a day a row of the ledger belongs, as far as the row says it by itself. Almost every row has the id of its
 * payment as reference: it is *plain*. Of the others the payment follows from which payments the day has, and from the rows
 * that they commit or refund, so they are placed when both sides are listed.
 */
import { isMadeOfMirroredId } from '../kinds/registry.js';
import { parseReference, refundedBy } from '../ledger/reference.js';
import type { LedgerRecord } from '../ledger/row.js';
import { paymentOfReference } from './day-row.js';
import { keyOf } from './line-key.js';

/** Every id that a reference may be made of, itself included. */
export function idsWithin(reference: string): string[] {
  const asked: string[] = [];
  parseReference(reference, (id) => {
    asked.push(id);
    return false;
  });
  return asked;
}

/** Whether the row is of what its reference names, whatever else the day holds; see `paymentsOfRows`. */
export function isPlain({ reference, paymentId, parentId }: LedgerRecord): boolean {
  const isDerived = idsWithin(reference).some((id) => id !== reference && isMadeOfMirroredId(id));
  if (isDerived) return false;
  if (paymentId !== null) return paymentId === reference;
  return refundedBy(reference) === null && (parentId ?? null) === null;
}

/** The payment that a row names by itself: what tells that something of the payment is known. */
export function namedBy({ reference, paymentId }: LedgerRecord): string {
  return paymentId ?? paymentOfReference(reference) ?? reference;
}

/** The key of the piece of rows of one payment; of a payment that Stripe does not list on the day, `isListed` is false. */
export function keyOfRows(paymentId: string, isListed: boolean): string {
  // Findings of such ids are told apart by the payment in them: those that are equal are to be compared together.
  return keyOf(isListed ? paymentId : (paymentOfReference(paymentId) ?? paymentId));
}
