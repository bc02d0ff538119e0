/**
 * What a person is told about a payment that no plan can repair: which rows, what is wrong, and what to post by hand. Each
 * thing to be posted is a line of its own with the whole body, so that it can be copied.
 */
import { exponentOf, precisionOf } from '../base/currencies.js';
import { formatMoney } from '../base/money.js';
import { formatTime } from '../base/time-text.js';
import { utcDay } from '../base/window.js';
import { metadataKeyOf } from '../kinds/registry.js';
import { undoReferenceOf } from '../ledger/reference.js';
import type { LedgerRecord, LedgerRow } from '../ledger/row.js';
import { inflightText, splitText } from '../ledger/settlement.js';
import { withBalances } from '../posting/balances-in-body.js';
import { prepareVariant } from '../posting/mapping.js';
import { isoSeconds } from '../proof/day-row.js';
import type { Expected, RepairFacts } from './repair-facts.js';
import { type PaymentRows, type RoleRow, signedAmount } from './repair-rows.js';

type NameOf = (balanceId: string) => string;

const ANY_NAME: NameOf = (balanceId) => balanceId;

/** Statuses that Blnk never leaves, and that move no money. */
const FINAL_STATUSES = ['REJECTED', 'VOID'];

const PLAN_AGAIN = 'prove the day and run repair plan again: what is missing then, it posts';

export function isFinal({ status }: Pick<LedgerRow, 'status'>): boolean {
  return FINAL_STATUSES.includes(status);
}

/** @param rows without those that were taken back already */
export function describeExtra(rows: readonly LedgerRecord[], problem: string, facts: RepairFacts): string {
  const applied = rows.filter(({ status }) => status === 'APPLIED');
  const told = `${problem}, and the ledger has: ${rows.map((row) => rowText(row)).join('; ')}`;
  if (applied.length === 0) return `${told}. None of them is applied, so nothing is to be reversed`;
  return [`${told}. Take back by hand what must not be there`, ...undoLines(applied, facts)].join('\n');
}

export function describeDoubled(rows: PaymentRows, expected: Expected, facts: RepairFacts): string {
  const nameOf = namesOf(expected);
  const right = formatMoney(expected.transaction);
  const list = rows.standing.map(({ row }) => rowText(row, nameOf)).join('; ');
  const [first, ...more] = [...rows.standing].sort((a, b) => rankOf(a, expected) - rankOf(b, expected));
  if (first === undefined || more.length === 0) {
    const undo = undoLines(toRows(rows.standing), facts);
    return [
      `under a reference that is not ours, and not as Stripe shows it (${right}): ${list}. Take it back by hand, then ${PLAN_AGAIN}`,
      ...undo,
    ].join('\n');
  }
  const isRight = first.row.amount === expected.transaction.amount && rows.corrections.length === 0;
  const next = isRight ? 'then it is right, and nothing else is to be posted' : `then ${PLAN_AGAIN}`;
  return [
    `in the ledger ${rows.standing.length} times, ${right} once is right: ${list}. Keep ${first.row.transactionId} and take back the surplus by hand; ${next}`,
    ...undoLines(toRows(more), facts),
  ].join('\n');
}

/** Somebody booked it in parts. They stay: beside them every other row of the payment is the double. */
export function describeSplit(rows: PaymentRows, expected: Expected, facts: RepairFacts): string {
  const nameOf = namesOf(expected);
  const { paymentId } = facts;
  const doubles = [...rows.standing, ...rows.corrections];
  const told = `${splitText(toRows(rows.legs))}; expected is ${formatMoney(expected.transaction)} under ${paymentId}`;
  if (doubles.length > 0) {
    const list = doubles.map(({ row }) => rowText(row, nameOf)).join('; ');
    const whose = doubles.some(({ row }) => row.mirrorId === facts.rules.mirrorId) ? 'our own posting' : 'this';
    return [
      `${told}. Beside it ${whose} is the double: ${list}. Take it back by hand and keep the parts; then prove the day, and ${acceptText(paymentId)}`,
      ...undoLines(toRows(doubles), facts),
    ].join('\n');
  }
  return [
    `${told}. Where the parts are the payment, nothing is to be posted: ${acceptText(paymentId)}. To have it as one transaction instead, take the parts back by hand, then ${PLAN_AGAIN}`,
    ...undoLines(toRows(rows.legs), facts),
  ].join('\n');
}

