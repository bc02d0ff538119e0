/**
 * Up to when is everything known? Says "complete from A to B" only where it can be proven from coverage, and otherwise
 * names the holes and what closes them. Pure: it is given coverage and a time; it reads nothing and guesses nothing.
 *
 * A payment created at `c` is certainly stored when every success from `c` on was read: from events, or from a full
 * sweep of charges. It is so too from a moment on at which the list of payments showed `c` (a success before that moment
 * was in the list).
 */

import { DAY_MS, earlier, later, merged, remaining, type Window } from '../base/window.js';
import type { PaymentFeed } from './sync-run.js';

/** A part of a list of payments that was completely read, as it was at `readAt`. */
export interface ListCoverage extends Window {
  readonly readAt: Date;
}

export interface CoverageFacts {
  /** The vendor shows payments late by at most this: what was read at `t` is certain only up to `t - lagMs`. */
  readonly lagMs: number;
  readonly now: Date;
  /** Payments created at or after this time are asked for. */
  readonly startsAt: Date;
  /** The ceiling of the first backfill; null until the first run. */
  readonly cutoverAt: Date | null;
  /** Success times that were read completely: the events feed. */
  readonly events: readonly Window[];
  /** Creation times whose payments were listed completely: backfills. */
  readonly lists: readonly ListCoverage[];
  /** Creation times of charges that finished sweeps read completely; `readAt` is that of their earliest page. */
  readonly sweeps: readonly ListCoverage[];
  readonly mayRead: FeedPermissions;
}

/** What the key may read besides the list of payments. */
export interface FeedPermissions {
  readonly events: boolean;
  readonly charges: boolean;
}

/**
 * `backfill`: workers read it by themselves. `tail`: the next sync reads it. `sweep`: its events cannot be read (any
 * more), workers read charges by themselves. `permission`: neither may be read; a person has to make another key.
 */
type HoleCloser = 'backfill' | 'tail' | 'sweep' | 'permission';

export interface Hole extends Window {
  readonly feed: PaymentFeed;
  readonly closedBy: HoleCloser;
}

export interface Completeness {
  /** Every payment created in this window that succeeded before its end is stored; null when that holds for none. */
  readonly complete: Window | null;
  /** What keeps `complete` from reaching as far as the newest event that was read; oldest first. */
  readonly holes: readonly Hole[];
}

/** Stripe keeps events for 30 days (https://docs.stripe.com/api/events); a day is left for clocks and long reads. */
export const EVENT_LIFE_MS = 29 * DAY_MS;

/**
 * A payment succeeds at most this long after its charge was created: vouchers live up to 60 days (Konbini), debits take
 * 14 business days, extended holds 30 days. Two weeks are left for what pays on the last day and settles later.
 */
export const CHARGE_TO_SUCCESS_MAX_MS = 75 * DAY_MS;

/** @returns how far completeness reaches, and the holes in the way of going further */
export function completenessOf(facts: CoverageFacts): Completeness {
  const runs = successRuns(facts);
  const newest = runs.at(-1);
  const sound = runs.filter((run) => listedBefore(run.from, facts)).at(-1);
  const complete = sound === undefined ? null : { from: facts.startsAt, to: sound.to };
  if (newest !== undefined && sound === newest && facts.mayRead.events) return { complete, holes: [] };
  return { complete, holes: holesOf(facts, complete?.to ?? null) };
}

/**
 * The success times that a sweep proves, for payments created at or after the start. A success needs a charge, made at
 * most 75 days before it; a sweep from the start on has seen every charge that such a payment can have. Null when none.
 */
export function sweptSuccesses(
  sweep: ListCoverage,
  { startsAt, lagMs }: Pick<CoverageFacts, 'startsAt' | 'lagMs'>,
): Window | null {
  const from = sweep.from <= startsAt ? startsAt : new Date(sweep.from.getTime() + CHARGE_TO_SUCCESS_MAX_MS);
  const to = new Date(earlier(sweep.to, sweep.readAt).getTime() - lagMs);
  return from < to ? { from, to } : null;
}

/**
 * Stretches of success time that were not read, after what is complete; oldest first. Where events may be read, the
 * time after the newest of them is the next sync's and no gap.
 */
