/**
 * Judges what the ledger holds of one payment of a day. Replacements and corrections are folded into it: what counts is
 * the signed sum of its applied rows. Pure, and independent of the order of the rows.
 */

import { formatMoney } from '../base/money.js';
import { currentRows } from '../ledger/current-rows.js';
import { isApplied, type LedgerRecord } from '../ledger/row.js';
import { splitText } from '../ledger/settlement.js';
import type { DayFinding } from './certificate.js';
import {
  type DayPosting,
  type ExpectedPayment,
  type HeldOfPayment,
  isHeldBack,
  type JudgeRules,
  lineOf,
  reasonsOf,
  type SideLine,
} from './day-payment.js';
import { byReference, isoSeconds, roleOf, signedAmount, toFoundRow } from './day-row.js';
import { whyAbsent } from './judge-absent.js';

export interface PaymentJudgement {
  readonly findings: readonly DayFinding[];
  readonly lines: readonly SideLine[];
}

export function judgePayment(
  payment: ExpectedPayment,
  { rows, own }: HeldOfPayment,
  rules: JudgeRules,
): PaymentJudgement {
  const sorted = currentRows(rows).sort(byReference);
  const applied = sorted.filter(isApplied);
  const say = (kind: DayFinding['kind'], detail: string, about: readonly LedgerRecord[]): DayFinding => {
    const stripe = { amount: String(payment.amount), currency: payment.currency, created: isoSeconds(payment.created) };
    return { kind, paymentId: payment.id, stripe, ledger: about.map(toFoundRow), detail };
  };
  const [first] = applied;
  if (first === undefined) {
    const standing = new Set(sorted.map(({ reference }) => reference));
    const takenBack = new Set(rows.map(({ reference }) => reference).filter((reference) => !standing.has(reference)));
    const [kind, detail] = whyAbsent(payment, { rows: sorted, own, takenBack }, rules);
    return { findings: [say(kind, detail, sorted)], lines: [] };
  }

  const legs = applied.filter((row) => roleOf(row, payment.id) === 'leg');
  if (legs.length > 0) {
    const others = applied.filter((row) => !legs.includes(row));
    const amount = sumOf(legs.map((leg) => leg.amount));
    return {
      findings: [say(others.length > 0 ? 'doubled' : 'different', describeSplit(legs, others, rules), applied)],
      lines: [{ ...lineOf(legs[0] ?? first), id: payment.id, amount }, ...others.map(lineOf)],
    };
  }

  const sourceId = payment.balances === null ? undefined : rules.balanceId(payment.balances.source, first.currency);
  const { main, folded, others, amount } = foldRows(payment, applied, sourceId);
  const findings: DayFinding[] = [];
  if (others.length > 0) {
    const copies = [main, ...others];
    findings.push(say('doubled', `in the ledger ${copies.length} times: ${namesOf(copies)}`, copies));
  }
  const differences = contentDifferences(payment, { main, folded, amount, own }, rules);
  if (differences.length > 0) findings.push(say('different', differences.join('; '), folded));
  else if (roleOf(main, payment.id) !== 'original') {
    findings.push(say('other_reference', `no row has the reference ${payment.id}, but ${namesOf(folded)}`, folded));
  }
  const dates = dateExceptions(payment, folded);
  if (dates.length > 0) findings.push(say('effective_date', dates.join('; '), folded));
  const lost = [...folded, ...others].filter((row) => row.mirrorId === rules.mirrorId && row.day !== rules.day);
  if (lost.length > 0) {
    const days = lost.map((row) => `${row.reference} says ${row.day ?? 'none'}`);
    findings.push(say('day_key', `the stripe_day is ${rules.day}; ${days.join(', ')}`, lost));
  }
  if (findings.every(({ kind }) => kind !== 'different' && kind !== 'doubled') && isHeldBack(own)) {
    findings.push(
      say('parked_in_ledger', `parked here as ${reasonsOf(own)}, and in the ledger as ${namesOf(folded)}`, folded),
    );
  }
  return { findings, lines: [{ ...lineOf(main), id: payment.id, amount }, ...others.map(lineOf)] };
}

/** Parts that somebody booked, alone or beside the payment. */
function describeSplit(
  legs: readonly LedgerRecord[],
  others: readonly LedgerRecord[],
  { mirrorId }: JudgeRules,
): string {
  if (others.length === 0) return splitText(legs);
  const double = others.some((row) => row.mirrorId === mirrorId) ? ': our own posting is the double' : '';
  return `${splitText(legs)}, and once more as ${namesOf(others)}${double}`;
}

