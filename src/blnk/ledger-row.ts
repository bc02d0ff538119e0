/**
 * Reads a transaction as Core or the Cloud shows it. What cannot be read becomes unknown, never a guess: an unknown amount
 * or balance is judged a conflict, so that a person looks at it. Judging itself is `core/settlement.ts`.
 */

import { memberOf, textMemberOf } from '../core/exact-json.js';
import type { LedgerRow } from '../core/settlement.js';
import type { LedgerRecord } from '../prove/ports.js';

const UNKNOWN = 'unknown';

/** Go's zero time, which Core writes for "none". */
const ZERO_TIME = '0001-01-01';

/** @returns null when the value carries no reference, so that it cannot be told which transaction it is */
export function readLedgerRow(value: unknown): LedgerRow | null {
  const reference = textMemberOf(value, 'reference');
  if (reference === null || reference === '') return null;
  const metaData = memberOf(value, 'meta_data');
  return {
    reference,
    transactionId: textMemberOf(value, 'transaction_id') ?? UNKNOWN,
    status: textMemberOf(value, 'status') ?? UNKNOWN,
    amount: readAmount(value),
    currency: textMemberOf(value, 'currency') ?? UNKNOWN,
    source: textMemberOf(value, 'source') ?? UNKNOWN,
    destination: textMemberOf(value, 'destination') ?? UNKNOWN,
    effectiveDate: readDate(textMemberOf(value, 'effective_date')),
    mirrorId: textMemberOf(metaData, 'stripe_mirror'),
    rejectionReason: textMemberOf(metaData, 'blnk_rejection_reason'),
  };
}

/** The same with what proofs need beside the money. */
export function readLedgerRecord(value: unknown): LedgerRecord | null {
  const row = readLedgerRow(value);
  if (row === null) return null;
  const metaData = memberOf(value, 'meta_data');
  return {
    ...row,
    // An empty text names nothing.
    paymentId: textMemberOf(metaData, 'stripe_payment_intent_id') || null,
    day: textMemberOf(metaData, 'stripe_day') || null,
    createdAt: readDate(textMemberOf(value, 'created_at')),
  };
}

/**
 * `precise_amount` where the answer carries it. Else `amount × precision`, computed in decimals (10.99 × 100 is 1099, which
 * doubles miss), and only when that is a whole number.
 */
function readAmount(row: unknown): bigint | null {
  const precise = memberOf(row, 'precise_amount');
  if (precise !== undefined && precise !== null) return wholeNumber(precise);
  const amount = memberOf(row, 'amount');
  const precision = wholeNumber(memberOf(row, 'precision'));
  if (typeof amount !== 'number' || precision === null || precision <= 0n) return null;
  // A double prints as its shortest decimal; with exponents or over 15 digits that is no longer the number that was meant.
  const decimal = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(amount));
  if (decimal === null) return null;
  const [, sign = '', whole = '', fraction = ''] = decimal;
  if (whole.length + fraction.length > 15) return null;
  const scaled = BigInt(whole + fraction) * precision;
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n) return null;
  return sign === '-' ? -(scaled / divisor) : scaled / divisor;
}

/** Long numbers arrive as strings of their digits (`exact-json.ts`). */
export function wholeNumber(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null;
  if (typeof value === 'string') return /^-?\d{1,100}$/.test(value) ? BigInt(value) : null;
  return null;
}

function readDate(text: string | null): Date | null {
  if (text === null || text.startsWith(ZERO_TIME)) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}
