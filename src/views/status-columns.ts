/**
 * The columns of the tables of `status`: totals, what is parked, holes, and what waits to be posted. What they hold comes from the read model;
 * a narrow terminal loses the columns of the highest rank first.
 */

import { formatMoney } from '../core/base/money.js';
import { formatCount, formatDuration, formatTime } from '../core/base/time-text.js';
import type { Hole } from '../core/coverage/completeness.js';
import type { ParkedFacts, WaitingFacts } from '../core/verdict/facts.js';
import type { TotalRecord } from '../db/reads/outbox-status.js';
import type { Column } from './table.js';
import { plainText } from './text-width.js';

export const TOTAL_COLUMNS: ReadonlyArray<Column<TotalRecord>> = [
  { title: 'currency', rank: 0, value: ({ currency }) => currency },
  { title: 'posted', rank: 1, align: 'right', value: ({ postedCount }) => formatCount(postedCount) },
  { title: 'sum', rank: 0, align: 'right', value: ({ currency, posted }) => formatMoney({ amount: posted, currency }) },
  { title: 'pending', rank: 2, align: 'right', value: ({ pendingCount }) => formatCount(pendingCount) },
  {
    title: 'pending sum',
    rank: 4,
    align: 'right',
    value: ({ currency, pending }) => formatMoney({ amount: pending, currency }),
  },
  { title: 'parked or dismissed', rank: 3, align: 'right', value: ({ parkedCount }) => formatCount(parkedCount) },
  {
    title: 'their sum',
    rank: 5,
    align: 'right',
    value: ({ currency, parked }) => formatMoney({ amount: parked, currency }),
  },
];

export const PARKED_COLUMNS: ReadonlyArray<Column<ParkedFacts>> = [
  { title: 'reason', rank: 0, value: ({ reason }) => reason ?? 'none stored' },
  { title: 'waiting', rank: 0, align: 'right', value: ({ waiting }) => formatCount(waiting) },
  { title: 'dismissed', rank: 1, align: 'right', value: ({ dismissed }) => formatCount(dismissed) },
];

export const HOLE_COLUMNS: ReadonlyArray<Column<Hole>> = [
  { title: 'feed', rank: 1, value: ({ feed }) => feed },
  { title: 'from (UTC)', rank: 0, value: ({ from }) => formatTime(from) },
  { title: 'to (UTC)', rank: 0, value: ({ to }) => formatTime(to) },
  { title: 'closed by', rank: 2, shortenTo: 12, value: ({ closedBy }) => CLOSERS[closedBy] },
];

const CLOSERS: Readonly<Record<Hole['closedBy'], string>> = {
  backfill: 'the backfill, which workers read by themselves',
  tail: 'the next sync',
  sweep: 'a sweep, which workers read by themselves',
  permission: 'a key that may read more, see above',
};

export function laneColumns(now: Date): ReadonlyArray<Column<WaitingFacts>> {
  return [
    { title: 'source', rank: 1, shortenTo: 10, value: ({ source }) => source },
    { title: 'currency', rank: 0, value: ({ currency }) => currency },
    { title: 'pending', rank: 0, align: 'right', value: ({ pending }) => formatCount(pending) },
    { title: 'in doubt', rank: 2, align: 'right', value: ({ inDoubt }) => formatCount(inDoubt) },
    { title: 'unresolved', rank: 2, align: 'right', value: ({ unresolved }) => formatCount(unresolved) },
    { title: 'oldest due', rank: 3, value: ({ oldestDue }) => dueText(oldestDue.getTime() - now.getTime()) },
    { title: 'why it waits', rank: 4, shortenTo: 24, value: ({ error }) => plainText(error ?? '') },
  ];
}

function dueText(inMs: number): string {
  return inMs > 0 ? `in ${formatDuration(inMs)}` : `${formatDuration(-inMs)} ago`;
}
