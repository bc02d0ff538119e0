/** How runs look as text: a row in a list, and one run with everything that is known of it. */
import { formatMoney, type Money } from '../core/money.js';
import { formatCount, formatDuration, formatTime } from '../core/time-text.js';
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
    ['window', `${formatTime(run.windowFrom)} to ${formatTime(run.windowTo) || 'now'} (UTC)`],
    ['started', `${formatTime(run.startedAt)} (UTC)`],
    ['read in', run.durationMs === null ? null : formatDuration(run.durationMs)],
    [
      'found',
      `${formatCount(run.found)} = ${formatCount(run.knownBefore)} known before + ${formatCount(run.stored)} stored`,
    ],
    ['stored', storedText(run)],
    ['before start', run.beforeStart > 0 ? `${formatCount(run.beforeStart)} created before the mirror's start` : null],
    ['stored sums', moneyText(run.totals)],
    ['in the ledger', moneyText(run.ledgerTotals)],
    ['Stripe requests', formatCount(run.stripeRequests)],
    ['error', run.error === null ? null : `${run.errorCode ?? ''}: ${run.error}`],
    ['version', run.version],
  ]);
  if (parts.length === 0) return lines;
  return [...lines, '', 'Parts', ...runTable(parts, terminalColumns)];
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
    { title: 'in the ledger', rank: 9, shortenTo: 20, value: (run) => moneyText(run.ledgerTotals) ?? '' },
    { title: 'error', rank: 3, shortenTo: 16, value: (run) => run.error ?? '' },
  ];
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
      return `attention: ${formatCount(run.parked - run.dismissed)} parked, see: stripe-blnk-sync parked list`;
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

function moneyText(totals: readonly Money[]): string | null {
  return totals.length === 0 ? null : totals.map(formatMoney).join(', ');
}

function distinctLength(ids: readonly string[]): number {
  for (let length = ID_LENGTH_MIN; length < 36; length += 1) {
    if (new Set(ids.map((id) => id.slice(0, length))).size === new Set(ids).size) return length;
  }
  return 36;
}
