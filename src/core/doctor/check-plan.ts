/**
 * What the configuration will do, as far as it is known without doing it: from when, how often and with how many reads of
 * Stripe, what is written to the ledger, and which payments are held.
 */
import { currenciesOf } from '../base/currencies.js';
import { formatCount, formatDuration, formatTime, type Moment } from '../base/time-text.js';
import { DAY_MS, utcDay } from '../base/window.js';
import { STRIPE_EPOCH } from '../posting/mirror.js';
import { ignoredStart } from '../settings/ignored-start.js';
import { pollIntervalMs, type ReadAllocation, readAllocation } from '../settings/read-allocation.js';
import type { MirrorFacts, WorkFacts } from './facts.js';
import { type Check, type Finding, fine, found, skipped } from './finding.js';

const NOT_KNOWN = skipped('its variables are not known yet');

export const startCheck: Check = {
  part: 'start',
  judge({ work, mirror, clocks }) {
    if (work === null) return [NOT_KNOWN];
    const now = new Date(clocks.machineNow.getTime() + (clocks.stripeAheadMs ?? 0));
    const held = mirror.kind === 'given' ? mirror.facts.mirror : null;
    if (held === null) return [judgeStart(work, now)];
    const ignored = ignoredStart(work.syncStart, { startsAt: held.startsAt, now });
    if (ignored?.level === 'warn') {
      return [found('start_ignored', ignored.text, 'Run that command, or set SYNC_START back')];
    }
    return [fine(beforeStripe(work, now) ?? `created from ${formatTime(held.startsAt)} UTC on`)];
  },
};

/** Of a start from before there was a Stripe, what is done with it; null of any other. */
function beforeStripe({ syncStart }: WorkFacts, now: Date): string | null {
  if (syncStart.kind === 'all') return null;
  const from = startOf(syncStart, now);
  if (from >= STRIPE_EPOCH) return null;
  return `from ${utcDay(STRIPE_EPOCH)} on (SYNC_START is ${utcDay(from)}: before Stripe)`;
}

function startOf(asked: Moment, now: Date): Date {
  return asked.kind === 'time' ? asked.time : new Date(now.getTime() - asked.durationMs);
}

function judgeStart(work: WorkFacts, now: Date): Finding {
  const { syncStart } = work;
  if (syncStart.kind === 'all') return fine('everything that Stripe has');
  const from = startOf(syncStart, now);
  if (from > now) {
    return {
      ...{
        state: 'fail',
        code: 'start_in_future',
        do: 'Set SYNC_START to a time that has passed, or start when it has',
      },
      text: `SYNC_START is ${from.toISOString()}, which is later than now (${now.toISOString()}); allowed is a time that has passed`,
    };
  }
  return fine(beforeStripe(work, now) ?? `created from ${formatTime(from)} UTC on, if begun now`);
}

const ALLOCATION_MS = 30 * DAY_MS;
/** An interval that is a little longer than was asked for is no news. */
const NOT_KEPT_FACTOR = 1.5;

export const paceCheck: Check = {
  part: 'pace',
  judge({ work, stripeKey, mirror }) {
    if (work === null || stripeKey === null) return [NOT_KNOWN];
    const known = mirror.kind === 'given' ? mirror.facts : null;
    const reads = readsOf({ work, livemode: stripeKey.livemode, known });
    const findings = [...usedUp(reads), ...notKept(work, reads)];
    return findings.length > 0 ? findings : [fine(paceText(reads))];
  },
};

interface Reads {
  readonly intervalMs: number;
  /** For syncs alone, in 30 days. */
  readonly polls: number;
  readonly allocation: ReadAllocation;
}

function readsOf({
  work,
  livemode,
  known,
}: {
  readonly work: WorkFacts;
  readonly livemode: boolean;
  readonly known: MirrorFacts | null;
}): Reads {
  const facts = {
    ...{ everyMs: work.syncEveryMs, share: work.stripeReadShare, livemode },
    paymentsInThirtyDays: known?.paymentsInThirtyDays ?? 0,
    readsInThirtyDays: known?.reads.thirtyDays ?? 0,
    readsInLastDay: known?.reads.lastDay ?? 0,
    eventsRefused: (known?.mirror?.eventsRefusedSince ?? null) !== null,
  };
  const intervalMs = pollIntervalMs(facts);
  return { intervalMs, polls: Math.ceil(ALLOCATION_MS / intervalMs), allocation: readAllocation(facts) };
}

function paceText({ intervalMs, polls, allocation: { allowed } }: Reads): string {
  const limit = allowed === null ? 'test data: not limited' : `of ${formatCount(allowed)} allowed`;
  return `every ${formatDuration(intervalMs)}: ${formatCount(polls)} reads in 30 days (${limit})`;
}

function usedUp({ allocation: { used, allowed } }: Reads): Finding[] {
  if (allowed === null || used < allowed) return [];
  return [
    found(
      'stripe_reads_used_up',
      `${formatCount(used)} reads of Stripe in the last 30 days, and STRIPE_SHARE of its allocation is ${formatCount(allowed)}: syncs now run at the longest interval, and Stripe may refuse further reads`,
      'Raise STRIPE_SHARE where nothing else reads this account, or ask Stripe for more; status shows how it goes on',
    ),
  ];
}

/** Only where somebody chose it: the default is what the allocation allows. */
function notKept(
  { syncEveryMs, isIntervalChosen }: WorkFacts,
  { intervalMs, allocation: { allowed } }: Reads,
): Finding[] {
  if (!isIntervalChosen || allowed === null || intervalMs <= NOT_KEPT_FACTOR * syncEveryMs) return [];
  const wanted = formatCount(Math.ceil(ALLOCATION_MS / syncEveryMs));
  return [
    found(
      'sync_every_not_kept',
      `SYNC_EVERY is ${formatDuration(syncEveryMs)}, which takes ${wanted} reads of Stripe in 30 days, and STRIPE_SHARE of its allocation is ${formatCount(allowed)}: a sync comes every ${formatDuration(intervalMs)} instead`,
      'Leave it, raise STRIPE_SHARE where nothing else reads this account, or set STRIPE_WEBHOOK_SECRET: then Stripe wakes the worker at once',
    ),
  ];
}

export const recordsCheck: Check = {
  part: 'records',
  judge: ({ work }) => [work === null ? NOT_KNOWN : fine(recordsText(work))],
};

/** As Blnk Cloud counts them against a plan. */
function recordsText({ source, sourceShards, guestDestination }: WorkFacts): string {
  const from = sourceShards === 1 ? source : `${source}_0 to _${sourceShards - 1}`;
  return `1 transaction a payment, ${from} to @cus_… or ${guestDestination}`;
}

export const currenciesCheck: Check = {
  part: 'currencies',
  judge: () => [fine(currenciesText())],
};

function currenciesText(): string {
  const listed = ([0, 2, 3] as const).flatMap((exponent) => currenciesOf(exponent)).length;
  return `Stripe's ${listed}; others and odd three-decimal amounts are held`;
}
