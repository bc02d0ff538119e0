/** What the demonstration says: a few lines that a newcomer understands, and tables of what happened. Pure. */
import { formatMoney, type Money } from '../core/money.js';
import { PARKING_REASONS } from '../core/posting.js';
import { formatCount, formatDuration } from '../core/time-text.js';
import type { FullCertificate } from '../db/reads/certificates.js';
import type { RunRecord } from '../db/reads/runs.js';
import type { StatusRecord } from '../db/reads/status.js';
import { closingSentence, findingLines, shortCertificateTable } from './certificate-text.js';
import { type Column, renderTable } from './table.js';

export function demoIntroduction(intents: number): string[] {
  return [
    'stripe-blnk-sync mirrors every PaymentIntent that succeeded in Stripe into a Blnk ledger, exactly once.',
    '',
    `Here it runs without any account: a stand-in for Stripe holds ${formatCount(intents)} PaymentIntents of the`,
    'last 30 days (succeeded, failed, canceled, of many currencies, and some that no ledger',
    'should take), a stand-in for Blnk holds an empty ledger. The worker, its PostgreSQL and its',
    'queue are the real ones.',
    '',
  ];
}

export interface LedgerCheck {
  readonly stripeCount: number;
  readonly ledgerCount: number;
  /** References that only one side has, or that differ in amount, currency or number of transactions. */
  readonly differences: readonly string[];
  readonly currencies: number;
}

/** What the first run did: posted, parked and why, sums per currency. */
export function demoFirstRun(run: RunRecord, status: StatusRecord, columns: number): string[] {
  const sums = run.ledgerTotals.map((money) => ({ money, posted: countOf(status, money.currency) }));
  return [
    `Found ${formatCount(run.found)} succeeded payments in ${formatDuration(run.durationMs ?? 0)}: ` +
      `${formatCount(run.posted)} posted, ${formatCount(run.parked)} parked for a person.`,
    '',
    'In the ledger',
    ...renderTable(SUM_COLUMNS, sums, columns),
    '',
    'Parked: held back with a reason, counted, listed, and never guessed',
    ...renderTable(PARKED_COLUMNS, status.parked, columns),
    '',
  ];
}

export function demoSecondRun(run: RunRecord): string[] {
  const known = `${formatCount(run.found)} found, ${formatCount(run.knownBefore)} known before`;
  return [`A second run reads everything again: ${known}, ${formatCount(run.stored)} new, nothing posted twice.`, ''];
}

/** The comparison that this software exists for, made here against the stand-ins themselves. */
export function demoComparison(check: LedgerCheck): string[] {
  if (check.differences.length === 0) {
    return [
      `Compared one by one: ${formatCount(check.stripeCount)} payments in Stripe = ${formatCount(check.ledgerCount)} transactions in the ledger,`,
      `equal in amount and currency, in ${check.currencies} currencies.`,
    ];
  }
  return [
    `Compared one by one: ${check.differences.length} differences between Stripe and the ledger. This is a defect:`,
    ...check.differences.slice(0, 20).map((difference) => `  ${difference}`),
  ];
}

/** Nothing when no day with payments is over yet. */
export function demoProof(certificates: readonly FullCertificate[], columns: number): string[] {
  if (certificates.length === 0) return [];
  return [
    '',
    'A proof asks both sides afresh, day by day, and keeps what comes out:',
    ...shortCertificateTable(certificates, columns),
    ...findingLines(certificates, columns),
    '',
    closingSentence(certificates),
  ];
}

export interface DemoAddresses {
  readonly stripe: string;
  readonly blnk: string;
  /** What the commands need, and what they must not see. */
  readonly variables: Readonly<Record<string, string>>;
  /** How this command line is called: `npm run cli --` or `npx stripe-blnk-sync`. */
  readonly command: string;
}

export function demoStaysUp({ stripe, blnk, variables, command }: DemoAddresses): string[] {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${shellWord(value)}`);
  return [
    '',
    'Everything stays up, and a new payment succeeds every few seconds.',
    `Stripe: ${stripe}  Blnk: ${blnk}`,
    'Look at it from another terminal in this folder. First this line, then any command:',
    '',
    `export ${assignments.join(' ')}`,
    '',
    `  ${command} status`,
    `  ${command} runs`,
    `  ${command} parked list`,
    `  ${command} prove                   # the last seven days that are over`,
    `  ${command} certificates list`,
    `  ${command} repair plan             # what a proof found and what would mend it`,
    `  ${command} backfill --from 30d --to 1d --dry-run`,
    '',
    'Ctrl-C ends it and deletes its data.',
  ];
}

/** Quoted where a shell would read more than the letters. */
function shellWord(text: string): string {
  return /^[\w./:@%+=-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
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

const PARKED_COLUMNS: ReadonlyArray<Column<StatusRecord['parked'][number]>> = [
  { title: 'payments', rank: 0, align: 'right', value: ({ waiting }) => formatCount(waiting) },
  { title: 'reason', rank: 0, value: ({ reason }) => reason ?? 'none stored' },
  { title: 'meaning', rank: 1, shortenTo: 20, value: ({ reason }) => (reason === null ? '' : PARKING_REASONS[reason]) },
];

function countOf(status: StatusRecord, currency: string): number {
  return status.totals.find((total) => total.currency === currency)?.postedCount ?? 0;
}
