/** Sorts the ledger's rows of one payment: which of them count, which were rejected, and which numbers are used. Pure. */
import { currentRows } from '../ledger/current-rows.js';
import { decideRows, type RowVerdict } from '../ledger/object-rows.js';
import { type ParsedReference, parseReference } from '../ledger/reference.js';
import type { LedgerRecord, LedgerRow } from '../ledger/row.js';
import type { Expected } from './repair-facts.js';

/** `original`: under the payment's id. `foreign`: with its id in our metadata, under a reference that is not ours to give. */
export type RowRole = 'original' | 'replacement' | 'correction' | 'leg' | 'foreign';

export interface RoleRow {
  /** The reference, without Blnk's mark of a queued transaction's decided copy. */
  readonly base: string;
  readonly role: RowRole;
  readonly row: LedgerRow;
  readonly verdict: RowVerdict;
}

export interface PaymentRows {
  /** `APPLIED`, and the payment itself: more than one of them is a doubled payment unless they add up. */
  readonly standing: readonly RoleRow[];
  /** Applied parts of somebody's split of it. */
  readonly legs: readonly RoleRow[];
  readonly corrections: readonly RoleRow[];
  /** Queued by somebody and rejected: their references are used for ever. */
  readonly rejected: readonly RoleRow[];
  /**
   * References of what is in the ledger and was taken back by hand: it counts no more, and its reference is used for ever. With
   * parts of a split the payment itself: its reference is free, but whoever looks it up finds something taken back, and posts
   * nothing.
   */
  readonly reversed: ReadonlySet<string>;
  /** Queued by somebody and not decided: Blnk may still apply them, hours later. */
  readonly undecided: readonly RoleRow[];
  /** Void, in flight, … */
  readonly otherStatus: readonly RoleRow[];
  /** 0 when there is none. Of any status: a number that was used is used. */
  readonly highestReplacement: number;
  readonly highestCorrection: number;
}

export function readPaymentRows(paymentId: string, rows: readonly LedgerRecord[]): PaymentRows {
  const isObject = (id: string) => id === paymentId;
  const parse = (reference: string) => parseReference(reference, isObject);
  const used = new Set(rows.map(({ reference }) => parse(reference).base));
  const all = decideRows<LedgerRow>(currentRows(rows), isObject).map(({ base, row, verdict }): RoleRow => {
    return { base, row, verdict, role: roleIn(paymentId, parse(base)) };
  });
  const standing = new Set(all.map(({ base }) => base));
  const reversed = [...used].filter((base) => !standing.has(base));
  const isLeg = (base: string) => roleIn(paymentId, parse(base)) === 'leg';
  const of = (...verdicts: readonly RowVerdict[]) => all.filter(({ verdict }) => verdicts.includes(verdict));
  const highest = (wanted: 'replacement' | 'correction') => {
    const ofRole = [...used].map(parse).filter(({ objectId, role }) => objectId === paymentId && role === wanted);
    return Math.max(0, ...ofRole.map(({ number }) => number ?? 0));
  };
  return {
    standing: of('applied').filter(({ role }) => role !== 'correction' && role !== 'leg'),
    legs: of('applied').filter(({ role }) => role === 'leg'),
    corrections: of('applied').filter(({ role }) => role === 'correction'),
    // Parts that moved nothing left the payment's own reference free.
    rejected: of('rejected', 'voided').filter(({ role }) => role !== 'leg'),
    reversed: new Set(reversed.some(isLeg) && !standing.has(paymentId) ? [...reversed, paymentId] : reversed),
    undecided: of('undecided', 'inflight'),
    otherStatus: of('other'),
    highestReplacement: highest('replacement'),
    highestCorrection: highest('correction'),
  };
}

/** What goes back to the source under a reference of somebody's is no copy of the payment: it is added up with it. */
export function withTakenBack(rows: PaymentRows, expected: Expected): PaymentRows {
  const goesBack = ({ role, row }: RoleRow) => role === 'foreign' && (signedAmount(row, expected) ?? 0n) < 0n;
  if (!rows.standing.some((row) => !goesBack(row))) return rows;
  const corrections = [...rows.corrections, ...rows.standing.filter(goesBack)];
  return { ...rows, standing: rows.standing.filter((row) => !goesBack(row)), corrections };
}

/**
 * What a row adds to the payment, in minor units: below zero when it goes back to the source. Null when it is no movement
 * between the payment's two balances in its currency, so that nothing can be added up.
 */
export function signedAmount(row: LedgerRow, { transaction, resolve }: Expected): bigint | null {
  if (row.amount === null || row.currency !== transaction.currency) return null;
  const [source, destination] = [resolve(transaction.source), resolve(transaction.destination)];
  if (source === undefined || destination === undefined) return null;
  if (row.source === source && row.destination === destination) return row.amount;
  return row.source === destination && row.destination === source ? -row.amount : null;
}

/** What takes a part of the payment back is added up with it, as a correction is. */
function roleIn(paymentId: string, { objectId, role }: ParsedReference): RowRole {
  if (objectId !== paymentId) return 'foreign';
  if (role === 'original') return 'original';
  if (role === 'reversal') return 'correction';
  return role === 'foreign' ? 'foreign' : role;
}
