/**
 * Reads a transaction as Core or the Cloud shows it. What cannot be read becomes unknown, never a guess: an unknown amount
 * or balance is judged a conflict, so that a person looks at it. Judging itself is `core/ledger/settlement.ts`.
 */

import { memberOf, textMemberOf } from '../core/base/exact-json.js';
import { OBJECT_KINDS } from '../core/kinds/registry.js';
import type { LedgerRecord, LedgerRow } from '../core/ledger/row.js';
import { shorten } from './answer.js';

const UNKNOWN = 'unknown';

/** Go's zero time, which Core writes for "none". */
const ZERO_TIME = '0001-01-01';

/** @returns null when the value carries no reference, so that it cannot be told which transaction it is */
export function readLedgerRow(value: unknown): LedgerRow | null {
  const reference = textMemberOf(value, 'reference');
  const transactionId = memberOf(value, 'transaction_id');
  if (reference === null || !isPossible(reference)) return null;
  const metaData = memberOf(value, 'meta_data');
  const rejectionReason = textMemberOf(metaData, 'blnk_rejection_reason');
  return {
    reference,
    transactionId: isLedgerId(transactionId) ? transactionId : UNKNOWN,
    status: readWord(value, 'status') ?? UNKNOWN,
    amount: readAmount(value),
    currency: readWord(value, 'currency') ?? UNKNOWN,
    source: readWord(value, 'source') ?? UNKNOWN,
    destination: readWord(value, 'destination') ?? UNKNOWN,
    effectiveDate: readDate(textMemberOf(value, 'effective_date')),
    mirrorId: readMirrorId(metaData),
    rejectionReason: rejectionReason === null ? null : shorten(rejectionReason),
    parentId: readWord(value, 'parent_transaction'),
  };
}

/** A Core finds a null where it is asked for rows without the key: somebody's null names no mirror, whoever else's row it is. */
function readMirrorId(metaData: unknown): string | null {
  const given = memberOf(metaData, 'stripe_mirror') ?? null;
  return given === null ? null : (readWord(metaData, 'stripe_mirror') ?? UNKNOWN);
}

/** Whether this can be an id that Core gave: it becomes part of a path in requests, and of tables. */
export function isLedgerId(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value);
}

/** A row of Core has 7,962 bytes at most. */
const TEXT_LENGTH_MAX = 8_000;

/** Anybody may write a reference, but none that PostgreSQL, below Core as here, cannot hold. */
function isPossible(text: string): boolean {
  return text !== '' && text.length <= TEXT_LENGTH_MAX && text.isWellFormed() && !text.includes('\u0000');
}

/** A text of one line that a name or a code can be; null for anything else, which can only differ from what is expected. */
function readWord(value: unknown, key: string): string | null {
  const text = textMemberOf(value, key);
  return text?.isWellFormed() && /^\P{Cc}{1,400}$/u.test(text) ? text : null;
}

/** The same with what proofs need beside the money. */
export function readLedgerRecord(value: unknown): LedgerRecord | null {
  const row = readLedgerRow(value);
  if (row === null) return null;
  const metaData = memberOf(value, 'meta_data');
  return {
    ...row,
    // An empty text names nothing, and neither does one that was never a name.
    paymentId: OBJECT_KINDS.map(({ metadataKey }) => readWord(metaData, metadataKey)).find((id) => id !== null) ?? null,
    day: readWord(metaData, 'stripe_day'),
    createdAt: readDate(textMemberOf(value, 'created_at')),
  };
}

/**
 * `precise_amount` where the answer carries it. Else `amount × precision`, computed in decimals (10.99 × 100 is 1099, which
 * doubles miss), and only when that is a whole number. `amount` may be a number, or a text such as "12.50".
 */
function readAmount(row: unknown): bigint | null {
  const precise = memberOf(row, 'precise_amount');
  if (precise !== undefined && precise !== null) return wholeNumber(precise);
  const amount = memberOf(row, 'amount');
  const precision = wholeNumber(memberOf(row, 'precision'));
  if ((typeof amount !== 'number' && typeof amount !== 'string') || precision === null || precision <= 0n) return null;
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

/** RFC 3339 with its zone, as Go writes it: `Date` alone takes "12" for a day of 2001, and a time without zone for a local one. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

function readDate(text: string | null): Date | null {
  if (text === null || !TIME.test(text) || text.startsWith(ZERO_TIME)) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}
