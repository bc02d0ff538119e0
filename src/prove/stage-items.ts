/** Items of a day, made of what was read: under which key each stands, and what can be asked of it without reading it. */
import { isApplied, isPlainlyOurs, type LedgerRecord, rowKey } from '../core/ledger/row.js';
import { type MappingRules, preparePayment } from '../core/posting/mapping.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { FoundPayment, Payment } from '../core/posting/payment.js';
import type { DayPosting, ExpectedPayment } from '../core/proof/day-payment.js';
import { isClaimed } from '../core/proof/judge-unlisted.js';
import { keyOf } from '../core/proof/line-key.js';
import { isPlain, namedBy } from '../core/proof/place-row.js';
import { MARKS, type StagedItem, TO_DO } from '../core/proof/staged.js';

/** Keeps of a payment what comparing needs, and no customer detail. */
export function itemOfPayment(found: FoundPayment, mirror: Mirror): StagedItem {
  const { id } = found;
  const place = { key: keyOf(id), id, name: id, todo: 0, transactionId: null };
  if (found.kind === 'payment') {
    const marks = found.created >= mirror.startsAt ? MARKS.afterStart : 0;
    return { kind: 'payment', ...place, marks, body: expectedPayment(found, mirror) };
  }
  const { problem, known } = found;
  const body = { id, problem, currency: known?.currency?.toUpperCase() ?? null };
  return { kind: 'unreadable', ...place, marks: 0, body };
}

/** What mapping makes of it. */
export function expectedPayment(payment: Payment, rules: MappingRules): ExpectedPayment {
  const { id, created, amountReceived: amount } = payment;
  const facts = { id, amount, currency: payment.currency.toUpperCase(), created };
  const preparation = preparePayment(payment, rules);
  if (preparation.kind === 'rejected') {
    return { ...facts, balances: null, refused: `${preparation.reason}: ${preparation.detail}` };
  }
  const { source, destination } = preparation.transaction;
  return { ...facts, balances: { source, destination }, refused: null };
}

/** The row, and the payment that it names where that is not its reference. */
export function itemsOfRow(row: LedgerRecord, mirror: Mirror): StagedItem[] {
  const { reference, transactionId, paymentId } = row;
  const plain = isPlain(row);
  // What is not plain is judged where it is placed.
  const marks = plain ? marksOf(row, mirror) | MARKS.plain : marksOf(row, mirror) & ~MARKS.claimed;
  const todo = (plain ? 0 : TO_DO.place) | (isPlainlyOurs(row, mirror) ? 0 : TO_DO.follow);
  const place = { key: keyOf(reference), id: rowKey(row), name: reference };
  const item: StagedItem = { kind: 'row', ...place, marks, todo, transactionId, body: row };
  if (plain) return [item];
  const name = namedBy(row);
  const by = paymentId === null ? 0 : MARKS.byMetadata;
  const alias = { key: keyOf(name), id: `${by} ${name}`, name, marks: by, todo: 0, transactionId: null, body: null };
  return [item, { kind: 'alias', ...alias }];
}

/** What is asked of a row wherever it stands. */
export function marksOf(row: LedgerRecord, mirror: Mirror): number {
  if (!isApplied(row)) return 0;
  return MARKS.applied | (isClaimed(row, mirror) ? MARKS.claimed : 0);
}

export function itemOfPosting(posting: DayPosting): StagedItem {
  const { paymentId: name, reference: id, state } = posting;
  const marks = state === 'posted' ? MARKS.posted : 0;
  return { kind: 'posting', key: keyOf(name), id, name, marks, todo: 0, transactionId: null, body: posting };
}
