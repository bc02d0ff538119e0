/**
 * Why nothing of a payment counts in the ledger: what our postings, what a person decided, and rows that are not applied say
 * of it.
 */

import { decideRows, type RowVerdict } from '../ledger/object-rows.js';
import { queuedChildOf } from '../ledger/reference.js';
import type { LedgerRecord } from '../ledger/row.js';
import { inflightText } from '../ledger/settlement.js';
import type { DayFinding } from './certificate.js';
import { type DayPosting, type ExpectedPayment, isHeldBack, type JudgeRules, reasonsOf } from './day-payment.js';
import { roleOf } from './day-row.js';

interface AbsentFacts {
  /** Without what was taken back. */
  readonly rows: readonly LedgerRecord[];
  readonly own: readonly DayPosting[];
  /** References of what is in the ledger and moves nothing any more. */
  readonly takenBack: ReadonlySet<string>;
}

export function whyAbsent(
  payment: ExpectedPayment,
  { rows, own, takenBack }: AbsentFacts,
  rules: JudgeRules,
): readonly [DayFinding['kind'], string] {
  const heldBack = own.filter((posting) => posting.state === 'parked');
  // A dismissed one that was replaced stands for nothing any more.
  if (isHeldBack(own) && heldBack.some((posting) => posting.dismissed)) {
    return ['dismissed', `a person decided that it stays out; it was parked as ${reasonsOf(own)}`];
  }
  const wentIn = own.filter(({ reference, dismissed }) => dismissed && isTakenBack(reference, takenBack));
  if (wentIn.length > 0 && own.every((posting) => posting.state === 'parked' || wentIn.includes(posting))) {
    const references = wentIn.map(({ reference }) => reference).join(', ');
    return ['dismissed', `a person decided that it stays out, and ${references} was taken back by hand`];
  }
  if (payment.refused !== null) return ['parked', payment.refused];
  const seen = judgeUnapplied(payment.id, rows);
  if (seen !== null) return seen;
  if (own.some((posting) => posting.state === 'pending')) return ['pending', 'its posting waits for its turn'];
  const nothing =
    takenBack.size === 0
      ? 'nothing of it is in the ledger'
      : `it was taken back in the ledger: nothing is left of ${[...takenBack].sort().join(', ')}`;
  if (own.some((posting) => posting.state === 'posted')) return ['missing', nothing];
  if (heldBack.length > 0) {
    const why = takenBack.size === 0 ? '' : `; ${nothing}`;
    return ['parked', `its posting is parked as ${reasonsOf(own)}${why}`];
  }
  if (!rules.isCollected(payment.id)) return ['not_collected', 'the mirror has not read that far yet'];
  return ['missing', nothing];
}

function isTakenBack(reference: string, takenBack: ReadonlySet<string>): boolean {
  return takenBack.has(reference) || takenBack.has(queuedChildOf(reference));
}

/** What rows of which none is applied say; null when there are none under the payment's references. */
function judgeUnapplied(id: string, rows: readonly LedgerRecord[]): readonly [DayFinding['kind'], string] | null {
  const ofPayment = decideRows(rows, (known) => known === id).filter(({ row, role, verdict }) => {
    // Parts that were rejected or voided moved nothing, and left the payment's own reference free.
    if (role === 'leg') return verdict === 'undecided' || verdict === 'inflight';
    return roleOf(row, id) === 'original';
  });
  for (const [kind, verdicts] of UNAPPLIED) {
    const found = ofPayment.filter(({ verdict }) => verdicts.includes(verdict));
    if (found.length > 0) return [kind, found.map(({ row }) => unappliedText(row)).join(', ')];
  }
  return null;
}

const UNAPPLIED: readonly (readonly [DayFinding['kind'], readonly RowVerdict[]])[] = [
  ['queued', ['undecided', 'inflight']],
  ['different', ['other']],
  ['burnt', ['rejected', 'voided']],
];

function unappliedText(row: LedgerRecord): string {
  const { reference, status, rejectionReason, outcome } = row;
  if (status === 'INFLIGHT') return `${reference} is booked inflight: ${inflightText(row)}`;
  if (outcome !== undefined) return `${reference} was booked inflight and voided`;
  return `${reference} is ${status}${rejectionReason === null ? '' : ` (${rejectionReason})`}`;
}
