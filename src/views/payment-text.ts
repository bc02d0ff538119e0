/** How postings look as text: a list of payments, and one payment with both of its sides. */

import { formatMoney } from '../core/base/money.js';
import { commandLine } from '../core/base/own-command.js';
import { formatCount, formatTime } from '../core/base/time-text.js';
import { PARKING_REASONS, type PastDismissal } from '../core/posting/posting.js';
import type { AcceptanceRecord } from '../core/proof/acceptance.js';
import { describeRows } from '../core/repair/repair-plan.js';
import type { PaymentSides, ProofFinding } from '../db/reads/parked.js';
import type { PaymentRecord } from '../db/reads/payments.js';
import { actionLines } from './action-text.js';
import { type Column, renderFacts, renderTable } from './table.js';
import { plainText } from './text-width.js';

/** Those that are parked, in the order in which they are listed: as they were stored. */
export function parkedTable(payments: readonly PaymentRecord[], terminalColumns: number): string[] {
  return tableOf(
    COLUMNS.map((column) => (column === CREATED ? STORED : column)),
    payments,
    terminalColumns,
  );
}

export function paymentTable(payments: readonly PaymentRecord[], terminalColumns: number): string[] {
  return tableOf(COLUMNS, payments, terminalColumns);
}

/** A state or reason that all of them have is of no use in a narrow terminal: it gives way to what differs. */
function tableOf(
  all: ReadonlyArray<Column<PaymentRecord>>,
  payments: readonly PaymentRecord[],
  terminalColumns: number,
): string[] {
  const columns = all.map((column) => {
    const isCommon = new Set(payments.map(column.value)).size === 1 && payments.length > 1;
    return isCommon && GIVES_WAY.has(column.title) ? { ...column, rank: LAST_RANK } : column;
  });
  return renderTable(columns, payments, terminalColumns);
}

const GIVES_WAY = new Set(['state', 'reason']);
const LAST_RANK = 9;

export function paymentLines(payment: PaymentSides): string[] {
  const utc = (time: Date | null) => (time === null ? null : `${formatTime(time)} (UTC)`);
  const lines = renderFacts([
    ['reference', payment.reference],
    ['payment', payment.paymentId],
    ['in Stripe', payment.dashboardUrl],
    ['kind', payment.kind],
    ['state', payment.unresolved ? `${payment.state}, in doubt for more than 15 minutes` : payment.state],
    ['reason', payment.reason === null ? null : `${payment.reason}: ${PARKING_REASONS[payment.reason]}`],
    ['detail', payment.reasonDetail],
    ['what to do', payment.whatToDo === null ? null : withCommands(payment.whatToDo)],
    ['amount', amountText(payment)],
    ['created', utc(payment.created)],
    ['source', payment.sourceBalance],
    ['destination', payment.customerBalance],
    ['attempts', formatCount(payment.attempts)],
    ['first attempt', utc(payment.firstAttemptAt)],
    ['last attempt', utc(payment.lastAttemptAt)],
    ['next attempt', payment.state === 'pending' ? utc(payment.dueAt) : null],
    ['in doubt since', utc(payment.inDoubtSince)],
    ['last error', payment.lastError],
    ['transaction', payment.transactionId],
    ['posted', utc(payment.postedAt)],
    ['settled', payment.settledHow],
    ['exception', payment.exception],
    ['dismissed', dismissalText(payment)],
    ['first run', payment.run],
    ...payment.findings.map((finding) => ['last proof', findingText(finding)] as const),
  ]);
  lines.push(...payment.pastDismissals.map(pastDismissalLine));
  lines.push(...payment.acceptances.flatMap(acceptanceLines));
  lines.push(...actionLines(payment.actions));
  if (payment.stripeSide !== null) lines.push('', 'As it was read from Stripe', ...jsonLines(payment.stripeSide));
  if (payment.ledgerSide !== null) lines.push('', 'As it is posted', ...jsonLines(payment.ledgerSide));
  return lines;
}