export function successGaps(facts: CoverageFacts): Window[] {
  const { startsAt, now, mayRead } = facts;
  const runs = successRuns(facts);
  const sound = runs.filter((run) => listedBefore(run.from, facts)).at(-1);
  const from = sound?.to ?? eventsNeededFrom(facts, facts.cutoverAt ?? now);
  const to = mayRead.events ? (runs.at(-1)?.to ?? now) : now;
  return remaining({ from: from < startsAt ? startsAt : from, to }, runs);
}

/**
 * Stretches of success time since the hand-over that neither events nor a sweep have shown, whatever lists show: a list read
 * from the start on leaves nothing out of what is complete, yet names no payment that was created before the start and
 * succeeded after the hand-over, and those are the mirror's too. Of what succeeded before the start no sweep proves
 * anything, so where that is later than the hand-over it begins there: else a sweep would be asked for for ever.
 */
export function unseenSuccesses(facts: Omit<CoverageFacts, 'lists'>): Window[] {
  const { startsAt, cutoverAt, now, mayRead } = facts;
  const runs = successRuns(facts);
  return remaining(
    { from: later(startsAt, cutoverAt ?? now), to: mayRead.events ? (runs.at(-1)?.to ?? now) : now },
    runs,
  );
}

/** Where the list of payments was never read, though the mirror claims what was created there; a backfill is on its way. */
export function unlistedWindows({ startsAt, cutoverAt, now, lists }: CoverageFacts): Window[] {
  return remaining({ from: startsAt, to: cutoverAt ?? now }, lists);
}

function successRuns(facts: Omit<CoverageFacts, 'lists'>): Window[] {
  const swept = facts.sweeps.flatMap((sweep) => sweptSuccesses(sweep, facts) ?? []);
  return merged([...facts.events, ...swept]).filter((run) => run.to > facts.startsAt);
}

/** True when the lists show everything created before `from`, read so late that events from `from` on cover the rest. */
function listedBefore(from: Date, { startsAt, lists, lagMs }: CoverageFacts): boolean {
  const late = lists.filter((list) => list.readAt.getTime() - lagMs >= from.getTime());
  return remaining({ from: startsAt, to: from }, late).length === 0;
}

function holesOf(facts: CoverageFacts, after: Date | null): Hole[] {
  const holes: Hole[] = [
    ...unlistedWindows(facts).map(
      (window) => ({ ...window, feed: 'payment_intents', closedBy: 'backfill' }) satisfies Hole,
    ),
    ...successGaps(facts).flatMap((gap) => eventHoles(gap, facts)),
  ];
  return holes.filter((hole) => after === null || hole.to > after).sort((a, b) => a.from.getTime() - b.from.getTime());
}

/**
 * The latest moment from which events, read without a hole, leave nothing out: the hand-over, or earlier, the oldest
 * reading that some part of the list still rests on. Found by halving: later thresholds keep fewer readings.
 */
function eventsNeededFrom({ startsAt, lists, lagMs }: CoverageFacts, cutoverAt: Date): Date {
  const asked = { from: startsAt, to: cutoverAt };
  const uncovered = lengthMs(remaining(asked, lists));
  const readings = [...new Set(lists.map((list) => list.readAt.getTime()))].sort((a, b) => a - b);
  let enough = 0;
  let tooLate = readings.length;
  while (tooLate - enough > 1) {
    const middle = Math.floor((enough + tooLate) / 2);
    const kept = lists.filter((list) => list.readAt.getTime() >= (readings[middle] ?? 0));
    if (lengthMs(remaining(asked, kept)) === uncovered) enough = middle;
    else tooLate = middle;
  }
  const oldest = readings[enough];
  return oldest === undefined ? cutoverAt : new Date(Math.min(oldest - lagMs, cutoverAt.getTime()));
}

/** A gap is cut where events are gone at the vendor: the tail reads what is younger. */
function eventHoles(gap: Window, { now, mayRead }: CoverageFacts): Hole[] {
  const oldestEvent = new Date(now.getTime() - EVENT_LIFE_MS);
  const cut = mayRead.events ? (oldestEvent < gap.from ? gap.from : earlier(oldestEvent, gap.to)) : gap.to;
  const holes: Hole[] = [
    { from: gap.from, to: cut, feed: 'events', closedBy: mayRead.charges ? 'sweep' : 'permission' },
    { from: cut, to: gap.to, feed: 'events', closedBy: 'tail' },
  ];
  return holes.filter((hole) => hole.from < hole.to);
}

function lengthMs(windows: readonly Window[]): number {
  return windows.reduce((sum, window) => sum + window.to.getTime() - window.from.getTime(), 0);
}
