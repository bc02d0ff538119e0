/** What a person is told about a payment that no plan can mend: which rows, what is wrong, and how to undo them by hand. */
import type { Expected } from './mend-facts.js';
import type { PaymentRows, RoleRow } from './mend-rows.js';
import { formatMoney } from './money.js';
import type { LedgerRow } from './settlement.js';
import { formatTime } from './time-text.js';

type NameOf = (balanceId: string) => string;

const ANY_NAME: NameOf = (balanceId) => balanceId;

export function describeExtra(rows: readonly LedgerRow[], problem: string): string {
  const applied = rows.filter(({ status }) => status === 'APPLIED');
  const undo =
    applied.length === 0
      ? 'none of them is applied, so nothing is to be undone'
      : applied.map((row) => undoText(row, ANY_NAME)).join('; ');
  return `${problem}, and the ledger has: ${rows.map((row) => rowText(row, ANY_NAME)).join('; ')}. By hand: ${undo}`;
}

export function describeDoubled(rows: PaymentRows, expected: Expected): string {
  const nameOf = namesOf(expected);
  const [kept, ...others] = [...rows.standing].sort((a, b) => rankOf(a) - rankOf(b));
  const list = rows.standing.map(({ row }) => rowText(row, nameOf)).join('; ');
  if (kept === undefined || others.length === 0) {
    return `under a reference that is not ours, and not as Stripe shows it (${formatMoney(expected.transaction)}): ${list}. By hand: ${rows.standing.map(({ row }) => undoText(row, nameOf)).join('; ')}`;
  }
  return `in the ledger ${rows.standing.length} times, ${formatMoney(expected.transaction)} once is right: ${list}. By hand: keep ${kept.row.transactionId}; ${others.map(({ row }) => undoText(row, nameOf)).join('; ')}`;
}

export function describeDifferent(wrong: readonly LedgerRow[], expected: Expected): string {
  const nameOf = namesOf(expected);
  const { transaction } = expected;
  const right = `APPLIED ${formatMoney(transaction)} from ${transaction.source} to ${transaction.destination}`;
  const undo = wrong.map((row) =>
    row.status === 'APPLIED' ? undoText(row, nameOf) : `${row.transactionId} is ${row.status}: decide it in Blnk`,
  );
  return `expected is ${right}, the ledger has: ${wrong.map((row) => rowText(row, nameOf)).join('; ')}. By hand: ${undo.join('; ')}; then post what is expected under a reference of your own`;
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

/** A transaction the other way; Blnk's own refund route must not be used: asked twice it books twice. */
export function undoText(
  row: Pick<LedgerRow, 'reference' | 'amount' | 'currency' | 'source' | 'destination'>,
  nameOf: NameOf = ANY_NAME,
): string {
  return `post ${amountText(row)} from ${nameOf(row.destination)} to ${nameOf(row.source)} as ${row.reference}:undo, with the same effective_date and meta_data as ${row.reference}`;
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

/** The row under the payment's own id is the one to keep, then a replacement. */
function rankOf({ role }: RoleRow): number {
  return { own: 0, replacement: 1, correction: 2, stranger: 3 }[role];
}