/** How a person says that a difference is meant. */
export function acceptText(paymentId: string): string {
  return `accept ${paymentId} --why "<words>" seals the day with this exception`;
}

/** How a person says that a parked posting stays out. */
export function dismissText(reference: string): string {
  return `parked dismiss ${reference} --why "<words>" leaves it out, and seals the day with this exception`;
}

/** A part that was taken back may be a refund, which is no part of the payment. */
export function meantText(rows: PaymentRows, expected: Expected, facts: RepairFacts): string {
  const back = rows.corrections.filter(({ role, base, row }) => {
    const isOurs = role === 'correction' && /:adj:\d+$/.test(base);
    return !isOurs && (signedAmount(row, expected) ?? 0n) < 0n;
  });
  if (back.length === 0) return '';
  const names = back.map(({ row }) => row.reference).join(', ');
  return `. If ${names} is meant, apply nothing: ${acceptText(facts.paymentId)}`;
}

/** What Blnk, or somebody in Blnk, has to decide before anything can be planned. */
export function describeUndecided({ base, row, verdict }: RoleRow): string {
  if (verdict === 'inflight') {
    return `${base} was booked inflight: ${inflightText(row)}. Decide in Blnk first, commit or void it; then plan again`;
  }
  if (row.status === 'SCHEDULED') {
    return `Somebody scheduled ${base} in Blnk, and its time has not come; it will be applied then`;
  }
  return `Somebody queued ${base} and Blnk has not decided; it may still be applied`;
}

/** @param rest what all other rows of the payment add up to, in minor units */
export function describeDifferent(
  wrong: readonly LedgerRow[],
  { expected, facts, rest }: { readonly expected: Expected; readonly facts: RepairFacts; readonly rest: bigint },
): string {
  const nameOf = namesOf(expected);
  const { transaction } = expected;
  const right = `APPLIED ${formatMoney(transaction)} from ${transaction.source} to ${transaction.destination}`;
  const told = `expected is ${right}, the ledger has: ${wrong.map((row) => rowText(row, nameOf)).join('; ')}`;
  const open = wrong.filter((row) => row.status !== 'APPLIED' && !isFinal(row));
  if (open.length > 0) {
    const names = open.map(({ transactionId, status }) => `${transactionId} (${status})`).join(', ');
    return `${told}. Decide in Blnk first: commit or void ${names}; then ${PLAN_AGAIN}, or says what is left to do`;
  }
  const applied = wrong.filter(({ status }) => status === 'APPLIED');
  if (applied.length > 0) {
    const next =
      rest === transaction.amount ? 'then it is right, and nothing else is to be posted' : `then ${PLAN_AGAIN}`;
    return [`${told}. Take back by hand what is wrong; ${next}`, ...undoLines(applied, facts)].join('\n');
  }
  const reference = byHandReference(facts);
  const preparation = prepareVariant(expected.payment, facts.rules, { reference });
  // By id: under its name a customer's balance of the mirror's own ledger would be made once more, in the general one.
  const idOf = (name: string) => expected.resolve(name) ?? name;
  const body =
    preparation.kind === 'prepared'
      ? [`POST /transactions ${withBalances(preparation.transaction.body, preparation.transaction, idOf)}`]
      : [];
  const sentence = `${told}. That moves no money and its reference is used: post by hand what is expected, as ${reference}`;
  return [sentence, ...body].join('\n');
}

/** One row with all that finds it again. For rows that only a finding names as well. */
export function rowText(
  row: Pick<
    LedgerRow,
    'reference' | 'transactionId' | 'status' | 'amount' | 'currency' | 'source' | 'destination' | 'effectiveDate'
  >,
  nameOf: NameOf = ANY_NAME,
): string {
  const date = row.effectiveDate === null ? '' : `, effective ${formatTime(row.effectiveDate)} UTC`;
  return `${row.reference} (${row.transactionId}, ${row.status}) ${amountText(row)} from ${nameOf(row.source)} to ${nameOf(row.destination)}${date}`;
}