interface FoldedRows {
  /** The row that is taken for the payment. */
  readonly main: LedgerRecord;
  /** It, and what is added up with it. */
  readonly folded: readonly LedgerRecord[];
  /** Further copies of the payment. */
  readonly others: readonly LedgerRecord[];
  readonly amount: bigint | null;
}

/** Copies that were taken back by hand are no copies: then all rows add up to the payment. */
function foldRows(
  payment: ExpectedPayment,
  applied: readonly LedgerRecord[],
  sourceId: string | undefined,
): FoldedRows {
  const by = (role: string) => applied.filter((row) => roleOf(row, payment.id) === role);
  const [originals, corrections, foreign] = [by('original'), by('correction'), by('foreign')];
  const forward = (rows: readonly LedgerRecord[]) => rows.find(({ source }) => source === sourceId) ?? rows[0];
  const main = originals[0] ?? forward(foreign) ?? forward(corrections);
  if (main === undefined) throw new RangeError(`no row of ${payment.id} was given`);
  const sum = (rows: readonly LedgerRecord[]) => sumOf(rows.map((row) => signedAmount(row, sourceId)));
  const isOneCurrency = applied.every(({ currency }) => currency === main.currency);
  const all = isOneCurrency ? sum(applied) : null;
  if (all === payment.amount) return { main, folded: applied, others: [], amount: all };
  // What goes back to the source is no copy of the payment, whatever its reference is.
  const back = foreign.filter((row) => row !== main && (signedAmount(row, sourceId) ?? 0n) < 0n);
  const folded = [main, ...corrections.filter((row) => row !== main), ...back];
  return { main, folded, others: applied.filter((row) => !folded.includes(row)), amount: sum(folded) };
}

function contentDifferences(
  payment: ExpectedPayment,
  found: {
    readonly main: LedgerRecord;
    readonly folded: readonly LedgerRecord[];
    readonly amount: bigint | null;
    readonly own: readonly DayPosting[];
  },
  rules: JudgeRules,
): string[] {
  const { main, folded, amount, own } = found;
  if (payment.balances === null) return [`it is in the ledger, and cannot be posted: ${payment.refused ?? 'unknown'}`];
  const differences: string[] = [];
  if (amount !== payment.amount || main.currency !== payment.currency) {
    const { currency } = main;
    const held = amount === null ? `unknown ${currency}` : formatMoney({ amount, currency });
    differences.push(`amount is ${held} in the ledger, ${formatMoney(payment)} is expected`);
  }
  // A name means another balance in another currency: then there is nothing to compare.
  if (main.currency !== payment.currency) return differences;
  const idOf = (name: string) => rules.balanceId(name, payment.currency);
  const { source, destination } = payment.balances;
  if (main.source !== idOf(source)) differences.push(differs('source', main.source, [source, idOf(source)]));
  const destinations = [destination, ...own.map((posting) => posting.destination ?? destination)];
  if (!destinations.some((name) => main.destination === idOf(name))) {
    differences.push(differs('destination', main.destination, [destination, idOf(destination)]));
  }
  const pair = new Set([main.source, main.destination]);
  for (const row of folded) {
    if (pair.has(row.source) && pair.has(row.destination) && row.currency === main.currency) continue;
    differences.push(`${row.reference} moves ${row.currency} from ${row.source} to ${row.destination}`);
  }
  return differences;
}

function differs(field: string, held: string, [name, id]: readonly [string, string | undefined]): string {
  const wanted = id === undefined ? `${name}, which has no balance in the ledger,` : `${name} (${id})`;
  return `${field} is ${held} in the ledger, ${wanted} is expected`;
}

/** Equal in all but the effective date: the money is right, the day may not be. */
function dateExceptions({ created }: ExpectedPayment, rows: readonly LedgerRecord[]): string[] {
  return rows
    .filter(({ effectiveDate }) => effectiveDate?.getTime() !== created.getTime())
    .map(({ reference, effectiveDate }) => {
      const held = effectiveDate === null ? 'missing' : isoSeconds(effectiveDate);
      return `effective date of ${reference} is ${held} in the ledger, ${isoSeconds(created)} is expected`;
    });
}

function sumOf(amounts: readonly (bigint | null)[]): bigint | null {
  return amounts.reduce<bigint | null>((sum, amount) => (sum === null || amount === null ? null : sum + amount), 0n);
}

function namesOf(rows: readonly LedgerRecord[]): string {
  return rows.map(({ reference, transactionId }) => `${reference} (${transactionId})`).join(', ');
}
