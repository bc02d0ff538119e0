/**
 * The sentences of `status`. The first one answers the question and never says more than is proven; then what a person
 * has to do, each with the command for it; then the numbers. Pure: facts in, lines out.
 */
import type { Hole } from '../core/completeness.js';
import { formatMoney } from '../core/money.js';
import { PARKING_REASONS } from '../core/posting.js';
import { formatCount, formatDuration, formatTime } from '../core/time-text.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/window.js';
import type { LaneRecord, ParkedRecord, TotalRecord } from '../db/reads/outbox-status.js';
import type { StatusRecord } from '../db/reads/status.js';
import { brokenDays, lateProofs, provenText } from './proofs-text.js';
import { type Column, renderFacts, renderTable } from './table.js';
import { plainText } from './text-width.js';

/** Longer than the five minutes for which Core holds the lock of an interrupted post: that ends by itself. */
const PAUSE_MS = 6 * MINUTE_MS;

/** Completeness moves once a minute; when it stood still for this long beyond the lag, something holds it. */
const STANDSTILL_MS = 10 * MINUTE_MS;

/** In place of the tail a full sweep is asked for once a day, and a long one takes its time. */
const STANDSTILL_WITHOUT_EVENTS_MS = DAY_MS + 2 * HOUR_MS;

export function answerSentence({ mirror, complete, behindMs, outstanding, holes }: StatusRecord): string {
  if (mirror === null) return 'Nothing is mirrored yet: no worker was started on this database.';
  if (complete === null) {
    return `Not complete yet: payments created from ${utc(mirror.startsAt)} on are still being read.`;
  }
  const window = `every payment created from ${utc(complete.from)} to ${utc(complete.to)} that succeeded by then`;
  const behind = ` It is ${formatDuration(behindMs ?? 0)} behind.`;
  const dismissed = outstanding.dismissed > 0 ? [`${formatCount(outstanding.dismissed)} dismissed`] : [];
  const rest = holes.length > 0 ? ' What came later was not read completely, see "Holes".' : '';
  const missing: string[] = [];
  if (outstanding.pending > 0) missing.push(`${formatCount(outstanding.pending)} still to be posted`);
  if (outstanding.parked > 0) missing.push(`${formatCount(outstanding.parked)} parked`);
  if (missing.length === 0) {
    return `Complete: ${[`${window} is in the ledger`, ...dismissed].join(', except ')}.${behind}${rest}`;
  }
  const outside = [...missing, ...dismissed].join(', ');
  return `Not complete: ${window} is known, but not all are in the ledger: ${outside}.${behind}${rest}`;
}

/** Empty when nobody has to do anything. */
export function needsOfPerson(status: StatusRecord): string[] {
  const { workers, parked, lanes, lastFailure, now } = status;
  const needs: string[] = [];
  if (workers.length === 0) needs.push('No worker is running. Start one with: stripe-blnk-sync worker');
  needs.push(...missingPermissions(status));
  if (lastFailure !== null && !lastFailure.recovered && !isToldByPermission(status)) {
    needs.push(
      `Reading ${lastFailure.feed} fails since ${utc(lastFailure.at)}: ${lastFailure.code}: ` +
        `${plainText(lastFailure.message)} (stripe-blnk-sync run ${lastFailure.runId})`,
    );
  }
  for (const { reason, waiting } of parked) {
    if (waiting === 0) continue;
    const meaning = reason === null ? 'no reason is stored' : PARKING_REASONS[reason];
    const filter = reason === null ? '' : ` --reason ${reason}`;
    needs.push(`${formatCount(waiting)} parked: ${meaning}. See: stripe-blnk-sync parked list${filter}`);
  }
  const paused = lanes.filter(
    (lane) => lane.pausedSince !== null && now.getTime() - lane.pausedSince.getTime() > PAUSE_MS,
  );
  for (const { currency, source, pausedSince, error } of paused) {
    needs.push(
      `Posting from ${source} in ${currency} gets no further since ${utc(pausedSince)}: ${plainText(error ?? '')}. ` +
        'It is tried again by itself; check that Blnk answers.',
    );
  }
  const unresolved = lanes.reduce((sum, lane) => sum + lane.unresolved, 0);
  if (unresolved > 0) {
    needs.push(
      `${formatCount(unresolved)} unresolved: for more than 15 minutes Blnk has not said whether it holds them. ` +
        `They are looked up again by themselves; check that Blnk answers.${oldestText(status.oldestUnresolved)}`,
    );
  }
  needs.push(...brokenDays(status.proofs));
  if (workers.length > 0) {
    const { complete, mirror } = status;
    needs.push(
      ...lateProofs(status.proofs, { completeTo: complete?.to ?? null, startedAt: mirror?.handOverAt ?? null }),
    );
  }
  if (standsStill(status)) {
    needs.push(
      `Completeness has not moved since ${utc(status.complete?.to ?? null)} although workers live. ` +
        'See: stripe-blnk-sync runs --all',
    );
  }
  return needs;
}

function oldestText(oldest: StatusRecord['oldestUnresolved']): string {
  if (oldest === null) return '';
  const error = oldest.error === null ? '' : `: ${plainText(oldest.error)}`;
  return ` The oldest since ${utc(oldest.since)}${error}. See: stripe-blnk-sync parked show ${oldest.reference}`;
}