const CREATED: Column<PaymentRecord> = {
  ...{ title: 'created (UTC)', rank: 4 },
  value: (payment) => formatTime(payment.created),
};
const STORED: Column<PaymentRecord> = {
  ...{ title: 'stored (UTC)', rank: 4 },
  value: (payment) => formatTime(payment.storedAt),
};

const COLUMNS: ReadonlyArray<Column<PaymentRecord>> = [
  { title: 'reference', rank: 0, value: (payment) => payment.reference },
  { title: 'state', rank: 3, value: (payment) => payment.state },
  { title: 'reason', rank: 2, value: (payment) => payment.reason ?? '' },
  { title: 'amount', rank: 1, align: 'right', value: (payment) => amountText(payment) ?? '' },
  CREATED,
  { title: 'balance', rank: 6, shortenTo: 12, value: (payment) => payment.customerBalance ?? '' },
  { title: 'transaction', rank: 7, shortenTo: 12, value: (payment) => payment.transactionId ?? '' },
  {
    title: 'detail',
    rank: 5,
    shortenTo: 20,
    value: (payment) =>
      payment.reasonDetail ?? payment.exception ?? (payment.state === 'pending' ? payment.lastError : '') ?? '',
  },
];

/** The advice of the database names commands without what they are called by here. */
export function withCommands(advice: string): string {
  return advice.replace(/(?<=: |, )(parked|repair) \w+/g, (command) => commandLine(command));
}

function amountText({ amountMinor, currency }: PaymentRecord): string | null {
  return amountMinor === null || currency === null ? null : formatMoney({ amount: amountMinor, currency });
}

function dismissalText({ dismissedAt, dismissedBy, dismissedWhy }: PaymentRecord): string | null {
  if (dismissedAt === null) return null;
  return `${formatTime(dismissedAt)} (UTC) by ${dismissedBy ?? 'unknown'}: ${dismissedWhy ?? ''}`;
}

function findingText({ day, provedAt, kind, detail, accepted }: ProofFinding): string {
  const known = accepted === undefined ? '' : `, accepted by ${accepted.by}`;
  return `${kind}${known}: ${detail} (${day}, as of ${formatTime(provedAt)} UTC; see: ${commandLine(`certificates show ${day}`)})`;
}

function pastDismissalLine({ at, by, why, endedAt }: PastDismissal): string {
  const time = (text: string) => formatTime(new Date(text));
  return plainText(
    `was dismissed at ${time(at)} UTC by ${by ?? 'unknown'}: ${why ?? ''}; taken up again at ${time(endedAt)} UTC`,
  );
}

/** What was accepted, and that it was taken back. */
export function acceptanceLines({ day, differences, ...acceptance }: AcceptanceRecord): string[] {
  const { at, by, why, takenBackAt, takenBackBy, takenBackWhy } = acceptance;
  const lines = [
    '',
    `Accepted on the certificates of ${day}, at ${formatTime(at)} UTC by ${by}: ${why}`,
    ...differences.map(({ kind, ledger }) => `  ${kind}: ${describeRows(ledger)}`),
  ];
  if (takenBackAt !== null)
    lines.push(`  taken back at ${formatTime(takenBackAt)} UTC by ${takenBackBy}: ${takenBackWhy}`);
  return lines.map(plainText);
}

/** Broken into lines without reading numbers: a ledger amount may be larger than a JSON number can be. */
export function jsonLines(text: string): string[] {
  let depth = 0;
  let quoted = false;
  let line = '';
  const lines: string[] = [];
  const flush = () => {
    if (line.trim() !== '') lines.push(plainText(line));
    line = '  '.repeat(depth + 1);
  };
  flush();
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === '"' && !isEscaped(text, index)) quoted = !quoted;
    const opens = !quoted && (character === '{' || character === '[');
    const closes = !quoted && (character === '}' || character === ']');
    if (closes) {
      depth -= 1;
      flush();
    }
    line += !quoted && character === ':' ? ': ' : character;
    if (opens) depth += 1;
    if (opens || (!quoted && character === ',')) flush();
  }
  flush();
  return lines;
}

function isEscaped(text: string, index: number): boolean {
  let slashes = 0;
  while (text.charAt(index - 1 - slashes) === '\\') slashes += 1;
  return slashes % 2 === 1;
}
