/** What a dry run prints: what was found, what would become of it, and what the real thing would take. */
import { formatMoney } from '../core/base/money.js';
import { commandLine } from '../core/base/own-command.js';
import { formatCount, formatDuration, formatTime } from '../core/base/time-text.js';
import { PARKING_REASONS } from '../core/posting/posting.js';
import type { DryRunReport } from '../operations/dry-run.js';
import { type Column, renderFacts, renderTable } from './table.js';

export function dryRunLines(report: DryRunReport, terminalColumns: number): string[] {
  const { found, knownBefore, fresh, beforeStart, wouldPost, wouldPark, estimate } = report;
  const lines = [headline(report)];
  if (!report.complete) lines.push('Incomplete: not everything was read. These are the counts of what was.');
  if (report.ledgerInUse) lines.push(...ledgerInUse());
  lines.push(
    '',
    ...renderFacts([
      ...report.windows.map(({ feed, from, to }) => [feed, `${formatTime(from)} to ${formatTime(to)} (UTC)`] as const),
      ['found', `${formatCount(found)} = ${formatCount(knownBefore)} known before + ${formatCount(fresh)} new`],
      ['before start', beforeStart > 0 ? `${formatCount(beforeStart)} created before the mirror's start` : null],
    ]),
  );
  if (wouldPost.length > 0) lines.push('', 'Would be posted', ...renderTable(POST_COLUMNS, wouldPost, terminalColumns));
  if (wouldPark.length > 0) lines.push('', 'Would be parked', ...renderTable(PARK_COLUMNS, wouldPark, terminalColumns));
  lines.push(
    '',
    'Estimate for the actual run',
    ...renderFacts([
      [
        'Stripe',
        `${formatCount(estimate.stripeRequests)} requests, ${formatDuration(estimate.readingMs)}: ${formatRate(estimate.stripeRequestsPerSecond)} a second, by STRIPE_SHARE`,
      ],
      [
        'Blnk',
        `${formatCount(estimate.blnkRequests)} requests, ${formatDuration(estimate.postingMs)}: about ${estimate.postedPerSecond} payments a second in each currency, all at the same time`,
      ],
      [
        'balances',
        report.balances === null
          ? null
          : `${formatCount(report.balances)} to be made in Blnk, the ledger among them, each a record that the Cloud bills`,
      ],
      [
        'identities',
        report.identities === null
          ? null
          : `${formatCount(report.identities)} to be made in Blnk, each a record that the Cloud bills`,
      ],
      ['this dry run', `${formatCount(report.stripeRequests)} requests to Stripe, nothing written`],
    ]),
  );
  return lines;
}

const ledgerInUse = () => [
  'A worker would refuse to start: the database is empty, but the ledger holds transactions of this software.',
  `Was the database lost? Then: ${commandLine('rebuild')}. With ${commandLine('worker --adopt')}`,
  'a new mirror begins, and what the ledger holds with equal',
  'content is adopted: of the payments below only those that it lacks would be posted.',
];

function headline({ asked, firstStart, fresh }: DryRunReport): string {
  const what = firstStart && asked === 'sync' ? 'The first start' : asked === 'sync' ? 'A sync' : 'This backfill';
  return `${what} would store ${formatCount(fresh)} ${fresh === 1 ? 'payment' : 'payments'}. Nothing was stored or posted.`;
}

const POST_COLUMNS: readonly Column<DryRunReport['wouldPost'][number]>[] = [
  { title: 'currency', rank: 0, value: ({ currency }) => currency },
  { title: 'payments', rank: 0, align: 'right', value: ({ count }) => formatCount(count) },
  { title: 'sum', rank: 0, align: 'right', value: (money) => formatMoney(money) },
];

const PARK_COLUMNS: readonly Column<DryRunReport['wouldPark'][number]>[] = [
  { title: 'reason', rank: 0, value: ({ reason }) => reason },
  { title: 'payments', rank: 0, align: 'right', value: ({ count }) => formatCount(count) },
  { title: 'meaning', rank: 2, shortenTo: 20, value: ({ reason }) => PARKING_REASONS[reason] },
  { title: 'first ones', rank: 1, shortenTo: 30, value: ({ examples }) => examples.join(', ') },
];

function formatRate(perSecond: number): string {
  return Number.isInteger(perSecond) ? `${perSecond}` : perSecond.toFixed(1);
}
