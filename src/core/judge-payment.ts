/**
 * Judges what the ledger holds of one payment of a day. Replacements and corrections are folded into it: what counts is
 * the signed sum of its applied rows. Pure, and independent of the order of the rows.
 */
import type { DayFinding } from './certificate.js';
import { byReference, type DayRow, isApplied, isoSeconds, roleOf, signedAmount, toFoundRow } from './day-row.js';
import { formatMoney } from './money.js';
import type { ParkingReason, PostingKind, PostingState } from './posting.js';
import { queuedChildOf } from './settlement.js';
import { withoutUndone } from './undone.js';

/** A succeeded payment as Stripe shows it now, and what mapping makes of it. */
export interface ExpectedPayment {
  readonly id: string;
  readonly amount: bigint;
  /** Upper-case code. */
  readonly currency: string;
  readonly created: Date;
  /** Names of the balances; null when mapping refuses the payment. */
  readonly balances: { readonly source: string; readonly destination: string } | null;
  /** Why mapping refuses it; null when it does not. */
  readonly refused: string | null;
}

/** One of our postings, as the third side. */
export interface DayPosting {
  readonly reference: string;
  readonly paymentId: string;
  readonly kind: PostingKind;
  readonly state: PostingState;
  readonly reason: ParkingReason | null;
  /** By a person; what a repair plan dismissed, another posting stands for. */
  readonly dismissed: boolean;
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly source: string | null;
  readonly destination: string | null;
  readonly effectiveDate: Date;
}

/** What one side holds of one id: a line of its hash. */
export interface SideLine {
  readonly id: string;
  /** Null when the ledger does not say it. */
  readonly amount: bigint | null;
  readonly currency: string;
  readonly effectiveDate: Date | null;
}

export interface PaymentJudgement {
  readonly findings: readonly DayFinding[];
  readonly lines: readonly SideLine[];
}

export interface JudgeRules {
  readonly day: string;
  readonly mirrorId: string;
  /** Undefined when the ledger has no such balance. */
  balanceId(name: string, currency: string): string | undefined;
  /** The mirror has read so far that it must have the payment. */
  isCollected(paymentId: string): boolean;
}

