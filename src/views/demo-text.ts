/** What the demonstration prints: sentences that a newcomer understands, and tables of what happened. Pure; fits 80 columns. */
import { formatMoney, type Money } from '../core/base/money.js';
import { shellWord } from '../core/base/own-command.js';
import { formatCount, formatDuration } from '../core/base/time-text.js';
import { PARKING_REASONS } from '../core/posting/posting.js';
import type { RepairPlan } from '../core/repair/repair-plan.js';
import type { FullCertificate } from '../db/reads/certificates.js';
import type { PaymentRecord } from '../db/reads/payments.js';
import type { RunRecord } from '../db/reads/runs.js';
import type { StatusRecord } from '../db/reads/status.js';
import { findingLines } from './certificate-text.js';
import { type Column, renderTable } from './table.js';
import { wrapLine } from './text-width.js';

export function demoIntroduction(intents: number): string[] {
  return [
    ...wrapped(
      'stripe-blnk-sync mirrors every payment that succeeded in Stripe into a Blnk ledger, exactly once, and proves it.',
    ),
    '',
    ...wrapped(
      `This is a shop with stand-ins at both ends, and needs no account: one for Stripe holds ${formatCount(intents)} PaymentIntents of the last two weeks, one for Blnk an empty ledger. Between them are the real parts: worker, queue and a private PostgreSQL.`,
    ),
    '',
    '1. The first run',
  ];
}

export interface LedgerCheck {
  readonly stripeCount: number;
  readonly ledgerCount: number;
  /** References that only one side has, or that differ in amount, currency or number of transactions. */
  readonly differences: readonly string[];
  readonly currencies: number;
}

/** What is stored: each payment is posted or parked in the end. */
export interface DemoCounts {
  readonly found: number;
  readonly posted: number;
  readonly parked: number;
}

export function demoKilled({
  inLedger,
  succeeded,
}: {
  readonly inLedger: number;
  readonly succeeded: number;
}): string[] {
  return wrapped(
    `kill -9: the worker is gone while it posts. ${formatCount(inLedger)} of ${formatCount(succeeded)} payments are in the ledger, and of some that were on their way nobody knows. A new worker starts: it looks those up in the ledger before it posts any of them again. (Blnk locks the balances of a post that was cut off for five minutes, this one for a second.)`,
    '  ',
  );
}

export function demoFirstRun(
  counts: DemoCounts & { readonly tookMs: number },
  status: Pick<StatusRecord, 'totals'>,
  columns: number,
): string[] {
  const sums = status.totals
    .filter(({ postedCount }) => postedCount > 0)
    .map(({ currency, posted, postedCount }) => ({ money: { currency, amount: posted }, posted: postedCount }));
  return [
    ...wrapped(
      `All read: ${formatCount(counts.found)} payments succeeded in Stripe, ${formatCount(counts.posted)} are in the ledger, each once, and ${formatCount(counts.parked)} are held back for a person. It took ${formatDuration(counts.tookMs)}, the kill included.`,
    ),
    '',
    ...renderTable(SUM_COLUMNS, sums, columns),
    '',
  ];
}

export function demoSecondRun(run: Pick<RunRecord, 'found' | 'knownBefore'>, postedAgain: number): string[] {
  return [
    ...wrapped(
      `Everything is read a second time: ${formatCount(run.found)} found, ${formatCount(run.knownBefore)} known before, ${formatCount(postedAgain)} posted again.`,
    ),
    '',
  ];
}

/** Held back, each with its reason. */
export function demoParked(payments: readonly PaymentRecord[], columns: number): string[] {
  const reasons = [...new Set(payments.map(({ reason }) => reason))];
  return [
    '2. What must not be guessed is held back, and a person decides',
    ...renderTable(PARKED_COLUMNS, payments, columns),
    ...reasons.flatMap((reason) => (reason === null ? [] : wrapped(`${reason}: ${PARKING_REASONS[reason]}.`))),
  ];
}

export function demoDecisions(decided: {
  readonly dismissed: string;
  readonly why: string;
  readonly retried: readonly string[];
}): string[] {
  return [
    '',
    `  parked dismiss ${decided.dismissed}`,
    ...wrapped(`--why "${decided.why}"`, '    '),
    ...decided.retried.map((reference) => `  parked retry   ${reference}`),
    ...wrapped(
      `The rule in Blnk that refused ${formatCount(decided.retried.length)} of them is taken away: they are looked up, and posted.`,
    ),
    '',
  ];
}

const DIFFERENCES_SHOWN = 20;

/** The comparison that this software exists for, made here against the stand-ins themselves. */
export function demoComparison(check: LedgerCheck): string[] {
  const more = check.differences.length - DIFFERENCES_SHOWN;
  if (check.differences.length === 0) {
    return [
      ...wrapped(
        `Compared one by one, without the database of the mirror and without what was dismissed: ${formatCount(check.stripeCount)} payments in Stripe = ${formatCount(check.ledgerCount)} transactions in the ledger, equal in amount and currency.`,
      ),
      '',
      '3. The proof: both sides are listed afresh and compared, day by day',
    ];
  }
  return [
    ...wrapped(
      `Compared one by one: ${check.differences.length} differences between Stripe and the ledger. This is a defect:`,
    ),
    ...check.differences.slice(0, DIFFERENCES_SHOWN).map((difference) => `  ${difference}`),
    ...(more > 0 ? [`  and ${formatCount(more)} more`] : []),
  ];
}

