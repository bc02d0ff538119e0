/**
 * Judges what a look-up in the ledger says about one posting. The only place that decides what "in the ledger with equal
 * content" means. Pure: it is given rows, and it never asks for more.
 */

import { formatMoney } from './money.js';

/** A transaction as a look-up shows it. */
export interface LedgerRow {
  readonly transactionId: string;
  readonly reference: string;
  /** `APPLIED`, `QUEUED`, `REJECTED`, `INFLIGHT`, `VOID`, … */
  readonly status: string;
  /** Minor units; null when the answer carries no exact amount. */
  readonly amount: bigint | null;
  readonly currency: string;
  /** Balance ids (`bln_…`); a queued row still shows the names as sent. */
  readonly source: string;
  readonly destination: string;
  readonly effectiveDate: Date | null;
  /** Our `stripe_mirror` key, or null when somebody else wrote the row. */
  readonly mirrorId: string | null;
  readonly rejectionReason: string | null;
}

/** What the posting says must be there. */
export interface ExpectedRow {
  readonly reference: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
  readonly effectiveDate: Date;
  readonly mirrorId: string;
}

/** `balanceId` of a name in the posting's currency; undefined when the ledger has no such balance. */
export type ResolveBalance = (indicator: string) => string | undefined;

export type Finding =
  | {
      readonly kind: 'applied';
      readonly transactionId: string;
      readonly ours: boolean;
      readonly exception: string | null;
    }
  /** Nothing of this reference was seen. Not a proof of absence: a replica may lag. */
  | { readonly kind: 'absent' }
  /** Somebody queued it and Core has not decided; Core may replay it hours later, so it must never be replaced. */
  | { readonly kind: 'queued' }
  /** The row is there, but the look-up knows no balance of an expected name: a replica may lag. Not a conflict. */
  | { readonly kind: 'unresolved'; readonly detail: string }
  | { readonly kind: 'burnt'; readonly detail: string }
  | { readonly kind: 'conflict'; readonly detail: string };

/** The reference that Core gives to the decided copy of a queued transaction. */
export function queuedChildOf(reference: string): string {
  return `${reference}_q`;
}

/**
 * @param rows all rows that a look-up found for the reference and for its queued child
 * @returns what is true of the posting as far as these rows tell
 */
export function judge(expected: ExpectedRow, rows: readonly LedgerRow[], resolve: ResolveBalance): Finding {
  const own = rows.find((row) => row.reference === expected.reference);
  const child = rows.find((row) => row.reference === queuedChildOf(expected.reference));
  if (own === undefined && child === undefined) return { kind: 'absent' };
  if (own !== undefined && own.status !== 'QUEUED') return judgeContent(expected, own, resolve);
  if (child === undefined || child.status === 'QUEUED') return { kind: 'queued' };
  if (child.status === 'REJECTED') {
    return {
      kind: 'burnt',
      detail: `${child.transactionId} was rejected: ${child.rejectionReason ?? 'no reason given'}`,
    };
  }
  return judgeContent(expected, child, resolve);
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
