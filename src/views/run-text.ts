/** How runs look as text: a row in a list, and one run with everything that is known of it. */
import { formatMoney, type Money } from '../core/base/money.js';
import { commandLine } from '../core/base/own-command.js';
import { formatCount, formatDuration, formatTime } from '../core/base/time-text.js';
import type { RunRecord } from '../db/reads/runs.js';
import { type Column, renderFacts, renderTable } from './table.js';

/** Ids begin with the time of their making: the first 13 characters are its milliseconds. */
const ID_LENGTH_MIN = 13;

/** Newest first, as given. Ids are shortened as far as they stay distinct; commands take them so. */
export function runTable(runs: readonly RunRecord[], terminalColumns: number): string[] {
  const idLength = distinctLength(runs.map((run) => run.id));
  return renderTable(columnsOf(idLength), runs, terminalColumns);
}

export function runLines(run: RunRecord, parts: readonly RunRecord[], terminalColumns: number): string[] {
  const lines = renderFacts([
    ['run', run.id],
    ['part of', run.parentId],
    ['status', statusText(run)],
    ['feed', run.feed],
    ['trigger', run.trigger],
    ['window', windowText(run)],
    ['started', `${formatTime(run.startedAt)} (UTC)`],
    ['read in', run.durationMs === null ? null : formatDuration(run.durationMs)],
    [
      'found',
      `${formatCount(run.found)} = ${formatCount(run.knownBefore)} known before + ${formatCount(run.stored)} stored`,
    ],
    ['stored', storedText(run)],
    ['before start', run.beforeStart > 0 ? `${formatCount(run.beforeStart)} created before the mirror's start` : null],
    ['Stripe requests', formatCount(run.stripeRequests)],
    ['error', run.error === null ? null : `${run.errorCode ?? ''}: ${run.error}`],
    ['version', run.version],
  ]);
  const sums = renderTable(SUM_COLUMNS, sumsOf(run), terminalColumns);
  if (sums.length > 0) lines.push('', 'Sums', ...sums);
  if (parts.length > 0) lines.push('', 'Parts', ...runTable(parts, terminalColumns));
  return lines;
}

function columnsOf(idLength: number): Column<RunRecord>[] {
  const number = (title: string, rank: number, value: (run: RunRecord) => number): Column<RunRecord> => ({
    title,
    rank,
    align: 'right',
    value: (run) => formatCount(value(run)),
  });
  return [
    { title: 'run', rank: 0, value: (run) => run.id.slice(0, idLength) },
    { title: 'started (UTC)', rank: 2, value: (run) => formatTime(run.startedAt) },
    { title: 'feed', rank: 5, value: (run) => run.feed },
    { title: 'trigger', rank: 7, value: (run) => run.trigger },
    { title: 'status', rank: 0, value: (run) => run.status },
    number('found', 4, (run) => run.found),
    number('stored', 1, (run) => run.stored),
    number('posted', 1, (run) => run.posted),
    number('already there', 6, (run) => run.alreadyThere),
    number('parked', 1, (run) => run.parked),
    number('pending', 1, (run) => run.pending),
    {
      title: 'read in',
      rank: 8,
      align: 'right',
      value: (run) => (run.durationMs === null ? '' : formatDuration(run.durationMs)),
    },
    { title: 'in the ledger', rank: 9, value: (run) => moneySummary(run.ledgerTotals) },
    { title: 'error', rank: 3, shortenTo: 16, value: (run) => run.error ?? '' },
  ];
}

/** A tail reads to the newest event; what it covers ends earlier, and is read again by the next one. */
function windowText({ windowFrom, windowTo, feed }: RunRecord): string {
  if (windowTo === null) return `from ${formatTime(windowFrom)} on (UTC)`;
  const newer = feed === 'events' ? '; newer events were read too, and are read again' : '';
  return `${formatTime(windowFrom)} to ${formatTime(windowTo)} (UTC)${newer}`;
}

function statusText(run: RunRecord): string {
  switch (run.status) {
    case 'collecting':
      return 'collecting: payments are being read';
    case 'posting':
      return `posting: all are stored, ${formatCount(run.pending)} still to be posted`;
    case 'succeeded':
      return 'succeeded';
    case 'attention':
      return `attention: ${formatCount(run.parked - run.dismissed)} parked, see: ${commandLine('parked list')}`;
    case 'stopped':
      return 'stopped: the worker was stopped in order; the next run reads the rest';
    case 'failed':
      return 'failed: the next run reads what this one did not';
    default:
      return run.status satisfies never;
  }
}

function storedText(run: RunRecord): string {
  const dismissed = run.dismissed > 0 ? ` (${formatCount(run.dismissed)} dismissed)` : '';
  return (
    `${formatCount(run.stored)} = ${formatCount(run.posted)} posted + ${formatCount(run.alreadyThere)} already there + ` +
    `${formatCount(run.parked)} parked${dismissed} + ${formatCount(run.pending)} pending`
  );
}

/** A run of many currencies must not make one cell of a table as long as a page. */
function moneySummary(totals: readonly Money[]): string {
  if (totals.length <= 2) return totals.map(formatMoney).join(', ');
  return `${formatCount(totals.length)} currencies`;
}

/** One currency of a run. */
interface RunSum {
  readonly stored: Money;
  readonly inLedger: Money;
}

const SUM_COLUMNS: ReadonlyArray<Column<RunSum>> = [
  { title: 'currency', rank: 0, value: ({ stored }) => stored.currency },
  { title: 'stored', rank: 1, align: 'right', value: ({ stored }) => formatMoney(stored) },
  { title: 'in the ledger', rank: 0, align: 'right', value: ({ inLedger }) => formatMoney(inLedger) },
];

function sumsOf({ totals, ledgerTotals }: RunRecord): RunSum[] {
  const held = new Map(ledgerTotals.map((money) => [money.currency, money]));
  return totals.map((stored) => ({ stored, inLedger: held.get(stored.currency) ?? { ...stored, amount: 0n } }));
}

function distinctLength(ids: readonly string[]): number {
  for (let length = ID_LENGTH_MIN; length < 36; length += 1) {
    if (new Set(ids.map((id) => id.slice(0, length))).size === new Set(ids).size) return length;
  }
  return 36;
}