export function demoProof(certificates: readonly FullCertificate[], columns: number): string[] {
  if (certificates.length === 0) return ['No day is over yet.'];
  const exceptions = certificates.filter(({ state }) => state === 'sealed_with_exceptions');
  const sealed = certificates.filter(({ state }) => state === 'sealed' || state === 'sealed_with_exceptions');
  const days = daysOf(certificates);
  const isAll = sealed.length === certificates.length;
  return [
    isAll
      ? `All ${formatCount(days.length)} days that are over are sealed: on each, Stripe and the ledger agree.`
      : `${formatCount(days.length)} proven; not sealed: ${daysOf(certificates.filter((one) => !sealed.includes(one))).join(', ')}.`,
    ...(isAll && exceptions.length > 0
      ? wrapped(
          `${daysOf(exceptions).join(', ')} is sealed with an exception: the payment that was dismissed is in Stripe and, on purpose, not in the ledger. Who decided that, when and why stands on the certificate.`,
        )
      : []),
    ...findingLines(isAll ? exceptions : certificates, columns),
    '',
  ];
}

export interface Damage {
  readonly id: string;
  readonly day: string;
}

export function demoDamage({ id, day }: Damage, broken: readonly FullCertificate[], columns: number): string[] {
  return [
    '4. A damage: a row of the ledger is deleted behind everyone’s back',
    ...wrapped(`${id} of ${day} is gone. The proof of that day finds it:`, '  '),
    ...findingLines(broken, columns),
    '',
  ];
}

export function demoRepair({ id, items }: RepairPlan, columns: number): string[] {
  const done = items.filter(({ state }) => state === 'done');
  return [
    `  repair plan                           # ${formatCount(done.length)} to do`,
    `  repair apply ${id}`,
    ...renderTable(REPAIR_COLUMNS, done, columns),
  ];
}

export function demoSealedAgain(certificates: readonly FullCertificate[]): string[] {
  const isSealed = certificates.every(({ state }) => state === 'sealed' || state === 'sealed_with_exceptions');
  const days = daysOf(certificates).join(', ');
  return [
    ...wrapped(
      isSealed
        ? `It is posted again, and ${days} is sealed again. The certificates of before are kept.`
        : `${days} is still not sealed. This is a defect.`,
    ),
    '',
  ];
}

/** @param sentence what `status` prints */
export function demoEnd(sentence: string): string[] {
  return ['What status says now:', ...wrapped(sentence, '  ')];
}

export interface DemoAddresses {
  /** Of the worker. */
  readonly pages: string;
  readonly stripe: string;
  readonly blnk: string;
  /** What the commands need, and what they must not see. */
  readonly variables: Readonly<Record<string, string>>;
  /** How this command line is called: `npm run cli --`. */
  readonly command: string;
}

export function demoStaysUp({ pages, stripe, blnk, variables, command }: DemoAddresses): string[] {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${shellWord(value)}`);
  return [
    '',
    'Everything stays up, and a new payment succeeds every few seconds.',
    `Its pages, which follow it: ${pages}`,
    `Stripe: ${stripe}  Blnk: ${blnk}`,
    '',
    'Look at it from another terminal in this folder. First this line, then any command:',
    '',
    `export ${assignments.join(' ')}`,
    '',
    `  ${command} status`,
    `  ${command} runs`,
    `  ${command} parked list`,
    `  ${command} prove                   # the last seven days that are over`,
    `  ${command} certificates list`,
    `  ${command} repair plan             # how to repair what a proof found`,
    `  ${command} backfill --from 30d --to 1d --dry-run`,
    '',
    'Ctrl-C ends it and deletes its data.',
  ];
}

interface SumRow {
  readonly money: Money;
  readonly posted: number;
}

const SUM_COLUMNS: ReadonlyArray<Column<SumRow>> = [
  { title: 'currency', rank: 0, value: ({ money }) => money.currency },
  { title: 'payments', rank: 1, align: 'right', value: ({ posted }) => formatCount(posted) },
  { title: 'sum', rank: 0, align: 'right', value: ({ money }) => formatMoney(money) },
];

const PARKED_COLUMNS: ReadonlyArray<Column<PaymentRecord>> = [
  { title: 'payment', rank: 0, value: ({ reference }) => reference },
  { title: 'currency', rank: 1, value: ({ currency }) => currency ?? '' },
  { title: 'reason', rank: 0, value: ({ reason }) => reason ?? 'none stored' },
];

const REPAIR_COLUMNS: ReadonlyArray<Column<RepairPlan['items'][number]>> = [
  { title: 'payment', rank: 0, value: ({ paymentId }) => paymentId },
  { title: 'what', rank: 0, shortenTo: 20, value: ({ detail, action }) => detail ?? action },
];

const WIDTH_MAX = 80;

/** Also where the output is no terminal, which would break lines by itself. */
function wrapped(text: string, indent = ''): string[] {
  return wrapLine(`${indent}${text}`, WIDTH_MAX);
}

function daysOf(certificates: readonly FullCertificate[]): string[] {
  return [...new Set(certificates.map(({ day }) => day))].sort();
}
