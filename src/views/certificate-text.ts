/** Certificates as people read them: tables, findings beneath them, and the sentence that answers the question. Pure. */

import { formatMoney } from '../core/base/money.js';
import { commandLine } from '../core/base/own-command.js';
import { formatCount, formatTime } from '../core/base/time-text.js';
import {
  CERTIFICATE_STATES,
  type CertificateState,
  type DayFinding,
  FINDING_KINDS,
  isOfAnyCurrency,
  worstFirst,
  worstState,
} from '../core/proof/certificate.js';
import { isSealed } from '../core/proof/reopening.js';
import type { CertificateRecord, DayCertificates, EarlierProof, FullCertificate } from '../db/reads/certificates.js';
import { dayAnswer, findingsInFull, findingsOfDay, kindsOf, type ToldFinding } from './finding-text.js';
import { type Column, renderFacts, renderTable } from './table.js';

/** The rest of a day is told by `certificates show`. */
const FINDINGS_SHOWN_MAX = 20;

/** A longer table is read by nobody. */
const ROWS_SHOWN_MAX = 40;

const IN_ANY_CURRENCY = 'Payments that Stripe does not show whole: they count for every currency of this day';

/** Days that the closing sentence names; the others stand in the table. */
const DAYS_NAMED_MAX = 5;

export function stateText(state: CertificateState): string {
  return state.replaceAll('_', ' ');
}

export function certificateTable(rows: readonly CertificateRecord[], terminalColumns: number): string[] {
  return renderTable(CERTIFICATE_COLUMNS, rows, terminalColumns);
}

/**
 * The same for a person: where the table would be long, the currencies of a day of which there is nothing to tell but their
 * common state stand in one line, beneath the others.
 */
export function shortCertificateTable(rows: readonly FullCertificate[], terminalColumns: number): string[] {
  if (rows.length <= ROWS_SHOWN_MAX) return certificateTable(rows, terminalColumns);
  const shown = daysOf(rows).flatMap(([, certificates]): TableRow[] => {
    const plain = certificates.filter(isPlain);
    const states = [...new Set(plain.map(({ state }) => state))];
    const together = states.flatMap((state) => inOneLine(plain.filter((row) => row.state === state)));
    return [...certificates.filter((row) => !isPlain(row)), ...together];
  });
  const table = renderTable(CERTIFICATE_COLUMNS, shown, terminalColumns);
  if (shown.length === rows.length) return table;
  return [...table, `Each of the ${formatCount(rows.length)} currencies and days with its sums: --all`];
}

function isPlain({ findings, reopened }: FullCertificate): boolean {
  return !reopened && findings.every(isOfAnyCurrency);
}

function inOneLine(rows: readonly FullCertificate[]): TableRow[] {
  const [first] = rows;
  if (first === undefined || rows.length === 1) return [...rows];
  const sumOf = (count: (row: CertificateRecord) => number) => rows.reduce((sum, row) => sum + count(row), 0);
  const stripeCount = sumOf((row) => row.stripeCount);
  const ledgerCount = sumOf((row) => row.ledgerCount);
  return [{ ...first, currency: null, together: rows.length, stripeCount, ledgerCount }];
}

/** What keeps the days from being sealed without exception, beneath a line for each day. */
export function findingLines(rows: readonly FullCertificate[], terminalColumns: number): string[] {
  return daysOf(rows).flatMap(([day, certificates]) => {
    const { findings, count } = findingsOfDay(certificates);
    if (findings.length === 0) return [];
    const shown = findings.slice(0, FINDINGS_SHOWN_MAX);
    const more = `${formatCount(count - shown.length)} more: ${commandLine(`certificates show ${day}`)}`;
    return ['', day, ...renderTable(FINDING_COLUMNS, shown, terminalColumns), ...(count > shown.length ? [more] : [])];
  });
}