export interface ReversedRow
  extends Pick<LedgerRow, 'reference' | 'amount' | 'currency' | 'source' | 'destination' | 'effectiveDate'> {
  readonly createdAt?: Date | null;
  readonly mirrorId?: string | null;
}

/**
 * A transaction the other way, as it is to be sent. Its metadata makes proofs find it; it takes effect when the row did.
 * Blnk's own refund route must not be used: asked twice it books twice.
 */
export function undoLine(
  row: ReversedRow,
  about: { readonly paymentId: string; readonly day: string; isUsed(reference: string): boolean },
): string {
  const exponent = exponentOf(row.currency);
  if (row.amount === null || exponent === undefined) {
    return `take back ${row.reference} in full: its exact amount in ${row.currency} is not known here, Blnk shows it`;
  }
  const at = row.effectiveDate ?? row.createdAt ?? null;
  const rest = {
    precision: precisionOf(exponent),
    currency: row.currency,
    reference: undoReferenceOf(row.reference, about.isUsed),
    source: row.destination,
    destination: row.source,
    description: `Takes back ${row.reference}`,
    allow_overdraft: true,
    skip_queue: true,
    ...(at === null ? {} : { effective_date: isoSeconds(at) }),
    meta_data: {
      [metadataKeyOf(about.paymentId)]: about.paymentId,
      stripe_day: about.day,
      ...(typeof row.mirrorId === 'string' ? { stripe_mirror: row.mirrorId } : {}),
    },
  };
  return `POST /transactions {"precise_amount":${row.amount},${JSON.stringify(rest).slice(1)}`;
}

function undoLines(rows: readonly LedgerRow[], { paymentId, rows: all, intent }: RepairFacts): string[] {
  const used = new Set(all.map(({ reference }) => reference));
  return rows.map((row) => {
    const seen = all.find(({ transactionId, reference }) => {
      return transactionId === row.transactionId && reference === row.reference;
    });
    const at = intent.kind === 'payment' ? intent.created : (row.effectiveDate ?? seen?.createdAt ?? null);
    const day = intent.kind !== 'payment' && seen?.day ? seen.day : at === null ? '' : utcDay(at);
    const createdAt = seen?.createdAt ?? null;
    return undoLine({ ...row, createdAt }, { paymentId, day, isUsed: (reference) => used.has(reference) });
  });
}

/** Under the payment's name, so that a reader sees whose it is, and under no reference that plans give. */
function byHandReference({ paymentId, rows }: RepairFacts): string {
  const first = `${paymentId}:by_hand`;
  return rows.some(({ reference }) => reference === first) ? `${first}:2` : first;
}

function amountText({ amount, currency }: Pick<LedgerRow, 'amount' | 'currency'>): string {
  return amount === null ? `an unknown amount of ${currency}` : formatMoney({ amount, currency });
}

function namesOf({ transaction, resolve }: Expected): NameOf {
  const names = new Map([transaction.source, transaction.destination].map((name) => [resolve(name), name]));
  return (balanceId) => {
    const name = names.get(balanceId);
    return name === undefined ? balanceId : `${name} (${balanceId})`;
  };
}

function toRows(rows: readonly RoleRow[]): LedgerRow[] {
  return rows.map(({ row }) => row);
}

/** The row under the payment's own id is the one to keep, then a replacement; among others one of the right amount. */
function rankOf({ role, row }: RoleRow, { transaction }: Expected): number {
  return (
    2 * { original: 0, replacement: 1, correction: 2, leg: 3, foreign: 4 }[role] +
    (row.amount === transaction.amount ? 0 : 1)
  );
}

/** Of what a person dismissed and took back, because Blnk had applied it all the same. */
export function describeTakenBack(reference: string, isRefunded: boolean): string {
  if (isRefunded) {
    return (
      `${reference} was dismissed by a person, and what Blnk had applied of it was given back through Blnk's refund route: ` +
      `it stays out. To have it in the ledger after all: parked retry ${reference}; once it is parked again, repair plan posts it under another reference`
    );
  }
  // No body: whoever posts the lines of a plan would undo that decision.
  return (
    `${reference} was dismissed by a person, and what Blnk had applied of it was taken back by hand: it stays out. ` +
    `To have it in the ledger after all, take back by hand what took it back, as ${undoReferenceOf(`${reference}:undo`, () => false)}`
  );
}
