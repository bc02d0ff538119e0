/**
 * Judges what a look-up in the ledger shows of one posting. The only place that decides what "in the ledger with equal
 * content" means. Pure: it is given rows, and it never requests more.
 */

import { formatMoney } from '../base/money.js';
import type { ResolveBalance } from './balance-names.js';
import { currentRows } from './current-rows.js';
import { type DecidedRow, decideRows } from './object-rows.js';
import { queuedChildOf } from './reference.js';
import type { LedgerRow } from './row.js';

/** What must be there by the posting. */
export interface ExpectedRow {
  readonly reference: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
  readonly effectiveDate: Date;
  readonly mirrorId: string;
}

export type Finding =
  | {
      readonly kind: 'applied';
      readonly transactionId: string;
      readonly ours: boolean;
      readonly exception: string | null;
    }
  /** Nothing of this reference was seen. Not a proof of absence: a replica may lag. */
  | { readonly kind: 'absent' }
  /** Somebody queued or scheduled it, or booked it inflight, and it is not decided: it must never be replaced meanwhile. */
  | { readonly kind: 'undecided'; readonly detail: string }
  /** The row is there, but the look-up knows no balance of an expected name: a replica may lag. Not a conflict. */
  | { readonly kind: 'unresolved'; readonly detail: string }
  | { readonly kind: 'burnt'; readonly detail: string }
  | { readonly kind: 'conflict'; readonly detail: string };

/**
 * @param rows all rows that a look-up found under the forms of the reference (`findForms`), and their children
 * @returns what is true of the posting as far as these rows tell
 */
export function judge(expected: ExpectedRow, rows: readonly LedgerRow[], resolve: ResolveBalance): Finding {
  const decided = decideRows(currentRows(rows), (id) => id === expected.reference);
  const own = decided.find(({ base }) => base === expected.reference);
  if (own !== undefined) return judgeOwn(expected, own, resolve);
  const taken = rows.find(({ reference, status }) => isOwn(reference, expected) && status === 'APPLIED');
  if (taken !== undefined) {
    const by = rows.filter((row) => row !== taken && row.status === 'APPLIED').map(({ reference }) => reference);
    return { kind: 'conflict', detail: `${taken.transactionId} was taken back in the ledger by ${by.join(', ')}` };
  }
  return judgeLegs(decided.filter(({ role, of }) => role === 'leg' && of === expected.reference));
}

function isOwn(reference: string, expected: ExpectedRow): boolean {
  return reference === expected.reference || reference === queuedChildOf(expected.reference);
}

function judgeOwn(expected: ExpectedRow, { row, verdict }: DecidedRow, resolve: ResolveBalance): Finding {
  switch (verdict) {
    case 'undecided':
      return { kind: 'undecided', detail: undecidedText(row) };
    case 'rejected':
      return {
        kind: 'burnt',
        detail: `${row.transactionId} was rejected: ${row.rejectionReason ?? 'no reason given'}`,
      };
    case 'voided':
      return { kind: 'burnt', detail: `${row.transactionId} was booked inflight and voided` };
    case 'inflight':
      return { kind: 'undecided', detail: `Somebody booked this reference inflight: ${inflightText(row)}` };
    case 'applied':
    case 'other':
      return judgeContent(expected, row, resolve);
    default:
      return verdict satisfies never;
  }
}

/** A split is never the payment: its parts may go to other balances, and a second posting would book them once more. */
function judgeLegs(legs: readonly DecidedRow[]): Finding {
  const standing = legs.filter(({ verdict }) => verdict === 'applied' || verdict === 'other');
  const open = legs.filter(({ verdict }) => verdict === 'undecided' || verdict === 'inflight');
  if (standing.length > 0) {
    const rest = open.length === 0 ? '' : `; not decided yet: ${open.map(({ row }) => legText(row)).join(', ')}`;
    return { kind: 'conflict', detail: `${splitText(standing.map(({ row }) => row))}${rest}` };
  }
  // Legs that were all rejected, voided or taken back moved nothing, and left the reference itself free.
  if (open.length === 0) return { kind: 'absent' };
  const names = open.map(({ row }) => legText(row)).join(', ');
  return { kind: 'undecided', detail: `Somebody booked it in parts that are not decided yet: ${names}` };
}