/** @param rows every row that was found for the payment, of any status */
export function judgePayment(
  payment: ExpectedPayment,
  { rows, own }: { readonly rows: readonly DayRow[]; readonly own: readonly DayPosting[] },
  rules: JudgeRules,
): PaymentJudgement {
  const sorted = withoutUndone(rows).sort(byReference);
  const applied = sorted.filter(isApplied);
  const say = (kind: DayFinding['kind'], detail: string, about: readonly DayRow[]): DayFinding => {
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

  const sourceId = payment.balances === null ? undefined : rules.balanceId(payment.balances.source, first.currency);
  const { main, folded, others, amount } = foldRows(payment, applied, sourceId);
  const findings: DayFinding[] = [];
  if (others.length > 0) {
    const copies = [main, ...others];
    findings.push(say('doubled', `in the ledger ${copies.length} times: ${namesOf(copies)}`, copies));
  }
  const differences = contentDifferences(payment, { main, folded, amount, own }, rules);
  if (differences.length > 0) findings.push(say('different', differences.join('; '), folded));
  else if (roleOf(main, payment.id) !== 'principal') {
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

interface FoldedRows {
  /** The row that is taken for the payment. */
  readonly main: DayRow;
  /** It, and what is added up with it. */
  readonly folded: readonly DayRow[];
  /** Further copies of the payment. */
  readonly others: readonly DayRow[];
  readonly amount: bigint | null;
}

/** Copies that were taken back by hand are no copies: then all rows add up to the payment. */
function foldRows(payment: ExpectedPayment, applied: readonly DayRow[], sourceId: string | undefined): FoldedRows {
  const by = (role: string) => applied.filter((row) => roleOf(row, payment.id) === role);
  const [principals, corrections, strays] = [by('principal'), by('correction'), by('stray')];
  const main = principals[0] ?? strays.find(({ source }) => source === sourceId) ?? strays[0] ?? corrections[0];
  if (main === undefined) throw new RangeError(`no row of ${payment.id} was given`);
  const sum = (rows: readonly DayRow[]) => sumOf(rows.map((row) => signedAmount(row, sourceId)));
  const isOneCurrency = applied.every(({ currency }) => currency === main.currency);
  const all = isOneCurrency ? sum(applied) : null;
  if (all === payment.amount) return { main, folded: applied, others: [], amount: all };
  const folded = [main, ...corrections.filter((row) => row !== main)];
  return { main, folded, others: applied.filter((row) => !folded.includes(row)), amount: sum(folded) };
}

/** The line of a row that stands for itself. */
export function lineOf({ reference, amount, currency, effectiveDate }: DayRow): SideLine {
  return { id: reference, amount, currency, effectiveDate };
}

interface AbsentFacts {
  /** Without what was taken back. */
  readonly rows: readonly DayRow[];
  readonly own: readonly DayPosting[];
  /** References of what is in the ledger and moves nothing any more. */
  readonly takenBack: ReadonlySet<string>;
}

function whyAbsent(
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
  if (own.some((posting) => posting.state === 'posted')) return ['missing', 'nothing of it is in the ledger'];
  if (heldBack.length > 0) return ['parked', `its posting is parked as ${reasonsOf(own)}`];
  if (!rules.isCollected(payment.id)) return ['not_collected', 'the mirror has not read that far yet'];
  return ['missing', 'nothing of it is in the ledger'];
}

function isTakenBack(reference: string, takenBack: ReadonlySet<string>): boolean {
  return takenBack.has(reference) || takenBack.has(queuedChildOf(reference));
}

/** What rows of which none is applied say; null when there are none under the payment's references. */
function judgeUnapplied(id: string, rows: readonly DayRow[]): readonly [DayFinding['kind'], string] | null {
  const principals = rows.filter((row) => roleOf(row, id) === 'principal');
  const stateOf = (row: DayRow): 'queued' | 'burnt' | 'different' | 'decided' => {
    if (row.status === 'QUEUED') {
      const child = principals.find(({ reference }) => reference === queuedChildOf(row.reference));
      return child === undefined || child.status === 'QUEUED' ? 'queued' : 'decided';
    }
    return row.status === 'REJECTED' && row.reference.endsWith('_q') ? 'burnt' : 'different';
  };
  for (const kind of ['queued', 'different', 'burnt'] as const) {
    const found = principals.filter((row) => stateOf(row) === kind);
    if (found.length === 0) continue;
    const statuses = found.map(({ reference, status, rejectionReason }) => {
      return `${reference} is ${status}${rejectionReason === null ? '' : ` (${rejectionReason})`}`;
    });
    return [kind, statuses.join(', ')];
  }
  return null;
}

function contentDifferences(
  payment: ExpectedPayment,
  found: {
    readonly main: DayRow;
    readonly folded: readonly DayRow[];
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
function dateExceptions({ created }: ExpectedPayment, rows: readonly DayRow[]): string[] {
  return rows
    .filter(({ effectiveDate }) => effectiveDate?.getTime() !== created.getTime())
    .map(({ reference, effectiveDate }) => {
      const held = effectiveDate === null ? 'missing' : isoSeconds(effectiveDate);
      return `effective date of ${reference} is ${held} in the ledger, ${isoSeconds(created)} is expected`;
    });
}

/** Parked or dismissed, and nothing of it on its way or seen in the ledger. */
function isHeldBack(own: readonly DayPosting[]): boolean {
  return own.length > 0 && own.every(({ state }) => state === 'parked');
}

function reasonsOf(own: readonly DayPosting[]): string {
  return [...new Set(own.flatMap(({ reason }) => reason ?? []))].sort().join(', ') || 'no reason';
}

function sumOf(amounts: readonly (bigint | null)[]): bigint | null {
  return amounts.reduce<bigint | null>((sum, amount) => (sum === null || amount === null ? null : sum + amount), 0n);
}

function namesOf(rows: readonly DayRow[]): string {
  return rows.map(({ reference, transactionId }) => `${reference} (${transactionId})`).join(', ');
}
