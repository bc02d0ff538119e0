/** Sorts the ledger's rows of one payment: which of them count, which are burnt, and which numbers are used. Pure. */
import type { Expected, PaymentRow } from './mend-facts.js';
import type { LedgerRow } from './settlement.js';
import { withoutUndone } from './undone.js';

/** `own`: under the payment's id. `stranger`: with its id in our metadata, under a reference that is not ours to give. */
export type RowRole = 'own' | 'replacement' | 'correction' | 'stranger';

export interface RoleRow {
  /** The reference, without Blnk's mark of a queued transaction's decided copy. */
  readonly stem: string;
  readonly role: RowRole;
  readonly row: LedgerRow;
}

export interface PaymentRows {
  /** `APPLIED`, and the payment itself: more than one of them is a doubled payment unless they add up. */
  readonly standing: readonly RoleRow[];
  readonly corrections: readonly RoleRow[];
  /** Queued by somebody and rejected: their references are used for ever. */
  readonly burnt: readonly RoleRow[];
  /** Stems of what is in the ledger and was taken back by hand: it counts no more, and its reference is used for ever. */
  readonly undone: ReadonlySet<string>;
  /** Queued by somebody and not decided: Blnk may still apply them, hours later. */
  readonly undecided: readonly RoleRow[];
  /** Void, in flight, … */
  readonly otherStatus: readonly RoleRow[];
  /** 0 when there is none. Of any status: a number that was used is used. */
  readonly highestReplacement: number;
  readonly highestCorrection: number;
}

export function readPaymentRows(paymentId: string, rows: readonly PaymentRow[]): PaymentRows {
  const byStem = groupByStem(withoutUndone(rows));
  const used = [...groupByStem(rows).keys()];
  const all = [...byStem].map(([stem, ofStem]) => decideRow(paymentId, stem, ofStem));
  const of = (verdict: Verdict) => all.filter((row) => row.verdict === verdict);
  const highest = (role: RowRole) => {
    const ofRole = used.filter((stem) => roleOf(paymentId, stem) === role);
    return Math.max(0, ...ofRole.map((stem) => Number(/(\d+)$/.exec(stem)?.[1] ?? 0)));
  };
  return {
    standing: of('applied').filter(({ role }) => role !== 'correction'),
    corrections: of('applied').filter(({ role }) => role === 'correction'),
    burnt: of('burnt'),
    undone: new Set(used.filter((stem) => !byStem.has(stem))),
    undecided: of('undecided'),
    otherStatus: of('other'),
    highestReplacement: highest('replacement'),
    highestCorrection: highest('correction'),
  };
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

function groupByStem(rows: readonly PaymentRow[]): Map<string, LedgerRow[]> {
  const byStem = new Map<string, LedgerRow[]>();
  for (const row of rows) {
    const stem = row.reference.replace(/_q$/, '');
    byStem.set(stem, [...(byStem.get(stem) ?? []), row]);
  }
  return byStem;
}

type Verdict = 'applied' | 'burnt' | 'undecided' | 'other';

/** A queued row is decided by its copy; the copy alone counts when only it is shown. */
function decideRow(
  paymentId: string,
  stem: string,
  rows: readonly LedgerRow[],
): RoleRow & { readonly verdict: Verdict } {
  const role = roleOf(paymentId, stem);
  const parent = rows.find(({ reference }) => reference === stem);
  const child = rows.find(({ reference }) => reference !== stem);
  const row = parent !== undefined && parent.status !== 'QUEUED' ? parent : (child ?? parent);
  if (row === undefined) throw new RangeError(`no row of ${stem} was given`);
  if (row.status === 'QUEUED') return { stem, role, row, verdict: 'undecided' };
  if (row.status === 'APPLIED') return { stem, role, row, verdict: 'applied' };
  return { stem, role, row, verdict: row === child && row.status === 'REJECTED' ? 'burnt' : 'other' };
}

function roleOf(paymentId: string, stem: string): RowRole {
  if (stem === paymentId) return 'own';
  const rest = stem.startsWith(`${paymentId}:`) ? stem.slice(paymentId.length + 1) : '';
  if (/^r\d+$/.test(rest)) return 'replacement';
  return /^adj:\d+$/.test(rest) ? 'correction' : 'stranger';
}