/** The parts of a split and what they add up to, in words for a person. */
export function splitText(legs: readonly LedgerRow[]): string {
  const { currency = '' } = legs[0] ?? {};
  const isSummable = legs.every((leg) => leg.currency === currency && leg.amount !== null && leg.status === 'APPLIED');
  const sum = legs.reduce((total, { amount }) => total + (amount ?? 0n), 0n);
  const together = isSummable ? `, together ${formatMoney({ amount: sum, currency })}` : '';
  return `somebody booked it in parts: ${legs.map(legText).join(', ')}${together}`;
}

function legText({ reference, transactionId, status, amount, currency, source, destination }: LedgerRow): string {
  const money = amount === null ? `unknown ${currency}` : formatMoney({ amount, currency });
  return `${reference} (${transactionId}, ${status}) ${money} from ${source} to ${destination}`;
}

/** What is committed, voided and open of a row that was booked inflight. */
export function inflightText({ transactionId, amount, currency, outcome }: LedgerRow): string {
  const money = (value: bigint | null) =>
    value === null ? 'an unknown amount' : formatMoney({ amount: value, currency });
  if (outcome === undefined) return `${transactionId} over ${money(amount)} is neither committed nor voided`;
  const { booked, committed, voided } = outcome;
  const open = booked === null ? null : booked - committed - voided;
  const parts = [`${money(committed)} committed`];
  if (voided > 0n) parts.push(`${money(voided)} voided`);
  if (open !== null && open > 0n && voided === 0n) parts.push(`${money(open)} still open`);
  return `of ${transactionId} over ${money(booked)}: ${parts.join(', ')}`;
}

function undecidedText({ status, reference, transactionId }: LedgerRow): string {
  if (status === 'SCHEDULED')
    return `Somebody scheduled ${reference} in Blnk (${transactionId}), and its time has not come`;
  return 'Somebody queued this reference in Blnk and it is not decided yet; Core replays such rows after two hours';
}

function judgeContent(expected: ExpectedRow, row: LedgerRow, resolve: ResolveBalance): Finding {
  const differences: string[] = [];
  const differs = (field: string, ledger: string, wanted: string): void => {
    differences.push(`${field} is ${ledger} in the ledger, ${wanted} is expected`);
  };
  if (row.status !== 'APPLIED') differs('status', row.status, 'APPLIED');
  if (row.amount !== expected.amount || row.currency !== expected.currency) {
    const { currency } = row;
    differs(
      'amount',
      row.amount === null ? `unknown ${currency}` : formatMoney({ amount: row.amount, currency }),
      formatMoney(expected),
    );
    if (row.outcome !== undefined) differences.push(`it was booked inflight: ${inflightText(row)}`);
  }
  const unresolved: string[] = [];
  // A name means another balance in another currency: then there is nothing to compare.
  for (const field of row.currency === expected.currency ? (['source', 'destination'] as const) : []) {
    const id = resolve(expected[field]);
    if (row[field] === (id ?? expected[field])) continue;
    if (id === undefined)
      unresolved.push(
        `${field} is ${row[field]} in the ledger, which shows no balance ${expected[field]} in ${expected.currency}`,
      );
    else differs(field, row[field], `${expected[field]} (${id})`);
  }
  if (differences.length > 0) return { kind: 'conflict', detail: `${row.transactionId}: ${differences.join('; ')}` };
  if (unresolved.length > 0) return { kind: 'unresolved', detail: `${row.transactionId}: ${unresolved.join('; ')}` };
  return {
    kind: 'applied',
    transactionId: row.transactionId,
    ours: row.mirrorId === expected.mirrorId,
    exception: effectiveDateException(expected, row),
  };
}

/** Equal in all but the effective date: the money is right, the day may not be; it is posted and listed as an exception. */
function effectiveDateException(expected: ExpectedRow, row: LedgerRow): string | null {
  if (row.effectiveDate === null) return 'effective date is missing in the ledger';
  if (row.effectiveDate.getTime() === expected.effectiveDate.getTime()) return null;
  return `effective date is ${row.effectiveDate.toISOString()} in the ledger, ${expected.effectiveDate.toISOString()} is expected`;
}