export function statusTables(status: StatusRecord, terminalColumns: number): string[] {
  const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines]);
  return [
    ...renderFacts(factsOf(status)),
    ...section('In the ledger', renderTable(TOTAL_COLUMNS, status.totals, terminalColumns)),
    ...section('To be posted', renderTable(laneColumns(status.now), status.lanes, terminalColumns)),
    ...section('Parked', renderTable(PARKED_COLUMNS, status.parked, terminalColumns)),
    ...section('Holes', renderTable(HOLE_COLUMNS, status.holes, terminalColumns)),
  ];
}

/** What the key lacks, since when, what that means for the promise, and what to do. */
function missingPermissions({ mirror }: StatusRecord): string[] {
  if (mirror === null) return [];
  const { eventsRefusedSince: events, chargesRefusedSince: charges } = mirror;
  if (events !== null && charges !== null) {
    return [
      `The Stripe key may read neither events (since ${utc(events)}) nor charges (since ${utc(charges)}): payments that ` +
        'succeed late cannot be seen, and completeness stands still. Make a key with "Events: Read" and "Charges: Read" ' +
        'and give it as STRIPE_API_KEY.',
    ];
  }
  if (events !== null) {
    return [
      `The Stripe key may not read events since ${utc(events)}: late payments are found by sweeps only; completeness ` +
        'ends at the last full sweep. Make a key with "Events: Read" and give it as STRIPE_API_KEY.',
    ];
  }
  if (charges !== null) {
    return [
      `The Stripe key may not read charges since ${utc(charges)}: no sweep can be read, so holes whose events are gone ` +
        'stay open. Make a key with "Charges: Read" and give it as STRIPE_API_KEY.',
    ];
  }
  return [];
}

/** The run in which the refusal was met stays failed; the line about the permission says more. */
function isToldByPermission({ mirror, lastFailure }: StatusRecord): boolean {
  if (mirror === null || lastFailure?.code !== 'stripe_permission_missing') return false;
  const { feed } = lastFailure;
  if (feed === 'events') return mirror.eventsRefusedSince !== null;
  return feed === 'charges' && mirror.chargesRefusedSince !== null;
}

/** Known holes and failures explain themselves; this is for the case that nothing else says. */
function standsStill(status: StatusRecord): boolean {
  const { behindMs, lagMs, intervalMs, holes, workers, lastFailure, mirror } = status;
  if (behindMs === null || workers.length === 0) return false;
  if (lastFailure !== null && !lastFailure.recovered && !isToldByPermission(status)) return false;
  if (mirror !== null && mirror.eventsRefusedSince !== null) {
    return mirror.chargesRefusedSince === null && behindMs > lagMs + STANDSTILL_WITHOUT_EVENTS_MS;
  }
  return holes.length === 0 && behindMs > lagMs + Math.max(STANDSTILL_MS, 3 * intervalMs);
}

function factsOf({
  mirror,
  workers,
  intervalMs,
  stripeReads,
  behindMs,
  lagMs,
  lastRun,
  lastFailure,
  beforeStart,
  proofs,
  now,
}: StatusRecord) {
  const facts: Array<readonly [string, string | null]> = [];
  if (mirror !== null) {
    facts.push(
      ['Stripe account', mirror.stripeAccount ?? 'not readable with this key'],
      ['mode', mirror.livemode ? 'live' : 'test'],
      ['Blnk instance', mirror.blnkInstance],
      ['mirrored', `payments created from ${utc(mirror.startsAt)} on`],
      [
        'before start',
        beforeStart > 0 ? `${formatCount(beforeStart)} created earlier were seen, and are not mirrored` : null,
      ],
      ['hand-over', mirror.handOverAt === null ? null : `events are read from before ${utc(mirror.handOverAt)} on`],
    );
  }
  facts.push(
    ['behind', behindMs === null ? null : `${formatDuration(behindMs)} (of it ${formatDuration(lagMs)} by design)`],
    ['proven', mirror === null ? null : provenText(proofs)],
    ['sync every', formatDuration(intervalMs)],
    ['Stripe reads', `${formatCount(stripeReads)} in the last 30 days`],
    ['workers', workers.length === 0 ? 'none' : workers.map(({ host, pid }) => `${host} (${pid})`).join(', ')],
    ['last run', lastRun === null ? 'none' : `${utc(lastRun.startedAt)}: ${lastRun.status} (${lastRun.id})`],
    [
      'last error',
      lastFailure === null
        ? null
        : `${utc(lastFailure.at)}: ${lastFailure.code}${lastFailure.recovered ? ', recovered' : ''}`,
    ],
    ['as of', utc(now)],
  );
  return facts;
}

const TOTAL_COLUMNS: ReadonlyArray<Column<TotalRecord>> = [
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
  { title: 'parked', rank: 3, align: 'right', value: ({ parkedCount }) => formatCount(parkedCount) },
  {
    title: 'parked sum',
    rank: 5,
    align: 'right',
    value: ({ currency, parked }) => formatMoney({ amount: parked, currency }),
  },
];

const PARKED_COLUMNS: ReadonlyArray<Column<ParkedRecord>> = [
  { title: 'reason', rank: 0, value: ({ reason }) => reason ?? 'none stored' },
  { title: 'waiting', rank: 0, align: 'right', value: ({ waiting }) => formatCount(waiting) },
  { title: 'dismissed', rank: 1, align: 'right', value: ({ dismissed }) => formatCount(dismissed) },
];

const HOLE_COLUMNS: ReadonlyArray<Column<Hole>> = [
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

function laneColumns(now: Date): ReadonlyArray<Column<LaneRecord>> {
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

function utc(time: Date | null): string {
  return time === null ? 'never' : `${formatTime(time)} UTC`;
}