/** `7 days compared: 6 sealed, 1 broken (2026-11-18 USD: 1 missing).` and what to do about it. */
export function closingSentence(rows: readonly FullCertificate[]): string {
  const days = daysOf(rows);
  if (days.length === 0) return 'No day was compared.';
  const counts = new Map<CertificateState, number>();
  for (const [, certificates] of days) {
    const state = worstState(certificates.map((certificate) => certificate.state));
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const open = rows.filter(({ state }) => !isSealed(state));
  // What is broken is named first, wherever it stands.
  const [broken, others] = [open.filter(isBroken), open.filter((row) => !isBroken(row))];
  const reasons = [broken, others].flatMap((part) =>
    daysOf(part).flatMap(([day, certificates]) => reasonsOf(day, certificates)),
  );
  const named = reasons.slice(0, DAYS_NAMED_MAX);
  if (reasons.length > named.length) named.push(`and ${formatCount(reasons.length - named.length)} more`);
  const what = CERTIFICATE_STATES.flatMap((state) => {
    const count = counts.get(state);
    return count === undefined ? [] : [`${formatCount(count)} ${stateText(state)}`];
  });
  const compared = `${formatCount(days.length)} ${days.length === 1 ? 'day' : 'days'} compared: ${what.join(', ')}`;
  const details = named.length === 0 ? '' : ` (${named.join('; ')})`;
  // Each command ends its line, so that nothing is read as a part of it.
  return [`${compared}${details}.`, ...adviceFor(new Set(open.map(({ state }) => state)), days)].join('\n');
}

function isBroken({ state }: CertificateRecord): boolean {
  return state === 'broken';
}

/** Why a day is not sealed, currency by currency; a payment that may be of any currency once for all of them. */
function reasonsOf(day: string, certificates: readonly FullCertificate[]): string[] {
  const everywhere = new Map<string | null, DayFinding>();
  const reasons = certificates.flatMap((row) => {
    const unknown = row.findings.filter(isOfAnyCurrency);
    for (const finding of unknown) everywhere.set(finding.paymentId, finding);
    const kinds = kindsOf(
      row.findings.filter((finding) => !isOfAnyCurrency(finding)),
      row.state,
    );
    if (kinds === '' && row.state === 'open' && unknown.length > 0) return [];
    return [`${day}${inCurrency(row)}: ${kinds === '' ? stateText(row.state) : kinds}`];
  });
  const kinds = kindsOf([...everywhere.values()], 'open');
  return kinds === '' ? reasons : [...reasons, `${day} any currency: ${kinds}`];
}

function adviceFor(
  states: ReadonlySet<CertificateState>,
  days: ReadonlyArray<readonly [day: string, unknown]>,
): string[] {
  const [from, to] = [days.at(0)?.[0] ?? '', days.at(-1)?.[0] ?? ''];
  const advice: string[] = [];
  if (states.has('broken')) advice.push(`Next: ${commandLine(`repair plan --from ${from} --to ${to}`)}`);
  if (states.has('open'))
    advice.push(`What is open settles by itself, or waits for a person: ${commandLine('parked list')}`);
  if (states.has('not_covered')) advice.push(`What is not covered is still being read: ${commandLine('status')}`);
  return advice;
}

/** One day in full: the table of its currencies, each of them, then the proofs that were made of it. */
export function dayLines(
  { certificates: all, history, historyCount }: DayCertificates,
  terminalColumns: number,
): string[] {
  const certificates = worstFirst(all);
  const [first] = certificates;
  const lines = certificates.flatMap((certificate, index) => {
    const ofCurrency = findingsInFull(certificate.findings.filter((finding) => !isOfAnyCurrency(finding)));
    const cut = certificate.findingsCount - certificate.findings.length;
    return [
      ...(index === 0 && certificates.length === 1 ? [] : ['']),
      ...renderFacts(factsOf(certificate)),
      ...(ofCurrency.length === 0 ? [] : ['', ...ofCurrency]),
      ...(cut > 0 ? [`${formatCount(cut)} more were not kept.`] : []),
    ];
  });
  const everywhere = findingsOfDay(certificates).findings.filter(isOfAnyCurrency);
  const ofAny = everywhere.length === 0 ? [] : ['', IN_ANY_CURRENCY, ...findingsInFull(everywhere)];
  const proofs = renderTable(HISTORY_COLUMNS, history, terminalColumns);
  const table = certificates.length === 1 ? [] : certificateTable(certificates, terminalColumns);
  const isCut = historyCount > history.length;
  const cut = `${formatCount(history.length)} of ${formatCount(historyCount)} shown, the newest`;
  const answer = first === undefined ? [] : [`${first.day} is ${dayAnswer(certificates)}.`, ''];
  return [...answer, ...table, ...lines, ...ofAny, '', 'Proofs of this day', ...proofs, ...(isCut ? [cut] : [])];
}

function factsOf(certificate: FullCertificate): Array<readonly [string, string | null]> {
  const { currency, reopened, movement, unexplained, notSeen } = certificate;
  const side = (name: 'stripe' | 'ledger' | 'postings') =>
    `${countText(certificate[`${name}Count`], 'payment')}, ${money(certificate[`${name}Sum`], currency)}, ${certificate[`${name}Hash`]}`;
  return [
    ['day', certificate.day],
    ['currency', currency ?? 'none: no payment on any side'],
    ['state', `${stateText(certificate.state)}${reopened ? REOPENED : ''}`],
    ['Stripe', side('stripe')],
    ['ledger', side('ledger')],
    ['our postings', side('postings')],
    ['source moved', movement === null ? null : money(movement, currency)],
    ['unexplained', unexplained === null || unexplained === 0n ? null : money(unexplained, currency)],
    ['not seen', notSeen.join('; ')],
    ['reopened because', certificate.reopenedBecause],
    ['takes back', certificate.reopens],
    ['proved at', `${formatTime(certificate.provedAt)} UTC (${certificate.trigger.replaceAll('_', ' ')})`],
    ['Stripe as of', `${formatTime(certificate.stripeAsOf)} UTC`],
    [
      'requests',
      `${formatCount(certificate.stripeRequests)} to Stripe, ${formatCount(certificate.ledgerRequests)} to Blnk, for all currencies`,
    ],
    ['certificate', certificate.id],
    ['findings', certificate.findingsCount === 0 ? null : formatCount(certificate.findingsCount)],
  ];
}

function countText(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}

const REOPENED = ', reopened since: a payment was stored after it, or what was accepted of it was taken back';

function daysOf<Row extends { readonly day: string }>(rows: readonly Row[]): Array<readonly [string, Row[]]> {
  const days = new Map<string, Row[]>();
  for (const row of rows) days.set(row.day, [...(days.get(row.day) ?? []), row]);
  return [...days];
}

function inCurrency({ currency }: { readonly currency: string | null }): string {
  return currency === null ? '' : ` ${currency}`;
}

function money(amount: bigint, currency: string | null): string {
  return currency === null ? '' : formatMoney({ amount, currency });
}

/** A certificate, or several of one day in one line. */
type TableRow = CertificateRecord & { readonly together?: number };

const CERTIFICATE_COLUMNS: ReadonlyArray<Column<TableRow>> = [
  { title: 'day', rank: 0, value: ({ day }) => day },
  {
    title: 'currency',
    rank: 0,
    value: ({ currency, together }) => (together === undefined ? (currency ?? '-') : `${together} currencies`),
  },
  { title: 'state', rank: 0, value: ({ state, reopened }) => `${stateText(state)}${reopened ? ', reopened' : ''}` },
  { title: 'Stripe', rank: 2, align: 'right', value: ({ stripeCount }) => formatCount(stripeCount) },
  { title: 'ledger', rank: 2, align: 'right', value: ({ ledgerCount }) => formatCount(ledgerCount) },
  { title: 'Stripe sum', rank: 3, align: 'right', value: ({ stripeSum, currency }) => money(stripeSum, currency) },
  { title: 'ledger sum', rank: 4, align: 'right', value: ({ ledgerSum, currency }) => money(ledgerSum, currency) },
  {
    title: 'unexplained',
    rank: 5,
    align: 'right',
    value: ({ unexplained, currency }) =>
      unexplained === null || unexplained === 0n ? '' : money(unexplained, currency),
  },
  { title: 'findings', rank: 1, align: 'right', value: ({ findingsCount }) => formatCount(findingsCount) },
];

const FINDING_COLUMNS: ReadonlyArray<Column<ToldFinding>> = [
  { title: 'payment', rank: 0, value: ({ paymentId }) => paymentId ?? '-' },
  { title: 'currency', rank: 1, value: ({ currency }) => currency },
  { title: 'finding', rank: 0, value: ({ kind }) => kind },
  { title: 'what', rank: 2, shortenTo: 20, value: whatText },
];

function whatText({ accepted, detail, kind }: ToldFinding): string {
  const what = detail || FINDING_KINDS[kind].meaning;
  return accepted === undefined ? what : `accepted by ${accepted.by}: ${accepted.why}; ${what}`;
}

const HISTORY_COLUMNS: ReadonlyArray<Column<EarlierProof>> = [
  { title: 'proved at (UTC)', rank: 0, value: ({ provedAt }) => formatTime(provedAt) },
  { title: 'currency', rank: 0, value: ({ currency }) => currency ?? '-' },
  { title: 'state', rank: 0, value: ({ state }) => stateText(state) },
  { title: 'asked by', rank: 2, value: ({ trigger }) => trigger.replaceAll('_', ' ') },
  { title: 'findings', rank: 1, align: 'right', value: ({ findingsCount }) => formatCount(findingsCount) },
  { title: 'reopened because', rank: 3, shortenTo: 20, value: ({ reopenedBecause }) => reopenedBecause ?? '' },
];
